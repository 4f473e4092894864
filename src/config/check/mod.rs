//! From rows to a configuration: names, references, limits, and what does not go together.

mod account;
mod alert;
mod interface;
mod needs;
mod party;
mod registry;
mod set;
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use self::account::Draft;
pub(super) use self::account::{derived_name, free_indexes};
use self::alert::Wanted;
use self::interface::Reserved;
use self::needs::Told;
use self::registry::Registry;
pub(super) use self::web::{SAME_TOKEN, SAME_TOKEN_HINT};
use super::faults::{Fault, Faults};
use super::options::*;
use super::parse::Top;
use super::row::Row;
use super::values::SOCKET_PATH_BYTES;
use super::{
    Account, Agent, Alert, Config, IpGroup, Mail, MoveWhenLost, ProbeUnknown, ProxySet, Redirects,
    Registration, SipInterface, Spot, StateFailure, SyncMode, Trace, UnregistrationMode, Web,
};
use crate::sip::Algorithm;

/// A configuration in the making. Its methods must be called in their order, so that each row finds
/// what it refers to.
pub(super) struct Check<'t> {
    pub(super) faults: Faults<'t>,
    agent: Agent,
    registration: Registration,
    /// `refresh_spread_percent`, if it is given.
    spread: Option<u8>,
    limits: Limits,
    interfaces: Registry<SipInterface>,
    /// Where their addresses stand.
    interfaces_at: Vec<Spot>,
    /// What is bound to (port, IPv6 or not, address), and where that is said.
    bound: BTreeMap<(u16, bool, IpAddr), u32>,
    reserved: Vec<Reserved>,
    sets: Registry<ProxySet>,
    groups: Registry<IpGroup>,
    /// Serving groups without addresses of which that has been said.
    unaddressed: BTreeSet<u32>,
    told: Told,
    drafts: Vec<Draft>,
    /// The mail server, and where it is said.
    mail: Option<(u32, Mail)>,
    alerts: Registry<Alert>,
    /// Whether any alert is mailed.
    sends_mail: bool,
    covered: Vec<Wanted>,
    web: Option<Web>,
    shared: Shared,
}

/// The limits of rule G1; none where a faulty one is given.
struct Limits {
    accounts: Option<u32>,
    per_served: Option<u32>,
}

/// Texts that occur often are kept once.
#[derive(Default)]
struct Shared(BTreeSet<Arc<str>>);

