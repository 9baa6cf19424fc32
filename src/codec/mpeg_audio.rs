//! MPEG-1 and MPEG-2 audio, layers II and III: frame headers (ISO/IEC 11172-3 §2.4.2.3, 13818-3
//! §2.4.2.3).

use super::bits::Bits;
use crate::error::{Error, Result};
use crate::media::AudioCodec;

/// Bytes of a frame header.
pub const HEADER_BYTES: usize = 4;

const LAYER_II_KILOBITS: [u32; 14] = [
    32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
];
const LAYER_III_KILOBITS: [u32; 14] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
];
const LOW_RATE_KILOBITS: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// `Mp2` (layer II) or `Mp3` (layer III).
    pub layer: AudioCodec,
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Length of the whole frame.
    pub bytes: usize,
    /// PCM samples per channel.
    pub samples: u32,
}

impl FrameHeader {
    /// Reads the header at the start of `data`; the frame may be longer than `data`.
    ///
    /// # Errors
    /// `Malformed` where there is no sync word, the header is cut short or has reserved values;
    /// `Unsupported` for layer I, the free format and "MPEG-2.5", which no standard knows.
    pub fn parse(data: &[u8]) -> Result<Self> {
        let mut bits = Bits::plain("MPEG audio frame", data);
        if bits.u(11)? != 0x7FF {
            return Err(bits.malformed("it does not begin with the sync word"));
        }
        let mpeg1 = match bits.u(2)? {
            3 => true,
            2 => false,
            0 => return Err(unsupported("MPEG-2.5 is outside the standard")),
            _ => return Err(bits.malformed("its version is a reserved one")),
        };
        let layer = match bits.u(2)? {
            1 => AudioCodec::Mp3,
            2 => AudioCodec::Mp2,
            3 => return Err(unsupported("layer I is not carried")),
            _ => return Err(bits.malformed("its layer is a reserved one")),
        };
        bits.skip(1)?;
        let kilobits = match bits.u(4)? {
            0 => return Err(unsupported("its bit rate is the free format")),
            code => *pick(kilobits(layer, mpeg1), code - 1)
                .ok_or_else(|| bits.malformed("its bit rate is a reserved one"))?,
        };
        let full_rate = *pick(&SAMPLE_RATES, bits.u(2)?)
            .ok_or_else(|| bits.malformed("its sample rate is a reserved one"))?;
        let sample_rate = if mpeg1 { full_rate } else { full_rate / 2 };
        let padding = bits.u(1)?;
        bits.skip(1)?;
        let mono = bits.u(2)? == 3;
        let samples = if layer == AudioCodec::Mp3 && !mpeg1 {
            576
        } else {
            1_152
        };
        let bytes = samples / 8 * kilobits * 1_000 / sample_rate + padding;
        Ok(Self {
            layer,
            sample_rate,
            channels: if mono { 1 } else { 2 },
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            samples,
        })
    }
}

fn unsupported(why: &'static str) -> Error {
    Error::unsupported("MPEG audio", why)
}

/// Bit rates by `bitrate_index` from 1 on.
fn kilobits(layer: AudioCodec, mpeg1: bool) -> &'static [u32; 14] {
    match (mpeg1, layer) {
        (false, _) => &LOW_RATE_KILOBITS,
        (true, AudioCodec::Mp3) => &LAYER_III_KILOBITS,
        (true, _) => &LAYER_II_KILOBITS,
    }
}

fn pick(table: &[u32], index: u32) -> Option<&u32> {
    table.get(usize::try_from(index).ok()?)
}

/// Splits a sample into its frames, each with its header. An error is the last item.
pub fn frames(data: &[u8]) -> impl Iterator<Item = Result<(FrameHeader, &[u8])>> {
    super::frames("MPEG audio frame", data, FrameHeader::parse, |header| {
        header.bytes
    })
}
