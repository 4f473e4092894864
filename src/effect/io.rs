//! The whole boundary in one file: [`Input`] and [`Output`], and the values that they carry.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::{AccountId, BatchId, FlowId, QuestionId, SetId, SocketId, Ticket};
use super::notice::{Notice, StoredAlert};
use crate::config::{Config, Diff, Transport};
use crate::locate::{RecordKind, Resolution};
use crate::time::Duration;

/// Something that happened, told to the engine.
#[derive(Debug)]
pub enum Input<'a> {
    /// A deadline may have passed.
    Tick,
    /// A socket that was asked for is bound. Answers [`Output::Listen`].
    Listening {
        /// The socket.
        socket: SocketId,
        /// Where it is bound (the port is a real one, even when 0 was asked for).
        local: SocketAddr,
        /// Its effective receive buffer in bytes, as the kernel counts it (rule L6).
        receive_buffer: usize,
    },
    /// A socket could not be bound. Answers [`Output::Listen`].
    ListenFailed {
        /// The socket.
        socket: SocketId,
        /// The reason, for people.
        why: String,
    },
    /// Bytes arrived.
    Received {
        /// On which wire.
        via: Via,
        /// From where.
        from: SocketAddr,
        /// One datagram, or one framed message of a stream.
        bytes: &'a [u8],
    },
    /// An ICMP error came back for a datagram that we sent (rule X2).
    Unreachable {
        /// On which wire.
        via: Via,
        /// Where the datagram was sent to.
        to: SocketAddr,
        /// As much of our datagram as the error quotes; may be cut short or empty.
        quoted: &'a [u8],
    },
    /// A connection is up. Answers [`Output::Open`].
    Opened {
        /// The connection.
        flow: FlowId,
        /// Its local address.
        local: SocketAddr,
    },
    /// A connection could not be opened, or is gone.
    FlowFailed {
        /// The connection.
        flow: FlowId,
        /// The reason, for people.
        why: String,
    },
    /// DNS has answered. Answers [`Output::Ask`].
    Resolved {
        /// The question.
        question: QuestionId,
        /// What it said.
        answer: Resolution,
    },
    /// An operator asks for something. Answered by exactly one [`Output::Reply`].
    Command {
        /// Names the reply.
        ticket: Ticket,
        /// What is asked for.
        command: Command,
    },
    /// A new configuration is in force (rule G2).
    Reconfigured(Arc<Config>, Diff),
    /// What the store held at start of lost registrations. Comes before [`Input::Restore`], or not
    /// at all.
    RestoreAlerts(Vec<StoredAlert>),
    /// What the store held at start. Comes before anything is sent, or not at all.
    Restore(Vec<Record>),
    /// A batch is on disk. Answers [`Output::Save`] and [`Output::SaveAlerts`].
    Saved {
        /// The batch.
        batch: BatchId,
    },
    /// A batch could not be written. Answers [`Output::Save`] and [`Output::SaveAlerts`]; it is for
    /// whoever keeps records to say why, since it may hold for longer than one batch.
    SaveFailed {
        /// The batch.
        batch: BatchId,
    },
    /// The wall clock as of now: the time at the engine's instant zero.
    WallClock {
        /// Milliseconds since 1970-01-01 UTC at [`crate::time::Instant::ZERO`].
        unix_ms_at_zero: i64,
    },
    /// A network link came up again (rule S7).
    LinkUp {
        /// The interface's name.
        interface: String,
        /// Its addresses.
        addresses: Vec<IpAddr>,
    },
    /// Something happened to an Account that may register it anew (rules S7, S11, N2).
    Triggered {
        /// The Account.
        account: AccountId,
        /// What happened.
        trigger: Trigger,
    },
}

