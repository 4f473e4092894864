//! What is shipped beside the program: the unit for systemd, and the configuration of the Debian
//! package. The package itself is made and looked at by `.ci/package`.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::harness::{SYSTEMD, Sandbox, User, program, read_text, regent};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = trials![[];
        the_configuration_of_the_package_is_good_and_registers_nothing,
        the_unit_hands_over_the_credential_that_it_shows,
    ];
    all.extend(trials![[SYSTEMD];
        systemd_finds_no_fault_in_the_unit,
        the_unit_gives_away_no_more_than_it_must,
    ]);
    all
}

/// The exposure that `systemd-analyze security` finds, times ten: the network, an ambient
/// capability, and calls for limits of resources and for owners of files.
const MOST_EXPOSED: &str = "20";

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn the_configuration_of_the_package_is_good_and_registers_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("regent.toml", &read_text(&shipped("debian/regent.toml")));
    let said = regent(&sandbox, User::Same, &["check", "regent.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let only = "regent.toml:1:1: warning: there is no account\n1 warning\n";
    assert_eq!(said.output, only);
}

// rule A3
fn the_unit_hands_over_the_credential_that_it_shows() {
    let unit = read_text(&shipped("conf/regent.service"));
    let line = unit.lines().find(|line| line.contains("LoadCredential="));
    let shown = line
        .and_then(|line| line.split_once('='))
        .expect("an example");
    let (name, path) = shown.1.split_once(':').expect("a name and a path");
    assert!(Path::new(path).starts_with("/etc/regent"), "{path}");
    let option = format!("password_credential = \"{name}\"");
    assert!(unit.contains(&option), "{option}");
}

/// The unit with the program under test in it. What this systemd is too old for is replaced.
fn unit(sandbox: &Sandbox) -> PathBuf {
    let text = read_text(&shipped("conf/regent.service"));
    let text = text.replace("/usr/bin/regent", &program().to_string_lossy());
    let text = match version() {
        ..253 => text.replace("Type=notify-reload", "Type=notify"),
        _ => text,
    };
    sandbox.write("regent.service", &text)
}

fn version() -> u32 {
    let said = analyze(&["--version"]);
    let number = said.1.split_whitespace().nth(1);
    let number = number.and_then(|number| number.split(['~', '-']).next());
    number
        .and_then(|number| number.parse().ok())
        .expect("systemd and its version")
}

fn analyze(arguments: &[&str]) -> (bool, String) {
    let said = Command::new("systemd-analyze").args(arguments).output();
    let said = said.expect("it is installed");
    let text = [said.stdout, said.stderr].concat();
    (
        said.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn systemd_finds_no_fault_in_the_unit() {
    let sandbox = Sandbox::new();
    let unit = unit(&sandbox);
    let (is_good, said) = analyze(&["verify", "--man=no", &unit.to_string_lossy()]);
    assert!(is_good, "{said}");
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("regent"))
        .collect();
    assert!(ours.is_empty(), "{said}");
    // It finds faults where there are some.
    let text = read_text(&unit).replace("WatchdogSec=30", "WatchdogSecs=30");
    let bad = sandbox.write("regent-bad.service", &text);
    let (_, said) = analyze(&["verify", "--man=no", &bad.to_string_lossy()]);
    assert!(said.contains("WatchdogSecs"), "{said}");
}

fn the_unit_gives_away_no_more_than_it_must() {
    let sandbox = Sandbox::new();
    let unit = unit(&sandbox);
    let judge = |unit: &Path| {
        let threshold = format!("--threshold={MOST_EXPOSED}");
        let unit = unit.to_string_lossy();
        analyze(&[
            "security",
            "--offline=true",
            "--no-pager",
            &threshold,
            &unit,
        ])
    };
    let (is_good, said) = judge(&unit);
    assert!(is_good, "{said}");
    let text = read_text(&unit).replace("PrivateDevices=yes\n", "");
    let (is_good, said) = judge(&sandbox.write("regent-bad.service", &text));
    assert!(!is_good, "{said}");
}
