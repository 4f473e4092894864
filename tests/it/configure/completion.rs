//! What a shell offers on Tab, by the shells themselves where they are installed.

use libtest_mimic::Trial;

use super::{Bench, MINIMAL};
use crate::harness::{Daemon, Sandbox, User, free_udp_address, program, regent, run};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        bash_completes_names_parameters_and_words,
        bash_completes_what_a_running_daemon_has,
        every_shell_has_its_script,
    ]
}

/// What bash makes of a line when Tab is pressed behind its last word.
#[track_caller]
fn offered(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let program = program();
    let folder = program.parent().expect("a folder").display().to_string();
    let name = program
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert_eq!(name, "regent", "the completion script runs it by that name");
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "PATH={folder}:$PATH\neval \"$(regent completions bash)\"\n\
         COMP_WORDS=(regent {line}) COMP_CWORD={at} COMP_TYPE=9\n\
         complete -p regent >/dev/null || exit 9\n\
         _clap_complete_regent regent \"${{COMP_WORDS[COMP_CWORD]}}\" x\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        line = quoted.join(" "),
        at = words.len(),
    );
    let said = run(sandbox, User::Same, "/bin/bash".as_ref(), &["-c", &script]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let lines = said.out.lines().map(str::to_owned);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .collect()
}

fn bash_completes_names_parameters_and_words() {
    let bench = Bench::new(&MINIMAL.replace("\"PBX\"", "\"Haus 1 & 2\""));
    let file = bench.file.to_string_lossy().into_owned();
    let check = |words: &[&str], wanted: &[&str]| {
        let line = [&["configure", "-c", &file][..], words].concat();
        assert_eq!(offered(&bench.sandbox, &line), wanted, "{words:?}");
    };
    let commands = offered(&bench.sandbox, &[""]);
    for command in [
        "run",
        "check",
        "status",
        "register",
        "reload",
        "configure",
        "demo",
        "man",
    ] {
        assert!(
            commands.iter().any(|one| one == command),
            "{command}: {commands:?}"
        );
    }
    let alert = "\n[[alert]]\nname = \"night\"\nwebhook = \"http://h/\"\n";
    bench
        .sandbox
        .write("alert.toml", &(MINIMAL.to_owned() + alert));
    let other = bench.sandbox.path("alert.toml").display().to_string();
    let line = ["alerts", "unsubscribe", "-c", &other, "n"];
    assert_eq!(offered(&bench.sandbox, &line), ["night"]);
    let line = [
        "alerts",
        "subscribe",
        "day",
        "-c",
        &other,
        "--account",
        "ma",
    ];
    assert_eq!(offered(&bench.sandbox, &line), ["main"]);
    check(&["acc"], &["account"]);
    check(&["account", "re"], &["remove", "rename"]);
    check(&["account", "set", ""], &["main"]);
    check(
        &["account", "set", "main", "registrar"],
        &["registrar-stickiness", "registrar-search-mode"],
    );
    check(
        &["account", "set", "main", "register", "gin", "registe"],
        &[],
    );
    check(
        &["account", "set", "main", "registrar-search-mode", ""],
        &[
            "current-server",
            "by-ims-spec",
            "avoid-previous-registrar-until-expiry",
        ],
    );
    check(
        &["account", "set", "main", "udp-port-assignment", "e"],
        &["enable"],
    );
    check(
        &["account", "add", "served-ip-group-name", ""],
        &["Carrier", "Haus\\ 1\\ \\&\\ 2"],
    );
    check(
        &["account", "unset", "main", "password-f"],
        &["password-file"],
    );
    check(&["ip-group", "show", "H"], &["Haus\\ 1\\ \\&\\ 2"]);
    check(&["proxy-ip", "set", ""], &["carrier"]);
    check(&["proxy-ip", "set", "carrier", "0", "w"], &["weight"]);
    check(
        &["registration", "set", "registration-t"],
        &["registration-time", "registration-time-thres"],
    );
    // A file that cannot be read gives nothing, and no complaint.
    assert_eq!(
        offered(
            &bench.sandbox,
            &["configure", "-c", "none", "account", "set", ""]
        ),
        Vec::<String>::new()
    );
}

fn bash_completes_what_a_running_daemon_has() {
    let sandbox = Sandbox::new();
    sandbox.write("main.secret", "open sesame\n");
    let [local, registrar] = [free_udp_address(), free_udp_address()];
    let text = MINIMAL
        .replace("udp_port = 5070", &format!("udp_port = {}", local.port()))
        .replace("127.0.0.1:5060", &registrar.to_string());
    let daemon = Daemon::start_text(&sandbox, &text);
    let socket = daemon.socket().to_string_lossy().into_owned();
    let check = |words: &[&str], wanted: &[&str]| {
        let (command, rest) = words.split_first().expect("a command");
        let line = [&[*command, "--socket", &socket][..], rest].concat();
        assert_eq!(offered(&sandbox, &line), wanted, "{words:?}");
    };
    check(&["status", "m"], &["main"]);
    check(&["register", ""], &["main"]);
    check(&["unregister", "m"], &["main"]);
    check(&["refresh", "x"], &[]);
    check(&["status", "proxies", "c"], &["carrier"]);
    check(&["configure", "account", "show", ""], &["main"]);
    daemon.stop();
}

fn every_shell_has_its_script() {
    let sandbox = Sandbox::new();
    for (shell, check) in [
        ("bash", &["-n"][..]),
        ("zsh", &["-n"]),
        ("fish", &["--no-execute"]),
        ("elvish", &[]),
        ("powershell", &[]),
    ] {
        let said = regent(&sandbox, User::Same, &["completions", shell]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("REGENT_COMPLETE"), "{said:?}");
        let file = sandbox.write("script", &said.out);
        let found = ["/bin", "/usr/bin"].map(|folder| std::path::Path::new(folder).join(shell));
        if let Some(program) = found.iter().find(|path| path.exists() && !check.is_empty()) {
            let file = file.to_string_lossy().into_owned();
            let arguments = [check, &[&*file]].concat();
            let said = run(&sandbox, User::Same, program, &arguments);
            assert_eq!(
                (said.code, said.err.as_str()),
                (Some(0), ""),
                "{shell}: {said:?}"
            );
        }
    }
}
