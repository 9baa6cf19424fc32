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
#[path = "demux_ts/crafted.rs"]
mod crafted;
#[path = "demux_ts/damage.rs"]
mod damage;
#[path = "demux_matroska/drive.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod drive;
#[path = "demux_ts/joined.rs"]
mod joined;
#[path = "demux_ts/live.rs"]
mod live;
#[path = "demux_ts/packets.rs"]
mod packets;
#[path = "demux_ts/program.rs"]
mod program;
#[path = "demux_ts/seek.rs"]
mod seek;

use clip::{Folder, packets as probed};
use drive::Drive;
use exstreamtv::media::{Sample, Sync, TrackId};
use std::path::Path;

const H264: &str = "-c:v libx264 -preset medium -g 25 -bf 3";
const HEVC: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:bframes=3";
const MPEG2: &str = "-c:v mpeg2video -g 12 -bf 2 -b:v 400k";

fn open(path: &Path) -> Drive {
    Drive::new(std::fs::read(path).unwrap()).unwrap()
}

fn chosen(drive: &mut Drive) -> (TrackId, Option<TrackId>) {
    if drive.demuxer.movie().is_none() {
        drive.movie().unwrap();
    }
    let tracks = drive.demuxer.movie().unwrap().tracks.iter();
    let tracks = tracks.map(|track| &track.track);
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
    let mut drive = open(path);
    let (pictures, sound) = play_from(&mut drive, 0);
    if path.extension().is_some_and(|ending| ending == "mp4") {
        return (pictures, sound);
    }
    // What can be had only once, in order, is the same.
    let (video, audio) = chosen(&mut drive);
    let streamed = Drive::streamed(std::fs::read(path).unwrap(), video, audio);
    let (seen, heard): (Vec<_>, Vec<_>) = streamed.into_iter().partition(|one| one.track == video);
    assert_equal(&seen, &pictures);
    assert_equal(&heard, &sound);
    (pictures, sound)
}

fn in_order(samples: &[Sample]) {
    let mut last = std::collections::BTreeMap::new();
    for sample in samples {
        assert!(sample.pts_90k >= sample.dts_90k);
        let before = last.insert(sample.track, sample.dts_90k);
        assert!(before.is_none_or(|before| sample.dts_90k > before));
    }
}

