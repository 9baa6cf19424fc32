//! Files put together by hand around ffmpeg's pictures: huge tables, and odd ways to write small
//! ones.

use super::boxes::{boxed, find, words};
use super::clip::Folder;
use super::drive::Drive;
use super::{H264, assert_in_order};
use bytes::Bytes;
use exstreamtv::demux::Pull;
use exstreamtv::limits;
use exstreamtv::media::{Sync, TrackId};

const STBL: [&[u8; 4]; 5] = [b"moov", b"trak", b"mdia", b"minf", b"stbl"];

/// The `stsd` of an AAC track.
fn aac_stsd() -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.make("a.m4a", "-f lavfi -i sine=duration=1 -c:a aac");
    let file = std::fs::read(path).unwrap();
    let path: Vec<&[u8; 4]> = STBL.into_iter().chain([b"stsd"]).collect();
    boxed(b"stsd", &file[find(&file, &path)])
}

/// The `stsd` of an H.264 track.
fn h264_stsd() -> Vec<u8> {
    let folder = Folder::new();
    let file = std::fs::read(folder.clip("a.mp4", 1, "25", &format!("{H264} -an"))).unwrap();
    let path: Vec<&[u8; 4]> = STBL.into_iter().chain([b"stsd"]).collect();
    boxed(b"stsd", &file[find(&file, &path)])
}

/// A movie of one video track with these tables, 25 ticks per second.
fn movie(stsd: &[u8], elst: &[u8], tables: &[Vec<u8>], media: &[u8]) -> Vec<u8> {
    movie_of(&[trak(7, b"vide", stsd, elst, tables)], media)
}

fn movie_of(traks: &[Vec<u8>], media: &[u8]) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", b"isom\0\0\0\0isom");
    let mvhd = words(b"mvhd", 0, &[0, 0, 1000, 0]);
    let moov = boxed(b"moov", &[mvhd, traks.concat()].concat());
    [ftyp, boxed(b"mdat", media), moov].concat()
}

fn trak(id: u32, handler: &[u8; 4], stsd: &[u8], elst: &[u8], tables: &[Vec<u8>]) -> Vec<u8> {
    let stbl = boxed(b"stbl", &[stsd, &tables.concat()].concat());
    let minf = boxed(b"minf", &stbl);
    let mdhd = words(b"mdhd", 0, &[0, 0, 25, 0, 0x55C4_0000]);
    let hdlr = boxed(b"hdlr", &[&[0; 8][..], handler, &[0; 13]].concat());
    let mdia = boxed(b"mdia", &[mdhd, hdlr, minf].concat());
    let tkhd = words(b"tkhd", 1, &[0, 0, id, 0, 0]);
    boxed(b"trak", &[tkhd, boxed(b"edts", elst), mdia].concat())
}

/// Where the media of [`movie`] begins.
const MEDIA_AT: u32 = 20 + 8;

fn play(file: Vec<u8>) -> (Drive, Vec<(i64, usize, Sync)>) {
    let mut drive = Drive::open(file).unwrap();
    let samples = drive.play(0);
    assert_in_order(&samples);
    let seen = samples
        .iter()
        .map(|sample| (sample.pts_90k, sample.data.len(), sample.sync));
    let seen = seen.collect();
    (drive, seen)
}

#[test]
fn compact_sizes_64_bit_offsets_and_missing_sync_tables_are_read() {
    let stsd = h264_stsd();
    let media: Vec<u8> = (0..60).collect();
    for (width, packed) in [
        (4, vec![0x5A, 0x10]),
        (8, vec![5, 10, 1]),
        (16, vec![0, 5, 0, 10, 0, 1]),
    ] {
        let head = [0_u32, width, 3].map(u32::to_be_bytes).concat();
        let tables = [
            words(b"stts", 0, &[1, 3, 1]),
            boxed(b"stz2", &[head, packed].concat()),
            words(b"stsc", 0, &[2, 1, 2, 1, 2, 1, 1]),
            words(b"co64", 0, &[2, 0, MEDIA_AT, 0, MEDIA_AT + 40]),
        ];
        let (_, seen) = play(movie(&stsd, &[], &tables, &media));
        let all = Sync::RandomAccess;
        assert_eq!(seen, [(0, 5, all), (3600, 10, all), (7200, 1, all)]);
    }
}

#[test]
fn one_size_for_all_samples_is_read() {
    let tables = [
        words(b"stts", 0, &[1, 3, 1]),
        words(b"stsz", 0, &[4, 3]),
        words(b"stsc", 0, &[1, 1, 3, 1]),
        words(b"stco", 0, &[1, MEDIA_AT]),
        words(b"stss", 0, &[1, 1]),
    ];
    let (drive, seen) = play(movie(&h264_stsd(), &[], &tables, &[0; 12]));
    let one = Sync::Dependent;
    assert_eq!(
        seen,
        [(0, 4, Sync::RandomAccess), (3600, 4, one), (7200, 4, one)]
    );
    assert_eq!(drive.movie().duration_90k, 3 * 3600);
}

