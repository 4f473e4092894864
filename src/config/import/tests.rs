use std::collections::BTreeSet;
use std::net::IpAddr;

use super::*;
use crate::config::{KeepAlive, Redundancy, Register, SearchMode, Stickiness};

#[cfg(test)]
mod odd;

/// What stands around the rows of a test, in the dialect of 7.0 and 7.2.
const OLD: &str = include_str!("tests/device.ini");

const ACCOUNT_7_0: &str = "\
[ Account ]

FORMAT Account_Index = Account_ServedTrunkGroup, Account_ServedIPGroupName, Account_ServingIPGroupName, Account_Username, Account_Password, Account_HostName, Account_Register, Account_ContactUser, Account_ApplicationType;
";

const ROW_7_0: &str = "Account 0 = -1, \"Lync\", \"Carrier IP Group\", \"User\", \"$1$0oKyp6ahuKq9\", \"sip.carrier.com.au:5060\", 1, \"User\", 2;\n";

/// Imports on a host that has every address.
fn anywhere(text: &str) -> Imported {
    with(text, "", &[], &|_| true)
}

fn with(
    text: &str,
    passwords: &str,
    interfaces: &[(&str, &str)],
    is_local: &dyn Fn(IpAddr) -> bool,
) -> Imported {
    let passwords = Passwords::read(passwords).unwrap();
    let interfaces = interfaces
        .iter()
        .map(|(name, address)| ((*name).to_owned(), address.parse().unwrap()));
    let interfaces: Vec<_> = interfaces.collect();
    let surroundings = Surroundings {
        interfaces: &interfaces,
        is_local,
        passwords: &passwords,
        limits: Limits::default(),
    };
    let imported = import("device.ini", text, &surroundings);
    // What comes out is good, whatever went in.
    let again = crate::config::load("regent.toml", &imported.toml);
    assert_eq!(
        again.diagnostics.errors(),
        0,
        "{}\n{}",
        again.diagnostics,
        imported.toml
    );
    assert!(imported.config.is_some());
    imported
}

/// The errors and warnings, without hints.
fn said(imported: &Imported) -> Vec<String> {
    let findings = imported.report.findings.iter();
    findings
        .map(|one| {
            format!(
                "{}:{}: {}: {}",
                one.line, one.column, one.severity, one.message
            )
        })
        .collect()
}

fn old(rows: &str) -> String {
    format!("{OLD}{ACCOUNT_7_0}{rows}\n[ \\Account ]\n")
}

/// The line of a text, from 1.
fn line(text: &str, start: &str) -> usize {
    text.lines()
        .position(|line| line.starts_with(start))
        .unwrap()
        + 1
}

#[test]
fn a_file_of_7_0_is_followed_from_account_to_network_interface() {
    let imported = anywhere(&old(ROW_7_0));
    assert_eq!(said(&imported), [""; 0], "{}", imported.toml);
    let config = imported.config.clone().unwrap();
    assert_eq!(config.registration.registration_time_secs, 600);
    // rule X1
    assert_eq!(config.registration.sip_max_rtx, 7);
    let account = &config.accounts[0];
    assert_eq!((account.index, &*account.name), (0, "account-0"));
    assert_eq!(account.register, Register::Regular);
    assert_eq!(account.user(), "User");
    // rule I1
    assert_eq!(account.host(), Some("sip.carrier.com.au"));
    assert_eq!(
        account.host_name.as_deref(),
        Some("sip.carrier.com.au:5060")
    );
    let credentials = account.credentials.as_ref().unwrap();
    assert_eq!(credentials.password.reveal(), "Password");
    let set = account.serving.proxy_set.as_ref().unwrap();
    assert_eq!(&*set.name, "Carrier Set");
    assert_eq!(set.keep_alive, KeepAlive::Options);
    assert_eq!(
        (set.keep_alive_secs, set.redundancy),
        (30, Redundancy::Homing)
    );
    assert_eq!(set.keep_alive_failure_responses, [407, 404]);
    assert_eq!(set.sip_interface.address.to_string(), "198.51.100.1");
    let first = &set.proxies[0];
    assert_eq!(first.address().unwrap().to_string(), "203.0.113.9:5060");
    assert_eq!(set.proxies.len(), 2);
    let names: Vec<&String> = imported.secrets.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["account-0.secret"]);
    let sum = imported.report.summary;
    assert_eq!((sum.accounts_taken, sum.others_not_needed), (1, 1));
    assert_eq!(
        (sum.skipped_tables, sum.skipped_rows, sum.skipped_parameters),
        (2, 1, 2)
    );
    assert!(!imported.toml.contains("Password"));
    assert!(!imported.report.to_string().contains("Password\""));
}

