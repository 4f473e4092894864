//! Search mode avoid-previous-registrar-until-expiry: the manual's example to the second, and what
//! may happen around it (rules S8, S9).

use std::net::{IpAddr, SocketAddr};

use libtest_mimic::Trial;
use regent::config::{
    Account, KeepAlive, ProxyAddress, ProxySet, Redundancy, SearchMode, Stickiness,
    UnregistrationMode,
};
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World};
use regent::time::{Duration, Instant};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_manuals_example_to_the_second,
        a_third_server_changes_nothing,
        with_another_percentage_one_short_binding_is_enough,
        a_learned_minimum_comes_before_the_shortened_time,
        a_server_that_grants_less_is_asked_more_often,
        a_server_that_is_down_for_good_is_waited_for_no_longer,
        the_third_server_helps_out_inside_the_avoidance,
        without_another_server_the_only_one_left_is_tried_until_the_time_is_over,
        no_answer_at_the_only_one_left_does_not_end_the_registration,
        a_restart_in_the_middle_changes_nothing,
        avoidance_outlives_the_binding,
        an_unregister_that_is_done_ends_the_avoidance_of_its_registrar,
        a_failed_unregister_ends_no_avoidance,
        an_unregister_of_all_contacts_ends_all_avoidance,
        when_all_are_avoided_the_first_end_is_waited_for,
        parking_stays_where_it_is,
        an_operator_does_not_end_the_avoidance,
        the_status_shows_who_is_avoided_and_until_when,
        only_the_first_three_of_a_name_count,
    ]
}

/// X is the first registrar of every world.
const X: SocketAddr = REGISTRAR;
const Z: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5063);
const Y: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

fn avoiding(account: &mut Account) {
    account.registrar_stickiness = Stickiness::Enable;
    account.registrar_search_mode = SearchMode::Avoid;
}

fn homing(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.redundancy = Redundancy::Homing;
}

/// The manual's: 480 s asked, 180 s of grace, probes every minute that fail at once.
fn example(account: AccountSetup) -> Setup {
    let account = account.options(avoiding);
    Setup::new()
        .registration(|rules| rules.registration_time_secs = 480)
        .set(homing)
        .account(account)
}

/// A clock that shows noon at the start.
fn noon(clock: &str) -> Instant {
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    Instant::from_secs((parts[0] - 12) * 3_600 + parts[1] * 60 + parts[2])
}

/// The same as text.
fn clock(at: Instant) -> String {
    let secs = at.as_secs();
    let (hours, minutes) = (12 + secs / 3_600, secs / 60 % 60);
    let exact = if at == Instant::from_secs(secs) {
        ""
    } else {
        "+"
    };
    format!("{hours}:{minutes:02}:{:02}{exact}", secs % 60)
}

/// A world without latency, whose registrars grant what is asked.
fn begin(setup: Setup) -> World {
    let mut world = World::new(setup, 1);
    let wire = world.network().usual();
    wire.out.latency = Duration::ZERO;
    wire.back.latency = Duration::ZERO;
    for registrar in [X, Y, Z] {
        world.registrar_at(registrar).behave(Behaviour::open());
    }
    world
}

/// Every REGISTER that left, repeats included: when, where, what it asked for.
fn registers(world: &World) -> Vec<String> {
    let sent = world.transcript().sent(0);
    let registers = sent.filter(|(_, _, packet)| packet.summary.is_register());
    let contacts = registers.filter(|(_, _, packet)| {
        let text = packet.text().expect("SIP");
        text.header("contact").is_some()
    });
    contacts
        .map(|(_, line, packet)| {
            let name = match packet.remote {
                X => "X",
                Y => "Y",
                _ => "Z",
            };
            let text = packet.text().expect("SIP");
            let expires = text.header("expires").expect("an Expires").to_owned();
            format!("{} {name} {expires}", clock(line.at))
        })
        .collect()
}

fn close(world: &mut World, registrar: SocketAddr, is_closed: bool) {
    world.network().link(registrar).closed = is_closed;
}

// rules S8, S9: the manual's example
fn the_manuals_example_to_the_second() {
    let mut world = begin(example(AccountSetup::new("main").or_at(Y)));
    world.at(noon("12:00:30"), |world| close(world, X, true));
    world.at(noon("12:04:30"), |world| close(world, X, false));
    world.run_until(noon("12:16:00"));
    assert_eq!(
        registers(&world),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Y 360",
            "12:11:00 X 480",
            "12:15:00 X 480"
        ]
    );
}

/// X, Y and Z.
fn three() -> Setup {
    example(AccountSetup::new("main").or_at(Y).or_at(Z))
}

