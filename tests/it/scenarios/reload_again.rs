//! Reloads that come before the one before has done its work, and restarts with another
//! configuration (rules G2, L8).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{
    Account, KeepAlive, Ports, PortsMode, Register, SearchMode, Stickiness, SyncMode,
};
use regent::effect::Phase;
use regent::rng::{Draw, Seed};
use regent::sim::{AccountSetup, Behaviour, LOCAL, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        back_before_the_binding_is_removed,
        added_again_before_it_has_left,
        removed_again_while_it_comes_back,
        two_accounts_swap_their_names,
        an_interface_moves_to_a_port_that_is_taken,
        an_interface_moves_there_and_back_at_once,
        a_range_moves_there_and_back_at_once,
        a_full_disk_delays_who_is_added_and_nobody_else,
        a_restart_with_another_contact_tells_the_registrar,
        a_kill_while_the_binding_is_moved,
        no_while_a_register_is_in_flight,
        removed_while_the_register_is_silent,
        a_stop_before_its_successor_has_come,
        a_stop_while_the_binding_is_moved,
        any_reloads_at_any_instant_end_as_the_last_one_says,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5_062);
const THIRD: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5_064);

fn other() -> Setup {
    Setup::one().change("main", |it| it.contact_user(Some("other")))
}

fn aor(world: &World) -> String {
    let text = world.last_packet().text().expect("SIP");
    text.aor().expect("a To")
}

fn call_id(world: &World) -> String {
    let text = world.last_packet().text().expect("SIP");
    text.header("call-id").expect("a Call-ID").to_owned()
}

// rule G2
fn back_before_the_binding_is_removed() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(other());
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.run_until(at("10.010"));
    world.reload(Setup::one());
    world.expect_at("10.020", sent("REGISTER").nc(3).asking(180));
    assert_eq!(aor(&world), "main@sim.example");
    world.expect_phase_at("10.040", "main", Phase::Registered);
    world.expect_silence_until("100.040");
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 1);
}

// rule G2
fn added_again_before_it_has_left() {
    let mut world = registered(Setup::one());
    let before = call_id(&world);
    world.run_until(at("10"));
    world.reload(Setup::one().without("main"));
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.run_until(at("10.010"));
    world.reload(Setup::one());
    world.expect_at("10.020", sent("REGISTER").bare().asking(180));
    assert_ne!(call_id(&world), before);
    world.expect_at("10.040", sent("REGISTER").nc(1));
    world.expect_phase_at("10.060", "main", Phase::Registered);
    world.expect_silence_until("100.060");
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 1);
}

// rule G2
fn removed_again_while_it_comes_back() {
    let mut world = registered(Setup::one());
    for (nth, text) in ["10", "20"].into_iter().enumerate() {
        world.run_until(at(text));
        world.reload(Setup::one().without("main"));
        world.expect_at(text, sent("REGISTER").removing());
        world.run_until(at(&format!("{text}.010")));
        world.reload(other());
        world.run_until(at(&format!("{text}.015")));
        if nth == 0 {
            world.reload(Setup::one());
            world.expect_at("10.020", sent("REGISTER").bare().asking(180));
            assert_eq!(aor(&world), "main@sim.example");
            world.expect_at("10.040", sent("REGISTER").nc(1).asking(180));
        } else {
            world.reload(Setup::one().without("main"));
        }
    }
    world.expect_silence_until("1000");
    let census = world.census();
    assert_eq!((census.accounts, census.timers), (0, 0));
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 0);
}

// rule G2
fn two_accounts_swap_their_names() {
    let two = |main: &'static str, second: &'static str| {
        let setup = Setup::new();
        let setup = setup.account(AccountSetup::new("main").contact_user(Some(main)));
        setup.account(AccountSetup::new("second").contact_user(Some(second)))
    };
    let mut world = world(two("one", "two"), Behaviour::open());
    world.skip_until("10");
    world.reload(two("two", "one"));
    world.skip_until("11");
    for (name, user) in [("main", "two"), ("second", "one")] {
        world.expect_phase(name, Phase::Registered);
        assert_eq!(&*world.status(name).aor, format!("sip:{user}@sim.example"));
    }
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 2);
    world.expect_silence_until("100");
}

