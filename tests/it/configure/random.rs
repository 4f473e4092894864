//! Random changes: whatever is done in whatever order, the file can be read, comments stay, and
//! what was set is what is shown.

use std::env;

use libtest_mimic::Trial;
use regent::config::options::{Fallback, Kind, Opt, Table};
use regent::config::{Severity, load};
use regent::configure::{self, Form, Session, Verb};
use regent::rng::{Draw, Seed};

use super::{MINIMAL, changing};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        random_changes_keep_the_file_whole,
    ]
}

/// Comments that stand apart from all rows, in several layouts.
const TEXTS: [&str; 3] = [
    MINIMAL,
    include_str!("../../../conf/failover.toml"),
    "# kept 1\n\nsip_interface = [{ name = \"outside\", address = \"127.0.0.1\", udp_port = 5070 }] # beside\n\
     registration.lagged_ms = 900\n# kept 2\n\n[[ip_group]]\nname = \"PBX\"\n\n# kept 3\n\n[[proxy_set]]\r\n\
     name = \"carrier\"\r\nsip_interface = \"outside\"\r\n[[ip_group]]\nname = \"Carrier\"\nproxy_set = \"carrier\"\n\
     [[proxy_set.proxy]]\naddress = \"127.0.0.1:5060\"\n\n# kept 4\n\n[[account]]\nname = \"main\"\n\
     served_ip_group = \"PBX\"\nserving_ip_group = \"Carrier\"\ncontact_user = \"u\"\n\n# kept 5",
];

fn random_changes_keep_the_file_whole() {
    let seeds = match env::var("REGENT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => seed..=seed,
        None => 0..=SEEDS,
    };
    let (mut done, mut refused) = (0, 0);
    for seed in seeds {
        let mut chance = Chance(Seed::from_number(seed).draw(0, 0));
        let mut text = TEXTS[chance.below(TEXTS.len())].to_owned();
        let kept: Vec<String> = (1..6).map(|number| format!("# kept {number}")).collect();
        let kept: Vec<&String> = kept
            .iter()
            .filter(|comment| text.contains(*comment))
            .collect();
        for _ in 0..25 {
            let (verb, words) = chance.words(&text);
            let shown = format!("REGENT_SEED={seed} {verb:?} {words:?}\n{text}");
            let parts: Vec<&str> = words.iter().map(String::as_str).collect();
            let change = match changing(verb.clone(), &parts) {
                Ok(change) => change,
                Err(refusal) => panic!("{refusal}: {shown}"),
            };
            let mut session = Session::new(&text).unwrap_or_else(|why| panic!("{why}: {shown}"));
            session.apply(&change);
            let Ok(outcome) = session.finish(|text| load("t", text)) else {
                refused += 1;
                continue;
            };
            done += 1;
            check_lines(&text, &outcome.text, &verb, &shown);
            text = outcome.text;
            let loaded = load("t", &text);
            let is_good = loaded
                .diagnostics
                .iter()
                .all(|one| one.severity != Severity::Error);
            assert!(is_good, "{}: {shown}", loaded.diagnostics);
            for comment in &kept {
                assert!(
                    text.contains(*comment),
                    "{comment} is gone: {shown}\n{text}"
                );
            }
            if verb == Verb::Set {
                let session = Session::new(&text).expect("TOML");
                let said = configure::show(session.document(), &change.target, Form::Script);
                let said = said.unwrap_or_else(|why| panic!("{why}: {shown}"));
                let [.., name, value] = parts.as_slice() else {
                    panic!("no pair: {shown}");
                };
                let line = format!("{name} {value}\n");
                assert!(said.contains(&line), "{line} in {said}: {shown}");
            }
        }
    }
    assert!(done > refused, "{done} done, {refused} refused");
}

