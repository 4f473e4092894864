//! Whether questions about the status make the engine late.
//!
//! One daemon, kept busy by refreshes, is watched for as long as every Account is refreshed once,
//! and as long while ten questions a second are asked (how many are in which phase, a page of a
//! hundred, one Account, those in a phase), and one client reads the status of all Accounts again
//! and again: over the control socket, and with `--http` over HTTP too. How late each timer was
//! handled is what the daemon itself counts, in the histogram that monitoring reads too. They take
//! turns, so that whatever else the machine does falls upon all of them.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use regent::control::{
    self,
    protocol::{Call, Item},
};

use crate::{
    child::{Owned, Responder},
    daemon::{self, Plan, free_port},
    report::say,
    responder,
};

/// Granted: refreshes come at half of it, up to a fifth of that earlier.
const GRANT: Duration = Duration::from_secs(60);
/// In so long everybody is refreshed once: it is watched as long without questions, and as long
/// with them.
const PERIOD: Duration = Duration::from_secs(30);
/// In so many turns.
const TURNS: u32 = 3;
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);
/// Fewer timers say nothing.
const TIMERS: u64 = 10_000;

/// Watches with and without questions; returns what was not as it should be. In any case 99 % of
/// timers may be `late` milliseconds late.
pub(crate) fn run(program: &Path, accounts: usize, http: bool, late: f64) -> Result<Vec<String>> {
    say(&format!(
        "queries: {accounts} Accounts, expiry {} s; in {TURNS} turns {} s without questions, and as long \
         with ten a second and a reader of all",
        GRANT.as_secs(),
        PERIOD.as_secs()
    ));
    let directory = tempfile::Builder::new().prefix("regent-load-").tempdir()?;
    let plan = Plan {
        program: program.to_owned(),
        directory: directory.path().to_owned(),
        accounts,
        grant: GRANT,
        verify: false,
        rest: false,
    };
    let busy = Busy::start(&plan, http)?;
    // Everybody's first refresh is behind them, and the next ones are spread as they will be.
    thread::sleep(PERIOD);
    let doors = [Door::Control, Door::Http];
    let doors = &doors[..1 + usize::from(http)];
    let mut without = Lateness::default();
    let mut with = vec![(Lateness::default(), Asked::default()); doors.len()];
    for _ in 0..TURNS {
        without.add(&busy.turn(|| Ok(()))?);
        for (door, (late, asked)) in doors.iter().zip(&mut with) {
            late.add(&busy.turn(|| {
                let clients = Clients::start(&busy.directory, *door, accounts);
                thread::sleep(PERIOD / TURNS);
                asked.add(clients.end()?);
                Ok(())
            })?);
        }
    }
    without.print("without questions");
    let mut missed = Vec::new();
    for (door, (with, asked)) in doors.iter().zip(&with) {
        with.print(door.name());
        asked.print();
        let faults = judge(&without, with, asked, late * 1_000.0).into_iter();
        missed.extend(faults.map(|fault| format!("{}: {fault}", door.name())));
    }
    Ok(missed)
}

/// Where clients ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Door {
    Control,
    Http,
}

impl Door {
    fn name(self) -> &'static str {
        match self {
            Self::Control => "control socket",
            Self::Http => "HTTP",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Control => "control.sock",
            Self::Http => "web.sock",
        }
    }
}

fn judge(without: &Lateness, with: &Lateness, asked: &Asked, late: f64) -> Vec<String> {
    let mut missed = Vec::new();
    let (before, after) = (without.percentile(0.99), with.percentile(0.99));
    let allowed = late.max(2.0 * before);
    if after > allowed {
        missed.push(format!(
            "with questions 99 % of timers are at most {after:.0} µs late, and not {allowed:.0}"
        ));
    }
    let timers = without.count().min(with.count());
    if timers < TIMERS {
        missed.push(format!("only {timers} timers went off in all turns"));
    }
    let wanted = PERIOD.as_millis() / PAUSE.as_millis();
    if u128::from(asked.questions) < wanted * 9 / 10 {
        missed.push(format!(
            "only {} questions of {wanted} were answered",
            asked.questions
        ));
    }
    if asked.dumps == 0 {
        missed.push("nobody has read the status of all".to_owned());
    }
    missed
}

/// A daemon that keeps everybody registered.
struct Busy {
    directory: PathBuf,
    _daemon: Owned,
    _responder: Responder,
}

