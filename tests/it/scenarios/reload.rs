//! What a reload touches, and what it leaves alone, at every instant of an Account's life (rules
//! G2, S8, U1, P8).

use std::net::{IpAddr, SocketAddr};

use libtest_mimic::Trial;
use regent::config::{
    ByServedStatus, KeepAlive, Ports, PortsMode, Redundancy, SearchMode, Stickiness, SyncMode,
};
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, LOCAL, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        another_user_name_costs_one_register_now,
        another_password_ends_the_back_off_of_refused_credentials,
        other_credentials_of_the_serving_group_count_too,
        another_host_name_moves_the_binding,
        another_serving_group_moves_the_binding,
        call_id_and_cseq_go_on,
        register_no_removes_the_binding_and_regular_makes_it_again,
        modes_and_timers_send_nothing,
        another_name_of_anything_sends_nothing,
        a_registrar_that_leaves_the_list_is_left_at_once_or_with_the_refresh,
        a_moved_proxy_set_moves_its_accounts,
        another_port_of_the_interface_moves_all,
        another_address_of_the_interface_moves_all,
        another_advertised_address_moves_all,
        ports_outside_the_new_range_are_replaced,
        a_port_of_its_own_outlives_another_port_of_the_interface,
        a_port_of_its_own_is_given_and_taken,
        avoidance_outlives_reloads,
        avoidance_counts_from_the_binding_that_stands_when_it_is_switched_on,
        retry_after_outlives_reloads,
        a_register_in_flight_ends_before_the_new_values_count,
        a_register_in_flight_that_fails_gives_way_to_the_new_values,
        a_register_in_line_leaves_with_the_new_values,
        a_register_that_waits_for_its_group_leaves_with_the_new_values,
        a_register_that_waits_for_its_port_leaves_with_the_new_values,
        a_silent_registrar_delays_the_new_values_by_one_transaction,
        an_operators_word_outlives_all_but_removal,
        an_operator_who_asks_meanwhile_is_answered,
        a_served_group_that_is_heeded_from_now_on,
        the_store_forgets_those_that_are_removed,
        of_ten_thousand_one_that_changed_sends,
        back_and_forth_leaves_nothing_behind,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

fn main_with(change: impl Fn(AccountSetup) -> AccountSetup) -> Setup {
    Setup::one().change("main", change)
}

fn sticky(account: AccountSetup) -> AccountSetup {
    account.options(|it| it.registrar_stickiness = Stickiness::Enable)
}

fn aor(world: &World) -> String {
    let text = world.last_packet().text().expect("SIP");
    text.aor().expect("a To")
}

fn contact(world: &World) -> String {
    let text = world.last_packet().text().expect("SIP");
    let uri = text.contacts().next().expect("a Contact").uri.to_owned();
    uri.split(';').next().unwrap_or_default().to_owned()
}

/// The user of the credentials that the last packet carries.
fn digest_user(world: &World) -> String {
    let text = world.last_packet().text().expect("SIP");
    let credentials = text.header("authorization").expect("credentials");
    let (_, user) = credentials.split_once("username=\"").expect("a user");
    user.split('"').next().unwrap_or_default().to_owned()
}

/// Nothing is sent before the refresh that was due all along.
#[track_caller]
fn expect_nothing(world: &mut World, setup: Setup) {
    world.run_until(at("10"));
    world.reload(setup);
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").nc(2));
    world.run_until(at("91"));
    assert_eq!(world.phases("main").len(), 1, "registered all along");
}

// rule G2
fn another_user_name_costs_one_register_now() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(main_with(|it| it.user_name("other")));
    world.expect_at("10", sent("REGISTER").nc(2).asking(180));
    assert_eq!(digest_user(&world), "other");
    world.expect_silence_until("100.020");
    world.expect_at("100.020", sent("REGISTER").nc(3));
    assert_eq!(world.phases("main").len(), 1, "registered all along");
}

