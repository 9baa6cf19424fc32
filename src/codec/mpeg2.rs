//! MPEG-2 video: start codes, sequence header, kinds of pictures (ISO/IEC 13818-2 §6.2). MPEG-1
//! video (ISO/IEC 11172-2), which has no sequence extension, reads the same.

use super::bits::Bits;
use super::h264::Parity;
use super::nal::{START_CODE_BYTES, find_start_code};
use crate::error::{Error, Result};
use crate::media::{VideoCodec, VideoTrack};

/// `picture_start_code`.
pub const PICTURE: u8 = 0x00;
/// The last `slice_start_code`; they begin at 1.
pub const LAST_SLICE: u8 = 0xAF;
/// `sequence_header_code`.
pub const SEQUENCE_HEADER: u8 = 0xB3;
/// `extension_start_code`.
pub const EXTENSION: u8 = 0xB5;
/// `sequence_end_code`.
pub const SEQUENCE_END: u8 = 0xB7;
/// `group_start_code`.
pub const GROUP: u8 = 0xB8;

const SEQUENCE_EXTENSION: u32 = 1;
const PICTURE_EXTENSION: u32 = 8;

/// What the sequence header and its extension say about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceHeader {
    /// Width, in luma samples.
    pub width: u32,
    /// Height of a frame, in luma samples.
    pub height: u32,
    /// Duration of a frame; 0 where the code is a reserved one.
    pub frame_duration_90k: u32,
    /// Whether chroma is 4:2:0.
    pub chroma_420: bool,
}

/// How a picture was coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureKind {
    /// By itself.
    I,
    /// From a picture before it.
    P,
    /// From pictures before and after it.
    B,
}

/// The start codes of a run of bytes: each code with everything behind it, to the end of the
/// bytes, so that a reader that has seen enough pays for no more.
#[must_use]
pub fn start_codes(data: &[u8]) -> StartCodes<'_> {
    StartCodes { rest: data }
}

/// Iterator made by [`start_codes`].
#[derive(Debug, Clone)]
pub struct StartCodes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for StartCodes<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let prefix = find_start_code(self.rest)?;
        let (code, behind) = self.rest.get(prefix + START_CODE_BYTES..)?.split_first()?;
        self.rest = behind;
        Some((*code, behind))
    }
}

/// The headers of a sample: its start codes before the first slice.
fn headers(sample: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    start_codes(sample).take_while(|(code, _)| !(1..=LAST_SLICE).contains(code))
}

impl SequenceHeader {
    /// Reads the first sequence header in `data` (a sample, or a container's codec configuration)
    /// with its extension.
    ///
    /// # Errors
    /// `Malformed` where there is none, it is cut short or its picture is empty.
    pub fn parse(data: &[u8]) -> Result<Self> {
        let mut codes = headers(data).skip_while(|(code, _)| *code != SEQUENCE_HEADER);
        let Some((_, header)) = codes.next() else {
            return Err(Error::malformed(
                "MPEG-2 sequence header",
                0,
                "there is none",
            ));
        };
        let mut bits = Bits::plain("MPEG-2 sequence header", header);
        let mut width = bits.u(12)?;
        let mut height = bits.u(12)?;
        bits.skip(4)?;
        let (mut per_second, mut units) = frame_rate(bits.u(4)?);
        let mut chroma_420 = true;
        if let Some((EXTENSION, extension)) = codes.next() {
            let mut bits = Bits::plain("MPEG-2 sequence extension", extension);
            if bits.u(4)? == SEQUENCE_EXTENSION {
                bits.skip(9)?;
                chroma_420 = bits.u(2)? == 1;
                width |= bits.u(2)? << 12;
                height |= bits.u(2)? << 12;
                bits.skip(12 + 1 + 8 + 1)?;
                per_second *= u64::from(bits.u(2)?) + 1;
                units *= u64::from(bits.u(5)?) + 1;
            }
        }
        if width == 0 || height == 0 {
            return Err(bits.malformed("its picture is empty"));
        }
        Ok(Self {
            width,
            height,
            frame_duration_90k: super::frame_duration_90k(units, per_second),
            chroma_420,
        })
    }
}

impl SequenceHeader {
    /// The track that it describes.
    #[must_use]
    pub fn track(&self) -> VideoTrack {
        VideoTrack {
            codec: VideoCodec::Mpeg2,
            width: self.width,
            height: self.height,
            frame_duration_90k: self.frame_duration_90k,
            bit_depth: 8,
            chroma_420: self.chroma_420,
        }
    }
}

/// What a picture coding extension (§6.2.3.1) says about showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureExtension {
    /// There where the picture is a single field.
    pub field: Option<Parity>,
    /// Whether the first field is shown once more, as films have it on television (3:2).
    pub repeats_first_field: bool,
}

impl PictureExtension {
    /// Reads what stands behind an `extension_start_code`; `None` for another extension, or one
    /// that is cut short.
    #[must_use]
    pub fn parse(extension: &[u8]) -> Option<Self> {
        let mut bits = Bits::plain("MPEG-2 picture extension", extension);
        if bits.u(4).ok()? != PICTURE_EXTENSION {
            return None;
        }
        bits.skip(16 + 2).ok()?;
        let field = match bits.u(2).ok()? {
            1 => Some(Parity::Top),
            2 => Some(Parity::Bottom),
            _ => None,
        };
        bits.skip(6).ok()?;
        Some(Self {
            field,
            repeats_first_field: bits.flag().ok()?,
        })
    }
}

/// Frames in so many seconds (table 6-4); (0, 1) for a reserved code.
fn frame_rate(code: u32) -> (u64, u64) {
    match code {
        1 => (24_000, 1_001),
        2 => (24, 1),
        3 => (25, 1),
        4 => (30_000, 1_001),
        5 => (30, 1),
        6 => (50, 1),
        7 => (60_000, 1_001),
        8 => (60, 1),
        _ => (0, 1),
    }
}

/// Whether a sequence header precedes the sample's first slice.
#[must_use]
pub fn has_sequence_header(sample: &[u8]) -> bool {
    headers(sample).any(|(code, _)| code == SEQUENCE_HEADER)
}

/// How the sample's first picture was coded; `None` where there is no picture in it.
#[must_use]
pub fn picture_kind(sample: &[u8]) -> Option<PictureKind> {
    let (_, header) = headers(sample).find(|(code, _)| *code == PICTURE)?;
    match (header.get(1)? >> 3) & 7 {
        1 => Some(PictureKind::I),
        2 => Some(PictureKind::P),
        3 => Some(PictureKind::B),
        _ => None,
    }
}

/// Whether decoding can begin at this sample, given that the sequence header is known or in it: an
/// I picture behind a sequence header or a group of pictures header.
#[must_use]
pub fn is_random_access(sample: &[u8]) -> bool {
    picture_kind(sample) == Some(PictureKind::I)
        && headers(sample).any(|(code, _)| matches!(code, SEQUENCE_HEADER | GROUP))
}
