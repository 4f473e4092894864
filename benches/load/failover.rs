//! What becomes of many Accounts when the first of two registrars dies, and when it is back.
//!
//! Two registrars are threads of the bench, each with a socket on loopback and a log of what it
//! heard; dead is one that hears and says nothing. The daemon is the shipped one with a short
//! expiry and probes every 5 s. Three runs differ in what makes an Account leave: the verdict
//! *offline*, its own next REGISTER, and the same in the mode that avoids the old binding. What is
//! right is counted from the logs, so no figure is the daemon's word, but for the instant of the
//! verdict.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    child::Owned,
    daemon::{self, free_port, populate, private},
    report, responder,
    watch::{self, Watch},
    wire::{self, Register, Terms},
};

/// Asked and granted: refreshes come at half of it, up to a fifth of that earlier.
const EXPIRY: f64 = 30.0;
/// The avoidance after the end of a binding.
const GRACE: f64 = 10.0;
/// Seconds after everybody is registered: the first registrar dies when all have been refreshed
/// once, and is back when they are due again and through.
const DIES: f64 = 17.0;
const BACK: f64 = 33.0;
/// An even spread of refreshes over a fifth of half the expiry.
const SPREAD: f64 = EXPIRY / 2.0 / 5.0;

/// A run: what makes Accounts leave, and how long it takes to see the end of it.
struct Mode {
    name: &'static str,
    registration: &'static str,
    account: &'static str,
    ends: f64,
}

const MODES: [Mode; 3] = [
    Mode {
        name: "at once",
        registration: "move_when_registrar_lost = \"at-once\"\n",
        account: "registrar_stickiness = \"enable\"\n",
        ends: 41.0,
    },
    Mode {
        name: "next REGISTER",
        registration: "move_when_registrar_lost = \"next-register\"\n",
        account: "registrar_stickiness = \"enable\"\n",
        ends: 47.0,
    },
    Mode {
        name: "avoidance",
        registration: "account_registrar_avoidance_secs = 10\n",
        account: "registrar_stickiness = \"enable\"\n\
                  registrar_search_mode = \"avoid-previous-registrar-until-expiry\"\n",
        ends: 59.0,
    },
];

/// Plays all modes; returns what was not as it should be.
pub(crate) fn run(program: &Path, accounts: usize, watch: &Watch) -> Result<Vec<String>> {
    report::say(&format!(
        "failover: {accounts} Accounts, two registrars, expiry {EXPIRY} s, probes every 5 s; the \
         first dies {DIES} s after all are registered, and is back after {:.0} s more",
        BACK - DIES
    ));
    let mut missed = Vec::new();
    for mode in &MODES {
        let faults = steadily(mode, watch, || play(program, accounts, mode))?;
        missed.extend(
            faults
                .into_iter()
                .map(|fault| format!("{}: {fault}", mode.name)),
        );
    }
    Ok(missed)
}

/// What was wrong with a run. Where that may be because the machine stood still, it is made again,
/// three times at most.
fn steadily(
    mode: &Mode,
    watch: &Watch,
    mut run: impl FnMut() -> Result<Story>,
) -> Result<Vec<String>> {
    for _ in 0..=3 {
        watch.take();
        let story = run()?;
        let stall = watch.take();
        let faults = story.judge(mode);
        if faults.is_empty() || stall <= watch::VOID {
            return Ok(faults);
        }
        report::say(&format!(
            "    void, the machine stood still for {stall:.1?}: {faults:?}"
        ));
    }
    Ok(vec!["no run without a stall in four".to_owned()])
}

/// Seconds since 1970.
fn wall() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// One datagram that a registrar heard.
#[derive(Clone, Copy)]
struct Heard {
    at: f64,
    /// Whose: Call-IDs are numbered as they come.
    call: usize,
    is_probe: bool,
    /// Whether it came before, with the same branch.
    again: bool,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Silence,
    Challenged,
    Granted,
    Alive,
}

/// A registrar: a thread that answers, or not.
struct Booth {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    /// Numbers of Call-IDs; both registrars share them.
    calls: Arc<Mutex<HashMap<Vec<u8>, usize>>>,
    is_dead: AtomicBool,
    is_over: AtomicBool,
}

