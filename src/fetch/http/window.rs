//! The bytes that a lane passed last, kept so that a second cursor of the same demuxer can follow
//! close behind the first.

use super::super::{as_u64, part};
use crate::limits;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// At most `limits::SOURCE_WINDOW_BYTES` in `limits::SOURCE_WINDOW_PIECES` pieces, and in any case
/// the piece that came last; while a read is given up and tried again, also what it has of it.
#[derive(Debug, Default)]
pub(super) struct Window {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Where in the file they end: the lane's front.
    end: u64,
    /// A read that is being put together, and how much of it is not in `pieces`.
    gathered: BytesMut,
    fresh: usize,
}

impl Window {
    /// Nothing yet, at this place of the file.
    pub(super) fn at(offset: u64) -> Self {
        Self {
            end: offset,
            ..Self::default()
        }
    }

    /// Where the lane stands.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The first byte that is kept.
    pub(super) fn begin(&self) -> u64 {
        self.end.saturating_sub(as_u64(self.bytes + self.fresh))
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.end = self.end.saturating_add(as_u64(piece.len()));
        self.keep(piece);
    }

    fn keep(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
        while self.pieces.len() > 1
            && (self.bytes > limits::SOURCE_WINDOW_BYTES
                || self.pieces.len() > limits::SOURCE_WINDOW_PIECES)
        {
            self.bytes -= self.pieces.pop_front().map_or(0, |piece| piece.len());
        }
    }

    /// What is kept of the `len` bytes from `offset`: all of them, or `None`.
    pub(super) fn get(&self, offset: u64, len: usize) -> Option<Bytes> {
        let mut from = self.distance(offset)?;
        let mut pieces = self.pieces.iter();
        let first = loop {
            let piece = pieces.next()?;
            if from < piece.len() {
                break piece;
            }
            from -= piece.len();
        };
        if let Some(found) = part(first, from, len) {
            return Some(found);
        }
        let mut all = BytesMut::with_capacity(len);
        all.extend_from_slice(first.get(from..)?);
        for piece in pieces {
            let missing = len - all.len();
            if missing <= piece.len() {
                all.extend_from_slice(piece.get(..missing)?);
                return Some(all.freeze());
            }
            all.extend_from_slice(piece);
        }
        None
    }

    /// Where `offset` lies in the pieces; `None` outside of them.
    fn distance(&self, offset: u64) -> Option<usize> {
        let begin = self.end.checked_sub(as_u64(self.bytes))?;
        let distance = usize::try_from(offset.checked_sub(begin)?).ok()?;
        (distance <= self.bytes).then_some(distance)
    }

    /// Begins a read of `len` bytes that goes over the end: what is kept of it is copied now, the
    /// rest is added with [`Window::gather`].
    pub(super) fn begin_gathering(&mut self, offset: u64, len: usize) {
        self.settle();
        self.gathered = BytesMut::with_capacity(len);
        let mut skipped = self.distance(offset).unwrap_or(self.bytes);
        for piece in &self.pieces {
            let rest = piece.get(skipped..).unwrap_or_default();
            skipped = skipped.saturating_sub(piece.len());
            self.gathered.extend_from_slice(rest);
        }
    }

    /// Adds what follows to the read that was begun.
    pub(super) fn gather(&mut self, bytes: &[u8]) {
        self.end = self.end.saturating_add(as_u64(bytes.len()));
        self.fresh += bytes.len();
        self.gathered.extend_from_slice(bytes);
    }

    /// Bytes of the read that are there.
    pub(super) fn gathered(&self) -> usize {
        self.gathered.len()
    }

    /// Ends the read and gives it. What is longer than the window is not kept.
    pub(super) fn finish_gathering(&mut self) -> Bytes {
        let all = std::mem::take(&mut self.gathered).freeze();
        let fresh = all.slice(all.len() - self.fresh..);
        self.fresh = 0;
        if fresh.len() > limits::SOURCE_WINDOW_BYTES {
            self.pieces.clear();
            self.bytes = 0;
        } else {
            self.keep(fresh);
        }
        all
    }

    /// Keeps what a read had put together that was given up. Nothing is let go for it: when that
    /// read is tried again, it needs all of it.
    pub(super) fn settle(&mut self) {
        let mut all = std::mem::take(&mut self.gathered);
        let fresh = all.split_off(all.len() - self.fresh).freeze();
        self.fresh = 0;
        if !fresh.is_empty() {
            self.bytes += fresh.len();
            self.pieces.push_back(fresh);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use crate::limits;
    use bytes::Bytes;

    fn bytes(from: usize, len: usize) -> Bytes {
        (from..from + len)
            .map(|at| u8::try_from(at * 31 % 251).unwrap())
            .collect()
    }

    #[test]
    fn what_was_passed_is_found_again_in_whatever_pieces_it_came() {
        let mut window = Window::at(1000);
        let mut at = 1000;
        for len in [1, 20_000, 3, 17, 30_000] {
            window.push(bytes(at, len));
            at += len;
        }
        for from in (1000..at).step_by(97) {
            for len in [1, 2, 500, 16_384, 20_010] {
                let got = window.get(from as u64, len);
                let whole = (from + len <= at).then(|| bytes(from, len));
                assert_eq!(got, whole, "{from} +{len}");
            }
        }
        assert_eq!(window.get(999, 1), None);
        assert_eq!((window.begin(), window.end()), (1000, at as u64));
    }

    #[test]
    fn it_holds_no_more_than_its_limits() {
        let mut window = Window::at(0);
        for at in 0..1000 {
            window.push(bytes(at * 10, 10));
        }
        assert_eq!(window.pieces.len(), limits::SOURCE_WINDOW_PIECES);
        let mut window = Window::at(0);
        for at in 0..40 {
            window.push(bytes(at * 50_000, 50_000));
        }
        assert_eq!(window.bytes, 100_000);
        assert_eq!(window.begin(), 38 * 50_000);
    }

    #[test]
    fn a_read_given_up_half_way_goes_on_where_it_was() {
        let mut window = Window::at(0);
        window.push(bytes(0, 100));
        for round in 0..3 {
            window.begin_gathering(50, 300_000);
            assert_eq!(window.gathered(), 50 + round * 60_000);
            window.gather(&bytes(100 + round * 60_000, 60_000));
        }
        window.begin_gathering(50, 300_000);
        window.gather(&bytes(180_100, 300_050 - 180_100));
        assert_eq!(window.finish_gathering(), bytes(50, 300_000));
        assert_eq!(window.end(), 300_050);
    }
}
