//! Ini files of devices: imported, exported, and run as they are.

mod random;
mod running;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use libtest_mimic::Trial;
use regent::config::import::{self, Limits, Passwords, Surroundings};
use serde_json::Value;

use crate::harness::{Said, Sandbox, User, program, read_text, regent, run};

pub(crate) fn trials() -> Vec<Trial> {
    let own = trials![[];
        a_device_moves_over_with_its_passwords,
        what_is_there_is_not_written_over,
        what_is_read_is_never_written_over,
        rows_that_fail_are_told_and_the_rest_is_written_unless_strict,
        a_report_is_text_or_json,
        the_standard_input_is_read_and_the_standard_output_written,
        wrong_usage_is_told_apart,
        hidden_passwords_come_from_a_file_that_only_the_owner_reads,
        an_export_comes_back,
        an_ini_file_is_checked_as_it_is,
        five_thousand_rows_take_less_than_a_second,
        the_documented_columns_are_up_to_date,
    ];
    [own, random::trials(), running::trials()]
        .into_iter()
        .flatten()
        .collect()
}

/// The sample that is shipped, and how its interfaces are mapped here.
const SAMPLE: &str = include_str!("../../conf/sample-account-table.ini");
const MAPPED: [&str; 4] = [
    "--interface",
    "WAN=127.0.0.1",
    "--interface",
    "LAN=127.0.0.2",
];