#[test]
fn rows_of_7_2_and_7_4_are_read_by_the_names_of_their_columns() {
    let seven_two = "\
[Account]
FORMAT Account_Index = Account_ServedTrunkGroup, Account_ServedIPGroupName, Account_ServingIPGroupName, Account_Username, Account_Password, Account_HostName, Account_ContactUser, Account_Register, Account_RegistrarStickiness, Account_RegistrarSearchMode, Account_RegEventPackageSubscription, Account_ApplicationType, Account_RegByServedIPG, Account_UDPPortAssignment;
Account 3 = -1, \"Lync\", \"Carrier IP Group\", \"u\", \"$1$AHNkYXFhcQ==\", \"h.example\", \"49301\", 2, 1, 1, 1, 2, 1, 0;
[\\Account]
";
    let seven_four = "\
[ Account ]

FORMAT Index = AccountName, ServedTrunkGroup, ServedIPGroupName, ServingIPGroupName, Username, Password, HostName, ContactUser, Register, RegistrarStickiness, RegistrarSearchMode, RegEventPackageSubscription, ApplicationType, RegByServedIPG, UDPPortAssignment, ReRegisterOnInviteFailure, AcceptDHCPConfiguration;
Account 0 = \"+4930123456789\", -1, \"Carrier IP Group\", \"Carrier IP Group\", \"email@t-online.de\", \"$1$0oKyp6ahuKq9\", \"tel.t-online.de\", \"+4930123456789\", 1, 2, 0, 0, 2, 0, 0, 1, 0;

[ \\Account ]
";
    // Both in one file, with the line ends of some devices.
    let text = format!("{OLD}{seven_two}{seven_four}").replace('\n', "\r\n");
    let imported = anywhere(&text);
    assert_eq!(said(&imported), [""; 0]);
    let config = imported.config.clone().unwrap();
    let [new, old] = &config.accounts[..] else {
        panic!("{}", imported.report)
    };
    assert_eq!(&*new.name, "+4930123456789");
    assert_eq!(new.registrar_stickiness, Stickiness::EnableForNonRegister);
    assert!(new.re_register_on_invite_failure);
    assert_eq!(new.served, new.serving);
    assert_eq!((old.index, &*old.name), (3, "account-3"));
    assert_eq!(old.register, Register::Gin);
    assert_eq!(old.registrar_search_mode, SearchMode::Ims);
    assert!(old.reg_event_package_subscription);
    assert_eq!(
        old.credentials.as_ref().unwrap().password.reveal(),
        "secret"
    );
    let files: Vec<&str> = imported.secrets.iter().map(|(name, _)| &**name).collect();
    assert_eq!(files, ["+4930123456789.secret", "account-3.secret"]);
}

#[test]
fn cells_are_quoted_bare_empty_or_default_in_any_order() {
    let text = format!(
        "{OLD}; no closer, comments between title and FORMAT, a subset of columns in other order\n\
         [account]\n; a comment\n  format index = applicationtype , contactuser,Register, \
         ServingIPGroupName, servedipgroupname, UserName, RegistrarStickiness, HostName;\n\
         Account 5 = 2, 4930,1, Carrier IP Group, \"Lync\", \"a, \\b;c\",$$, ;\n\
         account 7=2,\"4931\",$$,\"Carrier IP Group\",Carrier IP Group,,\"\",\"$$\"; ; said\n\
         AccountRegistrarAvoidanceTime = 60\n"
    );
    let imported = anywhere(&text);
    let config = imported.config.clone().unwrap();
    assert_eq!(config.registration.account_registrar_avoidance_secs, 60);
    let account = &config.accounts[0];
    assert_eq!(account.index, 5);
    assert_eq!(account.contact_user.as_deref(), Some("4930"));
    assert_eq!(
        account.credentials.as_ref().unwrap().user_name.as_ref(),
        "a, \\b;c"
    );
    assert_eq!(account.host_name, None);
    assert_eq!(account.registrar_stickiness, Stickiness::Disable);
    // In quotes it is a text like any other, and no host.
    assert_eq!(config.accounts.len(), 1);
    let last = line(&text, "account 7");
    assert_eq!(
        said(&imported),
        [format!(
            "{last}:63: error: account \"account-7\": host_name is \"$$\", which is no host \
             (HostName)"
        )]
    );
    let row = imported
        .report
        .rows
        .iter()
        .find(|row| row.index == 5)
        .unwrap();
    let outcome = |key: &str| {
        let cell = row.cells.iter().find(|cell| cell.key == Some(key)).unwrap();
        (
            cell.outcome,
            cell.why.as_deref().unwrap_or_default().to_owned(),
        )
    };
    let defaulted = |why: &str| (CellOutcome::Defaulted, why.to_owned());
    assert_eq!(outcome("registrar_stickiness"), defaulted("$$"));
    assert_eq!(
        outcome("host_name"),
        defaulted(
            "the cell is empty: the serving group's sip_group_name, else the registrar's address"
        )
    );
    assert_eq!(
        outcome("registrar_search_mode"),
        defaulted("no such column")
    );
    assert_eq!(outcome("register"), (CellOutcome::Taken, String::new()));
}

