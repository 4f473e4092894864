//! `kill -9` in the middle of a storm, after the k-th datagram or the k-th save.
//!
//! Each kill is its own small world: a registrar that is no quicker than a real one, a daemon that
//! registers everybody, the kill, a look at what is on the disk, and a daemon that goes on from it.
//! The seed of a kill is its number, which is printed when something is wrong.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regent::effect::Record;
use regent::rng::Seed;

use super::left_in;
use crate::harness::{
    Daemon, KAMAILIO, Kamailio, LONG, Many, Message, Process, Registrar, Sandbox, Setting,
    Settings, free_udp_address, program, usual, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        a_kill_loses_nothing_that_must_be_kept_1,
        a_kill_loses_nothing_that_must_be_kept_2,
        a_kill_loses_nothing_that_must_be_kept_3,
    ];
    trials.extend(trials![[LONG];
        a_kill_loses_nothing_that_must_be_kept_4,
        a_kill_loses_nothing_that_must_be_kept_5,
        a_kill_loses_nothing_that_must_be_kept_6,
        a_kill_loses_nothing_that_must_be_kept_7,
        a_kill_loses_nothing_that_must_be_kept_8,
        a_kill_loses_nothing_that_must_be_kept_9,
    ]);
    trials.extend(trials![[KAMAILIO]; a_kill_leaves_one_binding_each_at_kamailio]);
    trials.extend(trials![[KAMAILIO, LONG]; many_kills_leave_one_binding_each_at_kamailio]);
    trials
}

