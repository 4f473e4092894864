//! Configurations for the simulated world, without a file: one interface, any registrars, any
//! Accounts.
//!
//! Everything has the value that an absent key has in a configuration file; tests change what they
//! are about.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::config::{
    Account, Agent, Alert, AuthenticationMode, Config, Credentials, IpGroup, ProxyAddress,
    ProxySet, Register, Registration, SecretSource, SipInterface, Trace,
};
use crate::secret::Secret;
use crate::time::Duration;

/// The address of the first registrar.
pub const REGISTRAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);
/// The address of our SIP Interface.
pub const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5060);
/// The host of every address-of-record.
pub const HOST: &str = "sim.example";
/// The password of every Account.
pub const PASSWORD: &str = "open sesame";
/// Wall-clock milliseconds since 1970 at the world's start: 2026-01-01T00:00:00Z.
pub const UNIX_MS_AT_ZERO: i64 = 1_767_225_600_000;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    registration: Registration,
    accounts: Vec<(u32, AccountSetup)>,
    sets: Changes<ProxySet>,
    local: SocketAddr,
    advertised: Option<IpAddr>,
    interface: Changes<SipInterface>,
    pub(super) receive_buffer: usize,
    pub(super) store: Option<Duration>,
    alerts: Vec<Arc<Alert>>,
}

/// One Account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountSetup {
    name: String,
    contact_user: Option<String>,
    host_name: Option<String>,
    group_name: Option<String>,
    registrars: Vec<SocketAddr>,
    user_name: Option<String>,
    password: String,
    as_client: Option<(String, String)>,
    register: Register,
    options: Changes<Account>,
    set: Changes<ProxySet>,
    served_at: Vec<SocketAddr>,
    served_set: Changes<ProxySet>,
    groups: (Option<String>, Option<String>),
}

/// What a test changes in a value of the configuration, in this order.
struct Changes<T>(Vec<Change<T>>);

type Change<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

impl<T> Changes<T> {
    fn none() -> Self {
        Self(Vec::new())
    }

    fn push(&mut self, change: impl Fn(&mut T) + Send + Sync + 'static) {
        self.0.push(Arc::new(change));
    }

    fn apply(&self, value: &mut T) {
        self.0.iter().for_each(|change| change(value));
    }
}

impl<T> Clone for Changes<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for Changes<T> {
    /// Equal are those that are one and the same.
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs.all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

impl<T> Eq for Changes<T> {}

impl<T> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changes", self.0.len())
    }
}

