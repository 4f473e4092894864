//! Rules for the tests of this module.

use crate::config::{Redirects, Registration, UnregistrationMode};
use crate::sip::Algorithm;

/// The defaults.
pub(crate) fn rules() -> Registration {
    Registration {
        registration_time_secs: 180,
        refresh_percent: 50,
        refresh_threshold_secs: 0,
        refresh_spread_percent: 0,
        registration_retry_secs: 30,
        max_registration_backoff_secs: 0,
        retry_jitter_percent: 0,
        retry_after_max_secs: 3_600,
        credentials_retry_secs: 600,
        unregistration_mode: UnregistrationMode::OwnContact,
        follow_redirects: Redirects::Rejected,
        unregister_on_shutdown: false,
        minimum_algorithm: Algorithm::Md5,
        sip_t1_ms: 500,
        sip_t2_ms: 4_000,
        sip_max_rtx: 11,
    }
}
