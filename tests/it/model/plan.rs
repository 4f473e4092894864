//! The configuration that a list begins with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use regent::config::{
    ByServedStatus, KeepAlive, LoadBalancing, MoveWhenLost, Ports, PortsMode, ProxyAddress,
    ProxySet, Redundancy, SearchMode, Stickiness, SyncMode, UnregistrationMode,
};
use regent::rng::Draw;
use regent::sim::{AccountSetup, REGISTRAR, Setup, World};
use regent::sip::Algorithm;
use regent::time::Duration;

/// Every registrar there is.
pub(super) const REGISTRARS: [SocketAddr; 3] = [REGISTRAR, registrar(7), registrar(8)];
/// Where the served group is probed.
pub(super) const PBX: SocketAddr = SocketAddr::new(registrar(20).ip(), 5090);
/// Additional ports.
pub(super) const RANGE: RangeInclusive<u16> = 6_000..=6_003;
/// The same, whatever a reload has made of the range.
pub(super) const ALL_PORTS: RangeInclusive<u16> = 6_000..=6_005;

/// Whether it is an address of our SIP Interface itself, whatever a reload has made of it.
pub(super) fn is_shared(local: SocketAddr) -> bool {
    !ALL_PORTS.contains(&local.port())
}

/// What the name may have for addresses, by their places.
pub(super) const HOSTS: [&[usize]; 5] = [ALL, &[0], &[2, 1], &[1], &[]];
/// All of them.
pub(super) const ALL: &[usize] = &[0, 1, 2];

const NAME: &str = "pool.example";

const fn registrar(last: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), 5060)
}

/// An Account of the list.
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) account: AccountSetup,
    /// Whether it is configured at the moment.
    pub(super) is_there: bool,
    /// Whether it has credentials that are good.
    pub(super) is_right: bool,
    /// Whether it avoids registrars, for up to an hour and more.
    pub(super) is_avoiding: bool,
    /// Whether it has a port of its own; there are fewer than Accounts.
    pub(super) has_port: bool,
}

/// The name has these addresses from now on; none is an empty answer.
pub(super) fn resolve(world: &mut World, hosts: &[usize]) {
    let hosts: Vec<IpAddr> = hosts.iter().map(|nth| REGISTRARS[*nth].ip()).collect();
    world.dns().addresses(NAME, 30, &hosts);
}

pub(super) fn setup(draw: &mut Draw) -> (Setup, Vec<Planned>) {
    let mut setup = Setup::new().receive_buffer(4_096 << draw.below(5));
    let mut accounts = Vec::new();
    for nth in 0..=draw.below(5) {
        let planned = account(draw, nth as usize);
        setup = setup.account(planned.account.clone());
        accounts.push(planned);
    }
    if draw.below(2) == 0 {
        setup = setup.store(Duration::from_millis(draw.below(300)));
    }
    let all_right = accounts.iter().all(|it| it.is_right);
    let mode = [PortsMode::AlwaysOpen, PortsMode::OpenWhenUsed][draw.below(2) as usize];
    let setup = setup.set(set(draw)).interface(move |it| {
        let (first, last) = RANGE.into_inner();
        it.additional_udp_ports = Some(Ports { first, last });
        it.additional_udp_ports_mode = mode;
    });
    (registration(setup, draw, all_right), accounts)
}

fn registration(setup: Setup, draw: &mut Draw, all_right: bool) -> Setup {
    setup.registration(|it| {
        it.registration_time_secs = [30, 60, 180, 3_600][draw.below(4) as usize];
        it.refresh_percent = 50 + draw.below(51) as u8;
        it.refresh_threshold_secs = draw.below(2) as u32 * 20;
        it.refresh_spread_percent = draw.below(3) as u8 * 20;
        it.registration_retry_secs = 10 + draw.below(40) as u32;
        it.max_registration_backoff_secs = draw.below(2) as u32 * 600;
        it.retry_jitter_percent = draw.below(3) as u8 * 25;
        it.sip_max_rtx = [1, 3, 7, 11][draw.below(4) as usize];
        it.unregister_on_shutdown = draw.below(2) == 0;
        if draw.below(3) == 0 {
            it.unregistration_mode = UnregistrationMode::All;
        }
        if draw.below(6) == 0 {
            it.minimum_algorithm = Algorithm::Sha256;
        }
        it.use_random_user = draw.below(3) == 0;
        it.unregister_on_startup = draw.below(4) == 0;
        it.registration_sync_mode = match draw.below(4) {
            0 | 1 => SyncMode::Disable,
            // Whoever has no credentials would stop all others for ever.
            2 if all_right => SyncMode::AnyFailure,
            _ => SyncMode::Enable,
        };
        it.move_when_registrar_lost = [
            MoveWhenLost::ByMode,
            MoveWhenLost::AtOnce,
            MoveWhenLost::NextRegister,
        ][draw.below(3) as usize];
    })
}

