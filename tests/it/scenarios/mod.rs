//! Stories over the simulated world: each reads as a timeline and names the rule that it holds.
//!
//! Times are seconds since the engine's start. A wire takes 10 ms in each direction unless a story says
//! otherwise, so an answer arrives 20 ms after its request: a first registration with a challenge is done at
//! 0.040. Every packet that we send must be expected, at its exact instant; silence is asserted as firmly.

use libtest_mimic::{Failed, Trial};
use regent::effect::Phase;
use regent::sim::{Behaviour, Setup, World};

/// A named story.
type Story = (&'static str, fn());

/// The stories of a file. A story that is not listed is dead code, and the compiler says so.
macro_rules! stories {
    ($($name:ident),* $(,)?) => {
        /// The stories of this file.
        pub(super) const STORIES: &[super::Story] = &[$((stringify!($name), $name)),*];
    };
}

mod answers;
mod auth;
mod binding;
mod credentials;
mod golden;
mod granted;
mod hostile;
mod operator;
mod pacing;
mod refresh;
mod register;
mod restart;
mod retry;
mod spread;
mod stopping;
mod transactions;
mod unregister;

/// Every story, as a test of its own.
pub fn tests() -> Vec<Trial> {
    let files = [
        ("answers", answers::STORIES),
        ("auth", auth::STORIES),
        ("binding", binding::STORIES),
        ("credentials", credentials::STORIES),
        ("golden", golden::STORIES),
        ("granted", granted::STORIES),
        ("hostile", hostile::STORIES),
        ("operator", operator::STORIES),
        ("pacing", pacing::STORIES),
        ("refresh", refresh::STORIES),
        ("register", register::STORIES),
        ("restart", restart::STORIES),
        ("retry", retry::STORIES),
        ("spread", spread::STORIES),
        ("stopping", stopping::STORIES),
        ("transactions", transactions::STORIES),
        ("unregister", unregister::STORIES),
    ];
    let stories = files.into_iter().flat_map(|(file, stories)| {
        let name = move |(name, story): &Story| (format!("scenarios::{file}::{name}"), *story);
        stories.iter().map(name)
    });
    stories.map(|(name, story)| trial(name, story)).collect()
}

fn trial(name: String, story: fn()) -> Trial {
    Trial::test(name, move || {
        story();
        Ok::<(), Failed>(())
    })
}

/// A world that has not begun, whose registrar behaves like this.
fn world(setup: Setup, behaviour: Behaviour) -> World {
    let mut world = World::new(setup, 1);
    world.registrar().behave(behaviour);
    world
}

/// `main`, registered at 0.040 after a challenge for as long as it asked; the refresh is due at 90.040.
fn registered(setup: Setup) -> World {
    let mut world = world(setup, Behaviour::digest());
    world.skip_until("0.040");
    world.expect_phase("main", Phase::Registered);
    world
}
