//! Chance as a value: draws derived from (seed, owner, counter), so that they can be repeated.
//!
//! Nobody holds a generator. Whoever needs chance keeps a counter and asks for the draw of that
//! number; adding an Account does not change what another one draws. The shell takes the seed from
//! the operating system, tests take a constant.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

use sha2::{Digest as _, Sha256};

use crate::time::{Duration, micros};

/// The seed of a run. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Seed([u8; 32]);

impl Seed {
    /// From 32 bytes of entropy.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From a number, for tests: the same number gives the same run.
    pub fn from_number(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    /// The draw with this counter of this owner.
    pub fn draw(&self, owner: u64, counter: u64) -> Draw {
        Draw {
            seed: *self,
            owner,
            counter,
            block: 0,
            numbers: [0; 4],
            left: 0,
        }
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// A number as 16 lower-case hex digits: how tags, branches, marks and cnonces are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token([u8; 16]);

impl Token {
    /// Writes a number out.
    pub fn of(number: u64) -> Self {
        let mut text = [0; 16];
        write_hex(&mut text, number);
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Fills `out` with the last hex digits of a number.
pub fn write_hex(out: &mut [u8], mut number: u64) {
    for place in out.iter_mut().rev() {
        *place = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

/// Reads up to 16 lower-case hex digits.
pub fn read_hex(digits: &[u8]) -> Option<u64> {
    let mut number = 0;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u64::from(value);
    }
    (digits.len() <= 16).then_some(number)
}

/// One draw: as many random values as are asked of it, unguessable without the seed, also from
/// each other: each four of them are a hash over the seed.
pub struct Draw {
    seed: Seed,
    owner: u64,
    counter: u64,
    /// How many hashes were taken.
    block: u32,
    numbers: [u64; 4],
    /// How many of the numbers were not handed out yet.
    left: usize,
}

impl Draw {
    /// 64 random bits.
    pub fn number(&mut self) -> u64 {
        if self.left == 0 {
            self.refill();
        }
        self.left -= 1;
        self.numbers[self.left]
    }

    /// 64 random bits, written out.
    pub fn token(&mut self) -> Token {
        Token::of(self.number())
    }

    /// A uniform number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Lemire's method: the upper half of the product is the number. As many lower halves are
        // refused as 2^64 has left over, so that every number has equally many.
        let surplus = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.number()) * u128::from(bound);
            if product as u64 >= surplus {
                return (product >> 64) as u64;
            }
        }
    }

    /// A uniform duration in `[low, high]`, in microseconds; `low` when `high` is not above it.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let (low, high) = (micros(low), micros(high));
        let span = high.saturating_sub(low);
        let above = match span.checked_add(1) {
            Some(1) => 0,
            Some(count) => self.below(count),
            None => self.number(),
        };
        Duration::from_micros(low + above)
    }

    fn refill(&mut self) {
        let mut hash = Sha256::new();
        // 52 bytes: with more than 55 the hash would take twice as long.
        hash.update(self.seed.0);
        hash.update(self.owner.to_le_bytes());
        hash.update(self.counter.to_le_bytes());
        hash.update(self.block.to_le_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        let (words, _) = bytes.as_chunks();
        for (number, word) in self.numbers.iter_mut().zip(words) {
            *number = u64::from_le_bytes(*word);
        }
        self.block += 1;
        self.left = self.numbers.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_owner_and_counter_draw_the_same() {
        let seed = Seed::from_number(7);
        assert_eq!(seed.draw(1, 2).number(), seed.draw(1, 2).number());
        assert_ne!(seed.draw(1, 2).number(), seed.draw(1, 3).number());
        assert_ne!(seed.draw(1, 2).number(), seed.draw(2, 2).number());
        assert_ne!(
            seed.draw(1, 2).number(),
            Seed::from_number(8).draw(1, 2).number()
        );
    }

    #[test]
    fn numbers_below_a_bound_are_equally_frequent() {
        let mut draw = Seed::from_number(3).draw(0, 0);
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            counts[draw.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)));
        assert_eq!((draw.below(0), draw.below(1)), (0, 0));
    }

    #[test]
    fn a_token_reads_back_as_its_number() {
        for number in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(Token::of(number).as_str(), format!("{number:016x}"));
            assert_eq!(
                read_hex(Token::of(number).as_str().as_bytes()),
                Some(number)
            );
        }
        assert_eq!(
            (read_hex(b"0g"), read_hex(b"AB"), read_hex(&[b'0'; 17])),
            (None, None, None)
        );
    }

    #[test]
    fn a_duration_is_drawn_from_the_closed_range() {
        let (low, high) = (Duration::from_secs(30), Duration::from_secs(60));
        for counter in 0..1_000 {
            let drawn = Seed::from_number(1).draw(0, counter).between(low, high);
            assert!((low..=high).contains(&drawn));
        }
        assert_eq!(Seed::from_number(1).draw(0, 0).between(high, low), high);
    }
}
