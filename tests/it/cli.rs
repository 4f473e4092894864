//! The commands as a user meets them: what they print, where, and with which exit code.

mod slips;
mod told;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use regent::demo::{self, Stage};
use serde_json::{Value, json};

use crate::harness::{
    self, Config, Daemon, Piped, Registrar, SOON, Said, Sandbox, User, free_udp_address, wait_for,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        help_teaches_and_wrong_usage_is_told_apart,
        options_stand_where_they_have_a_use,
        a_configuration_is_checked_with_its_password_files,
        a_configuration_that_is_no_text_or_not_there_is_told,
        without_a_daemon_the_hint_says_where_it_was_looked_for,
        a_socket_with_too_long_a_name_is_told,
        the_demo_ends_by_itself_and_reads_well_without_a_terminal,
        the_table_fits_and_the_story_tells_all,
        proxy_sets_are_shown,
        orders_say_how_they_went,
        a_watch_tells_changes_as_they_come,
        a_watch_ends_with_its_reader,
        whoever_stops_reading_hears_no_complaint,
        the_manual_names_every_command,
    ];
    trials.extend(slips::trials());
    trials.extend(told::trials());
    trials
}

/// Runs a command in a folder of its own.
#[track_caller]
fn regent(arguments: &[&str]) -> Said {
    harness::regent(&Sandbox::new(), User::Same, arguments)
}

/// Runs a command against the daemon on this stage.
#[track_caller]
fn tell(stage: &Stage, arguments: &[&str]) -> Said {
    let socket = stage.socket();
    let socket = socket.to_str().expect("the path is text");
    regent(&[arguments, &["--socket", socket]].concat())
}

/// Lets `test` play on the stage of the demo, with every Account past its first attempt.
#[track_caller]
fn on_stage<R>(test: impl FnOnce(&Stage) -> R) -> R {
    let run = demo::run(|stage| {
        wait_for(Duration::from_secs(10), "five registered Accounts", || {
            let said = tell(stage, &["status"]);
            said.out
                .contains("5 registered, 1 waiting to retry")
                .then_some(())
        });
        test(stage)
    });
    run.expect("the demo starts and stops").0
}

