//! EBML, the binary tree that Matroska is written in (RFC 8794): element heads, values, and the
//! children of an element that is held whole.
//!
//! Knows no element by name. What needs bytes that are not there yet stops with a [`Halt`].

use crate::demux::Span;
use crate::error::Error;
use crate::limits;

/// Longest element head: an ID of 4 bytes and a size of 8.
pub(super) const HEAD_BYTES: usize = 12;

/// Why a step of reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// It goes on when these bytes are there.
    Need(Span),
    /// The file ends at this offset, in the middle of something.
    Ended(u64),
    /// The structure breaks at this offset.
    Broken(u64, &'static str),
    /// It cannot go on.
    Fail(Error),
}

/// The outcome of a step of reading.
pub(super) type Step<T> = Result<T, Halt>;

impl Halt {
    /// Gives what is broken the name of the element that was being read.
    pub(super) fn within(self, what: &'static str) -> Self {
        match self {
            Self::Ended(offset) => {
                Self::Fail(Error::malformed(what, offset, "the file ends inside it"))
            }
            Self::Broken(offset, why) => Self::Fail(Error::malformed(what, offset, why)),
            other => other,
        }
    }

    /// The error that it is, where nothing is needed and no name was given.
    pub(super) fn into_error(self) -> Error {
        match self.within("Segment") {
            Self::Fail(error) => error,
            _ => Error::invalid("Matroska", "bytes are needed"),
        }
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

/// The head of an element in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// Its ID, length marker included.
    pub(super) id: u32,
    /// Where its head begins.
    pub(super) at: u64,
    /// Where its body begins.
    pub(super) body: u64,
    /// Bytes in its body; `None` where the writer did not know.
    pub(super) size: Option<u64>,
}

impl Element {
    /// Where it ends, if that is known.
    pub(super) fn end(&self) -> Option<u64> {
        self.size.map(|size| self.body.saturating_add(size))
    }
}

/// Why no head could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHead {
    /// It goes on past the bytes given.
    Short,
    /// It is none.
    Bad(&'static str),
}

/// Reads an element's head at the start of `bytes`, which stand at `at` in the file (§4, §5).
pub(super) fn head(bytes: &[u8], at: u64) -> Result<Element, NoHead> {
    let first = *bytes.first().ok_or(NoHead::Short)?;
    let id_len = vint_len(first);
    if id_len > 4 {
        return Err(NoHead::Bad("an element's ID is longer than 4 bytes"));
    }
    let id_bytes = bytes.get(..id_len).ok_or(NoHead::Short)?;
    let id = id_bytes
        .iter()
        .fold(0, |id: u32, byte| (id << 8) | u32::from(*byte));
    let rest = bytes.get(id_len..).unwrap_or_default();
    let (size, size_len) = size(rest)?;
    Ok(Element {
        id,
        at,
        body: at.saturating_add(widen(id_len + size_len)),
        size,
    })
}

/// Reads an element's size (§6.2): its value, `None` for unknown, and its own length.
fn size(bytes: &[u8]) -> Result<(Option<u64>, usize), NoHead> {
    let first = *bytes.first().ok_or(NoHead::Short)?;
    if first == 0 {
        return Err(NoHead::Bad("an element's size is longer than 8 bytes"));
    }
    let (value, len) = vint(bytes).ok_or(NoHead::Short)?;
    let unknown = (1 << (7 * len)) - 1;
    Ok(((value != unknown).then_some(value), len))
}

/// Reads a variable-size integer without its marker (§4): the value and its length in bytes.
pub(super) fn vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let len = vint_len(first);
    let all = bytes.get(..len)?;
    let marked = all
        .iter()
        .fold(0, |value: u64, byte| (value << 8) | u64::from(*byte));
    Some((marked & ((1 << (7 * len)) - 1), len))
}

/// The length in bytes that a first byte tells; 9 where it tells none.
fn vint_len(first: u8) -> usize {
    match first.leading_zeros() {
        0 => 1,
        1 => 2,
        2 => 3,
        3 => 4,
        4 => 5,
        5 => 6,
        6 => 7,
        7 => 8,
        _ => 9,
    }
}

/// A length as a file offset.
pub(super) fn widen(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The children of an element whose body is held whole.
#[derive(Debug, Clone)]
pub(super) struct Children<'a> {
    bytes: &'a [u8],
    at: u64,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) id: u32,
    /// Where its head begins in the file.
    pub(super) at: u64,
    /// Where its body begins in the file.
    pub(super) body_at: u64,
    pub(super) body: &'a [u8],
}

