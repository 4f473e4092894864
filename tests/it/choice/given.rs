//! What a row gives the naive chooser beside who is up: what keep-alive finds out, and when.
//! Written by hand from the rules P3 and P4, and compared with what the world says of its members.
//!
//! A probe leaves every minute. One that cannot be delivered tells at once, one without an answer
//! after 32 s; a registrar that answers is online again with its second answer, 10 s after the
//! first. By `options-on-active` the current registrar alone is probed; all are while none is
//! online.

use super::case::Event::{Offline, Online};
use super::case::*;

/// Some rows: the situation, and what keep-alive finds out with `options`, `homing` and `fake`,
/// then with `active`. What a REGISTER finds out first is missing.
type Given = (Situation, &'static [Dated], &'static [Dated]);

#[rustfmt::skip]
const FOUND: &[Given] = &[
    (X_CLOSED_FIRST, &[(310_000, Online(X))], &[]),
    (X_SILENT_FIRST, &[(310_000, Online(X))], &[]),
    (X_CLOSED, &[(60_000, Offline(X)), (310_000, Online(X))], &[(60_000, Offline(X))]),
    (X_SILENT, &[(92_000, Offline(X)), (310_000, Online(X))], &[(92_000, Offline(X))]),
    (
        XY_CLOSED,
        &[
            (60_000, Offline(X)), (60_000, Offline(Y)),
            (370_000, Online(X)), (370_000, Online(Y)),
        ],
        &[(60_000, Offline(X)), (60_000, Offline(Y))],
    ),
    (
        ALL_CLOSED,
        &[
            (60_000, Offline(X)), (60_000, Offline(Y)), (60_000, Offline(Z)),
            (370_000, Online(X)), (370_000, Online(Y)), (370_000, Online(Z)),
        ],
        // Z is asked because Y is gone: behind all that this instant brings.
        &[(60_000, Offline(X)), (60_000, Offline(Y)), (60_500, Offline(Z))],
    ),
    (
        ALL_SILENT,
        // The one that is bound comes last: that there is no other one is known then. By a REGISTER
        // to it Y may be back a little later.
        &[
            (92_000, Offline(Z)), (92_000, Offline(Y)), (92_000, Offline(X)),
            (310_000, Online(X)), (310_000, Online(Z)),
        ],
        &[
            (92_000, Offline(X)), (124_000, Offline(Y)), (156_000, Offline(Z)),
            (310_000, Online(X)),
        ],
    ),
    (
        X_THEN_Y,
        &[(60_000, Offline(X)), (310_000, Online(X)), (420_000, Offline(Y))],
        &[(60_000, Offline(X)), (420_000, Offline(Y))],
    ),
    (
        X_THEN_OTHERS,
        &[
            (60_000, Offline(X)), (310_000, Online(X)),
            (420_000, Offline(Y)), (420_000, Offline(Z)),
        ],
        &[
            (60_000, Offline(X)), (420_000, Offline(Y)), (420_000, Offline(Z)),
            (430_000, Online(X)),
        ],
    ),
];

/// The same with `active` by ims, where a pass finds Y and Z, and not a probe.
const FOUND_BY_IMS: &[(Situation, &[Dated])] = &[
    (ALL_CLOSED, &[(60_000, Offline(X))]),
    (ALL_SILENT, &[(92_000, Offline(X)), (307_000, Online(Z))]),
];

impl Case {
    /// What keep-alive finds out.
    pub(super) fn found(&self) -> &'static [Dated] {
        let is_here = |situation: &Situation| situation.name == self.situation.name;
        let by_ims = FOUND_BY_IMS.iter().find(|it| is_here(&it.0));
        match (self.upkeep, FOUND.iter().find(|it| is_here(&it.0))) {
            (Upkeep::Blind | Upkeep::Register, _) | (_, None) => &[],
            (Upkeep::OnActive, Some(found)) => match (self.mode, by_ims) {
                (Mode::Ims, Some(by_ims)) => by_ims.1,
                _ => found.2,
            },
            (_, Some(found)) => found.1,
        }
    }

    /// What happens in this millisecond, in this order.
    pub(super) fn events(&self, at_ms: u64) -> impl Iterator<Item = Event> + use<> {
        let all = self.found().iter().chain(self.situation.events);
        all.filter(move |it| it.0 == at_ms).map(|it| it.1)
    }
}
