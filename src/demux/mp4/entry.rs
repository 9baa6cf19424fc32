//! Sample entries of `stsd`: what a track carries (ISO/IEC 14496-12 §8.5.2, -14 §5.6, -15 §5.4 and
//! §8.4, ETSI TS 102 366 annex F, `QuickTime` File Format "Sample Description Atoms").

use super::boxes::{Fields, FourCc, children};
use crate::codec::{aac, ac3, h264, hevc, mpeg_audio, mpeg2};
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{AudioCodec, AudioTrack, Medium, TrackKind};
use bytes::Bytes;

/// What a sample entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Described {
    /// All that there is to know, and the decoder's configuration.
    Fully(TrackKind, Bytes),
    /// Which stream it is; its facts are in the first sample.
    InStream(Stream),
}

/// A kind of stream whose samples begin with all facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// MPEG-2 video.
    Mpeg2,
    /// Layer II or III.
    MpegAudio,
    /// AC-3 or E-AC-3.
    Ac3,
}

/// Bytes at the start of the first sample that [`Stream::facts`] wants to see.
pub(super) const STREAM_HEAD_BYTES: usize = 4096;

impl Stream {
    pub(super) fn medium(self) -> Medium {
        match self {
            Self::Mpeg2 => Medium::Video,
            Self::MpegAudio | Self::Ac3 => Medium::Audio,
        }
    }

    /// Reads the facts off the start of the first sample.
    pub(super) fn facts(self, sample: &[u8]) -> Result<TrackKind> {
        match self {
            Self::Mpeg2 => mpeg2_video(sample),
            Self::MpegAudio => {
                let header = mpeg_audio::FrameHeader::parse(sample)?;
                Ok(audio(header.layer, header.sample_rate, header.channels))
            }
            Self::Ac3 => {
                let frame = ac3::SyncFrame::parse(sample)?;
                Ok(audio(frame.codec, frame.sample_rate, frame.channels))
            }
        }
    }
}

/// Listed, not carried.
fn other(medium: Medium, codec: impl Into<String>, why: impl Into<String>) -> Described {
    Described::Fully(
        TrackKind::Other {
            medium,
            codec: codec.into(),
            why: why.into(),
        },
        Bytes::new(),
    )
}

/// What the first sample entry in the body of an `stsd` says about a track of this `handler`.
pub(super) fn describe(stsd: &Bytes, handler: FourCc) -> Described {
    let medium = medium(handler);
    let entries = stsd.slice(8.min(stsd.len())..);
    let Some((format, entry)) = children(&entries).next() else {
        return other(medium, "", "it has no description");
    };
    let described = match medium {
        Medium::Video => video_entry(format, &entry),
        Medium::Audio => audio_entry(format, &entry),
        Medium::Neither => Ok(other(medium, format.to_string(), stream_name(handler))),
    };
    described.unwrap_or_else(|error| {
        let why = match error {
            Error::Unsupported { why, .. } => why.into_owned(),
            error => error.to_string(),
        };
        other(medium, format.to_string(), why)
    })
}

fn medium(handler: FourCc) -> Medium {
    match &handler.0 {
        b"vide" => Medium::Video,
        b"soun" => Medium::Audio,
        _ => Medium::Neither,
    }
}

/// Words for a track that is neither video nor audio.
fn stream_name(handler: FourCc) -> &'static str {
    match &handler.0 {
        b"text" | b"sbtl" | b"subt" | b"clcp" => "subtitles",
        b"hint" => "streaming hints",
        b"tmcd" => "time code",
        b"meta" | b"mdta" => "metadata",
        _ => "neither video nor audio",
    }
}

fn broken(why: &'static str) -> Error {
    Error::malformed("moov/trak/mdia/minf/stbl/stsd", 0, why)
}

fn child(boxes: &Bytes, kind: &[u8; 4]) -> Option<Bytes> {
    children(boxes)
        .find(|(found, _)| &found.0 == kind)
        .map(|(_, body)| body)
}

/// A child that the decoder cannot do without.
fn config(boxes: &Bytes, kind: &[u8; 4], missing: &'static str) -> Result<Bytes> {
    let body = child(boxes, kind).ok_or_else(|| broken(missing))?;
    if body.len() > limits::CODEC_CONFIG_BYTES {
        return Err(Error::OverLimit {
            what: "codec configuration in bytes",
            got: super::file::length(body.len()),
            limit: super::file::length(limits::CODEC_CONFIG_BYTES),
        });
    }
    // A copy, so that it does not keep the whole table alive.
    Ok(Bytes::copy_from_slice(&body))
}

/// Fixed fields of a `VisualSampleEntry`.
const VISUAL_BYTES: usize = 78;

