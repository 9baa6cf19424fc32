//! Updates that do not come to their end.

use crate::box_::{Updater, lines, until};
use crate::card::Desk;
use crate::uboot;
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

const INSTALL: &str = "{\"ask\":\"install\"}";

/// The running slot is as it was, and is the one that is booted, with nothing in the other one.
fn holds(desk: &Desk, before: &[u8], what: &str) {
    assert!(
        desk.slot(0) == before,
        "{what}: the running slot has changed"
    );
    assert!(!desk.loads("b"), "{what}: half a slot can be loaded");
    assert_eq!(desk.boot(), "a", "{what}");
}

#[test]
fn a_client_that_leaves_midway_leaves_an_unusable_slot_and_nothing_else() {
    let desk = Desk::new();
    let good = std::fs::read(desk.good("0.2.0")).unwrap();
    let before = desk.slot(0);
    let updater = Updater::start(&desk, "a");
    let mut socket = updater.begin(INSTALL);
    socket.write_all(&good[..20 << 20]).unwrap();
    drop(socket);
    until("the update does not end", || {
        let status = updater.status();
        (status["last"]["outcome"] == "failed").then_some(())
    });
    let status = updater.status();
    assert_eq!(status["left"]["b"], 0, "{status}");
    assert_eq!(
        (&status["order"], &status["trial"]),
        (&"a".into(), &().into()),
        "{status}"
    );
    assert_eq!(
        (&status["slots"]["b"], &status["installing"]),
        (&().into(), &().into())
    );
    assert_eq!(status["last"]["version"], "0.2.0");
    holds(&desk, &before, "a client that left");
    // The next one is taken.
    let answer = updater.install(&good, None);
    assert_eq!(answer["installed"], "0.2.0", "{answer}");
}

#[test]
fn a_bundle_damaged_midway_leaves_an_unusable_slot_and_nothing_else() {
    let desk = Desk::new();
    let mut bundle = std::fs::read(desk.good("0.2.0")).unwrap();
    let before = desk.slot(0);
    let at = bundle.len() - (3 << 20);
    bundle[at] ^= 0x10;
    let updater = Updater::start(&desk, "a");
    let answer = updater.install(&bundle, Some(bundle.len()));
    let failed = answer["failed"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"));
    assert!(failed.contains("damaged"), "{failed}");
    holds(&desk, &before, "a damaged bundle");
}

#[test]
fn one_update_is_written_at_a_time() {
    let desk = Desk::new();
    let good = std::fs::read(desk.small("0.2.0")).unwrap();
    let updater = Updater::start(&desk, "a");
    let mut first = updater.begin(INSTALL);
    first.write_all(&good[..3 << 20]).unwrap();
    until("nothing is written", || {
        (updater.status()["installing"]["written"].as_u64()? > 0).then_some(())
    });
    let second = updater.install(&good, Some(good.len()));
    assert!(
        second["refused"].as_str().unwrap().contains("Another"),
        "{second}"
    );
    let restart = updater.ask("{\"ask\":\"restart\"}").remove(0);
    assert!(restart["refused"].is_string(), "{restart}");
    // Meanwhile the running slot is kept, which changes nothing for the other one.
    assert_eq!(
        updater.ask("{\"ask\":\"keep\"}"),
        [serde_json::json!({"kept": "a"})]
    );
    first.write_all(&good[3 << 20..]).unwrap();
    let answers = lines(first);
    assert_eq!(answers.last().unwrap()["installed"], "0.2.0");
    let status = updater.status();
    assert_eq!(
        (&status["order"], &status["left"]["b"]),
        (&"b".into(), &2.into()),
        "{status}"
    );
}

#[test]
fn how_far_it_is_grows_and_comes_seldom() {
    let desk = Desk::new();
    let good = std::fs::read(desk.small("0.2.0")).unwrap();
    let updater = Updater::start(&desk, "a");
    let mut socket = updater.begin(INSTALL);
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let begun = std::time::Instant::now();
    for piece in good.chunks(256 << 10) {
        socket.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(15));
    }
    let (mut count, mut last) = (0, 0);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
        line.clear();
        let Some(written) = answer["written"].as_u64() else {
            assert_eq!(answer["installed"], "0.2.0");
            continue;
        };
        assert!(written >= last && written <= answer["of"].as_u64().unwrap());
        (count, last) = (count + 1, written);
    }
    let most = begun.elapsed().as_millis() / 100 + 1;
    assert!(
        (1..=most).contains(&count),
        "{count} in {:?}",
        begun.elapsed()
    );
}

