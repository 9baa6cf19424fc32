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

/// What went wrong with the airings at hand: the one that is on, and the one that comes next. One is
/// not forgotten for the other, or they would be tried in turns without a pause.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    latest: Option<Trouble>,
    other: Option<Trouble>,
}

impl Troubles {
    /// Notes trouble, in the place of what was known of the same airing.
    pub(super) fn put(&mut self, trouble: Trouble) {
        let start_ms = trouble.start_ms;
        let before = [self.latest.take(), self.other.take()];
        let mut others = before.into_iter().flatten();
        self.other = others.find(|other| other.start_ms != start_ms);
        self.latest = Some(trouble);
    }

    /// Notes that an item has failed; says whether that is new.
    pub(super) fn fail(&mut self, airing: &Airing, why: String) -> bool {
        let before = [&mut self.latest, &mut self.other].into_iter();
        let before = before.filter_map(|known| known.take_if(|known| known.concerns(airing)));
        let failed = Trouble::failed(airing, why, before.last());
        let is_new = !failed.is_known();
        self.put(failed);
        is_new
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What is known of an airing.
    pub(super) fn of(&self, airing: &Airing) -> Option<&Trouble> {
        let all = self.latest.iter().chain(&self.other);
        all.into_iter().find(|trouble| trouble.concerns(airing))
    }

    /// Whether the airing may be tried now.
    pub(super) fn allow(&self, airing: &Airing) -> bool {
        self.of(airing).is_none_or(|trouble| trouble.allows(airing))
    }

    /// Why the slate is on while `airing` should be, in words for the owner.
    pub(super) fn why(&self, airing: Option<&Airing>) -> Option<&str> {
        let its = airing.and_then(|airing| self.of(airing));
        its.or(self.latest.as_ref()).map(Trouble::why)
    }
}

#[cfg(test)]
mod tests {
    use super::{Trouble, Troubles};
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
    async fn two_airings_that_fail_in_turns_are_each_given_their_pause() {
        let next = Airing {
            start_ms: AIRING.end_ms,
            ..AIRING
        };
        let mut troubles = Troubles::default();
        let mut tries = 0;
        for _ in 0..1_200 {
            for airing in [&AIRING, &next] {
                if troubles.allow(airing) {
                    troubles.fail(airing, airing.start_ms.to_string());
                    tries += 1;
                }
            }
            advance(Duration::from_millis(10)).await;
        }
        // In twelve seconds at once, after 1, 2, 4 and 4 s: for each of them.
        assert_eq!(tries, 2 * 5);
        assert_eq!(troubles.why(Some(&AIRING)), Some("1000000"));
        assert_eq!(troubles.why(Some(&next)), Some("9000000"));
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
