//! The messages, version 1: one line of JSON each. `docs/control-protocol.md` describes them for
//! other programs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::status::history::{Entry as Event, EntryKind, Wanted as WantedEvents};
use crate::status::metrics::Format as MetricsFormat;
use crate::status::{
    AccountStatus, AlertStatus, DeliveryStatus, GroupStatus, Outcome, Phase, ProxySetStatus,
    StateStatus, SubscriptionStatus, UnixMs,
};
use crate::trace::{At, Entry, State};

/// The version of the protocol. It rises when a message changes its meaning or goes away; new
/// fields and methods do not count.
pub const VERSION: u32 = 1;

/// A line from a client.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The version of the protocol that the client speaks.
    pub v: u32,
    /// Names the answers.
    #[serde(default)]
    pub id: u64,
    /// What is asked for.
    #[serde(flatten)]
    pub call: Call,
}

/// What a client can ask for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub enum Call {
    /// Who is there? No items; [`Done::Hello`].
    Hello(Option<Nothing>),
    /// The status of Accounts: items [`Item::Account`], in index order; [`Done::Status`].
    Status(Option<Filter>),
    /// The status of Accounts, [`Item::Watching`], then the status of each whenever it changes,
    /// until the client hangs up.
    Watch(Option<Filter>),
    /// The status of Proxy Sets: items [`Item::ProxySet`], in file order; [`Done::ProxySets`].
    ProxySets(Option<Names>),
    /// The status of IP Groups: items [`Item::Group`], by name; [`Done::Groups`].
    Groups(Option<Names>),
    /// What has happened: items [`Item::Event`], oldest first; [`Done::Events`]. With `follow`
    /// those that happen from then on too, until the client hangs up.
    Events(Option<Past>),
    /// Registers Accounts (rule L10): items [`Item::Outcome`], as they happen; [`Done::Order`].
    Register(Action),
    /// Removes bindings and stays away (rule I8). As above.
    Unregister(Action),
    /// Refreshes bindings now. As above.
    Refresh(Action),
    /// Reads the configuration again and puts it in force (rule G2). No items; [`Done::Reloaded`].
    /// A faulty one changes nothing: [`FaultCode::Configuration`].
    Reload(Option<Reload>),
    /// The last SIP messages: items [`Item::Message`], the oldest first; [`Done::Trace`]. Who
    /// follows then gets [`Item::Following`] and what comes, until it hangs up.
    Trace(Option<Wanted>),
    /// Ongoing alerts, items [`Item::Alert`], by Account; notices that are not delivered yet, items
    /// [`Item::Delivery`], the oldest first; and who is told, items [`Item::Subscription`] (rule
    /// T3); [`Done::Alerts`].
    Alerts(Option<Nothing>),
    /// What monitoring reads: items [`Item::Metrics`], in their order; [`Done::Metrics`].
    Metrics(Option<WantedMetrics>),
    /// Sends a test to subscriptions: items [`Item::Tested`], one for each way; [`Done::Tested`].
    TestAlert(Option<Names>),
    /// The way into the web page. No items; [`Done::Web`].
    Web(Option<Nothing>),
}

impl Call {
    /// The names of all methods.
    pub const METHODS: [&str; 15] = [
        "hello",
        "status",
        "watch",
        "proxy-sets",
        "groups",
        "events",
        "register",
        "unregister",
        "refresh",
        "reload",
        "trace",
        "alerts",
        "metrics",
        "test-alert",
        "web",
    ];
}

/// The parameters of a method that has none.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Which Accounts a client wants to see. All conditions must hold; an empty one always does.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Exactly these, by name; a name that there is not is an error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Those whose name contains this, whatever the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
    /// Those in one of these phases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Those with one of these IP Groups, served or serving; one that there is not is an error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Those at one of these addresses, with or without a port.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registrars: Vec<String>,
    /// Leave out so many of those that match.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u32,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which Proxy Sets, IP Groups or subscriptions a client means.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// Exactly these, by name; a name that there is not is an error. All if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// Which events a client wants to see. All conditions must hold; an empty one always does.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Past {
    /// About these Accounts, by name; they need not exist any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<EntryKind>,
    /// At this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMs>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMs>,
    /// At most so many of the past, the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Whether those that come are wanted too.
    #[serde(skip_serializing_if = "is_false")]
    pub follow: bool,
}

