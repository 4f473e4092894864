//! What each answer leads to (table A).

use libtest_mimic::Trial;
use regent::effect::{Event, Outcome, Phase};
use regent::sim::{Behaviour, Setup, World, at, sent};
use regent::status::StatusWord;

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_423_is_repeated_at_once_with_its_minimum,
        a_learned_minimum_is_remembered_and_is_not_what_is_asked,
        a_423_is_followed_twice_in_one_attempt,
        a_423_that_asks_for_nothing_more_is_a_rejection,
        a_423_that_asks_for_too_much_is_a_rejection,
        a_423_keeps_the_credentials,
        a_420_drops_an_optional_extension_once,
        a_420_that_names_nothing_of_ours_is_a_rejection,
        a_redirection_is_not_followed,
        rejections_wait_and_show_their_code,
        failures_of_the_registrar_wait_and_show_their_code,
        every_2xx_registers,
        a_provisional_answer_ends_nothing,
    ]
}

fn a_423_is_repeated_at_once_with_its_minimum() {
    let mut world = world(asking(60), Behaviour::open().min_expires(600));
    world.expect_at("0", sent("REGISTER").asking(60));
    world.expect_at("0.020", sent("REGISTER").asking(600));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    assert_eq!(world.status("main").granted, Some(600));
    world.expect_silence_until("300.040");
}

// rule L2: asked, learned minimum and granted are three values.
fn a_learned_minimum_is_remembered_and_is_not_what_is_asked() {
    let behaviour = Behaviour::open().min_expires(600).grants_at_most(100);
    let mut world = world(asking(60), behaviour);
    world.expect_at("0", sent("REGISTER").asking(60));
    world.expect_at("0.020", sent("REGISTER").asking(600));
    world.expect_silence_until("50.040");
    world.expect_at("50.040", sent("REGISTER").asking(600));
    world.registrar().behave(Behaviour::refusing(500));
    world.expect_at("80.060", sent("REGISTER").asking(600));
    world.expect_at("110.080", sent("REGISTER").asking(600));
}

