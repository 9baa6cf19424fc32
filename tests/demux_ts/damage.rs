//! Files that are damaged: what is lost is a piece of them, and never more than that.

use super::clip::Folder;
use super::drive::Drive;
use super::packets::{begins, pid, split};
use super::{H264, HEVC, MPEG2, assert_equal, chosen, in_order, open, play, play_from};
use bytes::Bytes;
use exstreamtv::media::{Sample, Sync};

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

/// A source of numbers, the same ones every time.
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    }
}

fn clip(folder: &Folder) -> Vec<u8> {
    let path = folder.encode("a.ts", "25", 6, &format!("{H264} -c:a aac"));
    std::fs::read(path).unwrap()
}

fn both(file: impl Into<Bytes>) -> (Vec<Sample>, Vec<Sample>) {
    play_from(&mut Drive::new(file).unwrap(), 0)
}

fn assert_both_equal(ours: &(Vec<Sample>, Vec<Sample>), theirs: &(Vec<Sample>, Vec<Sample>)) {
    assert_equal(&ours.0, &theirs.0);
    assert_equal(&ours.1, &theirs.1);
}

#[test]
fn packets_that_come_twice_come_once() {
    let folder = Folder::new();
    let file = clip(&folder);
    let expected = both(file.clone());
    let twice: Vec<u8> = split(&file)
        .iter()
        .enumerate()
        .flat_map(|(at, packet)| packet.repeat(if at % 7 == 0 { 2 } else { 1 }))
        .collect();
    assert_both_equal(&both(twice), &expected);
}

#[test]
fn garbage_between_packets_is_passed_over() {
    let folder = Folder::new();
    let file = clip(&folder);
    let expected = both(file.clone());
    let mut number = numbers(1);
    let mut dirty = Vec::new();
    for (at, packet) in split(&file).iter().enumerate() {
        if at > 12 && at % 50 == 0 {
            let len = number() % 900;
            dirty.extend((0..len).map(|_| [0, 0xFF, 0x12, 0x80, 1, 0, 9, 0x47][number() % 8]));
        }
        dirty.extend(packet);
    }
    assert_both_equal(&both(dirty), &expected);
    // A file that begins in the middle of a packet.
    for cut in [1, 47, 187] {
        let (pictures, _) = both([&file[188 - cut..188], &file[..]].concat());
        assert_equal(&pictures, &expected.0);
    }
}

/// Every picture that is given is whole, and is one of the undamaged file's, at its time.
fn assert_part(pictures: &[Sample], expected: &[Sample]) {
    for picture in pictures {
        let found = expected.iter().find(|one| one.pts_90k == picture.pts_90k);
        assert!(
            found.is_some_and(|one| one.data == picture.data),
            "{}",
            picture.pts_90k
        );
    }
}

#[test]
fn a_lost_packet_costs_pictures_up_to_the_next_key_frame() {
    let folder = Folder::new();
    let file = clip(&folder);
    let packets = split(&file);
    let (expected, sound) = both(file);
    let keys: Vec<i64> = expected
        .iter()
        .filter(|one| one.sync == Sync::RandomAccess)
        .map(|one| one.dts_90k)
        .collect();
    let mut number = numbers(2);
    for _ in 0..60 {
        let lost = 20 + number() % (packets.len() - 20);
        let what = pid(&packets[lost]);
        let mut rest = packets.clone();
        rest.remove(lost);
        let (pictures, heard) = both(rest.concat());
        // The first picture tells time 0.
        let shift = expected
            .iter()
            .find(|one| one.data == pictures[0].data)
            .unwrap()
            .pts_90k;
        let pictures: Vec<Sample> = pictures
            .into_iter()
            .map(|one| Sample {
                pts_90k: one.pts_90k + shift,
                dts_90k: one.dts_90k + shift,
                ..one
            })
            .collect();
        assert_part(&pictures, &expected);
        if what == VIDEO {
            // Two at least, unless it is the last group: a picture and what refers to it.
            let missing = expected.len() - pictures.len();
            assert!((1..=30).contains(&missing), "{missing}");
            let gone = expected.iter().filter(|one| !pictures.contains(one));
            let gone: Vec<i64> = gone.map(|one| one.dts_90k).collect();
            let next = keys.iter().filter(|key| **key > gone[0]).nth(1);
            assert!(next.is_none_or(|next| gone.last().unwrap() < next));
        } else {
            assert_eq!(pictures.len(), expected.len());
        }
        let most = if what == AUDIO {
            32
        } else if shift > 0 {
            sound.len()
        } else {
            0
        };
        assert!(
            sound.len() - heard.len() <= most,
            "{} of {what:#x}",
            sound.len() - heard.len()
        );
    }
}

