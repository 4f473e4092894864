//! The program under test: `regent run` as a process, asked and told by its own command line.

use std::env;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::many::Many;
use super::process::{Process, Setting, User};
use super::sandbox::{Sandbox, free_udp_address, read_text};
use super::status::Account;
use super::wait::{wait_for, wait_until};

/// A configuration with one Account at one registrar.
pub(crate) struct Config {
    registrar: SocketAddr,
    local: SocketAddr,
    password: String,
    registration: Vec<(String, String)>,
    account: String,
}

impl Config {
    /// The name of the Account.
    pub(crate) const ACCOUNT: &str = "main";
    /// Its user in the address-of-record.
    pub(crate) const CONTACT_USER: &str = "4930123456";
    /// Its host in the address-of-record.
    pub(crate) const DOMAIN: &str = "registrar.test";
    /// Its user name for digest authentication.
    pub(crate) const USER_NAME: &str = "u12345";
    /// Its password.
    pub(crate) const PASSWORD: &str = "open sesame";

    /// An Account with the right password.
    #[track_caller]
    pub(crate) fn new(registrar: SocketAddr) -> Self {
        Self {
            registrar,
            local: free_udp_address(),
            password: Self::PASSWORD.to_owned(),
            registration: Vec::new(),
            account: "register = \"regular\"\n".to_owned(),
        }
    }

    /// The Account registers all numbers at once.
    pub(crate) fn bulk(mut self) -> Self {
        "register = \"gin\"\n".clone_into(&mut self.account);
        self
    }

    /// The Account watches its registration.
    pub(crate) fn watching(mut self) -> Self {
        self.account += "registrar_stickiness = \"enable\"\n";
        self.account += "reg_event_package_subscription = true\n";
        self
    }

    /// With another password.
    pub(crate) fn password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// With one of the global parameters set.
    pub(crate) fn set(mut self, key: &str, value: u32) -> Self {
        self.registration.push((key.to_owned(), value.to_string()));
        self
    }

    /// The binding is removed at the stop.
    pub(crate) fn leaving(mut self) -> Self {
        let (key, value) = ("unregister_on_shutdown", "true");
        self.registration.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Where the daemon listens.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The file's text; see [`Config::write`] for the secret that it names.
    fn to_toml(&self) -> String {
        let mut text = String::from("[registration]\n");
        for (key, value) in &self.registration {
            writeln!(text, "{key} = {value}").expect("a String takes all");
        }
        let Self {
            registrar,
            local,
            account: own,
            ..
        } = self;
        let [account, user] = [Self::ACCOUNT, Self::USER_NAME];
        let [contact, domain] = [Self::CONTACT_USER, Self::DOMAIN];
        let address = local.ip();
        let port = local.port();
        write!(
            text,
            r#"
[[sip_interface]]
name = "outside"
address = "{address}"
udp_port = {port}

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{{ address = "{registrar}" }}]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
sip_group_name = "{domain}"

[[ip_group]]
name = "PBX"

[[account]]
name = "{account}"
served_ip_group = "PBX"
serving_ip_group = "Carrier"
contact_user = "{contact}"
user_name = "{user}"
password_file = "main.secret"
{own}"#
        )
        .expect("a String takes all");
        text
    }

    /// Writes the file and the secret that it names.
    #[track_caller]
    pub(crate) fn write(&self, sandbox: &Sandbox) -> PathBuf {
        sandbox.write("main.secret", &format!("{}\n", self.password));
        sandbox.write("regent.toml", &self.to_toml())
    }
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// The standard output.
    pub(crate) out: String,
    /// The standard error.
    pub(crate) err: String,
    /// Both, one after the other.
    pub(crate) output: String,
    /// How long it took.
    pub(crate) took: Duration,
}

/// How a daemon is started.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'m> {
    /// As whom.
    pub(crate) user: User,
    /// Further arguments of `regent run`.
    pub(crate) arguments: &'m [&'m str],
    /// What its environment says besides.
    pub(crate) environment: &'m [(&'m str, &'m str)],
}