// rules G2, L3
fn another_password_ends_the_back_off_of_refused_credentials() {
    let mut world = world(main_with(|it| it.password("wrong")), Behaviour::digest());
    world.skip_until("50");
    world.expect_phase("main", Phase::WaitingToRetry);
    world.reload(Setup::one());
    world.expect_at("50", sent("REGISTER").bare());
    world.expect_at("50.020", sent("REGISTER").nc(1));
    world.expect_phase_at("50.040", "main", Phase::Registered);
    assert_eq!(world.status("main").failures, 0);
}

// rules G2, A3
fn other_credentials_of_the_serving_group_count_too() {
    let of_group = |password: &'static str| {
        let name = (None, Some("Carrier"));
        let account = AccountSetup::new("main").without_credentials();
        let account = account.groups(name.0, name.1);
        Setup::new().account(account.group_credentials("trunk", password))
    };
    let mut world = world(of_group("wrong"), Behaviour::digest());
    world.skip_until("50");
    world.expect_phase("main", Phase::WaitingToRetry);
    world.reload(of_group(regent::sim::PASSWORD));
    world.expect_at("50", sent("REGISTER").bare());
    world.expect_at("50.020", sent("REGISTER").nc(1));
    world.expect_phase_at("50.040", "main", Phase::Registered);
}

// rule G2: un-REGISTER the old binding with the old values, then register
fn another_host_name_moves_the_binding() {
    let hosts = |host| main_with(move |it| it.hosts(Some(host), Some("sim.example")));
    let mut world = registered(hosts("one.example"));
    world.run_until(at("10"));
    world.reload(hosts("two.example"));
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    assert_eq!(aor(&world), "main@one.example");
    world.expect_phase("main", Phase::Unregistering);
    world.expect_at("10.020", sent("REGISTER").nc(3).asking(180));
    assert_eq!(aor(&world), "main@two.example");
    world.expect_phase_at("10.040", "main", Phase::Registered);
    let left = world.registrar().bindings_of("main@one.example", at("11"));
    assert!(left.is_empty());
}

// rule G2
fn another_serving_group_moves_the_binding() {
    let groups = |name| {
        let other = AccountSetup::new("other").groups(None, Some("Other"));
        let one = AccountSetup::new("one").groups(None, Some("One"));
        let main = AccountSetup::new("main").groups(None, Some(name));
        Setup::new().account(main).account(other).account(one)
    };
    let mut world = registered(groups("One"));
    world.run_until(at("10"));
    world.reload(groups("Other"));
    world.expect_at("10", sent("REGISTER").by("main").nc(2).removing());
    world.expect_at("10.020", sent("REGISTER").by("main").nc(3).asking(180));
    assert_eq!(&*world.status("main").serving, "Other");
    world.expect_silence_until("90.040");
}

// rule I4
fn call_id_and_cseq_go_on() {
    let mut world = registered(Setup::one());
    let before = world.last_packet().summary.clone();
    for (when, user) in [("10", "one"), ("20", "two")] {
        world.run_until(at(when));
        world.reload(main_with(|it| it.contact_user(Some(user))));
        world.skip_until(&format!("{when}.5"));
    }
    let after = world.last_packet().summary.clone();
    assert_eq!(after.call_id, before.call_id);
    assert_eq!(after.cseq, before.cseq + 4);
}

// rule G2
fn register_no_removes_the_binding_and_regular_makes_it_again() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(main_with(AccountSetup::credentials_only));
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.expect_phase("main", Phase::Unregistering);
    world.expect_phase_at("10.020", "main", Phase::AuthenticationOnly);
    world.expect_silence_until("1000");
    world.run_until(at("1000"));
    world.reload(Setup::one());
    world.expect_at("1000", sent("REGISTER").nc(3).asking(180));
    world.expect_phase_at("1000.020", "main", Phase::Registered);
}

