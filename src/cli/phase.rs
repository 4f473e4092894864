//! Phases as words of a command line, with what they mean.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::status::Phase;
use crate::status::order::SortKey;

/// Reads a phase by the word that JSON has for it.
pub(super) fn parser() -> impl TypedValueParser<Value = Phase> {
    let words = PHASES.map(|(word, phase, meaning)| {
        let is_reserved = phase == Phase::Standby;
        PossibleValue::new(word).help(meaning).hide(is_reserved)
    });
    PossibleValuesParser::new(words).map(|word: String| {
        let found = PHASES.iter().find(|(known, ..)| *known == word);
        found.map_or(Phase::Standby, |(_, phase, _)| *phase)
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

/// All phases: their words, and what they mean.
const PHASES: [(&str, Phase, &str); 11] = [
    (
        "registered",
        Phase::Registered,
        "A registrar holds the binding, also while a refresh fails",
    ),
    (
        "registering",
        Phase::Registering,
        "A REGISTER is under way or about to leave",
    ),
    (
        "waiting-to-retry",
        Phase::WaitingToRetry,
        "The last attempt failed; the next one has its time",
    ),
    (
        "waiting-for-another-account",
        Phase::WaitingForAnotherAccount,
        "Another Account finds out whether the registrar answers",
    ),
    (
        "avoided",
        Phase::Avoided,
        "Every registrar of the set is avoided for a while",
    ),
    ("no-port", Phase::NoPort, "No local port was free"),
    ("held", Phase::Held, "The served group is not online"),
    (
        "unregistering",
        Phase::Unregistering,
        "The binding is being removed",
    ),
    (
        "unregistered",
        Phase::Unregistered,
        "Not registered, by an operator's word",
    ),
    (
        "authentication-only",
        Phase::AuthenticationOnly,
        "register = \"no\": it only answers challenges",
    ),
    ("standby", Phase::Standby, "Another node does it"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::words::phase_key;

    #[test]
    fn the_words_are_those_of_the_json() {
        for (word, phase, _) in PHASES {
            assert_eq!(serde_json::to_value(phase).unwrap(), word);
            assert_eq!(phase_key(phase), word);
        }
    }
}
