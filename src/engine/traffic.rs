//! What comes from the wires: answers and silences find their transaction, and it its party.

use std::net::SocketAddr;

use super::Engine;
use super::requests::{self, Sender};
use crate::account::{Shared, regevent};
use crate::cx::{Branch, Cx, Ended, Expired, Matched, Party};
use crate::effect::{Via, Whose};
use crate::pace::RegistrarId;
use crate::proxy::Probed;
use crate::sip::Name;
use crate::sip::message::Message;

/// How a transaction ended.
enum End<'a> {
    /// By a final answer, and the topmost Via in it.
    Answer(&'a Message<'a>, &'a crate::sip::Via<'a>),
    /// By a time-out (rule X1).
    Silence,
    /// By an ICMP error (rule X2).
    Unreachable,
}

impl Engine {
    pub(super) fn on_received(&mut self, via: Via, from: SocketAddr, bytes: &[u8]) {
        let now = self.shared.cx.now;
        self.shared.cx.heard = self.whose_port(via);
        let known = match via {
            Via::Socket(socket) => {
                let base = self.shared.ports.base(socket).unwrap_or(socket);
                self.shared.pace.find(base, from)
            }
            Via::Flow(_) => None,
        };
        if let Some(registrar) = known {
            self.shared.pace.on_heard(registrar, now);
        }
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        let Some(code) = message.code() else {
            let sender = match known {
                None => Sender::Stranger,
                Some(registrar) if self.is_wrong_port(&message, via, registrar) => {
                    Sender::WrongPort
                }
                Some(_) => Sender::Known,
            };
            if sender == Sender::Known && self.on_notify(&message, via, from) {
                return;
            }
            return requests::answer(&message, via, from, sender, &mut self.shared.cx);
        };
        // RFC 3261 §8.1.3.3: an answer with a second Via is not for us.
        let (Ok(top), Ok(cseq), 1) = (message.via(), message.cseq(), message.via_count()) else {
            return;
        };
        let Some(branch) = top.branch.and_then(Branch::parse) else {
            return;
        };
        let Cx {
            transactions,
            timers,
            timing,
            ..
        } = &mut self.shared.cx;
        let answer = (code, cseq.method);
        match transactions.on_response(&branch, answer, (now, timing), timers) {
            Matched::Stray(party) => self.heard_of(party),
            Matched::Provisional(ended) => self.heard_of(Some(ended.party)),
            Matched::Final(ended) => {
                self.heard_of(Some(ended.party));
                if let Some(registrar) = known {
                    self.learn_server(registrar, &message);
                }
                self.on_ended(&ended, &End::Answer(&message, &top));
            }
        }
    }

    /// What a registrar calls itself is told to people when it is in trouble.
    fn learn_server(&mut self, registrar: RegistrarId, message: &Message<'_>) {
        let Some(server) = message.value(Name::Server) else {
            return;
        };
        if self.shared.pace.get(registrar).server.as_deref() == Some(&*server) {
            return;
        }
        let shown: String = server.chars().filter(|it| !it.is_control()).collect();
        let shown = self.shared.reason(&shown);
        self.shared.pace.get_mut(registrar).server = Some(shown);
    }

    /// What arrived is for this party.
    fn heard_of(&mut self, party: Option<Party>) {
        if let Some(party) = party {
            self.shared.cx.heard = party.whose();
        }
    }

    /// What comes to an Account's own port is that Account's, whoever sends it (rule U4).
    fn whose_port(&self, via: Via) -> Whose {
        let owner = match via {
            Via::Socket(socket) => self.shared.ports.owner(socket),
            Via::Flow(_) => None,
        };
        owner.map_or(Whose::Nobody, Whose::Account)
    }

    /// Whether a request is a NOTIFY whose tag leads to an Account, which has then answered it.
    fn on_notify(&mut self, message: &Message<'_>, via: Via, from: SocketAddr) -> bool {
        let to = message.to();
        let id = match (message.method(), &to) {
            (Some("NOTIFY"), Ok(to)) if message.check().is_ok() => {
                to.tag().and_then(regevent::account_of)
            }
            _ => None,
        };
        let Some(id) = id else { return false };
        if self.account(id).is_some() {
            self.shared.cx.heard = Whose::Account(id);
        }
        let mut notified = None;
        self.with(id, |account, shared| {
            notified = account.on_notify(message, shared);
        });
        let Some(notified) = notified else {
            return false;
        };
        let reply = &notified.reply;
        requests::say(message, (via, from), reply, &mut self.shared.cx);
        self.with(id, |account, shared| account.on_notified(&notified, shared));
        true
    }

    /// Whether a request from this registrar is for an Account that has a port of its own, but came
    /// to another one (rule U4). What comes to an Account's port is that Account's.
    fn is_wrong_port(&self, message: &Message<'_>, via: Via, registrar: RegistrarId) -> bool {
        let Via::Socket(socket) = via else {
            return false;
        };
        if self.addressees.is_empty() || self.shared.ports.owner(socket).is_some() {
            return false;
        }
        let found = self.addressees.of(message, crate::account::MARK);
        let mut found = found.into_iter().filter_map(|id| self.account_of(id));
        found.any(|account| {
            let set = account.set();
            set.is_some_and(|set| self.shared.proxies.is_member(set, registrar))
        })
    }

    pub(super) fn on_unreachable(&mut self, to: SocketAddr, quoted: &[u8]) {
        let Some(branch) = Branch::find(quoted) else {
            return;
        };
        let Cx {
            transactions,
            timers,
            ..
        } = &mut self.shared.cx;
        if let Some(ended) = transactions.on_unreachable(&branch, to, timers) {
            self.on_ended(&ended, &End::Unreachable);
        }
    }

    pub(super) fn on_transaction_timer(&mut self, slot: u32, generation: u32) {
        let Cx {
            transactions,
            timers,
            timing,
            out,
            now,
            ..
        } = &mut self.shared.cx;
        if !transactions.fired(slot, generation, timers) {
            return;
        }
        match transactions.on_timer(slot, (*now, timing), timers, |output| out.push(output)) {
            Expired::Nothing => {}
            Expired::Repeated(ended) => match ended.party {
                Party::Account(id) => {
                    self.with(id, |account, shared| account.on_repeated(&ended, shared));
                }
                Party::Probe { set, .. } => {
                    let Shared { proxies, cx, .. } = &mut self.shared;
                    proxies.on_repeated(set, ended.to, cx);
                }
                Party::Subscription(_) => {}
            },
            Expired::TimedOut(ended) => self.on_ended(&ended, &End::Silence),
        }
    }

    /// A transaction is over: tells whose it was.
    fn on_ended(&mut self, ended: &Ended, end: &End<'_>) {
        match ended.party {
            Party::Account(id) => self.with(id, |account, shared| match end {
                End::Answer(message, via) => account.on_answer(ended, (message, via), shared),
                End::Silence => account.on_timeout(ended, shared),
                End::Unreachable => account.on_unreachable(ended, shared),
            }),
            Party::Subscription(id) => self.with(id, |account, shared| match end {
                End::Answer(message, _) => account.on_subscribe_answer(ended, message, shared),
                End::Silence | End::Unreachable => account.on_subscribe_silence(ended, shared),
            }),
            Party::Probe { .. } => {
                let how = match end {
                    End::Answer(message, _) => Probed::Answered(message.code().unwrap_or_default()),
                    End::Silence => Probed::Silent,
                    End::Unreachable => Probed::Unreachable,
                };
                self.shared.on_probed(ended, how);
            }
        }
    }
}