// rule G2: timers and behaviours count from the next arming
fn modes_and_timers_send_nothing() {
    let options = [
        Stickiness::Enable,
        Stickiness::EnableForNonRegister,
        Stickiness::Disable,
    ];
    for stickiness in options {
        for search in [
            SearchMode::CurrentServer,
            SearchMode::Ims,
            SearchMode::Avoid,
        ] {
            let setup = main_with(|it| {
                it.options(move |account| {
                    account.registrar_stickiness = stickiness;
                    account.registrar_search_mode = search;
                    account.re_register_on_invite_failure = true;
                })
            });
            let setup = setup.registration(|it| {
                it.registration_retry_secs = 77;
                it.sip_max_rtx = 3;
            });
            expect_nothing(&mut registered(Setup::one()), setup);
        }
    }
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one().registration(|it| it.registration_time_secs = 60));
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").nc(2).asking(60));
    world.expect_silence_until("120.060");
    world.expect_at("120.060", sent("REGISTER").nc(3));
}

// rule G2
fn another_name_of_anything_sends_nothing() {
    let named = |group, set: &'static str, interface: &'static str| {
        let main = AccountSetup::new("main").groups(None, Some(group));
        let setup = Setup::new().account(sticky(main));
        let setup = setup.set(move |it| it.name = set.into());
        setup.interface(move |it| it.name = interface.into())
    };
    for (group, set, interface) in [
        ("Two", "one", "one"),
        ("One", "two", "one"),
        ("One", "one", "two"),
        ("Two", "two", "two"),
    ] {
        let mut world = registered(named("One", "one", "one"));
        world.run_until(at("5"));
        let before = world.census();
        expect_nothing(&mut world, named(group, set, interface));
        assert_eq!(&*world.status("main").serving, group);
        assert_eq!(world.set_of(set).members[0].accounts_bound, 1);
        assert_eq!(world.bound(), [LOCAL]);
        assert_eq!(world.census(), before);
    }
}

// rules S5, S14, P8
fn a_registrar_that_leaves_the_list_is_left_at_once_or_with_the_refresh() {
    let named = |account: AccountSetup, members: &'static [SocketAddr]| {
        let account = account.groups(None, Some("Carrier"));
        let account = members[1..]
            .iter()
            .fold(account.at(members[0]), |account, it| account.or_at(*it));
        Setup::new().account(account.set(|set| set.name = "carrier".into()))
    };
    for is_sticky in [true, false] {
        let account = AccountSetup::new("main");
        let account = if is_sticky { sticky(account) } else { account };
        let mut world = world(
            named(account.clone(), &[REGISTRAR, SECOND]),
            Behaviour::open(),
        );
        world.registrar_at(SECOND).behave(Behaviour::open());
        world.skip_until("10");
        world.reload(named(account, &[SECOND]));
        let when = if is_sticky { "10" } else { "90.020" };
        world.expect_silence_until(when);
        world.expect_at(when, sent("REGISTER").to(SECOND).asking(180));
        world.skip_until("91");
        assert_eq!(world.status("main").registrar, Some(SECOND));
        assert_eq!(world.phases("main").len(), 1, "registered all along");
    }
}

// rules G2, S14
fn a_moved_proxy_set_moves_its_accounts() {
    let at_registrar = |registrar, stickiness| {
        let main = AccountSetup::new("main").groups(None, Some("Carrier"));
        let main = main.at(registrar);
        Setup::new().account(main.options(move |it| it.registrar_stickiness = stickiness))
    };
    for (stickiness, when) in [
        (Stickiness::Enable, "10"),
        (Stickiness::EnableForNonRegister, "10"),
        (Stickiness::Disable, "90.020"),
    ] {
        let mut world = world(at_registrar(REGISTRAR, stickiness), Behaviour::open());
        world.registrar_at(SECOND).behave(Behaviour::open());
        world.skip_until("10");
        world.reload(at_registrar(SECOND, stickiness));
        world.expect_silence_until(when);
        world.expect_at(when, sent("REGISTER").to(SECOND).asking(180));
        world.skip_until("91");
        assert_eq!(world.status("main").registrar, Some(SECOND));
        assert_eq!(world.census().sets, 1, "the old one is gone");
        assert_eq!(world.set_at(SECOND).members[0].accounts_bound, 1);
    }
}

