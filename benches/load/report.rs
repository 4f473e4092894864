//! What the bench prints, and which targets a series missed.
//!
//! Every figure of a series is the median of its pairs, the ratio too: it is taken inside each
//! pair first, since daemon and floor of one pair saw the same machine.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its figures"
)]

use std::{env, fs, thread, time::Duration};

use anyhow::Result;

use crate::{child::Figures, daemon::Outcome};

/// What the floor needed for one registration or one refresh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// User and system time, in microseconds.
    cpu: f64,
    /// Of that, the system time.
    system: f64,
    /// Time of the whole run.
    wall: Duration,
}

impl Cost {
    /// Reads the figures of a floor.
    pub(crate) fn read(figures: &Figures, registrations: usize) -> Result<Self> {
        let (user, system) = (figures.micros("user_us")?, figures.micros("system_us")?);
        Ok(Self {
            cpu: each(user + system, registrations),
            system: each(system, registrations),
            wall: figures.micros("wall_us")?,
        })
    }
}

/// A run of the daemon, unless it was left out, and the floors that followed it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The daemon.
    pub(crate) daemon: Option<Outcome>,
    /// The floor of a registration and of a refresh.
    pub(crate) floor: [Cost; 2],
}

impl Pair {
    /// One line for those who wait.
    pub(crate) fn print(&self, accounts: usize, number: usize, of: usize) {
        let [register, refresh] = self.floor;
        let (wall, again) = (register.wall, refresh.wall);
        let daemon = self.daemon.as_ref().map_or_else(String::new, |daemon| {
            let registration = each(daemon.registering.spent, accounts);
            let refresh = each(daemon.refreshing.spent, accounts);
            format!("daemon {registration:.1} µs a registration, {refresh:.1} µs a refresh; ")
        });
        println!(
            "{accounts} Accounts, pair {number} of {of}: {daemon}floor {:.1} µs in {wall:.2?}, \
             {:.1} µs in {again:.2?}",
            register.cpu, refresh.cpu
        );
    }
}

/// All pairs with one number of Accounts.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    accounts: usize,
    /// The pairs so far.
    pub(crate) pairs: Vec<Pair>,
}

impl Series {
    /// A series without pairs.
    pub(crate) fn new(accounts: usize) -> Self {
        Self {
            accounts,
            pairs: Vec::new(),
        }
    }

    /// The table of the series.
    pub(crate) fn print(&self) {
        let accounts = self.accounts;
        println!("\n{accounts} Accounts, median of {}", self.pairs.len());
        let floor = |place: usize| median(self.pairs.iter().map(|pair| pair.floor[place].cpu));
        let [register, refresh] = [floor(0), floor(1)];
        if self.daemons().next().is_none() {
            println!("  floor of a registration     {register:.2} µs");
            println!("  floor of a refresh          {refresh:.2} µs\n");
            return;
        }
        for (name, count) in [("a registration", "initial"), ("a refresh", "refresh")] {
            let most = self.most(|daemon| daemon.figures.value(&format!("{count}.max")));
            let fewest = self.least(|daemon| daemon.figures.value(&format!("{count}.min")));
            let again = self.most(|daemon| daemon.figures.value(&format!("{count}.again")));
            let span = self.median(|daemon| span(daemon, count).as_secs_f64());
            println!("  requests of {name:<15} {fewest} to {most} each, {again} sent twice");
            println!("    first to last 200         {span:.3} s");
        }
        let [whole, start_up] = [
            self.median(|daemon| each(daemon.registering.spent, accounts)),
            self.median(|daemon| each(daemon.start_up.spent, accounts)),
        ];
        println!(
            "  CPU of a registration       daemon {whole:.2} µs (about {start_up:.2} before the \
             first datagram), floor {register:.2} µs, ratio {:.2}",
            self.ratio(0)
        );
        println!("    of that in the kernel     {}", self.system(0));
        println!(
            "  CPU of a refresh            daemon {:.2} µs, floor {refresh:.2} µs, ratio {:.2}",
            self.median(|daemon| each(daemon.refreshing.spent, accounts)),
            self.ratio(1)
        );
        println!("    of that in the kernel     {}", self.system(1));
        let [resident, peak] = self.memory();
        let resting = self.median(|daemon| daemon.resting.as_secs_f64() * 1e3);
        let drops = self.most(|daemon| Ok(daemon.drops[0] + daemon.drops[1]));
        println!("  CPU at rest                 {resting:.2} ms a second");
        println!("  memory of an Account        VmRSS {resident:.2} KiB, VmHWM {peak:.2} KiB");
        println!("  datagrams dropped           {drops}\n");
        if self.daemons().any(|daemon| daemon.early) {
            println!("  note: refreshes began before the memory was read\n");
        }
    }

