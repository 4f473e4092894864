//! The daemon under load: its configuration, its process, and one measured run of it.
//!
//! A run is: start, register everybody, ten seconds of rest, one refresh of everybody, end. The
//! daemon gets its defaults but for the limits on Accounts, and its log goes into a file. It is
//! killed at the end, since an orderly stop would un-register everybody and is not what this
//! bench is about.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    net::{Ipv4Addr, UdpSocket},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    child::{self, Cpu, Figures, Owned, Responder},
    responder, verify,
};

/// What a run is to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The binary.
    pub(crate) program: PathBuf,
    /// Where configuration, log and samples go.
    pub(crate) directory: PathBuf,
    /// How many Accounts.
    pub(crate) accounts: usize,
    /// Expiry that the responder grants, from which follows when refreshes come.
    pub(crate) grant: Duration,
    /// Checks every digest.
    pub(crate) verify: bool,
    /// Rests for ten seconds after the last 200 and reads the memory.
    pub(crate) rest: bool,
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The responder's counts at the end.
    pub(crate) figures: Figures,
    /// CPU time up to about the first datagram.
    pub(crate) start_up: Cpu,
    /// CPU time from the start of the process until everybody was registered.
    pub(crate) registering: Cpu,
    /// CPU time per second of rest.
    pub(crate) resting: Duration,
    /// CPU time from before the first refresh until everybody was refreshed.
    pub(crate) refreshing: Cpu,
    /// VmRSS ten seconds after the last 200.
    pub(crate) resident: u64,
    /// VmHWM at the end.
    pub(crate) peak: u64,
    /// Datagrams that the kernel dropped, at the responder and at the daemon.
    pub(crate) drops: [u64; 2],
    /// True when refreshes came before the memory was read.
    pub(crate) early: bool,
}

/// Runs the daemon once.
pub(crate) fn run(plan: &Plan) -> Result<Outcome> {
    let responder = Responder::start(responder::Settings {
        accounts: plan.accounts,
        grant: Some(plan.grant.as_secs().try_into()?),
        verify: plan.verify,
    })?;
    let port = free_port()?;
    let config = plan.directory.join("regent.toml");
    configure(&config, plan, responder.port, port).context("writing the configuration")?;
    let log = plan.directory.join("regent.log");
    let mut command = Command::new(&plan.program);
    command.arg("run").arg("--config").arg(&config);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?);
    let daemon = Owned::start(&mut command)?;
    let mut watched = Watched {
        plan,
        responder,
        daemon,
        port,
        outcome: Outcome::default(),
    };
    let watching = watched.watch();
    let Watched {
        responder,
        daemon,
        outcome,
        ..
    } = watched;
    drop(daemon);
    responder.quit()?;
    watching.with_context(|| format!("the daemon's log ends with:\n{}", tail(&log)))?;
    Ok(outcome)
}

/// A run under way.
struct Watched<'a> {
    plan: &'a Plan,
    responder: Responder,
    daemon: Owned,
    port: u16,
    outcome: Outcome,
}

