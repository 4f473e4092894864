//! Our request that is not an INVITE (RFC 3261 §17.1.2).

use super::{Step, Timing, next_send};
use crate::time::Instant;

/// What a response is to its non-INVITE request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Received {
    /// A 1xx: for the user.
    Provisional,
    /// The answer: for the user.
    Final,
    /// Nobody's business: the transaction has had its final response, or has failed, before.
    Repeated,
}

/// A client transaction of a request that is not an INVITE (RFC 3261 §17.1.2, Figure 6). 24 bytes.
///
/// The instant of failure is fixed at the start: a 1xx changes the sends, but not how long the
/// transaction lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NonInviteClient {
    /// Timer E, then K.
    next: Instant,
    /// Timer F.
    fails: Instant,
    state: State,
    sends: u8,
    reliable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

impl NonInviteClient {
    /// The request leaves now, sent by the caller.
    pub fn start(now: Instant, timing: &Timing, reliable: bool) -> Self {
        let mut transaction = Self {
            next: now,
            fails: now + timing.gives_up_after(Some(timing.t2)),
            state: State::Trying,
            sends: 1,
            reliable,
        };
        transaction.schedule(now, timing);
        transaction
    }

    /// The next send, the failure, or the end; `None` once it is over.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Trying | State::Proceeding => Some(self.next.min(self.fails)),
            State::Completed => Some(self.next),
            State::Terminated => None,
        }
    }

    /// Timers E, F and K.
    pub fn on_timer(&mut self, now: Instant, timing: &Timing) -> Step {
        match self.state {
            State::Trying | State::Proceeding if now >= self.fails => {
                self.state = State::Terminated;
                Step::TimedOut
            }
            State::Trying | State::Proceeding if now >= self.next => {
                self.sends = self.sends.saturating_add(1);
                self.schedule(now, timing);
                Step::Send
            }
            State::Completed if now >= self.next => {
                self.state = State::Terminated;
                Step::Terminated
            }
            State::Trying | State::Proceeding | State::Completed | State::Terminated => {
                Step::Nothing
            }
        }
    }

    /// A response that matches.
    pub fn on_response(&mut self, now: Instant, code: u16, timing: &Timing) -> Received {
        match self.state {
            State::Trying | State::Proceeding if code < 200 => {
                self.state = State::Proceeding;
                Received::Provisional
            }
            State::Trying | State::Proceeding => {
                self.state = if self.reliable {
                    State::Terminated
                } else {
                    State::Completed
                };
                self.next = now + timing.t4;
                Received::Final
            }
            State::Completed | State::Terminated => Received::Repeated,
        }
    }

    /// The transport could not send, or has lost the connection (RFC 3261 §17.1.4). True when the
    /// transaction was waiting for its answer: it has failed; tell its user.
    pub fn on_transport_error(&mut self) -> bool {
        let waiting = matches!(self.state, State::Trying | State::Proceeding);
        if waiting {
            self.state = State::Terminated;
        }
        waiting
    }

    /// When it fails unless it is answered.
    pub fn fails(&self) -> Instant {
        self.fails
    }

    /// How often the request has left.
    pub fn sends(&self) -> u8 {
        self.sends
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Sets timer E after a send.
    fn schedule(&mut self, now: Instant, timing: &Timing) {
        if self.reliable || self.sends >= timing.max_sends {
            self.next = Instant::FAR;
            return;
        }
        let wait = if self.state == State::Proceeding {
            timing.t2
        } else {
            timing.wait(self.sends, Some(timing.t2))
        };
        self.next = next_send(self.next, wait, now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Event::{Broken, Hear, Tick};
    use super::super::testing::{Event, Machine, at, check, sends, walk};
    use super::*;

    impl Machine for NonInviteClient {
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

    fn start(reliable: bool) -> NonInviteClient {
        NonInviteClient::start(at(0), &Timing::default(), reliable)
    }

    // rule X1
    #[test]
    fn each_limit_of_sends_has_its_schedule_and_its_end() {
        let all = [
            500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
        ];
        for n in 1..=11 {
            let timing = Timing {
                max_sends: n,
                ..Timing::default()
            };
            let again = &all[..usize::from(n) - 1];
            let end = all.get(again.len()).copied().unwrap_or(32_000);
            let mut over_udp = NonInviteClient::start(at(0), &timing, false);
            assert_eq!(
                walk(&mut over_udp, &timing),
                sends(again, end, "TimedOut"),
                "{n}"
            );
            assert_eq!(over_udp.sends(), n);
            let mut over_tcp = NonInviteClient::start(at(0), &timing, true);
            assert_eq!(
                walk(&mut over_tcp, &timing),
                sends(&[], end, "TimedOut"),
                "{n}"
            );
            assert_eq!(over_tcp.sends(), 1);
        }
    }

    // rule X1
    #[test]
    fn a_limit_below_one_is_one_and_above_eleven_is_eleven() {
        for (max_sends, like) in [(0, 1), (12, 11), (u8::MAX, 11)] {
            let timing = Timing {
                max_sends,
                ..Timing::default()
            };
            let like = Timing {
                max_sends: like,
                ..timing
            };
            let mut given = NonInviteClient::start(at(0), &timing, false);
            let mut meant = NonInviteClient::start(at(0), &like, false);
            assert_eq!(walk(&mut given, &timing), walk(&mut meant, &like));
        }
    }

    #[test]
    fn the_schedule_counts_from_the_start() {
        let timing = Timing {
            max_sends: 3,
            ..Timing::default()
        };
        let mut client = NonInviteClient::start(at(70_007), &timing, false);
        assert_eq!(
            walk(&mut client, &timing),
            sends(&[70_507, 71_507], 73_507, "TimedOut")
        );
    }

    /// RFC 3261 §17.1.2.2: the timer that runs when the 1xx comes runs on; from then on it is T2.
    #[test]
    fn in_proceeding_it_sends_every_t2() {
        let mut client = start(false);
        assert_eq!(
            client.says(Hear(100, 100), &Timing::default()),
            "Provisional 0.500"
        );
        let again = [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500];
        assert_eq!(
            walk(&mut client, &Timing::default()),
            sends(&again, 32_000, "TimedOut")
        );
        let mut client = start(true);
        assert_eq!(
            client.says(Hear(100, 100), &Timing::default()),
            "Provisional 32.000"
        );
    }

    #[test]
    fn a_provisional_does_not_prolong_a_lowered_limit() {
        let timing = Timing {
            max_sends: 3,
            ..Timing::default()
        };
        let mut client = NonInviteClient::start(at(0), &timing, false);
        client.tell(Hear(100, 100), &timing);
        assert_eq!(walk(&mut client, &timing), sends(&[500], 3_500, "TimedOut"));
    }

    #[test]
    fn every_state_answers_every_event_over_udp() {
        check(
            || start(false),
            &[
                // Trying.
                (&[], Tick(0), "Nothing 0.500"),
                (&[], Tick(499), "Nothing 0.500"),
                (&[], Tick(500), "Send 1.500"),
                (&[], Tick(32_000), "TimedOut over"),
                (&[], Hear(10, 100), "Provisional 0.500"),
                (&[], Hear(10, 199), "Provisional 0.500"),
                (&[], Hear(10, 200), "Final 5.010"),
                (&[], Hear(10, 401), "Final 5.010"),
                (&[], Hear(10, 699), "Final 5.010"),
                (&[], Broken, "tell over"),
                // Proceeding.
                (&[Hear(10, 100)], Tick(499), "Nothing 0.500"),
                (&[Hear(10, 100)], Tick(500), "Send 4.500"),
                (&[Hear(10, 100)], Tick(32_000), "TimedOut over"),
                (&[Hear(10, 100)], Hear(20, 180), "Provisional 0.500"),
                (&[Hear(10, 100)], Hear(20, 200), "Final 5.020"),
                (&[Hear(10, 100)], Hear(20, 503), "Final 5.020"),
                (&[Hear(10, 100)], Broken, "tell over"),
                // Completed.
                (&[Hear(10, 200)], Tick(500), "Nothing 5.010"),
                (&[Hear(10, 200)], Tick(5_009), "Nothing 5.010"),
                (&[Hear(10, 200)], Tick(5_010), "Terminated over"),
                (&[Hear(10, 200)], Hear(20, 100), "Repeated 5.010"),
                (&[Hear(10, 200)], Hear(20, 200), "Repeated 5.010"),
                (&[Hear(10, 200)], Hear(20, 401), "Repeated 5.010"),
                (&[Hear(10, 200)], Broken, "- 5.010"),
                // Terminated.
                (&[Tick(32_000)], Tick(32_000), "Nothing over"),
                (&[Tick(32_000)], Hear(32_001, 100), "Repeated over"),
                (&[Tick(32_000)], Hear(32_001, 200), "Repeated over"),
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
                (&[], Tick(31_999), "Nothing 32.000"),
                (&[], Tick(32_000), "TimedOut over"),
                (&[], Hear(10, 100), "Provisional 32.000"),
                (&[], Hear(10, 200), "Final over"),
                (&[], Broken, "tell over"),
                (&[Hear(10, 100)], Tick(4_500), "Nothing 32.000"),
                (&[Hear(10, 100)], Tick(32_000), "TimedOut over"),
                (&[Hear(10, 100)], Hear(20, 100), "Provisional 32.000"),
                (&[Hear(10, 100)], Hear(20, 404), "Final over"),
                (&[Hear(10, 100)], Broken, "tell over"),
                (&[Hear(10, 200)], Tick(50_000), "Nothing over"),
                (&[Hear(10, 200)], Hear(20, 200), "Repeated over"),
                (&[Hear(10, 200)], Broken, "- over"),
            ],
        );
    }

    #[test]
    fn a_late_timer_sends_once_and_lateness_does_not_add_up() {
        check(
            || start(false),
            &[
                (&[], Tick(507), "Send 1.500"),
                (&[Tick(507)], Tick(1_500), "Send 3.500"),
                (&[], Tick(9_000), "Send 10.000"),
                (&[Tick(9_000)], Tick(9_001), "Nothing 10.000"),
            ],
        );
    }
}