    /// The targets that were missed, in words; `most` is what the CPU time may be of the floor's,
    /// `memory` what an Account may take in KiB.
    pub(crate) fn missed(&self, most: f64, memory: f64) -> Vec<String> {
        let accounts = self.accounts;
        let mut missed = Vec::new();
        let mut expect = |met: bool, what: String| {
            if !met {
                missed.push(format!("{accounts} Accounts: {what}"));
            }
        };
        if self.daemons().next().is_none() {
            return missed;
        }
        for daemon in self.daemons() {
            for (met, what) in exact(daemon, accounts) {
                expect(met, what);
            }
        }
        let ratio = self.ratio(0);
        if accounts == 10_000 {
            expect(
                ratio <= most,
                format!("CPU is {ratio:.2} of the floor, not {most} or less"),
            );
        }
        if accounts == 10_000 {
            let span = self.median(|daemon| span(daemon, "initial").as_secs_f64());
            expect(
                span < 2.0,
                format!("registered after {span:.3} s, not under 2 s"),
            );
        }
        if accounts >= 100_000 {
            let [resident, peak] = self.memory();
            // The last messages take what they may take, for any number of Accounts.
            let own = resident - TRACES_KIB / accounts as f64;
            expect(
                own <= memory,
                format!("VmRSS is {own:.2} KiB an Account beside the traces, not {memory}"),
            );
            expect(
                peak <= 6.0,
                format!("VmHWM is {peak:.2} KiB an Account, not 6"),
            );
        }
        missed
    }

    fn daemons(&self) -> impl Iterator<Item = &Outcome> {
        self.pairs.iter().filter_map(|pair| pair.daemon.as_ref())
    }

    fn median(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        median(self.daemons().map(figure))
    }

    fn most(&self, figure: impl Fn(&Outcome) -> Result<u64>) -> u64 {
        self.daemons()
            .filter_map(|daemon| figure(daemon).ok())
            .max()
            .unwrap_or(0)
    }

    fn least(&self, figure: impl Fn(&Outcome) -> Result<u64>) -> u64 {
        self.daemons()
            .filter_map(|daemon| figure(daemon).ok())
            .min()
            .unwrap_or(0)
    }

    /// CPU of the daemon by that of the floor: of a registration (0) or a refresh (1).
    fn ratio(&self, place: usize) -> f64 {
        median(self.pairs.iter().filter_map(|pair| {
            let daemon = pair.daemon.as_ref()?;
            let cpu = [daemon.registering, daemon.refreshing][place];
            Some(each(cpu.spent, self.accounts) / pair.floor[place].cpu)
        }))
    }

    /// What of the CPU of a registration (0) or a refresh (1) was system time, in words.
    fn system(&self, place: usize) -> String {
        let daemon = self.median(|daemon| {
            let cpu = [daemon.registering, daemon.refreshing][place];
            each(cpu.system, self.accounts)
        });
        let floor = median(self.pairs.iter().map(|pair| pair.floor[place].system));
        format!("daemon {daemon:.1} µs, floor {floor:.1} µs")
    }

    /// VmRSS and VmHWM, in KiB of an Account.
    fn memory(&self) -> [f64; 2] {
        let share = |bytes: u64| bytes as f64 / 1024.0 / self.accounts as f64;
        [
            self.median(|daemon| share(daemon.resident)),
            self.median(|daemon| share(daemon.peak)),
        ]
    }
}

/// What must hold in every run, not in the middle of several.
fn exact(daemon: &Outcome, accounts: usize) -> Vec<(bool, String)> {
    let count = |name: &str| daemon.figures.value(name).unwrap_or(u64::MAX);
    let accounts = accounts as u64;
    let is = |name: &str, wanted: u64| {
        let found = count(name);
        (found == wanted, format!("{name} is {found}, not {wanted}"))
    };
    vec![
        is("registered", accounts),
        is("malformed", 0),
        is("initial.calls", accounts),
        is("initial.requests", accounts * 2),
        is("initial.challenged", accounts),
        is("initial.min", 2),
        is("initial.max", 2),
        is("initial.again", 0),
        is("refresh.requests", accounts),
        is("refresh.granted", accounts),
        is("refresh.challenged", 0),
        is("refresh.max", 1),
        is("refresh.again", 0),
    ]
}

/// Prints the verifying run and returns what it missed.
pub(crate) fn verified(daemon: &Outcome, accounts: usize) -> Result<Vec<String>> {
    let count = |name: &str| daemon.figures.value(name);
    println!(
        "{accounts} Accounts, every digest checked: {} right at first, {} right in a refresh, \
         {} wrong, {} with an unknown nonce, {} with a wrong count\n",
        count("initial.granted")?,
        count("refresh.granted")?,
        count("wrong_digest")?,
        count("wrong_nonce")?,
        count("wrong_count")?,
    );
    let mut missed: Vec<String> = exact(daemon, accounts)
        .into_iter()
        .filter_map(|(met, what)| (!met).then(|| format!("verifying run: {what}")))
        .collect();
    for name in ["wrong_digest", "wrong_nonce", "wrong_count"] {
        if count(name)? > 0 {
            missed.push(format!("verifying run: {name} is {}", count(name)?));
        }
    }
    Ok(missed)
}

/// Says what the figures were taken on.
pub(crate) fn machine() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    println!(
        "{} {}, {} processors {}, load {}\n",
        env::consts::OS,
        read("/proc/sys/kernel/osrelease").trim(),
        thread::available_parallelism().map_or(0, usize::from),
        model.map_or("", |(_, name)| name),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    );
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints an error and its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("load bench: {}", error.root_cause());
    for context in error.chain().take(error.chain().count() - 1) {
        eprintln!("  {context}");
    }
}

fn span(daemon: &Outcome, part: &str) -> Duration {
    daemon
        .figures
        .micros(&format!("{part}.span_us"))
        .unwrap_or_default()
}

/// What the traces may take by default, in KiB.
const TRACES_KIB: f64 = 16.0 * 1_024.0;

/// Microseconds of one of many.
fn each(time: Duration, number: usize) -> f64 {
    time.as_secs_f64() * 1e6 / number as f64
}

/// The middle one; of an even number, the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
