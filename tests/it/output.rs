//! Where the output goes nowhere: a full disk is told, a reader that has gone is not.

use std::fs::OpenOptions;
use std::io;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Trial;
use regent::demo;

use crate::harness::{Sandbox, program};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        a_full_disk_is_told_whatever_was_to_be_written,
        a_full_disk_is_told_whatever_the_daemon_said,
        a_reader_that_has_gone_is_left_in_peace,
        wrong_usage_stays_wrong_where_it_cannot_be_told,
    ]
}

/// Commands that need no daemon. `@` is a configuration without fault.
const ALONE: &[&[&str]] = &[
    &["check", "@"],
    &["man"],
    &["completions", "bash"],
    &["--version"],
    &["--help"],
    &["-h"],
    &["help", "status"],
    &["check", "--help"],
    &["demo", "--seconds", "0"],
];

/// Commands that show what a daemon says.
const ASKING: &[&[&str]] = &[
    &["status"],
    &["status", "main"],
    &["status", "--json"],
    &["status", "--watch"],
    &["status", "--watch", "--json"],
    &["refresh", "main"],
    &["register", "--all", "--no-wait"],
];

const FULL: &str = "error: cannot write the output: No space left on device\n";

fn a_full_disk_is_told_whatever_was_to_be_written() {
    let sandbox = Sandbox::new();
    for arguments in ALONE {
        assert_full(&mut alone(&sandbox, arguments));
    }
}

fn a_full_disk_is_told_whatever_the_daemon_said() {
    demo::run(|stage| {
        for arguments in ASKING {
            let mut command = command(arguments);
            assert_full(command.arg("--socket").arg(stage.socket()));
        }
    })
    .expect("the demo starts and stops");
}

fn a_reader_that_has_gone_is_left_in_peace() {
    let sandbox = Sandbox::new();
    for arguments in ALONE {
        assert_peace(&mut alone(&sandbox, arguments), 0);
    }
    // Not to have heard the verdict does not change it.
    let bad = sandbox.write("bad.toml", "[agent]\nmax_acounts = 5\n");
    assert_peace(command(&["check"]).arg(bad), 1);
    demo::run(|stage| {
        for arguments in ASKING {
            let mut command = command(arguments);
            assert_peace(command.arg("--socket").arg(stage.socket()), 0);
        }
    })
    .expect("the demo starts and stops");
}

fn wrong_usage_stays_wrong_where_it_cannot_be_told() {
    let nowhere = || OpenOptions::new().write(true).open("/dev/full");
    let lost = ["status", "--socket", "/nowhere"];
    for (arguments, code) in [(&["frobnicate"][..], 2), (&["man"], 1), (&lost, 3)] {
        let mut command = command(arguments);
        let command = command.stdout(nowhere().expect("a device of Linux"));
        let command = command.stderr(nowhere().expect("a device of Linux"));
        let status = command.status().expect("the program starts");
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[track_caller]
fn assert_full(command: &mut Command) {
    let device = OpenOptions::new().write(true).open("/dev/full");
    let output = run(command.stdout(device.expect("a device of Linux")));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
    assert_eq!(said, FULL, "{command:?}");
}

#[track_caller]
fn assert_peace(command: &mut Command, code: i32) {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = run(command.stdout(writer));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), &*said),
        (Some(code), ""),
        "{command:?}"
    );
}

fn alone(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    sandbox.write("main.secret", "open sesame\n");
    let good = sandbox.write("regent.toml", include_str!("../../conf/minimal.toml"));
    let good = good.to_str().expect("the path is text");
    let arguments: Vec<String> = arguments.iter().map(|one| one.replace('@', good)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    command(&arguments)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("REGENT_SOCKET");
    command
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let child = command.stderr(Stdio::piped()).spawn();
    let child = child.expect("the program starts");
    child.wait_with_output().expect("it ends")
}
