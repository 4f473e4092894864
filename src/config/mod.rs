//! From text to a checked configuration, or to a list of everything wrong with it.
//!
//! It knows option names, defaults, ranges and cross-references. It reads no file: text comes in,
//! and passwords that live elsewhere stay a [`SecretSource`] until the shell has fetched them. A
//! [`Config`] is immutable and shared; every reference in it has been followed.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod alert;
mod check;
pub mod diagnostic;
mod diff;
mod document;
mod faults;
#[doc(hidden)]
pub mod fuzz;
mod hosts;
pub mod import;
pub mod options;
mod parse;
mod party;
mod pieces;
mod plain;
mod row;
mod secrets;
mod sections;
mod shown;
mod suggest;
mod typed;
mod values;
mod web;

pub use alert::{Alert, Covered, Encryption, Mail, Sourced, TimeLimit};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use document::documentation;
pub use party::{
    AuthenticationMode, Credentials, DnsResolveMethod, Host, IpGroup, KeepAlive, LoadBalancing,
    Ports, PortsMode, ProxyAddress, ProxySet, Redundancy, SecretSource, SipInterface, Spot,
    Transport,
};
pub use secrets::SecretFault;
pub use suggest::nearest;
pub use typed::{Misfit, Typed, typed};
pub use web::{Listen, MetricsFor, Web};

use std::net::SocketAddr;
use std::sync::Arc;

use crate::sip::Algorithm;
use crate::time::Duration;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Table `[agent]`.
    pub agent: Agent,
    /// Table `[registration]`: the global parameters.
    pub registration: Registration,
    /// Tables `[[sip_interface]]`, in file order.
    pub sip_interfaces: Vec<Arc<SipInterface>>,
    /// Where the addresses of `sip_interfaces` are given.
    pub interfaces_at: Vec<Spot>,
    /// Tables `[[proxy_set]]`, in file order.
    pub proxy_sets: Vec<Arc<ProxySet>>,
    /// Tables `[[ip_group]]`, in file order.
    pub ip_groups: Vec<Arc<IpGroup>>,
    /// Tables `[[account]]`, by index.
    pub accounts: Vec<Arc<Account>>,
    /// Table `[mail]`, if there is one.
    pub mail: Option<Mail>,
    /// Tables `[[alert]]`, in file order.
    pub alerts: Vec<Arc<Alert>>,
    /// Table `[web]`, if there is one.
    pub web: Option<Web>,
}

/// Table `[agent]`: the program itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    /// `User-Agent` of every request; default `regent/VERSION`.
    pub user_agent: Arc<str>,
    /// Path of the control socket; `None` stands for the shell's default.
    pub control_socket: Option<Arc<str>>,
    /// Members of this group may use the control socket too.
    pub control_group: Option<Arc<str>>,
    /// Whether the daemon's memory may be written to a file when it crashes; default no.
    pub core_dumps: bool,
    /// The name servers to ask; empty stands for those of the system (rule P1).
    pub dns_servers: Vec<SocketAddr>,
    /// Where what outlives a run is kept; `None` stands for the shell's default, `none` for no such
    /// place.
    pub state_directory: Option<Arc<str>>,
    /// What happens when that cannot be opened or written; default refuse.
    pub when_state_fails: StateFailure,
    /// Events are kept so many days, 1–3,650; default 30.
    pub history_days: u32,
    /// At most so many events are kept; default 500,000.
    pub history_max_events: u32,
    /// At most so many Accounts; default 102 (rule G1).
    pub max_accounts: u32,
    /// At most so many Accounts of one served group; default 30 (rule G1).
    pub max_accounts_per_served_ip_group: u32,
    /// What becomes of the SIP messages that come and go.
    pub trace: Trace,
}

/// What becomes of the SIP messages that come and go, besides being obeyed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// So many MiB hold the last ones, 0–4,096; default 16.
    pub memory_mib: u32,
    /// Where all are reported by HEP: a host with or without a port.
    pub hep_server: Option<Arc<str>>,
    /// What we are called there; default 2,000.
    pub hep_capture_id: u32,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            memory_mib: 16,
            hep_server: None,
            hep_capture_id: 2_000,
        }
    }
}

/// What happens when the state cannot be opened or written (rule L8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateFailure {
    /// Nothing starts, and no REGISTER leaves that needs what could not be written.
    Refuse,
    /// It is said, and all goes on.
    Continue,
}

