//! Streams put into packets by hand, as ffmpeg does not: several pictures in a PES packet, one over
//! many, frames across their borders, fields apart, sound far behind the pictures.

use super::clip::Folder;
use super::drive::Drive;
use super::packets::{Mux, entry, pat, pmt};
use super::{H264, MPEG2, assert_equal, in_order, packets, play, play_from};
use exstreamtv::media::{Sample, Sync};

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

/// A file that begins with its tables.
fn file(video_type: u8) -> Mux {
    let mut mux = Mux::default();
    mux.section(0, &pat(0, &[(1, 0x1000)]));
    let streams = [entry(video_type, VIDEO, &[]), entry(0x81, AUDIO, &[])];
    mux.section(0x1000, &pmt(1, 0, &streams));
    mux
}

/// A time of the file.
fn raw(time_90k: i64) -> i64 {
    time_90k + 900_000
}

fn samples(mux: Mux) -> (Vec<Sample>, Vec<Sample>) {
    play_from(&mut Drive::new(mux.file).unwrap(), 0)
}

/// An MPEG-2 stream with AC-3, and its samples.
fn clip(folder: &Folder) -> (Vec<Sample>, Vec<Sample>) {
    play(&folder.encode("clip.ts", "25", 4, &format!("{MPEG2} -c:a ac3")))
}

#[test]
fn a_group_of_pictures_may_share_one_pes_packet() {
    let folder = Folder::new();
    let (pictures, _) = clip(&folder);
    let mut mux = file(0x02);
    for group in pictures.chunk_by(|_, next| next.sync == Sync::Dependent) {
        let stamp = Some((raw(group[0].pts_90k), raw(group[0].dts_90k)));
        let data: Vec<u8> = group.iter().flat_map(|one| one.data.to_vec()).collect();
        mux.pes(VIDEO, 0xE0, stamp, &data);
    }
    let (ours, _) = samples(mux);
    assert_equal(&ours, &pictures);
}

#[test]
fn a_picture_may_lie_across_many_pes_packets_of_given_lengths() {
    let folder = Folder::new();
    let (pictures, _) = clip(&folder);
    let mut mux = file(0x02);
    let all: Vec<u8> = pictures.iter().flat_map(|one| one.data.to_vec()).collect();
    let mut starts = pictures.iter().scan(0, |at, one| {
        let here = *at;
        *at += one.data.len();
        Some((here, one))
    });
    let mut next = starts.next();
    for (number, part) in all.chunks(700).enumerate() {
        let mut stamp = None;
        // The time is that of the first picture that begins in it.
        while let Some((_, one)) = next.filter(|(at, _)| *at < (number + 1) * 700) {
            stamp = stamp.or(Some((raw(one.pts_90k), raw(one.dts_90k))));
            next = starts.next();
        }
        mux.pes_with_length(VIDEO, 0xE0, stamp, part);
    }
    let (ours, _) = samples(mux);
    assert_equal(&ours, &pictures);
}

#[test]
fn audio_frames_may_lie_across_pes_packets() {
    let folder = Folder::new();
    let (pictures, sound) = clip(&folder);
    for size in [300, 1000, 5000] {
        let mut mux = file(0x02);
        let all: Vec<u8> = sound.iter().flat_map(|one| one.data.to_vec()).collect();
        let frame = sound[0].data.len();
        for one in &pictures {
            let stamp = (raw(one.pts_90k), raw(one.dts_90k));
            mux.pes(VIDEO, 0xE0, Some(stamp), &one.data);
        }
        for (number, part) in all.chunks(size).enumerate() {
            let first = (number * size).div_ceil(frame);
            let stamp = sound
                .get(first)
                .filter(|_| first * frame < (number + 1) * size);
            let stamp = stamp.map(|one| (raw(one.pts_90k), raw(one.pts_90k)));
            mux.pes_with_length(AUDIO, 0xBD, stamp, part);
        }
        let (_, ours) = samples(mux);
        assert_equal(&ours, &sound);
    }
}

