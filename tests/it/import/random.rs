//! Whatever ini can say comes back from an export, and no mutation of a file breaks the import.

use std::fmt::Write as _;
use std::panic::catch_unwind;

use libtest_mimic::Trial;
use regent::config::fuzz::{fuzz_import, is_same};
use regent::config::import::{self, Limits, Passwords, Surroundings};
use regent::config::load;
use regent::rng::{Draw, Seed};

use crate::harness::{Mutator, Tokens};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        what_ini_can_say_comes_back_from_an_export,
        what_ini_cannot_say_is_listed,
        mutated_ini_files_break_nothing_and_lose_no_row,
    ]
}

const SEED: u64 = 0x1417_0001;
const ROUNDS: u64 = 300;

/// The property: export, then import, gives the same checked configuration.
fn what_ini_can_say_comes_back_from_an_export() -> Result<(), String> {
    for round in 0..ROUNDS {
        let text = Generator::new(round).text();
        let told = |what: &str| format!("seed {SEED:#x}, round {round}: {what}\n{text}");
        let loaded = load("random.toml", &text);
        let Some(config) = loaded.config else {
            return Err(told(&loaded.diagnostics.to_string()));
        };
        let exported = import::export(&config, true);
        if !exported.notes.is_empty() {
            return Err(told(&exported.notes.join("\n")));
        }
        let none = Passwords::default();
        let back = import::import("random.ini", &exported.text, &surroundings(&none));
        let is_back = back
            .config
            .as_ref()
            .is_some_and(|back| is_same(&config, back));
        if !is_back || !back.report.is_complete() {
            return Err(told(&format!(
                "{}\n{}\n{config:#?}\n{:#?}",
                *exported.text, back.report, back.config
            )));
        }
    }
    Ok(())
}

/// A host that has every address.
fn surroundings(passwords: &Passwords) -> Surroundings<'_> {
    Surroundings {
        interfaces: &[],
        is_local: &|_| true,
        passwords,
        limits: Limits::default(),
    }
}

fn what_ini_cannot_say_is_listed() {
    let text = include_str!("../../../conf/regent.toml").replace(
        "#advertised_address = \"203.0.113.7\"",
        "advertised_address = \"203.0.113.7\"",
    );
    let text = text
        .replace("#max_accounts = 102", "max_accounts = 103")
        .replace("#lagged_ms = 2000", "lagged_ms = 1999")
        .replace("#keep_alive_user = \"ping\"", "keep_alive_user = \"ping\"")
        .replace(
            "#registration_sync_mode = \"disable\"",
            "registration_sync_mode = \"any-failure\"",
        )
        .replace("password = \"change-me\"", "password = \"pässwort\"")
        .replace("name = \"PBX\"", "name = \"P\\\"X\"")
        .replace("served_ip_group = \"PBX\"", "served_ip_group = \"P\\\"X\"");
    let loaded = load("regent.toml", &text);
    let config = loaded
        .config
        .unwrap_or_else(|| panic!("{}", loaded.diagnostics));
    let notes = import::export(&config, true).notes;
    for wanted in [
        "SIP interface \"outside\": advertised_address: ini has no name for it",
        "[agent] max_accounts: ini has no name for it",
        "[registration] lagged_ms: ini has no name for it",
        "proxy set \"carrier\": keep_alive_user: ini has no name for it",
        "[registration] registration_sync_mode: ini has no number for it",
        "account \"main\": its password, since ini hides ASCII only",
        "IP group \"P\\\"X\": name: ini cannot say a double quote; a single one stands for it",
        "account \"main\": served_ip_group: ini cannot say a double quote; a single one stands \
         for it",
        "[mail] and [[alert]]: ini has no place for alerts",
        "[web]: ini has no place for the web server",
    ] {
        assert!(
            notes.iter().any(|note| note == wanted),
            "{wanted}: {notes:#?}"
        );
    }
    assert_eq!(notes.len(), 10, "{notes:#?}");
}

