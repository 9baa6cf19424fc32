//! Silence is what a decoder hears.

use crate::clip::{Clip, run};
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
fn ffmpeg_would_notice_a_wrong_checksum_in_the_silence() {
    for codec in [AudioCodec::Ac3, AudioCodec::Eac3] {
        let stereo = profile(codec, 48_000, 2);
        let mut stream = Silence::of(&stereo).unwrap().frame.repeat(FRAMES);
        stream[200] ^= 1;
        let format = if codec == AudioCodec::Ac3 {
            "ac3"
        } else {
            "eac3"
        };
        let arguments = [
            "-v",
            "warning",
            "-err_detect",
            "crccheck",
            "-f",
            format,
            "-i",
            "pipe:0",
            "-f",
            "null",
            "-",
        ];
        let (_, errors) = run("ffmpeg", &arguments, &stream);
        assert!(errors.contains("CRC"), "{errors}");
    }
}

/// Divides what lies between the sync word and 5/8 of a frame by x^16 + x^15 + x^2 + 1 on paper.
fn first_part_divides(frame: &[u8]) -> bool {
    let words = frame.len() / 2;
    let part = &frame[2..(words / 2 + words / 8) * 2];
    let mut bits: Vec<bool> = part
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    for at in 0..bits.len() - 16 {
        if bits[at] {
            for term in [0, 1, 14, 16] {
                bits[at + term] ^= true;
            }
        }
    }
    !bits.contains(&true)
}

#[test]
fn ac3_silence_is_sealed_in_its_first_part_too() {
    // ffmpeg writes this checksum but does not read it, so its own frames prove the judge.
    let clip = Clip::sound("ac3", 48_000, "stereo", "-c:a ac3 -b:a 192k");
    assert!(first_part_divides(&clip.bytes[..768]));
    for channels in 1..=6 {
        let silence = Silence::of(&profile(AudioCodec::Ac3, 48_000, channels)).unwrap();
        assert!(first_part_divides(&silence.frame), "{channels}");
    }
}

#[test]
fn silence_exists_for_every_form_that_a_schedule_counts_on() {
    let mut forms = Vec::new();
    for channels in [1, 2, 3, 4, 5, 6, 8] {
        forms.extend(SAMPLE_RATES.map(|rate| profile(AudioCodec::Aac, rate, channels)));
    }
    for codec in [AudioCodec::Ac3, AudioCodec::Eac3] {
        forms.push(profile(codec, 48_000, 2));
    }
    for codec in [AudioCodec::Mp2, AudioCodec::Mp3] {
        forms
            .extend([48_000, 44_100, 32_000, 24_000, 22_050, 16_000].map(|r| profile(codec, r, 2)));
    }
    for form in forms {
        assert!(Silence::of(&form).is_ok(), "{form:?}");
    }
    for form in [
        profile(AudioCodec::Aac, 48_000, 7),
        profile(AudioCodec::Aac, 47_999, 2),
        profile(AudioCodec::Ac3, 44_100, 2),
        profile(AudioCodec::Mp3, 11_025, 2),
        profile(AudioCodec::Mp2, 48_000, 6),
    ] {
        assert!(Silence::of(&form).is_err(), "{form:?}");
    }
}
