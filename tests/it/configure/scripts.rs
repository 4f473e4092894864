//! Scripts in the syntax of a device.

use std::io::Write as _;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use super::{Bench, MINIMAL};
use crate::harness::program;

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        a_script_of_a_device_is_carried_out,
        everything_wrong_in_a_script_is_said_in_one_run,
        a_password_with_a_question_mark_stands_in_quotes,
        what_a_row_lacks_in_the_end_is_said_at_the_row,
        all_of_a_script_counts_or_nothing,
        each_activation_counts_where_that_is_wanted,
        rows_are_removed_and_reset_as_on_a_device,
        what_is_shown_as_a_script_changes_nothing,
        a_script_comes_from_the_standard_input_too,
    ]
}

impl Bench {
    #[track_caller]
    fn script(&self, script: &str) -> crate::harness::Said {
        let path = self.sandbox.write("script.txt", script);
        self.tell(&["-f", &path.to_string_lossy()])
    }

    /// Carries out a script and says what it changed.
    #[track_caller]
    fn scripted(&self, script: &str) -> String {
        let said = self.script(script);
        assert_eq!(said.code, Some(0), "{said:?}");
        self.text()
    }

    /// Carries out a script that is refused, and says why.
    #[track_caller]
    fn unscripted(&self, script: &str) -> String {
        let before = self.text();
        let said = self.script(script);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert_eq!(self.text(), before);
        let path = self.sandbox.path("script.txt");
        said.err.replace(&*path.to_string_lossy(), "s")
    }
}

/// The node of the manual, with the prompts that it is printed with, and what is around it.
const DEVICE: &str = "\
M800# configure voip
M800(config-voip)# sip-interface 1
M800(sip-interface-1)# interface-name \"Wan side\"
M800(sip-interface-1)# network-interface 127.0.0.1
M800(sip-interface-1)# udp-port 5080
M800(sip-interface-1)# tls-port 0
M800(sip-interface-1)# activate
M800(sip-interface-1)# exit

! Telekom
  proxy-set 4
    proxy-name Telekom
    sbcipv4-sip-int-name \"Wan side\"
    proxy-enable-keep-alive using-options
    is-proxy-hot-swap enable
    proxy-redundancy-mode homing
    activate
    proxy-ip 0
      proxy-address \"127.0.0.9:5060\"
      transport-type udp
      activate
      exit
    proxy-ip 1
      proxy-address 127.0.0.10
      activate
      exit
    exit
  ip-group 7
    type server
    name IPG_Telekom
    proxy-set-name Telekom
    sip-group-name tel.t-online.de
    activate
    exit
configure voip
(config-voip)# sip-definition account 5
(account-5)# account-name \"+4930123456789\"
(account-5)# application-type sbc
(account-5)# served-ip-group-name PBX
(account-5)# serving-ip-group-name IPG_Telekom
(account-5)# user-name \"email@t-online.de\"
(account-5)# password \"43LSyk+?\"
(account-5)# contact-user \"+4930123456789\"
(account-5)# register reg
(account-5)# registrar-stickiness enable
(account-5)# registrar-search-mode by-ims-spec
(account-5)# activate
(account-5)# exit
  sip-definition proxy-and-registration
    registration-time 480
    expl-un-reg enable
    activate
    exit
exit
write
";

