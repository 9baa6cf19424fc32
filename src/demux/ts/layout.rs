//! What was found out about a file when it was opened.

use super::clock::Anchor;
use super::listing::Listing;
use super::program::Programs;
use crate::demux::{Movie, MovieTrack};
use crate::media::{Container, TrackId};

/// The facts of a file.
#[derive(Debug, Default)]
pub(in crate::demux) struct Layout {
    /// From one packet to the next.
    pub(super) stride: usize,
    /// The first packet.
    pub(super) begin: u64,
    /// The tables, as they were at the beginning.
    pub(super) programs: Programs,
    /// The streams of the program that is played.
    pub(super) streams: Vec<Stream>,
    /// The video that time is told by.
    pub(super) video: u16,
    /// Its first picture that can be decoded.
    pub(super) first: Place,
    /// Recordings that were joined, in the order of the file; at least one.
    pub(super) pieces: Vec<Piece>,
    pub(super) duration_90k: i64,
}

/// A stream with what it is to the rest of the box.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) listing: Listing,
    pub(super) movie: MovieTrack,
}

/// A part of the file in which times do not jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins.
    pub(super) from: u64,
    /// One of its first times.
    pub(super) anchor: Anchor,
}

/// A picture to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// The packet in which its PES packet begins.
    pub(super) at: u64,
    /// When it is decoded.
    pub(super) anchor: Anchor,
}

impl Layout {
    /// What it is to the rest of the box.
    pub(super) fn movie(&self) -> Movie {
        Movie {
            container: Container::MpegTs,
            duration_90k: self.duration_90k,
            tracks: self.streams.iter().map(|one| one.movie.clone()).collect(),
        }
    }

    /// The instant that is time 0 here, as the file tells it. Shortly before the end of 33 bits is
    /// shortly before 0.
    pub(super) fn origin_90k(&self) -> i64 {
        let first = self.first.anchor;
        let raw = first.raw.saturating_sub(first.at_90k);
        Anchor::default().later_90k(raw)
    }

    /// Bytes that it holds.
    pub(in crate::demux) fn held_bytes(&self) -> usize {
        // A movie's track shares what a stream holds.
        self.programs.held_bytes()
            + self.streams.len() * size_of::<Stream>()
            + self.pieces.len() * size_of::<Piece>()
    }

    /// The stream that is this track.
    pub(super) fn stream(&self, track: TrackId) -> Option<&Stream> {
        self.streams.iter().find(|one| one.movie.track.id == track)
    }

    /// The piece, other than the first, that begins with this packet.
    pub(super) fn piece_from(&self, at: u64) -> Option<Piece> {
        let joined = self.pieces.get(1..).unwrap_or_default();
        let found = joined.binary_search_by_key(&at, |piece| piece.from).ok()?;
        joined.get(found).copied()
    }

    /// The piece that a place in the file belongs to, and where it ends.
    pub(super) fn piece_at(&self, at: u64, file_bytes: u64) -> (Piece, u64) {
        let next = self.pieces.partition_point(|piece| piece.from <= at);
        let end = self.pieces.get(next).map_or(file_bytes, |piece| piece.from);
        let piece = self.pieces.get(next.saturating_sub(1)).copied();
        let whole = Piece {
            from: self.begin,
            anchor: self.first.anchor,
        };
        (piece.unwrap_or(whole), end)
    }

    /// The piece that is played at a time, and where it ends.
    pub(super) fn piece_of(&self, time_90k: i64, file_bytes: u64) -> (Piece, u64) {
        let begins = |piece: &&Piece| piece.anchor.at_90k <= time_90k;
        let piece = self.pieces.iter().rev().find(begins);
        self.piece_at(piece.map_or(self.begin, |piece| piece.from), file_bytes)
    }
}