#[test]
fn what_is_wrong_with_one_row_leaves_the_others_alone() {
    let rows = [
        (
            "Account 0 = -1, \"Lync\", \"Carrier IP Group\", \"u\", \"p\", \"h\", 1, \"c\", 2;",
            "",
        ),
        (
            "Account 1 = -1, \"Lync\", \"Carrier\", \"u\", \"p\", \"h\", 1, \"c\", 2;",
            "25: error: account \"account-1\": IP group \"Carrier\" does not exist \
             (ServingIPGroupName)",
        ),
        (
            "Account 2 = -1, \"Lync\", \"Carrier IP Group\", \"u\", \"p\", \"h\", 1, \"c\", 2;",
            "25: error: account \"account-2\": served group \"Lync\" and serving group \"Carrier \
             IP Group\" have an account already (ServingIPGroupName)",
        ),
        (
            "Account 3 = -1, \"Carrier IP Group\", \"Lync\", \"u\", \"p\", \"h\", 1, \"c\";",
            "1: error: Account 3: the row has 8 cells, but its FORMAT in line 78 names 9 columns",
        ),
        (
            "Account 4 = 1, \"\", \"\", \"u\", \"p\", \"h\", 1, \"c\", 0;",
            "",
        ),
        (
            "Account 5 = -1, \"Lync\", \"Lync\", \"u\", \"$1$gQ==xx\", \"h\", 1, \"c\", 2;",
            "38: error: Account 5 \"account-5\": Password cannot be read: what follows $1$ is no \
             base64",
        ),
        (
            "Account 6 = -1, \"Lync\", \"Lync\", \"u\", \"p\", \"h\", 7, \"c\", 2;",
            "48: error: Account 6 \"account-6\": Register is \"7\", which stands for nothing known",
        ),
        (
            "Account 0 = -1, \"Lync\", \"Lync\", \"u\", \"p\", \"h\", 1, \"c\", 2;",
            "1: error: Account 0: the index is taken",
        ),
        (
            "Account 8 = -1, \"Lync\", \"Lync\", \"u\", \"p, \"h\", 1, \"c\", 2;",
            "43: error: Account 8: text between the end of a cell and the next comma",
        ),
        ("Account: 9, Lync", "1: error: a line without \"=\""),
        ("Account x = 1;", "1: error: \"x\" is no index of a row"),
    ];
    let lines: Vec<&str> = rows.iter().map(|(row, _)| *row).collect();
    let text = old(&lines.join("\n"));
    let first = line(&text, "Account 0");
    let imported = anywhere(&text);
    let wanted = rows
        .iter()
        .enumerate()
        .filter(|(_, (_, what))| !what.is_empty());
    let wanted: Vec<String> = wanted
        .map(|(number, (_, what))| format!("{}:{what}", first + number))
        .collect();
    assert_eq!(said(&imported), wanted);
    let hinted = imported
        .report
        .findings
        .iter()
        .all(|one| one.hint.is_some());
    assert!(hinted, "{}", imported.report);
    assert_eq!(imported.config.clone().unwrap().accounts.len(), 1);
    let sum = imported.report.summary;
    assert_eq!((sum.accounts_taken, sum.accounts_failed), (1, 7));
    assert_eq!(sum.accounts_not_applicable, 1);
    let said = imported.report.to_string();
    let gateway = "Account 4: not applicable: ApplicationType 0 is the Gateway application\n";
    assert!(said.contains(gateway), "{said}");
    // Hints name lines of the ini file.
    assert!(
        said.contains(&format!("it is account \"account-0\" in line {first}")),
        "{said}"
    );
}

