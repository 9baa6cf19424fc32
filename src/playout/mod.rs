//! One tuned channel on air: the only place where the library's side (schedule, resolver, fetch,
//! demux) meets the viewer's (remux).
//!
//! A [`Playout`] gives chunks for ever. It follows the schedule item by item on one timeline; the
//! next item is opened ahead; whatever fails, ends early or stalls for longer than the viewer's lead
//! can cover becomes a slate, until the item can be joined again where the schedule has it or the
//! next one begins. It runs on the task that asks it for chunks, and opening ahead is the only task
//! that it starts.

mod ahead;
mod feed;
mod slate;
mod timeline;
mod trouble;

pub use timeline::{ORIGIN_90K, Timeline};

use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{Profile, Sample, TrackId};
use crate::model::Airing;
use crate::remux::{Chunk, Remuxer, Segment, Service, Taken};
use crate::schedule::{Lineup, Schedule};
use ahead::{Ahead, Opened};
use feed::{Choice, Feed, Join};
use std::sync::Arc;
use std::time::Duration;
use timeline::Wall;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use trouble::Trouble;

/// A hole shorter than this at an item's end is left to the last picture: many files have a little
/// more sound than pictures, and a slate that only flashes is worse than a still.
const HOLE_MS: i64 = 200;
/// An item may be shown by so much later than its schedule says, so that it is joined at once.
const LATE_90K: i64 = 50 * 90;
/// While the slate is on, an item is sought from so much later on, and the slate does not get ahead
/// of it meanwhile.
const MARGIN_MS: i64 = 300;
/// An item that failed is not tried again when less than this is left of it.
const LAST_TRY_MS: i64 = 2_000;
/// Samples that may be broken since the last good picture before the item counts as failed.
const BROKEN_SAMPLES: u32 = 50;

/// A channel on air.
pub struct Playout {
    clock: SharedClock,
    lineup_rx: watch::Receiver<Arc<Lineup>>,
    schedule: Arc<Schedule>,
    profile: Profile,
    timeline: Timeline,
    /// Where the wall lies on the timeline, as far as what is on goes by it.
    wall: Wall,
    remuxer: Remuxer,
    on: On,
    next: Next,
    /// Where the schedule is to be followed from, once what is on has ended.
    cursor_ms: i64,
    /// Nothing has been on yet: the first item may be joined at a random access point in the past,
    /// if that lies behind this time of the stream.
    fresh_after_90k: Option<i64>,
    /// How much longer has been waited than media has come meanwhile.
    deficit_90k: i64,
    trouble: Option<Trouble>,
    broken_samples: u32,
}

/// What the remuxer is being fed with.
enum On {
    /// Nothing: the schedule has to be asked.
    Nothing,
    /// An airing.
    Programme(Box<Feed>, Airing),
    /// A lap of the slate, up to this time.
    Slate(Box<Feed>, i64),
}

/// What comes on next.
enum Next {
    /// It is too early for that, or it has failed.
    Nothing,
    /// An airing whose item is being opened.
    Opening(Ahead),
    /// An airing whose item stands where it is joined.
    Open(Box<Feed>, Airing),
}

impl Next {
    fn airing(&self) -> Option<Airing> {
        match self {
            Self::Nothing => None,
            Self::Opening(ahead) => Some(ahead.airing),
            Self::Open(_, airing) => Some(*airing),
        }
    }
}

impl Playout {
    /// Puts a channel on air on its timeline: at what is scheduled now, or behind `seen_90k`, up to
    /// where the viewer has seen it already.
    ///
    /// # Errors
    /// The channel's profile has no silence, so that no stream can be made of it.
    pub fn new(
        lineup_rx: watch::Receiver<Arc<Lineup>>,
        schedule: Arc<Schedule>,
        clock: SharedClock,
        (timeline, seen_90k): (Timeline, Option<i64>),
    ) -> Result<Self> {
        let profile = schedule.profile();
        let service = Service {
            name: schedule.channel().name.clone(),
            language: "und".to_owned(),
        };
        let wall = timeline.wall();
        let seen_90k = seen_90k.unwrap_or(i64::MIN);
        Ok(Self {
            cursor_ms: wall.epoch_ms(timeline.now_90k().max(seen_90k)),
            clock,
            lineup_rx,
            remuxer: Remuxer::new(&profile, &service)?,
            schedule,
            profile,
            wall,
            timeline,
            on: On::Nothing,
            next: Next::Nothing,
            fresh_after_90k: Some(seen_90k),
            deficit_90k: 0,
            trouble: None,
            broken_samples: 0,
        })
    }