/// Two runs of samples are the same; what is not is told without its bytes.
fn assert_equal(ours: &[Sample], theirs: &[Sample]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(
            (ours.pts_90k, ours.dts_90k),
            (theirs.pts_90k, theirs.dts_90k)
        );
        assert!(ours == theirs, "at {}", ours.pts_90k);
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

/// Another container of the same media, and so another demuxer.
#[test]
fn the_same_media_in_mp4_give_the_same_samples() {
    let folder = Folder::new();
    for (name, rate, video, audio) in KINDS {
        println!("{name}: {rate} {video} {audio}");
        let audio = audio.replace("44100", "48000");
        let mp4 = folder.encode(&format!("{name}.mp4"), rate, 3, &format!("{video} {audio}"));
        let ts = folder.copy(&mp4, &format!("{name}.ts"), "");
        let (pictures, sound) = play(&ts);
        let (their_pictures, their_sound) = play(&mp4);
        assert_eq!(pictures.len(), their_pictures.len());
        for (ours, theirs) in pictures.iter().zip(&their_pictures) {
            assert!((ours.pts_90k - theirs.pts_90k).abs() <= 1);
            assert!((ours.dts_90k - theirs.dts_90k).abs() <= 1);
            assert_eq!(ours.sync, theirs.sync);
            if video == MPEG2 {
                assert!(
                    ours.data.ends_with(&theirs.data),
                    "headers may stand in front"
                );
            } else {
                let is_hevc = video == HEVC;
                let (ours, theirs) = [&ours.data, &theirs.data]
                    .map(|data| packets::slices(data, is_hevc))
                    .into();
                assert!(ours == theirs && !ours.is_empty());
            }
        }
        let (ours, theirs) = (heard(&sound), heard(&their_sound));
        assert!(ours.len() + 1 >= theirs.len());
        assert_eq!(ours, theirs[theirs.len() - ours.len()..]);
        same_description(&ts, &mp4);
    }
}

fn heard(samples: &[Sample]) -> Vec<&[u8]> {
    samples.iter().map(|sample| &sample.data[..]).collect()
}

/// Both say the same of their tracks, and their codec configurations mean the same.
fn same_description(ts: &Path, mp4: &Path) {
    let [ours, theirs] = [ts, mp4].map(|path| open(path).movie().unwrap());
    assert!(
        ours.duration_90k.abs_diff(theirs.duration_90k) <= 2,
        "{ours:?}"
    );
    for (ours, theirs) in ours.tracks.iter().zip(&theirs.tracks) {
        assert_eq!(ours.track.kind, theirs.track.kind);
        let video = ours.track.video().map(|video| video.codec);
        match video {
            Some(exstreamtv::media::VideoCodec::H264) => {
                assert_eq!(ours.config[1..4], theirs.config[1..4]);
                let [ours, theirs] = [&ours.config, &theirs.config]
                    .map(|config| exstreamtv::codec::h264::AvcConfig::parse(config).unwrap());
                assert_eq!(ours, theirs);
            }
            Some(exstreamtv::media::VideoCodec::Hevc) => {
                assert_eq!(ours.config[1..13], theirs.config[1..13]);
                assert_eq!(ours.config[16..19], theirs.config[16..19]);
                let [ours, theirs] = [&ours.config, &theirs.config]
                    .map(|config| exstreamtv::codec::hevc::HvcConfig::parse(config).unwrap());
                assert_eq!(
                    (ours.vps, ours.sps, ours.pps),
                    (theirs.vps, theirs.sps, theirs.pps)
                );
            }
            Some(exstreamtv::media::VideoCodec::Mpeg2) => assert!(!ours.config.is_empty()),
            None => assert_eq!(ours.config[..], theirs.config[..ours.config.len()]),
        }
    }
}

#[test]
fn fields_of_interlaced_pictures_stay_together() {
    let folder = Folder::new();
    for codec in [
        "-c:v mpeg2video -g 12 -bf 2 -flags +ilme+ildct -b:v 900k -c:a mp2",
        "-c:v libx264 -flags +ilme+ildct -x264-params tff=1 -g 25 -bf 2 -c:a aac",
    ] {
        let path = folder.encode("interlaced.ts", "25", 3, codec);
        let (pictures, sound) = play(&path);
        assert_same(&pictures, &path, 0, 0);
        assert_same(&sound, &path, 1, 1);
    }
}

/// Captions (ATSC A/53) and other messages are part of the pictures.
#[test]
fn messages_in_the_video_pass() {
    let folder = Folder::new();
    let path = folder.encode("a.ts", "25", 2, &format!("{H264} -an"));
    let (pictures, _) = play(&path);
    let has_sei = |sample: &Sample| packets::nals(&sample.data).any(|nal| nal[0] & 0x1F == 6);
    assert!(has_sei(&pictures[0]));
    let has_delimiter = |sample: &Sample| packets::nals(&sample.data).any(|nal| nal[0] & 0x1F == 9);
    assert!(!pictures.iter().any(has_delimiter));
}

#[test]
fn every_way_of_muxing_gives_the_same_samples() {
    let folder = Folder::new();
    for (name, codecs) in [
        ("a", format!("{H264} -c:a aac")),
        ("b", format!("{MPEG2} -c:a ac3")),
        ("c", format!("{HEVC} -c:a eac3")),
    ] {
        let plain = folder.encode(&format!("{name}.ts"), "25", 4, &codecs);
        let expected = play(&plain);
        for (at, how) in [
            "-muxrate 4M",
            "-pes_payload_size 400",
            "-pes_payload_size 30000",
            "-omit_video_pes_length 0",
            // DVB: private data with descriptors.
            "-mpegts_flags system_b+pat_pmt_at_frames",
            "-mpegts_flags initial_discontinuity+resend_headers",
            "-mpegts_start_pid 0x600 -mpegts_pmt_start_pid 0x50 -mpegts_service_id 77",
        ]
        .into_iter()
        .enumerate()
        {
            println!("{name}: {how}");
            let path = folder.copy(&plain, &format!("{name}-{at}.ts"), how);
            let (mut pictures, mut sound) = play(&path);
            for (samples, expected) in [(&mut pictures, &expected.0), (&mut sound, &expected.1)] {
                for (sample, expected) in samples.iter_mut().zip(expected) {
                    sample.track = expected.track;
                }
            }
            assert_equal(&pictures, &expected.0);
            assert_eq!(heard(&sound), heard(&expected.1));
            for (ours, theirs) in sound.iter().zip(&expected.1) {
                assert!((ours.pts_90k - theirs.pts_90k).abs() <= 1);
            }
        }
    }
}
