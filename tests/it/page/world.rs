//! A daemon with a page, and registrars of every temper.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::browser::{Browser, PATIENCE};
use crate::harness::{Daemon, Sandbox};

/// Who has it may look and act.
pub(super) const TOKEN: &str = "the-token-of-an-operator";
/// Who has it may look.
pub(super) const READ_TOKEN: &str = "the-token-of-a-viewer";

/// A configuration in the making.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    address: SocketAddr,
    text: String,
}

/// An Account as the trials want it.
pub(super) struct Row<'r> {
    pub(super) name: &'r str,
    /// Its Proxy Set; a serving group of its own goes there.
    pub(super) set: &'r str,
    /// Further keys, one a line.
    pub(super) keys: &'r str,
}

impl World {
    /// One without Accounts.
    #[track_caller]
    pub(super) fn new() -> Self {
        let address = free_tcp_address();
        let text = format!(
            r#"[registration]
lagged_ms = 100
registration_time_secs = 600

[web]
listen = ["{address}"]
token = "{TOKEN}"
read_token = "{READ_TOKEN}"

[[sip_interface]]
name = "outside"
address = "127.0.0.1"
udp_port = 0
"#
        );
        let sandbox = Sandbox::new();
        Self {
            sandbox,
            address,
            text,
        }
    }

    /// With these lines.
    pub(super) fn with(mut self, lines: &str) -> Self {
        self.text += lines;
        self
    }

    /// With a Proxy Set of these members, and further keys, one a line.
    pub(super) fn set(mut self, name: &str, members: &[SocketAddr], keys: &str) -> Self {
        let members: Vec<String> = members
            .iter()
            .enumerate()
            .map(|(at, member)| format!("{{ address = \"{member}\", priority = {at} }}"))
            .collect();
        let members = members.join(", ");
        write!(
            self.text,
            r#"
[[proxy_set]]
name = "{name}"
sip_interface = "outside"
proxy = [{members}]
{keys}
"#
        )
        .expect("a String takes all");
        self
    }

    /// With an Account, and the two groups that it is for.
    pub(super) fn account(mut self, row: &Row<'_>) -> Self {
        let Row { name, set, keys } = row;
        // A name in the configuration is text of TOML, whatever is in it.
        let name = Value::from(*name);
        let number = self.text.matches("[[account]]").count();
        write!(
            self.text,
            r#"
[[ip_group]]
name = "Carrier-{number}"
proxy_set = "{set}"
sip_group_name = "carrier.test"

[[ip_group]]
name = "PBX-{number}"

[[account]]
name = {name}
served_ip_group = "PBX-{number}"
serving_ip_group = "Carrier-{number}"
contact_user = "49301{number}"
user_name = "user"
password = "open sesame"
{keys}
"#
        )
        .expect("a String takes all");
        self
    }

    /// The file that it is in, or will be.
    pub(super) fn file(&self) -> PathBuf {
        self.sandbox.path("regent.toml")
    }

    /// Starts the daemon.
    #[track_caller]
    pub(super) fn start(&self) -> Daemon<'_> {
        let text = &self.text;
        Daemon::start_text(&self.sandbox, text)
    }

    /// Starts the daemon again, with what is in the file by now.
    #[track_caller]
    pub(super) fn restart(&self) -> Daemon<'_> {
        Daemon::start_with(&self.sandbox, &self.file())
    }

    /// A browser that shows the first view, signed in with this token.
    #[track_caller]
    pub(super) fn look(&self, name: &'static str, token: &str) -> Browser<'_> {
        let browser = Browser::start(&self.sandbox, name);
        browser.open(&self.place(""));
        sign_in(&browser, token);
        browser
    }

    /// The address of a place in the page.
    pub(super) fn place(&self, hash: &str) -> String {
        format!("http://{}/{hash}", self.address)
    }
}

/// Types a token where the page asks for one, and waits for the Accounts.
#[track_caller]
pub(super) fn sign_in(browser: &Browser<'_>, token: &str) {
    browser.write("#token", token);
    browser.click("button[type=submit]");
    browser.wait(PATIENCE, "document.querySelector('.list[aria-busy=false]')");
}

/// Goes to another view, and waits until it is there.
#[track_caller]
pub(super) fn visit(browser: &Browser<'_>, hash: &str) {
    browser.run("location.hash = arguments[0]", &[json!(hash)]);
    let title = json!(hash.trim_start_matches("#/").split('?').next());
    browser.wait(
        PATIENCE,
        &format!("location.hash.startsWith('#/' + {title}) && document.querySelector('main h1')"),
    );
}

/// An address at which nobody listens.
#[track_caller]
pub(super) fn free_tcp_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}
