//! What the remuxer promises, on samples made by hand. The stream as a whole is judged from
//! outside, in `tests/`.

use super::{Chunk, Pictures, Remuxer, Segment, Service, Sound, Taken};
use crate::codec::aac::AudioSpecificConfig;
use crate::media::{AudioCodec, AudioProfile, Profile, Sample, Sync, TrackId, VideoCodec};
use bytes::Bytes;

const VIDEO: TrackId = TrackId(1);
const AUDIO: TrackId = TrackId(2);
const FRAME_90K: i64 = 3600;
const AAC_90K: i64 = 1920;
/// Bytes that no header or silence contains, to find a sample's payload again.
const PICTURE: u8 = 0xA5;
const SOUND: u8 = 0x5A;

fn profile() -> Profile {
    let audio = AudioProfile {
        codec: AudioCodec::Aac,
        sample_rate: 48_000,
        channels: 2,
    };
    Profile {
        video: VideoCodec::Mpeg2,
        audio,
    }
}

fn remuxer() -> Remuxer {
    let service = Service {
        name: "Test".to_owned(),
        language: "eng".to_owned(),
    };
    Remuxer::new(&profile(), &service).unwrap()
}

fn segment(zero_90k: i64, end_90k: i64) -> Segment {
    let config = Bytes::from_static(&[0, 0, 1, 0xB3]);
    let sound = Sound::Aac(AudioSpecificConfig::low_complexity(48_000, 2).unwrap());
    Segment {
        zero_90k,
        end_90k,
        video: VIDEO,
        pictures: Pictures::new(VideoCodec::Mpeg2, &config).unwrap(),
        audio: Some((AUDIO, sound)),
    }
}

fn picture(index: i64, sync: Sync) -> Sample {
    Sample {
        track: VIDEO,
        dts_90k: index * FRAME_90K,
        pts_90k: index * FRAME_90K,
        duration_90k: 3600,
        sync,
        data: Bytes::from(vec![PICTURE; 1000]),
    }
}

fn sound(pts_90k: i64) -> Sample {
    Sample {
        track: AUDIO,
        dts_90k: pts_90k,
        pts_90k,
        duration_90k: 1920,
        sync: Sync::RandomAccess,
        data: Bytes::from(vec![SOUND; 100]),
    }
}

/// Pushes `frames` pictures with their sound and gives what came out.
fn play(remuxer: &mut Remuxer, frames: i64, sounds: impl Iterator<Item = i64>) -> Vec<Chunk> {
    let mut sounds = sounds.peekable();
    let mut chunks = Vec::new();
    for index in 0..frames {
        let sync = if index % 25 == 0 {
            Sync::RandomAccess
        } else {
            Sync::Dependent
        };
        remuxer.push(picture(index, sync)).unwrap();
        while sounds
            .next_if(|pts| *pts < (index + 1) * FRAME_90K)
            .is_some_and(|pts| {
                remuxer.push(sound(pts)).unwrap();
                true
            })
        {}
        chunks.extend(std::iter::from_fn(|| remuxer.pull()));
    }
    chunks
}

/// PTS of every PES of a PID, and its payload.
fn pes(chunks: &[Chunk], pid: u16) -> Vec<(i64, Vec<u8>)> {
    let mut all: Vec<(i64, Vec<u8>)> = Vec::new();
    for packet in chunks.iter().flat_map(|chunk| chunk.bytes.chunks(188)) {
        assert_eq!(packet[0], 0x47);
        if u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) != pid || packet[3] & 0x10 == 0 {
            continue;
        }
        let skip = if packet[3] & 0x20 == 0 {
            4
        } else {
            5 + usize::from(packet[4])
        };
        let payload = &packet[skip..];
        if packet[1] & 0x40 == 0 {
            all.last_mut().unwrap().1.extend_from_slice(payload);
            continue;
        }
        let p = |at: usize| i64::from(payload[at]);
        let pts = (p(9) >> 1 & 7) << 30 | p(10) << 22 | p(11) >> 1 << 15 | p(12) << 7 | p(13) >> 1;
        all.push((pts, payload[9 + usize::from(payload[8])..].to_vec()));
    }
    all
}

/// The frames of the audio chain: whether each is ours or silence, with its time.
fn chain(chunks: &[Chunk]) -> Vec<(i64, bool)> {
    let mut frames = Vec::new();
    for (pts, payload) in pes(chunks, 0x101) {
        let mut at = 0;
        let mut index = 0;
        while at < payload.len() {
            assert_eq!(payload[at], 0xFF, "a frame begins with its header");
            let header = &payload[at + 3..];
            let length = usize::from(header[0] & 3) << 11
                | usize::from(header[1]) << 3
                | usize::from(header[2] >> 5);
            frames.push((pts + index * AAC_90K, payload[at + 7] == SOUND));
            index += 1;
            at += length;
        }
    }
    frames
}

