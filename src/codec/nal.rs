//! NAL units as MP4 and Matroska keep them, each behind its length (ISO/IEC 14496-15 §5.3.3,
//! §8.3.3), and as streams do, behind start codes (ISO/IEC 14496-10 annex B).

pub use super::bits::Bits;
use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;

/// Bytes of the length in front of each NAL unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LengthSize {
    /// One byte.
    One,
    /// Two bytes.
    Two,
    /// Four bytes, as nearly every file has it.
    Four,
}

impl LengthSize {
    /// From `lengthSizeMinusOne` of a configuration record.
    ///
    /// # Errors
    /// `Malformed` for 2, which the standard does not allow, and for what is over 3.
    pub fn from_minus_one(code: u8) -> Result<Self> {
        match code {
            0 => Ok(Self::One),
            1 => Ok(Self::Two),
            3 => Ok(Self::Four),
            _ => Err(Error::malformed(
                "codec configuration",
                0,
                "lengths of NAL units are neither 1, 2 nor 4 bytes long",
            )),
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// The NAL units of a sample, without their lengths; empty ones are left out.
#[must_use]
pub fn length_prefixed(data: &[u8], length_size: LengthSize) -> LengthPrefixed<'_> {
    LengthPrefixed {
        data,
        rest: data,
        length_size,
    }
}

/// Iterator made by [`length_prefixed`]. An error is its last item.
#[derive(Debug, Clone)]
pub struct LengthPrefixed<'a> {
    data: &'a [u8],
    rest: &'a [u8],
    length_size: LengthSize,
}

impl<'a> LengthPrefixed<'a> {
    fn split(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (prefix, rest) = self.rest.split_at_checked(self.length_size.bytes())?;
        let length = prefix
            .iter()
            .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
        rest.split_at_checked(length)
    }
}

impl<'a> Iterator for LengthPrefixed<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let Some((nal, rest)) = self.split() else {
                let offset = self.data.len() - self.rest.len();
                self.rest = &[];
                return Some(Err(Error::malformed(
                    "NAL unit",
                    u64::try_from(offset).unwrap_or(u64::MAX),
                    "its length reaches past the end of the sample",
                )));
            };
            self.rest = rest;
            if !nal.is_empty() {
                return Some(Ok(nal));
            }
        }
        None
    }
}

/// The NAL units of a byte stream (ISO/IEC 14496-10 annex B), without start codes and the zeros
/// around them; empty ones are left out.
pub fn annex_b(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = find_start_code(data).and_then(|at| data.get(at + START_CODE_BYTES..));
    std::iter::from_fn(move || {
        let here = rest.take()?;
        let end = find_start_code(here);
        rest = end.and_then(|end| here.get(end + START_CODE_BYTES..));
        here.get(..end.unwrap_or(here.len()))
    })
    .map(without_zeros)
    .filter(|nal| !nal.is_empty())
}

/// Without the zeros at its end, which belong to no NAL unit.
fn without_zeros(nal: &[u8]) -> &[u8] {
    let last = nal.iter().rposition(|byte| *byte != 0);
    last.and_then(|last| nal.get(..=last)).unwrap_or_default()
}

/// Bytes of a start code.
pub const START_CODE_BYTES: usize = 3;

/// Where the first start code (`00 00 01`) stands.
#[must_use]
pub fn find_start_code(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        // A byte over 1 is in none of the three that end with it.
        match data.get(at..at + START_CODE_BYTES)? {
            [0, 0, 1] => return Some(at),
            [_, _, 2..=255] => at += 3,
            [_, 1..=255, _] => at += 2,
            _ => at += 1,
        }
    }
}

/// Writes a count, with `flags` set in its byte, and the sets, each behind its 16-bit length.
pub(super) fn write_sets(record: &mut Vec<u8>, flags: u8, sets: &[Bytes], most: u8) -> Result<()> {
    let count = u8::try_from(sets.len()).map_or(most, |count| count.min(most));
    record.push(flags | count);
    write_units(record, sets.iter().take(usize::from(count)))
}

