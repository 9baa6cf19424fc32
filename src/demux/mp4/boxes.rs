//! Box headers (ISO/IEC 14496-12 §4.2) and the fields of small boxes.

use super::file::{Attempt, File, Window};
use crate::error::Error;
use bytes::Bytes;

/// Four characters that name a box, a handler or a sample entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FourCc(pub(super) [u8; 4]);

impl std::fmt::Display for FourCc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0 {
            match byte {
                0x20..=0x7E => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for FourCc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Where a box lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BoxHead {
    pub(super) kind: FourCc,
    /// Its first byte.
    pub(super) at: u64,
    /// Its first byte after the header.
    pub(super) body: u64,
    /// The byte after its last.
    pub(super) end: u64,
    /// It has been clipped.
    pub(super) cut: bool,
}

impl BoxHead {
    /// Bytes after its header.
    pub(super) fn body_bytes(&self) -> u64 {
        self.end.saturating_sub(self.body)
    }
}

/// What to make of a box that claims to be longer than what it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// It is broken.
    Refuse,
    /// It has been cut off: media data at the end of a file that was not copied whole.
    Clip,
}

/// The header of the box at `at`, within a parent that ends at `end`. None where too little is
/// left for one, and at the zeros with which QuickTime ends some lists.
pub(super) fn head(
    window: &mut Window,
    file: &mut File,
    what: &'static str,
    at: u64,
    end: u64,
    too_long: TooLong,
) -> Attempt<Option<BoxHead>> {
    if at.saturating_add(8) > end {
        return Ok(None);
    }
    let short = window.read(file, what, at, 8, end)?;
    let mut fields = Fields::new(&short);
    let size = u64::from(fields.u32().unwrap_or(0));
    let kind = FourCc(fields.array().unwrap_or_default());
    let (body, size) = match size {
        0 if kind.0 == [0; 4] => return Ok(None),
        0 => (8, end.saturating_sub(at)),
        1 => {
            let long = window.read(file, what, at, 16, end)?;
            (
                16,
                Fields::new(long.get(8..).unwrap_or_default())
                    .u64()
                    .unwrap_or(0),
            )
        }
        size => (8, size),
    };
    if size < body {
        return Err(
            Error::malformed(what, at, format!("box {kind} is shorter than its header")).into(),
        );
    }
    let mut last = at.saturating_add(size);
    let cut = last > end;
    if cut {
        if too_long == TooLong::Refuse {
            let why = format!("box {kind} of {size} bytes is longer than what it lies in");
            return Err(Error::malformed(what, at, why).into());
        }
        last = end;
    }
    Ok(Some(BoxHead {
        kind,
        at,
        body: at.saturating_add(body).min(last),
        end: last,
        cut,
    }))
}

/// Big-endian fields read off a slice from the front; None once it is used up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A field that is 64 bits wide from version 1 of its box on, 32 before.
    pub(super) fn wide(&mut self, version: u8) -> Option<u64> {
        if version == 0 {
            self.u32().map(u64::from)
        } else {
            self.u64()
        }
    }

    /// The version and flags of a full box.
    pub(super) fn version_flags(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        let [version, ..] = word.to_be_bytes();
        Some((version, word & 0x00FF_FFFF))
    }

    /// The same, behind the version and flags.
    pub(super) fn after_version_flags(mut self) -> Self {
        self.take(4);
        self
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// The boxes in a piece of memory, as kind and body, up to the first that does not fit.
pub(super) fn children(bytes: &Bytes) -> impl Iterator<Item = (FourCc, Bytes)> + '_ {
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        let mut fields = Fields::new(bytes.get(from..)?);
        let size = usize::try_from(fields.u32()?).ok()?;
        let kind = FourCc(fields.array()?);
        let end = from.checked_add(size)?;
        let body = from.checked_add(8)?;
        if body > end || end > bytes.len() {
            return None;
        }
        from = end;
        Some((kind, bytes.slice(body..end)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(bytes: &'static [u8], too_long: TooLong) -> Attempt<Option<BoxHead>> {
        let end = u64::try_from(bytes.len()).unwrap();
        let mut file = File::new(end);
        let mut window = Window::new(64);
        loop {
            match head(&mut window, &mut file, "file", 0, end, too_long) {
                Err(super::super::file::Stop::Need(span)) => {
                    file.want(span);
                    let from = usize::try_from(span.offset).unwrap();
                    file.push(
                        span.offset,
                        Bytes::from_static(&bytes[from..from + span.len]),
                    )
                    .unwrap();
                }
                other => return other,
            }
        }
    }

    #[test]
    fn sizes_of_32_and_64_bits_and_to_the_end_are_read() {
        let short = head_of(b"\0\0\0\x09free\0\0\0\0", TooLong::Refuse)
            .unwrap()
            .unwrap();
        assert_eq!((short.body, short.end), (8, 9));
        let long = head_of(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x11.", TooLong::Refuse)
            .unwrap()
            .unwrap();
        assert_eq!((long.body, long.end), (16, 17));
        let open = head_of(b"\0\0\0\0mdat......", TooLong::Refuse)
            .unwrap()
            .unwrap();
        assert_eq!((open.body, open.end), (8, 14));
        assert_eq!(head_of(b"\0\0\0\0\0\0\0\0", TooLong::Refuse).unwrap(), None);
    }

    #[test]
    fn a_box_longer_than_its_place_is_refused_or_clipped() {
        let bytes = b"\x7F\0\0\0mdat....";
        assert!(head_of(bytes, TooLong::Refuse).is_err());
        assert_eq!(head_of(bytes, TooLong::Clip).unwrap().unwrap().end, 12);
        assert!(head_of(b"\0\0\0\x07free....", TooLong::Clip).is_err());
    }
}
