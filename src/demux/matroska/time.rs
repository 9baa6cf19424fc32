//! Times: from Segment ticks to 90 kHz, back onto the grid of the frame rate, and the order of
//! decoding that Matroska does not store.

use crate::limits;
use heapless::BinaryHeap;
use heapless::binary_heap::Min;

const NS_PER_SECOND: i128 = 1_000_000_000;
const TICKS_PER_SECOND: i128 = crate::media::TICKS_PER_SECOND as i128;

/// Millisecond rounding on both the first frame and this one.
const SNAP_NS: i128 = 1_000_000;

/// Duration of a frame in 90 kHz units, as a fraction: 24000/1001 fps is 15015/4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameDuration {
    ticks: i128,
    per: i128,
}

impl FrameDuration {
    /// From 90 kHz units that were rounded; `None` for 0.
    pub(super) fn from_90k(rounded: u32) -> Option<Self> {
        let meant = television_rates().find(|rate| rate.rounded_90k() == rounded);
        let plain = Self {
            ticks: i128::from(rounded),
            per: 1,
        };
        (rounded != 0).then(|| meant.unwrap_or(plain))
    }

    /// From nanoseconds; `None` for 0 or more than ten seconds. What is within 10 ppm of a
    /// television frame rate is meant to be that rate: writers round 41708333.3 ns, or come from
    /// "23.976".
    pub(super) fn from_ns(ns: u64) -> Option<Self> {
        if ns == 0 || ns > 10_000_000_000 {
            return None;
        }
        let ns = i128::from(ns);
        let meant = television_rates().find(|rate| {
            let exact = rate.ticks * NS_PER_SECOND;
            let given = ns * rate.per * TICKS_PER_SECOND;
            (given - exact).abs() * 100_000 <= exact
        });
        Some(meant.unwrap_or(Self {
            ticks: ns * TICKS_PER_SECOND,
            per: NS_PER_SECOND,
        }))
    }

    /// The time of the `n`-th frame after 0.
    pub(super) fn times_90k(self, n: i64) -> i64 {
        narrow(divide(i128::from(n).saturating_mul(self.ticks), self.per))
    }

    /// One frame in nanoseconds, rounded.
    pub(super) fn rounded_ns(self) -> i64 {
        narrow(divide(
            self.ticks.saturating_mul(NS_PER_SECOND),
            self.per * TICKS_PER_SECOND,
        ))
    }

    /// One frame, rounded.
    pub(super) fn rounded_90k(self) -> u32 {
        u32::try_from(self.times_90k(1)).unwrap_or(0)
    }
}

/// The frame rates that films and television have.
fn television_rates() -> impl Iterator<Item = FrameDuration> {
    [24, 25, 30, 48, 50, 60, 100, 120]
        .into_iter()
        .flat_map(|rate| [(1, rate), (1001, 1000 * rate)])
        .map(|(seconds, per)| FrameDuration {
            ticks: TICKS_PER_SECOND * seconds,
            per,
        })
}

/// The relation of Segment ticks to media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Nanoseconds in a Segment tick (`TimestampScale`).
    pub(super) scale_ns: u64,
    /// The instant that is 0 in media time: the first frame shown.
    pub(super) origin_ns: i64,
}

impl Timeline {
    /// Segment ticks in nanoseconds, not shifted.
    pub(super) fn ns(&self, ticks: i64) -> i64 {
        narrow(i128::from(ticks) * i128::from(self.scale_ns))
    }

    /// The instant that is 0 in media time, as the file tells it.
    pub(super) fn origin_90k(&self) -> i64 {
        let from_zero = Self {
            origin_ns: 0,
            ..*self
        };
        from_zero.media_90k(self.origin_ns)
    }

    /// Media time of an instant, in 90 kHz.
    pub(super) fn media_90k(&self, ns: i64) -> i64 {
        let since = i128::from(ns) - i128::from(self.origin_ns);
        narrow(divide(since * TICKS_PER_SECOND, NS_PER_SECOND))
    }

    /// A float of Segment ticks in nanoseconds, not shifted.
    pub(super) fn float_ns(&self, ticks: f64) -> i64 {
        let ticks_per_second = 1e9 / scale_as_float(self.scale_ns);
        let seconds = ticks / ticks_per_second;
        if !(0.0..1e9).contains(&seconds) {
            return 0;
        }
        // Below 2^63: no duration of a Segment needs more digits than a float has.
        i64::try_from(std::time::Duration::from_secs_f64(seconds).as_nanos()).unwrap_or(0)
    }