/// Runs `regent import device.ini` on a text.
#[track_caller]
fn import_text(sandbox: &Sandbox, text: &str, arguments: &[&str]) -> Said {
    sandbox.write("device.ini", text);
    let all = [&["import", "device.ini"][..], &MAPPED, arguments].concat();
    regent(sandbox, User::Same, &all)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn a_device_moves_over_with_its_passwords() {
    let sandbox = Sandbox::new();
    let said = import_text(&sandbox, SAMPLE, &["-o", "regent.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.is_empty(), "{said:?}");
    let sum = "device.ini: 1 Account taken, 1 not applicable (Gateway); 11 other rows taken, 2 not \
               needed; skipped 1 table (0 rows) and 1 parameter; 0 errors, 1 warning\n\
               regent.toml written, with 1 password beside it\n";
    assert!(said.err.ends_with(sum), "{}", said.err);
    let secret = sandbox.path("main.secret");
    assert_eq!(read_text(&secret), "secret\n");
    assert_eq!(mode(&secret), 0o600);
    let text = read_text(&sandbox.path("regent.toml"));
    assert!(!text.contains("\"secret\""), "{text}");
    // rule X1
    assert!(
        text.contains("\nsip_max_rtx = 7  # the device's default\n"),
        "{text}"
    );
    let checked = regent(&sandbox, User::Same, &["check", "regent.toml"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let left: Vec<_> = fs::read_dir(sandbox.path("")).unwrap().collect();
    let hidden = left.iter().flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert!(!hidden, "{left:?}");
}

fn what_is_there_is_not_written_over() {
    let sandbox = Sandbox::new();
    let again = |arguments: &[&str]| {
        let arguments = [&["-o", "regent.toml"], arguments].concat();
        import_text(&sandbox, SAMPLE, &arguments)
    };
    assert_eq!(again(&[]).code, Some(0));
    // The same once more changes nothing that anybody would miss.
    assert_eq!(again(&[]).code, Some(0));
    sandbox.write("main.secret", "another\n");
    let said = again(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = "error: main.secret is there already; nothing is written\n  hint: --force";
    assert!(
        said.err
            .replace("hint", "  hint")
            .contains("main.secret is there already"),
        "{said:?}"
    );
    assert!(said.err.contains("--force"), "{wanted}: {said:?}");
    assert_eq!(read_text(&sandbox.path("main.secret")), "another\n");
    assert_eq!(again(&["--force"]).code, Some(0));
    assert_eq!(read_text(&sandbox.path("main.secret")), "secret\n");
}

/// Not by force either: it may be the only copy of a device's file.
fn what_is_read_is_never_written_over() {
    let sandbox = Sandbox::new();
    sandbox.write("device.ini", SAMPLE);
    let good = "[[sip_interface]]\nname = \"i\"\naddress = \"127.0.0.1\"\n";
    sandbox.write("regent.toml", good);
    std::os::unix::fs::symlink("device.ini", sandbox.path("link")).unwrap();
    for (words, wanted) in [
        (
            &["import", "device.ini", "--force", "-o", "device.ini"][..],
            "device.ini is the file that is read",
        ),
        (
            &["import", "device.ini", "--force", "-o", "link"],
            "link is the file that is read",
        ),
        (
            &["import", "device.ini", "-o", "x.toml", "--report", "link"],
            "link is the file that is read",
        ),
        (
            &["export", "regent.toml", "--force", "-o", "./regent.toml"],
            "./regent.toml is the file that is read",
        ),
        (
            &["import", "regent.toml", "-o", "x.toml"],
            "regent.toml is a configuration already",
        ),
    ] {
        let mapped = match words[0] {
            "import" => &MAPPED[..],
            _ => &[],
        };
        let said = regent(&sandbox, User::Same, &[words, mapped].concat());
        assert_eq!(said.code, Some(2), "{words:?}: {said:?}");
        assert!(said.err.contains(wanted), "{words:?}: {said:?}");
        assert_eq!(read_text(&sandbox.path("device.ini")), SAMPLE);
        assert_eq!(read_text(&sandbox.path("regent.toml")), good);
        assert!(!sandbox.path("x.toml").exists(), "{words:?}");
    }
}

fn rows_that_fail_are_told_and_the_rest_is_written_unless_strict() {
    let text = SAMPLE.replace(
        "[ \\Account ]",
        "Account 2 = \"fax\", -1, \"IPG_PBX\", \"IPG_Carier\", \"u\", \"\", \"\", \"1\", 1, 0, 0, \
         0, 2, 0, 0, 0, 0;\nAccount 3 = \"short\", -1;\n[ \\Account ]",
    );
    let line = text
        .lines()
        .position(|line| line.starts_with("Account 2"))
        .unwrap()
        + 1;
    let sandbox = Sandbox::new();
    let strict = import_text(&sandbox, &text, &["-o", "regent.toml", "--strict"]);
    assert_eq!(strict.code, Some(1), "{strict:?}");
    assert!(!sandbox.path("regent.toml").exists());
    assert!(!sandbox.path("main.secret").exists());
    let said = import_text(&sandbox, &text, &["-o", "regent.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = format!(
        "device.ini:{line}:35: error: account \"fax\": IP group \"IPG_Carier\" does not exist \
         (ServingIPGroupName)\n  hint: did you mean \"IPG_Carrier\"?"
    );
    assert!(said.err.contains(&wanted), "{}", said.err);
    let short = format!(
        "device.ini:{}:1: error: Account 3: the row has 2 cells",
        line + 1
    );
    assert!(said.err.contains(&short), "{}", said.err);
    assert!(
        said.err.contains("1 Account taken, 2 failed"),
        "{}",
        said.err
    );
    let checked = regent(&sandbox, User::Same, &["check", "regent.toml"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

fn a_report_is_text_or_json() {
    let sandbox = Sandbox::new();
    let said = import_text(
        &sandbox,
        SAMPLE,
        &["-o", "a.toml", "--report", "report.txt"],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = read_text(&sandbox.path("report.txt"));
    let line = |start: &str| {
        SAMPLE
            .lines()
            .position(|line| line.starts_with(start))
            .unwrap()
            + 1
    };
    for wanted in [
        format!(
            "device.ini:{}:1: Account 0 \"main\": taken\n",
            line("Account 0")
        ),
        format!(
            "device.ini:{}:61:   taken: Password -> password_file = \"main.secret\"\n",
            line("Account 0")
        ),
        format!(
            "device.ini:{}:70: Account 1: not applicable: ApplicationType 0 is the Gateway \
             application\n",
            line("Account 1")
        ),
        "device.ini:1:1: defaulted: SIPMaxRtx -> sip_max_rtx = 7 (the file does not say, and the \
         device's default is not regent's)\n"
            .to_owned(),
        "skipped: parameter \"SyslogServerIP\"\n".to_owned(),
    ] {
        assert!(report.contains(&wanted), "{wanted}{report}");
    }
    let said = import_text(&sandbox, SAMPLE, &["-o", "b.toml", "--json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["summary"]["accounts_taken"], 1);
    assert_eq!(report["summary"]["accounts_not_applicable"], 1);
    let rows = report["rows"].as_array().unwrap();
    let main = rows.iter().find(|row| row["name"] == "main").unwrap();
    assert_eq!(main["outcome"], "taken");
    assert_eq!(main["cells"][0]["key"], "index");
    assert!(!said.output.contains("\"secret\""), "{said:?}");
}

fn the_standard_input_is_read_and_the_standard_output_written() {
    let sandbox = Sandbox::new();
    sandbox.write("device.ini", SAMPLE);
    let program = program();
    let script = format!(
        "'{}' import - --interface WAN=127.0.0.1 --interface LAN=127.0.0.2 < device.ini",
        program.display()
    );
    let said = run(&sandbox, User::Same, Path::new("/bin/sh"), &["-c", &script]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.starts_with("# Imported from standard input.\n"),
        "{said:?}"
    );
    assert!(
        said.err
            .contains("1 password not written: give --output FILE"),
        "{said:?}"
    );
    // A dash is the standard output by any option, and no file.
    let dashed = import_text(&sandbox, SAMPLE, &["-o", "-"]);
    assert_eq!(dashed.code, Some(0), "{dashed:?}");
    assert!(
        dashed.out.starts_with("# Imported from device.ini.\n"),
        "{dashed:?}"
    );
    let both = import_text(&sandbox, SAMPLE, &["-o", "-", "--report", "-"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    sandbox.write("main.secret", "secret\n");
    sandbox.write("regent.toml", &dashed.out);
    let shown = regent(&sandbox, User::Same, &["export", "regent.toml", "-o", "-"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.out.contains("\n[ Account ]\n"), "{shown:?}");
    assert!(!sandbox.path("-").exists());
}

fn wrong_usage_is_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.write("device.ini", SAMPLE);
    let good = "[[sip_interface]]\nname = \"i\"\naddress = \"127.0.0.1\"\n";
    sandbox.write("regent.toml", good);
    for wrong in [
        &["import"][..],
        &["import", "device.ini", "--json"],
        &["import", "device.ini", "--report", "-"],
        &["import", "device.ini", "--force"],
        &["import", "device.ini", "--interface", "WAN"],
        &["import", "device.ini", "--interface", "WAN=here"],
        &["import", "device.ini", "--max-accounts", "0"],
        &["check", "regent.toml", "--interface", "WAN=127.0.0.1"],
    ] {
        let said = regent(&sandbox, User::Same, wrong);
        assert_eq!(said.code, Some(2), "{wrong:?}: {said:?}");
    }
    let said = regent(&sandbox, User::Same, &["import", "none.ini"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.starts_with("error: cannot read none.ini: "),
        "{said:?}"
    );
}

fn hidden_passwords_come_from_a_file_that_only_the_owner_reads() {
    let text = SAMPLE.replace("$1$AHNkYXFhcQ==", "$7$AHNkYXFhcQ==");
    let sandbox = Sandbox::new();
    let said = import_text(&sandbox, &text, &["-o", "regent.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("`main = PASSWORD`, by --passwords FILE"),
        "{said:?}"
    );
    sandbox.write("passwords", "main = open sesame\n");
    let supplied = ["-o", "other.toml", "--passwords", "passwords"];
    let said = import_text(&sandbox, &text, &supplied);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(read_text(&sandbox.path("main.secret")), "open sesame\n");
    assert!(!said.output.contains("sesame"), "{said:?}");
    sandbox.set_mode("passwords", 0o644);
    let said = import_text(&sandbox, &text, &supplied);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("may be read by every user"), "{said:?}");
}

fn an_export_comes_back() {
    let sandbox = Sandbox::new();
    let said = import_text(&sandbox, SAMPLE, &["-o", "regent.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let bare = regent(&sandbox, User::Same, &["export", "regent.toml"]);
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert!(
        bare.err.contains("passwords left out: 1; --with-passwords"),
        "{bare:?}"
    );
    let all = [
        "export",
        "regent.toml",
        "-o",
        "again.ini",
        "--with-passwords",
    ];
    let said = regent(&sandbox, User::Same, &all);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.err.contains("not in the ini file"), "{said:?}");
    assert_eq!(mode(&sandbox.path("again.ini")), 0o600);
    let folder = sandbox.directory("again");
    fs::rename(sandbox.path("again.ini"), folder.join("again.ini")).unwrap();
    let back = ["import", "again/again.ini", "-o", "again/regent.toml"];
    assert_eq!(regent(&sandbox, User::Same, &back).code, Some(0));
    assert_eq!(read_text(&folder.join("main.secret")), "secret\n");
    // The places of rows stand in comments.
    let bare = |path: &Path| {
        let text = read_text(path);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let lines = lines.map(|line| line.split("  #").next().unwrap_or_default().to_owned());
        lines.collect::<Vec<String>>()
    };
    assert_eq!(
        bare(&folder.join("regent.toml")),
        bare(&sandbox.path("regent.toml"))
    );
}

fn an_ini_file_is_checked_as_it_is() {
    let sandbox = Sandbox::new();
    // By its name, and by what is in it.
    for name in ["device.ini", "device.txt"] {
        sandbox.write(name, SAMPLE);
        let all = [&["check", name][..], &MAPPED].concat();
        let said = regent(&sandbox, User::Same, &all);
        assert_eq!(said.code, Some(0), "{said:?}");
        let foreign = regent(&sandbox, User::Same, &["check", name]);
        assert_eq!(foreign.code, Some(1), "{foreign:?}");
        assert!(
            foreign.out.contains("--interface LAN=ADDRESS"),
            "{foreign:?}"
        );
    }
}

/// A device of this many Accounts.
fn large(rows: usize) -> String {
    use std::fmt::Write as _;
    let mut text = "[ InterfaceTable ]\nFORMAT Index = IPAddress, InterfaceName;\n\
                    InterfaceTable 0 = 192.0.2.1, \"N\";\n[ \\InterfaceTable ]\n\
                    [ SIPInterface ]\nFORMAT Index = InterfaceName, NetworkInterface;\n\
                    SIPInterface 0 = \"i\", \"N\";\n[ \\SIPInterface ]\n\
                    [ ProxySet ]\nFORMAT Index = ProxyName, SBCIPv4SIPInterfaceName;\n\
                    ProxySet 0 = \"s\", \"i\";\n[ \\ProxySet ]\n\
                    [ ProxyIp ]\nFORMAT Index = ProxySetId, IpAddress;\n\
                    ProxyIp 0 = \"0\", \"192.0.2.9\";\n[ \\ProxyIp ]\n\
                    [ IPGroup ]\nFORMAT Index = Name, ProxySetName;\n"
        .to_owned();
    for row in 0..rows {
        writeln!(text, "IPGroup {row} = \"g{row}\", \"s\";").unwrap();
    }
    text.push_str(
        "[ \\IPGroup ]\n[ Account ]\nFORMAT Index = AccountName, ServedTrunkGroup, \
         ServedIPGroupName, ServingIPGroupName, Username, Password, HostName, ContactUser, \
         Register, RegistrarStickiness, RegistrarSearchMode, RegEventPackageSubscription, \
         ApplicationType, RegByServedIPG, UDPPortAssignment, ReRegisterOnInviteFailure, \
         AcceptDHCPConfiguration;\n",
    );
    for row in 0..rows {
        writeln!(
            text,
            "Account {row} = \"account {row}\", -1, \"g{row}\", \"g{}\", \"u{row}\", \
             \"$1$0oKyp6ahuKq9\", \"carrier.example\", \"+49{row}\", 1, 1, 0, 0, 2, 0, 0, 0, 0;",
            (row + 1) % rows
        )
        .unwrap();
    }
    text
}

/// The figure that counts is that of a program that was built for use; this one was not, and shares
/// the machine with other trials.
fn five_thousand_rows_take_less_than_a_second() {
    let text = large(5_000);
    let surroundings = Surroundings {
        interfaces: &[],
        is_local: &|_| true,
        passwords: &Passwords::default(),
        limits: Limits {
            accounts: 5_000,
            per_served: 30,
        },
    };
    let start = Instant::now();
    let imported = import::import("device.ini", &text, &surroundings);
    let took = start.elapsed();
    assert!(imported.report.is_complete(), "{}", imported.report);
    assert_eq!(imported.report.summary.accounts_taken, 5_000);
    assert_eq!(imported.secrets.len(), 5_000);
    eprintln!("5,000 rows: {took:?}");
    let limit = if cfg!(debug_assertions) { 20 } else { 1 };
    assert!(took.as_secs() < limit, "{took:?}");
}

/// `docs/import.md` has the table of what is taken. `REGENT_BLESS=1` writes it anew.
fn the_documented_columns_are_up_to_date() -> Result<(), String> {
    const BEGIN: &str = "<!-- generated: what is taken -->\n";
    const END: &str = "<!-- end -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/import.md");
    let text = read_text(&path);
    let (before, rest) = text.split_once(BEGIN).ok_or("no beginning")?;
    let (found, after) = rest.split_once(END).ok_or("no end")?;
    let wanted = import::documentation();
    if found == wanted {
        return Ok(());
    }
    if std::env::var_os("REGENT_BLESS").is_some() {
        let text = format!("{before}{BEGIN}{wanted}{END}{after}");
        return fs::write(&path, text).map_err(|error| error.to_string());
    }
    Err("docs/import.md differs from the table of options; run with REGENT_BLESS=1".to_owned())
}
