//! Who has messages in a ring, found by what the engine calls them and by name.
//!
//! An Account that is removed, or comes again under its old name, is still found by that name while
//! a message of it is held; who has none any more takes no memory. Finding somebody by name is for
//! readers, who may take their time: a map of names would cost the daemon more than all the rest,
//! since where Accounts are many they come and go here with each of their messages.

use std::ops::Range;
use std::sync::Arc;

use super::ring::NOWHERE;
use crate::effect::{AccountId, Whose};

/// All that have messages.
#[derive(Default)]
pub(super) struct Parties {
    all: Vec<Party>,
    free: Vec<u32>,
    /// The numbers of parties, by the slot of their Account and by their Proxy Set. What stands
    /// here may be out of date.
    accounts: Vec<u32>,
    sets: Vec<u32>,
}

/// The name of a party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// Of an Account.
    Account(Arc<str>),
    /// Of a Proxy Set.
    ProxySet(Arc<str>),
}

struct Party {
    /// `None` in a free place. After a reload several may have the same.
    name: Option<Name>,
    /// What the engine calls it.
    whose: Whose,
    /// See [`Name::hint`].
    hint: u32,
    /// Where its newest message is.
    last: u64,
}

impl Name {
    /// Equal names have equal hints, and others seldom.
    fn hint(&self) -> u32 {
        let (start, text) = match self {
            Self::Account(text) => (0x811c_9dc5, text),
            Self::ProxySet(text) => (0, text),
        };
        text.bytes().fold(start, |hint, byte| {
            (hint ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }
}

impl Parties {
    /// The party that the engine calls so, which `name` tells the name of where it is not known
    /// yet. Nothing for nobody.
    pub(super) fn of(
        &mut self,
        whose: Whose,
        name: impl FnOnce(Whose) -> Option<Arc<str>>,
    ) -> Option<u32> {
        let (places, at) = match whose {
            Whose::Account(AccountId { slot, .. }) => (&mut self.accounts, slot as usize),
            Whose::ProxySet(id) => (&mut self.sets, id.0 as usize),
            Whose::Nobody => return None,
        };
        if let Some(number) = places.get(at).copied()
            && let Some(party) = self.all.get(number as usize)
            && party.whose == whose
            && party.name.is_some()
        {
            return Some(number);
        }
        let text = name(whose)?;
        if places.len() <= at {
            places.resize(at + 1, u32::MAX);
        }
        let name = match whose {
            Whose::Account(_) => Name::Account(text),
            Whose::ProxySet(_) | Whose::Nobody => Name::ProxySet(text),
        };
        let number = self.add(name, whose);
        let places = match whose {
            Whose::Account(_) => &mut self.accounts,
            Whose::ProxySet(_) | Whose::Nobody => &mut self.sets,
        };
        places[at] = number;
        Some(number)
    }

    /// A party of this name, new if there is none.
    pub(super) fn named(&mut self, name: Name) -> u32 {
        let known = self.find(&name, 0..self.len()).next();
        known.unwrap_or_else(|| self.add(name, Whose::Nobody))
    }

    fn add(&mut self, name: Name, whose: Whose) -> u32 {
        let party = Party {
            hint: name.hint(),
            name: Some(name),
            whose,
            last: NOWHERE,
        };
        if let Some(number) = self.free.pop() {
            self.all[number as usize] = party;
            return number;
        }
        self.all.push(party);
        self.all.len() as u32 - 1
    }

    /// Where the newest message of a party is.
    pub(super) fn last(&self, number: u32) -> u64 {
        self.all[number as usize].last
    }

    /// A party has a newer message.
    pub(super) fn set_last(&mut self, number: u32, place: u64) {
        self.all[number as usize].last = place;
    }

    /// A message of a party is gone; a party whose last one it was is forgotten.
    pub(super) fn on_gone(&mut self, number: u32, place: u64) {
        let Some(party) = self.all.get_mut(number as usize) else {
            return;
        };
        if party.last == place && party.name.take().is_some() {
            self.free.push(number);
        }
    }

    /// So many numbers are, or were, in use.
    pub(super) fn len(&self) -> u32 {
        self.all.len() as u32
    }

    /// The parties of this name among these numbers.
    pub(super) fn find<'a>(
        &'a self,
        name: &'a Name,
        among: Range<u32>,
    ) -> impl Iterator<Item = u32> + 'a {
        let hint = name.hint();
        let parties = self.all.get(among.start as usize..).unwrap_or_default();
        let has_name = move |party: &Party| party.hint == hint && party.name.as_ref() == Some(name);
        let found = parties
            .iter()
            .zip(among)
            .filter(move |(party, _)| has_name(party));
        found.map(|(_, number)| number)
    }

    /// The name of a party.
    pub(super) fn name(&self, number: u32) -> Option<&Name> {
        self.all.get(number as usize)?.name.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(slot: u32, generation: u32) -> Whose {
        Whose::Account(AccountId { slot, generation })
    }

    fn named(name: &str) -> Arc<str> {
        name.into()
    }

    fn find(parties: &Parties, name: &str) -> Vec<u32> {
        let name = Name::Account(name.into());
        parties.find(&name, 0..parties.len()).collect()
    }

    #[test]
    fn a_name_is_found_over_a_reload_until_its_last_message_is_gone() {
        let mut parties = Parties::default();
        let first = parties.of(account(3, 0), |_| Some(named("main"))).unwrap();
        parties.set_last(first, 80);
        assert_eq!(parties.of(account(3, 0), |_| None), Some(first));
        // Its successor has the same name, and may have the same place of the engine.
        let second = parties.of(account(3, 1), |_| Some(named("main"))).unwrap();
        parties.set_last(second, 160);
        assert_eq!(parties.of(account(3, 1), |_| None), Some(second));
        assert_eq!(find(&parties, "main"), [first, second]);
        // Of the first, an older message goes, then the newest.
        parties.on_gone(first, 40);
        assert_eq!(find(&parties, "main"), [first, second], "one is left");
        parties.on_gone(first, 80);
        assert_eq!(find(&parties, "main"), [second]);
        // Whoever gets its place now is not taken for it.
        let other = parties.of(account(9, 0), |_| Some(named("other"))).unwrap();
        assert_eq!(other, first);
        assert_eq!(parties.of(account(3, 0), |_| None), None);
        assert_eq!(find(&parties, "main"), [second]);
        assert_eq!(parties.of(Whose::Nobody, |_| Some(named("main"))), None);
        assert_eq!(parties.named(Name::Account("other".into())), first);
    }
}
