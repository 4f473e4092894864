//! A checked configuration, told again as values of its options.
//!
//! The inverse of `check`, for whoever writes a configuration in another language: one value for
//! each option, [`Shown::Nothing`] where there is none. A test holds that no option is forgotten.

use super::options::*;
use super::{
    Account, Agent, AuthenticationMode, ByServedStatus, Codes, Credentials, DnsResolveMethod, Host,
    IpGroup, KeepAlive, LoadBalancing, MoveWhenLost, PortsMode, ProbeUnknown, ProxyAddress,
    ProxySet, Redirects, Redundancy, Register, Registration, SearchMode, SipInterface,
    StateFailure, Stickiness, SyncMode, Transport, UnregistrationMode,
};
use crate::secret::Secret;
use crate::sip::Algorithm;

/// The value of an option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// None: what stands for it is no value.
    Nothing,
    /// Text, addresses and ranges too.
    Text(String),
    /// A number.
    Whole(u64),
    /// `true` or `false`.
    Flag(bool),
    /// A word of the option.
    Word(&'static str),
    /// Status codes.
    Codes(Vec<Codes>),
    /// A password.
    Password(Secret),
}

/// What a row says: a value for each of some options.
pub(super) type Values = Vec<(&'static Opt, Shown)>;

fn text(value: Option<impl ToString>) -> Shown {
    value.map_or(Shown::Nothing, |value| Shown::Text(value.to_string()))
}

fn whole(value: impl Into<u64>) -> Shown {
    Shown::Whole(value.into())
}

fn codes(value: &[Codes]) -> Shown {
    Shown::Codes(value.to_vec())
}

/// `[agent]`.
pub(super) fn agent(agent: &Agent) -> Values {
    let servers: Vec<String> = agent.dns_servers.iter().map(ToString::to_string).collect();
    vec![
        (&USER_AGENT, text(Some(&agent.user_agent))),
        (&CONTROL_SOCKET, text(agent.control_socket.as_ref())),
        (&CONTROL_GROUP, text(agent.control_group.as_ref())),
        (&CORE_DUMPS, Shown::Flag(agent.core_dumps)),
        (
            &DNS_SERVERS,
            text((!servers.is_empty()).then(|| servers.join(", "))),
        ),
        (&STATE_DIRECTORY, text(agent.state_directory.as_ref())),
        (
            &WHEN_STATE_FAILS,
            Shown::Word(match agent.when_state_fails {
                StateFailure::Refuse => "refuse",
                StateFailure::Continue => "continue",
            }),
        ),
        (&HISTORY_DAYS, whole(agent.history_days)),
        (&HISTORY_MAX_EVENTS, whole(agent.history_max_events)),
        (&MAX_ACCOUNTS, whole(agent.max_accounts)),
        (
            &MAX_ACCOUNTS_PER_SERVED_IP_GROUP,
            whole(agent.max_accounts_per_served_ip_group),
        ),
        (&TRACE_MEMORY_MIB, whole(agent.trace.memory_mib)),
        (&HEP_SERVER, text(agent.trace.hep_server.as_ref())),
        (&HEP_CAPTURE_ID, whole(agent.trace.hep_capture_id)),
    ]
}

/// `[registration]`.
pub(super) fn registration(it: &Registration) -> Values {
    let mut values: Values = vec![
        (&REGISTRATION_TIME_SECS, whole(it.registration_time_secs)),
        (&REFRESH_PERCENT, whole(it.refresh_percent)),
        (&REFRESH_THRESHOLD_SECS, whole(it.refresh_threshold_secs)),
        (&REFRESH_SPREAD_PERCENT, whole(it.refresh_spread_percent)),
        (&REGISTRATION_RETRY_SECS, whole(it.registration_retry_secs)),
        (
            &MAX_REGISTRATION_BACKOFF_SECS,
            whole(it.max_registration_backoff_secs),
        ),
        (&RETRY_JITTER_PERCENT, whole(it.retry_jitter_percent)),
        (&RETRY_AFTER_MAX_SECS, whole(it.retry_after_max_secs)),
        (&CREDENTIALS_RETRY_SECS, whole(it.credentials_retry_secs)),
        (
            &UNREGISTRATION_MODE,
            Shown::Word(match it.unregistration_mode {
                UnregistrationMode::OwnContact => "own-contact",
                UnregistrationMode::All => "all",
            }),
        ),
        (
            &FOLLOW_REDIRECTS,
            Shown::Word(match it.follow_redirects {
                Redirects::Rejected => "no",
                Redirects::WithinSet => "set",
                Redirects::Anywhere => "any",
            }),
        ),
        (
            &UNREGISTER_ON_SHUTDOWN,
            Shown::Flag(it.unregister_on_shutdown),
        ),
        (
            &MINIMUM_ALGORITHM,
            Shown::Word(algorithm(it.minimum_algorithm)),
        ),
        (&SIP_T1_MS, whole(it.sip_t1_ms)),
        (&SIP_T2_MS, whole(it.sip_t2_ms)),
        (&SIP_MAX_RTX, whole(it.sip_max_rtx)),
    ];
    values.extend(registrars(it));
    values
}

/// The options of `[registration]` that are about registrars.
fn registrars(it: &Registration) -> Values {
    vec![
        (&HOT_SWAP_TRANSMISSIONS, whole(it.hot_swap_transmissions)),
        (&FAILOVER_CODES, codes(&it.failover_codes)),
        (
            &ACCOUNT_REGISTRAR_AVOIDANCE_SECS,
            whole(it.account_registrar_avoidance_secs),
        ),
        (
            &ACCOUNT_INVITE_FAILURE_TRIGGER_CODES,
            codes(&it.account_invite_failure_trigger_codes),
        ),
        (&INVITE_TRIGGER_MIN_SECS, whole(it.invite_trigger_min_secs)),
        (
            &MOVE_WHEN_REGISTRAR_LOST,
            Shown::Word(match it.move_when_registrar_lost {
                MoveWhenLost::ByMode => "by-mode",
                MoveWhenLost::AtOnce => "at-once",
                MoveWhenLost::NextRegister => "next-register",
            }),
        ),
        (&USE_RANDOM_USER, Shown::Flag(it.use_random_user)),
        (
            &UNREGISTER_ON_STARTUP,
            Shown::Flag(it.unregister_on_startup),
        ),
        (
            &REGISTRATION_SYNC_MODE,
            Shown::Word(match it.registration_sync_mode {
                SyncMode::Disable => "disable",
                SyncMode::Enable => "enable",
                SyncMode::AnyFailure => "any-failure",
            }),
        ),
        (
            &RE_REGISTER_ON_CONNECTION_FAILURE,
            Shown::Flag(it.re_register_on_connection_failure),
        ),
        (&DNS_REFRESH_SECS, whole(it.dns_refresh_secs)),
        (&LAGGED_MS, whole(it.lagged_ms)),
        (
            &PROBE_UNKNOWN,
            Shown::Word(match it.probe_unknown {
                ProbeUnknown::Slow => "slow",
                ProbeUnknown::Stop => "stop",
            }),
        ),
    ]
}

fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Md5 => "md5",
        Algorithm::Md5Sess => "md5-sess",
        Algorithm::Sha256 => "sha-256",
        Algorithm::Sha256Sess => "sha-256-sess",
        Algorithm::Sha512_256 => "sha-512-256",
        Algorithm::Sha512_256Sess => "sha-512-256-sess",
    }
}

