//! Audio headers.

use crate::clip::{Clip, number};
use exstreamtv::codec::aac::{AudioSpecificConfig, adts_header};
use exstreamtv::codec::silence::Silence;
use exstreamtv::codec::{ac3, mpeg_audio};
use exstreamtv::error::Error;
use exstreamtv::media::{AudioCodec, AudioProfile};

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
    let rates = [96_000, 44_100, 22_050, 8_000];
    let stereo = rates.map(|rate| (rate, "stereo", 2));
    let layouts = LAYOUTS.map(|(layout, channels)| (48_000, layout, channels));
    for (rate, layout, channels) in stereo.into_iter().chain(layouts) {
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

#[test]
fn aac_that_adts_cannot_carry_is_refused_in_words() {
    let own_layout = Clip::sound("mp4", 48_000, "7.1(wide)", "-c:a aac").extradata();
    let refused: [(&[u8], &str); 8] = [
        (&own_layout, "layout"),
        (&[0x2B, 0x11, 0x88, 0x00], "HE-AAC"),
        (&[0xEB, 0x09, 0x88, 0x00], "HE-AAC"),
        (&[0x13, 0x10, 0x56, 0xE5, 0xA5, 0x48], "HE-AAC"),
        (&[0x0A, 0x10], "object type 1"),
        (&[0xF9, 0x46, 0x40], "object type 42"),
        (&[0x11, 0x94], "960"),
        (&[0x17, 0x80, 0x5D, 0xC8, 0x10], "48016 Hz"),
    ];
    for (config, why) in refused {
        let error = AudioSpecificConfig::parse(config).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(why), "{config:02x?}: {error}");
    }
}

#[test]
fn a_written_out_rate_of_the_table_gets_its_index() {
    let config = AudioSpecificConfig::parse(&[0x17, 0x80, 0x5D, 0xC0, 0x10]).unwrap();
    assert_eq!(
        (config.sample_rate, config.rate_index, config.channels),
        (48_000, 3, 2)
    );
}

#[test]
fn adts_refuses_what_its_fields_cannot_say() {
    let config = AudioSpecificConfig::parse(&[0x11, 0x90]).unwrap();
    assert!(adts_header(&config, 8_184).is_ok());
    assert!(matches!(
        adts_header(&config, 8_185),
        Err(Error::OverLimit { got: 8_192, .. })
    ));
    assert!(adts_header(&config, usize::MAX).is_err());
    for channels in [0, 7, 9] {
        assert!(adts_header(&AudioSpecificConfig { channels, ..config }, 100).is_err());
    }
}

#[test]
fn substreams_that_are_heard_together_are_counted_once() {
    let stereo = AudioProfile {
        codec: AudioCodec::Eac3,
        sample_rate: 48_000,
        channels: 2,
    };
    let main = Silence::of(&stereo).unwrap().frame.to_vec();
    let mut dependent = main.clone();
    dependent[2] |= 0x40;
    let mut second_programme = main.clone();
    second_programme[2] |= 0x08;
    let mut one_block = main.clone();
    one_block[4] &= 0xCF;
    let together = [main.clone(), dependent, second_programme, main].concat();
    assert_eq!(ac3::samples_in(&together), Ok(2 * 1_536));
    assert_eq!(ac3::samples_in(&one_block.repeat(6)), Ok(1_536));
    assert!(ac3::samples_in(&together[..together.len() - 1]).is_err());
    assert_eq!(ac3::samples_in(&[]), Ok(0));
}

/// The bytes of every frame, and the facts of the stream, from ffprobe.
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
    for (rate, layout) in [
        (48_000, "mono"),
        (44_100, "stereo"),
        (32_000, "stereo"),
        (24_000, "stereo"),
        (22_050, "mono"),
        (16_000, "stereo"),
    ] {
        mpeg_agrees("mp2", AudioCodec::Mp2, rate, layout, "-c:a mp2 -b:a 64k");
        let mp3 = format!("-c:a libmp3lame -b:a 64k {bare}");
        mpeg_agrees("mp3", AudioCodec::Mp3, rate, layout, &mp3);
    }
    mpeg_agrees(
        "mp3",
        AudioCodec::Mp3,
        44_100,
        "stereo",
        &format!("-c:a libmp3lame -q:a 2 {bare}"),
    );
}
