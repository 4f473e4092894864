//! What is odd about real files, and what of it is said.

use super::*;
use crate::config::{Host, LoadBalancing};

/// Everything around the Accounts, in few words.
const AROUND: &str = "\
[InterfaceTable]
FORMAT Index = IPAddress, InterfaceName;
InterfaceTable 0 = 192.0.2.1, \"N\";
InterfaceTable 1 = 2001:db8::1, \"N6\";
[SIPInterface]
FORMAT Index = InterfaceName, NetworkInterface, UDPPort, AdditionalUDPPorts;
SIPInterface 0 = \"i\", \"N\", 5060, ;
[ProxySet]
FORMAT Index = ProxyName, SBCIPv4SIPInterfaceName, ProxyRedundancyMode, EnableProxyKeepAlive;
ProxySet 3 = \"s\", \"i\", -1, 1;
[IPGroup]
FORMAT Index = Name, ProxySetName, SIPGroupName;
IPGroup 5 = \"g\", \"s\", ;
[ProxyIp]
FORMAT Index = ProxySetId, IpAddress, TransportType;
ProxyIp 0 = \"3\", \"192.0.2.9\", -1;
";

const ACCOUNT: &str = "\
[Account]
FORMAT Index = ServedIPGroupName, ServingIPGroupName, ContactUser, Register;
Account 4 = \"g\", \"g\", 49, 1;
";

fn around(account: &str) -> String {
    format!("{AROUND}{account}")
}

/// The one thing that is said, with its hint.
fn only(text: &str) -> String {
    let imported = anywhere(text);
    let [one] = &imported.report.findings[..] else {
        panic!("{}", imported.report)
    };
    one.to_string()
}

#[test]
fn few_words_are_enough() {
    let imported = anywhere(&around(ACCOUNT));
    assert_eq!(said(&imported), [""; 0]);
    let config = imported.config.unwrap();
    assert_eq!(config.accounts[0].index, 4);
    assert_eq!(config.accounts[0].host(), None);
    assert!(!config.registration.re_register_on_connection_failure);
}

#[test]
fn parameters_count_where_cells_are_silent() {
    let parameters = "ProxyRedundancyMode = 1\nproxyname = p.example\nProxyDNSQueryType = 1 ; SRV\n\
                      SIPMAXRTX=9\nSIPMaxRtx = 5\nIsRegisterNeeded = 1\nReRegisterOnConnectionFailure = 1\n\
                      UserAgentDisplayInfo = 'My; PBX'\nAccountInviteFailureTriggerCodes = '403', 500\n";
    let imported = anywhere(&format!("{parameters}{}", around(ACCOUNT)));
    assert_eq!(said(&imported), [""; 0]);
    let config = imported.config.clone().unwrap();
    assert_eq!(config.proxy_sets[0].redundancy, Redundancy::Homing);
    assert_eq!(config.proxy_sets[0].load_balancing, LoadBalancing::None);
    assert_eq!(config.accounts[0].host(), Some("p.example"));
    assert_eq!(config.registration.sip_max_rtx, 5);
    assert!(config.registration.re_register_on_connection_failure);
    assert_eq!(&*config.agent.user_agent, "My; PBX");
    assert_eq!(
        config
            .registration
            .account_invite_failure_trigger_codes
            .len(),
        2
    );
    let report = imported.report.to_string();
    for wanted in [
        "device.ini:4:1: dropped: SIPMaxRtx (line 5 says it again)\n",
        "device.ini:6:1: dropped: IsRegisterNeeded (it is of the Gateway application)\n",
    ] {
        assert!(report.contains(wanted), "{wanted}{report}");
    }
}

#[test]
fn a_parameter_that_cannot_be_is_said_and_left_at_its_default() {
    let text = format!("RegistrationTime = 5\n{}", around(ACCOUNT));
    assert_eq!(
        only(&text),
        "device.ini:1:20: error: registration: registration_time_secs is 5, but must be 10 to \
         2000000 seconds (RegistrationTime)"
    );
    let text = format!("RegistrationTime = soon\n{}", around(ACCOUNT));
    assert_eq!(
        only(&text),
        "device.ini:1:20: error: RegistrationTime is \"soon\", which is no number"
    );
}

