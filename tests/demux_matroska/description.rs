//! Tracks as they are described, and files that are refused in words.

use super::build;
use super::drive::Drive;
use super::material::{Material, play_built};
use exstreamtv::media::{TrackId, TrackKind};

#[test]
fn tracks_are_described_and_what_cannot_be_carried_says_why() {
    let material = Material::new();
    let zlib = build::master(
        0x6D80,
        &[build::master(0x6240, &[build::master(0x5034, &[])])],
    );
    let entries = [
        material.video(),
        material.audio(&[
            build::text(0x22_B59C, "ger"),
            build::text(0x22_B59D, "fr-CA"),
            build::text(0x536E, "Director's Commentary"),
        ]),
        build::track(
            3,
            2,
            "A_AAC/MPEG4/LC",
            &[
                build::master(
                    0xE1,
                    &[
                        build::element(0xB5, &44_100_f32.to_be_bytes()),
                        build::uint(0x9F, 2),
                    ],
                ),
                build::uint(0xB9, 0),
            ],
        ),
        build::track(4, 2, "A_DTS", &[build::text(0x22_B59C, "und")]),
        build::track(5, 17, "S_TEXT/UTF8", &[build::uint(0x88, 0)]),
        build::track(6, 2, "A_AC3", &[zlib, build::uint(0x55AF, 1)]),
        build::track(7, 1, "V_AV1", &[]),
    ];
    let file = build::file(&[
        build::info(),
        build::tracks(&entries),
        build::cluster(0, &[material.picture(0, 0)]),
    ]);
    let mut drive = Drive::new(file).unwrap();
    let movie = drive.movie().unwrap();
    let facts: Vec<_> = movie
        .tracks
        .iter()
        .map(|listed| {
            let track = &listed.track;
            let kind = match &track.kind {
                TrackKind::Video(video) => {
                    format!("{:?} {}x{}", video.codec, video.width, video.height)
                }
                TrackKind::Audio(audio) => {
                    format!("{:?} {} {}", audio.codec, audio.sample_rate, audio.channels)
                }
                TrackKind::Other { medium, codec, why } => format!("{codec}: {medium:?}: {why}"),
            };
            format!(
                "{kind} {} {:?} {}",
                track.language, track.role, track.default
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            "H264 160x120 eng Main true",
            "Ac3 48000 1 fra Commentary true",
            "Aac 44100 2 eng Main false",
            "A_DTS: Audio: this codec is not carried und Main true",
            "S_TEXT/UTF8: Neither: subtitles eng Main false",
            "A_AC3: Audio: its frames are compressed with zlib eng Commentary true",
            "V_AV1: Video: this codec is not carried eng Main true",
        ]
    );
    assert_eq!(movie.tracks[2].config[..], [0x12, 0x10]);
    assert_eq!(movie.tracks[0].config[..], material.video_config);
    for (video, audio) in [
        (2, None),
        (9, None),
        (1, Some(4)),
        (1, Some(1)),
        (1, Some(5)),
    ] {
        let started = drive.demuxer.start(TrackId(video), audio.map(TrackId), 0);
        assert!(started.is_err(), "{video} {audio:?}");
    }
}

#[test]
fn what_cannot_be_played_is_refused_in_words() {
    let material = Material::new();
    let picture = build::cluster(0, &[material.picture(0, 0)]);
    let video = build::tracks(&[material.video()]);
    let sound_only = build::tracks(&[material.audio(&[])]);
    let no_scale = build::master(0x1549_A966, &[build::uint(0x2A_D7B1, 0)]);
    let av1 = build::tracks(&[build::track(1, 1, "V_AV1", &[])]);
    let mut huge = build::file(&[
        build::info(),
        vec![0x16, 0x54, 0xAE, 0x6B, 0x08, 0x7F, 0xFF, 0xFF, 0xFF],
    ]);
    huge.extend([0xAE, 0x08, 0x7F, 0xFF, 0xFF, 0xFF, 0xD7]);
    let mut deep = Vec::new();
    for _ in 0..60 {
        deep = build::master(0xAE, &[deep]);
    }
    let refused = [
        (
            build::head_of("other"),
            "EBML document of the type \"other\"",
        ),
        (build::head(), "Segment at byte"),
        (build::file(&[]), "there is no Cluster"),
        (
            build::file(&[build::info(), video.clone()]),
            "there is no Cluster",
        ),
        (
            build::file(&[build::info(), picture.clone()]),
            "no Tracks element",
        ),
        (
            build::file(&[build::info(), sound_only, picture.clone()]),
            "it has no video that can be carried",
        ),
        (
            build::file(&[build::info(), av1, picture.clone()]),
            "no video that can be carried (V_AV1: this codec is not carried)",
        ),
        (
            build::file(&[no_scale, video.clone(), picture.clone()]),
            "Segment/Info at byte 72: TimestampScale is 0",
        ),
        (
            build::file(&[build::info(), video.clone(), build::cluster(0, &[])]),
            "no frame of its video was found",
        ),
        (huge, "Segment/Tracks/TrackEntry at byte"),
        (
            build::file(&[build::info(), build::tracks(&[deep]), picture]),
            "a track has no number",
        ),
    ];
    for (file, words) in refused {
        let error = Drive::new(file).unwrap().movie().unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} in place of {words:?}");
    }
}

#[test]
fn lengths_are_not_believed() {
    // A Cluster of two gigabytes in a file of a hundred bytes, and blocks as long as they like.
    let material = Material::new();
    let mut file = build::file(&[build::info(), build::tracks(&[material.video()])]);
    let segment_size = file.len() + 1_000_000;
    let at = build::head().len() + 5;
    file[at..at + 4].copy_from_slice(&u32::try_from(segment_size).unwrap().to_be_bytes());
    file.extend([
        0x1F, 0x43, 0xB6, 0x75, 0x08, 0x7F, 0xFF, 0xFF, 0xFF, 0xE7, 0x81, 0,
    ]);
    file.extend(material.picture(0, 0));
    file.extend([0xA3, 0x08, 0x7F, 0xFF, 0xFF, 0xF0, 0x81, 0, 40, 0]);
    let samples = play_built(file, None);
    material.assert_pictures(&samples, 0..1);
}
