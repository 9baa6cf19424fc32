//! Shuffling that is the same for ever: for the same seed and count, on every box and in every
//! version. A change here moves every shuffled channel in the world, so there is none.

/// Fewest entries of a shuffled lap with more than two items: a lap of few items is made of many
/// rounds, so that nobody learns the order.
const LAP_ENTRIES: u32 = 200;

/// One shuffled lap of the numbers `0..count`: one round or more, each with every number once.
/// With two numbers or more none follows itself, not even from the end to the next lap's beginning.
pub(super) fn lap(seed: u64, count: u32) -> Vec<u32> {
    let mut random = SplitMix64::new(seed);
    // Two can only take turns.
    let rounds = if count > 2 {
        LAP_ENTRIES.div_ceil(count)
    } else {
        1
    };
    let mut lap: Vec<u32> = Vec::new();
    for number in 1..=rounds {
        let mut round: Vec<u32> = (0..count).collect();
        random.shuffle(&mut round);
        part_seams(
            &mut round,
            lap.last().copied(),
            lap.first().copied().filter(|_| number == rounds),
            &mut random,
        );
        lap.append(&mut round);
    }
    lap
}

/// Makes a round of three or more not begin with what was `before`, nor end with what is `after`.
fn part_seams(round: &mut [u32], before: Option<u32>, after: Option<u32>, random: &mut SplitMix64) {
    let last = round.len().saturating_sub(1);
    if before.is_some() && round.first().copied() == before {
        round.swap(0, 1 + random.below(last));
    }
    if after.is_some() && round.last().copied() == after {
        round.swap(last, 1 + random.below(last - 1));
    }
}

/// SplitMix64, the generator of Steele, Lea and Flood (OOPSLA 2014).
pub(super) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `count - 1`, each as likely as any other; 0 where `count` is 0.
    fn below(&mut self, count: usize) -> usize {
        let Some(count) = u64::try_from(count).ok().filter(|count| *count > 0) else {
            return 0;
        };
        // What is left of 2^64 after the last whole multiple of `count` would favour low numbers.
        let uneven = (u64::MAX % count + 1) % count;
        loop {
            let drawn = self.next();
            if drawn <= u64::MAX - uneven {
                return usize::try_from(drawn % count).unwrap_or_default();
            }
        }
    }

    /// The Fisher-Yates shuffle, from the end.
    fn shuffle(&mut self, numbers: &mut [u32]) {
        for end in (1..numbers.len()).rev() {
            numbers.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LAP_ENTRIES, SplitMix64, lap};
    use std::collections::HashSet;

    #[test]
    fn generator_gives_the_published_values() {
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
        assert_eq!(SplitMix64::new(0).next(), 0xe220_a839_7b1d_cdaf);
    }

    /// The values are those of a second implementation, in another language.
    #[test]
    fn shuffle_is_the_same_for_ever() {
        assert_eq!(
            lap(1984, 10)[..30],
            [
                7, 0, 5, 1, 6, 4, 8, 2, 9, 3, 0, 3, 8, 2, 5, 4, 6, 9, 7, 1, 7, 0, 6, 5, 3, 4, 9, 2,
                1, 8
            ]
        );
        assert_eq!(lap(0, 3)[..6], [2, 0, 1, 2, 0, 1]);
        let long = lap(42, 28_949);
        assert_eq!(long[..6], [10797, 4629, 8978, 27020, 12899, 27404]);
        assert_eq!(long[28_946..], [27210, 24243, 28557]);
        // A hundred laps with their parted seams, in one number.
        let all = (0..100).flat_map(|seed| lap(seed, 7));
        let sum = all.fold(0_u64, |sum, number| {
            sum.wrapping_mul(31).wrapping_add(u64::from(number))
        });
        assert_eq!(sum, 12_009_337_702_653_587_024);
    }

    #[test]
    fn no_item_follows_itself_and_each_comes_once_a_round() {
        for count in (2..40).chain([199, 200, 201, 1000]) {
            for seed in 0..50 {
                let lap = lap(seed, count);
                let size = usize::try_from(count).unwrap();
                assert_eq!(lap.len() % size, 0);
                assert!(count == 2 || lap.len() >= usize::try_from(LAP_ENTRIES).unwrap());
                assert!(lap.windows(2).all(|pair| pair[0] != pair[1]));
                assert_ne!(lap.first(), lap.last(), "{count} items, seed {seed}");
                for round in lap.chunks(size) {
                    assert_eq!(round.iter().collect::<HashSet<_>>().len(), size);
                }
            }
        }
    }

    #[test]
    fn every_order_is_as_likely_as_any_other() {
        let mut seen = std::collections::HashMap::new();
        for seed in 0..24_000 {
            let mut numbers = [0, 1, 2, 3];
            SplitMix64::new(seed).shuffle(&mut numbers);
            *seen.entry(numbers).or_insert(0_u32) += 1;
        }
        assert_eq!(seen.len(), 24);
        assert!(
            seen.values().all(|times| (850..1150).contains(times)),
            "{seen:?}"
        );
    }

    #[test]
    fn none_and_one_are_laps_too() {
        assert!(lap(7, 0).is_empty());
        assert_eq!(lap(7, 1), [0]);
        assert_eq!(lap(7, 2).len(), 2);
    }
}
