//! Bits of a header, one field at a time: read ([`Bits`]) and written ([`BitWriter`]), most
//! significant bit first.

use crate::error::{Error, Result};

/// Reads fields from the start of a slice; past its end every read is an error.
#[derive(Debug, Clone)]
pub struct Bits<'a> {
    what: &'static str,
    bytes: &'a [u8],
    /// The next byte to load.
    at: usize,
    current: u8,
    /// Bits of `current` that have not been read.
    left: u32,
    emulation: Emulation,
    /// Zero bytes in a row before `at`.
    zeros: u8,
}

/// Whether `00 00 03` hides a byte (ISO/IEC 14496-10 §7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emulation {
    Prevented,
    None,
}

impl<'a> Bits<'a> {
    /// Reads the payload of a NAL unit: emulation prevention bytes are left out. `what` names it
    /// in errors.
    #[must_use]
    pub fn rbsp(what: &'static str, bytes: &'a [u8]) -> Self {
        Self::new(what, bytes, Emulation::Prevented)
    }

    /// Reads bytes as they are. `what` names them in errors.
    #[must_use]
    pub fn plain(what: &'static str, bytes: &'a [u8]) -> Self {
        Self::new(what, bytes, Emulation::None)
    }

    fn new(what: &'static str, bytes: &'a [u8], emulation: Emulation) -> Self {
        Self {
            what,
            bytes,
            at: 0,
            current: 0,
            left: 0,
            emulation,
            zeros: 0,
        }
    }

    /// An error at the byte that is being read.
    #[must_use]
    pub fn malformed(&self, why: &'static str) -> Error {
        let offset = u64::try_from(self.at.saturating_sub(1)).unwrap_or(u64::MAX);
        Error::malformed(self.what, offset, why)
    }

    /// `u(n)`: an unsigned number of `n` bits; of more than 32 the last 32 remain.
    ///
    /// # Errors
    /// The bytes end inside it.
    pub fn u(&mut self, n: u32) -> Result<u32> {
        let mut value = 0;
        for _ in 0..n {
            value = (value << 1) | self.bit()?;
        }
        Ok(value)
    }

    /// `u(n)` for `n` up to 8.
    ///
    /// # Errors
    /// As [`Bits::u`].
    pub fn byte(&mut self, n: u32) -> Result<u8> {
        Ok(self.u(n)?.to_le_bytes()[0])
    }

    /// `u(1)` as a truth.
    ///
    /// # Errors
    /// As [`Bits::u`].
    pub fn flag(&mut self) -> Result<bool> {
        Ok(self.bit()? == 1)
    }

    /// Leaves out `n` bits.
    ///
    /// # Errors
    /// As [`Bits::u`].
    pub fn skip(&mut self, n: u32) -> Result<()> {
        let mut n = n;
        while n > 0 {
            if self.left == 0 {
                self.load()?;
            }
            let now = n.min(self.left);
            self.left -= now;
            n -= now;
        }
        Ok(())
    }

    /// `ue(v)`: an unsigned Exp-Golomb number (ISO/IEC 14496-10 §9.1).
    ///
    /// # Errors
    /// The bytes end inside it, or it does not fit 32 bits.
    pub fn ue(&mut self) -> Result<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return Err(self.malformed("an Exp-Golomb number of more than 32 bits"));
            }
        }
        Ok((1_u32 << zeros) - 1 + self.u(zeros)?)
    }

    /// `ue(v)` that may not be over `limit`.
    ///
    /// # Errors
    /// As [`Bits::ue`]; or it is more than the standard allows.
    pub fn ue_at_most(&mut self, limit: u32) -> Result<u32> {
        let value = self.ue()?;
        if value > limit {
            return Err(self.malformed("a value beyond what the standard allows"));
        }
        Ok(value)
    }

    /// `se(v)`: a signed Exp-Golomb number.
    ///
    /// # Errors
    /// As [`Bits::ue`].
    pub fn se(&mut self) -> Result<i64> {
        let code = i64::from(self.ue()?);
        Ok(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        })
    }

    fn bit(&mut self) -> Result<u32> {
        if self.left == 0 {
            self.load()?;
        }
        self.left -= 1;
        Ok(u32::from(self.current >> self.left) & 1)
    }

    fn load(&mut self) -> Result<()> {
        let mut byte = self.next_byte()?;
        if self.emulation == Emulation::Prevented && self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            byte = self.next_byte()?;
        }
        self.zeros = if byte == 0 {
            self.zeros.saturating_add(1)
        } else {
            0
        };
        self.current = byte;
        self.left = 8;
        Ok(())
    }

    fn next_byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at = self.at.saturating_add(1);
        byte.ok_or_else(|| self.malformed("it ends too early"))
    }
}

/// Puts fields one after the other.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    current: u8,
    /// Bits in `current`.
    used: u32,
}

impl BitWriter {
    /// `u(n)`: the lowest `n` bits of `value`, at most 32.
    pub(super) fn put(&mut self, n: u32, value: u32) {
        for shift in (0..n).rev() {
            self.current = (self.current << 1) | u8::from((value >> shift) & 1 == 1);
            self.used += 1;
            if self.used == 8 {
                self.bytes.push(self.current);
                self.current = 0;
                self.used = 0;
            }
        }
    }

    /// The bytes, the last one filled up with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.put(8 - self.used, 0);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{BitWriter, Bits};

    fn golomb(value: u64) -> BitWriter {
        let mut bits = BitWriter::default();
        let length = 63 - (value + 1).leading_zeros();
        bits.put(length, 0);
        bits.put(1, 1);
        bits.put(length, u32::try_from((value + 1) - (1 << length)).unwrap());
        bits
    }

    #[test]
    fn exp_golomb_numbers_read_as_written() {
        for value in [
            0_u32,
            1,
            2,
            3,
            7,
            8,
            255,
            65_534,
            u32::MAX - 2,
            u32::MAX - 1,
        ] {
            let bytes = golomb(u64::from(value)).finish();
            assert_eq!(Bits::plain("test", &bytes).ue(), Ok(value));
            let signed = i64::from(value.div_ceil(2)) * if value % 2 == 1 { 1 } else { -1 };
            assert_eq!(Bits::plain("test", &bytes).se(), Ok(signed));
        }
        let too_long = golomb(u64::from(u32::MAX)).finish();
        assert!(Bits::plain("test", &too_long).ue().is_err());
        assert!(Bits::plain("test", &[0; 9]).ue().is_err());
    }

    #[test]
    fn emulation_prevention_bytes_are_left_out_of_an_rbsp_only() {
        let bytes = [0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3];
        let read =
            |mut bits: Bits<'_>| -> Vec<u8> { std::iter::from_fn(|| bits.byte(8).ok()).collect() };
        assert_eq!(read(Bits::rbsp("test", &bytes)), [0, 0, 1, 0, 0, 0, 0, 3]);
        assert_eq!(read(Bits::plain("test", &bytes)), bytes);
    }

    #[test]
    fn reading_past_the_end_names_the_place() {
        let mut bits = Bits::plain("test", &[0xFF]);
        assert_eq!(bits.u(7), Ok(127));
        let error = bits.u(2).unwrap_err();
        assert_eq!(error.to_string(), "test at byte 1: it ends too early");
    }
}
