use super::*;
use crate::config;

fn account(slot: u32) -> AccountId {
    AccountId {
        slot,
        generation: 0,
    }
}

fn interface(mode: PortsMode) -> Arc<SipInterface> {
    Arc::new(SipInterface {
        additional_udp_ports: Some(config::Ports {
            first: 6_000,
            last: 6_001,
        }),
        additional_udp_ports_mode: mode,
        ..SipInterface::new("outside", [127, 0, 0, 1].into(), 5_060)
    })
}

const BASE: SocketId = SocketId(0);
const NEW: Option<SocketId> = None;

fn socket(leased: Leased) -> SocketId {
    match leased {
        Leased::Open(socket) | Leased::Opening(socket, _) => socket,
        Leased::None => panic!("no port"),
    }
}

// rules U1, U3
#[test]
fn each_account_has_the_lowest_free_port_and_then_there_is_none() {
    let mut ports = Ports::default();
    let interfaces = [(BASE, interface(PortsMode::OpenWhenUsed))];
    assert!(ports.reconfigure(&interfaces).is_empty());
    let now = Instant::ZERO;
    let first = socket(ports.lease(BASE, account(1), NEW, now));
    let second = socket(ports.lease(BASE, account(2), NEW, now));
    assert_eq!(
        (Ports::number(first), Ports::number(second)),
        (Some(6_000), Some(6_001))
    );
    assert_eq!(ports.lease(BASE, account(3), NEW, now), Leased::None);
    assert_eq!(ports.owner(second), Some(account(2)));
    ports.release(first);
    let third = socket(ports.lease(BASE, account(3), NEW, now));
    assert_eq!((third, ports.owner(third)), (first, Some(account(3))));
    assert_eq!(ports.base(third), Some(BASE));
}

// rule U1: until it is re-made the Account keeps the port that it has
#[test]
fn a_port_of_another_interface_is_no_port_of_this_one() {
    let mut ports = Ports::default();
    let mut other = (*interface(PortsMode::OpenWhenUsed)).clone();
    other.additional_udp_ports = Some(config::Ports {
        first: 7_000,
        last: 7_001,
    });
    ports.reconfigure(&[
        (BASE, interface(PortsMode::OpenWhenUsed)),
        (SocketId(1), Arc::new(other)),
    ]);
    let first = socket(ports.lease(BASE, account(1), None, Instant::ZERO));
    let again = ports.lease(SocketId(1), account(1), Some(first), Instant::ZERO);
    assert_eq!(socket(again), first);
    let second = socket(ports.lease(SocketId(1), account(2), None, Instant::ZERO));
    assert_eq!(Ports::number(second), Some(7_000));
}

// rule U2
#[test]
fn always_open_binds_the_range_once_and_never_closes() {
    let mut ports = Ports::default();
    let interface = interface(PortsMode::AlwaysOpen);
    let opened = ports.reconfigure(&[(BASE, interface.clone())]);
    assert_eq!(opened.len(), 2);
    assert!(ports.reconfigure(&[(BASE, interface)]).is_empty());
    for (socket, local) in &opened {
        assert_eq!(ports.on_listening(*socket, *local), None);
    }
    let leased = ports.lease(BASE, account(1), NEW, Instant::ZERO);
    assert_eq!(leased, Leased::Open(opened[0].0));
    ports.release(opened[0].0);
    assert_eq!(ports.close_idle(), None);
}

// rule U2
#[test]
fn a_port_is_closed_when_nobody_has_taken_it_again_by_the_end_of_the_input() {
    let mut ports = Ports::default();
    ports.reconfigure(&[(BASE, interface(PortsMode::OpenWhenUsed))]);
    let first = socket(ports.lease(BASE, account(1), NEW, Instant::ZERO));
    ports.on_listening(first, ([127, 0, 0, 1], 6_000).into());
    ports.release(first);
    let again = ports.lease(BASE, account(2), NEW, Instant::ZERO);
    assert_eq!((again, ports.close_idle()), (Leased::Open(first), None));
    ports.rest(first);
    assert_eq!(
        (ports.close_idle(), ports.close_idle()),
        (Some(first), None)
    );
    let late = ports.on_listening(first, ([127, 0, 0, 1], 6_000).into());
    assert_eq!((late, ports.local(first)), (None, None));
}

