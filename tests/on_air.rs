//! What a viewer sees, in simulated time: every picture of every item, in the order of the guide,
//! as ffmpeg decodes it; and a slate where a file fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test says what failed by failing"
)]

#[path = "support/carried.rs"]
mod carried;
mod support;
mod ts_judge;

use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::model::MediaItem;
use exstreamtv::playout::ORIGIN_90K;
use exstreamtv::schedule::Lineup;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::{
    EPOCH_MS, demo_items, item, keep, lateness, lineup, long_clip, number, of_profile, pictures,
    pictures_of, profile, scheduled_pictures, sound, watch,
};

fn path_of(item: &MediaItem) -> &Path {
    Path::new(&item.part.path)
}

/// The airings that begin within a window, as the guide tells them.
fn guide(lineup: &Arc<Lineup>, from_ms: i64, to_ms: i64) -> Vec<(PathBuf, i64)> {
    let schedule = lineup.schedule(number()).unwrap();
    let airings = schedule.airings(from_ms, to_ms);
    airings
        .map(|one| (path_of(lineup.item(&one).unwrap()).to_owned(), one.start_ms))
        .collect()
}

/// Watches a profile's demo clips for two minutes and compares every picture with the clips'.
fn every_picture_of_two_minutes(video: VideoCodec, audio: AudioCodec) {
    let items = of_profile(&demo_items(), &profile(video, audio));
    assert!(items.len() >= 2, "the demo has clips of every profile");
    let lineup = lineup(items);
    let stream = watch(&lineup, EPOCH_MS, 120);
    let seen = pictures_of(&stream);
    let expected = scheduled_pictures(&lineup, EPOCH_MS, EPOCH_MS + 120_000);
    // The viewer is five seconds ahead, so more has come than two minutes.
    assert!(seen.len() > 110 * 20, "{} pictures", seen.len());
    let whole = seen.len().min(expected.len());
    for (at, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
        assert_eq!(seen, expected, "picture {at} of {whole}");
    }
    every_sound_is_heard(&lineup, &sound(keep(&stream).path()));
}

/// Whether two sounds are the same, up to the noise that decoders make up by themselves.
fn alike(one: &[i16], other: &[i16]) -> bool {
    one.iter()
        .zip(other)
        .all(|(one, other)| one.abs_diff(*other) < 400)
}

/// Looks for the sound of every item, whole and at its own speed, where the guide has it. At its
/// ends an item may miss a frame, and its first frames are decoded from what came before it.
fn every_sound_is_heard(lineup: &Arc<Lineup>, heard: &[i16]) {
    const ENDS: usize = 3 * 1536;
    let mut items = 0;
    for (path, start_ms) in guide(lineup, EPOCH_MS, EPOCH_MS + 110_000) {
        let own = sound(&path);
        let inner = &own[ENDS..own.len() - ENDS];
        let from = usize::try_from((start_ms - EPOCH_MS) * 48).unwrap();
        // Half an AC-3 frame to either side, and the encoder's delay, which ffmpeg may cut off.
        let near = from + ENDS - 1024 - 768..from + ENDS + 768;
        let found = near.into_iter().any(|at| alike(inner, &heard[at..]));
        assert!(found, "{} is not heard as it is", path.display());
        items += 1;
    }
    assert!(items >= 8, "{items} items in two minutes");
}

/// Watches two minutes and lets two judges look at every packet.
fn two_judges_find_nothing(video: VideoCodec, audio: AudioCodec) {
    let items = of_profile(&demo_items(), &profile(video, audio));
    let stream = watch(&lineup(items), EPOCH_MS + 2_345, 120);
    ts_judge::judge(&stream).assert_clean();
    assert_eq!(ts_judge::second_opinion(&stream), Vec::<String>::new());
}

#[test]
fn two_judges_find_nothing_in_h264_with_aac() {
    two_judges_find_nothing(VideoCodec::H264, AudioCodec::Aac);
}

