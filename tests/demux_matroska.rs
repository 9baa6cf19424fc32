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
#[path = "demux_matroska/clip.rs"]
mod clip;
#[path = "demux_matroska/drive.rs"]
mod drive;

use clip::{Folder, Packet, packets};
use drive::Drive;
use exstreamtv::media::{Sample, Sync, TrackId, TrackKind};
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
        let times = many_times();
        assert_joins(&film, &times);
        let live = folder.pipe(&film, "live.mkv", "-live 1 -cluster_time_limit 200");
        assert_joins(&live, &times);
        let some: Vec<_> = times.into_iter().step_by(3).collect();
        assert_joins(&folder.pipe(&film, "pipe.mkv", ""), &some);
        let big = folder.copy(&film, "big.mkv", "-cluster_time_limit 60000");
        assert_joins(&big, &some);
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
        requests <= 12 && read <= 1_600_000,
        "{requests} requests, {read} bytes"
    );
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

#[test]
fn a_file_cut_anywhere_ends_in_words_or_plays_as_far_as_it_goes() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -qp 40 -g 12 -bf 2 -c:a ac3 -b:a 32k";
    let film = folder.encode("whole.mkv", "25", 1, codecs);
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

/// Raw material for files built by hand: coded pictures and sound with their configurations.
struct Material {
    video_config: Vec<u8>,
    pictures: Vec<Sample>,
    sound: Vec<Sample>,
}

impl Material {
    /// 25 pictures a second without reordering, a key frame every 5, and AC-3 frames.
    fn new() -> Self {
        let folder = Folder::new();
        let codecs = "-c:v libx264 -preset ultrafast -g 5 -bf 0 -c:a ac3 -b:a 96k";
        let path = folder.encode("material.mkv", "25", 2, codecs);
        let samples = play(&path);
        let movie = open(&path).movie().unwrap();
        let owned = |track| of(&samples, TrackId(track)).into_iter().cloned().collect();
        Self {
            video_config: movie.tracks[0].config.to_vec(),
            pictures: owned(1),
            sound: owned(2),
        }
    }

    fn video(&self) -> Vec<u8> {
        let config = build::element(0x63A2, &self.video_config);
        build::track(
            1,
            1,
            "V_MPEG4/ISO/AVC",
            &[config, build::uint(0x23_E383, 40_000_000)],
        )
    }

    fn audio(&self, more: &[Vec<u8>]) -> Vec<u8> {
        let rate = build::element(0xB5, &48_000_f64.to_be_bytes());
        let facts = build::master(0xE1, &[rate, build::uint(0x9F, 1)]);
        build::track(2, 2, "A_AC3", &[facts, more.concat()])
    }

    /// The `n`-th picture as a SimpleBlock `ms` after its Cluster.
    fn picture(&self, n: usize, ms: i16) -> Vec<u8> {
        let flags = if n.is_multiple_of(5) { 0x80 } else { 0 };
        build::simple_block(1, ms, flags, &self.pictures[n].data)
    }

    /// Clusters of five pictures each.
    fn clusters(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|n| {
                let blocks: Vec<_> = (0..5)
                    .map(|k| self.picture(n * 5 + k, i16::try_from(k * 40).unwrap()))
                    .collect();
                build::cluster(u64::try_from(n * 200).unwrap(), &blocks)
            })
            .collect()
    }

    /// The pictures of `samples` are these, in order, 40 ms apart.
    fn assert_pictures(&self, samples: &[Sample], numbers: impl IntoIterator<Item = usize>) {
        let got = of(samples, TrackId(1));
        let numbers: Vec<_> = numbers.into_iter().collect();
        assert_eq!(got.len(), numbers.len());
        for (got, number) in got.iter().zip(numbers) {
            assert_eq!(got.data, self.pictures[number].data, "picture {number}");
            assert_eq!(got.pts_90k, i64::try_from(number).unwrap() * 3600);
        }
    }
}

fn play_built(file: Vec<u8>, audio: Option<u64>) -> Vec<Sample> {
    let mut drive = Drive::new(file).unwrap();
    drive.movie().unwrap();
    let (samples, error) = drive.play(TrackId(1), audio.map(TrackId), 0);
    assert_eq!(error, None);
    samples
}

