//! What comes next: opened ahead, and put on where the schedule has it.

use super::ahead::{Ahead, Opened};
use super::feed::{Feed, Join};
use super::trouble::Trouble;
use super::{HOLE_MS, Next, On, Playout};
use crate::limits;
use crate::model::Airing;
use crate::resolver::Plan;
use crate::schedule::{Fit, Lineup, Pictures};
use std::sync::Arc;

/// An item may be shown by so much later than its schedule says, so that it is joined at once.
const LATE_90K: i64 = 50 * 90;
/// While the slate is on, an item is sought from so much later on, and the slate does not get ahead
/// of it meanwhile.
const MARGIN_MS: i64 = 300;
/// An item that failed is not tried again when less than this is left of it.
const LAST_TRY_MS: i64 = 2_000;

impl Playout {
    fn is_troubled(&self, airing: &Airing) -> bool {
        self.troubles.of(airing).is_some()
    }

    /// What can be joined next where the stream has reached `at_ms`, and how.
    fn joinable(&self, at_ms: i64) -> Option<(Airing, (i64, Join))> {
        let allowed = |airing: &Airing| self.troubles.allow(airing);
        let airing = match self.on {
            On::Programme(_, airing) => airing,
            _ => {
                let airing = self.schedule.on_air(at_ms)?;
                let whole = airing.start_ms == at_ms || self.fresh_after_90k.is_some();
                if whole && allowed(&airing) {
                    return Some((airing, (at_ms, Join::Before)));
                }
                let left_ms = airing.end_ms.saturating_sub(at_ms);
                if left_ms > LAST_TRY_MS && allowed(&airing) {
                    return Some((airing, (at_ms.saturating_add(MARGIN_MS), Join::After)));
                }
                airing
            }
        };
        if airing.end_ms.saturating_sub(at_ms) > limits::OPEN_AHEAD_MS {
            return None;
        }
        let next = self.schedule.next_after(&airing)?;
        allowed(&next).then_some((next, (next.start_ms, Join::Before)))
    }

    /// Sees to it that what comes on next is open in time.
    pub(super) async fn look_ahead(&mut self) {
        if !self.supply.clock.is_known() {
            return;
        }
        if let Next::Opening(ahead) = &mut self.next
            && ahead.is_done()
        {
            let airing = ahead.airing;
            let opened = ahead.opened().await;
            self.take_opened(airing, opened);
        }
        let shown_ms = self.shown_ms();
        let late = |airing: Airing| {
            airing.start_ms < shown_ms && airing.end_ms.saturating_sub(shown_ms) < LAST_TRY_MS
        };
        if let Next::Opening(ahead) = &self.next
            && late(ahead.airing)
        {
            self.next = Next::Nothing;
        }
        if let (Next::Nothing, Some((airing, place))) = (&self.next, self.joinable(shown_ms)) {
            self.open(airing, place);
        }
    }

    /// Starts opening an airing's item.
    fn open(&mut self, airing: Airing, place: (i64, Join)) {
        let lineup = self.follow_lineup();
        // The schedule may have changed in this moment: then it is asked again.
        if self.schedule.on_air(airing.start_ms) == Some(airing) {
            let how = lineup.item(&airing).map(|item| self.schedule.fit_of(item));
            let plan = match how {
                Some(Fit::Convert { pictures, .. }) => match pictures {
                    Pictures::Kept => Plan::Sound,
                    Pictures::Made => Plan::Whole,
                },
                _ => Plan::AsItIs,
            };
            let what = (airing, plan);
            let ahead = Ahead::open(&self.supply, &lineup, what, self.profile, place);
            self.next = Next::Opening(ahead);
        }
    }

    /// The newest lineup. A channel that was removed or changed its profile plays on as it was.
    fn follow_lineup(&mut self) -> Arc<Lineup> {
        let lineup = Arc::clone(&self.supply.lineup_rx.borrow_and_update());
        if let Some(schedule) = lineup.schedule(self.schedule.channel().number)
            && schedule.profile() == self.profile
        {
            self.schedule = Arc::clone(schedule);
        }
        lineup
    }