fn help_teaches_and_wrong_usage_is_told_apart() {
    let help = regent(&["--help"]);
    assert_eq!(help.code, Some(0));
    for part in ["regent demo", "Exit codes:", "REGENT_SOCKET", "unregister"] {
        assert!(help.out.contains(part), "{part} is missing: {}", help.out);
    }
    let widest = help.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns: {}", help.out);
    assert_eq!(
        regent(&["--version"]).out,
        concat!("regent ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for wrong in [
        &["frobnicate"][..],
        &["register"],
        &["register", "a", "--all"],
        &[],
    ] {
        let said = regent(wrong);
        assert_eq!(said.code, Some(2), "{wrong:?}: {said:?}");
        assert!(
            said.out.is_empty() && !said.err.is_empty(),
            "{wrong:?}: {said:?}"
        );
    }
    let said = regent(&["status", "--phase", "hold", "--socket", "/nowhere"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("similar value exists: 'held'"),
        "{said:?}"
    );
}

fn options_stand_where_they_have_a_use() {
    for command in ["run", "status", "register", "unregister", "refresh"] {
        assert!(regent(&[command, "--help"]).out.contains("--socket <PATH>"));
    }
    for command in ["check", "demo", "completions", "man"] {
        let help = regent(&[command, "--help"]);
        assert!(!help.out.contains("--socket"), "{command}: {help:?}");
        assert_eq!(regent(&[command, "--socket", "x"]).code, Some(2));
    }
    for command in ["run", "check"] {
        let told = |arguments: &[&str]| {
            let said = regent(&[&[command], arguments].concat());
            (said.code, said.err)
        };
        // Each form is taken for the name of the file, which there is not.
        for form in [
            &["none.toml"][..],
            &["-c", "none.toml"],
            &["--config", "none.toml"],
        ] {
            let (code, complaint) = told(form);
            assert_eq!(code, Some(1), "{command} {form:?}: {complaint}");
            assert!(complaint.starts_with("error: cannot read none.toml: "));
        }
        let (code, complaint) = told(&["none.toml", "-c", "none.toml"]);
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.contains("cannot be used with"), "{complaint}");
    }
}

/// Rule G1. What all can be wrong is told elsewhere; here it is where it is said, and how it ends.
fn a_configuration_is_checked_with_its_password_files() {
    let sandbox = Sandbox::new();
    let file = Config::new(free_udp_address()).write(&sandbox);
    let [path, secret] =
        [&file, &sandbox.path("main.secret")].map(|path| path.display().to_string());
    let good = check(&file);
    assert_eq!((good.code, good.err.as_str()), (Some(0), ""), "{good:?}");
    assert_eq!(good.out, format!("{path}: good, 1 Account\n"));

    sandbox.set_mode("main.secret", 0o644);
    let open = check(&file);
    assert_eq!((open.code, open.err.as_str()), (Some(1), ""), "{open:?}");
    let fault = "error: account \"main\": password file \"main.secret\"";
    let exposed =
        format!(" {fault} may be read by every user\n  hint: chmod o-r {secret}\n1 error\n");
    assert!(open.out.starts_with(&format!("{path}:")), "{open:?}");
    assert!(open.out.ends_with(&exposed), "{open:?}");

    fs::remove_file(&secret).expect("our own file");
    let run = regent(&["run", &path, "--socket", "/nowhere"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
    let missing = format!(
        " {fault} cannot be read: no such file or directory\n  \
         hint: it is looked for at {secret}\nerror: {path}: 1 error\n"
    );
    assert!(run.err.ends_with(&missing), "{run:?}");
}

fn a_configuration_that_is_no_text_or_not_there_is_told() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("regent.toml");
    fs::write(&file, b"[agent]\n# caf\xe9\n").expect("room in the sandbox");
    let said = check(&file);
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains(":2:6: error: the file is not UTF-8 text"),
        "{}",
        said.out
    );
    let said = check(&sandbox.path("none.toml"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.starts_with("error: cannot read "), "{said:?}");
    assert_eq!(check(&sandbox.path("")).code, Some(1));
    if !Path::new("/etc/regent/regent.toml").exists() {
        let said = regent(&["check"]);
        assert_eq!(said.code, Some(2), "{said:?}");
    }
}

fn without_a_daemon_the_hint_says_where_it_was_looked_for() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("none.sock");
    let socket = socket.to_str().expect("text");
    for arguments in [
        &["status"][..],
        &["register", "main"],
        &["status", "--watch"],
    ] {
        let said = regent(&[arguments, &["--socket", socket]].concat());
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.out.is_empty(), "{said:?}");
        let error = format!("error: cannot reach the daemon at {socket}: ");
        assert!(
            said.err.starts_with(&error) && said.err.contains("\nhint: "),
            "{said:?}"
        );
    }
}

