//! H.264 / AVC: configuration record, kinds of NAL units, random access points
//! (ISO/IEC 14496-10 §7.3.1, annex D; 14496-15 §5.3.3).

mod slice;
mod sps;

pub use slice::{Parity, SliceHeader};
pub use sps::Sps;

use super::nal::{self, Bits, LengthSize, length_prefixed};
use crate::error::{Error, Result};
use bytes::Bytes;

/// Slice of a picture that is not an IDR picture.
pub const SLICE: u8 = 1;
/// Slice of an IDR picture.
pub const IDR: u8 = 5;
/// Supplemental enhancement information.
pub const SEI: u8 = 6;
/// Sequence parameter set.
pub const SPS: u8 = 7;
/// Picture parameter set.
pub const PPS: u8 = 8;
/// Access unit delimiter.
pub const AUD: u8 = 9;
/// End of sequence.
pub const END_OF_SEQUENCE: u8 = 10;
/// End of stream.
pub const END_OF_STREAM: u8 = 11;
/// Filler.
pub const FILLER: u8 = 12;

/// An access unit delimiter that allows every kind of slice.
pub const ACCESS_UNIT_DELIMITER: [u8; 2] = [0x09, 0xF0];

const RECOVERY_POINT: u32 = 6;

/// What `avcC` says: what a decoder has to be told before the first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcConfig {
    /// Bytes of the lengths in the samples.
    pub length_size: LengthSize,
    /// Sequence parameter sets, as NAL units.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, as NAL units.
    pub pps: Vec<Bytes>,
}

impl AvcConfig {
    /// Reads an `AVCDecoderConfigurationRecord`. The parameter sets are slices of it. What follows
    /// them (high profile fields, SPS extensions) is not looked at: real files have it cut off.
    ///
    /// # Errors
    /// `OverLimit` over `limits::CODEC_CONFIG_BYTES`; `Malformed` where it is cut short, has
    /// another version or impossible lengths.
    pub fn parse(record: &Bytes) -> Result<Self> {
        let mut sets = nal::Record::open("avcC", record)?;
        if sets.byte()? != 1 {
            return Err(sets.malformed("its version is not 1"));
        }
        sets.skip(3)?;
        let length_size = LengthSize::from_minus_one(sets.byte()? & 3)?;
        let sps_count = sets.byte()? & 0x1F;
        let sps = sets.units(usize::from(sps_count))?;
        let pps_count = sets.byte()?;
        let pps = sets.units(usize::from(pps_count))?;
        Ok(Self {
            length_size,
            sps,
            pps,
        })
    }

    /// Writes the record, for a stream that has its parameter sets among its pictures. At most 31
    /// SPS and 255 PPS are taken.
    ///
    /// # Errors
    /// `Malformed` where there is no SPS, or a set is longer than its 16-bit length can say.
    pub fn record(&self) -> Result<Bytes> {
        let sps = self.sps.first().map(|sps| sps.as_ref()).unwrap_or_default();
        let Some(&[_, profile, constraints, level]) = sps.first_chunk() else {
            return Err(Error::malformed("H.264 SPS", 0, "there is none"));
        };
        let length_size = u8::try_from(self.length_size.bytes() - 1).unwrap_or(3);
        let mut record = vec![1, profile, constraints, level, 0xFC | length_size];
        nal::write_sets(&mut record, 0xE0, &self.sps, 31)?;
        nal::write_sets(&mut record, 0, &self.pps, 255)?;
        if matches!(profile, 100 | 110 | 122 | 144) {
            let sps = Sps::parse(sps)?;
            let depth = 0xF8 | (sps.bit_depth - 8);
            let chroma = 0xFC | sps.chroma_format_idc;
            record.extend([chroma, depth, 0xF8 | (sps.chroma_bit_depth - 8), 0]);
        }
        Ok(record.into())
    }
}

/// `nal_unit_type`; 0, which is no type in use, for an empty unit.
#[must_use]
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0x1F)
}

/// Whether a NAL unit is supplemental information with a recovery point message among others.
#[must_use]
pub fn is_recovery_point_sei(nal: &[u8]) -> bool {
    nal_type(nal) == SEI && has_message(nal, RECOVERY_POINT).unwrap_or(false)
}

fn has_message(nal: &[u8], wanted: u32) -> Result<bool> {
    let mut bits = Bits::rbsp("H.264 SEI", nal.get(1..).unwrap_or_default());
    loop {
        let kind = sei_number(&mut bits)?;
        if kind == wanted {
            return Ok(true);
        }
        for _ in 0..sei_number(&mut bits)? {
            bits.skip(8)?;
        }
    }
}

/// A number in bytes of 255 and a last, smaller one (§7.3.2.3.1).
fn sei_number(bits: &mut Bits<'_>) -> Result<u32> {
    let mut number = 0_u32;
    loop {
        let byte = bits.u(8)?;
        number = number.saturating_add(byte);
        if byte != 255 {
            return Ok(number);
        }
    }
}

/// Whether decoding can begin at this sample: an IDR picture, or a recovery point whose first
/// slice is an I slice (open GOP, PAFF). A recovery point of a gradual refresh is none.
///
/// # Errors
/// The sample is no run of NAL units, or its slice header is cut short.
pub fn is_random_access(sample: &[u8], length_size: LengthSize) -> Result<bool> {
    let mut recovery_point = false;
    for nal in length_prefixed(sample, length_size) {
        let nal = nal?;
        match nal_type(nal) {
            IDR => return Ok(true),
            SLICE | 2 => return Ok(recovery_point && is_intra_slice(nal)?),
            SEI => recovery_point |= is_recovery_point_sei(nal),
            _ => {}
        }
    }
    Ok(false)
}

/// Whether a slice refers to no other picture: `slice_type` I or SI (§7.4.3).
fn is_intra_slice(nal: &[u8]) -> Result<bool> {
    let mut bits = Bits::rbsp("H.264 slice", nal.get(1..).unwrap_or_default());
    bits.ue()?;
    Ok(matches!(bits.ue_at_most(9)? % 5, 2 | 4))
}
