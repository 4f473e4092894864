//! Everything that is wrong with a configuration and its password files, each fault in one line,
//! all in one run.

use libtest_mimic::Trial;

use crate::harness::{Sandbox, UNPRIVILEGED, User, regent, run};

pub(super) fn trials() -> Vec<Trial> {
    trials![[UNPRIVILEGED]; everything_that_is_wrong_is_said_in_one_run]
}

/// What stands in the password files, and in the configuration itself.
const PASSWORDS: [&str; 3] = ["trombone-1", "trombone-2", "trombone-3"];

const TEXT: &str = r#"[registration]
registration_time_secs = 5
registration_retry_sec = 30

[[sip_interface]]
name = "outside"
address = "127.0.0.1"
udp_port = 70000

[[proxy_set]]
name = "carrier"
sip_interface = "outsid"
proxy = [{ address = "127.0.0.1:5070" }]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"

[[ip_group]]
name = "A"

[[ip_group]]
name = "B"

[[ip_group]]
name = "C"

[[ip_group]]
name = "D"

[[account]]
name = "missing"
served_ip_group = "A"
serving_ip_group = "Carrier"
user_name = "u1"
password_file = "missing.secret"
register = "regular"

[[account]]
name = "open"
served_ip_group = "B"
serving_ip_group = "Carrier"
user_name = "u2"
password_file = "open.secret"
register = "regular"

[[account]]
name = "empty"
served_ip_group = "C"
serving_ip_group = "Carrier"
user_name = "u3"
password_file = "empty.secret"
register = "regular"

[[account]]
name = "closed"
served_ip_group = "D"
serving_ip_group = "Carier"
user_name = "u4"
password_file = "closed.secret"
register = "regular"

[[account]]
name = "open"
served_ip_group = "A"
serving_ip_group = "B"
user_name = "u5"
password = "trombone-3"
pasword_file = "open.secret"
register = "maybe"
"#;

const SAID: &[&str] = &[
    "regent.toml:2:26: error: registration: registration_time_secs is 5, but must be 10 to 2000000 seconds",
    "regent.toml:3:1: error: registration: unknown key \"registration_retry_sec\"",
    "  hint: did you mean \"registration_retry_secs\"?",
    "regent.toml:8:12: error: SIP interface \"outside\": udp_port is 70000, but must be 0 to 65535",
    "regent.toml:12:17: error: proxy set \"carrier\": SIP interface \"outsid\" does not exist",
    "  hint: did you mean \"outside\"? The only one defined is \"outside\"",
    "regent.toml:22:1: error: IP group \"B\" serves an account, but has no proxy_set",
    "  hint: the account in line 66 names it as serving",
    "regent.toml:36:17: error: account \"missing\": password file \"missing.secret\" cannot be read: no such file or directory",
    "  hint: it is looked for at @FOLDER@/missing.secret",
    "regent.toml:44:17: error: account \"open\": password file \"open.secret\" may be read by every user",
    "  hint: chmod o-r open.secret",
    "regent.toml:52:17: error: account \"empty\": the password in \"empty.secret\" is empty",
    "  hint: it is the first line of that file",
    "regent.toml:58:20: error: account \"closed\": IP group \"Carier\" does not exist",
    "  hint: did you mean \"Carrier\"? Defined groups are \"Carrier\", \"A\", \"B\", \"C\", \"D\"",
    "regent.toml:60:17: error: account \"closed\": password file \"closed.secret\" cannot be read: permission denied",
    "  hint: it must belong to the user, or a group, that regent runs as",
    "regent.toml:64:8: error: account \"open\": the name is taken",
    "  hint: the first account \"open\" stands in line 39",
    "regent.toml:69:1: error: account \"open\": unknown key \"pasword_file\"",
    "  hint: did you mean \"password_file\"?",
    "regent.toml:70:12: error: account \"open\": register is \"maybe\", which is none of its words",
    "  hint: words are \"no\", \"regular\", \"gin\"",
];

// rule G1
fn everything_that_is_wrong_is_said_in_one_run() {
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    sandbox.write("regent.toml", TEXT);
    sandbox.write("open.secret", PASSWORDS[0]);
    sandbox.write("closed.secret", PASSWORDS[1]);
    sandbox.write("empty.secret", "");
    for file in ["regent.toml", "open.secret", "empty.secret"] {
        sandbox.give(file, User::NOBODY);
    }
    sandbox.set_mode("open.secret", 0o644);
    let cat = |file| run(&sandbox, User::NOBODY, "/bin/cat".as_ref(), &[file]);
    assert_eq!(cat("open.secret").code, Some(0));
    let plain = cat("closed.secret");
    assert_eq!(plain.code, Some(1), "it can be read: {plain:?}");

    let checked = regent(&sandbox, User::NOBODY, &["check", "regent.toml"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert_lines(&sandbox, &checked.output, "13 errors");

    let arguments = ["run", "-c", "regent.toml", "--socket", "sock"];
    let ran = regent(&sandbox, User::NOBODY, &arguments);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_lines(&sandbox, &ran.output, "error: regent.toml: 13 errors");
    for password in PASSWORDS {
        assert!(!checked.output.contains(password), "{}", checked.output);
        assert!(!ran.output.contains(password), "{}", ran.output);
    }
}

/// Asserts that these faults are told and `last` after them, and names the first line that is not
/// as it should be.
#[track_caller]
fn assert_lines(sandbox: &Sandbox, said: &str, last: &str) {
    let folder = sandbox.path("");
    let folder = folder.to_str().expect("text").trim_end_matches('/');
    let wanted = SAID.iter().copied().chain([last]);
    let wanted = wanted.map(|line| line.replace("@FOLDER@", folder));
    let lines = said.lines().zip(wanted);
    if let Some((said, wanted)) = lines.into_iter().find(|(said, wanted)| said != wanted) {
        panic!("said:   {said}\nwanted: {wanted}");
    }
    assert_eq!(said.lines().count(), SAID.len() + 1, "{said}");
}
