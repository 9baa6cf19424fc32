//! Two boxes with one number, as copies of one card make them.

use super::demo::PATIENCE;
use super::home::Home;
use super::http::exchange;
use super::network::{BOX, CLIENT, FIRST, Lan};
use std::net::{Ipv4Addr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until the page of the box at `at` tells of another one at `twin`.
fn is_told(at: Ipv4Addr, twin: Ipv4Addr) {
    let sentence = format!("Another device, at {twin}, says that it is the HDHomeRun");
    let begun = Instant::now();
    loop {
        let page = exchange("GET", &format!("http://{at}:8411/"), &[]).body;
        if String::from_utf8(page).unwrap().contains(&sentence) {
            return println!("told of {twin} after {:?}", begun.elapsed());
        }
        assert!(begun.elapsed() < PATIENCE, "{at} does not tell of {twin}");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn another_device_with_the_same_number_is_shown() {
    let lan = Lan::new();
    lan.client.within(|| {
        let (first, second) = Home::twins(&lan);
        assert_eq!(first.id(), second.id());
        is_told(CLIENT, BOX);
        // The first one looks again when its network changes, and does not take itself for another.
        lan.box_host.address(FIRST, "10.97.0.1/24");
        is_told(BOX, CLIENT);
        second.stop();
        lan.box_host.without_address(FIRST, "10.97.0.1/24");
        let begun = Instant::now();
        let tells = || {
            let page = exchange("GET", &format!("http://{BOX}:8411/"), &[]).body;
            String::from_utf8(page).unwrap().contains("Another device")
        };
        while tells() {
            assert!(
                begun.elapsed() < PATIENCE,
                "the twin is gone, and still told of"
            );
            sleep(Duration::from_millis(100));
        }
        first.stop();
    });
}

/// A relay of discovery, as `docker run -p 65001:65001/udp` is one: it hands the box's own question
/// back to the box, and its answer back to where the question came from.
#[test]
fn a_relay_is_no_twin() {
    let lan = Lan::new();
    lan.client.within(|| {
        let door = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, super::PORT)).unwrap();
        let (told_tx, told_rx) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 2_000];
            while let Ok((length, asker)) = door.recv_from(&mut bytes) {
                let on = UdpSocket::bind((CLIENT, 0)).unwrap();
                on.set_read_timeout(Some(Duration::from_millis(300)))
                    .unwrap();
                on.send_to(&bytes[..length], (BOX, super::PORT)).unwrap();
                if let Ok(length) = on.recv(&mut bytes) {
                    door.send_to(&bytes[..length], asker).unwrap();
                    let _ = told_tx.send(());
                }
            }
        });
        let home = Home::demo(&lan);
        told_rx.recv_timeout(PATIENCE).unwrap();
        // Whatever it makes of that, it has done so when it has waited for others.
        sleep(Duration::from_secs(2));
        let page = exchange("GET", &format!("http://{BOX}:8411/"), &[]).body;
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains("Another device"));
        home.stop();
    });
}
