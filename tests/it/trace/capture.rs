//! Capture files, as tshark reads them.

use std::net::{Ipv6Addr, SocketAddr};
use std::process::Command;

use libtest_mimic::Trial;

use super::{messages, start};
use crate::harness::{
    Config, Daemon, Many, Registrar, SNGREP, SOON, Sandbox, TSHARK, copy_by_sngrep, fields,
    program, usual,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[TSHARK];
        tshark_reads_what_is_written_and_finds_nothing_wrong,
        messages_over_ipv6_are_packets_of_ipv6,
        a_capture_goes_through_a_pipe_and_follows,
    ];
    trials.extend(trials![[SNGREP]; sngrep_finds_every_message]);
    trials
}

fn sngrep_finds_every_message() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &Config::new(registrar.address()), "");
    daemon.wait_registered(SOON);
    let [file, copy] = ["main.pcap", "copy.pcap"].map(|name| sandbox.path(name));
    let said = daemon.tell(&["trace", "main", "--pcap", &file.to_string_lossy()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    copy_by_sngrep(&sandbox, &file, &copy);
    let [written, found] = [file, copy].map(|path| std::fs::read(path).expect("a capture"));
    // It writes the packets that it takes for SIP, all others not.
    assert_eq!(found.len(), written.len());
    let text = String::from_utf8_lossy(&found);
    for line in ["REGISTER sip:", "SIP/2.0 401 ", "SIP/2.0 200 "] {
        assert!(text.contains(line), "{line} is missing");
    }
    daemon.stop();
}

fn tshark_reads_what_is_written_and_finds_nothing_wrong() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let daemon = start(&sandbox, &config, "");
    daemon.wait_registered(SOON);
    let file = sandbox.path("main.pcap");
    let said = daemon.tell(&["trace", "main", "--pcap", &file.to_string_lossy()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("", "4 messages written\n")
    );
    let (here, there) = (config.local(), registrar.address());
    let names = [
        "frame.time_epoch",
        "ip.src",
        "udp.srcport",
        "ip.dst",
        "udp.dstport",
        "ip.checksum.status",
        "udp.checksum.status",
        "sip.Method",
        "sip.Status-Code",
        "sip.CSeq",
        "_ws.malformed",
        "sip.auth.digest.response",
    ];
    let rows = fields(&sandbox, &file, there, &names);
    let listed = messages(&daemon, &["main"]);
    let messages: Vec<_> = listed.iter().filter(|it| it["kind"] != "note").collect();
    assert_eq!(rows.len(), messages.len());
    let told = [
        ("REGISTER", "", "1 REGISTER"),
        ("", "401", "1 REGISTER"),
        ("REGISTER", "", "2 REGISTER"),
        ("", "200", "2 REGISTER"),
    ];
    for ((row, message), (method, code, cseq)) in rows.iter().zip(messages).zip(told) {
        let [from, to] = match message["kind"] == "sent" {
            true => [here, there],
            false => [there, here],
        };
        let at: jiff::Timestamp = message["at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        let at = at.as_microsecond();
        assert_eq!(
            row[0],
            format!("{}.{:06}000", at / 1_000_000, at % 1_000_000)
        );
        assert_eq!(
            row[1..5],
            [from, to]
                .map(|it| [it.ip().to_string(), it.port().to_string()])
                .concat()
        );
        // 1 is "good".
        assert_eq!(row[5..7], ["1", "1"]);
        assert_eq!(row[7..11], [method, code, cseq, ""], "{row:?}");
        let response = row[11].trim_matches('"');
        assert!(response.bytes().all(|byte| byte == b'*'), "{row:?}");
        assert_eq!(
            response.len(),
            if cseq.starts_with('2') && code.is_empty() {
                32
            } else {
                0
            }
        );
    }
}

fn messages_over_ipv6_are_packets_of_ipv6() {
    let sandbox = Sandbox::new();
    let nearby = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let registrar = Registrar::start_at(nearby, |message| usual(message, 60));
    let text = Many::new(1, registrar.address()).text();
    let text = text.replace("address = \"127.0.0.1\"", "address = \"::1\"");
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 1);
    let file = sandbox.path("six.pcap");
    let said = daemon.tell(&["trace", "--pcap", &file.to_string_lossy()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let names = [
        "ipv6.src",
        "ipv6.dst",
        "udp.checksum.status",
        "sip.CSeq",
        "_ws.malformed",
    ];
    let rows = fields(&sandbox, &file, registrar.address(), &names);
    assert_eq!(rows.len(), 4, "{rows:?}");
    for row in &rows {
        assert_eq!(row[..3], ["::1", "::1", "1"]);
        assert!(
            row[3].ends_with(" REGISTER") && row[4].is_empty(),
            "{row:?}"
        );
    }
}

fn a_capture_goes_through_a_pipe_and_follows() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &Config::new(registrar.address()), "");
    daemon.wait_registered(SOON);
    let socket = daemon.socket().to_string_lossy().into_owned();
    let mut capture = Command::new(program());
    capture.args(["trace", "--pcap", "-", "--socket", &socket]);
    let whole = capture.output().expect("the program starts");
    assert!(whole.status.success(), "{whole:?}");
    assert_eq!(whole.stdout[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    // A file that grows is whole after each message.
    let file = sandbox.path("grows.pcap");
    let mut follower = Command::new(program())
        .args([
            "trace", "--follow", "-n", "0", "--socket", &socket, "--pcap",
        ])
        .arg(&file)
        .spawn()
        .expect("the program starts");
    let size = || std::fs::metadata(&file).map_or(0, |it| it.len());
    crate::harness::wait_until(SOON, "the file to begin", || size() == 24);
    daemon.tell(&["refresh", "main"]);
    crate::harness::wait_until(SOON, "the file to grow", || {
        size() > 24 && fields(&sandbox, &file, registrar.address(), &["sip.CSeq"]).len() == 2
    });
    follower.kill().expect("our own child");
    follower.wait().expect("our own child");
    let rows = fields(
        &sandbox,
        &file,
        registrar.address(),
        &["sip.CSeq", "sip.Status-Code"],
    );
    assert_eq!(rows, [["3 REGISTER", ""], ["3 REGISTER", "200"]]);
}
