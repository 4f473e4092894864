//! Metrics of the real daemon, as Prometheus and others read them, and what is shipped for those.

mod counting;
mod readers;
mod shipped;
mod trips;
mod web;

use std::collections::BTreeMap;

use libtest_mimic::Trial;

use crate::harness::{Daemon, Said};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = counting::trials();
    trials.extend(readers::trials());
    trials.extend(shipped::trials());
    trials.extend(trips::trials());
    trials.extend(web::trials());
    trials
}

/// What `regent metrics` says.
#[track_caller]
fn ask(daemon: &Daemon<'_>, arguments: &[&str]) -> String {
    let Said { code, out, err, .. } = daemon.tell(&[&["metrics"], arguments].concat());
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    out
}

/// The samples of a text, by name and labels as they stand there.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            (series, value.parse().expect("a number"))
        })
        .collect()
}
