//! SIP Interfaces, Proxy Sets and IP Groups: who SIP is spoken with, from where, and with whose
//! credentials.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Span;
use crate::secret::Secret;

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
    /// Local UDP ports for Accounts with a port of their own (rule U1).
    pub additional_udp_ports: Option<Ports>,
    /// When they are bound (rule U2).
    pub additional_udp_ports_mode: PortsMode,
}

impl SipInterface {
    /// An interface with the default of every option that is not named.
    pub fn new(name: &str, address: IpAddr, udp_port: u16) -> Self {
        Self {
            name: name.into(),
            address,
            udp_port,
            advertised_address: None,
            additional_udp_ports: None,
            additional_udp_ports_mode: PortsMode::AlwaysOpen,
        }
    }
}

/// Where something is said in the file of a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Default for Spot {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

/// A range of ports, both ends included; never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Ports {
    /// Whether this port is among them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// How many there are.
    pub fn count(self) -> usize {
        usize::from(self.last - self.first) + 1
    }
}

impl fmt::Display for Ports {
    /// As they are configured: `6000-6999`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// When additional ports are bound (rule U2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortsMode {
    /// `always-open`: from the start.
    AlwaysOpen,
    /// `open-when-used`: from an Account's first REGISTER to the end of its binding.
    OpenWhenUsed,
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
    /// Whether and how its members are probed (rule P3).
    pub keep_alive: KeepAlive,
    /// From one probe of a member to the next, in seconds, 5–2,000,000; default 60.
    pub keep_alive_secs: u32,
    /// Answers to a probe that count as none: at most three, never 200.
    pub keep_alive_failure_responses: Vec<u16>,
    /// User of the Request-URI, From and To of probes; default none for OPTIONS.
    pub keep_alive_user: Option<Arc<str>>,
    /// Good answers after the first one before a member is online again, 1–100; default 1 (rule
    /// P4).
    pub success_detection_retries: u8,
    /// Their distance in seconds, 1–200; default 10.
    pub success_detection_interval_secs: u32,
    /// A probe is repeated at most so often, 0–255; by default as `sip_max_rtx` says.
    pub failure_detection_retransmissions: Option<u8>,
    /// What becomes of the current member when a better one is online (rule P6).
    pub redundancy: Redundancy,
    /// Whether a REGISTER without answer goes to the next member at once (rule P7).
    pub hot_swap: bool,
    /// How requests are shared among online members (rule P6).
    pub load_balancing: LoadBalancing,
    /// With load balancing the set is online while so many members are, 1–15; default 1.
    pub min_active_servers: u8,
    /// How names are resolved (rule P1).
    pub dns_resolve_method: DnsResolveMethod,
}

impl ProxySet {
    /// A set with the default of every option that is not named.
    pub fn new(name: &str, interface: Arc<SipInterface>, proxies: Vec<ProxyAddress>) -> Self {
        Self {
            name: name.into(),
            sip_interface: interface,
            proxies,
            keep_alive: KeepAlive::Disable,
            keep_alive_secs: 60,
            keep_alive_failure_responses: Vec::new(),
            keep_alive_user: None,
            success_detection_retries: 1,
            success_detection_interval_secs: 10,
            failure_detection_retransmissions: None,
            redundancy: Redundancy::Parking,
            hot_swap: false,
            load_balancing: LoadBalancing::None,
            min_active_servers: 1,
            dns_resolve_method: DnsResolveMethod::Address,
        }
    }
}

/// How the members of a set are probed (rule P3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeepAlive {
    /// `disable`: not at all.
    Disable,
    /// `options`: every member, by OPTIONS.
    Options,
    /// `options-on-active`: the current member, and the next ones when it fails.
    OptionsOnActive,
    /// `register`: the current member, by REGISTER, every registration time.
    Register,
    /// `fake-register`: every member, by a REGISTER that registers nothing.
    FakeRegister,
}

/// What becomes of the current member when a better one is online (rule P6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redundancy {
    /// `parking`: it stays until it fails.
    Parking,
    /// `homing`: the best online member is the current one.
    Homing,
}

/// How requests are shared among online members (rule P6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadBalancing {
    /// `none`: all go to the current member.
    None,
    /// `round-robin`.
    RoundRobin,
    /// `random-weights`.
    RandomWeights,
}

/// How a name becomes addresses (rule P1, RFC 3263).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DnsResolveMethod {
    /// `a-record`: A or AAAA.
    Address,
    /// `srv`: SRV, then A or AAAA.
    Srv,
    /// `naptr`: NAPTR, then SRV, then A or AAAA.
    Naptr,
}

/// One address of a Proxy Set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyAddress {
    /// An IP address or a name.
    pub host: Host,
    /// Its port; without one it is what DNS says, else 5060.
    pub port: Option<u16>,
    /// How to speak to it; without one it is what DNS says, else UDP.
    pub transport: Option<Transport>,
    /// 0 is best.
    pub priority: u16,
    /// Share among equals.
    pub weight: u16,
}

/// Where a member of a set is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// A domain name, without a dot at its end.
    Name(Arc<str>),
}

impl ProxyAddress {
    /// An IP address with its port, and defaults.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            host: Host::Ip(address.ip()),
            port: Some(address.port()),
            transport: None,
            priority: 0,
            weight: 0,
        }
    }

    /// A name that is looked up, and defaults.
    pub fn named(name: &str, port: Option<u16>) -> Self {
        Self {
            host: Host::Name(name.into()),
            port,
            transport: None,
            priority: 0,
            weight: 0,
        }
    }

    /// The address, if it need not be looked up.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Ip(ip) => Some(SocketAddr::new(*ip, self.port.unwrap_or(DEFAULT_PORT))),
            Host::Name(_) => None,
        }
    }
}

/// The port of SIP over UDP and TCP (RFC 3261 §19.1.2).
pub(super) const DEFAULT_PORT: u16 = 5060;

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
    /// `password_credential`: the first line of a credential that systemd hands over.
    Credential(Arc<str>, Span),
}
