//! A configuration with many Accounts.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// Accounts `a0`, `a1`, … at one registrar, each of a served group of its own.
pub(crate) struct Many {
    count: usize,
    registrar: SocketAddr,
    registration: String,
}

impl Many {
    /// The name of the first one.
    pub(crate) const FIRST: &str = "a0";
    /// What their addresses-of-record have in common.
    pub(crate) const DOMAIN: &str = "carrier.test";
    /// The user name for digest authentication of all.
    pub(crate) const USER_NAME: &str = "user";
    /// Their password.
    pub(crate) const PASSWORD: &str = "open sesame";

    /// So many Accounts there.
    pub(crate) fn new(count: usize, registrar: SocketAddr) -> Self {
        Self {
            count,
            registrar,
            registration: "registration_time_secs = 60\n".to_owned(),
        }
    }

    /// Bindings are removed at the stop.
    pub(crate) fn leaving(mut self) -> Self {
        self.registration += "unregister_on_shutdown = true\n";
        self
    }

    /// The file's text. The system chooses the local port.
    pub(crate) fn text(&self) -> String {
        let Self {
            count,
            registrar,
            registration,
        } = self;
        let domain = Self::DOMAIN;
        let mut text = format!(
            r#"[agent]
max_accounts = {limit}

[registration]
{registration}
[[sip_interface]]
name = "outside"
address = "127.0.0.1"
udp_port = 0

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{{ address = "{registrar}" }}]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
sip_group_name = "{domain}"
"#,
            limit = count.max(&1),
        );
        let [user, password] = [Self::USER_NAME, Self::PASSWORD];
        for number in 0..*count {
            write!(
                text,
                r#"
[[ip_group]]
name = "PBX-{number}"

[[account]]
name = "a{number}"
served_ip_group = "PBX-{number}"
serving_ip_group = "Carrier"
contact_user = "u{number}"
user_name = "{user}"
password = "{password}"
register = "regular"
"#
            )
            .expect("a String takes all");
        }
        text
    }
}
