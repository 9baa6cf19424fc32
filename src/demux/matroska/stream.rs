//! Tracks judged: what a `TrackEntry` is to the rest of the box, and what reading its blocks takes
//! (codec mappings of RFC 9559 §5.1.4.1.21 and the Matroska codec registry).

use super::entry::{Entry, EntryType};
use super::time::FrameDuration;
use crate::codec::nal::LengthSize;
use crate::codec::{aac, ac3, h264, hevc, mpeg_audio, mpeg2};
use crate::demux::{MovieTrack, commentary};
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{
    AudioCodec, AudioTrack, Medium, Role, Track, TrackId, TrackKind, VideoTrack, language,
};
use bytes::{Bytes, BytesMut};

/// How frames are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    H264(LengthSize),
    Hevc(LengthSize),
    Mpeg2,
    Aac { frame_samples: u32 },
    Ac3,
    MpegAudio,
}

/// A track that can be carried, with what its blocks need.
#[derive(Debug)]
pub(super) struct Stream {
    coding: Coding,
    /// Samples per second of audio.
    sample_rate: u32,
    /// Bytes to be put back in front of each frame.
    stripped: Bytes,
    /// Pictures that wait for reordering.
    pub(super) reorder: u8,
    /// Duration of a frame, where it is fixed.
    pub(super) frame: Option<FrameDuration>,
    /// To be taken off the stored times.
    pub(super) delay_ns: i64,
    /// Whether the facts still wait for a first frame.
    unheard: bool,
}

/// A track of the file.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) movie: MovieTrack,
    /// There where it can be carried.
    pub(super) stream: Option<Stream>,
    /// The file says that it is not to be used.
    pub(super) disabled: bool,
}

/// Facts of a carried track.
struct Facts {
    kind: TrackKind,
    config: Bytes,
    coding: Coding,
    reorder: u8,
    frame_90k: u32,
}

impl Listed {
    /// Judges a track.
    pub(super) fn new(entry: &Entry) -> Self {
        let facts = match entry.sealed {
            Some(why) => Err(why.to_owned()),
            None => facts_of(entry),
        };
        let (kind, config, stream) = match facts {
            Ok(facts) => {
                let stream = Stream::new(entry, &facts);
                (facts.kind, facts.config, Some(stream))
            }
            Err(why) => (other(entry, &why), Bytes::new(), None),
        };
        // Where neither is written the standard says English (RFC 9559 §5.1.4.1.20).
        let language = entry.language_bcp47.as_ref().or(entry.language.as_ref());
        let language = language.map_or("eng", String::as_str);
        let track = Track {
            id: TrackId(entry.number),
            kind,
            language: language::code(language).unwrap_or_else(|| "und".to_owned()),
            title: entry.name.clone(),
            role: role(entry),
            default: entry.default && entry.enabled,
        };
        Self {
            movie: MovieTrack { track, config },
            stream,
            disabled: !entry.enabled,
        }
    }

    /// Its number in the file.
    pub(super) fn number(&self) -> u64 {
        self.movie.track.id.0
    }

    /// What it would be as video, and why it cannot be carried, where it is such a track.
    pub(super) fn refused_video(&self) -> Option<(&str, &str)> {
        match &self.movie.track.kind {
            TrackKind::Other { medium, codec, why } => {
                (*medium == Medium::Video).then_some((codec.as_str(), why.as_str()))
            }
            TrackKind::Video(_) | TrackKind::Audio(_) => None,
        }
    }

    /// Whether it is video that can be carried.
    pub(super) fn is_video(&self) -> bool {
        self.movie.track.video().is_some()
    }

