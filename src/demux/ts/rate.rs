//! The frame rate that a stream has in truth. What parameter sets say is often missing, and
//! sometimes the rate of fields.

use std::collections::BTreeSet;

/// Pictures that tell it.
const ENOUGH: usize = 12;

/// Times of showing, as far as they were seen.
#[derive(Debug, Default)]
pub(super) struct Rate {
    shown_90k: BTreeSet<i64>,
    /// Some pictures have no time of their own.
    has_untold: bool,
}

impl Rate {
    /// Notes when a picture is shown, if the file says so.
    pub(super) fn note(&mut self, told_90k: Option<i64>) {
        self.has_untold |= told_90k.is_none();
        if !self.is_enough() {
            self.shown_90k.extend(told_90k);
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.has_untold || self.shown_90k.len() >= ENOUGH
    }

    /// How long a frame lasts: as it says, unless most of what was seen says otherwise; 0 where
    /// nothing does.
    pub(super) fn settle(&self, told_90k: u32) -> u32 {
        let later = self.shown_90k.iter().skip(1);
        let steps = self.shown_90k.iter().zip(later);
        let mut steps: Vec<u32> = steps
            .filter_map(|(one, next)| u32::try_from(next - one).ok())
            .collect();
        steps.sort_unstable();
        let Some(&usual) = steps.get(steps.len() / 2).filter(|_| !self.has_untold) else {
            return told_90k;
        };
        let near = |step: &&u32| step.abs_diff(usual) <= usual / 10;
        let is_steady = steps.iter().filter(near).count() * 3 >= steps.len() * 2;
        if told_90k != 0 && (!is_steady || usual.abs_diff(told_90k) <= told_90k / 20) {
            told_90k
        } else if is_steady {
            usual
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    fn seen(times: &[i64]) -> Rate {
        let mut rate = Rate::default();
        times.iter().for_each(|time| rate.note(Some(*time)));
        rate
    }

    #[test]
    fn what_is_seen_wins_where_it_is_steady() {
        let every = seen(&[0, 10_800, 3_600, 7_200, 14_400, 18_000]);
        assert_eq!(every.settle(0), 3_600);
        assert_eq!(every.settle(1_800), 3_600);
        assert_eq!(every.settle(3_603), 3_603);
        let unsteady = seen(&[0, 1_000, 9_000, 12_000, 30_000]);
        assert_eq!(unsteady.settle(3_003), 3_003);
        assert_eq!(unsteady.settle(0), 0);
        assert_eq!(seen(&[0]).settle(3_754), 3_754);
    }
}
