//! The name servers of a simulated world: records that a test writes, and moods.
//!
//! They know what a resolver would say in the end, and when. Retries, caches and aliases are the
//! resolver's and are not here: a TTL is always the whole one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Happening, World};
use crate::effect::{Input, QuestionId};
use crate::locate::{Question, Record, RecordData, RecordKind, Resolution};
use crate::time::Duration;

/// What DNS holds and how it feels. Names are the same in any letter case.
///
/// A test changes it at an instant with [`World::at`]; a question that is under way gets the answer
/// of the instant at which it was asked.
#[derive(Debug)]
pub struct Dns {
    zone: BTreeMap<Question, Vec<Record>>,
    mood: Mood,
    moods: BTreeMap<Question, Mood>,
    latency: Duration,
    negative_ttl: u32,
    asked: BTreeMap<Question, u32>,
}

/// How a question is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// With the records that there are.
    Answers,
    /// Not at all: the resolver gives up after 4 s.
    Silent,
    /// SERVFAIL.
    Fails,
    /// NXDOMAIN, with the negative TTL.
    NoSuchName,
    /// No records, and no word for how long.
    Empty,
}

/// A resolver gives up on silent servers after so long.
const PATIENCE: Duration = Duration::from_secs(4);
/// So long an answer takes, unless the test says otherwise.
const LATENCY: Duration = Duration::from_millis(5);
/// For so many seconds nothing is there, unless the test says otherwise.
const NEGATIVE_TTL: u32 = 60;
/// A transcript shows so many records of an answer.
const SHOWN: usize = 8;
/// An engine that has so many questions open asks without end.
const OPEN: usize = 10_000;

impl Default for Dns {
    fn default() -> Self {
        Self {
            zone: BTreeMap::new(),
            mood: Mood::Answers,
            moods: BTreeMap::new(),
            latency: LATENCY,
            negative_ttl: NEGATIVE_TTL,
            asked: BTreeMap::new(),
        }
    }
}

impl Dns {
    /// The addresses of a name from now on, IPv4 and IPv6; those that it had are forgotten.
    pub fn addresses(&mut self, name: &str, ttl: u32, addresses: &[IpAddr]) {
        for kind in [RecordKind::A, RecordKind::Aaaa] {
            let is_wanted = |it: &&IpAddr| it.is_ipv6() == (kind == RecordKind::Aaaa);
            let wanted = addresses.iter().filter(is_wanted);
            let data = wanted.map(|it| RecordData::Address(*it));
            self.set(name, kind, ttl, data.collect());
        }
    }

    /// The servers of a service from now on: priority, weight, port and target of each.
    pub fn servers(&mut self, name: &str, ttl: u32, servers: &[(u16, u16, u16, &str)]) {
        let data = |&(priority, weight, port, target): &(u16, u16, u16, &str)| RecordData::Srv {
            priority,
            weight,
            port,
            target: target.into(),
        };
        let data = servers.iter().map(data).collect();
        self.set(name, RecordKind::Srv, ttl, data);
    }

    /// The services of a name from now on, best first: flags, service and replacement of each.
    pub fn services(&mut self, name: &str, ttl: u32, services: &[(&str, &str, &str)]) {
        let data = |(order, &(flags, service, replacement)): (u16, &(&str, &str, &str))| {
            RecordData::Naptr {
                order,
                preference: 0,
                flags: flags.into(),
                service: service.into(),
                replacement: replacement.into(),
            }
        };
        let data = (1..).zip(services).map(data).collect();
        self.set(name, RecordKind::Naptr, ttl, data);
    }

    /// The records of one kind from now on; none removes them.
    pub fn set(&mut self, name: &str, kind: RecordKind, ttl: u32, data: Vec<RecordData>) {
        let key = key(name, kind);
        if data.is_empty() {
            self.zone.remove(&key);
        } else {
            let records = data.into_iter().map(|data| Record { ttl, data });
            self.zone.insert(key, records.collect());
        }
    }