    /// A length in Segment ticks, in 90 kHz.
    pub(super) fn length_90k(&self, ticks: u64) -> u32 {
        let ns = i128::from(ticks).saturating_mul(i128::from(self.scale_ns));
        u32::try_from(divide(ns.saturating_mul(TICKS_PER_SECOND), NS_PER_SECOND)).unwrap_or(0)
    }

    /// How far a stored time may be from the true one.
    pub(super) fn rounding_ns(&self) -> i64 {
        narrow(SNAP_NS.max(i128::from(self.scale_ns)))
    }

    /// The same in 90 kHz.
    pub(super) fn rounding_90k(&self) -> u32 {
        u32::try_from(self.rounding_ns() / 1000 * 9 / 100).unwrap_or(u32::MAX)
    }

    /// Media time of a frame. Where it lies within rounding of the grid that the frame duration
    /// spans from 0, it is the grid's.
    pub(super) fn frame_90k(&self, ns: i64, frame: Option<FrameDuration>) -> i64 {
        let plain = self.media_90k(ns);
        let Some(frame) = frame else {
            return plain;
        };
        let since = i128::from(ns) - i128::from(self.origin_ns);
        // n frames are n * ticks / per / 90000 seconds.
        let n = divide(
            since.saturating_mul(frame.per * TICKS_PER_SECOND),
            frame.ticks * NS_PER_SECOND,
        );
        let on_grid_ns = divide(
            n.saturating_mul(frame.ticks * NS_PER_SECOND),
            frame.per * TICKS_PER_SECOND,
        );
        let off_ns = (since - on_grid_ns).abs();
        if off_ns <= i128::from(self.rounding_ns()) {
            frame.times_90k(narrow(n))
        } else {
            plain
        }
    }
}

/// Division to the nearest; halves go up.
fn divide(dividend: i128, divisor: i128) -> i128 {
    dividend
        .saturating_mul(2)
        .saturating_add(divisor)
        .div_euclid(divisor.saturating_mul(2).max(1))
}

/// A tick's length as a float; what is longer than a second is no tick.
fn scale_as_float(scale_ns: u64) -> f64 {
    u32::try_from(scale_ns).map_or(f64::from(u32::MAX), f64::from)
}

fn narrow(value: i128) -> i64 {
    // A quarter of the range, so that sums of a few times stay inside it.
    let most = i128::from(i64::MAX / 4);
    i64::try_from(value.clamp(-most, most)).unwrap_or(0)
}

/// When a picture is decoded and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) dts_90k: i64,
    pub(super) pts_90k: i64,
}

/// Decoding times from the order of decoding and the times of showing.
///
/// With a reordering depth of R, the k-th picture decoded gets the (k-R)-th smallest time of
/// showing; the first R stand whole frames before the first. Where pictures are reordered more
/// deeply than was said, times are moved by the least that keeps decoding times rising and never
/// after showing.
#[derive(Debug)]
pub(super) struct DecodeOrder {
    depth: usize,
    frame: FrameDuration,
    first_90k: Option<i64>,
    missing: usize,
    /// Never more than `depth`, and the one that has just come.
    waiting: BinaryHeap<i64, Min, { limits::REORDER_PICTURES + 1 }>,
    last_90k: Option<i64>,
}

/// Stands in where the frame rate is unknown: 30 per second.
const USUAL_FRAME: FrameDuration = FrameDuration {
    ticks: 3000,
    per: 1,
};

impl DecodeOrder {
    /// For pictures that are reordered by at most `depth`.
    pub(super) fn new(depth: u8, frame: Option<FrameDuration>) -> Self {
        let depth = usize::from(depth).min(limits::REORDER_PICTURES);
        Self {
            depth,
            frame: frame.unwrap_or(USUAL_FRAME),
            first_90k: None,
            missing: depth,
            waiting: BinaryHeap::new(),
            last_90k: None,
        }
    }

