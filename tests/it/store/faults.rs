//! A disk that is full, a directory that cannot be written, a file that is not what it was: what is
//! said, and what happens then.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::store::{Database, Store as _};
use rusqlite::Connection;

use super::left_in;
use crate::harness::{
    Config, Daemon, MOUNTS, Many, Process, Registrar, SOON, Said, Sandbox, Setting, UNPRIVILEGED,
    User, free_udp_address, holds_for, program, regent, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        a_damaged_file_is_said_and_left_alone,
        a_file_of_a_newer_version_is_said_and_left_alone,
        a_database_of_another_program_is_said_and_left_alone,
        a_directory_has_one_daemon,
        who_is_told_to_continue_goes_on_without,
    ];
    trials.extend(trials![[UNPRIVILEGED]; a_directory_that_cannot_be_written_is_said]);
    trials.extend(trials![[MOUNTS];
        a_read_only_directory_is_said,
        a_full_disk_keeps_the_daemon_from_starting,
        no_register_leaves_before_a_full_disk_takes_its_limit,
        a_disk_that_fills_up_is_said_once_and_gets_over_it,
        who_is_told_to_continue_registers_on_a_full_disk,
    ]);
    trials
}

/// Starts the daemon where it cannot, and says how it ended.
fn refused(sandbox: &Sandbox, user: User) -> Said {
    let config = Config::new(free_udp_address());
    let file = config.write(sandbox);
    for name in ["regent.toml", "main.secret"] {
        sandbox.give(name, user);
    }
    let file = file.to_string_lossy();
    let arguments = ["run", "-c", &file, "--socket", "sock"];
    let said = regent(sandbox, user, &arguments);
    assert_eq!((said.code, &*said.out), (Some(1), ""), "{said:?}");
    assert!(!sandbox.path("sock").exists(), "nobody answers there");
    said
}

/// The error and the hint, without the log before them.
fn complaint(said: &Said) -> &str {
    let start = said.err.find("error: ").expect("an error is said");
    &said.err[start..]
}

/// A state with some Accounts in it, and its file.
fn some_state(sandbox: &Sandbox) -> PathBuf {
    let registrar = Registrar::granting(600);
    let daemon = Daemon::start_text(sandbox, &Many::new(300, registrar.address()).text());
    daemon.wait_count(Duration::from_secs(20), 300);
    daemon.stop();
    assert_eq!(left_in(&sandbox.path("state")).len(), 300);
    sandbox.path("state/regent.db")
}

fn hint(file: &Path, first: &str) -> String {
    let file = file.display();
    format!(
        "hint: {first}, or move it away (mv {file} {file}.old; its -wal and -shm files too), and \
         every Account is registered anew; --without-state runs without any\n"
    )
}

fn a_damaged_file_is_said_and_left_alone() {
    let sandbox = Sandbox::new();
    let file = some_state(&sandbox);
    let good = fs::read(&file).expect("our own file");
    let mut flipped = good.clone();
    flipped[4_096..4_600]
        .iter_mut()
        .for_each(|byte| *byte ^= 0xa5);
    let mut headless = good.clone();
    headless[..100].fill(0x20);
    let truncated = good[..good.len() / 2].to_vec();
    for bad in [flipped, headless, truncated] {
        fs::write(&file, &bad).expect("our own file");
        let said = refused(&sandbox, User::Same);
        let start = format!("error: {} is damaged: ", file.display());
        let end = hint(&file, "put back a copy that was good");
        let complaint = complaint(&said);
        assert!(
            complaint.starts_with(&start) && complaint.ends_with(&end),
            "{said:?}"
        );
        assert_eq!(fs::read(&file).expect("our own file"), bad);
    }
    fs::write(&file, &good).expect("our own file");
    assert_eq!(left_in(&sandbox.path("state")).len(), 300);
}

fn a_file_of_a_newer_version_is_said_and_left_alone() {
    let sandbox = Sandbox::new();
    let file = some_state(&sandbox);
    let newer = Connection::open(&file).expect("a database");
    newer
        .pragma_update(None, "user_version", 77)
        .expect("it takes any number");
    drop(newer);
    let before = fs::read(&file).expect("our own file");
    let said = refused(&sandbox, User::Same);
    let shown = file.display();
    let start =
        format!("error: {shown} is of version 77, and this regent knows versions up to 5\n");
    let end = hint(&file, "run the version that made it");
    assert_eq!(complaint(&said), start + &end);
    assert_eq!(fs::read(&file).expect("our own file"), before);
    let events = regent(
        &sandbox,
        User::Same,
        &["events", "--state-directory", "state"],
    );
    assert_eq!(events.code, Some(1));
    assert!(events.err.contains("is of version 77"), "{events:?}");
}

fn a_database_of_another_program_is_said_and_left_alone() {
    let sandbox = Sandbox::new();
    let file = sandbox.directory("state").join("regent.db");
    let foreign = Connection::open(&file).expect("a database");
    foreign
        .execute_batch("CREATE TABLE contacts (name TEXT)")
        .expect("a table");
    drop(foreign);
    let before = fs::read(&file).expect("our own file");
    let said = refused(&sandbox, User::Same);
    let expected = format!(
        "error: {} is a database of another program\n\
         hint: name another directory with --state-directory PATH or `state_directory`\n",
        file.display()
    );
    assert_eq!(complaint(&said), expected);
    assert_eq!(fs::read(&file).expect("our own file"), before);
}

