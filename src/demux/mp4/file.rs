//! How readers here get at bytes of the file without reading it.
//!
//! A reader attempts its work on what its [`Window`] holds. Where bytes lack, the attempt stops
//! with the span that it needs, the pull hands that to the caller, and the next pull makes the
//! same attempt again, which finds the bytes in the [`File`]'s tray. Whatever an attempt did
//! before it stopped is kept by its reader, so that each answer moves it on: a reader never looks
//! at two far places of one window within one attempt without noting the first.

use crate::demux::Span;
use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;

/// Why an attempt did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// These bytes of the file are needed first.
    Need(Span),
    /// It never will.
    Failed(Error),
}

/// What comes of an attempt.
pub(super) type Attempt<T> = std::result::Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The file as far as it is known: its length, and the bytes that were pushed last.
#[derive(Debug)]
pub(super) struct File {
    bytes: u64,
    wanted: Option<Span>,
    tray: Option<(u64, Bytes)>,
}

impl File {
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            bytes,
            wanted: None,
            tray: None,
        }
    }

    /// Its length: what the caller said, or less where it turned out to end earlier.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Notes what the caller has been asked for.
    pub(super) fn want(&mut self, span: Span) {
        self.wanted = Some(span);
    }

    /// Forgets what was asked and pushed.
    pub(super) fn clear(&mut self) {
        self.wanted = None;
        self.tray = None;
    }

    /// Takes the answer to what was asked.
    pub(super) fn push(&mut self, offset: u64, mut bytes: Bytes) -> Result<()> {
        let asked = |span: &Span| span.offset == offset;
        let Some(span) = self.wanted.take_if(|span| asked(span)) else {
            return Err(Error::invalid("push", "these bytes were not asked for"));
        };
        if bytes.len() < span.len {
            self.bytes = offset.saturating_add(length(bytes.len()));
        }
        bytes.truncate(span.len);
        self.tray = Some((offset, bytes));
        Ok(())
    }

    fn take(&mut self, at: u64, len: usize) -> Option<Bytes> {
        self.tray
            .take_if(|(offset, bytes)| *offset == at && bytes.len() >= len)
            .map(|(_, bytes)| bytes)
    }
}

/// Bytes of the file that one reader holds.
#[derive(Debug, Clone)]
pub(super) struct Window {
    offset: u64,
    bytes: Bytes,
    most: usize,
    /// How many it fetches next: more than usual while a table is being walked.
    ahead: usize,
}

impl Window {
    /// One that fetches `most` bytes at once.
    pub(super) fn new(most: usize) -> Self {
        Self {
            offset: 0,
            bytes: Bytes::new(),
            most,
            ahead: most,
        }
    }

    /// The `len` bytes at `at`. Fetches ahead, though never past `end`, where they are not held.
    /// `len` has to be checked by the caller; `what` names the structure in errors.
    pub(super) fn read(
        &mut self,
        file: &mut File,
        what: &'static str,
        at: u64,
        len: usize,
        end: u64,
    ) -> Attempt<Bytes> {
        if len == 0 {
            return Ok(Bytes::new());
        }
        if let Some(bytes) = self.held(at, len) {
            return Ok(bytes);
        }
        let left = file.bytes().saturating_sub(at);
        if left < length(len) {
            return Err(Error::malformed(what, at, "the file ends before it does").into());
        }
        if let Some(bytes) = file.take(at, len) {
            self.offset = at;
            self.bytes = bytes;
            return Ok(self.bytes.slice(..len));
        }
        let ahead = end.saturating_sub(at).min(left);
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX).min(self.ahead);
        Err(Stop::Need(Span {
            offset: at,
            len: ahead.max(len),
        }))
    }

    fn held(&self, at: u64, len: usize) -> Option<Bytes> {
        let from = usize::try_from(at.checked_sub(self.offset)?).ok()?;
        let to = from.checked_add(len)?;
        (to <= self.bytes.len()).then(|| self.bytes.slice(from..to))
    }

    /// All bytes that are held from `at` on.
    pub(super) fn held_from(&self, at: u64) -> Bytes {
        let from = at.checked_sub(self.offset);
        let from = from.and_then(|from| usize::try_from(from).ok());
        let from = from.filter(|from| *from <= self.bytes.len());
        from.map_or_else(Bytes::new, |from| self.bytes.slice(from..))
    }

    /// What was wanted is not among the bytes held, but somewhere behind them: twice as many are
    /// fetched next.
    pub(super) fn stretch(&mut self) {
        let most = limits::TABLE_WINDOW_BYTES.saturating_mul(4);
        self.ahead = self.ahead.saturating_mul(2).min(most);
    }

    /// What was wanted has been found at `at`: the rest of a stretched window is let go.
    pub(super) fn settle(&mut self, at: u64) {
        self.ahead = self.most;
        if self.bytes.len() > self.most {
            let kept = self.held_from(at);
            // A copy, so that it does not keep the whole of it alive.
            self.bytes = Bytes::copy_from_slice(kept.get(..self.most).unwrap_or(&kept));
            self.offset = at;
        }
    }

    /// Lets all of it go.
    pub(super) fn clear(&mut self) {
        self.bytes = Bytes::new();
    }

    /// Whether these bytes are held.
    pub(super) fn holds(&self, at: u64, len: usize) -> bool {
        self.held(at, len).is_some()
    }

    /// How many it fetches at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Bytes held now.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A length in memory as a length in the file.
pub(super) fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(attempt: Attempt<Bytes>) -> Span {
        match attempt {
            Err(Stop::Need(span)) => span,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_window_asks_once_and_then_answers_from_what_it_holds() {
        let mut file = File::new(100);
        let mut window = Window::new(16);
        let span = need(window.read(&mut file, "x", 90, 4, u64::MAX));
        assert_eq!(
            (span.offset, span.len),
            (90, 10),
            "never past the end of the file"
        );
        file.want(span);
        file.push(90, Bytes::from((90..100).collect::<Vec<u8>>()))
            .unwrap();
        assert_eq!(
            &window.read(&mut file, "x", 90, 4, 100).unwrap()[..],
            &[90, 91, 92, 93]
        );
        assert_eq!(
            &window.read(&mut file, "x", 98, 2, 100).unwrap()[..],
            &[98, 99]
        );
        assert!(matches!(
            window.read(&mut file, "x", 98, 3, 200),
            Err(Stop::Failed(_))
        ));
    }

    #[test]
    fn a_short_answer_means_that_the_file_ended_early() {
        let mut file = File::new(100);
        let mut window = Window::new(16);
        let span = need(window.read(&mut file, "x", 40, 8, u64::MAX));
        file.want(span);
        file.push(40, Bytes::from_static(b"abc")).unwrap();
        assert_eq!(file.bytes(), 43);
        assert!(matches!(
            window.read(&mut file, "x", 40, 8, 100),
            Err(Stop::Failed(_))
        ));
    }

    #[test]
    fn bytes_that_were_not_asked_for_are_refused() {
        let mut file = File::new(100);
        assert!(file.push(0, Bytes::from_static(b"abc")).is_err());
    }
}
