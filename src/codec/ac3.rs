//! AC-3 and E-AC-3 synchronization frames (ATSC A/52 §5.3, annex E §2.3).

use super::bits::Bits;
use crate::error::Result;
use crate::media::AudioCodec;

/// PCM samples per channel of one audio block.
pub const BLOCK_SAMPLES: u32 = 256;

/// Bytes that a header can be read from.
const HEADER_BYTES: usize = 7;

/// Highest `bsid` of AC-3, the half and quarter rates of it included.
const LAST_AC3_BSID: u8 = 10;

/// `strmtyp` of a dependent substream.
const DEPENDENT: u32 = 1;

const KILOBITS: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
/// Samples per second by `fscod`.
pub const SAMPLE_RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Channels without the low-frequency one, by `acmod`.
pub const CHANNELS: [u8; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// The header of a synchronization frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncFrame {
    /// `Ac3` or `Eac3`.
    pub codec: AudioCodec,
    /// Length of the whole frame.
    pub bytes: usize,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, the low-frequency one included. Those of dependent substreams are not counted.
    pub channels: u8,
    /// PCM samples per channel.
    pub samples: u32,
    /// Whether it can be decoded by itself: AC-3, and E-AC-3 but for dependent substreams.
    pub independent: bool,
    /// Number of the E-AC-3 substream among those of its kind; 0 is the main programme.
    pub substream: u8,
}

impl SyncFrame {
    /// Reads the header at the start of `data`; the frame may be longer than `data`.
    ///
    /// # Errors
    /// `Malformed` where there is no sync word, the header is cut short or has reserved values.
    pub fn parse(data: &[u8]) -> Result<Self> {
        let mut bits = Bits::plain("AC-3 frame", data);
        if bits.u(16)? != 0x0B77 {
            return Err(bits.malformed("it does not begin with the sync word"));
        }
        let bsid = data.get(5).map_or(0, |byte| byte >> 3);
        if data.len() < HEADER_BYTES {
            return Err(bits.malformed("it ends too early"));
        }
        match bsid {
            0..=LAST_AC3_BSID => Self::ac3(bits, bsid),
            11..=16 => Self::eac3(bits),
            _ => Err(bits.malformed("its version (bsid) is unknown")),
        }
    }

    fn ac3(mut bits: Bits<'_>, bsid: u8) -> Result<Self> {
        bits.skip(16)?;
        let rate_code = bits.u(2)?;
        let size_code = bits.u(6)?;
        let sample_rate = *pick(&SAMPLE_RATES, rate_code)
            .ok_or_else(|| bits.malformed("its sample rate is a reserved one"))?;
        let kilobits = *pick(&KILOBITS, size_code >> 1)
            .ok_or_else(|| bits.malformed("its size is a reserved one"))?;
        // Table 5.18 in 16-bit words; only at 44.1 kHz there are two sizes per rate.
        let words = match sample_rate {
            48_000 => kilobits * 2,
            44_100 => kilobits * 96_000 / 44_100 + (size_code & 1),
            _ => kilobits * 3,
        };
        bits.skip(5 + 3)?;
        let mode = bits.u(3)?;
        let centre = mode & 1 != 0 && mode != 1;
        let surround = mode & 4 != 0;
        for mix_level in [centre, surround, mode == 2] {
            bits.skip(if mix_level { 2 } else { 0 })?;
        }
        let low_frequency = bits.byte(1)?;
        Ok(Self {
            codec: AudioCodec::Ac3,
            bytes: in_bytes(words),
            sample_rate: sample_rate >> bsid.saturating_sub(8),
            channels: pick(&CHANNELS, mode).copied().unwrap_or(0) + low_frequency,
            samples: 6 * BLOCK_SAMPLES,
            independent: true,
            substream: 0,
        })
    }

    fn eac3(mut bits: Bits<'_>) -> Result<Self> {
        let stream_type = bits.u(2)?;
        if stream_type == 3 {
            return Err(bits.malformed("its stream type is a reserved one"));
        }
        let substream = bits.byte(3)?;
        let words = bits.u(11)? + 1;
        let rate_code = bits.u(2)?;
        let second_code = bits.u(2)?;
        let (rate, blocks) = if rate_code == 3 {
            (pick(&SAMPLE_RATES, second_code).map(|rate| rate / 2), 6)
        } else {
            let blocks = [1, 2, 3, 6];
            (
                pick(&SAMPLE_RATES, rate_code).copied(),
                pick(&blocks, second_code).copied().unwrap_or(6),
            )
        };
        let sample_rate =
            rate.ok_or_else(|| bits.malformed("its sample rate is a reserved one"))?;
        let mode = bits.u(3)?;
        let low_frequency = bits.byte(1)?;
        if in_bytes(words) < HEADER_BYTES {
            return Err(bits.malformed("it is shorter than its header"));
        }
        Ok(Self {
            codec: AudioCodec::Eac3,
            bytes: in_bytes(words),
            sample_rate,
            channels: pick(&CHANNELS, mode).copied().unwrap_or(0) + low_frequency,
            samples: blocks * BLOCK_SAMPLES,
            independent: stream_type != DEPENDENT,
            substream,
        })
    }
}

fn pick<T>(table: &[T], index: u32) -> Option<&T> {
    table.get(usize::try_from(index).ok()?)
}

fn in_bytes(words: u32) -> usize {
    usize::try_from(words * 2).unwrap_or(usize::MAX)
}

/// Splits a sample into its frames, each with its header. An error is the last item.
pub fn frames(data: &[u8]) -> impl Iterator<Item = Result<(SyncFrame, &[u8])>> {
    super::frames("AC-3 frame", data, SyncFrame::parse, |header| header.bytes)
}

/// PCM samples per channel that a container sample stands for: those of its main programme.
/// Dependent substreams and further programmes are heard at the same time and add none.
///
/// # Errors
/// The sample is no run of frames.
pub fn samples_in(data: &[u8]) -> Result<u32> {
    frames(data).try_fold(0_u32, |samples, frame| {
        let (header, _) = frame?;
        let main = header.independent && header.substream == 0;
        Ok(samples.saturating_add(if main { header.samples } else { 0 }))
    })
}
