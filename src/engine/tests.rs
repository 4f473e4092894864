//! The engine alone, with a registrar played by hand: what the simulator builds upon.

#![allow(clippy::wildcard_enum_match_arm, reason = "tests look for one thing")]

use std::net::SocketAddr;
use std::sync::Arc;

#[cfg(test)]
mod saves;
#[cfg(test)]
mod watch;

use super::*;
use crate::config::{
    Agent, AuthenticationMode, Credentials, IpGroup, ProxyAddress, ProxySet, Redirects, Register,
    SecretSource, SipInterface,
};
use crate::effect::{BatchId, Phase, Record, Via};
use crate::secret::Secret;
use crate::sip::write::Writer;
use crate::sip::{Message, Name, StartLine};
use crate::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn config() -> Arc<Config> {
    let local = [127, 0, 0, 1].into();
    let interface = Arc::new(SipInterface::new("outside", local, 5070));
    let proxies = vec![ProxyAddress::at(registrar())];
    let set = Arc::new(ProxySet::new("carrier", Arc::clone(&interface), proxies));
    let group = |name: &str, proxy_set, sip_group_name: Option<&str>| IpGroup {
        name: name.into(),
        proxy_set,
        sip_group_name: sip_group_name.map(Into::into),
        contact_user: None,
        authentication_mode: AuthenticationMode::UserAuthenticates,
        as_client: None,
    };
    let serving = Arc::new(group(
        "Carrier",
        Some(Arc::clone(&set)),
        Some("carrier.example"),
    ));
    let served = Arc::new(group("PBX", None, None));
    let account = Arc::new(config::Account {
        contact_user: Some("4930123456".into()),
        credentials: Some(Credentials {
            user_name: "u12345".into(),
            password: Secret::new("secret"),
            source: SecretSource::Inline,
        }),
        register: Register::Regular,
        ..config::Account::new(0, "main".into(), Arc::clone(&served), Arc::clone(&serving))
    });
    Arc::new(Config {
        agent: Agent {
            user_agent: "regent/test".into(),
            control_socket: None,
            control_group: None,
            core_dumps: false,
            dns_servers: Vec::new(),
            state_directory: None,
            when_state_fails: config::StateFailure::Refuse,
            history_days: 30,
            history_max_events: 500_000,
            max_accounts: 102,
            max_accounts_per_served_ip_group: 30,
            trace: config::Trace::default(),
        },
        registration: config::Registration::default(),
        sip_interfaces: vec![interface],
        interfaces_at: Vec::new(),
        proxy_sets: vec![set],
        ip_groups: vec![serving, served],
        accounts: vec![account],
        mail: None,
        web: None,
        alerts: Vec::new(),
    })
}

fn registrar() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5060))
}