impl From<Past> for WantedEvents {
    fn from(past: Past) -> Self {
        Self {
            accounts: past.names,
            kinds: past.kinds,
            since: past.since,
            until: past.until,
            before: None,
            limit: past.limit,
        }
    }
}

/// With which Accounts a client wants something done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// These, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// All.
    #[serde(default)]
    pub all: bool,
    /// Whether a Retry-After in force is ignored. It counts for `register` only.
    #[serde(default)]
    pub force: bool,
    /// Whether the outcomes are waited for.
    #[serde(default = "yes")]
    pub wait: bool,
}

/// Which messages a client wants to see. All conditions must hold; an empty one always does.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// Those of these Accounts, by name, and of the Proxy Sets below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Those of these Proxy Sets, by name: probes and their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proxy_sets: Vec<String>,
    /// Those to and from these addresses, with or without a port.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registrars: Vec<String>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<At>,
    /// Not after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<At>,
    /// The last so many of those that there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Then also those to come.
    pub follow: bool,
}

/// How a client wants metrics.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WantedMetrics {
    /// How the text is written.
    pub format: MetricsFormat,
    /// Whether Accounts are shown one by one.
    pub accounts: bool,
}

/// How a client wants the configuration to be read again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reload {
    /// Whether it is only said what a reload would change.
    pub check_only: bool,
}

/// A line from the daemon.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Response {
    /// The request that it answers; 0 when none could be read.
    #[serde(default)]
    pub id: u64,
    /// What it says.
    #[serde(flatten)]
    pub says: Says,
}

/// What a line from the daemon says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// One piece of the answer; more come.
    Item(Item),
    /// The answer is complete.
    Done(Done),
    /// There is no answer, or no more of it.
    Error(Fault),
}

/// One piece of an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// The status of an Account.
    Account(Arc<AccountStatus>),
    /// The status of a Proxy Set.
    ProxySet(Arc<ProxySetStatus>),
    /// The status of an IP Group.
    Group(GroupStatus),
    /// How it is with what outlives a run, told to who watches whenever it is another.
    State(StateStatus),
    /// Something that happened.
    Event(Arc<Event>),
    /// What came of an order for an Account.
    Outcome(Told),
    /// From here on, the Accounts that come are changes.
    Watching(Summary),
    /// An Account is not configured any more, and has left.
    Removed {
        /// Its name.
        account: Arc<str>,
    },
    /// The client was too slow and has missed so many changes, events or messages.
    Missed(u64),
    /// A SIP message, or a note of what happened.
    Message(Entry),
    /// From here on, the messages that come are new.
    Following(State),
    /// An ongoing alert, for one subscription.
    Alert(AlertStatus),
    /// A notice that is not delivered yet.
    Delivery(DeliveryStatus),
    /// Who is told of alerts.
    Subscription(SubscriptionStatus),
    /// A piece of the text for monitoring: whole lines.
    Metrics(String),
    /// What came of a test.
    Tested(Tested),
}

/// What came of a test of a subscription, by one way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tested {
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// How it went: `mail` or `webhook`.
    pub means: Arc<str>,
    /// The address of mails, the host of a webhook.
    pub to: Arc<str>,
    /// Why it did not arrive; none if it did.
    #[serde(default)]
    pub trouble: Option<Arc<str>>,
}

