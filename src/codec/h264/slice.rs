//! Slice headers, as far as they tell which pictures belong together (ISO/IEC 14496-10 §7.3.3).

use super::{IDR, Sps, nal_type};
use crate::codec::bits::Bits;
use crate::error::Result;

/// Which lines of a frame a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parity {
    /// The first, third, ... line.
    Top,
    /// The others.
    Bottom,
}

/// The front of a slice header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceHeader {
    /// `frame_num`.
    pub frame_num: u32,
    /// There where the picture is a single field.
    pub field: Option<Parity>,
    /// Whether it belongs to an IDR picture.
    pub is_idr: bool,
}

impl SliceHeader {
    /// Reads the header of a slice NAL unit, its header byte included, of a sequence with this SPS.
    ///
    /// # Errors
    /// `Malformed` where it is cut short or says what the standard forbids.
    pub fn parse(nal: &[u8], sps: &Sps) -> Result<Self> {
        let mut bits = Bits::rbsp("H.264 slice", nal.get(1..).unwrap_or_default());
        bits.ue()?;
        bits.ue_at_most(9)?;
        bits.ue_at_most(255)?;
        if sps.separate_planes {
            bits.skip(2)?;
        }
        let frame_num = bits.u(u32::from(sps.frame_num_bits))?;
        let is_field = !sps.frame_mbs_only && bits.flag()?;
        let field = match is_field {
            false => None,
            true if bits.flag()? => Some(Parity::Bottom),
            true => Some(Parity::Top),
        };
        Ok(Self {
            frame_num,
            field,
            is_idr: nal_type(nal) == IDR,
        })
    }
}
