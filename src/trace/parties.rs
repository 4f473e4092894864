//! Who has messages in a ring, found by what the engine calls them and by name.
//!
//! An Account that is removed, or comes again under its old name, is still found by that name while
//! a message of it is held; who has none any more takes no memory.

use std::collections::HashMap;
use std::sync::Arc;

use super::ring::NOWHERE;
use crate::effect::{AccountId, Whose};

/// All that have messages.
#[derive(Default)]
pub(super) struct Parties {
    all: Vec<Party>,
    free: Vec<u32>,
    names: HashMap<Name, u32>,
    /// The numbers of parties, by the slot of their Account and by their Proxy Set. What stands
    /// here may be out of date.
    accounts: Vec<u32>,
    sets: Vec<u32>,
}

/// The name of a party.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Name {
    /// Of an Account.
    Account(Arc<str>),
    /// Of a Proxy Set.
    ProxySet(Arc<str>),
}

struct Party {
    /// `None` in a free place.
    name: Option<Name>,
    /// What the engine called it last.
    whose: Whose,
    /// Where its newest message is.
    last: u64,
}

impl Parties {
    /// The party that the engine calls so, which `name` tells the name of where it is not known
    /// yet. Nothing for nobody.
    pub(super) fn of(
        &mut self,
        whose: Whose,
        name: impl FnOnce(Whose) -> Option<Arc<str>>,
    ) -> Option<u32> {
        let known = match whose {
            Whose::Account(id) => self.accounts.get(id.slot as usize),
            Whose::ProxySet(id) => self.sets.get(id.0 as usize),
            Whose::Nobody => return None,
        };
        if let Some(number) = known.copied()
            && let Some(party) = self.all.get(number as usize)
            && party.whose == whose
            && party.name.is_some()
        {
            return Some(number);
        }
        let text = name(whose)?;
        let number = self.named(match whose {
            Whose::Account(_) => Name::Account(text),
            Whose::ProxySet(_) | Whose::Nobody => Name::ProxySet(text),
        });
        self.all[number as usize].whose = whose;
        let (places, at) = match whose {
            Whose::Account(AccountId { slot, .. }) => (&mut self.accounts, slot as usize),
            Whose::ProxySet(id) => (&mut self.sets, id.0 as usize),
            Whose::Nobody => return None,
        };
        if places.len() <= at {
            places.resize(at + 1, u32::MAX);
        }
        places[at] = number;
        Some(number)
    }

    /// The party of this name, new or not.
    pub(super) fn named(&mut self, name: Name) -> u32 {
        if let Some(number) = self.names.get(&name) {
            return *number;
        }
        let party = Party {
            name: Some(name.clone()),
            whose: Whose::Nobody,
            last: NOWHERE,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.all[number as usize] = party;
                number
            }
            None => {
                self.all.push(party);
                self.all.len() as u32 - 1
            }
        };
        self.names.insert(name, number);
        number
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
        if party.last == place
            && let Some(name) = party.name.take()
        {
            self.names.remove(&name);
            self.free.push(number);
        }
    }

    /// A party by its name.
    pub(super) fn find(&self, name: &Name) -> Option<u32> {
        self.names.get(name).copied()
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

    fn main() -> Arc<str> {
        "main".into()
    }

    #[test]
    fn an_account_keeps_its_place_over_a_reload_and_loses_it_with_its_last_message() {
        let mut parties = Parties::default();
        let first = parties.of(account(3, 0), |_| Some(main())).unwrap();
        parties.set_last(first, 80);
        assert_eq!(parties.of(account(3, 0), |_| None), Some(first));
        // Its successor has the same name, at another place of the engine.
        assert_eq!(parties.of(account(7, 0), |_| Some(main())), Some(first));
        assert_eq!(parties.of(account(7, 0), |_| None), Some(first));
        // An older message goes, then the newest.
        parties.on_gone(first, 40);
        assert_eq!(
            parties.find(&Name::Account("main".into())),
            Some(first),
            "one is left"
        );
        parties.on_gone(first, 80);
        assert_eq!(parties.find(&Name::Account("main".into())), None);
        // Whoever gets its place now is not taken for it.
        let other = parties.of(account(9, 0), |_| Some("other".into())).unwrap();
        assert_eq!(other, first);
        assert_eq!(parties.of(account(7, 0), |_| None), None);
        assert_eq!(parties.of(Whose::Nobody, |_| Some(main())), None);
    }
}
