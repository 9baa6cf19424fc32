//! What is neither picture nor sound is passed over: subtitles, attachments, covers. It is listed
//! where it is a track, and never changes what is played. (For transport streams see
//! `demux_ts/program.rs`.)

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

#[path = "demux_matroska/clip.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod clip;
#[path = "demux_matroska/drive.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod drive;

use clip::{Folder, ffmpeg};
use drive::Drive;
use exstreamtv::media::{Sample, TrackKind};
use std::path::Path;

/// The samples of a file, without the numbers of their tracks, and its tracks that are only listed.
fn play(path: &Path) -> (Vec<Sample>, Vec<(String, String)>) {
    let mut drive = Drive::new(std::fs::read(path).unwrap()).unwrap();
    let movie = drive.movie().unwrap();
    let tracks = || movie.tracks.iter().map(|one| &one.track);
    let video = tracks().find(|one| one.video().is_some()).unwrap().id;
    let audio = tracks().find(|one| one.audio().is_some()).unwrap().id;
    let (mut samples, error) = drive.play(video, Some(audio), 0);
    assert_eq!(error, None);
    // The order over both tracks is the container's affair.
    samples.sort_by_key(|one| (one.track != video, one.dts_90k));
    for sample in &mut samples {
        sample.track.0 = u64::from(sample.track != video);
    }
    let others = tracks().filter_map(|one| match &one.kind {
        TrackKind::Other { codec, why, .. } => Some((codec.clone(), why.clone())),
        TrackKind::Video(_) | TrackKind::Audio(_) => None,
    });
    (samples, others.collect())
}

#[test]
fn subtitles_and_attachments_are_passed_over() {
    let folder = Folder::new();
    let codecs = "-c:v libx264 -preset ultrafast -g 25 -bf 2 -c:a ac3";
    let subtitles = folder.path("words.srt");
    let cues = (0..40).map(|at| {
        format!(
            "{0}\n00:00:0{1},{2}00 --> 00:00:0{1},{2}50\nWord {0}\n\n",
            at + 1,
            at / 10,
            at % 10
        )
    });
    std::fs::write(&subtitles, cues.collect::<String>()).unwrap();
    let font = folder.path("font.ttf");
    std::fs::write(&font, [0x47; 300_000]).unwrap();
    let cover = folder.path("cover.jpg");
    ffmpeg("-f lavfi -i testsrc2=s=64x64:d=0.04 -frames:v 1", &cover);
    let attached = format!(
        "-c:s srt -attach {} -metadata:s:t mimetype=font/ttf",
        font.display()
    );
    for (ending, how) in [("mkv", &attached[..]), ("mp4", "-c:s mov_text")] {
        let plain = folder.encode(&format!("plain.{ending}"), "25", 4, codecs);
        let (expected, none) = play(&plain);
        assert_eq!(none, []);
        let full = folder.path(&format!("full.{ending}"));
        let inputs = format!("-i {} -i {}", plain.display(), subtitles.display());
        ffmpeg(&format!("{inputs} -map 1 -map 0 -c copy {how}"), &full);
        let (samples, others) = play(&full);
        let [(_, what)] = &others[..] else {
            panic!("{others:?}")
        };
        assert_eq!(what, "subtitles");
        assert_eq!(samples.len(), expected.len());
        assert!(samples == expected, "{ending}");
    }
    // A cover is a picture, and not the film.
    let plain = folder.path("plain.mp4");
    let full = folder.path("cover.mp4");
    let covered = format!(
        "-i {} -i {} -map 1 -map 0 -c copy -disposition:v:0 attached_pic",
        plain.display(),
        cover.display()
    );
    ffmpeg(&covered, &full);
    let (samples, _) = play(&full);
    assert!(samples == play(&plain).0);
}