impl Default for Manner<'_> {
    fn default() -> Self {
        Self {
            user: User::Same,
            arguments: &[],
            environment: &[],
        }
    }
}

/// A running daemon.
pub(crate) struct Daemon<'a> {
    sandbox: &'a Sandbox,
    process: Process,
    socket: PathBuf,
}

impl<'a> Daemon<'a> {
    /// Starts the program with this configuration and waits until it answers commands.
    #[track_caller]
    pub(crate) fn start(sandbox: &'a Sandbox, config: &Config) -> Self {
        Self::start_with(sandbox, &config.write(sandbox))
    }

    /// Starts the program with a configuration that is this text and waits until it answers
    /// commands.
    #[track_caller]
    pub(crate) fn start_text(sandbox: &'a Sandbox, text: &str) -> Self {
        Self::start_with(sandbox, &sandbox.write("regent.toml", text))
    }

    /// Starts the program with the configuration in this file and waits until it answers commands.
    #[track_caller]
    pub(crate) fn start_with(sandbox: &'a Sandbox, file: &Path) -> Self {
        Self::start_as(sandbox, file, Manner::default())
    }

    /// Starts the program in this manner and waits until it answers commands.
    #[track_caller]
    pub(crate) fn start_as(sandbox: &'a Sandbox, file: &Path, manner: Manner<'_>) -> Self {
        let socket = sandbox.path("regent.sock");
        let shown = [file, &socket].map(Path::to_string_lossy);
        let mut arguments = vec!["run", "--config", &*shown[0], "--socket", &*shown[1]];
        arguments.extend(manner.arguments);
        let (home, log) = (sandbox.path(""), sandbox.path("regent.log"));
        let setting = Setting {
            user: manner.user,
            environment: manner.environment,
            ..Setting::new(&home, &log)
        };
        let process = Process::start_in(&setting, &program(), &arguments);
        let mut daemon = Self {
            sandbox,
            process,
            socket,
        };
        wait_for(
            Duration::from_secs(10),
            "the daemon's control socket",
            || {
                let ended = daemon.process.ended();
                assert!(ended.is_none(), "the daemon ended at once: {ended:?}");
                let is_there = daemon.socket.exists();
                (is_there && daemon.tell(&["status", "--matching", "-"]).code == Some(0))
                    .then_some(())
            },
        );
        daemon
    }

    /// Runs another command of the program against this daemon.
    #[track_caller]
    pub(crate) fn tell(&self, arguments: &[&str]) -> Said {
        self.tell_as(User::Same, arguments)
    }

    /// The same as another user.
    #[track_caller]
    pub(crate) fn tell_as(&self, user: User, arguments: &[&str]) -> Said {
        let socket = self.socket.to_string_lossy();
        let with_socket = ["--socket", &*socket];
        let arguments: Vec<&str> = arguments.iter().copied().chain(with_socket).collect();
        run(self.sandbox, user, &program(), &arguments)
    }

    /// What the daemon says of its Account.
    #[track_caller]
    pub(crate) fn status(&self) -> Account {
        self.account(Config::ACCOUNT)
    }

    /// What the daemon says of the Account of this name.
    #[track_caller]
    pub(crate) fn account(&self, name: &str) -> Account {
        let said = self.tell(&["status", "--json", name]);
        assert_eq!(said.code, Some(0), "{said:?}");
        Account::read(&said.out, name).unwrap_or_else(|why| panic!("regent status: {why}"))
    }

    /// Waits until so many Accounts are registered.
    #[track_caller]
    pub(crate) fn wait_count(&self, within: Duration, registered: usize) {
        let words = format!("{registered} registered");
        wait_until(within, &words, || {
            // The sum stands below whatever table.
            let said = self.tell(&["status", "--matching", Many::FIRST]);
            said.out.contains(&words)
        });
    }

