//! Coded media, as every stage passes it on: tracks, samples, profiles.
//!
//! Leaf types without behaviour of their own. Times are in units of 1/90000 s (`_90k`), signed,
//! relative to the item: 0 is the instant at which the item's first video frame is shown.

pub mod language;

use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Media time units in one second (ISO/IEC 13818-1 §2.4.2).
pub const TICKS_PER_SECOND: i64 = 90_000;

/// How long media time lasts; nothing where it is negative.
#[must_use]
pub fn duration(media_90k: i64) -> Duration {
    let media_90k = u64::try_from(media_90k).unwrap_or(0);
    Duration::from_micros(media_90k.saturating_mul(100) / 9)
}

/// The media time that lasts so long, rounded down.
#[must_use]
pub fn ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros() * 9 / 100).unwrap_or(i64::MAX)
}

/// A file format that the box can take apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// ISO base media file: MP4, M4V, MOV, fragmented or not (ISO/IEC 14496-12).
    Mp4,
    /// Matroska and `WebM` (RFC 9559).
    Matroska,
    /// MPEG transport stream, of 188 bytes a packet or 192 (ISO/IEC 13818-1).
    MpegTs,
}

/// A video codec that can be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264 / AVC (ISO/IEC 14496-10).
    H264,
    /// H.265 / HEVC (ISO/IEC 23008-2).
    Hevc,
    /// MPEG-2 video (ISO/IEC 13818-2).
    Mpeg2,
}

/// An audio codec that can be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioCodec {
    /// AAC, low complexity (ISO/IEC 14496-3).
    Aac,
    /// AC-3 (ATSC A/52).
    Ac3,
    /// Enhanced AC-3 (ATSC A/52 annex E).
    Eac3,
    /// MPEG-1 or MPEG-2 audio, layer II (ISO/IEC 11172-3).
    Mp2,
    /// MPEG-1 or MPEG-2 audio, layer III.
    Mp3,
}

/// The number a container gives to one of its tracks (MP4 `track_ID`, Matroska `TrackNumber`,
/// transport stream PID).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct TrackId(pub u64);

/// What a track is for, where the container says so.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The main version.
    #[default]
    Main,
    /// Somebody talks over it, or describes it: never chosen for air by itself.
    Commentary,
}

/// One elementary stream of a file: facts only, small enough to keep for every item of a library.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Track {
    /// Its number in the file.
    pub id: TrackId,
    /// What it carries.
    pub kind: TrackKind,
    /// Its code as [`language::code`] gives it (`eng`), `und` where unknown.
    pub language: String,
    /// The owner's or the muxer's name for it, if any.
    pub title: Option<String>,
    /// What it is for.
    pub role: Role,
    /// The container marks it as the one to play.
    pub default: bool,
}

/// What a track carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Pictures that can be carried.
    Video(VideoTrack),
    /// Sound that can be carried.
    Audio(AudioTrack),
    /// Anything else (subtitles, `dts`, `av1`, attachments): listed, never sent.
    Other {
        /// What it would be to a viewer.
        medium: Medium,
        /// The container's name for the codec.
        codec: String,
        /// Why video or audio is not carried; of anything else, what it is.
        why: String,
    },
}

/// What a track that is not carried would be to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, attachments, and whatever else a container may hold.
    Neither,
}

/// Facts of a video track, from its parameter sets where the container disagrees.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct VideoTrack {
    /// The codec.
    pub codec: VideoCodec,
    /// Coded picture width after cropping, in luma samples.
    pub width: u32,
    /// Coded picture height after cropping, in luma samples.
    pub height: u32,
    /// Usual duration of a frame; 0 where it varies or is unknown.
    pub frame_duration_90k: u32,
    /// Bits per luma sample.
    pub bit_depth: u8,
    /// Whether chroma is 4:2:0, the only form that television decoders take.
    pub chroma_420: bool,
}