/// X is away from 12:00:30 to 12:04:30, which its probes tell at 12:01:00 and 12:05:10.
fn x_is_away(world: &mut World) {
    world.at(noon("12:00:30"), |world| close(world, X, true));
    world.at(noon("12:04:30"), |world| close(world, X, false));
}

/// What is sent while X is away, and after that.
fn told(setup: Setup, change: impl FnOnce(&mut World), until: &str) -> Vec<String> {
    let mut world = begin(setup);
    x_is_away(&mut world);
    change(&mut world);
    world.run_until(noon(until));
    registers(&world)
}

// rules S8, S9
fn a_third_server_changes_nothing() {
    assert_eq!(
        told(three(), |_| {}, "12:16:00"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Y 360",
            "12:11:00 X 480",
            "12:15:00 X 480"
        ]
    );
}

// rule S9: 80 % of 345 s is 276 s, which is what is left at 12:06:24. X is back after that
fn with_another_percentage_one_short_binding_is_enough() {
    let setup = three().registration(|rules| rules.refresh_percent = 80);
    let mut world = begin(setup);
    world.at(noon("12:00:30"), |world| close(world, X, true));
    world.at(noon("12:07:30"), |world| close(world, X, false));
    world.run_until(noon("12:17:23"));
    assert_eq!(
        registers(&world),
        ["12:00:00 X 480", "12:06:24 Y 345", "12:11:00 X 480"]
    );
}

// rule S9: never less than the registrar's learned minimum
fn a_learned_minimum_comes_before_the_shortened_time() {
    let change = |world: &mut World| {
        let picky = Behaviour::open().min_expires(600);
        world.registrar_at(Y).behave(picky);
    };
    assert_eq!(
        told(three(), change, "12:14:59"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:04:00 Y 600",
            "12:09:00 Y 600",
            "12:11:00 X 480"
        ]
    );
}

// rule S9: whatever is granted, the refresh is due at the earlier of L1 and d
fn a_server_that_grants_less_is_asked_more_often() {
    let change = |world: &mut World| {
        let mean = Behaviour::open().grants_at_most(200);
        world.registrar_at(Y).behave(mean);
    };
    assert_eq!(
        told(three(), change, "12:11:00"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:05:40 Y 480",
            "12:07:20 Y 440",
            "12:09:00 Y 240",
            "12:10:40 Y 40",
            "12:11:00 X 480"
        ]
    );
}

// rule S8: after its time X is not avoided, but not online either
fn a_server_that_is_down_for_good_is_waited_for_no_longer() {
    let mut world = begin(three());
    world.at(noon("12:00:30"), |world| close(world, X, true));
    world.run_until(noon("12:16:00"));
    assert_eq!(
        registers(&world),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Y 360",
            "12:11:00 Y 480",
            "12:15:00 Y 480"
        ]
    );
    world.expect_phase("main", Phase::Registered);
}

// rules S8, S9: Y is offline from 12:07:00 on
fn the_third_server_helps_out_inside_the_avoidance() {
    let change = |world: &mut World| {
        world.at(noon("12:06:30"), |world| close(world, Y, true));
        world.at(noon("12:07:30"), |world| close(world, Y, false));
        // Then X is away too: Y, which is back, is avoided until 12:15:00.
        world.at(noon("12:12:30"), |world| close(world, X, true));
    };
    assert_eq!(
        told(three(), change, "12:16:59"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Z 360",
            "12:11:00 X 480",
            "12:15:00 Y 480",
        ]
    );
}

// rules S8, L3: Y is not avoided, since nobody else has answered since, and is tried although it is
// offline; X gets nothing although it is online
fn without_another_server_the_only_one_left_is_tried_until_the_time_is_over() {
    let change = |world: &mut World| {
        world.at(noon("12:06:30"), |world| close(world, Y, true));
    };
    let setup = example(AccountSetup::new("main").or_at(Y));
    assert_eq!(
        told(setup, change, "12:14:59"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Y 360",
            "12:08:30 Y 300",
            "12:09:00 Y 240",
            "12:09:30 Y 180",
            "12:10:00 Y 120",
            "12:10:30 Y 60",
            "12:11:00 X 480"
        ]
    );
}

// rule L5: the binding at Y, until 12:12:00, stands all the while
fn no_answer_at_the_only_one_left_does_not_end_the_registration() {
    let mut world = begin(example(AccountSetup::new("main").or_at(Y)));
    x_is_away(&mut world);
    world.at(noon("12:06:30"), |world| close(world, Y, true));
    world.run_until(noon("12:12:30"));
    let phases: Vec<Phase> = world.phases("main").iter().map(|it| it.1).collect();
    assert_eq!(phases, [Phase::Registered]);
    assert_eq!(world.status("main").registrar, Some(X));
}

