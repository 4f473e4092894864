//! The procedure itself, for one host: what to ask next, given what has been answered.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::order::{Server, order};
use super::{Question, Record, RecordData, RecordKind, Resolution};
use crate::rng::Draw;

/// What is to be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// The host: a domain name, without a dot at its end.
    pub name: Arc<str>,
    /// Its port, if one is configured: then nothing but its addresses is asked for.
    pub port: Option<u16>,
    /// Whether a transport is configured, so that NAPTR has nothing to say.
    pub is_transport_fixed: bool,
    /// How far the procedure goes.
    pub method: Method,
    /// Whether IPv6 addresses are wanted instead of IPv4 ones.
    pub ipv6: bool,
}

/// How a name is resolved (rule P1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Its addresses, with the default port.
    Address,
    /// Its servers, then their addresses.
    Srv,
    /// Its services, then their servers, then the addresses of those.
    Naptr,
}

/// One address that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Located {
    /// The address.
    pub address: SocketAddr,
    /// Priority of its SRV record; 0 without one.
    pub priority: u16,
    /// Weight of its SRV record; 0 without one.
    pub weight: u16,
}

/// How far a [`Lookup`] is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Answers are waited for, and these questions are to be asked besides. Often there are none.
    Asking(Vec<Question>),
    /// It is over.
    Done(Answer),
}

/// What a [`Lookup`] has come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Addresses in the order of trying: at least one, no two alike, at most 50.
    pub found: Result<Vec<Located>, Failure>,
    /// For so many seconds it is good: the least TTL of all that was used. That nothing is there
    /// has a TTL too, where DNS says so. 0 when there was no answer.
    pub ttl: u32,
    /// Whether every question was answered. Otherwise servers may be missing from what was found
    /// though they are still there.
    pub is_whole: bool,
}

/// Why nothing was found.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// DNS says that nothing is there, in words for people.
    #[error("{0}")]
    Nothing(String),
    /// DNS says nothing, or nothing of use, in words for people.
    #[error("{0}")]
    NoAnswer(String),
}

/// The procedure of RFC 3263 §4 for one host: NAPTR, SRV and addresses, as far as its [`Query`]
/// wants them.
///
/// Each step is taken at most once, so it comes to an end whatever DNS says.
#[derive(Debug)]
pub struct Lookup {
    query: Query,
    /// What is waited for; `None` when it is over.
    step: Option<Step>,
    /// What is tried when a step leads to nothing.
    ahead: VecDeque<Step>,
    /// The least TTL so far.
    ttl: Option<u32>,
    /// What was not there, of the last step that was taken.
    why: String,
}

/// One level of the procedure: its questions are asked together.
#[derive(Debug)]
enum Step {
    /// The services of the host.
    Services,
    /// The servers of this service.
    Servers(Arc<str>),
    /// The addresses of these servers, in the order of trying.
    Addresses {
        servers: Vec<Server>,
        hosts: Vec<Host>,
    },
}

/// A name whose addresses are asked for.
#[derive(Debug)]
struct Host {
    name: Arc<str>,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting,
    Has(Vec<IpAddr>),
    Failed(String),
}

impl Lookup {
    /// Begins. A name that cannot be asked for is [`Progress::Done`] at once.
    pub fn start(query: Query) -> (Self, Progress) {
        let name = lower(&query.name);
        let query = Query { name, ..query };
        let mut ahead = VecDeque::new();
        // RFC 3263 §4: a port leaves servers out. NAPTR chooses a transport, so a fixed one leaves
        // services out.
        let with_servers = query.port.is_none() && query.method != Method::Address;
        if with_servers && query.method == Method::Naptr && !query.is_transport_fixed {
            ahead.push_back(Step::Services);
        }
        if with_servers {
            ahead.push_back(Step::Servers(format!("{SERVICE}.{}", query.name).into()));
        }
        ahead.push_back(host(query.name.clone(), query.port.unwrap_or(DEFAULT_PORT)));
        let mut lookup = Self {
            query,
            step: None,
            ahead,
            ttl: None,
            why: String::new(),
        };
        let progress = lookup.advance();
        (lookup, progress)
    }

    /// Takes the answer to a question that it asked. Any other answer changes nothing. `draw` is
    /// used up to the order of the servers of one service.
    pub fn on_answer(
        &mut self,
        question: &Question,
        answer: Resolution,
        draw: &mut Draw,
    ) -> Progress {
        let kind = question.kind;
        match &self.step {
            Some(Step::Services)
                if kind == RecordKind::Naptr && question.name == self.query.name =>
            {
                match self.records(question, answer) {
                    Ok(records) => self.on_services(records),
                    Err(why) => self.fail(why),
                }
            }
            Some(Step::Servers(name)) if kind == RecordKind::Srv && question.name == *name => {
                match self.records(question, answer) {
                    Ok(records) => self.on_servers(&question.name, records, draw),
                    Err(why) => self.fail(why),
                }
            }
            Some(Step::Addresses { hosts, .. }) if kind == self.address_kind() => {
                let is_awaited = |host: &Host| {
                    host.name == question.name && matches!(host.state, State::Waiting)
                };
                let Some(place) = hosts.iter().position(is_awaited) else {
                    return Progress::Asking(Vec::new());
                };
                let state = match self.records(question, answer) {
                    Ok(records) => State::Has(self.addresses(records)),
                    Err(why) => State::Failed(why),
                };
                self.on_addresses(place, state)
            }
            _ => Progress::Asking(Vec::new()),
        }
    }

