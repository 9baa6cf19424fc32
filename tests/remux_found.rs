//! What fuzzing the remuxer has found, each as a test: samples that no encoder makes, and a file can
//! still hold.

#![cfg(test)]

use bytes::Bytes;
use exstreamtv::media::{
    AudioCodec, AudioProfile, Profile, Sample, Sync, TICKS_PER_SECOND, TrackId, VideoCodec,
};
use exstreamtv::remux::{Chunk, Pictures, Remuxer, Segment, Service, Sound};
use std::sync::Arc;

const VIDEO: TrackId = TrackId(1);
const AUDIO: TrackId = TrackId(2);
const FRAME_90K: i64 = 3_600;

/// A remuxer of MPEG-2 and E-AC-3 in the middle of a long item.
fn remuxer() -> Remuxer {
    let profile = Profile {
        video: VideoCodec::Mpeg2,
        audio: AudioProfile {
            codec: AudioCodec::Eac3,
            sample_rate: 48_000,
            channels: 2,
        },
    };
    let service = Service {
        name: "Test".to_owned(),
        language: "und".to_owned(),
    };
    let mut remuxer = Remuxer::new(&profile, &service).unwrap();
    let header = Bytes::from_static(&[0, 0, 1, 0xB3]);
    remuxer.begin(Segment {
        zero_90k: 900_000,
        end_90k: i64::MAX,
        video: VIDEO,
        pictures: Pictures::new(VideoCodec::Mpeg2, &header).unwrap(),
        audio: Some((AUDIO, Sound::Ac3)),
    });
    remuxer
}

fn picture(at_90k: i64) -> Sample {
    Sample {
        track: VIDEO,
        dts_90k: at_90k,
        pts_90k: at_90k,
        duration_90k: 3_600,
        sync: Sync::RandomAccess,
        data: Bytes::from_static(&[0, 0, 1, 0, 0xA5, 0xA5]),
    }
}

/// A sample of so many E-AC-3 frames of six blocks and 4096 bytes.
fn frames(at_90k: i64, count: usize) -> Sample {
    let mut frame = vec![0x0B, 0x77, 7, 0xFF, 0x34, 0x80];
    frame.resize(4096, 0xA5);
    Sample {
        track: AUDIO,
        dts_90k: at_90k,
        pts_90k: at_90k,
        duration_90k: 0,
        sync: Sync::RandomAccess,
        data: frame.repeat(count).into(),
    }
}

fn ready(remuxer: &mut Remuxer) -> Vec<Chunk> {
    std::iter::from_fn(|| remuxer.pull()).collect()
}

/// The `PES_packet_length` of every PES of sound.
fn lengths(chunks: &[Chunk]) -> Vec<u16> {
    let packets = chunks.iter().flat_map(|chunk| chunk.bytes.chunks(188));
    let begins = packets.filter(|packet| packet[1..3] == [0x41, 0x01]);
    let lengths = begins.map(|packet| {
        let skip = if packet[3] & 0x20 == 0 {
            4
        } else {
            5 + usize::from(packet[4])
        };
        u16::from_be_bytes([packet[skip + 4], packet[skip + 5]])
    });
    lengths.collect()
}

#[test]
fn sound_in_a_large_sample_has_pes_packets_with_a_length() {
    let mut remuxer = remuxer();
    let mut chunks = Vec::new();
    for index in 0..100 {
        remuxer.push(picture(index * FRAME_90K)).unwrap();
        // Each lasts 640 ms.
        if index % 16 == 0 {
            // It is more than a PES packet may hold, and is left out.
            assert!(remuxer.push(frames(index * FRAME_90K, 20)).is_err());
            remuxer.push(frames(index * FRAME_90K, 7)).unwrap();
        }
        chunks.extend(ready(&mut remuxer));
    }
    let lengths = lengths(&chunks);
    assert!(lengths.len() > 2);
    assert!(lengths.iter().all(|length| *length > 0), "{lengths:?}");
}

/// A sample's bytes that can be asked how many hold them.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[test]
fn sound_that_waits_is_bounded_in_bytes() {
    let mut remuxer = remuxer();
    let large = Arc::new(frames(0, 8).data.to_vec());
    // All of it is said to be heard within a fraction of a second, and no picture comes.
    for index in 0..250 {
        let data = Bytes::from_owner(Shared(Arc::clone(&large)));
        let sample = Sample {
            data,
            ..frames(index * 90, 0)
        };
        let _ = remuxer.push(sample);
    }
    let held = (Arc::strong_count(&large) - 1) * large.len();
    assert!(held <= 512 << 10, "{held} bytes wait");
}

#[test]
fn a_gap_of_hours_is_not_made_at_once() {
    let mut remuxer = remuxer();
    let hours_90k = 3 * 3_600 * TICKS_PER_SECOND;
    let before = (0..50).map(|index| index * FRAME_90K);
    let mut most = 0;
    for at_90k in before
        .clone()
        .chain(before.map(|at_90k| at_90k + hours_90k))
    {
        let taken = remuxer.push(picture(at_90k));
        assert_eq!(taken.is_err(), at_90k >= hours_90k);
        let bytes = ready(&mut remuxer)
            .iter()
            .map(|chunk| chunk.bytes.len())
            .sum::<usize>();
        most = most.max(bytes);
    }
    assert!(most < 16 << 20, "{most} bytes at once");
}
