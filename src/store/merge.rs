//! Several changes as one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use super::{AlertChanges, Changes, OutboxChanges};
use crate::effect::{Record, StoredAlert};
use crate::notify::Letter;

/// Several changes as one: of each Account, and of each letter, what came last.
pub(super) fn merge(mut list: Vec<Changes>) -> Changes {
    if list.len() == 1 {
        return list.remove(0);
    }
    let mut all = Changes {
        alerts: alerts(list.iter_mut().map(|it| mem::take(&mut it.alerts))),
        outbox: outbox(list.iter_mut().map(|it| mem::take(&mut it.outbox))),
        ..Changes::default()
    };
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    let mut records: Vec<Option<Record>> = Vec::new();
    for changes in list {
        for name in changes.removed {
            if let Some(place) = places.remove(&name) {
                records[place] = None;
            }
            all.removed.push(name);
        }
        for record in changes.records {
            let name = Arc::clone(&record.account);
            if let Some(place) = places.get(&name) {
                records[*place] = Some(record);
            } else {
                places.insert(name, records.len());
                records.push(Some(record));
            }
        }
    }
    all.removed.sort_unstable();
    all.removed.dedup();
    all.records = records.into_iter().flatten().collect();
    all
}

fn alerts(list: impl Iterator<Item = AlertChanges>) -> AlertChanges {
    // Nothing stands for one that is removed.
    let mut last: BTreeMap<Arc<str>, Option<StoredAlert>> = BTreeMap::new();
    for changes in list {
        last.extend(changes.removed.into_iter().map(|name| (name, None)));
        for alert in changes.alerts {
            last.insert(alert.account.as_str().into(), Some(alert));
        }
    }
    let mut all = AlertChanges::default();
    for (name, alert) in last {
        match alert {
            None => all.removed.push(name),
            Some(alert) => all.alerts.push(alert),
        }
    }
    all
}

/// A letter that is gone does not come again.
fn outbox(list: impl Iterator<Item = OutboxChanges>) -> OutboxChanges {
    let mut places: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut letters: Vec<Letter> = Vec::new();
    let mut gone: BTreeSet<Arc<str>> = BTreeSet::new();
    for changes in list {
        for letter in changes.letters {
            if let Some(place) = places.get(&letter.id) {
                letters[*place] = letter;
            } else {
                places.insert(Arc::clone(&letter.id), letters.len());
                letters.push(letter);
            }
        }
        gone.extend(changes.gone);
    }
    letters.retain(|letter| !gone.contains(&letter.id));
    OutboxChanges {
        letters,
        gone: gone.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_removed_and_comes_back_is_written_as_it_came_back() {
        let change = |removed: &[&str], records: &[(&str, u32)]| Changes {
            removed: removed.iter().map(|name| Arc::from(*name)).collect(),
            records: records
                .iter()
                .map(|(name, cseq)| record(name, *cseq))
                .collect(),
            ..Changes::default()
        };
        let list = vec![
            change(&[], &[("a", 1), ("b", 1)]),
            change(&["a", "b"], &[("b", 2)]),
            change(&["c"], &[("b", 3)]),
        ];
        let all = merge(list);
        assert_eq!(all.removed, ["a", "b", "c"].map(Arc::from));
        let left: Vec<_> = all
            .records
            .iter()
            .map(|it| (&*it.account, it.cseq))
            .collect();
        assert_eq!(left, [("b", 3)]);
    }

    fn record(name: &str, cseq: u32) -> Record {
        Record {
            account: name.into(),
            aor: "".into(),
            epoch: 0,
            call_id: "".into(),
            mark: 0,
            cseq,
            cseq_limit: 256,
            clean: false,
            binding: None,
            unregistered: false,
            port: None,
            contact_user: None,
            visits: Vec::new(),
            holds: Vec::new(),
            minima: Vec::new(),
        }
    }
}
