//! The processes that the bench starts, and what can be read of them from outside.
//!
//! Every process is ended by its own id and waited for, also when the bench fails half-way.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{time::ClockId, unistd::Pid};

use crate::responder;

/// A process that does not outlive this value.
pub(crate) struct Owned(pub(crate) Child);

impl Owned {
    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_owned();
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self(child))
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for it to end well by itself.
    fn finish(&mut self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait()? {
                anyhow::ensure!(status.success(), "a process of the bench failed: {status}");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        bail!("a process of the bench did not end within {limit:?}");
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One line of `name=value` from a child.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<String, u64>);

impl Figures {
    fn read(line: &str) -> Self {
        let pairs = line
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .filter_map(|(name, value)| Some((name.into(), value.parse().ok()?)))
                .collect(),
        )
    }

    /// The value of a name that the child always writes.
    pub(crate) fn value(&self, name: &str) -> Result<u64> {
        self.0
            .get(name)
            .copied()
            .with_context(|| format!("a child did not tell {name}"))
    }

    /// All of it as it came, but for the order, without what is nought.
    pub(crate) fn text(&self) -> String {
        let counted = self.0.iter().filter(|(_, value)| **value > 0);
        let words: Vec<String> = counted
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        words.join(" ")
    }

    /// The same as a time.
    pub(crate) fn micros(&self, name: &str) -> Result<Duration> {
        self.value(name).map(Duration::from_micros)
    }
}

/// The responder, as its parent sees it.
pub(crate) struct Responder {
    process: Owned,
    input: ChildStdin,
    output: mpsc::Receiver<String>,
    /// Where it listens.
    pub(crate) port: u16,
    /// The receive buffer that it was given.
    pub(crate) receive_buffer: u64,
}

impl Responder {
    /// Starts one and waits until it listens.
    pub(crate) fn start(settings: responder::Settings) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args([
            crate::RESPONDER,
            "--accounts",
            &settings.accounts.to_string(),
        ]);
        if let Some(grant) = settings.grant {
            command.args(["--grant", &grant.to_string()]);
        }
        command.args(settings.verify.then_some("--verify"));
        let mut process = Owned::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (input, output) = (process.0.stdin.take(), process.0.stdout.take());
        let output = BufReader::new(output.context("the responder has no output")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let input = input.context("the responder has no input")?;
        let mut responder = Self {
            process,
            input,
            output: lines,
            port: 0,
            receive_buffer: 0,
        };
        let hello = responder.hear()?;
        responder.port = hello.value("port")?.try_into()?;
        responder.receive_buffer = hello.value("receive_buffer")?;
        Ok(responder)
    }

    /// What it has counted.
    pub(crate) fn report(&mut self) -> Result<Figures> {
        self.ask("report")
    }

    /// Forgets what it has counted.
    pub(crate) fn reset(&mut self) -> Result<()> {
        self.ask("reset").map(drop)
    }

    /// Writes the first requests that it saw.
    pub(crate) fn samples(&mut self, directory: &Path) -> Result<()> {
        self.ask(&format!("samples {}", directory.display()))
            .map(drop)
    }

    /// Ends it.
    pub(crate) fn quit(mut self) -> Result<()> {
        writeln!(self.input, "quit").context("telling the responder to quit")?;
        self.process.finish(Duration::from_secs(5))
    }

    fn ask(&mut self, command: &str) -> Result<Figures> {
        writeln!(self.input, "{command}").context("the responder is gone")?;
        self.hear()
    }

    fn hear(&self) -> Result<Figures> {
        let line = self.output.recv_timeout(Duration::from_secs(10));
        Ok(Figures::read(&line.context("the responder is silent")?))
    }
}

/// Runs a floor to its end and returns its figures.
pub(crate) fn floor(
    responder: &Responder,
    registrations: usize,
    refresh: bool,
    samples: Option<&Path>,
) -> Result<Figures> {
    let mut command = Command::new(env::current_exe()?);
    command.args([crate::FLOOR, "--port", &responder.port.to_string()]);
    command.args(["--accounts", &registrations.to_string()]);
    command.args(refresh.then_some("--refresh"));
    if let Some(samples) = samples {
        command.arg("--samples").arg(samples);
    }
    let mut process = Owned::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let output = process.0.stdout.take().context("the floor has no output")?;
    // One short line fits the pipe, so it may be read after the end.
    process.finish(Duration::from_secs(30) + Duration::from_millis(registrations as u64))?;
    let mut line = String::new();
    BufReader::new(output)
        .read_line(&mut line)
        .context("reading the floor's figures")?;
    Ok(Figures::read(&line))
}

/// CPU time of a process, with that of its threads that have ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// User and system time.
    pub(crate) spent: Duration,
    /// Of that, the system time, as far as the kernel can tell: it looks once a tick.
    pub(crate) system: Duration,
}

impl Cpu {
    /// What was spent since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            spent: self.spent.saturating_sub(earlier.spent),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// Reads the CPU time of a process.
pub(crate) fn cpu(id: u32) -> Result<Cpu> {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(id.try_into()?))?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may hold spaces; after it come the state and ten fields, then ours.
    let (_, fields) = stat.rsplit_once(')').context("stat is not as expected")?;
    let ticks = fields.split_whitespace().nth(12).map(str::parse::<u32>);
    let ticks = ticks.context("stat is not as expected")??;
    Ok(Cpu {
        spent: clock.now()?.into(),
        system: TICK * ticks,
    })
}

/// What the kernel counts system time in.
const TICK: Duration = Duration::from_millis(10);

/// A size out of `/proc/PID/status`, in bytes.
pub(crate) fn memory(id: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    Ok(kib
        .with_context(|| format!("there is no {name}"))?
        .parse::<u64>()?
        * 1024)
}

/// Datagrams that the kernel dropped at a UDP port of this machine for want of buffer.
pub(crate) fn drops(port: u16) -> Result<u64> {
    let table = fs::read_to_string("/proc/net/udp")?;
    let suffix = format!(":{port:04X}");
    let rows = table
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row.get(1).is_some_and(|local| local.ends_with(&suffix)));
    Ok(ours.filter_map(|row| row.last()?.parse::<u64>().ok()).sum())
}
