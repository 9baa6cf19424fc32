//! The part of the file that is held: a row of the blocks that were pushed, without a gap.
//!
//! Asks for bytes in file order, `limits::BLOCK_BYTES` at a time, and gives them out without
//! copying where they lie in one block. Keeps only what its reader has not let go. Of a stream that
//! is made while it is read it asks for nothing but the next bytes.

use super::ebml::{self, Element, Halt, NoHead, Step, widen};
use super::id;
use crate::demux::Span;
use crate::error::{Error, Result};
use crate::limits;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// The outcome of one step of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought<T> {
    /// Here it is.
    Found(T),
    /// It does not begin before this offset. The search goes on there, unless that is its end.
    NotBefore(u64),
}

/// Held bytes of one file.
#[derive(Debug)]
pub(super) struct Window {
    file_bytes: u64,
    start: u64,
    end: u64,
    blocks: VecDeque<Bytes>,
    asked: Option<Span>,
    order: Order,
    /// What lies from here on is kept, whoever lets go of it.
    kept_from: Option<u64>,
}

/// In which order bytes can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Any,
    /// As they come.
    Forward,
}

impl Window {
    /// Nothing yet of a file of `file_bytes` bytes.
    pub(super) fn new(file_bytes: u64) -> Self {
        Self::with_order(file_bytes, Order::Any)
    }

    /// Nothing yet of a stream.
    pub(super) fn live() -> Self {
        Self::with_order(u64::MAX, Order::Forward)
    }

    fn with_order(file_bytes: u64, order: Order) -> Self {
        Self {
            order,
            kept_from: None,
            file_bytes,
            start: 0,
            end: 0,
            blocks: VecDeque::new(),
            asked: None,
        }
    }

    /// Whether it can only go forward.
    pub(super) fn is_live(&self) -> bool {
        self.order == Order::Forward
    }

    /// Keeps all from `offset` on, until it is let go: of a stream it could not be had again.
    pub(super) fn keep_from(&mut self, offset: u64) {
        self.kept_from = Some(offset);
    }

    /// Ends the keeping.
    pub(super) fn let_go(&mut self) {
        self.kept_from = None;
    }

