//! The load bench: what it costs to keep many Accounts registered, against the least it can cost.
//!
//! `cargo bench --bench load` starts three kinds of process on loopback: a *responder* that plays
//! the registrar, the shipped *daemon* with its defaults, and the *floor*, a client that sends the
//! same bytes and does nothing else. Daemon and floor take turns, in pairs, and the ratio of their
//! CPU times is what stays true from one machine to the next. `--help` lists the options; the
//! whole of it takes about ten minutes, `--quick` one.
//!
//! The daemon's CPU time is what the clock of its process says when it has come to rest: that of
//! all its threads, start-up included. The floor's is what `getrusage` says of it as it ends. The
//! targets on CPU are for 10,000 Accounts: below that, starting a process at all weighs too much.
//!
//! The bench measures and judges (`--check`); it does not know how the daemon works inside.

mod child;
mod daemon;
mod failover;
mod floor;
mod queries;
mod report;
mod responder;
mod selftest;
mod tally;
mod verify;
mod watch;
mod wire;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    report::{Cost, Pair, Series},
    responder::Settings,
    watch::Watch,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some(RESPONDER) => Options::read(&arguments[1..]).and_then(|options| {
            let Options {
                accounts,
                grant,
                verify,
                ..
            } = options;
            responder::run(Settings {
                accounts: accounts[0],
                grant,
                verify,
            })
        }),
        Some(FLOOR) => Options::read(&arguments[1..]).and_then(|options| {
            let Options {
                port,
                accounts,
                refresh,
                samples,
                ..
            } = options;
            let registrations = accounts[0].try_into()?;
            floor::run(&floor::Settings {
                port,
                registrations,
                refresh,
                samples,
            })
        }),
        // `cargo test` runs benches too, without this word: then the bench only tests itself.
        _ if !arguments.iter().any(|word| word == "--bench") => selftest::run(),
        _ => Options::read(&arguments).and_then(|options| bench(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The command line, that of the two helpers included.
#[derive(Clone, Debug)]
struct Options {
    accounts: Vec<usize>,
    pairs: usize,
    grant: Option<u32>,
    program: PathBuf,
    check: bool,
    /// What the daemon's CPU time may be of the floor's.
    ratio: f64,
    /// What an Account may take in memory beside the traces, in KiB, where there are many.
    memory: f64,
    verify: bool,
    floor_only: bool,
    failover: bool,
    queries: bool,
    http: bool,
    /// So many milliseconds the 99th percentile of timers may be late in any case.
    late: f64,
    help: bool,
    port: u16,
    refresh: bool,
    samples: Option<PathBuf>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            accounts: vec![1_000, 10_000, 100_000],
            pairs: 5,
            grant: None,
            program: PathBuf::from(env!("CARGO_BIN_EXE_regent")),
            check: false,
            ratio: RATIO,
            memory: MEMORY,
            verify: false,
            floor_only: false,
            failover: false,
            queries: false,
            http: false,
            late: 5.0,
            help: false,
            port: 0,
            refresh: false,
            samples: None,
        };
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word {
                "--accounts" => {
                    let numbers = value()?.split(',').map(str::parse::<usize>);
                    options.accounts = numbers.collect::<Result<_, _>>().context("--accounts")?;
                }
                "--pairs" => options.pairs = value()?.parse().context("--pairs")?,
                "--grant" => options.grant = Some(value()?.parse().context("--grant")?),
                "--daemon" => options.program = PathBuf::from(value()?),
                "--port" => options.port = value()?.parse().context("--port")?,
                "--samples" => options.samples = Some(PathBuf::from(value()?)),
                "--quick" => (options.accounts, options.pairs) = (vec![1_000, 10_000], 1),
                "--check" => options.check = true,
                "--ratio" => options.ratio = value()?.parse().context("--ratio")?,
                "--memory" => options.memory = value()?.parse().context("--memory")?,
                "--verify" => options.verify = true,
                "--failover" => options.failover = true,
                "--queries" => options.queries = true,
                "--http" => options.http = true,
                "--late" => options.late = value()?.parse().context("--late")?,
                "--floor-only" => options.floor_only = true,
                "--refresh" => options.refresh = true,
                "--help" | "-h" => options.help = true,
                "--bench" => {}
                _ => bail!("unknown option {word}; --help lists them"),
            }
        }
        let sensible = options.pairs > 0 && options.accounts.iter().all(|&number| number > 0);
        ensure!(sensible, "there must be at least one Account and one pair");
        Ok(options)
    }
}

/// Does everything that the options ask for.
fn bench(options: &Options) -> Result<()> {
    if options.help {
        report::say(HELP);
        return Ok(());
    }
    let watch = Watch::start();
    report::machine();
    if options.failover {
        let mut accounts = options.accounts.iter().copied();
        let accounts = accounts.find(|number| *number >= 10_000).unwrap_or(10_000);
        return judge(options, &failover::run(&options.program, accounts, &watch)?);
    }
    if options.queries {
        let accounts = options.accounts.last().copied().unwrap_or(100_000);
        return judge(
            options,
            &queries::run(&options.program, accounts, options.http, options.late)?,
        );
    }
    let mut missed = Vec::new();
    if !options.floor_only {
        missed.extend(verify_digests(options, &watch)?);
    }
    // This run alone is short enough to be made after every change.
    if options.verify {
        return judge(options, &missed);
    }
    for &accounts in &options.accounts {
        let mut series = Series::new(accounts);
        for number in 1..=options.pairs {
            let pair = measure(options, accounts, &watch)?;
            pair.print(accounts, number, options.pairs);
            series.pairs.push(pair);
        }
        series.print();
        missed.extend(series.missed(options.ratio, options.memory));
    }
    judge(options, &missed)
}