impl Shared {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// Up to so many Accounts, refreshes are not spread by default (rule L9).
const UNSPREAD_ACCOUNTS: usize = 102;
/// Above that, by this share.
const SPREAD_PERCENT: u8 = 20;

impl<'t> Check<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let agent = Row::empty(Table::Agent);
        let registration = Row::empty(Table::Registration);
        Self {
            faults: Faults::new(text),
            agent: read_agent(&agent),
            registration: read_registration(&registration),
            spread: None,
            limits: Limits::read(&agent),
            interfaces: Registry::new(Table::SipInterface),
            interfaces_at: Vec::new(),
            bound: BTreeMap::new(),
            reserved: Vec::new(),
            sets: Registry::new(Table::ProxySet),
            groups: Registry::new(Table::IpGroup),
            unaddressed: BTreeSet::new(),
            told: Told::default(),
            drafts: Vec::new(),
            mail: None,
            alerts: Registry::new(Table::Alert),
            sends_mail: false,
            covered: Vec::new(),
            web: None,
            shared: Shared::default(),
        }
    }

    /// Takes it that any row may have been lost, so that no reference is known to lead nowhere.
    pub(super) fn set_lossy(&mut self) {
        self.interfaces.set_lossy();
        self.sets.set_lossy();
        self.groups.set_lossy();
    }

    /// Says of each row what it shares with others.
    pub(super) fn tell_each(&mut self) {
        self.told.tell_each();
    }

    /// Takes everything but the Accounts.
    pub(super) fn globals(&mut self, top: &Top<'_>) {
        if let Some(row) = &top.agent {
            self.agent = read_agent(row);
            self.limits = Limits::read(row);
            self.check_socket_path(row);
            self.check_trace(row);
        }
        if let Some(row) = &top.registration {
            self.registration = read_registration(row);
            self.spread = row.given(&REFRESH_SPREAD_PERCENT);
            self.check_timers(row);
        }
        top.interfaces.iter().for_each(|row| self.interface(row));
        top.sets.iter().for_each(|row| self.set(row));
        top.groups.iter().for_each(|row| self.group(row));
        if let Some(row) = &top.mail {
            self.mail(row);
        }
        top.alerts.iter().for_each(|row| self.alert(row));
        if let Some(row) = &top.web {
            self.web(row);
        }
    }

    /// Makes room for so many Accounts.
    pub(super) fn expect(&mut self, accounts: usize) {
        self.drafts.reserve_exact(accounts);
    }

    /// What has become of it all.
    pub(super) fn finish(mut self) -> (Option<Config>, Faults<'t>) {
        let accounts = self.accounts();
        self.interfaces
            .warn_of_unused(Table::ProxySet, &INTERFACE_NAME, &mut self.faults);
        self.sets
            .warn_of_unused(Table::IpGroup, &SET_NAME, &mut self.faults);
        self.groups
            .warn_of_unused(Table::Account, &GROUP_NAME, &mut self.faults);
        if self.faults.any_error() {
            return (None, self.faults);
        }
        let faults = std::mem::replace(&mut self.faults, Faults::new(""));
        (Some(self.config(accounts)), faults)
    }

    fn check_socket_path(&mut self, row: &Row<'_>) {
        let bytes = row.text(&CONTROL_SOCKET).map_or(0, str::len);
        if bytes > SOCKET_PATH_BYTES {
            let key = CONTROL_SOCKET.key;
            let message = format!(
                "{}: {key} has {bytes} bytes, but at most {SOCKET_PATH_BYTES} are allowed",
                row.label
            );
            self.faults
                .push(Fault::error(row.span(&CONTROL_SOCKET).start, key, message));
        }
    }

    /// What is reported to a capture server comes out of the memory for traces.
    fn check_trace(&mut self, row: &Row<'_>) {
        let is_kept = self.agent.trace.memory_mib > 0 || row.is_faulty(&TRACE_MEMORY_MIB);
        let [server, id] = [&HEP_SERVER, &HEP_CAPTURE_ID].map(|option| row.has(option));
        let (option, lacks) = match (server, id) {
            (true, _) if !is_kept => (&HEP_SERVER, "while trace_memory_mib is 0"),
            (false, true) => (&HEP_CAPTURE_ID, "without hep_server"),
            _ => return,
        };
        let message = format!("{}: {} has no effect {lacks}", row.label, option.key);
        self.faults
            .absent(Fault::warning(row.span(option).start, option.key, message));
    }

    fn check_timers(&mut self, row: &Row<'_>) {
        let Registration {
            sip_t1_ms,
            sip_t2_ms,
            ..
        } = self.registration;
        let is_faulty = row.is_faulty(&SIP_T1_MS) || row.is_faulty(&SIP_T2_MS);
        if sip_t1_ms > sip_t2_ms && !is_faulty {
            let message = format!(
                "{}: sip_t1_ms is {sip_t1_ms}, but must not be above sip_t2_ms, which is \
                 {sip_t2_ms}",
                row.label
            );
            self.faults.push(Fault::error(
                row.span(&SIP_T1_MS).start,
                SIP_T1_MS.key,
                message,
            ));
        }
    }
}
impl Check<'_> {
    fn config(self, accounts: Vec<Arc<Account>>) -> Config {
        let spread = if accounts.len() > UNSPREAD_ACCOUNTS {
            SPREAD_PERCENT
        } else {
            0
        };
        Config {
            agent: self.agent,
            registration: Registration {
                refresh_spread_percent: self.spread.unwrap_or(spread),
                ..self.registration
            },
            sip_interfaces: self.interfaces.into_values(),
            interfaces_at: self.interfaces_at,
            proxy_sets: self.sets.into_values(),
            ip_groups: self.groups.into_values(),
            accounts,
            mail: self.mail.map(|(_, mail)| mail),
            alerts: self.alerts.into_values(),
            web: self.web,
        }
    }
}