/// Frames in one block, laced in the way of its flags.
fn laced(frames: &[&Sample], flags: u8) -> Vec<u8> {
    let sizes: Vec<usize> = frames.iter().map(|frame| frame.data.len()).collect();
    let mut bytes = vec![u8::try_from(frames.len() - 1).unwrap()];
    let (_, told) = sizes.split_last().unwrap();
    match flags {
        0x02 => {
            for size in told {
                bytes.extend(std::iter::repeat_n(255, size / 255));
                bytes.push(u8::try_from(size % 255).unwrap());
            }
        }
        0x06 => {
            let mut last = None;
            for size in told {
                let size = i32::try_from(*size).unwrap();
                // Two bytes each; differences are centred on 2^13 - 1.
                let value = last.map_or(size, |last| size - last + 0x1FFF);
                bytes.extend((0x4000 | u16::try_from(value).unwrap()).to_be_bytes());
                last = Some(size);
            }
        }
        _ => {}
    }
    for frame in frames {
        bytes.extend(&frame.data);
    }
    bytes
}

#[test]
fn laced_frames_are_taken_apart_and_spread_in_time() {
    let material = Material::new();
    let sound: Vec<&Sample> = material.sound.iter().take(8).collect();
    for flags in [0x02, 0x04, 0x06] {
        let block = build::simple_block(2, 0, 0x80 | flags, &laced(&sound, flags));
        let file = build::file(&[
            build::info(),
            build::tracks(&[material.video(), material.audio(&[])]),
            build::cluster(0, &[material.picture(0, 0), block]),
        ]);
        let samples = play_built(file, Some(2));
        let got = of(&samples, TrackId(2));
        assert_eq!(got.len(), 8);
        for (n, (got, sound)) in (0_i64..).zip(got.iter().zip(&sound)) {
            assert_eq!(got.data, sound.data);
            assert_eq!((got.pts_90k, got.duration_90k), (n * 2880, 2880));
        }
    }
}

#[test]
fn stripped_headers_are_put_back() {
    let material = Material::new();
    let settings = [
        build::uint(0x4254, 3),
        build::element(0x4255, &[0x0B, 0x77]),
    ];
    let encoding = build::master(0x6240, &[build::master(0x5034, &settings)]);
    let stripping = build::master(0x6D80, &[encoding]);
    let mut blocks = vec![material.picture(0, 0)];
    for (n, frame) in (0_i16..8).zip(&material.sound) {
        blocks.push(build::simple_block(2, n * 32, 0x80, &frame.data[2..]));
    }
    let file = build::file(&[
        build::info(),
        build::tracks(&[material.video(), material.audio(&[stripping])]),
        build::cluster(0, &blocks),
    ]);
    let samples = play_built(file, Some(2));
    let got = of(&samples, TrackId(2));
    assert_eq!(got.len(), 8);
    for (got, sound) in got.iter().zip(&material.sound) {
        assert_eq!((&got.data, got.duration_90k), (&sound.data, 2880));
    }
}

#[test]
fn block_groups_say_what_depends_and_how_long_it_is_shown() {
    let material = Material::new();
    let group = |n: usize, reference_first: bool| {
        let ms = i16::try_from(n * 40).unwrap();
        let block = build::element(
            0xA1,
            &build::block_body(1, ms, 0, &material.pictures[n].data),
        );
        let duration = build::uint(0x9B, if n == 4 { 90 } else { 40 });
        let reference = build::element(0xFB, &[0xD8]);
        let extra = build::element(0x75A1, &vec![0; 200_000]);
        match (n, reference_first) {
            (0, _) => build::master(0xA0, &[block, duration]),
            (_, true) => build::master(0xA0, &[reference, duration, block, extra]),
            (_, false) => build::master(0xA0, &[block, extra, duration, reference]),
        }
    };
    let groups: Vec<_> = (0..5).map(|n| group(n, n % 2 == 0)).collect();
    let file = build::file(&[
        build::info(),
        build::tracks(&[material.video()]),
        build::cluster(0, &groups),
    ]);
    let samples = play_built(file, None);
    material.assert_pictures(&samples, 0..5);
    let durations: Vec<_> = samples.iter().map(|sample| sample.duration_90k).collect();
    assert_eq!(durations, [3600, 3600, 3600, 3600, 8100]);
    assert_eq!(samples[0].sync, Sync::RandomAccess);
    assert!(
        samples[1..]
            .iter()
            .all(|sample| sample.sync == Sync::Dependent)
    );
}

