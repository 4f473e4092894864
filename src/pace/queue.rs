//! Who is due at one registrar, in the order in which they may send.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Turn;
use crate::effect::AccountId;
use crate::time::{Duration, Instant};

/// Bindings that end sooner than this go first, by their end (rule L6).
const ENDANGERED: Duration = Duration::from_secs(64);

type Entry = Reverse<(Instant, u64, AccountId)>;

/// Entries are in two orders at once; one that was served or cancelled is skipped where it is met
/// again.
#[derive(Default, Debug)]
pub(super) struct Queue {
    by_end: BinaryHeap<Entry>,
    by_due: BinaryHeap<Entry>,
}

impl Queue {
    pub(super) fn push(
        &mut self,
        account: AccountId,
        turn: Turn,
        due: Instant,
        ends: Option<Instant>,
    ) {
        if let Some(ends) = ends {
            self.by_end.push(Reverse((ends, turn.0, account)));
        }
        self.by_due.push(Reverse((due, turn.0, account)));
    }

    pub(super) fn pop(
        &mut self,
        now: Instant,
        is_waiting: &impl Fn(AccountId, Turn) -> bool,
    ) -> Option<AccountId> {
        while let Some(Reverse((ends, turn, account))) = self.by_end.peek().copied() {
            if is_waiting(account, Turn(turn)) {
                if ends > now + ENDANGERED {
                    break;
                }
                self.by_end.pop();
                return Some(account);
            }
            self.by_end.pop();
        }
        while let Some(Reverse((_, turn, account))) = self.by_due.pop() {
            if is_waiting(account, Turn(turn)) {
                return Some(account);
            }
        }
        self.rest();
        None
    }

    /// Whether nobody stands in line.
    pub(super) fn is_empty(&self) -> bool {
        self.by_due.is_empty()
    }

    /// An idle queue holds no memory.
    fn rest(&mut self) {
        self.by_due.shrink_to(64);
        if self.by_end.is_empty() {
            self.by_end.shrink_to(64);
        }
    }
}