#[test]
fn old_files_refer_by_index() {
    let text = around(ACCOUNT)
        .replace(
            "ServedIPGroupName, ServingIPGroupName",
            "ServedIPGroup, ServingIPGroup",
        )
        .replace("\"g\", \"g\", 49", "5, 5, 49")
        .replace("Name, ProxySetName", "Name, ProxySetId")
        .replace("\"g\", \"s\"", "\"g\", 3")
        .replace("SBCIPv4SIPInterfaceName, ", "")
        .replace("\"s\", \"i\"", "\"s\"")
        .replace(
            "FORMAT Index = ProxySetId, IpAddress, TransportType",
            "FORMAT ProxyIp_Index = ProxyIp_IpAddress, ProxyIp_TransportType, ProxyIp_ProxySetId",
        )
        .replace("\"3\", \"192.0.2.9\", -1", "192.0.2.9, -1, 3");
    let imported = anywhere(&text);
    assert_eq!(said(&imported), [""; 0], "{text}");
    assert_eq!(imported.config.unwrap().accounts.len(), 1);
}

#[test]
fn ipv6_has_a_column_of_its_own() {
    let text = around(ACCOUNT)
        .replace("SBCIPv4SIPInterfaceName", "SBCIPv6SIPInterfaceName")
        .replace("\"i\", \"N\"", "\"i\", \"N6\"")
        .replace("192.0.2.9", "[2001:db8::9]");
    let imported = anywhere(&text);
    assert_eq!(said(&imported), [""; 0]);
    let config = imported.config.unwrap();
    assert!(config.sip_interfaces[0].address.is_ipv6());
    let Host::Ip(proxy) = config.proxy_sets[0].proxies[0].host else {
        panic!("a name")
    };
    assert!(proxy.is_ipv6());
}

#[test]
fn transports_that_are_not_spoken_are_errors_of_their_row() {
    let text = around(ACCOUNT).replace(
        "\"192.0.2.9\", -1;",
        "\"192.0.2.9\", -1;\nProxyIp 1 = \"3\", \"192.0.2.8\", 2;",
    );
    assert_eq!(
        only(&text),
        "device.ini:17:31: error: proxy set \"s\": proxy 2: transport is \"tls\", which is not \
         supported yet (TransportType)\n  hint: use \"udp\""
    );
    let imported = anywhere(&format!("SIPTransportType = 1\n{text}"));
    assert_eq!(imported.report.summary.accounts_taken, 0);
    assert_eq!(imported.report.summary.accounts_failed, 1);
}

#[test]
fn what_is_closed_or_overlaps_is_said() {
    let closed = around(ACCOUNT).replace("5060", "0");
    let imported = anywhere(&closed);
    let first = &imported.report.findings[0];
    assert!(
        first
            .message
            .ends_with("UDPPort is 0, which closes it for UDP"),
        "{first}"
    );
    let realm = "[CpMediaRealm]\nFORMAT Index = MediaRealmName, IPv4IF, PortRangeStart, PortRangeEnd;\n\
                 CpMediaRealm 0 = \"m\", \"N\", 6000, 6999;\nCpMediaRealm 1 = \"o\", \"N6\", 6000, 6999;\n";
    let text = format!("{realm}{}", around(ACCOUNT)).replace("5060, ;", "5060, \"6999-7010\";");
    let found = only(&text);
    let wanted = "warning: SIPInterface 0 \"i\": AdditionalUDPPorts 6999-7010 overlaps ports \
                  6000-6999 of media realm \"m\" in line 3";
    assert!(found.contains(wanted), "{found}");
}

#[test]
fn gateway_rows_are_told_from_others_without_the_column() {
    let text = around(ACCOUNT)
        .replace(
            "FORMAT Index = ServedIP",
            "FORMAT Index = ServedTrunkGroup, ServedIP",
        )
        .replace("Account 4 = ", "Account 4 = -1, ");
    let text = format!("{text}Account 5 = 2, , , \"x\", 1;\n");
    let sum = anywhere(&text).report.summary;
    assert_eq!((sum.accounts_taken, sum.accounts_not_applicable), (1, 1));
    let text = text.replace("Register;", "Register, ApplicationType;");
    let text = text.replace(", 1;", ", 1, $$;");
    let sum = anywhere(&text).report.summary;
    assert_eq!((sum.accounts_taken, sum.accounts_not_applicable), (0, 2));
}

