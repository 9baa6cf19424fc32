//! What a Plex server lists, as an item of the library.
//!
//! A list says little of a file: the codec of its pictures and of its first sound. What else is in
//! it is asked when it is to be played.

use crate::limits;
use crate::media::{
    AudioCodec, AudioTrack, Container, Medium, Role, TICKS_PER_SECOND, Track, TrackId, TrackKind,
    VideoCodec, VideoTrack,
};
use crate::model::{About, Episode, NewItem, Part};
use crate::plex::{self, Item, Media, StreamKind};
use std::sync::Arc;

/// The item that a row makes.
pub(super) fn title(item: Item) -> NewItem {
    let part = part(&item);
    let episode = item.episode.as_ref().map(|episode| Episode {
        show: text(episode.show.as_deref().unwrap_or("Unknown show")),
        season: episode.season.unwrap_or(0),
        number: episode.number.unwrap_or(0),
    });
    NewItem {
        title: text(&item.title),
        year: item.year.filter(|year| (1..=9999).contains(year)),
        episode,
        rating_key: Some(item.rating_key.clone()),
        about: Some(Box::new(about(item))),
        part,
    }
}

/// A text that the store takes.
fn text(text: &str) -> String {
    let text = clipped(text, limits::TEXT_BYTES);
    if text.is_empty() {
        "Untitled".to_owned()
    } else {
        text.to_owned()
    }
}