/// Something that the engine wants done or known.
///
/// Poll order: listens, opens, transmits, saves; then `Changed`, `SetChanged` and `AlertsChanged`;
/// events and notices; replies last.
#[derive(Debug)]
pub enum Output {
    /// Bind a UDP socket. Answered by [`Input::Listening`] or [`Input::ListenFailed`].
    Listen {
        /// The socket.
        socket: SocketId,
        /// Where to bind it; port 0 lets the system choose.
        local: SocketAddr,
    },
    /// Open a connection. Answered by [`Input::Opened`] or [`Input::FlowFailed`].
    Open {
        /// The connection.
        flow: FlowId,
        /// Where to.
        target: Target,
        /// From where; port 0 lets the system choose.
        local: SocketAddr,
    },
    /// Close a socket or connection. Needs no answer.
    Close {
        /// The wire.
        via: Via,
    },
    /// Send bytes, now. A failure that the system reports comes back as [`Input::Unreachable`].
    Transmit {
        /// On which wire.
        via: Via,
        /// Where to.
        to: SocketAddr,
        /// The message.
        bytes: Arc<[u8]>,
        /// Whose it is: traces find it by this.
        owner: Whose,
    },
    /// A request of an Account got no answer. It comes before what is sent because of that, and is
    /// for traces: what follows for the Account, events tell.
    Unanswered {
        /// Whose it was.
        account: AccountId,
        /// Where it went.
        to: SocketAddr,
        /// So long after it had left first.
        after: Duration,
        /// Why.
        failure: Failure,
    },
    /// Ask DNS. Answered by [`Input::Resolved`].
    Ask {
        /// Names the answer.
        question: QuestionId,
        /// The name, without a dot at its end. No search list applies to it.
        name: Arc<str>,
        /// What is asked about it.
        kind: RecordKind,
    },
    /// Write records. Answered by [`Input::Saved`] or [`Input::SaveFailed`].
    Save {
        /// Names the answer.
        batch: BatchId,
        /// The names of Accounts whose records are to be deleted, before any is written.
        removed: Vec<Arc<str>>,
        /// What to write.
        records: Vec<Record>,
        /// Whether the answer may only come when the records are on the disk itself (rule L8).
        synchronous: bool,
    },
    /// Write what is kept of lost registrations. Answered by [`Input::Saved`] or
    /// [`Input::SaveFailed`]. The notices that are polled after it, before the engine is told of
    /// anything else, belong to it: whoever keeps both in one transaction loses no notice, and
    /// gives none twice.
    SaveAlerts {
        /// Names the answer.
        batch: BatchId,
        /// The names of Accounts of which nothing is to be kept.
        removed: Vec<Arc<str>>,
        /// What to write.
        alerts: Vec<StoredAlert>,
    },
    /// The status of an Account is another one than before.
    Changed(AccountId),
    /// The status of a Proxy Set is another one than before. Of round-trip times and bindings it is
    /// said every 200 ms at most.
    SetChanged(SetId),
    /// The ongoing alerts of the Account with this name are others than before. It may be
    /// configured no longer.
    AlertsChanged(Arc<str>),
    /// Something that an operator may want to know.
    Event(Event),
    /// A message to a subscription. The engine does not give it again: whoever delivers it tries
    /// until it is through.
    Notice(Notice),
    /// The outcome of a command.
    Reply {
        /// The command.
        ticket: Ticket,
        /// How it ended.
        outcome: Outcome,
    },
}

/// A wire: a UDP socket or a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// A UDP socket.
    Socket(SocketId),
    /// A connection.
    Flow(FlowId),
}

/// Whose a message is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Whose {
    /// Of this Account.
    Account(AccountId),
    /// A probe of this Proxy Set, or what came in return.
    ProxySet(SetId),
    /// Of nobody that is known.
    #[default]
    Nobody,
}

impl Whose {
    /// The Account that it is of, if it is of one.
    pub fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(id),
            Self::ProxySet(_) | Self::Nobody => None,
        }
    }
}

/// Where a connection goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The address.
    pub address: SocketAddr,
    /// How to speak to it.
    pub transport: Transport,
}