impl Busy {
    fn start(plan: &Plan, http: bool) -> Result<Self> {
        let mut responder = Responder::start(responder::Settings {
            accounts: plan.accounts,
            grant: Some(plan.grant.as_secs().try_into()?),
            verify: false,
        })?;
        let config = plan.directory.join("regent.toml");
        daemon::configure(&config, plan, responder.port, free_port()?)?;
        if http {
            let web = plan.directory.join(Door::Http.file());
            let mut text = File::options().append(true).open(&config)?;
            writeln!(text, "[web]\nlisten = [\"unix:{}\"]", web.display())?;
        }
        let log = plan.directory.join("regent.log");
        let mut command = Command::new(&plan.program);
        command.arg("run").arg("--config").arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(&log)?);
        let process = Owned::start(&mut command)?;
        let deadline = Instant::now() + Duration::from_secs(120);
        while responder.report()?.value("registered")? < plan.accounts as u64 {
            ensure!(
                Instant::now() < deadline,
                "not all were registered; the log ends with:\n{}",
                daemon::tail(&log)
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Self {
            directory: plan.directory.clone(),
            _daemon: process,
            _responder: responder,
        })
    }

    /// How late it was while that lasted, or for a whole turn where it ends at once.
    fn turn(&self, during: impl FnOnce() -> Result<()>) -> Result<Lateness> {
        let socket = self.directory.join(Door::Control.file());
        let end = Instant::now() + PERIOD / TURNS;
        let before = lateness(&socket)?;
        during()?;
        thread::sleep(end.saturating_duration_since(Instant::now()));
        Ok(lateness(&socket)?.since(&before))
    }
}

/// How late timers were: how many at most so many microseconds, by rising bounds; the last is
/// without bound.
#[derive(Clone, Default, Debug, PartialEq)]
struct Lateness(Vec<(f64, u64)>);

/// What the daemon has counted since its start.
fn lateness(socket: &Path) -> Result<Lateness> {
    let mut client = control::Client::connect(socket, Duration::from_secs(10))?;
    let mut text = String::new();
    client.ask(Call::Metrics(None), |item| {
        if let Item::Metrics(piece) = item {
            text.push_str(&piece);
        }
        Ok(())
    })?;
    Lateness::read(&text)
}

impl Lateness {
    /// From the text that monitoring reads.
    fn read(text: &str) -> Result<Self> {
        let buckets = text.lines().filter_map(|line| {
            let (bound, count) = line.strip_prefix(BUCKET)?.split_once("\"} ")?;
            let seconds: f64 = match bound {
                "+Inf" => f64::INFINITY,
                bound => bound.parse().ok()?,
            };
            Some((seconds * 1e6, count.trim().parse().ok()?))
        });
        let buckets: Vec<(f64, u64)> = buckets.collect();
        ensure!(
            !buckets.is_empty(),
            "the daemon does not say how late it is"
        );
        Ok(Self(buckets))
    }

    fn since(&self, before: &Self) -> Self {
        let both = self.0.iter().zip(&before.0);
        Self(both.map(|(now, then)| (now.0, now.1 - then.1)).collect())
    }

    fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            return self.0.clone_from(&other.0);
        }
        let both = self.0.iter_mut().zip(&other.0);
        both.for_each(|(own, other)| own.1 += other.1);
    }

    fn count(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    /// In microseconds; between two bounds as if all there were spread evenly.
    fn percentile(&self, share: f64) -> f64 {
        let wanted = self.count() as f64 * share;
        let (mut from, mut below) = (0.0, 0);
        for (bound, count) in &self.0 {
            if *count as f64 >= wanted && *count > below {
                if bound.is_infinite() {
                    return *bound;
                }
                let part = (wanted - below as f64) / (count - below) as f64;
                return from + (bound - from) * part.max(0.0);
            }
            (from, below) = (*bound, *count);
        }
        0.0
    }

    fn print(&self, when: &str) {
        let [half, most, nearly] = [0.5, 0.99, 0.999].map(|share| self.percentile(share));
        let count = self.count();
        say(&format!(
            "  {when:<18} {count} timers, late by {half:.0} µs (50 %), {most:.0} µs (99 %), {nearly:.0} µs \
             (99.9 %)"
        ));
    }
}

/// Those who ask.
struct Clients {
    is_over: Arc<AtomicBool>,
    asking: JoinHandle<Result<Asked>>,
    reading: JoinHandle<Result<Asked>>,
}