impl<'a> Children<'a> {
    /// The elements in `bytes`, which stand at `at` in the file.
    pub(super) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { bytes, at }
    }

    fn read(&mut self) -> Step<Child<'a>> {
        let past_parent = Halt::Broken(self.at, "an element runs past the end of its parent");
        let element = head(self.bytes, self.at).map_err(|no_head| match no_head {
            NoHead::Short => past_parent.clone(),
            NoHead::Bad(why) => Halt::Broken(self.at, why),
        })?;
        let head_len = usize::try_from(element.body - element.at).unwrap_or(usize::MAX);
        let size = element.size.ok_or(Halt::Broken(
            self.at,
            "an element's size is unknown where it must be told",
        ))?;
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        let rest = self.bytes.get(head_len..).unwrap_or_default();
        let (body, after) = rest.split_at_checked(len).ok_or(past_parent)?;
        self.bytes = after;
        self.at = element.body.saturating_add(size);
        Ok(Child {
            id: element.id,
            at: element.at,
            body_at: element.body,
            body,
        })
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Step<Child<'a>>;

    /// The next child; ends for good after a broken one.
    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.bytes = &[];
        }
        Some(read)
    }
}

impl<'a> Child<'a> {
    /// The elements in it.
    pub(super) fn children(&self) -> Children<'a> {
        Children::new(self.body, self.body_at)
    }

    /// Its value as an unsigned integer (§7.2).
    pub(super) fn uint(&self) -> Step<u64> {
        uint(self.body).ok_or(Halt::Broken(self.at, "an integer is longer than 8 bytes"))
    }

    /// Its value as a number, kept finite (§7.3).
    pub(super) fn float(&self) -> Step<f64> {
        let value = match *self.body {
            [] => 0.0,
            [a, b, c, d] => f64::from(f32::from_be_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => {
                return Err(Halt::Broken(
                    self.at,
                    "a float is neither 4 nor 8 bytes long",
                ));
            }
        };
        Ok(if value.is_finite() { value } else { 0.0 })
    }

    /// Its value as text, at most `limits::TEXT_BYTES` of it, without padding (§7.4, §7.5).
    pub(super) fn text(&self) -> String {
        let kept = self.body.get(..limits::TEXT_BYTES).unwrap_or(self.body);
        let end = kept.iter().position(|byte| *byte == 0);
        let kept = kept.get(..end.unwrap_or(kept.len())).unwrap_or_default();
        String::from_utf8_lossy(kept).trim().to_owned()
    }
}

/// A big-endian unsigned integer of at most 8 bytes; nothing is 0.
pub(super) fn uint(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| {
        bytes
            .iter()
            .fold(0, |value, byte| (value << 8) | u64::from(*byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_every_length_are_read() {
        let short = head(&[0xA3, 0x85], 10).unwrap();
        assert_eq!((short.id, short.body, short.size), (0xA3, 12, Some(5)));
        let long = head(&[0x1A, 0x45, 0xDF, 0xA3, 0x01, 0, 0, 0, 0, 0, 0, 0x23], 0).unwrap();
        assert_eq!(
            (long.id, long.body, long.size),
            (0x1A45_DFA3, 12, Some(0x23))
        );
    }

    #[test]
    fn all_ones_is_an_unknown_size_at_every_length() {
        for len in 1..=8_usize {
            let mut bytes = vec![0xA3, u8::MAX >> (len - 1)];
            bytes.resize(1 + len, 0xFF);
            assert_eq!(head(&bytes, 0).unwrap().size, None, "{len} bytes");
        }
    }

    #[test]
    fn a_head_that_is_none_is_told_from_one_that_is_short() {
        assert!(matches!(head(&[0x08, 0, 0], 0), Err(NoHead::Bad(_))));
        assert!(matches!(head(&[0xA3, 0x00], 0), Err(NoHead::Bad(_))));
        assert_eq!(head(&[0x1A, 0x45], 0), Err(NoHead::Short));
        assert_eq!(head(&[0xA3, 0x40], 0), Err(NoHead::Short));
    }

    #[test]
    fn a_child_past_its_parent_is_broken_and_ends_the_row() {
        let mut children = Children::new(&[0xD7, 0x81, 7, 0xAE, 0x88, 1], 100);
        assert_eq!(children.next().unwrap().unwrap().uint(), Ok(7));
        assert!(matches!(children.next(), Some(Err(Halt::Broken(103, _)))));
        assert!(children.next().is_none());
    }
}