#[test]
fn two_judges_find_nothing_in_h264_with_ac3() {
    two_judges_find_nothing(VideoCodec::H264, AudioCodec::Ac3);
}

#[test]
fn two_judges_find_nothing_in_h264_with_eac3() {
    two_judges_find_nothing(VideoCodec::H264, AudioCodec::Eac3);
}

#[test]
fn two_judges_find_nothing_in_hevc() {
    two_judges_find_nothing(VideoCodec::Hevc, AudioCodec::Aac);
}

#[test]
fn every_picture_of_h264_with_aac_is_shown() {
    every_picture_of_two_minutes(VideoCodec::H264, AudioCodec::Aac);
}

#[test]
fn every_picture_of_h264_with_ac3_is_shown() {
    every_picture_of_two_minutes(VideoCodec::H264, AudioCodec::Ac3);
}

#[test]
fn every_picture_of_hevc_is_shown() {
    every_picture_of_two_minutes(VideoCodec::Hevc, AudioCodec::Aac);
}

#[test]
fn a_viewer_joins_at_the_scheduled_offset() {
    let items = of_profile(&demo_items(), &profile(VideoCodec::H264, AudioCodec::Aac));
    let lineup = lineup(items);
    let schedule = lineup.schedule(number()).unwrap();
    for at_ms in [3_217, 17_001, 44_444, 61_900, 3_600_000_000, -5_000] {
        let at_ms = EPOCH_MS + at_ms;
        let airing = schedule.on_air(at_ms).unwrap();
        let clip = lineup.item(&airing).unwrap();
        let own = pictures(path_of(clip));
        let first = pictures_of(&watch(&lineup, at_ms, 1));
        let first = first.first().expect("a picture at once");
        let shown = own
            .iter()
            .position(|picture| picture == first)
            .expect("of the right item");
        let duration_ms = airing.end_ms - airing.start_ms;
        let shown_ms = shown as i64 * duration_ms / own.len() as i64;
        let late_ms = at_ms - airing.start_ms - shown_ms;
        // The clips have a key frame every second.
        assert!(
            (-50..=1_300).contains(&late_ms),
            "{}: {late_ms} ms late",
            clip.title
        );
    }
}

#[test]
fn an_item_without_sound_of_the_profile_is_silent_and_whole() {
    let all = demo_items();
    let mut items = of_profile(&all, &profile(VideoCodec::H264, AudioCodec::Aac));
    let others = of_profile(&all, &profile(VideoCodec::H264, AudioCodec::Ac3));
    items.insert(1, others[0].clone());
    let lineup = lineup(items);
    let stream = watch(&lineup, EPOCH_MS, 40);
    let expected = scheduled_pictures(&lineup, EPOCH_MS, EPOCH_MS + 40_000);
    let seen = pictures_of(&stream);
    assert!(seen.len() > 38 * 20);
    assert!(
        seen.iter()
            .zip(&expected)
            .all(|(seen, expected)| seen == expected)
    );
    assert!(sound(keep(&stream).path()).len() > 40 * 48_000);
}

#[test]
fn a_file_that_vanished_is_a_slate_until_the_next_item() {
    let mut items = of_profile(&demo_items(), &profile(VideoCodec::H264, AudioCodec::Aac));
    items[1].part.path = "/nowhere/gone.mp4".to_owned();
    let lineup = lineup(items);
    let airings = guide(&lineup, EPOCH_MS, EPOCH_MS + 60_000);
    let third_ms = airings[2].1;
    let seconds = u64::try_from((third_ms - EPOCH_MS) / 1000).unwrap() + 3;
    let seen = pictures_of(&watch(&lineup, EPOCH_MS, seconds));
    let first = pictures(&airings[0].0);
    let third = pictures(&airings[2].0);
    assert_eq!(seen[..first.len()], first, "the item before is whole");
    let begins = seen
        .iter()
        .position(|picture| *picture == third[0])
        .expect("the next item");
    let slate = begins - first.len();
    let hole_ms = airings[2].1 - airings[1].1;
    let shown_ms = slate as i64 * 1000 / 24;
    assert!(
        (shown_ms - hole_ms).abs() < 200,
        "{shown_ms} ms of slate for {hole_ms} ms"
    );
}

