//! Real videos in a folder library: what the box says about them beside what ffprobe says.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first thing that is not as claimed"
)]

use exstreamtv::catalog::{Librarian, sync::Report};
use exstreamtv::media::{Container, TrackKind, VideoCodec};
use exstreamtv::model::MediaItem;
use exstreamtv::store::Store;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn clips() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo")
}

/// Syncs a folder into a library of its own.
async fn listed(folder: &Path) -> (Vec<Arc<MediaItem>>, Report) {
    let state = tempfile::tempdir().unwrap();
    let librarian = Librarian::open(Store::open(state.path()).await.unwrap())
        .await
        .unwrap();
    librarian.add_folder(folder, None).await.unwrap();
    let mut reports = librarian.sync(0, |_, _| ()).await.unwrap();
    let items = librarian.catalog().borrow().items().to_vec();
    (items, reports.remove(0).1.unwrap())
}

fn ffprobe(path: &str, entries: &[&str]) -> Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json"])
        .args(entries)
        .arg(path)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// From the first picture shown to the end of the last one, as ffprobe lists the packets.
fn video_ms(path: &str) -> f64 {
    let entries = ["-select_streams", "v:0", "-show_entries"];
    let packets = ffprobe(
        path,
        &[&entries[..], &["packet=pts_time,duration_time"]].concat(),
    );
    let number = |packet: &Value, key: &str| packet[key].as_str().unwrap().parse::<f64>().unwrap();
    let packets = packets["packets"].as_array().unwrap();
    let starts = packets.iter().map(|packet| number(packet, "pts_time"));
    let ends = packets
        .iter()
        .map(|packet| number(packet, "pts_time") + number(packet, "duration_time"));
    (ends.fold(f64::MIN, f64::max) - starts.fold(f64::MAX, f64::min)) * 1000.0
}

fn ffmpeg(arguments: &[&str], to: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .arg(to)
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn clips_are_what_ffprobe_says_they_are() {
    agree_with_ffprobe(&clips(), 10).await;
}

#[tokio::test]
async fn transport_streams_are_what_ffprobe_says_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (_, listed) = (folder.path(), listed(&clips()).await);
    for (at, item) in listed.0.iter().enumerate() {
        let from = &item.part.path;
        let copy = [
            "-i", from, "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "mpegts",
        ];
        for (ending, how) in [("ts", "0"), ("M2TS", "1"), ("m2t", "0"), ("mts", "1")] {
            let has_dolby = from.contains("ac3") || how == "0";
            if has_dolby && (at + how.len()) % 2 == ending.len() % 2 {
                let to = folder.path().join(format!("{at}.{ending}"));
                ffmpeg(&[&copy[..], &["-mpegts_m2ts_mode", how]].concat(), &to);
            }
        }
    }
    agree_with_ffprobe(folder.path(), 10).await;
}