impl Watched<'_> {
    fn watch(&mut self) -> Result<()> {
        let accounts = self.plan.accounts as u64;
        // Generous: what is too slow is for the figures to say, not for a time-out.
        let patience = Duration::from_secs(30) + Duration::from_millis(accounts);
        let id = self.daemon.id();
        self.until(
            patience,
            Duration::from_millis(2),
            "the first REGISTER",
            |watched, figures| {
                watched.outcome.start_up = watched.cpu()?;
                Ok(figures.value("initial.requests")? > 0)
            },
        )?;
        self.until(
            patience,
            Duration::from_millis(20),
            "the last 200",
            |_, figures| Ok(figures.value("registered")? >= accounts),
        )?;
        let registered = Instant::now();
        // The last answers are still on their way into the daemon and its log.
        thread::sleep(Duration::from_millis(300));
        self.outcome.registering = self.cpu()?;
        self.responder.samples(&self.plan.directory)?;
        if self.plan.rest {
            let rest = Duration::from_secs(10);
            thread::sleep(rest.saturating_sub(registered.elapsed()));
            self.outcome.resident = child::memory(id, "VmRSS")?;
            let resting = self.cpu()?.since(self.outcome.registering);
            self.outcome.resting = resting.spent.div_f64(rest.as_secs_f64() - 0.3);
            self.outcome.early = self.responder.report()?.value("refresh.requests")? > 0;
        }
        self.refreshes(patience + self.plan.grant)?;
        self.outcome.peak = child::memory(id, "VmHWM")?;
        self.outcome.drops = [child::drops(self.responder.port)?, child::drops(self.port)?];
        Ok(())
    }

    /// Waits until everybody was refreshed once, and reads what that cost.
    fn refreshes(&mut self, patience: Duration) -> Result<()> {
        let accounts = self.plan.accounts as u64;
        let mut before = self.cpu()?;
        self.until(
            patience,
            Duration::from_millis(20),
            "the last refresh",
            |watched, figures| {
                if figures.value("refresh.requests")? == 0 {
                    before = watched.cpu()?;
                }
                Ok(figures.value("refresh.granted")? >= accounts)
            },
        )?;
        thread::sleep(Duration::from_millis(300));
        self.outcome.refreshing = self.cpu()?.since(before);
        self.outcome.figures = self.responder.report()?;
        Ok(())
    }

    /// CPU time of the daemon so far.
    fn cpu(&self) -> Result<Cpu> {
        child::cpu(self.daemon.id())
    }

    /// Asks the responder again and again until `done` says so.
    fn until(
        &mut self,
        patience: Duration,
        pause: Duration,
        what: &str,
        mut done: impl FnMut(&mut Self, &Figures) -> Result<bool>,
    ) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let figures = self.responder.report()?;
            if let Some(status) = self.daemon.0.try_wait()? {
                bail!("the daemon ended while the bench waited for {what}: {status}");
            }
            if done(self, &figures)? {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "{what} did not come within {patience:?}; counted: {}",
                    figures.text()
                );
            }
            thread::sleep(pause);
        }
    }
}

/// Writes N Accounts: up to a hundred serving groups on one Proxy Set, as many served groups as
/// make the pairs unique.
pub(crate) fn configure(path: &Path, plan: &Plan, registrar: u16, port: u16) -> Result<()> {
    let accounts = plan.accounts;
    let socket = plan.directory.join("control.sock");
    // Each run is a first one.
    let state = plan.directory.join("state");
    if state.exists() {
        fs::remove_dir_all(&state)?;
    }
    let mut out = private(path)?;
    writeln!(
        out,
        "[agent]\ncontrol_socket = \"{}\"\nstate_directory = \"{}\"\n\
         max_accounts = {accounts}\n\
         max_accounts_per_served_ip_group = {accounts}\n\n\
         [[sip_interface]]\nname = \"outside\"\naddress = \"127.0.0.1\"\nudp_port = {port}\n\n\
         [[proxy_set]]\nname = \"carrier\"\nsip_interface = \"outside\"\n\
         proxy = [{{ address = \"127.0.0.1:{registrar}\" }}]\n",
        socket.display(),
        state.display()
    )?;
    populate(&mut out, accounts, "")?;
    out.flush().context("writing the last of it")
}

/// A new file that only its owner may read: it holds passwords, and the daemon refuses one that
/// others may read.
pub(crate) fn private(path: &Path) -> Result<BufWriter<File>> {
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    Ok(BufWriter::new(options.open(path)?))
}

/// Writes the groups and the Accounts, each with these lines beside its own.
pub(crate) fn populate(out: &mut impl io::Write, accounts: usize, lines: &str) -> Result<()> {
    let serving = accounts.min(if accounts >= 10_000 { 100 } else { 10 });
    let served = accounts.div_ceil(serving);
    for number in 0..serving {
        writeln!(
            out,
            "[[ip_group]]\nname = \"serving-{number}\"\nproxy_set = \"carrier\"\n\
             sip_group_name = \"g{number:03}.load.example\"\n"
        )?;
    }
    for number in 0..served {
        writeln!(out, "[[ip_group]]\nname = \"served-{number}\"\n")?;
    }
    for number in 0..accounts {
        let user_name = format!("u{number:07}");
        writeln!(
            out,
            "[[account]]\nname = \"a{number:07}\"\nserved_ip_group = \"served-{}\"\n\
             serving_ip_group = \"serving-{}\"\ncontact_user = \"c{number:07}\"\n\
             user_name = \"{user_name}\"\npassword = \"{}\"\nregister = \"regular\"\n{lines}",
            number / serving,
            number % serving,
            verify::password(&user_name)
        )?;
    }
    Ok(())
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// The last lines of a log.
pub(crate) fn tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
