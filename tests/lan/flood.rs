//! Ten thousand discovery packets a second, for ten seconds, while somebody watches.

use super::discovery::{BROADCAST, Seeker, UNICAST, anything};
use super::frame;
use super::home::Home;
use super::network::{BOX, CLIENT, Lan};
use super::viewer::Viewer;
use std::thread;
use std::time::{Duration, Instant};

const PER_SECOND: u64 = 10_000;
const SECONDS: u64 = 10;

/// Sends that many, evenly, some of them broken; nobody reads the answers.
fn flood() -> u64 {
    let seeker = Seeker::at(CLIENT);
    let mut broken = anything();
    broken[17] ^= 1;
    let kinds = [
        anything(),
        frame::discover(1, u32::MAX),
        broken,
        vec![0xff; 1_400],
    ];
    let begun = Instant::now();
    let mut sent = 0;
    while sent < PER_SECOND * SECONDS {
        // Whatever is due by now, then a little rest.
        let due = begun.elapsed().as_micros() as u64 * PER_SECOND / 1_000_000;
        for at in sent..due.min(PER_SECOND * SECONDS) {
            let to = if at % 2 == 0 { BROADCAST } else { UNICAST };
            seeker.send(&kinds[at as usize % kinds.len()], to);
        }
        sent = due.min(PER_SECOND * SECONDS);
        thread::sleep(Duration::from_millis(1));
    }
    println!("{sent} packets in {:?}", begun.elapsed());
    sent
}

#[test]
fn a_flood_of_questions_costs_no_stream_a_packet() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut viewer = Viewer::tune(&format!("{BOX}:5004"), "1984");
        let client = &lan.client;
        thread::scope(|scope| {
            let flooding = scope.spawn(move || client.within(flood));
            viewer.watch(Duration::from_secs(SECONDS + 2));
            assert_eq!(flooding.join().unwrap(), PER_SECOND * SECONDS);
        });
        let verdict = viewer.verdict();
        println!("{verdict}");
        verdict.assert_clean();
        assert_eq!(verdict.facts.discontinuities, 0);
        let second = super::ts_judge::second_opinion(viewer.packets());
        assert_eq!(second, Vec::<String>::new());
        println!("longest pause: {:?}", viewer.longest_pause());
        drop(viewer);
        // A stranger is answered afterwards, and so is the one who flooded once some time is over.
        let begun = Instant::now();
        while !Seeker::at(CLIENT).is_answered(&anything(), UNICAST) {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "it has gone silent"
            );
        }
        println!("answers again after {:?}", begun.elapsed());
        home.stop();
    });
}