// At most twice per attempt.
fn a_423_is_followed_twice_in_one_attempt() {
    let mut world = world(asking(60), Behaviour::open());
    world.registrar().script([100, 200, 300].map(brief));
    world.expect_at("0", sent("REGISTER").asking(60));
    world.expect_at("0.020", sent("REGISTER").asking(100));
    world.expect_at("0.040", sent("REGISTER").asking(200));
    world.expect_phase_at("0.060", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").status, StatusWord::Error(423));
    world.expect_silence_until("30.060");
    world.expect_at("30.060", sent("REGISTER"));
    world.expect_phase_at("30.080", "main", Phase::Registered);
}

fn a_423_that_asks_for_nothing_more_is_a_rejection() {
    for least in ["60", "59", "0", "", "many", "-1"] {
        let refusing = Behaviour::refusing(423).with("Min-Expires", least);
        assert_rejected(asking(60), refusing, 423);
    }
    assert_rejected(asking(60), Behaviour::refusing(423), 423);
}

// Not above 2,000,000.
fn a_423_that_asks_for_too_much_is_a_rejection() {
    assert_rejected(asking(60), brief(2_000_001), 423);
    assert_rejected(asking(60), brief(4_294_967_295), 423);
    let absurd = Behaviour::refusing(423).with("Min-Expires", "99999999999999999999");
    assert_rejected(asking(60), absurd, 423);
    let mut world = world(asking(60), Behaviour::open().min_expires(2_000_000));
    world.expect_at("0", sent("REGISTER").asking(60));
    world.expect_at("0.020", sent("REGISTER").asking(2_000_000));
    world.expect_phase_at("0.040", "main", Phase::Registered);
}

// rule A1: a repeat carries credentials, and its nonce count rises.
fn a_423_keeps_the_credentials() {
    let mut world = world(asking(60), Behaviour::digest().min_expires(600));
    world.expect_at("0", sent("REGISTER").bare().asking(60));
    world.expect_at("0.020", sent("REGISTER").nc(1).asking(60));
    world.expect_at("0.040", sent("REGISTER").nc(2).asking(600));
    world.expect_phase_at("0.060", "main", Phase::Registered);
}

fn a_420_drops_an_optional_extension_once() {
    let refusing = Behaviour::refusing(420).with("Unsupported", "path");
    let mut once = world(Setup::one(), Behaviour::open());
    once.registrar().script([refusing.clone()]);
    once.expect_at("0", sent("REGISTER"));
    assert!(supported(&once).contains("path"));
    once.expect_at("0.020", sent("REGISTER"));
    assert!(
        !supported(&once).contains("path"),
        "the extension is dropped"
    );
    once.expect_phase_at("0.040", "main", Phase::Registered);

    let mut ever = world(Setup::one(), refusing);
    ever.expect_at("0", sent("REGISTER"));
    ever.expect_at("0.020", sent("REGISTER"));
    ever.expect_phase_at("0.040", "main", Phase::WaitingToRetry);
    ever.expect_silence_until("30.040");
}

fn a_420_that_names_nothing_of_ours_is_a_rejection() {
    assert_rejected(Setup::one(), Behaviour::refusing(420), 420);
    let foreign = Behaviour::refusing(420).with("Unsupported", "outbound");
    assert_rejected(Setup::one(), foreign, 420);
}

fn a_redirection_is_not_followed() {
    for code in [300, 301, 302, 305, 380] {
        let elsewhere = Behaviour::refusing(code).with("Contact", "<sip:10.0.0.7:5060>");
        assert_rejected(Setup::one(), elsewhere, code);
    }
}

fn rejections_wait_and_show_their_code() {
    for code in [
        400, 402, 403, 404, 405, 410, 416, 480, 488, 499, 600, 603, 604, 699,
    ] {
        assert_rejected(Setup::one(), Behaviour::refusing(code), code);
    }
}

fn failures_of_the_registrar_wait_and_show_their_code() {
    for code in [408, 500, 502, 503, 504, 513, 599] {
        assert_rejected(Setup::one(), Behaviour::refusing(code), code);
    }
}

fn every_2xx_registers() {
    for code in [202, 204, 299] {
        let mut world = world(Setup::one(), Behaviour::refusing(code));
        world.expect_at("0", sent("REGISTER"));
        world.expect_phase_at("0.020", "main", Phase::Registered);
        world.expect_silence_until("90.020");
    }
}

fn a_provisional_answer_ends_nothing() {
    let late = regent::time::Duration::from_millis(400);
    let mut world = world(Setup::one(), Behaviour::open().trying().late(late));
    world.expect_at("0", sent("REGISTER"));
    world.run_until(at("0.419999"));
    world.expect_phase("main", Phase::Registering);
    world.expect_phase_at("0.420", "main", Phase::Registered);
    world.expect_silence_until("90.420");
}

/// The answer ends the attempt at once, shows its code, and the next attempt comes 30 s later.
/// Before and after it, a `register` of an operator is told so.
#[track_caller]
fn assert_rejected(setup: Setup, behaviour: Behaviour, code: u16) {
    let mut world = world(setup, behaviour);
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    let status = world.status("main");
    assert_eq!(status.status, StatusWord::Error(code));
    assert_eq!(status.last_answer.map(|last| last.code), Some(code));
    world.expect_silence_until("30.020");
    world.expect_at("30.020", sent("REGISTER"));
    let ticket = world.register("main");
    world.expect_phase_at("30.040", "main", Phase::WaitingToRetry);
    let told = world.outcome(ticket);
    assert!(
        matches!(told, Some(Outcome::Rejected(answer)) if answer.code == code),
        "{told:?}"
    );
    let failing = |(_, event): &(_, &Event)| matches!(event, Event::RefreshFailed { .. });
    assert_eq!(
        world.events_of("main").filter(failing).count(),
        0,
        "there was no binding"
    );
}

fn asking(seconds: u32) -> Setup {
    Setup::one().registration(|it| it.registration_time_secs = seconds)
}

fn brief(least: u32) -> Behaviour {
    Behaviour::refusing(423).with("Min-Expires", &least.to_string())
}

fn supported(world: &World) -> String {
    let text = world.last_packet().text().expect("a message");
    text.header("supported").unwrap_or_default().to_owned()
}
