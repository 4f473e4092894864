//! A random user in the Contact (rule I6).

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, Setup, World, at, sent};
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        it_begins_with_a_letter_and_no_two_accounts_have_the_same,
        refreshes_and_the_unregister_keep_it,
        another_registration_has_another,
        a_register_without_a_200_is_followed_by_another,
        a_refresh_that_fails_keeps_it_while_the_binding_stands,
        the_end_of_the_binding_ends_it,
        the_registration_of_all_numbers_has_none,
        it_outlives_a_restart_with_its_binding,
    ]
}

fn random(setup: Setup) -> Setup {
    setup.registration(|it| it.use_random_user = true)
}

/// The Contact's user of the packet that was expected last.
fn user(world: &World) -> String {
    let text = world.last_packet().text().expect("SIP");
    let contact = text.contacts().next().expect("a Contact");
    let uri = contact.uri.strip_prefix("sip:").expect("a SIP URI");
    uri.split_once('@').expect("a user").0.to_owned()
}

// rule I6
fn it_begins_with_a_letter_and_no_two_accounts_have_the_same() {
    let mut world = super::world(random(Setup::many(50)), Behaviour::open());
    let mut users = Vec::new();
    for _ in 0..32 {
        world.expect_at("0", sent("REGISTER"));
        let user = user(&world);
        assert_eq!(user.len(), 15, "{user}");
        assert!(
            user.starts_with(|first: char| first.is_ascii_alphabetic()),
            "{user}"
        );
        assert!(user.chars().all(|it| it.is_ascii_alphanumeric()), "{user}");
        let text = world.last_packet().text().expect("SIP");
        assert!(
            text.header("from")
                .is_some_and(|from| from.contains("sip:a00"))
        );
        users.push(user);
    }
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), 32);
}

// rule I6
fn refreshes_and_the_unregister_keep_it() {
    let mut world = super::world(random(Setup::one()), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    let first = user(&world);
    assert_ne!(first, "main");
    world.expect_at("0.020", sent("REGISTER").nc(1));
    assert_eq!(user(&world), first, "the same attempt");
    world.expect_at("90.040", sent("REGISTER").nc(2));
    assert_eq!(user(&world), first);
    world.run_until(at("100"));
    world.unregister("main");
    world.expect_at("100", sent("REGISTER").removing());
    assert_eq!(user(&world), first);
}

// rule I6
fn another_registration_has_another() {
    let mut world = super::world(random(Setup::one()), Behaviour::open());
    world.expect_at("0", sent("REGISTER"));
    let first = user(&world);
    world.run_until(at("10"));
    world.unregister("main");
    world.expect_at("10", sent("REGISTER").removing());
    world.run_until(at("20"));
    world.register("main");
    world.expect_at("20", sent("REGISTER"));
    assert_ne!(user(&world), first);
}

// rule I6
fn a_register_without_a_200_is_followed_by_another() {
    for behaviour in [Behaviour::refusing(404), Behaviour::refusing(500)] {
        let mut world = super::world(random(Setup::one()), behaviour);
        world.expect_at("0", sent("REGISTER"));
        let first = user(&world);
        world.run_until(at("1"));
        world.registrar().behave(Behaviour::open());
        world.expect_at("30.020", sent("REGISTER"));
        let second = user(&world);
        assert_ne!(second, first);
        world.expect_at("120.040", sent("REGISTER"));
        assert_eq!(user(&world), second);
    }
}

// rules I6, L5
fn a_refresh_that_fails_keeps_it_while_the_binding_stands() {
    let mut world = super::world(random(Setup::one()), Behaviour::open());
    world.expect_at("0", sent("REGISTER"));
    let first = user(&world);
    world.run_until(at("10"));
    world.registrar().behave(Behaviour::refusing(500));
    for when in ["90.020", "120.040", "150.060"] {
        world.expect_at(when, sent("REGISTER"));
        assert_eq!(user(&world), first);
    }
    world.expect_phase("main", Phase::Registered);
}

// rule I6
fn the_end_of_the_binding_ends_it() {
    let mut world = super::world(random(Setup::one()), Behaviour::open());
    world.expect_at("0", sent("REGISTER"));
    let first = user(&world);
    world.run_until(at("10"));
    world.registrar().behave(Behaviour::refusing(500));
    world.skip_until("180.070");
    world.expect_phase("main", Phase::WaitingToRetry);
    world.expect_at("180.080", sent("REGISTER"));
    assert_ne!(user(&world), first);
}

// rules I6, I7
fn the_registration_of_all_numbers_has_none() {
    let setup = Setup::new().account(AccountSetup::new("main").bulk());
    let mut world = super::world(random(setup), Behaviour::open());
    world.expect_at("0", sent("REGISTER"));
    let text = world.last_packet().text().expect("SIP");
    let uri = text.contacts().next().expect("a Contact").uri.to_owned();
    assert!(!uri.contains('@'), "{uri}");
}

// rules I6, L8
fn it_outlives_a_restart_with_its_binding() {
    let setup = random(Setup::one().store(Duration::from_millis(5)));
    let mut world = super::world(setup, Behaviour::open());
    world.expect_at("0.005", sent("REGISTER"));
    let first = user(&world);
    world.run_until(at("10"));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_at("90.025", sent("REGISTER"));
    assert_eq!(user(&world), first);
    world.run_until(at("100"));
    world.kill();
    world.run_until(at("400"));
    world.start();
    world.expect_at("400.005", sent("REGISTER"));
    assert_ne!(user(&world), first, "that binding has ended");
}
