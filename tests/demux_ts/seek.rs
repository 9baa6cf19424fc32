//! Beginning anywhere in a file that has no index, and what that costs.

use super::clip::{Folder, ffmpeg};
use super::{H264, HEVC, MPEG2, assert_equal, chosen, open, play, play_from};
use exstreamtv::media::{Sample, Sync};
use std::path::Path;

/// Starting at a time gives what playing from the beginning gives from there on.
fn assert_starts(path: &Path, times_90k: impl Iterator<Item = i64>) {
    let (all, sound) = play(path);
    let mut drive = open(path);
    for time_90k in times_90k {
        let keys = || {
            all.iter()
                .filter(|sample| sample.sync == Sync::RandomAccess)
        };
        let wanted = keys().rev().find(|sample| sample.pts_90k <= time_90k);
        let wanted = wanted.or_else(|| keys().next()).unwrap();
        let (pictures, heard) = play_from(&mut drive, time_90k);
        assert!(
            pictures[0] == *wanted,
            "{time_90k}: {} {}",
            pictures[0].pts_90k,
            wanted.pts_90k
        );
        let expected: Vec<Sample> = all
            .iter()
            .filter(|sample| sample.dts_90k >= wanted.dts_90k)
            .filter(|sample| sample.pts_90k >= wanted.pts_90k)
            .cloned()
            .collect();
        assert_equal(&pictures, &expected);
        // The frame that is heard when the picture is shown, and all behind it.
        let first = sound
            .iter()
            .position(|frame| frame.pts_90k + i64::from(frame.duration_90k) > wanted.pts_90k);
        let Some(first) = first else {
            assert!(heard.is_empty());
            continue;
        };
        assert_eq!(heard.len(), sound.len() - first, "{time_90k}");
        for (heard, expected) in heard.iter().zip(&sound[first..]) {
            assert!(heard.data == expected.data);
            assert!((heard.pts_90k - expected.pts_90k).abs() <= 1);
        }
    }
}

#[test]
fn starting_anywhere_gives_what_playing_through_gives() {
    let folder = Folder::new();
    for (name, codecs) in [
        ("a.ts", format!("{H264} -c:a aac")),
        ("b.ts", format!("{H264} -x264-params open-gop=1 -c:a ac3")),
        ("c.ts", format!("{HEVC} -c:a aac -ar 44100")),
        ("d.ts", format!("{MPEG2} -c:a mp2")),
        ("e.m2ts", format!("{MPEG2} -c:a ac3 -mpegts_m2ts_mode 1")),
        ("f.ts", format!("{H264} -c:a libmp3lame")),
    ] {
        println!("{name}");
        let path = folder.encode(name, "25", 8, &codecs);
        let times = (-3..=20).map(|step| step * 37_777);
        assert_starts(&path, times.chain([i64::MIN, i64::MAX, 719_999]));
    }
}

/// 33 bits end in the middle of the file.
#[test]
fn a_wrap_in_the_file_passes_unnoticed() {
    let folder = Folder::new();
    let plain = folder.encode("plain.ts", "25", 8, &format!("{H264} -c:a aac"));
    // 2^33 / 90000 is 95443.7 s.
    let wrapped = folder.copy(&plain, "wrapped.ts", "-output_ts_offset 95438.2");
    let first_ms = super::probed(&wrapped)[0].pts_ms;
    // ffprobe counts what is before the end from there.
    assert!((-8_000.0..-1_000.0).contains(&first_ms), "{first_ms}");
    let (ours, theirs) = (play(&wrapped), play(&plain));
    assert_eq!(ours.0.len(), theirs.0.len());
    let times = |samples: &[Sample]| -> Vec<(i64, i64)> {
        samples
            .iter()
            .map(|one| (one.pts_90k, one.dts_90k))
            .collect()
    };
    assert_eq!(times(&ours.0), times(&theirs.0));
    assert_eq!(ours.1.len(), theirs.1.len());
    assert_eq!(open(&wrapped).movie().unwrap().duration_90k, 8 * 90_000);
    assert_starts(&wrapped, (0..=19).map(|step| step * 37_777));
}

#[test]
fn a_long_recording_costs_what_a_clip_costs() {
    let folder = Folder::new();
    let minute = folder.path("minute.ts");
    let coded = "-f lavfi -i testsrc2=s=320x180:r=25:d=60 -f lavfi -i sine=r=48000:d=60 \
        -c:v libx264 -preset ultrafast -g 50 -b:v 2M -c:a ac3";
    ffmpeg(coded, &minute);
    let long = folder.path("long.ts");
    let again = format!("-stream_loop 39 -i {} -c copy", minute.display());
    ffmpeg(&again, &long);
    let bytes = std::fs::metadata(&long).unwrap().len();
    let mut costs = Vec::new();
    for path in [&minute, &long] {
        let mut drive = open(path);
        let duration_90k = drive.movie().unwrap().duration_90k;
        println!(
            "open: {} requests, {} kB",
            drive.requests,
            drive.bytes_read / 1000
        );
        let opened = drive.bytes_read;
        let (video, audio) = chosen(&mut drive);
        let mut most = 0;
        for part in 0..20 {
            let before = drive.bytes_read;
            let time_90k = duration_90k / 20 * part;
            let first = drive.first(video, audio, time_90k);
            assert!(
                (0..=2 * 90_000).contains(&(time_90k - first.pts_90k)),
                "{time_90k}"
            );
            most = most.max(drive.bytes_read - before);
        }
        println!("start: {} kB", most / 1000);
        costs.push((opened, most));
    }
    assert!(bytes > 200_000_000, "{bytes}");
    let [(_, _), (opened, most)] = costs[..] else {
        panic!()
    };
    assert!(opened < 700_000, "{opened}");
    assert!(most < 2_000_000, "{most}");
}

#[test]
fn playing_reads_every_byte_once_and_in_large_pieces() {
    let folder = Folder::new();
    let path = folder.encode(
        "a.ts",
        "25",
        8,
        &format!("{H264} -b:v 4M -minrate 4M -c:a aac"),
    );
    let bytes = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
    let mut drive = open(&path);
    let (video, audio) = chosen(&mut drive);
    let (requests, read) = (drive.requests, drive.bytes_read);
    drive.play(video, audio, 0);
    assert!(
        drive.bytes_read - read <= bytes,
        "{} of {bytes}",
        drive.bytes_read - read
    );
    assert!(drive.requests - requests <= bytes / 100_000 + 1);
}
