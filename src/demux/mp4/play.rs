//! The samples of the started tracks, in the order in which they are decoded.

use super::Entry;
use super::cursor::Cursor;
use super::file::{Attempt, File, Stop, Window, length};
use super::fragment::Landing;
use super::index::Index;
use super::timeline::Timeline;
use crate::demux::Span;
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{Sample, Sync, TrackId};
use bytes::Bytes;
use std::collections::VecDeque;

/// Samples that may be known ahead of the one that is given next.
const AHEAD: usize = 128;

/// A random access point is expected so much before any time.
const EARLY_90K: i64 = 10 * 90_000;

/// A sample whose bytes are still in the file.
#[derive(Debug, Clone, Copy)]
struct Coming {
    dts_90k: i64,
    pts_90k: i64,
    duration_90k: u32,
    sync: Sync,
    offset: u64,
    size: u32,
}

impl Coming {
    fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.size))
    }

    /// From where to fetch a block in which this sample lies together with the next one of the
    /// other lane, which begins at `near`. None where they are far from each other: then each lane
    /// has a block of its own, or they would push each other out.
    fn block_with(&self, near: u64) -> Option<u64> {
        let block = length(limits::BLOCK_BYTES);
        // The other lane's may be a little behind: it is fetched once more then.
        let from = near.min(self.offset);
        let behind = self.offset.saturating_sub(from);
        let fits = self.end().saturating_sub(from) <= length(limits::SAMPLE_BYTES);
        let beside = near < self.offset.saturating_add(block) && behind <= block / 4;
        (beside && fits).then_some(from)
    }
}

/// How a lane ended.
#[derive(Debug, Clone)]
struct Ended {
    /// Where it is the end of the readable part only.
    error: Option<Error>,
    /// The decoding time of the sample that could not be given.
    dts_90k: i64,
}

/// What a started track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    Video,
    Audio,
}

/// One started track.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: TrackId,
    carries: Carries,
    pub(super) cursor: Cursor,
    pub(super) timeline: Timeline,
    /// Ticks to take from every decoding time.
    shift: i64,
    /// Ticks at which its edit ends.
    edit_end: i64,
    ahead: VecDeque<Coming>,
    ended: Option<Ended>,
    block: Window,
    last_dts_90k: i64,
    /// Video that is shown before this is left out, until the next random access point.
    leading_until_90k: Option<i64>,
}

impl Lane {
    pub(super) fn new(
        id: TrackId,
        carries: Carries,
        cursor: Cursor,
        timeline: Timeline,
        shift: i64,
        edit_end: i64,
    ) -> Self {
        // Sound comes in small chunks between pictures.
        let block_bytes = match carries {
            Carries::Video => limits::BLOCK_BYTES,
            Carries::Audio => limits::BLOCK_BYTES / 4,
        };
        Self {
            id,
            carries,
            cursor,
            timeline,
            shift,
            edit_end,
            ahead: VecDeque::new(),
            ended: None,
            block: Window::new(block_bytes),
            last_dts_90k: i64::MIN,
            leading_until_90k: None,
        }
    }

    /// Puts one more sample into `ahead`, or ends.
    fn look_ahead(&mut self, file: &mut File) -> Attempt<()> {
        let entry = match self.cursor.next(file) {
            Ok(Some(entry)) if entry.timing.dts < self.edit_end => entry,
            Ok(_) => {
                self.ended = Some(Ended {
                    error: None,
                    dts_90k: i64::MAX,
                });
                return Ok(());
            }
            Err(Stop::Failed(error)) => {
                let dts_90k = self.last_dts_90k.saturating_add(1);
                self.ended = Some(Ended {
                    error: Some(error),
                    dts_90k,
                });
                return Ok(());
            }
            Err(need) => return Err(need),
        };
        let coming = self.timed(&entry);
        if entry.size == 0 || !self.wanted(&coming) {
            return Ok(());
        }
        if let Err(error) = readable(file, &coming) {
            let dts_90k = coming.dts_90k;
            self.ended = Some(Ended {
                error: Some(error),
                dts_90k,
            });
            return Ok(());
        }
        self.last_dts_90k = coming.dts_90k;
        self.ahead.push_back(coming);
        Ok(())
    }

    fn timed(&self, entry: &Entry) -> Coming {
        let timing = entry.timing;
        let pts_90k = self.timeline.time_90k(timing.cts);
        let end = timing.cts.saturating_add(i64::from(timing.duration));
        let duration = self.timeline.time_90k(end).saturating_sub(pts_90k);
        // Never after it is shown, but always after the one before: some muxers repeat times.
        let dts_90k = self
            .timeline
            .time_90k(timing.dts.saturating_sub(self.shift))
            .min(pts_90k);
        let dts_90k = dts_90k.max(self.last_dts_90k.saturating_add(1));
        Coming {
            dts_90k,
            pts_90k: pts_90k.max(dts_90k),
            duration_90k: u32::try_from(duration).unwrap_or(0),
            sync: match self.carries {
                Carries::Video => entry.sync,
                Carries::Audio => Sync::RandomAccess,
            },
            offset: entry.offset,
            size: entry.size,
        }
    }