// rules G2, N4
fn another_port_of_the_interface_moves_all() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one().interface(|it| it.udp_port = 5_070));
    world.expect_at("10", sent("REGISTER").from(5_060).nc(2).removing());
    assert_eq!(contact(&world), "sip:main@10.0.0.2:5060");
    assert_eq!(world.bound().len(), 2, "the old one is needed still");
    world.expect_at("10.020", sent("REGISTER").from(5_070).nc(3).asking(180));
    assert_eq!(contact(&world), "sip:main@10.0.0.2:5070");
    world.run_until(at("11"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.bound(), [SocketAddr::new(LOCAL.ip(), 5_070)]);
    assert_eq!(world.registrar().bindings(at("11")).count(), 1);
    world.expect_silence_until("100.040");
}

// rules G2, N4, P8
fn another_address_of_the_interface_moves_all() {
    let other: IpAddr = [10, 0, 0, 3].into();
    let probed = Setup::one().set(|set| set.keep_alive = KeepAlive::Options);
    let mut world = world(probed.clone(), Behaviour::open());
    world.skip_until("10");
    world.reload(probed.interface(move |it| it.address = other));
    world.expect_at("10", sent("REGISTER").from(5_060).removing());
    world.expect_at("10.020", sent("REGISTER").from(5_060).asking(180));
    assert_eq!(contact(&world), "sip:main@10.0.0.3:5060");
    // What was known of the member is known still: it is not probed anew.
    world.expect_silence_until("60");
    world.expect_at("60", sent("OPTIONS"));
    assert_eq!(world.bound(), [SocketAddr::new(other, 5_060)]);
}

// rules G2, N4, I3
fn another_advertised_address_moves_all() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    let public: IpAddr = [203, 0, 113, 7].into();
    world.reload(Setup::one().interface(move |it| it.advertised_address = Some(public)));
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    assert_eq!(contact(&world), "sip:main@10.0.0.2:5060");
    world.expect_at("10.020", sent("REGISTER").nc(3).asking(180));
    assert_eq!(contact(&world), "sip:main@203.0.113.7:5060");
    world.run_until(at("11"));
    assert_eq!(world.registrar().bindings(at("11")).count(), 1);
    assert_eq!(world.bound(), [LOCAL]);
}

fn own(name: &str) -> AccountSetup {
    AccountSetup::new(name).options(|account| account.udp_port_assignment = true)
}

fn range(first: u16, last: u16) -> Setup {
    let setup = Setup::new().account(own("main")).account(own("second"));
    setup.interface(move |it| {
        it.additional_udp_ports = Some(Ports { first, last });
        it.additional_udp_ports_mode = PortsMode::OpenWhenUsed;
    })
}

// rules U1, G2
fn ports_outside_the_new_range_are_replaced() {
    let mut world = world(range(6_000, 6_003), Behaviour::open());
    world.skip_until("10");
    world.reload(range(6_001, 6_004));
    world.expect_at("10", sent("REGISTER").by("main").from(6_000).removing());
    world.expect_at("10.020", sent("REGISTER").by("main").from(6_002));
    world.expect_silence_until("90.020");
    let bound: Vec<u16> = world.bound().iter().map(SocketAddr::port).collect();
    assert_eq!(bound, [5_060, 6_001, 6_002]);
    world.expect_at("90.020", sent("REGISTER").by("second").from(6_001));
}

// rules U1, G2
fn a_port_of_its_own_outlives_another_port_of_the_interface() {
    let mut world = world(range(6_000, 6_003), Behaviour::open());
    world.skip_until("10");
    world.reload(range(6_000, 6_003).interface(|it| it.udp_port = 5_070));
    world.expect_silence_until("90.020");
    world.expect_at("90.020", sent("REGISTER").by("main").from(6_000));
    world.expect_at("90.020", sent("REGISTER").by("second").from(6_001));
    world.run_until(at("91"));
    let bound: Vec<u16> = world.bound().iter().map(SocketAddr::port).collect();
    assert_eq!(bound, [5_070, 6_000, 6_001]);
    assert_eq!(world.set_at(REGISTRAR).members[0].accounts_bound, 2);
}

