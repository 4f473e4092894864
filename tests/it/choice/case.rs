//! What a row of the table is about: how an Account is configured, and who is up when. Plain words,
//! for the world that plays a row and for the naive chooser that predicts it.

/// `registrar_stickiness` and `registrar_search_mode`, as far as they go together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Mode {
    /// Stickiness disable.
    #[default]
    Disable,
    /// Stickiness enable-for-non-register-requests.
    NonRegister,
    /// Stickiness enable.
    Enable,
    /// The same, with search mode ims.
    Ims,
    /// Stickiness enable, search mode avoid-previous-registrar-until-expiry.
    Avoid,
    /// Stickiness enable-for-non-register-requests with that search mode.
    AvoidNonRegister,
}

pub(super) const MODES: [Mode; 6] = [
    Mode::Disable,
    Mode::NonRegister,
    Mode::Enable,
    Mode::Ims,
    Mode::Avoid,
    Mode::AvoidNonRegister,
];

/// `keep_alive` and `redundancy`, as far as they go together: homing takes `options`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Upkeep {
    /// Nobody is probed; parking.
    #[default]
    Blind,
    /// `options`, parking.
    Parking,
    /// `options`, homing.
    Homing,
    /// `options-on-active`, parking.
    OnActive,
    /// `register`, parking.
    Register,
    /// `fake-register`, parking.
    FakeRegister,
}

pub(super) const UPKEEPS: [Upkeep; 6] = [
    Upkeep::Blind,
    Upkeep::Parking,
    Upkeep::Homing,
    Upkeep::OnActive,
    Upkeep::Register,
    Upkeep::FakeRegister,
];

/// How a registrar takes what is sent to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    /// It grants what is asked for.
    Well,
    /// An ICMP error comes back.
    Closed,
    /// Nothing comes back.
    Silence,
    /// REGISTERs are answered with this code.
    Code(u16),
    /// It challenges, and refuses what it gets.
    Refuses,
}

/// One change in the world: from this second on, this registrar, so.
pub(super) type Turn = (u64, usize, Takes);

/// A request leaves so many milliseconds after it left first (rule X1).
pub(super) const LEAVES: [u64; 11] = [
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
];

/// What an Account hears of its registrars but the answers to its REGISTERs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// Keep-alive finds this registrar online.
    Online(usize),
    /// Keep-alive finds it offline.
    Offline(usize),
    /// It is no longer among the addresses of the set.
    Leaves(usize),
    /// An INVITE that was sent to the bound registrar is answered 408.
    InviteFails,
}

/// An event and its millisecond.
pub(super) type Dated = (u64, Event);

/// Who is up when.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Situation {
    pub(super) name: &'static str,
    /// In the order of time; all is well before.
    pub(super) turns: &'static [Turn],
    /// What else happens.
    pub(super) events: &'static [Dated],
}

pub(super) const X: usize = 0;
pub(super) const Y: usize = 1;
pub(super) const Z: usize = 2;
/// Every row is played for so many seconds.
pub(super) const HORIZON: u64 = 1_000;
/// `registration_time_secs`.
pub(super) const ASKED: u64 = 480;

const fn situation(name: &'static str, turns: &'static [Turn]) -> Situation {
    Situation {
        name,
        turns,
        events: &[],
    }
}

use Takes::{Closed, Code, Refuses, Silence, Well};

/// Nobody fails.
pub(super) const ALL_UP: Situation = situation("all are up", &[]);
pub(super) const X_CLOSED_FIRST: Situation = situation(
    "X is not there (ICMP) until 275",
    &[(0, X, Closed), (275, X, Well)],
);
pub(super) const X_SILENT_FIRST: Situation =
    situation("X is silent until 275", &[(0, X, Silence), (275, X, Well)]);