/// What an operator can ask for (rule L10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Register now: waits and back-off are cleared. `force` clears a Retry-After too.
    Register {
        /// Which Account.
        account: AccountId,
        /// Whether a Retry-After in force is ignored.
        force: bool,
    },
    /// Remove the binding, and do not register again until told (rule I8).
    Unregister {
        /// Which Account.
        account: AccountId,
    },
    /// Refresh the binding now, at the registrar that holds it.
    Refresh {
        /// Which Account.
        account: AccountId,
    },
    /// The daemon stops: remove every binding and send nothing new (rule L7).
    Shutdown,
}

/// What may register an Account anew although nothing is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// An INVITE to the serving group failed.
    InviteFailed {
        /// The final answer; 408 stands for none.
        code: u16,
        /// Where it was sent.
        registrar: Option<SocketAddr>,
    },
    /// An INVITE came from the serving group.
    InviteFrom {
        /// From where.
        from: SocketAddr,
    },
    /// A link that its requests may leave by came up again.
    LinkUp,
    /// The connection that carried its binding is gone (TCP, TLS).
    ConnectionLost,
}

/// How a command ended. A rejection is a value, not an error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Bound at the registrar, for so many seconds.
    Registered {
        /// Where.
        registrar: SocketAddr,
        /// Granted expiry in seconds.
        granted: u32,
    },
    /// The binding is gone.
    Unregistered,
    /// The registrar said no.
    Rejected(Answer),
    /// The registrar did not answer, or could not be reached.
    Failed {
        /// What happened.
        failure: Failure,
    },
    /// Nothing was sent, and this is why.
    NotSent {
        /// For people.
        why: String,
    },
    /// No such Account any more, or the program has ended.
    Gone,
    /// Everything is stopped; this many bindings are left at registrars.
    Stopped {
        /// Bindings left behind at registrars.
        left: u32,
    },
}

/// A final answer of a registrar.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// SIP status code, 200–699.
    pub code: u16,
    /// Reason phrase as received, cut to 100 characters.
    pub reason: String,
}

/// Why there was no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The transaction timed out (rule X1).
    TimedOut,
    /// ICMP unreachable, refused or broken connection (rule X2).
    Unreachable,
}

/// What an operator sees an Account do (rule L4). A refresh does not leave [`Phase::Registered`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A registrar holds our binding.
    Registered,
    /// A REGISTER is under way or about to leave.
    Registering,
    /// The last attempt failed; the next one has its time.
    WaitingToRetry,
    /// Another Account probes the dead registrar.
    WaitingForAnotherAccount,
    /// Every registrar is avoided (rule S8).
    Avoided,
    /// No local port was free (rule U3).
    NoPort,
    /// The served group is not online (rule S13).
    Held,
    /// The binding is being removed.
    Unregistering,
    /// Not registered, by an operator's word.
    Unregistered,
    /// `register = no`: credentials only.
    AuthenticationOnly,
    /// Reserved: another node does it.
    Standby,
}

/// Why a phase has changed. It becomes words, for people, only where somebody wants to read them:
/// at a start there is one for every Account, and nearly all are only counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A registrar granted the binding.
    Granted {
        /// Which.
        by: SocketAddr,
        /// For how long, in seconds.
        seconds: u32,
    },
    /// Anything else, in words; empty where the change says it all.
    Other(String),
}

