//! From text to a checked configuration, or to a list of everything wrong with it.
//!
//! It knows option names, defaults, ranges and cross-references. It reads no file: text comes in,
//! and passwords that live elsewhere stay a [`SecretSource`] until the shell has fetched them. A
//! [`Config`] is immutable and shared; every reference in it has been followed.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod check;
pub mod diagnostic;
mod diff;
mod document;
mod faults;
pub mod options;
mod parse;
mod pieces;
mod plain;
mod row;
mod secrets;
mod sections;
mod suggest;
mod values;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use document::documentation;
pub use secrets::SecretFault;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
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
    /// Tables `[[proxy_set]]`, in file order.
    pub proxy_sets: Vec<Arc<ProxySet>>,
    /// Tables `[[ip_group]]`, in file order.
    pub ip_groups: Vec<Arc<IpGroup>>,
    /// Tables `[[account]]`, by index.
    pub accounts: Vec<Arc<Account>>,
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
    /// At most so many Accounts; default 102 (rule G1).
    pub max_accounts: u32,
    /// At most so many Accounts of one served group; default 30 (rule G1).
    pub max_accounts_per_served_ip_group: u32,
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
        }
    }
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

/// Table `[[sip_interface]]`: a local address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SipInterface {
    /// Unique name.
    pub name: Arc<str>,
    /// Local IP address.
    pub address: IpAddr,
    /// Local UDP port; 0 lets the system choose; default 5060.
    pub udp_port: u16,
    /// Replaces the local address in the Contact and Via (rule I3).
    pub advertised_address: Option<IpAddr>,
}

/// Table `[[proxy_set]]`: the addresses of one party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxySet {
    /// Unique name.
    pub name: Arc<str>,
    /// The SIP Interface that its traffic leaves from.
    pub sip_interface: Arc<SipInterface>,
    /// Its addresses in the set's order: priority, then as written.
    pub proxies: Vec<ProxyAddress>,
}

/// One address of a Proxy Set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyAddress {
    /// IP address and port; the default port is 5060.
    pub address: SocketAddr,
    /// How to speak to it.
    pub transport: Transport,
    /// 0 is best.
    pub priority: u16,
    /// Share among equals.
    pub weight: u16,
}

/// A SIP transport.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// Table `[[ip_group]]`: a party, served or serving.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IpGroup {
    /// Unique name.
    pub name: Arc<str>,
    /// Its addresses; a serving group must have one.
    pub proxy_set: Option<Arc<ProxySet>>,
    /// Host of Request-URIs to the group; fall-back host of From and To (rules I1, I2).
    pub sip_group_name: Option<Arc<str>>,
    /// Fall-back user of From, To and Contact (rule I1).
    pub contact_user: Option<Arc<str>>,
    /// Whose credentials count (rule A3).
    pub authentication_mode: AuthenticationMode,
    /// Fall-back credentials (rule A3).
    pub as_client: Option<Credentials>,
}

/// Who answers challenges of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthenticationMode {
    /// `user-authenticates`: only the Account's own credentials.
    UserAuthenticates,
    /// `sbc-as-client`: the group's credentials where the Account has none.
    SbcAsClient,
    /// `sbc-as-server`: no credentials of ours.
    SbcAsServer,
    /// `sbc-as-both`: as client and as server.
    SbcAsBoth,
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
}

impl Account {
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
}

/// A digest user and its password. Equal are those that answer a challenge alike: where the
/// password comes from makes no difference.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Digest user name.
    pub user_name: Arc<str>,
    /// The password, once it is known.
    pub password: Secret,
    /// Where it comes from.
    pub source: SecretSource,
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.user_name == other.user_name && self.password == other.password
    }
}

impl Eq for Credentials {}

/// Where a password comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// No password is configured: the empty one.
    Absent,
    /// Written in the configuration itself.
    Inline,
    /// `password_file`: the first line of that file; relative paths start at the configuration's
    /// folder.
    File(Arc<str>, Span),
    /// `password_env`: an environment variable.
    Environment(Arc<str>, Span),
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

/// What differs between two configurations, as far as Accounts go (rule G2).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Diff {
    /// Accounts that are new.
    pub added: Vec<Arc<Account>>,
    /// Accounts that are there still, with another content.
    pub changed: Vec<Arc<Account>>,
    /// Names of Accounts that are gone.
    pub removed: Vec<Arc<str>>,
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
