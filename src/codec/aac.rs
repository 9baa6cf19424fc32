//! AAC, low complexity: `AudioSpecificConfig` and ADTS headers (ISO/IEC 14496-3 §1.6.2, §1.A.2).

use super::bits::Bits;
use crate::error::{Error, Result};

/// Sample rates by `samplingFrequencyIndex` (§1.6.3.4).
pub const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// PCM samples per channel of a frame.
pub const FRAME_SAMPLES: u32 = 1024;

/// Bytes of an ADTS header without CRC.
pub const ADTS_HEADER_BYTES: usize = 7;

/// Longest ADTS frame, its header included: the length has 13 bits.
const ADTS_FRAME_BYTES: usize = (1 << 13) - 1;

const LOW_COMPLEXITY: u8 = 2;
const SPECTRAL_BAND_REPLICATION: u8 = 5;
const PARAMETRIC_STEREO: u8 = 29;
const SYNC_EXTENSION: u32 = 0x2B7;

/// What a decoder has to be told before the first frame; here always something ADTS can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// `audioObjectType`: 2, low complexity.
    pub object_type: u8,
    /// Samples per second, one of [`SAMPLE_RATES`].
    pub sample_rate: u32,
    /// Channels, the low-frequency one included: 1 to 6 or 8.
    pub channels: u8,
    /// PCM samples per channel of a frame.
    pub frame_samples: u32,
    /// `samplingFrequencyIndex`: the place of `sample_rate` in [`SAMPLE_RATES`].
    pub rate_index: u8,
}

impl AudioSpecificConfig {
    /// The configuration of plain AAC-LC in this form.
    ///
    /// # Errors
    /// `Invalid` for a sample rate that is not one of [`SAMPLE_RATES`].
    pub fn low_complexity(sample_rate: u32, channels: u8) -> Result<Self> {
        let at = SAMPLE_RATES.iter().position(|rate| *rate == sample_rate);
        let rate_index = at.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| {
            Error::invalid(
                "AAC",
                format!("{sample_rate} Hz is no sample rate that it has"),
            )
        })?;
        let frame_samples = FRAME_SAMPLES;
        Ok(Self {
            object_type: LOW_COMPLEXITY,
            sample_rate,
            channels,
            frame_samples,
            rate_index,
        })
    }

    /// Reads an `AudioSpecificConfig`.
    ///
    /// # Errors
    /// `Malformed` where it is cut short. `Unsupported`, in words, for what ADTS with AAC-LC
    /// cannot carry: other object types (HE-AAC and xHE-AAC too), channels that are not one of the
    /// standard layouts, frames of 960 samples, sample rates outside the table.
    pub fn parse(config: &[u8]) -> Result<Self> {
        let mut bits = Bits::plain("AudioSpecificConfig", config);
        let object_type = object_type(&mut bits)?;
        let rate_index = rate_index(&mut bits)?;
        let channel_configuration = bits.byte(4)?;
        if object_type != LOW_COMPLEXITY {
            return Err(unsupported(match object_type {
                SPECTRAL_BAND_REPLICATION | PARAMETRIC_STEREO => HE_AAC.to_owned(),
                other => format!("AAC object type {other} is not low complexity"),
            }));
        }
        let Some(&sample_rate) = SAMPLE_RATES.get(usize::from(rate_index)) else {
            return Err(unsupported("its sample rate is a reserved one"));
        };
        if bits.flag()? {
            return Err(unsupported("its frames have 960 samples"));
        }
        if bits.flag()? {
            return Err(unsupported("it needs a second stream as its core"));
        }
        // extensionFlag: 0 for low complexity; decoders do not mind a 1.
        bits.skip(1)?;
        let channels = match channel_configuration {
            1..=6 => channel_configuration,
            7 => 8,
            _ => return Err(unsupported("its channels are not in a standard layout")),
        };
        if signals_replication(&mut bits) {
            return Err(unsupported(HE_AAC));
        }
        Ok(Self {
            object_type,
            sample_rate,
            channels,
            frame_samples: FRAME_SAMPLES,
            rate_index,
        })
    }
}

impl AudioSpecificConfig {
    /// Writes the two bytes that say it (§1.6.2.1).
    #[must_use]
    pub fn record(&self) -> [u8; 2] {
        let channels = if self.channels == 8 { 7 } else { self.channels };
        let [object, rate, channels] = [self.object_type, self.rate_index, channels].map(u16::from);
        ((object << 11) | (rate << 7) | (channels << 3)).to_be_bytes()
    }
}

/// The header of an ADTS frame (§1.A.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdtsHeader {
    /// What the frame is.
    pub config: AudioSpecificConfig,
    /// Length of the header, its check sum included.
    pub header_bytes: usize,
    /// Length of the whole frame, the header included.
    pub bytes: usize,
}