// rules U1, U3
#[test]
fn a_refused_port_is_left_alone_and_one_from_before_is_given_if_free() {
    let mut ports = Ports::default();
    ports.reconfigure(&[(BASE, interface(PortsMode::OpenWhenUsed))]);
    let kept = ports.reserve(BASE, account(1), 6_001);
    assert_eq!(ports.reserve(BASE, account(2), 6_001), None);
    let first = socket(ports.lease(BASE, account(1), kept, Instant::ZERO));
    assert_eq!((Some(first), Ports::number(first)), (kept, Some(6_001)));
    assert_eq!(
        ports.on_listen_failed(first, Instant::ZERO),
        Some(account(1))
    );
    let next = socket(ports.lease(BASE, account(1), NEW, Instant::ZERO));
    assert_eq!(Ports::number(next), Some(6_000));
    assert_eq!(
        ports.lease(BASE, account(2), NEW, Instant::ZERO),
        Leased::None
    );
    let later = socket(ports.lease(BASE, account(2), NEW, Instant::from_secs(5)));
    assert_eq!(Ports::number(later), Some(6_001));
}

fn with_range(first: u16, last: u16, mode: PortsMode) -> Arc<SipInterface> {
    let mut one = (*interface(mode)).clone();
    one.additional_udp_ports = Some(config::Ports { first, last });
    Arc::new(one)
}

// rules U1, G2
#[test]
fn another_range_keeps_the_ports_that_are_in_it() {
    let (mut ports, used) = (Ports::default(), PortsMode::OpenWhenUsed);
    ports.reconfigure(&[(BASE, with_range(6_000, 6_001, used))]);
    let now = Instant::ZERO;
    let first = socket(ports.lease(BASE, account(1), NEW, now));
    let second = socket(ports.lease(BASE, account(2), NEW, now));
    for port in [first, second] {
        let local = ports.address(port).unwrap();
        ports.on_listening(port, local);
    }
    ports.reconfigure(&[(BASE, with_range(6_001, 6_002, used))]);
    assert!(!ports.fits(first, BASE) && ports.fits(second, BASE));
    assert_eq!(ports.close_idle(), None, "its Account has it still");
    let third = socket(ports.lease(BASE, account(3), NEW, now));
    assert_eq!(Ports::number(third), Some(6_002));
    ports.release(first);
    assert_eq!(ports.close_idle(), Some(first));
    assert_eq!((ports.close_idle(), ports.local(first)), (None, None));
    // The interface's own socket is another one: the ports are the same.
    ports.reconfigure(&[(SocketId(1), with_range(6_001, 6_002, used))]);
    assert!(ports.fits(second, SocketId(1)));
    assert_eq!(ports.owner(second), Some(account(2)));
}

// rules U2, G2
#[test]
fn another_mode_opens_and_closes_what_is_not_in_use() {
    let mut ports = Ports::default();
    let in_mode = |mode| [(BASE, with_range(6_000, 6_002, mode))];
    ports.reconfigure(&in_mode(PortsMode::OpenWhenUsed));
    let first = socket(ports.lease(BASE, account(1), NEW, Instant::ZERO));
    ports.on_listening(first, ([127, 0, 0, 1], 6_000).into());
    let opened = ports.reconfigure(&in_mode(PortsMode::AlwaysOpen));
    assert_eq!((opened.len(), ports.bound()), (2, 3));
    ports.reconfigure(&in_mode(PortsMode::OpenWhenUsed));
    let closed = std::iter::from_fn(|| ports.close_idle());
    assert_eq!(closed.count(), 2);
    ports.reconfigure(&[]);
    assert_eq!(ports.bound(), 1, "its Account has it still");
    ports.release(first);
    let closed: Vec<_> = std::iter::from_fn(|| ports.close_idle()).collect();
    assert_eq!((closed, ports.bound()), (vec![first], 0));
    assert!(ports.ranges.iter().all(|range| range.ports.is_empty()));
}