impl Booth {
    fn open(calls: &Arc<Mutex<HashMap<Vec<u8>, usize>>>) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        responder::widen(&socket)?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let shared = Arc::new(Shared {
            calls: Arc::clone(calls),
            ..Shared::default()
        });
        let address = socket.local_addr()?;
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(&socket, &theirs));
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    fn heard(&self) -> Vec<Heard> {
        let heard = self.shared.heard.lock();
        heard.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Booth {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(socket: &UdpSocket, shared: &Shared) {
    let (mut datagram, mut answer) = (vec![0; 65_536], Vec::with_capacity(2_048));
    let mut branches: HashMap<usize, Vec<u8>> = HashMap::new();
    let mut serial = 0;
    while !shared.is_over.load(Ordering::Relaxed) {
        // A time-out, or the news that an answer found nobody.
        let Ok((length, from)) = socket.recv_from(&mut datagram) else {
            continue;
        };
        let at = wall();
        let bytes = &datagram[..length];
        let probe = Register::read_as(b"OPTIONS ", bytes);
        let is_probe = probe.is_some();
        let Some(request) = probe.or_else(|| Register::read(bytes)) else {
            continue;
        };
        serial += 1;
        let terms = Terms {
            grant: None,
            port: from.port(),
            serial,
        };
        let is_dead = shared.is_dead.load(Ordering::Relaxed);
        let outcome = match request.authorization {
            _ if is_dead => Outcome::Silence,
            _ if is_probe => Outcome::Alive,
            None => Outcome::Challenged,
            Some(_) => Outcome::Granted,
        };
        match outcome {
            Outcome::Silence => answer.clear(),
            Outcome::Alive => wire::alive(&mut answer, &request, terms),
            Outcome::Challenged => wire::challenge(&mut answer, &request, terms, false),
            Outcome::Granted => wire::grant(&mut answer, &request, terms),
        }
        let call = {
            let calls = shared.calls.lock();
            let mut calls = calls.unwrap_or_else(PoisonError::into_inner);
            let next = calls.len();
            *calls.entry(request.call_id.to_vec()).or_insert(next)
        };
        let branch = request.branch().to_vec();
        let again = branches.insert(call, branch.clone()) == Some(branch);
        let heard = Heard {
            at,
            call,
            is_probe,
            again,
            outcome,
        };
        let all = shared.heard.lock();
        all.unwrap_or_else(PoisonError::into_inner).push(heard);
        if !answer.is_empty() {
            drop(socket.send_to(&answer, from));
        }
    }
}

/// What both registrars heard of one run, and the instants that matter, in seconds since 1970.
struct Story {
    first: Vec<Heard>,
    second: Vec<Heard>,
    registered: f64,
    dies: f64,
    verdict: f64,
    back: f64,
    accounts: usize,
}

fn play(program: &Path, accounts: usize, mode: &Mode) -> Result<Story> {
    let directory = tempfile::Builder::new().prefix("regent-load-").tempdir()?;
    let calls = Arc::default();
    let (first, second) = (Booth::open(&calls)?, Booth::open(&calls)?);
    let files = Files::of(directory.path());
    configure(&files, mode, accounts, [first.address, second.address])?;
    let mut command = Command::new(program);
    command.arg("run").arg("--config").arg(&files.config);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = Owned::start(command.stderr(File::create(&files.log)?))?;
    let granted = || {
        first
            .heard()
            .iter()
            .filter(|it| it.outcome == Outcome::Granted)
            .count()
    };
    let limit = Instant::now() + Duration::from_secs(60);
    while granted() < accounts {
        let ended = process.0.try_wait()?;
        ensure!(
            ended.is_none() && Instant::now() < limit,
            "{} of {accounts} Accounts were registered; the log ends with:\n{}",
            granted(),
            daemon::tail(&files.log)
        );
        thread::sleep(Duration::from_millis(20));
    }
    let registered = wall();
    let until = |seconds: f64| {
        let left = registered + seconds - wall();
        thread::sleep(Duration::from_secs_f64(left.max(0.0)));
        wall()
    };
    let dies = until(DIES);
    first.shared.is_dead.store(true, Ordering::Relaxed);
    until(BACK - 0.5);
    let verdict = verdict(program, &files, first.address)?;
    let back = until(BACK);
    first.shared.is_dead.store(false, Ordering::Relaxed);
    until(mode.ends);
    drop(process);
    Ok(Story {
        first: first.heard(),
        second: second.heard(),
        registered,
        dies,
        verdict,
        back,
        accounts,
    })
}

struct Files {
    config: PathBuf,
    log: PathBuf,
    socket: PathBuf,
}

impl Files {
    fn of(directory: &Path) -> Self {
        Self {
            config: directory.join("regent.toml"),
            log: directory.join("regent.log"),
            socket: directory.join("control.sock"),
        }
    }
}

fn configure(
    files: &Files,
    mode: &Mode,
    accounts: usize,
    [first, second]: [SocketAddr; 2],
) -> Result<()> {
    // Each run is a first one.
    let state = files.config.with_file_name("state");
    if state.exists() {
        std::fs::remove_dir_all(&state)?;
    }
    let mut out = private(&files.config)?;
    writeln!(
        out,
        "[agent]\ncontrol_socket = \"{socket}\"\nstate_directory = \"{state}\"\n\
         max_accounts = {accounts}\n\
         max_accounts_per_served_ip_group = {accounts}\n\n\
         [registration]\nregistration_time_secs = {EXPIRY}\n{registration}\n\
         [[sip_interface]]\nname = \"outside\"\naddress = \"127.0.0.1\"\nudp_port = {port}\n\n\
         [[proxy_set]]\nname = \"carrier\"\nsip_interface = \"outside\"\n\
         proxy = [{{ address = \"{first}\", priority = 1 }}, \
         {{ address = \"{second}\", priority = 2 }}]\n\
         keep_alive = \"options\"\nkeep_alive_secs = 5\nfailure_detection_retransmissions = 1\n\
         success_detection_interval_secs = 1\nredundancy = \"homing\"\n",
        socket = files.socket.display(),
        state = state.display(),
        registration = mode.registration,
        port = free_port()?,
    )?;
    populate(&mut out, accounts, mode.account)?;
    out.flush().context("writing the last of it")
}

/// Since when the daemon has held this registrar for dead.
fn verdict(program: &Path, files: &Files, registrar: SocketAddr) -> Result<f64> {
    let mut command = Command::new(program);
    command.args(["status", "proxies", "--json", "--socket"]);
    let output = command.arg(&files.socket).output()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let members = json["proxy_sets"][0]["members"].as_array();
    let address = registrar.to_string();
    let mut members = members.into_iter().flatten();
    let member = members.find(|it| it["address"] == *address);
    let member = member.context("the registrar is no member")?;
    ensure!(member["health"] == "UNREACHABLE", "{member}");
    let since = member["since"].as_str().context("no time in the status")?;
    let since: jiff::Timestamp = since.parse()?;
    Ok(since.as_millisecond() as f64 / 1e3)
}

impl Story {
    /// Prints the figures, and returns what is not as it should be.
    fn judge(&self, mode: &Mode) -> Vec<String> {
        let mut faults = self.moves(mode);
        faults.extend(self.calm());
        faults.extend(self.storms());
        if mode.name == "avoidance" {
            faults.extend(self.homecoming());
        }
        faults
    }

    /// Everybody is at the second in time.
    fn moves(&self, mode: &Mode) -> Vec<String> {
        let answered = self.first.iter();
        let answered = answered.filter(|it| it.outcome != Outcome::Silence && it.at < self.back);
        let last_answer = answered.map(|it| it.at).fold(self.registered, f64::max);
        let arrivals = grants(&self.second, self.dies);
        let last = arrivals.values().copied().fold(self.verdict, f64::max);
        let took = last - self.verdict;
        report::say(&format!(
            "  {}: last answer to verdict {:.3} s; verdict to the last of {} at the second \
             {took:.3} s",
            mode.name,
            self.verdict - last_answer,
            arrivals.len(),
        ));
        let mut faults = Vec::new();
        if arrivals.len() != self.accounts {
            faults.push(format!("{} moved", arrivals.len()));
        }
        if mode.name == "at once" && took > 2.0 {
            faults.push(format!("the last moved after {took:.3} s"));
        }
        faults
    }

    /// No binding ended, nothing was sent twice to who answers, and who does not is left alone.
    fn calm(&self) -> Vec<String> {
        let gap = self.longest_gap();
        let again = |heard: &[Heard], from: f64, to: f64| {
            let again = heard.iter().filter(|it| it.again && !it.is_probe);
            again.filter(|it| it.at >= from && it.at < to).count()
        };
        let repeated = again(&self.first, 0.0, self.dies)
            + again(&self.first, self.back, f64::MAX)
            + again(&self.second, 0.0, f64::MAX);
        let dead = |it: &&Heard| it.at > self.verdict && it.at < self.back && !it.again;
        let asked = self.first.iter().filter(dead);
        let asked = asked.filter(|it| !it.is_probe).count();
        let probes: Vec<f64> = self.first.iter().filter(dead).map(|it| it.at).collect();
        let apart = probes.windows(2).map(|pair| pair[1] - pair[0]);
        let apart = apart.fold(f64::MAX, f64::min);
        report::say(&format!(
            "    at most {gap:.1} s of {EXPIRY} without a 200; sent twice to who answers: \
             {repeated}; to the dead one after the verdict: {asked} REGISTERs, {} probes \
             {apart:.1} s apart",
            probes.len() - asked
        ));
        let rules = [
            (gap < EXPIRY, "a binding ended"),
            (repeated == 0, "requests were sent twice"),
            (asked == 0, "REGISTERs went to the dead one"),
            (apart > 1.5, "there was more than one prober"),
        ];
        let broken = rules.iter().filter(|(holds, _)| !holds);
        broken.map(|(_, fault)| (*fault).to_owned()).collect()
    }

    /// Nobody hurries when the first is back.
    fn storms(&self) -> Vec<String> {
        let even = self.accounts as f64 / SPREAD;
        let peaks = [&self.first, &self.second].map(|heard| busiest(heard, self.back));
        report::say(&format!(
            "    REGISTERs in the busiest second once it is back: {} at the first, {} at the \
             second (an even spread is {even:.0})",
            peaks[0], peaks[1]
        ));
        let storms = peaks.iter().filter(|peak| **peak as f64 > 2.0 * even);
        storms
            .map(|peak| format!("{peak} REGISTERs in a second"))
            .collect()
    }

    /// In mode avoid everybody comes home when its old binding has been over for long enough.
    fn homecoming(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let home = grants(&self.first, self.back);
        let mut last: HashMap<usize, f64> = HashMap::new();
        for it in self.first.iter().filter(|it| it.at < self.dies) {
            if it.outcome == Outcome::Granted {
                last.insert(it.call, it.at);
            }
        }
        let late = home
            .iter()
            .map(|(call, at)| at - last.get(call).unwrap_or(&0.0));
        let late: Vec<f64> = late.map(|waited| waited - EXPIRY - GRACE).collect();
        let earliest = late.iter().copied().fold(f64::MAX, f64::min);
        let latest = late.iter().copied().fold(f64::MIN, f64::max);
        report::say(&format!(
            "    {} came home, {:.0} to {:.0} ms after the end of their avoidance",
            home.len(),
            earliest * 1e3,
            latest * 1e3
        ));
        if home.len() != self.accounts {
            faults.push(format!("{} came home", home.len()));
        }
        if earliest < -0.005 || latest > 1.0 {
            faults.push(format!(
                "avoidance was missed by {earliest:.3} to {latest:.3} s"
            ));
        }
        faults
    }

    /// The longest that an Account was without a new 200, of whichever registrar.
    fn longest_gap(&self) -> f64 {
        let both = self.first.iter().chain(&self.second);
        let mut granted: Vec<&Heard> = both.filter(|it| it.outcome == Outcome::Granted).collect();
        granted.sort_by(|one, other| one.at.total_cmp(&other.at));
        let mut last: HashMap<usize, f64> = HashMap::new();
        let mut longest = 0.0_f64;
        for it in granted {
            if let Some(before) = last.insert(it.call, it.at) {
                longest = longest.max(it.at - before);
            }
        }
        longest
    }
}

/// The first 200 of each Account from an instant on.
fn grants(heard: &[Heard], from: f64) -> HashMap<usize, f64> {
    let granted = heard
        .iter()
        .rev()
        .filter(|it| it.outcome == Outcome::Granted);
    granted
        .filter(|it| it.at >= from)
        .map(|it| (it.call, it.at))
        .collect()
}

/// The most REGISTERs in one second from an instant on.
fn busiest(heard: &[Heard], from: f64) -> usize {
    let mut seconds: HashMap<u64, usize> = HashMap::new();
    for it in heard.iter().filter(|it| !it.is_probe && it.at >= from) {
        *seconds.entry((it.at - from) as u64).or_default() += 1;
    }
    seconds.into_values().max().unwrap_or_default()
}
