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
#[path = "seams/stream.rs"]
mod stream;
mod support;
#[path = "seams/tour.rs"]
mod tour;
#[path = "seams/truth.rs"]
mod truth;
mod ts_judge;

use channel::Channel;

/// Rounds of all pairs that make two thousand seams and more.
const ROUNDS: usize = 3;

#[test]
fn two_thousand_seams_between_all_pairs() {
    let channel = Channel::of(clip::clips(), |count| tour::tours(count, ROUNDS));
    let seen = channel.watch();
    assert!(seen.airings.len() > 2_000);
    println!("{}", check::check(&channel, &seen));
}
