//! Phases as words of a command line, with what they mean.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::status::Phase;
use crate::status::order::SortKey;
use crate::status::words::{PHASES, phase_key};

/// Reads a phase by the word that JSON has for it.
pub(super) fn parser() -> impl TypedValueParser<Value = Phase> {
    let words = PHASES.map(|phase| PossibleValue::new(phase_key(phase)).help(meaning(phase)));
    PossibleValuesParser::new(words).map(|word: String| {
        let found = PHASES.into_iter().find(|phase| phase_key(*phase) == word);
        found.unwrap_or(Phase::Standby)
    })
}

/// Reads an order of Accounts by its word.
pub(super) fn sort_parser() -> impl TypedValueParser<Value = SortKey> {
    let words = SortKey::ALL.map(|(_, word, meaning)| PossibleValue::new(word).help(meaning));
    PossibleValuesParser::new(words).map(|word: String| {
        let found = SortKey::ALL.iter().find(|(_, known, _)| *known == word);
        found.map_or(SortKey::Index, |(key, ..)| *key)
    })
}

/// What a phase means.
const fn meaning(phase: Phase) -> &'static str {
    match phase {
        Phase::Registered => "A registrar holds the binding, also while a refresh fails",
        Phase::Registering => "A REGISTER is under way or about to leave",
        Phase::WaitingToRetry => "The last attempt failed; the next one has its time",
        Phase::WaitingForAnotherAccount => {
            "Another Account finds out whether the registrar answers"
        }
        Phase::Avoided => "Every registrar of the set is avoided for a while",
        Phase::NoPort => "No local port was free",
        Phase::Held => "The served group is not online",
        Phase::Unregistering => "The binding is being removed",
        Phase::Unregistered => "Not registered, by an operator's word",
        Phase::AuthenticationOnly => "register = \"no\": it only answers challenges",
        Phase::Standby => "Reserved: another node does it; no Account is so yet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_json() {
        let command = clap::Command::new("t").arg(clap::Arg::new("phase").value_parser(parser()));
        for phase in PHASES {
            let word = phase_key(phase);
            assert_eq!(serde_json::to_value(phase).unwrap(), word);
            let matches = command.clone().try_get_matches_from(["t", word]).unwrap();
            assert_eq!(matches.get_one::<Phase>("phase"), Some(&phase));
        }
    }
}
