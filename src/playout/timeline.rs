//! Wall time and the stream's time, and how one becomes the other.

use crate::limits;
use crate::media::TICKS_PER_SECOND;
use tokio::time::{Duration, Instant};

/// The stream's time at its origin. Not 0, so that clocks that run behind never go below it.
const ORIGIN_90K: i64 = 10 * TICKS_PER_SECOND;

/// Fixes a stream's timeline to the wall: made once, when the stream begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    origin_ms: i64,
    origin: Instant,
}

impl Timeline {
    /// A timeline on which it is `now_ms` at this instant.
    pub(super) fn starting_at(now_ms: i64) -> Self {
        Self {
            origin_ms: now_ms,
            origin: Instant::now(),
        }
    }

    /// The stream's time at a wall time.
    pub(super) fn ticks(&self, at_ms: i64) -> i64 {
        at_ms
            .saturating_sub(self.origin_ms)
            .saturating_mul(90)
            .saturating_add(ORIGIN_90K)
    }

    /// The wall time at a time of the stream, rounded down.
    pub(super) fn epoch_ms(&self, at_90k: i64) -> i64 {
        at_90k
            .saturating_sub(ORIGIN_90K)
            .div_euclid(90)
            .saturating_add(self.origin_ms)
    }

    /// When something that is due at `at_90k` goes to a viewer: ahead by the lead. It is measured
    /// by the monotonic clock, so that setting the date neither stalls nor floods anyone.
    pub(super) fn release(&self, at_90k: i64) -> Instant {
        let after_ms = self.epoch_ms(at_90k).saturating_sub(self.origin_ms) - limits::LEAD_MS;
        match u64::try_from(after_ms) {
            Ok(after_ms) => self.origin + Duration::from_millis(after_ms),
            Err(_) => self.origin,
        }
    }
}