#[test]
fn a_file_that_is_cut_short_plays_as_far_as_it_goes() {
    let whole = demo_items();
    let items = of_profile(&whole, &profile(VideoCodec::H264, AudioCodec::Aac));
    let folder = tempfile::tempdir().unwrap();
    let matroska = items
        .iter()
        .find(|item| item.part.path.ends_with(".mkv"))
        .unwrap();
    let bytes = std::fs::read(path_of(matroska)).unwrap();
    let cut = folder.path().join("cut.mkv");
    std::fs::write(&cut, &bytes).unwrap();
    let mut first = item(100, &cut);
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    first.title = "Cut".to_owned();
    let lineup = lineup(vec![first, items[0].clone()]);
    let next_ms = guide(&lineup, EPOCH_MS, EPOCH_MS + 60_000)[1].1;
    let seconds = u64::try_from((next_ms - EPOCH_MS) / 1000).unwrap() + 3;
    let seen = pictures_of(&watch(&lineup, EPOCH_MS, seconds));
    let own = pictures(path_of(matroska));
    let played = seen
        .iter()
        .zip(&own)
        .take_while(|(seen, own)| seen == own)
        .count();
    assert!(played > own.len() / 4, "{played} of {}", own.len());
    let next = pictures(path_of(&items[0]));
    let begins = seen
        .iter()
        .position(|picture| *picture == next[0])
        .expect("the next item");
    assert!(
        seen[begins..]
            .iter()
            .zip(&next)
            .all(|(seen, next)| seen == next)
    );
}

/// A film of half a minute that shows a new picture every so many frames of 1/25 s.
fn slides(folder: &Path, every: u32, extension: &str) -> PathBuf {
    let file = folder.join(format!("{every}.{extension}"));
    let pictures = format!("testsrc2=s=320x180:r=25,select=not(mod(n\\,{every}))");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &pictures])
        .args(["-f", "lavfi", "-i", "sine=r=48000", "-t", "30"])
        .args([
            "-fps_mode",
            "vfr",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"])
        .arg(&file)
        .status();
    let made = made.expect("ffmpeg is needed: scripts/test installs it");
    assert!(made.success());
    file
}

#[test]
fn pictures_that_are_seconds_apart_come_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let clips = of_profile(&demo_items(), &profile(VideoCodec::H264, AudioCodec::Aac));
    for (every, extension) in [(25, "mp4"), (50, "mkv"), (125, "mp4"), (125, "mkv")] {
        let slides = item(100, &slides(folder.path(), every, extension));
        let stream = watch(&lineup(vec![slides, clips[1].clone()]), EPOCH_MS, 50);
        let mut verdict = ts_judge::judge(&stream);
        verdict
            .problems
            .retain(|problem| problem.rule != ts_judge::Rule::PictureGap);
        verdict.assert_clean();
    }
}

#[test]
fn an_item_that_comes_back_is_joined_where_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let clip = long_clip(folder.path(), 40, 0);
    let place = folder.path().join("unplugged.mp4");
    let mut unplugged = clip.clone();
    unplugged.part.path = place.to_str().unwrap().to_owned();
    let lineup = lineup(vec![unplugged]);
    let stream = support::simulated(async {
        let (mut lease, _lineup_tx) = support::tune(&lineup, EPOCH_MS).await;
        let begun = tokio::time::Instant::now();
        let mut stream = Vec::new();
        while begun.elapsed().as_secs() < 20 {
            if begun.elapsed().as_millis() > 1_500 && !place.exists() {
                std::fs::copy(path_of(&clip), &place).unwrap();
            }
            stream.extend_from_slice(&lease.next().await);
        }
        stream
    });
    ts_judge::judge(&stream).assert_clean();
    let late = lateness(&stream, path_of(&clip), ORIGIN_90K);
    let (joined_90k, _) = late[0];
    assert!(joined_90k > ORIGIN_90K + 90_000, "the slate came first");
    assert!(
        joined_90k < ORIGIN_90K + 12 * 90_000,
        "it was tried again in time"
    );
    assert!(
        late.iter().all(|(_, late_ms)| late_ms.abs() <= 50),
        "{late:?}"
    );
}