fn a_script_of_a_device_is_carried_out() {
    let bench = Bench::new(MINIMAL);
    let path = bench.sandbox.write("script.txt", DEVICE);
    let path = path.to_string_lossy();
    let before = bench.text();
    let said = bench.tell(&["-n", "-f", &path]);
    assert!(
        said.out.contains("would be added: +4930123456789\n"),
        "{said:?}"
    );
    assert!(!said.out.contains("43LSyk"), "{said:?}");
    assert_eq!(bench.text(), before);
    let said = bench.tell(&["-f", &path]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for note in [
        "script.txt:6:24: note: tls-port has no meaning here",
        ": note: type has",
        ": note: application-type",
    ] {
        assert!(said.err.contains(note), "{note}: {said:?}");
    }
    let head =
        "\n[[sip_interface]]\nname = \"Wan side\"\naddress = \"127.0.0.1\"\nudp_port = 5080\n";
    let set = "\n[[proxy_set]]\nname = \"Telekom\"\nsip_interface = \"Wan side\"\nkeep_alive = \"options\"\n\
               hot_swap = true\nredundancy = \"homing\"\n\
               proxy = [{ address = \"127.0.0.9:5060\", transport = \"udp\" }, { address = \"127.0.0.10\" }]\n";
    let group = "\n[[ip_group]]\nname = \"IPG_Telekom\"\nproxy_set = \"Telekom\"\n\
                 sip_group_name = \"tel.t-online.de\"\n";
    let account = "\n[[account]]\nindex = 5\nname = \"+4930123456789\"\nserved_ip_group = \"PBX\"\n\
                   serving_ip_group = \"IPG_Telekom\"\nuser_name = \"email@t-online.de\"\n\
                   password = \"43LSyk+?\"\ncontact_user = \"+4930123456789\"\nregister = \"regular\"\n\
                   registrar_stickiness = \"enable\"\nregistrar_search_mode = \"ims\"\n";
    let global = "\n[registration]\nregistration_time_secs = 480\nunregistration_mode = \"all\"\n";
    let wanted = MINIMAL
        .replace("\n[[proxy_set]]", &format!("{head}\n[[proxy_set]]"))
        .replacen("\n[[ip_group]]", &format!("{set}\n[[ip_group]]"), 1)
        .replace("\n[[account]]", &format!("{group}\n[[account]]"))
        + account
        + global;
    assert_eq!(bench.text(), wanted);
    // Once more it changes nothing: numbers now stand for the rows that are there.
    let again = DEVICE
        .replace("proxy-set 4", "proxy-set 1")
        .replace("ip-group 7", "ip-group 2");
    assert_eq!(bench.scripted(&again), wanted);
}

fn everything_wrong_in_a_script_is_said_in_one_run() {
    let bench = Bench::new(MINIMAL);
    let said = bench.unscripted(
        "configure voip\n\
         sip-definition account 0\n\
         \x20 password hunter2?\n\
         \x20 registr reg\n\
         \x20 register sometimes\n\
         \x20 served-ip-group-name Nobody\n\
         \x20 user-name a b\n\
         \x20 user-name\n\
         \x20 password \"hunter2\n\
         \x20 ip-group 1\n\
         exit\n\
         ip-grup 3\n\
         proxy-set new\n\
         \x20 proxy-nam x\n\
         \x20 proxy-ip 0\n\
         \x20   weight 1\n\
         \x20   exit\n\
         exit\n\
         proxy-ip 0\n\
         no ip-group 0\n\
         configure system\n\
         sip-definition\n\
         sip-definition account\n\
         exit\n\
         ip-group 0 1\n\
         exit\n\
         ip-group 99\n\
         activate\n\
         exit\n\
         sip-definition account 9\n\
         \x20 register gin\n",
    );
    let wanted = [
        "s:3:12: error: a question mark asks for help here",
        "s:4:3: error: account has no parameter \"registr\"",
        "s:5:12: error: register is \"sometimes\", which is none of its words",
        "s:6:24: error: served-ip-group-name is \"Nobody\", but there is no such ip-group",
        "s:7:15: error: there is more on the line than one value",
        "s:8:3: error: user-name has no value",
        "s:9:12: error: the double quote is not closed on this line",
        "s:10:3: error: account has no parameter \"ip-group\"",
        "s:12:1: error: \"ip-grup\" is not known here",
        "s:13:1: error: a new proxy-set needs a number here",
        "s:14:3: error: proxy-set has no parameter \"proxy-nam\"",
        "s:19:1: error: proxy-ip stands inside of a proxy-set",
        "s:20:4: error: ip-group 0 is in use by account \"main\" (serving-ip-group-name)",
        "s:21:11: error: \"system\" has no counterpart here",
        "s:22:1: error: \"sip-definition\" is not known here",
        "s:23:1: error: account needs a number",
        "s:25:12: error: there is more on the line than one value",
        "s:27:1: error: a new ip-group needs a name",
        "s:30:1: error: account 9 was changed and never activated",
    ];
    let found: Vec<&str> = said.lines().filter(|line| line.starts_with("s:")).collect();
    assert_eq!(found, wanted, "{said}");
    let hints = said
        .lines()
        .filter(|line| line.starts_with("  hint: "))
        .count();
    assert_eq!(hints, wanted.len(), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}

/// The seed: a password with a question mark is enclosed in double quotes.
fn a_password_with_a_question_mark_stands_in_quotes() {
    let bench = Bench::new(MINIMAL);
    let row = |password: &str| {
        format!("configure voip\nsip-definition account 0\npassword {password}\nactivate\nexit\n")
    };
    let said = bench.unscripted(&row("43LSyk+?"));
    assert!(
        said.contains("hint: put the whole value into double quotes"),
        "{said}"
    );
    assert!(
        bench
            .scripted(&row("\"43LSyk+?\""))
            .contains("password = \"43LSyk+?\"\n")
    );
    assert!(
        bench
            .scripted(&row("\"a \\\"b\\\" \\\\ \\c!#\""))
            .contains(r#"password = 'a "b" \ \c!#'"#)
    );
}

fn what_a_row_lacks_in_the_end_is_said_at_the_row() {
    let bench = Bench::new(MINIMAL);
    let said = bench.unscripted(
        "configure voip\n\nproxy-set 1\nproxy-name x\nsbcipv4-sip-int-name outside\nactivate\nexit\n\
         sip-definition account 7\naccount-name fax\nactivate\nserved-ip-group-name PBX\n\
         password-file none\nuser-name u\nactivate\n",
    );
    assert!(
        said.contains("s:3:1: error: proxy set \"x\": missing key \"proxy\""),
        "{said}"
    );
    assert!(
        said.contains("s:8:1: error: account \"fax\": missing key \"serving_ip_group\""),
        "{said}"
    );
    assert!(
        said.contains("s:12:15: error: account \"fax\": password file \"none\""),
        "{said}"
    );
}

const TWO: &str = "configure voip\nsip-definition account 0\ncontact-user x\nactivate\n\
                   password-file none\nactivate\nhost-name h.example\nactivate\nexit\n";

fn all_of_a_script_counts_or_nothing() {
    let bench = Bench::new(MINIMAL);
    let said = bench.unscripted(TWO);
    assert!(
        said.contains("s:5:15: error: account \"main\": password file \"none\""),
        "{said}"
    );
    assert_eq!(bench.names(), ["main.secret", "regent.toml", "script.txt"]);
}

fn each_activation_counts_where_that_is_wanted() {
    let bench = Bench::new(MINIMAL);
    let path = bench.sandbox.write("script.txt", TWO);
    let said = bench.tell(&["--each", "-f", &path.to_string_lossy()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(bench.text(), MINIMAL.replace("4930123456", "x"));
    // What is no script at all is not begun.
    let path = bench.sandbox.write("script.txt", &format!("{TWO}what\n"));
    let said = bench.tell(&["--each", "-f", &path.to_string_lossy()]);
    assert!(said.err.contains("\"what\" is not known here"), "{said:?}");
    assert!(!said.out.contains("written"), "{said:?}");
}

fn rows_are_removed_and_reset_as_on_a_device() {
    let bench = Bench::new(MINIMAL);
    let text = bench.scripted(
        "configure voip\nsip-definition account 0\nno contact-user\nactivate\nexit\n\
         proxy-set carrier\nproxy-ip 1\nproxy-address 127.0.0.2:5060\nactivate\nexit\n\
         no proxy-ip 0\nexit\nend\n",
    );
    assert_eq!(
        text,
        MINIMAL
            .replace("contact_user = \"4930123456\"\n", "")
            .replace("127.0.0.1:5060", "127.0.0.2:5060")
    );
    let text = bench.scripted("configure voip\nsip-definition account main\ndefaults\nexit\n");
    assert!(
        text.ends_with(
            "name = \"main\"\nserved_ip_group = \"PBX\"\nserving_ip_group = \"Carrier\"\n"
        ),
        "{text}"
    );
    let text = bench.scripted(
        "configure voip\nno sip-definition account 0\nno ip-group 1\nno ip-group 0\nno proxy-set 0\n\
         no sip-interface 0\nip-group new\nname first\nactivate\nsip-group-name a.example\nexit\nexit\n",
    );
    assert!(
        text.ends_with("[[ip_group]]\nname = \"first\"\nsip_group_name = \"a.example\"\n"),
        "{text}"
    );
    assert!(
        text.starts_with("# The smallest useful configuration"),
        "{text}"
    );
}

fn what_is_shown_as_a_script_changes_nothing() {
    let bench = Bench::new(MINIMAL);
    bench.scripted(DEVICE);
    let text = bench.text();
    let script = bench.done(&["show"]);
    assert!(!script.contains("43LSyk"), "{script}");
    assert_eq!(bench.scripted(&script), text);
    let row = bench.done(&["account", "show", "5", "--script"]);
    assert_eq!(bench.scripted(&row), text);
    // A new file of the same, but for the password.
    let other = Bench::new("");
    let made = other.scripted(&script);
    assert_eq!(
        regent::config::load("t", &made).diagnostics.errors(),
        0,
        "{made}"
    );
    assert_eq!(
        other.done(&["show"]),
        script
            .replace("        ! password is not shown\n", "")
            .replace("    ! password is not shown\n", "")
    );
    let said = bench.script("configure voip\nip-group 0\ndisplay\nexit\nshow running-config\n");
    let row = said
        .out
        .lines()
        .find(|line| line.contains("sip-group-name"));
    assert!(
        row.is_some_and(|row| row.ends_with(" carrier.example")),
        "{said:?}"
    );
    assert!(
        said.out.contains("\n  sip-definition account 5\n"),
        "{said:?}"
    );
}

fn a_script_comes_from_the_standard_input_too() {
    let bench = Bench::new(MINIMAL);
    for (at, arguments) in [&["-f", "-"][..], &[]].into_iter().enumerate() {
        let mut child = Command::new(program())
            .args(["configure", "-c"])
            .arg(&bench.file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut input = child.stdin.take().expect("a pipe");
        write!(
            input,
            "configure voip\nip-group 1\ncontact-user u{at}\nexit\n"
        )
        .expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        assert!(
            bench
                .text()
                .contains(&format!("contact_user = \"u{at}\"\n")),
            "{output:?}"
        );
    }
    // Nobody has said anything.
    let said = bench.refused(2, &[]);
    assert!(
        said.contains("what is to be configured is missing"),
        "{said}"
    );
}
