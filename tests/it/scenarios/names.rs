//! Names among the addresses of a set (rules P1, P2, P8).

use std::net::{IpAddr, SocketAddr};

use libtest_mimic::Trial;
use regent::config::{DnsResolveMethod, KeepAlive, ProxyAddress, ProxySet};
use regent::effect::Phase;
use regent::locate::RecordKind;
use regent::sim::{AccountSetup, Behaviour, Mood, Setup, World, at, sent};
use regent::status::Health;
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        an_account_registers_as_soon_as_its_name_is_found,
        an_account_whose_name_is_not_found_sends_nothing_until_it_is,
        a_name_is_asked_again_when_its_time_is_over,
        a_long_time_is_cut_to_the_configured_one,
        two_lookups_begin_five_seconds_apart_at_least,
        dns_that_fails_is_asked_every_ten_seconds_and_the_answer_kept_for_half_an_hour,
        silence_and_nothing_are_failures_too,
        an_answer_in_part_takes_nothing_away,
        dns_delays_no_refresh,
        the_drawn_order_stays_while_the_records_do,
        a_name_stands_in_the_order_where_it_is_written,
        each_address_counts_once_and_fifty_at_most,
        with_a_port_only_addresses_are_asked,
        an_ipv6_interface_asks_for_ipv6,
        a_change_keeps_what_is_known_of_those_that_stay,
        a_reload_keeps_what_is_known_of_those_that_stay,
        the_place_of_a_registrar_follows_the_list,
        what_is_wrong_with_a_name_is_told,
        a_set_whose_names_are_gone_is_offline,
        a_new_address_brings_a_set_back_when_it_has_answered,
    ]
}

const NAME: &str = "carrier.example";

fn host(last: u8) -> IpAddr {
    [10, 0, 1, last].into()
}

fn member(last: u8) -> SocketAddr {
    SocketAddr::new(host(last), 5060)
}

