//! Our INVITE (RFC 3261 §17.1.1, RFC 6026 §8.4).

use super::{Step, Timing, next_send};
use crate::time::{Duration, Instant};

/// What a response is to its INVITE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum InviteReceived {
    /// A 1xx: for the user.
    Provisional,
    /// A 2xx, the first or another, in time or late: for the user, who answers each with an ACK of
    /// its own (RFC 3261 §13.2.2.4), followed by a BYE if it has no use for the call.
    Accepted,
    /// The 3xx–6xx: for the user; and send the transaction's ACK (RFC 3261 §17.1.1.3).
    Rejected,
    /// The same 3xx–6xx again: send the ACK again.
    Ack,
    /// Nobody's business.
    Repeated,
}

/// A client transaction of an INVITE (RFC 6026 §8.4). 24 bytes.
///
/// It gives up only before the first response: a call may ring for as long as its user lets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InviteClient {
    /// Timer A, then D or M.
    next: Instant,
    /// Timer B.
    fails: Instant,
    state: State,
    sends: u8,
    reliable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Calling,
    Proceeding,
    Accepted,
    Completed,
    Terminated,
}

impl InviteClient {
    /// The INVITE leaves now, sent by the caller.
    pub fn start(now: Instant, timing: &Timing, reliable: bool) -> Self {
        let mut transaction = Self {
            next: now,
            fails: now + timing.gives_up_after(None),
            state: State::Calling,
            sends: 1,
            reliable,
        };
        transaction.schedule(now, timing);
        transaction
    }

    /// The next send, the failure, or the end; `None` while only the user waits, and once it is
    /// over.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Calling => Some(self.next.min(self.fails)),
            State::Accepted | State::Completed => Some(self.next),
            State::Proceeding | State::Terminated => None,
        }
    }

    /// Timers A, B, D and M.
    pub fn on_timer(&mut self, now: Instant, timing: &Timing) -> Step {
        match self.state {
            State::Calling if now >= self.fails => {
                self.state = State::Terminated;
                Step::TimedOut
            }
            State::Calling if now >= self.next => {
                self.sends = self.sends.saturating_add(1);
                self.schedule(now, timing);
                Step::Send
            }
            State::Accepted | State::Completed if now >= self.next => {
                self.state = State::Terminated;
                Step::Terminated
            }
            State::Calling
            | State::Proceeding
            | State::Accepted
            | State::Completed
            | State::Terminated => Step::Nothing,
        }
    }

    /// A response that matches.
    pub fn on_response(&mut self, now: Instant, code: u16, timing: &Timing) -> InviteReceived {
        match (self.state, code) {
            (State::Calling | State::Proceeding, ..=199) => {
                self.state = State::Proceeding;
                InviteReceived::Provisional
            }
            (State::Calling | State::Proceeding, 200..=299) => {
                self.state = State::Accepted;
                self.next = now + timing.most();
                InviteReceived::Accepted
            }
            (State::Calling | State::Proceeding, _) => {
                self.state = if self.reliable {
                    State::Terminated
                } else {
                    State::Completed
                };
                self.next = now + timing.most().max(LEAST_D);
                InviteReceived::Rejected
            }
            (State::Accepted | State::Completed | State::Terminated, 200..=299) => {
                InviteReceived::Accepted
            }
            (State::Completed, 300..) => InviteReceived::Ack,
            (State::Accepted | State::Completed | State::Terminated, _) => InviteReceived::Repeated,
        }
    }

    /// The transport could not send the INVITE or the ACK (RFC 3261 §17.1.4). True when that ends
    /// the transaction: tell its user. While the call rings, and after a 2xx, the transaction has
    /// nothing to send.
    pub fn on_transport_error(&mut self) -> bool {
        let sending = matches!(self.state, State::Calling | State::Completed);
        if sending {
            self.state = State::Terminated;
        }
        sending
    }

    /// How often the INVITE has left.
    pub fn sends(&self) -> u8 {
        self.sends
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Sets timer A after a send.
    fn schedule(&mut self, now: Instant, timing: &Timing) {
        self.next = if self.reliable || self.sends >= timing.max_sends {
            Instant::FAR
        } else {
            next_send(self.next, timing.wait(self.sends, None), now)
        };
    }
}

/// Timer D is at least this (RFC 3261 §17.1.1.2).
const LEAST_D: Duration = Duration::from_secs(32);

#[cfg(test)]
mod tests {
    use super::super::testing::Event::{Broken, Hear, Tick};
    use super::super::testing::{Event, Machine, at, check, sends, walk};
    use super::*;

    impl Machine for InviteClient {
        fn tell(&mut self, event: Event, timing: &Timing) -> String {
            match event {
                Tick(ms) => format!("{:?}", self.on_timer(at(ms), timing)),
                Hear(ms, code) => format!("{:?}", self.on_response(at(ms), code, timing)),
                Broken => (if self.on_transport_error() {
                    "tell"
                } else {
                    "-"
                })
                .to_owned(),
                Event::Again | Event::Ack(_) | Event::Say(..) => unreachable!("not a server"),
            }
        }

        fn due(&self) -> Option<Instant> {
            self.deadline()
        }

        fn is_over(&self) -> bool {
            self.is_terminated()
        }
    }

    fn start(reliable: bool) -> InviteClient {
        InviteClient::start(at(0), &Timing::default(), reliable)
    }

