//! Round trips over time outlive a run.

use libtest_mimic::Trial;
use regent::store::{Database, Store as _};

use crate::harness::{Config, Daemon, Registrar, SOON, Sandbox};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_round_trips_of_a_run_are_kept_and_the_next_one_adds_to_them,
    ]
}

fn the_round_trips_of_a_run_are_kept_and_the_next_one_adds_to_them() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let file = Config::new(registrar.address()).write(&sandbox);
    let mut count = 0;
    for _ in 0..2 {
        let daemon = Daemon::start_with(&sandbox, &file);
        daemon.wait_registered(SOON);
        let said = daemon.tell(&["refresh", Config::ACCOUNT]);
        assert_eq!(said.code, Some(0), "{said:?}");
        daemon.stop();
        let mut state = Database::open(&sandbox.path("state")).expect("the state");
        let kept = state.restore_round_trips().expect("round trips");
        assert!(kept.iter().all(|it| it.0 == registrar.address()));
        let all: u32 = kept.iter().map(|it| it.1.count).sum();
        assert!(all > count, "{kept:?}");
        count = all;
        for (_, point) in kept {
            assert_eq!(point.at.0 % 300_000, 0);
            assert!(point.min_us <= point.median_us && point.median_us <= point.max_us);
            assert!(point.max_us > 0);
        }
    }
}