// rules S8, L8
fn a_restart_in_the_middle_changes_nothing() {
    let wanted = [
        "12:00:00 X 480",
        "12:04:00 Y 480",
        "12:08:00 Y 360",
        "12:11:00 X 480",
    ];
    for (killed, started) in [
        ("12:02:10", "12:02:20"),
        ("12:05:30", "12:06:00"),
        ("12:08:10", "12:10:59"),
    ] {
        let change = move |world: &mut World| {
            world.at(noon(killed), World::kill);
            world.at(noon(started), World::start);
        };
        let sent = told(three().store(Duration::ZERO), change, "12:14:59");
        assert_eq!(sent, wanted, "killed at {killed}");
    }
}

// rule S8: the binding at Y ends at 12:12:00, X's time at 12:11:00; a program that is away from
// 12:05:00 on finds either as it is
fn avoidance_outlives_the_binding() {
    let starting_at = |started: &'static str, until| {
        let change = move |world: &mut World| {
            // Y grants little, so that its binding ends long before X may be asked again.
            world.registrar_at(Y).behave(Behaviour::open().grants(100));
            world.at(noon("12:04:40"), World::kill);
            world.at(noon(started), World::start);
        };
        told(three().store(Duration::ZERO), change, until).split_off(2)
    };
    // Still d = 240 s away; the least that is refreshed no earlier is 480 s.
    assert_eq!(starting_at("12:07:00", "12:07:49"), ["12:07:00 Y 480"]);
    assert_eq!(
        starting_at("12:10:59", "12:11:00"),
        ["12:10:59 Y 10", "12:11:00 X 480"]
    );
    assert_eq!(starting_at("12:11:00", "12:11:00"), ["12:11:00 X 480"]);
}

/// `unregister` and `register` of the Account, at these times.
fn leave_and_return(world: &mut World, (left, returned): (&str, &str)) {
    let say = |name: &'static str| {
        move |world: &mut World| {
            match name {
                "unregister" => world.unregister("main"),
                _ => world.register("main"),
            };
        }
    };
    world.at(noon(left), say("unregister"));
    world.at(noon(returned), say("register"));
}

/// Bound at Y at 12:04:00; un-registered there, and told to register when Y is away: that goes to
/// Z. Who is avoided then?
fn avoided_after(change: impl FnOnce(&mut World)) -> Vec<SocketAddr> {
    let mut world = begin(three());
    x_is_away(&mut world);
    change(&mut world);
    leave_and_return(&mut world, ("12:05:00", "12:07:30"));
    world.at(noon("12:06:30"), |world| close(world, Y, true));
    world.run_until(noon("12:07:31"));
    assert_eq!(world.status("main").registrar, Some(Z));
    let avoided = world.status("main").avoided.into_iter();
    avoided.map(|avoided| avoided.registrar).collect()
}

// rule S8: Y has removed the binding
fn an_unregister_that_is_done_ends_the_avoidance_of_its_registrar() {
    assert_eq!(avoided_after(|_| {}), [X]);
}

// rule S8: Y has not
fn a_failed_unregister_ends_no_avoidance() {
    let refusing = |world: &mut World| {
        world.at(noon("12:04:59"), |world| {
            world.registrar_at(Y).behave(Behaviour::refusing(500));
        });
    };
    assert_eq!(avoided_after(refusing), [X, Y]);
}

// rule S8
fn an_unregister_of_all_contacts_ends_all_avoidance() {
    let told_with = |mode| {
        let setup = three().registration(move |rules| rules.unregistration_mode = mode);
        let change = |world: &mut World| leave_and_return(world, ("12:05:20", "12:05:30"));
        told(setup, change, "12:05:30").split_off(2)
    };
    assert_eq!(
        told_with(UnregistrationMode::OwnContact),
        ["12:05:20 Y 0", "12:05:30 Y 480"]
    );
    assert_eq!(
        told_with(UnregistrationMode::All),
        ["12:05:20 Y 0", "12:05:30 X 480"]
    );
}