    /// Length of the file, as far as is known.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Takes the bytes that were asked for. Fewer mean that the file ends there.
    pub(super) fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        let asked = self.asked.take().filter(|asked| asked.offset == offset);
        let Some(asked) = asked.filter(|asked| bytes.len() <= asked.len) else {
            return Err(Error::invalid("bytes pushed", "they were not asked for"));
        };
        let end = offset.saturating_add(widen(bytes.len()));
        if bytes.len() < asked.len {
            self.file_bytes = self.file_bytes.min(end);
        }
        if !bytes.is_empty() {
            self.blocks.push_back(bytes);
        }
        self.end = end;
        Ok(())
    }

    /// Lets go of what lies before `offset`. Its reader will not go back there without asking.
    pub(super) fn forget_before(&mut self, offset: u64) {
        let offset = self.kept_from.map_or(offset, |kept| kept.min(offset));
        while let Some(first) = self.blocks.front() {
            let after = self.start.saturating_add(widen(first.len()));
            if after > offset {
                break;
            }
            self.start = after;
            self.blocks.pop_front();
        }
    }

    /// Exactly `len` bytes from `offset` on; at most `limits::SAMPLE_BYTES`.
    pub(super) fn take(&mut self, offset: u64, len: usize) -> Step<Bytes> {
        self.hold(offset, len)?;
        Ok(self.cut(offset, len))
    }

    /// Sees to it that `len` bytes from `offset` on are held; at most `limits::SAMPLE_BYTES`.
    pub(super) fn hold(&mut self, offset: u64, len: usize) -> Step<()> {
        if len > limits::SAMPLE_BYTES {
            return Err(Halt::Broken(
                offset,
                "it is larger than anything that is carried",
            ));
        }
        let end = offset.saturating_add(widen(len));
        if end > self.file_bytes {
            return Err(Halt::Ended(self.file_bytes));
        }
        if offset < self.start || end > self.end {
            return Err(self.ask(offset, end));
        }
        Ok(())
    }

    /// At most `len` bytes from `offset` on, fewer only where the file ends; at least 1.
    pub(super) fn take_up_to(&mut self, offset: u64, len: usize) -> Step<Bytes> {
        let left = usize::try_from(self.file_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        if left == 0 {
            return Err(Halt::Ended(self.file_bytes));
        }
        self.take(offset, len.min(left))
    }

    /// The head of the element at `offset`, in a parent that ends at `end`.
    pub(super) fn head(&mut self, offset: u64, end: u64) -> Step<Element> {
        let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let bytes = self.take_up_to(offset, left.clamp(1, ebml::HEAD_BYTES))?;
        let element = ebml::head(&bytes, offset).map_err(|no_head| match no_head {
            NoHead::Bad(why) => Halt::Broken(offset, why),
            NoHead::Short if end < self.file_bytes => {
                Halt::Broken(offset, "an element runs past the end of its parent")
            }
            NoHead::Short => Halt::Ended(self.file_bytes),
        })?;
        // A file's length would show that this is none; here all would be read to pass over it.
        let most = match element.id {
            id::SEGMENT | id::CLUSTER => u64::MAX,
            id if id::is_top_level(id) => limits::SEARCH_BYTES,
            _ => widen(limits::SAMPLE_BYTES),
        };
        if self.is_live() && element.size.is_some_and(|size| size > most) {
            return Err(Halt::Broken(offset, "an element is too large for a stream"));
        }
        Ok(element)
    }

    /// The whole body of an element, at most `limit` bytes.
    pub(super) fn body(&mut self, element: &Element, limit: usize) -> Step<Bytes> {
        let size = element.size.ok_or(Halt::Broken(
            element.at,
            "an element's size is unknown where it must be told",
        ))?;
        match usize::try_from(size) {
            Ok(len) if len <= limit => self.take(element.body, len),
            _ if element.body.saturating_add(size) > self.file_bytes => {
                Err(Halt::Ended(self.file_bytes))
            }
            _ => Err(Halt::Fail(Error::OverLimit {
                what: "size of a Matroska element in bytes",
                got: size,
                limit: widen(limit),
            })),
        }
    }

    /// Where `pattern` stands first in `from..to`. Looks through what is held of that, or the next
    /// block.
    pub(super) fn find(&mut self, pattern: [u8; 4], from: u64, to: u64) -> Step<Sought<u64>> {
        let to = to.min(self.file_bytes);
        if from.saturating_add(4) > to {
            return Ok(Sought::NotBefore(to));
        }
        // To the end of one held block, so that nothing but a seam is copied together.
        let held = if from >= self.start && from < self.end {
            self.block_rest(from)
        } else {
            0
        };
        let left = usize::try_from(to - from).unwrap_or(usize::MAX);
        let bytes = self.take(from, held.max(4).min(left))?;
        let found = bytes.windows(4).position(|four| four == pattern);
        Ok(match found {
            Some(at) => Sought::Found(from.saturating_add(widen(at))),
            None => Sought::NotBefore(from.saturating_add(widen(bytes.len().saturating_sub(3)))),
        })
    }

    /// Held bytes from `offset` to the end of their block.
    fn block_rest(&self, offset: u64) -> usize {
        let mut end = self.start;
        for block in &self.blocks {
            end = end.saturating_add(widen(block.len()));
            if offset < end {
                return usize::try_from(end - offset).unwrap_or(usize::MAX);
            }
        }
        0
    }

    /// Makes the question for `offset..end`, which is not wholly held.
    fn ask(&mut self, offset: u64, end: u64) -> Halt {
        if self.is_live() {
            return self.ask_on(offset, end);
        }
        if offset < self.start || offset > self.end || self.blocks.is_empty() {
            self.blocks.clear();
            self.start = offset;
            self.end = offset;
        }
        let block = if self.end == 0 {
            limits::SOURCE_OPENING_BYTES
        } else {
            limits::BLOCK_BYTES
        };
        let block_end = self.end.saturating_add(widen(block));
        let to = end.max(block_end).min(self.file_bytes);
        let span = Span {
            offset: self.end,
            len: usize::try_from(to.saturating_sub(self.end)).unwrap_or(usize::MAX),
        };
        self.asked = Some(span);
        Halt::Need(span)
    }

    /// Makes the question for what comes next, on the way to `offset..end`.
    fn ask_on(&mut self, offset: u64, end: u64) -> Halt {
        if offset < self.start {
            let why = "it is a stream, and what was passed is gone";
            return Halt::Fail(Error::malformed("Segment", offset, why));
        }
        // What lies on the way to something further on comes piece by piece, and is let go of.
        let is_next = offset <= self.end;
        let missing = end.saturating_sub(self.end);
        let missing = usize::try_from(missing).ok().filter(|_| is_next);
        let span = Span {
            offset: self.end,
            len: missing.unwrap_or(0).max(limits::LIVE_BLOCK_BYTES),
        };
        self.asked = Some(span);
        Halt::Need(span)
    }

    /// Held bytes: a slice of their block, or a copy where they lie in several.
    fn cut(&self, offset: u64, len: usize) -> Bytes {
        let mut skip = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let mut joined = BytesMut::new();
        for block in &self.blocks {
            if skip >= block.len() {
                skip -= block.len();
                continue;
            }
            let part = block.len().min(skip.saturating_add(len - joined.len()));
            if joined.is_empty() && part - skip == len {
                return block.slice(skip..part);
            }
            if joined.is_empty() {
                joined.reserve(len);
            }
            joined.extend_from_slice(block.get(skip..part).unwrap_or_default());
            if joined.len() == len {
                break;
            }
            skip = 0;
        }
        joined.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::{Halt, Window, widen};
    use crate::limits;
    use bytes::Bytes;

    /// Takes what comes up to `end`, bit by bit, and says how much was held at the most.
    fn go(window: &mut Window, from: u64, end: u64) -> u64 {
        let mut most = 0;
        for at in (from..end).step_by(1_000) {
            window.forget_before(at);
            while let Err(halt) = window.take(at, 700) {
                let Halt::Need(span) = halt else {
                    panic!("{halt:?}")
                };
                assert_eq!(span.offset, window.end, "nothing but what comes next");
                let bytes = Bytes::from(vec![0; span.len]);
                window.push(span.offset, bytes).unwrap();
                window.forget_before(at);
            }
            most = most.max(window.end - window.start);
        }
        most
    }

    #[test]
    fn of_a_stream_the_beginning_is_kept_until_it_is_let_go_and_little_from_then_on() {
        let mut window = Window::live();
        let block = widen(limits::LIVE_BLOCK_BYTES);
        assert!(go(&mut window, 0, 100_000) <= 2 * block);
        window.keep_from(100_000);
        assert!(go(&mut window, 100_000, 600_000) >= 500_000);
        window.let_go();
        go(&mut window, 100_000, 600_000);
        assert!(go(&mut window, 600_000, 9_000_000) <= 2 * block);
        // What was passed is gone, and what is far ahead is come to without holding the way.
        assert!(matches!(window.take(1_000, 10), Err(Halt::Fail(_))));
        assert!(go(&mut window, 20_000_000, 20_001_000) <= 2 * block);
    }
}
