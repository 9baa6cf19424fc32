//! One place at which a source is read: an answer read in order, and the bytes just passed.

use super::super::{SHARED_BYTES, Use, as_u64};
use super::answer::{Given, Range};
use super::stream::{Place, Stream};
use super::window::Window;
use crate::error::Result;
use crate::limits;
use bytes::Bytes;
use std::cmp::Reverse;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Reads a source from one place on.
pub(super) struct Lane {
    state: State,
    window: Window,
    /// Bytes that the next request asks for; `ALL` the rest in the end.
    ask: u64,
    /// Whether anything was received since the connection was last made for this place.
    progress: Progress,
    /// The reader's count of reads when it was last used.
    pub(super) used: u64,
}

/// As much as there is.
const ALL: u64 = u64::MAX;

type Opening = Pin<Box<dyn Future<Output = Result<Stream>> + Send + Sync>>;

/// What a lane does.
enum State {
    /// Nothing is asked for. There may be an answer of which nobody wants the short rest.
    Still(Option<Box<Stream>>),
    /// The answer to what was asked for from the front on is awaited. It is kept when the read that
    /// waits for it is given up.
    Asked(Opening),
    /// It is read.
    Reading(Box<Stream>),
}

/// How well a read fits a lane; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// All of it was just passed.
    Passed,
    /// Reading on leads there. A lane that asks for much already reads in order, and goes on so.
    Ahead(Reverse<u64>),
}

/// Whether trying again is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    None,
    Some,
}

impl Lane {
    /// A lane that stands at `offset`, where at least `ask` bytes are wanted.
    pub(super) fn at(offset: u64, ask: u64) -> Self {
        Self {
            state: State::Still(None),
            window: Window::at(offset),
            ask,
            progress: Progress::None,
            used: 0,
        }
    }

    /// The same, on a connection that is there.
    pub(super) fn on(mut self, spare: Option<Box<Stream>>) -> Self {
        self.state = State::Still(spare);
        self
    }

    /// How well a read fits here, if it is near at all. A small read may belong to a cursor that
    /// runs before another one; so it must leave in the window all that is passed on the way.
    pub(super) fn fit(&self, used: Use, offset: u64, len: usize) -> Option<Fit> {
        let front = self.window.end();
        if offset < self.window.begin() {
            return None;
        }
        if offset.saturating_add(as_u64(len)) <= front {
            return Some(Fit::Passed);
        }
        let most = if len < SHARED_BYTES {
            as_u64(limits::SOURCE_WINDOW_BYTES.saturating_sub(len))
        } else {
            limits::SOURCE_GAP_BYTES
        };
        // What was not asked for yet is better asked for where it is needed.
        let asked = self.asked();
        let asked = match used {
            Use::Media => asked.saturating_add(as_u64(limits::SOURCE_LOOK_BYTES)),
            Use::Index => asked.saturating_sub(as_u64(len)),
        };
        let near = offset.saturating_sub(front) <= most && offset <= asked;
        near.then_some(Fit::Ahead(Reverse(self.ask)))
    }

    /// How far what was asked for goes.
    fn asked(&self) -> u64 {
        let front = self.window.end();
        match &self.state {
            State::Still(_) => front,
            State::Asked(_) => front.saturating_add(self.ask),
            State::Reading(stream) => front.saturating_add(stream.rest()),
        }
    }

    /// Leaves everything and goes to another place, where `ask` bytes are wanted. A connection whose
    /// answer is nearly read is kept.
    pub(super) fn move_to(&mut self, offset: u64, ask: u64) {
        self.window = Window::at(offset);
        self.ask = ask;
        self.progress = Progress::None;
        self.leave();
    }

    /// Lets go of what was passed.
    pub(super) fn forget(&mut self) {
        self.window = Window::at(self.window.end());
    }