    /// Waits until the status is as wanted, and returns it.
    #[track_caller]
    pub(crate) fn wait_status(
        &self,
        within: Duration,
        what: &str,
        wanted: impl Fn(&Account) -> bool,
    ) -> Account {
        let start = Instant::now();
        wait_for(within + Duration::from_secs(1), what, || {
            let status = self.status();
            if wanted(&status) {
                return Some(status);
            }
            assert!(
                start.elapsed() < within,
                "waited {within:?} for {what}, but: {status}"
            );
            None
        })
    }

    /// Waits until the Account is registered.
    #[track_caller]
    pub(crate) fn wait_registered(&self, within: Duration) -> Account {
        self.wait_status(
            within,
            "the Account to be registered",
            Account::is_registered,
        )
    }

    /// Waits until the Account of this name is registered.
    #[track_caller]
    pub(crate) fn wait_account(&self, within: Duration, name: &str) {
        let what = format!("{name} to be registered");
        wait_until(within, &what, || self.account(name).is_registered());
    }

    /// Its control socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.output()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// The memory that it has in use, in KiB.
    #[track_caller]
    pub(crate) fn resident_kib(&self) -> u64 {
        let text = read_text(format!("/proc/{}/status", self.process.pid()).as_ref());
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no VmRSS in {text}"))
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends it without a chance to clean up, as a crash does.
    #[track_caller]
    pub(crate) fn kill(mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.wait(Duration::from_secs(10));
    }

    /// Asks it to stop, and asserts that it does so in order.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.stop_within(Duration::from_secs(10));
    }

    /// The same within a time. Returns all that it has logged.
    #[track_caller]
    pub(crate) fn stop_within(mut self, within: Duration) -> String {
        self.process.signal(Signal::SIGTERM);
        let ended = self.process.wait(within);
        assert!(
            ended.success(),
            "the daemon should end in order, but: {ended}"
        );
        self.process.output()
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let has_panicked = self.log().contains("panicked");
        assert!(!has_panicked || thread::panicking(), "the daemon panicked");
    }
}

/// Runs the program under test to its end.
#[track_caller]
pub(crate) fn regent(sandbox: &Sandbox, user: User, arguments: &[&str]) -> Said {
    run(sandbox, user, &program(), arguments)
}

/// Runs any program to its end.
#[track_caller]
pub(crate) fn run(sandbox: &Sandbox, user: User, program: &Path, arguments: &[&str]) -> Said {
    // The longest that a command may wait for is a transaction, which ends after 32 s.
    const PATIENCE: Duration = Duration::from_secs(40);
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let [out, err] = ["out", "err"].map(|name| sandbox.path(&format!("command-{count}.{name}")));
    let home = sandbox.path("");
    let setting = Setting {
        user,
        errors: Some(&err),
        ..Setting::new(&home, &out)
    };
    let start = Instant::now();
    let mut process = Process::start_in(&setting, program, arguments);
    let code = process.wait(PATIENCE).code();
    let [out, err] = [out, err].map(|path| read_text(&path));
    Said {
        code,
        output: format!("{out}{err}"),
        out,
        err,
        took: start.elapsed(),
    }
}

/// Whether a user without privileges can run the program at all.
pub(super) fn is_executable_by_nobody() -> bool {
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    run(&sandbox, User::NOBODY, &program(), &["--version"]).code == Some(0)
}

/// Whether a user without privileges can have mounts of its own.
pub(super) fn can_mount() -> bool {
    let sandbox = Sandbox::new();
    sandbox.give("", User::NOBODY);
    let directory = sandbox.directory("mount");
    let script = format!("mount -t tmpfs -o size=1m tmpfs {}", directory.display());
    let arguments = ["-Urm", "--", "/bin/sh", "-ec", &script];
    run(
        &sandbox,
        User::NOBODY,
        "/usr/bin/unshare".as_ref(),
        &arguments,
    )
    .code
        == Some(0)
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    env::var_os("REGENT_BIN").map_or_else(|| env!("CARGO_BIN_EXE_regent").into(), PathBuf::from)
}
