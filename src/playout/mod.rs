//! One tuned channel on air: the only place where the library's side (schedule, resolver, fetch,
//! demux) meets the viewer's (remux).
//!
//! A [`Playout`] gives chunks for ever. It follows the schedule item by item on one timeline; the
//! next item is opened ahead; whatever fails becomes a slate until the item can be joined again or
//! the next one begins. It runs on its viewer's task, and opening ahead is the only task it starts.

mod ahead;
mod feed;
mod slate;
mod timeline;

use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{Profile, Sample, TrackId};
use crate::model::Airing;
use crate::remux::{Chunk, Remuxer, Segment, Service, Taken};
use crate::schedule::{Lineup, Schedule};
use ahead::Ahead;
use feed::{Choice, Feed};
use std::sync::Arc;
use timeline::Timeline;
use tokio::sync::watch;
use tokio::time::Instant;

/// A hole shorter than this at an item's end is left to the last picture: many files have a little
/// more sound than pictures, and a slate that only flashes is worse than a still.
const HOLE_MS: i64 = 200;
/// The first wait before an item that failed is tried again; it doubles with every failure.
const RETRY_MS: i64 = 3_000;
/// Samples that may be broken since the last good picture before the item counts as failed.
const BROKEN_SAMPLES: u32 = 50;

/// A channel on air for one viewer.
pub struct Playout {
    lineup_rx: watch::Receiver<Arc<Lineup>>,
    schedule: Arc<Schedule>,
    profile: Profile,
    timeline: Timeline,
    remuxer: Remuxer,
    on: On,
    ahead: Option<Ahead>,
    /// Where the schedule is to be followed from, once what is on has ended.
    cursor_ms: i64,
    /// Nothing has been on yet: the first item is joined at a key frame in the past.
    fresh: bool,
    trouble: Option<Trouble>,
    broken_samples: u32,
}

/// What the remuxer is being fed with.
enum On {
    /// Nothing: the schedule has to be asked.
    Nothing,
    /// An airing.
    Programme(Feed, Airing),
    /// A lap of the slate, up to this time.
    Slate(Feed, i64),
}

/// Why the slate is on.
struct Trouble {
    /// The airing that it belongs to.
    start_ms: i64,
    attempts: u32,
    /// When the item is tried again.
    not_before_ms: i64,
    why: String,
}

impl Playout {
    /// Puts a channel on air, at what is scheduled now.
    ///
    /// # Errors
    /// The channel's profile has no silence, so that no stream can be made of it.
    pub fn new(
        lineup_rx: watch::Receiver<Arc<Lineup>>,
        schedule: Arc<Schedule>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let profile = schedule.profile();
        let service = Service {
            name: schedule.channel().name.clone(),
            language: "und".to_owned(),
        };
        let now_ms = clock.epoch_ms();
        Ok(Self {
            lineup_rx,
            remuxer: Remuxer::new(&profile, &service)?,
            schedule,
            profile,
            timeline: Timeline::starting_at(now_ms),
            on: On::Nothing,
            ahead: None,
            cursor_ms: now_ms,
            fresh: true,
            trouble: None,
            broken_samples: 0,
        })
    }

    /// The next packets of the stream, as soon as they can be made. Never ends, never fails.
    pub async fn chunk(&mut self) -> Chunk {
        loop {
            if let Some(chunk) = self.remuxer.pull() {
                return chunk;
            }
            self.step().await;
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
            On::Slate(..) => self.trouble.as_ref().map(|trouble| trouble.why.as_str()),
            _ => None,
        }
    }

    /// Does one thing: takes one sample further, or finds out what comes next.
    async fn step(&mut self) {
        match &mut self.on {
            On::Nothing => self.follow_schedule().await,
            On::Programme(feed, airing) => {
                let airing = *airing;
                let video = feed.video();
                let sample = feed.sample().await;
                self.programme(airing, video, sample);
            }
            On::Slate(feed, until_90k) => {
                let until_90k = *until_90k;
                let over = match feed.sample().await {
                    Ok(Some(sample)) => matches!(self.remuxer.push(sample), Ok(Taken::Over)),
                    Ok(None) | Err(_) => true,
                };
                if over {
                    self.cursor_ms = self.timeline.epoch_ms(until_90k);
                    self.on = On::Nothing;
                }
            }
        }
    }

