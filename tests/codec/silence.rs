//! Silence is what a decoder hears.

use crate::clip::run;
use exstreamtv::codec::aac::{AudioSpecificConfig, SAMPLE_RATES, adts_header};
use exstreamtv::codec::silence::Silence;
use exstreamtv::media::{AudioCodec, AudioProfile};

const FRAMES: usize = 50;

fn profile(codec: AudioCodec, sample_rate: u32, channels: u8) -> AudioProfile {
    AudioProfile {
        codec,
        sample_rate,
        channels,
    }
}

/// The frame as a file would have it.
fn in_stream(profile: &AudioProfile, silence: &Silence) -> Vec<u8> {
    if profile.codec != AudioCodec::Aac {
        return silence.frame.to_vec();
    }
    let rate_index = SAMPLE_RATES
        .iter()
        .position(|rate| *rate == profile.sample_rate)
        .unwrap();
    let config = AudioSpecificConfig {
        object_type: 2,
        sample_rate: profile.sample_rate,
        channels: profile.channels,
        frame_samples: 1024,
        rate_index: u8::try_from(rate_index).unwrap(),
    };
    let header = adts_header(&config, silence.frame.len()).unwrap();
    [header.as_slice(), &silence.frame].concat()
}

fn is_silent(profile: &AudioProfile) {
    let silence = Silence::of(profile).unwrap();
    let stream = in_stream(profile, &silence).repeat(FRAMES);
    let format = match profile.codec {
        AudioCodec::Aac => "aac",
        AudioCodec::Ac3 => "ac3",
        AudioCodec::Eac3 => "eac3",
        AudioCodec::Mp2 | AudioCodec::Mp3 => "mp3",
    };
    let strict = "crccheck+bitstream+buffer+explode+careful";
    let arguments = [
        "-v",
        "warning",
        "-err_detect",
        strict,
        "-f",
        format,
        "-i",
        "pipe:0",
        "-f",
        "s16le",
        "pipe:1",
    ];
    let (pcm, errors) = run("ffmpeg", &arguments, &stream);
    assert_eq!(errors, "", "{profile:?}");
    let samples = usize::try_from(silence.samples).unwrap();
    let expected = FRAMES * samples * usize::from(profile.channels) * 2;
    assert_eq!(pcm.len(), expected, "{profile:?}");
    let loudest = pcm
        .chunks_exact(2)
        .map(|two| i16::from_le_bytes([two[0], two[1]]).unsigned_abs())
        .max();
    assert!(loudest <= Some(1), "{profile:?}: {loudest:?}");
}

#[test]
fn aac_silence_decodes_to_silence() {
    for rate in SAMPLE_RATES {
        is_silent(&profile(AudioCodec::Aac, rate, 2));
    }
    for channels in [1, 3, 4, 5, 6, 8] {
        is_silent(&profile(AudioCodec::Aac, 48_000, channels));
    }
}

#[test]
fn dolby_silence_decodes_to_silence() {
    for codec in [AudioCodec::Ac3, AudioCodec::Eac3] {
        for channels in 1..=6 {
            is_silent(&profile(codec, 48_000, channels));
        }
    }
}

#[test]
fn mpeg_audio_silence_decodes_to_silence() {
    for codec in [AudioCodec::Mp2, AudioCodec::Mp3] {
        for rate in [48_000, 44_100, 32_000, 24_000, 22_050, 16_000] {
            is_silent(&profile(codec, rate, 1));
            is_silent(&profile(codec, rate, 2));
        }
    }
}

#[test]
fn a_wrong_checksum_in_the_silence_would_be_noticed() {
    let stereo = profile(AudioCodec::Ac3, 48_000, 2);
    for at in [3, 255] {
        let mut stream = Silence::of(&stereo).unwrap().frame.repeat(FRAMES);
        stream[at] ^= 1;
        let arguments = [
            "-v",
            "warning",
            "-err_detect",
            "crccheck",
            "-f",
            "ac3",
            "-i",
            "pipe:0",
            "-f",
            "null",
            "-",
        ];
        let (_, errors) = run("ffmpeg", &arguments, &stream);
        assert!(at == 3 || errors.contains("CRC"), "{at}: {errors}");
    }
}