/// I P B, shown as I B P: composition offsets 1, 2, 0 unsigned, or one less signed.
#[test]
fn negative_composition_offsets_are_understood_in_either_version() {
    let stsd = h264_stsd();
    for (version, offsets) in [(0_u32, [1, 2, 0]), (0, [0, 1, -1]), (1, [0, 1, -1_i32])] {
        let [i, p, b] = offsets.map(|offset| u32::from_be_bytes(offset.to_be_bytes()));
        let tables = [
            words(b"stts", 0, &[1, 3, 1]),
            words(b"ctts", version << 24, &[3, 1, i, 1, p, 1, b]),
            words(b"stsz", 0, &[4, 3]),
            words(b"stsc", 0, &[1, 1, 3, 1]),
            words(b"stco", 0, &[1, MEDIA_AT]),
            words(b"stss", 0, &[1, 1]),
        ];
        let mut drive = Drive::open(movie(&stsd, &[], &tables, &[0; 12])).unwrap();
        let samples = drive.play(0);
        let times: Vec<_> = samples.iter().map(|at| (at.dts_90k, at.pts_90k)).collect();
        assert_eq!(times, [(-3600, 0), (0, 7200), (3600, 3600)]);
        assert_eq!(drive.movie().duration_90k, 3 * 3600);
    }
}

#[test]
fn an_edit_ends_what_is_shown() {
    let tables = [
        words(b"stts", 0, &[1, 50, 1]),
        words(b"stsz", 0, &[4, 50]),
        words(b"stsc", 0, &[1, 1, 50, 1]),
        words(b"stco", 0, &[1, MEDIA_AT]),
    ];
    // From the sixth frame on, for one second; then the same with a second edit behind it.
    let one = words(b"elst", 0, &[1, 1000, 5, 0x1_0000]);
    let stsd = h264_stsd();
    let (drive, seen) = play(movie(&stsd, &one, &tables, &[0; 200]));
    assert_eq!(drive.movie().duration_90k, 90_000);
    assert_eq!((seen[0].0, seen.last().unwrap().0), (0, 90_000 - 3600));
    let two = words(b"elst", 0, &[2, 1000, 5, 0x1_0000, 1000, 30, 0x1_0000]);
    let (drive, seen) = play(movie(&stsd, &two, &tables, &[0; 200]));
    assert_eq!(
        drive.movie().duration_90k,
        45 * 3600,
        "the first edit, to the end"
    );
    assert_eq!(seen.len(), 45);
}

/// A hundred thousand samples of a byte, with a random access point every thirty, each shown
/// `offset` ticks after it is decoded.
fn long_tables(offset: u32) -> [Vec<u8>; 6] {
    const SAMPLES: u32 = 100_000;
    let runs: Vec<u32> = (0..SAMPLES).flat_map(|_| [1, offset]).collect();
    let points: Vec<u32> = (0..SAMPLES / 30).map(|n| n * 30 + 1).collect();
    [
        words(b"stts", 0, &[1, SAMPLES, 1]),
        words(b"ctts", 0, &[&[SAMPLES], &runs[..]].concat()),
        words(b"stsz", 0, &[1, SAMPLES]),
        words(b"stsc", 0, &[1, 1, SAMPLES, 1]),
        words(b"stco", 0, &[1, MEDIA_AT]),
        words(b"stss", 0, &[&[SAMPLES / 30], &points[..]].concat()),
    ]
}

#[test]
fn an_edit_that_begins_far_inside_the_media_is_not_walked_to() {
    let edit = words(b"elst", 0, &[1, 0, 60_000, 0x1_0000]);
    let file = movie(&h264_stsd(), &edit, &long_tables(0), &[7; 100_000]);
    let mut drive = Drive::open(file).unwrap();
    assert_eq!(drive.movie().duration_90k, 40_000 * 3600);
    assert!(drive.needs < 30, "{}", drive.needs);
    let samples = drive.play(0);
    assert_eq!(samples.len(), 40_000);
    assert_eq!(
        (samples[0].pts_90k, samples[0].sync),
        (0, Sync::RandomAccess)
    );
}

#[test]
fn samples_shown_long_after_they_are_decoded_are_found() {
    let file = movie(&h264_stsd(), &[], &long_tables(50_000), &[7; 100_000]);
    let mut drive = Drive::open(file).unwrap();
    let asked = drive.needs;
    for frame in [0, 29, 30, 31, 49_999, 50_000, 99_000] {
        drive.demuxer.start(TrackId(7), None, frame * 3600).unwrap();
        let Ok(Pull::Sample(sample)) = drive.pull() else {
            panic!("no sample");
        };
        assert_eq!(sample.pts_90k, (frame - frame % 30) * 3600);
    }
    assert!(drive.needs - asked < 250, "{}", drive.needs - asked);
}

