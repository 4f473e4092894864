//! A request that came in and is not an INVITE (RFC 3261 §17.2.2).

use super::{Requested, Step, Timing};
use crate::time::Instant;

/// A server transaction of a request that is not an INVITE (RFC 3261 §17.2.2, Figure 8). 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NonInviteServer {
    /// Timer J.
    ends: Instant,
    state: State,
    reliable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

impl NonInviteServer {
    /// A request has come that no transaction matches.
    pub fn start(reliable: bool) -> Self {
        Self {
            ends: Instant::FAR,
            state: State::Trying,
            reliable,
        }
    }

    /// The end; `None` while the user is awaited, and once it is over.
    pub fn deadline(&self) -> Option<Instant> {
        (self.state == State::Completed).then_some(self.ends)
    }

    /// Timer J.
    pub fn on_timer(&mut self, now: Instant) -> Step {
        if self.state == State::Completed && now >= self.ends {
            self.state = State::Terminated;
            return Step::Terminated;
        }
        Step::Nothing
    }

    /// The request has come again.
    pub fn on_request(&self) -> Requested {
        match self.state {
            State::Proceeding | State::Completed => Requested::Resend,
            State::Trying | State::Terminated => Requested::Absorbed,
        }
    }

    /// Its user responds. True: send it; it is the last response from now on. False: there has been
    /// a final response, and this one must not be sent.
    #[must_use]
    pub fn send_response(&mut self, now: Instant, code: u16, timing: &Timing) -> bool {
        match self.state {
            State::Trying | State::Proceeding if code < 200 => self.state = State::Proceeding,
            State::Trying | State::Proceeding => {
                self.state = if self.reliable {
                    State::Terminated
                } else {
                    State::Completed
                };
                self.ends = now + timing.most();
            }
            State::Completed | State::Terminated => return false,
        }
        true
    }

    /// A response could not be sent. True when its user must be told; the transaction stays as it
    /// is, to absorb what comes again (RFC 6026 §8.8).
    pub fn on_transport_error(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Completed)
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Event::{Again, Broken, Say, Tick};
    use super::super::testing::{Event, Machine, at, check};
    use super::*;

    impl Machine for NonInviteServer {
        fn tell(&mut self, event: Event, timing: &Timing) -> String {
            match event {
                Tick(ms) => format!("{:?}", self.on_timer(at(ms))),
                Again => format!("{:?}", self.on_request()),
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
                Event::Ack(_) | Event::Hear(..) => unreachable!("not for this machine"),
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
    fn every_state_answers_every_event_over_udp() {
        check(
            || NonInviteServer::start(false),
            &[
                // Trying.
                (&[], Tick(32_000), "Nothing waits"),
                (&[], Again, "Absorbed waits"),
                (&[], Say(10, 100), "sent waits"),
                (&[], Say(10, 200), "sent 32.010"),
                (&[], Say(10, 404), "sent 32.010"),
                (&[], Broken, "- waits"),
                // Proceeding.
                (&[Say(10, 100)], Tick(32_000), "Nothing waits"),
                (&[Say(10, 100)], Again, "Resend waits"),
                (&[Say(10, 100)], Say(20, 100), "sent waits"),
                (&[Say(10, 100)], Say(20, 200), "sent 32.020"),
                (&[Say(10, 100)], Broken, "tell waits"),
                // Completed.
                (&[Say(10, 200)], Tick(32_009), "Nothing 32.010"),
                (&[Say(10, 200)], Tick(32_010), "Terminated over"),
                (&[Say(10, 200)], Again, "Resend 32.010"),
                (&[Say(10, 200)], Say(20, 100), "refused 32.010"),
                (&[Say(10, 200)], Say(20, 200), "refused 32.010"),
                (&[Say(10, 200)], Broken, "tell 32.010"),
                // Terminated.
                (&[Say(10, 200), Tick(32_010)], Tick(40_000), "Nothing over"),
                (&[Say(10, 200), Tick(32_010)], Again, "Absorbed over"),
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
    fn over_tcp_it_is_over_with_the_final_response() {
        check(
            || NonInviteServer::start(true),
            &[
                (&[], Say(10, 100), "sent waits"),
                (&[], Say(10, 200), "sent over"),
                (&[Say(10, 100)], Say(20, 503), "sent over"),
                (&[Say(10, 200)], Again, "Absorbed over"),
                (&[Say(10, 200)], Broken, "- over"),
            ],
        );
    }
}