/// What came of an order for an Account.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Its name.
    pub account: Arc<str>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The end of an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Done {
    /// Of [`Call::Hello`].
    Hello {
        /// The program's version.
        version: String,
        /// The newest protocol that it speaks.
        protocol: u32,
        /// The version of [`Item::Account`].
        schema: u32,
        /// Its process.
        pid: u32,
        /// The absolute path of the file that it runs from, if it runs from one.
        #[serde(default)]
        configuration: Option<PathBuf>,
        /// How that file is written.
        #[serde(default)]
        format: Option<Format>,
    },
    /// Of [`Call::Status`].
    Status(Summary),
    /// Of [`Call::ProxySets`].
    ProxySets {
        /// The version of [`Item::ProxySet`].
        schema: u32,
        /// When the daemon said so.
        at: UnixMs,
        /// Proxy Sets that there are.
        proxy_sets: u32,
    },
    /// Of [`Call::Groups`].
    Groups {
        /// The version of [`Item::Group`].
        schema: u32,
        /// When the daemon said so.
        at: UnixMs,
        /// IP Groups that there are.
        groups: u32,
    },
    /// Of [`Call::Events`].
    Events {
        /// The version of [`Item::Event`].
        schema: u32,
        /// When the daemon said so.
        at: UnixMs,
        /// Events that were told.
        events: u64,
    },
    /// Of an order.
    Order {
        /// With how many Accounts something was to be done.
        accounts: u32,
    },
    /// Of [`Call::Reload`].
    Reloaded(Reloaded),
    /// Of [`Call::Trace`].
    Trace(State),
    /// Of [`Call::Alerts`].
    Alerts {
        /// The version of [`Item::Alert`], [`Item::Delivery`] and [`Item::Subscription`].
        schema: u32,
        /// When the daemon said so.
        at: UnixMs,
        /// Ongoing alerts.
        alerts: u32,
        /// Notices that are not delivered yet.
        deliveries: u32,
        /// Who is told.
        #[serde(default)]
        subscriptions: u32,
    },
    /// Of [`Call::Web`].
    Web {
        /// Where it is, each as `http://ADDRESS:PORT`.
        addresses: Vec<String>,
        /// Sockets that it is served at too.
        sockets: Vec<PathBuf>,
        /// What signs in once, behind `/#code=`.
        code: String,
        /// For so many seconds from now.
        valid_secs: u32,
    },
    /// Of [`Call::Metrics`].
    Metrics {
        /// What the text is, as HTTP has it.
        content_type: String,
    },
    /// Of [`Call::TestAlert`].
    Tested {
        /// Messages that were sent.
        tests: u32,
    },
}

/// How a configuration's file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// TOML.
    Toml,
    /// The ini file of a device.
    Ini,
    /// What a newer daemon reads and this program does not know.
    #[serde(other)]
    Unknown,
}

/// What a reload has changed, or would change: Accounts by name, in index order.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Reloaded {
    /// Those that are new.
    pub added: Vec<Arc<str>>,
    /// Those that differ, in themselves or in what they refer to.
    pub changed: Vec<Arc<str>>,
    /// Those that are gone.
    pub removed: Vec<Arc<str>>,
    /// How many are as they were.
    pub unchanged: u32,
    /// What is doubtful about the configuration, or takes effect at the next start only; each as
    /// `regent check` prints it.
    pub warnings: Vec<String>,
}

/// All Accounts in numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The version of [`Item::Account`].
    pub schema: u32,
    /// When the daemon said so.
    pub at: UnixMs,
    /// Accounts that there are.
    pub total: u32,
    /// Accounts that match, before offset and limit.
    pub matching: u32,
    /// Accounts by phase, without the phases that none is in.
    pub phases: BTreeMap<Phase, u32>,
    /// How it is with what outlives a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateStatus>,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// For programs.
    pub code: FaultCode,
    /// For people: lower-case, no full stop.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// All that is wrong with a configuration, each as `regent check` prints it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<String>,
}

/// Kinds of faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// The client may not use this socket.
    Refused,
    /// Too many clients.
    Busy,
    /// Not a request, or too long.
    BadRequest,
    /// The daemon does not speak that version.
    BadVersion,
    /// The daemon has no such method; a newer one may have it.
    UnknownMethod,
    /// The method does not take these parameters.
    BadParams,
    /// There is no such Account.
    UnknownAccount,
    /// There is no such Proxy Set.
    UnknownProxySet,
    /// There is no such IP Group, or no Account that names it.
    UnknownGroup,
    /// There is no such subscription of alerts, or none at all.
    UnknownAlert,
    /// There is no web server.
    NoWeb,
    /// No events are kept.
    NoHistory,
    /// What is kept cannot be read.
    Unreadable,
    /// The configuration cannot be used.
    Configuration,
    /// The daemon stops.
    Stopping,
    /// What a newer daemon says and this program does not know.
    #[serde(other)]
    Unknown,
}