fn video_entry(format: FourCc, entry: &Bytes) -> Result<Described> {
    let boxes = entry.slice(VISUAL_BYTES.min(entry.len())..);
    match &format.0 {
        b"avc1" | b"avc3" => {
            let config = config(&boxes, b"avcC", "there is no avcC")?;
            let record = h264::AvcConfig::parse(&config)?;
            let sps = record.sps.first().ok_or_else(no_parameter_sets)?;
            let sps = h264::Sps::parse(sps)?;
            Ok(Described::Fully(TrackKind::Video(sps.track()), config))
        }
        b"hvc1" | b"hev1" => {
            let config = config(&boxes, b"hvcC", "there is no hvcC")?;
            let record = hevc::HvcConfig::parse(&config)?;
            let sps = record.sps.first().ok_or_else(no_parameter_sets)?;
            let sps = hevc::Sps::parse(sps)?;
            Ok(Described::Fully(TrackKind::Video(sps.track()), config))
        }
        b"mp4v" => match esds(&boxes)? {
            (0x60..=0x65, config) if config.is_empty() => Ok(Described::InStream(Stream::Mpeg2)),
            (0x60..=0x65, config) => Ok(Described::Fully(mpeg2_video(&config)?, config)),
            (0x20, _) => Err(unsupported("it is MPEG-4 part 2")),
            (0x6A, _) => Err(unsupported("it is MPEG-1")),
            (kind, _) => Err(unsupported(format!("its object type is 0x{kind:02x}"))),
        },
        b"m2v1" | b"mp2v" | b"mpg2" => Ok(Described::InStream(Stream::Mpeg2)),
        b"encv" => Err(unsupported("it is encrypted")),
        _ => Err(unsupported("this codec cannot be carried")),
    }
}

fn unsupported(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::unsupported("track", why)
}

fn no_parameter_sets() -> Error {
    unsupported("its parameter sets are only in the stream")
}

fn mpeg2_video(headers: &[u8]) -> Result<TrackKind> {
    Ok(TrackKind::Video(
        mpeg2::SequenceHeader::parse(headers)?.track(),
    ))
}

fn audio(codec: AudioCodec, sample_rate: u32, channels: u8) -> TrackKind {
    TrackKind::Audio(AudioTrack {
        codec,
        sample_rate,
        channels,
    })
}

/// What an `AudioSampleEntry` or a `QuickTime` sound description holds.
struct Sound {
    sample_rate: u32,
    boxes: Bytes,
}

impl Sound {
    /// Fixed fields of an `AudioSampleEntry`, and of a sound description of version 0.
    const BYTES: usize = 28;

    fn read(entry: &Bytes) -> Result<Self> {
        let mut fields = Fields::new(entry);
        let mut fixed = || {
            fields.take(8)?;
            let version = fields.u16()?;
            fields.take(14)?;
            // 16.16; what is behind the point is 0 in every file there is.
            let rate = fields.u32()? >> 16;
            Some((version, rate))
        };
        let (version, rate) = fixed().ok_or_else(|| broken("its sample entry is too short"))?;
        let more = match version {
            1 => 16,
            2 => 36,
            _ => 0,
        };
        let from = |more: usize| entry.slice((Self::BYTES + more).min(entry.len())..);
        let mut boxes = from(more);
        if children(&boxes).next().is_none() {
            // Version 1 of the standard's own entry has no fields more.
            boxes = from(0);
        }
        if let Some(wave) = child(&boxes, b"wave") {
            boxes = Bytes::from([&wave[..], &boxes[..]].concat());
        }
        Ok(Self {
            sample_rate: rate,
            boxes,
        })
    }
}

fn audio_entry(format: FourCc, entry: &Bytes) -> Result<Described> {
    let sound = Sound::read(entry)?;
    match &format.0 {
        b"mp4a" => match esds(&sound.boxes)? {
            (0x40 | 0x66..=0x68, config) => {
                let facts = aac::AudioSpecificConfig::parse(&config)?;
                let kind = audio(AudioCodec::Aac, facts.sample_rate, facts.channels);
                Ok(Described::Fully(kind, config))
            }
            (0x69 | 0x6B, _) => Ok(Described::InStream(Stream::MpegAudio)),
            (0xA5 | 0xA6, _) => Ok(Described::InStream(Stream::Ac3)),
            (0xA9, _) => Err(unsupported("it is DTS")),
            (kind, _) => Err(unsupported(format!("its object type is 0x{kind:02x}"))),
        },
        b"ac-3" | b"sac3" => Ok(child(&sound.boxes, b"dac3")
            .and_then(|dac3| ac3_facts(&dac3))
            .map_or(Described::InStream(Stream::Ac3), |kind| {
                Described::Fully(kind, Bytes::new())
            })),
        b"ec-3" => Ok(child(&sound.boxes, b"dec3")
            .and_then(|dec3| eac3_facts(&dec3, sound.sample_rate))
            .map_or(Described::InStream(Stream::Ac3), |kind| {
                Described::Fully(kind, Bytes::new())
            })),
        // The last two are numbers of Windows formats in a `QuickTime` coat.
        b".mp3" | b".mp2" | b"mp3 " | b"ms\0\x55" | b"ms\0\x50" => {
            Ok(Described::InStream(Stream::MpegAudio))
        }
        b"enca" => Err(unsupported("it is encrypted")),
        _ => Err(unsupported("this codec cannot be carried")),
    }
}