/// A `[[sip_interface]]`.
pub(super) fn interface(it: &SipInterface) -> Values {
    vec![
        (&INTERFACE_NAME, text(Some(&it.name))),
        (&INTERFACE_ADDRESS, text(Some(it.address))),
        (&INTERFACE_UDP_PORT, whole(it.udp_port)),
        (&INTERFACE_ADVERTISED_ADDRESS, text(it.advertised_address)),
        (
            &INTERFACE_ADDITIONAL_UDP_PORTS,
            text(it.additional_udp_ports),
        ),
        (
            &INTERFACE_ADDITIONAL_UDP_PORTS_MODE,
            Shown::Word(match it.additional_udp_ports_mode {
                PortsMode::AlwaysOpen => "always-open",
                PortsMode::OpenWhenUsed => "open-when-used",
            }),
        ),
    ]
}

/// A `[[proxy_set]]`, without its proxies.
pub(super) fn set(it: &ProxySet) -> Values {
    let failures = it.keep_alive_failure_responses.iter();
    let failures: Vec<Codes> = failures.map(|code| Codes::One(*code)).collect();
    let retransmissions = it.failure_detection_retransmissions;
    vec![
        (&SET_NAME, text(Some(&it.name))),
        (&SET_SIP_INTERFACE, text(Some(&it.sip_interface.name))),
        (
            &SET_KEEP_ALIVE,
            Shown::Word(match it.keep_alive {
                KeepAlive::Disable => "disable",
                KeepAlive::Options => "options",
                KeepAlive::OptionsOnActive => "options-on-active",
                KeepAlive::Register => "register",
                KeepAlive::FakeRegister => "fake-register",
            }),
        ),
        (&SET_KEEP_ALIVE_SECS, whole(it.keep_alive_secs)),
        (&SET_KEEP_ALIVE_FAILURE_RESPONSES, Shown::Codes(failures)),
        (&SET_KEEP_ALIVE_USER, text(it.keep_alive_user.as_ref())),
        (
            &SET_SUCCESS_DETECTION_RETRIES,
            whole(it.success_detection_retries),
        ),
        (
            &SET_SUCCESS_DETECTION_INTERVAL_SECS,
            whole(it.success_detection_interval_secs),
        ),
        (
            &SET_FAILURE_DETECTION_RETRANSMISSIONS,
            retransmissions.map_or(Shown::Nothing, whole),
        ),
        (
            &SET_REDUNDANCY,
            Shown::Word(match it.redundancy {
                Redundancy::Parking => "parking",
                Redundancy::Homing => "homing",
            }),
        ),
        (&SET_HOT_SWAP, Shown::Flag(it.hot_swap)),
        (
            &SET_LOAD_BALANCING,
            Shown::Word(match it.load_balancing {
                LoadBalancing::None => "none",
                LoadBalancing::RoundRobin => "round-robin",
                LoadBalancing::RandomWeights => "random-weights",
            }),
        ),
        (&SET_MIN_ACTIVE_SERVERS, whole(it.min_active_servers)),
        (
            &SET_DNS_RESOLVE_METHOD,
            Shown::Word(match it.dns_resolve_method {
                DnsResolveMethod::Address => "a-record",
                DnsResolveMethod::Srv => "srv",
                DnsResolveMethod::Naptr => "naptr",
            }),
        ),
    ]
}

