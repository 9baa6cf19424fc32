//! Joins in the middle.

use super::clip::Folder;
use super::{H264, H264_B, HEVC, MPEG2, chosen, of, open, play};
use exstreamtv::media::{Sample, Sync};
use std::path::Path;

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
