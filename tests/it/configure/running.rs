//! Changes of what a running daemon runs from.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use libtest_mimic::Trial;

use super::MINIMAL;
use crate::harness::{Daemon, Sandbox, User, free_udp_address, read_text, regent};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        a_running_daemon_is_told_and_does_it,
        what_the_daemon_refuses_is_undone,
        without_a_daemon_the_usual_place_counts,
        a_daemon_that_runs_from_an_ini_file_is_told_about,
    ]
}

/// A configuration whose registrar is nobody, so that nothing is said to anyone.
fn text() -> String {
    let [local, registrar] = [free_udp_address(), free_udp_address()];
    MINIMAL
        .replace("udp_port = 5070", &format!("udp_port = {}", local.port()))
        .replace("127.0.0.1:5060", &registrar.to_string())
}

fn a_running_daemon_is_told_and_does_it() {
    let sandbox = Sandbox::new();
    sandbox.write("main.secret", "open sesame\n");
    let daemon = Daemon::start_text(&sandbox, &text());
    let said = daemon.tell(&["configure", "account", "set", "main", "contact-user", "77"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("changed: main\n"), "{said:?}");
    assert!(said.out.contains("the daemon has reloaded it"), "{said:?}");
    let shown = daemon.tell(&["status", "main"]);
    assert!(shown.out.contains("77@"), "{shown:?}");
    let said = daemon.tell(&[
        "configure",
        "account",
        "set",
        "main",
        "account-name",
        "trunk",
    ]);
    assert!(
        said.out.contains("added: trunk\nremoved: main\n"),
        "{said:?}"
    );
    let file = read_text(&sandbox.path("regent.toml"));
    assert!(file.contains("name = \"trunk\"\n"), "{file}");
    // Showing, and a dry run, change nothing.
    let said = daemon.tell(&["configure", "-n", "account", "remove", "trunk"]);
    assert!(said.out.contains("would be removed: trunk\n"), "{said:?}");
    let said = daemon.tell(&["configure", "account", "list"]);
    assert_eq!(said.out, "   0  trunk  PBX -> Carrier\n");
    assert_eq!(read_text(&sandbox.path("regent.toml")), file);
    daemon.stop();
}

/// The operator may see what the daemon does not: a variable, for example.
fn what_the_daemon_refuses_is_undone() {
    let sandbox = Sandbox::new();
    sandbox.write("main.secret", "open sesame\n");
    let daemon = Daemon::start_text(&sandbox, &text());
    let before = read_text(&sandbox.path("regent.toml"));
    let said = daemon.tell(&[
        "configure",
        "account",
        "set",
        "main",
        "password-env",
        "PATH_ONLY_HERE",
    ]);
    // Not even the operator has it.
    assert_eq!(said.code, Some(1), "{said:?}");
    let socket = daemon.socket().to_string_lossy().into_owned();
    let program = crate::harness::program();
    let script = format!(
        "PATH_ONLY_HERE=x exec {} configure --socket {socket} account set main password-env PATH_ONLY_HERE",
        program.display()
    );
    let said = crate::harness::run(&sandbox, User::Same, "/bin/sh".as_ref(), &["-c", &script]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("\"PATH_ONLY_HERE\" is not set"),
        "{said:?}"
    );
    assert!(said.err.contains("the file is as it was"), "{said:?}");
    assert_eq!(read_text(&sandbox.path("regent.toml")), before);
    let said = daemon.tell(&["configure", "account", "set", "main", "contact-user", "77"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    daemon.stop();
}

fn without_a_daemon_the_usual_place_counts() {
    let sandbox = Sandbox::new();
    sandbox.write("main.secret", "open sesame\n");
    sandbox.write("regent.toml", MINIMAL);
    let tell = |words: &[&str]| regent(&sandbox, User::Same, words);
    // Where a daemon is named, nothing else will do.
    let words = ["configure", "account", "list", "--socket", "none"];
    assert_eq!(tell(&words).code, Some(3));
    let both = [
        "configure",
        "-c",
        "regent.toml",
        "--socket",
        "none",
        "account",
        "list",
    ];
    assert_eq!(tell(&both).code, Some(2));
    let said = tell(&["configure", "account", "list"]);
    // Another daemon may run on this machine, and be asked.
    if said.err.is_empty() {
        return;
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.err, "no daemon answers: this is about regent.toml\n");
    assert_eq!(said.out, "   0  main  PBX -> Carrier\n");
}

/// What a daemon of another kind says of itself, played by the test.
fn a_daemon_that_runs_from_an_ini_file_is_told_about() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("s");
    let listener = UnixListener::bind(&socket).expect("a socket");
    for (file, wanted) in [
        (
            r#""configuration":"/etc/regent/device.ini","format":"ini""#,
            "error: the daemon runs from an ini file, /etc/regent/device.ini, which is only read\n\
             hint: make a configuration of it first: \
             `regent import /etc/regent/device.ini -o regent.toml`",
        ),
        (
            r#""configuration":null,"format":null"#,
            "error: the daemon does not say which file it runs from\nhint: -c names a file",
        ),
    ] {
        let answer = format!(
            r#"{{"id":1,"done":{{"version":"1","protocol":1,"schema":1,"pid":1,{file}}}}}"#
        );
        let said = thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut line = String::new();
                let mut lines = BufReader::new(stream.try_clone().expect("a handle"));
                lines.read_line(&mut line).expect("a request");
                assert!(line.contains("hello"), "{line}");
                writeln!(stream, "{answer}").expect("it listens");
            });
            let socket = socket.to_string_lossy().into_owned();
            let words = [
                "configure",
                "--socket",
                &socket,
                "account",
                "set",
                "main",
                "register",
                "reg",
            ];
            regent(&sandbox, User::Same, &words)
        });
        assert_eq!(said.code, Some(1), "{said:?}");
        assert_eq!(said.err.trim_end(), wanted);
    }
}
