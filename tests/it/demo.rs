//! `regent demo`: what the daemon says of itself is what the registrars say of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::harness::{
    Account, Process, SOON, Sandbox, User, program, read_text, regent, wait_for, wait_until,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[]; the_demo_counts_its_registers_and_its_tables_agree]
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
