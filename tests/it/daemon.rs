//! The daemon as a process: how it starts, what it survives, how it takes leave.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use regent::rng::Seed;
use regent::sim::{Behaviour, Registrar};
use serde_json::Value;

use crate::cli::{command, program, regent};
use crate::harness::{Sandbox, holds_for, wait_for, wait_until};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        a_stop_removes_the_bindings_and_ends_in_order,
        a_stop_before_a_silent_registrar_is_bounded_and_a_second_word_ends_it,
        the_service_manager_hears_what_it_needs,
        logs_are_json_where_that_is_asked_for_and_quiet_about_refreshes,
        hostile_datagrams_neither_stop_it_nor_feed_it,
        one_bad_account_disturbs_nobody,
        a_port_that_is_taken_is_tried_again,
        a_log_that_nobody_reads_any_more_ends_nothing,
        a_closed_port_is_noticed_at_once,
        an_unprivileged_user_gets_along_and_is_told_what_is_missing,
        many_accounts_are_registered_with_two_requests_each,
    ]
}

/// A running daemon, with its configuration, socket and log in the sandbox.
pub(crate) struct Program {
    child: Child,
    folder: PathBuf,
}

impl Program {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub(crate) fn start(sandbox: &Sandbox, config: &str) -> Self {
        Self::start_by(sandbox, config, |run| run)
    }

    /// The same with a change to the command.
    #[track_caller]
    fn start_by(
        sandbox: &Sandbox,
        config: &str,
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        sandbox.write("regent.toml", config);
        let folder = sandbox.path("");
        let log = File::create(folder.join("regent.log")).expect("room in the sandbox");
        let mut run = command(&["run", "--socket", "regent.sock"]);
        let run = change(&mut run)
            .current_dir(&folder)
            .stderr(log)
            .stdout(Stdio::null());
        let child = run.spawn().expect("the program starts");
        let mut daemon = Self { child, folder };
        daemon.wait_until_it_answers();
        daemon
    }

    #[track_caller]
    fn wait_until_it_answers(&mut self) {
        let socket = self.socket();
        wait_until(Duration::from_secs(20), "the daemon to answer", || {
            let ended = self.child.try_wait().expect("our child");
            assert!(
                ended.is_none(),
                "it ended at once: {ended:?}: {}",
                self.log()
            );
            socket.exists() && self.tell(&["status", "--matching", "-"]).0 == Some(0)
        });
    }

    /// Its control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("regent.sock")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("regent.log")).expect("a log of text")
    }

    /// Runs a command against it: exit code and standard output.
    #[track_caller]
    fn tell(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let socket = self.socket();
        let socket = ["--socket", socket.to_str().expect("text")];
        let said = regent(&[arguments, &socket].concat());
        (said.code, said.out)
    }

    /// The status of an Account.
    #[track_caller]
    fn account(&self, name: &str) -> Value {
        let (code, text) = self.tell(&["status", "--json", name]);
        assert_eq!(code, Some(0), "{text}");
        let mut status: Value = serde_json::from_str(&text).expect("JSON");
        status["accounts"][0].take()
    }

    #[track_caller]
    fn wait_registered(&self, count: usize) {
        let words = format!("{count} registered");
        wait_until(Duration::from_secs(20), &words, || {
            self.tell(&["status", "--matching", "a0"])
                .1
                .contains(&words)
        });
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, signal).expect("our own child");
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// Asks it to stop, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait(Duration::from_secs(10))
    }

    #[track_caller]
    fn wait(&mut self, within: Duration) -> ExitStatus {
        wait_for(within, "the daemon's end", || {
            self.child.try_wait().expect("our child")
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        let log = self.log();
        if thread::panicking() {
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            for line in tail.into_iter().rev() {
                writeln!(std::io::stderr(), "    {line}").ok();
            }
        } else {
            assert!(!log.contains("panicked"), "the daemon panicked: {log}");
        }
    }
}

/// The simulator's registrar on a real socket.
struct Served {
    address: SocketAddr,
    shared: Arc<(Mutex<Registrar>, AtomicBool)>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn start(behaviour: Behaviour) -> Self {
        let mut registrar = Registrar::new(Seed::from_number(1));
        registrar.behave(behaviour);
        registrar.user("user", "open sesame");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let patience = Some(Duration::from_millis(20));
        socket.set_read_timeout(patience).expect("a time limit");
        let address = socket.local_addr().expect("a bound socket");
        let shared = Arc::new((Mutex::new(registrar), AtomicBool::new(false)));
        let state = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let mut buffer = vec![0; 65_536];
            while !state.1.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                let now = regent::time::Instant::from_micros(micros);
                let mut registrar = state.0.lock().unwrap_or_else(PoisonError::into_inner);
                for reply in registrar.on_datagram(now, from, &buffer[..length]) {
                    socket.send_to(&reply.bytes, reply.to).ok();
                }
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    fn registrar(&self) -> MutexGuard<'_, Registrar> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shared.1.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// Accounts `a0`, `a1`, … at a port where nobody listens.
pub(crate) fn many(count: usize) -> String {
    accounts(count, closed_port(), 0)
}

/// Accounts `a0`, `a1`, … at this registrar, from this local port.
fn accounts(count: usize, registrar: SocketAddr, port: u16) -> String {
    let mut text = format!(
        r#"[agent]
max_accounts = {limit}
max_accounts_per_served_ip_group = {limit}

[registration]
registration_time_secs = 60

[[sip_interface]]
name = "outside"
address = "127.0.0.1"
udp_port = {port}

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{{ address = "{registrar}" }}]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
sip_group_name = "carrier.test"
"#,
        limit = count.max(1),
    );
    for number in 0..count {
        write!(
            text,
            r#"
[[ip_group]]
name = "PBX-{number}"

[[account]]
name = "a{number}"
served_ip_group = "PBX-{number}"
serving_ip_group = "Carrier"
contact_user = "u{number}"
user_name = "user"
password = "open sesame"
register = "regular"
"#
        )
        .expect("a String takes all");
    }
    text
}

/// A port that was free a moment ago.
fn closed_port() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.local_addr().expect("a bound socket")
}

/// A program run by a user without rights.
pub(crate) fn nobody(groups: &[&str], program: &Path) -> Command {
    let mut setpriv = Command::new("setpriv");
    setpriv
        .args(["--reuid=65534", "--regid=65534"])
        .args(groups)
        .arg(program);
    setpriv.stdin(Stdio::null());
    setpriv
}

/// Rule L7, as long as there is no store.
fn a_stop_removes_the_bindings_and_ends_in_order() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let mut daemon = Program::start(&sandbox, &accounts(5, served.address, 0));
    daemon.wait_registered(5);
    assert_eq!(served.registrar().counts().accepted, 5);
    let start = Instant::now();
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(served.registrar().counts().removed, 5);
    assert!(!daemon.socket().exists());
    let log = daemon.log();
    assert!(log.contains("INFO stopped\n"), "{log}");
}