    /// The mood of all servers from now on.
    pub fn mood(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// The mood towards one question from now on, whatever the others are answered.
    pub fn mood_towards(&mut self, name: &str, kind: RecordKind, mood: Mood) {
        self.moods.insert(key(name, kind), mood);
    }

    /// How long an answer takes from now on.
    pub fn latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// For how many seconds nothing is there from now on.
    pub fn negative_ttl(&mut self, ttl: u32) {
        self.negative_ttl = ttl;
    }

    /// How often this was asked.
    pub fn asked(&self, name: &str, kind: RecordKind) -> u32 {
        self.asked.get(&key(name, kind)).copied().unwrap_or(0)
    }

    /// How much was asked in all.
    pub fn all_asked(&self) -> u32 {
        self.asked.values().sum()
    }

    /// What a question comes to, and how long that takes.
    fn answer(&mut self, question: &Question) -> (Duration, Resolution) {
        let key = key(&question.name, question.kind);
        let nothing = |ttl| Resolution::Nothing { ttl };
        let mood = self.moods.get(&key).copied().unwrap_or(self.mood);
        let answer = match mood {
            Mood::Silent => {
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                Resolution::Failed(why)
            }
            Mood::Fails => Resolution::Failed("the server failed (SERVFAIL)".to_owned()),
            Mood::NoSuchName => nothing(Some(self.negative_ttl)),
            Mood::Empty => nothing(None),
            Mood::Answers => match self.zone.get(&key) {
                Some(records) => Resolution::Records(records.clone()),
                None => nothing(Some(self.negative_ttl)),
            },
        };
        *self.asked.entry(key).or_default() += 1;
        let takes = if mood == Mood::Silent {
            PATIENCE
        } else {
            self.latency
        };
        (takes, answer)
    }
}

impl World {
    /// The name servers.
    pub fn dns(&mut self) -> &mut Dns {
        &mut self.dns
    }

    pub(super) fn ask(&mut self, id: QuestionId, name: Arc<str>, kind: RecordKind) {
        let question = Question { name, kind };
        let Some(run) = &mut self.run else {
            return;
        };
        let (number, is_new) = (run.number, run.questions.insert(id));
        let open = run.questions.len();
        assert!(is_new, "{}: {id} is asked twice", self.now);
        assert!(open < OPEN, "{}: {open} questions are open", self.now);
        self.note(&format!("DNS is asked for {question}"));
        let (takes, answer) = self.dns.answer(&question);
        let resolved = Happening::Resolved {
            run: number,
            id,
            question,
            answer,
        };
        self.plan(self.now + takes, resolved);
    }