struct Bench {
    engine: Engine,
    now: Instant,
    sent: Vec<(Instant, String)>,
    events: Vec<Event>,
    replies: Vec<Outcome>,
    saves: Vec<(BatchId, Vec<Record>)>,
    /// Where the last request went.
    target: SocketAddr,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut config::Registration)) -> Self {
        let mut config = config();
        change(&mut Arc::make_mut(&mut config).registration);
        Self::of(config)
    }

    fn of(config: Arc<Config>) -> Self {
        Self::start(config, false)
    }

    fn start(config: Arc<Config>, store: bool) -> Self {
        let settings = Settings {
            seed: Seed::from_number(1),
            unix_ms_at_zero: 0,
            store,
        };
        let engine = Engine::new(config, settings);
        let mut bench = Self {
            engine,
            now: Instant::ZERO,
            sent: vec![],
            events: vec![],
            replies: vec![],
            saves: vec![],
            target: registrar(),
        };
        bench.handle(Input::Tick);
        let local = SocketAddr::from(([127, 0, 0, 1], 5070));
        bench.handle(Input::Listening {
            socket: SocketId(0),
            local,
            receive_buffer: 1 << 20,
        });
        bench
    }

    fn handle(&mut self, input: Input<'_>) {
        self.engine.handle(self.now, input);
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Transmit { bytes, to, .. } => {
                    self.target = to;
                    self.sent
                        .push((self.now, String::from_utf8(bytes.to_vec()).unwrap()));
                }
                Output::Event(event) => self.events.push(event),
                Output::Save { batch, records, .. } => self.saves.push((batch, records)),
                Output::Reply { outcome, .. } => self.replies.push(outcome),
                _ => {}
            }
        }
    }

    /// Runs all timers up to this instant.
    fn run_until(&mut self, end: Instant) {
        while let Some(at) = self.engine.deadline().filter(|at| *at <= end) {
            assert!(at >= self.now, "the deadline is in the past");
            self.now = at;
            self.handle(Input::Tick);
        }
        self.now = end;
    }

    fn answer(&mut self, code: u16, headers: &[(&str, &str)]) {
        let (_, request) = self.sent.last().unwrap().clone();
        let request = Message::parse(request.as_bytes()).unwrap();
        assert!(matches!(
            request.start(),
            StartLine::Request {
                method: "REGISTER",
                ..
            }
        ));
        let mut out = Vec::new();
        let mut writer = Writer::reply(&mut out, &request, (code, "As told"), "tag", registrar());
        for (name, value) in headers {
            writer.header(name, format_args!("{value}"));
        }
        writer.finish(&[]);
        let via = Via::Socket(SocketId(0));
        self.handle(Input::Received {
            via,
            from: registrar(),
            bytes: &out,
        });
    }

    fn last(&self, name: Name) -> String {
        let (_, request) = self.sent.last().unwrap();
        let message = Message::parse(request.as_bytes()).unwrap();
        message.value(name).unwrap_or_default().into_owned()
    }

    fn phase(&self) -> Phase {
        self.engine
            .account(self.engine.find("main").unwrap())
            .unwrap()
            .phase()
    }
}

const CHALLENGE: (&str, &str) = (
    "WWW-Authenticate",
    r#"Digest realm="carrier", nonce="n1", qop="auth", algorithm=MD5"#,
);

// rule X1: a caller that was late tells of what has arrived before it lets timers run
#[test]
fn what_was_answered_while_the_caller_was_busy_is_not_sent_again() {
    let mut bench = Bench::new();
    bench.now += Duration::from_millis(600);
    let stray = Input::Received {
        via: Via::Socket(SocketId(0)),
        from: registrar(),
        bytes: b"what belongs to another",
    };
    bench.handle(stray);
    assert_eq!(
        bench.sent.len(),
        1,
        "its repeat is due, but may be answered"
    );
    assert!(bench.engine.deadline() < Some(bench.now));
    bench.answer(401, &[CHALLENGE]);
    bench.handle(Input::Tick);
    assert_eq!(bench.sent.len(), 2);
    assert_eq!(bench.last(Name::CSeq), "2 REGISTER");
}

// rule X1: a trace needs it
#[test]
fn an_answer_is_known_as_the_accounts_also_when_it_comes_too_late() {
    let mut bench = Bench::new();
    let main = Whose::Account(bench.engine.find("main").unwrap());
    bench.handle(Input::Received {
        via: Via::Socket(SocketId(0)),
        from: registrar(),
        bytes: b"OPTIONS sip:a@b SIP/2.0\r\n\r\n",
    });
    assert_eq!(bench.engine.heard(), Whose::Nobody);
    bench.answer(100, &[]);
    assert_eq!(bench.engine.heard(), main);
    bench.run_until(Instant::from_secs(33));
    assert_eq!(bench.phase(), Phase::WaitingToRetry);
    bench.answer(200, &[("Expires", "60")]);
    assert_eq!(bench.engine.heard(), main, "the transaction has ended");
    assert_eq!(bench.phase(), Phase::WaitingToRetry);
    let (_, request) = bench.sent.last().unwrap();
    let forged = request.replace("z9hG4bK00000000-00000000-", "z9hG4bK00000000-00000000-0");
    let forged = forged.replacen("REGISTER sip:carrier SIP/2.0", "SIP/2.0 200 OK", 1);
    bench.handle(Input::Received {
        via: Via::Socket(SocketId(0)),
        from: registrar(),
        bytes: forged.as_bytes(),
    });
    assert_eq!(bench.engine.heard(), Whose::Nobody);
}