/// Four hours at 60 frames per second, with tables as large as they get: every duration and every
/// offset an entry of its own, every sample a chunk of its own.
fn endless_film() -> (Vec<u8>, u32) {
    let samples: u32 = 4 * 3600 * 60;
    let each = |count: u32, entry: &dyn Fn(u32) -> Vec<u32>| -> Vec<u32> {
        std::iter::once(count)
            .chain((0..count).flat_map(entry))
            .collect()
    };
    let of_sample = |values: [u32; 2]| move |n: u32| vec![1, values[usize::from(n % 2 == 1)]];
    let tables = [
        words(b"stts", 0, &each(samples, &of_sample([1, 1]))),
        words(b"ctts", 0, &each(samples, &of_sample([1, 2]))),
        words(
            b"stsz",
            0,
            &[&[0][..], &each(samples, &|n| vec![8 + n % 2])].concat(),
        ),
        words(b"stsc", 0, &each(samples, &|n| vec![n + 1, 1, 1])),
        words(b"stco", 0, &each(samples, &|_| vec![MEDIA_AT])),
        words(b"stss", 0, &each(samples / 30, &|n| vec![n * 30 + 1])),
    ];
    let traks = [
        trak(7, b"vide", &h264_stsd(), &[], &tables),
        trak(8, b"soun", &aac_stsd(), &[], &tables),
    ];
    (movie_of(&traks, &[7; 16]), samples)
}

#[test]
fn a_four_hour_film_costs_no_more_memory_than_a_clip() {
    let (file, samples) = endless_film();
    assert!(file.len() > 20_000_000);
    let mut drive = Drive::open(file).unwrap();
    let frames = i64::from(samples) + 1;
    assert_eq!(
        drive.movie().duration_90k,
        frames * 3600,
        "one is shown late"
    );
    let middle_90k = i64::from(samples) * 3600 / 2;
    let asked = drive.needs;
    drive
        .demuxer
        .start(TrackId(7), Some(TrackId(8)), middle_90k)
        .unwrap();
    let Ok(Pull::Sample(sample)) = drive.pull() else {
        panic!("no sample");
    };
    assert!(sample.pts_90k <= middle_90k && sample.pts_90k > middle_90k - 31 * 3600);
    assert_eq!(sample.sync, Sync::RandomAccess);
    // Half of each table once, through windows of 4 to 16 kB.
    assert!(drive.needs - asked < 4000, "{}", drive.needs - asked);
    let asked = drive.needs;
    for _ in 0..10_000 {
        assert!(matches!(drive.pull(), Ok(Pull::Sample(_))));
    }
    // Each chunk is a block of its own here; the tables come on top.
    assert!(drive.needs - asked < 10_300, "{}", drive.needs - asked);
    // Back to the start and again to the middle: the marks spare reading all of it again.
    drive
        .demuxer
        .start(TrackId(7), Some(TrackId(8)), 0)
        .unwrap();
    assert!(matches!(drive.pull(), Ok(Pull::Sample(sample)) if sample.pts_90k == 0));
    // The block that both tracks share is among it; where they lie apart, a smaller one for the
    // sound comes on top.
    let most = drive.most_held + limits::BLOCK_BYTES / 4;
    assert!(most < 320_000, "{most} bytes held");
}

#[test]
fn samples_lie_in_the_bytes_that_were_pushed() {
    let folder = Folder::new();
    let path = folder.clip("a.mp4", 2, "25", &format!("{H264} -an"));
    let file = Bytes::from(std::fs::read(path).unwrap());
    let within = file.as_ptr_range();
    let mut drive = Drive::open(file.clone()).unwrap();
    for sample in drive.play(0) {
        assert!(within.contains(&sample.data.as_ptr()), "copied");
    }
}

/// A run without columns takes 20 bytes, however many samples it says to have.
#[test]
fn the_same_bytes_are_not_told_as_samples_again_and_again() {
    let folder = Folder::new();
    let coding = format!("{H264} -an -movflags frag_keyframe+empty_moov");
    let file = std::fs::read(folder.clip("a.mp4", 1, "25", &coding)).unwrap();
    let moov = find(&file, &[b"moov"]);
    let samples = 10_000;
    let traf = [
        words(b"tfhd", 0x02_0018, &[1, 512, 1]),
        words(b"tfdt", 0, &[0]),
        words(b"trun", 1, &[samples, 0]).repeat(1000),
    ];
    let moof = boxed(b"moof", &boxed(b"traf", &traf.concat()));
    let file = [&file[..moov.end], &moof, &boxed(b"mdat", &[7; 10_000])].concat();
    let mut drive = Drive::open(file).unwrap();
    drive.start(0);
    let (played, error) = drive.rest();
    assert_eq!(played.len(), 10_000);
    let words = error.unwrap().to_string();
    assert!(words.contains("its samples lie where others do"), "{words}");
}