/// What was asked, and how long the answers took.
#[derive(Clone, Copy, Default, Debug)]
struct Asked {
    questions: u64,
    longest: Duration,
    dumps: u64,
    bytes: u64,
}

impl Asked {
    fn add(&mut self, other: Self) {
        self.questions += other.questions;
        self.longest = self.longest.max(other.longest);
        self.dumps += other.dumps;
        self.bytes += other.bytes;
    }

    fn print(&self) {
        let megabytes = self.bytes as f64 / 1e6;
        say(&format!(
            "  {} questions, the longest answer took {:.0?}; all Accounts read {} times, {megabytes:.0} MB",
            self.questions, self.longest, self.dumps
        ));
    }
}

impl Clients {
    fn start(directory: &Path, door: Door, accounts: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let spawn = |client: fn(&Client, &AtomicBool) -> Result<Asked>| {
            let is_over = Arc::clone(&is_over);
            let own = Client {
                socket: directory.join(door.file()),
                door,
                accounts,
            };
            thread::spawn(move || client(&own, &is_over))
        };
        let (asking, reading) = (spawn(Client::ask), spawn(Client::read));
        Self {
            is_over,
            asking,
            reading,
        }
    }

    fn end(self) -> Result<Asked> {
        self.is_over.store(true, Ordering::Relaxed);
        let joined = |thread: JoinHandle<Result<Asked>>| {
            let ended = thread.join();
            ended.ok().context("a client of the bench panicked")?
        };
        let (asked, dumped) = (joined(self.asking)?, joined(self.reading)?);
        Ok(Asked {
            dumps: dumped.dumps,
            bytes: dumped.bytes,
            ..asked
        })
    }
}

/// What a client wants to know.
#[derive(Clone, Copy, Debug)]
enum Question {
    Summary,
    /// A hundred from there on.
    Page(usize),
    /// The Account of this number.
    One(usize),
    Registered,
    All,
}

impl Question {
    /// Ten a second are of these kinds in turn.
    fn of(number: usize, accounts: usize) -> Self {
        let place = number * 7_919 % accounts;
        match number % 4 {
            0 => Self::Summary,
            1 => Self::Page(place.min(accounts.saturating_sub(100))),
            2 => Self::One(place),
            _ => Self::Registered,
        }
    }

    /// How many Accounts are in the answer.
    fn items(self, accounts: usize) -> usize {
        match self {
            Self::Summary => 0,
            Self::Page(_) | Self::Registered => accounts.min(100),
            Self::One(_) => 1,
            Self::All => accounts,
        }
    }

