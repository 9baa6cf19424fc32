//! The Matroska demuxer against ffmpeg's files and ffprobe's view of them, against files built by
//! hand for what ffmpeg does not write, and against damage.

#[path = "demux_matroska/clip.rs"]
mod clip;
#[path = "demux_matroska/drive.rs"]
mod drive;

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
    let movie = drive.movie().unwrap();
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

/// What a join at `time_90k` has to give of the pictures of a whole playing.
fn joined<'a>(pictures: &[&'a Sample], time_90k: i64) -> Vec<&'a Sample> {
    let is_key = |sample: &&Sample| sample.sync == Sync::RandomAccess;
    let before = pictures
        .iter()
        .rposition(|sample| is_key(sample) && sample.pts_90k <= time_90k);
    let from = &pictures[before.unwrap_or(0)..];
    let next_key = from.iter().skip(1).position(is_key);
    let next_key = next_key.map_or(from.len(), |at| at + 1);
    let shown =
        |(at, sample): &(usize, &&Sample)| *at >= next_key || sample.pts_90k >= from[0].pts_90k;
    let kept = from.iter().enumerate().filter(shown);
    kept.map(|(_, sample)| *sample).collect()
}

/// Joins a film in many places, and holds what comes against the whole of it.
fn assert_joins(path: &Path, times_90k: &[i64]) -> (usize, usize) {
    let whole = play(path);
    let mut drive = open(path);
    let (video, audio) = chosen(&mut drive);
    let pictures = of(&whole, video);
    let sound = of(&whole, audio.unwrap());
    let (mut most_requests, mut most_bytes) = (0, 0);
    for &time_90k in times_90k {
        let expected = joined(&pictures, time_90k);
        let before = (drive.requests, drive.bytes_read);
        let first = drive.first(video, audio, time_90k);
        most_requests = most_requests.max(drive.requests - before.0);
        most_bytes = most_bytes.max(drive.bytes_read - before.1);
        assert_eq!(first.data, expected[0].data, "{path:?} at {time_90k}");

        let (samples, error) = drive.play(video, audio, time_90k);
        assert_eq!(error, None);
        let got = of(&samples, video);
        assert_eq!(got.len(), expected.len(), "{path:?} at {time_90k}");
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.pts_90k, expected.pts_90k);
            assert_eq!(got.sync, expected.sync);
            assert!(got.dts_90k <= got.pts_90k);
            assert_eq!(got.data, expected.data);
        }
        assert!(got.windows(2).all(|two| two[0].dts_90k < two[1].dts_90k));

        // The sound begins with the frame that is heard with the first picture; where the file
        // has that frame in the Cluster before, with the next.
        let heard = of(&samples, audio.unwrap());
        let from = sound
            .iter()
            .position(|sample| sample.data == heard[0].data)
            .unwrap();
        let end = |sample: &Sample| sample.pts_90k + i64::from(sample.duration_90k);
        assert!(
            end(heard[0]) > got[0].pts_90k + 90,
            "{path:?} at {time_90k}"
        );
        let late = from > 0 && end(sound[from - 1]) > got[0].pts_90k + 90;
        assert!(!late || end(sound[from - 1]) < got[0].pts_90k + 32 * 90 + 90);
        assert_eq!(heard.len(), sound.len() - from);
    }
    (most_requests, most_bytes)
}

/// Times on, just before, just after and far from the key frames of a film of eight seconds.
fn many_times() -> Vec<i64> {
    let mut times: Vec<i64> = (-1..=9).map(|second| second * 90_000 + 37_123).collect();
    for key in 0..8 {
        times.extend([key * 93_844 - 1, key * 93_844, key * 93_844 + 1]);
    }
    times.extend([i64::MIN / 8, 0, 90_000_000, i64::MAX / 8]);
    times
}

