//! The box as a board gets it, which `scripts/build` makes: what kind of program it is, and its whole
//! demo, run by qemu where the processor is another one.
//!
//! `cargo test` leaves it out, since nobody should need a cross build for every run of the tests;
//! `scripts/test` builds and runs it, and so does `scripts/build && cargo test --test cross`. Without
//! the program it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test says what failed by failing, and what it saw by printing"
)]
#![allow(dead_code, reason = "what only other tests ask of a demo")]

mod support;
mod ts_judge;

#[path = "support/activity.rs"]
mod activity;
#[path = "outside/clip.rs"]
mod clip;
#[path = "outside/demo.rs"]
mod demo;
#[path = "cross/elf.rs"]
mod elf;
#[path = "outside/guide.rs"]
mod guide;
#[path = "outside/viewer.rs"]
mod viewer;

use demo::{Demo, now_ms, text};
use elf::Elf;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use viewer::Viewer;

/// The most that it may have in a slot, in bytes.
const MOST_BYTES: usize = 12_000_000;

/// How long a channel is watched.
const WATCHED: Duration = Duration::from_secs(10);

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cross/exstreamtv")
}

fn bytes() -> Vec<u8> {
    let read = std::fs::read(program());
    read.unwrap_or_else(|why| panic!("{}: {why}; scripts/build makes it", program().display()))
}

/// What runs it here.
fn runner() -> Command {
    if cfg!(target_arch = "aarch64") {
        return Command::new(program());
    }
    let exists = |name: &&str| {
        let mut version = Command::new(name);
        let status = version.arg("--version").stdout(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let qemu = ["qemu-aarch64-static", "qemu-aarch64"];
    let qemu = qemu.into_iter().find(exists);
    let mut command = Command::new(qemu.expect("qemu runs it: install qemu-user-static"));
    command.arg(program());
    command
}

#[test]
fn it_is_one_static_program_for_64_bit_arm() {
    let bytes = bytes();
    let elf = Elf::read(&bytes);
    assert_eq!(elf.machine, elf::AARCH64);
    assert!(!elf.segments.contains(&elf::INTERP), "it wants a loader");
    assert!(!elf.sections.contains(&elf::SYMBOLS), "it is not stripped");
}

#[test]
fn it_is_smaller_than_12_mb() {
    let length = bytes().len();
    println!("{length} bytes");
    assert!(length < MOST_BYTES, "{length} bytes");
}

/// Two machines make the same bytes of the same source only if none of their paths gets in.
#[test]
fn it_does_not_know_where_it_was_built() {
    let bytes = bytes();
    let knows = |path: &str| {
        bytes
            .windows(path.len())
            .any(|part| part == path.as_bytes())
    };
    assert!(!knows(env!("CARGO_MANIFEST_DIR")), "where its source is");
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME"));
    let crates = format!("{}/", home.unwrap());
    assert!(!knows(&crates), "whose machine it is: {crates}");
    assert!(knows("exstreamtv"), "the search finds nothing");
}

#[test]
fn its_demo_is_found_has_a_guide_and_plays_what_that_says() {
    let state = tempfile::tempdir().unwrap();
    // It wants a folder that is not there yet.
    let state = state.path().join("state");
    bytes();
    let demo = Demo::run(runner(), &["--state", text(&state)]);

    let device = demo.json("/discover.json");
    assert_eq!(device["FriendlyName"], "EXStreamTV demo");
    assert_eq!(device["DeviceID"].as_str().unwrap().len(), 8);
    let lineup = demo.json("/lineup.json");
    let lineup = lineup.as_array().unwrap();
    assert_eq!(
        demo.json("/api/channels").as_array().unwrap().len(),
        lineup.len()
    );
    let page = demo.text("/");
    // All channels side by side, as in a house.
    std::thread::scope(|house| {
        for line in lineup {
            let number = line["GuideNumber"].as_str().unwrap();
            let name = line["GuideName"].as_str().unwrap();
            assert!(page.contains(name), "the page does not tell of {name}");
            let url = line["URL"].as_str().unwrap();
            assert!(url.ends_with(&format!("/auto/v{number}")), "{url}");
            let demo = &demo;
            house.spawn(move || assert_shows(demo, number));
        }
    });
    demo.until_free();
    demo.stop();
}

/// Watches a channel for a while and holds its stream against the standards and the speed of
/// television, against a second opinion, and picture by picture against the guide.
fn assert_shows(demo: &Demo, number: &str) {
    let mut told = guide::programmes(demo, number);
    let asked_ms = now_ms();
    told.retain(|programme| programme.stop_ms > asked_ms);
    let mut viewer = Viewer::tune(demo.stream(), number);
    viewer.watch(WATCHED);
    let verdict = viewer.verdict();
    verdict.assert_clean();
    assert_eq!(verdict.facts.discontinuities, 0);
    let second = ts_judge::second_opinion(viewer.packets());
    assert_eq!(second, Vec::<String>::new());
    let shown = guide::assert_shown(&told, &viewer.bytes);
    assert!(
        verdict.facts.seconds >= WATCHED.as_secs_f64(),
        "it fell behind"
    );
    println!(
        "{number}: {:.1} s of television in {WATCHED:?}, {shown} programmes, longest pause {:?}",
        verdict.facts.seconds,
        viewer.longest_pause()
    );
}