// rules A, A1, L1, I4
#[test]
fn a_challenge_is_answered_once_and_the_refresh_costs_one_round_trip() {
    let mut bench = Bench::new();
    assert_eq!(bench.sent.len(), 1);
    assert_eq!(bench.last(Name::CSeq), "1 REGISTER");
    assert_eq!(bench.last(Name::Authorization), "");
    let call_id = bench.last(Name::CallId);
    bench.answer(401, &[CHALLENGE]);
    assert_eq!(bench.last(Name::CSeq), "2 REGISTER");
    assert!(bench.last(Name::Authorization).contains("nc=00000001"));
    assert_eq!(bench.phase(), Phase::Registering);
    bench.answer(200, &[("Expires", "60")]);
    assert_eq!(bench.phase(), Phase::Registered);
    bench.run_until(Instant::from_micros(29_999_999));
    assert_eq!(bench.sent.len(), 2, "silence until half of the grant");
    bench.run_until(Instant::from_secs(30));
    assert_eq!(bench.sent.len(), 3);
    assert!(bench.last(Name::Authorization).contains("nc=00000002"));
    assert_eq!(
        (bench.last(Name::CSeq).as_str(), bench.last(Name::CallId)),
        ("3 REGISTER", call_id)
    );
    bench.answer(200, &[("Expires", "60")]);
    let phases = bench
        .events
        .iter()
        .filter(|event| matches!(event, Event::PhaseChanged { .. }));
    assert_eq!(phases.count(), 1, "a refresh makes no event");
}

// rule X1
#[test]
fn silence_is_repeated_on_schedule_and_fails_at_32_seconds() {
    let mut bench = Bench::new();
    bench.run_until(Instant::from_secs(40));
    let times: Vec<_> = bench.sent.iter().map(|(at, _)| at.as_millis()).collect();
    let expected = [
        0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ];
    assert_eq!(times, expected);
    assert_eq!(bench.phase(), Phase::WaitingToRetry);
    bench.run_until(Instant::from_secs(62));
    assert_eq!(
        bench.sent.len(),
        12,
        "the retry leaves 30 s after the failure"
    );
}

// rules I8, L10
#[test]
fn an_unregister_removes_the_binding_and_holds_until_told_otherwise() {
    let mut bench = Bench::new();
    bench.answer(200, &[("Expires", "60")]);
    let account = bench.engine.find("main").unwrap();
    bench.handle(Input::Command {
        ticket: Ticket(1),
        command: Command::Unregister { account },
    });
    assert_eq!(bench.last(Name::Expires), "0");
    assert_eq!(bench.phase(), Phase::Unregistering);
    bench.answer(200, &[]);
    assert_eq!(
        (bench.phase(), bench.replies.len()),
        (Phase::Unregistered, 1)
    );
    assert_eq!(bench.replies[0], Outcome::Unregistered);
    let sent = bench.sent.len();
    bench.run_until(bench.now + 3_600 * SECOND);
    assert_eq!(
        bench.sent.len(),
        sent,
        "nothing leaves without an operator's word"
    );
    let command = Command::Register {
        account,
        force: false,
    };
    bench.handle(Input::Command {
        ticket: Ticket(2),
        command,
    });
    bench.answer(200, &[("Expires", "60")]);
    assert!(matches!(
        bench.replies[1],
        Outcome::Registered { granted: 60, .. }
    ));
}

