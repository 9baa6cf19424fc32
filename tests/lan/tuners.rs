//! Who comes when all tuners are taken, and how soon one is free again.

use super::home::Home;
use super::http::{exchange, send, tune};
use super::network::{BOX, Lan};
use super::replay::reset;
use std::net::Shutdown;
use std::time::{Duration, Instant};

#[test]
fn one_viewer_too_many_is_refused_as_by_hardware() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 2);
        let url = |number: &str| format!("http://{BOX}:5004/auto/v{number}");
        let _watching = [tune(&url("1984"), &[]), tune(&url("1984.1"), &[])];
        let took = (0..3).map(|_| {
            let begun = Instant::now();
            let refused = exchange("GET", &url("2"), &["Range: bytes=0-"]);
            let took = begun.elapsed();
            assert_eq!(refused.status, 503);
            assert_eq!(
                refused.header("x-hdhomerun-error"),
                Some("805 All Tuners In Use")
            );
            assert_eq!(
                (refused.header("content-length"), refused.body.len()),
                (Some("0"), 0)
            );
            took
        });
        let took: Vec<Duration> = took.collect();
        println!("refused after {took:?}");
        assert!(
            took.iter().all(|took| *took >= Duration::from_millis(490)),
            "{took:?}"
        );
        assert!(
            *took.iter().min().unwrap() < Duration::from_millis(600),
            "{took:?}"
        );
        // Who names a tuner that is in use is told so, and who only asks takes none.
        let named = exchange("GET", &format!("http://{BOX}:5004/tuner0/v2"), &[]);
        assert_eq!(named.status, 503);
        assert_eq!(named.header("x-hdhomerun-error"), Some("804 Tuner In Use"));
        assert!(named.body.is_empty());
        assert_eq!(exchange("HEAD", &url("2"), &[]).status, 200);
        home.stop();
    });
}

/// How long a tuner stays taken after its viewer has gone in some way, of three.
fn freed(home: &Home, url: &str, leave: impl Fn(std::net::TcpStream)) -> Duration {
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let viewer = tune(url, &[]);
            assert_eq!(home.busy_tuners(), 1);
            leave(viewer);
            home.until_free()
        })
        .collect();
    took.sort();
    println!("free again after {took:?}");
    took[2]
}

#[test]
fn a_viewer_who_leaves_frees_the_tuner_within_a_tenth_of_a_second() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let url = format!("http://{BOX}:5004/auto/v1984.1");
        let soon = Duration::from_millis(100);
        // FIN: in order, and with the connection kept until the box has seen that.
        let kept = std::sync::Mutex::new(Vec::new());
        let fin = freed(&home, &url, |viewer| {
            viewer.shutdown(Shutdown::Write).unwrap();
            kept.lock().unwrap().push(viewer);
        });
        let rst = freed(&home, &url, reset);
        println!("FIN {fin:?}, RST {rst:?}");
        assert!(fin < soon && rst < soon);
        // The next one gets it, without waiting for the half second that it would be given.
        let begun = Instant::now();
        for _ in 0..3 {
            reset(tune(&url, &[]));
        }
        println!("three tunes in a row with one tuner: {:?}", begun.elapsed());
        home.until_free();
        home.stop();
    });
}

#[test]
fn who_waits_for_a_tuner_gets_the_one_that_is_given_back() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let url = format!("http://{BOX}:5004/auto/v1984");
        let watching = tune(&url, &[]);
        let mut waiting = send("GET", &url, &[]);
        std::thread::sleep(Duration::from_millis(250));
        reset(watching);
        let head = super::http::head(&mut waiting);
        assert_eq!(super::http::status(&head), 200, "{head}");
        reset(waiting);
        home.until_free();
        home.stop();
    });
}
