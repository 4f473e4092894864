//! The database from outside: what comes back, what is refused, what is left alone.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::effect::{
    Notice, NoticeAccount, NoticeKind, StoredAlertState, StoredBinding, StoredHold, StoredOpen,
    StoredVisit,
};
use crate::notify::Means;
use crate::status::UnixMs;
use crate::status::history::{EntryKind, Wanted};
use crate::status::round_trips::{KEPT_S, Point, RoundTrips, STEP_S};
use crate::store::{AlertChanges, History, OutboxChanges};

#[test]
fn records_come_back_as_they_were_written_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    assert!(store.is_new());
    assert_eq!(store.restore().unwrap(), []);
    let (full, mut plain, gone) = (full("full"), plain("plain"), full("gone"));
    let save = |store: &mut Database, removed: &[&str], records: &[&Record]| {
        let changes = Changes {
            removed: removed.iter().map(|name| Arc::from(*name)).collect(),
            records: records.iter().copied().cloned().collect(),
            ..Changes::default()
        };
        store.save(&changes, true).unwrap();
    };
    save(&mut store, &[], &[&full, &plain, &gone]);
    plain.cseq = 300;
    let mut shorter = full;
    shorter.visits.pop();
    shorter.holds.clear();
    shorter.binding = None;
    save(&mut store, &["gone", "never"], &[&plain, &shorter]);
    // A removed Account that comes back in one batch has what is written and nothing else.
    save(&mut store, &["full"], &[&shorter]);
    assert_eq!(store.restore().unwrap(), [shorter.clone(), plain.clone()]);
    drop(store);
    let mut store = Database::open(folder.path()).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.restore().unwrap(), [shorter, plain.clone()]);
    // Rows beside an Account's own are found after a restart too.
    let bare = Record {
        account: "full".into(),
        ..plain.clone()
    };
    save(&mut store, &[], &[&bare]);
    assert_eq!(store.restore().unwrap(), [bare, plain]);
}

// rule T3
#[test]
fn alerts_and_notices_come_back_as_they_were_written_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let checking = |account: &str| StoredAlert {
        account: account.to_owned(),
        identity: "sip:4930123456@carrier.example".to_owned(),
        source: Some([192, 0, 2, 9].into()),
        registrar: "[2001:db8::1]:5060".parse().unwrap(),
        server: Some("Registrar".to_owned()),
        user_agent: "regent/0.1.0".to_owned(),
        lost_unix_us: 1_795_341_600_000_000,
        state: StoredAlertState::Checking {
            failed: 2,
            due_unix_us: 1_795_341_690_000_000,
        },
    };
    let open = |subscription: &str, is_told| StoredOpen {
        subscription: subscription.to_owned(),
        limit_hours: 6,
        is_told,
    };
    let raised = |open: Vec<StoredOpen>| StoredAlert {
        source: None,
        server: None,
        state: StoredAlertState::Raised {
            started_unix_us: 1_795_341_690_000_000,
            open,
        },
        ..checking("raised")
    };
    let save = |store: &mut Database, alerts: AlertChanges, outbox: OutboxChanges| {
        let changes = Changes {
            alerts,
            outbox,
            ..Changes::default()
        };
        store.save(&changes, true).unwrap();
    };
    let first = AlertChanges {
        removed: Vec::new(),
        alerts: vec![
            checking("checked"),
            checking("gone"),
            raised(vec![open("one", false), open("two", false)]),
        ],
    };
    let letters = ["a", "c", "b"].map(letter);
    let outbox = OutboxChanges {
        letters: letters.to_vec(),
        gone: Vec::new(),
    };
    save(&mut store, first, outbox);
    let second = AlertChanges {
        removed: vec!["gone".into(), "never".into()],
        alerts: vec![raised(vec![open("two", true)])],
    };
    let [mut tried, gone, left] = letters;
    tried.tried = 3;
    tried.waited_ms = 45_000;
    tried.next_unix_ms = Some(1_795_341_800_000);
    tried.is_refused = true;
    tried.trouble = Some("550 no such user".into());
    let outbox = OutboxChanges {
        letters: vec![tried.clone()],
        gone: vec![gone.id],
    };
    save(&mut store, second, outbox);
    drop(store);
    let mut store = Database::open(folder.path()).unwrap();
    let expected = [checking("checked"), raised(vec![open("two", true)])];
    assert_eq!(store.restore_alerts().unwrap(), expected);
    // One that was tried keeps its place before the others.
    assert_eq!(store.restore_outbox().unwrap(), [tried, left]);
}

