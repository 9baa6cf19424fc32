//! Facts about a file, by ffprobe, in the words that the server uses for them.

use super::item::{Chapter, Media, Part, Stream, StreamKind};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::UNIX_EPOCH;

/// A file as a medium with one part. What ffprobe cannot tell, or where there is no ffprobe, is left
/// out, as for a file that has not been analysed. Ids of streams follow from the part's.
pub(super) fn media(file: &Path, shown: String, id: u64) -> (Media, Vec<Chapter>) {
    let told = ffprobe(file).unwrap_or(Value::Null);
    let streams = told["streams"].as_array().cloned().unwrap_or_default();
    let format = &told["format"];
    let meta = fs::metadata(file).unwrap();
    let changed = meta.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let duration_ms = text_number(&format["duration"]).map(|seconds| (seconds * 1e3) as u64);
    let container = container(format["format_name"].as_str().unwrap_or_default(), file);
    let of_kind = |kind| streams.iter().find(|stream| stream["codec_type"] == kind);
    let (video, audio) = (of_kind("video"), of_kind("audio"));
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    let mut media = Media {
        id,
        container: Some(container.clone()),
        video_codec: video.map(codec),
        audio_codec: audio.map(|audio| match profile(audio).as_deref() {
            Some("ma") => "dca-ma".to_owned(),
            _ => codec(audio),
        }),
        audio_channels: audio.and_then(|audio| whole(&audio["channels"])),
        video_profile: video.and_then(profile),
        audio_profile: audio.and_then(profile),
        width: video.and_then(|video| whole(&video["width"])),
        height: video.and_then(|video| whole(&video["height"])),
        bitrate_kbps: text_number(&format["bit_rate"]).map(|rate| (rate / 1e3) as u64),
        frame_rate: video.map(|video| frame_rate_label(frame_rate(video))),
        duration_ms,
        fast_start: (container == "mp4").then(|| has_tables_in_front(file)),
        ..Media::default()
    };
    media.parts.push(Part {
        id,
        change_stamp: changed.as_secs() as i64,
        extension: extension.into_owned(),
        file: shown,
        behind: Some(file.to_path_buf()),
        size_bytes: meta.len(),
        container: Some(container),
        duration_ms,
        streams: streams.iter().filter_map(|s| stream(s, id)).collect(),
    });
    let chapters = told["chapters"].as_array().cloned().unwrap_or_default();
    (media, chapters.iter().map(chapter).collect())
}

fn ffprobe(file: &Path) -> Option<Value> {
    let told = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_format"])
        .args(["-show_streams", "-show_chapters"])
        .arg(file)
        .output()
        .ok()?;
    serde_json::from_slice(&told.stdout).ok()
}

fn text_number(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok()
}

fn whole(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn container(format: &str, file: &Path) -> String {
    let first = format.split(',').next().unwrap_or_default();
    match first {
        "matroska" => "mkv".to_owned(),
        "mov" => "mp4".to_owned(),
        "" => file
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        other => other.to_owned(),
    }
}

fn codec(stream: &Value) -> String {
    let name = match stream["codec_name"].as_str().unwrap_or("unknown") {
        "dts" => "dca",
        "mpeg2video" => "mpeg2video",
        "subrip" => "srt",
        "hdmv_pgs_subtitle" => "pgs",
        "dvd_subtitle" => "vobsub",
        "pcm_s16le" | "pcm_s24le" => "pcm",
        other => other,
    };
    name.to_owned()
}

fn profile(stream: &Value) -> Option<String> {
    let profile = stream["profile"].as_str()?.to_lowercase();
    let short = match profile.as_str() {
        "dts-hd ma" => "ma",
        "dts" => "dts",
        "constrained baseline" => "constrained baseline",
        "simple profile" => "simple",
        "advanced simple profile" => "advanced simple",
        "high 10" => "high 10",
        other => other,
    };
    Some(short.to_owned())
}

fn frame_rate(video: &Value) -> f64 {
    let text = video["avg_frame_rate"].as_str().unwrap_or("0/0");
    let (count, per) = text.split_once('/').unwrap_or((text, "1"));
    let (count, per): (f64, f64) = (count.parse().unwrap_or(0.0), per.parse().unwrap_or(0.0));
    if per > 0.0 { count / per } else { 0.0 }
}

fn frame_rate_label(rate: f64) -> String {
    match rate.round() as u32 {
        24 => "24p".to_owned(),
        25 => "PAL".to_owned(),
        30 => "NTSC".to_owned(),
        other => format!("{other}p"),
    }
}

fn stream(told: &Value, part: u64) -> Option<Stream> {
    let index = whole(&told["index"])?;
    let kind = match told["codec_type"].as_str()? {
        "video" => StreamKind::Video,
        "audio" => StreamKind::Audio,
        "subtitle" => StreamKind::Subtitle,
        _ => return None,
    };
    let is_default = told["disposition"]["default"] == 1;
    let mut stream = Stream {
        id: part * 100 + u64::from(index),
        kind,
        codec: codec(told),
        index: Some(index),
        language_code: told["tags"]["language"]
            .as_str()
            .filter(|code| *code != "und")
            .map(str::to_owned),
        title: told["tags"]["title"].as_str().map(str::to_owned),
        is_default,
        // The server has chosen the default sound for the user.
        is_selected: kind == StreamKind::Audio && is_default,
        more: Vec::new(),
    };
    let mut tell = |name, value: Option<super::node::Value>| {
        stream.more.extend(value.map(|value| (name, value)));
    };
    tell("profile", profile(told).map(Into::into));
    match kind {
        StreamKind::Video => {
            let is_ten = told["pix_fmt"].as_str().is_some_and(|f| f.contains("10"));
            tell("bitDepth", Some(if is_ten { 10_u32 } else { 8 }.into()));
            tell("width", whole(&told["width"]).map(Into::into));
            tell("height", whole(&told["height"]).map(Into::into));
            tell("level", whole(&told["level"]).map(Into::into));
            tell("refFrames", whole(&told["refs"]).map(Into::into));
            let rate = (frame_rate(told) * 1e3).round() / 1e3;
            tell("frameRate", Some(rate.into()));
            let interlaced = matches!(
                told["field_order"].as_str(),
                Some("tt" | "bb" | "tb" | "bt")
            );
            let scan = if interlaced {
                "interlaced"
            } else {
                "progressive"
            };
            tell("scanType", Some(scan.into()));
        }
        StreamKind::Audio => {
            tell("channels", whole(&told["channels"]).map(Into::into));
            let layout = told["channel_layout"].as_str();
            tell("audioChannelLayout", layout.map(Into::into));
            let rate = text_number(&told["sample_rate"]).map(|rate| (rate as u64).into());
            tell("samplingRate", rate);
        }
        StreamKind::Subtitle => tell("format", Some(codec(told).into())),
    }
    Some(stream)
}

fn chapter(told: &Value) -> Chapter {
    let at = |name: &str| (text_number(&told[name]).unwrap_or(0.0) * 1e3) as u64;
    Chapter {
        title: told["tags"]["title"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        from_ms: at("start_time"),
        to_ms: at("end_time"),
    }
}

/// Whether an mp4 has `moov` before `mdat`: the first 64 KiB tell.
fn has_tables_in_front(file: &Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let opened = fs::File::open(file).unwrap();
    opened.take(64 << 10).read_to_end(&mut head).unwrap();
    let find = |name: &[u8]| head.windows(4).position(|four| four == name);
    match (find(b"moov"), find(b"mdat")) {
        (Some(moov), Some(mdat)) => moov < mdat,
        (moov, _) => moov.is_some(),
    }
}