    /// The records of an answer; none when there is nothing, and the reason when there is no
    /// answer.
    fn records(&mut self, to: &Question, answer: Resolution) -> Result<Vec<Record>, String> {
        match answer {
            Resolution::Records(records) => {
                // Forgotten unless they turn out to be of no use.
                self.why = format!("DNS has no {to} that is of use");
                Ok(records)
            }
            Resolution::Nothing { ttl } => {
                if let Some(ttl) = ttl {
                    self.uses(ttl);
                }
                self.why = format!("DNS has no {to}");
                Ok(Vec::new())
            }
            Resolution::Failed(why) => Err(format!("{to}: {why}")),
        }
    }

    /// Each service that we speak is tried, then those that the host would have without NAPTR.
    fn on_services(&mut self, records: Vec<Record>) -> Progress {
        let mut services: Vec<(u16, u16, Step, u32)> = Vec::new();
        for Record { ttl, data } in records {
            let RecordData::Naptr {
                order,
                preference,
                flags,
                service,
                replacement,
            } = data
            else {
                continue;
            };
            let name = lower(&replacement);
            if !service.eq_ignore_ascii_case(OUR_SERVICE) || !is_askable(&name) {
                continue;
            }
            let step = match &*flags {
                "s" | "S" => Step::Servers(name),
                "a" | "A" => host(name, DEFAULT_PORT),
                _ => continue,
            };
            services.push((order, preference, step, ttl));
        }
        services.sort_by_key(|(order, preference, ..)| (*order, *preference));
        services.truncate(MOST_SERVICES);
        // The host's own service is often what NAPTR names too, and nothing is asked twice.
        let named = |steps: &VecDeque<Step>, own: &Step| steps.iter().any(|step| step.is_like(own));
        let usual = std::mem::take(&mut self.ahead);
        for (_, _, step, ttl) in services {
            self.uses(ttl);
            if !named(&self.ahead, &step) {
                self.ahead.push_back(step);
            }
        }
        for step in usual {
            if !named(&self.ahead, &step) {
                self.ahead.push_back(step);
            }
        }
        self.advance()
    }

    /// Their addresses are asked for. Without any record the next step is taken.
    fn on_servers(&mut self, service: &str, records: Vec<Record>, draw: &mut Draw) -> Progress {
        let (mut servers, mut is_refused) = (Vec::new(), false);
        let mut least = u32::MAX;
        for Record { ttl, data } in records {
            let RecordData::Srv {
                priority,
                weight,
                port,
                target,
            } = data
            else {
                continue;
            };
            least = least.min(ttl);
            let target = lower(&target);
            // "A Target of "." means that the service is decidedly not available": RFC 2782.
            is_refused |= target.is_empty() || &*target == ".";
            if port > 0 && is_askable(&target) {
                servers.push(Server {
                    priority,
                    weight,
                    port,
                    target,
                });
            }
        }
        if servers.is_empty() && !is_refused {
            return self.advance();
        }
        // RFC 3263 §4.2: the host's own addresses are for a host without SRV records.
        self.ahead.clear();
        self.uses(least);
        if servers.is_empty() {
            self.why = format!("{service} is not offered, says DNS");
            return self.advance();
        }
        let servers = order(servers, MOST_SERVERS, draw);
        self.ahead.push_back(addresses(servers));
        self.advance()
    }

    /// When all are known: the addresses in the order of their servers.
    fn on_addresses(&mut self, place: usize, state: State) -> Progress {
        let Some(Step::Addresses { servers, hosts }) = &mut self.step else {
            return Progress::Asking(Vec::new());
        };
        hosts[place].state = state;
        if hosts
            .iter()
            .any(|host| matches!(host.state, State::Waiting))
        {
            return Progress::Asking(Vec::new());
        }
        let failure = hosts.iter().find_map(|host| match &host.state {
            State::Failed(why) => Some(why.clone()),
            State::Waiting | State::Has(_) => None,
        });
        let found = in_order(servers, hosts);
        match (found.is_empty(), failure) {
            (true, Some(why)) => self.fail(why),
            (true, None) => self.advance(),
            (false, failure) => {
                self.step = None;
                Progress::Done(Answer {
                    found: Ok(found),
                    ttl: self.ttl.unwrap_or_default(),
                    is_whole: failure.is_none(),
                })
            }
        }
    }

