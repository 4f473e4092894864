//! Every program in `examples/` runs, and says what it should.

use std::path::PathBuf;
use std::process::{Command, Output};

use libtest_mimic::Trial;

use crate::harness::{Config, Daemon, Sandbox, free_udp_address};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        a_table_is_imported,
        an_engine_is_driven_by_hand_for_three_hours,
        the_toy_registrar_serves_and_ends,
        a_watcher_is_told_of_every_change,
        every_example_has_a_trial,
    ]
}

/// The built example: cargo puts it beside the folder of this test binary.
fn example(name: &str) -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = this
        .parent()
        .and_then(|deps| deps.parent())
        .ok_or("no folder")?;
    let path = folder.join("examples").join(name);
    if !path.is_file() {
        // `cargo test` builds the examples; a run of this binary alone does not.
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", name])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .map_err(|error| error.to_string())?;
        assert!(
            build.status.success(),
            "{}",
            String::from_utf8_lossy(&build.stderr)
        );
    }
    Ok(path)
}

fn run(name: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(example(name)?).args(arguments).output();
    let Output {
        status,
        stdout,
        stderr,
    } = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        Ok(text)
    } else {
        Err(format!(
            "{name}: {status}: {text}{}",
            String::from_utf8_lossy(&stderr)
        ))
    }
}

fn a_table_is_imported() -> Result<(), String> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/sample-account-table.ini");
    let text = run("import_table", &[sample])?;
    for wanted in [
        "0  main  Taken  \n",
        "1  (no name)  NotApplicable  ApplicationType 0 is the Gateway application\n",
        "sip:+4930123456789@carrier.example for IPG_PBX\n",
        "1 Account taken, 1 not applicable (Gateway); ",
    ] {
        assert!(text.contains(wanted), "{wanted}{text}");
    }
    Ok(())
}

/// Granted 180 s and refreshed at half of it: the first REGISTER, then one every 90 s.
fn an_engine_is_driven_by_hand_for_three_hours() -> Result<(), String> {
    let text = run("drive_engine", &[])?;
    assert!(
        text.contains("+10800.000s  main  Registered  after 121 requests"),
        "{text}"
    );
    Ok(())
}

fn the_toy_registrar_serves_and_ends() -> Result<(), String> {
    let text = run("toy_registrar", &["127.0.0.1:0", "user:password", "1"])?;
    assert!(text.contains("registrar at 127.0.0.1:"), "{text}");
    assert!(text.contains("0 REGISTERs, 0 accepted"), "{text}");
    Ok(())
}

/// The first line is how the Account stands; the next ones are changes: here, attempts that fail.
fn a_watcher_is_told_of_every_change() -> Result<(), String> {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, &Config::new(free_udp_address()));
    let socket = daemon.socket().to_string_lossy().into_owned();
    let watching = std::thread::spawn(move || run("watch_status", &[&socket, "2"]));
    while !watching.is_finished() {
        daemon.tell(&["register", Config::ACCOUNT]);
    }
    let text = watching.join().map_err(|_| "the watcher panicked")??;
    daemon.stop();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.lines().all(|line| line.starts_with("main  ")),
        "{text}"
    );
    Ok(())
}

fn every_example_has_a_trial() -> Result<(), String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let this = include_str!("examples.rs");
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        assert!(
            this.contains(&format!("run(\"{name}\"")),
            "no trial runs the example {name}"
        );
    }
    Ok(())
}
