//! The Matroska demuxer against ffmpeg's files and ffprobe's view of them, against files built by
//! hand for what ffmpeg does not write, and against damage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly"
)]

#[path = "demux_matroska/build.rs"]
mod build;
#[path = "demux_matroska/built.rs"]
mod built;
#[path = "demux_matroska/clip.rs"]
mod clip;
#[path = "demux_matroska/description.rs"]
mod description;
#[path = "demux_matroska/drive.rs"]
mod drive;
#[path = "demux_matroska/hostile.rs"]
mod hostile;
#[path = "demux_matroska/join.rs"]
mod join;
#[path = "demux_matroska/live.rs"]
mod live;
#[path = "demux_matroska/material.rs"]
mod material;
#[path = "demux_matroska/table.rs"]
mod table;

use clip::{Folder, Packet, packets};
use drive::Drive;
use exstreamtv::media::{Sample, Sync, TrackId};
use std::path::Path;

const H264: &str = "-c:v libx264 -preset ultrafast -g 25 -bf 0";
const H264_B: &str = "-c:v libx264 -preset medium -g 25 -bf 3";
const HEVC: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:bframes=3";
const MPEG2: &str = "-c:v mpeg2video -g 12 -bf 2 -b:v 400k";

fn open(path: &Path) -> Drive {
    Drive::new(std::fs::read(path).unwrap()).unwrap()
}

/// The tracks that a player would choose.
fn chosen(drive: &mut Drive) -> (TrackId, Option<TrackId>) {
    if drive.demuxer.movie().is_none() {
        drive.movie().unwrap();
    }
    let movie = drive.demuxer.movie().unwrap();
    let tracks = movie.tracks.iter().map(|track| &track.track);
    let video = tracks.clone().find(|track| track.video().is_some());
    let audio = tracks.clone().find(|track| track.audio().is_some());
    (video.unwrap().id, audio.map(|track| track.id))
}

/// Plays a file from its start.
fn play(path: &Path) -> Vec<Sample> {
    let mut drive = open(path);
    let (video, audio) = chosen(&mut drive);
    let (samples, error) = drive.play(video, audio, 0);
    assert_eq!(error, None);
    // What can be had only once, in order, is the same.
    let streamed = Drive::streamed(std::fs::read(path).unwrap(), video, audio);
    assert!(streamed == samples, "{}", path.display());
    samples
}

fn of(samples: &[Sample], track: TrackId) -> Vec<&Sample> {
    samples
        .iter()
        .filter(|sample| sample.track == track)
        .collect()
}

fn ms(time_90k: i64) -> f64 {
    f64::from(i32::try_from(time_90k).unwrap()) / 90.0
}

/// Samples are the packets, in order, with their sizes and flags, and with their times to a
/// millisecond, counted from the first picture.
fn assert_same(samples: &[Sample], packets: &[Packet]) {
    let first_ms = packets
        .iter()
        .find(|packet| packet.stream == 0)
        .unwrap()
        .pts_ms;
    // Audio that is over before the first picture is not for air.
    let aired = |packet: &&Packet| packet.stream == 0 || packet.end_ms() > first_ms + 1.01;
    let packets: Vec<_> = packets.iter().filter(aired).collect();
    assert_eq!(samples.len(), packets.len());
    for (sample, packet) in samples.iter().zip(packets) {
        let stream = usize::try_from(sample.track.0 - 1).unwrap();
        assert_eq!(stream, packet.stream, "{packet:?}");
        assert_eq!(sample.data.len(), packet.bytes, "{packet:?}");
        assert_eq!(sample.sync == Sync::RandomAccess, packet.key, "{packet:?}");
        let off = ms(sample.pts_90k) + first_ms - packet.pts_ms;
        assert!(
            off.abs() <= 1.001,
            "{off} ms: {packet:?} {}",
            sample.pts_90k
        );
    }
    for stream in 1..=2 {
        let mut last = i64::MIN;
        for sample in of(samples, TrackId(stream)) {
            assert!(sample.dts_90k > last, "{} after {last}", sample.dts_90k);
            assert!(sample.pts_90k >= sample.dts_90k);
            last = sample.dts_90k;
        }
    }
}

#[test]
fn what_ffmpeg_writes_is_what_ffprobe_reads() {
    let folder = Folder::new();
    for (name, rate, codecs) in [
        ("a", "25", format!("{H264} -c:a aac")),
        ("b", "24000/1001", format!("{H264_B} -c:a ac3")),
        ("c", "30000/1001", format!("{H264_B} -c:a eac3")),
        ("d", "50", format!("{H264_B} -c:a libmp3lame")),
        ("e", "25", format!("{HEVC} -c:a aac")),
        ("f", "24000/1001", format!("{HEVC} -c:a mp2")),
        ("g", "25", format!("{MPEG2} -c:a mp2")),
        ("h", "30000/1001", format!("{MPEG2} -c:a ac3")),
    ] {
        println!("{name}: {rate} {codecs}");
        let path = folder.encode(&format!("{name}.mkv"), rate, 3, &codecs);
        assert_same(&play(&path), &packets(&path));
    }
}

