//! Addresses and ports that a reload would bind are tried before anything changes.

use std::net::UdpSocket;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::sim::Behaviour;

use crate::harness::{Daemon, Many, SOON, Sandbox, Served, User, regent, wait_until};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_port_of_another_program_is_refused_and_nothing_changes,
        an_address_of_another_host_is_refused,
        a_range_of_ports_needs_one_that_is_free,
        what_is_bound_already_is_no_obstacle,
        a_check_warns_of_an_address_of_another_host,
    ]
}

/// A port that somebody else has.
fn taken() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("a free port")
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().expect("a bound socket").port()
}

// rule G2
fn a_port_of_another_program_is_refused_and_nothing_changes() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(3, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 3);
    let before = served.registrar().counts();
    let socket = taken();
    let port = port(&socket);
    let moved = text.replace("udp_port = 0", &format!("udp_port = {port}"));
    let file = sandbox.write("regent.toml", &moved);
    let shown = file.display();
    let fault = format!(
        "{shown}:9:11: error: SIP interface \"outside\": port {port} of 127.0.0.1 is taken by another \
         program\n  hint: \"ss -lunp 'sport = {port}'\" names it\n"
    );
    for arguments in [&["reload", "--check"][..], &["reload"]] {
        let said = daemon.tell(arguments);
        assert_eq!((said.code, &said.out), (Some(1), &fault), "{said:?}");
        assert!(said.err.ends_with("1 error; nothing has changed\n"));
    }
    daemon.signal(Signal::SIGHUP);
    wait_until(SOON, "the log to tell", || {
        let log = daemon.log();
        log.contains(&format!(
            "port {port} of 127.0.0.1 is taken by another program"
        )) && log.contains("ERROR the configuration was not reloaded")
    });
    assert_eq!(served.registrar().counts(), before);
    assert!(daemon.account("a0").is_registered());
    drop(socket);
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until(SOON, "the new port", || {
        let said = daemon.tell(&["status", "--json"]);
        said.out
            .matches(&format!("\"local\":\"127.0.0.1:{port}\""))
            .count()
            == 3
    });
}

// rule G2
fn an_address_of_another_host_is_refused() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(1, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 1);
    let before = served.registrar().counts();
    let moved = text.replace("address = \"127.0.0.1\"\n", "address = \"192.0.2.77\"\n");
    sandbox.write("regent.toml", &moved);
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let words = "regent.toml:9:11: error: SIP interface \"outside\": 192.0.2.77 is no address of this \
                 host\n";
    assert!(said.out.contains(words), "{said:?}");
    assert_eq!(served.registrar().counts(), before);
}

// rules G2, U3
fn a_range_of_ports_needs_one_that_is_free() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(1, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 1);
    let socket = taken();
    let first = port(&socket);
    let range = |last: u16| {
        let line = format!("udp_port = 0\nadditional_udp_ports = \"{first}-{last}\"");
        text.replace("udp_port = 0", &line)
    };
    sandbox.write("regent.toml", &range(first));
    let said = daemon.tell(&["reload", "--check"]);
    let words = "none of its 1 additional_udp_ports of 127.0.0.1 can be bound\n";
    assert!(said.code == Some(1) && said.out.contains(words), "{said:?}");
    sandbox.write("regent.toml", &range(first + 40));
    let said = daemon.tell(&["reload", "--check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let words = "warning: SIP interface \"outside\": of 41 additional_udp_ports of 127.0.0.1 that were \
                 tried, ";
    assert!(said.out.contains(words), "{said:?}");
    assert!(
        said.out.contains(&format!("cannot be bound: {first}")),
        "{said:?}"
    );
}

// rule G2
/// Neither what the daemon has nor what it has had to wait for since its start.
fn what_is_bound_already_is_no_obstacle() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let socket = taken();
    let line = format!("udp_port = {}", port(&socket));
    let text = Many::new(2, served.address())
        .text()
        .replace("udp_port = 0", &line);
    let daemon = Daemon::start_text(&sandbox, &text);
    wait_until(SOON, "the daemon to see that its port is taken", || {
        daemon.log().contains("cannot listen on")
    });
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    drop(socket);
    daemon.wait_count(SOON, 2);
    let every = text.replace(
        "address = \"127.0.0.1\"\n",
        "address = \"0.0.0.0\"\nadvertised_address = \"127.0.0.1\"\n",
    );
    sandbox.write("regent.toml", &every);
    let said = daemon.tell(&["reload", "--check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

// rule G3
fn a_check_warns_of_an_address_of_another_host() {
    let sandbox = Sandbox::new();
    let text = Many::new(1, "127.0.0.1:5060".parse().expect("an address")).text();
    let foreign = text.replace("address = \"127.0.0.1\"\n", "address = \"192.0.2.77\"\n");
    let file = sandbox.write("regent.toml", &foreign);
    let said = regent(&sandbox, User::Same, &["check", &file.to_string_lossy()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let words = ":9:11: warning: SIP interface \"outside\": 192.0.2.77 is no address of this host\n  hint: ";
    assert!(said.out.contains(words), "{said:?}");
    assert!(said.out.ends_with("\n1 warning\n"), "{said:?}");
}