/// Transmitters send pictures long before they are due, and sound just in time.
#[test]
fn sound_that_comes_late_is_given_in_its_place() {
    let folder = Folder::new();
    let (pictures, sound) = clip(&folder);
    for late_90k in [0, 60_000, 150_000] {
        let mut order: Vec<(i64, bool, &Sample)> = Vec::new();
        order.extend(
            pictures
                .iter()
                .map(|one| (one.dts_90k - late_90k, true, one)),
        );
        order.extend(sound.iter().map(|one| (one.dts_90k, false, one)));
        order.sort_by_key(|(at, ..)| *at);
        let mut mux = file(0x02);
        for (_, is_picture, one) in order {
            let stamp = Some((raw(one.pts_90k), raw(one.dts_90k)));
            let (pid, id) = if is_picture {
                (VIDEO, 0xE0)
            } else {
                (AUDIO, 0xBD)
            };
            mux.pes(pid, id, stamp, &one.data);
        }
        let mut drive = Drive::new(mux.file).unwrap();
        let (video, audio) = super::chosen(&mut drive);
        let (all, error) = drive.play(video, audio, 0);
        assert_eq!(error, None);
        in_order(&all);
        assert!(all.is_sorted_by_key(|one| one.dts_90k), "{late_90k}");
        assert_eq!(all.len(), pictures.len() + sound.len());
    }
}

