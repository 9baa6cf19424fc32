//! Sequence parameter set (ISO/IEC 23008-2 §7.3.2.2) with the timing of its VUI (annex E).

use crate::codec::bits::Bits;
use crate::error::Result;
use crate::limits;
use crate::media::{VideoCodec, VideoTrack};

/// Distances in output order to the pictures that a set refers to.
type PictureSet = heapless::Vec<i64, { limits::REORDER_PICTURES }>;

/// What a sequence parameter set says about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// Width inside the conformance window, in luma samples.
    pub width: u32,
    /// Height inside the conformance window, in luma samples.
    pub height: u32,
    /// Bits per luma sample.
    pub bit_depth: u8,
    /// Whether chroma is 4:2:0.
    pub chroma_420: bool,
    /// Pictures that may precede a picture in decoding order and follow it in output order; at
    /// most `limits::REORDER_PICTURES`.
    pub reorder_pictures: u8,
    /// Duration of a picture; 0 where unknown.
    pub frame_duration_90k: u32,
    /// The general part of `profile_tier_level`: profile, constraints and level, as they stand.
    pub general: [u8; 12],
    /// Temporal sub-layers, 1 to 7.
    pub sub_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub is_nested: bool,
    /// `chroma_format_idc`.
    pub chroma_format_idc: u8,
    /// Bits per chroma sample.
    pub chroma_bit_depth: u8,
}

impl Sps {
    /// Reads an SPS NAL unit, its two header bytes included.
    ///
    /// # Errors
    /// `Malformed` where it is cut short or says what the standard forbids. Extensions and VUI
    /// that cannot be read only leave the frame duration unknown.
    pub fn parse(nal: &[u8]) -> Result<Self> {
        let mut bits = Bits::rbsp("HEVC SPS", nal);
        if (bits.u(16)? >> 9) & 0x3F != u32::from(super::SPS) {
            return Err(bits.malformed("it is another kind of NAL unit"));
        }
        bits.skip(4)?;
        let sub_layers = bits.u(3)?;
        if sub_layers > 6 {
            return Err(bits.malformed("it has more than 7 sub-layers"));
        }
        let is_nested = bits.flag()?;
        let general = profile_tier_level(&mut bits, sub_layers)?;
        bits.ue_at_most(15)?;
        let chroma_format_idc = bits.ue_at_most(3)?;
        if chroma_format_idc == 3 {
            bits.skip(1)?;
        }
        let coded_width = bits.ue_at_most(limits::PICTURE_SIDE)?;
        let coded_height = bits.ue_at_most(limits::PICTURE_SIDE)?;
        let (crop_x, crop_y) = conformance_window(&mut bits, chroma_format_idc)?;
        let cropped = |side: u32, crop: u64| {
            u64::from(side)
                .checked_sub(crop)
                .and_then(|side| u32::try_from(side).ok())
                .filter(|side| *side > 0)
        };
        let (Some(width), Some(height)) =
            (cropped(coded_width, crop_x), cropped(coded_height, crop_y))
        else {
            return Err(bits.malformed("its conformance window leaves no picture"));
        };
        let bit_depth = 8 + bits.ue_at_most(8)?.to_le_bytes()[0];
        let chroma_bit_depth = 8 + bits.ue_at_most(8)?.to_le_bytes()[0];
        let poc_lsb_bits = bits.ue_at_most(12)? + 4;
        let reorder_pictures = reorder_pictures(&mut bits, sub_layers)?;
        Ok(Self {
            width,
            height,
            bit_depth,
            chroma_420: chroma_format_idc == 1,
            reorder_pictures,
            frame_duration_90k: frame_duration_90k(&mut bits, poc_lsb_bits).unwrap_or(0),
            general,
            sub_layers: 1 + sub_layers.to_le_bytes()[0],
            is_nested,
            chroma_format_idc: chroma_format_idc.to_le_bytes()[0],
            chroma_bit_depth,
        })
    }
}

impl Sps {
    /// The track that it describes.
    #[must_use]
    pub fn track(&self) -> VideoTrack {
        VideoTrack {
            codec: VideoCodec::Hevc,
            width: self.width,
            height: self.height,
            frame_duration_90k: self.frame_duration_90k,
            bit_depth: self.bit_depth,
            chroma_420: self.chroma_420,
        }
    }
}

/// §7.3.3 with `profilePresentFlag` 1; gives its general part.
fn profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Result<[u8; 12]> {
    let mut general = [0; 12];
    for byte in &mut general {
        *byte = bits.byte(8)?;
    }
    let mut present = Vec::with_capacity(6);
    for _ in 0..sub_layers {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 })?;
        bits.skip(if level { 8 } else { 0 })?;
    }
    Ok(general)
}

