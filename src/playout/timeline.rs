//! The time of a channel's streams, and how it becomes wall time and back.

use crate::clock::Clock;
use crate::limits;
use crate::media::{self, TICKS_PER_SECOND};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::time::{Duration, Instant};

/// The time at which streams begin. Not 0, so that clocks that run behind never go below it.
pub const ORIGIN_90K: i64 = 10 * TICKS_PER_SECOND;

/// Chunks go out at multiples of this, the same for all channels: one wake-up serves many of them.
const BEAT_90K: i64 = 50 * 90;

/// Reading the date takes less than this, unless the machine was busy elsewhere meanwhile.
const READING: Duration = Duration::from_millis(20);

/// The time of all streams of one channel. It runs with the monotonic clock, for ever and without a
/// jump; where the wall lies on it is shared, and moves when the date is set.
#[derive(Debug, Clone)]
pub struct Timeline {
    begun: Instant,
    begun_90k: i64,
    wall_ms: Arc<AtomicI64>,
}

/// Where the wall lies on a timeline, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wall {
    /// What the date was, or would have been, when the timeline began.
    begun_ms: i64,
    begun_90k: i64,
}

impl Timeline {
    /// A timeline on which it is `begun_90k` now, up to a beat. `beat` is an instant in the past
    /// from which all timelines count their beats.
    #[must_use]
    pub fn new(clock: &dyn Clock, beat: Instant, begun_90k: i64) -> Self {
        let beats = media::ticks(beat.elapsed()) / BEAT_90K;
        let begun = beat + media::duration(beats.saturating_mul(BEAT_90K));
        let since_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(0);
        Self {
            begun,
            begun_90k,
            wall_ms: Arc::new(AtomicI64::new(clock.epoch_ms().saturating_sub(since_ms))),
        }
    }

    /// The stream's time now, without any lead.
    pub(super) fn now_90k(&self) -> i64 {
        let passed_90k = media::ticks(self.begun.elapsed());
        self.begun_90k.saturating_add(passed_90k)
    }

    /// Where the wall lies.
    pub(super) fn wall(&self) -> Wall {
        Wall {
            begun_ms: self.wall_ms.load(Ordering::Relaxed),
            begun_90k: self.begun_90k,
        }
    }

    /// Looks whether the date has been set, and moves the wall if so.
    pub(super) fn follow(&self, clock: &dyn Clock) {
        let before = Instant::now();
        let now_ms = clock.epoch_ms();
        if before.elapsed() > READING {
            return;
        }
        let passed = i64::try_from((before - self.begun).as_millis()).unwrap_or(i64::MAX);
        let begun_ms = now_ms.saturating_sub(passed);
        let known_ms = self.wall_ms.load(Ordering::Relaxed);
        if begun_ms.abs_diff(known_ms) > limits::CLOCK_STEP_MS {
            log::info!(
                "the date was set: by {} ms",
                begun_ms.saturating_sub(known_ms)
            );
            self.wall_ms.store(begun_ms, Ordering::Relaxed);
        }
    }

    /// When something that is due at `due_90k` goes to a viewer: ahead by the lead, on the next beat.
    /// It is measured by the monotonic clock, so that setting the date neither stalls nor floods
    /// anyone.
    #[must_use]
    pub fn release(&self, due_90k: i64) -> Instant {
        let lead_90k = limits::LEAD_MS.saturating_mul(90);
        let after_90k = due_90k
            .saturating_sub(self.begun_90k)
            .saturating_sub(lead_90k);
        let beats = after_90k.saturating_add(BEAT_90K - 1).div_euclid(BEAT_90K);
        let after_90k = beats.saturating_mul(BEAT_90K);
        self.begun + media::duration(after_90k)
    }
}

impl Wall {
    /// The stream's time at a wall time.
    pub(super) fn ticks(self, at_ms: i64) -> i64 {
        at_ms
            .saturating_sub(self.begun_ms)
            .saturating_mul(90)
            .saturating_add(self.begun_90k)
    }

    /// The wall time at a time of the stream, rounded up.
    pub(super) fn epoch_ms(self, at_90k: i64) -> i64 {
        at_90k
            .saturating_sub(self.begun_90k)
            .saturating_add(89)
            .div_euclid(90)
            .saturating_add(self.begun_ms)
    }
}
