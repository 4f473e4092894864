//! An Account for tests to begin with.

use super::{AccountStatus, Phase, StatusWord, UnixMs};

/// One that has been registered for two hours, at the first registrar of its set. Nothing is known
/// of it that need not be.
pub(crate) fn registered(index: u32, name: &str, now: UnixMs) -> AccountStatus {
    let at = |seconds: i64| Some(UnixMs(now.0 + seconds * 1_000));
    AccountStatus {
        index,
        name: name.into(),
        served: "PBX".into(),
        serving: "Carrier".into(),
        aor: "sip:4930@carrier.example".into(),
        phase: Phase::Registered,
        status: StatusWord::Registered,
        last_error: None,
        registrar: Some(([127, 0, 0, 1], 5060).into()),
        rank: Some(1),
        backup_registrar_used: false,
        local: None,
        asked: 180,
        granted: Some(180),
        registered_since: at(-7_200),
        down_since: None,
        binding_until: at(130),
        refresh_due: at(40),
        last_success: at(-50),
        last_answer: None,
        answers: Vec::new(),
        attempt: None,
        failures: 0,
        temporary: None,
        next_try: None,
        next_action: None,
        avoided: Vec::new(),
        retry_after_until: None,
        min_expires: None,
        routes: None,
        public_address: None,
        algorithm: None,
        rtt_us: None,
        detail: None,
    }
}