// rules U1, G2
fn a_port_of_its_own_is_given_and_taken() {
    let with = range(6_000, 6_003);
    let without = with.clone().change("main", |it| {
        it.options(|account| account.udp_port_assignment = false)
    });
    let mut world = world(with.clone(), Behaviour::open());
    world.skip_until("10");
    world.reload(without);
    world.expect_at("10", sent("REGISTER").by("main").from(6_000).removing());
    world.expect_at("10.020", sent("REGISTER").by("main").from(5_060));
    world.run_until(at("20"));
    world.reload(with);
    world.expect_at("20", sent("REGISTER").by("main").from(5_060).removing());
    world.expect_at("20.020", sent("REGISTER").by("main").from(6_000));
    world.expect_silence_until("90.020");
}

fn avoiding(account: AccountSetup) -> AccountSetup {
    account.options(|it| {
        it.registrar_stickiness = Stickiness::Enable;
        it.registrar_search_mode = SearchMode::Avoid;
    })
}

/// The manual's example without latency: X is the first registrar, Y the second one.
fn example(account: AccountSetup) -> World {
    let mut world = World::new(manual(account), 1);
    let wire = world.network().usual();
    (wire.out.latency, wire.back.latency) = (Duration::ZERO, Duration::ZERO);
    for registrar in [REGISTRAR, SECOND] {
        world.registrar_at(registrar).behave(Behaviour::open());
    }
    world.at(at("30"), |world| {
        world.network().link(REGISTRAR).closed = true
    });
    world.at(at("270"), |world| {
        world.network().link(REGISTRAR).closed = false;
    });
    world
}

fn manual(account: AccountSetup) -> Setup {
    let setup = Setup::new().registration(|rules| rules.registration_time_secs = 480);
    let setup = setup.set(|set| {
        set.keep_alive = KeepAlive::Options;
        set.redundancy = Redundancy::Homing;
    });
    setup.account(account.or_at(SECOND).groups(None, Some("Carrier")))
}

// rules S8, S9: 12:00 X, 12:04 Y, reloads, 12:08 Y, 12:11 X
fn avoidance_outlives_reloads() {
    let main = avoiding(AccountSetup::new("main"));
    let mut world = example(main.clone());
    world.skip_until("240");
    assert_eq!(world.status("main").registrar, Some(SECOND));
    let related = |options: fn(&mut regent::config::ProxySet)| {
        let setup = manual(main.clone()).set(options);
        setup.account(AccountSetup::new("unrelated"))
    };
    let others = [
        manual(main.clone()).registration(|it| it.registration_retry_secs = 77),
        related(|_| {}),
        related(|set| set.hot_swap = true),
        related(|set| set.name = "renamed".into()),
        manual(avoiding(AccountSetup::new("main").user_name("main")))
            .registration(|it| it.account_registrar_avoidance_secs = 180),
    ];
    for (nth, setup) in others.into_iter().enumerate() {
        world.run_until(at(&(300 + 20 * nth).to_string()));
        world.reload(setup);
    }
    let registers = |world: &World| {
        let sent = world.transcript().sent(0);
        let all =
            sent.filter(|(_, _, it)| it.summary.is_register() && !it.summary.contacts.is_empty());
        let of_main = all.filter(|(_, _, it)| it.summary.contacts[0].contains("sip:main@"));
        of_main
            .map(|(_, line, it)| (line.at.as_secs(), it.remote, it.summary.expires))
            .collect::<Vec<_>>()
    };
    world.run_until(at("700"));
    assert_eq!(
        registers(&world),
        [
            (0, REGISTRAR, Some(480)),
            (240, SECOND, Some(480)),
            (480, SECOND, Some(360)),
            (660, REGISTRAR, Some(480)),
        ]
    );
}