    /// Goes on with an airing's next sample, or with what its lack means.
    fn programme(&mut self, airing: Airing, video: TrackId, sample: Result<Option<Sample>>) {
        match sample {
            Ok(Some(sample)) => match self.take(video, sample) {
                Ok(Taken::More) => self.open_ahead(airing),
                Ok(Taken::Over) => self.pass_on(airing.end_ms),
                Err(error) if self.broken_samples >= BROKEN_SAMPLES => self.fail(airing, &error),
                // Left out; what comes next may be good again.
                Err(_) => {}
            },
            Ok(None) => {
                let shown_ms = self.shown_ms();
                if airing.end_ms.saturating_sub(shown_ms) > HOLE_MS {
                    self.give_up(airing, "it ended before its time");
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
            .map_or(self.cursor_ms, |shown| self.timeline.epoch_ms(shown + 89))
            .max(self.cursor_ms)
    }

    /// The airing's item cannot be shown now. It is tried again, at growing intervals.
    fn fail(&mut self, airing: Airing, error: &Error) {
        self.pass_on(self.shown_ms());
        let before = self
            .trouble
            .take()
            .filter(|trouble| trouble.start_ms == airing.start_ms);
        let attempts = before
            .map_or(0, |trouble| trouble.attempts)
            .saturating_add(1);
        let wait_ms = RETRY_MS << (attempts - 1).min(5);
        log::warn!("channel {}: {error}", self.schedule.channel().number);
        self.trouble = Some(Trouble {
            start_ms: airing.start_ms,
            attempts,
            not_before_ms: self.cursor_ms.saturating_add(wait_ms),
            why: error.to_string(),
        });
    }

    /// The airing's item has nothing left to show.
    fn give_up(&mut self, airing: Airing, why: &str) {
        self.pass_on(self.shown_ms());
        self.trouble = Some(Trouble {
            start_ms: airing.start_ms,
            attempts: 1,
            not_before_ms: airing.end_ms,
            why: why.to_owned(),
        });
    }

    /// Opens what comes after `airing`, when its end is near.
    fn open_ahead(&mut self, airing: Airing) {
        let near = airing.end_ms.saturating_sub(self.shown_ms()) < limits::OPEN_AHEAD_MS;
        if self.ahead.is_none() && near {
            self.ahead = self.open(airing.end_ms);
        }
    }

    /// Starts opening what is on at `at_ms`.
    fn open(&mut self, at_ms: i64) -> Option<Ahead> {
        let lineup = Arc::clone(&self.lineup_rx.borrow_and_update());
        let number = self.schedule.channel().number;
        // A channel that was removed or changed its profile plays on as it was for this viewer.
        if let Some(schedule) = lineup.schedule(number)
            && schedule.profile() == self.profile
        {
            self.schedule = Arc::clone(schedule);
        }
        let airing = self.schedule.on_air(at_ms)?;
        Some(Ahead::open(&lineup, airing, self.profile, at_ms))
    }

    /// Puts on what is scheduled at the cursor, or the slate.
    async fn follow_schedule(&mut self) {
        let at_ms = self.cursor_ms;
        let opened = self.ahead.as_ref().map(|ahead| ahead.airing);
        if !opened.is_some_and(|airing| (airing.start_ms..airing.end_ms).contains(&at_ms)) {
            if let Some(until_ms) = self.troubled_until_ms(at_ms) {
                return self.begin_slate(until_ms).await;
            }
            self.ahead = self.open(at_ms);
        }
        let Some(ahead) = &mut self.ahead else {
            return self.begin_slate(i64::MAX).await;
        };
        let airing = ahead.airing;
        match ahead.ready().await {
            Some(Ok(feed)) => {
                self.ahead = None;
                self.begin_programme(feed, airing);
            }
            Some(Err(error)) => {
                self.ahead = None;
                self.fail(airing, &error);
            }
            // Still opening: a disk that was asleep. The slate goes on for a lap.
            None => self.begin_slate(airing.end_ms).await,
        }
    }

    /// Until when what is on at `at_ms` is known to fail.
    fn troubled_until_ms(&self, at_ms: i64) -> Option<i64> {
        let trouble = self
            .trouble
            .as_ref()
            .filter(|trouble| trouble.not_before_ms > at_ms)?;
        let airing = self.schedule.on_air(at_ms)?;
        (airing.start_ms == trouble.start_ms).then(|| trouble.not_before_ms.min(airing.end_ms))
    }

    fn begin_programme(&mut self, feed: Feed, airing: Airing) {
        let mut zero_90k = self.timeline.ticks(airing.start_ms);
        if !self.fresh {
            // Joined in the middle, with something on before: what came before the cursor cannot
            // be shown any more, so the key frame moves to the cursor.
            let begins_90k = zero_90k.saturating_add(feed.begins_90k());
            zero_90k += self
                .timeline
                .ticks(self.cursor_ms)
                .saturating_sub(begins_90k)
                .max(0);
        }
        let Choice {
            video,
            pictures,
            audio,
        } = feed.choice();
        let end_90k = self.timeline.ticks(airing.end_ms);
        self.remuxer.begin(Segment {
            zero_90k,
            end_90k,
            video,
            pictures,
            audio,
        });
        self.fresh = false;
        self.broken_samples = 0;
        self.on = On::Programme(feed, airing);
    }

    /// Puts on one lap of the slate, or less where `until_ms` comes before its end.
    async fn begin_slate(&mut self, until_ms: i64) {
        let zero_90k = self.timeline.ticks(self.cursor_ms);
        let end_90k = self.timeline.ticks(until_ms).min(zero_90k + slate::LAP_90K);
        let feed = match slate::open(&self.profile).await {
            Ok(feed) => feed,
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
        self.fresh = false;
        self.on = On::Slate(feed, end_90k);
    }
}
