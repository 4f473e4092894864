//! A daemon that runs from an ini file.

use libtest_mimic::Trial;
use regent::sim::Behaviour;
use serde_json::Value;

use crate::harness::{
    Daemon, Manner, Many, SOON, Sandbox, Served, free_udp_address, read_text, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_daemon_runs_from_an_ini_file_and_reads_it_again,
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
    // What can only be read is not configured.
    let said = daemon.tell(&["configure", "set", "account", "main", "register", "disable"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    daemon.stop();
    let log = read_text(&sandbox.path("regent.log"));
    assert!(!log.contains(Many::PASSWORD), "{log}");
    assert!(!sandbox.path("main.secret").exists());
}