#[test]
fn unknown_sizes_and_unknown_elements_are_walked_through() {
    let material = Material::new();
    let mut clusters = Vec::new();
    for (n, whole) in material.clusters(4).iter().enumerate() {
        // The body behind the ID and the size of 5 bytes.
        let body = [
            build::element(0xBF, &[1, 2, 3, 4]),
            whole[9..].to_vec(),
            build::element(0xEC, &vec![0xAA; n * 30_000]),
        ];
        clusters.push(build::unsized_element(0x1F43_B675, &body.concat()));
        clusters.push(build::element(0x1254_C367, &[0x1F; 300]));
    }
    let segment = [
        build::element(0xEC, &[0; 40]),
        build::info(),
        build::element(0x1941_A469, &vec![0x1F; 300_000]),
        build::element(0x1234_5678, &[0; 9]),
        build::tracks(&[material.video()]),
        clusters.concat(),
    ];
    let file = [
        build::head(),
        build::unsized_element(0x1853_8067, &segment.concat()),
    ]
    .concat();
    let mut drive = Drive::new(file).unwrap();
    let movie = drive.movie().unwrap();
    assert_eq!(movie.duration_90k, 20 * 3600);
    let (samples, error) = drive.play(TrackId(1), None, 0);
    assert_eq!(error, None);
    material.assert_pictures(&samples, 0..20);
}

#[test]
fn tables_behind_the_clusters_are_found() {
    let material = Material::new();
    let clusters = material.clusters(4);
    let cues = |parts: &[Vec<u8>], first: usize| {
        let points: Vec<_> = (0..4)
            .map(|n| {
                let at = build::position(parts, first + n);
                build::cue(u64::try_from(n * 200).unwrap(), 1, at)
            })
            .collect();
        build::master(0x1C53_BB6B, &points)
    };
    // By a SeekHead that leads to a second one.
    let mut parts = vec![build::seek_head(&[(0x114D_9B74, 0)])];
    parts.extend(clusters.clone());
    parts.extend([
        build::info(),
        build::tracks(&[material.video()]),
        cues(&parts, 1),
    ]);
    let second = parts.len();
    parts.push(build::seek_head(&[
        (0x1549_A966, build::position(&parts, 5)),
        (0x1654_AE6B, build::position(&parts, 6)),
        (0x1C53_BB6B, build::position(&parts, 7)),
    ]));
    parts[0] = build::seek_head(&[(0x114D_9B74, build::position(&parts, second))]);
    let told = build::file(&parts);
    // Without any SeekHead, with Tags behind.
    let mut parts = vec![build::info(), build::tracks(&[material.video()])];
    parts.extend(clusters);
    parts.extend([cues(&parts, 2), build::element(0x1254_C367, &[0; 500])]);
    let untold = build::file(&parts);
    for file in [told, untold] {
        let mut drive = Drive::new(file).unwrap();
        let movie = drive.movie().unwrap();
        assert_eq!(movie.duration_90k, 20 * 3600);
        for n in 0..20 {
            let time_90k = i64::try_from(n).unwrap() * 3600;
            let (samples, _) = drive.play(TrackId(1), None, time_90k);
            material.assert_pictures(&samples, n - n % 5..20);
        }
    }
}

/// Five thousand key frames; not all of them are kept.
#[test]
fn cues_that_are_too_many_are_thinned_and_still_exact() {
    let material = Material::new();
    let mut parts = vec![build::seek_head(&[(0x1C53_BB6B, 0)]), build::info()];
    parts.push(build::tracks(&[material.video()]));
    let key = build::element(
        0xA3,
        &build::block_body(1, 0, 0x80, &material.pictures[0].data),
    );
    let mut points = Vec::new();
    let mut at = build::position(&parts, 3);
    for n in 0..5000 {
        let cluster = build::cluster(n * 1000, std::slice::from_ref(&key));
        points.push(build::cue(n * 1000, 1, at));
        at += u64::try_from(cluster.len()).unwrap();
        parts.push(cluster);
    }
    parts[0] = build::seek_head(&[(0x1C53_BB6B, at)]);
    parts.push(build::master(0x1C53_BB6B, &points));
    let mut drive = Drive::new(build::file(&parts)).unwrap();
    drive.movie().unwrap();
    for second in [
        0_i64, 1, 2, 77, 78, 2499, 2501, 4095, 4096, 4097, 4998, 4999, 6000,
    ] {
        let before = drive.requests;
        let first = drive.first(TrackId(1), None, second * 90_000 + 4000);
        assert_eq!(first.pts_90k, second.min(4999) * 90_000);
        assert!(
            drive.requests - before <= 3,
            "{} requests",
            drive.requests - before
        );
    }
}