#[test]
fn packets_that_are_marked_as_broken_or_scrambled_are_lost() {
    let folder = Folder::new();
    let file = clip(&folder);
    let (expected, _) = both(file.clone());
    let packets = split(&file);
    let in_video = |packet: &&[u8; 188]| pid(packet) == VIDEO && !begins(packet);
    let middle = packets
        .iter()
        .skip(packets.len() / 2)
        .position(|one| in_video(&one))
        .unwrap();
    let at = packets.len() / 2 + middle;
    for (byte, bit) in [(1, 0x80), (3, 0x80)] {
        let mut marked = packets.clone();
        marked[at][byte] |= bit;
        let (pictures, _) = both(marked.concat());
        assert_part(&pictures, &expected);
        let missing = expected.len() - pictures.len();
        assert!((1..=30).contains(&missing), "{missing}");
    }
}

#[test]
fn flipped_bits_harm_nothing_but_what_they_hit() {
    let folder = Folder::new();
    for codecs in [
        format!("{H264} -c:a aac"),
        format!("{HEVC} -c:a ac3"),
        format!("{MPEG2} -c:a mp2"),
    ] {
        let path = folder.encode("b.ts", "25", 2, &format!("-s 64x48 {codecs}"));
        let file = std::fs::read(path).unwrap();
        let mut number = numbers(3);
        for _ in 0..150 {
            let mut damaged = file.clone();
            for _ in 0..1 << (number() % 10) {
                let at = number() % damaged.len();
                damaged[at] ^= 1 << (number() % 8);
            }
            survive(damaged);
        }
    }
}

/// Plays a file from several places, as far as it goes.
fn survive(file: impl Into<Bytes>) {
    let file = file.into();
    if let Ok(mut drive) = Drive::live(file.clone())
        && drive.movie().is_ok()
    {
        let (video, audio) = chosen(&mut drive);
        let (samples, _) = drive.play(video, audio, 0);
        in_order(&samples);
    }
    let Ok(mut drive) = Drive::new(file) else {
        return;
    };
    if drive.pull().is_err() {
        return;
    }
    let duration_90k = drive.demuxer.movie().unwrap().duration_90k;
    assert!(duration_90k >= 0);
    let (video, audio) = chosen(&mut drive);
    for time_90k in [0, 100_000, duration_90k / 2, i64::MAX, i64::MIN] {
        let (samples, _) = drive.play(video, audio, time_90k);
        in_order(&samples);
    }
}

#[test]
fn files_cut_anywhere_end_without_harm() {
    let folder = Folder::new();
    let path = folder.encode("c.ts", "25", 2, &format!("-s 64x48 {H264} -c:a aac"));
    let file = Bytes::from(std::fs::read(&path).unwrap());
    for len in (0..file.len()).step_by(379) {
        survive(file.slice(..len));
        survive(file.slice(len..));
    }
    let (whole, _) = play(&path);
    let (pictures, _) = both(file.slice(..file.len() / 2));
    let last = pictures.len() - 1;
    assert_equal(&pictures[..last], &whole[..last]);
    assert!(pictures.len() > whole.len() / 4);
}

#[test]
fn invented_packets_end_without_harm() {
    let folder = Folder::new();
    let file = clip(&folder);
    let packets = split(&file);
    let mut number = numbers(4);
    for round in 0..60 {
        let mut mixed = Vec::new();
        for _ in 0..200 {
            let mut packet = packets[number() % packets.len()];
            match number() % 4 {
                0 => packet[4..].fill(0),
                1 => packet[number() % 188] = u8::try_from(number() % 256).unwrap(),
                2 if round % 2 == 0 => packet[1] |= 0x40,
                _ => {}
            }
            packet[0] = 0x47;
            mixed.extend(packet);
        }
        survive([&file[..188 * 60], &mixed].concat());
        survive(mixed);
    }
    let mut drive = open(&folder.path("a.ts"));
    let (video, audio) = chosen(&mut drive);
    assert!(drive.demuxer.start(audio.unwrap(), None, 0).is_err());
    assert!(drive.demuxer.start(video, Some(video), 0).is_err());
}
