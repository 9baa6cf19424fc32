//! From a track's ticks to the item's time, edit lists applied (ISO/IEC 14496-12 §8.6.6).

use crate::media::TICKS_PER_SECOND;

/// What a track's edit list comes to: a delay, then its media from one place on.
///
/// Of several edits the first real one is played, to the end of the media: files with more come
/// from editing programs, and their pieces are all there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Edit {
    /// Empty edits before it, in the movie's timescale.
    pub(super) delay: i64,
    /// Where the media begins, in the track's timescale; 0 without an edit list.
    pub(super) media_time: i64,
    /// How much of it is shown, in the movie's timescale; none where it is all.
    pub(super) shown: Option<i64>,
}

impl Edit {
    /// The tick at which it ends; the last of all where it shows all there is.
    pub(super) fn end_ticks(&self, timescale: u32, movie_timescale: u32) -> i64 {
        // Movie ticks are coarse, and some muxers round down: what begins in the next one is shown.
        let shown = self.shown.map(|shown| shown.saturating_add(1));
        shown
            .filter(|_| movie_timescale > 0)
            .map_or(i64::MAX, |shown| {
                let ticks = rescale(shown, i64::from(timescale), movie_timescale);
                self.media_time.saturating_add(ticks)
            })
    }
}

/// A track's clock: the line from its ticks to 90 kHz of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Ticks per second; never 0.
    timescale: u32,
    /// Ticks that are shown at `start_90k`.
    origin: i64,
    start_90k: i64,
}

impl Timeline {
    /// The clock of the video track that the item's time counts from: 0 is where its first frame,
    /// at `first_shown` ticks, is shown.
    pub(super) fn of_first_frame(timescale: u32, first_shown: i64) -> Self {
        Self {
            timescale: timescale.max(1),
            origin: first_shown,
            start_90k: 0,
        }
    }

    /// The clock of another track, whose `edit` begins at `start_90k`.
    pub(super) fn of_edit(timescale: u32, edit: &Edit, start_90k: i64) -> Self {
        Self {
            timescale: timescale.max(1),
            origin: edit.media_time,
            start_90k,
        }
    }

    /// When `ticks` are shown, rounded down.
    pub(super) fn time_90k(&self, ticks: i64) -> i64 {
        let ticks = ticks.saturating_sub(self.origin);
        rescale(ticks, TICKS_PER_SECOND, self.timescale).saturating_add(self.start_90k)
    }

    /// The last tick that is shown at or before a time.
    pub(super) fn ticks_at(&self, time_90k: i64) -> i64 {
        let time = i128::from(time_90k) - i128::from(self.start_90k) + 1;
        let per_second = i128::from(TICKS_PER_SECOND);
        let product = time * i128::from(self.timescale) - 1;
        clamp(product.div_euclid(per_second)).saturating_add(self.origin)
    }

    /// The tick with which the track's edit begins, for all but the first video track.
    pub(super) fn origin(&self) -> i64 {
        self.origin
    }
}

/// `ticks` of `from` per second as ticks of `to` per second, rounded down.
pub(super) fn rescale(ticks: i64, to: i64, from: u32) -> i64 {
    let product = i128::from(ticks) * i128::from(to);
    clamp(product.div_euclid(i128::from(from.max(1))))
}

fn clamp(value: i128) -> i64 {
    // Half the range, so that sums of two stay inside it.
    const MOST: i64 = i64::MAX / 4;
    i64::try_from(value)
        .unwrap_or(if value < 0 { -MOST } else { MOST })
        .clamp(-MOST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ntsc_frames_do_not_drift() {
        let clock = Timeline::of_first_frame(24_000, 2002);
        assert_eq!(clock.time_90k(2002), 0);
        assert_eq!(clock.time_90k(2002 + 1001), 3753);
        assert_eq!(clock.time_90k(2002 + 1001 * 4), 15_015);
        assert_eq!(clock.time_90k(2002 + 1001 * 400_000), 1_501_500_000);
    }

    proptest! {
        #[test]
        fn ticks_at_is_the_last_tick_at_or_before(
            timescale in 1_u32..3_000_000,
            origin in -1_000_000_i64..1_000_000,
            start in -1_000_000_i64..1_000_000,
            time in -10_000_000_000_i64..10_000_000_000,
        ) {
            let clock = Timeline { timescale, origin, start_90k: start };
            let ticks = clock.ticks_at(time);
            prop_assert!(clock.time_90k(ticks) <= time);
            prop_assert!(clock.time_90k(ticks + 1) > time);
        }
    }
}
