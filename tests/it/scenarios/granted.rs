//! How long a 200 grants, in each form that registrars use (rule L2).

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{Behaviour, ContactAs, Setup, Shows, sent};

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        our_contact_is_found_among_foreign_ones,
        our_contact_is_found_by_its_mark_when_host_and_port_are_rewritten,
        the_source_of_the_request_may_stand_in_our_contact,
        the_only_contact_is_ours,
        our_contact_without_a_number_takes_the_expires_header,
        the_expires_header_counts_when_our_contact_is_not_there,
        the_smallest_number_counts_when_nothing_else_is_there,
        the_asked_value_counts_only_when_nothing_is_shown,
        compact_and_folded_answers_are_read,
        a_200_that_grants_nothing_is_a_failure,
        a_contact_that_cannot_be_read_does_not_hide_ours,
        routes_do_not_disturb,
    ]
}

/// A binding of somebody else that ends soon.
const SOON: &str = "\"Other, phone\" <sip:other@192.0.2.9:5060>;expires=15";
/// Another one, with a mark of another client.
const LATER: &str = "<sip:main@192.0.2.8:5062;transport=udp;x=1>;q=0.5;expires=2500";

fn our_contact_is_found_among_foreign_ones() {
    let ours = Behaviour::open().grants(100);
    assert_granted(ours.clone().lists_before(SOON), 100, "50.020");
    assert_granted(ours.clone().lists_after(SOON), 100, "50.020");
    assert_granted(ours.lists_before(LATER).lists_after(SOON), 100, "50.020");
}

fn our_contact_is_found_by_its_mark_when_host_and_port_are_rewritten() {
    let rewritten = Behaviour::open()
        .grants(100)
        .contact(ContactAs::Marked(outside()));
    assert_granted(rewritten.clone(), 100, "50.020");
    assert_granted(
        rewritten.clone().lists_before(SOON).lists_after(LATER),
        100,
        "50.020",
    );
    assert_granted(
        rewritten.lists_before(LATER).lists_before(SOON),
        100,
        "50.020",
    );
}

fn the_source_of_the_request_may_stand_in_our_contact() {
    let behaviour = Behaviour::digest().grants(20).contact(ContactAs::Source);
    let mut world = world(Setup::one(), behaviour.lists_before(LATER));
    world
        .network()
        .put_behind_nat("203.0.113.9".parse().expect("an address"));
    world.skip_until("0.040");
    world.expect_silence_until("10.040");
    world.expect_at("10.040", sent("REGISTER").nc(2).asking(180));
}

fn the_only_contact_is_ours() {
    let rewritten = Behaviour::open()
        .grants(100)
        .contact(ContactAs::Unmarked(outside()));
    assert_granted(rewritten, 100, "50.020");
}

fn our_contact_without_a_number_takes_the_expires_header() {
    let header = Behaviour::open().grants(100).shows(Shows::Header);
    assert_granted(header.clone(), 100, "50.020");
    assert_granted(header.clone().lists_before(SOON), 100, "50.020");
    assert_granted(
        header
            .contact(ContactAs::Marked(outside()))
            .lists_after(SOON),
        100,
        "50.020",
    );
}

fn the_expires_header_counts_when_our_contact_is_not_there() {
    let hidden = Behaviour::open().grants(100).contact(ContactAs::Hidden);
    let header = hidden.shows(Shows::Header);
    assert_granted(header.clone(), 100, "50.020");
    assert_granted(header.lists_before(SOON).lists_after(LATER), 100, "50.020");
}

fn the_smallest_number_counts_when_nothing_else_is_there() {
    let hidden = Behaviour::open()
        .contact(ContactAs::Hidden)
        .shows(Shows::Nothing);
    assert_granted(hidden.lists_before(LATER).lists_after(SOON), 15, "7.520");
    let unmarked = Behaviour::open()
        .grants(100)
        .contact(ContactAs::Unmarked(outside()));
    assert_granted(unmarked.lists_before(LATER), 100, "50.020");
}

fn the_asked_value_counts_only_when_nothing_is_shown() {
    let nothing = Behaviour::open().shows(Shows::Nothing);
    assert_granted(nothing.clone(), 180, "90.020");
    assert_granted(nothing.contact(ContactAs::Hidden), 180, "90.020");
}

// rule A2
fn compact_and_folded_answers_are_read() {
    for form in [regent::sim::Form::Compact, regent::sim::Form::Folded] {
        let behaviour = Behaviour::digest().grants(100).form(form);
        let mut world = world(Setup::one(), behaviour.lists_before(SOON));
        world.expect_at("0", sent("REGISTER").bare());
        world.expect_at("0.020", sent("REGISTER").nc(1));
        world.expect_phase_at("0.040", "main", Phase::Registered);
        world.expect_silence_until("50.040");
        world.expect_at("50.040", sent("REGISTER").nc(2));
    }
}

fn a_200_that_grants_nothing_is_a_failure() {
    for shows in [Shows::Parameter, Shows::Header] {
        let grants = Behaviour::open().grants(0).shows(shows);
        let mut world = world(
            Setup::one(),
            grants.lists_before("<sip:main@10.0.0.2:5060>;expires=0"),
        );
        world.expect_at("0", sent("REGISTER"));
        world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
        assert_eq!(world.status("main").failures, 1);
        world.expect_silence_until("30.020");
        world.expect_at("30.020", sent("REGISTER"));
    }
}

fn a_contact_that_cannot_be_read_does_not_hide_ours() {
    for broken in [
        "<sip:;>;;;expires",
        "<<>>",
        "sip",
        "\"",
        "<sip:a@b;expires=1",
    ] {
        let ours = Behaviour::open().grants(100);
        assert_granted(ours.clone().lists_after(broken), 100, "50.020");
        assert_granted(ours.lists_before(broken), 100, "50.020");
    }
}

// rule A: Path and Service-Route are kept for calls.
fn routes_do_not_disturb() {
    let routes = Behaviour::open()
        .grants(100)
        .with("Path", "<sip:edge.sim.example;lr>")
        .with(
            "Service-Route",
            "<sip:a.sim.example;lr>, <sip:b.sim.example;lr>",
        )
        .with("P-Associated-URI", "<sip:main@sim.example>");
    assert_granted(routes, 100, "50.020");
}

/// The Account reads this grant, and refreshes at half of it.
#[track_caller]
fn assert_granted(behaviour: Behaviour, granted: u32, refresh: &str) {
    let mut world = world(Setup::one(), behaviour);
    world.expect_at("0", sent("REGISTER").asking(180));
    world.expect_phase_at("0.020", "main", Phase::Registered);
    assert_eq!(world.status("main").granted, Some(granted));
    world.expect_silence_until(refresh);
    world.expect_at(refresh, sent("REGISTER").asking(180));
}

fn outside() -> std::net::SocketAddr {
    "203.0.113.1:1024".parse().expect("an address")
}
