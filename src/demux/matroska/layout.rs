//! What the header says, for those who go through the Clusters: where they stand, whose they are
//! and how their times are told.

use super::cluster::Block;
use super::cue::Cues;
use super::ebml::{Halt, Step};
use super::stream::{Listed, Stream};
use super::time::{FrameDuration, Timeline};
use crate::demux::Movie;
use crate::error::Error;
use crate::limits;
use crate::media::{Container, TrackId};

/// The facts of a file.
#[derive(Debug)]
pub(in crate::demux) struct Layout {
    /// Where the Segment's body begins; positions in the file are told from here.
    pub(super) segment_body: u64,
    /// Where the Segment ends.
    pub(super) segment_end: u64,
    /// Where the first Cluster begins.
    pub(super) first_cluster: u64,
    /// The tracks, in the order of the file.
    pub(super) tracks: Vec<Listed>,
    /// The place among them of the video that time and Cues are told by.
    pub(super) video: usize,
    /// Its key frames.
    pub(super) cues: Cues,
    /// How times are told.
    pub(super) timeline: Timeline,
    /// How long it says that it is.
    pub(super) duration_ticks: Option<f64>,
    /// Its last picture, where it was found.
    pub(super) last: Option<Shown>,
}

/// When a picture is shown, in Segment ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) ticks: i64,
    /// How long, where the file says so.
    pub(super) duration_ticks: Option<u64>,
}

impl Default for Layout {
    /// Nothing known; the `TimestampScale` is a millisecond until another is read (RFC 9559
    /// §5.1.2.9).
    fn default() -> Self {
        Self {
            segment_body: 0,
            segment_end: 0,
            first_cluster: 0,
            tracks: Vec::new(),
            video: 0,
            cues: Cues::default(),
            timeline: Timeline {
                scale_ns: 1_000_000,
                origin_ns: 0,
            },
            duration_ticks: None,
            last: None,
        }
    }
}

impl Layout {
    /// The video that time is told by: the first that can be carried and may be used.
    pub(super) fn choose_video(&self) -> Step<usize> {
        let usable = |track: &Listed| track.is_video() && !track.disabled;
        let chosen = self.tracks.iter().position(usable);
        let chosen = chosen.or_else(|| self.tracks.iter().position(Listed::is_video));
        chosen.ok_or_else(|| {
            Halt::Fail(Error::unsupported(
                "this file",
                format!(
                    "it has no video that can be carried{}",
                    self.refused_video()
                ),
            ))
        })
    }

    /// Why its first video is not carried, to be added to a sentence.
    fn refused_video(&self) -> String {
        let refused = self.tracks.iter().find_map(Listed::refused_video);
        refused.map_or_else(String::new, |(codec, why)| format!(" ({codec}: {why})"))
    }

    /// Bytes that it holds.
    pub(in crate::demux) fn held_bytes(&self) -> usize {
        // A movie's track lists the same texts, and shares the rest.
        self.cues.held_bytes() + self.tracks.len() * (size_of::<Listed>() + limits::TEXT_BYTES)
    }

    /// What reading a track's blocks takes, where it can be carried.
    pub(super) fn stream(&self, track: TrackId) -> Option<&Stream> {
        let listed = self.tracks.iter().find(|listed| listed.number() == track.0);
        listed.and_then(|listed| listed.stream.as_ref())
    }

    /// What it is to the rest of the box.
    pub(super) fn movie(&self) -> Movie {
        Movie {
            container: Container::Matroska,
            duration_90k: self.duration_90k(),
            tracks: self
                .tracks
                .iter()
                .map(|track| track.movie.clone())
                .collect(),
        }
    }

    /// From the first picture to the end of the last one, else to the end of the longest track; 0
    /// where the file says neither.
    fn duration_90k(&self) -> i64 {
        let told_90k = self.told_90k();
        let video = self.tracks.get(self.video);
        let Some((last, stream)) = self.last.zip(video.and_then(|video| video.stream.as_ref()))
        else {
            return told_90k;
        };
        let from_90k = self.picture_at_90k(last.ticks, stream);
        match self.shown_for_90k(last.duration_ticks, stream) {
            0 => told_90k.max(from_90k),
            duration_90k => from_90k.saturating_add(i64::from(duration_90k)).max(0),
        }
    }

    /// What the Segment's Duration comes to; 0 where there is none.
    fn told_90k(&self) -> i64 {
        let total_ns = self
            .duration_ticks
            .map_or(0, |ticks| self.timeline.float_ns(ticks));
        // Where the first frame is later than the whole, the writer did not count what is before
        // it (parts of a split film).
        let counted_from = Timeline {
            origin_ns: Some(self.timeline.origin_ns)
                .filter(|origin_ns| *origin_ns < total_ns)
                .unwrap_or(0),
            ..self.timeline
        };
        counted_from.media_90k(total_ns).max(0)
    }
}

/// Times of blocks.
impl Layout {
    /// When a block is shown or heard, not shifted.
    pub(super) fn block_ns(&self, block: &Block, stream: &Stream) -> i64 {
        self.timeline
            .ns(block.ticks)
            .saturating_sub(stream.delay_ns)
    }

    /// When a picture is shown that stands at these Segment ticks.
    pub(super) fn picture_at_90k(&self, ticks: i64, stream: &Stream) -> i64 {
        let ns = self.timeline.ns(ticks).saturating_sub(stream.delay_ns);
        self.timeline.frame_90k(ns, stream.frame)
    }

    /// When a picture is shown that a Cue tells of.
    pub(super) fn cue_90k(&self, ticks: u64, stream: &Stream) -> i64 {
        self.picture_at_90k(i64::try_from(ticks).unwrap_or(i64::MAX), stream)
    }

    /// The time that a Cluster is counted from.
    pub(super) fn cluster_90k(&self, ticks: u64) -> i64 {
        let ns = self.timeline.ns(i64::try_from(ticks).unwrap_or(i64::MAX));
        self.timeline.media_90k(ns)
    }

    /// How long a picture is shown: as its block says, unless that is only the rounded duration of
    /// a frame; 0 where nothing says it.
    pub(super) fn shown_for_90k(&self, duration_ticks: Option<u64>, stream: &Stream) -> u32 {
        let usual = stream.frame.map(FrameDuration::rounded_90k);
        let stored = duration_ticks.map(|ticks| self.timeline.length_90k(ticks));
        let rounding = self.timeline.rounding_90k();
        match (usual, stored) {
            (Some(usual), Some(stored)) if usual.abs_diff(stored) <= rounding => usual,
            (_, Some(stored)) => stored,
            (usual, None) => usual.unwrap_or(0),
        }
    }

    /// How long an audio frame is heard, in nanoseconds: as it says itself, else as usual.
    pub(super) fn audio_ns(&self, stream: &Stream, frame: &[u8]) -> u64 {
        match stream.audio_ns(frame) {
            0 => {
                let usual = stream.frame.map_or(0, FrameDuration::rounded_ns);
                u64::try_from(usual).unwrap_or(0)
            }
            own => own,
        }
    }
}