fn a_stop_before_a_silent_registrar_is_bounded_and_a_second_word_ends_it() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let config = accounts(1, served.address, 0);
    let mut daemon = Program::start(&sandbox, &config);
    daemon.wait_registered(1);
    served.registrar().behave(Behaviour::silence());
    let start = Instant::now();
    assert_eq!(daemon.stop().code(), Some(0));
    let took = start.elapsed();
    assert!((3..6).contains(&took.as_secs()), "it took {took:?}");
    let log = daemon.log();
    assert!(log.contains("bindings left at registrars left=1"), "{log}");

    served.registrar().behave(Behaviour::digest());
    let mut daemon = Program::start(&sandbox, &config);
    daemon.wait_registered(1);
    served.registrar().behave(Behaviour::silence());
    daemon.signal(Signal::SIGINT);
    wait_until(Duration::from_secs(2), "the first word to be heard", || {
        daemon.log().contains("stopping")
    });
    let start = Instant::now();
    daemon.signal(Signal::SIGINT);
    assert_eq!(daemon.wait(Duration::from_secs(2)).code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

fn the_service_manager_hears_what_it_needs() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let path = sandbox.path("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("room in the sandbox");
    manager
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a time limit");
    let mut buffer = [0; 4_096];
    let mut hear = || {
        let length = manager.recv(&mut buffer).expect("a word in time");
        String::from_utf8_lossy(&buffer[..length])
            .trim_end()
            .to_owned()
    };
    let config = accounts(3, served.address, 0);
    let mut daemon = Program::start_by(&sandbox, &config, |run| {
        run.env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "1000000")
    });
    assert_eq!(hear(), "READY=1");
    let mut words: Vec<String> = Vec::new();
    while !words.contains(&"STATUS=3 of 3 Accounts registered".to_owned()) {
        words.push(hear());
        assert!(words.len() < 20, "{words:?}");
    }
    // Alive at least twice per second from now on.
    for _ in 0..4 {
        let start = Instant::now();
        while hear() != "WATCHDOG=1" {}
        assert!(
            start.elapsed() < Duration::from_millis(900),
            "{:?}",
            start.elapsed()
        );
    }
    daemon.stop();
    let last = wait_for(Duration::from_secs(5), "the last word", || {
        Some(hear()).filter(|word| word == "STOPPING=1")
    });
    assert_eq!(last, "STOPPING=1");
}

