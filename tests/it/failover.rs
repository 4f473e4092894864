//! Several registrars for real: the shipped daemon, sockets on loopback, and the system's clock.
//!
//! What the timelines of `scenarios` hold to the microsecond is seen here once more through
//! registrars that we did not write, a name server and the kernel's own ports.

use std::fmt::Write as _;
use std::net::SocketAddr;

use jiff::Timestamp;
use libtest_mimic::Trial;

use crate::harness::{Config, Daemon, SOON, wait_until};

mod avoid;
mod ims;
mod names;
mod ports;
mod shipped;

pub(crate) fn trials() -> Vec<Trial> {
    [
        avoid::trials(),
        ims::trials(),
        names::trials(),
        ports::trials(),
        shipped::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A configuration: one Proxy Set, and Accounts that are alike. Each text is lines of its table.
struct Plan<'p> {
    agent: &'p str,
    registration: &'p str,
    interface: &'p str,
    set: &'p str,
    proxies: Vec<String>,
    account: &'p str,
    count: usize,
}

impl Plan<'_> {
    /// One Account at these registrars.
    fn at(registrars: &[SocketAddr]) -> Self {
        let priorities = 1..;
        let proxies = registrars.iter().zip(priorities);
        Self {
            agent: "",
            registration: "",
            interface: "udp_port = 0",
            set: "",
            proxies: proxies
                .map(|(address, priority)| {
                    format!("{{ address = \"{address}\", priority = {priority} }}")
                })
                .collect(),
            account: "",
            count: 1,
        }
    }

    /// The name of an Account; the first is that of [`Config`].
    fn name(number: usize) -> String {
        match number {
            0 => Config::ACCOUNT.to_owned(),
            number => format!("a{number}"),
        }
    }

    /// The user in the address-of-record of an Account.
    fn user(number: usize) -> String {
        match number {
            0 => Config::CONTACT_USER.to_owned(),
            number => format!("u{number}"),
        }
    }

    /// The file's text.
    fn text(&self) -> String {
        let Self {
            agent,
            registration,
            interface,
            set,
            account,
            ..
        } = self;
        let domain = Config::DOMAIN;
        let proxies = self.proxies.join(", ");
        let mut text = format!(
            r#"[agent]
{agent}
[registration]
{registration}
[[sip_interface]]
name = "outside"
address = "127.0.0.1"
{interface}

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{proxies}]
{set}

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
sip_group_name = "{domain}"
"#
        );
        let [user_name, password] = [Config::USER_NAME, Config::PASSWORD];
        for number in 0..self.count {
            let [name, user] = [Self::name(number), Self::user(number)];
            write!(
                text,
                r#"
[[ip_group]]
name = "PBX-{number}"

[[account]]
name = "{name}"
served_ip_group = "PBX-{number}"
serving_ip_group = "Carrier"
contact_user = "{user}"
user_name = "{user_name}"
password = "{password}"
register = "regular"
{account}
"#
            )
            .expect("a String takes all");
        }
        text
    }
}

/// Waits until the clock shows so many seconds after `start`: for what the timeline has done to the
/// registrars then.
#[track_caller]
fn wait_clock(start: Timestamp, seconds: f64) {
    let left = seconds - seconds_since(start);
    let within = SOON + std::time::Duration::from_secs_f64(left.max(0.0));
    wait_until(within, "the clock", || seconds_since(start) >= seconds);
}

fn seconds_since(start: Timestamp) -> f64 {
    Timestamp::now().duration_since(start).as_secs_f64()
}

/// Where the Account is registered.
#[track_caller]
fn wait_registered_at(daemon: &Daemon<'_>, registrar: SocketAddr, within: std::time::Duration) {
    let what = format!("a binding at {registrar}");
    daemon.wait_status(within, &what, |status| {
        status.is_registered() && status.registrar() == registrar.to_string()
    });
}
