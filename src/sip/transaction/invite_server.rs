//! An INVITE that came in (RFC 3261 §17.2.1, RFC 6026 §8.7).

use super::{Requested, Step, Timing, next_send};
use crate::time::Instant;

/// A server transaction of an INVITE (RFC 6026 §8.7). 24 bytes.
///
/// The 100 that is due 200 ms after the INVITE is its user's business, like every other response;
/// so is sending a 2xx again until the ACK has come (RFC 3261 §13.3.1.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InviteServer {
    /// Timer G.
    next: Instant,
    /// Timer H, I or L.
    ends: Instant,
    state: State,
    sends: u8,
    reliable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first response.
    Fresh,
    Proceeding,
    Accepted,
    Completed,
    Confirmed,
    Terminated,
}

impl InviteServer {
    /// An INVITE has come that no transaction matches.
    pub fn start(reliable: bool) -> Self {
        Self {
            next: Instant::FAR,
            ends: Instant::FAR,
            state: State::Fresh,
            sends: 0,
            reliable,
        }
    }

    /// The next send, the failure, or the end; `None` while only the user is awaited, and once it
    /// is over.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Completed => Some(self.next.min(self.ends)),
            State::Accepted | State::Confirmed => Some(self.ends),
            State::Fresh | State::Proceeding | State::Terminated => None,
        }
    }

    /// Timers G, H, I and L.
    pub fn on_timer(&mut self, now: Instant, timing: &Timing) -> Step {
        match self.state {
            State::Completed if now >= self.ends => {
                self.state = State::Terminated;
                Step::TimedOut
            }
            State::Completed if now >= self.next => {
                self.sends = self.sends.saturating_add(1);
                self.next = next_send(self.next, timing.wait(self.sends, Some(timing.t2)), now);
                Step::Send
            }
            State::Accepted | State::Confirmed if now >= self.ends => {
                self.state = State::Terminated;
                Step::Terminated
            }
            State::Fresh
            | State::Proceeding
            | State::Accepted
            | State::Completed
            | State::Confirmed
            | State::Terminated => Step::Nothing,
        }
    }

    /// The INVITE has come again.
    pub fn on_request(&self) -> Requested {
        match self.state {
            State::Proceeding | State::Completed => Requested::Resend,
            State::Fresh | State::Accepted | State::Confirmed | State::Terminated => {
                Requested::Absorbed
            }
        }
    }

    /// An ACK has come that matches: the one for a 3xx–6xx, or one for a 2xx that carries the
    /// INVITE's branch.
    pub fn on_ack(&mut self, now: Instant, timing: &Timing) -> Requested {
        match self.state {
            State::Completed => {
                self.state = if self.reliable {
                    State::Terminated
                } else {
                    State::Confirmed
                };
                self.ends = now + timing.t4;
                Requested::Absorbed
            }
            State::Accepted => Requested::Deliver,
            State::Fresh | State::Proceeding | State::Confirmed | State::Terminated => {
                Requested::Absorbed
            }
        }
    }

    /// Its user responds. True: send it; it is the last response from now on. False: it comes too
    /// late, after another final response, and must not be sent.
    #[must_use]
    pub fn send_response(&mut self, now: Instant, code: u16, timing: &Timing) -> bool {
        match (self.state, code) {
            (State::Fresh | State::Proceeding, ..=199) => self.state = State::Proceeding,
            (State::Fresh | State::Proceeding, 200..=299) => {
                self.state = State::Accepted;
                self.ends = now + timing.most();
            }
            (State::Fresh | State::Proceeding, _) => {
                self.state = State::Completed;
                self.sends = 1;
                self.ends = now + timing.most();
                if !self.reliable {
                    self.next = now + timing.wait(self.sends, Some(timing.t2));
                }
            }
            (State::Accepted, 200..=299) => {}
            (State::Accepted | State::Completed | State::Confirmed | State::Terminated, _) => {
                return false;
            }
        }
        true
    }

    /// A response could not be sent. True when its user must be told; the transaction stays as it
    /// is, to absorb what comes again (RFC 6026 §8.8).
    pub fn on_transport_error(&self) -> bool {
        matches!(
            self.state,
            State::Proceeding | State::Accepted | State::Completed
        )
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Event::{Ack, Again, Broken, Say, Tick};
    use super::super::testing::{Event, Machine, at, check, sends, walk};
    use super::*;

    impl Machine for InviteServer {
        fn tell(&mut self, event: Event, timing: &Timing) -> String {
            match event {
                Tick(ms) => format!("{:?}", self.on_timer(at(ms), timing)),
                Again => format!("{:?}", self.on_request()),
                Ack(ms) => format!("{:?}", self.on_ack(at(ms), timing)),
                Say(ms, code) => match self.send_response(at(ms), code, timing) {
                    true => "sent".to_owned(),
                    false => "refused".to_owned(),
                },
                Broken => (if self.on_transport_error() {
                    "tell"
                } else {
                    "-"
                })
                .to_owned(),
                Event::Hear(..) => unreachable!("not a client"),
            }
        }

        fn due(&self) -> Option<Instant> {
            self.deadline()
        }

        fn is_over(&self) -> bool {
            self.is_terminated()
        }
    }

    #[test]
    fn a_rejection_is_sent_until_the_ack_comes_or_timer_h() {
        let timing = Timing::default();
        let mut server = InviteServer::start(false);
        assert_eq!(server.says(Say(1_000, 486), &timing), "sent 1.500");
        let again = [
            1_500, 2_500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500, 32_500,
        ];
        assert_eq!(
            walk(&mut server, &timing),
            sends(&again, 33_000, "TimedOut")
        );
        let mut server = InviteServer::start(true);
        assert_eq!(server.says(Say(1_000, 486), &timing), "sent 33.000");
        assert_eq!(walk(&mut server, &timing), sends(&[], 33_000, "TimedOut"));
    }

    #[test]
    fn every_state_answers_every_event_over_udp() {
        check(
            || InviteServer::start(false),
            &[
                // Before the first response.
                (&[], Tick(200), "Nothing waits"),
                (&[], Again, "Absorbed waits"),
                (&[], Ack(10), "Absorbed waits"),
                (&[], Say(10, 100), "sent waits"),
                (&[], Say(10, 200), "sent 32.010"),
                (&[], Say(10, 486), "sent 0.510"),
                (&[], Broken, "- waits"),
                // Proceeding.
                (&[Say(10, 100)], Tick(3_600_000), "Nothing waits"),
                (&[Say(10, 100)], Again, "Resend waits"),
                (&[Say(10, 100)], Ack(20), "Absorbed waits"),
                (&[Say(10, 100)], Say(20, 180), "sent waits"),
                (&[Say(10, 100)], Say(20, 200), "sent 32.020"),
                (&[Say(10, 100)], Say(20, 302), "sent 0.520"),
                (&[Say(10, 100)], Broken, "tell waits"),
                // Accepted.
                (&[Say(10, 200)], Tick(510), "Nothing 32.010"),
                (&[Say(10, 200)], Tick(32_010), "Terminated over"),
                (&[Say(10, 200)], Again, "Absorbed 32.010"),
                (&[Say(10, 200)], Ack(20), "Deliver 32.010"),
                (&[Say(10, 200)], Say(20, 180), "refused 32.010"),
                (&[Say(10, 200)], Say(510, 200), "sent 32.010"),
                (&[Say(10, 200)], Say(20, 486), "refused 32.010"),
                (&[Say(10, 200)], Broken, "tell 32.010"),
                // Completed.
                (&[Say(10, 486)], Tick(509), "Nothing 0.510"),
                (&[Say(10, 486)], Tick(510), "Send 1.510"),
                (&[Say(10, 486)], Tick(32_010), "TimedOut over"),
                (&[Say(10, 486)], Again, "Resend 0.510"),
                (&[Say(10, 486)], Ack(20), "Absorbed 5.020"),
                (&[Say(10, 486)], Say(20, 180), "refused 0.510"),
                (&[Say(10, 486)], Say(20, 200), "refused 0.510"),
                (&[Say(10, 486)], Say(20, 486), "refused 0.510"),
                (&[Say(10, 486)], Broken, "tell 0.510"),
                // Confirmed.
                (&[Say(10, 486), Ack(20)], Tick(510), "Nothing 5.020"),
                (&[Say(10, 486), Ack(20)], Tick(5_020), "Terminated over"),
                (&[Say(10, 486), Ack(20)], Again, "Absorbed 5.020"),
                (&[Say(10, 486), Ack(20)], Ack(30), "Absorbed 5.020"),
                (&[Say(10, 486), Ack(20)], Say(30, 200), "refused 5.020"),
                (&[Say(10, 486), Ack(20)], Broken, "- 5.020"),
                // Terminated.
                (&[Say(10, 200), Tick(32_010)], Tick(40_000), "Nothing over"),
                (&[Say(10, 200), Tick(32_010)], Again, "Absorbed over"),
                (&[Say(10, 200), Tick(32_010)], Ack(40_000), "Absorbed over"),
                (
                    &[Say(10, 200), Tick(32_010)],
                    Say(40_000, 200),
                    "refused over",
                ),
                (&[Say(10, 200), Tick(32_010)], Broken, "- over"),
            ],
        );
    }

    #[test]
    fn every_state_answers_every_event_over_tcp() {
        check(
            || InviteServer::start(true),
            &[
                (&[], Say(10, 200), "sent 32.010"),
                (&[], Say(10, 486), "sent 32.010"),
                (&[Say(10, 486)], Tick(510), "Nothing 32.010"),
                (&[Say(10, 486)], Tick(32_010), "TimedOut over"),
                (&[Say(10, 486)], Again, "Resend 32.010"),
                (&[Say(10, 486)], Ack(20), "Absorbed over"),
                (&[Say(10, 200)], Ack(20), "Deliver 32.010"),
                (&[Say(10, 200)], Again, "Absorbed 32.010"),
                (&[Say(10, 200)], Tick(32_010), "Terminated over"),
            ],
        );
    }
}