/// Table `[registration]`: the global parameters of the reference product, and ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// Asked expiry in seconds, 10–2,000,000; default 180.
    pub registration_time_secs: u32,
    /// Refresh after this share of the granted expiry, 50–100; default 50 (rule L1).
    pub refresh_percent: u8,
    /// Refresh so long before the end, 0–2,000,000; default 0, off (rule L1).
    pub refresh_threshold_secs: u32,
    /// Refreshes are moved earlier by up to this share, 0–50. Default: 0 up to 102 Accounts, 20
    /// above (rule L9).
    pub refresh_spread_percent: u8,
    /// Wait after a failed attempt, 10–3,600; default 30 (rule L3).
    pub registration_retry_secs: u32,
    /// Upper bound of the growing back-off, 0–3,000,000; default 0, off (rule L3).
    pub max_registration_backoff_secs: u32,
    /// Random addition to the retry wait, 0–100; default 0 (rule L3).
    pub retry_jitter_percent: u8,
    /// A Retry-After counts up to this, 0–2,000,000; default 3,600 (rule L3).
    pub retry_after_max_secs: u32,
    /// First wait after refused credentials, 10–86,400; default 600, doubled up to a day (rule L3).
    pub credentials_retry_secs: u32,
    /// What an un-REGISTER removes; default our own Contact (rule I8).
    pub unregistration_mode: UnregistrationMode,
    /// Whether a 3xx is followed; default no (table A).
    pub follow_redirects: Redirects,
    /// Whether bindings are removed when the daemon stops (rule L7).
    pub unregister_on_shutdown: bool,
    /// Challenges below this are refused; default MD5 (rule A1).
    pub minimum_algorithm: Algorithm,
    /// T1 in milliseconds, 100–4,000; default 500 (rule X1).
    pub sip_t1_ms: u32,
    /// T2 in milliseconds, 1,000–10,000; default 4,000 (rule X1).
    pub sip_t2_ms: u32,
    /// At most so many sends of a request over UDP, 1–30; default 11 (rule X1).
    pub sip_max_rtx: u8,
    /// A REGISTER that may go to another member leaves at most so often, 1–30; default 3 (rules P7,
    /// S7).
    pub hot_swap_transmissions: u8,
    /// Answers to a REGISTER that send it to the next member under hot swap; default 408 and 5xx
    /// (rule P7).
    pub failover_codes: Arc<[Codes]>,
    /// Grace after the end of a binding at a registrar that was left, in seconds, 0–2,000,000;
    /// default 180 (rule S8).
    pub account_registrar_avoidance_secs: u32,
    /// Answers to an INVITE that register the Account anew; default 403, 408, 480 (rule S11).
    pub account_invite_failure_trigger_codes: Arc<[Codes]>,
    /// Triggers within this time of the last one are dropped, in seconds, 0–3,600; default 10 (rule
    /// S7).
    pub invite_trigger_min_secs: u32,
    /// When an Account moves away from a registrar that was lost; default what its modes say (rule
    /// S14).
    pub move_when_registrar_lost: MoveWhenLost,
    /// Whether the Contact of a new registration has a random user (rule I6).
    pub use_random_user: bool,
    /// Whether a start removes all Contacts before it registers (rule I9).
    pub unregister_on_startup: bool,
    /// Whether Accounts of one serving group wait for one that probes a failing registrar (rule
    /// S12).
    pub registration_sync_mode: SyncMode,
    /// A lost connection that carried the binding registers again at once; default yes (rule N2).
    pub re_register_on_connection_failure: bool,
    /// Names are asked again after at most so many seconds, 5–2,000,000; default 60 (rule P2).
    pub dns_refresh_secs: u32,
    /// An answer later than this is late, in milliseconds, 1–32,000; default 2,000 (rule P5).
    pub lagged_ms: u32,
    /// What becomes of the probes of a member that has been away for an hour; default slow (rule
    /// P5).
    pub probe_unknown: ProbeUnknown,
}

impl Default for Registration {
    /// What a configuration that says nothing gives, up to 102 Accounts. A test holds that the
    /// table of options says the same.
    fn default() -> Self {
        Self {
            registration_time_secs: 180,
            refresh_percent: 50,
            refresh_threshold_secs: 0,
            refresh_spread_percent: 0,
            registration_retry_secs: 30,
            max_registration_backoff_secs: 0,
            retry_jitter_percent: 0,
            retry_after_max_secs: 3_600,
            credentials_retry_secs: 600,
            unregistration_mode: UnregistrationMode::OwnContact,
            follow_redirects: Redirects::Rejected,
            unregister_on_shutdown: false,
            minimum_algorithm: Algorithm::Md5,
            sip_t1_ms: 500,
            sip_t2_ms: 4_000,
            sip_max_rtx: 11,
            hot_swap_transmissions: 3,
            failover_codes: [Codes::One(408), Codes::Class(5)].into(),
            account_registrar_avoidance_secs: 180,
            account_invite_failure_trigger_codes: [403, 408, 480].map(Codes::One).into(),
            invite_trigger_min_secs: 10,
            move_when_registrar_lost: MoveWhenLost::ByMode,
            use_random_user: false,
            unregister_on_startup: false,
            registration_sync_mode: SyncMode::Disable,
            re_register_on_connection_failure: true,
            dns_refresh_secs: 60,
            lagged_ms: 2_000,
            probe_unknown: ProbeUnknown::Slow,
        }
    }
}