    /// Whether its facts wait for its first frame.
    pub(super) fn is_unheard(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.unheard)
    }

    /// Corrects the facts by what a first frame says, where the codec has them in its frames.
    pub(super) fn hear(&mut self, frame: &[u8]) {
        let Some(stream) = self.stream.as_mut() else {
            return;
        };
        stream.unheard = false;
        let heard = match stream.coding {
            Coding::Ac3 => ac3::SyncFrame::parse(frame)
                .map(|header| (header.codec, header.sample_rate, header.channels)),
            Coding::MpegAudio => mpeg_audio::FrameHeader::parse(frame)
                .map(|header| (header.layer, header.sample_rate, header.channels)),
            Coding::Mpeg2 => return self.see(frame),
            Coding::H264(_) | Coding::Hevc(_) | Coding::Aac { .. } => return,
        };
        match heard {
            Ok((codec, sample_rate, channels)) => {
                stream.sample_rate = sample_rate;
                self.movie.track.kind = TrackKind::Audio(AudioTrack {
                    codec,
                    sample_rate,
                    channels,
                });
            }
            Err(Error::Unsupported { why, .. }) => {
                self.stream = None;
                if let Some(audio) = self.movie.track.audio() {
                    self.movie.track.kind = TrackKind::Other {
                        medium: Medium::Audio,
                        codec: format!("{:?}", audio.codec),
                        why: why.into_owned(),
                    };
                }
            }
            // A damaged first frame says nothing; the container's word stands.
            Err(_) => {}
        }
    }

    fn see(&mut self, picture: &[u8]) {
        let (Some(stream), Ok(header)) =
            (self.stream.as_mut(), mpeg2::SequenceHeader::parse(picture))
        else {
            return;
        };
        let frame = FrameDuration::from_90k(header.frame_duration_90k);
        stream.frame = stream.frame.or(frame);
        self.movie.track.kind = TrackKind::Video(VideoTrack {
            frame_duration_90k: stream.frame.map_or(0, FrameDuration::rounded_90k),
            ..header.track()
        });
    }
}

impl Stream {
    fn new(entry: &Entry, facts: &Facts) -> Self {
        let sample_rate = match &facts.kind {
            TrackKind::Audio(audio) => audio.sample_rate,
            TrackKind::Video(_) | TrackKind::Other { .. } => 0,
        };
        let unheard = match facts.coding {
            Coding::Ac3 | Coding::MpegAudio => true,
            Coding::Mpeg2 => facts.config.is_empty(),
            Coding::H264(_) | Coding::Hevc(_) | Coding::Aac { .. } => false,
        };
        Self {
            coding: facts.coding,
            sample_rate,
            stripped: entry.stripped.clone(),
            reorder: facts.reorder,
            frame: frame_duration(entry, facts.frame_90k),
            delay_ns: i64::try_from(entry.codec_delay_ns).map_or(0, |ns| ns.min(1_000_000_000)),
            unheard,
        }
    }

    /// A frame as it was before its writer took off what all frames have in common.
    pub(super) fn whole(&self, frame: Bytes) -> Bytes {
        if self.stripped.is_empty() {
            return frame;
        }
        let mut whole = BytesMut::with_capacity(self.stripped.len() + frame.len());
        whole.extend_from_slice(&self.stripped);
        whole.extend_from_slice(&frame);
        whole.freeze()
    }

    /// Whether decoding can begin at a frame that the container calls a key frame.
    pub(super) fn is_random_access(&self, frame: &[u8]) -> bool {
        match self.coding {
            Coding::H264(length) => h264::is_random_access(frame, length).unwrap_or(false),
            Coding::Hevc(length) => hevc::is_random_access(frame, length).unwrap_or(false),
            Coding::Mpeg2 => mpeg2::is_random_access(frame),
            Coding::Aac { .. } | Coding::Ac3 | Coding::MpegAudio => true,
        }
    }

    /// Whether decoding can begin at a frame of which only the beginning is known. Where that does
    /// not tell, it is no.
    pub(super) fn begins_random_access(&self, head: Bytes) -> bool {
        let head = self.whole(head);
        match self.coding {
            Coding::H264(length) | Coding::Hevc(length) => {
                self.is_random_access(&ended(&head, length))
            }
            _ => self.is_random_access(&head),
        }
    }

    /// How long an audio frame is heard, in nanoseconds; 0 where it does not say.
    pub(super) fn audio_ns(&self, frame: &[u8]) -> u64 {
        let samples = match self.coding {
            Coding::Aac { frame_samples } => frame_samples,
            Coding::Ac3 => ac3::samples_in(frame).unwrap_or(0),
            Coding::MpegAudio => {
                mpeg_audio::FrameHeader::parse(frame).map_or(0, |header| header.samples)
            }
            Coding::H264(_) | Coding::Hevc(_) | Coding::Mpeg2 => 0,
        };
        u64::from(samples)
            .saturating_mul(1_000_000_000)
            .checked_div(u64::from(self.sample_rate))
            .unwrap_or(0)
    }
}

