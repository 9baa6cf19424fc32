//! Cues (RFC 9559 §5.1.5): where key frames stand.
//!
//! Cues of any length are read through once, in small pieces. At most `limits::SYNC_POINTS` of
//! them are kept: when there are more, every second one is let go, and what stands between two
//! kept ones is read again when it is wanted.

use super::ebml::{Child, Children, Element, Halt, Step};
use super::id;
use super::window::Window;
use crate::limits;

/// Longest `CuePoint` that is read; it holds a few numbers for each track.
const CUE_POINT_BYTES: usize = 4096;

/// A key frame of the video track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cue {
    /// When it is shown, in Segment ticks.
    pub(super) ticks: u64,
    /// Where its Cluster begins in the file.
    pub(super) cluster: u64,
    /// Where its `CuePoint` stands in the file.
    at: u64,
}

/// Key frames in the order of time, perhaps with others between them that are not kept.
#[derive(Debug, Default)]
pub(super) struct Cues {
    kept: Vec<Cue>,
    /// One of how many is kept.
    stride: usize,
    seen: usize,
    /// Where the last `CuePoint` ends.
    end: u64,
    /// Positions in the file are told from here.
    base: u64,
    track: u64,
}

impl Cues {
    /// None yet; they will be those of `track`, with positions counted from `base`, the start of
    /// the Segment's body.
    pub(super) fn new(track: u64, base: u64) -> Self {
        Self {
            kept: Vec::new(),
            stride: 1,
            seen: 0,
            end: 0,
            base,
            track,
        }
    }

    /// Reads the `CuePoint` or other element at `at`; gives where it ends.
    pub(super) fn read_one(&mut self, window: &mut Window, at: u64, end: u64) -> Step<u64> {
        let (cue, next) = self.cue_at(window, at, end)?;
        if let Some(cue) = cue {
            self.keep(cue);
            self.end = next;
        }
        Ok(next)
    }

    /// Ends the reading. Cues that are out of order are put in order; there is nothing between
    /// them to be read again then.
    pub(super) fn finish(&mut self) {
        if !self.kept.is_sorted_by_key(|cue| cue.ticks) {
            self.kept.sort_by_key(|cue| cue.ticks);
            self.stride = 1;
        }
        self.kept.shrink_to_fit();
    }

    /// Bytes that are held of them.
    pub(super) fn held_bytes(&self) -> usize {
        self.kept.len() * size_of::<Cue>()
    }

    /// The last key frame, as far as is kept.
    pub(super) fn last(&self) -> Option<Cue> {
        self.kept.last().copied()
    }

    /// The place of the last kept key frame of which `is_before` holds.
    pub(super) fn find(&self, is_before: impl Fn(&Cue) -> bool) -> Option<usize> {
        self.kept.partition_point(is_before).checked_sub(1)
    }

    /// A kept key frame.
    pub(super) fn get(&self, index: usize) -> Option<Cue> {
        self.kept.get(index).copied()
    }

    /// The part of the file that holds key frames which lie between a kept one and the next.
    pub(super) fn between(&self, index: usize) -> Option<(u64, u64)> {
        let from = self.get(index).filter(|_| self.stride > 1)?.at;
        let to = self.get(index + 1).map_or(self.end, |next| next.at);
        Some((from, to)).filter(|(from, to)| from < to)
    }

    /// The key frame whose `CuePoint` stands at `at`, if it is one of the track, and where it ends.
    pub(super) fn cue_at(
        &self,
        window: &mut Window,
        at: u64,
        end: u64,
    ) -> Step<(Option<Cue>, u64)> {
        window.forget_before(at);
        let element = window.head(at, end)?;
        let next = element.end().unwrap_or(end);
        if element.id != id::CUE_POINT {
            return Ok((None, next));
        }
        let body = window.body(&element, CUE_POINT_BYTES)?;
        Ok((self.parse(&body, &element)?, next))
    }

    fn parse(&self, body: &[u8], element: &Element) -> Step<Option<Cue>> {
        let mut ticks = None;
        let mut cluster = None;
        for child in Children::new(body, element.body) {
            let child = child?;
            match child.id {
                id::CUE_TIME => ticks = Some(child.uint()?),
                id::CUE_TRACK_POSITIONS => cluster = cluster.or(self.position(child)?),
                _ => {}
            }
        }
        Ok(ticks.zip(cluster).map(|(ticks, cluster)| Cue {
            ticks,
            cluster,
            at: element.at,
        }))
    }

    /// The Cluster of a `CueTrackPositions`, if it is one of the track.
    fn position(&self, positions: Child<'_>) -> Step<Option<u64>> {
        let (mut track, mut position) = (None, None);
        for child in positions.children() {
            let child = child?;
            match child.id {
                id::CUE_TRACK => track = Some(child.uint()?),
                id::CUE_CLUSTER_POSITION => position = Some(child.uint()?),
                _ => {}
            }
        }
        let ours = position.filter(|_| track == Some(self.track));
        ours.map(|position| {
            self.base
                .checked_add(position)
                .ok_or(Halt::Broken(positions.at, "a position is out of range"))
        })
        .transpose()
    }

    fn keep(&mut self, cue: Cue) {
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() >= limits::SYNC_POINTS {
                let mut even = false;
                self.kept.retain(|_| {
                    even = !even;
                    even
                });
                self.stride *= 2;
            }
            self.kept.push(cue);
        }
        self.seen += 1;
    }
}
