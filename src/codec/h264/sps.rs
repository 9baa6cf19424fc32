//! Sequence parameter set (ISO/IEC 14496-10 §7.3.2.1.1) with its VUI (annex E).

use crate::codec::bits::Bits;
use crate::error::Result;
use crate::limits;
use crate::media::{VideoCodec, VideoTrack};

/// What a sequence parameter set says about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// Width after cropping, in luma samples.
    pub width: u32,
    /// Height of a frame after cropping, in luma samples.
    pub height: u32,
    /// Bits per luma sample.
    pub bit_depth: u8,
    /// Whether chroma is 4:2:0.
    pub chroma_420: bool,
    /// Frames that may precede a frame in decoding order and follow it in output order; at most
    /// `limits::REORDER_PICTURES`.
    pub reorder_pictures: u8,
    /// Duration of a frame (two fields); 0 where unknown.
    pub frame_duration_90k: u32,
    /// `profile_idc`.
    pub profile_idc: u8,
    /// `level_idc`.
    pub level_idc: u8,
    /// Whether there are no fields: progressive video. Otherwise a frame may be coded as two
    /// fields, or each macroblock pair as fields.
    pub frame_mbs_only: bool,
    /// Bits of `frame_num` in a slice header.
    pub frame_num_bits: u8,
    /// Whether the three colours are coded apart, each slice naming its own.
    pub separate_planes: bool,
    /// `chroma_format_idc`.
    pub chroma_format_idc: u8,
    /// Bits per chroma sample.
    pub chroma_bit_depth: u8,
}

/// Chroma and depth; what profiles without these fields have.
struct Format {
    chroma_format_idc: u32,
    separate_planes: bool,
    bit_depth: u8,
    chroma_bit_depth: u8,
}

/// What the VUI says that matters here; each where present.
#[derive(Default)]
struct Vui {
    frame_duration_90k: u32,
    reorder_frames: Option<u32>,
}

impl Sps {
    /// Reads an SPS NAL unit, its header byte included.
    ///
    /// # Errors
    /// `Malformed` where it is cut short or says what the standard forbids. A broken VUI is taken
    /// for none, as decoders do.
    pub fn parse(nal: &[u8]) -> Result<Self> {
        let mut bits = Bits::rbsp("H.264 SPS", nal);
        if bits.u(8)? & 0x1F != u32::from(super::SPS) {
            return Err(bits.malformed("it is another kind of NAL unit"));
        }
        let profile_idc = bits.byte(8)?;
        let constraints = bits.byte(8)?;
        let level_idc = bits.byte(8)?;
        bits.ue_at_most(31)?;
        let format = Format::parse(&mut bits, profile_idc)?;
        let frame_num_bits = 4 + bits.ue_at_most(12)?.to_le_bytes()[0];
        let order_is_decoding_order = picture_order(&mut bits)?;
        bits.ue_at_most(16)?;
        bits.skip(1)?;
        let width_mbs = bits.ue_at_most(limits::PICTURE_SIDE / 16 - 1)? + 1;
        let height_units = bits.ue_at_most(limits::PICTURE_SIDE / 16 - 1)? + 1;
        let frame_mbs_only = bits.flag()?;
        let fields = if frame_mbs_only { 1 } else { 2 };
        let height_mbs = height_units * fields;
        if !frame_mbs_only {
            bits.skip(1)?;
        }
        bits.skip(1)?;
        let (crop_x, crop_y) = cropping(&mut bits, &format, fields)?;
        let cropped = |mbs: u32, crop: u64| {
            u64::from(mbs * 16)
                .checked_sub(crop)
                .and_then(|side| u32::try_from(side).ok())
                .filter(|side| *side > 0)
        };
        let (Some(width), Some(height)) = (cropped(width_mbs, crop_x), cropped(height_mbs, crop_y))
        else {
            return Err(bits.malformed("cropping leaves no picture"));
        };
        let vui = Vui::parse(&mut bits).unwrap_or_default();
        let reorder_pictures = if order_is_decoding_order {
            0
        } else {
            vui.reorder_frames.unwrap_or_else(|| {
                inferred_reorder(profile_idc, constraints, level_idc, width_mbs * height_mbs)
            })
        };
        Ok(Self {
            width,
            height,
            bit_depth: format.bit_depth,
            chroma_420: format.chroma_format_idc == 1,
            reorder_pictures: u8::try_from(reorder_pictures).unwrap_or(u8::MAX),
            frame_duration_90k: vui.frame_duration_90k,
            profile_idc,
            level_idc,
            frame_mbs_only,
            frame_num_bits,
            separate_planes: format.separate_planes,
            chroma_format_idc: format.chroma_format_idc.to_le_bytes()[0],
            chroma_bit_depth: format.chroma_bit_depth,
        })
    }
}

impl Sps {
    /// The track that it describes.
    #[must_use]
    pub fn track(&self) -> VideoTrack {
        VideoTrack {
            codec: VideoCodec::H264,
            width: self.width,
            height: self.height,
            frame_duration_90k: self.frame_duration_90k,
            bit_depth: self.bit_depth,
            chroma_420: self.chroma_420,
        }
    }
}

