//! Who is told when a registration is lost, and when (rules T2, T3).
//!
//! The registrar asks for no credentials unless a story says otherwise, so that an Account is
//! registered at 0.020. A refresh that it refuses ends the registration 20 ms after it was sent;
//! the next tries follow every 30 s.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use libtest_mimic::Trial;
use regent::config::{
    Alert, ByServedStatus, Covered, KeepAlive, ProxySet, Registration, Stickiness, TimeLimit,
};
use regent::effect::NoticeKind::{Lost, Resolved, TimedOut};
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, LOCAL, REGISTRAR, Setup, UNIX_MS_AT_ZERO, World, at};
use regent::status::{Health, UnixMs};
use regent::time::{Duration, Instant};

use super::world;

mod cost;
mod kept;
mod many;

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        the_whole_story_to_the_second,
        a_notice_and_the_list_say_whose_and_where,
        the_source_is_the_public_address_where_that_is_known,
        a_registrar_that_turns_unreachable_is_a_loss_and_its_return_the_end,
        a_registrar_that_turns_unreachable_again_is_lost_though_it_granted_between,
        a_registrar_that_fails_on_its_way_back_is_lost_again,
        an_account_is_armed_after_sixty_seconds_to_the_millisecond,
        who_was_not_registered_for_a_minute_is_not_missed,
        a_check_that_passes_resets,
        what_lies_between_two_checks_does_not_count,
        an_options_is_sent_for_each_check_where_keep_alive_is_off,
        an_options_is_sent_where_keep_alive_is_slower_and_only_there,
        an_account_that_moves_in_time_raises_nothing,
        an_account_that_finds_nobody_raises_and_a_move_resolves,
        an_operators_unregister_raises_nothing,
        an_operators_unregister_closes_an_alert_silently,
        a_removed_account_closes_its_alert_silently,
        a_changed_account_keeps_its_alert,
        an_account_that_is_held_raises_nothing,
        a_stop_raises_nothing,
        an_alert_times_out_to_the_second_and_is_not_resolved_then,
        each_limit_is_its_own,
        what_nobody_asked_for_is_not_told,
        a_subscription_is_about_its_accounts_only,
        a_new_subscription_hears_of_the_next_loss,
        a_subscription_that_is_removed_hears_nothing_more,
        a_clock_that_is_set_neither_raises_nor_arms,
    ];
    trials.extend(cost::trials());
    trials.extend(kept::trials());
    trials.extend(many::trials());
    trials
}

const Y: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

fn ops() -> Alert {
    Alert::new("ops", Some("ops@example.net"), None)
}

fn subscribed() -> Setup {
    Setup::one().alert(ops())
}

fn begin(setup: Setup) -> World {
    world(setup, Behaviour::open())
}

/// Probed every 10 s; one that is not answered within 500 ms means that it is UNREACHABLE. It is
/// back with the second good answer, 10 s after the first.
fn watched(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.keep_alive_secs = 10;
    set.failure_detection_retransmissions = Some(0);
}

/// The registrar answers nothing from this instant on, and then again.
fn silent(world: &mut World, registrar: SocketAddr, from: &str, until: &str) {
    world.at(at(from), move |world| {
        world.network().link(registrar).out.cut = true;
    });
    world.at(at(until), move |world| {
        world.network().link(registrar).out.cut = false;
    });
}

/// The refresh of these Accounts at this instant is refused, as all that comes after it until the
/// registrar is good again.
fn refused(world: &mut World, from: &str, accounts: &'static [&'static str]) {
    world.at(at(from), move |world| {
        world.registrar().behave(Behaviour::refusing(403));
        for account in accounts {
            world.refresh(account);
        }
    });
}

fn good_again(world: &mut World, when: &str) {
    world.at(at(when), |world| {
        world.registrar().behave(Behaviour::open())
    });
}