/// Options of every Proxy Set.
pub(super) fn set(draw: &mut Draw) -> impl Fn(&mut ProxySet) + Send + Sync + 'static {
    let keep_alive = [
        KeepAlive::Disable,
        KeepAlive::Disable,
        KeepAlive::Options,
        KeepAlive::Options,
        KeepAlive::OptionsOnActive,
        KeepAlive::FakeRegister,
        KeepAlive::Register,
    ][draw.below(7) as usize];
    let redundancy = [Redundancy::Parking, Redundancy::Homing][draw.below(2) as usize];
    let load_balancing = [
        LoadBalancing::None,
        LoadBalancing::None,
        LoadBalancing::RoundRobin,
        LoadBalancing::RandomWeights,
    ][draw.below(4) as usize];
    let hot_swap = draw.below(2) == 0;
    let retransmissions = [None, Some(0), Some(2)][draw.below(3) as usize];
    move |set| {
        set.keep_alive = keep_alive;
        set.redundancy = redundancy;
        set.load_balancing = load_balancing;
        set.hot_swap = hot_swap;
        set.failure_detection_retransmissions = retransmissions;
    }
}

fn account(draw: &mut Draw, nth: usize) -> Planned {
    let name = format!("a{nth}");
    let mut account = AccountSetup::new(&name).at(REGISTRARS[nth % 2]);
    match draw.below(4) {
        0 => account = account.or_at(REGISTRARS[2]),
        1 => {
            account = account
                .or_at(REGISTRARS[(nth + 1) % 2])
                .or_at(REGISTRARS[2])
        }
        2 if draw.below(2) == 0 => {
            account = account.set(|set| {
                set.name = "pool".into();
                set.proxies = vec![ProxyAddress::named(NAME, None)];
            });
        }
        _ => {}
    }
    let kind = draw.below(12);
    let account = match kind {
        0 => account.password("wrong"),
        1 => account.without_credentials(),
        2 => account.credentials_only(),
        3 => account.bulk(),
        _ => account,
    };
    let (stickiness, search) = modes(draw);
    let has_port = draw.below(3) == 0;
    let invites = draw.below(2) == 0;
    let account = account.options(move |it| {
        it.registrar_stickiness = stickiness;
        it.registrar_search_mode = search;
        it.udp_port_assignment = has_port;
        it.re_register_on_invite_failure = invites;
    });
    Planned {
        account: heeding(account, draw),
        name,
        is_there: true,
        is_right: kind > 2,
        is_avoiding: search == SearchMode::Avoid,
        has_port,
    }
}

/// How an Account chooses its registrar.
pub(super) fn modes(draw: &mut Draw) -> (Stickiness, SearchMode) {
    [
        (Stickiness::Disable, SearchMode::CurrentServer),
        (Stickiness::Enable, SearchMode::CurrentServer),
        (Stickiness::EnableForNonRegister, SearchMode::CurrentServer),
        (Stickiness::Enable, SearchMode::Ims),
        (Stickiness::Enable, SearchMode::Avoid),
    ][draw.below(5) as usize]
}

/// Some follow their served group.
fn heeding(account: AccountSetup, draw: &mut Draw) -> AccountSetup {
    if draw.below(4) > 0 {
        return account;
    }
    let status = ByServedStatus::OnlyIfOnline;
    account
        .served_at(&[PBX])
        .served_set(|set| {
            set.keep_alive = KeepAlive::Options;
            set.load_balancing = LoadBalancing::None;
        })
        .options(move |it| it.register_by_served_ip_group_status = status)
}