impl AccountSetup {
    /// An Account that registers at [`REGISTRAR`]; its name is its Contact User and its digest
    /// user.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            contact_user: Some(name.to_owned()),
            host_name: None,
            group_name: Some(HOST.to_owned()),
            registrars: vec![REGISTRAR],
            user_name: Some(name.to_owned()),
            password: PASSWORD.to_owned(),
            as_client: None,
            register: Register::Regular,
            options: Changes::none(),
            set: Changes::none(),
            served_at: Vec::new(),
            served_set: Changes::none(),
            groups: (None, None),
        }
    }

    /// Changes any option of the Account.
    #[must_use]
    pub fn options(mut self, change: impl Fn(&mut Account) + Send + Sync + 'static) -> Self {
        self.options.push(change);
        self
    }

    /// Changes any option of the Proxy Set that it registers at. Accounts share a set when all of
    /// it is the same.
    #[must_use]
    pub fn set(mut self, change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Self {
        self.set.push(change);
        self
    }

    /// Its served group has a Proxy Set, with these addresses.
    #[must_use]
    pub fn served_at(mut self, addresses: &[SocketAddr]) -> Self {
        self.served_at = addresses.to_vec();
        self
    }

    /// Changes any option of the served group's Proxy Set.
    #[must_use]
    pub fn served_set(mut self, change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Self {
        self.served_set.push(change);
        self
    }

    /// The names of its served and of its serving group. Accounts share a group when all of it is
    /// the same; without a name the served group is its own.
    #[must_use]
    pub fn groups(mut self, served: Option<&str>, serving: Option<&str>) -> Self {
        self.groups = (served.map(str::to_owned), serving.map(str::to_owned));
        self
    }

    /// Its Contact User; `None` leaves the user to its digest user name.
    #[must_use]
    pub fn contact_user(mut self, user: Option<&str>) -> Self {
        self.contact_user = user.map(str::to_owned);
        self
    }

    /// Its Host Name, and the SIP Group Name of its serving group; without either the host is the
    /// registrar's.
    #[must_use]
    pub fn hosts(mut self, host_name: Option<&str>, group_name: Option<&str>) -> Self {
        self.host_name = host_name.map(str::to_owned);
        self.group_name = group_name.map(str::to_owned);
        self
    }

    /// Its digest user name.
    #[must_use]
    pub fn user_name(mut self, user_name: &str) -> Self {
        self.user_name = Some(user_name.to_owned());
        self
    }

    /// It registers at this registrar.
    #[must_use]
    pub fn at(mut self, registrar: SocketAddr) -> Self {
        self.registrars = vec![registrar];
        self
    }

    /// One more member of the Proxy Set that it registers at.
    #[must_use]
    pub fn or_at(mut self, registrar: SocketAddr) -> Self {
        self.registrars.push(registrar);
        self
    }

    /// Its password is this one.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// It has neither user name nor password.
    #[must_use]
    pub fn without_credentials(mut self) -> Self {
        self.user_name = None;
        self
    }

    /// Its serving group has these credentials, and uses them as a client.
    #[must_use]
    pub fn group_credentials(mut self, user_name: &str, password: &str) -> Self {
        self.as_client = Some((user_name.to_owned(), password.to_owned()));
        self
    }

    /// `register = no`.
    #[must_use]
    pub fn credentials_only(mut self) -> Self {
        self.register = Register::No;
        self
    }

    /// `register = gin`.
    #[must_use]
    pub fn bulk(mut self) -> Self {
        self.register = Register::Gin;
        self
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// No Accounts, no store, default parameters, a receive buffer that limits nothing.
    pub fn new() -> Self {
        Self {
            registration: Registration::default(),
            accounts: Vec::new(),
            sets: Changes::none(),
            local: LOCAL,
            advertised: None,
            interface: Changes::none(),
            receive_buffer: 16 << 20,
            store: None,
            alerts: Vec::new(),
        }
    }

    /// The one Account `main`.
    pub fn one() -> Self {
        Self::new().account(AccountSetup::new("main"))
    }

    /// So many Accounts at [`REGISTRAR`]: `a0000`, `a0001` and so on.
    pub fn many(count: u32) -> Self {
        let mut setup = Self::new();
        for index in 0..count {
            setup = setup.account(AccountSetup::new(&format!("a{index:04}")));
        }
        if count > 102 {
            setup.registration.refresh_spread_percent = 20;
        }
        setup
    }

    /// One more Account.
    #[must_use]
    pub fn account(mut self, account: AccountSetup) -> Self {
        let last = self.accounts.iter().map(|(index, _)| *index).max();
        let index = last.map_or(0, |last| last + 1);
        self.accounts.push((index, account));
        self
    }

    /// Without the Account of this name; the others keep their indexes.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.accounts.retain(|(_, account)| account.name != name);
        self
    }

    /// Changes the Account of this name.
    #[must_use]
    pub fn change(mut self, name: &str, change: impl Fn(AccountSetup) -> AccountSetup) -> Self {
        for (_, account) in self.accounts.iter_mut().filter(|(_, it)| it.name == name) {
            *account = change(account.clone());
        }
        self
    }

    /// The address of our SIP Interface, and the one that replaces it in messages, if any.
    #[must_use]
    pub fn local(mut self, local: SocketAddr, advertised: Option<IpAddr>) -> Self {
        self.local = local;
        self.advertised = advertised;
        self
    }

    /// Changes any option of our SIP Interface.
    #[must_use]
    pub fn interface(mut self, change: impl Fn(&mut SipInterface) + Send + Sync + 'static) -> Self {
        self.interface.push(change);
        self
    }

    /// Changes the global parameters.
    #[must_use]
    pub fn registration(mut self, change: impl FnOnce(&mut Registration)) -> Self {
        change(&mut self.registration);
        self
    }

    /// Changes any option of every Proxy Set, before what an Account changes in its own.
    #[must_use]
    pub fn set(mut self, change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Self {
        self.sets.push(change);
        self
    }

    /// The effective receive buffer of every socket, as the kernel counts it.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = bytes;
        self
    }

    /// There is a store, which takes so long to write a batch.
    #[must_use]
    pub fn store(mut self, delay: Duration) -> Self {
        self.store = Some(delay);
        self
    }

    /// One more subscription to alerts.
    #[must_use]
    pub fn alert(mut self, alert: Alert) -> Self {
        self.alerts.push(Arc::new(alert));
        self
    }

    /// Without the subscription of this name.
    #[must_use]
    pub fn without_alert(mut self, name: &str) -> Self {
        self.alerts.retain(|alert| &*alert.name != name);
        self
    }

    /// Every registrar that an Account names, and every address of a Proxy Set.
    pub(super) fn registrars(&self) -> Vec<SocketAddr> {
        let config = self.config();
        let sets = config.proxy_sets.iter();
        let members = sets.flat_map(|set| set.proxies.iter().filter_map(ProxyAddress::address));
        let accounts = self.accounts.iter();
        let named = accounts.flat_map(|(_, account)| account.registrars.iter().copied());
        let mut all: Vec<SocketAddr> = named.chain(members).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The digest users of everybody; the registrars know them with [`PASSWORD`].
    pub(super) fn users(&self) -> impl Iterator<Item = &str> + '_ {
        let accounts = || self.accounts.iter().map(|(_, account)| account);
        let own = accounts().filter_map(|account| account.user_name.as_deref());
        let group = accounts().filter_map(|account| account.as_client.as_ref());
        own.chain(group.map(|(user, _)| &**user))
    }

    /// The address of our SIP Interface.
    pub(super) fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The global parameters.
    pub(super) fn parameters(&self) -> &Registration {
        &self.registration
    }

    /// The configuration itself.
    pub fn config(&self) -> Config {
        let mut interface = SipInterface {
            advertised_address: self.advertised,
            ..SipInterface::new("outside", self.local.ip(), self.local.port())
        };
        self.interface.apply(&mut interface);
        let interface = Arc::new(interface);
        let mut config = Config {
            agent: agent(self.accounts.len()),
            registration: self.registration.clone(),
            sip_interfaces: vec![interface.clone()],
            interfaces_at: Vec::new(),
            proxy_sets: Vec::new(),
            ip_groups: Vec::new(),
            accounts: Vec::new(),
            mail: None,
            web: None,
            alerts: self.alerts.clone(),
        };
        for (index, setup) in &self.accounts {
            let changes = [&self.sets, &setup.set];
            let set = proxy_set(&mut config, &interface, &setup.registrars, changes);
            let serving = serving(&mut config, set, setup);
            let changes = [&self.sets, &setup.served_set];
            let has_set = !setup.served_at.is_empty();
            let set =
                has_set.then(|| proxy_set(&mut config, &interface, &setup.served_at, changes));
            let served = served(&mut config, set, setup);
            let account = account(*index, (served, serving), setup);
            config.accounts.push(Arc::new(account));
        }
        config
    }
}

/// A Proxy Set with these addresses: one that is there already, or a new one.
fn proxy_set(
    config: &mut Config,
    interface: &Arc<SipInterface>,
    addresses: &[SocketAddr],
    changes: [&Changes<ProxySet>; 2],
) -> Arc<ProxySet> {
    let proxies = addresses.iter().map(|it| ProxyAddress::at(*it)).collect();
    let mut set = ProxySet::new(&format!("set {addresses:?}"), interface.clone(), proxies);
    changes.iter().for_each(|changes| changes.apply(&mut set));
    set.proxies.sort_by_key(|proxy| proxy.priority);
    for known in &config.proxy_sets {
        let name = known.name.clone();
        if **known
            == (ProxySet {
                name,
                ..set.clone()
            })
        {
            return known.clone();
        }
    }
    let is_of_name = |known: &&Arc<ProxySet>| known.name.starts_with(&*set.name);
    let others = config.proxy_sets.iter().filter(is_of_name).count();
    if others > 0 {
        set.name = format!("{} {}", set.name, others + 1).into();
    }
    let set = Arc::new(set);
    config.proxy_sets.push(set.clone());
    set
}

/// The serving group of an Account: one that is there already, or a new one.
fn serving(config: &mut Config, set: Arc<ProxySet>, setup: &AccountSetup) -> Arc<IpGroup> {
    let as_client = setup.as_client.as_ref();
    let name = match &setup.groups.1 {
        Some(name) => name.clone(),
        None => format!("serving {} {:?} {as_client:?}", set.name, setup.group_name),
    };
    let group = IpGroup {
        name: name.into(),
        proxy_set: Some(set),
        sip_group_name: setup.group_name.as_deref().map(Arc::from),
        contact_user: None,
        authentication_mode: match as_client {
            Some(_) => AuthenticationMode::SbcAsClient,
            None => AuthenticationMode::UserAuthenticates,
        },
        as_client: as_client.map(|(user, password)| credentials(user, password)),
    };
    shared(config, group)
}

/// The served group of an Account: its own, unless it is named.
fn served(config: &mut Config, set: Option<Arc<ProxySet>>, setup: &AccountSetup) -> Arc<IpGroup> {
    let name = setup.groups.0.clone();
    let own = || format!("served-{}", setup.name);
    let group = IpGroup {
        name: name.clone().unwrap_or_else(own).into(),
        proxy_set: set,
        sip_group_name: None,
        contact_user: None,
        authentication_mode: AuthenticationMode::UserAuthenticates,
        as_client: None,
    };
    match name {
        Some(_) => shared(config, group),
        None => added(config, group),
    }
}

/// The group that is there already, or a new one.
fn shared(config: &mut Config, group: IpGroup) -> Arc<IpGroup> {
    if let Some(known) = config.ip_groups.iter().find(|known| ***known == group) {
        return known.clone();
    }
    added(config, group)
}

fn added(config: &mut Config, group: IpGroup) -> Arc<IpGroup> {
    let group = Arc::new(group);
    config.ip_groups.push(group.clone());
    group
}

fn account(
    index: u32,
    (served, serving): (Arc<IpGroup>, Arc<IpGroup>),
    setup: &AccountSetup,
) -> Account {
    let own = setup.user_name.as_ref();
    let mut account = Account {
        host_name: setup.host_name.as_deref().map(Arc::from),
        contact_user: setup.contact_user.as_deref().map(Arc::from),
        credentials: own.map(|user| credentials(user, &setup.password)),
        register: setup.register,
        ..Account::new(index, setup.name.as_str().into(), served, serving)
    };
    setup.options.apply(&mut account);
    account
}

fn credentials(user_name: &str, password: &str) -> Credentials {
    Credentials {
        user_name: user_name.into(),
        password: Secret::new(password),
        source: SecretSource::Inline,
    }
}

fn agent(accounts: usize) -> Agent {
    Agent {
        user_agent: "regent/sim".into(),
        control_socket: None,
        control_group: None,
        core_dumps: false,
        dns_servers: Vec::new(),
        state_directory: None,
        when_state_fails: crate::config::StateFailure::Refuse,
        history_days: 30,
        history_max_events: 500_000,
        max_accounts: u32::try_from(accounts).unwrap_or(u32::MAX).max(102),
        max_accounts_per_served_ip_group: 30,
        trace: Trace::default(),
    }
}
