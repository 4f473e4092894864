//! 3xx answers where following them is configured (table A).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::Redirects;
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, sent};
use regent::status::StatusWord;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_redirect_within_the_set_is_followed_at_once,
        a_redirect_out_of_the_set_is_a_rejection,
        anywhere_means_anywhere,
        contacts_are_tried_in_the_order_of_their_q,
        five_hops_are_the_limit,
        a_redirect_without_an_address_is_a_rejection,
        the_next_attempt_begins_at_the_set_again,
    ]
}

const SECOND: &str = "10.0.0.7:5060";
const ELSEWHERE: &str = "10.0.0.8:5060";

fn a_redirect_within_the_set_is_followed_at_once() {
    let mut world = redirecting(Redirects::WithinSet, &["<sip:10.0.0.7:5060>"]);
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_at("0.020", sent("REGISTER").to(address(SECOND)).bare());
    world.expect_at("0.040", sent("REGISTER").to(address(SECOND)).nc(1));
    world.expect_phase_at("0.060", "main", Phase::Registered);
    world.expect_silence_until("90.060");
}

fn a_redirect_out_of_the_set_is_a_rejection() {
    let mut world = redirecting(Redirects::WithinSet, &["<sip:10.0.0.8:5060>"]);
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").status, StatusWord::Error(302));
    world.expect_silence_until("30.020");
}

fn anywhere_means_anywhere() {
    let mut world = redirecting(Redirects::Anywhere, &["<sip:10.0.0.8>"]);
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_at("0.020", sent("REGISTER").to(address(ELSEWHERE)).bare());
    world.expect_at("0.040", sent("REGISTER").to(address(ELSEWHERE)).nc(1));
    world.expect_phase_at("0.060", "main", Phase::Registered);
}

fn contacts_are_tried_in_the_order_of_their_q() {
    let contacts = ["<sip:10.0.0.8>;q=0.3, <sip:10.0.0.7>;q=0.9"];
    let mut world = redirecting(Redirects::Anywhere, &contacts);
    world
        .registrar_at(address(SECOND))
        .behave(Behaviour::refusing(503));
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_at("0.020", sent("REGISTER").to(address(SECOND)));
    world.expect_at("0.040", sent("REGISTER").to(address(ELSEWHERE)).bare());
    world.expect_at("0.060", sent("REGISTER").to(address(ELSEWHERE)).nc(1));
    world.expect_phase_at("0.080", "main", Phase::Registered);
}

fn five_hops_are_the_limit() {
    let mut world = redirecting(Redirects::WithinSet, &["<sip:10.0.0.7>"]);
    let back = Behaviour::refusing(302).with("Contact", "<sip:10.0.0.1>");
    world.registrar_at(address(SECOND)).behave(back);
    let (first, second) = (REGISTRAR, address(SECOND));
    let hops = [
        ("0", first),
        ("0.020", second),
        ("0.040", first),
        ("0.060", second),
    ];
    for (when, to) in hops
        .into_iter()
        .chain([("0.080", first), ("0.100", second)])
    {
        world.expect_at(when, sent("REGISTER").to(to));
    }
    world.expect_phase_at("0.120", "main", Phase::WaitingToRetry);
    world.expect_silence_until("30.120");
    world.expect_at("30.120", sent("REGISTER"));
}

fn a_redirect_without_an_address_is_a_rejection() {
    for contact in [
        "<sip:>",
        "<tel:+49301234>",
        "<sip:10.0.0.7;transport=tcp>",
        "nonsense",
        "",
    ] {
        let mut world = redirecting(Redirects::Anywhere, &[contact]);
        world.expect_at("0", sent("REGISTER").to(REGISTRAR));
        world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
        world.expect_silence_until("30.020");
    }
}

fn the_next_attempt_begins_at_the_set_again() {
    let mut world = redirecting(Redirects::WithinSet, &["<sip:10.0.0.7>"]);
    world
        .registrar_at(address(SECOND))
        .behave(Behaviour::refusing(500));
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_at("0.020", sent("REGISTER").to(address(SECOND)));
    world.expect_phase_at("0.040", "main", Phase::WaitingToRetry);
    world.registrar().behave(Behaviour::open());
    world.expect_silence_until("30.040");
    world.expect_at("30.040", sent("REGISTER").to(REGISTRAR));
    world.expect_phase_at("30.060", "main", Phase::Registered);
}

/// `main` at a set of two, of which the first redirects with these Contacts; a third registrar is
/// elsewhere.
fn redirecting(follow: Redirects, contacts: &[&str]) -> World {
    let account = AccountSetup::new("main").or_at(address(SECOND));
    let setup = Setup::new().account(account);
    let setup = setup.registration(|it| it.follow_redirects = follow);
    let mut world = World::new(setup, 1);
    let redirect = Behaviour::refusing(302);
    let redirect = contacts
        .iter()
        .fold(redirect, |it, contact| it.with("Contact", contact));
    world.registrar().behave(redirect);
    let elsewhere = world.registrar_at(address(ELSEWHERE));
    elsewhere.user("main", regent::sim::PASSWORD);
    elsewhere.behave(Behaviour::digest());
    world
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