// rule S8
fn avoidance_counts_from_the_binding_that_stands_when_it_is_switched_on() {
    let mut world = example(sticky(AccountSetup::new("main")));
    world.run_until(at("20"));
    world.reload(manual(avoiding(AccountSetup::new("main"))));
    world.run_until(at("241"));
    let status = world.status("main");
    assert_eq!(status.registrar, Some(SECOND));
    let avoided: Vec<_> = status.avoided.iter().collect();
    assert_eq!(avoided.len(), 1);
    assert_eq!(avoided[0].registrar, REGISTRAR);
    assert_eq!(avoided[0].until, world.unix(at("660")));
}

// rule L3
fn retry_after_outlives_reloads() {
    for (code, user) in [(503, "main"), (404, "main"), (404, "other")] {
        let refusing = Behaviour::refusing(code).with("Retry-After", "100");
        let mut world = world(Setup::one(), refusing);
        world.skip_until("10");
        world.registrar().behave(Behaviour::open());
        world.reload(main_with(|it| {
            it.contact_user(Some(user)).password("another")
        }));
        let status = world.status("main");
        assert_eq!(status.retry_after_until, Some(world.unix(at("100.020"))));
        world.expect_silence_until("100.020");
        world.expect_at("100.020", sent("REGISTER"));
    }
}

// rules G2, I4: its answer is not lost
fn a_register_in_flight_ends_before_the_new_values_count() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.run_until(at("0.010"));
    world.reload(main_with(|it| it.contact_user(Some("other"))));
    world.expect_at("0.020", sent("REGISTER").nc(1).asking(180));
    assert_eq!(aor(&world), "main@sim.example");
    world.expect_at("0.040", sent("REGISTER").nc(2).removing());
    assert_eq!(aor(&world), "main@sim.example");
    world.expect_at("0.060", sent("REGISTER").nc(3).asking(180));
    assert_eq!(aor(&world), "other@sim.example");
    world.expect_phase_at("0.080", "main", Phase::Registered);
    world.expect_silence_until("90.080");
}

// rule G2
fn a_register_in_flight_that_fails_gives_way_to_the_new_values() {
    let mut world = world(Setup::one(), Behaviour::silence());
    world.run_until(at("10"));
    world.reload(main_with(|it| it.user_name("other")));
    world.skip_until("31.999999");
    world.registrar().behave(Behaviour::digest());
    world.expect_at("32", sent("REGISTER").bare());
    world.expect_at("32.020", sent("REGISTER").nc(1));
    assert_eq!(digest_user(&world), "other");
    world.expect_phase_at("32.040", "main", Phase::Registered);
}

// rules G2, L6
fn a_register_in_line_leaves_with_the_new_values() {
    let two = |user: &'static str| {
        let setup = Setup::one().account(AccountSetup::new("second"));
        let setup = setup.change("second", |it| it.contact_user(Some(user)));
        setup.receive_buffer(4_096)
    };
    let mut world = world(two("second"), Behaviour::open());
    world.expect_at("0", sent("REGISTER").by("main"));
    world.run_until(at("0.010"));
    world.reload(two("other"));
    world.expect_at("0.020", sent("REGISTER").by("second").asking(180));
    assert_eq!(aor(&world), "other@sim.example");
    world.expect_silence_until("90.020");
}

// rules G2, S12
fn a_register_that_waits_for_its_group_leaves_with_the_new_values() {
    let two = |user: &'static str| {
        let setup = Setup::many(2).registration(|it| {
            it.registration_sync_mode = SyncMode::Enable;
            it.sip_max_rtx = 3;
        });
        setup.change("a0001", |it| it.contact_user(Some(user)))
    };
    let mut world = world(two("a0001"), Behaviour::silence());
    world.skip_until("40");
    world.expect_phase("a0001", Phase::WaitingForAnotherAccount);
    world.reload(two("other"));
    world.expect_phase("a0001", Phase::WaitingForAnotherAccount);
    world.skip_until("66.9");
    world.registrar().behave(Behaviour::open());
    world.expect_at("67", sent("REGISTER").by("a0000"));
    world.expect_at("67.020", sent("REGISTER").by("a0001"));
    assert_eq!(aor(&world), "other@sim.example");
}

