//! Samples of the chosen tracks, from a place on: blocks become frames with times.

use super::cluster::{Block, Found, Key, Walk};
use super::ebml::{Halt, Step};
use super::lace;
use super::layout::Layout;
use super::place::{Place, Search};
use super::stream::Stream;
use super::time::DecodeOrder;
use super::window::Window;
use crate::demux::held::{HeldSound, is_heard_after};
use crate::error::Error;
use crate::limits;
use crate::media::{Sample, Sync, TrackId};
use std::collections::VecDeque;

/// Where playing stands.
#[derive(Debug)]
enum Stage {
    /// Looking for the place.
    Searching,
    /// Between the start of the Cluster and the key frame to begin with.
    Waiting(Place),
    /// Giving samples.
    Playing,
    /// No sample is left.
    Ended,
}

/// What may follow among the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pictures {
    /// All of them.
    All,
    /// Those that are not shown before this time: others refer to pictures before the start.
    From(i64),
    /// A key frame only: some were lost.
    KeyFrame,
}

/// Playing from a time on.
#[derive(Debug)]
pub(super) struct Play {
    video: TrackId,
    audio: Option<TrackId>,
    time_90k: i64,
    search: Search,
    stage: Stage,
    walk: Walk,
    /// A block whose frames are waited for.
    block: Option<Block>,
    pictures: Pictures,
    order: DecodeOrder,
    /// Audio that ends at or before this time is not heard with the first picture.
    heard_from_90k: i64,
    last_audio_90k: Option<i64>,
    /// Audio that is waiting for the first picture.
    held: HeldSound,
    /// Samples to be given next.
    ready: VecDeque<Sample>,
}

impl Play {
    /// Of these tracks, which can be carried, from `time_90k` on.
    pub(super) fn new(video: TrackId, audio: Option<TrackId>, time_90k: i64) -> Self {
        Self {
            video,
            audio,
            time_90k,
            search: Search::new(video.0, time_90k),
            stage: Stage::Searching,
            walk: Walk::new(0, 0),
            block: None,
            pictures: Pictures::All,
            order: DecodeOrder::new(0, None),
            heard_from_90k: 0,
            last_audio_90k: None,
            held: HeldSound::default(),
            ready: VecDeque::new(),
        }
    }

    /// Of these tracks of a stream, from its first key frame on.
    pub(super) fn live(video: TrackId, audio: Option<TrackId>) -> Self {
        Self {
            // Whenever it is shown, there is no better place.
            time_90k: i64::MAX,
            ..Self::new(video, audio, 0)
        }
    }

    /// The next sample; `None` when there is none.
    pub(super) fn next(&mut self, window: &mut Window, layout: &Layout) -> Step<Option<Sample>> {
        loop {
            if let Some(sample) = self.ready.pop_front() {
                return Ok(Some(sample));
            }
            match self.stage {
                Stage::Searching => self.settle(window, layout)?,
                Stage::Waiting(_) | Stage::Playing => self.step(window, layout)?,
                Stage::Ended => return Ok(None),
            }
        }
    }

    /// Finds the place and goes there.
    fn settle(&mut self, window: &mut Window, layout: &Layout) -> Step<()> {
        let Some(video) = layout.stream(self.video) else {
            self.stage = Stage::Ended;
            return Ok(());
        };
        let place = self.search.find(window, layout, video)?;
        self.walk = Walk::new(place.cluster, layout.segment_end);
        self.order = DecodeOrder::new(video.reorder, video.frame);
        self.stage = Stage::Waiting(place);
        Ok(())
    }

    /// One block further.
    fn step(&mut self, window: &mut Window, layout: &Layout) -> Step<()> {
        let block = match self.block {
            Some(block) => block,
            None => match self.walk.next(window)? {
                Found::Block(block) => block,
                Found::Gap => {
                    self.pictures = Pictures::KeyFrame;
                    return Ok(());
                }
                Found::End => {
                    self.stage = Stage::Ended;
                    return Ok(());
                }
            },
        };
        self.block = Some(block);
        match self.take(window, layout, &block) {
            Ok(()) => {}
            Err(Halt::Ended(_)) => self.stage = Stage::Ended,
            Err(Halt::Broken(..)) => {
                self.walk.lose();
                self.pictures = Pictures::KeyFrame;
            }
            Err(halt) => return Err(halt),
        }
        self.block = None;
        Ok(())
    }

    fn take(&mut self, window: &mut Window, layout: &Layout, block: &Block) -> Step<()> {
        let track = TrackId(block.track);
        let Some(stream) = layout.stream(track) else {
            return Ok(());
        };
        if track == self.video {
            match self.stage {
                Stage::Waiting(place) => self.wait(window, layout, stream, block, place),
                _ => self.take_pictures(window, layout, stream, block),
            }
        } else if Some(track) == self.audio {
            self.take_audio(window, layout, stream, block)
        } else {
            Ok(())
        }
    }