/// One Cue for thirty key frames.
#[test]
fn key_frames_without_a_cue_are_found_too() {
    let material = Material::new();
    let mut parts = vec![build::seek_head(&[(0x1C53_BB6B, 0)]), build::info()];
    parts.push(build::tracks(&[material.video()]));
    let first = parts.len();
    parts.extend((0..90).map(|n| build::cluster(n * 1000, &[material.picture(0, 0)])));
    let cues: Vec<_> = (0..3)
        .map(|n| {
            build::cue(
                n * 30_000,
                1,
                build::position(&parts, first + 30 * n as usize),
            )
        })
        .collect();
    parts[0] = build::seek_head(&[(0x1C53_BB6B, build::position(&parts, parts.len()))]);
    parts.push(build::master(0x1C53_BB6B, &cues));
    let mut drive = Drive::new(build::file(&parts)).unwrap();
    assert_eq!(drive.movie().unwrap().duration_90k, 89 * 90_000 + 3600);
    for second in [0, 1, 14, 15, 29, 30, 59, 80, 89] {
        let first = drive.first(TrackId(1), None, second * 90_000 + 4000);
        let allowed = if second % 30 >= 15 {
            second
        } else {
            second - second % 30
        };
        assert_eq!(first.pts_90k, allowed * 90_000, "at {second}");
    }
}

#[test]
fn behind_damage_playing_goes_on_with_the_next_key_frame() {
    let material = Material::new();
    let clusters = material.clusters(4);
    let mut parts = vec![build::info(), build::tracks(&[material.video()])];
    parts.extend(clusters);
    let segment = build::unsized_element(0x1853_8067, &parts.concat());
    let mut file = [build::head(), segment].concat();
    let third = file.len() - parts[5].len() - parts[4].len();
    // In the second Cluster, from its third picture on.
    let hurt = third - parts[3].len() * 2 / 5;
    file[hurt..third].fill(0);
    let mut drive = Drive::new(file.clone()).unwrap();
    drive.movie().unwrap();
    let (samples, error) = drive.play(TrackId(1), None, 0);
    assert_eq!(error, None);
    let got: Vec<_> = of(&samples, TrackId(1))
        .iter()
        .map(|sample| sample.pts_90k / 3600)
        .collect();
    assert!(got.starts_with(&[0, 1, 2, 3, 4, 5]), "{got:?}");
    assert!(
        got.ends_with(&[10, 11, 12, 13, 14, 15, 16, 17, 18, 19]),
        "{got:?}"
    );

    // Where no Cluster follows within reach, it ends in words.
    let wide = [
        file[..hurt].to_vec(),
        vec![0; 20 << 20],
        file[third..].to_vec(),
    ]
    .concat();
    let mut drive = Drive::new(wide).unwrap();
    drive.movie().unwrap();
    let (samples, error) = drive.play(TrackId(1), None, 0);
    assert!(samples.len() >= 6);
    let words = error.unwrap().to_string();
    assert!(words.contains("no further Cluster was found"), "{words}");
}