    /// The addresses that records give, of the family that is wanted.
    fn addresses(&mut self, records: Vec<Record>) -> Vec<IpAddr> {
        let mut found = Vec::new();
        for Record { ttl, data } in records {
            let RecordData::Address(address) = data else {
                continue;
            };
            if address.is_ipv6() == self.query.ipv6 && is_of_one_host(address) {
                self.uses(ttl);
                found.push(address);
            }
            if found.len() == MOST_ADDRESSES {
                break;
            }
        }
        found
    }

    /// Takes the next step that has something to ask, or ends.
    fn advance(&mut self) -> Progress {
        self.step = None;
        while let Some(mut step) = self.ahead.pop_front() {
            let kind = self.address_kind();
            let questions: Vec<Question> = match &mut step {
                Step::Services => vec![Question {
                    name: self.query.name.clone(),
                    kind: RecordKind::Naptr,
                }],
                Step::Servers(name) => vec![Question {
                    name: name.clone(),
                    kind: RecordKind::Srv,
                }],
                Step::Addresses { hosts, .. } => {
                    let name = |host: &Host| host.name.clone();
                    let names = hosts.iter().map(name);
                    names.map(|name| Question { name, kind }).collect()
                }
            };
            // Only what is derived from the configured name can be refused here: the names that
            // DNS gives have been looked at.
            if questions.iter().all(|question| is_askable(&question.name)) {
                self.step = Some(step);
                return Progress::Asking(questions);
            }
            self.why = format!("{:.300} is no name that DNS may have", self.query.name);
        }
        Progress::Done(Answer {
            found: Err(Failure::Nothing(std::mem::take(&mut self.why))),
            ttl: self.ttl.unwrap_or_default(),
            is_whole: true,
        })
    }

    /// Ends for want of an answer. What may be there is not passed over for what comes after it:
    /// that would be another list whenever a packet is lost.
    fn fail(&mut self, why: String) -> Progress {
        self.step = None;
        Progress::Done(Answer {
            found: Err(Failure::NoAnswer(why)),
            ttl: 0,
            is_whole: false,
        })
    }

    fn uses(&mut self, ttl: u32) {
        // "Treat TTL values received with the most significant bit set as if the entire value
        // received was zero": RFC 2181 §8.
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        self.ttl = Some(self.ttl.map_or(ttl, |least| least.min(ttl)));
    }

    fn address_kind(&self) -> RecordKind {
        if self.query.ipv6 {
            RecordKind::Aaaa
        } else {
            RecordKind::A
        }
    }
}

impl Step {
    /// Whether it asks the same.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Servers(one), Self::Servers(other)) => one == other,
            (Self::Addresses { servers: one, .. }, Self::Addresses { servers: other, .. }) => {
                one == other
            }
            _ => false,
        }
    }
}

/// The step that asks for the addresses of one host.
fn host(name: Arc<str>, port: u16) -> Step {
    addresses(vec![Server {
        priority: 0,
        weight: 0,
        port,
        target: name,
    }])
}

/// The step that asks for the addresses of servers, once for each name.
fn addresses(servers: Vec<Server>) -> Step {
    let mut hosts: Vec<Host> = Vec::new();
    for server in &servers {
        if hosts.iter().all(|host| host.name != server.target) {
            hosts.push(Host {
                name: server.target.clone(),
                state: State::Waiting,
            });
        }
    }
    Step::Addresses { servers, hosts }
}

/// All addresses in the order of their servers. What occurs twice is kept where it is first.
fn in_order(servers: &[Server], hosts: &[Host]) -> Vec<Located> {
    let mut found: Vec<Located> = Vec::new();
    for server in servers {
        let host = hosts.iter().find(|host| host.name == server.target);
        let Some(State::Has(addresses)) = host.map(|host| &host.state) else {
            continue;
        };
        for address in addresses {
            let address = SocketAddr::new(*address, server.port);
            if found.len() < MOST_ADDRESSES && found.iter().all(|it| it.address != address) {
                found.push(Located {
                    address,
                    priority: server.priority,
                    weight: server.weight,
                });
            }
        }
    }
    found
}

/// Whether a name has the form of a domain name: RFC 1035 §2.3.4 limits it to 255 octets on the
/// wire, which is 253 characters, and each label to 63.
fn is_askable(name: &str) -> bool {
    name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_graphic())
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Names are the same in any letter case.
fn lower(name: &str) -> Arc<str> {
    name.to_ascii_lowercase().into()
}

/// Whether SIP can be spoken with an address: it is neither unspecified nor that of many.
fn is_of_one_host(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !is_broadcast
}

/// SIP over UDP as SRV names it.
const SERVICE: &str = "_sip._udp";

/// SIP over UDP as NAPTR names it (RFC 3263 §4.1).
const OUR_SERVICE: &str = "SIP+D2U";

/// The port of SIP over UDP where nothing names another (RFC 3263 §4.2).
const DEFAULT_PORT: u16 = 5060;

/// At most so many services of a host are tried.
const MOST_SERVICES: usize = 8;

/// At most so many servers of a service are asked for.
const MOST_SERVERS: usize = 50;

/// At most so many addresses are found.
const MOST_ADDRESSES: usize = 50;

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