/// The power goes at a hundred moments of an update: the program is killed, and what it had
/// written until then is on the card.
#[test]
fn killed_at_any_moment_the_running_slot_is_whole_and_booted() {
    let desk = Desk::new();
    // In turns, so that what is left of one cannot be taken for the other.
    let both = ["0.2.0", "0.3.0"].map(|version| {
        let bundle = std::fs::read(desk.small(version)).unwrap();
        (bundle, std::fs::read(desk.at("noise")).unwrap())
    });
    // What ran before the version that runs now is still in the other slot.
    desk.fill(1, &both[1].1);
    let before = desk.slot(0);
    let (mut midway, mut whole) = (0, 0);
    // Within this time of the beginning, in microseconds: shorter where most updates were done by
    // then, since nobody knows how fast this machine is.
    let mut span_us = 100_000_u64;
    for round in 0..100_u64 {
        let mut updater = Updater::start(&desk, "a");
        let (good, image) = &both[usize::from(round % 2 == 1)];
        let head = good.len() - image.len();
        // It proves itself: only then may the other slot be written.
        updater.ask("{\"ask\":\"keep\"}");
        let mut socket = updater.begin(INSTALL);
        let mut sent = head;
        socket.write_all(&good[..head]).unwrap();
        let moment = Duration::from_micros(
            u64::from_le_bytes(crate::card::noise(8, round * 977 + 3).try_into().unwrap())
                % span_us,
        );
        let begun = std::time::Instant::now();
        socket.set_nonblocking(true).unwrap();
        while begun.elapsed() < moment {
            match socket.write(&good[sent..]) {
                Ok(more) => sent += more,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(error) => panic!("{error}"),
            }
            if sent == good.len() {
                break;
            }
        }
        std::thread::sleep(moment.saturating_sub(begun.elapsed()));
        updater.kill();
        socket.set_nonblocking(false).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
        let sectors = desk.sectors();
        assert!(
            sectors.iter().any(|sector| uboot::import(sector).is_some()),
            "{round}: no record is whole"
        );
        let (record, _) = uboot::chosen(&sectors);
        assert_eq!(
            record["hue"], "red",
            "{round}: what was there besides is lost"
        );
        assert!(
            desk.slot(0) == before,
            "{round}: the running slot has changed"
        );
        if record["order"] == "b" {
            // It was just done: then the other slot is whole.
            whole += 1;
            span_us = (span_us * 4 / 5).max(2_000);
            assert!(
                desk.slot(1)[..image.len()] == *image,
                "{round}: the new slot is not whole"
            );
        } else {
            assert_eq!(record["order"], "a", "{round}");
            let slot = desk.slot(1);
            let is_whole = both.iter().any(|(_, image)| slot[..image.len()] == *image);
            midway += u32::from(!is_whole);
            span_us = (span_us * 5 / 4).min(2_000_000);
            assert!(
                is_whole || slot[..512] == [0; 512],
                "{round}: half a slot can be loaded"
            );
        }
        assert_eq!(desk.boot(), "a", "{round}");
    }
    println!("{midway} were midway, {whole} were done");
    assert!(midway > 20, "only {midway} were midway, {whole} were done");
}

#[test]
fn torn_records_are_read_around_and_written_anew() {
    let desk = Desk::new();
    let whole = desk.sectors()[1];
    let torn = [[0; 512], [0xff; 512], {
        let mut half = whole;
        half[20..].fill(0);
        half
    }];
    for bad in torn {
        desk.set_sectors([bad, whole]);
        let updater = Updater::start(&desk, "a");
        assert_eq!(updater.status()["left"]["b"], 0);
        drop(updater);
        desk.set_sectors([bad, bad]);
        let updater = Updater::start(&desk, "a");
        let status = updater.status();
        assert_eq!(
            (&status["left"]["b"], &status["boots"]),
            (&3.into(), &0.into()),
            "{status}"
        );
        updater.ask("{\"ask\":\"keep\"}");
        assert_eq!(updater.status()["order"], "a");
    }
}
