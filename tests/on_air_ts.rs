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

#[path = "support/carried.rs"]
mod carried;
mod support;
mod ts_judge;

use exstreamtv::media::{AudioCodec, Container, VideoCodec};
use exstreamtv::model::MediaItem;
use support::sound;

/// A channel of clips of one kind: three containers, lengths and sizes.
fn carried(coded: &str, wanted: (VideoCodec, AudioCodec, u32)) {
    let folder = tempfile::tempdir().unwrap();
    let mut forms = vec![
        ("a.ts", "320x240", "5.2", ""),
        ("b.mp4", "352x288", "6", ""),
        ("d.ts", "352x288", "7.4", "-output_ts_offset 95440"),
    ];
    if coded.contains("ac3") {
        forms.push(("c.m2ts", "480x272", "4", "-mpegts_m2ts_mode 1"));
    }
    let items = carried::made(folder.path(), &forms, coded);
    let streams = |item: &&MediaItem| item.part.container == Some(Container::MpegTs);
    assert!(items.iter().filter(streams).count() >= 2);
    let stream = carried::carried(items, wanted);
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