impl Format {
    fn parse(bits: &mut Bits<'_>, profile_idc: u8) -> Result<Self> {
        let mut format = Self {
            chroma_format_idc: 1,
            separate_planes: false,
            bit_depth: 8,
            chroma_bit_depth: 8,
        };
        let high = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
        if !high.contains(&profile_idc) {
            return Ok(format);
        }
        format.chroma_format_idc = bits.ue_at_most(3)?;
        if format.chroma_format_idc == 3 {
            format.separate_planes = bits.flag()?;
        }
        format.bit_depth = 8 + bits.ue_at_most(6)?.to_le_bytes()[0];
        format.chroma_bit_depth = 8 + bits.ue_at_most(6)?.to_le_bytes()[0];
        bits.skip(1)?;
        if bits.flag()? {
            let lists = if format.chroma_format_idc == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.flag()? {
                    scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(format)
    }
}

fn scaling_list(bits: &mut Bits<'_>, size: usize) -> Result<()> {
    let mut last = 8_i64;
    for _ in 0..size {
        last = (last + bits.se()?).rem_euclid(256);
        if last == 0 {
            break;
        }
    }
    Ok(())
}

/// Leaves out the picture order count fields; whether output order is decoding order.
fn picture_order(bits: &mut Bits<'_>) -> Result<bool> {
    match bits.ue_at_most(2)? {
        0 => bits.ue_at_most(12).map(|_| false),
        1 => {
            bits.skip(1)?;
            bits.se()?;
            bits.se()?;
            for _ in 0..bits.ue_at_most(255)? {
                bits.se()?;
            }
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// Luma samples that are cut off from the width and the height.
fn cropping(bits: &mut Bits<'_>, format: &Format, fields: u32) -> Result<(u64, u64)> {
    if !bits.flag()? {
        return Ok((0, 0));
    }
    let (unit_x, unit_y) = match format.chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let mut edges = [0_u64; 4];
    for edge in &mut edges {
        *edge = u64::from(bits.ue()?);
    }
    let [left, right, top, bottom] = edges;
    Ok((
        (left + right) * unit_x,
        (top + bottom) * unit_y * u64::from(fields),
    ))
}

impl Vui {
    /// Reads `vui_parameters_present_flag` and what follows (§E.1.1).
    fn parse(bits: &mut Bits<'_>) -> Result<Self> {
        let mut vui = Self::default();
        if !bits.flag()? {
            return Ok(vui);
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
        if bits.flag()? {
            let units = u64::from(bits.u(32)?);
            let scale = u64::from(bits.u(32)?);
            bits.skip(1)?;
            vui.frame_duration_90k = crate::codec::frame_duration_90k(units * 2, scale);
        }
        vui.reorder_frames = restriction(bits).unwrap_or_default();
        Ok(vui)
    }
}

/// Reads from the HRD parameters to `max_num_reorder_frames`, if it is there.
fn restriction(bits: &mut Bits<'_>) -> Result<Option<u32>> {
    let nal_hrd = bits.flag()?;
    if nal_hrd {
        hrd(bits)?;
    }
    let vcl_hrd = bits.flag()?;
    if vcl_hrd {
        hrd(bits)?;
    }
    if nal_hrd || vcl_hrd {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    if !bits.flag()? {
        return Ok(None);
    }
    bits.skip(1)?;
    for _ in 0..4 {
        bits.ue()?;
    }
    bits.ue_at_most(16).map(Some)
}

fn hrd(bits: &mut Bits<'_>) -> Result<()> {
    let count = bits.ue_at_most(31)? + 1;
    bits.skip(8)?;
    for _ in 0..count {
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    bits.skip(20)
}

/// `max_num_reorder_frames` where it is not said (§E.2.1): none in the profiles that have no B
/// pictures or only intra ones, else as many as the decoded picture buffer holds.
fn inferred_reorder(profile_idc: u8, constraints: u8, level_idc: u8, frame_mbs: u32) -> u32 {
    let constraint_set3 = constraints & 0x10 != 0;
    let intra_only = matches!(profile_idc, 44 | 86 | 100 | 110 | 122 | 244) && constraint_set3;
    if profile_idc == 66 || intra_only {
        return 0;
    }
    let level_1b = level_idc == 11 && constraint_set3 && matches!(profile_idc, 77 | 88);
    let level = if level_1b { 9 } else { level_idc };
    max_dpb_mbs(level)
        .checked_div(frame_mbs)
        .unwrap_or(0)
        .min(16)
}

/// `MaxDpbMbs` (table A-1). Unknown levels get the largest.
fn max_dpb_mbs(level_idc: u8) -> u32 {
    match level_idc {
        9 | 10 => 396,
        11 => 900,
        12 | 13 | 20 => 2_376,
        21 => 4_752,
        22 | 30 => 8_100,
        31 => 18_000,
        32 => 20_480,
        40 | 41 => 32_768,
        42 => 34_816,
        50 => 110_400,
        51 | 52 => 184_320,
        _ => 696_320,
    }
}

#[cfg(test)]
mod tests {
    use super::inferred_reorder;

    /// 1920x1088 and 720x576 in macroblocks.
    const HD: u32 = 120 * 68;
    const SD: u32 = 45 * 36;

    #[test]
    fn reorder_depth_that_is_not_said_is_the_picture_buffer_of_the_level() {
        assert_eq!(inferred_reorder(100, 0, 40, HD), 4);
        assert_eq!(inferred_reorder(77, 0, 30, SD), 5);
        assert_eq!(inferred_reorder(77, 0, 51, SD), 16);
        assert_eq!(inferred_reorder(77, 0, 10, HD), 0);
        // Level 1b has two spellings.
        assert_eq!(inferred_reorder(77, 0x10, 11, 99), 4);
        assert_eq!(inferred_reorder(100, 0, 9, 99), 4);
        assert_eq!(inferred_reorder(77, 0, 11, 99), 9);
    }

    #[test]
    fn profiles_without_b_pictures_reorder_nothing() {
        assert_eq!(inferred_reorder(66, 0, 40, HD), 0);
        assert_eq!(inferred_reorder(110, 0x10, 40, HD), 0);
        assert_eq!(inferred_reorder(77, 0x10, 40, HD), 4);
    }
}
