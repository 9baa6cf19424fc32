//! Tables: several programs, sections over more packets, descriptors, and PMTs that change.

use super::clip::{Folder, ffmpeg};
use super::drive::Drive;
use super::packets::{entry, pat, pmt, split, with_tables};
use super::{H264, play, play_from};
use exstreamtv::demux::Movie;
use exstreamtv::media::{AudioCodec, Medium, Role, TrackKind, VideoCodec};

/// The PIDs that ffmpeg gives.
const PMT: u16 = 0x1000;
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

fn file(folder: &Folder) -> Vec<u8> {
    let path = folder.encode("plain.ts", "25", 6, &format!("{H264} -c:a ac3"));
    std::fs::read(path).unwrap()
}

fn movie(file: Vec<u8>) -> Movie {
    Drive::new(file).unwrap().movie().unwrap()
}

fn why(movie: &Movie, at: usize) -> (Medium, &str, &str) {
    match &movie.tracks[at].track.kind {
        TrackKind::Other { medium, codec, why } => (*medium, codec, why),
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn of_several_programs_the_first_with_video_is_played() {
    let folder = Folder::new();
    let path = folder.path("several.ts");
    let input = "-f lavfi -i testsrc2=s=160x120:r=25:d=3 -f lavfi -i sine=r=48000:d=3 \
        -f lavfi -i testsrc2=s=320x240:r=25:d=3 -map 1 -map 0 -map 1 -map 2 -map 1";
    let programs = "-program title=Radio:st=0 -program title=One:st=1:st=2 \
        -program title=Two:st=3:st=4";
    ffmpeg(&format!("{input} {H264} -c:a aac {programs}"), &path);
    let mut drive = super::open(&path);
    let movie = drive.movie().unwrap();
    assert_eq!(movie.tracks.len(), 2);
    assert_eq!(movie.tracks[0].track.video().unwrap().width, 160);
    let (pictures, sound) = play_from(&mut drive, 0);
    assert_eq!(pictures.len(), 75);
    assert!(sound.len() > 130);
}

#[test]
fn a_program_whose_pmt_never_comes_is_not_waited_for() {
    let folder = Folder::new();
    let file = file(&folder);
    let streams = [entry(0x1B, VIDEO, &[]), entry(0x81, AUDIO, &[])];
    let both = [(0, 0x10), (7, 0x0F00), (1, PMT)];
    let tables = [(0, pat(1, &both)), (PMT, pmt(1, 0, &streams))];
    assert_eq!(movie(with_tables(&file, &tables)).tracks.len(), 2);
}

#[test]
fn streams_are_told_by_types_and_descriptors() {
    let folder = Folder::new();
    let file = file(&folder);
    let language = |code: &[u8; 3], kind: u8| [&[0x0A, 4], &code[..], &[kind]].concat();
    let streams = [
        entry(0x1B, VIDEO, &[]),
        // DVB: private data with an AC-3 descriptor.
        entry(
            0x06,
            AUDIO,
            &[vec![0x6A, 1, 0], language(b"ger", 0)].concat(),
        ),
        entry(
            0x06,
            0x102,
            &[&[0x59, 8][..], b"eng\x10\0\x01\0\x01"].concat(),
        ),
        entry(0x11, 0x103, &language(b"fre", 0)),
        entry(0x82, 0x104, &[]),
        entry(0x83, 0x105, &[]),
        entry(0x80, 0x106, b"\x05\x04HDMV"),
        entry(0x90, 0x107, &[]),
        entry(0x0F, 0x108, &language(b"eng", 3)),
        entry(0x06, 0x109, b"\x05\x04Opus"),
        entry(0xEA, 0x10A, &[]),
        entry(0x05, 0x10B, &[]),
    ];
    let tables = [(0, pat(1, &[(1, PMT)])), (PMT, pmt(1, 0, &streams))];
    let movie = movie(with_tables(&file, &tables));
    assert_eq!(movie.tracks.len(), streams.len());
    assert_eq!(
        movie.tracks[0].track.video().unwrap().codec,
        VideoCodec::H264
    );
    let sound = &movie.tracks[1].track;
    assert_eq!(sound.audio().unwrap().codec, AudioCodec::Ac3);
    assert_eq!(sound.language, "deu");
    assert_eq!(
        why(&movie, 2),
        (Medium::Neither, "dvb_subtitle", "subtitles")
    );
    assert_eq!(
        why(&movie, 3),
        (Medium::Audio, "aac_latm", "AAC in LATM is not carried")
    );
    assert_eq!(
        why(&movie, 4),
        (Medium::Audio, "dts", "this codec is not carried")
    );
    assert_eq!(why(&movie, 5).1, "truehd");
    assert_eq!(why(&movie, 6).1, "pcm_bluray");
    assert_eq!(why(&movie, 7), (Medium::Neither, "pgs", "subtitles"));
    let none = (
        Medium::Audio,
        "aac",
        "nothing of it was found at the beginning",
    );
    assert_eq!(why(&movie, 8), none);
    assert_eq!(movie.tracks[8].track.role, Role::Commentary);
    assert_eq!(why(&movie, 9).1, "opus");
    assert_eq!(
        why(&movie, 10),
        (Medium::Video, "vc1", "this codec is not carried")
    );
    assert_eq!(
        why(&movie, 11),
        (Medium::Neither, "data", "neither video nor audio")
    );
}

#[test]
fn sections_may_be_long_and_must_be_whole() {
    let folder = Folder::new();
    let file = file(&folder);
    // 40 descriptors of 20 bytes: a section over five packets.
    let long = [&[0x80, 18][..], &[0xAB; 18]].concat().repeat(40);
    let streams = [entry(0x1B, VIDEO, &long), entry(0x81, AUDIO, &[])];
    let whole = pmt(1, 0, &streams);
    assert!(whole.len() > 4 * 184);
    let tables = |pmt: &[u8]| [(0, pat(1, &[(1, PMT)])), (PMT, pmt.to_vec())];
    assert_eq!(movie(with_tables(&file, &tables(&whole))).tracks.len(), 2);
    for at in [3, 12, 400, whole.len() - 1] {
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        let mut drive = Drive::new(with_tables(&file, &tables(&broken))).unwrap();
        let words = drive.pull().unwrap_err().to_string();
        assert!(words.contains("what its program is made of"), "{words}");
    }
}

#[test]
fn a_stream_that_moves_to_another_pid_is_followed() {
    let folder = Folder::new();
    let file = file(&folder);
    let expected = play(&folder.path("plain.ts"));
    let half = split(&file).len() / 2 * 188;
    let (first, second) = file.split_at(half);
    let mut moved = Vec::new();
    for mut packet in split(second) {
        if let VIDEO | AUDIO = super::packets::pid(&packet) {
            packet[1] ^= 0x10;
        }
        moved.extend(packet);
    }
    let streams = [
        entry(0x1B, VIDEO | 0x1000, &[]),
        entry(0x81, AUDIO | 0x1000, &[]),
    ];
    let moved_tables = [(0, pat(0, &[(1, PMT)])), (PMT, pmt(1, 1, &streams))];
    let second = with_tables(&moved, &moved_tables);
    assert!(second.len() > 188 * 100, "{}", second.len());
    let path = folder.path("moved.ts");
    std::fs::write(&path, [first, &second].concat()).unwrap();
    let (pictures, sound) = play(&path);
    // What is in the way when the PIDs change is lost, up to the next key frame.
    assert!(pictures.len() + 30 > expected.0.len(), "{}", pictures.len());
    assert!(sound.len() + 12 > expected.1.len(), "{}", sound.len());
    let end = pictures.iter().map(|sample| sample.pts_90k).max().unwrap();
    assert_eq!(end, 149 * 3600);
}

#[test]
fn files_without_a_program_are_refused_in_words() {
    let folder = Folder::new();
    let file = file(&folder);
    let refused = |file: Vec<u8>| {
        let error = Drive::new(file).unwrap().pull().unwrap_err();
        error.to_string()
    };
    let none = with_tables(&file, &[]);
    assert!(refused(none).contains("no table of its programs (PAT)"));
    let no_pmt = with_tables(&file, &[(0, pat(1, &[(1, PMT)])), (PMT, Vec::new())]);
    assert!(refused(no_pmt).contains("(PMT)"));
    let other = [entry(0xEA, VIDEO, &[]), entry(0x81, AUDIO, &[])];
    let other = with_tables(&file, &[(0, pat(1, &[(1, PMT)])), (PMT, pmt(1, 0, &other))]);
    let words = refused(other);
    assert!(
        words.contains("no video that can be carried (vc1"),
        "{words}"
    );
    let mut scrambled = file;
    for packet in scrambled.as_chunks_mut::<188>().0 {
        if super::packets::pid(packet) == VIDEO {
            packet[3] |= 0x80;
        }
    }
    assert!(refused(scrambled).contains("its pictures are scrambled"));
}
