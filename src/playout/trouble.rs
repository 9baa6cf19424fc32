//! What went wrong with an airing, and when it is tried again.

use crate::model::Airing;
use std::time::Duration;
use tokio::time::Instant;

/// The waits after the first failures: a source that comes back is on air again soon.
const RETRIES_S: [u64; 9] = [1, 2, 4, 4, 4, 4, 4, 4, 4];
/// The wait after each further one: what has failed for half a minute may do so for long.
const RETRY_LATER_S: u64 = 15;
/// An item that went well for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Why the slate is on.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Start of the airing that it belongs to; `None` where it is nobody's fault.
    start_ms: Option<i64>,
    attempts: usize,
    retry: Retry,
    why: String,
}

#[derive(Debug)]
enum Retry {
    At(Instant),
    Never,
}

impl Trouble {
    /// An item has failed; `before` is the trouble that there was so far.
    pub(super) fn failed(airing: &Airing, why: String, before: Option<Self>) -> Self {
        let now = Instant::now();
        let attempts = match before {
            Some(Self {
                start_ms,
                attempts,
                retry: Retry::At(tried),
                ..
            }) if start_ms == Some(airing.start_ms) && now < tried + FORGOTTEN => attempts,
            _ => 0,
        };
        let wait_s = RETRIES_S.get(attempts).copied().unwrap_or(RETRY_LATER_S);
        Self {
            start_ms: Some(airing.start_ms),
            attempts: attempts.saturating_add(1),
            retry: Retry::At(now + Duration::from_secs(wait_s)),
            why,
        }
    }

    /// An item has nothing left to show.
    pub(super) fn over(airing: &Airing, why: &str) -> Self {
        Self {
            start_ms: Some(airing.start_ms),
            attempts: 1,
            retry: Retry::Never,
            why: why.to_owned(),
        }
    }

    /// An item is late; it is being waited for.
    pub(super) fn late(airing: &Airing) -> Self {
        Self {
            start_ms: Some(airing.start_ms),
            attempts: 0,
            retry: Retry::At(Instant::now()),
            why: "its source takes long to answer".to_owned(),
        }
    }

    /// Nobody knows what is on.
    pub(super) fn unknown(why: &str) -> Self {
        Self {
            start_ms: None,
            attempts: 0,
            retry: Retry::Never,
            why: why.to_owned(),
        }
    }

    pub(super) fn concerns(&self, airing: &Airing) -> bool {
        self.start_ms == Some(airing.start_ms)
    }

    /// Whether the airing may be tried now.
    pub(super) fn allows(&self, airing: &Airing) -> bool {
        !self.concerns(airing)
            || match self.retry {
                Retry::At(instant) => instant <= Instant::now(),
                Retry::Never => false,
            }
    }

    /// Whether it was tried before.
    pub(super) fn is_known(&self) -> bool {
        self.attempts > 1
    }

    /// In words for the owner.
    pub(super) fn why(&self) -> &str {
        &self.why
    }
}

#[cfg(test)]
mod tests {
    use super::Trouble;
    use crate::model::{Airing, MediaItemId};
    use std::time::Duration;
    use tokio::time::advance;

    const AIRING: Airing = Airing {
        item: MediaItemId(1),
        start_ms: 1_000_000,
        end_ms: 9_000_000,
    };

    #[tokio::test(start_paused = true)]
    async fn an_item_that_keeps_failing_is_tried_less_and_less_often() {
        let mut trouble = None;
        let waits_ms = [1_000, 2_000]
            .into_iter()
            .chain([4_000; 7])
            .chain([15_000; 9]);
        for wait_ms in waits_ms {
            let failed = Trouble::failed(&AIRING, String::new(), trouble);
            advance(Duration::from_millis(wait_ms - 1)).await;
            assert!(!failed.allows(&AIRING));
            advance(Duration::from_millis(1)).await;
            assert!(failed.allows(&AIRING));
            trouble = Some(failed);
        }
        // It went well for more than a minute.
        advance(Duration::from_secs(61)).await;
        let failed = Trouble::failed(&AIRING, String::new(), trouble);
        advance(Duration::from_secs(1)).await;
        assert!(failed.allows(&AIRING));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_comes_back_with_the_next_airing_only() {
        let over = Trouble::over(&AIRING, "");
        advance(Duration::from_secs(10_000)).await;
        assert!(!over.allows(&AIRING));
        let next = Airing {
            start_ms: AIRING.end_ms,
            ..AIRING
        };
        assert!(over.allows(&next));
    }
}
