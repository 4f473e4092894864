//! Who we say we are, from every source that it may come from (rules I1–I3, A1, A3).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, PASSWORD, Setup, Text, World, sent};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_user_falls_back_to_the_digest_user_name,
        the_host_name_wins_in_from_and_to_and_the_group_name_in_the_request,
        a_port_in_the_host_name_is_kept_in_the_request_only,
        without_any_host_the_registrar_is_the_host,
        user_parts_are_escaped_everywhere,
        names_outside_ascii_are_utf_8,
        quotes_in_a_user_name_are_escaped,
        ipv6_addresses_stand_in_brackets,
        the_advertised_address_replaces_the_local_one,
        two_accounts_at_one_registrar_have_nothing_in_common,
    ]
}

fn the_user_falls_back_to_the_digest_user_name() {
    let account = AccountSetup::new("main")
        .contact_user(None)
        .user_name("u123");
    let text = first_register(Setup::new().account(account));
    assert_eq!(text.header("to"), Some("<sip:u123@sim.example>"));
}

fn the_host_name_wins_in_from_and_to_and_the_group_name_in_the_request() {
    let hosts = |host, group| {
        let account = AccountSetup::new("main").hosts(host, group);
        let text = first_register(Setup::new().account(account));
        let to = text.header("to").expect("a To").to_owned();
        (to, text.request().expect("a request").1.to_owned())
    };
    let both = hosts(Some("host.example"), Some("group.example"));
    assert_eq!(both, pair("<sip:main@host.example>", "sip:group.example"));
    let host = hosts(Some("host.example"), None);
    assert_eq!(host, pair("<sip:main@host.example>", "sip:host.example"));
    let group = hosts(None, Some("group.example"));
    assert_eq!(group, pair("<sip:main@group.example>", "sip:group.example"));
}

fn a_port_in_the_host_name_is_kept_in_the_request_only() {
    let account = AccountSetup::new("main").hosts(Some("host.example:5070"), None);
    let text = first_register(Setup::new().account(account));
    assert_eq!(text.header("to"), Some("<sip:main@host.example>"));
    assert_eq!(text.request(), Some(("REGISTER", "sip:host.example:5070")));
}

fn without_any_host_the_registrar_is_the_host() {
    let account = AccountSetup::new("main").hosts(None, None);
    let text = first_register(Setup::new().account(account));
    assert_eq!(text.header("to"), Some("<sip:main@10.0.0.1>"));
    let (_, uri) = text.request().expect("a request");
    assert!(uri == "sip:10.0.0.1" || uri == "sip:10.0.0.1:5060", "{uri}");
}

fn user_parts_are_escaped_everywhere() {
    let account = AccountSetup::new("main").contact_user(Some("a b@c\"<é>;%41"));
    let mut world = World::new(Setup::new().account(account), 1);
    world.expect_at("0", sent("REGISTER").bare());
    let text = world.last_packet().text().expect("a message");
    let escaped = "a%20b%40c%22%3C%C3%A9%3E;%2541";
    let to = text.header("to").expect("a To");
    assert_eq!(
        to.to_ascii_uppercase(),
        format!("<SIP:{escaped}@SIM.EXAMPLE>").to_ascii_uppercase()
    );
    let contact = text
        .contacts()
        .next()
        .expect("a Contact")
        .uri
        .to_ascii_uppercase();
    assert!(
        contact.starts_with(&format!("SIP:{escaped}@10.0.0.2").to_ascii_uppercase()),
        "{contact}"
    );
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    world.expect_silence_until("90.040");
}

fn names_outside_ascii_are_utf_8() {
    let account = AccountSetup::new("main")
        .user_name("jürgen-李")
        .password("Paßwort 密码");
    let mut world = World::new(Setup::new().account(account), 1);
    world.registrar().user("jürgen-李", "Paßwort 密码");
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
}

fn quotes_in_a_user_name_are_escaped() {
    let name = "she said \"hi\", a\\b";
    let account = AccountSetup::new("main").user_name(name);
    let mut world = World::new(Setup::new().account(account), 1);
    world.registrar().user(name, PASSWORD);
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
}

fn ipv6_addresses_stand_in_brackets() {
    let registrar: SocketAddr = "[2001:db8::1]:5060".parse().expect("an address");
    let local = "[2001:db8::2]:5070".parse().expect("an address");
    let account = AccountSetup::new("main").at(registrar).hosts(None, None);
    let setup = Setup::new().account(account).local(local, None);
    let mut world = World::new(setup, 1);
    world.expect_at("0", sent("REGISTER").to(registrar).bare());
    let text = world.last_packet().text().expect("a message");
    let contact = text.contacts().next().expect("a Contact");
    assert!(
        contact.uri.starts_with("sip:main@[2001:db8::2]:5070;"),
        "{contact:?}"
    );
    assert_eq!(text.header("to"), Some("<sip:main@[2001:db8::1]>"));
    let via = text.header("via").expect("a Via");
    assert!(via.starts_with("SIP/2.0/UDP [2001:db8::2]:5070;"), "{via}");
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    assert_eq!(world.status("main").public_address, Some(local));
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").nc(2));
}

fn the_advertised_address_replaces_the_local_one() {
    let local = "10.0.0.2:5060".parse().expect("an address");
    let outside = "198.51.100.7".parse().expect("an address");
    let text = first_register(Setup::one().local(local, Some(outside)));
    let contact = text.contacts().next().expect("a Contact");
    assert!(
        contact.uri.starts_with("sip:main@198.51.100.7:5060;"),
        "{contact:?}"
    );
    assert!(
        text.header("via")
            .is_some_and(|via| via.contains("198.51.100.7:5060"))
    );
}

fn two_accounts_at_one_registrar_have_nothing_in_common() {
    let mut world = World::new(Setup::many(2), 1);
    world.expect_at("0", sent("REGISTER").by("a0000"));
    let first = world.last_packet().text().expect("a message");
    world.expect_at("0", sent("REGISTER").by("a0001"));
    let second = world.last_packet().text().expect("a message");
    for name in ["call-id", "from", "to", "via", "contact"] {
        assert_ne!(first.header(name), second.header(name), "{name}");
    }
}

fn first_register(setup: Setup) -> Text {
    let mut world = super::world(setup, Behaviour::open());
    world.expect_at("0", sent("REGISTER"));
    let text = world.last_packet().text().expect("a message");
    world.expect_phase_at("0.020", "main", Phase::Registered);
    text
}

fn pair(to: &str, uri: &str) -> (String, String) {
    (to.to_owned(), uri.to_owned())
}