fn assert_exact(frames: &[(i64, bool)]) {
    for pair in frames.windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, AAC_90K, "at {}", pair[0].0);
    }
}

#[test]
fn every_sound_is_carried_and_the_chain_is_exact() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(900_000, i64::MAX));
    let chunks = play(&mut remuxer, 250, (0..).map(|n| n * AAC_90K));
    let frames = chain(&chunks);
    assert!(frames.len() > 400);
    // The first place of the grid from the first picture on.
    assert_eq!(frames[0].0, 469 * AAC_90K);
    assert!(frames.iter().all(|(_, ours)| *ours));
    assert_exact(&frames);
}

#[test]
fn a_hole_in_the_sound_is_silence_of_its_length() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(900_000, i64::MAX));
    let hole = 100..150;
    let sounds = (0..).filter(|n| !hole.contains(n)).map(|n| n * AAC_90K);
    let chunks = play(&mut remuxer, 250, sounds);
    let frames = chain(&chunks);
    assert_exact(&frames);
    assert_eq!(frames.iter().filter(|(_, ours)| !*ours).count(), 50);
    assert!(!frames[100].1 && frames[99].1 && !frames[149].1 && frames[150].1);
}

#[test]
fn sound_that_jitters_by_a_millisecond_is_neither_filled_nor_dropped() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(900_000, i64::MAX));
    // Begins nearly half a frame beside the grid, the worst place for jitter.
    let chunks = play(
        &mut remuxer,
        250,
        (0..).map(|n| n * AAC_90K + 480 + 955 + (n % 3 - 1) * 90),
    );
    let frames = chain(&chunks);
    assert_exact(&frames);
    assert!(frames.iter().skip(1).all(|(_, ours)| *ours));
}

#[test]
fn an_item_without_sound_is_silent_to_its_end() {
    let mut remuxer = remuxer();
    let mut mute = segment(900_000, i64::MAX);
    mute.audio = None;
    remuxer.begin(mute);
    let frames = chain(&play(&mut remuxer, 100, std::iter::empty()));
    assert!(frames.len() > 150);
    assert!(frames.iter().all(|(_, ours)| !*ours));
    assert_exact(&frames);
}

#[test]
fn sound_that_stops_early_does_not_stop_the_pictures() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(900_000, i64::MAX));
    let chunks = play(&mut remuxer, 250, (0..100).map(|n| n * AAC_90K));
    assert!(pes(&chunks, 0x100).len() > 200);
    assert_exact(&chain(&chunks));
}

#[test]
fn items_meet_without_gap_or_overlap() {
    let mut remuxer = remuxer();
    let mut chunks = Vec::new();
    // 50 frames are 93.75 AAC frames: at each seam the chain has to choose.
    for item in 0..20 {
        let zero = 900_000 + item * 50 * FRAME_90K;
        remuxer.begin(segment(zero, zero + 50 * FRAME_90K));
        chunks.extend(play(&mut remuxer, 50, (0..).map(|n| n * AAC_90K)));
    }
    let pictures = pes(&chunks, 0x100);
    assert!(pictures.len() > 19 * 50);
    for pair in pictures.windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, FRAME_90K);
    }
    let frames = chain(&chunks);
    assert_exact(&frames);
    assert!(
        frames.iter().all(|(_, ours)| *ours),
        "no silence at a seam that needs none"
    );
}

#[test]
fn nothing_is_shown_past_the_end_of_a_segment() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(0, 10 * FRAME_90K));
    let mut taken = Vec::new();
    for index in 0..12 {
        let sync = if index == 0 {
            Sync::RandomAccess
        } else {
            Sync::Dependent
        };
        taken.push(remuxer.push(picture(index, sync)).unwrap());
    }
    // Its last sound may be still to come.
    assert!(taken.iter().all(|taken| *taken == Taken::More));
    for (n, taken) in [(17, Taken::More), (18, Taken::More), (19, Taken::Over)] {
        assert_eq!(remuxer.push(sound(n * AAC_90K)), Ok(taken));
    }
    assert_eq!(remuxer.push(picture(12, Sync::Dependent)), Ok(Taken::Over));
    assert_eq!(remuxer.shown_until_90k(), Some(10 * FRAME_90K));
}

