//! How much of a flood is looked at. While it goes on, the rest is left to the kernel, which throws
//! away what finds no room: a stream on the same machine is not to wait for it.

use crate::limits;
use std::time::Duration;
use tokio::time::Instant;

/// So much is looked at in so long.
const WINDOW: Duration = Duration::from_millis(limits::MDNS_WINDOW_MS);

/// What a message takes at least, whatever its length.
const LEAST_BYTES: usize = 512;

/// Counts what has come in.
#[derive(Debug)]
pub(super) struct Gate {
    since: Instant,
    bytes: usize,
}

impl Gate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: 0,
        }
    }

    /// Takes down that a message of this length has come in.
    pub(super) fn pass(&mut self, len_bytes: usize, now: Instant) {
        if now.saturating_duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        self.bytes = self.bytes.saturating_add(len_bytes.max(LEAST_BYTES));
    }

    /// When more may come in; `None` if it may now.
    pub(super) fn opens(&self, now: Instant) -> Option<Instant> {
        let opens = self.since + WINDOW;
        (self.bytes >= limits::MDNS_WINDOW_BYTES && opens > now).then_some(opens)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, LEAST_BYTES, WINDOW};
    use crate::limits;
    use std::time::Duration;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_looked_at_now_and_then() {
        let begun = Instant::now();
        let (mut now, mut gate, mut seen) = (begun, Gate::new(begun), 0);
        while now < begun + Duration::from_secs(1) {
            match gate.opens(now) {
                Some(opens) => {
                    assert!(opens <= now + WINDOW);
                    now = opens;
                }
                None => {
                    gate.pass(40, now);
                    seen += 1;
                    now += Duration::from_micros(1);
                }
            }
        }
        let each_ms = limits::MDNS_WINDOW_BYTES / LEAST_BYTES;
        let windows = usize::try_from(1_000 / limits::MDNS_WINDOW_MS).unwrap();
        assert!(
            (each_ms * (windows - 1)..=each_ms * (windows + 1)).contains(&seen),
            "{seen}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_now_and_then_is_all_looked_at() {
        let mut now = Instant::now();
        let mut gate = Gate::new(now);
        for _ in 0..10_000 {
            now += Duration::from_micros(200);
            assert_eq!(gate.opens(now), None);
            gate.pass(40, now);
        }
    }
}
