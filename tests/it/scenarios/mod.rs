//! Stories over the simulated world: each reads as a timeline and names the rule that it holds.
//!
//! Times are seconds since the engine's start. A wire takes 10 ms in each direction unless a story
//! says otherwise, so an answer arrives 20 ms after its request: a first registration with a
//! challenge is done at 0.040. Every packet that we send must be expected, at its exact instant;
//! silence is asserted as firmly.

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{Behaviour, Setup, World};

mod alerts;
mod answers;
mod auth;
mod avoid;
mod balance;
mod binding;
mod change;
mod credentials;
mod dead;
mod exodus;
mod gin;
mod golden;
mod granted;
mod health;
mod hostile;
mod hot_swap;
mod identity;
mod ims;
mod keepalive;
mod kept;
mod members;
mod names;
mod operator;
mod pacing;
mod ports;
mod random_user;
mod redirect;
mod refresh;
mod register;
mod reload;
mod reload_again;
mod restart;
mod retry;
mod served_status;
mod spread;
mod startup;
mod sticky;
mod stopping;
mod sync_mode;
mod transactions;
mod triggers;
mod unregister;

/// Every story, as a trial of its own.
pub(crate) fn trials() -> Vec<Trial> {
    [
        alerts::trials(),
        answers::trials(),
        auth::trials(),
        avoid::trials(),
        balance::trials(),
        binding::trials(),
        change::trials(),
        credentials::trials(),
        dead::trials(),
        exodus::trials(),
        gin::trials(),
        golden::trials(),
        granted::trials(),
        health::trials(),
        hostile::trials(),
        hot_swap::trials(),
        identity::trials(),
        ims::trials(),
        keepalive::trials(),
        kept::trials(),
        names::trials(),
        operator::trials(),
        pacing::trials(),
        ports::trials(),
        random_user::trials(),
        redirect::trials(),
        refresh::trials(),
        register::trials(),
        reload::trials(),
        reload_again::trials(),
        restart::trials(),
        retry::trials(),
        served_status::trials(),
        spread::trials(),
        startup::trials(),
        sticky::trials(),
        stopping::trials(),
        sync_mode::trials(),
        transactions::trials(),
        triggers::trials(),
        unregister::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A world that has not begun, whose registrar behaves like this.
fn world(setup: Setup, behaviour: Behaviour) -> World {
    let mut world = World::new(setup, 1);
    world.registrar().behave(behaviour);
    world
}

/// `main`, registered at 0.040 after a challenge for as long as it asked; the refresh is due at
/// 90.040.
fn registered(setup: Setup) -> World {
    let mut world = world(setup, Behaviour::digest());
    world.skip_until("0.040");
    world.expect_phase("main", Phase::Registered);
    world
}
