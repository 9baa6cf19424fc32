//! Wall time: epoch milliseconds, UTC, in an `i64`. There is no other time type inside the box.
//!
//! The one trait that exists for tests. What has to wait, waits on tokio's timer; what has to know
//! the date asks a [`Clock`].

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Tells the date.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn epoch_ms(&self) -> i64;

    /// Whether the date can be right. A board without a battery wakes up in the past, and until it
    /// has been told the date there is no telling what is on.
    fn is_known(&self) -> bool {
        true
    }
}

/// A clock that is shared by everything in the box.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn epoch_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |past| -past)
            }
        }
    }
}

/// A date that moves with tokio's timer, so that a paused test runtime moves both together.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    started: Instant,
    started_ms: i64,
}

impl TokioClock {
    /// A clock that shows `epoch_ms` now.
    #[must_use]
    pub fn starting_at(epoch_ms: i64) -> Self {
        Self {
            started: Instant::now(),
            started_ms: epoch_ms,
        }
    }
}

impl Clock for TokioClock {
    fn epoch_ms(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.started_ms.saturating_add(passed)
    }
}