// rule T3
#[test]
fn a_notice_that_cannot_be_read_is_an_error_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let outbox = OutboxChanges {
        letters: vec![letter("a")],
        gone: Vec::new(),
    };
    let changes = Changes {
        outbox,
        ..Changes::default()
    };
    store.save(&changes, true).unwrap();
    store
        .connection
        .execute("UPDATE outbox SET notice = '{}'", [])
        .unwrap();
    let error = store.restore_outbox().unwrap_err();
    assert!(error.to_string().contains("missing field"), "{error}");
    store
        .connection
        .execute("UPDATE outbox SET means = 'pigeon'", [])
        .unwrap();
    assert!(store.restore_outbox().is_err());
}

fn letter(id: &str) -> Letter {
    let notice = Notice {
        subscription: "operations".into(),
        email: Some("operations@example.net".into()),
        webhook: None,
        kind: NoticeKind::Lost,
        at_unix_ms: 1_795_341_690_000,
        registrar: "192.0.2.1:5060".parse().unwrap(),
        server: None,
        user_agent: "regent/0.1.0".into(),
        accounts: vec![Arc::new(NoticeAccount {
            account: "main".into(),
            identity: "sip:4930123456@carrier.example".into(),
            source: None,
            lost_unix_ms: 1_795_341_600_000,
            started_unix_ms: 1_795_341_690_000,
            ended_unix_ms: None,
            registered_at: None,
        })],
    };
    Letter::new(id.into(), Means::Webhook, notice.into())
}

/// A removal that failed and was tried again must not leave rows behind: they would be in the way
/// of whoever has the name next, and of everybody in the same batch.
#[test]
fn who_is_removed_with_the_second_try_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let (one, other) = (full("one"), plain("other"));
    let put = |record: &Record| Changes {
        records: vec![record.clone()],
        ..Changes::default()
    };
    store.save(&put(&one), true).unwrap();
    let remove = Changes {
        removed: vec![Arc::from("one")],
        records: vec![other.clone()],
        ..Changes::default()
    };
    let full_disk = "CREATE TEMP TRIGGER full BEFORE INSERT ON main.account \
        BEGIN SELECT RAISE(ABORT, 'no room'); END";
    store.connection.execute_batch(full_disk).unwrap();
    store.save(&remove, true).unwrap_err();
    store.connection.execute_batch("DROP TRIGGER full").unwrap();
    store.save(&remove, true).unwrap();
    assert_eq!(store.restore().unwrap(), std::slice::from_ref(&other));
    store.save(&put(&one), true).unwrap();
    assert_eq!(store.restore().unwrap(), [one, other]);
}

#[test]
fn a_file_of_version_1_is_brought_up_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("schema/version-1.sql"))
        .unwrap();
    drop(old);
    let mut store = Database::open(folder.path()).unwrap();
    let records = store.restore().unwrap();
    assert_eq!(records.len(), 2);
    let main = &records[0];
    assert_eq!(
        (&*main.account, &*main.call_id, main.mark),
        ("main", "c0ffee", 0xbeef)
    );
    assert_eq!((main.cseq, main.cseq_limit, main.clean), (7, 256, true));
    assert_eq!(
        (main.port, main.contact_user.as_deref()),
        (Some(6_001), Some("Random1"))
    );
    let binding = main.binding.as_ref().unwrap();
    assert_eq!(
        (binding.granted, binding.due_unix_ms),
        (180, 1_795_341_690_000)
    );
    assert_eq!(binding.contact, None, "version 1 does not know it");
    assert_eq!((main.visits.len(), main.holds.len()), (2, 2));
    assert_eq!((main.visits[1].granted, main.visits[1].is_left), (90, true));
    assert_eq!(main.holds[0].registrar, None);
    assert_eq!(main.minima, [("192.0.2.1:5060".parse().unwrap(), 90)]);
    assert!(records[1].unregistered && records[1].binding.is_none());
    store.append(&[event(1, 0, "first")]).unwrap();
    assert_eq!(store.newest().unwrap(), 1);
    drop(store);
    let version = |sql| {
        let connection = Connection::open(&path).unwrap();
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(version("PRAGMA user_version"), schema::LATEST);
}