/// `main` registers at the name alone.
fn named(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Setup {
    let account = AccountSetup::new("main").set(move |set| {
        set.name = "carrier".into();
        set.proxies = vec![ProxyAddress::named(NAME, None)];
        change(set);
    });
    Setup::new().account(account)
}

/// The same without anybody who registers, so that nothing but DNS and probes happens.
fn quiet(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Setup {
    named(change).change("main", AccountSetup::credentials_only)
}

/// A world in which the name has these hosts, for so many seconds.
fn world(setup: Setup, ttl: u32, hosts: &[u8]) -> World {
    let mut world = World::new(setup, 1);
    for last in 1..=9 {
        world.registrar_at(member(last)).behave(Behaviour::open());
    }
    let hosts: Vec<IpAddr> = hosts.iter().map(|last| host(*last)).collect();
    world.dns().addresses(NAME, ttl, &hosts);
    world
}

fn asked(world: &mut World) -> u32 {
    world.dns().asked(NAME, RecordKind::A)
}

fn members(world: &World) -> Vec<SocketAddr> {
    let set = world.set_of("carrier");
    set.members.iter().map(|member| member.address).collect()
}

/// At each of these instants, and never before, the name is asked once more.
#[track_caller]
fn expect_asked(world: &mut World, instants: &[&str]) {
    for when in instants {
        let before = asked(world);
        world.run_until(at(when).back(Duration::from_micros(1)));
        assert_eq!(asked(world), before, "before {when}");
        world.run_until(at(when));
        assert_eq!(asked(world), before + 1, "at {when}");
    }
}

// rules P1, S5
fn an_account_registers_as_soon_as_its_name_is_found() {
    let mut world = world(named(|_| {}), 300, &[1]);
    world.expect_silence_until("0.005");
    world.expect_at("0.005", sent("REGISTER").by("main").to(member(1)));
    world.expect_phase_at("0.025", "main", Phase::Registered);
    assert_eq!(asked(&mut world), 1);
}

// rule P2
fn an_account_whose_name_is_not_found_sends_nothing_until_it_is() {
    let mut world = world(named(|_| {}), 300, &[1]);
    world.dns().mood(Mood::Fails);
    world.run_until(at("25"));
    assert_eq!(asked(&mut world), 3);
    world.dns().mood(Mood::Answers);
    world.expect_silence_until("30.005");
    world.expect_at("30.005", sent("REGISTER").by("main").to(member(1)));
}

// rule P2
fn a_name_is_asked_again_when_its_time_is_over() {
    let mut world = world(quiet(|_| {}), 30, &[1]);
    world.run_until(at("0"));
    assert_eq!(asked(&mut world), 1);
    expect_asked(&mut world, &["30.005", "60.010", "90.015"]);
}

// rule P2
fn a_long_time_is_cut_to_the_configured_one() {
    let mut world = world(quiet(|_| {}), 86_400, &[1]);
    world.run_until(at("0"));
    expect_asked(&mut world, &["60.005", "120.010"]);
}

// rule P2
fn two_lookups_begin_five_seconds_apart_at_least() {
    let mut world = world(quiet(|_| {}), 0, &[1]);
    world.run_until(at("0"));
    expect_asked(&mut world, &["5", "10", "15"]);
}

// rule P2
fn dns_that_fails_is_asked_every_ten_seconds_and_the_answer_kept_for_half_an_hour() {
    let mut world = world(quiet(|_| {}), 30, &[1, 2]);
    world.run_until(at("1"));
    world.dns().mood(Mood::Fails);
    expect_asked(&mut world, &["30.005", "40.005", "50.005", "60.005"]);
    // They were good until 30.005.
    world.run_until(at("1830.004999"));
    assert_eq!(members(&world), [member(1), member(2)]);
    world.run_until(at("1830.005"));
    assert_eq!(members(&world), []);
    world.dns().mood(Mood::Answers);
    world.run_until(at("1840.010"));
    assert_eq!(members(&world), [member(1), member(2)]);
}

// rule P2
fn silence_and_nothing_are_failures_too() {
    for mood in [Mood::Silent, Mood::NoSuchName, Mood::Empty] {
        let mut world = world(quiet(|_| {}), 30, &[1]);
        world.run_until(at("1"));
        world.dns().mood(mood);
        expect_asked(&mut world, &["30.005", "40.005", "50.005"]);
        world.run_until(at("1830.004999"));
        assert_eq!(members(&world), [member(1)], "{mood:?}");
        world.run_until(at("1830.005"));
        assert_eq!(members(&world), [], "{mood:?}");
    }
}

// rule P2
fn an_answer_in_part_takes_nothing_away() {
    let mut world = World::new(quiet(srv), 1);
    let service = "_sip._udp.carrier.example";
    let servers = [(1, 0, 5060, "a.example"), (2, 0, 5060, "b.example")];
    world.dns().servers(service, 30, &servers);
    world.dns().addresses("a.example", 30, &[host(1)]);
    world.dns().addresses("b.example", 30, &[host(2)]);
    world.run_until(at("1"));
    assert_eq!(members(&world), [member(1), member(2)]);
    let dns = world.dns();
    dns.mood_towards("a.example", RecordKind::A, Mood::Fails);
    world.run_until(at("100"));
    let now = members(&world);
    assert!(
        now.contains(&member(1)) && now.contains(&member(2)),
        "{now:?}"
    );
    assert!(world.set_of("carrier").trouble.is_some());
    // Both were known until 30.010, so the missing one is given up half an hour later.
    world.run_until(at("1830"));
    assert_eq!(members(&world).len(), 2);
    world.run_until(at("1850"));
    assert_eq!(members(&world), [member(2)]);
}

fn srv(set: &mut ProxySet) {
    set.dns_resolve_method = DnsResolveMethod::Srv;
}

// rule P2
fn dns_delays_no_refresh() {
    let mut world = world(named(|_| {}), 80, &[1]);
    world.expect_at("0.005", sent("REGISTER"));
    world.run_until(at("1"));
    world.dns().mood(Mood::Silent);
    world.expect_at("90.025", sent("REGISTER").to(member(1)));
}

// rule P1
fn the_drawn_order_stays_while_the_records_do() {
    let mut world = World::new(quiet(srv), 1);
    let service = "_sip._udp.carrier.example";
    let names = ["a.example", "b.example", "c.example", "d.example"];
    let mut servers = names.map(|name| (1, 0, 5060, name));
    world.dns().servers(service, 10, &servers);
    for (last, name) in (1..).zip(names) {
        world.dns().addresses(name, 10, &[host(last)]);
    }
    world.run_until(at("1"));
    let first = members(&world);
    assert_eq!(first.len(), 4);
    for round in 1..20 {
        servers.rotate_left(1);
        world.dns().servers(service, 10, &servers);
        world.run_until(at(&format!("{}", round * 10 + 5)));
        assert_eq!(members(&world), first, "after {round} lookups");
    }
    let asked = world.dns().asked(service, RecordKind::Srv);
    assert!(asked >= 15, "{asked}");
}

// rule P1
fn a_name_stands_in_the_order_where_it_is_written() {
    let setup = quiet(|set| {
        let mut last = ProxyAddress::at(member(9));
        last.priority = 1;
        let first = ProxyAddress::at(member(8));
        let behind = ProxyAddress::at(member(7));
        set.proxies = vec![first, ProxyAddress::named(NAME, None), behind, last];
    });
    let mut world = world(setup, 30, &[3, 1, 2]);
    world.run_until(at("0.004"));
    assert_eq!(members(&world), [8, 7, 9].map(member));
    world.run_until(at("0.005"));
    let now = members(&world);
    assert_eq!((now[0], &now[4..]), (member(8), &[7, 9].map(member)[..]));
    let mut between = now[1..4].to_vec();
    between.sort_unstable();
    assert_eq!(between, [1, 2, 3].map(member));
    let set = world.set_of("carrier");
    assert_eq!(set.members[1].name.as_deref(), Some(NAME));
    assert_eq!(
        (set.members[0].name.as_ref(), set.members[5].priority),
        (None, 1)
    );
}

// rule P1
fn each_address_counts_once_and_fifty_at_most() {
    let setup = quiet(|set| {
        set.proxies.push(ProxyAddress::at(member(1)));
        set.proxies.push(ProxyAddress::named("other.example", None));
    });
    let mut world = world(setup, 30, &[1, 2]);
    let many: Vec<IpAddr> = (2..=60).map(host).collect();
    world.dns().addresses("other.example", 30, &many);
    world.run_until(at("1"));
    let now = members(&world);
    assert_eq!(now.len(), 50);
    let mut once = now;
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), 50);
}

