//! Files that are cut or damaged.

use super::clip::Folder;
use super::drive::Drive;
use super::material::{Material, play_built};
use super::{build, chosen, of, play};
use exstreamtv::media::{Sample, TrackId};
use std::time::{Duration, Instant};

#[test]
fn a_file_cut_anywhere_ends_in_words_or_plays_as_far_as_it_goes() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -qp 40 -g 12 -bf 2 -c:a ac3 -b:a 32k";
    let film = folder.encode("whole.mkv", "25", 1, codecs);
    let live = folder.pipe(&film, "live.mkv", "-live 1");
    for path in [film, live] {
        let whole = std::fs::read(&path).unwrap();
        let all = play(&path);
        for len in (0..whole.len()).step_by(97) {
            let cut = whole[..len].to_vec();
            for sample in survive(cut, 45_000) {
                let known = all.iter().any(|known| known.data == sample.data);
                assert!(known, "a sample that the file does not have, cut at {len}");
            }
        }
    }
}

#[test]
fn flipped_bits_end_in_words_or_play_as_far_as_they_go() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -g 12 -bf 2 -c:a aac -b:a 64k";
    let film = folder.encode("whole.mkv", "25", 2, codecs);
    let live = folder.pipe(&film, "live.mkv", "-live 1");
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
    };
    for path in [film, live] {
        let whole = std::fs::read(&path).unwrap();
        for round in 0..400 {
            let mut damaged = whole.clone();
            // Most of the structure is at the front; half of the damage goes there.
            let reach = if round % 2 == 0 { 2000 } else { whole.len() };
            for _ in 0..=random(8) {
                let at = random(reach.min(whole.len()));
                damaged[at] ^= 1 << random(8);
            }
            survive(damaged, i64::from(round) * 450);
        }
    }
}

/// Plays a damaged file from its start and from a time; it has to end.
fn survive(file: Vec<u8>, time_90k: i64) -> Vec<Sample> {
    if let Ok(mut drive) = Drive::live(file.clone())
        && drive.movie().is_ok()
    {
        let (video, audio) = chosen(&mut drive);
        drive.play(video, audio, 0);
    }
    let Ok(mut drive) = Drive::new(file) else {
        return Vec::new();
    };
    let Ok(movie) = drive.movie() else {
        return Vec::new();
    };
    let tracks = movie.tracks.iter().map(|track| &track.track);
    let video = tracks
        .clone()
        .find(|track| track.video().is_some())
        .unwrap()
        .id;
    let audio = tracks.clone().find(|track| track.audio().is_some());
    let audio = audio.map(|track| track.id);
    drive.play(video, audio, time_90k);
    let (samples, _) = drive.play(video, audio, 0);
    samples
}

#[test]
fn behind_damage_playing_goes_on_with_the_next_key_frame() {
    let material = Material::new();
    let clusters = material.clusters(4);
    let mut parts = vec![build::info(), build::tracks(&[material.video()])];
    parts.extend(clusters);
    let segment = build::unsized_element(0x1853_8067, &parts.concat());
    let mut file = [build::head(), segment].concat();
    let third = file.len() - parts[5].len() - parts[4].len();
    // In the second Cluster, from its third picture on.
    let hurt = third - parts[3].len() * 2 / 5;
    file[hurt..third].fill(0);
    let mut drive = Drive::new(file.clone()).unwrap();
    drive.movie().unwrap();
    let (samples, error) = drive.play(TrackId(1), None, 0);
    assert_eq!(error, None);
    let got: Vec<_> = of(&samples, TrackId(1))
        .iter()
        .map(|sample| sample.pts_90k / 3600)
        .collect();
    assert!(got.starts_with(&[0, 1, 2, 3, 4, 5]), "{got:?}");
    assert!(
        got.ends_with(&[10, 11, 12, 13, 14, 15, 16, 17, 18, 19]),
        "{got:?}"
    );

    // Where no Cluster follows within reach, it ends in words.
    let wide = [
        file[..hurt].to_vec(),
        vec![0; 20 << 20],
        file[third..].to_vec(),
    ]
    .concat();
    let mut drive = Drive::new(wide).unwrap();
    drive.movie().unwrap();
    let (samples, error) = drive.play(TrackId(1), None, 0);
    assert!(samples.len() >= 6);
    let words = error.unwrap().to_string();
    assert!(words.contains("no further Cluster was found"), "{words}");
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

/// Every place in its last Cluster looks like the beginning of a row, and none is one.
#[test]
fn a_cluster_of_blocks_that_lead_nowhere_is_not_looked_through_again_and_again() {
    let material = Material::new();
    let mut parts = vec![build::seek_head(&[(0x1C53_BB6B, 0)]), build::info()];
    parts.push(build::tracks(&[material.video()]));
    parts.push(build::cluster(0, &[material.picture(0, 0)]));
    let tiny = [0xA3, 0x84, 0x81, 0, 0, 0].repeat(500_000);
    parts.push(build::cluster(40, &[tiny, vec![0xFF]]));
    let cue = build::cue(0, 1, build::position(&parts, 3));
    parts[0] = build::seek_head(&[(0x1C53_BB6B, build::position(&parts, parts.len()))]);
    parts.push(build::master(0x1C53_BB6B, &[cue]));
    let begun = Instant::now();
    let mut drive = Drive::new(build::file(&parts)).unwrap();
    drive.movie().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}