/// An entry of `proxy`.
pub(super) fn proxy(it: &ProxyAddress) -> Values {
    let address = match (&it.host, it.address(), it.port) {
        (Host::Ip(_), Some(address), _) => address.to_string(),
        (Host::Name(name), _, Some(port)) => format!("{name}:{port}"),
        (Host::Name(name), _, None) => name.to_string(),
        (Host::Ip(ip), None, _) => ip.to_string(),
    };
    let transport = it.transport.map(|transport| match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
    });
    vec![
        (&PROXY_ADDRESS, Shown::Text(address)),
        (
            &PROXY_TRANSPORT,
            transport.map_or(Shown::Nothing, Shown::Word),
        ),
        (&PROXY_PRIORITY, whole(it.priority)),
        (&PROXY_WEIGHT, whole(it.weight)),
    ]
}

/// An `[[ip_group]]`.
pub(super) fn group(it: &IpGroup) -> Values {
    let set = it.proxy_set.as_ref().map(|set| &set.name);
    let (user_name, password) = credentials(it.as_client.as_ref());
    vec![
        (&GROUP_NAME, text(Some(&it.name))),
        (&GROUP_PROXY_SET, text(set)),
        (&GROUP_SIP_GROUP_NAME, text(it.sip_group_name.as_ref())),
        (&GROUP_CONTACT_USER, text(it.contact_user.as_ref())),
        (
            &GROUP_AUTHENTICATION_MODE,
            Shown::Word(match it.authentication_mode {
                AuthenticationMode::UserAuthenticates => "user-authenticates",
                AuthenticationMode::SbcAsClient => "sbc-as-client",
                AuthenticationMode::SbcAsServer => "sbc-as-server",
                AuthenticationMode::SbcAsBoth => "sbc-as-both",
            }),
        ),
        (&GROUP_USER_NAME_AS_CLIENT, user_name),
        (&GROUP_PASSWORD_AS_CLIENT, password),
    ]
}