fn a_kill_loses_nothing_that_must_be_kept_1() {
    (0..6).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_2() {
    (6..12).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_3() {
    (12..18).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_4() {
    (18..45).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_5() {
    (45..72).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_6() {
    (72..99).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_7() {
    (99..126).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_8() {
    (126..153).for_each(play);
}

fn a_kill_loses_nothing_that_must_be_kept_9() {
    (153..180).for_each(play);
}

/// Accounts in a storm. Each sends two REGISTERs.
const ACCOUNTS: usize = 40;

/// So long the registrar takes for a datagram: the storm lasts longer than changes wait to be
/// saved.
const SLOWNESS: Duration = Duration::from_millis(3);

/// When the daemon is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    /// At this datagram, before it is answered or right after.
    Datagram(u64, bool),
    /// When the log of the database has changed so often.
    Save(u64),
}

impl When {
    fn of(number: u64) -> Self {
        let mut draw = Seed::from_number(number).draw(0, 0);
        match number % 3 {
            0 => Self::Save(1 + draw.below(12)),
            _ => Self::Datagram(1 + draw.below(2 * ACCOUNTS as u64), number % 3 == 1),
        }
    }
}

/// The daemon that is to be killed; 0 while there is none.
#[derive(Clone, Default)]
struct Victim(Arc<AtomicI32>);

impl Victim {
    fn kill(&self) {
        let pid = self.0.swap(0, Ordering::SeqCst);
        if pid > 0 {
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }
}

fn play(number: u64) {
    let when = When::of(number);
    let told = thread::spawn(move || one_kill(when)).join();
    assert!(told.is_ok(), "kill number {number}, {when:?}: see above");
}

// rule L8
fn one_kill(when: When) {
    let sandbox = Sandbox::new();
    let victim = Victim::default();
    let registrar = slow_registrar(when, &victim);
    let file = configuration(&sandbox, registrar.address());
    let state = sandbox.path("state");
    run_and_kill(&sandbox, &file, when, &victim);
    let before = settle(&registrar);
    let records = left_in(&state);
    let daemon = Daemon::start_with(&sandbox, &file);
    daemon.wait_count(Duration::from_secs(30), ACCOUNTS);
    let transcript = registrar.heard();
    let heard: Vec<Message> = transcript.registers().into_iter().cloned().collect();
    sequence_rises(&heard);
    identity_stays(&heard);
    for record in &records {
        goes_on(record, &heard[..before], &heard[before..], &daemon);
    }
    daemon.stop();
    let records = left_in(&state);
    assert_eq!(records.len(), ACCOUNTS);
    assert!(
        records
            .iter()
            .all(|record| record.clean && record.binding.is_some())
    );
}

/// Waits until all that the dead daemon had sent is answered: datagrams keep their order, so that
/// is when one of ours is heard. How many REGISTERs that were.
fn settle(registrar: &Registrar) -> usize {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mark = "the daemon is dead";
    socket
        .send_to(mark.as_bytes(), registrar.address())
        .expect("room for a datagram");
    wait_until(Duration::from_secs(10), "the registrar to be done", || {
        registrar
            .heard()
            .0
            .iter()
            .any(|message| message.text() == mark)
    });
    registrar.heard().registers().len()
}

/// It kills the daemon at a datagram, if that is what is wanted.
fn slow_registrar(when: When, victim: &Victim) -> Registrar {
    let victim = victim.clone();
    let count = AtomicU64::new(0);
    Registrar::start(move |message| {
        thread::sleep(SLOWNESS);
        let nth = 1 + count.fetch_add(1, Ordering::Relaxed);
        match when {
            When::Datagram(k, is_answered) if k == nth => {
                let victim = victim.clone();
                match is_answered {
                    // The answer leaves when this returns, and the kill comes about then.
                    true => drop(thread::spawn(move || victim.kill())),
                    false => victim.kill(),
                }
            }
            _ => {}
        }
        usual(message, 600)
    })
}

/// Everything at a port that is the same in both runs.
fn configuration(sandbox: &Sandbox, registrar: SocketAddr) -> PathBuf {
    let text = Many::new(ACCOUNTS, registrar).text();
    let port = free_udp_address().port();
    let text = text.replace("udp_port = 0", &format!("udp_port = {port}"));
    sandbox.write("regent.toml", &text)
}

/// Starts a daemon and waits for its end.
fn run_and_kill(sandbox: &Sandbox, file: &Path, when: When, victim: &Victim) {
    let (home, log) = (sandbox.path(""), sandbox.path("first.log"));
    let [file, socket] = [file.to_owned(), sandbox.path("first.sock")];
    let [file, socket] = [&file, &socket].map(|path| path.to_string_lossy());
    let arguments = ["run", &*file, "--socket", &*socket];
    let setting = Setting::new(&home, &log);
    let mut daemon = Process::start_in(&setting, &program(), &arguments);
    victim.0.store(daemon.pid().as_raw(), Ordering::SeqCst);
    if let When::Save(k) = when {
        let log = sandbox.path("state/regent.db-wal");
        let (start, mut last, mut changes) = (Instant::now(), None, 0);
        // A storm may have fewer saves than that.
        while changes < k && start.elapsed() < Duration::from_secs(2) {
            let found = log.metadata().ok();
            let now = found.and_then(|found| Some((found.len(), found.modified().ok()?)));
            if now != last {
                (last, changes) = (now, changes + 1);
            }
            thread::sleep(Duration::from_micros(200));
        }
        victim.kill();
    }
    daemon.wait(Duration::from_secs(30));
}

/// CSeq neither falls nor repeats for a Call-ID, but where a request is sent again as it was.
#[track_caller]
fn sequence_rises(heard: &[Message]) {
    let mut last: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for message in heard {
        let call_id = message.header("Call-ID");
        let (cseq, via) = (message.cseq(), message.header("Via"));
        if let Some((before, its_via)) = last.get(&call_id) {
            let is_again = cseq == *before && via == *its_via;
            assert!(
                is_again || cseq > *before,
                "after CSeq {before}:\n{}",
                message.text()
            );
        }
        last.insert(call_id, (cseq, via));
    }
}

/// One Call-ID and one Contact per Account, whatever happens in between.
#[track_caller]
fn identity_stays(heard: &[Message]) {
    let mut known: BTreeMap<String, (String, String)> = BTreeMap::new();
    for message in heard {
        let contact = message.header("Contact");
        let contact = contact
            .split(";expires")
            .next()
            .unwrap_or_default()
            .to_owned();
        let own = (message.header("Call-ID"), contact);
        let before = known
            .entry(message.header("To"))
            .or_insert_with(|| own.clone());
        assert_eq!(*before, own);
    }
}

/// What a record promises is what the run after does.
#[track_caller]
fn goes_on(record: &Record, before: &[Message], after: &[Message], daemon: &Daemon<'_>) {
    let own = |messages: &[Message]| -> Vec<u32> {
        let own = messages.iter();
        let own = own.filter(|message| *message.header("Call-ID") == *record.call_id);
        own.map(Message::cseq).collect()
    };
    let (before, after) = (own(before), own(after));
    let highest = before.iter().max().copied().unwrap_or_default();
    assert!(
        highest <= record.cseq_limit,
        "CSeq {highest} had left: {record:?}"
    );
    let Some(binding) = &record.binding else {
        let first = after.first().copied();
        assert_eq!(first, Some(record.cseq_limit + 1), "{record:?}");
        return;
    };
    assert!(
        after.is_empty(),
        "a binding that is not due is left alone: {record:?}"
    );
    assert!(binding.due_unix_ms > binding.refreshed_unix_ms);
    let status = daemon.account(&record.account);
    assert!(status.is_registered(), "{status}");
}

fn a_kill_leaves_one_binding_each_at_kamailio() {
    (0..2).for_each(kill_at_kamailio);
}

fn many_kills_leave_one_binding_each_at_kamailio() {
    (2..20).for_each(kill_at_kamailio);
}

// rule L8
fn kill_at_kamailio(number: u64) {
    let sandbox = Sandbox::new();
    let settings = Settings {
        authenticate: false,
        ..Settings::default()
    };
    let kamailio = Kamailio::start(&sandbox, &settings);
    let file = configuration(&sandbox, kamailio.address());
    let k = 1 + Seed::from_number(number).draw(0, 0).below(12);
    run_and_kill(&sandbox, &file, When::Save(k), &Victim::default());
    let records = left_in(&sandbox.path("state"));
    let daemon = Daemon::start_with(&sandbox, &file);
    daemon.wait_count(Duration::from_secs(30), ACCOUNTS);
    for user in 0..ACCOUNTS {
        let user = format!("u{user}");
        let bindings = kamailio.bindings(&user);
        let [binding] = &bindings[..] else {
            panic!("kill number {number} at save {k}: {user} has {bindings:?}");
        };
        let record = records
            .iter()
            .find(|it| it.aor.contains(&format!(":{user}@")));
        if let Some(record) = record {
            assert_eq!(
                *binding.call_id, *record.call_id,
                "kill number {number} at save {k}"
            );
        }
    }
    let transcript = kamailio.transcript();
    let registers: Vec<Message> = transcript.registers().into_iter().cloned().collect();
    sequence_rises(&registers);
    identity_stays(&registers);
    daemon.stop();
}