/// Writes units, each behind its 16-bit length.
pub(super) fn write_units<'a>(
    record: &mut Vec<u8>,
    units: impl Iterator<Item = &'a Bytes>,
) -> Result<()> {
    for unit in units {
        let length = u16::try_from(unit.len());
        let length = length
            .map_err(|_| Error::malformed("parameter set", 0, "it is longer than 65535 bytes"))?;
        record.extend(length.to_be_bytes());
        record.extend_from_slice(unit);
    }
    Ok(())
}

/// A codec configuration record being read: bytes, and NAL units behind 16-bit lengths.
pub(super) struct Record<'a> {
    what: &'static str,
    record: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn open(what: &'static str, record: &'a Bytes) -> Result<Self> {
        if record.len() > limits::CODEC_CONFIG_BYTES {
            return Err(Error::OverLimit {
                what: "bytes of codec configuration",
                got: u64::try_from(record.len()).unwrap_or(u64::MAX),
                limit: u64::try_from(limits::CODEC_CONFIG_BYTES).unwrap_or(u64::MAX),
            });
        }
        Ok(Self {
            what,
            record,
            rest: record,
        })
    }

    pub(super) fn malformed(&self, why: &'static str) -> Error {
        let offset = self.record.len() - self.rest.len();
        Error::malformed(self.what, u64::try_from(offset).unwrap_or(u64::MAX), why)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or_else(|| self.malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, bytes: usize) -> Result<()> {
        self.take(bytes).map(drop)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        self.take(1)?
            .first()
            .copied()
            .ok_or_else(|| self.malformed("it ends too early"))
    }

    pub(super) fn u16(&mut self) -> Result<usize> {
        Ok((usize::from(self.byte()?) << 8) | usize::from(self.byte()?))
    }

    /// `count` NAL units, each behind its length; empty ones are left out. Each takes at least
    /// two bytes of the record, so `count` cannot ask for more than the record pays for.
    pub(super) fn units(&mut self, count: usize) -> Result<Vec<Bytes>> {
        let mut units = Vec::new();
        for _ in 0..count {
            let length = self.u16()?;
            let unit = self.take(length)?;
            if !unit.is_empty() {
                units.push(self.record.slice_ref(unit));
            }
        }
        Ok(units)
    }
}

#[cfg(test)]
mod tests {
    use super::{LengthSize, annex_b, find_start_code, length_prefixed};

    #[test]
    fn units_of_a_byte_stream_lose_their_start_codes_and_zeros() {
        let data = [
            9, 0, 0, 0, 1, 7, 8, 0, 0, 0, 0, 1, 0, 0, 1, 5, 0, 0, 3, 0, 0,
        ];
        let units: Vec<&[u8]> = annex_b(&data).collect();
        assert_eq!(units, [&[7, 8][..], &[5, 0, 0, 3]]);
        assert_eq!(annex_b(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn start_codes_are_found_wherever_they_stand() {
        for before in 0..9 {
            for filler in [0, 1, 2, 255] {
                let mut data = vec![filler; before];
                data.extend([0, 0, 1, 9]);
                let plain = data.windows(3).position(|three| three == [0, 0, 1]);
                assert_eq!(find_start_code(&data), plain, "{data:?}");
            }
        }
        assert_eq!(find_start_code(&[0, 0]), None);
    }

    #[test]
    fn units_are_cut_at_their_lengths_and_empty_ones_left_out() {
        let data = [0, 2, 7, 8, 0, 0, 0, 1, 9];
        let units: Vec<&[u8]> = length_prefixed(&data, LengthSize::Two)
            .map(Result::unwrap)
            .collect();
        assert_eq!(units, [&[7, 8][..], &[9]]);
        assert_eq!(length_prefixed(&[], LengthSize::Four).count(), 0);
    }

    #[test]
    fn a_length_past_the_end_is_the_last_item() {
        for data in [&[1, 5, 3, 0][..], &[1, 5, 255]] {
            let mut units = length_prefixed(data, LengthSize::One);
            assert_eq!(units.next(), Some(Ok(&[5][..])));
            let error = units.next().unwrap().unwrap_err();
            assert!(error.to_string().contains("at byte 2"), "{error}");
            assert_eq!(units.next(), None);
        }
        let longest = [0xFF; 12];
        assert!(
            length_prefixed(&longest, LengthSize::Four)
                .next()
                .unwrap()
                .is_err()
        );
    }
}
