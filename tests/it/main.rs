//! The integration tests: one binary, one module for each part that is tested from outside.
//!
//! Each module lists its trials in a function `trials`. To add a module, name it twice below. A
//! trial that needs a foreign program says so and is *ignored*, with the reason in its name, where
//! the program is missing. What the environment may say:
//!
//! * `REGENT_REQUIRE_INTEROP=1`: a missing program fails its trials instead, and missing privileges
//!   too.
//! * `REGENT_LONG_TESTS=1`: the trials that wait for long timers run too.
//! * `REGENT_PICTURES=1`: every trial of the page leaves a picture.
//! * `REGENT_BIN=PATH`: the program under test, in place of the one that cargo has built.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a test that panics has failed, and tests look for one thing"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[macro_use]
mod harness;

mod alerts;
mod architecture;
mod choice;
mod cli;
mod config;
mod configure;
mod control;
mod daemon;
mod demo;
mod dns;
mod examples;
mod failover;
mod faults;
mod import;
mod kamailio;
mod link;
mod live;
mod metrics;
mod model;
mod mutants;
mod output;
mod packaging;
mod page;
mod regevent;
mod reload;
mod scenarios;
mod sip_oracles;
mod sipp;
mod states;
mod status;
mod store;
mod trace;
mod web;

const MODULES: &[fn() -> Vec<Trial>] = &[
    alerts::trials,
    architecture::trials,
    choice::trials,
    cli::trials,
    config::trials,
    configure::trials,
    control::trials,
    daemon::trials,
    demo::trials,
    dns::trials,
    examples::trials,
    failover::trials,
    faults::trials,
    import::trials,
    kamailio::trials,
    link::trials,
    live::trials,
    metrics::trials,
    model::trials,
    mutants::trials,
    output::trials,
    packaging::trials,
    page::trials,
    regevent::trials,
    reload::trials,
    scenarios::trials,
    sip_oracles::trials,
    sipp::trials,
    states::trials,
    status::trials,
    store::trials,
    trace::trials,
    web::trials,
];

/// Most trials wait for timers, so more of them run at once than there are processors.
const TRIALS_AT_ONCE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(TRIALS_AT_ONCE);
    let trials = MODULES.iter().flat_map(|module| module()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