    /// Is this block the key frame to begin with?
    fn wait(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
        block: &Block,
        place: Place,
    ) -> Step<()> {
        let shown_90k = layout.picture_at_90k(block.ticks, stream);
        if block.key == Key::No || shown_90k < place.from_90k {
            return self.check_patience(place);
        }
        let frames = lace::read(window, block)?;
        let first = frames.into_iter().next().map(|frame| stream.whole(frame));
        if !first.is_some_and(|frame| stream.is_random_access(&frame)) {
            return self.check_patience(place);
        }
        if shown_90k > self.time_90k.max(0) && self.search.doubt(layout) {
            self.held.clear();
            self.stage = Stage::Searching;
            return Ok(());
        }
        // An end that is after it by less than the file's rounding is at it.
        let rounding_90k = i64::from(layout.timeline.rounding_90k());
        self.heard_from_90k = shown_90k.saturating_add(rounding_90k);
        self.pictures = Pictures::From(shown_90k);
        self.stage = Stage::Playing;
        for sample in self.held.heard_after(self.heard_from_90k) {
            self.give_audio(sample);
        }
        self.take_pictures(window, layout, stream, block)
    }

    /// A film without key frames is not read to its end in search of one.
    fn check_patience(&self, place: Place) -> Step<()> {
        let read = self.walk.at().saturating_sub(place.cluster);
        if read <= limits::KEY_FRAME_SEARCH_BYTES {
            return Ok(());
        }
        Err(Halt::Fail(Error::malformed(
            "Segment/Cluster",
            self.walk.at(),
            "no key frame was found to begin with",
        )))
    }

    fn take_pictures(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
        block: &Block,
    ) -> Step<()> {
        let shown_90k = layout.picture_at_90k(block.ticks, stream);
        let unwanted = match self.pictures {
            Pictures::All => false,
            Pictures::From(first_90k) => shown_90k < first_90k,
            Pictures::KeyFrame => true,
        };
        if unwanted && block.key == Key::No {
            return Ok(());
        }
        let frames = lace::read(window, block)?;
        let count = u64::try_from(frames.len()).unwrap_or(1).max(1);
        let duration_ticks = block.duration_ticks.map(|ticks| ticks / count);
        let duration_90k = layout.shown_for_90k(duration_ticks, stream);
        for (number, frame) in (0_i64..).zip(frames) {
            let data = stream.whole(frame);
            let sync = if block.key == Key::Yes && stream.is_random_access(&data) {
                Sync::RandomAccess
            } else {
                Sync::Dependent
            };
            if unwanted && sync == Sync::Dependent || data.is_empty() {
                continue;
            }
            // The first picture's own leading pictures are yet to come; the next key frame's
            // refer to pictures that were given.
            if sync == Sync::RandomAccess && self.pictures != Pictures::From(shown_90k) {
                self.pictures = Pictures::All;
            }
            let later_90k = number.saturating_mul(i64::from(duration_90k));
            let times = self.order.next(shown_90k.saturating_add(later_90k));
            self.ready.push_back(Sample {
                track: self.video,
                dts_90k: times.dts_90k,
                pts_90k: times.pts_90k,
                duration_90k,
                sync,
                data,
            });
        }
        Ok(())
    }

    fn take_audio(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
        block: &Block,
    ) -> Step<()> {
        let track = TrackId(block.track);
        let start_ns = layout.block_ns(block, stream);
        let mut passed_ns = 0_u64;
        for frame in lace::read(window, block)? {
            let data = stream.whole(frame);
            if data.is_empty() {
                continue;
            }
            let length_ns = layout.audio_ns(stream, &data);
            let later_ns = i64::try_from(passed_ns).unwrap_or(i64::MAX);
            passed_ns = passed_ns.saturating_add(length_ns);
            let pts_90k = layout.timeline.media_90k(start_ns.saturating_add(later_ns));
            let sample = Sample {
                track,
                dts_90k: pts_90k,
                pts_90k,
                duration_90k: u32::try_from(ns_to_90k(length_ns)).unwrap_or(0),
                sync: Sync::RandomAccess,
                data,
            };
            match self.stage {
                Stage::Waiting(_) => self.held.hold(sample),
                _ if is_heard_after(&sample, self.heard_from_90k) => self.give_audio(sample),
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives an audio frame; its time rises, however the file rounded it.
    fn give_audio(&mut self, sample: Sample) {
        let least_90k = self.last_audio_90k.map_or(i64::MIN, |last| last + 1);
        let time_90k = sample.pts_90k.max(least_90k);
        self.last_audio_90k = Some(time_90k);
        self.ready.push_back(Sample {
            dts_90k: time_90k,
            pts_90k: time_90k,
            ..sample
        });
    }
}

fn ns_to_90k(ns: u64) -> u64 {
    ns.saturating_mul(9).saturating_add(50_000) / 100_000
}