/// Luma samples outside the conformance window, of the width and the height.
fn conformance_window(bits: &mut Bits<'_>, chroma_format_idc: u32) -> Result<(u64, u64)> {
    if !bits.flag()? {
        return Ok((0, 0));
    }
    let (unit_x, unit_y) = match chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let mut edges = [0_u64; 4];
    for edge in &mut edges {
        *edge = u64::from(bits.ue()?);
    }
    let [left, right, top, bottom] = edges;
    Ok(((left + right) * unit_x, (top + bottom) * unit_y))
}

/// `sps_max_num_reorder_pics` of the highest sub-layer, which is the one that is decoded.
fn reorder_pictures(bits: &mut Bits<'_>, sub_layers: u32) -> Result<u8> {
    let all = bits.flag()?;
    let mut reorder = 0;
    for _ in 0..if all { sub_layers + 1 } else { 1 } {
        bits.ue_at_most(15)?;
        reorder = bits.ue_at_most(15)?;
        bits.ue()?;
    }
    Ok(reorder.to_le_bytes()[0])
}

/// Everything from the coding block sizes to `vui_num_units_in_tick`.
fn frame_duration_90k(bits: &mut Bits<'_>, poc_lsb_bits: u32) -> Result<u32> {
    for _ in 0..6 {
        bits.ue()?;
    }
    if bits.flag()? && bits.flag()? {
        scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    reference_picture_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.ue_at_most(32)? {
            bits.skip(poc_lsb_bits + 1)?;
        }
    }
    bits.skip(2)?;
    vui_frame_duration_90k(bits)
}

/// `scaling_list_data()` (§7.3.4): matrices of 4x4, 8x8, 16x16 and 32x32, the larger two with a DC
/// coefficient of their own.
fn scaling_lists(bits: &mut Bits<'_>) -> Result<()> {
    for (matrices, numbers) in [(6, 16), (6, 64), (6, 1 + 64), (2, 1 + 64)] {
        for _ in 0..matrices {
            if bits.flag()? {
                for _ in 0..numbers {
                    bits.se()?;
                }
            } else {
                bits.ue()?;
            }
        }
    }
    Ok(())
}

/// All short-term reference picture sets (§7.3.7). They matter because a set that is predicted
/// from the one before has as many flags as that one has pictures.
fn reference_picture_sets(bits: &mut Bits<'_>) -> Result<()> {
    let mut set = PictureSet::new();
    for index in 0..bits.ue_at_most(64)? {
        set = if index > 0 && bits.flag()? {
            predicted_set(bits, &set)?
        } else {
            listed_set(bits)?
        };
    }
    Ok(())
}

/// Distances in output order to the pictures of a set that is the one before and its picture,
/// moved, with some taken out (§7.4.8): those shown earlier and then those shown later, each with
/// the nearest first.
fn predicted_set(bits: &mut Bits<'_>, before: &[i64]) -> Result<PictureSet> {
    let backwards = bits.flag()?;
    let by = i64::from(bits.ue()?) + 1;
    let by = if backwards { -by } else { by };
    let mut set = PictureSet::new();
    for distance in before.iter().chain(&[0]) {
        let used = bits.flag()?;
        let kept = used || bits.flag()?;
        if kept && distance + by != 0 {
            put(bits, &mut set, distance + by)?;
        }
    }
    set.sort_by_key(|distance| (*distance > 0, distance.abs()));
    Ok(set)
}

/// Distances to the pictures of a set that is written out.
fn listed_set(bits: &mut Bits<'_>) -> Result<PictureSet> {
    let earlier = bits.ue_at_most(16)?;
    let later = bits.ue_at_most(16)?;
    let mut set = PictureSet::new();
    for (pictures, direction) in [(earlier, -1), (later, 1)] {
        let mut distance = 0;
        for _ in 0..pictures {
            distance += direction * (i64::from(bits.ue()?) + 1);
            bits.skip(1)?;
            put(bits, &mut set, distance)?;
        }
    }
    Ok(set)
}

/// A set has no more pictures than are kept decoded (§7.4.8, `num_negative_pics`).
fn put(bits: &Bits<'_>, set: &mut PictureSet, distance: i64) -> Result<()> {
    let too_many = |_| bits.malformed("a set refers to more pictures than are kept");
    set.push(distance).map_err(too_many)
}

/// §E.2.1 as far as the timing.
fn vui_frame_duration_90k(bits: &mut Bits<'_>) -> Result<u32> {
    if !bits.flag()? {
        return Ok(0);
    }
    if bits.flag()? && bits.u(8)? == 255 {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(4)?;
        if bits.flag()? {
            bits.skip(24)?;
        }
    }
    if bits.flag()? {
        bits.ue()?;
        bits.ue()?;
    }
    bits.skip(3)?;
    if bits.flag()? {
        for _ in 0..4 {
            bits.ue()?;
        }
    }
    if !bits.flag()? {
        return Ok(0);
    }
    let units = u64::from(bits.u(32)?);
    let scale = u64::from(bits.u(32)?);
    Ok(crate::codec::frame_duration_90k(units, scale))
}
