//! All numbers of a PBX registered at once (rule I7, RFC 6140).

use libtest_mimic::Trial;
use regent::config::UnregistrationMode;
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, ContactAs, Setup, World, at, sent};

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_contact_has_no_user_and_the_extension_is_required,
        a_challenge_and_every_refresh_keep_the_form,
        the_grant_is_read_however_our_contact_is_listed,
        the_un_register_has_the_same_form,
        a_registrar_that_does_not_know_it_rejects_and_the_status_says_why,
        a_420_is_a_rejection_of_a_refresh_too,
        path_is_no_option_of_it,
        a_regular_account_at_such_a_registrar_is_not_disturbed,
    ]
}

fn the_contact_has_no_user_and_the_extension_is_required() {
    let mut world = world(bulk(), Behaviour::open());
    world.expect_at("0", sent("REGISTER").by("main").asking(180));
    assert_form(&world);
    let text = world.last_packet().text().expect("a message");
    let to = text.header("to").expect("a To");
    assert_eq!(to, "<sip:main@sim.example>", "the AOR has its user");
    assert_eq!(text.request(), Some(("REGISTER", "sip:sim.example")));
    world.expect_phase_at("0.020", "main", Phase::Registered);
    let bound = world.registrar().bindings_of("main@sim.example", at("1"));
    let [binding] = bound[..] else {
        panic!("{bound:?}")
    };
    assert!(
        binding.contact.starts_with("sip:10.0.0.2:5060;bnc;regent="),
        "{binding:?}"
    );
}

fn a_challenge_and_every_refresh_keep_the_form() {
    let mut world = world(bulk(), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    assert_form(&world);
    world.expect_at("0.020", sent("REGISTER").nc(1));
    assert_form(&world);
    world.expect_phase_at("0.040", "main", Phase::Registered);
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").nc(2));
    assert_form(&world);
    assert_eq!(world.registrar().bindings(at("90.060")).count(), 1);
}

// rule L2
fn the_grant_is_read_however_our_contact_is_listed() {
    let foreign = "<sip:10.0.0.9:5060;bnc>;expires=15";
    let outside = "203.0.113.1:1024".parse().expect("an address");
    let grants = Behaviour::open().grants(100);
    for behaviour in [
        grants.clone(),
        grants.clone().lists_before(foreign).lists_after(foreign),
        grants
            .clone()
            .contact(ContactAs::Marked(outside))
            .lists_before(foreign),
        grants.clone().contact(ContactAs::Unmarked(outside)),
        // Equal by RFC 3261 §19.1.4: what only one of two URIs has does not part them.
        grants
            .contact(ContactAs::Unmarked(
                "10.0.0.2:5060".parse().expect("an address"),
            ))
            .lists_before(foreign),
    ] {
        let mut world = world(bulk(), behaviour);
        world.expect_at("0", sent("REGISTER"));
        world.expect_phase_at("0.020", "main", Phase::Registered);
        assert_eq!(world.status("main").granted, Some(100));
        world.expect_silence_until("50.020");
        world.expect_at("50.020", sent("REGISTER"));
    }
}

// rule I8
fn the_un_register_has_the_same_form() {
    for mode in [UnregistrationMode::OwnContact, UnregistrationMode::All] {
        let setup = bulk().registration(|it| it.unregistration_mode = mode);
        let mut world = world(setup, Behaviour::open());
        world.skip_until("1");
        world.run_until(at("10"));
        let ticket = world.unregister("main");
        if mode == UnregistrationMode::All {
            world.expect_at("10", sent("REGISTER").removing_all());
        } else {
            world.expect_at("10", sent("REGISTER").removing());
            assert_form(&world);
        }
        world.expect_reply_at("10.020", ticket, &Outcome::Unregistered);
        assert_eq!(world.registrar().bindings(at("10.020")).count(), 0);
    }
}

// rule L3
fn a_registrar_that_does_not_know_it_rejects_and_the_status_says_why() {
    let mut world = world(bulk(), Behaviour::open().without_gin());
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    let status = world.status("main");
    assert_eq!((status.failures, status.granted), (1, None));
    let detail = status.detail.expect("the reason");
    assert!(detail.contains("420") && detail.contains("GIN"), "{detail}");
    world.expect_silence_until("30.020");
    world.registrar().behave(Behaviour::open());
    world.expect_at("30.020", sent("REGISTER"));
    world.expect_phase_at("30.040", "main", Phase::Registered);
}

// rule L5
fn a_420_is_a_rejection_of_a_refresh_too() {
    let mut world = world(bulk(), Behaviour::open());
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.020", "main", Phase::Registered);
    world.registrar().behave(Behaviour::open().without_gin());
    world.expect_at("90.020", sent("REGISTER"));
    world.expect_phase_at("90.040", "main", Phase::WaitingToRetry);
    world.expect_silence_until("120.040");
}

// rule A (420)
fn path_is_no_option_of_it() {
    let refusing = Behaviour::refusing(420).with("Unsupported", "path");
    let mut world = world(bulk(), refusing);
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    world.expect_silence_until("30.020");
    world.expect_at("30.020", sent("REGISTER"));
    assert_form(&world);
}

fn a_regular_account_at_such_a_registrar_is_not_disturbed() {
    let mut world = world(Setup::one(), Behaviour::open().without_gin());
    world.expect_at("0", sent("REGISTER"));
    let text = world.last_packet().text().expect("a message");
    assert_eq!(text.header("require"), None);
    assert_eq!(text.header("proxy-require"), None);
    world.expect_phase_at("0.020", "main", Phase::Registered);
}

fn bulk() -> Setup {
    Setup::new().account(AccountSetup::new("main").bulk())
}

/// The last packet is a REGISTER in the form of the rule.
#[track_caller]
fn assert_form(world: &World) {
    let text = world.last_packet().text().expect("a message");
    let header = |name| text.header(name);
    assert_eq!(header("require"), Some("gin"));
    assert_eq!(header("proxy-require"), Some("gin"));
    assert_eq!(header("supported"), Some("path"));
    let contacts: Vec<_> = text.contacts().map(|contact| contact.uri).collect();
    let [contact] = contacts[..] else {
        panic!("{contacts:?}")
    };
    assert!(contact.starts_with("sip:10.0.0.2:5060;"), "{contact}");
    assert!(contact.contains(";bnc;regent="), "{contact}");
}