// rule P1
fn with_a_port_only_addresses_are_asked() {
    let setup = quiet(|set| {
        set.dns_resolve_method = DnsResolveMethod::Naptr;
        set.proxies = vec![ProxyAddress::named(NAME, Some(5080))];
    });
    let mut world = world(setup, 30, &[1]);
    world.run_until(at("1"));
    assert_eq!(members(&world), [SocketAddr::new(host(1), 5080)]);
    assert_eq!(world.dns().all_asked(), 1);
}

// rule P1
fn an_ipv6_interface_asks_for_ipv6() {
    let local = "[2001:db8::2]:5060".parse().expect("an address");
    let mut world = world(quiet(|_| {}).local(local, None), 30, &[1]);
    let six: IpAddr = "2001:db8::1".parse().expect("an address");
    world.dns().addresses(NAME, 30, &[host(1), six]);
    world.run_until(at("1"));
    assert_eq!(members(&world), [SocketAddr::new(six, 5060)]);
}

fn probed(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
}

// rule P8
fn a_change_keeps_what_is_known_of_those_that_stay() {
    let mut world = world(quiet(probed), 30, &[1, 2]);
    world.expect_at("0.005", sent("OPTIONS"));
    world.expect_at("0.005", sent("OPTIONS"));
    world.expect_health("0.025", member(2), Health::Ok, "0.025");
    world.dns().addresses(NAME, 3_000, &[host(2), host(3)]);
    world.expect_at("30.010", sent("OPTIONS").to(member(3)));
    let mut now = members(&world);
    now.sort_unstable();
    assert_eq!(now, [member(2), member(3)]);
    world.expect_health("31", member(2), Health::Ok, "0.025");
    world.expect_health("31", member(3), Health::Ok, "30.030");
    world.expect_at("60.005", sent("OPTIONS").to(member(2)));
    world.expect_at("90.010", sent("OPTIONS").to(member(3)));
}