#[test]
fn no_line_is_lost_for_a_slip_of_the_pen() {
    for (from, to, wanted) in [
        (
            "[Account]",
            "[Acount]",
            "warning: table \"Acount\" is skipped\n  hint: did you mean Account?",
        ),
        (
            "[Account]\n",
            "",
            "error: a row of table \"Account\" in table \"ProxyIp\"",
        ),
        (
            "Account 4 =",
            "Account4 =",
            "error: a row without a table's name and an index before the \"=\"",
        ),
        (
            "Account 4 =",
            "Acount 4 =",
            "error: a row of table \"Acount\" in table \"Account\"",
        ),
        ("Account 4 =", "Account 4 ", "error: a line without \"=\""),
        (
            "Account 4 =",
            "Account -4 =",
            "error: \"-4\" is no index of a row",
        ),
        (
            "[Account]",
            "[Account",
            "error: a title without \"]\" at its end",
        ),
        (
            "49, 1;",
            "\"49, 1;",
            "error: Account 4: a cell without the double quote at its end",
        ),
        (
            "49, 1;",
            "49, 1",
            "warning: Account 4: no semicolon at the end of the row",
        ),
        (
            "49, 1;",
            "49, 1; 2;",
            "warning: Account 4: what stands behind the row's semicolon is skipped",
        ),
        (
            "FORMAT Index = ServedIPGroupName",
            "FORMAT Index = ServedIPGroupName, contactuser",
            "cells, but its FORMAT in line",
        ),
        (
            "FORMAT Index = ServedIP",
            "; FORMAT Index = ServedIP",
            "error: Account 4: a row before its FORMAT line",
        ),
        (
            "FORMAT Index = ServedIP",
            "FORMAT Index = \"a\" b, ServedIP",
            "error: text between the end of a cell and the next comma",
        ),
    ] {
        let text = around(ACCOUNT);
        let changed = text.replacen(from, to, text.matches(from).count());
        assert_ne!(text, changed);
        let imported = anywhere(&changed);
        let all: Vec<String> = imported
            .report
            .findings
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            all.iter().any(|one| one.contains(wanted)),
            "{wanted}: {all:#?}"
        );
        let lost = crate::config::fuzz::unaccounted(&changed, &imported.report);
        let is_warning = wanted.starts_with("warning: Account");
        assert!(lost.is_empty(), "{to}: {lost:?}");
        assert_eq!(
            imported.report.summary.accounts_taken,
            u32::from(is_warning),
            "{to}"
        );
    }
}

#[test]
fn what_a_device_hides_is_said_where_it_matters() {
    let text = format!(
        ";RegistrationTime is hidden but has non-default value\n;Foo is hidden but has non-default \
         value\n[Account]\n;  *** TABLE Account ***\n; This table contains hidden elements and will \
         not be exposed.\n[\\Account]\n{}",
        around(ACCOUNT)
    );
    let told = said(&anywhere(&text));
    assert_eq!(
        told,
        [
            "1:1: warning: the device hides RegistrationTime, which is not at its default",
            "3:1: warning: the device hides table \"Account\"",
        ]
    );
}

#[test]
fn names_of_password_files_are_plain_and_differ() {
    let text = around(ACCOUNT).replace(
        "ContactUser, Register;",
        "ContactUser, Register, AccountName, Username, Password;",
    );
    let text = text.replace("IPGroup 5", "IPGroup 6 = \"h\", \"s\", ;\nIPGroup 5");
    let text = text.replace("Account 4 = \"g\", \"g\", 49, 1;", "Account 4 = g, g, 49, 1, \"../a b\", u, p;\nAccount 5 = g, h, 49, 1, \"._a b\", u, q;\nAccount 6 = h, g, 49, 1, \"./_a_b\", u, r;");
    let imported = anywhere(&text);
    let files: Vec<&str> = imported.secrets.iter().map(|(file, _)| &**file).collect();
    assert_eq!(files, ["__a_b.secret", "_a_b-2.secret", "_a_b.secret"]);
    assert_eq!(imported.config.unwrap().accounts.len(), 3);
}

#[test]
fn an_ini_file_is_told_from_toml() {
    for ini in [
        "; x",
        "[Account]\nFORMAT Index = A;",
        "\u{FEFF};x",
        "[ \\Account ]",
        "a = 1\n  format x = y",
    ] {
        assert!(is_ini(ini.trim_start_matches('\u{FEFF}')), "{ini}");
    }
    for toml in [
        "",
        "[agent]\nuser_agent = \"x\"",
        "# ;\n[[account]]",
        "formats = 1",
        include_str!("../../../../conf/regent.toml"),
    ] {
        assert!(!is_ini(toml), "{toml}");
    }
}
