//! A link that goes down and comes up again, in a network of the trial's own (rule S7).

use std::net::UdpSocket;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sched::{CloneFlags, unshare};

use crate::harness::{Daemon, IP, NETWORK, Sandbox};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[NETWORK, IP];
        a_link_that_comes_up_registers_accounts_in_mode_ims_anew,
    ]
}

const CONFIG: &str = r#"
[[sip_interface]]
name = "outside"
address = "10.77.0.1"
udp_port = 5070

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{ address = "10.77.0.2:5060" }]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
sip_group_name = "carrier.example"

[[ip_group]]
name = "PBX"

[[ip_group]]
name = "PBX 2"

[[account]]
name = "roaming"
served_ip_group = "PBX"
serving_ip_group = "Carrier"
contact_user = "roaming"
register = "regular"
registrar_stickiness = "enable"
registrar_search_mode = "ims"

[[account]]
name = "settled"
served_ip_group = "PBX 2"
serving_ip_group = "Carrier"
contact_user = "settled"
register = "regular"
"#;

/// Keep-alive is off, as it is by default.
fn a_link_that_comes_up_registers_accounts_in_mode_ims_anew() {
    // A thread has its own network, and hands it on to the processes and threads that it starts.
    let trial = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network of its own");
        ip("link set lo up");
        ip("link add left type veth peer name right");
        ip("addr add 10.77.0.1/24 dev left");
        ip("addr add 10.77.0.2/24 dev right");
        ip("link set right up");
        ip("link set left up");
        let heard = registrar();
        let sandbox = Sandbox::new();
        let daemon = Daemon::start_text(&sandbox, CONFIG);
        daemon.wait_count(PATIENCE, 2);
        assert_eq!(users(&heard), ["roaming", "settled"]);
        ip("link set left down");
        thread::sleep(Duration::from_millis(300));
        assert_eq!(users(&heard).len(), 2, "nothing is sent because it is down");
        ip("link set left up");
        let until = Instant::now() + PATIENCE;
        while users(&heard).len() < 3 && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        thread::sleep(Duration::from_millis(500));
        assert_eq!(
            users(&heard),
            ["roaming", "settled", "roaming"],
            "{}",
            daemon.log()
        );
        daemon.stop();
    });
    if let Err(cause) = trial.join() {
        std::panic::resume_unwind(cause);
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

fn ip(arguments: &str) {
    let words = arguments.split(' ');
    let status = Command::new("ip").args(words).status();
    assert!(status.expect("ip runs").success(), "ip {arguments}");
}

/// Users in the order in which they first registered, and registered again.
fn users(heard: &Mutex<Vec<String>>) -> Vec<String> {
    let mut users = heard.lock().expect("no panic").clone();
    if users.len() >= 2 {
        users[..2].sort();
    }
    users
}

/// Answers every REGISTER with 200, and notes the user of each transaction.
fn registrar() -> Arc<Mutex<Vec<String>>> {
    let socket = UdpSocket::bind("10.77.0.2:5060").expect("the address is ours");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    thread::spawn(move || {
        let mut buffer = [0; 4_096];
        let mut branches = Vec::new();
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let line = |name: &str| text.lines().find(|line| line.starts_with(name));
            let (Some(via), Some(to)) = (line("Via:"), line("To:")) else {
                continue;
            };
            if !branches.iter().any(|known| known == via) {
                branches.push(via.to_owned());
                let user = to.split(['@', ':']).nth(2).unwrap_or_default().to_owned();
                notes.lock().expect("no panic").push(user);
            }
            let kept = ["Via:", "From:", "Call-ID:", "CSeq:", "Contact:"].map(line);
            let kept = kept.into_iter().flatten().collect::<Vec<_>>().join("\r\n");
            let answer =
                format!("SIP/2.0 200 OK\r\n{kept}\r\n{to};tag=r\r\nContent-Length: 0\r\n\r\n");
            socket.send_to(answer.as_bytes(), from).ok();
        }
    });
    heard
}
