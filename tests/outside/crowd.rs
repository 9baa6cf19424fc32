//! Many viewers at once, and many in a row.

use super::alone;
use super::demo::{Demo, PATIENCE, program};
use super::viewer::{Viewer, ask};
use serde_json::Value;
use socket2::SockRef;
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What the box may hold with 34 channels on air: DESIGN §1.
const MOST_KIB: u64 = 96 << 10;

/// Memory that the box may keep when everybody has left.
const KEPT_KIB: u64 = 8 << 10;

fn numbers(demo: &Demo) -> Vec<String> {
    let lineup = demo.json("/lineup.json");
    let lines = lineup.as_array().unwrap().iter();
    let number = |line: &Value| line["GuideNumber"].as_str().unwrap().to_owned();
    lines.map(number).collect()
}

#[test]
fn thirty_four_channels_at_once() {
    let _machine = alone();
    // What is freed is to be seen: glibc would keep it for the next ones.
    let mut command = program();
    command.env("MALLOC_MMAP_THRESHOLD_", "65536");
    command.env("MALLOC_TRIM_THRESHOLD_", "131072");
    let demo = Demo::run(command, &["--channels", "34"]);
    let numbers = numbers(&demo);
    assert_eq!(numbers.len(), 34);
    let before = demo.memory();
    let files = demo.open_files();

    let watching = AtomicBool::new(true);
    let (viewers, during) = thread::scope(|scope| {
        let watch = |number: &String| {
            let mut viewer = Viewer::tune(demo.stream(), number);
            viewer.watch(Duration::from_secs(20));
            viewer
        };
        let threads: Vec<_> = numbers
            .iter()
            .map(|number| scope.spawn(move || watch(number)))
            .collect();
        let most = scope.spawn(|| {
            let mut most = demo.memory();
            while watching.load(Ordering::Relaxed) {
                let now = demo.memory();
                if now.resident_kib > most.resident_kib {
                    most = now;
                }
                thread::sleep(Duration::from_millis(200));
            }
            most
        });
        thread::sleep(Duration::from_secs(10));
        assert_eq!(demo.busy_tuners(), 34, "each viewer has a tuner");
        let join = |thread: thread::ScopedJoinHandle<'_, Viewer>| thread.join();
        let viewers: Result<Vec<Viewer>, _> = threads.into_iter().map(join).collect();
        watching.store(false, Ordering::Relaxed);
        (viewers.expect("all of them watch"), most.join().unwrap())
    });
    let (mut waited, mut paused) = (Duration::ZERO, Duration::ZERO);
    let mut speeds = Vec::new();
    for (viewer, number) in viewers.iter().zip(&numbers) {
        let verdict = viewer.verdict();
        assert!(
            verdict.problems.is_empty(),
            "channel {number}, the judge found:\n{verdict}"
        );
        let pace = verdict.facts.pace.unwrap();
        assert!(pace.burst_s > 4.5, "channel {number}: {pace:?}");
        speeds.push(pace.speed);
        waited = waited.max(viewer.waited);
        paused = paused.max(viewer.longest_pause());
    }
    drop(viewers);
    speeds.sort_by(f64::total_cmp);
    println!(
        "34 viewers: speed {:.4} to {:.4}, first answer after at most {waited:?}, longest pause \
         {paused:?}",
        speeds[0], speeds[33]
    );

    println!("before: {before}\nduring: {during}");
    demo.until_free();
    let begun = Instant::now();
    let after = loop {
        let now = demo.memory();
        let returned = now.resident_kib <= before.resident_kib + KEPT_KIB;
        if returned && demo.open_files() <= files {
            break now;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{now} and {} files, after {before} and {files} files",
            demo.open_files()
        );
        thread::sleep(Duration::from_millis(100));
    };
    println!("after:  {after}");
    assert!(demo.peak_kib() <= MOST_KIB, "{} KiB", demo.peak_kib());
    demo.stop();
}