#[test]
fn an_item_that_reorders_meets_one_that_does_not() {
    let mut remuxer = remuxer();
    let mut chunks = Vec::new();
    for item in 0..6 {
        let zero = 900_000 + item * 50 * FRAME_90K;
        remuxer.begin(segment(zero, zero + 50 * FRAME_90K));
        let delay = if item % 2 == 0 { 0 } else { 2 * FRAME_90K };
        for index in 0..50 {
            let sync = if index == 0 {
                Sync::RandomAccess
            } else {
                Sync::Dependent
            };
            let mut sample = picture(index, sync);
            sample.dts_90k -= delay;
            remuxer.push(sample).unwrap();
            remuxer.push(sound(index * FRAME_90K)).unwrap();
            chunks.extend(std::iter::from_fn(|| remuxer.pull()));
        }
    }
    for pair in pes(&chunks, 0x100).windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, FRAME_90K, "no picture moved");
    }
}

#[test]
fn pictures_that_cannot_be_decoded_are_left_out() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(900_000, i64::MAX));
    for index in 0..10 {
        let sync = if index == 5 {
            Sync::RandomAccess
        } else {
            Sync::Dependent
        };
        remuxer.push(picture(index, sync)).unwrap();
    }
    // The first one that can be decoded is also where the stream begins.
    assert_eq!(
        remuxer.video.first_shown_90k(),
        Some(900_000 + 5 * FRAME_90K)
    );
}

#[test]
fn a_pes_of_any_length_fills_whole_packets() {
    for length in 1..800 {
        let mut remuxer = remuxer();
        remuxer.begin(segment(900_000, i64::MAX));
        for index in 0..12 {
            let mut sample = picture(index, Sync::RandomAccess);
            sample.data = Bytes::from(vec![PICTURE; length]);
            remuxer.push(sample).unwrap();
            remuxer.push(sound(index * FRAME_90K)).unwrap();
            remuxer.push(sound(index * FRAME_90K + AAC_90K)).unwrap();
        }
        let chunks: Vec<Chunk> = std::iter::from_fn(|| remuxer.pull()).collect();
        assert!(chunks.iter().all(|chunk| chunk.bytes.len() % 188 == 0));
        let pictures = pes(&chunks, 0x100);
        assert!(!pictures.is_empty());
        for (_, payload) in pictures {
            // The source has no sequence header, so the item's goes before each picture.
            assert_eq!(payload[..4], [0, 0, 1, 0xB3]);
            assert_eq!(payload[4..], vec![PICTURE; length]);
        }
    }
}

/// A remuxer of H.264 in an item without sound.
fn h264_remuxer() -> Remuxer {
    let profile = Profile {
        video: VideoCodec::H264,
        ..profile()
    };
    let service = Service {
        name: "Test".to_owned(),
        language: "eng".to_owned(),
    };
    let mut remuxer = Remuxer::new(&profile, &service).unwrap();
    let avcc = [
        1, 0x64, 0, 0x28, 0xFF, 0xE1, 0, 2, 0x67, 0x64, 1, 0, 2, 0x68, 0xEE,
    ];
    let mut item = segment(900_000, i64::MAX);
    item.pictures = Pictures::new(VideoCodec::H264, &Bytes::copy_from_slice(&avcc)).unwrap();
    item.audio = None;
    remuxer.begin(item);
    remuxer
}

#[test]
fn a_picture_with_broken_framing_is_left_out_whole() {
    let mut remuxer = h264_remuxer();
    let whole = [0, 0, 0, 3, 0x65, PICTURE, PICTURE];
    let longer_than_it_is = [0, 0, 0, 9, 0x65, PICTURE, PICTURE];
    for index in 0..50 {
        let mut sample = picture(index, Sync::RandomAccess);
        let broken = index % 5 == 3;
        sample.data = match index {
            n if n % 10 == 3 => Bytes::new(),
            _ if broken => Bytes::copy_from_slice(&longer_than_it_is),
            _ => Bytes::copy_from_slice(&whole),
        };
        assert_eq!(remuxer.push(sample).is_err(), broken, "{index}");
    }
    let chunks: Vec<Chunk> = std::iter::from_fn(|| remuxer.pull()).collect();
    let pictures = pes(&chunks, 0x100);
    assert!(pictures.len() > 30);
    for (pts_90k, payload) in pictures {
        assert_ne!((pts_90k - 900_000) / FRAME_90K % 5, 3);
        assert!(payload.ends_with(&[0, 0, 1, 0x65, PICTURE, PICTURE]));
    }
}

