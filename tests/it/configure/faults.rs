//! Whatever goes wrong while a file is changed, it is the old or the new one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::{Bench, MINIMAL};
use crate::harness::{NETWORK, Sandbox, UNPRIVILEGED, User, program, regent, run};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = trials![[];
        a_link_stays_and_what_it_leads_to_is_changed,
        many_who_change_it_at_once_all_count,
        whoever_is_killed_leaves_a_whole_file,
    ];
    all.extend(trials![[UNPRIVILEGED];
        without_permission_the_file_is_left_alone,
        mode_and_owner_stay,
    ]);
    all.extend(trials![[NETWORK];
        a_full_disk_leaves_the_file_alone,
    ]);
    all
}

fn a_link_stays_and_what_it_leads_to_is_changed() {
    let bench = Bench::new(MINIMAL);
    let folder = bench.sandbox.directory("links");
    symlink("../regent.toml", folder.join("a.toml")).expect("a link");
    // Passwords are looked for beside the name that was given, as by the daemon.
    fs::copy(
        bench.sandbox.path("main.secret"),
        folder.join("main.secret"),
    )
    .expect("a copy");
    let said = regent(
        &bench.sandbox,
        User::Same,
        &[
            "configure",
            "-c",
            "links/a.toml",
            "account",
            "set",
            "main",
            "register",
            "gin",
        ],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(bench.text(), MINIMAL.replace("regular", "gin"));
    let link = fs::symlink_metadata(folder.join("a.toml")).expect("the link");
    assert!(link.is_symlink());
    assert!(bench.names().contains(&"regent.toml.1~".to_owned()));
}

fn many_who_change_it_at_once_all_count() {
    const EDITORS: usize = 8;
    let bench = Bench::new(MINIMAL);
    let children: Vec<_> = (0..EDITORS)
        .map(|number| {
            let mut command = Command::new(program());
            command.args(["configure", "-c"]).arg(&bench.file);
            command.args(["ip-group", "add", &format!("g{number}")]);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            command.spawn().expect("the program starts")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
    }
    let listed = bench.done(&["ip-group", "list"]);
    assert_eq!(listed.lines().count(), EDITORS + 2, "{listed}");
    assert!(!bench.names().iter().any(|name| name.ends_with(".new")));
}

fn whoever_is_killed_leaves_a_whole_file() {
    let mut bench = Bench::new(MINIMAL);
    // Large enough to be written for a while.
    let text = format!(
        "{MINIMAL}{}",
        format!("# {}\n", "x".repeat(98)).repeat(20_000)
    );
    bench.file = bench.sandbox.write("regent.toml", &text);
    let new = text.replace("\"regular\"", "\"gin\"");
    let start = Instant::now();
    bench.done(&["account", "set", "main", "register", "gin"]);
    let took = start.elapsed();
    let mut changed = 0;
    for round in 0..30_u32 {
        fs::write(&bench.file, &text).expect("room");
        let mut child = Command::new(program())
            .args(["configure", "-c"])
            .arg(&bench.file)
            .args(["account", "set", "main", "register", "gin"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // At all points of its life, evenly.
        let at = took * round / 25;
        let begun = Instant::now();
        while begun.elapsed() < at && child.try_wait().expect("our child").is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().ok();
        child.wait().expect("our child");
        let found = bench.text();
        assert!(
            found == text || found == new,
            "round {round}: {} bytes",
            found.len()
        );
        changed += usize::from(found == new);
    }
    assert!(changed > 0, "none of them came to its end");
    // What was left behind is no hindrance.
    fs::write(&bench.file, &text).expect("room");
    bench.done(&["account", "set", "main", "register", "gin"]);
    assert_eq!(bench.text(), new);
    assert!(!bench.names().contains(&"regent.toml.new".to_owned()));
}

/// A file in a folder that nobody else may write in.
fn shared() -> Bench {
    let bench = Bench::new(MINIMAL);
    bench.sandbox.set_mode("", 0o755);
    bench.sandbox.set_mode("regent.toml", 0o644);
    bench.sandbox.give("main.secret", User::NOBODY);
    bench
}

fn without_permission_the_file_is_left_alone() {
    let bench = shared();
    let file = bench.file.to_string_lossy().into_owned();
    let words = [
        "configure",
        "-c",
        &file,
        "account",
        "set",
        "main",
        "register",
        "gin",
    ];
    let said = regent(&bench.sandbox, User::NOBODY, &words);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(": permission denied"), "{said:?}");
    assert!(
        said.err.contains("hint: the file is replaced as a whole"),
        "{said:?}"
    );
    assert_eq!(bench.text(), MINIMAL);
    // In a folder of their own it is the owner that cannot be kept.
    bench.sandbox.give("", User::NOBODY);
    let said = regent(&bench.sandbox, User::NOBODY, &words);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("cannot keep the owner"), "{said:?}");
    assert_eq!(bench.text(), MINIMAL);
    assert!(!bench.names().contains(&"regent.toml.new".to_owned()));
    bench.sandbox.set_mode("regent.toml", 0o600);
    let said = regent(&bench.sandbox, User::NOBODY, &words);
    assert!(said.err.contains("cannot read"), "{said:?}");
}

fn mode_and_owner_stay() {
    let bench = shared();
    bench.sandbox.give("regent.toml", User::NOBODY);
    bench.sandbox.set_mode("regent.toml", 0o640);
    bench.done(&["account", "set", "main", "register", "gin"]);
    let found = fs::metadata(&bench.file).expect("the file");
    assert_eq!((found.uid(), found.gid()), (65_534, 65_534));
    assert_eq!(found.mode() & 0o7777, 0o640);
}

/// A file system of so little room that the new text does not fit. The mount is seen by nobody
/// else: it is made in a namespace that ends with its shell.
fn a_full_disk_leaves_the_file_alone() {
    let sandbox = Sandbox::new();
    let disk = sandbox.directory("disk");
    sandbox.write("minimal.toml", MINIMAL);
    let program = program();
    let script = format!(
        "mount -t tmpfs -o size=16k none {disk} && cp minimal.toml {disk}/regent.toml && \
         echo secret > {disk}/main.secret && chmod 600 {disk}/* && cd {disk} && \
         (dd if=/dev/zero of=fill bs=4096 2>/dev/null || true) && \
         {program} configure -c regent.toml account set main register gin; echo code $?; \
         cmp regent.toml ../minimal.toml && echo same; ls",
        disk = disk.display(),
        program = program.display(),
    );
    let said = run(
        &sandbox,
        User::Same,
        Path::new("/usr/bin/unshare"),
        &["-m", "sh", "-c", &script],
    );
    assert!(said.out.contains("code 1\nsame\n"), "{said:?}");
    assert!(said.err.contains("no space left on device"), "{said:?}");
    assert!(
        said.err.contains("the configuration is as it was"),
        "{said:?}"
    );
    assert!(!said.out.contains(".new"), "{said:?}");
}
