//! The queue before the disk, and a disk that is told what to do.

use std::sync::mpsc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::effect::{Notice, NoticeKind, Record, StoredAlert, StoredAlertState};
use crate::notify::{Letter, Means};
use crate::status::UnixMs;
use crate::status::history::EntryKind;
use crate::store::AlertChanges;

/// A store that does each thing when it is told to, and as it is told to.
struct Puppet {
    strings: mpsc::Receiver<bool>,
    done: mpsc::Sender<String>,
}

impl Puppet {
    fn act(&self, what: String) -> Result<(), StoreError> {
        drop(self.done.send(what));
        match self.strings.recv() {
            Ok(false) => Err(StoreError::Nowhere),
            Ok(true) | Err(_) => Ok(()),
        }
    }
}

impl Store for Puppet {
    fn restore(&mut self) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    fn restore_alerts(&mut self) -> Result<Vec<StoredAlert>, StoreError> {
        Ok(Vec::new())
    }

    fn restore_outbox(&mut self) -> Result<Vec<Letter>, StoreError> {
        Ok(Vec::new())
    }

    fn save(&mut self, changes: &Changes, durable: bool) -> Result<(), StoreError> {
        let letters = changes.outbox.letters.iter();
        let letters = letters.map(|letter| format!(" +{}:{}", letter.id, letter.tried));
        let gone = changes.outbox.gone.iter().map(|id| format!(" -{id}"));
        let alerts = changes.alerts.alerts.iter();
        let alerts = alerts.map(|alert| format!(" !{}", alert.account));
        let rest: String = alerts.chain(letters).chain(gone).collect();
        let records = changes.records.iter();
        let names = records.map(|record| format!("{}:{}", record.account, record.cseq));
        let names: Vec<_> = names.collect();
        self.act(format!(
            "save {:?} {}{rest} {durable}",
            changes.removed,
            names.join(" ")
        ))
    }

    fn restore_round_trips(&mut self) -> Result<Vec<(SocketAddr, Point)>, StoreError> {
        Ok(Vec::new())
    }

    fn keep_round_trips(&mut self, points: &[(SocketAddr, Point)]) -> Result<(), StoreError> {
        self.act(format!("keep {} round trips", points.len()))
    }

    fn newest(&mut self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn append(&mut self, events: &[Arc<Entry>]) -> Result<(), StoreError> {
        let ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
        self.act(format!("append {}", ids.join(" ")))
    }

    fn trim(&mut self, keep: Keep) -> Result<bool, StoreError> {
        self.act(format!("trim {}", keep.events)).map(|()| false)
    }
}

struct Bench {
    writer: Writer,
    strings: mpsc::Sender<bool>,
    done: mpsc::Receiver<String>,
    words: UnboundedReceiver<Written>,
}

impl Bench {
    fn new(holds: bool) -> Self {
        let (strings, pulled) = mpsc::channel();
        let (tell, done) = mpsc::channel();
        let (say, words) = unbounded_channel();
        let puppet = Puppet {
            strings: pulled,
            done: tell,
        };
        let writer = Writer::start(Box::new(puppet), Manner { holds }, say).unwrap();
        Self {
            writer,
            strings,
            done,
            words,
        }
    }

    fn save(&self, batch: u64, name: &str, cseq: u32, durable: bool) {
        let changes = Changes {
            records: vec![record(name, cseq)],
            ..Changes::default()
        };
        self.writer.save(BatchId(batch), changes, durable);
    }