#[test]
fn every_way_of_muxing_gives_the_same_samples() {
    let folder = Folder::new();
    let codecs = format!("{H264_B} -c:a aac");
    let plain = folder.encode("plain.mkv", "24000/1001", 6, &codecs);
    let expected = play(&plain);
    let shapes = [
        folder.pipe(&plain, "pipe.mkv", ""),
        folder.pipe(&plain, "live.mkv", "-live 1"),
        folder.pipe(&plain, "dash.mkv", "-live 1 -cluster_time_limit 300"),
        folder.copy(&plain, "reserved.mkv", "-reserve_index_space 4096"),
        folder.copy(&plain, "front.mkv", "-cues_to_front 1"),
        folder.copy(&plain, "small.mkv", "-cluster_time_limit 100"),
        folder.copy(&plain, "big.mkv", "-cluster_time_limit 60000"),
    ];
    for path in shapes {
        let samples = play(&path);
        assert_same(&samples, &packets(&path));
        assert_eq!(samples.len(), expected.len(), "{}", path.display());
        for stream in 1..=2 {
            let (ours, theirs) = (
                of(&samples, TrackId(stream)),
                of(&expected, TrackId(stream)),
            );
            assert_eq!(ours, theirs, "{}", path.display());
        }
    }
}

/// The true decoding times are in an MP4 of the same stream.
#[test]
fn decoding_times_are_the_encoders() {
    let folder = Folder::new();
    for (name, rate, codecs) in [
        ("bframes", "24000/1001", H264_B),
        ("none", "25", H264),
        (
            "deep",
            "30000/1001",
            "-c:v libx264 -bf 5 -b_strategy 0 -g 40",
        ),
        (
            "flat",
            "50",
            "-c:v libx264 -bf 3 -x264-params b-pyramid=none -g 40",
        ),
        ("hevc", "24000/1001", HEVC),
        ("mpeg2", "25", MPEG2),
    ] {
        let mkv = folder.encode(&format!("{name}.mkv"), rate, 4, &format!("{codecs} -an"));
        let mp4 = folder.encode(&format!("{name}.mp4"), rate, 4, &format!("{codecs} -an"));
        let samples = play(&mkv);
        let truth = packets(&mp4);
        assert_eq!(samples.len(), truth.len());
        let first_ms = ms(samples[0].dts_90k) - truth[0].dts_ms.unwrap();
        for (sample, packet) in samples.iter().zip(&truth) {
            let off = ms(sample.dts_90k) - first_ms - packet.dts_ms.unwrap();
            assert!(
                off.abs() < 0.02,
                "{name}: {off} ms: {packet:?} {}",
                sample.dts_90k
            );
            let off = ms(sample.pts_90k) - (packet.pts_ms - truth[0].pts_ms);
            assert!(
                off.abs() < 0.02,
                "{name}: {off} ms: {packet:?} {}",
                sample.pts_90k
            );
        }
    }
}

/// The sound goes on for longer than the pictures, and the Segment's Duration is the sound's.
#[test]
fn a_film_ends_with_its_last_picture() {
    let folder = Folder::new();
    let long = folder.path("long.mkv");
    // Noise, so that a Cluster is much larger than what is read at once.
    let input = "-f lavfi -i testsrc2=size=320x240:rate=24000/1001:duration=4,noise=alls=60:allf=t \
         -f lavfi -i sine=sample_rate=48000:duration=7 -c:a aac -map 0 -map 1";
    clip::ffmpeg(&format!("{input} {H264_B} -preset ultrafast -qp 4"), &long);
    assert!(std::fs::metadata(&long).unwrap().len() > 5_000_000);
    let truth = packets(&long);
    let shown = truth.iter().filter(|packet| packet.stream == 0);
    let frames = i64::try_from(shown.count()).unwrap();
    let end_90k = (frames * 15_015 + 2).div_euclid(4);
    for path in [
        long.clone(),
        folder.copy(&long, "small.mkv", "-cluster_time_limit 400"),
        folder.copy(&long, "big.mkv", "-cluster_time_limit 60000"),
        folder.copy(&long, "front.mkv", "-cues_to_front 1"),
    ] {
        let mut drive = open(&path);
        let movie = drive.movie().unwrap();
        println!("{}: {} requests", path.display(), drive.requests);
        assert_eq!(movie.duration_90k, end_90k, "{}", path.display());
        assert!(drive.requests <= 12, "{} requests", drive.requests);
    }
    // Where nothing tells cheaply, the Segment's Duration is believed.
    let pipe = folder.pipe(&long, "pipe.mkv", "");
    let duration_90k = open(&pipe).movie().unwrap().duration_90k;
    assert!(duration_90k >= end_90k, "{duration_90k}");
}
