//! A channel of transport streams, of Blu-ray's packets too, among other containers: every picture
//! is shown, and two judges find nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    reason = "a test says what failed by failing"
)]

mod support;
mod ts_judge;

use exstreamtv::media::{AudioCodec, Container, VideoCodec};
use exstreamtv::model::MediaItem;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{EPOCH_MS, item, lineup, number, pictures, pictures_of, sound, watch};

/// Clips of one kind, made by ffmpeg: three containers, lengths and sizes.
fn made(folder: &Path, coded: &str) -> Vec<MediaItem> {
    let forms = [
        ("a.ts", "320x240", "5.2", ""),
        ("b.mp4", "352x288", "6", ""),
        ("c.m2ts", "480x272", "4", "-mpegts_m2ts_mode 1"),
        ("d.ts", "352x288", "7.4", "-output_ts_offset 95440"),
    ];
    let mut items = Vec::new();
    for (at, (name, size, seconds, how)) in forms.into_iter().enumerate() {
        if name.ends_with("m2ts") && !coded.contains("ac3") {
            continue;
        }
        let path = folder.join(name);
        let picture = format!("testsrc2=s={size}:r=25");
        let done = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", "sine=f=440:r=48000:b=4"])
            .args(["-t", seconds, "-pix_fmt", "yuv420p"])
            .args(coded.split_whitespace())
            .args(how.split_whitespace())
            .arg(&path)
            .status();
        let done = done.expect("ffmpeg is needed: scripts/test installs it");
        assert!(done.success());
        items.push(item(at as i64 + 1, &path));
    }
    items
}

/// Watches clips of that kind for a while.
fn carried(coded: &str, wanted: (VideoCodec, AudioCodec, u32)) {
    let folder = tempfile::tempdir().unwrap();
    let items = made(folder.path(), coded);
    let streams = |item: &&MediaItem| item.part.container == Some(Container::MpegTs);
    assert!(items.iter().filter(streams).count() >= 2);
    let lineup = lineup(items);
    let schedule = lineup.schedule(number()).unwrap();
    let profile = schedule.profile();
    let told = (
        profile.video,
        profile.audio.codec,
        profile.audio.sample_rate,
    );
    assert_eq!(told, wanted);
    assert_eq!(schedule.left_out(), []);
    let stream = watch(&lineup, EPOCH_MS, 40);
    ts_judge::judge(&stream).assert_clean();
    assert_eq!(ts_judge::second_opinion(&stream), Vec::<String>::new());
    let airings = schedule.airings(EPOCH_MS, EPOCH_MS + 50_000);
    let paths = airings.map(|one| PathBuf::from(&lineup.item(&one).unwrap().part.path));
    let expected: Vec<String> = paths.flat_map(|path| pictures(&path)).collect();
    let seen = pictures_of(&stream);
    assert!(seen.len() > 40 * 25);
    let differs = seen
        .iter()
        .zip(&expected)
        .position(|(seen, expected)| seen != expected);
    assert_eq!(differs, None);
    // A tone without a break: silence would be a frame that was not found.
    let heard = sound(support::keep(&stream).path());
    let quiet = heard
        .chunks(480)
        .skip(100)
        .filter(|part| part.iter().all(|one| one.abs() < 64));
    let quiet = quiet.count();
    assert!(quiet < 40, "{quiet} hundredths of a second of silence");
}

#[test]
fn h264_with_ac_3_is_carried() {
    carried(
        "-c:v libx264 -preset veryfast -g 50 -bf 3 -c:a ac3 -ac 2",
        (VideoCodec::H264, AudioCodec::Ac3, 48_000),
    );
}

#[test]
fn h264_with_aac_at_44_100_hz_is_carried() {
    carried(
        "-c:v libx264 -preset veryfast -g 50 -bf 3 -c:a aac -ar 44100 -ac 2",
        (VideoCodec::H264, AudioCodec::Aac, 44_100),
    );
}

#[test]
fn hevc_with_eac_3_is_carried() {
    carried(
        "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=50:bframes=3 -c:a eac3",
        (VideoCodec::Hevc, AudioCodec::Eac3, 48_000),
    );
}

#[test]
fn mpeg_2_with_layer_ii_is_carried() {
    carried(
        // One size and shape: ffmpeg's decoder loses the picture before a sequence of another.
        "-s 352x288 -aspect 4:3 -c:v mpeg2video -b:v 1M -bf 2 -g 12 -flags +ilme+ildct -c:a mp2 -ac 2",
        (VideoCodec::Mpeg2, AudioCodec::Mp2, 48_000),
    );
}
