//! What the system forbids, and what the daemon forbids others.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use libtest_mimic::Trial;

use crate::harness::{
    Config, Daemon, Manner, Registrar, SOON, Said, Sandbox, UNPRIVILEGED, User, regent, run,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[UNPRIVILEGED];
        a_configuration_that_may_not_be_read_is_said,
        a_folder_that_takes_no_socket_is_said,
        another_users_command_is_refused_and_logged,
        a_daemon_without_privileges_serves_root_and_itself_alone,
        members_of_the_control_group_may_ask,
        the_socket_of_another_users_daemon_is_left_alone,
    ]
}

/// A second user without privileges.
const SOMEBODY: User = User::Other {
    uid: 65_533,
    gid: 65_533,
};

/// What a plain program can do as that user.
#[track_caller]
fn shell(sandbox: &Sandbox, user: User, command: &str) -> Said {
    run(sandbox, user, Path::new("/bin/sh"), &["-c", command])
}

#[track_caller]
fn assert_fails(said: &Said, with: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.output.contains(with), "no {with:?} in {said:?}");
    assert!(!said.output.contains("panicked"), "{said:?}");
}

fn a_configuration_that_may_not_be_read_is_said() {
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    sandbox.write("regent.toml", "# Nothing to see here.\n");
    let plain = shell(&sandbox, User::NOBODY, "cat regent.toml");
    assert_fails(&plain, "Permission denied");
    for arguments in [
        &["check", "regent.toml"][..],
        &["run", "--config", "regent.toml", "--socket", "sock"],
    ] {
        let said = regent(&sandbox, User::NOBODY, arguments);
        assert_fails(&said, "cannot read regent.toml: ");
        assert!(said.output.contains("ermission denied"), "{said:?}");
        assert_eq!(said.output.lines().count(), 1, "one line: {said:?}");
    }
}

fn a_folder_that_takes_no_socket_is_said() {
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    sandbox.directory("closed");
    let registrar = Registrar::granting(60);
    Config::new(registrar.address()).write(&sandbox);
    for file in ["regent.toml", "main.secret"] {
        sandbox.give(file, User::NOBODY);
    }
    let plain = shell(&sandbox, User::NOBODY, "echo > closed/sock || exit 1");
    assert_fails(&plain, "Permission denied");
    let arguments = ["run", "-c", "regent.toml", "--socket", "closed/sock"];
    let said = regent(&sandbox, User::NOBODY, &arguments);
    assert_fails(&said, "cannot listen on closed/sock: ");
    assert!(said.output.contains("ermission denied"), "{said:?}");
    assert!(registrar.heard().0.is_empty(), "it began all the same");
}

// The mode of the socket is the first door, the peer's credentials are the second one. Here the
// first one stands open.
fn another_users_command_is_refused_and_logged() {
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    let registrar = Registrar::granting(60);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_registered(SOON);
    let heard = registrar.heard().0.len();
    let found = fs::metadata(daemon.socket()).expect("the socket");
    assert_eq!(found.mode() & 0o777, 0o660);
    let said = daemon.tell_as(User::NOBODY, &["status"]);
    assert_eq!(said.code, Some(3), "the mode keeps it out: {said:?}");
    assert!(said.output.contains("hint: only root"), "{said:?}");
    assert!(!daemon.log().contains("was refused"));

    sandbox.set_mode("regent.sock", 0o666);
    for command in [&["status"][..], &["unregister", "--all"]] {
        let said = daemon.tell_as(User::NOBODY, command);
        assert_fails(&said, "only root and its own user may");
        assert!(!said.output.contains("main"), "it was told: {said:?}");
    }
    let log = daemon.log();
    let refused: Vec<&str> = log.lines().filter(|l| l.contains("was refused")).collect();
    assert_eq!(refused.len(), 1, "once a minute is enough: {log}");
    assert!(refused[0].contains("uid=65534"), "{log}");
    assert!(daemon.status().is_registered());
    assert_eq!(registrar.heard().0.len(), heard, "nothing was done");
    daemon.stop();
}

fn a_daemon_without_privileges_serves_root_and_itself_alone() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let daemon = start_as_nobody(&sandbox, &config);
    let plain = shell(&sandbox, SOMEBODY, "cat main.secret");
    assert_fails(&plain, "Permission denied");
    assert!(daemon.wait_registered(SOON).is_registered(), "for root");
    let own = daemon.tell_as(User::NOBODY, &["register", "main"]);
    assert_eq!(own.code, Some(0), "{own:?}");
    sandbox.set_mode("regent.sock", 0o666);
    let other = daemon.tell_as(SOMEBODY, &["register", "main"]);
    assert_fails(&other, "only root and its own user may");
    daemon.stop();
}

/// Starts the daemon as a user without privileges, in a folder of that user's own.
#[track_caller]
fn start_as_nobody<'s>(sandbox: &'s Sandbox, config: &Config) -> Daemon<'s> {
    let file = config.write(sandbox);
    sandbox.set_mode("", 0o755);
    for name in ["", "regent.toml", "main.secret"] {
        sandbox.give(name, User::NOBODY);
    }
    let manner = Manner {
        user: User::NOBODY,
        ..Manner::default()
    };
    Daemon::start_as(sandbox, &file, manner)
}

fn members_of_the_control_group_may_ask() {
    // A group that every system has.
    let member = User::Other {
        uid: 65_533,
        gid: 1,
    };
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    let registrar = Registrar::granting(60);
    let file = Config::new(registrar.address()).write(&sandbox);
    let text = fs::read_to_string(&file).expect("just written");
    sandbox.write(
        "regent.toml",
        &format!("[agent]\ncontrol_group = \"daemon\"\n{text}"),
    );
    let daemon = Daemon::start_with(&sandbox, &file);
    daemon.wait_registered(SOON);
    let said = daemon.tell_as(member, &["status", "main"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = daemon.tell_as(SOMEBODY, &["status"]);
    assert_eq!(said.code, Some(3), "the mode keeps it out: {said:?}");
    sandbox.set_mode("regent.sock", 0o666);
    let said = daemon.tell_as(SOMEBODY, &["status"]);
    assert_fails(
        &said,
        "only root, its own user and members of group daemon may",
    );
    daemon.stop();

    // Nobody can give a socket to a group that he is not in.
    for name in ["", "regent.toml", "main.secret"] {
        sandbox.give(name, User::NOBODY);
    }
    let arguments = ["run", "-c", "regent.toml", "--socket", "regent.sock"];
    let said = regent(&sandbox, User::NOBODY, &arguments);
    assert_fails(&said, "cannot give the control socket to group daemon");
    assert!(!sandbox.path("regent.sock").exists(), "left behind");
}

fn the_socket_of_another_users_daemon_is_left_alone() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_registered(SOON);
    let heard = registrar.heard().0.len();
    // Whoever owns the folder could remove the socket.
    sandbox.set_mode("", 0o755);
    for name in ["", "regent.toml", "main.secret"] {
        sandbox.give(name, User::NOBODY);
    }
    let plain = shell(&sandbox, User::NOBODY, "echo > regent.sock || exit 1");
    assert_fails(&plain, "regent.sock");
    let said = daemon.tell_as(User::NOBODY, &["run", "-c", "regent.toml"]);
    let wanted = format!("cannot listen on {}", daemon.socket().display());
    assert_fails(&said, &wanted);
    assert!(daemon.status().is_registered());
    assert_eq!(registrar.heard().0.len(), heard, "it began all the same");
    daemon.stop();
}