#[test]
fn tracks_are_described_and_what_cannot_be_carried_says_why() {
    let material = Material::new();
    let zlib = build::master(
        0x6D80,
        &[build::master(0x6240, &[build::master(0x5034, &[])])],
    );
    let entries = [
        material.video(),
        material.audio(&[
            build::text(0x22_B59C, "ger"),
            build::text(0x22_B59D, "fr-CA"),
            build::text(0x536E, "Director's Commentary"),
        ]),
        build::track(
            3,
            2,
            "A_AAC/MPEG4/LC",
            &[
                build::master(
                    0xE1,
                    &[
                        build::element(0xB5, &44_100_f32.to_be_bytes()),
                        build::uint(0x9F, 2),
                    ],
                ),
                build::uint(0xB9, 0),
            ],
        ),
        build::track(4, 2, "A_DTS", &[build::text(0x22_B59C, "und")]),
        build::track(5, 17, "S_TEXT/UTF8", &[build::uint(0x88, 0)]),
        build::track(6, 2, "A_AC3", &[zlib, build::uint(0x55AF, 1)]),
        build::track(7, 1, "V_AV1", &[]),
    ];
    let file = build::file(&[
        build::info(),
        build::tracks(&entries),
        build::cluster(0, &[material.picture(0, 0)]),
    ]);
    let mut drive = Drive::new(file).unwrap();
    let movie = drive.movie().unwrap();
    let facts: Vec<_> = movie
        .tracks
        .iter()
        .map(|listed| {
            let track = &listed.track;
            let kind = match &track.kind {
                TrackKind::Video(video) => {
                    format!("{:?} {}x{}", video.codec, video.width, video.height)
                }
                TrackKind::Audio(audio) => {
                    format!("{:?} {} {}", audio.codec, audio.sample_rate, audio.channels)
                }
                TrackKind::Other { codec, why } => format!("{codec}: {why}"),
            };
            format!(
                "{kind} {} {:?} {}",
                track.language, track.role, track.default
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            "H264 160x120 eng Main true",
            "Ac3 48000 1 fra Commentary true",
            "Aac 44100 2 eng Main false",
            "A_DTS: audio: this codec is not carried und Main true",
            "S_TEXT/UTF8: subtitles eng Main false",
            "A_AC3: audio: its frames are compressed with zlib eng Commentary true",
            "V_AV1: video: this codec is not carried eng Main true",
        ]
    );
    assert_eq!(movie.tracks[2].config[..], [0x12, 0x10]);
    assert_eq!(movie.tracks[0].config[..], material.video_config);
    for (video, audio) in [
        (2, None),
        (9, None),
        (1, Some(4)),
        (1, Some(1)),
        (1, Some(5)),
    ] {
        let started = drive.demuxer.start(TrackId(video), audio.map(TrackId), 0);
        assert!(started.is_err(), "{video} {audio:?}");
    }
}

#[test]
fn what_cannot_be_played_is_refused_in_words() {
    let material = Material::new();
    let picture = build::cluster(0, &[material.picture(0, 0)]);
    let video = build::tracks(&[material.video()]);
    let sound_only = build::tracks(&[material.audio(&[])]);
    let no_scale = build::master(0x1549_A966, &[build::uint(0x2A_D7B1, 0)]);
    let av1 = build::tracks(&[build::track(1, 1, "V_AV1", &[])]);
    let mut huge = build::file(&[
        build::info(),
        vec![0x16, 0x54, 0xAE, 0x6B, 0x08, 0x7F, 0xFF, 0xFF, 0xFF],
    ]);
    huge.extend([0xAE, 0x08, 0x7F, 0xFF, 0xFF, 0xFF, 0xD7]);
    let mut deep = Vec::new();
    for _ in 0..60 {
        deep = build::master(0xAE, &[deep]);
    }
    let refused = [
        (
            build::head_of("other"),
            "EBML document of the type \"other\"",
        ),
        (build::head(), "Segment at byte"),
        (build::file(&[]), "there is no Cluster"),
        (
            build::file(&[build::info(), video.clone()]),
            "there is no Cluster",
        ),
        (
            build::file(&[build::info(), picture.clone()]),
            "no Tracks element",
        ),
        (
            build::file(&[build::info(), sound_only, picture.clone()]),
            "it has no video that can be carried",
        ),
        (
            build::file(&[build::info(), av1, picture.clone()]),
            "no video that can be carried (V_AV1: this codec is not carried)",
        ),
        (
            build::file(&[no_scale, video.clone(), picture.clone()]),
            "Segment/Info at byte 72: TimestampScale is 0",
        ),
        (
            build::file(&[build::info(), video.clone(), build::cluster(0, &[])]),
            "no frame of its video was found",
        ),
        (huge, "Segment/Tracks/TrackEntry at byte"),
        (
            build::file(&[build::info(), build::tracks(&[deep]), picture]),
            "a track has no number",
        ),
    ];
    for (file, words) in refused {
        let error = Drive::new(file).unwrap().movie().unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} in place of {words:?}");
    }
}

#[test]
fn lengths_are_not_believed() {
    // A Cluster of two gigabytes in a file of a hundred bytes, and blocks as long as they like.
    let material = Material::new();
    let mut file = build::file(&[build::info(), build::tracks(&[material.video()])]);
    let segment_size = file.len() + 1_000_000;
    let at = build::head().len() + 5;
    file[at..at + 4].copy_from_slice(&u32::try_from(segment_size).unwrap().to_be_bytes());
    file.extend([
        0x1F, 0x43, 0xB6, 0x75, 0x08, 0x7F, 0xFF, 0xFF, 0xFF, 0xE7, 0x81, 0,
    ]);
    file.extend(material.picture(0, 0));
    file.extend([0xA3, 0x08, 0x7F, 0xFF, 0xFF, 0xF0, 0x81, 0, 40, 0]);
    let samples = play_built(file, None);
    material.assert_pictures(&samples, 0..1);
}
