//! H.265 / HEVC: configuration record, kinds of NAL units, random access points
//! (ISO/IEC 23008-2 §7.3.1, §7.4.2.2; 14496-15 §8.3.3).

mod sps;

pub use sps::Sps;

use super::nal::{self, LengthSize, Record, length_prefixed};
use crate::error::{Error, Result};
use bytes::Bytes;
use std::ops::RangeInclusive;

/// Decodable leading picture, not referred to.
pub const RADL_N: u8 = 6;
/// Decodable leading picture.
pub const RADL_R: u8 = 7;
/// Leading picture that is skipped after a random access, not referred to.
pub const RASL_N: u8 = 8;
/// Leading picture that is skipped after a random access.
pub const RASL_R: u8 = 9;
/// Pictures at which decoding can begin: BLA, IDR, CRA.
pub const IRAP: RangeInclusive<u8> = 16..=21;
/// Video parameter set.
pub const VPS: u8 = 32;
/// Sequence parameter set.
pub const SPS: u8 = 33;
/// Picture parameter set.
pub const PPS: u8 = 34;
/// Access unit delimiter.
pub const AUD: u8 = 35;
/// End of sequence.
pub const END_OF_SEQUENCE: u8 = 36;
/// End of bitstream.
pub const END_OF_BITSTREAM: u8 = 37;
/// Filler.
pub const FILLER: u8 = 38;
/// Supplemental enhancement information before the picture.
pub const PREFIX_SEI: u8 = 39;

/// An access unit delimiter that allows every kind of slice.
pub const ACCESS_UNIT_DELIMITER: [u8; 3] = [0x46, 0x01, 0x50];

/// First type that is no slice (§7.4.2.2, table 7-1).
const FIRST_NON_VCL: u8 = 32;

/// What `hvcC` says: what a decoder has to be told before the first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HvcConfig {
    /// Bytes of the lengths in the samples.
    pub length_size: LengthSize,
    /// Video parameter sets, as NAL units.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets, as NAL units.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, as NAL units.
    pub pps: Vec<Bytes>,
}

impl HvcConfig {
    /// Reads an `HEVCDecoderConfigurationRecord`. The parameter sets are slices of it; other NAL
    /// units in it are left out.
    ///
    /// # Errors
    /// `OverLimit` over `limits::CODEC_CONFIG_BYTES`; `Malformed` where it is cut short, has
    /// another version or impossible lengths.
    pub fn parse(record: &Bytes) -> Result<Self> {
        let mut sets = Record::open("hvcC", record)?;
        // Muxers from before the standard was final wrote version 0.
        if sets.byte()? > 1 {
            return Err(sets.malformed("its version is not 1"));
        }
        sets.skip(20)?;
        let length_size = LengthSize::from_minus_one(sets.byte()? & 3)?;
        let mut config = Self {
            length_size,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
        };
        for _ in 0..sets.byte()? {
            let kind = sets.byte()? & 0x3F;
            let count = sets.u16()?;
            let units = sets.units(count)?;
            match kind {
                VPS => config.vps.extend(units),
                SPS => config.sps.extend(units),
                PPS => config.pps.extend(units),
                _ => {}
            }
        }
        Ok(config)
    }

    /// Writes the record, for a stream that has its parameter sets among its pictures.
    ///
    /// # Errors
    /// `Malformed` where there is no SPS, it cannot be read, or a set is longer than its 16-bit
    /// length can say.
    pub fn record(&self) -> Result<Bytes> {
        let Some(first) = self.sps.first() else {
            return Err(Error::malformed("HEVC SPS", 0, "there is none"));
        };
        let sps = Sps::parse(first)?;
        let mut record = vec![1];
        record.extend(sps.general);
        // No spatial segmentation, no parallelism and no frame rate are told.
        record.extend([0xF0, 0, 0xFC, 0xFC | sps.chroma_format_idc]);
        record.extend([
            0xF8 | (sps.bit_depth - 8),
            0xF8 | (sps.chroma_bit_depth - 8),
        ]);
        let nested = if sps.is_nested { 4 } else { 0 };
        let length_size = u8::try_from(self.length_size.bytes() - 1).unwrap_or(3);
        record.extend([0, 0, (sps.sub_layers << 3) | nested | length_size]);
        let arrays = [(VPS, &self.vps), (SPS, &self.sps), (PPS, &self.pps)];
        record.push(3);
        for (kind, sets) in arrays {
            let count = u16::try_from(sets.len()).unwrap_or(u16::MAX);
            // They may stand among the pictures too, so the arrays are not said to be complete.
            record.push(kind);
            record.extend(count.to_be_bytes());
            nal::write_units(&mut record, sets.iter().take(usize::from(count)))?;
        }
        Ok(record.into())
    }
}

/// `nal_unit_type`; 63, which is no type in use, for an empty unit.
#[must_use]
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(63, |header| (header >> 1) & 0x3F)
}

/// Whether a NAL unit is a slice of a leading picture: shown before the IRAP picture that it
/// follows. Those of kind RASL cannot be decoded after a join there.
#[must_use]
pub fn is_leading(nal: &[u8]) -> bool {
    (RADL_N..=RASL_R).contains(&nal_type(nal))
}

/// Whether decoding can begin at this sample: its first slice is one of an IRAP picture.
///
/// # Errors
/// The sample is no run of NAL units.
pub fn is_random_access(sample: &[u8], length_size: LengthSize) -> Result<bool> {
    for nal in length_prefixed(sample, length_size) {
        let kind = nal_type(nal?);
        if kind < FIRST_NON_VCL {
            return Ok(IRAP.contains(&kind));
        }
    }
    Ok(false)
}