/// The beginning of a frame, with its last NAL unit as long as is left of it.
fn ended(head: &[u8], length: LengthSize) -> Vec<u8> {
    let mut ended = head.to_vec();
    let mut at = 0_usize;
    while let Some(prefix) = ended.get_mut(at..at.saturating_add(length.bytes())) {
        let size = prefix.iter();
        let size = size.fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        let body = at.saturating_add(length.bytes());
        let left = head.len().saturating_sub(body);
        if size > left {
            let left = left.to_be_bytes();
            for (to, from) in prefix.iter_mut().rev().zip(left.iter().rev()) {
                *to = *from;
            }
            break;
        }
        at = body.saturating_add(size);
    }
    ended
}

/// The duration of a frame by the container, else by the codec.
fn frame_duration(entry: &Entry, by_codec_90k: u32) -> Option<FrameDuration> {
    FrameDuration::from_ns(entry.default_duration_ns)
        .or_else(|| FrameDuration::from_90k(by_codec_90k))
}

fn role(entry: &Entry) -> Role {
    if entry.aside || entry.name.as_deref().is_some_and(commentary::is_named) {
        Role::Commentary
    } else {
        Role::Main
    }
}

/// The facts of a track, or why it cannot be carried.
fn facts_of(entry: &Entry) -> std::result::Result<Facts, String> {
    let private = &entry.codec_private;
    if private.len() > limits::CODEC_CONFIG_BYTES {
        return Err("its codec description is too long".to_owned());
    }
    let facts = match (entry.entry_type, entry.codec_id.as_str()) {
        (EntryType::Video, "V_MPEG4/ISO/AVC") => h264_facts(entry),
        (EntryType::Video, "V_MPEGH/ISO/HEVC") => hevc_facts(entry),
        (EntryType::Video, "V_MPEG2") => Ok(mpeg2_facts(entry)),
        (EntryType::Audio, "A_AAC") => aac_facts(private.clone()),
        (EntryType::Audio, "A_AAC/MPEG2/LC" | "A_AAC/MPEG4/LC") if private.is_empty() => {
            low_complexity_config(entry).and_then(aac_facts)
        }
        (EntryType::Audio, "A_AAC/MPEG2/LC" | "A_AAC/MPEG4/LC") => aac_facts(private.clone()),
        (EntryType::Audio, id) if id == "A_AC3" || id.starts_with("A_AC3/") => {
            Ok(audio_facts(entry, AudioCodec::Ac3, Coding::Ac3))
        }
        (EntryType::Audio, "A_EAC3") => Ok(audio_facts(entry, AudioCodec::Eac3, Coding::Ac3)),
        (EntryType::Audio, "A_MPEG/L2") => {
            Ok(audio_facts(entry, AudioCodec::Mp2, Coding::MpegAudio))
        }
        (EntryType::Audio, "A_MPEG/L3") => {
            Ok(audio_facts(entry, AudioCodec::Mp3, Coding::MpegAudio))
        }
        _ => return Err("this codec is not carried".to_owned()),
    };
    facts.map_err(|error| match error {
        Error::Unsupported { why, .. } => why.into_owned(),
        error => error.to_string(),
    })
}

fn no_parameter_sets() -> Error {
    Error::unsupported("track", "its codec description has no parameter sets")
}

fn h264_facts(entry: &Entry) -> Result<Facts> {
    let config = h264::AvcConfig::parse(&entry.codec_private)?;
    let sps = h264::Sps::parse(config.sps.first().ok_or_else(no_parameter_sets)?)?;
    Ok(Facts {
        kind: video_kind(entry, sps.track()),
        config: entry.codec_private.clone(),
        coding: Coding::H264(config.length_size),
        reorder: sps.reorder_pictures,
        frame_90k: sps.frame_duration_90k,
    })
}

