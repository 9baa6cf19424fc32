//! What the viewers of one channel share: one writer, many cursors, a fixed number of bytes.
//!
//! The writer never waits. A cursor that falls behind what is still held has lost its place and is
//! told so; it holds nothing that the others need, and nobody is slowed by it. The lock is held for
//! a few instructions, never across an await.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The newest pieces of a stream.
#[derive(Debug)]
pub struct Ring<T> {
    shared: Arc<Shared<T>>,
}

/// Puts pieces into a ring. Dropping it ends the stream.
#[derive(Debug)]
pub struct Writer<T> {
    shared: Arc<Shared<T>>,
}

/// A place in a ring.
#[derive(Debug)]
pub struct Cursor<T> {
    shared: Arc<Shared<T>>,
    at: u64,
}

/// What a cursor gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<T> {
    /// The next piece.
    Piece(T),
    /// Nothing: what came next is not held any more.
    Lost,
    /// Nothing: the writer is gone.
    Ended,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    written: Notify,
}

#[derive(Debug)]
struct State<T> {
    pieces: VecDeque<(usize, T)>,
    /// The number of the oldest piece that is held.
    first: u64,
    bytes: usize,
    most_bytes: usize,
    cursors: usize,
    ended: bool,
}

impl<T: Clone> Ring<T> {
    /// A ring that holds at most `most_bytes`, or one piece if that is larger.
    #[must_use]
    pub fn new(most_bytes: usize) -> (Self, Writer<T>) {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                pieces: VecDeque::new(),
                first: 0,
                bytes: 0,
                most_bytes,
                cursors: 0,
                ended: false,
            }),
            written: Notify::new(),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
        };
        (Self { shared }, writer)
    }

    /// A cursor in front of what is written next.
    #[must_use]
    pub fn at_end(&self) -> Cursor<T> {
        let mut state = self.shared.state();
        let at = state.end();
        self.cursor(&mut state, at)
    }

    /// The newest piece that is held and `wanted`, as soon as there is one, and a cursor in front of
    /// it.
    pub async fn find(&self, wanted: impl Fn(&T) -> bool) -> (Cursor<T>, T) {
        loop {
            let written = self.shared.written.notified();
            tokio::pin!(written);
            // Registered before looking, so that a piece written in between is not missed.
            written.as_mut().enable();
            if let Some(found) = self.at(&wanted) {
                return found;
            }
            written.await;
        }
    }

    fn at(&self, wanted: impl Fn(&T) -> bool) -> Option<(Cursor<T>, T)> {
        let mut state = self.shared.state();
        let place = state.pieces.iter().rposition(|(_, piece)| wanted(piece))?;
        let piece = state.pieces.get(place).map(|(_, piece)| piece.clone())?;
        let at = state.first.saturating_add(u64::try_from(place).ok()?);
        (!state.ended).then(|| (self.cursor(&mut state, at), piece))
    }

    /// Whether the writer is gone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.state().ended
    }

    fn cursor(&self, state: &mut State<T>, at: u64) -> Cursor<T> {
        state.cursors += 1;
        Cursor {
            shared: Arc::clone(&self.shared),
            at,
        }
    }
}

impl<T> Clone for Ring<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> Writer<T> {
    /// Appends a piece of `bytes` bytes, at the cost of the oldest ones.
    pub fn push(&self, bytes: usize, piece: T) {
        let mut state = self.shared.state();
        state.pieces.push_back((bytes, piece));
        state.bytes = state.bytes.saturating_add(bytes);
        while state.bytes > state.most_bytes && state.pieces.len() > 1 {
            if let Some((bytes, _)) = state.pieces.pop_front() {
                state.bytes = state.bytes.saturating_sub(bytes);
                state.first = state.first.saturating_add(1);
            }
        }
        drop(state);
        self.shared.written.notify_waiters();
    }

