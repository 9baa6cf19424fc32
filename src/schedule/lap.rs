//! One lap of a channel's loop, laid out as sums so that looking up an offset is a binary search.

/// What is shown one after the other until it begins again. 12 bytes per entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lap {
    /// Places in the channel's list of items.
    places: Vec<u32>,
    /// When each entry begins, from the lap's beginning; rising.
    starts_ms: Vec<u64>,
    length_ms: u64,
}

/// One entry of a lap: `[start_ms, end_ms)` from the lap's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: u32,
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
}

impl Lap {
    /// A lap of places with their durations. An entry without duration is not laid out.
    pub(super) fn new(entries: impl ExactSizeIterator<Item = (u32, u64)>) -> Self {
        let mut lap = Self {
            places: Vec::with_capacity(entries.len()),
            starts_ms: Vec::with_capacity(entries.len()),
            length_ms: 0,
        };
        for (place, duration_ms) in entries {
            let end_ms = lap.length_ms.saturating_add(duration_ms);
            if end_ms > lap.length_ms {
                lap.places.push(place);
                lap.starts_ms.push(lap.length_ms);
                lap.length_ms = end_ms;
            }
        }
        lap
    }

    /// How long a lap takes; 0 where there is nothing to show.
    pub(super) fn length_ms(&self) -> u64 {
        self.length_ms
    }

    /// How many entries it has.
    pub(super) fn entries(&self) -> usize {
        self.places.len()
    }

    /// The entry at an offset into the lap; `None` past its end.
    pub(super) fn at(&self, offset_ms: u64) -> Option<Entry> {
        if offset_ms >= self.length_ms {
            return None;
        }
        let after = self.starts_ms.partition_point(|start| *start <= offset_ms);
        let at = after.checked_sub(1)?;
        Some(Entry {
            place: *self.places.get(at)?,
            start_ms: *self.starts_ms.get(at)?,
            end_ms: self.starts_ms.get(after).copied().unwrap_or(self.length_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Lap;

    #[test]
    fn every_offset_has_the_entry_that_covers_it() {
        let durations = [3, 1, 10, 1];
        let lap = Lap::new(
            (0_u32..)
                .take(4)
                .zip(durations)
                .collect::<Vec<_>>()
                .into_iter(),
        );
        let shown: Vec<u32> = (0..15).map(|at| lap.at(at).unwrap().place).collect();
        assert_eq!(shown, [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
        assert_eq!(lap.at(15), None);
        assert_eq!(lap.at(14).unwrap().end_ms, 15);
    }

    #[test]
    fn entries_without_duration_are_not_laid_out() {
        let lap = Lap::new([(0, 0), (1, 5), (2, 0)].into_iter());
        assert_eq!(lap.entries(), 1);
        assert_eq!(lap.at(0).unwrap().place, 1);
        assert_eq!(Lap::new([(0, 0)].into_iter()).at(0), None);
    }
}