/// Status codes: one, or all of a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codes {
    /// This one, 300–699.
    One(u16),
    /// All of this hundred, 3–6: `5xx`.
    Class(u8),
}

impl Codes {
    /// Whether a status code is among these.
    pub fn any(codes: &[Self], code: u16) -> bool {
        codes.iter().any(|codes| match codes {
            Self::One(one) => *one == code,
            Self::Class(class) => u16::from(*class) == code / 100,
        })
    }
}

/// When an Account leaves a registrar that is offline (rule S14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveWhenLost {
    /// `by-mode`: as stickiness and search mode say.
    ByMode,
    /// `at-once`.
    AtOnce,
    /// `next-register`: with the next REGISTER that is due.
    NextRegister,
}

/// Whether one Account's failure stops the others of its serving group (rule S12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncMode {
    /// `disable`.
    Disable,
    /// `enable`: silence, transport errors, 408 and 5xx do.
    Enable,
    /// `any-failure`: rejections too.
    AnyFailure,
}

/// What becomes of the probes of a member in state UNKNOWN (rule P5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeUnknown {
    /// `slow`: every ten minutes.
    Slow,
    /// `stop`: none.
    Stop,
}

impl Registration {
    /// T1 as a duration.
    pub fn t1(&self) -> Duration {
        Duration::from_millis(self.sip_t1_ms.into())
    }

    /// T2 as a duration.
    pub fn t2(&self) -> Duration {
        Duration::from_millis(self.sip_t2_ms.into())
    }
}

/// What a 3xx does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redirects {
    /// `no`: it is a rejection.
    Rejected,
    /// `set`: followed to addresses of the Proxy Set.
    WithinSet,
    /// `any`: followed to any address.
    Anywhere,
}

/// What an un-REGISTER removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnregistrationMode {
    /// `own-contact`: our own Contact with `Expires: 0`.
    OwnContact,
    /// `all`: `Contact: *` with `Expires: 0`.
    All,
}

/// Table `[[account]]`: one address-of-record to keep registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Unique index.
    pub index: u32,
    /// Unique name.
    pub name: Arc<str>,
    /// On whose behalf.
    pub served: Arc<IpGroup>,
    /// Where.
    pub serving: Arc<IpGroup>,
    /// Host of the address-of-record (rule I1); may carry a port, which counts in the Request-URI
    /// only.
    pub host_name: Option<Arc<str>>,
    /// User of the address-of-record as configured for the Account itself.
    pub contact_user: Option<Arc<str>>,
    /// Own credentials, if a user name is configured; a password alone has no effect.
    pub credentials: Option<Credentials>,
    /// Whether to register at all.
    pub register: Register,
    /// Whether requests follow the binding (rules S2–S4).
    pub registrar_stickiness: Stickiness,
    /// How the registrar is chosen (rules S6–S8).
    pub registrar_search_mode: SearchMode,
    /// Whether a failed INVITE registers the Account anew (rule S11).
    pub re_register_on_invite_failure: bool,
    /// Whether it subscribes to its registration state (rule R1).
    pub reg_event_package_subscription: bool,
    /// Whether it is registered only while the served group is online (rule S13).
    pub register_by_served_ip_group_status: ByServedStatus,
    /// Whether it has a local UDP port of its own (rule U1).
    pub udp_port_assignment: bool,
}

impl Account {
    /// An Account with the default of every option that is not named.
    pub fn new(index: u32, name: Arc<str>, served: Arc<IpGroup>, serving: Arc<IpGroup>) -> Self {
        Self {
            index,
            name,
            served,
            serving,
            host_name: None,
            contact_user: None,
            credentials: None,
            register: Register::No,
            registrar_stickiness: Stickiness::Disable,
            registrar_search_mode: SearchMode::CurrentServer,
            re_register_on_invite_failure: false,
            reg_event_package_subscription: false,
            register_by_served_ip_group_status: ByServedStatus::Always,
            udp_port_assignment: false,
        }
    }

