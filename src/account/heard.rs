//! What registrars have answered an Account, as far back as is worth a line.
//!
//! Answers that are alike and come one after the other are one with a count, so that an Account
//! that is well keeps a single one. Their number is bounded, and the newest success is among them.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::pace::RegistrarId;
use crate::time::Instant;

/// Final answers of one kind that came one after the other, or what came instead.
#[derive(Clone, Debug)]
pub struct Answered {
    /// SIP status code; 408 for no answer.
    pub code: u16,
    /// Reason phrase, or what happened.
    pub reason: Arc<str>,
    /// Whose.
    pub address: SocketAddr,
    /// The same, which stands for it only while this is the newest one.
    pub registrar: RegistrarId,
    /// When the first of them came.
    pub first: Instant,
    /// When the last of them came.
    pub at: Instant,
    /// How many they are.
    pub count: u32,
    /// When one of them last granted a binding.
    success: Option<Instant>,
}

/// The last answers, the oldest first.
#[derive(Default, Debug)]
pub(super) struct Heard(Vec<Answered>);

impl Heard {
    /// Takes in an answer.
    pub(super) fn take(
        &mut self,
        (code, reason): (u16, Arc<str>),
        (registrar, address): (RegistrarId, SocketAddr),
        at: Instant,
    ) {
        if let Some(newest) = self.0.last_mut()
            && (newest.code, newest.address) == (code, address)
            && newest.reason == reason
        {
            newest.registrar = registrar;
            newest.at = at;
            newest.count = newest.count.saturating_add(1);
            return;
        }
        if self.0.len() == KEPT {
            let newest_success = self.0.iter().rposition(|it| it.success.is_some());
            self.0.remove(usize::from(newest_success == Some(0)));
        }
        // Most Accounts never need room for a second one.
        self.0.reserve_exact(1);
        self.0.push(Answered {
            code,
            reason,
            address,
            registrar,
            first: at,
            at,
            count: 1,
            success: None,
        });
    }

    /// The newest one has granted a binding.
    pub(super) fn succeed(&mut self) {
        if let Some(newest) = self.0.last_mut() {
            newest.success = Some(newest.at);
        }
    }

    /// When one of them last granted a binding.
    pub(super) fn last_success(&self) -> Option<Instant> {
        self.0.iter().rev().find_map(|it| it.success)
    }

    /// The newest one.
    pub(super) fn last(&self) -> Option<&Answered> {
        self.0.last()
    }

    /// The registrar of the newest one.
    pub(super) fn registrar_mut(&mut self) -> Option<&mut RegistrarId> {
        self.0.last_mut().map(|it| &mut it.registrar)
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Answered] {
        &self.0
    }
}

/// So many kinds of answers are kept.
const KEPT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    // rule T1
    #[test]
    fn answers_that_are_alike_are_one_and_the_newest_success_stays() {
        let mut heard = Heard::default();
        let address = |last| SocketAddr::from(([192, 0, 2, last], 5060));
        let mut now = Instant::ZERO;
        let mut take = |heard: &mut Heard, code: u16, from| {
            now += Duration::from_secs(1);
            let reason = code.to_string().into();
            let registrar = (RegistrarId::nobody(), address(from));
            heard.take((code, reason), registrar, now);
            now
        };
        for _ in 0..3 {
            take(&mut heard, 200, 1);
            heard.succeed();
        }
        let success = take(&mut heard, 200, 1);
        heard.succeed();
        assert_eq!(heard.all().len(), 1);
        assert_eq!(heard.all()[0].count, 4);
        assert!(heard.all()[0].first < heard.all()[0].at);
        for code in [503, 408, 500, 403, 404, 480] {
            take(&mut heard, code, 2);
        }
        let codes: Vec<_> = heard.all().iter().map(|it| it.code).collect();
        assert_eq!(codes, [200, 403, 404, 480]);
        assert_eq!(heard.last_success(), Some(success));
        // The same words of another registrar are another answer.
        take(&mut heard, 480, 1);
        assert_eq!(heard.all().last().map(|it| it.count), Some(1));
        let success = take(&mut heard, 200, 1);
        heard.succeed();
        for code in [408, 503, 408, 503, 408] {
            take(&mut heard, code, 2);
        }
        assert_eq!(heard.all().len(), 4);
        assert_eq!(heard.last_success(), Some(success));
    }
}