    /// Whether a sample belongs to what was started: video from a random access point on, without
    /// the pictures that are shown before it.
    fn wanted(&mut self, coming: &Coming) -> bool {
        if self.carries == Carries::Audio {
            return true;
        }
        let begun = self.last_dts_90k > i64::MIN;
        if coming.sync == Sync::RandomAccess {
            self.leading_until_90k = (!begun).then_some(coming.pts_90k);
            return true;
        }
        begun
            && self
                .leading_until_90k
                .is_none_or(|until| coming.pts_90k >= until)
    }

    /// The next sample; none where the lane has ended.
    fn front(&mut self, file: &mut File) -> Attempt<Option<Coming>> {
        loop {
            if let Some(coming) = self.ahead.front() {
                return Ok(Some(*coming));
            }
            if self.ended.is_some() {
                return Ok(None);
            }
            self.look_ahead(file)?;
        }
    }

    /// The decoding time of the next sample, or of the one that cannot be given.
    fn due_90k(&mut self, file: &mut File) -> Attempt<i64> {
        let front = self.front(file)?.map(|coming| coming.dts_90k);
        let ended = self.ended.as_ref().map_or(i64::MAX, |ended| ended.dts_90k);
        Ok(front.unwrap_or(ended))
    }

    /// When the next sample is shown; none where the lane has ended.
    fn shown_90k(&mut self, file: &mut File) -> Attempt<Option<i64>> {
        Ok(self.front(file)?.map(|coming| coming.pts_90k))
    }

    /// Where the next sample lies, if it is known.
    fn next_offset(&self) -> Option<u64> {
        self.ahead.front().map(|coming| coming.offset)
    }

    /// Gives the next sample; none at the end. It may come from the block that is `shared` with the
    /// other lane.
    fn give(
        &mut self,
        file: &mut File,
        shared: &mut Window,
        other: Option<&mut Self>,
    ) -> Attempt<Option<Sample>> {
        let Some(coming) = self.front(file)? else {
            let error = self.ended.as_ref().and_then(|ended| ended.error.clone());
            return error.map_or(Ok(None), |error| Err(error.into()));
        };
        let data = self.read(file, shared, other, &coming)?;
        self.ahead.pop_front();
        Ok(Some(Sample {
            track: self.id,
            dts_90k: coming.dts_90k,
            pts_90k: coming.pts_90k,
            duration_90k: coming.duration_90k,
            sync: coming.sync,
            data,
        }))
    }

    /// Whether its next sample is in this window.
    fn comes_from(&self, window: &Window) -> bool {
        self.ahead.front().is_some_and(|coming| {
            let size = usize::try_from(coming.size).unwrap_or(usize::MAX);
            window.holds(coming.offset, size)
        })
    }

    fn read(
        &mut self,
        file: &mut File,
        shared: &mut Window,
        mut other: Option<&mut Self>,
        coming: &Coming,
    ) -> Attempt<Bytes> {
        const MDAT: &str = "mdat";
        let offset = coming.offset;
        let size = usize::try_from(coming.size).unwrap_or(usize::MAX);
        if self.block.holds(offset, size) {
            return self.block.read(file, MDAT, offset, size, coming.end());
        }
        if shared.holds(offset, size) {
            return shared.read(file, MDAT, offset, size, coming.end());
        }
        if let Some(other) = other.as_deref_mut()
            && let Some(from) = other.next_offset().and_then(|near| coming.block_with(near))
        {
            let most = from.saturating_add(length(shared.most()));
            let whole = self.first_past(file, most)?;
            let whole = whole.min(other.first_past(file, most)?).max(coming.end());
            let skip = usize::try_from(offset.saturating_sub(from)).unwrap_or(usize::MAX);
            let len = skip.saturating_add(size);
            let bytes = shared.read(file, MDAT, from, len, whole)?;
            self.block.clear();
            other.block.clear();
            return Ok(bytes.slice(skip.min(bytes.len())..));
        }
        let end = self.run_end(file, coming)?;
        let bytes = self.block.read(file, MDAT, offset, size, end)?;
        // Never two large blocks at a time, nor one that is of use to nobody.
        let is_large = self.carries == Carries::Video;
        if is_large || !other.is_some_and(|other| other.comes_from(shared)) {
            shared.clear();
        }
        Ok(bytes)
    }

    /// Where the first of its samples begins that does not end by `limit`: a block that goes no
    /// further holds only whole ones.
    fn first_past(&mut self, file: &mut File, limit: u64) -> Attempt<u64> {
        let mut known = 0;
        while known < AHEAD {
            match self.ahead.get(known) {
                Some(next) if next.end() > limit => return Ok(next.offset),
                Some(_) => known += 1,
                None if self.ended.is_some() => break,
                None => self.look_ahead(file)?,
            }
        }
        Ok(limit)
    }