/// Bits put one after the other.
fn bits(fields: &[(u32, u32)]) -> Vec<u8> {
    let text: String = fields
        .iter()
        .map(|(count, value)| format!("{value:0width$b}", width = *count as usize))
        .collect();
    let padded = format!("{text:0<width$}", width = text.len().div_ceil(8) * 8);
    let bytes = padded.as_bytes().chunks(8);
    bytes
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

/// A slice of a single field: its header, and something behind it.
fn field_slice(nal_header: u8, frame_num_bits: u32, frame_num: u32, bottom: u32) -> Vec<u8> {
    let header = bits(&[
        (1, 1), // first_mb_in_slice
        (7, 8), // slice_type 7: I
        (1, 1), // pic_parameter_set_id
        (frame_num_bits, frame_num),
        (1, 1), // field_pic_flag
        (1, bottom),
        (8, 0xFF),
    ]);
    [&[0, 0, 0, 1, nal_header][..], &header, &[0x9A; 300]].concat()
}

/// Interlaced H.264 as broadcasters code it (PAFF): each field a picture with a time of its own.
#[test]
fn both_fields_of_a_frame_are_one_sample() {
    let folder = Folder::new();
    let options = format!("{H264} -flags +ilme+ildct -x264-params tff=1 -an");
    let (frames, _) = play(&folder.encode("frames.ts", "25", 1, &options));
    let sets: Vec<u8> = packets::nals(&frames[0].data)
        .filter(|nal| matches!(nal[0] & 0x1F, 7 | 8))
        .flat_map(|nal| [&[0, 0, 0, 1], nal].concat())
        .collect();
    let sps = packets::nals(&frames[0].data).find(|nal| nal[0] & 0x1F == 7);
    let frame_num_bits = exstreamtv::codec::h264::Sps::parse(sps.unwrap()).unwrap();
    let frame_num_bits = u32::from(frame_num_bits.frame_num_bits);
    let delimiter = [0, 0, 0, 1, 9, 0xF0];
    for shared in [false, true] {
        let mut mux = file(0x1B);
        for number in 0..20_u32 {
            let time_90k = raw(i64::from(number) * 3600);
            let is_key = number % 10 == 0;
            let nal_header = if is_key { 0x65 } else { 0x41 };
            let top = field_slice(nal_header, frame_num_bits, number % 10, 0);
            let bottom = field_slice(0x41, frame_num_bits, number % 10, 1);
            let sets = if is_key { &sets[..] } else { &[] };
            let top = [&delimiter, sets, &top].concat();
            let bottom = [&delimiter[..], &bottom].concat();
            if shared {
                let both = [top, bottom].concat();
                mux.pes(VIDEO, 0xE0, Some((time_90k, time_90k)), &both);
            } else {
                mux.pes(VIDEO, 0xE0, Some((time_90k, time_90k)), &top);
                let second_90k = time_90k + 1800;
                mux.pes(VIDEO, 0xE0, Some((second_90k, second_90k)), &bottom);
            }
        }
        let (pictures, _) = samples(mux);
        assert_eq!(pictures.len(), 20);
        for (number, picture) in (0..).zip(&pictures) {
            assert_eq!(
                (picture.pts_90k, picture.dts_90k),
                (number * 3600, number * 3600)
            );
            assert_eq!(picture.sync == Sync::RandomAccess, number % 10 == 0);
            assert_eq!(packets::slices(&picture.data, false).len(), 2);
            assert_eq!(picture.duration_90k, 3600);
        }
    }
}

/// The same for MPEG-2: pictures that are single fields.
#[test]
fn both_fields_of_an_mpeg_2_frame_are_one_sample() {
    let header = [
        0, 0, 1, 0xB3, 0x16, 0x01, 0x20, 0x13, 0xFF, 0xFF, 0xE0,
        0x18, // 352x288, 25 per second
        0, 0, 1, 0xB5, 0x14, 0x82, 0x00, 0x01, 0x00, 0x00, // its extension
    ];
    let field = |kind: u8, reference: u8, structure: u8| {
        let picture = [
            0,
            0,
            1,
            0,
            reference >> 2,
            (reference << 6) | (kind << 3),
            0xFF,
            0xF8,
        ];
        let extension = [0, 0, 1, 0xB5, 0x8F, 0xFF, 0xFC | structure, 0x80, 0x80];
        [&picture[..], &extension, &[0, 0, 1, 1], &[0x5A; 400]].concat()
    };
    let mut mux = file(0x02);
    for number in 0..20_u8 {
        let time_90k = raw(i64::from(number) * 3600);
        let is_key = number % 10 == 0;
        let (first, front) = if is_key {
            (1, &header[..])
        } else {
            (2, &[][..])
        };
        let top = [front, &field(first, number % 10, 1)].concat();
        mux.pes(VIDEO, 0xE0, Some((time_90k, time_90k)), &top);
        let bottom = field(2, number % 10, 2);
        mux.pes(
            VIDEO,
            0xE0,
            Some((time_90k + 1800, time_90k + 1800)),
            &bottom,
        );
    }
    let (pictures, _) = samples(mux);
    assert_eq!(pictures.len(), 20);
    for (number, picture) in (0..).zip(&pictures) {
        assert_eq!(
            (picture.pts_90k, picture.dts_90k),
            (number * 3600, number * 3600)
        );
        assert_eq!(picture.sync == Sync::RandomAccess, number % 10 == 0);
        assert_eq!(picture.duration_90k, 3600);
    }
}

/// An announced interruption: what came before is whole.
#[test]
fn an_announced_discontinuity_loses_nothing() {
    let folder = Folder::new();
    let (pictures, _) = clip(&folder);
    let mut mux = file(0x02);
    let half = pictures.len() / 2;
    let half = half
        + pictures[half..]
            .iter()
            .position(|one| one.sync == Sync::RandomAccess)
            .unwrap();
    for (at, one) in pictures.iter().enumerate() {
        if at == half {
            mux.interrupt(VIDEO);
        }
        // The second half counts from somewhere else.
        let shift = if at < half { 0 } else { 77_777_777 };
        let stamp = (raw(one.pts_90k) + shift, raw(one.dts_90k) + shift);
        mux.pes(VIDEO, 0xE0, Some(stamp), &one.data);
    }
    let (ours, _) = samples(mux);
    // Open groups: what stands before the key frame refers to what is not there.
    let leading = pictures[half..]
        .iter()
        .filter(|one| one.pts_90k < pictures[half].pts_90k);
    assert_eq!(ours.len(), pictures.len() - leading.count());
    let end = |samples: &[Sample]| samples.iter().map(|one| one.pts_90k).max().unwrap();
    assert!((end(&ours) - end(&pictures)).abs() <= 3 * 3600);
}