// rules G2, N4
fn an_interface_moves_to_a_port_that_is_taken() {
    let mut world = registered(Setup::one());
    let elsewhere = SocketAddr::new(LOCAL.ip(), 5_070);
    world.take_address(elsewhere, true);
    world.run_until(at("10"));
    world.reload(Setup::one().interface(|it| it.udp_port = 5_070));
    world.skip_until("20");
    // Not at the old port any more, and not at the new one yet.
    assert!(world.bound().is_empty(), "{:?}", world.bound());
    let detail = world.status("main").detail.expect("why");
    assert!(detail.contains("SIP Interface"), "{detail}");
    world.take_address(elsewhere, false);
    world.skip_until("60");
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.bound(), [elsewhere]);
    world.take_address(elsewhere, true);
    world.run_until(at("70"));
    world.reload(Setup::one());
    world.skip_until("71");
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.bound(), [LOCAL]);
}

// rules G2, N4
fn an_interface_moves_there_and_back_at_once() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one().interface(|it| it.udp_port = 5_070));
    world.expect_at("10", sent("REGISTER").from(5_060).removing());
    world.run_until(at("10.010"));
    world.reload(Setup::one());
    world.expect_at("10.020", sent("REGISTER").from(5_060).asking(180));
    world.expect_phase_at("10.040", "main", Phase::Registered);
    world.run_until(at("11"));
    assert_eq!(world.bound(), [LOCAL]);
    let census = world.census();
    assert_eq!(census.sockets, 1);
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

// rules G2, U1
fn a_range_moves_there_and_back_at_once() {
    let mut world = world(range(6_000, 6_001), Behaviour::open());
    world.skip_until("10");
    world.reload(range(7_000, 7_001));
    world.expect_at("10", sent("REGISTER").from(6_000).removing());
    world.expect_at("10", sent("REGISTER").from(6_001).removing());
    world.run_until(at("10.010"));
    world.reload(range(6_000, 6_001));
    world.skip_until("11");
    let bound: Vec<u16> = world.bound().iter().map(SocketAddr::port).collect();
    assert_eq!(bound, [5_060, 6_000, 6_001]);
    for name in ["main", "second"] {
        world.expect_phase(name, Phase::Registered);
    }
    assert_eq!(world.census().ports, 2);
    // While the first REGISTER from the new ports is in flight.
    world.reload(range(7_000, 7_001));
    world.skip_until("11.030");
    world.reload(range(6_000, 6_001));
    world.skip_until("12");
    let bound: Vec<u16> = world.bound().iter().map(SocketAddr::port).collect();
    assert_eq!(bound, [5_060, 6_000, 6_001]);
    for name in ["main", "second"] {
        world.expect_phase(name, Phase::Registered);
    }
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 2);
}

// rules G2, L8
fn a_full_disk_delays_who_is_added_and_nobody_else() {
    let one = Setup::one().store(Duration::from_millis(5));
    let two = one.clone().account(AccountSetup::new("second"));
    let mut world = world(one.clone(), Behaviour::open());
    world.skip_until("10");
    world.store_fails(true);
    world.reload(two.clone());
    world.skip_until("15");
    assert_eq!(world.status("second").registered_since, None);
    assert!(world.stored("second").is_none());
    // Credentials need no disk.
    world.reload(two.clone().change("main", |it| it.user_name("other")));
    world.expect_at("15", sent("REGISTER").by("main"));
    world.run_until(at("16"));
    // And it may go again before it ever came.
    world.reload(one.clone());
    world.run_until(at("17"));
    world.reload(two);
    world.store_fails(false);
    world.skip_until("30");
    for name in ["main", "second"] {
        world.expect_phase(name, Phase::Registered);
        assert!(world.stored(name).is_some_and(|it| it.binding.is_some()));
    }
    world.reload(one);
    world.skip_until("31");
    assert!(world.stored("second").is_none());
}

// rules L8, N4: what comes to the old Contact would arrive nowhere until the refresh
fn a_restart_with_another_contact_tells_the_registrar() {
    let setup = Setup::one().store(Duration::from_millis(5));
    let others = [
        setup.clone().interface(|it| it.udp_port = 5_070),
        setup
            .clone()
            .interface(|it| it.address = [10, 0, 0, 3].into()),
        setup.clone().local(LOCAL, Some([192, 0, 2, 1].into())),
    ];
    for (nth, other) in others.into_iter().enumerate() {
        let mut world = world(setup.clone(), Behaviour::open());
        world.skip_until("10");
        let id = call_id(&world);
        world.kill();
        world.run_until(at("20"));
        world.configure(other.clone());
        world.start();
        world.expect_silence_until("20.005");
        world.expect_at("20.005", sent("REGISTER").asking(180));
        assert_eq!(call_id(&world), id, "{nth}");
        world.expect_phase_at("20", "main", Phase::Registered);
        // Killed before it is answered, or after: the next run knows what the registrar has.
        world.kill();
        world.run_until(at("21"));
        world.start();
        world.expect_at("21.005", sent("REGISTER").asking(180));
        world.run_until(at("22"));
        world.kill();
        world.run_until(at("23"));
        world.start();
        world.expect_silence_until("111.025");
    }
}