/// Whatever a change is about, every line but those of one row and of what it is called stays.
#[track_caller]
fn check_lines(old: &str, new: &str, verb: &Verb, shown: &str) {
    let lines =
        |text: &str| -> Vec<String> { text.split_inclusive('\n').map(str::to_owned).collect() };
    let (old, new) = (lines(old), lines(new));
    let mut left = new;
    let gone = old
        .iter()
        .filter(|line| {
            match left.iter().position(|one| {
                one.trim_end_matches(['\r', '\n']) == line.trim_end_matches(['\r', '\n'])
            }) {
                Some(at) => {
                    left.remove(at);
                    false
                }
                None => true,
            }
        })
        .count();
    match verb {
        Verb::Add => assert!(gone <= 1, "{gone} lines are gone: {shown}"),
        Verb::Set => assert!(gone <= 1, "{gone} lines are gone: {shown}"),
        Verb::Put | Verb::Remove | Verb::Defaults => {}
    }
}

struct Chance(Draw);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("small");
        usize::try_from(self.0.below(limit)).expect("small")
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// A change that makes sense in itself; whether the configuration has room for it is another
    /// question.
    fn words(&mut self, text: &str) -> (Verb, Vec<String>) {
        let session = Session::new(text).expect("TOML");
        let names = |table| configure::names(session.document(), table);
        let tables = [
            Table::Registration,
            Table::IpGroup,
            Table::ProxySet,
            Table::Account,
        ];
        let has_groups = !names(Table::IpGroup).is_empty();
        let table = match has_groups {
            true => tables[self.below(tables.len())],
            false => Table::IpGroup,
        };
        let names = names(table);
        let mut words = vec![table.info().cli.to_owned()];
        let fresh = format!("n{}", self.below(1_000));
        let kind = if names.is_empty() { 0 } else { self.below(6) };
        match (kind, table) {
            (0, Table::IpGroup) => {
                words.push(fresh);
                words.extend(["proxy-set-name", "carrier"].map(str::to_owned));
                if self.below(2) == 0 {
                    words.truncate(2);
                }
                (Verb::Add, words)
            }
            (0, Table::Account) => {
                let groups = configure::names(session.document(), Table::IpGroup);
                let [served, serving] = [0, 1].map(|_| groups[self.below(groups.len())].clone());
                words.extend(["served-ip-group-name".to_owned(), served]);
                words.extend(["serving-ip-group-name".to_owned(), serving]);
                words.extend(["contact-user", "x"].map(str::to_owned));
                (Verb::Add, words)
            }
            (0, Table::ProxySet) => {
                let set = &names[self.below(names.len())];
                let address = format!("127.0.0.{}:5060", 2 + self.below(200));
                (Verb::Add, vec!["proxy-ip".to_owned(), set.clone(), address])
            }
            (1, Table::IpGroup | Table::Account) => {
                words.push(names[self.below(names.len())].clone());
                (Verb::Remove, words)
            }
            _ => {
                if table != Table::Registration {
                    words.push(names[self.below(names.len())].clone());
                }
                let (name, value) = self.setting(table);
                words.extend([name, value]);
                (Verb::Set, words)
            }
        }
    }

    /// An option of a table and a value that it can have, both as they are shown.
    fn setting(&mut self, table: Table) -> (String, String) {
        loop {
            let options: Vec<&Opt> = table.options().collect();
            let option = options[self.below(options.len())];
            let is_name = ["name", "index"].contains(&option.key);
            let value = match option.kind {
                _ if is_name || matches!(option.fallback, Fallback::Required) => continue,
                Kind::Whole { min, max, .. } => {
                    let range = usize::try_from(max - min + 1).expect("small");
                    (min + u64::try_from(self.below(range)).expect("small")).to_string()
                }
                Kind::Flag => self.one(&["enable", "disable"]).to_owned(),
                Kind::Words(words) => words[self.below(words.len())].cli.to_owned(),
                Kind::Text { .. }
                    if option.key.contains("host") || option.key.contains("group_name") =>
                {
                    self.one(&["a.example", "127.0.0.1", "x-y.example"])
                        .to_owned()
                }
                Kind::Text { .. } if !option.key.contains("password") => {
                    self.one(&["a", "ä€", "b=c", "[d]", "'e'"]).to_owned()
                }
                Kind::Codes { classes, .. } => {
                    let wide = if classes { "5xx" } else { "503" };
                    self.one(&["404", "404,480", wide]).to_owned()
                }
                _ => continue,
            };
            return (option.cli.to_owned(), value);
        }
    }
}

const SEEDS: u64 = 60;
