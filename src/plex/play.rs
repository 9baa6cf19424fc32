//! How an item is to be played: what a server is asked before it gives a part, and what its
//! transcoder is asked for.

use crate::media::{AudioCodec, VideoCodec};

/// One playback of one version of an item. Each attempt wants a session of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// The item.
    pub rating_key: String,
    /// Which of its versions, counted from 0 as they are listed.
    pub media_index: u32,
    /// Which of the version's parts, counted from 0.
    pub part_index: u32,
    /// A new [`new_id`](super::new_id), the same in all requests of this playback.
    pub session: String,
    /// The track to be heard, by its id; `None` for the server's choice.
    pub audio_stream: Option<u64>,
}

/// What a server is to decide.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Whether it gives the part as it is.
    Direct(Play),
    /// Whether it converts it so.
    Transcode(Transcode),
}

/// What the transcoder is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcode {
    /// Of what.
    pub play: Play,
    /// From where on.
    pub offset_s: f64,
    /// The form of what comes.
    pub container: Wrap,
    /// Pictures.
    pub video: Pictures,
    /// What the pictures may be; what is there already is kept where `video` lets it. H.264 first,
    /// since not every server makes anything else.
    pub video_codecs: Vec<VideoCodec>,
    /// What the sound may be, the best first.
    pub audio_codecs: Vec<AudioCodec>,
    /// Bounds.
    pub bounds: Bounds,
}

/// The form in which a conversion comes: one progressive body, without length or ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    /// Matroska without cues, of unknown size. Proven on servers of version 1.43.
    #[default]
    Matroska,
    /// MPEG transport stream.
    MpegTs,
}

/// Whether pictures may be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pictures {
    /// They are copied where they are of one of the codecs: light on the server.
    #[default]
    Copy,
    /// They are made anew.
    Convert,
}

/// Bounds of a conversion; `None` for what the source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Of the pictures.
    pub video_kbps: Option<u32>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Bits of a sample of the pictures: 8 for what every television shows.
    pub bit_depth: Option<u8>,
    /// Channels of the sound.
    pub channels: Option<u8>,
}

/// What a server has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Below 2000 it can be played, one way or the other.
    pub code: u32,
    /// Its words.
    pub text: String,
    /// What becomes of the part.
    pub part: Option<PartDecision>,
    /// Its words on the pictures (`copy`, `transcode`), where given.
    pub video: Option<String>,
    /// Its words on the sound.
    pub audio: Option<String>,
}

/// What becomes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartDecision {
    /// It is given as it is.
    DirectPlay,
    /// It is converted, some or all of it.
    Transcode,
    /// Neither.
    Refused,
}

impl Decided {
    /// Whether the part can be read under this session.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.code < 2_000 && self.part == Some(PartDecision::DirectPlay)
    }

    /// Whether a conversion can be started under this session.
    #[must_use]
    pub fn is_transcode(&self) -> bool {
        self.code < 2_000 && self.part != Some(PartDecision::DirectPlay)
    }
}
