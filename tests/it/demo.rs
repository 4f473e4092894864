//! `regent demo`: what the daemon says of itself is what the registrars say of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::demo::{self, Silence, Stage};

use crate::harness::{
    Account, LONG, Process, SOON, Sandbox, User, program, read_text, regent, wait_for, wait_until,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        the_demo_counts_its_registers_and_its_tables_agree,
        a_silent_registrar_is_told_and_its_bindings_come_back,
        a_signal_ends_the_demo_in_order,
    ];
    trials.extend(trials![[LONG]; whoever_looks_for_half_a_minute_sees_the_silence_end]);
    trials
}

/// After the first refresh at Overseas (6 s) and before the first one at Carrier (10 s).
const SECONDS: u64 = 8;

/// The Accounts at a registrar, with how many REGISTERs each has sent by then: two to register, of
/// which one meets the challenge, and one for each refresh. The wrong password is tried once.
type Expected = &'static [(&'static str, u64)];
const CARRIER: Expected = &[("main", 2), ("fax", 2), ("branch", 2), ("door", 2)];
const OVERSEAS: Expected = &[("sales-us", 3), ("support-us", 3)];
const WRONG: &str = "branch";

// rules I1, L1, L3, A1
fn the_demo_counts_its_registers_and_its_tables_agree() {
    let sandbox = Sandbox::new();
    let start = Instant::now();
    let log = sandbox.path("demo.log");
    let seconds = SECONDS.to_string();
    let arguments = ["demo", "--seconds", &seconds];
    let mut demo = Process::start(&program(), &arguments, &sandbox.path(""), &log);
    let socket = wait_for(SOON, "the name of the socket", || socket(&demo.output()));
    assert!(socket.exists(), "{} is not there", socket.display());

    let names = || CARRIER.iter().chain(OVERSEAS).map(|(name, _)| *name);
    let mut status = String::new();
    wait_until(SOON, "all Accounts to have come to rest", || {
        let path = socket.to_string_lossy();
        let said = regent(
            &sandbox,
            User::Same,
            &["status", "--json", "--socket", &path],
        );
        assert_eq!(said.code, Some(0), "{said:?}");
        status = said.output;
        names().all(|name| match account(&status, name) {
            account if name == WRONG => account.is_waiting(),
            account => account.is_registered(),
        })
    });
    let ended = demo.wait(Duration::from_secs(SECONDS + 7));
    assert!(ended.success(), "{ended}");
    let took = start.elapsed().as_secs();
    assert!((SECONDS..SECONDS + 4).contains(&took), "took {took} s");
    assert!(!socket.exists(), "the folder of the demo is left behind");

    let output = read_text(&log);
    for (name, expected, wrong) in [("Carrier", CARRIER, 1), ("Overseas", OVERSEAS, 0)] {
        let table = Table::read(&output, name);
        let registers: u64 = expected.iter().map(|(_, count)| count).sum();
        assert_eq!(table.counts, [registers, 0, wrong], "{name}:\n{output}");
        let bound = expected.iter().filter(|(name, _)| *name != WRONG);
        let told: BTreeMap<String, String> = bound
            .map(|(name, _)| binding(&account(&status, name), table.address))
            .collect();
        assert_eq!(table.bindings, told, "{name}:\n{output}");
    }
    let last = output.lines().last().unwrap_or_default();
    assert_eq!(
        last,
        "The registrars heard 14 REGISTERs. The daemon has stopped; all bindings were removed."
    );
}

/// The refresh at 6 s meets silence, sent 3 times within 3.5 s; the bindings end at 12 s; the next
/// attempt, 10 s after the last one failed, is heard. Carrier is not concerned.
// rules L1, L3, L5
fn a_silent_registrar_is_told_and_its_bindings_come_back() {
    let silence = Silence {
        after: Duration::from_secs(3),
        span: Duration::from_secs(12),
    };
    let (_, stopped) = demo::run_with(silence, |stage| {
        let [(_, carrier), (_, overseas)] = stage.registrars();
        let at = overseas.address;
        let expected = [
            format!("registered at {at}"),
            format!("registered at {at}: refresh failing: no answer"),
            format!("not registered (408), waiting to retry at {at}: no answer"),
            format!("registered at {at}"),
        ];
        let mut news = News::of(stage);
        for (number, line) in expected.iter().enumerate() {
            for name in ["sales-us", "support-us"] {
                assert_eq!(&news.next_of(name), line, "number {number} of {name}");
            }
        }
        // Four REGISTERs at first, since they are challenged; two of the refresh, three times; and
        // one for each in the end, with the nonce from before.
        let [_, (_, overseas)] = stage.registrars();
        let counts = overseas.counts;
        let heard = [counts.registers, counts.retransmissions, counts.ignored];
        assert_eq!((heard, counts.challenged), ([6, 0, 6], 2), "{counts:?}");
        assert_eq!(overseas.bindings.len(), 2, "{overseas:?}");
        let at = carrier.address;
        for name in ["main", "fax", "door"] {
            assert_eq!(news.next_of(name), format!("registered at {at}"));
            assert!(!news.has_more_of(name), "more than that of {name}");
        }
    })
    .expect("the demo starts and stops");
    assert_eq!(stopped.left, 0, "bindings that could not be removed");
}

