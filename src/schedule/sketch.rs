//! Made-up tracks for this module's tests.

use crate::media::{
    AudioCodec, AudioTrack, Medium, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};

fn track(id: u64, kind: TrackKind, language: &str) -> Track {
    Track {
        id: TrackId(id),
        kind,
        language: language.to_owned(),
        title: None,
        role: Role::Main,
        default: false,
    }
}

fn video(id: u64, codec: VideoCodec) -> Track {
    let picture = VideoTrack {
        codec,
        width: 1920,
        height: 1080,
        frame_duration_90k: 3600,
        bit_depth: 8,
        chroma_420: true,
    };
    track(id, TrackKind::Video(picture), "und")
}

fn audio(id: u64, codec: AudioCodec, language: &str) -> Track {
    let sound = AudioTrack {
        codec,
        sample_rate: 48_000,
        channels: 2,
    };
    track(id, TrackKind::Audio(sound), language)
}

pub(super) fn h264(id: u64) -> Track {
    video(id, VideoCodec::H264)
}

pub(super) fn hevc(id: u64) -> Track {
    video(id, VideoCodec::Hevc)
}

pub(super) fn aac(id: u64, language: &str) -> Track {
    audio(id, AudioCodec::Aac, language)
}

pub(super) fn ac3(id: u64, language: &str) -> Track {
    audio(id, AudioCodec::Ac3, language)
}

/// A track that is not carried.
pub(super) fn other(id: u64, medium: Medium) -> Track {
    let kind = TrackKind::Other {
        medium,
        codec: "dts".to_owned(),
        why: "this codec is not carried".to_owned(),
    };
    track(id, kind, "eng")
}

/// An audio track with something changed.
pub(super) fn with(mut track: Track, change: impl FnOnce(&mut AudioTrack)) -> Track {
    if let TrackKind::Audio(audio) = &mut track.kind {
        change(audio);
    }
    track
}
