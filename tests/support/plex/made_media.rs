//! Media of titles that have no file: codecs and containers in about the proportions of real
//! libraries, and their oddities.

use super::item::{Item, Media, Part, Stream, StreamKind, mixed};

/// Container, video, audio, channels; one of them by chance.
const FORMS: [(&str, &str, &str, u32); 20] = [
    ("mkv", "h264", "ac3", 6),
    ("mkv", "h264", "aac", 2),
    ("mkv", "h264", "eac3", 6),
    ("mkv", "h264", "dca", 6),
    ("mkv", "h264", "dca-ma", 6),
    ("mkv", "hevc", "eac3", 6),
    ("mkv", "hevc", "truehd", 8),
    ("mkv", "h264", "ac3", 6),
    ("mkv", "h264", "eac3", 6),
    ("mkv", "h264", "dca", 6),
    ("mkv", "hevc", "aac", 2),
    ("mkv", "h264", "flac", 2),
    ("mkv", "vc1", "dca", 6),
    ("mkv", "h264", "eac3", 6),
    ("mp4", "h264", "aac", 2),
    ("mp4", "h264", "aac", 2),
    ("mp4", "h264", "aac", 6),
    ("mp4", "hevc", "eac3", 6),
    ("mp4", "h264", "ac3", 6),
    ("avi", "mpeg4", "mp3", 2),
];

/// The media of a title: mostly one with one part, sometimes two of one or the other, sometimes one
/// that has not been analysed and has none. `path` has no extension.
pub(super) fn media(item: &Item, path: &str) -> Vec<Media> {
    let key = item.rating_key;
    let first = one(item, path, 0);
    match key % 500 {
        // Listed, but its file was not analysed yet.
        250 => vec![Media {
            id: first.id,
            ..Media::default()
        }],
        // A version for small screens beside the original.
        100 | 300 => vec![first, optimized(item, path)],
        _ => vec![first],
    }
}

fn one(item: &Item, path: &str, version: u64) -> Media {
    let key = item.rating_key;
    let dice = mixed(key + 31 * version);
    let (container, video, audio, channels) = FORMS[(dice % 20) as usize];
    let is_large = (dice >> 8).is_multiple_of(2);
    let (width, height) = if video == "hevc" && is_large {
        (3840, 2160)
    } else if video == "mpeg4" {
        (640, 368)
    } else if is_large {
        (1920, 1080)
    } else {
        (1280, 720)
    };
    let bitrate_kbps = u64::from(height) * (dice % 9 + 2);
    let duration_ms = item.duration_ms;
    let parts = if key % 500 == 400 { 2 } else { 1 };
    let mut media = Media {
        id: key * 10 + version,
        container: Some(container.to_owned()),
        video_codec: Some(video.to_owned()),
        audio_codec: Some(audio.to_owned()),
        audio_channels: Some(channels),
        video_profile: profile(video),
        audio_profile: (audio == "aac").then(|| "lc".to_owned()),
        width: Some(width),
        height: Some(height),
        bitrate_kbps: Some(bitrate_kbps),
        frame_rate: Some("24p".to_owned()),
        duration_ms,
        fast_start: (container == "mp4").then_some(!dice.is_multiple_of(7)),
        ..Media::default()
    };
    for number in 0..parts {
        let duration_ms = duration_ms.map(|all| all / parts);
        let id = key * 10 + version * 2 + number;
        let stacked = if parts > 1 {
            format!(" cd{}", number + 1)
        } else {
            String::new()
        };
        media.parts.push(Part {
            id,
            change_stamp: item.added_at,
            extension: container.to_owned(),
            file: format!("{path}{stacked}.{container}"),
            behind: None,
            size_bytes: bitrate_kbps * duration_ms.unwrap_or(0) / 8,
            container: Some(container.to_owned()),
            duration_ms,
            streams: streams(id, &media),
        });
    }
    media
}

/// A second version that the server made itself.
fn optimized(item: &Item, path: &str) -> Media {
    let mut media = one(item, path, 1);
    media.container = Some("mp4".to_owned());
    media.video_codec = Some("h264".to_owned());
    media.audio_codec = Some("aac".to_owned());
    (media.width, media.height) = (Some(1280), Some(720));
    media.fast_start = Some(true);
    media.more = vec![
        ("proxyType", 42_u32.into()),
        ("target", "Optimized for TV".into()),
        ("title", "Optimized for TV".into()),
    ];
    let streams = media.parts.first().map(|part| streams(part.id, &media));
    for part in &mut media.parts {
        part.extension = "mp4".to_owned();
        part.container = Some("mp4".to_owned());
        part.file = format!("{path}/Plex Versions/Optimized for TV.mp4");
        part.streams = streams.clone().unwrap_or_default();
    }
    media
}

fn profile(video: &str) -> Option<String> {
    let profile = match video {
        "h264" => "high",
        "hevc" => "main 10",
        "mpeg4" => "advanced simple",
        "vc1" => "advanced",
        _ => return None,
    };
    Some(profile.to_owned())
}

/// Picture, sound and subtitles: one in the file and one beside it.
fn streams(part: u64, media: &Media) -> Vec<Stream> {
    let plain = |n: u64, kind, codec: &str| Stream {
        id: part * 10 + n,
        kind,
        codec: codec.to_owned(),
        index: u32::try_from(n).ok(),
        language_code: None,
        title: None,
        is_default: false,
        is_selected: false,
        more: Vec::new(),
    };
    let codec = media.audio_codec.as_deref().unwrap_or_default();
    let mut video = plain(
        0,
        StreamKind::Video,
        media.video_codec.as_deref().unwrap_or(""),
    );
    video.is_default = true;
    let depth: u32 = if media.video_profile.as_deref() == Some("main 10") {
        10
    } else {
        8
    };
    video.more = vec![
        ("bitDepth", depth.into()),
        ("chromaSubsampling", "4:2:0".into()),
        ("frameRate", 23.976.into()),
        ("height", media.height.unwrap_or(0).into()),
        ("width", media.width.unwrap_or(0).into()),
        ("scanType", "progressive".into()),
    ];
    if let Some(profile) = &media.video_profile {
        video.more.push(("profile", profile.into()));
    }
    // The medium says `dca-ma`, its stream says `dca` with a profile.
    let mut audio = plain(1, StreamKind::Audio, codec.trim_end_matches("-ma"));
    audio.is_default = true;
    audio.is_selected = true;
    audio.language_code = Some("eng".to_owned());
    audio.more = vec![
        ("channels", media.audio_channels.unwrap_or(2).into()),
        ("samplingRate", 48_000_u32.into()),
    ];
    if codec == "dca-ma" {
        audio.more.push(("profile", "ma".into()));
    }
    let mut inside = plain(2, StreamKind::Subtitle, "srt");
    inside.language_code = Some("eng".to_owned());
    let mut beside = plain(3, StreamKind::Subtitle, "srt");
    beside.index = None;
    beside.language_code = Some("deu".to_owned());
    beside.more = vec![
        ("format", "srt".into()),
        ("key", format!("/library/streams/{}", beside.id).into()),
    ];
    if media.container.as_deref() == Some("mkv") {
        vec![video, audio, inside, beside]
    } else {
        vec![video, audio, beside]
    }
}