    fn leave(&mut self) {
        let before = match self.take() {
            State::Still(before) => before,
            State::Reading(stream) if stream.rest() <= limits::SOURCE_DRAIN_BYTES => Some(stream),
            State::Asked(_) | State::Reading(_) => None,
        };
        self.state = State::Still(before);
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Still(None))
    }

    /// Asks from the front on, and gives what the server says.
    pub(super) async fn ask(&mut self, place: &mut Place) -> Result<Given> {
        loop {
            match &mut self.state {
                State::Reading(stream) => return Ok(stream.given),
                State::Asked(opening) => {
                    let opened = opening.as_mut().await;
                    self.state = State::Still(None);
                    let stream = opened?;
                    place.now = stream.target.clone();
                    place.answers_after = Some(stream.began_after);
                    self.state = State::Reading(Box::new(stream));
                }
                State::Still(_) => {
                    let range = self.range(place.total);
                    let State::Still(before) = self.take() else {
                        continue;
                    };
                    let opening = Stream::open(place.clone(), range, before);
                    self.state = State::Asked(Box::pin(opening));
                }
            }
        }
    }

    fn range(&self, total: Option<u64>) -> Range {
        let from = self.window.end();
        let to = from.saturating_add(self.ask);
        let to = total.map_or(to, |total| to.min(total));
        Range {
            from,
            to: (self.ask != ALL).then_some(to),
        }
    }

    /// Whether all the rest was asked for.
    pub(super) fn reads_on(&self) -> bool {
        self.ask == ALL
    }

    /// `len` bytes from `offset`, which is near and lies with all of them inside the file.
    ///
    /// # Errors
    /// As `Reader::read`.
    pub(super) async fn read(
        &mut self,
        place: &mut Place,
        offset: u64,
        len: usize,
    ) -> Result<Bytes> {
        self.window.settle();
        let end = offset.saturating_add(as_u64(len));
        while self.window.end() < offset {
            let gap = offset - self.window.end();
            let piece = self.piece(place, end, gap).await?;
            self.window.push(piece);
        }
        if let Some(found) = self.window.get(offset, len) {
            return Ok(found);
        }
        if self.window.end() == offset {
            self.fill(place, end).await?;
            if self.received() >= len {
                let piece = self.next(as_u64(len));
                self.window.push(piece.clone());
                return Ok(piece);
            }
        }
        self.window.begin_gathering(offset, len);
        while self.window.gathered() < len {
            let missing = as_u64(len - self.window.gathered());
            self.fill(place, end).await?;
            if let State::Reading(stream) = &mut self.state {
                let most = usize::try_from(missing).unwrap_or(usize::MAX);
                let piece = stream.piece.split_to(most.min(stream.piece.len()));
                self.window.gather(&piece);
            }
        }
        Ok(self.window.finish_gathering())
    }

    /// The next bytes from the front, at most `most`.
    async fn piece(&mut self, place: &mut Place, end: u64, most: u64) -> Result<Bytes> {
        self.fill(place, end).await?;
        Ok(self.next(most))
    }

    /// Bytes that were received and not taken.
    fn received(&self) -> usize {
        match &self.state {
            State::Reading(stream) => stream.piece.len(),
            _ => 0,
        }
    }

    /// Takes of what was received, at most `most`.
    fn next(&mut self, most: u64) -> Bytes {
        let State::Reading(stream) = &mut self.state else {
            return Bytes::new();
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let piece = stream.piece.split_to(most.min(stream.piece.len()));
        // A small piece must not hold the whole buffer that it was received in.
        if piece.len() < SHARED_BYTES {
            Bytes::copy_from_slice(&piece)
        } else {
            piece
        }
    }

    /// Sees to it that something is received that was not taken. `end` is how far the read goes.
    ///
    /// This is the only place where a read waits. What was begun stays in the lane's state.
    async fn fill(&mut self, place: &mut Place, end: u64) -> Result<()> {
        loop {
            match &mut self.state {
                State::Reading(stream) if !stream.piece.is_empty() => return Ok(()),
                State::Reading(stream) if stream.is_done() => {
                    self.leave();
                    let wanted = end.saturating_sub(self.window.end());
                    let twice = self.ask.saturating_mul(2).max(wanted);
                    let open = twice >= limits::SOURCE_OPEN_ENDED_BYTES;
                    self.ask = if open { ALL } else { twice };
                }
                State::Reading(stream) => match stream.receive().await {
                    Ok(()) => self.progress = Progress::Some,
                    Err(error) => {
                        self.state = State::Still(None);
                        if self.progress == Progress::None {
                            return Err(error);
                        }
                        self.progress = Progress::None;
                    }
                },
                _ => {
                    self.ask(place).await?;
                }
            }
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("front", &self.window.end())
            .field("ask", &self.ask)
            .finish_non_exhaustive()
    }
}