fn mutated_ini_files_break_nothing_and_lose_no_row() -> Result<(), String> {
    let mut mutator = Mutator::new(0x5eed_0014, "fuzz/corpus/import", INI)?;
    let mut with_accounts = 0;
    for round in 0..3_000 {
        let bytes = mutator.next();
        if catch_unwind(|| fuzz_import(&bytes)).is_err() {
            let text = bytes.escape_ascii();
            return Err(format!("seed {:#x}, round {round}:\n{text}", mutator.seed));
        }
        let Ok(text) = str::from_utf8(&bytes) else {
            continue;
        };
        let imported = import::import("mutant.ini", text, &surroundings(&Passwords::default()));
        with_accounts += u32::from(imported.report.summary.accounts_taken > 0);
    }
    // So that the mutations stay mild enough to reach what comes after the grammar.
    match with_accounts {
        0..300 => Err(format!("only {with_accounts} had Accounts")),
        _ => Ok(()),
    }
}

/// What readers of ini files trip over.
const INI: Tokens = &[
    b"\"",
    b"'",
    b"\"\"",
    b"\\",
    b",",
    b";",
    b"=",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\0",
    b"\x7f",
    b"\xc3\xa9",
    b"[",
    b"]",
    b"[ Account ]\n",
    b"[ \\Account ]\n",
    b"[ \\IPGroup ]\n",
    b"$$",
    b"$1$gQ==",
    b"$2$x",
    b"-1",
    b"0",
    b"2",
    b"99999999999",
    b"FORMAT Index = ",
    b"Account 0 = ",
    b"Account 7 = 2;\n",
    b"Account_",
    b"; *** TABLE X ***\n",
    b"SIPMaxRtx = 99\n",
    b"ProxyRedundancyMode = 1\n",
    b"SIPTransportType = 2\n",
    b"\xef\xbb\xbf",
    b"\"c\"",
    b"\"p\"",
];

/// Configurations of what ini can say.
struct Generator {
    chance: Draw,
}

impl Generator {
    fn new(round: u64) -> Self {
        Self {
            chance: Seed::from_number(SEED).draw(round, 0),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.chance.below(bound)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap_or_default()]
    }

    /// A text as TOML, of one to so many odd characters; double quotes are what ini cannot say.
    fn odd(&mut self, most: u64) -> String {
        const ODD: [char; 24] = [
            'a', 'Z', '0', '9', ' ', ',', ';', '=', '\'', '\\', '$', '#', '[', ']', '+', '-', '@',
            '.', ':', '/', '%', 'ä', '密', '€',
        ];
        let length = self.between(1, most);
        let place = |it: u64| usize::try_from(it).unwrap_or_default();
        let text: String = (0..length)
            .map(|_| ODD[place(self.below(ODD.len() as u64))])
            .collect();
        quoted(&text)
    }

    fn password(&mut self) -> String {
        let length = self.below(50);
        let text: String = (0..length)
            .map(|_| char::from(u8::try_from(self.between(0x20, 0x7e)).unwrap_or(b'x')))
            .collect();
        quoted(&text)
    }

    fn text(&mut self) -> String {
        let sets = self.between(1, 4);
        let interfaces = self.between(1, sets);
        let served = self.between(1, 4);
        let mut text = self.globals();
        for number in 0..interfaces {
            self.interface(number, &mut text);
        }
        for number in 0..sets {
            self.set(number, number % interfaces, &mut text);
        }
        for number in 0..sets {
            self.group(&format!("serving {number}"), Some(number), &mut text);
        }
        for number in 0..served {
            let set = self.flip().then(|| self.below(sets));
            self.group(&format!("served {number}"), set, &mut text);
        }
        // Every group has an Account: those of no pair beyond the first of each are left to chance.
        let mut index = 0;
        for first in 0..served {
            for second in 0..sets {
                if first % sets == second || second % served == first || self.flip() {
                    index += self.between(1, 9);
                    self.account(index, (first, second), &mut text);
                }
            }
        }
        text
    }

