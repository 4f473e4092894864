//! Asks DNS: the name servers of the system, or those that the configuration names.
//!
//! It knows the protocol, as a crate speaks it, and follows aliases. It does not know what answers
//! are good for, and keeps none: how long one holds is said with it. Its invariant: each question
//! gets exactly one answer, and never waits for it longer than [`PATIENCE`] once it is its turn.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::{future, mem};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::FirstAnswer as _;
use hickory_resolver::net::{DnsError, DnsHandle as _, NetError, RetryDnsHandle};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{self, Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, NameServerPool, PoolContext, TlsConfig};
use tokio::task::{self, JoinSet};
use tracing::warn;

use crate::effect::QuestionId;
use crate::locate::{Question, Record, RecordData, RecordKind, Resolution};
use crate::time::Duration;

/// Asks, a limited number of questions at a time; the others wait for their turn.
pub struct Resolver {
    servers: Result<Arc<Servers>, String>,
    has_warned: bool,
    asking: JoinSet<Resolution>,
    ids: BTreeMap<task::Id, QuestionId>,
    waiting: VecDeque<(QuestionId, Question)>,
}

impl Resolver {
    /// One that asks these name servers, or without any those of the system: `/etc/resolv.conf` and
    /// `/etc/hosts` are read here, once. Without servers every question fails.
    pub fn new(servers: &[SocketAddr]) -> Self {
        Self {
            servers: Servers::find(servers),
            has_warned: false,
            asking: JoinSet::new(),
            ids: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// From now on other servers are asked, as by [`Resolver::new`]. Questions that are under way
    /// are still answered by those before.
    pub fn ask_at(&mut self, servers: &[SocketAddr]) {
        self.servers = Servers::find(servers);
        self.has_warned = false;
    }

    /// Asks, now or when it is its turn. Must be called inside a runtime.
    pub fn ask(&mut self, id: QuestionId, question: Question) {
        if let Err(why) = &self.servers
            && !mem::replace(&mut self.has_warned, true)
        {
            warn!("no name can be resolved: {why}");
        }
        self.waiting.push_back((id, question));
        self.take_turns();
    }

    /// Whether [`Resolver::answered`] has something to wait for.
    pub fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// Waits for the next answer; for ever, when nothing was asked. May be dropped at any point.
    pub async fn answered(&mut self) -> (QuestionId, Resolution) {
        loop {
            let Some(ended) = self.asking.join_next_with_id().await else {
                return future::pending().await;
            };
            let (task, answer) = ended.unwrap_or_else(|error| {
                let why = format!("the resolver failed: {error}");
                (error.id(), Resolution::Failed(why))
            });
            self.take_turns();
            if let Some(id) = self.ids.remove(&task) {
                return (id, answer);
            }
        }
    }

    fn take_turns(&mut self) {
        while self.asking.len() < IN_FLIGHT
            && let Some((id, question)) = self.waiting.pop_front()
        {
            let servers = self.servers.clone();
            let task = self.asking.spawn(async move {
                let Ok(servers) = servers else {
                    return Resolution::Failed(NO_SERVERS.to_owned());
                };
                let answer = tokio::time::timeout(PATIENCE, servers.resolve(&question));
                answer.await.unwrap_or_else(|_| failed(&NetError::Timeout))
            });
            self.ids.insert(task.id(), id);
        }
    }
}

/// Name servers, and names that are known without them.
struct Servers {
    pool: RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>,
    hosts: Hosts,
    options: DnsRequestOptions,
}

impl Servers {
    fn find(addresses: &[SocketAddr]) -> Result<Arc<Self>, String> {
        let servers = if addresses.is_empty() {
            Self::of_system()
        } else {
            Self::at(addresses)
        };
        servers.map(Arc::new)
    }

    fn of_system() -> Result<Self, String> {
        let (config, options) =
            read_system_conf().map_err(|error| format!("/etc/resolv.conf: {error}"))?;
        let hosts = Hosts::from_system().unwrap_or_default();
        Self::new(&config, options, hosts)
    }

    fn at(addresses: &[SocketAddr]) -> Result<Self, String> {
        let server = |address: &SocketAddr| {
            // TCP is for answers that do not fit into a datagram.
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let connections = connections.map(|mut connection| {
                connection.port = address.port();
                connection
            });
            NameServerConfig::new(address.ip(), true, connections.into())
        };
        let servers = addresses.iter().map(server).collect();
        let config = ResolverConfig::from_name_servers(servers);
        Self::new(&config, ResolverOpts::default(), Hosts::default())
    }

    fn new(
        config: &ResolverConfig,
        mut options: ResolverOpts,
        hosts: Hosts,
    ) -> Result<Self, String> {
        options.timeout = TIMEOUT;
        options.max_active_requests = IN_FLIGHT;
        let mut request = DnsRequestOptions::default();
        request.use_edns = options.edns0;
        request.edns_payload_len = options.edns_payload_len;
        let tls = TlsConfig::new().map_err(|error| error.to_string())?;
        let context = Arc::new(PoolContext::new(options, tls));
        let servers = config.name_servers().to_vec();
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(Self {
            pool: RetryDnsHandle::new(pool, RETRIES),
            hosts,
            options: request,
        })
    }

    async fn resolve(&self, question: &Question) -> Resolution {
        // The dot at its end keeps it as it is: no domain of the system is put behind it.
        let Ok(mut name) = Name::from_ascii(format!("{}.", question.name)) else {
            return Resolution::Failed("this is no name".to_owned());
        };
        let kind = record_type(question.kind);
        let mut ttl = u32::MAX;
        for _ in 0..ALIASES {
            let query = Query::query(name.clone(), kind);
            if let Some(known) = self.hosts.lookup_static_host(&query) {
                return found(known.answers(), question.kind, &name, ttl)
                    .unwrap_or(Resolution::Nothing { ttl: None });
            }
            let response = self.pool.lookup(query, self.options).first_answer().await;
            let response = response
                .and_then(|response| DnsError::from_response(response).map_err(NetError::from));
            let response = match response {
                Ok(response) => response,
                Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                    return Resolution::Nothing {
                        ttl: none.negative_ttl.map(|negative| negative.min(ttl)),
                    };
                }
                Err(error) => return failed(&error),
            };
            let asked = name.clone();
            follow(&response.answers, &mut name, &mut ttl);
            if let Some(found) = found(&response.answers, question.kind, &name, ttl) {
                return found;
            }
            if name == asked || is_final(&response) {
                return Resolution::Nothing {
                    ttl: response.negative_ttl().map(|negative| negative.min(ttl)),
                };
            }
        }
        Resolution::Failed(format!("more than {ALIASES} aliases in a row"))
    }
}

/// Goes from a name to where its aliases lead within one answer.
fn follow(answers: &[rr::Record], name: &mut Name, ttl: &mut u32) {
    // An alias can be taken once for each record, so that a ring of them ends.
    for _ in answers {
        let alias = answers.iter().find_map(|record| {
            let RData::CNAME(target) = &record.data else {
                return None;
            };
            (record.name == *name).then_some((target, record.ttl))
        });
        let Some((target, holds)) = alias else {
            return;
        };
        name.clone_from(target);
        *ttl = holds.min(*ttl);
    }
}

/// The records of a kind that a name has, if any. They hold no longer than the aliases to them.
fn found(answers: &[rr::Record], kind: RecordKind, name: &Name, ttl: u32) -> Option<Resolution> {
    let records = answers.iter().filter(|record| record.name == *name);
    let records = records.filter_map(|record| {
        let ttl = record.ttl.min(ttl);
        data(kind, &record.data).map(|data| Record { ttl, data })
    });
    let records: Vec<Record> = records.collect();
    (!records.is_empty()).then_some(Resolution::Records(records))
}

/// Whether an answer without records says that there are none, and not that another name is to be
/// asked for.
fn is_final(response: &DnsResponse) -> bool {
    response.response_code == ResponseCode::NXDomain || response.negative_ttl().is_some()
}

/// What a record says, if it is of this kind.
fn data(kind: RecordKind, data: &RData) -> Option<RecordData> {
    match (kind, data) {
        (RecordKind::A, RData::A(address)) => Some(RecordData::Address(address.0.into())),
        (RecordKind::Aaaa, RData::AAAA(address)) => Some(RecordData::Address(address.0.into())),
        (RecordKind::Srv, RData::SRV(srv)) => Some(RecordData::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: text(&srv.target),
        }),
        (RecordKind::Naptr, RData::NAPTR(naptr)) => Some(RecordData::Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: String::from_utf8_lossy(&naptr.flags).into(),
            service: String::from_utf8_lossy(&naptr.services).into(),
            replacement: text(&naptr.replacement),
        }),
        _ => None,
    }
}

