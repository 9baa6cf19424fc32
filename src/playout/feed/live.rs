//! What a server makes of an item while it is read. It comes once and in order, from about the time
//! that was asked for: places are come to by reading on, and there is no way back.

use super::{Bulk, Feed, Join, Opening, guarded};
use crate::demux::{Demuxer, HeldSound, Pull, RECOGNISE_BYTES, recognise};
use crate::error::{Error, Result};
use crate::fetch::Reader;
use crate::media::{self, Container, Sample};
use crate::resolver::Times;
use std::any::Any;
use std::sync::Arc;

/// Pictures that are copied begin at most so long before the time that was asked for.
const NEAR_90K: i64 = 30 * 90_000;

/// And at most so long after it, where decoding cannot begin with the key frame before.
const LATE_90K: i64 = 10 * 90_000;

/// A time that was passed by no more than this is taken as not passed.
const BACK_90K: i64 = 2 * 90_000;

/// Whoever makes the stream does so until this is dropped.
type Guard = Arc<dyn Any + Send + Sync>;

/// What is known of it while it is played.
#[derive(Debug)]
pub(super) struct Live {
    /// What is to be added to the demuxer's times to get the item's.
    shift_90k: i64,
    /// When the latest picture is shown that was passed, in the item's time.
    passed_90k: i64,
    _guard: Guard,
}

impl Live {
    /// A sample in the item's time.
    pub(super) fn place(&self, sample: Sample) -> Sample {
        Sample {
            dts_90k: sample.dts_90k.saturating_add(self.shift_90k),
            pts_90k: sample.pts_90k.saturating_add(self.shift_90k),
            ..sample
        }
    }
}

impl Feed {
    /// Opens a stream, of which the item's time `asked` and all that follows was asked for, and
    /// goes to a random access point of it; `None` where there is none.
    ///
    /// # Errors
    /// As `open`.
    pub(super) async fn open_live(
        opening: Opening<'_>,
        reader: Reader,
        (asked, guard): ((i64, Times), Guard),
        (time_90k, join): (i64, Join),
    ) -> Result<Option<Self>> {
        let mut bulk = Bulk::Outside(reader);
        let head = bulk.read(0, RECOGNISE_BYTES).await?;
        let mut demuxer = Demuxer::live(guarded(|| recognise(&head))?);
        while let Pull::Need(span) = guarded(|| demuxer.pull())? {
            bulk.answer(&mut demuxer, span).await?;
        }
        let shift_90k = first_shown_90k(&demuxer, asked);
        let mut feed = Self::of(bulk, demuxer, opening.profile, opening.language)?;
        feed.live = Some(Live {
            shift_90k,
            passed_90k: i64::MIN,
            _guard: guard,
        });
        feed.stand_at(0).await?;
        let found = feed.read_on(time_90k, join).await?;
        Ok(found.then_some(feed))
    }

    /// Goes to a random access point among what comes, the one that it stands at included; says
    /// whether there is one.
    ///
    /// # Errors
    /// The time was passed; the stream breaks off or breaks its format.
    pub(super) async fn read_on(&mut self, time_90k: i64, join: Join) -> Result<bool> {
        let passed_90k = self.live.as_ref().map_or(i64::MIN, |live| live.passed_90k);
        if time_90k < passed_90k.saturating_sub(BACK_90K) {
            let why = "it is made while it is read, and cannot go back";
            return Err(Error::unsupported("the item", why));
        }
        let from_90k = match join {
            Join::Before => i64::MIN,
            Join::After => time_90k,
        };
        let mut sound = HeldSound::default();
        while let Some(sample) = self.next().await? {
            if sample.track != self.choice.video {
                sound.hold(sample);
            } else if sample.sync == media::Sync::RandomAccess && sample.pts_90k >= from_90k {
                self.begins_90k = sample.pts_90k;
                // What was read ahead of it is still to come.
                let later = std::mem::take(&mut self.first);
                self.first = sound.heard_after(sample.pts_90k).collect();
                self.first.push_back(sample);
                self.first.extend(later);
                return Ok(true);
            } else {
                self.pass(sample.pts_90k);
            }
        }
        Ok(false)
    }

    /// The next sample of a stream. Pictures shown before the one it was joined at refer to others
    /// that are not there.
    pub(super) async fn live_sample(&mut self) -> Result<Option<Sample>> {
        while let Some(sample) = self.next().await? {
            if sample.track != self.choice.video {
                return Ok(Some(sample));
            }
            self.pass(sample.pts_90k);
            if sample.pts_90k >= self.begins_90k {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }

    fn pass(&mut self, pts_90k: i64) {
        if let Some(live) = &mut self.live {
            live.passed_90k = live.passed_90k.max(pts_90k);
        }
    }
}

/// When the first picture is shown, in the item's time. A server keeps the item's times, or counts
/// from where it begins, as it was asked to; only where that cannot be does its stream's own first
/// time tell that it did the other. One that is near neither says nothing.
fn first_shown_90k(demuxer: &Demuxer, (begins_ms, times): (i64, Times)) -> i64 {
    let asked_90k = begins_ms.saturating_mul(90);
    let told_90k = demuxer.origin_90k().unwrap_or(0);
    let after_90k = told_90k.saturating_sub(asked_90k);
    let may_be_kept = (-NEAR_90K..=LATE_90K).contains(&after_90k);
    let may_be_counted = (-NEAR_90K..=NEAR_90K).contains(&told_90k);
    let is_kept = match times {
        Times::Kept => may_be_kept,
        Times::Counted => may_be_kept && !may_be_counted,
    };
    if is_kept {
        return told_90k;
    }
    // The times of a transport stream begin a second or two after 0: there is room for its clock.
    let container = demuxer.movie().map(|movie| movie.container);
    let is_counted = may_be_counted && container != Some(Container::MpegTs);
    asked_90k.saturating_add(if is_counted { told_90k } else { 0 })
}

#[cfg(test)]
mod tests;