impl Fault {
    /// Without a hint.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            diagnostics: Vec::new(),
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn yes() -> bool {
    true
}

/// No request may be longer, its line end included.
pub const MAX_REQUEST: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_documented() {
        let read = |text: &str| serde_json::from_str::<Request>(text).map(|request| request.call);
        assert_eq!(
            read(r#"{"v":1,"id":7,"method":"hello"}"#).unwrap(),
            Call::Hello(None)
        );
        assert_eq!(
            read(r#"{"v":1,"method":"status","params":{"phases":["waiting-to-retry"]}}"#).unwrap(),
            Call::Status(Some(Filter {
                phases: vec![Phase::WaitingToRetry],
                ..Filter::default()
            }))
        );
        let order = r#"{"v":1,"method":"register","params":{"names":["main"]}}"#;
        assert_eq!(
            read(order).unwrap(),
            Call::Register(Action {
                names: vec!["main".to_owned()],
                all: false,
                force: false,
                wait: true,
            })
        );
        assert_eq!(
            read(r#"{"v":1,"method":"watch"}"#).unwrap(),
            Call::Watch(None)
        );
        assert_eq!(
            read(r#"{"v":1,"method":"reload"}"#).unwrap(),
            Call::Reload(None)
        );
        assert_eq!(
            read(r#"{"v":1,"method":"reload","params":{"check_only":true}}"#).unwrap(),
            Call::Reload(Some(Reload { check_only: true }))
        );
        assert!(read(r#"{"v":1,"method":"status","params":{"nmaes":[]}}"#).is_err());
    }

    #[test]
    fn the_methods_are_those_that_can_be_read() {
        for method in Call::METHODS {
            let text = format!(r#"{{"v":1,"method":"{method}","params":{{}}}}"#);
            assert!(serde_json::from_str::<Request>(&text).is_ok(), "{method}");
        }
        let text = r#"{"v":1,"method":"explode","params":{}}"#;
        let error = serde_json::from_str::<Request>(text).unwrap_err();
        let listed = Call::METHODS.map(|method| format!("`{method}`")).join(", ");
        assert!(error.to_string().contains(&listed), "{error}");
    }

    #[test]
    fn a_fault_of_tomorrow_can_be_read() {
        let text = r#"{"id":1,"error":{"code":"too-late","message":"tomorrow"}}"#;
        let fault = Fault::new(FaultCode::Unknown, "tomorrow");
        assert_eq!(
            serde_json::from_str::<Response>(text).unwrap().says,
            Says::Error(fault)
        );
    }

    #[test]
    fn every_message_survives_the_wire() {
        let outcome = Outcome::NotSent {
            why: "held".to_owned(),
        };
        let says = [
            Says::Item(Item::Outcome(Told {
                account: "a".into(),
                outcome,
            })),
            Says::Item(Item::Missed(3)),
            Says::Done(Done::Order { accounts: 2 }),
            Says::Done(Done::Hello {
                version: "1".to_owned(),
                protocol: 1,
                schema: 1,
                pid: 1,
                configuration: Some("/etc/regent/regent.toml".into()),
                format: Some(Format::Toml),
            }),
            Says::Done(Done::Reloaded(Reloaded {
                added: vec!["a".into()],
                unchanged: 2,
                ..Reloaded::default()
            })),
            Says::Error(Fault::new(FaultCode::Stopping, "the daemon stops")),
        ];
        for says in says {
            let response = Response { id: 9, says };
            let text = serde_json::to_string(&response).unwrap();
            assert_eq!(
                serde_json::from_str::<Response>(&text).unwrap(),
                response,
                "{text}"
            );
        }
    }
}