    /// Ends the stream if no cursor is left; says whether it did.
    #[must_use]
    pub fn end_if_unread(&self) -> bool {
        let mut state = self.shared.state();
        state.ended = state.cursors == 0;
        state.ended
    }
}

impl<T: Clone> Cursor<T> {
    /// The next piece, as soon as there is one. Safe to drop and call again.
    pub async fn next(&mut self) -> Next<T> {
        loop {
            let written = self.shared.written.notified();
            tokio::pin!(written);
            // Registered before looking, so that a piece written in between is not missed.
            written.as_mut().enable();
            if let Some(next) = self.shared.state().get(self.at) {
                if let Next::Piece(_) = next {
                    self.at = self.at.saturating_add(1);
                }
                return next;
            }
            written.await;
        }
    }
}

impl<T> State<T> {
    /// The number that the next piece gets.
    fn end(&self) -> u64 {
        let held = u64::try_from(self.pieces.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(held)
    }
}

impl<T: Clone> State<T> {
    fn get(&self, at: u64) -> Option<Next<T>> {
        let Some(place) = at.checked_sub(self.first) else {
            return Some(Next::Lost);
        };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        match self.pieces.get(place) {
            Some((_, piece)) => Some(Next::Piece(piece.clone())),
            None => self.ended.then_some(Next::Ended),
        }
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere leaves the pieces as good as they were.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.written.notify_waiters();
    }
}

impl<T> Drop for Cursor<T> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.cursors = state.cursors.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, Ring};
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn every_cursor_gets_every_piece_in_order() {
        let (ring, writer) = Ring::new(100);
        let mut cursors = [ring.at_end(), ring.at_end()];
        for number in 0..50 {
            writer.push(10, number);
            for cursor in &mut cursors {
                assert_eq!(cursor.next().await, Next::Piece(number));
            }
        }
    }

    #[tokio::test]
    async fn a_cursor_that_falls_behind_loses_its_place_and_slows_nobody() {
        let (ring, writer) = Ring::new(100);
        let (mut slow, mut fast) = (ring.at_end(), ring.at_end());
        for number in 0..11 {
            writer.push(10, number);
            assert_eq!(fast.next().await, Next::Piece(number));
        }
        assert_eq!(slow.next().await, Next::Lost);
        let (mut again, _) = ring.at(|number| *number % 4 == 0).unwrap();
        assert_eq!(again.next().await, Next::Piece(8));
    }

    #[tokio::test]
    async fn no_more_bytes_are_held_than_allowed() {
        let (ring, writer) = Ring::new(100);
        let _cursor = ring.at_end();
        for bytes in [60, 30, 40, 100, 1, 250, 10] {
            writer.push(bytes, bytes);
            let state = ring.shared.state();
            let held: usize = state.pieces.iter().map(|(bytes, _)| bytes).sum();
            assert_eq!(held, state.bytes);
            assert!(held <= 100 || state.pieces.len() == 1);
        }
    }

    #[tokio::test]
    async fn a_waiting_cursor_is_woken_by_a_piece_and_by_the_end() {
        let (ring, writer) = Ring::new(100);
        let mut cursor = ring.at_end();
        let waits = tokio::spawn(async move {
            let piece = cursor.next().await;
            (piece, cursor.next().await)
        });
        tokio::task::yield_now().await;
        writer.push(1, 7);
        tokio::task::yield_now().await;
        drop(writer);
        let woken = timeout(Duration::from_secs(5), waits).await.unwrap();
        assert_eq!(woken.unwrap(), (Next::Piece(7), Next::Ended));
        assert!(ring.has_ended() && ring.at(|_| true).is_none());
    }

    #[tokio::test]
    async fn it_ends_when_nobody_reads_it() {
        let (ring, writer) = Ring::<u8>::new(100);
        let cursor = ring.at_end();
        assert!(!writer.end_if_unread());
        drop(cursor);
        assert!(writer.end_if_unread());
        assert!(ring.has_ended());
    }
}