/// An `[[account]]`.
pub(super) fn account(it: &Account) -> Values {
    let (user_name, password) = credentials(it.credentials.as_ref());
    vec![
        (&ACCOUNT_INDEX, whole(it.index)),
        (&ACCOUNT_NAME, text(Some(&it.name))),
        (&ACCOUNT_SERVED, text(Some(&it.served.name))),
        (&ACCOUNT_SERVING, text(Some(&it.serving.name))),
        (&ACCOUNT_HOST_NAME, text(it.host_name.as_ref())),
        (&ACCOUNT_CONTACT_USER, text(it.contact_user.as_ref())),
        (&ACCOUNT_USER_NAME, user_name),
        (&ACCOUNT_PASSWORD, password),
        (
            &ACCOUNT_REGISTER,
            Shown::Word(match it.register {
                Register::No => "no",
                Register::Regular => "regular",
                Register::Gin => "gin",
            }),
        ),
        (
            &ACCOUNT_STICKINESS,
            Shown::Word(match it.registrar_stickiness {
                Stickiness::Disable => "disable",
                Stickiness::Enable => "enable",
                Stickiness::EnableForNonRegister => "enable-for-non-register-requests",
            }),
        ),
        (
            &ACCOUNT_SEARCH_MODE,
            Shown::Word(match it.registrar_search_mode {
                SearchMode::CurrentServer => "current-server",
                SearchMode::Ims => "ims",
                SearchMode::Avoid => "avoid-previous-registrar-until-expiry",
            }),
        ),
        (
            &ACCOUNT_RE_REGISTER_ON_INVITE_FAILURE,
            Shown::Flag(it.re_register_on_invite_failure),
        ),
        (
            &ACCOUNT_REG_EVENT,
            Shown::Flag(it.reg_event_package_subscription),
        ),
        (
            &ACCOUNT_BY_SERVED_STATUS,
            Shown::Word(match it.register_by_served_ip_group_status {
                ByServedStatus::Always => "register-always",
                ByServedStatus::OnlyIfOnline => "register-only-if-online",
            }),
        ),
        (
            &ACCOUNT_UDP_PORT_ASSIGNMENT,
            Shown::Flag(it.udp_port_assignment),
        ),
    ]
}

/// User name and password.
fn credentials(it: Option<&Credentials>) -> (Shown, Shown) {
    match it {
        Some(it) => (
            Shown::Text(it.user_name.to_string()),
            Shown::Password(it.password.clone()),
        ),
        None => (Shown::Nothing, Shown::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    #[test]
    fn every_option_is_told_and_every_word_is_one_of_its_option() {
        let loaded = load("t", include_str!("../../conf/regent.toml"));
        let config = loaded.config.unwrap();
        let told = [
            agent(&config.agent),
            registration(&config.registration),
            interface(&config.sip_interfaces[0]),
            set(&config.proxy_sets[0]),
            proxy(&config.proxy_sets[0].proxies[0]),
            group(&config.ip_groups[0]),
            account(&config.accounts[0]),
        ]
        .concat();
        for option in OPTIONS {
            let is_alert = matches!(option.table, Table::Mail | Table::Alert | Table::Web);
            let is_elsewhere = ["_file", "_env", "_credential"]
                .iter()
                .any(|end| option.key.ends_with(end));
            let is_list = matches!(option.kind, Kind::Rows(_));
            let own = told.iter().filter(|(it, _)| std::ptr::eq(*it, *option));
            let wanted = usize::from(!is_alert && !is_elsewhere && !is_list);
            assert_eq!(own.count(), wanted, "{}", option.key);
        }
        for (option, value) in told {
            if let (Kind::Words(words), Shown::Word(told)) = (option.kind, value) {
                assert!(words.iter().any(|word| word.key == told), "{told}");
            }
        }
    }
}