    fn take_opened(&mut self, airing: Airing, opened: Opened) {
        self.next = match opened {
            Ok(Some(feed)) => Next::Open(feed, airing),
            Ok(None) => {
                let why = "nothing is left of it that could be joined";
                self.troubles.put(Trouble::over(&airing, why));
                Next::Nothing
            }
            Err(error) => {
                self.note_failure(airing, &error);
                Next::Nothing
            }
        };
    }

    /// Puts on what is scheduled at the cursor, or the slate.
    pub(super) async fn follow_schedule(&mut self) {
        if !self.supply.clock.is_known() {
            self.troubles
                .put(Trouble::unknown("the date is not known yet"));
            return self.begin_slate(i64::MAX).await;
        }
        let at_ms = self.cursor_ms;
        let is_due = |airing: Airing| (airing.start_ms..airing.end_ms).contains(&at_ms);
        match self.next.airing() {
            Some(airing) if is_due(airing) => self.follow(airing).await,
            _ => match self.joinable(at_ms) {
                Some((airing, (_, join))) if is_due(airing) => self.open(airing, (at_ms, join)),
                _ => self.begin_slate(i64::MAX).await,
            },
        }
    }

    /// Puts on the airing that comes next and is due.
    async fn follow(&mut self, airing: Airing) {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => {}
            Next::Opening(ahead) if self.is_troubled(&airing) && !ahead.is_done() => {
                self.next = Next::Opening(ahead);
                self.begin_slate(i64::MAX).await;
            }
            Next::Opening(ahead) => {
                // Put back before it is waited for, so that being dropped loses nothing.
                self.next = Next::Opening(ahead);
                if let Next::Opening(ahead) = &mut self.next {
                    let opened = ahead.opened().await;
                    self.take_opened(airing, opened);
                }
            }
            Next::Open(feed, airing) => self.put_on(feed, airing).await,
        }
    }

    /// Puts on an open item at the cursor: at once, after the slate, or once it has been sought.
    async fn put_on(&mut self, feed: Box<Feed>, airing: Airing) {
        let zero_90k = self.wall.ticks(airing.start_ms);
        let joins_90k = zero_90k.saturating_add(feed.begins_90k());
        if self.fresh_after_90k.is_some_and(|seen| joins_90k > seen) {
            return self.begin_programme(feed, airing, zero_90k);
        }
        let cursor_90k = self.wall.ticks(self.cursor_ms);
        let late_90k = cursor_90k.saturating_sub(joins_90k);
        if late_90k > LATE_90K {
            self.next = Next::Opening(Ahead::seek(feed, airing, (self.cursor_ms, Join::After)));
        } else if late_90k < -HOLE_MS * 90 {
            self.next = Next::Open(feed, airing);
            self.begin_slate(joins_90k).await;
        } else {
            self.begin_programme(feed, airing, zero_90k.saturating_add(late_90k.max(0)));
        }
    }

    /// Has the slate end where the open item is joined, or that sought again if it is too late.
    pub(super) fn approach(&mut self) {
        let Next::Open(feed, airing) = &self.next else {
            return;
        };
        let shown_90k = self.remuxer.shown_until_90k().unwrap_or(i64::MIN);
        let zero_90k = self.wall.ticks(airing.start_ms);
        let joins_90k = zero_90k.saturating_add(feed.begins_90k());
        let On::Slate(_, until_90k) = &mut self.on else {
            return;
        };
        // What an edit hides lies before the airing, and cannot be joined.
        let shows = joins_90k >= zero_90k;
        if shows && joins_90k >= shown_90k.saturating_sub(LATE_90K) {
            *until_90k = joins_90k.max(shown_90k).min(*until_90k);
            self.remuxer.end_at(*until_90k);
        } else if let Next::Open(feed, airing) = std::mem::replace(&mut self.next, Next::Nothing) {
            let at_ms = self.shown_ms().saturating_add(MARGIN_MS);
            let place = (at_ms.max(airing.start_ms), Join::After);
            self.next = Next::Opening(Ahead::seek(feed, airing, place));
        }
    }
}
