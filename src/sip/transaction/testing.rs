//! What the tests of the four machines share: transcripts.

use super::*;

/// An event, with its instant in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A timer is told.
    Tick(u64),
    /// A response comes in.
    Hear(u64, u16),
    /// The request comes in again.
    Again,
    /// An ACK comes in.
    Ack(u64),
    /// The user responds.
    Say(u64, u16),
    /// The transport fails.
    Broken,
}

/// A machine as the tests see it.
pub(super) trait Machine {
    /// What it says to an event.
    fn tell(&mut self, event: Event, timing: &Timing) -> String;
    fn due(&self) -> Option<Instant>;
    fn is_over(&self) -> bool;

    /// What it says, and what it waits for then: `Send 1.500`, `Final over`, `Provisional waits`.
    fn says(&mut self, event: Event, timing: &Timing) -> String {
        let said = self.tell(event, timing);
        let then = match self.due() {
            None if self.is_over() => "over".to_owned(),
            None => "waits".to_owned(),
            Some(due) => format!("{}.{:03}", due.as_secs(), due.as_millis() % 1_000),
        };
        format!("{said} {then}")
    }
}

/// Checks a table: what is told to a fresh machine first, then one event, and what it says to that
/// one.
pub(super) fn check<M: Machine>(start: impl Fn() -> M, table: &[(&[Event], Event, &str)]) {
    let timing = Timing::default();
    for (before, event, said) in table {
        let mut machine = start();
        for event in *before {
            machine.tell(*event, &timing);
        }
        assert_eq!(
            machine.says(*event, &timing),
            *said,
            "{before:?}, then {event:?}"
        );
    }
}

/// What a machine does when nothing but time happens: milliseconds and steps, to its end.
pub(super) fn walk(machine: &mut impl Machine, timing: &Timing) -> Vec<(u64, String)> {
    let mut steps = Vec::new();
    while let Some(due) = machine.due() {
        assert!(steps.len() < 300, "{steps:?}");
        let early = Event::Tick(due.as_millis().saturating_sub(1));
        assert_eq!(machine.tell(early, timing), "Nothing");
        steps.push((
            due.as_millis(),
            machine.tell(Event::Tick(due.as_millis()), timing),
        ));
    }
    assert!(machine.is_over());
    steps
}

/// The steps of a machine that sends at these instants, then ends with `last`.
pub(super) fn sends(at: &[u64], end: u64, last: &str) -> Vec<(u64, String)> {
    let mut steps: Vec<_> = at.iter().map(|ms| (*ms, "Send".to_owned())).collect();
    steps.push((end, last.to_owned()));
    steps
}

pub(super) fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn waits_double_up_to_the_longest() {
    let timing = Timing::default();
    let waits = |longest| {
        (1..=8)
            .map(|n| timing.wait(n, longest).as_millis())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        waits(Some(timing.t2)),
        [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000]
    );
    assert_eq!(
        waits(None),
        [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]
    );
    assert!(timing.wait(u8::MAX, None) > Duration::from_secs(1 << 40));
}

/// RFC 3261 §17.1.2.2: the first wait is T1 even where T2 is shorter.
#[test]
fn a_short_t2_shortens_all_waits_but_the_first() {
    let timing = Timing {
        t2: Duration::from_millis(200),
        ..Timing::default()
    };
    assert_eq!(timing.wait(1, Some(timing.t2)).as_millis(), 500);
    assert_eq!(timing.wait(2, Some(timing.t2)).as_millis(), 200);
}

#[test]
fn absurd_timings_do_no_harm() {
    for t1 in [Duration::ZERO, Duration::from_micros(1), Duration::MAX] {
        for max_sends in [0, 1, 11, u8::MAX] {
            let timing = Timing {
                t1,
                t2: Duration::ZERO,
                t4: t1,
                max_sends,
            };
            let mut client = NonInviteClient::start(at(5), &timing, false);
            let mut sends = 0;
            while let Some(due) = client.deadline() {
                sends += usize::from(client.on_timer(due, &timing) == Step::Send);
            }
            assert!(client.is_terminated() && sends < 11, "{sends}");
        }
    }
}

#[test]
fn the_machines_are_small() {
    assert_eq!(size_of::<NonInviteClient>(), 24);
    assert_eq!(size_of::<InviteClient>(), 24);
    assert_eq!(size_of::<InviteServer>(), 24);
    assert_eq!(size_of::<NonInviteServer>(), 16);
}
