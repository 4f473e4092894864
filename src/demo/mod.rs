//! The README's first command: our own registrars on real sockets, and the real daemon before them.
//!
//! It knows the simulator's registrar, the daemon and the configuration that it writes for it.
//! Nothing of the daemon is different here from `regent run`; nothing leaves loopback and a
//! temporary folder.

mod registrar;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs, io, process, thread};

use anyhow::{Context as _, anyhow};

use crate::config;
use crate::control::Listener;
use crate::daemon::{self, Shutdown, State, Stopped};
use crate::sim::{Behaviour, Challenge};
use crate::sip::Algorithm;
use crate::time::Duration;
use crate::web;
pub use registrar::Served;
use registrar::Serving;

/// What is on, while it is on.
pub struct Stage {
    folder: PathBuf,
    silence: Silence,
    carrier: Serving,
    overseas: Serving,
}

/// When the second registrar says nothing, counted from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Silence {
    /// It falls silent after this.
    pub after: Duration,
    /// And answers again after this.
    pub span: Duration,
}

impl Default for Silence {
    /// From before the second refresh, which fails, until before the attempt that follows: who
    /// looks for half a minute sees both.
    fn default() -> Self {
        Self {
            after: Duration::from_secs(10),
            span: Duration::from_secs(12),
        }
    }
}

/// Sets the stage, starts the daemon, lets `show` look at it, and takes leave. Returns what `show`
/// returned and how the daemon ended.
pub fn run<R>(show: impl FnOnce(&Stage) -> R) -> anyhow::Result<(R, Stopped)> {
    run_with(Silence::default(), show)
}

/// The same with another silence.
pub fn run_with<R>(
    silence: Silence,
    show: impl FnOnce(&Stage) -> R,
) -> anyhow::Result<(R, Stopped)> {
    let stage = Stage::set(silence).context("cannot set the stage for the demo")?;
    let file = stage.configuration();
    fs::write(&file, stage.text()).context("cannot write the demo's configuration")?;
    let loaded = config::load(&file.display().to_string(), &stage.text());
    let config = loaded
        .config
        .ok_or_else(|| anyhow!("{}", loaded.diagnostics))?;
    let listener = Listener::bind(&stage.socket(), None)?;
    let state = State::open(&config, Some(&stage.folder.join("state")))?;
    let (stopper, shutdown) = Shutdown::by_word();
    let daemon = thread::Builder::new().name("daemon".to_owned());
    let setup = daemon::Setup {
        web: web::Plan::new(&config, &[])?,
        config: Arc::new(config),
        origin: None,
        state,
        listener: Some(listener),
    };
    let daemon = daemon.spawn(move || daemon::run(setup, shutdown))?;
    let shown = show(&stage);
    stopper.stop();
    let stopped = daemon
        .join()
        .map_err(|_| anyhow!("the daemon panicked"))??;
    Ok((shown, stopped))
}

impl Stage {
    /// A folder of its own, and two registrars.
    fn set(silence: Silence) -> io::Result<Self> {
        let folder = new_folder()?;
        let carrier = Behaviour::digest().grants_at_most(20);
        let strong = Challenge::www(Algorithm::Sha256, Some("auth"));
        let overseas = Behaviour::open().challenge(strong).grants_at_most(12);
        let users = || {
            ACCOUNTS
                .iter()
                .map(|account| (account.user, account.password))
        };
        Ok(Self {
            folder,
            silence,
            carrier: Serving::start(carrier, users(), None)?,
            overseas: Serving::start(overseas, users(), Some(silence))?,
        })
    }