#[test]
fn what_depends_on_a_bad_row_is_not_taken_either() {
    let text = old(ROW_7_0).replace("\"Carrier Set\", 1, 30,", "\"Carrier Set\", 1, 3,");
    let imported = anywhere(&text);
    let at = |start: &str| line(&text, start);
    assert_eq!(
        said(&imported),
        [
            format!(
                "{}:32: error: proxy set \"Carrier Set\": keep_alive_secs is 3, but must be 5 to \
                 2000000 seconds (ProxyKeepAliveTime)",
                at("ProxySet 2")
            ),
            format!(
                "{}:36: error: IPGroup 2 \"Carrier IP Group\": ProxySet 2 \"Carrier Set\" was not \
                 taken",
                at("IPGroup 2")
            ),
            format!(
                "{}:25: error: Account 0 \"account-0\": IPGroup 2 \"Carrier IP Group\" was not \
                 taken",
                at("Account 0")
            ),
        ]
        .iter()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn a_foreign_address_is_an_error_unless_it_is_mapped() {
    let text = old(ROW_7_0);
    let is_local = |address: IpAddr| address.is_loopback();
    let imported = with(&text, "", &[("Voice", "127.0.0.1")], &is_local);
    let at = line(&text, "SIPInterface 1");
    assert_eq!(
        said(&imported)[0],
        format!(
            "{at}:39: error: SIPInterface 1 \"Carrier_Interface\": 198.51.100.1 of network interface \
             \"Carrier\" is no address of this host"
        )
    );
    let hint = imported.report.findings[0].hint.clone().unwrap();
    assert!(hint.ends_with("--interface Carrier=ADDRESS"), "{hint}");
    let mapping = [
        ("Voice", "127.0.0.1"),
        ("Carrier", "127.0.0.2"),
        ("Odd", "127.0.0.3"),
    ];
    let imported = with(&text, "", &mapping, &is_local);
    let config = imported.config.as_ref().unwrap();
    assert_eq!(config.sip_interfaces[1].address.to_string(), "127.0.0.2");
    assert_eq!(
        said(&imported)[0],
        "1:1: error: --interface Odd=127.0.0.3: no interface has that name"
    );
}

#[test]
fn passwords_that_are_hidden_are_supplied() {
    let row = ROW_7_0.replace("$1$0oKyp6ahuKq9", "$4$Zm9v");
    let text = old(&row);
    assert_eq!(anywhere(&text).report.summary.accounts_failed, 1);
    for key in ["0", "account-0"] {
        let imported = with(
            &text,
            &format!("{key} = open sesame\nfax = x\n"),
            &[],
            &|_| true,
        );
        let config = imported.config.as_ref().unwrap();
        let credentials = config.accounts[0].credentials.as_ref();
        let found = credentials.map(|it| it.password.reveal().to_owned());
        assert_eq!(found.as_deref(), Some("open sesame"));
        let wanted = "the password of \"fax\" in line 2 of the passwords is for nobody";
        assert!(said(&imported)[0].contains(wanted), "{:?}", said(&imported));
    }
}

// rule G1
#[test]
fn limits_are_held_and_can_be_raised() {
    let groups: Vec<String> = (10..45)
        .map(|it| {
            format!(
                "IPGroup {it} = 0, \"g{it}\", \"Carrier Set\", \"\", \"\", \"\", 0, \"\", \"\";\n"
            )
        })
        .collect();
    let rows: Vec<String> = (10..45)
        .map(|it| {
            format!("Account {it} = -1, \"Lync\", \"g{it}\", \"u\", \"p\", \"\", 1, \"c\", 2;\n")
        })
        .collect();
    let text = old(&rows.concat()).replace(
        "\n[ \\IPGroup ]",
        &format!("{}[ \\IPGroup ]", groups.concat()),
    );
    let imported = anywhere(&text);
    assert_eq!(imported.report.summary.accounts_taken, 30);
    let said = said(&imported);
    assert_eq!(said.len(), 5);
    let wanted = "error: Account 40 \"account-40\": more than 30 Accounts of served group \"Lync\"";
    assert!(said[0].contains(wanted), "{}", said[0]);
    let surroundings = Surroundings {
        interfaces: &[],
        is_local: &|_| true,
        passwords: &Passwords::default(),
        limits: Limits {
            per_served: 35,
            ..Limits::default()
        },
    };
    let imported = import("device.ini", &text, &surroundings);
    assert_eq!(imported.report.summary.accounts_taken, 35);
    assert!(
        imported
            .toml
            .contains("max_accounts_per_served_ip_group = 35")
    );
}
