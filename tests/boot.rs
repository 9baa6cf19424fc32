//! The image as a board boots it, in QEMU: U-Boot, kernel, systemd and the box on one card, with
//! updates, bad updates and power cuts.
//!
//! `cargo test` leaves it out; `scripts/test` makes the image and runs it, and so does
//! `scripts/build && scripts/image && cargo test --test boot`. Without the image it fails.

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
#[path = "boot/card.rs"]
mod card;
#[path = "outside/demo.rs"]
mod demo;
#[path = "boot/lan.rs"]
mod lan;
#[path = "boot/machine.rs"]
mod machine;
#[path = "update/uboot.rs"]
mod uboot;
#[path = "outside/viewer.rs"]
mod viewer;
#[path = "boot/write_log.rs"]
mod write_log;

#[path = "boot/power_cut.rs"]
mod power_cut;

use card::{Broken, Card};
use lan::Cable;
use machine::Machine;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use viewer::Viewer;

/// How long a channel is watched.
const WATCHED: Duration = Duration::from_secs(60);

/// What a box with two tries does with an update that never proves itself, at most.
const BACK: Duration = Duration::from_secs(900);

#[test]
fn a_card_boots_proves_itself_and_streams_for_a_minute() {
    let card = Card::new();
    let machine = Machine::start(&card);
    println!("tunable {:.1?} after power-on", machine.until_tunable());
    assert_eq!(machine.json("/discover.json")["FriendlyName"], "EXStreamTV");
    let kept = machine.until_update(|status| status["left"]["a"] == 3);
    assert_eq!((&kept["running"], &kept["boots"]), (&"a".into(), &1.into()));
    let mut viewer = Viewer::tune(machine.stream(), "1984");
    viewer.watch(WATCHED);
    let verdict = viewer.verdict();
    verdict.assert_clean();
    assert_eq!(verdict.facts.discontinuities, 0);
    assert_eq!(
        ts_judge::second_opinion(viewer.packets()),
        Vec::<String>::new()
    );
    assert!(verdict.facts.seconds >= WATCHED.as_secs_f64(), "too slow");
    println!("{:.1} s in {WATCHED:?}", verdict.facts.seconds);
}

/// Another board, another way to the card and to the network, the same bytes on the card.
#[test]
fn the_same_card_boots_in_another_board() {
    let card = Card::new();
    let machine = Machine::start_in("raspi3b", &card);
    println!("tunable {:.1?} after power-on", machine.until_tunable());
    machine.until_update(|status| status["left"]["a"] == 3);
}

/// Whoever is on the LAN finds the doors that docs/card.md lists, and no sign of anything else.
#[test]
fn a_port_scan_finds_our_doors_and_nothing_else() {
    let card = Card::new();
    let cable = Cable::new(card.folder());
    let machine = Machine::start_on(&cable, &card);
    machine.until_tunable();
    let [open, refused] = cable.knock(1..=u16::MAX);
    assert_eq!(open, BTreeSet::from([80, 5004, 8411, 65001]));
    assert_eq!(refused, BTreeSet::new());
}

#[test]
fn a_good_update_is_kept_and_left_again_when_it_goes_bad_later() {
    let card = Card::new();
    let machine = Machine::start(&card);
    machine.until_tunable();
    let told = machine.ota(&card::bundle("0.1.1", None)).unwrap();
    println!("{told}");
    let status = machine.until_update(|status| status["running"] == "b");
    assert_eq!(status["order"], "b");
    assert!(status["trial"].is_null(), "{status}");
    assert_eq!(status["last"]["outcome"], "kept");
    // What was kept goes bad: its initrd is gone, as from a worn card.
    machine.cut();
    card.spoil("b");
    let machine = Machine::start(&card);
    machine.until_tunable();
    let status = machine.until_update(|status| status["left"]["a"] == 3);
    assert_eq!(status["running"], "a");
}

#[test]
fn updates_that_are_bad_come_back_to_the_slot_that_held() {
    let card = Card::new();
    let machine = Machine::start(&card);
    machine.until_tunable();
    for (version, broken) in [
        ("0.1.2", Broken::Panics),
        ("0.1.3", Broken::Hangs),
        ("0.1.4", Broken::Corrupt),
        ("0.1.5", Broken::Unhealthy),
    ] {
        machine.until_update(|status| status["running"] == "a" && status["left"]["a"] == 3);
        let bundle = card::bundle(version, Some(broken));
        let sent = Instant::now();
        let told = machine.ota(&bundle);
        assert!(told.is_err(), "{broken:?}: {told:?}");
        let status = machine.until_within(BACK, |status| {
            status["running"] == "a"
                && status["last"]["version"] == version
                && status["last"]["outcome"] == "failed"
        });
        assert_eq!(status["order"], "a");
        assert_eq!(status["left"]["b"], 0);
        machine.until_tunable();
        println!("{broken:?}: back after {:.0?}", sent.elapsed());
    }
}

#[test]
fn what_is_not_signed_or_not_whole_is_refused_before_anything_is_written() {
    let card = Card::new();
    let machine = Machine::start(&card);
    machine.until_tunable();
    let good = card::bundle("0.1.1", None);
    let before = machine.until_update(|status| status["left"]["a"] == 3);
    for (odd, why) in [
        (card::unsigned(&good), "is not signed by a key"),
        (card::cut_short(&good), "is cut off"),
    ] {
        let told = machine.ota(&odd).unwrap_err();
        println!("{told}");
        assert!(told.contains(why), "{told}");
    }
    let after = machine.until_update(|_| true);
    assert_eq!(before["order"], after["order"]);
    assert_eq!(after["running"], "a");
    assert!(after["trial"].is_null());
}

#[test]
fn power_cuts_in_an_update_leave_a_box_that_boots() {
    // How many, and where, is printed: a failure can be had again.
    let cuts: u64 = std::env::var("EXSTREAMTV_CUTS").map_or(2, |cuts| cuts.parse().unwrap());
    let good = card::bundle("0.1.1", None);
    let card = Card::new();
    let mut machine = Machine::start(&card);
    machine.until_tunable();
    for cut in 0..cuts {
        // Spread over the writing and the boot behind it.
        let after = Duration::from_millis(700 + cut * 37_000 / cuts.max(1));
        let sending = machine.ota_in_background(&good);
        std::thread::sleep(after);
        machine.cut();
        drop(sending);
        machine = Machine::start(&card);
        let tunable = machine.until_tunable();
        let status = machine
            .until_update(|status| status["left"][&status["running"].as_str().unwrap()] == 3);
        println!(
            "cut {after:?} after the first byte: slot {} after {tunable:.1?}",
            status["running"]
        );
        assert_eq!(machine.json("/lineup.json").as_array().unwrap().len(), 4);
    }
}