/// How a viewer leaves.
#[derive(Debug, Clone, Copy)]
enum Leaving {
    /// Before anything was answered.
    AtOnce,
    /// With the first packets.
    Zapping,
    /// In the middle of the stream, with what came still unread, so that the kernel resets.
    Rudely,
}

fn come_and_go(demo: &Demo, leaving: Leaving) {
    match leaving {
        Leaving::AtOnce => drop(ask(demo.stream(), "/auto/v1984")),
        Leaving::Zapping => {
            assert!(Viewer::tune(demo.stream(), "1984.1").sees_packets());
        }
        Leaving::Rudely => {
            let socket: TcpStream = ask(demo.stream(), "/auto/v2");
            socket.peek(&mut [0]).unwrap();
            let no_time = Some(Duration::ZERO);
            SockRef::from(&socket).set_linger(no_time).unwrap();
        }
    }
}

/// Holds that every tuner is free within 100 ms after the last viewer has gone.
fn assert_free_at_once(demo: &Demo) -> Duration {
    let took = demo.until_free();
    assert!(took <= Duration::from_millis(100), "free after {took:?}");
    took
}

/// Fifty come at once. Gives how long the refused ones waited, at most.
fn fifty_at_once(demo: &Demo) -> Duration {
    let tuners = demo.json("/status.json").as_array().unwrap().len();
    assert!(tuners < 50);
    let (begin, end) = (Barrier::new(50), Barrier::new(50));
    let viewers: Vec<(u16, Duration)> = thread::scope(|scope| {
        let come = || {
            begin.wait();
            let mut viewer = Viewer::ask(demo.stream(), "/auto/v1984");
            if viewer.status() == 200 {
                assert!(viewer.sees_packets());
            } else {
                let error = viewer.header("X-HDHomeRun-Error");
                assert_eq!(error, Some("805 All Tuners In Use"), "{}", viewer.head);
                assert_eq!(viewer.header("Content-Length"), Some("0"));
                assert_eq!(viewer.rest(), b"", "a refusal has no body");
            }
            end.wait();
            (viewer.status(), viewer.waited)
        };
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(come)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
        threads.into_iter().map(join).collect()
    });
    let watched = viewers.iter().filter(|(status, _)| *status == 200).count();
    let refused = viewers.iter().filter(|(status, _)| *status == 503);
    assert_eq!((watched, refused.clone().count()), (tuners, 50 - tuners));
    refused.map(|(_, waited)| *waited).max().unwrap()
}

#[test]
fn viewers_come_and_go() {
    let _machine = alone();
    let demo = Demo::start(&[]);
    // What the first ones leave behind is no leak: pages that were touched, threads for the disk.
    fifty_at_once(&demo);
    demo.until_free();
    thread::sleep(Duration::from_secs(3));
    let (memory, files) = (demo.memory(), demo.open_files());

    let begun = Instant::now();
    for round in 0..200 {
        let leaving = [Leaving::AtOnce, Leaving::Zapping, Leaving::Rudely][round % 3];
        come_and_go(&demo, leaving);
    }
    let took = begun.elapsed();
    let free = assert_free_at_once(&demo);
    println!("200 came and went in {took:?}; free after {free:?}");

    let waited = fifty_at_once(&demo);
    let free = assert_free_at_once(&demo);
    println!("50 at once: refused after at most {waited:?}; free after {free:?}");
    assert!(waited >= Duration::from_millis(490), "nobody waited");
    // Half a second, and what a busy machine needs for fifty at once.
    assert!(waited <= Duration::from_millis(1_500), "{waited:?}");

    let begun = Instant::now();
    while demo.open_files() != files {
        let open = demo.open_files();
        assert!(begun.elapsed() < PATIENCE, "{open} files, {files} before");
        thread::sleep(Duration::from_millis(20));
    }
    let after = demo.memory();
    println!("before: {memory}\nafter:  {after}; {files} files open");
    assert!(after.resident_kib <= memory.resident_kib + (4 << 10));
    demo.stop();
}