    /// Where the daemon's control socket is.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("regent.sock")
    }

    /// The configuration that was written for it.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("regent.toml")
    }

    /// The two registrars by name: what they have seen, and their own tables of bindings.
    pub fn registrars(&self) -> [(&'static str, Served); 2] {
        [
            ("Carrier", self.carrier.served()),
            ("Overseas", self.overseas.served()),
        ]
    }

    /// What there is to see, in a few lines.
    pub fn introduction(&self) -> String {
        let [carrier, overseas] = [&self.carrier, &self.overseas].map(Serving::address);
        // It works for a program that is not on the search path too.
        let program = env::current_exe().unwrap_or_else(|_| "regent".into());
        let program = program.display();
        format!(
            "Two registrars of ours on loopback, and a regent with six Accounts before them.\n\
             The Account branch has a wrong password. Overseas falls silent after {} s, for {} s.\n\
             Carrier ({carrier}) grants 20 s and Overseas ({overseas}) 12 s, so that\n\
             something happens. In another terminal:\n\
             {program} status main \\\n\
             --socket {}",
            self.silence.after.as_secs(),
            self.silence.span.as_secs(),
            self.socket().display()
        )
    }

    /// The configuration: everything in it is an option of the real one.
    fn text(&self) -> String {
        let [carrier, overseas] = [&self.carrier, &self.overseas].map(Serving::address);
        let mut text =
            r#"# Written by `regent demo`: bindings this short are for a demonstration only.
[registration]
registration_time_secs = 60
registration_retry_secs = 10
sip_max_rtx = 3
unregister_on_shutdown = true

[web]
listen = ["127.0.0.1:0"]

[[sip_interface]]
name = "loopback"
address = "127.0.0.1"
udp_port = 0
"#
            .to_owned();
        for (name, address) in [("carrier", carrier), ("overseas", overseas)] {
            text += &group(name, address);
        }
        for account in &ACCOUNTS {
            let Account {
                name,
                served,
                serving,
                user,
                ..
            } = account;
            let password = account.configured;
            text += &format!(
                r#"
[[ip_group]]
name = "{served}"

[[account]]
name = "{name}"
served_ip_group = "{served}"
serving_ip_group = "{serving}"
contact_user = "{user}"
user_name = "{user}"
password = "{password}"
register = "regular"
"#
            );
        }
        text
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot clean up");
        }
    }
}

/// A new folder that is ours alone.
fn new_folder() -> io::Result<PathBuf> {
    let name = |number: u32| format!("regent-demo-{}-{number}", process::id());
    let mut paths = (0..).map(|number| env::temp_dir().join(name(number)));
    loop {
        let path = paths.next().ok_or(io::ErrorKind::AlreadyExists)?;
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map(|()| path),
        }
    }
}

/// A serving group and its Proxy Set.
fn group(name: &str, address: SocketAddr) -> String {
    format!(
        r#"
[[proxy_set]]
name = "{name}"
sip_interface = "loopback"
proxy = [{{ address = "{address}" }}]

[[ip_group]]
name = "{name}-group"
proxy_set = "{name}"
sip_group_name = "{name}.example"
"#
    )
}

/// An Account of the demo.
struct Account {
    name: &'static str,
    served: &'static str,
    serving: &'static str,
    user: &'static str,
    /// The password that the registrar knows.
    password: &'static str,
    /// The password that the configuration has.
    configured: &'static str,
}

impl Account {
    const fn new(
        name: &'static str,
        served: &'static str,
        serving: &'static str,
        user: &'static str,
    ) -> Self {
        Self {
            name,
            served,
            serving,
            user,
            password: "open sesame",
            configured: "open sesame",
        }
    }
}

const ACCOUNTS: [Account; 6] = [
    Account::new("main", "PBX", "carrier-group", "4930123456"),
    Account::new("fax", "Fax server", "carrier-group", "4930123457"),
    Account {
        configured: "open barley",
        ..Account::new("branch", "Branch PBX", "carrier-group", "4940765432")
    },
    Account::new("door", "Door phone", "carrier-group", "4930123458"),
    Account::new("sales-us", "Sales", "overseas-group", "12125550100"),
    Account::new("support-us", "Support", "overseas-group", "12125550101"),
];