#[test]
fn what_a_newer_version_wrote_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    drop(Database::open(folder.path()).unwrap());
    let path = folder.path().join(FILE);
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(&path).unwrap();
    let error = Database::open(folder.path()).err().unwrap();
    let known = schema::LATEST;
    let expected = format!(
        "{} is of version 99, and this regent knows versions up to {known}",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read(&path).unwrap(), before);
    let history = History::open(folder.path()).err().unwrap();
    assert_eq!(history.to_string(), expected);
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let foreign = Connection::open(&path).unwrap();
    foreign
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .unwrap();
    drop(foreign);
    for (text, expected) in [
        (None, "is a database of another program"),
        (
            Some("my shopping list, which is longer than a header"),
            "is damaged: it is no database",
        ),
    ] {
        if let Some(text) = text {
            fs::write(&path, text.repeat(100)).unwrap();
        }
        let before = fs::read(&path).unwrap();
        let error = Database::open(folder.path()).err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn what_was_damaged_is_found_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let records = (0..500).map(|number| full(&format!("a{number}"))).collect();
    let changes = Changes {
        records,
        ..Changes::default()
    };
    store.save(&changes, false).unwrap();
    drop(store);
    let path = folder.path().join(FILE);
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    for byte in &mut flipped[4_096..4_500] {
        *byte ^= 0x55;
    }
    let half = good[..good.len() / 2].to_vec();
    for bad in [flipped, half] {
        fs::write(&path, &bad).unwrap();
        let found = Database::open(folder.path()).and_then(|mut store| store.restore());
        let error = found.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.hint().unwrap().contains("mv "), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bad);
    }
    let text = "INSERT INTO account SELECT 'x', aor, epoch, call_id, mark, cseq, cseq_limit, clean, \
                unregistered, port, contact_user, 'nowhere', granted_secs, refreshed_unix_ms, \
                since_unix_ms, due_unix_ms, contact FROM account LIMIT 1";
    fs::write(&path, &good).unwrap();
    Connection::open(&path).unwrap().execute(text, []).unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let error = store.restore().unwrap_err().to_string();
    assert!(error.contains("\"nowhere\" is no address"), "{error}");
}