    // rule X1
    #[test]
    fn each_limit_of_sends_has_its_schedule_and_its_end() {
        let all = [500, 1_500, 3_500, 7_500, 15_500, 31_500];
        for n in 1..=11_u8 {
            let timing = Timing {
                max_sends: n,
                ..Timing::default()
            };
            let again = &all[..all.len().min(usize::from(n) - 1)];
            let end = all.get(again.len()).copied().unwrap_or(32_000);
            let mut over_udp = InviteClient::start(at(0), &timing, false);
            assert_eq!(
                walk(&mut over_udp, &timing),
                sends(again, end, "TimedOut"),
                "{n}"
            );
            assert_eq!(usize::from(over_udp.sends()), again.len() + 1);
            let mut over_tcp = InviteClient::start(at(0), &timing, true);
            assert_eq!(
                walk(&mut over_tcp, &timing),
                sends(&[], end, "TimedOut"),
                "{n}"
            );
        }
    }

    #[test]
    fn every_state_answers_every_event_over_udp() {
        check(
            || start(false),
            &[
                // Calling.
                (&[], Tick(499), "Nothing 0.500"),
                (&[], Tick(500), "Send 1.500"),
                (&[], Tick(32_000), "TimedOut over"),
                (&[], Hear(10, 100), "Provisional waits"),
                (&[], Hear(10, 200), "Accepted 32.010"),
                (&[], Hear(10, 299), "Accepted 32.010"),
                (&[], Hear(10, 300), "Rejected 32.010"),
                (&[], Hear(10, 603), "Rejected 32.010"),
                (&[], Broken, "tell over"),
                // Proceeding: for as long as it rings.
                (&[Hear(10, 180)], Tick(500), "Nothing waits"),
                (&[Hear(10, 180)], Tick(3_600_000), "Nothing waits"),
                (&[Hear(10, 180)], Hear(20, 183), "Provisional waits"),
                (&[Hear(10, 180)], Hear(90_000, 200), "Accepted 122.000"),
                (&[Hear(10, 180)], Hear(90_000, 486), "Rejected 122.000"),
                (&[Hear(10, 180)], Broken, "- waits"),
                // Accepted: every 2xx is for the user, nothing else.
                (&[Hear(10, 200)], Tick(500), "Nothing 32.010"),
                (&[Hear(10, 200)], Tick(32_009), "Nothing 32.010"),
                (&[Hear(10, 200)], Tick(32_010), "Terminated over"),
                (&[Hear(10, 200)], Hear(20, 100), "Repeated 32.010"),
                (&[Hear(10, 200)], Hear(20, 200), "Accepted 32.010"),
                (&[Hear(10, 200)], Hear(20, 202), "Accepted 32.010"),
                (&[Hear(10, 200)], Hear(20, 486), "Repeated 32.010"),
                (&[Hear(10, 200)], Broken, "- 32.010"),
                // Completed.
                (&[Hear(10, 486)], Tick(500), "Nothing 32.010"),
                (&[Hear(10, 486)], Tick(32_010), "Terminated over"),
                (&[Hear(10, 486)], Hear(20, 180), "Repeated 32.010"),
                (&[Hear(10, 486)], Hear(20, 200), "Accepted 32.010"),
                (&[Hear(10, 486)], Hear(20, 486), "Ack 32.010"),
                (&[Hear(10, 486)], Hear(20, 503), "Ack 32.010"),
                (&[Hear(10, 486)], Broken, "tell over"),
                // Terminated.
                (&[Tick(32_000)], Tick(40_000), "Nothing over"),
                (&[Tick(32_000)], Hear(40_000, 180), "Repeated over"),
                (&[Tick(32_000)], Hear(40_000, 200), "Accepted over"),
                (&[Tick(32_000)], Hear(40_000, 486), "Repeated over"),
                (&[Tick(32_000)], Broken, "- over"),
            ],
        );
    }

    #[test]
    fn every_state_answers_every_event_over_tcp() {
        check(
            || start(true),
            &[
                (&[], Tick(500), "Nothing 32.000"),
                (&[], Tick(32_000), "TimedOut over"),
                (&[], Hear(10, 100), "Provisional waits"),
                (&[], Hear(10, 200), "Accepted 32.010"),
                (&[], Hear(10, 486), "Rejected over"),
                (&[], Broken, "tell over"),
                (&[Hear(10, 180)], Hear(20, 200), "Accepted 32.020"),
                (&[Hear(10, 180)], Hear(20, 486), "Rejected over"),
                (&[Hear(10, 180)], Broken, "- waits"),
                (&[Hear(10, 200)], Hear(20, 200), "Accepted 32.010"),
                (&[Hear(10, 200)], Tick(32_010), "Terminated over"),
                (&[Hear(10, 486)], Hear(20, 486), "Repeated over"),
            ],
        );
    }

    #[test]
    fn timer_d_is_never_below_32_seconds() {
        let timing = Timing {
            t1: Duration::from_millis(50),
            ..Timing::default()
        };
        let mut client = InviteClient::start(at(0), &timing, false);
        assert_eq!(client.says(Hear(10, 486), &timing), "Rejected 32.010");
        let mut client = InviteClient::start(at(0), &timing, false);
        assert_eq!(client.says(Hear(10, 200), &timing), "Accepted 3.210");
    }
}