    /// Where the run of samples ends that lie one behind the other from the next one on and fit
    /// into one block.
    fn run_end(&mut self, file: &mut File, first: &Coming) -> Attempt<u64> {
        let most = first.offset.saturating_add(length(self.block.most()));
        let mut end = first.end();
        let mut known = 1;
        while end < most {
            if known >= self.ahead.len() {
                if self.ended.is_some() || known >= AHEAD {
                    break;
                }
                self.look_ahead(file)?;
                continue;
            }
            let next = self.ahead.get(known).filter(|next| next.offset == end);
            match next {
                Some(next) if next.end() <= most => end = next.end(),
                _ => break,
            }
            known += 1;
        }
        Ok(end)
    }

    fn held_bytes(&self) -> usize {
        self.cursor.held_bytes()
            + self.block.held_bytes()
            + self.ahead.capacity() * size_of::<Coming>()
    }
}

/// Whether a sample can be had at all.
fn readable(file: &File, coming: &Coming) -> Result<()> {
    let limit = length(limits::SAMPLE_BYTES);
    let got = u64::from(coming.size);
    if got > limit {
        return Err(Error::OverLimit {
            what: "sample in bytes",
            got,
            limit,
        });
    }
    if coming.end() > file.bytes() {
        let why = "a sample lies past the end of the file, which may not have been copied whole";
        return Err(Error::malformed("mdat", coming.offset, why));
    }
    Ok(())
}

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    SeekingVideo,
    SeekingAudio,
    Playing,
}

/// What was started.
#[derive(Debug)]
pub(super) struct Playing {
    video: Lane,
    audio: Option<Lane>,
    /// Media of both, where they lie close together.
    shared: Window,
    time_90k: i64,
    stage: Stage,
}

impl Playing {
    pub(super) fn new(video: Lane, audio: Option<Lane>, time_90k: i64) -> Self {
        Self {
            video,
            audio,
            shared: Window::new(limits::BLOCK_BYTES),
            time_90k,
            stage: Stage::SeekingVideo,
        }
    }

    /// Both of them.
    pub(super) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        std::iter::once(&self.video).chain(&self.audio)
    }

    /// The bytes of tables that will be asked for on the way to the first sample, as far as can be
    /// told.
    pub(super) fn foresee(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        if self.stage == Stage::SeekingVideo {
            let early_90k = self.time_90k.saturating_sub(EARLY_90K);
            for lane in self.lanes() {
                let ticks = |time_90k| lane.timeline.ticks_at(time_90k);
                let (from, to) = (ticks(early_90k), ticks(self.time_90k));
                lane.cursor.foresee(from, to, &mut spans);
            }
        }
        spans
    }

    /// The next sample of both; none at the end.
    pub(super) fn next(&mut self, file: &mut File, index: &mut Index) -> Attempt<Option<Sample>> {
        loop {
            match self.stage {
                Stage::SeekingVideo => self.seek_video(file, index)?,
                Stage::SeekingAudio => self.seek_audio(file, index)?,
                Stage::Playing => return self.give(file),
            }
        }
    }

    fn seek_video(&mut self, file: &mut File, index: &mut Index) -> Attempt<()> {
        let ticks = self.video.timeline.ticks_at(self.time_90k);
        self.video
            .cursor
            .seek(file, index, Landing::Sync, ticks, ticks)?;
        self.stage = Stage::SeekingAudio;
        Ok(())
    }

    fn seek_audio(&mut self, file: &mut File, index: &mut Index) -> Attempt<()> {
        let shown_90k = self.video.shown_90k(file)?.unwrap_or(self.time_90k);
        if let Some(audio) = &mut self.audio {
            // Pictures before 0 are decoded but not shown, so nothing is heard with them.
            let heard_90k = shown_90k.max(0);
            let ticks = audio
                .timeline
                .ticks_at(heard_90k)
                .max(audio.timeline.origin());
            let index_ticks = self.video.timeline.ticks_at(heard_90k);
            audio
                .cursor
                .seek(file, index, Landing::Any, ticks, index_ticks)?;
        }
        self.stage = Stage::Playing;
        Ok(())
    }

    fn give(&mut self, file: &mut File) -> Attempt<Option<Sample>> {
        let video_due = self.video.due_90k(file)?;
        let shared = &mut self.shared;
        let Some(audio) = &mut self.audio else {
            return self.video.give(file, shared, None);
        };
        if audio.due_90k(file)? < video_due {
            audio.give(file, shared, Some(&mut self.video))
        } else {
            self.video.give(file, shared, Some(audio))
        }
    }

    /// Bytes that it holds of tables and media.
    pub(super) fn held_bytes(&self) -> usize {
        let audio = self.audio.as_ref().map_or(0, Lane::held_bytes);
        self.video.held_bytes() + audio + self.shared.held_bytes()
    }
}