    fn globals(&mut self) -> String {
        let mut text = "[agent]\n".to_owned();
        if self.flip() {
            writeln!(text, "user_agent = {}", self.odd(40).replace('\'', "_")).unwrap();
        }
        text.push_str("[registration]\n");
        for (key, least, most) in [
            ("registration_time_secs", 10, 2_000_000),
            ("refresh_percent", 50, 100),
            ("refresh_threshold_secs", 0, 2_000_000),
            ("registration_retry_secs", 10, 3_600),
            ("max_registration_backoff_secs", 0, 3_000_000),
            ("sip_t1_ms", 100, 4_000),
            ("sip_t2_ms", 4_000, 10_000),
            ("sip_max_rtx", 1, 30),
            ("hot_swap_transmissions", 1, 30),
            ("account_registrar_avoidance_secs", 0, 2_000_000),
            ("dns_refresh_secs", 5, 2_000_000),
        ] {
            if self.flip() {
                writeln!(text, "{key} = {}", self.between(least, most)).unwrap();
            }
        }
        for key in [
            "use_random_user",
            "unregister_on_startup",
            "re_register_on_connection_failure",
        ] {
            writeln!(text, "{key} = {}", self.flip()).unwrap();
        }
        let mode = self.word(&["own-contact", "all"]);
        writeln!(text, "unregistration_mode = \"{mode}\"").unwrap();
        let mode = self.word(&["disable", "enable"]);
        writeln!(text, "registration_sync_mode = \"{mode}\"").unwrap();
        let codes = [self.between(300, 699), self.between(300, 699)];
        writeln!(text, "account_invite_failure_trigger_codes = {codes:?}").unwrap();
        text
    }

    fn interface(&mut self, number: u64, text: &mut String) {
        let address = match self.flip() {
            true => format!("192.0.2.{}", number / 2 + 1),
            false => format!("2001:db8::{}", number / 2 + 1),
        };
        let port = 5_000 + number;
        let first = 10_000 + number * 1_000;
        let last = first + self.between(20, 900);
        let mode = self.word(&["always-open", "open-when-used"]);
        writeln!(
            text,
            "[[sip_interface]]\nname = \"interface {number}\"\naddress = \"{address}\"\n\
             udp_port = {port}\nadditional_udp_ports = \"{first}-{last}\"\n\
             additional_udp_ports_mode = \"{mode}\""
        )
        .unwrap();
    }

    fn set(&mut self, number: u64, interface: u64, text: &mut String) {
        let is_v6 = text.contains(&format!(
            "name = \"interface {interface}\"\naddress = \"2001"
        ));
        let keep_alive = self.word(&["options", "options-on-active", "fake-register"]);
        let dns = self.word(&["a-record", "srv", "naptr"]);
        let balancing = self.word(&["none", "round-robin", "random-weights"]);
        writeln!(
            text,
            "[[proxy_set]]\nname = \"set {number}\"\nsip_interface = \"interface {interface}\"\n\
             keep_alive = \"{keep_alive}\"\nkeep_alive_secs = {}\nhot_swap = {}\n\
             success_detection_retries = {}\nsuccess_detection_interval_secs = {}\n\
             redundancy = \"{}\"\ndns_resolve_method = \"{dns}\"\nload_balancing = \"{balancing}\"",
            self.between(5, 2_000_000),
            self.flip(),
            self.between(1, 100),
            self.between(1, 200),
            self.word(&["parking", "homing"]),
        )
        .unwrap();
        if self.flip() {
            let codes = [self.between(300, 699), 404, 503];
            writeln!(text, "keep_alive_failure_responses = {codes:?}").unwrap();
        }
        if self.flip() {
            let times = self.below(256);
            writeln!(text, "failure_detection_retransmissions = {times}").unwrap();
        }
        if self.flip() {
            writeln!(text, "min_active_servers = {}", self.between(1, 15)).unwrap();
        }
        text.push_str("proxy = [\n");
        for proxy in 0..self.between(1, 3) {
            let address = match (self.below(3), is_v6) {
                (0, _) => format!("sip{proxy}.carrier{number}.example"),
                (1, _) => format!("sip{proxy}.example:{}", self.between(1, 65_535)),
                (_, true) => format!("[2001:db8:1::{}]:{}", proxy + 1, self.between(1, 65_535)),
                (_, false) => format!("198.51.100.{}", proxy + 1),
            };
            let transport = self.word(&["", ", transport = \"udp\""]);
            let priority = self.below(65_536);
            let weight = self.below(65_536);
            writeln!(
                text,
                "  {{ address = \"{address}\"{transport}, priority = {priority}, weight = {weight} }},"
            )
            .unwrap();
        }
        text.push_str("]\n");
    }