pub(super) const X_503_FIRST: Situation = situation(
    "X answers 503 until 100",
    &[(0, X, Code(503)), (100, X, Well)],
);
pub(super) const X_403_FIRST: Situation = situation(
    "X answers 403 until 100",
    &[(0, X, Code(403)), (100, X, Well)],
);
pub(super) const X_CLOSED: Situation = situation(
    "X is not there (ICMP) from 30 to 270",
    &[(30, X, Closed), (270, X, Well)],
);
pub(super) const X_SILENT: Situation = situation(
    "X is silent from 30 to 295",
    &[(30, X, Silence), (295, X, Well)],
);
pub(super) const X_503: Situation = situation(
    "X answers 503 from 100 to 320",
    &[(100, X, Code(503)), (320, X, Well)],
);
pub(super) const X_403: Situation = situation(
    "X answers 403 from 100 to 320",
    &[(100, X, Code(403)), (320, X, Well)],
);
pub(super) const X_603: Situation = situation(
    "X answers 603 from 100 to 320",
    &[(100, X, Code(603)), (320, X, Well)],
);
pub(super) const X_REFUSES: Situation = situation(
    "X refuses the credentials from 100 on",
    &[(100, X, Refuses)],
);
pub(super) const XY_CLOSED: Situation = situation(
    "X and Y are not there (ICMP) from 30 to 310",
    &[
        (30, X, Closed),
        (30, Y, Closed),
        (310, X, Well),
        (310, Y, Well),
    ],
);
pub(super) const ALL_CLOSED: Situation = situation(
    "nobody is there (ICMP) from 30 to 310",
    &[
        (30, X, Closed),
        (30, Y, Closed),
        (30, Z, Closed),
        (310, X, Well),
        (310, Y, Well),
        (310, Z, Well),
    ],
);
pub(super) const ALL_SILENT: Situation = situation(
    "all are silent from 30 to 305",
    &[
        (30, X, Silence),
        (30, Y, Silence),
        (30, Z, Silence),
        (305, X, Well),
        (305, Y, Well),
        (305, Z, Well),
    ],
);
pub(super) const X_LEAVES: Situation = Situation {
    events: &[(120_000, Event::Leaves(X))],
    ..situation("X leaves the list at 120", &[])
};
pub(super) const X_THEN_Y: Situation = situation(
    "X is not there (ICMP) from 30 to 270, Y from 400 on",
    &[(30, X, Closed), (270, X, Well), (400, Y, Closed)],
);
pub(super) const X_THEN_OTHERS: Situation = situation(
    "X is not there (ICMP) from 30 to 270, Y and Z from 400 on",
    &[
        (30, X, Closed),
        (270, X, Well),
        (400, Y, Closed),
        (400, Z, Closed),
    ],
);
pub(super) const INVITE_FAILS: Situation = Situation {
    events: &[(100_000, Event::InviteFails)],
    ..situation(
        "an INVITE to the bound registrar fails with 408 at 100",
        &[],
    )
};

pub(super) const SITUATIONS: &[Situation] = &[
    ALL_UP,
    X_CLOSED_FIRST,
    X_SILENT_FIRST,
    X_503_FIRST,
    X_403_FIRST,
    X_CLOSED,
    X_SILENT,
    X_503,
    X_403,
    X_603,
    X_REFUSES,
    XY_CLOSED,
    ALL_CLOSED,
    ALL_SILENT,
    X_LEAVES,
    X_THEN_Y,
    X_THEN_OTHERS,
    INVITE_FAILS,
];

impl Situation {
    /// How a registrar takes what reaches it at this millisecond.
    pub(super) fn takes(&self, registrar: usize, at_ms: u64) -> Takes {
        let begun = |turn: &&Turn| turn.1 == registrar && turn.0 * 1_000 <= at_ms;
        self.turns.iter().rfind(begun).map_or(Well, |turn| turn.2)
    }
}

/// A configuration and a situation.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Case {
    pub(super) mode: Mode,
    pub(super) upkeep: Upkeep,
    pub(super) hot_swap: bool,
    pub(super) situation: Situation,
}

/// A REGISTER that left: the millisecond, to whom, for how many seconds.
pub(super) type Sent = (u64, usize, u64);

/// What came of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Result {
    pub(super) sent: Vec<Sent>,
    /// What the Account does at the end.
    pub(super) phase: String,
}

/// As the table writes it: `0 X, 240 X Y, 480 Y (360)`. What leaves in one instant stands together;
/// the seconds asked for stand there only where they are fewer than usual.
pub(super) fn words(sent: &[Sent]) -> String {
    let mut text = String::new();
    let mut last = None;
    for (at, to, asked) in sent {
        if last != Some(at) {
            let part = format!("{:03}", at % 1_000);
            let part = part.trim_end_matches('0');
            let point = if part.is_empty() { "" } else { "." };
            let comma = if last.is_some() { ", " } else { "" };
            text.push_str(&format!("{comma}{}{point}{part}", at / 1_000));
        }
        last = Some(at);
        text.push_str([" X", " Y", " Z"][*to]);
        if *asked != ASKED {
            text.push_str(&format!(" ({asked})"));
        }
    }
    text
}

/// Every way to configure the choice, in every situation in which it matters.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in MODES {
        for situation in SITUATIONS {
            for upkeep in UPKEEPS.into_iter().filter(|it| it.matters(situation)) {
                for hot_swap in [false, true] {
                    let case = Case {
                        mode,
                        upkeep,
                        hot_swap,
                        situation: *situation,
                    };
                    // Hot swap does not apply while registrars are avoided.
                    if !(hot_swap && mode.avoids()) {
                        cases.push(case);
                    }
                }
            }
        }
    }
    cases
}

impl Mode {
    pub(super) fn avoids(self) -> bool {
        matches!(self, Self::Avoid | Self::AvoidNonRegister)
    }
}

impl Upkeep {
    /// The probes of these two find out what those of others do, later or as soon.
    fn matters(self, situation: &Situation) -> bool {
        let telling = [X_CLOSED, X_SILENT, INVITE_FAILS].map(|it| it.name);
        !matches!(self, Self::Register | Self::FakeRegister) || telling.contains(&situation.name)
    }
}