impl Limits {
    fn read(row: &Row<'_>) -> Self {
        let limit = |option| (!row.is_faulty(option)).then(|| row.whole(option));
        Self {
            accounts: limit(&MAX_ACCOUNTS),
            per_served: limit(&MAX_ACCOUNTS_PER_SERVED_IP_GROUP),
        }
    }
}

impl Agent {
    /// What a configuration that says nothing gives.
    pub(in crate::config) fn usual() -> Self {
        read_agent(&Row::empty(Table::Agent))
    }
}

fn read_agent(row: &Row<'_>) -> Agent {
    let failures = [StateFailure::Refuse, StateFailure::Continue];
    let version = concat!("regent/", env!("CARGO_PKG_VERSION"));
    Agent {
        user_agent: row.text(&USER_AGENT).unwrap_or(version).into(),
        control_socket: row.text(&CONTROL_SOCKET).map(Arc::from),
        control_group: row.text(&CONTROL_GROUP).map(Arc::from),
        core_dumps: row.flag(&CORE_DUMPS),
        dns_servers: row.addresses(&DNS_SERVERS).to_vec(),
        state_directory: row.text(&STATE_DIRECTORY).map(Arc::from),
        when_state_fails: row.word(&WHEN_STATE_FAILS, &failures),
        history_days: row.whole(&HISTORY_DAYS),
        history_max_events: row.whole(&HISTORY_MAX_EVENTS),
        max_accounts: row.whole(&MAX_ACCOUNTS),
        max_accounts_per_served_ip_group: row.whole(&MAX_ACCOUNTS_PER_SERVED_IP_GROUP),
        trace: Trace {
            memory_mib: row.whole(&TRACE_MEMORY_MIB),
            hep_server: row.text(&HEP_SERVER).map(Arc::from),
            hep_capture_id: row.whole(&HEP_CAPTURE_ID),
        },
    }
}

fn read_registration(row: &Row<'_>) -> Registration {
    let modes = [UnregistrationMode::OwnContact, UnregistrationMode::All];
    let algorithms = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ];
    let redirects = [
        Redirects::Rejected,
        Redirects::WithinSet,
        Redirects::Anywhere,
    ];
    Registration {
        registration_time_secs: row.whole(&REGISTRATION_TIME_SECS),
        refresh_percent: row.whole(&REFRESH_PERCENT),
        refresh_threshold_secs: row.whole(&REFRESH_THRESHOLD_SECS),
        // What stands for it depends on the number of Accounts, which is known at the end.
        refresh_spread_percent: 0,
        registration_retry_secs: row.whole(&REGISTRATION_RETRY_SECS),
        max_registration_backoff_secs: row.whole(&MAX_REGISTRATION_BACKOFF_SECS),
        retry_jitter_percent: row.whole(&RETRY_JITTER_PERCENT),
        retry_after_max_secs: row.whole(&RETRY_AFTER_MAX_SECS),
        credentials_retry_secs: row.whole(&CREDENTIALS_RETRY_SECS),
        unregistration_mode: row.word(&UNREGISTRATION_MODE, &modes),
        follow_redirects: row.word(&FOLLOW_REDIRECTS, &redirects),
        unregister_on_shutdown: row.flag(&UNREGISTER_ON_SHUTDOWN),
        minimum_algorithm: row.word(&MINIMUM_ALGORITHM, &algorithms),
        sip_t1_ms: row.whole(&SIP_T1_MS),
        sip_t2_ms: row.whole(&SIP_T2_MS),
        sip_max_rtx: row.whole(&SIP_MAX_RTX),
        ..read_registrars(row)
    }
}

