//! The part of the file that is held: one block. Packets are read one after the other, so what was
//! passed is never asked for again, but for the rest of a block that was too short. Of a stream that
//! is made while it is read no byte is asked for twice: such a rest is kept.

use crate::demux::Span;
use crate::error::{Error, Result};
use crate::limits;
use bytes::{Buf, Bytes, BytesMut};

/// Why a step cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// Bytes are missing.
    Need(Span),
    /// The file ends.
    Ended,
    /// It cannot go on.
    Fail(Error),
}

/// The outcome of a step.
pub(super) type Step<T> = std::result::Result<T, Halt>;

/// The held block of one file.
#[derive(Debug)]
pub(super) struct Window {
    file_bytes: u64,
    from: u64,
    block: Bytes,
    asked: Option<Span>,
    order: Order,
}

/// In which order bytes can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Any,
    /// As they come; until they are let go, all of them are kept.
    Beginning,
    /// As they come.
    Forward,
}

impl Window {
    /// Nothing yet of a file of `file_bytes` bytes.
    pub(super) fn new(file_bytes: u64) -> Self {
        Self {
            file_bytes,
            from: 0,
            block: Bytes::new(),
            asked: None,
            order: Order::Any,
        }
    }

    /// Nothing yet of a stream. What comes is kept until it is let go.
    pub(super) fn live() -> Self {
        Self {
            order: Order::Beginning,
            ..Self::new(u64::MAX)
        }
    }

    /// Whether it can only go forward.
    pub(super) fn is_live(&self) -> bool {
        self.order != Order::Any
    }

    /// Of a stream, what was passed is kept no more.
    pub(super) fn let_go(&mut self) {
        if self.is_live() {
            self.order = Order::Forward;
        }
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
        if bytes.len() < asked.len {
            let end = offset.saturating_add(widen(bytes.len()));
            self.file_bytes = self.file_bytes.min(end);
        }
        if self.block.is_empty() || !self.is_live() {
            self.from = offset;
            self.block = bytes;
        } else {
            self.append(&bytes);
        }
        Ok(())
    }

    /// Takes what comes next, behind what is held.
    fn append(&mut self, bytes: &[u8]) {
        let held = std::mem::take(&mut self.block);
        let mut row = if self.order == Order::Beginning {
            // It grows in place, and is copied no more often than a vector is.
            BytesMut::from(held)
        } else {
            // The rest of a packet, which must not keep the room that the beginning took.
            let mut row = BytesMut::with_capacity(held.len() + bytes.len());
            row.extend_from_slice(&held);
            row
        };
        row.extend_from_slice(bytes);
        self.block = row.freeze();
    }

    /// Sees to it that `len` bytes from `at` on are held; where they are not, asks for `reach`
    /// bytes, or as many as there are.
    pub(super) fn hold(&mut self, at: u64, len: usize, reach: usize) -> Step<()> {
        if at.saturating_add(widen(len)) > self.file_bytes {
            return Err(Halt::Ended);
        }
        let held_bytes = self.held(at).len();
        if held_bytes >= len {
            return Ok(());
        }
        let span = if self.is_live() {
            self.forget_before(at);
            Span {
                offset: self.from.saturating_add(widen(self.block.len())),
                len: (len - held_bytes).max(limits::LIVE_BLOCK_BYTES),
            }
        } else {
            let left = usize::try_from(self.file_bytes - at).unwrap_or(usize::MAX);
            Span {
                offset: at,
                len: reach.max(len).min(left),
            }
        };
        self.asked = Some(span);
        Err(Halt::Need(span))
    }

    /// Lets go of what lies before `at`, unless it is kept.
    fn forget_before(&mut self, at: u64) {
        if self.order == Order::Forward {
            let passed = usize::try_from(at.saturating_sub(self.from)).unwrap_or(usize::MAX);
            let passed = passed.min(self.block.len());
            self.block.advance(passed);
            self.from = self.from.saturating_add(widen(passed));
        }
    }

    /// What is held from `at` on.
    pub(super) fn held(&self, at: u64) -> &[u8] {
        let skip = at
            .checked_sub(self.from)
            .and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.block.get(skip..))
            .unwrap_or_default()
    }
}

/// A length in memory as one in the file.
pub(super) fn widen(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Halt, Window, widen};
    use crate::limits;
    use bytes::Bytes;

    /// Holds packet after packet of a stream up to `end`, and says how much was held at the most.
    fn go(window: &mut Window, from: usize, end: usize) -> usize {
        let mut most = 0;
        for at in (from..end).step_by(188) {
            while let Err(halt) = window.hold(widen(at), 377, 1 << 20) {
                let Halt::Need(span) = halt else {
                    panic!("{halt:?}")
                };
                let come = window.from + widen(window.block.len());
                assert_eq!(span.offset, come, "nothing but what comes next");
                let bytes: Vec<u8> = (0..span.len).map(|_| 0x47).collect();
                window.push(span.offset, Bytes::from(bytes)).unwrap();
            }
            most = most.max(window.block.len());
        }
        most
    }

    #[test]
    fn of_a_stream_the_beginning_is_kept_until_it_is_let_go_and_little_from_then_on() {
        let mut window = Window::live();
        let most = go(&mut window, 0, 500_000);
        assert!((500_000..600_000).contains(&most), "{most}");
        assert_eq!(window.held(0).len(), window.block.len());
        window.let_go();
        assert_eq!(window.held(0).len(), window.block.len());
        // From the beginning once more, as playing does.
        go(&mut window, 0, 600_000);
        let most = go(&mut window, 600_000, 9_000_000);
        assert!(most <= limits::LIVE_BLOCK_BYTES + 2 * 377, "{most}");
    }

    #[test]
    fn the_beginning_of_a_stream_is_not_copied_with_each_block_that_comes() {
        let mut window = Window::live();
        let (mut place, mut moves) = (std::ptr::null(), 0);
        for at in (0..limits::LIVE_HEAD_BYTES).step_by(188) {
            go(&mut window, at, at + 188);
            let now = window.block.as_ptr();
            moves += usize::from(now != place);
            place = now;
        }
        let blocks = limits::LIVE_HEAD_BYTES / limits::LIVE_BLOCK_BYTES;
        assert!(moves <= blocks / 8, "{moves} moves of {blocks} blocks");
    }
}