    /// An answer arrives. One to a dead run is lost.
    pub(super) fn resolved(
        &mut self,
        run: u64,
        id: QuestionId,
        question: &Question,
        answer: Resolution,
    ) {
        let current = self.run.as_mut().filter(|it| it.number == run);
        let Some(current) = current else {
            return;
        };
        current.questions.remove(&id);
        self.note(&format!("DNS says of {question}: {}", words(&answer)));
        let question = id;
        self.handle(Input::Resolved { question, answer });
    }
}

fn key(name: &str, kind: RecordKind) -> Question {
    let name = name.trim_end_matches('.').to_ascii_lowercase().into();
    Question { name, kind }
}

/// An answer as a transcript shows it.
fn words(answer: &Resolution) -> String {
    let records = match answer {
        Resolution::Nothing { ttl: Some(ttl) } => return format!("nothing, for {ttl} s"),
        Resolution::Nothing { ttl: None } => return "nothing".to_owned(),
        Resolution::Failed(why) => return why.clone(),
        Resolution::Records(records) => records,
    };
    let shown = records.iter().take(SHOWN).map(|record| {
        let data = match &record.data {
            RecordData::Address(address) => address.to_string(),
            RecordData::Srv {
                priority,
                weight,
                port,
                target,
            } => format!("{priority} {weight} {port} {target}"),
            RecordData::Naptr {
                order,
                preference,
                flags,
                service,
                replacement,
            } => format!("{order} {preference} {flags} {service} {replacement}"),
        };
        format!("{data} for {} s", record.ttl)
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    let more = records.len().saturating_sub(SHOWN);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Setup;
    use super::*;
    use crate::time::Instant;

    const HOST: [u8; 4] = [10, 0, 0, 1];

    #[test]
    fn records_are_found_by_name_and_kind_and_counted() {
        let mut dns = Dns::default();
        dns.addresses("Host.Example", 30, &[HOST.into(), [0_u16; 8].into()]);
        let record = |address: IpAddr| Record {
            ttl: 30,
            data: RecordData::Address(address),
        };
        let (takes, answer) = dns.answer(&question("host.example", RecordKind::A));
        assert_eq!(takes, LATENCY);
        assert_eq!(answer, Resolution::Records(vec![record(HOST.into())]));
        let (_, answer) = dns.answer(&question("host.example", RecordKind::Aaaa));
        assert_eq!(answer, Resolution::Records(vec![record([0_u16; 8].into())]));
        let nothing = Resolution::Nothing { ttl: Some(60) };
        assert_eq!(
            dns.answer(&question("host.example", RecordKind::Srv)).1,
            nothing
        );
        dns.addresses("host.example", 30, &[]);
        assert_eq!(
            dns.answer(&question("HOST.example.", RecordKind::A)).1,
            nothing
        );
        assert_eq!(dns.asked("host.example", RecordKind::A), 2);
        assert_eq!((dns.asked("other", RecordKind::A), dns.all_asked()), (0, 4));
    }

    #[test]
    fn a_mood_is_that_of_all_or_of_one_question() {
        let mut dns = Dns::default();
        dns.addresses("host", 30, &[HOST.into()]);
        let host = question("host", RecordKind::A);
        dns.mood(Mood::Silent);
        let (takes, answer) = dns.answer(&host);
        assert_eq!(takes, PATIENCE);
        assert!(matches!(answer, Resolution::Failed(_)), "{answer:?}");
        dns.mood(Mood::Empty);
        assert_eq!(dns.answer(&host).1, Resolution::Nothing { ttl: None });
        dns.negative_ttl(7);
        dns.mood_towards("host", RecordKind::A, Mood::NoSuchName);
        assert_eq!(dns.answer(&host).1, Resolution::Nothing { ttl: Some(7) });
        dns.mood_towards("host", RecordKind::A, Mood::Fails);
        assert!(matches!(dns.answer(&host).1, Resolution::Failed(_)));
        dns.mood_towards("host", RecordKind::A, Mood::Answers);
        assert!(matches!(dns.answer(&host).1, Resolution::Records(_)));
    }

    #[test]
    fn a_world_answers_after_the_latency_what_was_there_when_it_was_asked() {
        let mut world = World::new(Setup::new(), 1);
        let name = "_sip._udp.example";
        world.dns().servers(name, 30, &[(1, 2, 5060, "host")]);
        world
            .dns()
            .services("example", 9, &[("s", "SIP+D2U", name)]);
        world.at(Instant::from_secs(1), move |world| {
            world.ask(QuestionId(1), name.into(), RecordKind::Srv);
            world.dns().servers(name, 30, &[]);
            world.ask(QuestionId(2), name.into(), RecordKind::Srv);
            world.ask(QuestionId(3), "example".into(), RecordKind::Naptr);
            world.dns().mood(Mood::Silent);
            world.ask(QuestionId(4), "host".into(), RecordKind::A);
        });
        world.run_until(Instant::from_secs(10));
        let text = world.transcript().to_string();
        let dns: Vec<&str> = text.lines().filter(|line| line.contains("DNS")).collect();
        let expected = [
            "+1.000s  - · DNS is asked for SRV of _sip._udp.example",
            "+1.000s  - · DNS is asked for SRV of _sip._udp.example",
            "+1.000s  - · DNS is asked for NAPTR of example",
            "+1.000s  - · DNS is asked for A of host",
            "+1.005s  - · DNS says of SRV of _sip._udp.example: 1 2 5060 host for 30 s",
            "+1.005s  - · DNS says of SRV of _sip._udp.example: nothing, for 60 s",
            "+1.005s  - · DNS says of NAPTR of example: 1 0 s SIP+D2U _sip._udp.example for 9 s",
            "+5.000s  - · DNS says of A of host: no answer within 4 s",
        ];
        assert_eq!(dns, expected);
    }

    #[test]
    fn an_answer_to_a_dead_engine_is_lost() {
        let mut world = World::new(Setup::new(), 1);
        world.at(Instant::from_secs(1), |world| {
            world.ask(QuestionId(1), "host".into(), RecordKind::A);
            world.kill();
            world.start();
        });
        world.run_until(Instant::from_secs(10));
        assert!(!world.transcript().to_string().contains("DNS says"));
    }

    fn question(name: &str, kind: RecordKind) -> Question {
        let name = name.into();
        Question { name, kind }
    }
}
