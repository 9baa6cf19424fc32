//! The part of the file that is held: one block. Packets are read one after the other, so what was
//! passed is never asked for again.

use crate::demux::Span;
use crate::error::{Error, Result};
use bytes::Bytes;

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
}

impl Window {
    /// Nothing yet of a file of `file_bytes` bytes.
    pub(super) fn new(file_bytes: u64) -> Self {
        Self {
            file_bytes,
            from: 0,
            block: Bytes::new(),
            asked: None,
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
        self.from = offset;
        self.block = bytes;
        Ok(())
    }

    /// Sees to it that `len` bytes from `at` on are held; where they are not, asks for `reach`
    /// bytes, or as many as there are.
    pub(super) fn hold(&mut self, at: u64, len: usize, reach: usize) -> Step<()> {
        if at.saturating_add(widen(len)) > self.file_bytes {
            return Err(Halt::Ended);
        }
        if self.held(at).len() >= len {
            return Ok(());
        }
        let left = usize::try_from(self.file_bytes - at).unwrap_or(usize::MAX);
        let span = Span {
            offset: at,
            len: reach.max(len).min(left),
        };
        self.asked = Some(span);
        Err(Halt::Need(span))
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