/// `main`, refused at 100: lost at 100.020, raised at 190.020; the next tries are every 30 s.
fn lost(setup: Setup) -> World {
    let mut world = begin(setup);
    refused(&mut world, "100", &["main"]);
    world
}

/// When OPTIONS first left.
fn options(world: &World) -> Vec<Instant> {
    let sent = world.transcript().lines().iter().filter(|line| {
        let first = line.sent().filter(|packet| packet.repeat == 0);
        first.is_some_and(|packet| packet.summary.method.as_deref() == Some("OPTIONS"))
    });
    sent.map(|line| line.at).collect()
}

fn instants(all: &[&str]) -> Vec<Instant> {
    all.iter().map(|when| at(when)).collect()
}

// rules T2, T3: the seed's own story. It is registered; it falls silent, and the binding ends at
// 270.020; three checks fail; it is back; it is lost again for longer than the limit.
fn the_whole_story_to_the_second() {
    let subscription = Alert {
        time_limit: TimeLimit::Hour,
        ..ops()
    };
    let mut world = begin(Setup::one().alert(subscription));
    silent(&mut world, REGISTRAR, "100", "1000");
    world.expect_phase_at("270.040", "main", Phase::Registering);
    world.expect_notices("360.039999", &[]);
    world.expect_alerts("360.039999", "");
    let first = ("360.040", Lost, "ops", "main");
    world.expect_notices("360.040", &[first]);
    world.expect_alerts("999", "main/ops");
    world.expect_notices("1000", &[first]);
    world.run_until(at("1060"));
    let (back, phase) = world.phases("main").pop().expect("a phase");
    assert_eq!(phase, Phase::Registered);
    let told: Vec<_> = world.notices().collect();
    assert_eq!(told.len(), 2);
    assert_eq!((told[1].0, told[1].1.kind), (back, Resolved));
    world.expect_alerts("1060", "");
    silent(&mut world, REGISTRAR, "2000", "9000");
    world.run_until(at("8999"));
    let mut phases = world.phases("main").into_iter();
    let lost = phases.find(|(when, phase)| *when > back && *phase != Phase::Registered);
    let (lost, _) = lost.expect("a loss");
    let told: Vec<_> = world.notices().map(|(when, it)| (when, it.kind)).collect();
    let raised = lost + Duration::from_secs(90);
    let over = raised + Duration::from_secs(3_600);
    assert_eq!(told[2..], [(raised, Lost), (over, TimedOut)]);
    world.expect_alerts("8999", "");
    world.run_until(at("9100"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.notices().count(), 4, "no resolution follows");
}

// rule T3
fn a_notice_and_the_list_say_whose_and_where() {
    let subscription = Alert {
        webhook: Some("https://hooks.example.net/1".into()),
        send_timeout: false,
        time_limit: TimeLimit::SixHours,
        ..ops()
    };
    let setup = Setup::one().alert(subscription);
    let named = Behaviour::open().with("Server", "Sim/1.0 (test)");
    let mut world = world(setup, named);
    refused(&mut world, "100", &["main"]);
    good_again(&mut world, "1000");
    world.run_until(at("190.020"));
    let time = |when: &str| UNIX_MS_AT_ZERO + i64::try_from(at(when).as_millis()).unwrap();
    let (_, notice) = world.notices().next().expect("a notice");
    assert_eq!(&*notice.subscription, "ops");
    assert_eq!(notice.email.as_deref(), Some("ops@example.net"));
    assert_eq!(
        notice.webhook.as_deref(),
        Some("https://hooks.example.net/1")
    );
    assert_eq!(notice.registrar, REGISTRAR);
    assert_eq!(notice.server.as_deref(), Some("Sim/1.0 (test)"));
    assert_eq!(&*notice.user_agent, "regent/sim");
    assert_eq!(notice.at_unix_ms, time("190.020"));
    let account = &notice.accounts[0];
    assert_eq!(
        (&*account.account, &*account.identity),
        ("main", "sip:main@sim.example")
    );
    assert_eq!(account.source, Some(LOCAL.ip()));
    assert_eq!(account.lost_unix_ms, time("100.020"));
    assert_eq!(account.started_unix_ms, time("190.020"));
    assert_eq!((account.ended_unix_ms, account.registered_at), (None, None));
    let alerts = world.alerts();
    let row = &alerts[0];
    assert_eq!(
        (&*row.label, &*row.identity),
        ("main", "sip:main@sim.example")
    );
    assert_eq!(row.source_ip, Some(LOCAL.ip()));
    assert_eq!(&*row.user_agent, "regent/sim");
    assert_eq!(row.email.as_deref(), Some("ops@example.net"));
    assert_eq!(
        (row.time_limit, row.send_timeout),
        (TimeLimit::SixHours, false)
    );
    assert_eq!(row.started, UnixMs(time("190.020")));
    world.run_until(at("1001"));
    let (back, _) = world.phases("main").pop().expect("a phase");
    let (when, notice) = world.notices().nth(1).expect("a resolution");
    assert_eq!(when, back);
    let account = &notice.accounts[0];
    assert_eq!(account.lost_unix_ms, time("100.020"));
    assert_eq!(account.ended_unix_ms, Some(world.unix(back).0));
    assert_eq!(account.registered_at, Some(REGISTRAR));
}

// rule T3
fn the_source_is_the_public_address_where_that_is_known() {
    let public = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
    let mut world = begin(subscribed());
    world.network().put_behind_nat(public);
    refused(&mut world, "100", &["main"]);
    world.run_until(at("190.020"));
    let (_, notice) = world.notices().next().expect("a notice");
    assert_eq!(notice.accounts[0].source, Some(public));
    assert_eq!(world.alerts()[0].source_ip, Some(public));
}

// rule T2: while it is registered still.
fn a_registrar_that_turns_unreachable_is_a_loss_and_its_return_the_end() {
    let setup = subscribed()
        .set(watched)
        .registration(|rules| rules.registration_time_secs = 3_600);
    let mut world = begin(setup);
    silent(&mut world, REGISTRAR, "95", "300");
    world.expect_health("100.500", REGISTRAR, Health::Unreachable, "100.500");
    world.expect_notices("190.499999", &[]);
    let first = ("190.500", Lost, "ops", "main");
    world.expect_notices("190.500", &[first]);
    world.expect_phase("main", Phase::Registered);
    world.expect_health("310.020", REGISTRAR, Health::Ok, "310.020");
    let back = ("310.020", Resolved, "ops", "main");
    world.expect_notices("1700", &[first, back]);
}

/// Probed every 7 s, and back with the second good answer, 10 s after the first. Bindings last an
/// hour.
fn watched_closely() -> Setup {
    let set = |set: &mut ProxySet| {
        watched(set);
        set.keep_alive_secs = 7;
    };
    let long = |rules: &mut Registration| rules.registration_time_secs = 3_600;
    subscribed().set(set).registration(long)
}

// rule T2: at the first check it is away, whatever it did between.
fn a_registrar_that_turns_unreachable_again_is_lost_though_it_granted_between() {
    let mut world = begin(watched_closely());
    silent(&mut world, REGISTRAR, "80", "85");
    world.expect_health("84.500", REGISTRAR, Health::Unreachable, "84.500");
    world.expect_health("101.020", REGISTRAR, Health::Ok, "101.020");
    world.at(at("102"), |world| {
        world.refresh("main");
    });
    silent(&mut world, REGISTRAR, "103", "1000");
    world.expect_health("114", REGISTRAR, Health::Unreachable, "108.500");
    world.expect_notices("174.499999", &[]);
    world.expect_notices("999", &[("174.500", Lost, "ops", "main")]);
    world.expect_phase("main", Phase::Registered);
}

// rule T2: who has granted a refresh passes a check, though it is UNREACHABLE until more probes are
// answered; when none is, all begins anew.
fn a_registrar_that_fails_on_its_way_back_is_lost_again() {
    let mut world = begin(watched_closely());
    silent(&mut world, REGISTRAR, "80", "109");
    world.expect_health("84.500", REGISTRAR, Health::Unreachable, "84.500");
    world.at(at("110"), |world| {
        world.refresh("main");
    });
    silent(&mut world, REGISTRAR, "111", "1000");
    world.run_until(at("114.500"));
    world.expect_health("119", REGISTRAR, Health::Unreachable, "84.500");
    world.run_until(at("999"));
    let told: Vec<_> = world.notices().map(|(when, it)| (when, it.kind)).collect();
    // The probe of 120 is not answered.
    assert_eq!(told, [(at("210.500"), Lost)]);
}

// rule T2: from 0.500 to 60.500 are sixty seconds.
fn an_account_is_armed_after_sixty_seconds_to_the_millisecond() {
    for (late, notices) in [(480, 1), (481, 0)] {
        let mut world = World::new(subscribed().set(watched), 1);
        let probes = Behaviour::open();
        world.registrar().behave_to_probes(probes);
        let late = Duration::from_millis(late);
        world.registrar().behave(Behaviour::open().late(late));
        silent(&mut world, REGISTRAR, "55", "500");
        world.expect_health("60.500", REGISTRAR, Health::Unreachable, "60.500");
        world.run_until(at("150.499999"));
        assert_eq!(world.notices().count(), 0);
        world.run_until(at("150.500"));
        assert_eq!(world.notices().count(), notices, "{late:?}");
    }
}

// rule T2
fn who_was_not_registered_for_a_minute_is_not_missed() {
    let mut world = begin(subscribed());
    refused(&mut world, "59.999", &["main"]);
    good_again(&mut world, "300");
    world.expect_notices("320", &[]);
    world.expect_phase("main", Phase::Registered);
    // Registered again since 300.179, and for long enough 60 s later.
    refused(&mut world, "360.159", &["main"]);
    world.expect_notices("1000", &[("450.179", Lost, "ops", "main")]);
}

// rule T2
fn a_check_that_passes_resets() {
    // Tried again at 125.020, 150.040 and 175.060; the checks are at 130.020, 160.020, 190.020.
    let retry = |rules: &mut Registration| rules.registration_retry_secs = 25;
    let mut world = lost(subscribed().registration(retry));
    good_again(&mut world, "160");
    world.expect_phase_at("175.080", "main", Phase::Registered);
    // All begins anew: three checks, not one.
    refused(&mut world, "300", &["main"]);
    world.expect_notices("390.019999", &[]);
    world.expect_notices("391", &[("390.020", Lost, "ops", "main")]);
}

// rule T2: at each check it is lost, and registered between them.
fn what_lies_between_two_checks_does_not_count() {
    let retry = |rules: &mut Registration| rules.registration_retry_secs = 10;
    let mut world = lost(subscribed().registration(retry));
    for (good, bad) in [("115", "125"), ("145", "155"), ("175", "185")] {
        good_again(&mut world, good);
        refused(&mut world, bad, &["main"]);
    }
    world.expect_notices("195", &[("190.020", Lost, "ops", "main")]);
    let registered = world.phases("main").into_iter();
    let registered = registered.filter(|(_, phase)| *phase == Phase::Registered);
    let registered: Vec<Instant> = registered.map(|(when, _)| when).collect();
    let wanted = instants(&["0.020", "120.060", "145.060", "175.060"]);
    assert_eq!(registered, wanted);
}

// rule T2
fn an_options_is_sent_for_each_check_where_keep_alive_is_off() {
    let mut world = lost(subscribed());
    world.run_until(at("500"));
    let wanted = instants(&["100.020", "130.020", "160.020"]);
    assert_eq!(options(&world), wanted);
    assert_eq!(world.member(REGISTRAR).health, Health::Unmonitored);
    let mut world = lost(Setup::one());
    world.run_until(at("500"));
    assert_eq!(options(&world), [], "nobody wants to know");
}

// rule T2
fn an_options_is_sent_where_keep_alive_is_slower_and_only_there() {
    let every = |seconds: u32| {
        let mut world = lost(subscribed().set(move |set| {
            set.keep_alive = KeepAlive::Options;
            set.keep_alive_secs = seconds;
        }));
        world.run_until(at("250"));
        options(&world)
    };
    let slow = ["0", "60", "100.020", "130.020", "160.020", "220.020"];
    assert_eq!(every(60), instants(&slow));
    let quick: Vec<Instant> = (0..=12).map(|nth| Instant::from_secs(20 * nth)).collect();
    assert_eq!(every(20), quick);
}

/// `main`, sticky, at one of two registrars.
fn double(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> World {
    let account = AccountSetup::new("main").or_at(Y);
    let account = account.options(|it| it.registrar_stickiness = Stickiness::Enable);
    let setup = Setup::new().account(account).set(change).alert(ops());
    let mut world = begin(setup);
    world.registrar_at(Y).behave(Behaviour::open());
    world
}

// rules T2, S14
fn an_account_that_moves_in_time_raises_nothing() {
    // Found to be away at 100.5, left at once.
    let mut world = double(watched);
    silent(&mut world, REGISTRAR, "95", "1000");
    world.expect_health("100.500", REGISTRAR, Health::Unreachable, "100.500");
    world.run_until(at("110"));
    assert_eq!(world.status("main").registrar, Some(Y));
    world.expect_notices("900", &[]);
    // Nobody is there until 180, 10 s before the last check.
    let mut world = double(watched);
    silent(&mut world, REGISTRAR, "95", "1000");
    silent(&mut world, Y, "95", "165");
    world.expect_notices("900", &[]);
    let status = world.status("main");
    assert_eq!(
        (status.phase, status.registrar),
        (Phase::Registered, Some(Y))
    );
}

// rules T2, S14
fn an_account_that_finds_nobody_raises_and_a_move_resolves() {
    let mut world = double(watched);
    silent(&mut world, REGISTRAR, "95", "9000");
    silent(&mut world, Y, "95", "200");
    world.expect_notices("200", &[("190.500", Lost, "ops", "main")]);
    world.run_until(at("400"));
    let told: Vec<_> = world.notices().collect();
    assert_eq!(told.len(), 2);
    let (_, notice) = told[1];
    assert_eq!((notice.kind, notice.registrar), (Resolved, REGISTRAR));
    assert_eq!(notice.accounts[0].registered_at, Some(Y));
    world.expect_alerts("400", "");
}

// rule T2
fn an_operators_unregister_raises_nothing() {
    let mut world = begin(subscribed());
    world.at(at("100"), |world| {
        world.unregister("main");
    });
    world.expect_notices("500", &[]);
    // Lost first, and then told not to be there.
    let mut world = lost(subscribed());
    world.at(at("180"), |world| {
        world.unregister("main");
    });
    world.expect_notices("500", &[]);
    world.expect_phase("main", Phase::Unregistered);
}

// rule T2
fn an_operators_unregister_closes_an_alert_silently() {
    let mut world = lost(subscribed());
    let first = ("190.020", Lost, "ops", "main");
    world.expect_alerts("200", "main/ops");
    world.unregister("main");
    world.expect_alerts("200", "");
    good_again(&mut world, "300");
    world.at(at("301"), |world| {
        world.register("main");
    });
    world.expect_notices("5000", &[first]);
    world.expect_phase("main", Phase::Registered);
}

// rule T2
fn a_removed_account_closes_its_alert_silently() {
    let mut world = lost(subscribed());
    world.expect_alerts("200", "main/ops");
    world.reload(
        Setup::new()
            .account(AccountSetup::new("other"))
            .alert(ops()),
    );
    world.expect_alerts("200", "");
    world.expect_notices("5000", &[("190.020", Lost, "ops", "main")]);
}

// rules T2, G2: another password may be what was missing.
fn a_changed_account_keeps_its_alert() {
    let mut world = lost(subscribed());
    world.expect_alerts("200", "main/ops");
    world.registrar().behave(Behaviour::open());
    world.reload(subscribed().change("main", |account| account.password("other")));
    world.run_until(at("240"));
    world.expect_phase("main", Phase::Registered);
    let kinds: Vec<_> = world.notices().map(|(_, notice)| notice.kind).collect();
    assert_eq!(kinds, [Lost, Resolved]);
    world.expect_alerts("240", "");
}

// rules T2, S13
fn an_account_that_is_held_raises_nothing() {
    let pbx = SocketAddr::new(REGISTRAR.ip(), 5090);
    let account = AccountSetup::new("main").served_at(&[pbx]);
    let account = account.served_set(watched).options(|account| {
        account.register_by_served_ip_group_status = ByServedStatus::OnlyIfOnline;
    });
    let mut world = begin(Setup::new().account(account).alert(ops()));
    silent(&mut world, pbx, "95", "500");
    world.run_until(at("101"));
    world.expect_phase("main", Phase::Held);
    world.expect_notices("1000", &[]);
    world.expect_phase("main", Phase::Registered);
}

// rules T2, L7
fn a_stop_raises_nothing() {
    let mut world = begin(subscribed());
    world.run_until(at("100"));
    world.shutdown();
    world.expect_notices("500", &[]);
}

// rule T2
fn an_alert_times_out_to_the_second_and_is_not_resolved_then() {
    let subscription = Alert {
        time_limit: TimeLimit::TwoHours,
        ..ops()
    };
    let mut world = lost(Setup::one().alert(subscription));
    let first = ("190.020", Lost, "ops", "main");
    world.expect_notices("7390.019999", &[first]);
    world.expect_alerts("7390.019999", "main/ops");
    let last = ("7390.020", TimedOut, "ops", "main");
    world.expect_notices("7390.020", &[first, last]);
    world.expect_alerts("7390.020", "");
    good_again(&mut world, "8000");
    world.expect_notices("8030", &[first, last]);
    world.expect_phase("main", Phase::Registered);
    // The next loss is another.
    refused(&mut world, "8100", &["main"]);
    let again = ("8190.020", Lost, "ops", "main");
    world.expect_notices("8191", &[first, last, again]);
}

// rule T3
fn each_limit_is_its_own() {
    for limit in TimeLimit::ALL {
        let subscription = Alert {
            time_limit: limit,
            ..ops()
        };
        let rarely = |rules: &mut Registration| rules.registration_retry_secs = 3_600;
        let mut world = lost(Setup::one().alert(subscription).registration(rarely));
        let over = at("190.020") + limit.duration();
        world.run_until(over.back(Duration::from_micros(1)));
        assert_eq!((world.notices().count(), world.alerts().len()), (1, 1));
        world.run_until(over);
        assert_eq!((world.notices().count(), world.alerts().len()), (2, 0));
    }
}

// rule T3
fn what_nobody_asked_for_is_not_told() {
    let subscription = Alert {
        send_resolution: false,
        send_timeout: false,
        time_limit: TimeLimit::Hour,
        ..ops()
    };
    let first = ("190.020", Lost, "ops", "main");
    let mut world = lost(Setup::one().alert(subscription.clone()));
    good_again(&mut world, "1000");
    world.expect_notices("1100", &[first]);
    world.expect_alerts("1100", "");
    let mut world = lost(Setup::one().alert(subscription));
    world.expect_alerts("3790.019999", "main/ops");
    world.expect_alerts("3790.020", "");
    world.expect_notices("4000", &[first]);
}

// rule T3
fn a_subscription_is_about_its_accounts_only() {
    let about = |name: &str, accounts: &[&str]| Alert {
        accounts: Covered::named(accounts.iter().copied()),
        ..Alert::new(name, None, Some("http://127.0.0.1/"))
    };
    let setup = Setup::one().account(AccountSetup::new("other"));
    let setup = setup.alert(about("one", &["main"])).alert(ops());
    let mut world = begin(setup.alert(about("two", &["other"])));
    refused(&mut world, "100", &["main"]);
    good_again(&mut world, "600");
    // The refresh of the other one is refused at 180.060, when its turn comes.
    let wanted = [
        ("190.020", Lost, "one", "main"),
        ("190.020", Lost, "ops", "main"),
        ("270.060", Lost, "ops", "other"),
        ("270.060", Lost, "two", "other"),
    ];
    world.expect_notices("599", &wanted);
    world.expect_alerts("599", "main/one main/ops other/ops other/two");
}

// rules T3, G2
fn a_new_subscription_hears_of_the_next_loss() {
    let mut world = lost(subscribed());
    let second = || Alert::new("second", None, Some("http://127.0.0.1/"));
    world.run_until(at("200"));
    world.reload(subscribed().alert(second()));
    world.expect_alerts("200", "main/ops");
    good_again(&mut world, "250");
    let first = [
        ("190.020", Lost, "ops", "main"),
        ("250.120", Resolved, "ops", "main"),
    ];
    world.expect_notices("300", &first);
    refused(&mut world, "400", &["main"]);
    let next = [
        ("490.020", Lost, "ops", "main"),
        ("490.020", Lost, "second", "main"),
    ];
    world.expect_notices("500", &[first, next].concat());
    // One that comes while the loss is checked is told of it.
    let mut world = lost(Setup::one());
    world.at(at("99"), |world| world.reload(subscribed()));
    world.at(at("150"), move |world| {
        world.reload(subscribed().alert(second()))
    });
    world.expect_notices(
        "200",
        &[
            ("190.020", Lost, "ops", "main"),
            ("190.020", Lost, "second", "main"),
        ],
    );
}

// rules T3, G2
fn a_subscription_that_is_removed_hears_nothing_more() {
    let second = Alert::new("second", None, Some("http://127.0.0.1/"));
    let mut world = lost(subscribed().alert(second));
    let first = [
        ("190.020", Lost, "ops", "main"),
        ("190.020", Lost, "second", "main"),
    ];
    world.expect_notices("200", &first);
    world.reload(subscribed());
    world.expect_alerts("200", "main/ops");
    good_again(&mut world, "250");
    let back = ("250.120", Resolved, "ops", "main");
    world.expect_notices("1000", &[&first[..], &[back]].concat());
    // Nor does the only one.
    let mut world = lost(subscribed());
    world.at(at("150"), |world| world.reload(Setup::one()));
    world.expect_notices("1000", &[]);
    let mut world = lost(subscribed());
    world.run_until(at("200"));
    world.reload(Setup::one());
    world.expect_alerts("200", "");
    good_again(&mut world, "250");
    world.expect_notices("1000", &[("190.020", Lost, "ops", "main")]);
}

// rule T2: how long it was registered, and how long it is lost, is no matter of the wall clock.
fn a_clock_that_is_set_neither_raises_nor_arms() {
    for by_ms in [3_600_000, -3_600_000] {
        let mut world = begin(subscribed());
        world.at(at("50"), move |world| world.set_clock(by_ms));
        refused(&mut world, "59", &["main"]);
        world.expect_notices("300", &[]);
        let mut world = lost(subscribed());
        world.at(at("50"), move |world| world.set_clock(by_ms));
        world.at(at("150"), move |world| world.set_clock(by_ms));
        world.expect_notices("300", &[("190.020", Lost, "ops", "main")]);
        let started = world.alerts()[0].started;
        assert_eq!(started, world.unix(at("190.020")));
    }
}
