//! Every parser of `codec`; the first byte picks one.
#![no_main]

use bytes::Bytes;
use exstreamtv::codec::nal::{LengthSize, length_prefixed};
use exstreamtv::codec::{aac, ac3, h264, hevc, mpeg_audio, mpeg2};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((pick, data)) = input.split_first() else {
        return;
    };
    let length_size =
        [LengthSize::One, LengthSize::Two, LengthSize::Four][usize::from(pick >> 4) % 3];
    match pick & 15 {
        0 => drop(h264::Sps::parse(data)),
        1 => drop(hevc::Sps::parse(data)),
        2 => drop(h264::AvcConfig::parse(&Bytes::copy_from_slice(data))),
        3 => drop(hevc::HvcConfig::parse(&Bytes::copy_from_slice(data))),
        4 => drop(h264::is_random_access(data, length_size)),
        5 => drop(hevc::is_random_access(data, length_size)),
        6 => drop(h264::is_recovery_point_sei(data)),
        7 => {
            let bytes: usize = length_prefixed(data, length_size)
                .flatten()
                .map(<[u8]>::len)
                .sum();
            assert!(bytes <= data.len());
        }
        8 => {
            let _ = mpeg2::SequenceHeader::parse(data);
            let _ = mpeg2::is_random_access(data);
            let _ = mpeg2::has_sequence_header(data);
            assert!(mpeg2::start_codes(data).count() <= data.len());
        }
        9 => {
            if let Ok(config) = aac::AudioSpecificConfig::parse(data) {
                let header = aac::adts_header(&config, data.len() % 8_000).unwrap();
                assert_ne!((header[2] & 1) << 2 | header[3] >> 6, 0);
            }
        }
        10 => {
            let bytes: usize = ac3::frames(data)
                .flatten()
                .map(|(_, frame)| frame.len())
                .sum();
            assert!(bytes <= data.len());
            let _ = ac3::samples_in(data);
        }
        11 => {
            let bytes: usize = mpeg_audio::frames(data)
                .flatten()
                .map(|(_, frame)| frame.len())
                .sum();
            assert!(bytes <= data.len());
        }
        _ => {}
    }
});
