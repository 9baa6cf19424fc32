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
mod follow;
mod outlines;
mod slate;
mod timeline;
mod trouble;

pub use outlines::Outlines;
pub use timeline::{ORIGIN_90K, Timeline};

use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{self, Profile, Sample, TrackId};
use crate::model::Airing;
use crate::remux::{Chunk, Remuxer, Segment, Service, Taken};
use crate::resolver::Resolver;
use crate::schedule::{Lineup, Schedule};
use ahead::Ahead;
use feed::{Choice, Feed};
use std::sync::Arc;
use std::time::Duration;
use timeline::Wall;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use trouble::{Trouble, Troubles};

/// A hole shorter than this at an item's end is left to the last picture: many files have a little
/// more sound than pictures, and a slate that only flashes is worse than a still.
const HOLE_MS: i64 = 200;
/// Samples that may be broken since the last good picture before the item counts as failed.
const BROKEN_SAMPLES: u32 = 50;

/// What every playout of the box needs.
#[derive(Clone)]
pub struct Supply {
    /// What is on, and when.
    pub lineup_rx: watch::Receiver<Arc<Lineup>>,
    /// What the date is.
    pub clock: SharedClock,
    /// Where the bytes are.
    pub resolver: Arc<Resolver>,
    /// What is known of files that were open before.
    pub outlines: Outlines,
}

/// A channel on air.
pub struct Playout {
    supply: Supply,
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
    troubles: Troubles,
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
        supply: Supply,
        schedule: Arc<Schedule>,
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
            supply,
            remuxer: Remuxer::new(&profile, &service)?,
            schedule,
            profile,
            wall,
            timeline,
            on: On::Nothing,
            next: Next::Nothing,
            fresh_after_90k: Some(seen_90k),
            deficit_90k: 0,
            troubles: Troubles::default(),
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

    /// Why the slate is on, if it is, in words for the owner.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match &self.on {
            On::Slate(..) => {
                let airing = self.schedule.on_air(self.cursor_ms);
                self.troubles.why(airing.as_ref())
            }
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
        let waited_90k = media::ticks(begun.elapsed());
        let shown = shown_90k.zip(self.remuxer.shown_until_90k());
        let gained_90k = shown.map_or(0, |(before, after)| after.saturating_sub(before));
        let deficit_90k = self.deficit_90k.saturating_add(waited_90k);
        self.deficit_90k = deficit_90k.saturating_sub(gained_90k).max(0);
    }

    /// Has the schedule followed anew where the date was set.
    fn follow_date(&mut self) {
        self.timeline.follow(self.supply.clock.as_ref());
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
        self.troubles.clear();
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
                Err(error) if self.broken_samples >= BROKEN_SAMPLES => {
                    if let On::Programme(feed, _) = &mut self.on {
                        feed.doubt(&error);
                    }
                    self.fail(airing, &error);
                }
                // Left out; what comes next may be good again.
                Err(_) => {}
            },
            Ok(None) => {
                let shown_ms = self.shown_ms();
                if airing.end_ms.saturating_sub(shown_ms) > HOLE_MS {
                    self.troubles
                        .put(Trouble::over(&airing, "it ended before its time"));
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
        let lineup = Arc::clone(&self.supply.lineup_rx.borrow());
        if let Some(item) = lineup.item(&airing) {
            self.supply.resolver.failed(lineup.catalog(), item, error);
        }
        self.note_failure(airing, error);
    }

    fn note_failure(&mut self, airing: Airing, error: &Error) {
        if self.troubles.fail(&airing, error.to_string()) {
            log::warn!("channel {}: {error}", self.schedule.channel().number);
        }
    }

    /// What keeps the stream waiting has done so for as long as the viewer's lead allows.
    async fn stalled(&mut self) {
        self.deficit_90k = 0;
        if let On::Programme(_, airing) = self.on {
            let error = Error::unsupported("the item", "its source does not answer any more");
            self.fail(airing, &error);
        } else if let Some(airing) = self.next.airing() {
            self.troubles.put(Trouble::late(&airing));
            self.begin_slate(i64::MAX).await;
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