fn hevc_facts(entry: &Entry) -> Result<Facts> {
    let config = hevc::HvcConfig::parse(&entry.codec_private)?;
    let sps = hevc::Sps::parse(config.sps.first().ok_or_else(no_parameter_sets)?)?;
    Ok(Facts {
        kind: video_kind(entry, sps.track()),
        config: entry.codec_private.clone(),
        coding: Coding::Hevc(config.length_size),
        reorder: sps.reorder_pictures,
        frame_90k: sps.frame_duration_90k,
    })
}

/// MPEG-2 has its headers in the stream too, so a file without `CodecPrivate` can be played; the
/// first picture tells the facts then.
fn mpeg2_facts(entry: &Entry) -> Facts {
    let by_container = mpeg2::SequenceHeader {
        width: u32::try_from(entry.width).unwrap_or(0),
        height: u32::try_from(entry.height).unwrap_or(0),
        frame_duration_90k: 0,
        chroma_420: true,
    };
    let (header, config) = match mpeg2::SequenceHeader::parse(&entry.codec_private) {
        Ok(header) => (header, entry.codec_private.clone()),
        Err(_) => (by_container, Bytes::new()),
    };
    Facts {
        kind: video_kind(entry, header.track()),
        config,
        coding: Coding::Mpeg2,
        // B pictures stand between two others: one is all that ever waits.
        reorder: 1,
        frame_90k: header.frame_duration_90k,
    }
}

/// What the codec says, but with the container's duration of a frame.
fn video_kind(entry: &Entry, track: VideoTrack) -> TrackKind {
    let frame = frame_duration(entry, track.frame_duration_90k);
    TrackKind::Video(VideoTrack {
        frame_duration_90k: frame.map_or(0, FrameDuration::rounded_90k),
        ..track
    })
}

fn aac_facts(config: Bytes) -> Result<Facts> {
    let parsed = aac::AudioSpecificConfig::parse(&config)?;
    Ok(Facts {
        kind: TrackKind::Audio(AudioTrack {
            codec: AudioCodec::Aac,
            sample_rate: parsed.sample_rate,
            channels: parsed.channels,
        }),
        config,
        coding: Coding::Aac {
            frame_samples: parsed.frame_samples,
        },
        reorder: 0,
        frame_90k: 0,
    })
}

/// The `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1) that old files leave to be made from the
/// codec's name.
fn low_complexity_config(entry: &Entry) -> Result<Bytes> {
    let rate = container_rate(entry);
    let index = aac::SAMPLE_RATES.iter().position(|known| *known == rate);
    let index = index.and_then(|index| u16::try_from(index).ok());
    let channels = match entry.channels {
        channels @ 1..=6 => u16::try_from(channels).ok(),
        8 => Some(7),
        _ => None,
    };
    let (Some(index), Some(channels)) = (index, channels) else {
        return Err(Error::unsupported(
            "track",
            "its sample rate or channels are none that AAC has",
        ));
    };
    let config = (2_u16 << 11) | (index << 7) | (channels << 3);
    Ok(Bytes::copy_from_slice(&config.to_be_bytes()))
}

/// What the container says; the first frame will know better.
fn audio_facts(entry: &Entry, codec: AudioCodec, coding: Coding) -> Facts {
    Facts {
        kind: TrackKind::Audio(AudioTrack {
            codec,
            sample_rate: container_rate(entry),
            channels: u8::try_from(entry.channels).unwrap_or(0),
        }),
        config: Bytes::new(),
        coding,
        reorder: 0,
        frame_90k: 0,
    }
}

/// The container's sample rate: a float in the file, a whole number in all that is carried.
fn container_rate(entry: &Entry) -> u32 {
    aac::SAMPLE_RATES
        .into_iter()
        .find(|rate| (f64::from(*rate) - entry.sample_rate).abs() < 1.0)
        .unwrap_or(0)
}

/// A track that is only listed.
fn other(entry: &Entry, why: &str) -> TrackKind {
    let (medium, why) = match entry.entry_type {
        EntryType::Video => (Medium::Video, why),
        EntryType::Audio => (Medium::Audio, why),
        EntryType::Other(16) => (Medium::Neither, "buttons"),
        EntryType::Other(17) => (Medium::Neither, "subtitles"),
        EntryType::Other(_) => (Medium::Neither, "neither video nor audio"),
    };
    TrackKind::Other {
        medium,
        codec: entry.codec_id.clone(),
        why: why.to_owned(),
    }
}