// rules L3, L5
fn whoever_looks_for_half_a_minute_sees_the_silence_end() {
    let said = regent(&Sandbox::new(), User::Same, &["demo", "--seconds", "30"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let sums = |text: &str| said.output.matches(text).count();
    assert!(sums("refresh failing: no answer") >= 2, "{}", said.output);
    assert_eq!(sums("6 Accounts: 3 registered, 3 waiting to retry"), 1);
    let (_, after) = said
        .output
        .split_once("6 Accounts: 3 registered")
        .unwrap_or_default();
    assert!(
        after.contains("6 Accounts: 5 registered, 1 waiting to retry"),
        "{}",
        said.output
    );
}

fn a_signal_ends_the_demo_in_order() {
    let sandbox = Sandbox::new();
    let log = sandbox.path("demo.log");
    let mut demo = Process::start(&program(), &["demo"], &sandbox.path(""), &log);
    let socket = wait_for(SOON, "the name of the socket", || socket(&demo.output()));
    demo.signal(Signal::SIGTERM);
    let ended = demo.wait(SOON);
    assert!(ended.success(), "{ended}");
    let output = demo.output();
    assert!(output.ends_with("all bindings were removed.\n"), "{output}");
    let folder = socket.parent().expect("the socket lies in a folder");
    assert!(!folder.exists(), "{} is left behind", folder.display());
}

/// What `regent status --watch` tells of the Accounts of a stage.
struct News {
    watch: Process,
    /// How many lines of each Account have been read.
    read: BTreeMap<String, usize>,
}

impl News {
    #[track_caller]
    fn of(stage: &Stage) -> Self {
        let socket = stage.socket();
        let folder = socket.parent().expect("the socket lies in a folder");
        let path = socket.to_string_lossy();
        let arguments = ["status", "--watch", "--socket", &path];
        let watch = Process::start(&program(), &arguments, folder, &folder.join("news"));
        Self {
            watch,
            read: BTreeMap::new(),
        }
    }

    /// The lines of an Account so far, without time and name, from the first success. An attempt
    /// that is answered at once may be told or not, since a watch has the latest status and not
    /// each one, so it is left out.
    fn lines(&self, name: &str) -> Vec<String> {
        let output = self.watch.output();
        let whole = output.rfind('\n').map_or("", |end| &output[..end]);
        let told = whole.lines().filter_map(|line| {
            let (_, line) = line.split_once("Z ")?;
            line.strip_prefix(name)?.strip_prefix(": ")
        });
        let told = told.filter(|line| !line.contains(", registering"));
        let told = told.skip_while(|line| !line.starts_with("registered"));
        told.map(str::to_owned).collect()
    }

    fn has_more_of(&self, name: &str) -> bool {
        self.lines(name).len() > self.read.get(name).copied().unwrap_or_default()
    }

    /// Waits for the next line of an Account.
    #[track_caller]
    fn next_of(&mut self, name: &str) -> String {
        let read = self.read.get(name).copied().unwrap_or_default();
        let what = format!("line {} of {name}", read + 1);
        let line = wait_for(PATIENCE, &what, || self.lines(name).into_iter().nth(read));
        self.read.insert(name.to_owned(), read + 1);
        line
    }
}

/// Longer than anything that the demo waits for.
const PATIENCE: Duration = Duration::from_secs(25);

/// The path that the demo prints for whoever wants to look.
fn socket(output: &str) -> Option<PathBuf> {
    let (_, rest) = output.split_once("--socket ")?;
    rest.split_once('\n').map(|(path, _)| path.into())
}

#[track_caller]
fn account(status: &str, name: &str) -> Account {
    Account::read(status, name).unwrap_or_else(|why| panic!("{why}"))
}

/// What the registrar's table should say of a registered Account: its address-of-record and its
/// Contact, without the parameters of either.
#[track_caller]
fn binding(account: &Account, registrar: SocketAddr) -> (String, String) {
    assert_eq!(account.registrar(), registrar.to_string(), "{account}");
    let aor = account.aor().trim_start_matches("sip:");
    let (user, _) = aor.split_once('@').unwrap_or((aor, ""));
    (aor.to_owned(), format!("sip:{user}@{}", account.local()))
}

/// What a registrar says of itself at the end.
struct Table {
    address: SocketAddr,
    /// REGISTERs, retransmissions, wrong passwords.
    counts: [u64; 3],
    /// Contacts by address-of-record.
    bindings: BTreeMap<String, String>,
}

impl Table {
    #[track_caller]
    fn read(output: &str, name: &str) -> Self {
        let head = format!("{name} (");
        let mut lines = output
            .lines()
            .skip_while(|line| !(line.starts_with(&head) && line.contains(" heard ")));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("no {name} in {output}"));
        let (address, rest) = line[head.len()..]
            .split_once(") heard ")
            .unwrap_or_else(|| panic!("no address in {line}"));
        let numbers: Vec<u64> = rest
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [registers, again, wrong, bindings] = numbers[..] else {
            panic!("not four numbers: {line}")
        };
        let table: BTreeMap<String, String> = lines
            .map_while(|line| line.strip_prefix("  ")?.split_once(" at "))
            .map(|(aor, contact)| {
                let contact = contact.split(';').next().unwrap_or_default();
                (aor.to_owned(), contact.to_owned())
            })
            .collect();
        assert_eq!(table.len() as u64, bindings, "{output}");
        Self {
            address: address.parse().unwrap_or_else(|_| panic!("{line}")),
            counts: [registers, again, wrong],
            bindings: table,
        }
    }
}