    /// What it begins to do next.
    fn begun(&self) -> String {
        self.done.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    fn end(&self, well: bool) {
        self.strings.send(well).unwrap();
    }

    /// What the loop is told next: batches, and whether they are saved.
    fn told(&mut self) -> (Vec<u64>, bool) {
        match self.words.blocking_recv().unwrap() {
            Written::Batches(batches, result) => (
                batches.into_iter().map(|batch| batch.0).collect(),
                result.is_ok(),
            ),
            Written::EventsFailed(_) => (Vec::new(), false),
            Written::Events => (Vec::new(), true),
        }
    }
}

#[test]
fn what_waits_is_written_at_once_and_the_last_word_counts() {
    let mut bench = Bench::new(false);
    bench.save(0, "a", 1, false);
    assert_eq!(bench.begun(), "save [] a:1 false");
    // The disk is slow, and many batches come meanwhile.
    for batch in 1..=100 {
        bench.save(batch, "a", batch as u32, batch == 50);
    }
    bench.save(101, "b", 7, false);
    bench.end(true);
    assert_eq!(bench.told(), (vec![0], true));
    assert_eq!(bench.begun(), "save [] a:100 b:7 true");
    bench.end(true);
    assert_eq!(bench.told(), ((1..=101).collect(), true));
}

#[test]
fn what_fails_is_told_and_not_tried_again_here() {
    let mut bench = Bench::new(false);
    bench.save(0, "a", 1, true);
    assert_eq!(bench.begun(), "save [] a:1 true");
    bench.end(false);
    assert_eq!(bench.told(), (vec![0], false));
    bench.save(1, "b", 1, false);
    assert_eq!(bench.begun(), "save [] b:1 false");
    bench.end(true);
    assert_eq!(bench.told(), (vec![1], true));
}

#[test]
fn what_is_held_is_tried_again_with_what_came_since() {
    let mut bench = Bench::new(true);
    bench.save(0, "a", 1, false);
    assert_eq!(bench.begun(), "save [] a:1 false");
    bench.save(1, "b", 1, false);
    bench.end(false);
    assert_eq!(bench.told(), (vec![0], false));
    assert_eq!(bench.begun(), "save [] a:1 b:1 true");
    bench.end(false);
    assert_eq!(bench.told(), (vec![1], false));
    // Nobody says anything more, and still it is tried again.
    assert_eq!(bench.begun(), "save [] a:1 b:1 true");
    bench.end(true);
    assert_eq!(bench.told(), (vec![], true));
}

// rule T3
#[test]
fn a_notice_that_could_not_be_written_is_written_with_what_it_tells_of() {
    let mut bench = Bench::new(false);
    let letter = letter("1");
    let changes = Changes {
        records: vec![record("a", 1)],
        alerts: AlertChanges {
            removed: Vec::new(),
            alerts: vec![alert("a")],
        },
        outbox: OutboxChanges {
            letters: vec![letter.clone()],
            gone: Vec::new(),
        },
        ..Changes::default()
    };
    bench.writer.save(BatchId(0), changes, true);
    assert_eq!(bench.begun(), "save [] a:1 !a +1:0 true");
    bench.end(false);
    assert_eq!(bench.told(), (vec![0], false));
    // Records are for others to remember. What comes meanwhile takes the notice along.
    assert_eq!(bench.begun(), "save []  !a +1:0 true");
    bench.save(1, "b", 1, false);
    let tried = Letter { tried: 1, ..letter };
    bench.writer.post(OutboxChanges {
        letters: vec![tried],
        gone: Vec::new(),
    });
    bench.end(false);
    assert_eq!(bench.told(), (vec![], false));
    assert_eq!(bench.begun(), "save [] b:1 !a +1:1 true");
    bench.end(true);
    assert_eq!(bench.told(), (vec![1], true));
    bench.writer.post(OutboxChanges {
        letters: Vec::new(),
        gone: vec!["1".into()],
    });
    assert_eq!(bench.begun(), "save []  -1 true");
    bench.end(true);
    assert_eq!(bench.told(), (vec![], true));
}

#[test]
fn events_that_cannot_be_written_wait() {
    let mut bench = Bench::new(false);
    bench.writer.note(event(1));
    bench.writer.note(event(2));
    assert_eq!(bench.begun(), "append 1 2");
    bench.writer.note(event(3));
    bench.end(false);
    assert_eq!(bench.told(), (vec![], false));
    assert_eq!(bench.begun(), "append 1 2 3");
    bench.end(true);
    assert_eq!(bench.told(), (vec![], true));
}

#[test]
fn the_end_waits_for_all_that_was_handed_over() {
    let bench = Bench::new(false);
    bench.writer.note(event(1));
    bench.save(0, "a", 1, false);
    let flusher = bench.writer.flusher();
    let Bench {
        writer,
        strings,
        done,
        mut words,
    } = bench;
    drop(strings); // From here on everything is done well and at once.
    assert!(flusher.flush(Duration::from_secs(10)));
    writer.note(event(2));
    drop(writer);
    let done: Vec<_> = done.iter().collect();
    assert!(done.contains(&"save [] a:1 false".to_owned()), "{done:?}");
    assert_eq!(done.last().unwrap(), "append 2");
    assert!(matches!(words.try_recv(), Ok(Written::Batches(..))));
}

fn letter(id: &str) -> Letter {
    let notice = Notice {
        subscription: "s".into(),
        email: None,
        webhook: None,
        kind: NoticeKind::Lost,
        at_unix_ms: 0,
        registrar: ([192, 0, 2, 1], 5060).into(),
        server: None,
        user_agent: "".into(),
        accounts: Vec::new(),
    };
    Letter::new(id.into(), Means::Mail, notice.into())
}

fn alert(account: &str) -> StoredAlert {
    StoredAlert {
        account: account.to_owned(),
        identity: String::new(),
        source: None,
        registrar: ([192, 0, 2, 1], 5060).into(),
        server: None,
        user_agent: String::new(),
        lost_unix_us: 0,
        state: StoredAlertState::Checking {
            failed: 0,
            due_unix_us: 0,
        },
    }
}

fn event(id: u64) -> Arc<Entry> {
    Arc::new(Entry {
        id,
        ..Entry::new(EntryKind::Start, UnixMs(0))
    })
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
