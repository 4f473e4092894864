//! A daemon that runs from an ini file.

use libtest_mimic::Trial;
use regent::sim::Behaviour;
use serde_json::Value;

use crate::harness::{
    Daemon, Manner, Many, SOON, Sandbox, Served, User, free_udp_address, read_text, regent,
    wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_daemon_runs_from_an_ini_file_and_reads_it_again,
        an_ini_file_is_imported_before_it_is_configured,
    ]
}

/// One Account, whose device has an address that is not ours.
fn device(served: &Served, port: u16, contact: &str) -> String {
    let (user, password, registrar) = (Many::USER_NAME, Many::PASSWORD, served.address());
    format!(
        "[ InterfaceTable ]\nFORMAT Index = IPAddress, InterfaceName;\n\
         InterfaceTable 0 = 198.51.100.77, \"WAN side\";\n[ \\InterfaceTable ]\n\
         [ SIPInterface ]\nFORMAT Index = InterfaceName, NetworkInterface, UDPPort;\n\
         SIPInterface 0 = \"i\", \"WAN side\", {port};\n[ \\SIPInterface ]\n\
         [ ProxySet ]\nFORMAT Index = ProxyName, SBCIPv4SIPInterfaceName;\n\
         ProxySet 0 = \"s\", \"i\";\n[ \\ProxySet ]\n\
         [ ProxyIp ]\nFORMAT Index = ProxySetId, IpAddress;\n\
         ProxyIp 0 = \"0\", \"{registrar}\";\n[ \\ProxyIp ]\n\
         [ IPGroup ]\nFORMAT Index = Name, ProxySetName;\n\
         IPGroup 0 = \"g\", \"s\";\n[ \\IPGroup ]\n\
         [ Account ]\nFORMAT Index = AccountName, ServedIPGroupName, ServingIPGroupName, \
         Username, Password, ContactUser, Register, ApplicationType;\n\
         Account 0 = \"main\", \"g\", \"g\", \"{user}\", \"{password}\", \"{contact}\", 1, 2;\n\
         [ \\Account ]\n"
    )
}

// rule G2
fn a_daemon_runs_from_an_ini_file_and_reads_it_again() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let port = free_udp_address().port();
    let file = sandbox.write("device.ini", &device(&served, port, "before"));
    let manner = Manner {
        arguments: &["--interface", "WAN side=127.0.0.1"],
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    wait_until(SOON, "a binding", || daemon.status().is_registered());
    sandbox.write("device.ini", &device(&served, port, "after"));
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("changed: main\n"), "{said:?}");
    wait_until(SOON, "the new address", || {
        let said = daemon.tell(&["status", "--json", "main"]);
        let status: Value = serde_json::from_str(&said.out).unwrap_or_default();
        let aor = status["accounts"][0]["aor"].as_str().unwrap_or_default();
        aor.contains("after") && daemon.status().is_registered()
    });
    // A bad one changes nothing, and the finding is one about the ini file.
    let bad = device(&served, port, "after").replace("\"g\", \"g\", ", "\"g\", \"h\", ");
    sandbox.write("device.ini", &bad);
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = "device.ini:23:26: error: account \"main\": IP group \"h\" does not exist";
    assert!(said.output.contains(wanted), "{said:?}");
    daemon.stop();
    let log = read_text(&sandbox.path("regent.log"));
    assert!(!log.contains(Many::PASSWORD), "{log}");
    assert!(!sandbox.path("main.secret").exists());
}

fn an_ini_file_is_imported_before_it_is_configured() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = device(&served, free_udp_address().port(), "main");
    let file = sandbox.write("device.ini", &text);
    let mapped = ["--interface", "WAN side=127.0.0.1"];
    let manner = Manner {
        arguments: &mapped,
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    wait_until(SOON, "a binding", || daemon.status().is_registered());
    sandbox.write(
        "script",
        "configure voip\nsip-definition account 0\nregister disable\n",
    );
    let before = served.registrar().counts().registers;
    for words in [
        &["configure", "account", "set", "main", "register", "disable"][..],
        &["configure", "-n", "account", "remove", "main"],
        &["configure", "account", "show", "main"],
        &["configure", "account", "list"],
        &["configure", "-f", "script"],
    ] {
        let said = daemon.tell(words);
        assert_eq!(said.code, Some(1), "{words:?}: {said:?}");
        let wanted = "device.ini, which is only read\nhint: make a configuration of it first: \
                      `regent import";
        assert!(said.err.contains(wanted), "{words:?}: {said:?}");
        assert_eq!(said.out, "", "{words:?}");
    }
    assert_eq!(read_text(&file), text);
    assert_eq!(served.registrar().counts().registers, before);
    assert!(daemon.status().is_registered());
    // The same by name of the file is told in the same way.
    let by_name = ["configure", "-c", "device.ini", "account", "list"];
    let said = regent(&sandbox, User::Same, &by_name);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("`regent import"), "{said:?}");
    // And what is said leads there.
    daemon.stop();
    let import = ["import", "device.ini", "-o", "regent.toml"];
    let said = regent(&sandbox, User::Same, &[&import[..], &mapped].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let daemon = Daemon::start_with(&sandbox, &sandbox.path("regent.toml"));
    wait_until(SOON, "the binding", || daemon.status().is_registered());
    let said = daemon.tell(&["configure", "account", "set", "main", "register", "disable"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until(SOON, "the last of it", || !daemon.status().is_registered());
    assert!(!said.output.contains(Many::PASSWORD), "{said:?}");
}
