//! Chance as a value: draws derived from (seed, owner, counter), so that they can be repeated.
//!
//! Nobody holds a generator. Whoever needs chance keeps a counter and asks for the draw of that
//! number; adding an Account does not change what another one draws. The shell takes the seed from
//! the operating system, tests take a constant.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
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
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(owner.to_le_bytes());
        hash.update(counter.to_le_bytes());
        Draw {
            rng: StdRng::from_seed(hash.finalize().into()),
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

/// One draw: as many random values as are asked of it, unguessable without the seed.
pub struct Draw {
    rng: StdRng,
}

impl Draw {
    /// 64 random bits.
    pub fn number(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// 64 random bits, written out.
    pub fn token(&mut self) -> Token {
        Token::of(self.number())
    }

    /// A uniform number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.rng.random_range(0..bound)
        }
    }

    /// A uniform duration in `[low, high]`, in microseconds; `low` when `high` is not above it.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let (low, high) = (micros(low), micros(high));
        if high <= low {
            return Duration::from_micros(low);
        }
        Duration::from_micros(self.rng.random_range(low..=high))
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