impl AdtsHeader {
    /// Reads the header at the start of `data`; the frame may be longer than `data`.
    ///
    /// # Errors
    /// `Malformed` where there is no sync word, the header is cut short or has reserved values;
    /// `Unsupported`, in words, for what is not AAC-LC in a standard layout, and for several raw
    /// data blocks in a frame.
    pub fn parse(data: &[u8]) -> Result<Self> {
        let mut bits = Bits::plain("ADTS frame", data);
        if bits.u(12)? != 0xFFF {
            return Err(bits.malformed("it does not begin with the sync word"));
        }
        bits.skip(1)?;
        if bits.u(2)? != 0 {
            return Err(bits.malformed("its layer is a reserved one"));
        }
        let header_bytes = if bits.flag()? {
            ADTS_HEADER_BYTES
        } else {
            ADTS_HEADER_BYTES + 2
        };
        let object_type = bits.byte(2)? + 1;
        let rate_index = bits.byte(4)?;
        bits.skip(1)?;
        let channel_configuration = bits.byte(3)?;
        bits.skip(4)?;
        let bytes = usize::try_from(bits.u(13)?).unwrap_or(usize::MAX);
        bits.skip(11)?;
        let more_blocks = bits.u(2)?;
        let Some(&sample_rate) = SAMPLE_RATES.get(usize::from(rate_index)) else {
            return Err(bits.malformed("its sample rate is a reserved one"));
        };
        if bytes <= header_bytes {
            return Err(bits.malformed("it is shorter than its header"));
        }
        if object_type != LOW_COMPLEXITY {
            return Err(unsupported(format!(
                "AAC object type {object_type} is not low complexity"
            )));
        }
        if more_blocks != 0 {
            return Err(unsupported("its frames have several raw data blocks"));
        }
        let channels = match channel_configuration {
            1..=6 => channel_configuration,
            7 => 8,
            _ => return Err(unsupported("its channels are not in a standard layout")),
        };
        let config = AudioSpecificConfig {
            object_type,
            sample_rate,
            channels,
            frame_samples: FRAME_SAMPLES,
            rate_index,
        };
        Ok(Self {
            config,
            header_bytes,
            bytes,
        })
    }
}

const HE_AAC: &str = "HE-AAC cannot be told from AAC-LC in a transport stream";

fn unsupported(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::unsupported("AAC audio", why)
}

fn object_type(bits: &mut Bits<'_>) -> Result<u8> {
    match bits.byte(5)? {
        31 => Ok(32 + bits.byte(6)?),
        short => Ok(short),
    }
}

/// `samplingFrequencyIndex`; a rate that is written out gets its place in the table.
fn rate_index(bits: &mut Bits<'_>) -> Result<u8> {
    match bits.byte(4)? {
        15 => {
            let rate = bits.u(24)?;
            SAMPLE_RATES
                .iter()
                .position(|known| *known == rate)
                .and_then(|index| u8::try_from(index).ok())
                .ok_or_else(|| {
                    unsupported(format!(
                        "its sample rate is {rate} Hz, not one ADTS can name"
                    ))
                })
        }
        index => Ok(index),
    }
}

/// Whether the backward compatible extension says that spectral band replication is in use
/// (§1.6.6). It is optional: bytes that end before it say no.
fn signals_replication(bits: &mut Bits<'_>) -> bool {
    let mut read = || -> Result<bool> {
        Ok(bits.u(11)? == SYNC_EXTENSION
            && object_type(bits)? == SPECTRAL_BAND_REPLICATION
            && bits.flag()?)
    };
    read().unwrap_or(false)
}

/// The ADTS header for a frame of `payload_bytes` bytes (§1.A.2.2): MPEG-4, no CRC, one
/// raw data block, buffer fullness as for variable rate.
///
/// # Errors
/// `Invalid` for channels that have no `channel_configuration`, since with 0 there clients give
/// up. `OverLimit` for a frame that does not fit the length field.
pub fn adts_header(config: &AudioSpecificConfig, payload_bytes: usize) -> Result<[u8; 7]> {
    let channels = match config.channels {
        1..=6 => config.channels,
        8 => 7,
        other => {
            return Err(Error::invalid(
                "ADTS header",
                format!("there is no layout of {other} channels"),
            ));
        }
    };
    let frame_bytes = payload_bytes.saturating_add(ADTS_HEADER_BYTES);
    let length = u16::try_from(frame_bytes)
        .ok()
        .filter(|_| frame_bytes <= ADTS_FRAME_BYTES)
        .ok_or_else(|| Error::OverLimit {
            what: "bytes of an ADTS frame",
            got: u64::try_from(frame_bytes).unwrap_or(u64::MAX),
            limit: u64::try_from(ADTS_FRAME_BYTES).unwrap_or(u64::MAX),
        })?;
    let [length_high, length_low] = (length << 3).to_be_bytes();
    // length_high: bits 12..5 of the length; two of them belong to the byte before.
    let profile = config.object_type.saturating_sub(1) & 3;
    Ok([
        0xFF,
        0xF1,
        (profile << 6) | ((config.rate_index & 15) << 2) | (channels >> 2),
        ((channels & 3) << 6) | (length_high >> 6),
        (length_high << 2) | (length_low >> 6),
        ((length_low << 2) & 0xE0) | 0x1F,
        0xFC,
    ])
}

#[cfg(test)]
mod tests {
    use super::{AdtsHeader, AudioSpecificConfig, adts_header};

    #[test]
    fn adts_headers_and_records_read_as_written() {
        for (rate, channels) in [(48_000, 2), (44_100, 1), (8_000, 6), (96_000, 8)] {
            let config = AudioSpecificConfig::low_complexity(rate, channels).unwrap();
            assert_eq!(AudioSpecificConfig::parse(&config.record()), Ok(config));
            let header = adts_header(&config, 1000).unwrap();
            let expected = AdtsHeader {
                config,
                header_bytes: 7,
                bytes: 1007,
            };
            assert_eq!(AdtsHeader::parse(&header), Ok(expected));
            for len in 0..header.len() {
                assert!(AdtsHeader::parse(&header[..len]).is_err());
            }
        }
    }
}