/// The chunks that follow the random access point at `due_90k`, with it.
fn from(chunks: Vec<Chunk>, due_90k: i64) -> Vec<Chunk> {
    let before = |chunk: &Chunk| !(chunk.random_access && chunk.due_90k == due_90k);
    chunks.into_iter().skip_while(before).collect()
}

#[test]
fn closed_captions_stay_in_the_pictures() {
    let mut remuxer = h264_remuxer();
    // SEI, user data registered by ITU-T T.35, ATSC's `GA94` (A/53 part 4).
    let captions = *b"\x06\x04\x0B\xB5\x00\x31GA94\x03\x41\xFF\xFC\x80\x80\xFF\x80";
    let mut data = vec![0, 0, 0, u8::try_from(captions.len()).unwrap()];
    data.extend_from_slice(&captions);
    data.extend_from_slice(&[0, 0, 0, 3, 0x65, PICTURE, PICTURE]);
    for index in 0..50 {
        let mut sample = picture(index, Sync::RandomAccess);
        sample.data = Bytes::from(data.clone());
        remuxer.push(sample).unwrap();
    }
    let chunks: Vec<Chunk> = std::iter::from_fn(|| remuxer.pull()).collect();
    let pictures = pes(&chunks, 0x100);
    assert!(pictures.len() > 30);
    for (_, payload) in pictures {
        assert!(
            payload
                .windows(captions.len())
                .any(|bytes| bytes == captions)
        );
    }
}

#[test]
fn streams_joined_at_different_places_are_the_same_from_a_random_access_point_on() {
    let sounds = |from: i64| (0..).map(|n| n * AAC_90K).filter(move |pts| *pts >= from);
    let mut early = remuxer();
    early.begin(segment(900_000, i64::MAX));
    let early = play(&mut early, 250, sounds(0));
    let mut late = remuxer();
    late.begin(segment(900_000, i64::MAX));
    let mut chunks = Vec::new();
    let mut sounds = sounds(100 * FRAME_90K).peekable();
    for index in 100..250 {
        let sync = [Sync::Dependent, Sync::RandomAccess][usize::from(index % 25 == 0)];
        late.push(picture(index, sync)).unwrap();
        while let Some(pts) = sounds.next_if(|pts| *pts < (index + 1) * FRAME_90K) {
            late.push(sound(pts)).unwrap();
        }
        chunks.extend(std::iter::from_fn(|| late.pull()));
    }
    let due_90k = 900_000 + 150 * FRAME_90K - 18_000;
    let (early, late) = (from(early, due_90k), from(chunks, due_90k));
    assert!(early.len() > 20 && early.len() == late.len());
    for (early, late) in early.iter().zip(&late) {
        let shift = late.before.shift_to(early.before);
        assert_eq!(shift.renumber(&late.bytes), early.bytes);
        assert_eq!(late.after.shifted(shift), early.after);
    }
}

#[test]
fn a_segment_that_ends_early_leaves_no_sound_behind() {
    let mut remuxer = remuxer();
    remuxer.begin(segment(900_000, i64::MAX));
    // The sound is half a second ahead of the pictures.
    let mut chunks = play(&mut remuxer, 50, (0..130).map(|n| n * AAC_90K));
    for n in 94..118 {
        remuxer.push(sound(n * AAC_90K)).unwrap();
    }
    let end_90k = 900_000 + 50 * FRAME_90K;
    remuxer.end_at(end_90k);
    let mut mute = segment(end_90k, i64::MAX);
    mute.audio = None;
    remuxer.begin(mute);
    chunks.extend(play(&mut remuxer, 50, std::iter::empty()));
    let frames = chain(&chunks);
    assert_exact(&frames);
    let last = frames.iter().rfind(|(_, ours)| *ours).unwrap().0;
    assert!(
        (end_90k - AAC_90K * 3 / 2..end_90k).contains(&last),
        "{last}"
    );
}

#[test]
fn what_keeps_a_stream_alive_is_part_of_it() {
    let mut remuxer = remuxer();
    assert_eq!(remuxer.keep_alive(), None);
    remuxer.begin(segment(900_000, i64::MAX));
    let mut chunks = play(&mut remuxer, 30, (0..60).map(|n| n * AAC_90K));
    for _ in 0..3 {
        chunks.extend(remuxer.keep_alive());
    }
    chunks.extend(play(&mut remuxer, 30, std::iter::empty()));
    for pair in chunks.windows(2) {
        assert_eq!(pair[0].after, pair[1].before);
        assert!(pair[0].due_90k <= pair[1].due_90k);
        assert_eq!(pair[0].before.after(&pair[0].bytes), pair[0].after);
    }
}