#[test]
fn one_daemon_at_a_time_has_a_directory_that_is_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("above/state");
    let store = Database::open(&directory).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in [FILE, LOCK, "regent.db-wal", "regent.db-shm"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
    let error = Database::open(&directory).err().unwrap().to_string();
    let process = format!("another daemon (process {}) uses", std::process::id());
    assert!(error.starts_with(&process), "{error}");
    drop(store);
    drop(Database::open(&directory).unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Database::open(&file).err().unwrap();
    assert!(matches!(error, StoreError::Directory { .. }), "{error}");
}

#[test]
fn events_are_found_by_account_time_kind_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    assert_eq!(store.newest().unwrap(), 0);
    let all: Vec<_> = (1..=2_500)
        .map(|id| event(id, id, &format!("a{}", id % 5)))
        .collect();
    store.append(&all).unwrap();
    store.append(&all[..3]).unwrap();
    let history = History::open(folder.path()).unwrap();
    let ids = |wanted: &Wanted| {
        let mut ids: Vec<u64> = Vec::new();
        let mut next = history.first(wanted).unwrap();
        while let Some(from) = next {
            let page = history.page(wanted, from).unwrap();
            next = page.last().map(|last| last.id + 1);
            ids.extend(page.iter().map(|entry| entry.id));
            assert!(
                page.iter()
                    .all(|entry| wanted.has(entry) && *entry == *all[entry.id as usize - 1])
            );
        }
        ids
    };
    let wanted = Wanted::default();
    assert_eq!(ids(&wanted), (1..=2_500).collect::<Vec<_>>());
    let of = |names: &[&str]| Wanted {
        accounts: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Wanted::default()
    };
    assert_eq!(
        ids(&of(&["a3"])),
        (3..=2_500).step_by(5).collect::<Vec<_>>()
    );
    assert_eq!(ids(&of(&["a3", "a4"])).len(), 1_000);
    assert!(ids(&of(&["nobody"])).is_empty());
    let window = Wanted {
        since: Some(UnixMs(10)),
        until: Some(UnixMs(21)),
        kinds: vec![EntryKind::Warning],
        ..of(&["a0"])
    };
    assert_eq!(ids(&window), [10, 20]);
    let last = Wanted {
        limit: Some(1),
        ..window
    };
    assert_eq!(ids(&last), [20]);
    let newest = Wanted {
        limit: Some(3),
        ..Wanted::default()
    };
    assert_eq!(ids(&newest), [2_498, 2_499, 2_500]);
    let page = Wanted {
        before: Some(2_498),
        ..newest
    };
    assert_eq!(ids(&page), [2_495, 2_496, 2_497]);
    let first = Wanted {
        before: Some(2),
        ..page
    };
    assert_eq!(ids(&first), [1]);
}

#[test]
fn events_go_by_age_and_number_but_never_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let all: Vec<_> = (1..=10_000).map(|id| event(id, id, "a")).collect();
    store.append(&all).unwrap();
    let left = |store: &mut Database, keep: Keep| {
        while store.trim(keep).unwrap() {}
        let sql = "SELECT min(id), max(id), count(*) FROM event";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: (i64, i64, i64) = store.connection.query_row(sql, [], read).unwrap();
        found
    };
    let keep = |since, events| Keep {
        since: UnixMs(since),
        events,
    };
    assert_eq!(left(&mut store, keep(0, 9_000)), (1_001, 10_000, 9_000));
    assert_eq!(left(&mut store, keep(8_001, 9_000)), (8_001, 10_000, 2_000));
    assert_eq!(left(&mut store, keep(i64::MAX, 9_000)), (10_000, 10_000, 1));
    assert_eq!(store.newest().unwrap(), 10_000);
}

fn event(id: u64, at: u64, account: &str) -> Arc<Entry> {
    Arc::new(Entry {
        id,
        at: UnixMs(i64::try_from(at).unwrap()),
        kind: if id.is_multiple_of(2) {
            EntryKind::Warning
        } else {
            EntryKind::Phase
        },
        account: Some(account.into()),
        from: Some("registering".into()),
        to: None,
        registrar: Some("[2001:db8::1]:5060".parse().unwrap()),
        code: Some(503),
        uid: Some(u32::MAX),
        text: "for people".into(),
    })
}

fn plain(name: &str) -> Record {
    Record {
        account: name.into(),
        aor: format!("sip:{name}@carrier.example").into(),
        epoch: u64::MAX,
        call_id: "c0ffee".into(),
        mark: 0xbeef,
        cseq: 7,
        cseq_limit: u32::MAX,
        clean: true,
        binding: None,
        unregistered: true,
        port: None,
        contact_user: None,
        visits: Vec::new(),
        holds: Vec::new(),
        minima: Vec::new(),
    }
}

