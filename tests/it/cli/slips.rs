//! What is typed wrong, and what is typed otherwise than the environment says.

use libtest_mimic::Trial;

use super::{on_stage, regent, tell};
use crate::harness::{self, Config, Said, Sandbox, User, free_udp_address, program, read_text};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        what_is_typed_wins_over_the_environment,
        two_places_that_are_typed_are_refused,
        an_address_that_is_none_is_wrong_usage,
        a_slip_in_a_name_is_told_before_anything_else,
    ]
}

/// Runs a command where the environment names a daemon and a state directory.
#[track_caller]
fn elsewhere(sandbox: &Sandbox, words: &str) -> Said {
    let regent = program();
    let script = format!(
        "REGENT_SOCKET=/nowhere/s REGENT_STATE_DIRECTORY=/nowhere/state exec {} {words}",
        regent.display()
    );
    harness::run(sandbox, User::Same, "/bin/sh".as_ref(), &["-c", &script])
}

fn what_is_typed_wins_over_the_environment() {
    let sandbox = Sandbox::new();
    let file = Config::new(free_udp_address()).write(&sandbox);
    let said = elsewhere(&sandbox, "configure -c regent.toml account list");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "   0  main  PBX -> Carrier\n");
    for words in [
        "configure -c regent.toml account set main contact-user 77",
        "alerts subscribe ops --webhook http://127.0.0.1/ -c regent.toml",
        "alerts unsubscribe ops --config regent.toml",
    ] {
        let said = elsewhere(&sandbox, words);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    assert!(read_text(&file).contains("contact_user = \"77\""));
    let said = elsewhere(&sandbox, "events --state-directory here");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("there is no here/regent.db"), "{said:?}");
    // Nothing else being typed, it is what the environment says.
    for words in ["status", "events", "configure account list", "alerts list"] {
        let said = elsewhere(&sandbox, words);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.err.contains("/nowhere/s"), "{said:?}");
    }
    let said = elsewhere(&sandbox, "events --socket there");
    assert!(said.err.contains("daemon at there:"), "{said:?}");
}

fn two_places_that_are_typed_are_refused() {
    for words in [
        &["events", "--socket", "s", "--state-directory", "d"][..],
        &["configure", "-c", "f", "--socket", "s", "account", "list"],
        &["alerts", "unsubscribe", "a", "-c", "f", "--socket", "s"],
    ] {
        let said = regent(words);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("cannot be used with"), "{said:?}");
    }
}

fn an_address_that_is_none_is_wrong_usage() {
    for command in ["status", "trace"] {
        let said = regent(&[command, "--registrar", "foo", "--socket", "/nowhere"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("for example 192.0.2.1"), "{said:?}");
    }
}

fn a_slip_in_a_name_is_told_before_anything_else() {
    on_stage(|stage| {
        for words in [
            &["status", "mian"][..],
            &["events", "mian"],
            &["events", "mian", "--follow"],
            &["events", "main", "mian", "--json"],
            &["trace", "mian"],
            &["register", "mian"],
        ] {
            let said = tell(stage, words);
            assert_eq!((said.code, &*said.out), (Some(2), ""), "{words:?}");
            let expected = "error: there is no Account \"mian\"\nhint: did you mean \"main\"?\n";
            assert_eq!(said.err, expected, "{words:?}");
        }
        let said = tell(stage, &["events", "main", "--kind", "alert"]);
        let told = (said.code, &*said.out, &*said.err);
        assert_eq!(told, (Some(0), "", "no event matches\n"));
        let said = tell(stage, &["alerts", "test", "nobody"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.err
                .starts_with("error: there is no subscription \"nobody\"\n"),
            "{said:?}"
        );
    });
}