/// The bytes with up to 2048 bits flipped, the same ones every time.
fn flipped(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..1 << (random() % 12) {
        let at = random() % bytes.len();
        bytes[at] ^= 1 << (random() % 8);
    }
    bytes
}

#[test]
fn flipped_bits_break_pictures_and_never_the_stream() {
    // What is lost are pictures, and what a decoder can make of some.
    let lost = [
        ts_judge::Rule::PictureGap,
        ts_judge::Rule::AccessUnit,
        ts_judge::Rule::RandomAccess,
    ];
    let folder = tempfile::tempdir().unwrap();
    let clips = of_profile(&demo_items(), &profile(VideoCodec::H264, AudioCodec::Aac));
    for seed in 0..90 {
        let mut broken = clips[seed % clips.len()].clone();
        let bytes = flipped(std::fs::read(path_of(&broken)).unwrap(), seed as u64);
        let place = folder.path().join("broken");
        std::fs::write(&place, bytes).unwrap();
        broken.part.path = place.to_str().unwrap().to_owned();
        let good = clips[(seed + 1) % clips.len()].clone();
        let stream = watch(&lineup(vec![good, broken]), EPOCH_MS + 3_000, 30);
        let mut verdict = ts_judge::judge(&stream);
        verdict
            .problems
            .retain(|problem| !lost.contains(&problem.rule));
        assert!(verdict.problems.is_empty(), "seed {seed}:\n{verdict}");
        assert!(verdict.facts.seconds > 33.0, "seed {seed}");
    }
}

/// A channel of clips of a kind that the demo has none of: two containers, lengths and sizes.
fn carried(coded: &str, wanted: (VideoCodec, AudioCodec, u32)) {
    let folder = tempfile::tempdir().unwrap();
    let forms = [
        ("a.mkv", "320x240", "5.2", ""),
        ("b.mp4", "352x288", "6", ""),
        ("c.mkv", "480x272", "4", ""),
    ];
    carried::carried(carried::made(folder.path(), &forms, coded), wanted);
}

#[test]
fn mpeg_2_with_layer_ii_is_carried() {
    carried(
        // One size and shape: ffmpeg's decoder loses the picture before a sequence of another.
        "-s 352x288 -aspect 4:3 -c:v mpeg2video -b:v 1M -bf 2 -g 12 -c:a mp2 -b:a 192k -ac 2",
        (VideoCodec::Mpeg2, AudioCodec::Mp2, 48_000),
    );
}

#[test]
fn mpeg_2_with_ac_3_in_surround_is_carried() {
    carried(
        "-s 352x288 -aspect 4:3 -c:v mpeg2video -b:v 1M -bf 2 -g 12 -flags +ilme+ildct -c:a ac3 -ac 6",
        (VideoCodec::Mpeg2, AudioCodec::Ac3, 48_000),
    );
}

#[test]
fn interlaced_h264_with_mp3_is_carried() {
    carried(
        "-c:v libx264 -preset veryfast -flags +ilme+ildct -x264-params tff=1 -g 25 -c:a libmp3lame",
        (VideoCodec::H264, AudioCodec::Mp3, 48_000),
    );
}

#[test]
fn sound_at_44_100_hz_keeps_its_chain() {
    carried(
        "-c:v libx264 -preset veryfast -g 50 -bf 3 -c:a aac -ar 44100 -ac 2",
        (VideoCodec::H264, AudioCodec::Aac, 44_100),
    );
}