/// Channels of a substream, from bits that have `acmod` and `lfeon` at the bottom.
fn channels(acmod_lfe: u32) -> u8 {
    let acmod = usize::try_from(acmod_lfe >> 1 & 7).unwrap_or(0);
    let lfe = u8::from(acmod_lfe & 1 == 1);
    ac3::CHANNELS
        .get(acmod)
        .copied()
        .unwrap_or(2)
        .saturating_add(lfe)
}

/// `AC3SpecificBox`: fscod 2, bsid 5, bsmod 3, acmod 3, lfeon 1, bit rate 5, reserved 5.
fn ac3_facts(dac3: &[u8]) -> Option<TrackKind> {
    let [a, b, c] = Fields::new(dac3).array()?;
    let bits = u32::from_be_bytes([0, a, b, c]);
    let rate = ac3::SAMPLE_RATES.get(usize::try_from(bits >> 22).ok()?)?;
    Some(audio(AudioCodec::Ac3, *rate, channels(bits >> 10)))
}

/// `EC3SpecificBox`: data rate 13, substreams - 1 3; then for the first one fscod 2, bsid 5,
/// reserved 1, asvc 1, bsmod 3, acmod 3, lfeon 1, reserved 3, dependent ones 4, their channels 9.
fn eac3_facts(dec3: &[u8], sample_rate: u32) -> Option<TrackKind> {
    let mut fields = Fields::new(dec3);
    fields.u16()?;
    let [a, b, c] = fields.array()?;
    let bits = u32::from_be_bytes([0, a, b, c]);
    let rate = ac3::SAMPLE_RATES.get(usize::try_from(bits >> 22).ok()?);
    // The fourth code halves the rate, by a field that only the stream has.
    let rate = rate
        .copied()
        .or(Some(sample_rate).filter(|rate| *rate > 0))?;
    let mut count = channels(bits >> 8);
    if bits >> 1 & 0xF != 0 {
        let locations = (bits & 1) << 8 | u32::from(fields.u8()?);
        // Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw and Lvh/Rvh are pairs (A/52 table E2.5).
        let pairs = (locations & 0b1_1001_1100).count_ones();
        let more = locations.count_ones().checked_add(pairs)?;
        count = count.saturating_add(u8::try_from(more).unwrap_or(0));
    }
    Some(audio(AudioCodec::Eac3, rate, count))
}

/// The object type and the `DecoderSpecificInfo` of an `esds` (ISO/IEC 14496-1 §7.2.6).
fn esds(boxes: &Bytes) -> Result<(u8, Bytes)> {
    let body = config(boxes, b"esds", "there is no esds")?;
    let mut fields = Fields::new(&body);
    let read = |fields: &mut Fields<'_>| {
        fields.u32()?;
        let mut stream = Fields::new(descriptor(fields, 0x03)?);
        stream.u16()?;
        let flags = stream.u8()?;
        if flags & 0x80 != 0 {
            stream.u16()?;
        }
        if flags & 0x40 != 0 {
            let len = usize::from(stream.u8()?);
            stream.take(len)?;
        }
        if flags & 0x20 != 0 {
            stream.u16()?;
        }
        let mut decoder = Fields::new(descriptor(&mut stream, 0x04)?);
        let object_type = decoder.u8()?;
        decoder.take(12)?;
        let specific = descriptor(&mut decoder, 0x05).unwrap_or_default();
        Some((object_type, Bytes::copy_from_slice(specific)))
    };
    read(&mut fields).ok_or_else(|| broken("its esds is broken"))
}

/// The next descriptor, if it has this tag. One that claims to be longer than what it lies in is
/// taken as far as that goes, as players do.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8) -> Option<&'a [u8]> {
    if fields.u8()? != tag {
        return None;
    }
    let mut len = 0_usize;
    for _ in 0..4 {
        let byte = fields.u8()?;
        len = len << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    fields.take(len.min(fields.rest().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(kind: Option<TrackKind>) -> AudioTrack {
        match kind {
            Some(TrackKind::Audio(audio)) => audio,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn dac3_and_dec3_tell_rate_and_channels() {
        // 48 kHz, 3/2 with LFE, as written for broadcast.
        let surround = facts(ac3_facts(&[0x10, 0x3D, 0xE0]));
        assert_eq!((surround.sample_rate, surround.channels), (48_000, 6));
        // 48 kHz, 3/2 with LFE, one dependent substream with Lrs/Rrs: 7.1.
        let dec3 = [0x0C, 0x00, 0x20, 0x0F, 0x02, 0x80];
        let wide = facts(eac3_facts(&dec3, 0));
        assert_eq!((wide.sample_rate, wide.channels), (48_000, 8));
        assert_eq!(ac3_facts(&[0xFF, 0xFF, 0xFF]), None, "reserved sample rate");
    }

    #[test]
    fn descriptors_longer_than_their_place_are_clipped() {
        let mut fields = Fields::new(&[0x05, 0x80, 0x80, 0x80, 0x7F, 1, 2]);
        assert_eq!(descriptor(&mut fields, 0x05), Some(&[1_u8, 2][..]));
    }
}
