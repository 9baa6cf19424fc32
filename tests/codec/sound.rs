//! Audio headers.

use crate::clip::{Clip, number};
use exstreamtv::codec::aac::{AudioSpecificConfig, adts_header};
use exstreamtv::codec::{ac3, mpeg_audio};
use exstreamtv::media::AudioCodec;

const LAYOUTS: [(&str, u8); 7] = [
    ("mono", 1),
    ("stereo", 2),
    ("3.0", 3),
    ("4.0", 4),
    ("5.0", 5),
    ("5.1", 6),
    ("7.1", 8),
];

#[test]
fn adts_headers_are_those_that_ffmpeg_writes() {
    let rates = [
        96_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 11_025, 8_000,
    ];
    let stereo = rates.map(|rate| (rate, "stereo", 2));
    let layouts = LAYOUTS.map(|(layout, channels)| (48_000, layout, channels));
    for (rate, layout, channels) in stereo.into_iter().chain(layouts) {
        // 7.1 is the layout with front centre pairs in AAC; ffmpeg asks for it by another name.
        let layout = if channels == 8 { "7.1(wide)" } else { layout };
        let clip = Clip::sound("mp4", rate, layout, "-c:a aac -b:a 96k");
        let config = AudioSpecificConfig::parse(&clip.extradata())
            .unwrap_or_else(|why| panic!("{rate} {layout}: {why}"));
        assert_eq!((config.sample_rate, config.channels), (rate, channels));
        let ours: Vec<u8> = clip
            .packets()
            .iter()
            .flat_map(|packet| {
                let header = adts_header(&config, packet.data.len()).unwrap();
                [header.as_slice(), &packet.data].concat()
            })
            .collect();
        let theirs = Clip::sound("aac", rate, layout, "-c:a aac -b:a 96k");
        assert!(ours == theirs.bytes, "{rate} {layout}");
    }
}

/// Every frame as (position, bytes), and the facts of the stream, from ffprobe.
fn frames_of(clip: &Clip) -> (Vec<usize>, u32, u8) {
    let sizes = clip
        .packets()
        .iter()
        .map(|packet| packet.data.len())
        .collect();
    let stream = clip.stream();
    let rate = u32::try_from(number(&stream["sample_rate"])).unwrap();
    let channels = u8::try_from(number(&stream["channels"])).unwrap();
    (sizes, rate, channels)
}

fn dolby_agrees(extension: &str, codec: AudioCodec, rate: u32, layout: &str, encoder: &str) {
    let clip = Clip::sound(extension, rate, layout, encoder);
    let (sizes, rate, channels) = frames_of(&clip);
    let ours: Vec<_> = ac3::frames(&clip.bytes).map(Result::unwrap).collect();
    let our_sizes: Vec<usize> = ours.iter().map(|(_, frame)| frame.len()).collect();
    assert_eq!(our_sizes, sizes, "{layout} {encoder}");
    for (header, _) in ours {
        assert_eq!(header.codec, codec);
        assert_eq!((header.sample_rate, header.channels), (rate, channels));
        assert!(header.independent && header.samples == 1_536);
    }
    let frames = u32::try_from(sizes.len()).unwrap();
    assert_eq!(ac3::samples_in(&clip.bytes), Ok(frames * 1_536));
}

#[test]
fn dolby_frames_are_those_that_ffprobe_finds() {
    for (layout, _) in &LAYOUTS[..6] {
        dolby_agrees("ac3", AudioCodec::Ac3, 48_000, layout, "-c:a ac3");
        dolby_agrees("eac3", AudioCodec::Eac3, 48_000, layout, "-c:a eac3");
    }
    for rate in [44_100, 32_000] {
        dolby_agrees("ac3", AudioCodec::Ac3, rate, "stereo", "-c:a ac3 -b:a 192k");
        dolby_agrees(
            "eac3",
            AudioCodec::Eac3,
            rate,
            "stereo",
            "-c:a eac3 -b:a 192k",
        );
    }
    for kilobits in [96, 256, 640] {
        let encoder = format!("-c:a ac3 -b:a {kilobits}k");
        dolby_agrees("ac3", AudioCodec::Ac3, 44_100, "stereo", &encoder);
    }
}

fn mpeg_agrees(extension: &str, layer: AudioCodec, rate: u32, layout: &str, encoder: &str) {
    let clip = Clip::sound(extension, rate, layout, encoder);
    let (sizes, rate, channels) = frames_of(&clip);
    let ours: Vec<_> = mpeg_audio::frames(&clip.bytes)
        .map(Result::unwrap)
        .collect();
    let our_sizes: Vec<usize> = ours.iter().map(|(_, frame)| frame.len()).collect();
    assert_eq!(our_sizes, sizes, "{rate} {layout} {encoder}");
    for (header, _) in ours {
        assert_eq!(header.layer, layer);
        assert_eq!((header.sample_rate, header.channels), (rate, channels));
        let samples = if layer == AudioCodec::Mp3 && rate < 32_000 {
            576
        } else {
            1_152
        };
        assert_eq!(header.samples, samples);
    }
}

#[test]
fn mpeg_audio_frames_are_those_that_ffprobe_finds() {
    let bare = "-id3v2_version 0 -write_xing 0";
    for layout in ["mono", "stereo"] {
        for rate in [48_000, 44_100, 32_000, 24_000, 22_050, 16_000] {
            mpeg_agrees("mp2", AudioCodec::Mp2, rate, layout, "-c:a mp2 -b:a 64k");
            let mp3 = format!("-c:a libmp3lame -b:a 64k {bare}");
            mpeg_agrees("mp3", AudioCodec::Mp3, rate, layout, &mp3);
        }
    }
    mpeg_agrees(
        "mp3",
        AudioCodec::Mp3,
        44_100,
        "stereo",
        &format!("-c:a libmp3lame -q:a 2 {bare}"),
    );
}
