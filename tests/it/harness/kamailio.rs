//! Kamailio as a registrar on loopback, with its location table and all that passed.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::daemon::Config;
use super::message::{Message, Transcript};
use super::process::{Process, show};
use super::sandbox::{Sandbox, free_udp_address, read_text};
use super::trial::{Need, Program};
use super::wait::wait_for;

/// What a trial with this registrar needs.
pub(crate) const KAMAILIO: Need = Need::Program(PROGRAM);

const PROGRAM: Program = Program {
    name: "kamailio",
    packages: "kamailio kamailio-extra-modules",
};

const CONFIGURATION: &str = include_str!("../kamailio/registrar.cfg");

/// What becomes of right-looking credentials that prove the wrong password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongPassword {
    /// Another challenge, with a new nonce.
    Challenged,
    /// 403.
    Forbidden,
}

/// How the registrar behaves.
pub(crate) struct Settings {
    /// Whether it asks for credentials: those of [`Config`].
    pub(crate) authenticate: bool,
    /// What it does about a wrong password.
    pub(crate) wrong_password: WrongPassword,
    /// Whether its challenges offer `qop="auth"`, or none.
    pub(crate) qop: bool,
    /// The digest algorithm that it names; the empty text for none.
    pub(crate) algorithm: &'static str,
    /// How long a nonce is good, in seconds.
    pub(crate) nonce_expire: u32,
    /// A shorter interval is answered by 423; 0 for none.
    pub(crate) min_expires: u32,
    /// A longer interval is cut to this; 0 for none.
    pub(crate) max_expires: u32,
    /// Every REGISTER is refused with this code; 0 for none.
    pub(crate) refuse: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            authenticate: true,
            wrong_password: WrongPassword::Challenged,
            qop: true,
            algorithm: "",
            nonce_expire: 300,
            min_expires: 0,
            max_expires: 60,
            refuse: 0,
        }
    }
}

impl Settings {
    /// The default, but for the longest interval that it grants.
    pub(crate) fn granting(max_expires: u32) -> Self {
        Self {
            max_expires,
            ..Self::default()
        }
    }

    fn switches(&self) -> String {
        let forbid = self.wrong_password == WrongPassword::Forbidden;
        [
            ("AUTHENTICATE", self.authenticate),
            ("FORBID_WRONG_PASSWORD", forbid),
            ("REFUSE", self.refuse != 0),
        ]
        .iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| format!("#!define {name}\n"))
        .collect()
    }
}

/// An entry of the location table.
#[derive(Debug)]
pub(crate) struct Binding {
    /// The Contact's URI.
    pub(crate) address: String,
    /// Seconds left.
    pub(crate) expires: i64,
    /// The Call-ID of the last REGISTER.
    pub(crate) call_id: String,
    /// Its CSeq.
    pub(crate) cseq: u64,
}

/// A registrar. It may be killed and started again; all that passed is kept.
pub(crate) struct Kamailio {
    address: SocketAddr,
    directory: PathBuf,
    process: Option<Process>,
}

impl Kamailio {
    /// Starts one on 127.0.0.1, and waits until it answers.
    #[track_caller]
    pub(crate) fn start(sandbox: &Sandbox, settings: &Settings) -> Self {
        Self::start_at(sandbox, free_udp_address(), settings)
    }

    /// Starts one at this address, and waits until it answers. Each address has its own files.
    #[track_caller]
    pub(crate) fn start_at(sandbox: &Sandbox, address: SocketAddr, settings: &Settings) -> Self {
        let name = format!("kamailio-{}-{}", address.ip(), address.port());
        let directory = sandbox.directory(&name);
        let rpc = directory.join("rpc");
        let qop = u32::from(settings.qop);
        sandbox.render(
            &format!("{name}/registrar.cfg"),
            CONFIGURATION,
            &[
                ("ADDRESS", &address.to_string()),
                ("RPC_SOCKET", &rpc.to_string_lossy()),
                ("MIN_EXPIRES", &settings.min_expires.to_string()),
                ("MAX_EXPIRES", &settings.max_expires.to_string()),
                ("NONCE_EXPIRE", &settings.nonce_expire.to_string()),
                ("NONCE_COUNT", &qop.to_string()),
                ("CHALLENGE", &qop.to_string()),
                ("STALE_CHALLENGE", &(qop + 16).to_string()),
                ("ALGORITHM", settings.algorithm),
                ("REFUSAL", &settings.refuse.to_string()),
                ("SWITCHES", &settings.switches()),
                ("USER_NAME", Config::USER_NAME),
                ("PASSWORD", Config::PASSWORD),
            ],
        );
        let mut kamailio = Self {
            address,
            directory,
            process: None,
        };
        kamailio.restart();
        kamailio
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it again at the same address, with an empty location table.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        let directory = self.directory.to_string_lossy();
        // A socket left by a killed predecessor would look like a live one.
        drop(std::fs::remove_file(self.directory.join("rpc")));
        let arguments = [
            "-DD",
            "-E",
            "-f",
            "registrar.cfg",
            "-m",
            "32",
            "-M",
            "8",
            "-n",
            "1", //
            "-Y",
            &directory,
            "-w",
            &directory,
        ];
        let log = self.log();
        let mut process = Process::start(&PROGRAM.path(), &arguments, &self.directory, &log);
        wait_for(
            Duration::from_secs(10),
            "Kamailio to answer OPTIONS",
            || {
                let ended = process.ended();
                assert!(
                    ended.is_none(),
                    "Kamailio ended at once ({ended:?}): {}",
                    process.output()
                );
                answers_options(self.address).then_some(())
            },
        );
        self.process = Some(process);
    }