impl From<String> for Cause {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { by, seconds } => write!(f, "{by} granted {seconds} s"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Something that happened to an Account or to the engine, for logs, alerts and history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// An Account's phase is another one.
    PhaseChanged {
        /// The Account.
        account: AccountId,
        /// Before.
        from: Phase,
        /// After.
        to: Phase,
        /// Why.
        why: Cause,
        /// The binding that ended with it, if one did.
        left: Option<Left>,
    },
    /// An attempt failed while the old binding stands (rule L5).
    RefreshFailed {
        /// The Account.
        account: AccountId,
        /// Why, for people.
        why: String,
    },
    /// Something an operator may want to mend: a challenge below the minimum algorithm, a wrong
    /// `rspauth`, a small receive buffer.
    Warning {
        /// The Account, if it is about one.
        account: Option<AccountId>,
        /// For people.
        what: String,
    },
    /// A member of a Proxy Set is offline, or online again (rule P4).
    MemberChanged {
        /// The set's name.
        set: Arc<str>,
        /// The member.
        member: SocketAddr,
        /// What it is now.
        is_online: bool,
    },
    /// The binding of an Account is held by another registrar than before.
    Moved {
        /// The Account.
        account: AccountId,
        /// Before.
        from: SocketAddr,
        /// Now.
        to: SocketAddr,
    },
    /// A socket could not be bound; it is tried again.
    ListenFailed {
        /// The address.
        local: SocketAddr,
        /// The reason, for people.
        why: String,
    },
}

impl Event {
    /// The Account that it is about, if it is about one.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::PhaseChanged { account, .. }
            | Self::RefreshFailed { account, .. }
            | Self::Moved { account, .. } => Some(*account),
            Self::Warning { account, .. } => *account,
            Self::MemberChanged { .. } | Self::ListenFailed { .. } => None,
        }
    }
}

/// A binding that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// Who held it.
    pub registrar: SocketAddr,
    /// Since when it was held without a gap, in milliseconds since 1970.
    pub since_unix_ms: i64,
}

/// What the store keeps of one Account (rule L8). Keyed by the Account's name.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The Account's name.
    pub account: Arc<str>,
    /// The address-of-record that all of this is about, `sip:user@host`: who finds another one in
    /// the configuration begins anew.
    pub aor: Arc<str>,
    /// Counts the times that the Account changed hands between nodes; 0 on a single node.
    pub epoch: u64,
    /// The Call-ID of its REGISTERs.
    pub call_id: Arc<str>,
    /// Our mark in the Contact (rule L2).
    pub mark: u64,
    /// The last CSeq that was used, as far as is known.
    pub cseq: u32,
    /// No REGISTER with a CSeq above this one has left.
    pub cseq_limit: u32,
    /// Whether the run that wrote this ended in order, so that `cseq` is exact.
    pub clean: bool,
    /// The binding, if there is one.
    pub binding: Option<StoredBinding>,
    /// Whether an operator un-registered the Account (rule I8).
    pub unregistered: bool,
    /// The local port that it had (rule U1).
    pub port: Option<u16>,
    /// The random user of its Contact (rule I6).
    pub contact_user: Option<String>,
    /// The last 200 of each registrar (rule S8).
    pub visits: Vec<StoredVisit>,
    /// Every Retry-After in force (rule L3).
    pub holds: Vec<StoredHold>,
    /// The `Min-Expires` of registrars that have asked for one (table A), in seconds.
    pub minima: Vec<(SocketAddr, u32)>,
}

/// The last 200 of a registrar, as the store keeps it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StoredVisit {
    /// The registrar.
    pub registrar: SocketAddr,
    /// When what it granted ends, in microseconds since 1970.
    pub ends_unix_us: i64,
    /// What it granted, in seconds.
    pub granted: u32,
    /// Whether another registrar has answered 200 since.
    pub is_left: bool,
}

/// A Retry-After in force, as the store keeps it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StoredHold {
    /// The registrar that it binds; `None` binds the Account.
    pub registrar: Option<SocketAddr>,
    /// Its end, in milliseconds since 1970.
    pub until_unix_ms: i64,
}

/// A binding as the store keeps it: wall-clock times, since instants end with the run.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StoredBinding {
    /// The registrar that holds it.
    pub registrar: SocketAddr,
    /// Granted expiry in seconds.
    pub granted: u32,
    /// When the last 2xx arrived, in milliseconds since 1970.
    pub refreshed_unix_ms: i64,
    /// Since when it has been registered without a gap, in milliseconds since 1970.
    pub since_unix_ms: i64,
    /// When the next refresh is due, in milliseconds since 1970.
    pub due_unix_ms: i64,
    /// Host and port of the Contact that the registrar has, as far as that is known.
    pub contact: Option<SocketAddr>,
}