/// A name without the dot at its end; odd bytes are escaped.
fn text(name: &Name) -> Arc<str> {
    name.to_ascii().trim_end_matches('.').into()
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Srv => RecordType::SRV,
        RecordKind::Naptr => RecordType::NAPTR,
    }
}

/// A failure in words for people.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what has no words of ours says something itself"
)]
fn failed(error: &NetError) -> Resolution {
    let why = match error {
        NetError::Timeout => "the name servers do not answer".to_owned(),
        NetError::Io(error) => format!("the name servers cannot be reached: {error}"),
        NetError::NoConnections => "the name servers cannot be reached".to_owned(),
        NetError::Dns(DnsError::ResponseCode(code)) => {
            format!("the name server answers \"{code}\"")
        }
        other => other.to_string(),
    };
    Resolution::Failed(why)
}

/// So many questions are under way at most.
const IN_FLIGHT: usize = 64;

/// So long the servers have for one try.
const TIMEOUT: Duration = Duration::from_secs(2);

/// So often a question is asked again.
const RETRIES: usize = 1;

/// A question fails after so long, whatever the servers do.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A name may be an alias of an alias so often.
const ALIASES: usize = 8;

/// Why nothing can be asked; the reason itself is in the log.
const NO_SERVERS: &str = "no name server is known: see /etc/resolv.conf, or set dns_servers";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_servers_each_question_fails_and_says_what_to_do() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut resolver = Resolver {
            servers: Err("/etc/resolv.conf: no such file".to_owned()),
            ..Resolver::new(&[([127, 0, 0, 1], 53).into()])
        };
        runtime.block_on(async {
            for nth in 1..=3 {
                let name = "host.example".into();
                let kind = RecordKind::A;
                resolver.ask(QuestionId(nth), Question { name, kind });
                let answer = Resolution::Failed(NO_SERVERS.to_owned());
                assert_eq!(resolver.answered().await, (QuestionId(nth), answer));
            }
        });
        assert!(!resolver.is_asking());
    }

    #[test]
    fn a_ring_of_aliases_within_an_answer_ends() {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let alias = |from: &str, to: &str, ttl| {
            let target = RData::CNAME(rr::rdata::CNAME(name(to)));
            rr::Record::from_rdata(name(from), ttl, target)
        };
        let mut at = name("a.");
        let mut ttl = u32::MAX;
        follow(
            &[alias("b.", "a.", 9), alias("A.", "b.", 5)],
            &mut at,
            &mut ttl,
        );
        assert_eq!((at, ttl), (name("a."), 5));
        let mut at = name("a.");
        follow(
            &[alias("b.", "c.", 9), alias("a.", "b.", 7)],
            &mut at,
            &mut ttl,
        );
        assert_eq!((at, ttl), (name("c."), 5));
    }
}
