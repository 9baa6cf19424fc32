//! The order in which clips are shown so that each of them meets each, itself included.

/// A closed tour over all pairs of `count` things: every one of them follows every one exactly
/// once, if the first is taken to follow the last (a de Bruijn sequence of order 2).
fn round(count: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(count * count);
    for one in 0..count {
        order.push(one);
        order.extend((one + 1..count).flat_map(|other| [one, other]));
    }
    order
}

/// So many tours, one after the other, in each of which the neighbours of a pair are others.
pub(crate) fn tours(count: usize, rounds: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(count * count * rounds);
    for turn in 0..rounds {
        // Dealt out with another step each time: a permutation where the step has no part in common.
        let mut steps = (1..).filter(|step| common(*step, count) == 1);
        let step = steps.nth(turn).unwrap();
        order.extend(
            round(count)
                .into_iter()
                .map(|one| (one * step + turn) % count),
        );
    }
    order
}

/// The greatest common divisor.
fn common(one: usize, other: usize) -> usize {
    if other == 0 {
        one
    } else {
        common(other, one % other)
    }
}

#[test]
fn every_one_meets_every_one_in_every_round() {
    for count in 2..12 {
        let order = tours(count, 3);
        for turn in order.chunks(count * count) {
            let followers = turn.iter().cycle().skip(1);
            let mut pairs: Vec<_> = turn.iter().zip(followers).collect();
            pairs.sort();
            pairs.dedup();
            assert_eq!(pairs.len(), count * count);
        }
    }
}
