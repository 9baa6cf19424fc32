//! Two thousand seams: clips of one profile that differ in everything else follow each other in
//! every order, on the simulated clock, and what a viewer gets is held against the clips
//! themselves, packet by packet and picture by picture.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::print_stdout,
    reason = "a test says what failed by failing"
)]

#[path = "seams/channel.rs"]
mod channel;
#[path = "seams/check.rs"]
mod check;
#[path = "seams/clip.rs"]
mod clip;
#[path = "seams/decoder.rs"]
mod decoder;
#[path = "seams/stream.rs"]
mod stream;
mod support;
#[path = "seams/tour.rs"]
mod tour;
#[path = "seams/truth.rs"]
mod truth;
mod ts_judge;

use channel::Channel;
use decoder::{Decoded, Expected};

/// Rounds of all pairs that make two thousand seams and more.
const ROUNDS: usize = 3;

#[test]
fn two_thousand_seams_between_all_pairs() {
    let channel = Channel::of(clip::clips(), |count| tour::tours(count, ROUNDS));
    let seen = channel.watch(std::io::sink());
    assert!(seen.airings.len() > 2_000);
    println!("{}", check::check(&channel, &seen));
}

#[test]
fn an_item_may_break_off_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut clips = clip::clips();
    let sources = ["film.mp4", "main.mkv", "pieces.mp4", "open.mkv"];
    clips.retain(|clip| sources.contains(&clip.name));
    let broken: Vec<_> = clips[1..]
        .iter()
        .flat_map(|whole| clip::broken_off(whole, 16, folder.path()))
        .collect();
    clips.truncate(1);
    clips.extend(broken);
    // A good one after each of them.
    let channel = Channel::of(clips, |count| (1..count).flat_map(|at| [0, at]).collect());
    println!(
        "{}",
        check::check(&channel, &channel.watch(std::io::sink()))
    );
}

#[test]
fn an_item_that_is_cut_sounds_to_its_end() {
    let cut = ["film.mp4", "slot-short.mp4", "edited.mp4"];
    let mut clips = clip::clips();
    clips.retain(|clip| cut.contains(&clip.name));
    let channel = Channel::of(clips, |count| tour::tours(count, 2));
    let account = check::check(&channel, &channel.watch(std::io::sink()));
    assert!(account.cut_frames <= 1, "{} frames", account.cut_frames);
}

/// Every decoder that people have, and what it has to return.
#[test]
fn three_decoders_return_every_picture_of_every_item() {
    let channel = Channel::of(clip::clips(), |count| tour::tours(count, 1));
    let mut file = tempfile::Builder::new().suffix(".ts").tempfile().unwrap();
    let seen = channel.watch(&mut file);
    let expected = decoder::expected(&channel, &seen);
    let path = file.path();
    std::thread::scope(|scope| {
        let mpv = scope.spawn(|| decoder::mpv(path));
        let gstreamer = scope.spawn(|| decoder::gstreamer(path));
        let sound = scope.spawn(|| decoder::ffmpeg_sound(path));
        let prints = decoder::ffmpeg(path, &[]);
        let same = expected.iter().zip(&prints);
        let wrong = same
            .clone()
            .find(|(expected, print)| expected.print != **print);
        assert_eq!(wrong, None, "ffmpeg");
        assert!(prints.len() >= expected.len(), "ffmpeg");
        same_times("mpv", &expected, &mpv.join().unwrap());
        same_times("GStreamer", &expected, &gstreamer.join().unwrap());
        assert!(
            sound.join().unwrap() >= seen.received.frames.len(),
            "ffmpeg's sound"
        );
    });
    println!("three decoders return {} pictures", expected.len());
}

/// Each picture comes out of the decoder, at its time and in its size, and no other one.
fn same_times(name: &str, expected: &[Expected], decoded: &[Decoded]) {
    for (at, (wanted, got)) in expected.iter().zip(decoded).enumerate() {
        let off_ms = got.at_ms - wanted.decoded.at_ms;
        assert!(
            off_ms.abs() < 1.0 && got.bytes == wanted.decoded.bytes,
            "{name}, picture {at}: {got:?} instead of {wanted:?}"
        );
    }
    assert!(
        decoded.len() >= expected.len(),
        "{name}: {} pictures",
        decoded.len()
    );
}
