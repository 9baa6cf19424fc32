//! A video stream cut into access units (ISO/IEC 14496-10 §7.4.1.2.3, 23008-2 §7.4.2.4.4,
//! 13818-2 §6.1.1). What the borders of PES packets are does not matter: they only bring times.

use super::clock::Times;
use crate::codec::nal::{START_CODE_BYTES, find_start_code};
use crate::codec::{h264, hevc, mpeg2};
use crate::limits;
use crate::media::VideoCodec;
use std::collections::VecDeque;

/// PES packets that one unit may be spread over.
const MARKS: usize = 4096;
/// Bytes behind a start code that tell what begins there.
const TOLD_BY: usize = 4;

/// Where in the file bytes came from, and what times stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The packet in which the PES packet begins.
    pub(super) at: u64,
    pub(super) times: Option<Times>,
}

/// An access unit in stream form, from its first start code on. With fields each is one of its own.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) mark: Mark,
    pub(super) bytes: &'a [u8],
}

/// What begins with a start code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// What stands before a picture.
    Front,
    /// The first slice of a picture.
    FirstSlice,
    /// Another slice.
    Slice,
    /// Anything else.
    Other,
}

/// Cuts one stream.
#[derive(Debug)]
pub(super) struct Units {
    codec: VideoCodec,
    /// From the start code of the unit in work on.
    raw: Vec<u8>,
    /// Where marks stand in `raw`, those that have not been given to a unit.
    marks: VecDeque<(usize, Mark)>,
    /// From where on start codes are looked for.
    searched: usize,
    /// A unit is in work.
    begun: bool,
    /// Its mark. One that begins in the middle of a PES packet has no times, and the place of that.
    mark: Mark,
    has_slice: bool,
    /// Bytes at the front of `raw` that were given.
    given: usize,
}

impl Units {
    pub(super) fn new(codec: VideoCodec) -> Self {
        Self {
            codec,
            raw: Vec::new(),
            marks: VecDeque::new(),
            searched: 0,
            begun: false,
            mark: Mark { at: 0, times: None },
            has_slice: false,
            given: 0,
        }
    }

    /// Forgets what has not been given.
    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.marks.clear();
        self.searched = 0;
        self.begun = false;
        self.has_slice = false;
        self.given = 0;
    }

    /// Adds bytes, and where they came from where a PES packet begins with them. False where a unit
    /// has become too large.
    pub(super) fn push(&mut self, mark: Option<Mark>, bytes: &[u8]) -> bool {
        self.drop_given();
        if let Some(mark) = mark {
            let here = self.raw.len();
            self.marks.pop_back_if(|(from, _)| *from == here);
            self.marks.push_back((here, mark));
        }
        self.raw.extend_from_slice(bytes);
        self.raw.len() <= limits::SAMPLE_BYTES && self.marks.len() <= MARKS
    }

    /// The next whole unit.
    pub(super) fn next(&mut self) -> Option<Unit<'_>> {
        self.drop_given();
        let end = self.search()?;
        Some(self.give(end))
    }

    /// What is there at the end of the stream.
    pub(super) fn rest(&mut self) -> Option<Unit<'_>> {
        self.drop_given();
        let end = self.raw.len();
        self.has_slice.then(|| self.give(end))
    }

    /// Where the unit in work ends, if that can be told.
    fn search(&mut self) -> Option<usize> {
        loop {
            let found = find_start_code(self.raw.get(self.searched..)?);
            let Some(at) = found.map(|found| self.searched + found) else {
                let kept = START_CODE_BYTES - 1;
                self.searched = self.raw.len().saturating_sub(kept).max(self.searched);
                return None;
            };
            self.searched = at;
            let behind = at + START_CODE_BYTES;
            let told = self.raw.get(behind..behind + TOLD_BY)?.first_chunk()?;
            let piece = piece(self.codec, told);
            let begins = matches!(piece, Piece::Front | Piece::FirstSlice);
            if self.has_slice && begins {
                return Some(at);
            }
            self.searched = behind;
            if !self.begun {
                if !begins {
                    continue;
                }
                self.open(at);
                self.searched = START_CODE_BYTES;
            }
            self.has_slice |= matches!(piece, Piece::FirstSlice | Piece::Slice);
        }
    }

    /// Begins a unit at a start code; what is before it belongs to nothing.
    fn open(&mut self, at: usize) {
        self.begun = true;
        self.mark.times = None;
        while let Some((_, mark)) = self.marks.pop_front_if(|(from, _)| *from <= at) {
            self.mark = mark;
        }
        self.raw.drain(..at);
        for (from, _) in &mut self.marks {
            *from -= at;
        }
    }

    /// Gives the unit that ends here.
    fn give(&mut self, end: usize) -> Unit<'_> {
        self.given = end;
        self.has_slice = false;
        self.begun = false;
        Unit {
            mark: self.mark,
            bytes: self.raw.get(..end).unwrap_or_default(),
        }
    }

    fn drop_given(&mut self) {
        let given = std::mem::take(&mut self.given);
        if given > 0 {
            self.raw.drain(..given);
            self.searched = self.searched.saturating_sub(given);
            for (from, _) in &mut self.marks {
                *from = from.saturating_sub(given);
            }
        }
    }
}

fn piece(codec: VideoCodec, told: &[u8; TOLD_BY]) -> Piece {
    let [header, second, third, _] = *told;
    match codec {
        VideoCodec::H264 => match h264::nal_type(told) {
            // `first_mb_in_slice` is 0 where its first bit is 1.
            1 | 2 | h264::IDR if second & 0x80 != 0 => Piece::FirstSlice,
            1..=h264::IDR => Piece::Slice,
            h264::SEI..=h264::AUD | 14..=18 => Piece::Front,
            _ => Piece::Other,
        },
        VideoCodec::Hevc => {
            let layer = ((header & 1) << 5) | (second >> 3);
            match hevc::nal_type(told) {
                _ if layer > 0 => Piece::Other,
                ..hevc::VPS if third & 0x80 != 0 => Piece::FirstSlice,
                ..hevc::VPS => Piece::Slice,
                hevc::VPS..=hevc::AUD | hevc::PREFIX_SEI | 41..=44 | 48..=55 => Piece::Front,
                _ => Piece::Other,
            }
        }
        VideoCodec::Mpeg2 => match header {
            mpeg2::PICTURE | mpeg2::SEQUENCE_HEADER | mpeg2::GROUP => Piece::Front,
            1..=mpeg2::LAST_SLICE => Piece::Slice,
            _ => Piece::Other,
        },
    }
}
