//! Files that are cut, damaged or made to harm: refused in words, or played as far as they go.

use super::boxes::find;
use super::clip::Folder;
use super::drive::Drive;
use super::{H264_B, HEVC, assert_in_order};
use bytes::Bytes;
use exstreamtv::error::Error;

/// Plays a file as far as it goes.
fn survive(file: Bytes) {
    let Ok(mut drive) = Drive::open(file) else {
        return;
    };
    for time_90k in [0, 100_000, i64::MAX, i64::MIN] {
        drive.start(time_90k);
        drive.rest();
    }
}

/// Small files of either kind.
fn clips(folder: &Folder) -> [Vec<u8>; 4] {
    let tiny = "-s 32x32 -g 5 -b:v 20k -c:a aac -b:a 16k";
    [
        ("a.mp4", format!("{H264_B} {tiny}")),
        ("b.mp4", format!("{HEVC} {tiny} -movflags +faststart")),
        (
            "c.mp4",
            format!("{H264_B} {tiny} -movflags frag_keyframe+empty_moov"),
        ),
        (
            "d.mov",
            format!("{H264_B} {tiny} -movflags dash+global_sidx+frag_keyframe"),
        ),
    ]
    .map(|(name, coding)| std::fs::read(folder.clip(name, 1, "25", &coding)).unwrap())
}

#[test]
fn files_cut_anywhere_end_without_harm() {
    let folder = Folder::new();
    for file in clips(&folder) {
        let file = Bytes::from(file);
        for len in (0..file.len()).step_by(97) {
            survive(file.slice(..len));
        }
    }
}

#[test]
fn files_that_end_before_they_are_said_to_do_end_without_harm() {
    let folder = Folder::new();
    for file in clips(&folder) {
        let claimed = file.len() as u64;
        let file = Bytes::from(file);
        for len in (0..file.len()).step_by(971) {
            if let Ok(mut drive) = Drive::open_claiming(file.slice(..len), claimed) {
                drive.start(0);
                drive.rest();
            }
        }
    }
}

#[test]
fn flipped_bits_end_without_harm() {
    let folder = Folder::new();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for file in clips(&folder) {
        for _ in 0..400 {
            let mut damaged = file.clone();
            for _ in 0..1 + random() % 8 {
                let at = random() % damaged.len();
                damaged[at] ^= 1 << (random() % 8);
            }
            survive(Bytes::from(damaged));
        }
        // Headers are where it hurts.
        let moov = find(&file, &[b"moov"]);
        for _ in 0..800 {
            let mut damaged = file.clone();
            for _ in 0..1 + random() % 4 {
                let at = moov.start + random() % moov.len();
                damaged[at] = [0, 1, 0x7F, 0x80, 0xFF, 0x20][random() % 6];
            }
            survive(Bytes::from(damaged));
        }
    }
}

#[test]
fn a_file_cut_in_its_media_plays_as_far_as_it_goes() {
    let folder = Folder::new();
    let coding = format!("{H264_B} -c:a aac -movflags +faststart");
    let file = std::fs::read(folder.clip("a.mp4", 4, "25", &coding)).unwrap();
    let mut drive = Drive::open(file.clone()).unwrap();
    let whole = drive.play(0);
    // Half of the bytes that were read: in the middle of the media, since the tables are in front.
    let cut = Bytes::from(file).slice(..drive.bytes / 2);
    let mut drive = Drive::open(cut).unwrap();
    drive.start(0);
    let (samples, error) = drive.rest();
    assert_in_order(&samples);
    assert!(samples.len() > whole.len() / 4 && samples.len() < whole.len());
    assert_eq!(samples[..], whole[..samples.len()]);
    let words = error.unwrap().to_string();
    assert!(words.contains("past the end of the file"), "{words}");
}

fn refusal(file: Vec<u8>) -> Error {
    Drive::open(file).err().unwrap()
}

#[test]
fn lengths_and_counts_beyond_their_place_are_named() {
    let folder = Folder::new();
    let file = std::fs::read(folder.clip("a.mp4", 1, "25", &format!("{H264_B} -an"))).unwrap();
    let stbl: [&[u8; 4]; 5] = [b"moov", b"trak", b"mdia", b"minf", b"stbl"];

    let tiny = [b"\x7F\xFF\xFF\xFFmoov".to_vec(), vec![0; 92]].concat();
    let words = refusal(tiny).to_string();
    assert!(
        words.starts_with("moov at byte 0: the file ends inside it"),
        "{words}"
    );

    for (table, count_at) in [
        (b"stts", 4),
        (b"stsz", 8),
        (b"stsc", 4),
        (b"stco", 4),
        (b"stss", 4),
    ] {
        let mut damaged = file.clone();
        let path: Vec<&[u8; 4]> = stbl.into_iter().chain([table]).collect();
        let body = find(&damaged, &path);
        let at = body.start + count_at;
        damaged[at..at + 4].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF]);
        let words = refusal(damaged).to_string();
        let name = std::str::from_utf8(table).unwrap();
        let path = format!("moov/trak/mdia/minf/stbl/{name} at byte ");
        assert!(words.starts_with(&path), "{words}");
        assert!(words.contains("more than it has room for"), "{words}");
    }

    let mut damaged = file.clone();
    let mdhd = find(&damaged, &[b"moov", b"trak", b"mdia", b"mdhd"]);
    damaged[mdhd.start + 12..mdhd.start + 16].fill(0);
    let words = refusal(damaged).to_string();
    assert!(
        words.contains("mdhd") && words.ends_with("its timescale is 0"),
        "{words}"
    );

    let path: Vec<&[u8; 4]> = stbl.into_iter().chain([b"stsz"]).collect();
    let mut damaged = file;
    let body = find(&damaged, &path);
    damaged[body.start + 8..body.start + 12].fill(0);
    let words = refusal(damaged).to_string();
    assert!(words.ends_with("it has no samples"), "{words}");
}

#[test]
fn files_without_anything_in_them_are_refused() {
    for file in [
        vec![],
        vec![0; 100],
        b"\0\0\0\x08free".to_vec(),
        vec![0xFF; 64],
    ] {
        let _words = refusal(file).to_string();
    }
}
