//! The MPEG-TS demuxer against ffmpeg's files and ffprobe's view of them, against the same media in
//! Matroska and MP4, and against damage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly"
)]

#[path = "demux_matroska/clip.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod clip;
#[path = "demux_matroska/drive.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod drive;
#[path = "demux_ts/packets.rs"]
mod packets;

use clip::{Folder, ffmpeg, packets as probed};
use drive::Drive;
use exstreamtv::media::{Sample, Sync, TrackId};
use std::path::{Path, PathBuf};

const H264: &str = "-c:v libx264 -preset medium -g 25 -bf 3";
const HEVC: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:bframes=3";
const MPEG2: &str = "-c:v mpeg2video -g 12 -bf 2 -b:v 400k";

fn open(path: &Path) -> Drive {
    Drive::new(std::fs::read(path).unwrap()).unwrap()
}

fn chosen(drive: &mut Drive) -> (TrackId, Option<TrackId>) {
    let movie = drive.movie().unwrap();
    let tracks = movie.tracks.iter().map(|track| &track.track);
    let video = tracks.clone().find(|track| track.video().is_some());
    let audio = tracks.clone().find(|track| track.audio().is_some());
    (video.unwrap().id, audio.map(|track| track.id))
}

fn play_from(drive: &mut Drive, time_90k: i64) -> (Vec<Sample>, Vec<Sample>) {
    let (video, audio) = chosen(drive);
    let (samples, error) = drive.play(video, audio, time_90k);
    assert_eq!(error, None);
    in_order(&samples);
    samples
        .into_iter()
        .partition(|sample| sample.track == video)
}

fn play(path: &Path) -> (Vec<Sample>, Vec<Sample>) {
    play_from(&mut open(path), 0)
}

fn in_order(samples: &[Sample]) {
    let mut last = std::collections::BTreeMap::new();
    for sample in samples {
        assert!(sample.pts_90k >= sample.dts_90k);
        let before = last.insert(sample.track, sample.dts_90k);
        assert!(before.is_none_or(|before| sample.dts_90k > before));
    }
}

fn ticks(ms: f64) -> i64 {
    format!("{:.0}", ms * 90.0).parse().unwrap()
}

/// The samples of a track are ffprobe's packets of a stream, with their times counted from the
/// first picture, in ticks, and their key frames.
fn assert_same(samples: &[Sample], path: &Path, stream: usize, slack_90k: i64) {
    let mut packets = probed(path);
    let first = packets
        .iter()
        .find(|packet| packet.stream == 0 && packet.key);
    let first_ms = first.unwrap().pts_ms;
    packets.retain(|packet| packet.stream == stream);
    packets.retain(|packet| stream == 0 || packet.end_ms() > first_ms + 0.001);
    packets.sort_by(|one, other| {
        let dts = |packet: &clip::Packet| packet.dts_ms.unwrap_or(packet.pts_ms);
        dts(one).total_cmp(&dts(other))
    });
    assert_eq!(samples.len(), packets.len(), "{}", path.display());
    for (sample, packet) in samples.iter().zip(&packets) {
        let pts_90k = ticks(packet.pts_ms - first_ms);
        assert!(
            (sample.pts_90k - pts_90k).abs() <= slack_90k,
            "{packet:?} {}",
            sample.pts_90k
        );
        if let Some(dts_ms) = packet.dts_ms {
            let dts_90k = ticks(dts_ms - first_ms);
            assert!(
                (sample.dts_90k - dts_90k).abs() <= slack_90k,
                "{packet:?} {}",
                sample.dts_90k
            );
        }
        if stream == 0 {
            assert_eq!(sample.sync == Sync::RandomAccess, packet.key, "{packet:?}");
        }
        let duration_90k = ticks(packet.duration_ms);
        assert!(
            (i64::from(sample.duration_90k) - duration_90k).abs() <= 1,
            "{packet:?} {}",
            sample.duration_90k
        );
    }
}

/// What the samples hold is what MP4 has of the same media, but for delimiters and for parameter
/// sets, which MP4 has in its header.
fn assert_same_bytes(ours: &[Sample], mp4: &Path) {
    let (theirs, _) = play(mp4);
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.pts_90k, theirs.pts_90k);
        assert_eq!(ours.dts_90k, theirs.dts_90k);
        assert_eq!(ours.sync, theirs.sync);
        assert!(packets::slices(&ours.data) == packets::slices(&theirs.data));
    }
}

const KINDS: [(&str, &str, &str, &str); 8] = [
    ("a", "25", H264, "-c:a aac"),
    ("b", "24000/1001", H264, "-c:a ac3"),
    ("c", "30000/1001", H264, "-c:a eac3"),
    ("d", "50", H264, "-c:a libmp3lame"),
    ("e", "25", HEVC, "-c:a ac3"),
    ("f", "24000/1001", HEVC, "-c:a aac -ar 44100"),
    ("g", "25", MPEG2, "-c:a mp2"),
    ("h", "30000/1001", MPEG2, "-c:a mp2 -ar 44100"),
];

#[test]
fn what_ffmpeg_writes_is_what_ffprobe_reads() {
    let folder = Folder::new();
    for (name, rate, video, audio) in KINDS {
        for (ending, how) in [("ts", ""), ("m2ts", "-mpegts_m2ts_mode 1")] {
            // Discs have Dolby's sound only.
            if ending == "m2ts" && !audio.contains("ac3") {
                continue;
            }
            println!("{name}.{ending}: {rate} {video} {audio}");
            let name = format!("{name}.{ending}");
            let path = folder.encode(&name, rate, 3, &format!("{video} {audio} {how}"));
            let (pictures, sound) = play(&path);
            assert_same(&pictures, &path, 0, 0);
            assert_same(&sound, &path, 1, 1);
        }
    }
}