/// The beginning of a text, up to `most` bytes.
fn clipped(text: &str, most: usize) -> &str {
    let text = text.trim();
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

fn about(item: Item) -> About {
    let optional = |text: Option<String>| -> Option<Box<str>> {
        let text = text?;
        let text = clipped(&text, limits::TEXT_BYTES);
        (!text.is_empty()).then(|| text.into())
    };
    let words = |all: Vec<String>| -> Arc<[Arc<str>]> {
        let all = all.iter().map(|word| clipped(word, limits::TEXT_BYTES));
        let all = all.filter(|word| !word.is_empty());
        all.take(limits::TAGS).map(Arc::from).collect()
    };
    let rating = item.rating.or(item.audience_rating);
    About {
        guid: optional(item.guid),
        summary: item
            .summary
            .map(|summary| shortened(&summary, limits::SUMMARY_BYTES))
            .filter(|summary| !summary.is_empty())
            .map(Into::into),
        genres: words(item.genres),
        collections: words(item.collections),
        studio: optional(item.studio).map(Into::into),
        content_rating: optional(item.content_rating).map(Into::into),
        rating_percent: rating.and_then(percent),
        released: optional(item.originally_available),
        picture: optional(item.thumb),
    }
}

/// A text that ends with a word where it is too long.
fn shortened(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.len() <= most {
        return text.to_owned();
    }
    let begin = clipped(text, most.saturating_sub('…'.len_utf8()));
    let words = begin.rsplit_once(char::is_whitespace);
    let begin = words.map_or(begin, |(words, _)| words);
    format!(
        "{}…",
        begin.trim_end_matches(|c: char| !c.is_alphanumeric())
    )
}

/// A rating of ten as one of a hundred.
fn percent(rating: f32) -> Option<u8> {
    (0_u8..=100).find(|percent| f32::from(*percent) >= rating * 10.0 - 0.5)
}

fn part(item: &Item) -> Part {
    let updated_s = item.updated_at_s.or(item.added_at_s).unwrap_or(0);
    let mut part = Part {
        // Only told apart from others: it has no file yet.
        path: format!("/library/metadata/{}", item.rating_key),
        size_bytes: 0,
        changed_ms: updated_s.saturating_mul(1_000),
        container: None,
        duration_ms: None,
        tracks: [].into(),
        problem: None,
    };
    let Some((_, version)) = best_version(item) else {
        part.problem = Some("its server has no file for it, or has not looked at it yet".into());
        return part;
    };
    let Some(file) = version.parts.first() else {
        return part;
    };
    part.path.clone_from(&file.key);
    part.size_bytes = file.size_bytes.unwrap_or(0);
    part.container = container(version, file);
    part.tracks = tracks(version).into();
    part.duration_ms = file
        .duration_ms
        .or(version.duration_ms)
        .or(item.duration_ms)
        .filter(|duration_ms| *duration_ms > 0);
    if version.parts.len() > 1 {
        let why = format!(
            "it is in {} files, which the box does not join",
            version.parts.len()
        );
        part.problem = Some(why);
    } else if part.duration_ms.is_none() {
        part.problem = Some("its server does not know how long it is".to_owned());
    }
    part
}

/// The version of an item that goes on air, with its place among all of them; `None` where none has
/// a file.
#[must_use]
pub fn best_version(item: &Item) -> Option<(usize, &Media)> {
    let versions = item.versions.iter().enumerate();
    let filled = versions.filter(|(_, version)| !version.parts.is_empty());
    filled.max_by_key(|(_, version)| rank(version))
}

/// One that can go on air as it is comes first, then the owner's own, then the best.
fn rank(version: &Media) -> (bool, bool, bool, u32, u32) {
    let part = version.parts.first();
    let carried = part.is_some_and(|part| container(version, part).is_some());
    let tracks = tracks(version);
    let pictures = tracks.iter().any(|track| track.video().is_some());
    let sound = tracks.iter().any(|track| track.audio().is_some());
    (
        version.parts.len() == 1,
        carried && pictures && sound,
        !version.optimized,
        version.height.unwrap_or(0),
        version.bitrate_kbps.unwrap_or(0),
    )
}

fn container(version: &Media, part: &plex::Part) -> Option<Container> {
    let name = part.container.as_deref().or(version.container.as_deref())?;
    match name {
        "mp4" | "mov" | "m4v" => Some(Container::Mp4),
        "mkv" | "matroska" | "webm" => Some(Container::Matroska),
        "mpegts" | "m2ts" | "ts" => Some(Container::MpegTs),
        _ => None,
    }
}

/// The tracks of a version that was asked for by its key: all of them, with what the server knows.
/// None where it is of a format that is not taken apart.
#[must_use]
pub fn version_tracks(version: &Media) -> Vec<Track> {
    let part = version.parts.first();
    let Some(part) = part.filter(|part| container(version, part).is_some()) else {
        return Vec::new();
    };
    let numbered = part.streams.iter().zip(1_u64..);
    numbered
        .filter_map(|(stream, number)| {
            let kind = stream_kind(version, stream)?;
            let title = stream.title.clone();
            let is_comment = title
                .as_deref()
                .is_some_and(|title| title.to_lowercase().contains("comment"));
            Some(Track {
                id: TrackId(number),
                kind,
                language: stream.language.clone().unwrap_or_else(|| "und".to_owned()),
                role: if is_comment {
                    Role::Commentary
                } else {
                    Role::Main
                },
                title,
                default: stream.default,
            })
        })
        .collect()
}

/// What a stream carries; `None` for what is neither seen nor heard.
fn stream_kind(version: &Media, stream: &plex::Stream) -> Option<TrackKind> {
    let codec = stream.codec.as_deref().unwrap_or_default();
    let told = match &stream.kind {
        StreamKind::Video {
            bit_depth,
            dolby_vision,
            ..
        } => {
            // Its colours are wrong without a decoder that knows it.
            if *dolby_vision == Some(5) {
                return Some(other_kind(Medium::Video, "dolby vision"));
            }
            let mut kind = video_kind(version, codec);
            if let (TrackKind::Video(video), Some(depth)) = (&mut kind, bit_depth) {
                video.bit_depth = *depth;
            }
            kind
        }
        StreamKind::Audio {
            channels,
            sampling_rate,
            ..
        } => {
            let mut kind = audio_kind(version, codec);
            if let TrackKind::Audio(audio) = &mut kind {
                audio.channels = channels.unwrap_or(audio.channels);
                audio.sample_rate = sampling_rate.unwrap_or(audio.sample_rate);
            }
            kind
        }
        StreamKind::Subtitle { .. } | StreamKind::Other => return None,
    };
    Some(told)
}

/// What the list says of its streams.
fn tracks(version: &Media) -> Vec<Track> {
    let track = |id, kind| Track {
        id: TrackId(id),
        kind,
        language: "und".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    };
    let video = version.video_codec.as_deref();
    let audio = version.audio_codec.as_deref();
    let video = video.map(|codec| track(1, video_kind(version, codec)));
    let audio = audio.map(|codec| track(2, audio_kind(version, codec)));
    video.into_iter().chain(audio).collect()
}

fn video_kind(version: &Media, codec: &str) -> TrackKind {
    let profile = version.video_profile.as_deref().unwrap_or_default();
    let codec = match codec {
        "h264" => VideoCodec::H264,
        "hevc" => VideoCodec::Hevc,
        "mpeg2video" => VideoCodec::Mpeg2,
        other => return other_kind(Medium::Video, other),
    };
    TrackKind::Video(VideoTrack {
        codec,
        width: version.width.unwrap_or(0),
        height: version.height.unwrap_or(0),
        frame_duration_90k: version.frame_rate.as_deref().map_or(0, frame_duration_90k),
        bit_depth: if profile.contains("10") { 10 } else { 8 },
        chroma_420: !profile.contains("4:2:2") && !profile.contains("4:4:4"),
    })
}

fn audio_kind(version: &Media, codec: &str) -> TrackKind {
    let codec = match codec {
        "aac" => AudioCodec::Aac,
        "ac3" => AudioCodec::Ac3,
        "eac3" => AudioCodec::Eac3,
        "mp2" => AudioCodec::Mp2,
        "mp3" => AudioCodec::Mp3,
        other => return other_kind(Medium::Audio, other),
    };
    TrackKind::Audio(AudioTrack {
        codec,
        // What nearly all films have; a list does not say.
        sample_rate: 48_000,
        channels: version.audio_channels.unwrap_or(2),
    })
}

fn other_kind(medium: Medium, codec: &str) -> TrackKind {
    TrackKind::Other {
        medium,
        codec: clipped(codec, limits::TEXT_BYTES).to_owned(),
        why: "this codec is not carried".to_owned(),
    }
}

/// Of Plex's words for a frame rate.
fn frame_duration_90k(rate: &str) -> u32 {
    let second = u32::try_from(TICKS_PER_SECOND).unwrap_or(0);
    match rate {
        "PAL" => second / 25,
        "NTSC" => 3_003,
        // 23.976 is called 24p too; it is by far the more usual one.
        "24p" => 3_754,
        rate => {
            let rate: u32 = rate.trim_end_matches(['p', 'i']).parse().unwrap_or(0);
            second.checked_div(rate).unwrap_or(0)
        }
    }
}