fn a_socket_with_too_long_a_name_is_told() {
    let sandbox = Sandbox::new();
    let registrar = free_udp_address();
    let file = Config::new(registrar).write(&sandbox);
    let socket = format!("/{}", "s".repeat(107));
    for (arguments, code, error) in [
        (&["status"][..], 2, "cannot reach the daemon at"),
        (
            &["run", file.to_str().expect("text")],
            1,
            "cannot listen on",
        ),
    ] {
        let said = regent(&[arguments, &["--socket", &socket]].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
        let error = format!(
            "error: {error} {socket}: the path has 108 bytes, but a socket's may have 107 at most\n\
             hint: choose a shorter one; a relative path counts as it is written\n"
        );
        assert_eq!(said.err, error);
    }
    let said = regent(&["status", "--socket", &socket[..107]]);
    assert_eq!(said.code, Some(3), "{said:?}");
}

fn the_demo_ends_by_itself_and_reads_well_without_a_terminal() {
    let start = Instant::now();
    let said = regent(&["demo", "--seconds", "3"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let took = start.elapsed();
    assert!((3..12).contains(&took.as_secs()), "it took {took:?}");
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    assert!(
        said.out.matches("# ").count() >= 2,
        "at least two tables: {}",
        said.out
    );
    for part in [
        "credentials refused",
        "6 Accounts: 5 registered, 1 waiting to retry",
    ] {
        assert!(said.out.contains(part), "{part:?} is missing: {}", said.out);
    }
    assert!(
        said.out.ends_with("all bindings were removed.\n"),
        "{}",
        said.out
    );
}

fn the_table_fits_and_the_story_tells_all() {
    on_stage(|stage| {
        let table = tell(stage, &["status"]);
        assert_eq!((table.code, table.err.as_str()), (Some(0), ""), "{table:?}");
        let lines: Vec<&str> = table.out.lines().collect();
        assert_eq!(lines.len(), 8, "{}", table.out);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 100),
            "{}",
            table.out
        );
        assert!(
            !table.out.contains('\u{1b}'),
            "colours in a file: {}",
            table.out
        );
        assert!(lines[1].starts_with("0  main "), "{}", table.out);
        assert!(lines[3].contains(" 401 "), "{}", table.out);

        let story = tell(stage, &["status", "branch"]).out;
        for part in [
            "branch: not registered (401), waiting to retry\n",
            "credentials refused",
            "somebody must act",
            "another attempt 20",
        ] {
            assert!(story.contains(part), "{part:?} is missing: {story}");
        }
        let story = tell(stage, &["status", "sales-us"]).out;
        assert!(
            story.contains("SHA-256") && story.contains("60 s asked, 12 s granted"),
            "{story}"
        );

        let one = tell(stage, &["status", "--matching", "US"]).out;
        assert!(one.contains("sales-us") && !one.contains("main"), "{one}");
        let bad = tell(stage, &["status", "--phase", "waiting-to-retry", "--json"]).out;
        let bad: Value = serde_json::from_str(&bad).expect("JSON");
        assert_eq!(bad["accounts"][0]["name"], "branch");
        assert_eq!(bad["accounts"].as_array().map(Vec::len), Some(1));

        let none = tell(stage, &["status", "--matching", "zzz"]);
        assert_eq!((none.code, none.err.as_str()), (Some(0), ""), "{none:?}");
        assert_eq!(
            none.out,
            "no Account matches\n6 Accounts: 5 registered, 1 waiting to retry\n"
        );
        let none = tell(stage, &["status", "--phase", "held", "--json"]);
        assert_eq!((none.code, none.err.as_str()), (Some(0), ""), "{none:?}");
        let none: Value = serde_json::from_str(&none.out).expect("JSON");
        assert_eq!((&none["accounts"], &none["total"]), (&json!([]), &json!(6)));

        let stranger = tell(stage, &["status", "mian"]);
        assert_eq!(
            (stranger.code, stranger.out.as_str()),
            (Some(2), ""),
            "{stranger:?}"
        );
        assert_eq!(
            stranger.err,
            "error: there is no Account \"mian\"\nhint: did you mean \"main\"?\n"
        );
    });
}

/// Rule L10.
fn proxy_sets_are_shown() {
    on_stage(|stage| {
        let said = tell(stage, &["status", "proxies"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let mut lines = said.out.lines();
        let heading = lines.next().expect("a heading");
        assert!(
            heading.starts_with("SET") && heading.contains("HEALTH"),
            "{said:?}"
        );
        let members: Vec<&str> = lines.collect();
        let is_current = |line: &&&str| line.contains("  *  ") && line.contains("Unmonitored");
        assert!(members.iter().filter(is_current).count() >= 2, "{said:?}");
        let widest = said.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?} columns: {}", said.out);

        // How many are bound is told a little later than that they are.
        let json = wait_for(Duration::from_secs(5), "five bindings", || {
            let json = tell(stage, &["status", "proxies", "--json"]);
            let json: Value = serde_json::from_str(&json.out).expect("JSON");
            let sets = json["proxy_sets"].as_array().expect("a list");
            let bound = |set: &Value| set["members"][0]["accounts_bound"].as_u64();
            (sets.iter().filter_map(bound).sum::<u64>() == 5).then_some(json)
        });
        let sets = json["proxy_sets"].as_array().expect("a list");
        assert_eq!(json["total"], sets.len());
        assert!(sets[0]["members"][0]["rtt_us"].is_u64(), "{json}");
        let name = sets[0]["name"].as_str().expect("a name");
        let one = tell(stage, &["status", "proxies", name]);
        assert_eq!(one.out.lines().count(), 2, "{one:?}");

        let none = tell(stage, &["status", "proxies", "nowhere"]);
        assert_eq!((none.code, none.out.as_str()), (Some(2), ""));
        assert!(
            none.err.contains("there is no Proxy Set \"nowhere\""),
            "{none:?}"
        );
        // An Account may have that name.
        let socket = stage
            .socket()
            .to_str()
            .expect("the path is text")
            .to_owned();
        let account = regent(&["status", "--socket", &socket, "--", "proxies"]);
        assert!(
            account.err.contains("there is no Account \"proxies\""),
            "{account:?}"
        );
    });
}

fn orders_say_how_they_went() {
    on_stage(|stage| {
        let [(_, carrier), _] = stage.registrars();
        let at = carrier.address;
        let said = tell(stage, &["register", "main"]);
        assert_eq!(
            said.out,
            format!("main: registered at {at} for 20 s\n"),
            "{said:?}"
        );
        assert_eq!(said.code, Some(0));
        let said = tell(stage, &["refresh", "main", "fax"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(
            said.out.ends_with("2 Accounts: 2 done, 0 not\n"),
            "{said:?}"
        );

        let said = tell(stage, &["unregister", "main"]);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(0), "main: unregistered\n"),
            "{said:?}"
        );
        // The outcome is never ahead of the status.
        let story = tell(stage, &["status", "main"]).out;
        assert!(story.starts_with("main: unregistered\n"), "{story}");
        assert!(
            !stage.registrars()[0]
                .1
                .bindings
                .iter()
                .any(|(aor, _)| aor.contains("123456@"))
        );
        let said = tell(stage, &["refresh", "main"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.starts_with("main: nothing was sent: "), "{said:?}");

        let said = tell(stage, &["register", "--all", "--force"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("branch: refused: 401 "), "{said:?}");
        assert!(
            said.out.ends_with("6 Accounts: 5 done, 1 not\n"),
            "{said:?}"
        );
        let said = tell(stage, &["register", "main", "--no-wait"]);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(0), "1 Account: ordered\n")
        );
        let said = tell(stage, &["unregister", "main", "nobody"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        // All or nothing: a slip in one name does nothing to the others.
        assert!(
            tell(stage, &["status", "main"])
                .out
                .starts_with("main: registered\n")
        );
    });
}

fn a_watch_tells_changes_as_they_come() {
    on_stage(|stage| {
        let socket = stage.socket();
        let watch = |more: &[&str]| {
            let socket = socket.to_str().expect("text");
            let arguments = [&["status", "--watch", "main", "--socket", socket], more].concat();
            Piped::start(&arguments)
        };
        let mut text = watch(&[]);
        let mut json = watch(&["--json"]);
        assert!(text.line().contains(" main: registered at 127.0.0.1:"));
        assert!(
            json.line()
                .starts_with("{\"schema\":1,\"index\":0,\"name\":\"main\",")
        );
        // A refresh changes times, which are no news to people.
        assert_eq!(tell(stage, &["refresh", "main"]).code, Some(0));
        let refreshed: Value = serde_json::from_str(&json.line()).expect("JSON");
        assert_eq!(refreshed["phase"], "registered");
        assert_eq!(tell(stage, &["unregister", "main"]).code, Some(0));
        let line = wait_for(Duration::from_secs(5), "the end of it", || {
            Some(text.line()).filter(|line| !line.contains("unregistering"))
        });
        assert!(line.contains(" main: unregistered"), "{line}");
    });
}

fn a_watch_ends_with_its_reader() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(3_600);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_registered(SOON);
    let socket = daemon.socket().to_str().expect("text");
    for more in [&[][..], &["--json"]] {
        let arguments = [&["status", "--watch", "--socket", socket], more].concat();
        let mut watched = Piped::start(&arguments);
        assert!(watched.line().contains("registered"));
        // As `head -1` does. Nothing changes from here on, so nothing is printed that would fail.
        watched.close_output();
        let (ended, complaint) = watched.end();
        assert_eq!(
            (ended.code(), complaint.as_str()),
            (Some(0), ""),
            "{more:?}"
        );
    }
    daemon.stop();
}

fn whoever_stops_reading_hears_no_complaint() {
    for arguments in [
        &["man"][..],
        &["completions", "bash"],
        &["demo", "--seconds", "2"],
    ] {
        let mut piped = Piped::start(arguments);
        piped.close_output();
        let (ended, complaint) = piped.end();
        assert_eq!(
            (ended.code(), complaint.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

fn the_manual_names_every_command() {
    let page = regent(&["man"]);
    assert_eq!(page.code, Some(0));
    let commands = [
        "run",
        "check",
        "status",
        "events",
        "register",
        "unregister",
        "refresh",
        "reload",
        "configure",
        "demo",
        "completions",
    ];
    for command in commands {
        let section = format!(".SH \"REGENT {}\"", command.to_uppercase());
        assert!(page.out.contains(&section), "{section} is missing");
    }
    assert!(
        page.out.contains("Exit codes:"),
        "the exit codes are missing"
    );
}

#[track_caller]
fn check(file: &Path) -> Said {
    regent(&["check", file.to_str().expect("the path is text")])
}