    fn at_the_control_socket(self) -> String {
        let params = match self {
            Self::Summary => r#"{"limit":0}"#.to_owned(),
            Self::Page(offset) => format!(r#"{{"limit":100,"offset":{offset}}}"#),
            Self::One(number) => format!(r#"{{"names":["a{number:07}"]}}"#),
            Self::Registered => r#"{"phases":["registered"],"limit":100}"#.to_owned(),
            Self::All => "{}".to_owned(),
        };
        format!("{{\"v\":1,\"id\":1,\"method\":\"status\",\"params\":{params}}}\n")
    }

    fn over_http(self) -> String {
        let target = match self {
            Self::Summary => "summary".to_owned(),
            Self::Page(offset) => format!("accounts?limit=100&offset={offset}"),
            Self::One(number) => format!("accounts/a{number:07}"),
            Self::Registered => "accounts?phase=registered&limit=100".to_owned(),
            Self::All => "accounts?limit=all".to_owned(),
        };
        format!("GET /api/v1/{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    }
}

/// A client. It counts what it is told and reads none of it: what clients make of answers is not
/// the daemon's work.
struct Client {
    socket: PathBuf,
    door: Door,
    accounts: usize,
}

impl Client {
    /// Ten questions a second, of four kinds in turn.
    fn ask(&self, is_over: &AtomicBool) -> Result<Asked> {
        let mut asked = Asked::default();
        let mut next = Instant::now();
        while !is_over.load(Ordering::Relaxed) {
            let number = usize::try_from(asked.questions)?;
            let begun = Instant::now();
            self.hear(Question::of(number, self.accounts))?;
            asked.longest = asked.longest.max(begun.elapsed());
            asked.questions += 1;
            next += PAUSE;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        Ok(asked)
    }

    /// The status of all, again and again.
    fn read(&self, is_over: &AtomicBool) -> Result<Asked> {
        let mut asked = Asked::default();
        while !is_over.load(Ordering::Relaxed) {
            asked.bytes += self.hear(Question::All)?;
            asked.dumps += 1;
        }
        Ok(asked)
    }

    /// Asks and hears the answer; how many bytes it had.
    fn hear(&self, question: Question) -> Result<u64> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let request = match self.door {
            Door::Control => question.at_the_control_socket(),
            Door::Http => question.over_http(),
        };
        stream.write_all(request.as_bytes())?;
        let mut answer = Answer::default();
        let mut buffer = vec![0; 1 << 16];
        while !answer.is_through(self.door) {
            match stream.read(&mut buffer)? {
                0 => break,
                length => answer.take(&buffer[..length]),
            }
        }
        let wanted = question.items(self.accounts);
        ensure!(
            answer.is_good(self.door) && answer.items == wanted,
            "{question:?} was answered by {} Accounts of {wanted}: {} … {}",
            answer.items,
            String::from_utf8_lossy(&answer.head),
            String::from_utf8_lossy(&answer.tail)
        );
        Ok(answer.bytes)
    }
}

/// An answer, of which only the ends are kept.
#[derive(Default)]
struct Answer {
    head: Vec<u8>,
    /// The last bytes: what is looked for may come in two pieces.
    tail: Vec<u8>,
    items: usize,
    bytes: u64,
}

impl Answer {
    fn take(&mut self, piece: &[u8]) {
        let room = ENDS.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
        let start = self.tail.len().saturating_sub(ITEM.len() - 1);
        self.tail.extend_from_slice(piece);
        self.items += memchr::memmem::find_iter(&self.tail[start..], ITEM).count();
        self.bytes += piece.len() as u64;
        let gone = self.tail.len().saturating_sub(ENDS);
        self.tail.drain(..gone);
    }

    /// Whether nothing more will come.
    fn is_through(&self, door: Door) -> bool {
        door == Door::Control
            && self.tail.ends_with(b"\n")
            && (memchr::memmem::find(&self.tail, b"{\"id\":1,\"done\":").is_some()
                || memchr::memmem::find(&self.tail, b"{\"id\":1,\"error\":").is_some())
    }

    fn is_good(&self, door: Door) -> bool {
        match door {
            Door::Control => memchr::memmem::find(&self.tail, b"\"done\":").is_some(),
            Door::Http => self.head.starts_with(b"HTTP/1.1 200 "),
        }
    }
}

/// How the status of an Account begins.
const ITEM: &[u8] = b"{\"index\":";
/// So many bytes of both ends of an answer are kept: more than the longest last line.
const ENDS: usize = 4_096;

/// A known text is read as what it says.
pub(crate) fn self_test() -> Result<()> {
    let text = |counts: [u64; 3]| {
        let [one, two, all] = counts;
        Lateness::read(&format!(
            "# TYPE regent_timer_lateness_seconds histogram\n{BUCKET}0.001\"}} {one}\n{BUCKET}0.005\"}} \
             {two}\n{BUCKET}+Inf\"}} {all}\nregent_timer_lateness_seconds_sum 1\n"
        ))
    };
    let found = text([1_000, 1_090, 1_100])?.since(&text([900, 990, 1_000])?);
    ensure!(found.count() == 100, "{found:?} has 100");
    ensure!((found.percentile(0.5) - 500.0).abs() < 1e-6, "{found:?}");
    let late = text([0, 99, 100])?;
    ensure!((late.percentile(0.99) - 5_000.0).abs() < 1e-6, "{late:?}");
    ensure!(late.percentile(0.999).is_infinite(), "{late:?}");
    let good = Asked {
        questions: 290,
        dumps: 1,
        ..Asked::default()
    };
    let many =
        |lateness: &Lateness| Lateness(lateness.0.iter().map(|it| (it.0, it.1 * 200)).collect());
    let (early, late) = (many(&found), many(&late));
    ensure!(
        judge(&early, &late, &good, 5_000.0).is_empty(),
        "5 ms is allowed"
    );
    let later = many(&text([0, 0, 100])?);
    ensure!(
        judge(&early, &later, &good, 5_000.0).len() == 1,
        "late is missed"
    );
    ensure!(
        judge(&found, &found, &Asked::default(), 5_000.0).len() == 3,
        "nothing was seen"
    );
    Ok(())
}

const BUCKET: &str = "regent_timer_lateness_seconds_bucket{le=\"";