/// Facts of an audio track.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct AudioTrack {
    /// The codec.
    pub codec: AudioCodec,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, the low-frequency one included (5.1 is 6).
    pub channels: u8,
}

/// A coded access unit with its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The track that it belongs to.
    pub track: TrackId,
    /// When it is decoded. Strictly increasing within a track.
    pub dts_90k: i64,
    /// When it is shown or heard.
    pub pts_90k: i64,
    /// How long it is shown or heard; 0 where the container does not say.
    pub duration_90k: u32,
    /// Whether decoding can begin here.
    pub sync: Sync,
    /// The bytes as the container holds them: H.264 and HEVC with length prefixes, AAC without
    /// ADTS, everything else as its elementary stream.
    pub data: Bytes,
}

/// Whether decoding can begin at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Yes: an IDR, CRA, recovery point or I picture with its headers.
    RandomAccess,
    /// No: it refers to samples before it.
    Dependent,
}

/// What a channel's stream is made of, from the first packet to the last: these never change while
/// it is watched, since most clients read the PMT once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// The video codec. Resolution, frame rate and codec profile may vary from item to item.
    pub video: VideoCodec,
    /// The audio codec with what may not vary.
    pub audio: AudioProfile,
}

/// An audio codec with the parameters that a stream has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct AudioProfile {
    /// The codec.
    pub codec: AudioCodec,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels. Kept for AAC, where clients cannot follow a change; AC-3, E-AC-3 and MPEG audio
    /// may change theirs, and there it only says what silence is made of.
    pub channels: u8,
}

impl fmt::Display for VideoCodec {
    /// The name that people know it by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Mpeg2 => "MPEG-2",
        })
    }
}

impl fmt::Display for AudioCodec {
    /// The name that people know it by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aac => "AAC",
            Self::Ac3 => "AC-3",
            Self::Eac3 => "E-AC-3",
            Self::Mp2 => "MP2",
            Self::Mp3 => "MP3",
        })
    }
}

impl fmt::Display for AudioProfile {
    /// What may not vary, as people say it: `AAC stereo`, `AC-3`, `MP3 at 44100 Hz`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.codec)?;
        if self.codec == AudioCodec::Aac {
            write!(f, " {}", self.layout())?;
        }
        if self.sample_rate != 48_000 {
            write!(f, " at {} Hz", self.sample_rate)?;
        }
        Ok(())
    }
}

impl Default for Profile {
    /// What nearly every client plays: H.264 with stereo AAC at 48 kHz.
    fn default() -> Self {
        Self {
            video: VideoCodec::H264,
            audio: AudioProfile {
                codec: AudioCodec::Aac,
                sample_rate: 48_000,
                channels: 2,
            },
        }
    }
}

impl AudioProfile {
    /// How many channels there are, as people say it.
    #[must_use]
    pub fn layout(&self) -> Cow<'static, str> {
        match self.channels {
            1 => "mono".into(),
            2 => "stereo".into(),
            6 => "5.1".into(),
            8 => "7.1".into(),
            other => format!("{other} channels").into(),
        }
    }

    /// Whether a track can go on air under this profile as it is.
    #[must_use]
    pub fn carries(&self, track: &AudioTrack) -> bool {
        let same_layout = self.codec != AudioCodec::Aac || self.channels == track.channels;
        self.codec == track.codec && self.sample_rate == track.sample_rate && same_layout
    }
}

impl Track {
    /// Its video facts, if it is video that can be carried.
    #[must_use]
    pub fn video(&self) -> Option<&VideoTrack> {
        if let TrackKind::Video(video) = &self.kind {
            Some(video)
        } else {
            None
        }
    }

    /// Its audio facts, if it is audio that can be carried.
    #[must_use]
    pub fn audio(&self) -> Option<&AudioTrack> {
        if let TrackKind::Audio(audio) = &self.kind {
            Some(audio)
        } else {
            None
        }
    }
}