// rules G2, U2
fn a_register_that_waits_for_its_port_leaves_with_the_new_values() {
    let setup = range(6_000, 6_003).without("second");
    let mut world = world(setup.clone(), Behaviour::open());
    world.run_until(at("0"));
    world.skip_until("1");
    world.unregister("main");
    world.skip_until("2");
    world.bind_late(Duration::from_millis(50));
    world.register("main");
    world.run_until(at("2.010"));
    world.reload(setup.change("main", |it| it.contact_user(Some("other"))));
    world.expect_silence_until("2.050");
    world.expect_at("2.050", sent("REGISTER").from(6_000).asking(180));
    assert_eq!(aor(&world), "other@sim.example");
}

// rules G2, I8
fn a_silent_registrar_delays_the_new_values_by_one_transaction() {
    let users = |user: &'static str| {
        let mut setup = Setup::many(100);
        for nth in 0..100 {
            let name = format!("a{nth:04}");
            let user = format!("{name}{user}");
            setup = setup.change(&name, |it| it.contact_user(Some(&user)));
        }
        setup
    };
    let mut world = world(users(""), Behaviour::open());
    world.skip_until("10");
    world.registrar().behave(Behaviour::silence());
    world.reload(users("-other"));
    world.skip_until("41.999999");
    world.expect_phase("a0099", Phase::Unregistering);
    world.registrar().behave(Behaviour::open());
    world.run_until(at("44"));
    for nth in 0..100 {
        let name = format!("a{nth:04}");
        world.expect_phase(&name, Phase::Registered);
        assert_eq!(
            &*world.status(&name).aor,
            format!("sip:{name}-other@sim.example")
        );
    }
}

// rule I8
fn an_operators_word_outlives_all_but_removal() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.unregister("main");
    world.skip_until("20");
    let others = [
        main_with(|it| it.contact_user(Some("other"))),
        main_with(|it| it.user_name("other")),
        main_with(AccountSetup::credentials_only),
        Setup::one(),
        Setup::one().interface(|it| it.udp_port = 5_070),
        main_with(|it| it.at(SECOND)),
    ];
    for (nth, setup) in others.into_iter().enumerate() {
        world.reload(setup);
        world.expect_silence_until(&(30 + 10 * nth).to_string());
        let phase = world.status("main").phase;
        let is_off = nth == 2;
        let wanted = [Phase::Unregistered, Phase::AuthenticationOnly][usize::from(is_off)];
        assert_eq!(phase, wanted, "{nth}");
    }
    world.reload(Setup::one().without("main"));
    world.expect_silence_until("100");
    world.run_until(at("100"));
    world.reload(Setup::one());
    world.expect_at("100", sent("REGISTER").bare());
}

// rules L10, I8, G2
fn an_operator_who_asks_meanwhile_is_answered() {
    let other = || main_with(|it| it.contact_user(Some("other")));
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(other());
    world.run_until(at("10.010"));
    let register = world.register("main");
    let granted = Outcome::Registered {
        registrar: REGISTRAR,
        granted: 180,
    };
    world.skip_until("10.039999");
    assert_eq!(world.outcome(register), None);
    world.run_until(at("10.040"));
    assert_eq!(world.outcome(register), Some(&granted));
    world.run_until(at("20"));
    world.reload(Setup::one());
    world.expect_at("20", sent("REGISTER").removing());
    let unregister = world.unregister("main");
    world.expect_reply_at("20.020", unregister, &Outcome::Unregistered);
    world.expect_silence_until("1000");
    assert_eq!(&*world.status("main").aor, "sip:main@sim.example");
}