// rules L8, G2
fn a_kill_while_the_binding_is_moved() {
    let setup = Setup::one().store(Duration::from_millis(5));
    let next = setup
        .clone()
        .change("main", |it| it.contact_user(Some("other")));
    for ms in [0, 10, 19, 21, 30, 45, 100, 200] {
        let mut world = world(setup.clone(), Behaviour::open());
        world.skip_until("10");
        world.reload(next.clone());
        world.run_for(Duration::from_millis(ms));
        world.kill();
        world.run_for(Duration::from_secs(1));
        world.start();
        world.run_for(Duration::from_secs(1));
        world.expect_phase("main", Phase::Registered);
        assert_eq!(&*world.status("main").aor, "sip:other@sim.example", "{ms}");
        let now = world.now();
        // What was not on disk yet may be at the registrar twice, until the first of the two ends.
        let bindings = world.registrar().bindings(now).count();
        assert!(
            bindings == 1 || bindings == 2 && (20..=100).contains(&ms),
            "{ms}"
        );
    }
}

// rule G2
fn no_while_a_register_is_in_flight() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.run_until(at("0.010"));
    world.reload(Setup::one().change("main", AccountSetup::credentials_only));
    world.run_until(at("0.015"));
    world.reload(Setup::one());
    world.run_until(at("0.018"));
    world.reload(Setup::one().change("main", AccountSetup::credentials_only));
    world.skip_until("1");
    world.expect_phase("main", Phase::AuthenticationOnly);
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 0);
    world.reload(Setup::one());
    world.skip_until("2");
    world.expect_phase("main", Phase::Registered);
}

// rules G2, I8
fn removed_while_the_register_is_silent() {
    let mut world = registered(Setup::one().change("main", |it| {
        it.options(|it| it.registrar_stickiness = Stickiness::Enable)
    }));
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("90.040"));
    world.skip_until("95");
    world.reload(Setup::one().without("main"));
    world.skip_until("96");
    world.reload(Setup::one());
    world.registrar().behave(Behaviour::digest());
    world.skip_until("180");
    world.expect_phase("main", Phase::Registered);
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 1);
    assert_eq!(world.status("main").registrar, Some(REGISTRAR));
}

// rules G2, L7
fn a_stop_before_its_successor_has_come() {
    for disk in [None, Some(Duration::from_millis(5))] {
        let mut setup = Setup::one();
        if let Some(disk) = disk {
            setup = setup.store(disk);
        }
        let mut world = world(setup.clone(), Behaviour::open());
        world.skip_until("10");
        world.reload(setup.clone().without("main"));
        world.reload(setup.clone());
        world.expect_at("10", sent("REGISTER").removing());
        world.run_until(at("10.010"));
        world.shutdown();
        world.expect_silence_until("20");
        let now = world.now();
        assert_eq!(world.registrar().bindings(now).count(), 0, "{disk:?}");
        assert!(world.unanswered().is_empty());
    }
}

// rules G2, L7
fn a_stop_while_the_binding_is_moved() {
    for disk in [None, Some(Duration::from_millis(5))] {
        let mut setup = Setup::one();
        if let Some(disk) = disk {
            setup = setup.store(disk);
        }
        let mut world = world(setup.clone(), Behaviour::open());
        world.skip_until("10");
        world.reload(setup.change("main", |it| it.contact_user(Some("other"))));
        world.expect_at("10", sent("REGISTER").removing());
        world.run_until(at("10.010"));
        world.shutdown();
        world.expect_silence_until("20");
        let now = world.now();
        assert_eq!(world.registrar().bindings(now).count(), 0, "{disk:?}");
        assert!(world.unanswered().is_empty());
    }
}