fn a_directory_has_one_daemon() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let first = Daemon::start(&sandbox, &Config::new(registrar.address()));
    let said = refused(&sandbox, User::Same);
    let expected = format!(
        "error: another daemon (process {}) uses the state directory {}\n\
         hint: stop it, or name another directory with --state-directory PATH or \
         `state_directory`\n",
        first.pid(),
        sandbox.path("state").display()
    );
    assert_eq!(complaint(&said), expected);
    // The lock goes with whoever had it, however it ended.
    first.kill();
    Daemon::start(&sandbox, &Config::new(registrar.address())).stop();
}

fn a_directory_that_cannot_be_written_is_said() {
    let sandbox = Sandbox::new();
    sandbox.give("", User::NOBODY);
    let state = sandbox.directory("state");
    sandbox.set_mode("state", 0o755);
    let said = refused(&sandbox, User::NOBODY);
    let shown = state.display();
    let expected = format!(
        "error: cannot use the state directory {shown}: Permission denied\n\
         hint: make {shown} writable for this user, or name another one with --state-directory \
         PATH or `state_directory`; --without-state runs without any\n"
    );
    assert_eq!(complaint(&said), expected);
}

fn who_is_told_to_continue_goes_on_without() {
    let sandbox = Sandbox::new();
    let file = sandbox.directory("state").join("regent.db");
    fs::write(
        &file,
        "no database, but long enough to be looked at".repeat(50),
    )
    .expect("room");
    let registrar = Registrar::granting(600);
    let text = Many::new(1, registrar.address()).text();
    let lenient = text.replace("[agent]", "[agent]\nwhen_state_fails = \"continue\"");
    let daemon = Daemon::start_text(&sandbox, &lenient);
    daemon.wait_count(SOON, 1);
    let why = format!("{} is damaged: it is no database", file.display());
    assert!(
        daemon.log().contains(&format!("WARN {why}")),
        "{}",
        daemon.log()
    );
    let status = daemon.tell(&["status"]);
    let line = format!("\nnothing is kept for the next run: {why}");
    assert!(status.out.contains(&line), "{status:?}");
    let json = daemon.tell(&["status", "--json"]);
    assert!(json.out.contains(r#""state":{"state":"off""#), "{json:?}");
    daemon.stop();
    let last = registrar.heard().0.last().map(|last| last.expires());
    assert_eq!(last, Some(0), "what nobody remembers is removed");
}

/// A daemon of a user without privileges, in mounts of its own: its state directory is a disk of
/// 1 MiB.
struct Small<'s> {
    sandbox: &'s Sandbox,
    daemon: Process,
}

impl<'s> Small<'s> {
    /// `before` is what the shell does between the mount and the start.
    fn start(sandbox: &'s Sandbox, text: &str, before: &str) -> Self {
        sandbox.give("", User::NOBODY);
        let file = sandbox.write("regent.toml", text);
        sandbox.give("regent.toml", User::NOBODY);
        let state = sandbox.directory("state");
        sandbox.give("state", User::NOBODY);
        let (home, log) = (sandbox.path(""), sandbox.path("regent.log"));
        let script = format!(
            "mount -t tmpfs -o size=1m,mode=700 tmpfs {state}\n{before}\n\
             exec {program} run -c {file} --socket {socket}",
            state = state.display(),
            program = program().display(),
            file = file.display(),
            socket = sandbox.path("sock").display(),
        );
        let setting = Setting {
            user: User::NOBODY,
            ..Setting::new(&home, &log)
        };
        let arguments = ["-Urm", "--", "/bin/sh", "-ec", &script];
        let daemon = Process::start_in(&setting, "/usr/bin/unshare".as_ref(), &arguments);
        Self { sandbox, daemon }
    }

    /// What a command says of it. Only its own user may ask.
    fn tell(&self, arguments: &[&str]) -> Said {
        let arguments = [arguments, &["--socket", "sock"]].concat();
        regent(self.sandbox, User::NOBODY, &arguments)
    }

    fn wait_status(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        wait_until(Duration::from_secs(60), what, || {
            wanted(&self.tell(&["status"]).out)
        });
    }

    /// Something on its disk, as it is seen from here.
    fn inside(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.daemon.pid());
        let path = self.sandbox.path("state").join(name);
        Path::new(&root).join(path.strip_prefix("/").expect("an absolute path"))
    }

    /// Fills its disk by a file that must be there, since no user of ours can make one.
    fn fill(&self) {
        let mut options = OpenOptions::new();
        let filler = options.append(true).open(self.inside("filler"));
        let mut filler = filler.expect("a file on the small disk");
        for size in [4_096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.inside("filler")).expect("the filler is there");
    }

    fn stop(mut self) -> String {
        self.daemon.signal(Signal::SIGTERM);
        let ended = self.daemon.wait(Duration::from_secs(20));
        assert!(ended.success(), "{ended}");
        self.daemon.output()
    }
}

