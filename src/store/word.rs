//! The words that stand for codecs, containers and roles in the database. They are part of its
//! format: a word that was written once is never given another meaning.

use crate::media::{AudioCodec, Container, Medium, Role, VideoCodec};

/// Values and their words.
type Words<T> = [(T, &'static str)];

pub(super) const CONTAINERS: &Words<Container> = &[
    (Container::Mp4, "mp4"),
    (Container::Matroska, "matroska"),
    (Container::MpegTs, "mpegts"),
];

pub(super) const VIDEO_CODECS: &Words<VideoCodec> = &[
    (VideoCodec::H264, "h264"),
    (VideoCodec::Hevc, "hevc"),
    (VideoCodec::Mpeg2, "mpeg2"),
];

pub(super) const AUDIO_CODECS: &Words<AudioCodec> = &[
    (AudioCodec::Aac, "aac"),
    (AudioCodec::Ac3, "ac3"),
    (AudioCodec::Eac3, "eac3"),
    (AudioCodec::Mp2, "mp2"),
    (AudioCodec::Mp3, "mp3"),
];

/// Of tracks that are not carried.
pub(super) const MEDIA: &Words<Medium> = &[
    (Medium::Video, "video"),
    (Medium::Audio, "audio"),
    (Medium::Neither, "neither"),
];

pub(super) const ROLES: &Words<Role> = &[(Role::Main, "main"), (Role::Commentary, "commentary")];

/// The word for a value. One that was forgotten above is written as an empty word, which the
/// schema refuses.
pub(super) fn of<T: Copy + PartialEq>(words: &Words<T>, value: T) -> &'static str {
    let found = words.iter().find(|(known, _)| *known == value);
    found.map_or("", |(_, word)| word)
}

/// The value of a word.
pub(super) fn value<T: Copy>(words: &Words<T>, word: &str) -> Option<T> {
    let found = words.iter().find(|(_, known)| *known == word);
    found.map(|(value, _)| *value)
}