    /// The next packets of the stream, as soon as they can be made. Never ends, never fails, and
    /// once it has begun never takes longer than `limits::KEEP_ALIVE_MS`. Safe to drop and call
    /// again.
    pub async fn chunk(&mut self) -> Chunk {
        let keep_alive_at = Instant::now() + Duration::from_millis(limits::KEEP_ALIVE_MS);
        self.follow_date();
        loop {
            if let Some(chunk) = self.remuxer.pull() {
                return chunk;
            }
            let begun = Instant::now();
            let slate_at = begun + self.patience();
            let wake_at = if self.remuxer.has_begun() {
                slate_at.min(keep_alive_at)
            } else {
                slate_at
            };
            let shown_90k = self.remuxer.shown_until_90k();
            let stepped = timeout_at(wake_at, self.step()).await.is_ok();
            self.count_wait(begun, shown_90k);
            if stepped {
                continue;
            }
            if Instant::now() >= slate_at {
                self.stalled().await;
            } else if let Some(chunk) = self.remuxer.keep_alive() {
                return chunk;
            }
        }
    }

    /// When a chunk goes to the viewer.
    #[must_use]
    pub fn release(&self, chunk: &Chunk) -> Instant {
        self.timeline.release(chunk.due_90k)
    }

    /// Why the slate is on, if it is, in words for the owner.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match &self.on {
            On::Slate(..) => self.trouble.as_ref().map(Trouble::why),
            _ => None,
        }
    }

    /// How long the source may still keep the stream waiting before the slate goes on.
    fn patience(&self) -> Duration {
        let whole_ms = if self.remuxer.has_begun() {
            limits::STALL_PATIENCE_MS
        } else {
            limits::OPEN_PATIENCE_MS
        };
        let used_ms = u64::try_from(self.deficit_90k / 90).unwrap_or(0);
        Duration::from_millis(whole_ms.saturating_sub(used_ms))
    }

    /// Counts a wait against what has come meanwhile. The viewer's own slowness is no part of it.
    fn count_wait(&mut self, begun: Instant, shown_90k: Option<i64>) {
        let waited_90k = i64::try_from(begun.elapsed().as_micros() * 9 / 100).unwrap_or(i64::MAX);
        let shown = shown_90k.zip(self.remuxer.shown_until_90k());
        let gained_90k = shown.map_or(0, |(before, after)| after.saturating_sub(before));
        let deficit_90k = self.deficit_90k.saturating_add(waited_90k);
        self.deficit_90k = deficit_90k.saturating_sub(gained_90k).max(0);
    }

    /// Has the schedule followed anew where the date was set.
    fn follow_date(&mut self) {
        self.timeline.follow(self.clock.as_ref());
        let wall = self.timeline.wall();
        if wall == self.wall {
            return;
        }
        let reached_90k = match self.remuxer.shown_until_90k() {
            Some(shown_90k) => shown_90k.max(self.wall.ticks(self.cursor_ms)),
            None => self.timeline.now_90k(),
        };
        self.remuxer.end_at(reached_90k);
        self.wall = wall;
        self.next = Next::Nothing;
        self.trouble = None;
        self.pass_on(wall.epoch_ms(reached_90k));
    }

    /// Does one thing: takes one sample further, or finds out what comes next. Safe to drop.
    async fn step(&mut self) {
        match &mut self.on {
            On::Nothing => self.follow_schedule().await,
            On::Programme(feed, airing) => {
                let airing = *airing;
                let video = feed.video();
                let sample = feed.sample().await;
                self.programme(airing, video, sample);
                self.look_ahead().await;
            }
            On::Slate(..) => {
                self.look_ahead().await;
                self.approach();
                self.slate().await;
            }
        }
    }

    /// Goes on with an airing's next sample, or with what its lack means.
    fn programme(&mut self, airing: Airing, video: TrackId, sample: Result<Option<Sample>>) {
        match sample {
            Ok(Some(sample)) => match self.take(video, sample) {
                Ok(Taken::More) => {}
                Ok(Taken::Over) => self.pass_on(airing.end_ms),
                Err(error) if self.broken_samples >= BROKEN_SAMPLES => self.fail(airing, &error),
                // Left out; what comes next may be good again.
                Err(_) => {}
            },
            Ok(None) => {
                let shown_ms = self.shown_ms();
                if airing.end_ms.saturating_sub(shown_ms) > HOLE_MS {
                    self.trouble = Some(Trouble::over(&airing, "it ended before its time"));
                    self.pass_on(shown_ms);
                } else {
                    self.pass_on(airing.end_ms);
                }
            }
            Err(error) => self.fail(airing, &error),
        }
    }

    /// Hands a sample on, and counts the broken ones since the last good picture.
    fn take(&mut self, video: TrackId, sample: Sample) -> Result<Taken> {
        let is_picture = sample.track == video;
        let taken = self.remuxer.push(sample);
        match taken {
            Err(_) => self.broken_samples += 1,
            Ok(_) if is_picture => self.broken_samples = 0,
            Ok(_) => {}
        }
        taken
    }

    /// What is on has ended; the schedule goes on from `cursor_ms`.
    fn pass_on(&mut self, cursor_ms: i64) {
        self.cursor_ms = cursor_ms;
        self.on = On::Nothing;
    }

    /// Until when, by the wall, pictures have been made; rounded up, and never behind the cursor.
    fn shown_ms(&self) -> i64 {
        let shown = self.remuxer.shown_until_90k();
        shown
            .map_or(self.cursor_ms, |shown| self.wall.epoch_ms(shown))
            .max(self.cursor_ms)
    }

    /// The airing's item cannot go on now: the slate does. It is tried again, at growing intervals.
    fn fail(&mut self, airing: Airing, error: &Error) {
        if airing.end_ms.saturating_sub(self.shown_ms()) <= HOLE_MS {
            return self.pass_on(airing.end_ms);
        }
        if let Some(shown_90k) = self.remuxer.shown_until_90k() {
            self.remuxer.end_at(shown_90k);
        }
        self.pass_on(self.shown_ms());
        self.note_failure(airing, error);
    }

    fn note_failure(&mut self, airing: Airing, error: &Error) {
        let before = self.trouble.take();
        let trouble = Trouble::failed(&airing, error.to_string(), before);
        if !trouble.is_known() {
            log::warn!("channel {}: {error}", self.schedule.channel().number);
        }
        self.trouble = Some(trouble);
    }

    /// What keeps the stream waiting has done so for as long as the viewer's lead allows.
    async fn stalled(&mut self) {
        self.deficit_90k = 0;
        if let On::Programme(_, airing) = self.on {
            let error = Error::unsupported("the item", "its source does not answer any more");
            self.fail(airing, &error);
        } else if let Some(airing) = self.next.airing() {
            self.trouble = Some(Trouble::late(&airing));
            self.begin_slate(i64::MAX).await;
        }
    }

    fn is_troubled(&self, airing: &Airing) -> bool {
        let trouble = self.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.concerns(airing))
    }

    /// What can be joined next where the stream has reached `at_ms`, and how.
    fn joinable(&self, at_ms: i64) -> Option<(Airing, (i64, Join))> {
        let allowed = |airing: &Airing| {
            let trouble = self.trouble.as_ref();
            trouble.is_none_or(|trouble| trouble.allows(airing))
        };
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
    async fn look_ahead(&mut self) {
        if !self.clock.is_known() {
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
            let ahead = Ahead::open(&lineup, airing, self.profile, place);
            self.next = Next::Opening(ahead);
        }
    }

    /// The newest lineup. A channel that was removed or changed its profile plays on as it was.
    fn follow_lineup(&mut self) -> Arc<Lineup> {
        let lineup = Arc::clone(&self.lineup_rx.borrow_and_update());
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
                self.trouble = Some(Trouble::over(&airing, why));
                Next::Nothing
            }
            Err(error) => {
                self.note_failure(airing, &error);
                Next::Nothing
            }
        };
    }

    /// Puts on what is scheduled at the cursor, or the slate.
    async fn follow_schedule(&mut self) {
        if !self.clock.is_known() {
            self.trouble = Some(Trouble::unknown("the date is not known yet"));
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

    fn begin_programme(&mut self, feed: Box<Feed>, airing: Airing, zero_90k: i64) {
        let Choice {
            video,
            pictures,
            audio,
        } = feed.choice();
        let end_90k = self.wall.ticks(airing.end_ms);
        self.remuxer.begin(Segment {
            zero_90k,
            end_90k,
            video,
            pictures,
            audio,
        });
        self.fresh_after_90k = None;
        self.broken_samples = 0;
        self.on = On::Programme(feed, airing);
    }

    /// Puts on one lap of the slate, or less where `until_90k` comes before its end.
    async fn begin_slate(&mut self, until_90k: i64) {
        let zero_90k = self.wall.ticks(self.cursor_ms);
        let end_90k = until_90k.min(zero_90k.saturating_add(slate::LAP_90K));
        let feed = match slate::open(&self.profile).await {
            Ok(feed) => Box::new(feed),
            Err(error) => {
                // The slates are part of the program and tested with it.
                log::error!("the slate cannot be shown: {error}");
                return tokio::task::yield_now().await;
            }
        };
        let Choice {
            video, pictures, ..
        } = feed.choice();
        self.remuxer.begin(Segment {
            zero_90k,
            end_90k,
            video,
            pictures,
            audio: None,
        });
        self.fresh_after_90k = None;
        self.on = On::Slate(feed, end_90k);
    }

    /// Has the slate end where the open item is joined, or that sought again if it is too late.
    fn approach(&mut self) {
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

    /// Goes on with the slate.
    async fn slate(&mut self) {
        let On::Slate(feed, until_90k) = &mut self.on else {
            return;
        };
        let until_90k = *until_90k;
        let over = match feed.sample().await {
            Ok(Some(sample)) => matches!(self.remuxer.push(sample), Ok(Taken::Over)),
            Ok(None) | Err(_) => true,
        };
        if over {
            self.pass_on(self.wall.epoch_ms(until_90k));
        }
    }
}