// rules S13, G2
fn a_served_group_that_is_heeded_from_now_on() {
    let pbx = SocketAddr::from(([10, 0, 0, 20], 5_090));
    let served = |heeds| {
        let account = AccountSetup::new("main").served_at(&[pbx]);
        let account = account.served_set(|set| {
            set.keep_alive = KeepAlive::Options;
            set.failure_detection_retransmissions = Some(0);
        });
        Setup::new().account(account.options(move |it| {
            it.register_by_served_ip_group_status = heeds;
        }))
    };
    let mut world = world(served(ByServedStatus::Always), Behaviour::open());
    world.network().link(pbx).closed = true;
    world.skip_until("10");
    world.expect_phase("main", Phase::Registered);
    world.reload(served(ByServedStatus::OnlyIfOnline));
    world.expect_at("10", sent("REGISTER").removing());
    world.expect_phase_at("10.020", "main", Phase::Held);
    world.run_until(at("20"));
    world.reload(served(ByServedStatus::Always));
    world.expect_at("20", sent("REGISTER").asking(180));
}

// rule L8
fn the_store_forgets_those_that_are_removed() {
    let two = Setup::one().account(AccountSetup::new("second"));
    let two = two.store(Duration::from_millis(5));
    let mut world = world(two.clone(), Behaviour::open());
    world.skip_until("10");
    assert!(world.stored("second").is_some());
    world.reload(two.clone().without("second"));
    world.skip_until("11");
    assert!(world.stored("second").is_none());
    assert!(world.stored("main").is_some());
    // Added again, it begins anew, and is kept again.
    world.reload(two.clone());
    world.skip_until("12");
    assert!(
        world
            .stored("second")
            .is_some_and(|it| it.binding.is_some())
    );
    // What cannot be deleted now is deleted later.
    world.store_fails(true);
    world.reload(two.without("second"));
    world.skip_until("15");
    assert!(world.stored("second").is_some());
    world.store_fails(false);
    world.skip_until("17");
    assert!(world.stored("second").is_none());
}

// rule G2
fn of_ten_thousand_one_that_changed_sends() {
    let setup = Setup::many(10_000);
    let mut world = world(setup.clone(), Behaviour::open());
    world.skip_until("10");
    assert_eq!(world.registrar().counts().accepted, 10_000);
    world.reload(setup.change("a4711", |it| it.contact_user(Some("other"))));
    world.expect_at("10", sent("REGISTER").by("a4711").removing());
    world.expect_at("10.020", sent("REGISTER").by("a4711").asking(180));
    world.expect_silence_until("20");
}

// rule G2
fn back_and_forth_leaves_nothing_behind() {
    let one = range(6_000, 6_003).account(AccountSetup::new("third"));
    let one = one.set(|set| set.keep_alive = KeepAlive::Options);
    let other = range(6_002, 6_005)
        .interface(|it| {
            it.udp_port = 5_080;
            it.name = "other".into();
        })
        .change("main", |it| it.at(SECOND).groups(None, Some("Other")))
        .change("second", |it| it.or_at(SECOND).contact_user(Some("moved")))
        .account(AccountSetup::new("fourth"));
    let mut world = world(one.clone(), Behaviour::open());
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.skip_until("50");
    let mut first = None;
    for round in 0..100 {
        for setup in [&other, &one] {
            world.reload(setup.clone());
            world.run_for(Duration::from_secs(50));
        }
        let census = world.census();
        assert_eq!(*first.get_or_insert(census), census, "round {round}");
        for name in ["main", "second", "third"] {
            world.expect_phase(name, Phase::Registered);
        }
        let bound: Vec<u16> = world.bound().iter().map(SocketAddr::port).collect();
        assert_eq!(bound.len(), 3, "{bound:?}");
    }
    let census = first.expect("a hundred rounds");
    assert_eq!((census.accounts, census.sets, census.sockets), (3, 1, 1));
    assert_eq!((census.ports, census.transactions), (2, 0));
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 3);
    world.reload(Setup::new());
    world.run_for(Duration::from_secs(1));
    let census = world.census();
    assert_eq!((census.accounts, census.sets), (0, 0));
    assert_eq!((census.registrars, census.timers, census.ports), (0, 0, 0));
}