/// What the daemon's CPU time may be of the floor's.
const RATIO: f64 = 2.5;

/// What an Account may take in memory, in KiB.
const MEMORY: f64 = 2.0;

/// Says which targets were missed; with `--check` that is a failure.
fn judge(options: &Options, missed: &[String]) -> Result<()> {
    for line in missed {
        report::say(&format!("missed: {line}"));
    }
    if missed.is_empty() && !options.floor_only {
        report::say("all targets met");
    }
    ensure!(
        !options.check || missed.is_empty(),
        "{} targets missed",
        missed.len()
    );
    Ok(())
}

/// One pair: the daemon, then the floor with the daemon's own requests.
fn measure(options: &Options, accounts: usize, watch: &Watch) -> Result<Pair> {
    let directory = tempfile::Builder::new().prefix("regent-load-").tempdir()?;
    let plan = daemon::Plan {
        program: options.program.clone(),
        directory: directory.path().to_owned(),
        accounts,
        // The first refresh, at 40 % of this, must not come before the memory has been read.
        grant: seconds(
            options
                .grant
                .unwrap_or(if accounts > 20_000 { 60 } else { 40 }),
        ),
        verify: false,
        rest: true,
    };
    let daemon = match options.floor_only {
        true => None,
        false => Some(steady(watch, "daemon", || daemon::run(&plan))?),
    };
    // Right after the daemon, so that both saw the same machine.
    let samples = daemon.as_ref().map(|_| directory.path());
    let floor = steady(watch, "floor", || floors(accounts, samples))?;
    Ok(Pair { daemon, floor })
}

/// The floor of a registration and that of a refresh.
fn floors(accounts: usize, samples: Option<&Path>) -> Result<[Cost; 2]> {
    let settings = Settings {
        accounts,
        ..Settings::default()
    };
    let mut responder = child::Responder::start(settings)?;
    let mut costs = Vec::new();
    for refresh in [false, true] {
        responder.reset()?;
        let figures = child::floor(&responder, accounts, refresh, samples)?;
        let counted = responder.report()?;
        let requests = accounts as u64 * if refresh { 1 } else { 2 };
        let sound = counted.value("initial.requests")? == requests
            && counted.value("registered")? == accounts as u64
            && counted.value("initial.again")? == 0;
        ensure!(
            sound,
            "the floor did not do what it should: {}",
            counted.text()
        );
        costs.push(Cost::read(&figures, accounts)?);
    }
    responder.quit()?;
    costs.try_into().ok().context("there are two floors")
}

/// The separate run in which every digest is computed again.
fn verify_digests(options: &Options, watch: &Watch) -> Result<Vec<String>> {
    let directory = tempfile::Builder::new().prefix("regent-load-").tempdir()?;
    let plan = daemon::Plan {
        program: options.program.clone(),
        directory: directory.path().to_owned(),
        accounts: 1_000,
        grant: seconds(options.grant.unwrap_or(10)),
        verify: true,
        rest: false,
    };
    let outcome = steady(watch, "daemon", || daemon::run(&plan))?;
    report::verified(&outcome, plan.accounts)
}

/// Repeats a run while the machine stood still in it, three times at most.
fn steady<T>(watch: &Watch, what: &str, mut run: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..=3 {
        watch.take();
        let outcome = run();
        let stall = watch.take();
        if stall <= watch::VOID {
            return outcome;
        }
        report::say(&format!(
            "  {what}: void, the machine stood still for {stall:.1?}"
        ));
    }
    bail!(
        "no run of the {what} without a stall of more than {:?} in four",
        watch::VOID
    )
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// First word of the command line of a responder.
const RESPONDER: &str = "--as-responder";

/// First word of the command line of a floor.
const FLOOR: &str = "--as-floor";

const HELP: &str = "\
cargo bench --bench load -- [OPTIONS]

  --accounts N[,N..]  how many Accounts, one series each [1000,10000,100000]
  --pairs N           pairs of daemon and floor in a series [5]
  --quick             the same as --accounts 1000,10000 --pairs 1
  --check             fail when a target is missed
  --ratio N           what the daemon's CPU time may be of the floor's, at 10,000 Accounts [2.5]
  --memory KIB        what each of 100,000 Accounts may take beside the traces [2]
  --verify            only the run of 1,000 Accounts in which every digest is checked
  --failover          only what becomes of many Accounts when the first of two registrars dies
  --queries           only whether questions about the status make timers late
  --http              with --queries: also over HTTP
  --late MS           with --queries: so late 99 % of timers may be in any case [5]
  --floor-only        only the floor, without a daemon
  --grant SECONDS     expiry that the responder grants [by N: 40 or 60, with --verify 10]
  --daemon PATH       another binary in place of the one just built";