fn full(name: &str) -> Record {
    let registrars = ["192.0.2.1:5060", "[2001:db8::1]:5070"].map(|at| at.parse().unwrap());
    let visit = |registrar| StoredVisit {
        registrar,
        ends_unix_us: i64::MIN,
        granted: 180,
        is_left: false,
    };
    let hold = |registrar| StoredHold {
        registrar,
        until_unix_ms: 12,
    };
    Record {
        binding: Some(StoredBinding {
            registrar: registrars[1],
            granted: 180,
            refreshed_unix_ms: 1,
            since_unix_ms: -2,
            due_unix_ms: 3,
            contact: Some(([192, 0, 2, 9], 5060).into()),
        }),
        port: Some(u16::MAX),
        contact_user: Some("Ünicode'\"".to_owned()),
        // The same registrar twice: order and number are kept, whatever they mean.
        visits: [registrars[0], registrars[1], registrars[0]]
            .map(visit)
            .into(),
        holds: [None, Some(registrars[0])].map(hold).into(),
        minima: registrars.map(|registrar| (registrar, 90)).into(),
        ..plain(name)
    }
}

#[test]
fn round_trips_come_back_and_old_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let point = |step: i64, count| Point {
        at: UnixMs(step * STEP_S * 1_000),
        count,
        min_us: 900,
        median_us: 1_000,
        max_us: u32::MAX,
    };
    let [one, other] = [1, 2].map(|last| SocketAddr::from(([192, 0, 2, last], 5060)));
    let mut store = Database::open(folder.path()).unwrap();
    assert_eq!(store.restore_round_trips().unwrap(), []);
    let first = [(one, point(1, 5)), (other, point(1, 6))];
    store.keep_round_trips(&first).unwrap();
    // The same five minutes again, after a restart within them.
    store.keep_round_trips(&[(one, point(1, 7))]).unwrap();
    store.keep_round_trips(&[(one, point(2, 8))]).unwrap();
    drop(store);
    let mut store = Database::open(folder.path()).unwrap();
    let expected = [(one, point(1, 7)), (other, point(1, 6)), (one, point(2, 8))];
    assert_eq!(store.restore_round_trips().unwrap(), expected);
    // A week after the second the first is too old.
    let week = KEPT_S / STEP_S;
    store
        .keep_round_trips(&[(one, point(week + 2, 9))])
        .unwrap();
    let left = [(one, point(2, 8)), (one, point(week + 2, 9))];
    assert_eq!(store.restore_round_trips().unwrap(), left);
}

#[test]
fn round_trips_of_a_clock_that_was_ahead_go_when_it_is_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let point = |step: i64| Point {
        at: UnixMs(step * STEP_S * 1_000),
        count: 1,
        min_us: 900,
        median_us: 1_000,
        max_us: 1_100,
    };
    let [one, other] = [1, 2].map(|last| SocketAddr::from(([192, 0, 2, last], 5060)));
    let mut store = Database::open(folder.path()).unwrap();
    let ahead = [(one, point(900)), (other, point(901))];
    store.keep_round_trips(&ahead).unwrap();
    // Those of several five minutes may be written at once, in the order in which they were made.
    let both = [(one, point(902)), (one, point(9))];
    store.keep_round_trips(&both).unwrap();
    let left = store.restore_round_trips().unwrap();
    assert_eq!(left, [(one, point(9))]);
}

#[test]
fn round_trips_of_very_many_registrars_are_kept_for_less_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Database::open(folder.path()).unwrap();
    let each = 10_000;
    let steps = RoundTrips::MOST as i64 / i64::from(each) + 2;
    for step in 0..steps {
        let points = (0..each).map(|port: u16| {
            let at = UnixMs(step * STEP_S * 1_000);
            let point = Point {
                at,
                count: 1,
                min_us: 1,
                median_us: 1,
                max_us: 1,
            };
            (SocketAddr::from(([192, 0, 2, 1], port)), point)
        });
        let points: Vec<_> = points.collect();
        store.keep_round_trips(&points).unwrap();
    }
    let left = store.restore_round_trips().unwrap();
    assert_eq!(left.len(), RoundTrips::MOST);
    assert_eq!(left[0].1.at, UnixMs(2 * STEP_S * 1_000));
}