    /// The user of From, To and Contact, not yet escaped (rule I1). Checked to exist when
    /// `register` is on.
    pub fn user(&self) -> &str {
        let own = self.contact_user.as_deref();
        own.or(self.served.contact_user.as_deref())
            .or(self.serving.contact_user.as_deref())
            .or_else(|| self.credentials.as_ref().map(|own| &*own.user_name))
            .unwrap_or_default()
    }

    /// The host of From and To without a port, if one is configured; else it is the registrar's
    /// (rule I1).
    pub fn host(&self) -> Option<&str> {
        self.host_name
            .as_deref()
            .map(without_port)
            .or(self.serving.sip_group_name.as_deref())
    }

    /// Host and port of the Request-URI, if configured; else they are the registrar's (rule I2).
    pub fn request_host(&self) -> Option<&str> {
        self.serving
            .sip_group_name
            .as_deref()
            .or(self.host_name.as_deref())
    }

    /// The credentials that answer a challenge of the serving group (rule A3).
    pub fn answering(&self) -> Option<&Credentials> {
        let as_client = matches!(
            self.serving.authentication_mode,
            AuthenticationMode::SbcAsClient | AuthenticationMode::SbcAsBoth
        );
        self.credentials.as_ref().or(if as_client {
            self.serving.as_client.as_ref()
        } else {
            None
        })
    }
}

/// `register` of an Account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// `no`: only answer challenges to calls.
    No,
    /// `regular`: keep one Contact registered.
    Regular,
    /// `gin`: register all numbers of the PBX at once (rule I7, RFC 6140).
    Gin,
}

/// Whether the requests of an Account follow its binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stickiness {
    /// `disable`: every request goes to the current member (rule S2).
    Disable,
    /// `enable`: they go to the bound registrar (rule S3).
    Enable,
    /// `enable-for-non-register-requests`: as `enable`, but a refresh chooses anew (rule S4).
    EnableForNonRegister,
}

/// How the registrar of a new registration is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SearchMode {
    /// `current-server`: the set's current member (rule S6).
    CurrentServer,
    /// `ims`: through the set's order, without waiting (rule S7).
    Ims,
    /// `avoid-previous-registrar-until-expiry` (rule S8).
    Avoid,
}

/// Whether an Account looks at the state of its served group (rule S13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByServedStatus {
    /// `register-always`.
    Always,
    /// `register-only-if-online`.
    OnlyIfOnline,
}

/// A place in the configuration text: byte offsets, end exclusive.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// What became of a configuration text.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration; none when there is any error.
    pub config: Option<Config>,
    /// Every error and warning, by position.
    pub diagnostics: Diagnostics,
}

/// Reads a configuration. `file` only names it in diagnostics. Passwords that live elsewhere are
/// still to be fetched: [`Loaded::with_secrets`].
pub fn load(file: &str, text: &str) -> Loaded {
    let file: Arc<str> = file.into();
    let (config, faults) = parse::read(text);
    let diagnostics = faults.into_diagnostics(&file);
    Loaded {
        config,
        diagnostics,
    }
}

/// The same, with every finding said of each row that it is about: others say what several rows
/// share only once.
fn load_each(file: &str, text: &str) -> Loaded {
    let file: Arc<str> = file.into();
    let (config, faults) = parse::read_each(text);
    let diagnostics = faults.into_diagnostics(&file);
    Loaded {
        config,
        diagnostics,
    }
}

/// The indexes of Accounts in the order of the text: as given, else the lowest that are free (rule
/// G3).
pub fn account_indexes(given: &[Option<u32>]) -> Vec<u32> {
    check::free_indexes(given)
}

/// The name of an Account that is given none (rule G1).
pub fn account_name(index: u32) -> String {
    check::derived_name(index)
}

/// What differs between two configurations, as far as Accounts go (rule G2).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Diff {
    /// Accounts that are new.
    pub added: Vec<Arc<Account>>,
    /// Accounts that are there still, with another content.
    pub changed: Vec<Changed>,
    /// Names of Accounts that are gone.
    pub removed: Vec<Arc<str>>,
}

/// An Account that is there still, with another content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// As it is now.
    pub account: Arc<Account>,
    /// What is different about it.
    pub what: Difference,
}

/// What is different about an Account, as far as something is sent for it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Difference {
    /// What its binding is made of: address-of-record, groups, Contact, local address.
    pub binding: bool,
    /// What challenges are answered with.
    pub credentials: bool,
}

/// `host:port` or `[v6]:port` without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}
