//! The web server (rule T4), by a client of our own that sends what it is told to.

mod api;
mod client;
mod endings;
mod hostile;
mod openapi;
mod places;

use std::net::SocketAddr;
use std::path::PathBuf;

use libtest_mimic::Trial;

use crate::harness::{Config, Daemon, Registrar, Sandbox, read_text};
use client::Http;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = api::trials();
    trials.extend(places::trials());
    trials.extend(openapi::trials());
    trials.extend(hostile::trials());
    trials.extend(endings::trials());
    trials
}

/// The token of those who may act.
const TOKEN: &str = "act-act-act-act-act";

/// The token of those who may look.
const READ_TOKEN: &str = "look-look-look-look";

/// Both tokens, at a port that the system chooses.
const USUAL: &str = "[web]\nlisten = [\"127.0.0.1:0\"]\ntoken = \"act-act-act-act-act\"\n\
                     read_token = \"look-look-look-look\"\n";

/// A registrar, and the file of a daemon with one Account at it.
struct World {
    sandbox: Sandbox,
    registrar: Registrar,
    file: PathBuf,
}

impl World {
    /// With these tables beside the usual ones.
    #[track_caller]
    fn new(tables: &str) -> Self {
        let sandbox = Sandbox::new();
        let registrar = Registrar::granting(60);
        let file = Config::new(registrar.address()).write(&sandbox);
        let world = Self {
            sandbox,
            registrar,
            file,
        };
        world.write(tables);
        world
    }

    /// Puts other tables beside the usual ones.
    #[track_caller]
    fn write(&self, tables: &str) {
        let text = read_text(&self.file);
        let own = text.split("\n# beside\n").next().unwrap_or_default();
        let text = format!("{own}\n# beside\n{tables}");
        self.sandbox.write("regent.toml", &text);
        self.sandbox.set_mode("regent.toml", 0o600);
    }

    /// A daemon whose Account is registered.
    #[track_caller]
    fn start(&self) -> Daemon<'_> {
        let daemon = Daemon::start_with(&self.sandbox, &self.file);
        daemon.wait_registered(std::time::Duration::from_secs(10));
        daemon
    }
}

/// Where a daemon's web is, and a code that signs in.
#[track_caller]
fn entrance(daemon: &Daemon<'_>) -> (Vec<SocketAddr>, String) {
    let said = daemon.tell(&["web", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(told["schema"], 1);
    let addresses = told["addresses"].as_array().expect("a list").iter();
    let addresses = addresses.map(|it| {
        let text = it.as_str().expect("a text");
        let bare = text.strip_prefix("http://").expect("an address of the web");
        bare.parse().expect("an address")
    });
    let code = told["code"].as_str().expect("a code").to_owned();
    (addresses.collect(), code)
}

/// A client without a token.
#[track_caller]
fn http(daemon: &Daemon<'_>) -> Http {
    let (addresses, _) = entrance(daemon);
    Http::new(*addresses.first().expect("an address"))
}
