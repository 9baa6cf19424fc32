//! Cues and other tables in files built by hand.

use super::build;
use super::drive::Drive;
use super::material::Material;
use exstreamtv::media::TrackId;

#[test]
fn tables_behind_the_clusters_are_found() {
    let material = Material::new();
    let clusters = material.clusters(4);
    let cues = |parts: &[Vec<u8>], first: usize| {
        let points: Vec<_> = (0..4)
            .map(|n| {
                let at = build::position(parts, first + n);
                build::cue(u64::try_from(n * 200).unwrap(), 1, at)
            })
            .collect();
        build::master(0x1C53_BB6B, &points)
    };
    // By a SeekHead that leads to a second one.
    let mut parts = vec![build::seek_head(&[(0x114D_9B74, 0)])];
    parts.extend(clusters.clone());
    parts.extend([
        build::info(),
        build::tracks(&[material.video()]),
        cues(&parts, 1),
    ]);
    let second = parts.len();
    parts.push(build::seek_head(&[
        (0x1549_A966, build::position(&parts, 5)),
        (0x1654_AE6B, build::position(&parts, 6)),
        (0x1C53_BB6B, build::position(&parts, 7)),
    ]));
    parts[0] = build::seek_head(&[(0x114D_9B74, build::position(&parts, second))]);
    let told = build::file(&parts);
    // Without any SeekHead, with Tags behind.
    let mut parts = vec![build::info(), build::tracks(&[material.video()])];
    parts.extend(clusters);
    parts.extend([cues(&parts, 2), build::element(0x1254_C367, &[0; 500])]);
    let untold = build::file(&parts);
    for file in [told, untold] {
        let mut drive = Drive::new(file).unwrap();
        let movie = drive.movie().unwrap();
        assert_eq!(movie.duration_90k, 20 * 3600);
        for n in 0..20 {
            let time_90k = i64::try_from(n).unwrap() * 3600;
            let (samples, _) = drive.play(TrackId(1), None, time_90k);
            material.assert_pictures(&samples, n - n % 5..20);
        }
    }
}

/// Five thousand key frames; not all of them are kept.
#[test]
fn cues_that_are_too_many_are_thinned_and_still_exact() {
    let material = Material::new();
    let mut parts = vec![build::seek_head(&[(0x1C53_BB6B, 0)]), build::info()];
    parts.push(build::tracks(&[material.video()]));
    let key = build::element(
        0xA3,
        &build::block_body(1, 0, 0x80, &material.pictures[0].data),
    );
    let mut points = Vec::new();
    let mut at = build::position(&parts, 3);
    for n in 0..5000 {
        let cluster = build::cluster(n * 1000, std::slice::from_ref(&key));
        points.push(build::cue(n * 1000, 1, at));
        at += u64::try_from(cluster.len()).unwrap();
        parts.push(cluster);
    }
    parts[0] = build::seek_head(&[(0x1C53_BB6B, at)]);
    parts.push(build::master(0x1C53_BB6B, &points));
    let mut drive = Drive::new(build::file(&parts)).unwrap();
    drive.movie().unwrap();
    for second in [
        0_i64, 1, 2, 77, 78, 2499, 2501, 4095, 4096, 4097, 4998, 4999, 6000,
    ] {
        let before = drive.requests;
        let first = drive.first(TrackId(1), None, second * 90_000 + 4000);
        assert_eq!(first.pts_90k, second.min(4999) * 90_000);
        assert!(
            drive.requests - before <= 3,
            "{} requests",
            drive.requests - before
        );
    }
}

/// One Cue for thirty key frames.
#[test]
fn key_frames_without_a_cue_are_found_too() {
    let material = Material::new();
    let mut parts = vec![build::seek_head(&[(0x1C53_BB6B, 0)]), build::info()];
    parts.push(build::tracks(&[material.video()]));
    let first = parts.len();
    parts.extend((0..90).map(|n| build::cluster(n * 1000, &[material.picture(0, 0)])));
    let cues: Vec<_> = (0..3)
        .map(|n| {
            build::cue(
                n * 30_000,
                1,
                build::position(&parts, first + 30 * n as usize),
            )
        })
        .collect();
    parts[0] = build::seek_head(&[(0x1C53_BB6B, build::position(&parts, parts.len()))]);
    parts.push(build::master(0x1C53_BB6B, &cues));
    let mut drive = Drive::new(build::file(&parts)).unwrap();
    assert_eq!(drive.movie().unwrap().duration_90k, 89 * 90_000 + 3600);
    for second in [0, 1, 14, 15, 29, 30, 59, 80, 89] {
        let first = drive.first(TrackId(1), None, second * 90_000 + 4000);
        let allowed = if second % 30 >= 15 {
            second
        } else {
            second - second % 30
        };
        assert_eq!(first.pts_90k, allowed * 90_000, "at {second}");
    }
}

/// A Cue that leads back before the first Cluster's time.
#[test]
fn a_film_never_ends_before_it_begins() {
    let material = Material::new();
    let mut parts = vec![build::seek_head(&[(0x1C53_BB6B, 0)]), build::info()];
    parts.push(build::tracks(&[material.video()]));
    parts.extend([5000, 0].map(|ms| build::cluster(ms, &[material.picture(0, 0)])));
    let cue = build::cue(9000, 1, build::position(&parts, 4));
    parts[0] = build::seek_head(&[(0x1C53_BB6B, build::position(&parts, parts.len()))]);
    parts.push(build::master(0x1C53_BB6B, &[cue]));
    let mut drive = Drive::new(build::file(&parts)).unwrap();
    assert_eq!(drive.movie().unwrap().duration_90k, 0);
}