// rule S8: whoever answered last is not avoided, so all are only when that one has left the list
fn when_all_are_avoided_the_first_end_is_waited_for() {
    let hosts = |last: [u8; 3]| last.map(|last| IpAddr::from([10, 0, 1, last]));
    let setup = three().set(|set| {
        let names = ["x.example", "y.example", "z.example"];
        set.proxies = names.map(|name| ProxyAddress::named(name, None)).into();
    });
    let mut world = begin(setup);
    world.dns().latency(Duration::ZERO);
    let [x, y, z] = hosts([1, 2, 3]);
    for (name, host) in [("x.example", x), ("y.example", y), ("z.example", z)] {
        world.dns().addresses(name, 60, &[host]);
        let registrar = world.registrar_at(SocketAddr::new(host, 5060));
        registrar.behave(Behaviour::open());
    }
    let at = |host| SocketAddr::new(host, 5060);
    world.at(noon("12:00:30"), move |world| close(world, at(x), true));
    world.at(noon("12:04:30"), move |world| close(world, at(y), true));
    // Z gives a 200 at 12:08:00, and is gone from the list at 12:09:00.
    world.at(noon("12:08:30"), move |world| {
        close(world, at(x), false);
        close(world, at(y), false);
        world.dns().addresses("z.example", 60, &[y]);
    });
    leave_and_return(&mut world, ("12:10:00", "12:10:30"));
    world.run_until(noon("12:10:30"));
    world.expect_phase("main", Phase::Avoided);
    let status = world.status("main");
    assert_eq!(status.next_try, Some(world.unix(noon("12:11:00"))));
    let ends = status.avoided.iter().map(|it| (it.registrar, it.until));
    let wanted = [(x, "12:11:00"), (y, "12:15:00")];
    let wanted = wanted.map(|(host, end)| (at(host), world.unix(noon(end))));
    assert!(ends.eq(wanted), "{status:?}");
    world.run_until(noon("12:11:00").back(Duration::from_micros(1)));
    world.expect_phase("main", Phase::Avoided);
    world.run_until(noon("12:11:00"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.status("main").registrar, Some(at(x)));
}

// rules S8, S9: nothing draws it back, so nothing is shortened
fn parking_stays_where_it_is() {
    let setup = three().set(|set| set.redundancy = Redundancy::Parking);
    assert_eq!(
        told(setup, |_| {}, "12:16:00"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Y 480",
            "12:12:00 Y 480",
            "12:16:00 Y 480"
        ]
    );
}

// rules S8, L10: `register` and `register --force` go to Y, although X is back since 12:05:10
fn an_operator_does_not_end_the_avoidance() {
    let change = |world: &mut World| {
        world.at(noon("12:06:00"), |world| {
            world.register("main");
        });
        world.at(noon("12:06:10"), |world| {
            world.register_by_force("main");
        });
        world.at(noon("12:06:20"), |world| {
            world.refresh("main");
        });
    };
    assert_eq!(
        told(three(), change, "12:14:59"),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:06:00 Y 480",
            "12:06:10 Y 480",
            "12:06:20 Y 480",
            "12:10:20 Y 80",
            "12:11:00 X 480"
        ]
    );
}

// rules S8, T1
fn the_status_shows_who_is_avoided_and_until_when() {
    let mut world = begin(three());
    x_is_away(&mut world);
    let mut avoided = |until: &str| {
        world.run_until(noon(until));
        let avoided = world.current_status("main").avoided.into_iter();
        let ends = avoided.map(|it| (it.registrar, it.until.0 - world.unix(Instant::ZERO).0));
        let ends = ends.map(|(at, ms)| (at, clock(Instant::from_millis(ms as u64))));
        ends.collect::<Vec<_>>()
    };
    assert_eq!(avoided("12:03:59"), []);
    assert_eq!(avoided("12:04:00"), [(X, "12:11:00".to_owned())]);
    assert_eq!(avoided("12:10:59"), [(X, "12:11:00".to_owned())]);
    // Y has given 360 s at 12:08:00, and X has answered since.
    assert_eq!(avoided("12:11:00"), [(Y, "12:17:00".to_owned())]);
    assert_eq!(avoided("12:17:00"), []);
}

// rule S8: more than three from DNS: the first three count
fn only_the_first_three_of_a_name_count() {
    let mut world = begin(three().set(|set| {
        set.proxies = vec![ProxyAddress::named("carrier.example", None)];
    }));
    let hosts = [1, 2, 3, 4].map(|last| IpAddr::from([10, 0, 1, last]));
    world.dns().addresses("carrier.example", 3_600, &hosts);
    let members: Vec<SocketAddr> = hosts.map(|host| SocketAddr::new(host, 5060)).into();
    for member in &members {
        world.registrar_at(*member).behave(Behaviour::open());
    }
    world.run_until(noon("12:00:10"));
    let set = world.set_at(members[0]);
    let order: Vec<SocketAddr> = set.members.iter().map(|member| member.address).collect();
    for (at, member) in (0..).zip(&order[..3]) {
        let (member, at) = (*member, Instant::from_secs(30 + 240 * at));
        world.at(at, move |world| close(world, member, true));
    }
    world.run_until(noon("12:20:00"));
    assert_eq!(world.registrar_at(order[3]).counts().registers, 0);
    assert!(world.registrar_at(order[2]).counts().accepted > 0);
}
