//! Where fragments begin, as far as it is known (`sidx`, `tfra`, or the walks made so far).

use crate::limits;

/// A fragment that begins with a random access point of the video track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    ticks: i64,
    offset: u64,
}

/// A bounded list of fragments, thinned out evenly where there are more.
#[derive(Debug, Clone)]
pub(super) struct Index {
    points: Vec<Point>,
    offered: u64,
    stride: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            offered: 0,
            stride: 1,
        }
    }
}

impl Index {
    /// A fragment at `offset` is shown from `ticks` of the video track on. Heard only where it
    /// lies behind all that are known.
    pub(super) fn note(&mut self, ticks: i64, offset: u64) {
        let behind = |last: &Point| offset > last.offset && ticks >= last.ticks;
        if !self.points.last().is_none_or(behind) {
            return;
        }
        let skipped = !self.offered.is_multiple_of(self.stride);
        self.offered = self.offered.saturating_add(1);
        if skipped {
            return;
        }
        if self.points.len() >= limits::SYNC_POINTS {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride = self.stride.saturating_mul(2);
        }
        self.points.push(Point { ticks, offset });
    }

    /// How many points are shown at or before `ticks`.
    pub(super) fn before(&self, ticks: i64) -> usize {
        self.points.partition_point(|point| point.ticks <= ticks)
    }

    /// The offset of the last of the first `count` points.
    pub(super) fn offset(&self, count: usize) -> Option<u64> {
        self.points
            .get(count.checked_sub(1)?)
            .map(|point| point.offset)
    }

    /// The last fragment known.
    pub(super) fn last_offset(&self) -> Option<u64> {
        self.offset(self.points.len())
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Forgets all of them: they do not lead to fragments.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many fragments have been heard of.
    pub(super) fn reach(&self) -> u64 {
        self.offered
    }

    /// Bytes that it holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.points.len() * size_of::<Point>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_stays_bounded_and_covers_the_whole_film() {
        let mut index = Index::default();
        for n in 0..100_000_i64 {
            index.note(n * 10, u64::try_from(n).unwrap() * 1000);
        }
        assert!(index.points.len() <= limits::SYNC_POINTS);
        let found = index.before(500_000);
        let offset = index.offset(found).unwrap();
        assert!((49_900_000..=50_000_000).contains(&offset), "{offset}");
        assert!(index.last_offset().unwrap() > 99_000_000);
    }

    #[test]
    fn points_out_of_order_are_left_out() {
        let mut index = Index::default();
        index.note(10, 100);
        index.note(20, 50);
        index.note(5, 200);
        assert_eq!(index.before(i64::MAX), 1);
    }
}