#[test]
fn a_join_begins_with_the_key_frame_at_or_before_it() {
    let folder = Folder::new();
    for (name, codecs) in [
        ("avc", H264_B),
        ("hevc", HEVC),
        ("plain", H264),
        ("mpeg2", MPEG2),
    ] {
        let codecs = format!("{codecs} -b:v 1500k -c:a ac3");
        let film = folder.encode(&format!("{name}.mkv"), "24000/1001", 8, &codecs);
        assert_joins(&film, &many_times());
        assert_joins(&folder.pipe(&film, "pipe.mkv", ""), &many_times());
        let live = folder.pipe(&film, "live.mkv", "-live 1 -cluster_time_limit 200");
        assert_joins(&live, &many_times());
        let big = folder.copy(&film, "big.mkv", "-cluster_time_limit 60000");
        assert_joins(&big, &many_times());
    }
}

#[test]
fn a_join_in_a_long_film_reads_little() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -g 48 -qp 0 -c:a ac3 -shortest";
    let film = folder.encode("long.mkv", "24", 60, codecs);
    let bytes = std::fs::metadata(&film).unwrap().len();
    let times: Vec<i64> = (0..6).map(|step| step * 900_000 + 1).collect();
    let (requests, read) = assert_joins(&film, &times);
    println!("{bytes} bytes, with Cues: {requests} requests, {read} bytes");
    assert!(
        requests <= 3 && read <= 400_000,
        "{requests} requests, {read} bytes"
    );
    let (requests, read) = assert_joins(&folder.pipe(&film, "pipe.mkv", ""), &times);
    println!("without: {requests} requests, {read} bytes");
    assert!(
        requests <= 60 && read <= 6_000_000,
        "{requests} requests, {read} bytes"
    );
}

#[test]
fn a_file_cut_anywhere_ends_in_words_or_plays_as_far_as_it_goes() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -g 12 -bf 2 -c:a ac3 -b:a 96k";
    let film = folder.encode("whole.mkv", "25", 2, codecs);
    let live = folder.pipe(&film, "live.mkv", "-live 1");
    for path in [film, live] {
        let whole = std::fs::read(&path).unwrap();
        let all = play(&path);
        for len in (0..whole.len()).step_by(97) {
            let cut = whole[..len].to_vec();
            for sample in survive(cut, 45_000) {
                let known = all.iter().any(|known| known.data == sample.data);
                assert!(known, "a sample that the file does not have, cut at {len}");
            }
        }
    }
}

#[test]
fn flipped_bits_end_in_words_or_play_as_far_as_they_go() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -g 12 -bf 2 -c:a aac -b:a 64k";
    let film = folder.encode("whole.mkv", "25", 2, codecs);
    let live = folder.pipe(&film, "live.mkv", "-live 1");
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
    };
    for path in [film, live] {
        let whole = std::fs::read(&path).unwrap();
        for round in 0..400 {
            let mut damaged = whole.clone();
            // Most of the structure is at the front; half of the damage goes there.
            let reach = if round % 2 == 0 { 2000 } else { whole.len() };
            for _ in 0..=random(8) {
                let at = random(reach.min(whole.len()));
                damaged[at] ^= 1 << random(8);
            }
            survive(damaged, i64::from(round) * 450);
        }
    }
}

/// Plays a damaged file from its start and from a time; it has to end.
fn survive(file: Vec<u8>, time_90k: i64) -> Vec<Sample> {
    let Ok(mut drive) = Drive::new(file) else {
        return Vec::new();
    };
    let Ok(movie) = drive.movie() else {
        return Vec::new();
    };
    let tracks = movie.tracks.iter().map(|track| &track.track);
    let video = tracks
        .clone()
        .find(|track| track.video().is_some())
        .unwrap()
        .id;
    let audio = tracks.clone().find(|track| track.audio().is_some());
    let audio = audio.map(|track| track.id);
    drive.play(video, audio, time_90k);
    let (samples, _) = drive.play(video, audio, 0);
    samples
}
