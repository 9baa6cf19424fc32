//! Random numbers that nobody has to be kept from guessing: by them many devices that are asked at
//! once do not answer at once.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A sequence of random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// A sequence that is another in each program.
    pub(super) fn new() -> Self {
        Self::seeded(RandomState::new().hash_one("dice"))
    }

    /// The sequence of this seed.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A time from `from` up to before `to`, in whole microseconds; `from` where there is none.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span_us = u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(u64::MAX);
        let part_us = self.next().checked_rem(span_us).unwrap_or_default();
        from.saturating_add(Duration::from_micros(part_us))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;
    use std::time::Duration;

    #[test]
    fn times_lie_between_and_spread() {
        let (from, to) = (Duration::from_millis(100), Duration::from_millis(200));
        let mut dice = Dice::new();
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let time = dice.between(from, to);
            assert!(from <= time && time < to);
            tenths[(time.as_millis() as usize - 100) / 10] += 1;
        }
        assert!(tenths.iter().all(|count| (800..1_200).contains(count)));
        assert_eq!(dice.between(to, from), to);
    }
}