/// Every file of the folder is playable, and is what ffprobe says.
async fn agree_with_ffprobe(folder: &Path, at_least: usize) {
    let (items, report) = listed(folder).await;
    assert!(report.added >= at_least, "{}", report.added);
    assert_eq!(report.unplayable, 0, "{items:#?}");
    for item in items {
        let path = &item.part.path;
        let duration_ms = f64::from(u32::try_from(item.part.duration_ms.unwrap()).unwrap());
        let streams = ffprobe(path, &["-show_streams", "-show_format"]);
        let shortest_ms = video_ms(path);
        // Matroska has one duration, that of its longest track, and rounds to the millisecond.
        let longest_ms = if item.part.container == Some(Container::Matroska) {
            let all = streams["format"]["duration"].as_str().unwrap();
            all.parse::<f64>().unwrap() * 1000.0
        } else {
            shortest_ms
        };
        let wanted = shortest_ms - 2.0..longest_ms + 2.0;
        assert!(
            wanted.contains(&duration_ms),
            "{path}: {duration_ms}, not {wanted:?}"
        );
        let streams = streams["streams"].as_array().unwrap();
        assert_eq!(streams.len(), item.part.tracks.len(), "{path}");
        for (stream, track) in streams.iter().zip(item.part.tracks.iter()) {
            let codec = stream["codec_name"].as_str().unwrap();
            match &track.kind {
                TrackKind::Video(video) => {
                    let name = match video.codec {
                        VideoCodec::H264 => "h264",
                        VideoCodec::Hevc => "hevc",
                        VideoCodec::Mpeg2 => "mpeg2video",
                    };
                    assert_eq!(name, codec, "{path}");
                    assert_eq!(stream["width"], video.width, "{path}");
                    assert_eq!(stream["height"], video.height, "{path}");
                }
                TrackKind::Audio(audio) => {
                    assert_eq!(format!("{:?}", audio.codec).to_lowercase(), codec, "{path}");
                    assert_eq!(stream["channels"], audio.channels, "{path}");
                    let rate = stream["sample_rate"].as_str().unwrap();
                    assert_eq!(rate, audio.sample_rate.to_string(), "{path}");
                }
                TrackKind::Other { codec, why, .. } => panic!("{path}: {codec}: {why}"),
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_played_says_why_and_the_rest_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let picture = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2"];
    let sound = ["-f", "lavfi", "-i", "sine=d=2"];
    let h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"];
    let with = |more: &[&'static str]| [&picture[..], &sound[..], &h264[..], more].concat();
    ffmpeg(&with(&["-c:a", "aac"]), &at("end.mp4"));
    ffmpeg(
        &with(&["-c:a", "aac", "-movflags", "+faststart"]),
        &at("front.mp4"),
    );
    ffmpeg(
        &with(&["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]),
        &at("fragments.mp4"),
    );
    ffmpeg(&with(&["-c:a", "ac3"]), &at("film.mkv"));
    ffmpeg(&with(&["-g", "999", "-c:a", "aac"]), &at("one key.mp4"));
    ffmpeg(&with(&["-g", "999", "-c:a", "ac3"]), &at("one key.mkv"));
    ffmpeg(
        &[&sound[..], &["-c:a", "aac"]].concat(),
        &at("sound only.mp4"),
    );
    ffmpeg(&[&picture[..], &["-c:v", "mpeg4"]].concat(), &at("old.avi"));
    ffmpeg(
        &[&picture[..], &["-c:v", "mpeg4"]].concat(),
        &at("old codec.mp4"),
    );
    std::fs::copy(at("film.mkv"), at("wrong end.mp4")).unwrap();
    for name in ["end.mp4", "front.mp4", "film.mkv"] {
        let bytes = std::fs::read(at(name)).unwrap();
        std::fs::write(at(&format!("half of {name}")), &bytes[..bytes.len() / 2]).unwrap();
        std::fs::write(at(&format!("head of {name}")), &bytes[..200]).unwrap();
    }
    let (items, _) = listed(folder.path()).await;
    let problem = |name: &str| {
        let path = at(name).canonicalize().unwrap();
        let found = items.iter().find(|item| Path::new(&item.part.path) == path);
        found.unwrap().part.problem.clone()
    };
    for name in [
        "end.mp4",
        "front.mp4",
        "fragments.mp4",
        "film.mkv",
        "wrong end.mp4",
        "one key.mp4",
        "one key.mkv",
    ] {
        assert_eq!(problem(name), None, "{name}");
    }
    assert_eq!(
        problem("old.avi").unwrap(),
        "AVI files need converting first"
    );
    for name in [
        "sound only.mp4",
        "old codec.mp4",
        "half of end.mp4",
        "head of end.mp4",
        "head of front.mp4",
        "head of film.mkv",
    ] {
        let words = problem(name).unwrap_or_else(|| panic!("{name} has no problem"));
        println!("{name}: {words}");
    }
    assert_eq!(
        problem("half of front.mp4").unwrap(),
        "its last part is missing; it may not have been copied whole"
    );
    // Matroska is read in order: half a film is a film of half the length.
    assert_eq!(problem("half of film.mkv"), None);
    let duration_ms = |name: &str| {
        let found = items.iter().find(|item| item.part.path.ends_with(name));
        found.unwrap().part.duration_ms.unwrap()
    };
    assert!(duration_ms("/half of film.mkv") < duration_ms("/film.mkv") * 3 / 4);
}