    fn group(&mut self, name: &str, set: Option<u64>, text: &mut String) {
        writeln!(text, "[[ip_group]]\nname = \"{name}\"").unwrap();
        if let Some(set) = set {
            writeln!(text, "proxy_set = \"set {set}\"").unwrap();
        }
        if self.flip() {
            let host = self.word(&["carrier.example", "[2001:db8::5]", "192.0.2.5", "a_b.local"]);
            writeln!(text, "sip_group_name = \"{host}\"").unwrap();
        }
        if self.flip() {
            writeln!(text, "contact_user = {}", self.odd(60)).unwrap();
        }
        let modes = ["user-authenticates", "sbc-as-client", "sbc-as-server"];
        let mode = self.word(&modes);
        writeln!(text, "authentication_mode = \"{mode}\"").unwrap();
        if self.flip() {
            let (user, password) = (self.odd(60), self.password());
            writeln!(
                text,
                "user_name_as_client = {user}\npassword_as_client = {password}"
            )
            .unwrap();
        }
    }

    fn account(&mut self, index: u64, (served, serving): (u64, u64), text: &mut String) {
        let (register, stickiness) = (
            self.word(&["no", "regular", "gin"]),
            self.word(&["disable", "enable", "enable-for-non-register-requests"]),
        );
        let modes = [
            "current-server",
            "ims",
            "avoid-previous-registrar-until-expiry",
        ];
        let mode = self.word(&modes);
        writeln!(
            text,
            "[[account]]\nindex = {index}\nserved_ip_group = \"served {served}\"\n\
             serving_ip_group = \"serving {serving}\"\ncontact_user = {}\nuser_name = {}\n\
             password = {}\nregister = \"{register}\"\nregistrar_stickiness = \"{stickiness}\"\n\
             registrar_search_mode = \"{mode}\"\nre_register_on_invite_failure = {}\n\
             reg_event_package_subscription = {}\nudp_port_assignment = {}",
            self.odd(60),
            self.odd(60),
            self.password(),
            self.flip(),
            self.flip(),
            register != "no" && self.flip(),
        )
        .unwrap();
        if self.flip() {
            writeln!(
                text,
                "name = \"{} {index}\"",
                self.word(&["main", "fax", "ä'[;,=\\\\"])
            )
            .unwrap();
        }
        if self.flip() {
            let hosts = [
                "h.example:5060",
                "192.0.2.7",
                "[2001:db8::9]:5070",
                "h.example",
            ];
            writeln!(text, "host_name = \"{}\"", self.word(&hosts)).unwrap();
        }
        // The served set is probed where there is one.
        let name = format!("name = \"served {served}\"\nproxy_set");
        if text.contains(&name) && self.flip() {
            let status = "register-only-if-online";
            writeln!(text, "register_by_served_ip_group_status = \"{status}\"").unwrap();
        }
    }
}

/// A text as TOML.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