// rule P8
fn a_reload_keeps_what_is_known_of_those_that_stay() {
    let at_hosts = |hosts: &'static [u8]| {
        quiet(move |set| {
            probed(set);
            let addresses = hosts.iter().map(|last| ProxyAddress::at(member(*last)));
            set.proxies = addresses.collect();
        })
    };
    let mut world = world(at_hosts(&[1, 2]), 30, &[]);
    world.skip_until("10");
    world.reload(at_hosts(&[3, 2]));
    world.expect_at("10", sent("OPTIONS").to(member(3)));
    assert_eq!(members(&world), [member(3), member(2)]);
    world.expect_health("11", member(2), Health::Ok, "0.020");
    world.expect_at("60", sent("OPTIONS").to(member(2)));
    world.expect_at("70", sent("OPTIONS").to(member(3)));
    // A set that is gone is left alone.
    world.reload(Setup::new());
    world.expect_silence_until("300");
}

// rule P2
fn what_is_wrong_with_a_name_is_told() {
    let mut world = world(quiet(|_| {}), 30, &[]);
    world.run_until(at("0.004"));
    assert_eq!(world.set_of("carrier").trouble, None);
    world.run_until(at("1"));
    let trouble = world.set_of("carrier").trouble;
    assert_eq!(
        trouble.as_deref(),
        Some("carrier.example: DNS has no A of carrier.example")
    );
    world.dns().addresses(NAME, 30, &[host(1)]);
    world.run_until(at("20"));
    assert_eq!(world.set_of("carrier").trouble, None);
}

// rules P2, P6
fn a_set_whose_names_are_gone_is_offline() {
    let mut world = world(quiet(probed), 30, &[1]);
    world.run_until(at("1"));
    assert_eq!(world.set_of("carrier").is_online, Some(true));
    world.dns().mood(Mood::Fails);
    world.run_until(at("1830.004999"));
    assert_eq!(world.set_of("carrier").is_online, Some(true));
    world.run_until(at("1830.005"));
    assert_eq!(world.set_of("carrier").is_online, Some(false));
}

// rules P2, P6
fn a_new_address_brings_a_set_back_when_it_has_answered() {
    let mut world = world(quiet(probed), 30, &[1]);
    world.registrar_at(member(1)).behave(Behaviour::silence());
    world.run_until(at("32.005"));
    assert_eq!(world.set_of("carrier").is_online, Some(false));
    world.dns().addresses(NAME, 30, &[host(2)]);
    // It is asked again at 60.010, and the new address is probed at 60.015.
    world.run_until(at("60.034999"));
    assert_eq!(members(&world), [member(2)]);
    assert_eq!(world.set_of("carrier").is_online, Some(false));
    world.run_until(at("60.035"));
    assert_eq!(world.set_of("carrier").is_online, Some(true));
}

// rules P8, T1
fn the_place_of_a_registrar_follows_the_list() {
    let mut world = world(named(|_| {}), 30, &[1]);
    world.run_until(at("1"));
    assert_eq!(world.status("main").rank, Some(1));
    world.dns().addresses(NAME, 30, &[host(2), host(1)]);
    world.run_until(at("31"));
    let rank = members(&world).iter().position(|it| *it == member(1));
    assert_eq!(world.status("main").rank, rank.map(|rank| rank as u16 + 1));
}