fn logs_are_json_where_that_is_asked_for_and_quiet_about_refreshes() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let config = accounts(1, served.address, 0);
    let mut daemon = Program::start_by(&sandbox, &config, |run| run.args(["--log-format", "json"]));
    daemon.wait_registered(1);
    let before = daemon.log().lines().count();
    for _ in 0..5 {
        assert_eq!(daemon.tell(&["refresh", "a0"]).0, Some(0));
    }
    assert_eq!(daemon.log().lines().count(), before, "{}", daemon.log());
    daemon.stop();
    let log = daemon.log();
    assert!(!log.contains("open sesame"), "{log}");
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let registered = lines.iter().find(|line| line["message"] == "registered");
    let registered = registered.expect("a line about it");
    assert_eq!(registered["account"], "a0");
    assert_eq!(registered["level"], "INFO");
    let said = daemon_says(&["run", "--log", "so=much=nonsense"]);
    assert_eq!(said.0, Some(2), "{said:?}");
}

fn daemon_says(arguments: &[&str]) -> (Option<i32>, String) {
    let said = regent(arguments);
    (said.code, said.err)
}

/// Hostile datagrams: from the registrar's address and from strangers.
fn hostile_datagrams_neither_stop_it_nor_feed_it() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let local = closed_port();
    let config = accounts(1, served.address, local.port());
    let config = config.replace("[registration]", "[registration]\nsip_max_rtx = 2");
    let mut daemon = Program::start(&sandbox, &config);
    daemon.wait_registered(1);
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let register = format!(
        "REGISTER sip:carrier.test SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKx;rport\r\n\
         From: <sip:u0@carrier.test>;tag=1\r\nTo: <sip:u0@carrier.test>\r\nCall-ID: x\r\n\
         CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
    );
    let answer = format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKguess\r\n\
         From: <sip:u0@carrier.test>;tag=1\r\nTo: <sip:u0@carrier.test>;tag=2\r\nCall-ID: x\r\n\
         CSeq: 1 REGISTER\r\nContact: *\r\nExpires: 4294967296\r\nContent-Length: 99999999\r\n\r\n"
    );
    let huge = vec![b'a'; 65_000];
    let binary: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    let headers = format!("SIP/2.0 200 OK\r\n{}\r\n", "Via: x\r\n".repeat(6_000));
    let hostile: [&[u8]; 8] = [
        b"",
        b"\r\n\r\n",
        &huge,
        &binary,
        register.as_bytes(),
        &register.as_bytes()[..70],
        answer.as_bytes(),
        headers.as_bytes(),
    ];
    let before = resident(&daemon);
    for round in 0..400 {
        for datagram in hostile {
            stranger
                .send_to(datagram, local)
                .expect("loopback takes it");
        }
        if round % 20 == 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }
    // And the same with the registrar's own voice: it answers with garbage, in place of SIP.
    served
        .registrar()
        .behave(Behaviour::digest().garbage(&binary));
    daemon.tell(&["refresh", "a0", "--timeout", "1"]);
    served.registrar().behave(Behaviour::digest());
    wait_until(Duration::from_secs(20), "a refresh after all that", || {
        daemon.tell(&["refresh", "a0", "--timeout", "5"]).0 == Some(0)
    });
    assert_eq!(daemon.account("a0")["phase"], "registered");
    let grown = resident(&daemon).saturating_sub(before);
    assert!(grown < 4_096, "it grew by {grown} KiB");
    assert!(daemon.log().lines().count() < 20, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

/// VmRSS in KiB.
#[track_caller]
fn resident(daemon: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// Rule P4, as far as one registrar goes.
fn one_bad_account_disturbs_nobody() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    served
        .registrar()
        .behave_for("u500@carrier.test", Behaviour::silence());
    let start = Instant::now();
    let daemon = Program::start(&sandbox, &accounts(1_000, served.address, 0));
    daemon.wait_registered(999);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert_eq!(daemon.account("a500")["phase"], "registering");
    let counts = served.registrar().counts();
    assert_eq!(counts.accepted, 999, "{counts:?}");
    assert_eq!(counts.challenged, 999, "{counts:?}");
}

fn a_port_that_is_taken_is_tried_again() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let local = taken.local_addr().expect("a bound socket");
    let daemon = Program::start(&sandbox, &accounts(1, served.address, local.port()));
    let log = daemon.log();
    assert!(
        log.contains(&format!("cannot listen on {local}: Address already in use")),
        "{log}"
    );
    holds_for(Duration::from_millis(500), "nothing was sent", || {
        served.registrar().counts().datagrams == 0
    });
    drop(taken);
    daemon.wait_registered(1);
}

fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let config = accounts(1, served.address, 0);
    sandbox.write("regent.toml", &config);
    let mut run = command(&["run", "--socket", "regent.sock"]);
    let run = run
        .current_dir(sandbox.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = run.spawn().expect("the program starts");
    drop(child.stderr.take());
    File::create(sandbox.path("regent.log")).expect("room in the sandbox");
    let mut daemon = Program {
        child,
        folder: sandbox.path(""),
    };
    daemon.wait_until_it_answers();
    daemon.wait_registered(1);
    assert_eq!(daemon.tell(&["unregister", "a0"]).0, Some(0));
    assert_eq!(daemon.stop().code(), Some(0));
}

/// Rule X2.
fn a_closed_port_is_noticed_at_once() {
    let sandbox = Sandbox::new();
    let daemon = Program::start(&sandbox, &many(3));
    wait_until(Duration::from_secs(1), "the ICMP errors", || {
        daemon.tell(&["status"]).1.contains("3 waiting to retry")
    });
    let account = daemon.account("a1");
    assert_eq!(account["status"], "408");
    assert_eq!(account["failures"], 1, "{account}");
}

fn an_unprivileged_user_gets_along_and_is_told_what_is_missing() {
    if !Uid::effective().is_root() {
        return; // Then every other trial shows that.
    }
    let sandbox = Sandbox::new();
    fs::set_permissions(sandbox.path(""), Permissions::from_mode(0o755)).expect("our folder");
    // By a process of its own: a file that any of our threads has open for writing while another
    // starts a process cannot be executed ("text file busy").
    let copied = Command::new("cp")
        .arg(program())
        .arg(sandbox.path("regent"))
        .status();
    assert!(copied.is_ok_and(|status| status.success()), "cp failed");
    sandbox.write("ours.secret", "open sesame\n");
    let text = many(1).replace(
        "password = \"open sesame\"",
        "password_file = \"ours.secret\"",
    );
    let file = sandbox.write("regent.toml", &text);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("our file");
    let as_nobody = |arguments: &[&str]| {
        let mut regent = nobody(&["--clear-groups"], &sandbox.path("regent"));
        regent.args(arguments).current_dir(sandbox.path(""));
        regent
    };
    let output = as_nobody(&["check", "regent.toml"])
        .output()
        .expect("setpriv starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let fault = "password file \"ours.secret\" cannot be read: permission denied";
    assert!(said.contains(fault), "{said}");

    // With an inline password that everybody may read it runs, with a warning; its socket goes
    // into a folder of its own; its receive buffer is what the system gives to anybody.
    let file = sandbox.write("regent.toml", &many(1));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("our file");
    let mut run = as_nobody(&["run"]);
    run.env_remove("XDG_RUNTIME_DIR").stderr(Stdio::piped());
    let mut child = run.spawn().expect("setpriv starts");
    thread::sleep(Duration::from_millis(700));
    let status = as_nobody(&["status"])
        .env_remove("XDG_RUNTIME_DIR")
        .output();
    let status = status.expect("setpriv starts");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("our child");
    let mut log = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().expect("a pipe"), &mut log)
        .expect("a log of text");
    assert_eq!(child.wait().expect("our child").code(), Some(0), "{log}");
    assert_eq!(status.status.code(), Some(0), "{status:?} {log}");
    assert!(
        log.contains("warning: the file holds passwords and every user may read it"),
        "{log}"
    );
    assert!(
        log.contains("control_socket=/tmp/regent-65534/regent.sock"),
        "{log}"
    );
    let most = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
    if most.trim().parse::<u32>().is_ok_and(|most| most < 8 << 20) {
        assert_eq!(log.matches("net.core.rmem_max=8388608").count(), 1, "{log}");
    }
}

/// Rule L6: 2 N requests, and none twice.
fn many_accounts_are_registered_with_two_requests_each() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let mut daemon = Program::start(&sandbox, &accounts(3_000, served.address, 0));
    daemon.wait_registered(3_000);
    let counts = served.registrar().counts();
    assert_eq!(
        (counts.registers, counts.retransmissions),
        (6_000, 0),
        "{counts:?}"
    );
    assert_eq!(
        (counts.challenged, counts.accepted),
        (3_000, 3_000),
        "{counts:?}"
    );
    // A flood of news is told as its sum.
    thread::sleep(Duration::from_millis(1_200));
    let log = daemon.log();
    assert!(log.contains("more Accounts are registered"), "{log}");
    assert!(log.lines().count() < 500, "{} lines", log.lines().count());
    let (_, json) = daemon.tell(&["status", "--json"]);
    let status: Value = serde_json::from_str(&json).expect("JSON");
    let accounts = status["accounts"].as_array().expect("a list");
    let indexes: Vec<u64> = accounts
        .iter()
        .filter_map(|one| one["index"].as_u64())
        .collect();
    assert_eq!(indexes, (0..3_000).collect::<Vec<u64>>());
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(served.registrar().counts().removed, 3_000);
}