/// Leaves so many KiB on the small disk, as far as a file can take the rest.
fn leave_kib(sandbox: &Sandbox, kib: u32) -> String {
    let filler = sandbox.path("state/filler");
    format!("head -c {}k /dev/zero > {}", 1_024 - kib, filler.display())
}

fn a_read_only_directory_is_said() {
    let sandbox = Sandbox::new();
    let state = sandbox.path("state");
    let shown = state.display();
    let before = format!("mount -o remount,bind,ro {shown}");
    let mut small = Small::start(&sandbox, &Many::new(1, free_udp_address()).text(), &before);
    assert_eq!(small.daemon.wait(SOON).code(), Some(1));
    let said = small.daemon.output();
    let expected = format!(
        "error: cannot use the state directory {shown}: Read-only file system\n\
         hint: make {shown} writable"
    );
    assert!(said.contains(&expected), "{said}");
}

fn a_full_disk_keeps_the_daemon_from_starting() {
    let sandbox = Sandbox::new();
    let before = leave_kib(&sandbox, 8);
    let mut small = Small::start(&sandbox, &Many::new(1, free_udp_address()).text(), &before);
    assert_eq!(small.daemon.wait(SOON).code(), Some(1));
    let said = small.daemon.output();
    let file = sandbox.path("state/regent.db");
    let expected = format!(
        "error: cannot open {}: no space is left on its device\n\
         hint: see to it that its directory can be written; --without-state runs without any\n",
        file.display()
    );
    assert!(said.contains(&expected), "{said}");
}

const MANY: usize = 1_000;

// rule L8
fn no_register_leaves_before_a_full_disk_takes_its_limit() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let before = leave_kib(&sandbox, 160);
    let text = Many::new(MANY, registrar.address()).text();
    let small = Small::start(&sandbox, &text, &before);
    let file = sandbox.path("state/regent.db");
    let line = format!(
        ": cannot write {}: no space is left on its device\n",
        file.display()
    );
    small.wait_status("the trouble in the status", |out| {
        out.contains("\nthe state is not written since ") && out.ends_with(&line)
    });
    holds_for(Duration::from_millis(1_500), "nothing is sent", || {
        registrar.heard().0.is_empty()
    });
    small.make_room();
    let all = format!("{MANY} Accounts: {MANY} registered\n");
    small.wait_status("all to be well by itself", |out| out.ends_with(&all));
    small.stop();
}

// rule L8
fn a_disk_that_fills_up_is_said_once_and_gets_over_it() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let text = Many::new(3, registrar.address()).text();
    let small = Small::start(&sandbox, &text, &leave_kib(&sandbox, 1_024));
    small.wait_status("everybody", |out| out.contains("3 registered"));
    small.fill();
    // There is room in the log of the database for a while.
    let mut registers = 0;
    wait_until(Duration::from_secs(30), "the disk to be full", || {
        registers += 1;
        // Limits are far ahead, so that nobody waits for the disk.
        assert_eq!(small.tell(&["refresh", "--all"]).code, Some(0));
        small
            .tell(&["status"])
            .out
            .contains("the state is not written since")
    });
    holds_for(Duration::from_millis(2_500), "it is said once", || {
        small.daemon.output().matches("no space is left").count() == 1
    });
    small.make_room();
    small.wait_status("all to be well by itself", |out| {
        !out.contains("not written")
    });
    let events = small.tell(&["events", "--kind", "order"]);
    assert_eq!(events.out.lines().count(), registers, "no event is lost");
    let events = small.tell(&["events", "--kind", "store"]);
    assert_eq!(
        events.out.lines().count(),
        2,
        "how it began and ended: {events:?}"
    );
    let log = small.stop();
    assert!(log.contains("INFO the state is written again"), "{log}");
}

fn who_is_told_to_continue_registers_on_a_full_disk() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let before = leave_kib(&sandbox, 160);
    let text = Many::new(MANY, registrar.address()).text();
    let lenient = text.replace("[agent]", "[agent]\nwhen_state_fails = \"continue\"");
    let small = Small::start(&sandbox, &lenient, &before);
    let all = format!("{MANY} Accounts: {MANY} registered\nthe state is not written since ");
    small.wait_status("everybody, and the trouble", |out| out.contains(&all));
    small.make_room();
    let all = format!("{MANY} Accounts: {MANY} registered\n");
    small.wait_status("all to be well by itself", |out| out.ends_with(&all));
    // What was held is written, and no more is lost than nothing.
    let copy = sandbox.directory("copy");
    wait_until(SOON, "all of it on the disk", || {
        for name in ["regent.db", "regent.db-wal"] {
            drop(fs::copy(small.inside(name), copy.join(name)));
        }
        let records = Database::open(&copy).and_then(|mut database| database.restore());
        let records = records.unwrap_or_default();
        fs::remove_file(copy.join("regent.db")).expect("our own copy");
        records
            .iter()
            .filter(|record| record.binding.is_some())
            .count()
            == MANY
    });
    small.stop();
}