/// The options about registrars; all others have their defaults.
fn read_registrars(row: &Row<'_>) -> Registration {
    let moves = [
        MoveWhenLost::ByMode,
        MoveWhenLost::AtOnce,
        MoveWhenLost::NextRegister,
    ];
    let sync_modes = [SyncMode::Disable, SyncMode::Enable, SyncMode::AnyFailure];
    let probes = [ProbeUnknown::Slow, ProbeUnknown::Stop];
    Registration {
        hot_swap_transmissions: row.whole(&HOT_SWAP_TRANSMISSIONS),
        failover_codes: row.codes(&FAILOVER_CODES).into(),
        account_registrar_avoidance_secs: row.whole(&ACCOUNT_REGISTRAR_AVOIDANCE_SECS),
        account_invite_failure_trigger_codes: row
            .codes(&ACCOUNT_INVITE_FAILURE_TRIGGER_CODES)
            .into(),
        invite_trigger_min_secs: row.whole(&INVITE_TRIGGER_MIN_SECS),
        move_when_registrar_lost: row.word(&MOVE_WHEN_REGISTRAR_LOST, &moves),
        use_random_user: row.flag(&USE_RANDOM_USER),
        unregister_on_startup: row.flag(&UNREGISTER_ON_STARTUP),
        registration_sync_mode: row.word(&REGISTRATION_SYNC_MODE, &sync_modes),
        re_register_on_connection_failure: row.flag(&RE_REGISTER_ON_CONNECTION_FAILURE),
        dns_refresh_secs: row.whole(&DNS_REFRESH_SECS),
        lagged_ms: row.whole(&LAGGED_MS),
        probe_unknown: row.word(&PROBE_UNKNOWN, &probes),
        ..Registration::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Codes, load};

    #[test]
    fn what_is_traced_and_reported_reaches_the_configuration() {
        let minimal = include_str!("../../../conf/minimal.toml");
        let read = |agent: &str| load("t", &format!("[agent]\n{agent}\n{minimal}"));
        let loaded = read("");
        assert_eq!(loaded.config.unwrap().agent.trace, Trace::default());
        let loaded = read("trace_memory_mib = 1\nhep_server = \"[::1]:9061\"\nhep_capture_id = 7");
        assert_eq!(loaded.diagnostics.to_string(), "");
        let trace = Trace {
            memory_mib: 1,
            hep_server: Some("[::1]:9061".into()),
            hep_capture_id: 7,
        };
        assert_eq!(loaded.config.unwrap().agent.trace, trace);
        for (agent, said) in [
            (
                "trace_memory_mib = 0\nhep_server = \"a.example\"",
                "hep_server has no effect while trace_memory_mib is 0",
            ),
            (
                "hep_capture_id = 7",
                "hep_capture_id has no effect without hep_server",
            ),
        ] {
            let loaded = read(agent);
            let diagnostics = loaded.diagnostics.to_string();
            assert!(diagnostics.contains(said), "{diagnostics}");
            assert!(loaded.config.is_some());
        }
    }

    #[test]
    fn every_option_about_registrars_reaches_the_configuration() {
        let text = format!(
            "[registration]\nhot_swap_transmissions = 4\nfailover_codes = [\"6xx\", 480]\n\
             account_registrar_avoidance_secs = 0\naccount_invite_failure_trigger_codes = []\n\
             invite_trigger_min_secs = 0\nmove_when_registrar_lost = \"next-register\"\n\
             use_random_user = true\nunregister_on_startup = true\n\
             registration_sync_mode = \"any-failure\"\n\
             re_register_on_connection_failure = false\ndns_refresh_secs = 5\n\
             lagged_ms = 32000\nprobe_unknown = \"stop\"\n{}",
            include_str!("../../../conf/minimal.toml")
        );
        let loaded = load("t", &text);
        assert_eq!(loaded.diagnostics.to_string(), "");
        assert_eq!(
            loaded.config.unwrap().registration,
            Registration {
                hot_swap_transmissions: 4,
                failover_codes: [Codes::Class(6), Codes::One(480)].into(),
                account_registrar_avoidance_secs: 0,
                account_invite_failure_trigger_codes: [].into(),
                invite_trigger_min_secs: 0,
                move_when_registrar_lost: MoveWhenLost::NextRegister,
                use_random_user: true,
                unregister_on_startup: true,
                registration_sync_mode: SyncMode::AnyFailure,
                re_register_on_connection_failure: false,
                dns_refresh_secs: 5,
                lagged_ms: 32_000,
                probe_unknown: ProbeUnknown::Stop,
                ..Registration::default()
            }
        );
    }
}
