//! Aligned text.

use super::Phase;

/// A phase in words for people.
pub const fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Registered => "registered",
        Phase::Registering => "registering",
        Phase::WaitingToRetry => "waiting to retry",
        Phase::WaitingForAnotherAccount => "waiting for another Account",
        Phase::Avoided => "avoided",
        Phase::NoPort => "no port",
        Phase::Held => "held",
        Phase::Unregistering => "unregistering",
        Phase::Unregistered => "unregistered",
        Phase::AuthenticationOnly => "authentication only",
        Phase::Standby => "standby",
    }
}
