//! Files built by hand: every way of writing blocks and Clusters.

use super::drive::Drive;
use super::material::{Material, play_built};
use super::{build, of};
use exstreamtv::media::{Sample, Sync, TrackId};

/// Frames in one block, laced in the way of its flags.
fn laced(frames: &[&Sample], flags: u8) -> Vec<u8> {
    let sizes: Vec<usize> = frames.iter().map(|frame| frame.data.len()).collect();
    let mut bytes = vec![u8::try_from(frames.len() - 1).unwrap()];
    let (_, told) = sizes.split_last().unwrap();
    match flags {
        0x02 => {
            for size in told {
                bytes.extend(std::iter::repeat_n(255, size / 255));
                bytes.push(u8::try_from(size % 255).unwrap());
            }
        }
        0x06 => {
            let mut last = None;
            for size in told {
                let size = i32::try_from(*size).unwrap();
                // Two bytes each; differences are centred on 2^13 - 1.
                let value = last.map_or(size, |last| size - last + 0x1FFF);
                bytes.extend((0x4000 | u16::try_from(value).unwrap()).to_be_bytes());
                last = Some(size);
            }
        }
        _ => {}
    }
    for frame in frames {
        bytes.extend(&frame.data);
    }
    bytes
}

#[test]
fn laced_frames_are_taken_apart_and_spread_in_time() {
    let material = Material::new();
    let sound: Vec<&Sample> = material.sound.iter().take(8).collect();
    for flags in [0x02, 0x04, 0x06] {
        let block = build::simple_block(2, 0, 0x80 | flags, &laced(&sound, flags));
        let file = build::file(&[
            build::info(),
            build::tracks(&[material.video(), material.audio(&[])]),
            build::cluster(0, &[material.picture(0, 0), block]),
        ]);
        let samples = play_built(file, Some(2));
        let got = of(&samples, TrackId(2));
        assert_eq!(got.len(), 8);
        for (n, (got, sound)) in (0_i64..).zip(got.iter().zip(&sound)) {
            assert_eq!(got.data, sound.data);
            assert_eq!((got.pts_90k, got.duration_90k), (n * 2880, 2880));
        }
    }
}

#[test]
fn stripped_headers_are_put_back() {
    let material = Material::new();
    let settings = [
        build::uint(0x4254, 3),
        build::element(0x4255, &[0x0B, 0x77]),
    ];
    let encoding = build::master(0x6240, &[build::master(0x5034, &settings)]);
    let stripping = build::master(0x6D80, &[encoding]);
    let mut blocks = vec![material.picture(0, 0)];
    for (n, frame) in (0_i16..8).zip(&material.sound) {
        blocks.push(build::simple_block(2, n * 32, 0x80, &frame.data[2..]));
    }
    let file = build::file(&[
        build::info(),
        build::tracks(&[material.video(), material.audio(&[stripping])]),
        build::cluster(0, &blocks),
    ]);
    let samples = play_built(file, Some(2));
    let got = of(&samples, TrackId(2));
    assert_eq!(got.len(), 8);
    for (got, sound) in got.iter().zip(&material.sound) {
        assert_eq!((&got.data, got.duration_90k), (&sound.data, 2880));
    }
}

#[test]
fn block_groups_say_what_depends_and_how_long_it_is_shown() {
    let material = Material::new();
    let group = |n: usize, reference_first: bool| {
        let ms = i16::try_from(n * 40).unwrap();
        let block = build::element(
            0xA1,
            &build::block_body(1, ms, 0, &material.pictures[n].data),
        );
        let duration = build::uint(0x9B, if n == 4 { 90 } else { 40 });
        let reference = build::element(0xFB, &[0xD8]);
        let extra = build::element(0x75A1, &vec![0; 200_000]);
        match (n, reference_first) {
            (0, _) => build::master(0xA0, &[block, duration]),
            (_, true) => build::master(0xA0, &[reference, duration, block, extra]),
            (_, false) => build::master(0xA0, &[block, extra, duration, reference]),
        }
    };
    let groups: Vec<_> = (0..5).map(|n| group(n, n % 2 == 0)).collect();
    let file = build::file(&[
        build::info(),
        build::tracks(&[material.video()]),
        build::cluster(0, &groups),
    ]);
    let samples = play_built(file, None);
    material.assert_pictures(&samples, 0..5);
    let durations: Vec<_> = samples.iter().map(|sample| sample.duration_90k).collect();
    assert_eq!(durations, [3600, 3600, 3600, 3600, 8100]);
    assert_eq!(samples[0].sync, Sync::RandomAccess);
    assert!(
        samples[1..]
            .iter()
            .all(|sample| sample.sync == Sync::Dependent)
    );
}

#[test]
fn unknown_sizes_and_unknown_elements_are_walked_through() {
    let material = Material::new();
    let mut clusters = Vec::new();
    for (n, whole) in material.clusters(4).iter().enumerate() {
        // The body behind the ID and the size of 5 bytes.
        let body = [
            build::element(0xBF, &[1, 2, 3, 4]),
            whole[9..].to_vec(),
            build::element(0xEC, &vec![0xAA; n * 30_000]),
        ];
        clusters.push(build::unsized_element(0x1F43_B675, &body.concat()));
        clusters.push(build::element(0x1254_C367, &[0x1F; 300]));
    }
    let segment = [
        build::element(0xEC, &[0; 40]),
        build::info(),
        build::element(0x1941_A469, &vec![0x1F; 300_000]),
        build::element(0x1234_5678, &[0; 9]),
        build::tracks(&[material.video()]),
        clusters.concat(),
    ];
    let file = [
        build::head(),
        build::unsized_element(0x1853_8067, &segment.concat()),
    ]
    .concat();
    let movie = Drive::new(file.clone()).unwrap().movie().unwrap();
    assert_eq!(movie.duration_90k, 20 * 3600);
    material.assert_pictures(&play_built(file, None), 0..20);
}

/// Found by fuzzing: the search for a Cluster came to the same place for ever.
#[test]
fn a_cluster_cut_by_the_end_of_its_segment_ends_the_film() {
    let material = Material::new();
    let whole = material.clusters(2);
    let mut parts = vec![build::info(), build::tracks(&[material.video()])];
    parts.push(whole[0].clone());
    parts.push(whole[1][..6].to_vec());
    let file = [build::file(&parts), whole[1][6..].to_vec()].concat();
    material.assert_pictures(&play_built(file, None), 0..5);
}