    /// The times of the next picture in the order of decoding.
    pub(super) fn next(&mut self, pts_90k: i64) -> Times {
        let first_90k = *self.first_90k.get_or_insert(pts_90k);
        // There is room: whatever makes it too many is taken out again.
        let _ = self.waiting.push(pts_90k);
        let wished = if self.waiting.len() > self.depth {
            self.waiting.pop().unwrap_or(pts_90k)
        } else {
            let frames = i64::try_from(self.missing).unwrap_or(0);
            self.missing -= 1;
            first_90k - self.frame.times_90k(frames)
        };
        let after_last = self.last_90k.map_or(i64::MIN, |last| last + 1);
        let dts_90k = wished.max(after_last);
        self.last_90k = Some(dts_90k);
        Times {
            dts_90k,
            pts_90k: pts_90k.max(dts_90k),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, proptest};

    const MS: Timeline = Timeline {
        scale_ns: 1_000_000,
        origin_ns: 83_000_000,
    };

    #[test]
    fn a_film_in_milliseconds_gets_its_exact_times_back() {
        for ns in [41_708_333, 41_708_334, 41_708_375] {
            let frame = FrameDuration::from_ns(ns);
            for n in [0_i64, 1, 2, 3, 4, 1000, 172_621, 345_240] {
                let shown_ms = (n * 1_001_000 + 83_417 * 24 + 12_000) / 24_000;
                let time = MS.frame_90k(shown_ms * 1_000_000, frame);
                let exact = (n * 15_015 + 2).div_euclid(4);
                assert_eq!(time, exact, "frame {n} at {shown_ms} ms");
            }
        }
    }

    #[test]
    fn a_frame_off_the_grid_keeps_its_millisecond() {
        let frame = FrameDuration::from_ns(40_000_000);
        assert_eq!(MS.frame_90k(123_000_000, frame), 3600);
        assert_eq!(MS.frame_90k(124_000_000, frame), 3600);
        assert_eq!(MS.frame_90k(125_000_000, frame), 42 * 90);
        assert_eq!(MS.frame_90k(125_000_000, None), 42 * 90);
    }

    #[test]
    fn decoding_times_are_those_of_the_encoder() {
        // I0 P4 B2 b1 b3 P8 B6 b5 b7, in frames of 3600: a pyramid, two deep.
        let shown = [0, 4, 2, 1, 3, 8, 6, 5, 7].map(|n: i64| n * 3600);
        let mut order = DecodeOrder::new(2, FrameDuration::from_90k(3600));
        for (decoded, pts_90k) in (-2..).zip(shown) {
            let times = order.next(pts_90k);
            assert_eq!(times.dts_90k, decoded * 3600);
            assert_eq!(times.pts_90k, pts_90k);
        }
    }

    /// H.264 that does not say its depth is given the most that its level allows.
    #[test]
    fn a_depth_that_is_too_large_only_decodes_earlier() {
        let shown = [0, 4, 2, 1, 3, 8, 6, 5, 7].map(|n: i64| n * 3600);
        let mut order = DecodeOrder::new(16, FrameDuration::from_90k(3600));
        for (decoded, pts_90k) in (-16..).zip(shown) {
            let times = order.next(pts_90k);
            assert_eq!((times.dts_90k, times.pts_90k), (decoded * 3600, pts_90k));
        }
        for (decoded, frame) in (-7..).zip(9..60) {
            let times = order.next(frame * 3600);
            assert_eq!(
                (times.dts_90k, times.pts_90k),
                (decoded * 3600, frame * 3600)
            );
        }
    }

    proptest! {
        #[test]
        fn decoding_rises_and_never_comes_after_showing(
            depth in 0_u8..20,
            frame in any::<u32>(),
            shown in proptest::collection::vec(any::<i32>(), 0..100),
        ) {
            let mut order = DecodeOrder::new(depth, FrameDuration::from_90k(frame));
            let mut last = i64::MIN;
            for pts in shown {
                let times = order.next(i64::from(pts));
                prop_assert!(times.dts_90k > last);
                prop_assert!(times.pts_90k >= times.dts_90k);
                prop_assert!(times.pts_90k >= i64::from(pts));
                last = times.dts_90k;
            }
        }

        #[test]
        fn no_time_overflows(ticks in any::<i64>(), scale in any::<u64>(), ns in any::<u64>(),
                             origin in any::<i64>(), length in any::<u64>()) {
            let line = Timeline { scale_ns: scale, origin_ns: origin / 4 };
            let instant = line.ns(ticks);
            let time = line.frame_90k(instant, FrameDuration::from_ns(ns));
            let _ = line.media_90k(time);
            let _ = line.length_90k(length);
        }
    }
}