// rule X2
#[test]
fn an_icmp_error_that_quotes_the_request_fails_it_at_once() {
    let mut bench = Bench::new();
    let (_, request) = bench.sent.last().unwrap().clone();
    let (via, to) = (Via::Socket(SocketId(0)), registrar());
    bench.handle(Input::Unreachable {
        via,
        to,
        quoted: &request.as_bytes()[..200],
    });
    assert_eq!(bench.phase(), Phase::WaitingToRetry);
    bench.run_until(Instant::from_secs(30));
    assert_eq!(bench.sent.len(), 2);
}

// rule L7
#[test]
fn stopping_removes_the_binding_and_says_so() {
    let mut bench = Bench::new();
    bench.answer(200, &[("Expires", "60")]);
    bench.handle(Input::Command {
        ticket: Ticket(9),
        command: Command::Shutdown,
    });
    assert_eq!(bench.last(Name::Expires), "0");
    assert!(bench.replies.is_empty());
    bench.answer(200, &[]);
    assert_eq!(bench.replies, [Outcome::Stopped { left: 0 }]);
}

// rule L7
#[test]
fn stopping_takes_no_longer_than_four_seconds() {
    let mut bench = Bench::new();
    bench.answer(200, &[("Expires", "60")]);
    bench.handle(Input::Command {
        ticket: Ticket(9),
        command: Command::Shutdown,
    });
    bench.run_until(bench.now + 4 * SECOND);
    assert_eq!(bench.replies, [Outcome::Stopped { left: 1 }]);
}

fn host(number: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, number], 5060))
}

// table A
#[test]
fn a_redirect_is_followed_in_the_order_of_q_and_the_refresh_asks_the_member_again() {
    let mut bench = Bench::with(|rules| rules.follow_redirects = Redirects::Anywhere);
    let contacts = "<sip:127.0.0.3>;q=0.2, <sip:b.example>;q=0.9, <sip:127.0.0.2>;q=0.7";
    bench.answer(302, &[("Contact", contacts)]);
    assert_eq!(
        bench.target,
        host(2),
        "names are left out, the best q first"
    );
    bench.answer(401, &[CHALLENGE]);
    assert_eq!(
        bench.target,
        host(2),
        "credentials go where the challenge came from"
    );
    bench.answer(503, &[]);
    assert_eq!(bench.target, host(3), "the next one when the first fails");
    bench.answer(200, &[("Expires", "60")]);
    assert_eq!(bench.phase(), Phase::Registered);
    bench.run_until(Instant::from_secs(30));
    assert_eq!(bench.target, registrar());
}

// table A
#[test]
fn redirects_end_after_five_hops() {
    let mut bench = Bench::with(|rules| rules.follow_redirects = Redirects::Anywhere);
    for _ in 0..5 {
        bench.answer(302, &[("Contact", "<sip:127.0.0.2>")]);
    }
    assert_eq!(bench.sent.len(), 6);
    bench.answer(302, &[("Contact", "<sip:127.0.0.2>")]);
    assert_eq!(
        (bench.sent.len(), bench.phase()),
        (6, Phase::WaitingToRetry)
    );
}

// table A
#[test]
fn a_redirect_out_of_the_set_is_a_rejection_unless_any_is_allowed() {
    for (redirects, contact) in [
        (Redirects::Rejected, "<sip:127.0.0.1>"),
        (Redirects::WithinSet, "<sip:127.0.0.2>"),
        (Redirects::WithinSet, "<sip:127.0.0.1;transport=tcp>"),
        (Redirects::Anywhere, "<tel:+49301234>"),
    ] {
        let mut bench = Bench::with(|rules| rules.follow_redirects = redirects);
        bench.answer(302, &[("Contact", contact)]);
        assert_eq!(
            (bench.sent.len(), bench.phase()),
            (1, Phase::WaitingToRetry),
            "{contact}"
        );
    }
    let mut bench = Bench::with(|rules| rules.follow_redirects = Redirects::WithinSet);
    bench.answer(302, &[("Contact", "<sip:127.0.0.1:5060>")]);
    assert_eq!((bench.sent.len(), bench.target), (2, registrar()));
}