/// One of many configurations of up to three Accounts.
fn any(draw: &mut Draw) -> Setup {
    let mut setup = Setup::new();
    for name in ["main", "second", "third"] {
        let number = draw.number();
        let bit = move |nth: u32| number >> nth & 1 == 1;
        if bit(0) && bit(1) {
            continue;
        }
        let mut account = AccountSetup::new(name);
        if bit(2) && bit(3) {
            account = account.contact_user(Some(&format!("{name}-other")));
        }
        if bit(4) {
            account = account.at(SECOND);
        }
        if bit(5) {
            account = account.or_at(THIRD);
        }
        if bit(6) && bit(7) && bit(8) {
            account = account.credentials_only();
        }
        let stickiness = [
            Stickiness::Disable,
            Stickiness::Enable,
            Stickiness::EnableForNonRegister,
        ];
        let stickiness = stickiness[(number >> 9) as usize % 3];
        account = account.options(move |it| {
            it.registrar_stickiness = stickiness;
            it.udp_port_assignment = bit(12);
            if bit(13) && stickiness == Stickiness::Enable {
                it.registrar_search_mode = SearchMode::Ims;
            }
        });
        setup = setup.account(account);
    }
    let number = draw.number();
    let bit = move |nth: u32| number >> nth & 1 == 1;
    let setup = setup.interface(move |it| {
        if bit(0) && bit(1) {
            it.udp_port = 5_070;
        }
        let first = 6_000 + u16::from(bit(2)) + 100 * u16::from(bit(3) && bit(4));
        let last = first + 2;
        it.additional_udp_ports = Some(Ports { first, last });
        it.additional_udp_ports_mode = match bit(5) {
            true => PortsMode::OpenWhenUsed,
            false => PortsMode::AlwaysOpen,
        };
    });
    let setup = setup.registration(|it| {
        if bit(6) {
            it.registration_sync_mode = SyncMode::Enable;
        }
    });
    let setup = match bit(7) {
        true => setup.set(|set| set.keep_alive = KeepAlive::Options),
        false => setup,
    };
    setup.store(Duration::from_millis(5))
}

// rules G2, L8: whatever was begun, it ends where the last configuration wants it
fn any_reloads_at_any_instant_end_as_the_last_one_says() {
    for number in 0..120 {
        let mut draw = Seed::from_number(number).draw(0, 0);
        let mut world = world(any(&mut draw), Behaviour::open());
        for address in [SECOND, THIRD] {
            world.registrar_at(address).behave(Behaviour::digest());
        }
        world.run_for(Duration::from_millis(draw.number() % 60));
        for _ in 0..20 {
            let address = [REGISTRAR, SECOND, THIRD][draw.number() as usize % 3];
            let behaviour = match draw.number() % 5 {
                0 => Behaviour::silence(),
                1 => Behaviour::refusing(503),
                2 => Behaviour::open(),
                _ => Behaviour::digest(),
            };
            world.registrar_at(address).behave(behaviour);
            world.store_fails(draw.below(8) == 0);
            let setup = any(&mut draw);
            match draw.number() % 10 {
                0 => {
                    world.kill();
                    world.configure(setup);
                    world.start();
                }
                _ => world.reload(setup),
            }
            let millis = match draw.number() % 3 {
                0 => draw.number() % 25,
                1 => draw.number() % 1_000,
                _ => draw.number() % 100_000,
            };
            world.run_for(Duration::from_millis(millis));
        }
        world.store_fails(false);
        for address in [REGISTRAR, SECOND, THIRD] {
            world.registrar_at(address).behave(Behaviour::digest());
        }
        let last = any(&mut draw);
        world.reload(last.clone());
        world.run_for(Duration::from_secs(3_000));
        let config = last.config();
        let wanted = |it: &&std::sync::Arc<Account>| it.register != Register::No;
        for account in &config.accounts {
            let phase = match account.register {
                Register::No => Phase::AuthenticationOnly,
                Register::Regular | Register::Gin => Phase::Registered,
            };
            assert_eq!(world.status(&account.name).phase, phase, "seed {number}");
        }
        let now = world.now();
        let all = [REGISTRAR, SECOND, THIRD];
        let bindings = all.map(|address| world.registrar_at(address).bindings(now).count());
        let registered = config.accounts.iter().filter(wanted).count();
        assert_eq!(bindings.iter().sum::<usize>(), registered, "seed {number}");
        let census = world.census();
        assert_eq!(census.accounts, config.accounts.len(), "seed {number}");
        assert_eq!(census.sockets, 1, "seed {number}");
        let own = config.accounts.iter().filter(wanted);
        let own = own.filter(|it| it.udp_port_assignment).count();
        let is_always = config.sip_interfaces[0].additional_udp_ports_mode == PortsMode::AlwaysOpen;
        let most = if is_always { 3 } else { own };
        let ports = world.bound().len() - 1;
        assert!(own <= ports && ports <= most, "seed {number}: {ports}");
    }
}