    /// Ends it as a crash would: no farewell, its port closed.
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("Kamailio runs");
        process.signal_all(Signal::SIGKILL);
        process.wait(Duration::from_secs(5));
    }

    /// Makes it silent, its port still open.
    #[track_caller]
    pub(crate) fn freeze(&self) {
        self.running().signal_all(Signal::SIGSTOP);
    }

    /// Lets it go on after [`Kamailio::freeze`]; it then answers all that has arrived meanwhile.
    #[track_caller]
    pub(crate) fn thaw(&self) {
        self.running().signal_all(Signal::SIGCONT);
    }

    #[track_caller]
    fn running(&self) -> &Process {
        self.process.as_ref().expect("Kamailio runs")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// All that passed but OPTIONS, over restarts.
    pub(crate) fn transcript(&self) -> Transcript {
        let log = read_text(&self.log());
        // A line that is still being written has no end yet.
        let lines = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        Transcript(lines.filter_map(message).collect())
    }

    /// What its location table holds for a user.
    #[track_caller]
    pub(crate) fn bindings(&self, user: &str) -> Vec<Binding> {
        let answer = self.ask("ul.lookup", &["location", user]);
        if let Some(error) = answer.get("error") {
            let message = error["message"].as_str().unwrap_or_default();
            assert!(
                message.contains("not found"),
                "Kamailio's table cannot be read: {answer}"
            );
            return Vec::new();
        }
        let contacts = answer["result"]["Contacts"].as_array();
        let contacts = contacts.unwrap_or_else(|| panic!("no Contacts in {answer}"));
        contacts
            .iter()
            .map(|entry| binding(&entry["Contact"]))
            .collect()
    }

    /// What it answers to the plainest REGISTER, sent once with the interval as its CSeq; nothing
    /// when there is no answer within half a second.
    pub(crate) fn ask_bare(&self, expires: u32) -> Option<Message> {
        exchange(
            self.address,
            &bare_register(expires),
            Duration::from_millis(500),
        )
    }

    #[track_caller]
    fn ask(&self, method: &str, parameters: &[&str]) -> Value {
        let ours = self.directory.join("ask");
        drop(std::fs::remove_file(&ours));
        let socket = UnixDatagram::bind(&ours).expect("a socket in the sandbox");
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a time-out can be set");
        let question = json!({"jsonrpc": "2.0", "method": method, "params": parameters, "id": 1});
        socket
            .send_to(question.to_string().as_bytes(), self.directory.join("rpc"))
            .unwrap_or_else(|why| panic!("{method} cannot be asked: {why}"));
        let mut answer = vec![0; 65_536];
        let length = socket.recv(&mut answer);
        let length = length.unwrap_or_else(|why| panic!("{method} was not answered: {why}"));
        serde_json::from_slice(&answer[..length]).expect("Kamailio answers in JSON")
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show("what Kamailio saw", &self.transcript().to_string());
        }
    }
}

fn binding(contact: &Value) -> Binding {
    let text = |key: &str| contact[key].as_str().unwrap_or_default().to_owned();
    Binding {
        address: text("Address"),
        // What has run out, but is not yet swept away, is shown by a word.
        expires: contact["Expires"].as_i64().unwrap_or_default(),
        call_id: text("Call-ID"),
        cseq: contact["CSeq"].as_u64().unwrap_or_default(),
    }
}

/// Reads a line that the configuration's `xlog` wrote for a message.
fn message(line: &str) -> Option<Message> {
    let (_, entry) = line.split_once("<script>: wire ")?;
    let mut words = entry.split_whitespace().skip(1);
    let (at, text) = (words.next()?, words.next()?);
    let (seconds, micros) = at.split_once('.')?;
    let micros: i64 = format!("{seconds}{micros:0>6}").parse().ok()?;
    let at = Timestamp::from_microsecond(micros).ok()?;
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|index| u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok())
        .collect();
    Some(Message::new(
        at,
        String::from_utf8_lossy(&bytes?).into_owned(),
    ))
}

fn answers_options(registrar: SocketAddr) -> bool {
    let probe = "OPTIONS sip:probe SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKprobe;rport\r\n\
        Max-Forwards: 1\r\nFrom: <sip:probe@localhost>;tag=1\r\nTo: <sip:probe@localhost>\r\n\
        Call-ID: probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    exchange(registrar, probe, Duration::from_millis(200)).is_some()
}

/// A REGISTER as the plainest client would send it, without credentials.
fn bare_register(expires: u32) -> String {
    format!(
        "REGISTER sip:registrar.test SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKbare{expires};rport\r\n\
        Max-Forwards: 70\r\n\
        From: <sip:bare@registrar.test>;tag=bare\r\n\
        To: <sip:bare@registrar.test>\r\n\
        Call-ID: bare\r\n\
        CSeq: {expires} REGISTER\r\n\
        Contact: <sip:bare@127.0.0.1:9>;expires={expires}\r\n\
        Expires: {expires}\r\n\
        Content-Length: 0\r\n\r\n"
    )
}

/// Sends one datagram from a socket of its own, and returns the answer if there is one.
fn exchange(to: SocketAddr, request: &str, within: Duration) -> Option<Message> {
    let socket = UdpSocket::bind((to.ip(), 0)).expect("a free UDP port");
    socket
        .connect(to)
        .expect("a loopback address can be reached");
    socket
        .set_read_timeout(Some(within))
        .expect("a time-out can be set");
    socket.send(request.as_bytes()).ok()?;
    let mut answer = [0; 8192];
    let length = socket.recv(&mut answer).ok()?;
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    Some(Message::new(Timestamp::now(), text))
}
