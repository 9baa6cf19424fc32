//! What the real box tells a service manager: beats as long as it can tune, and no longer.

use crate::manager::Manager;
use crate::program::{ANY_PORT, PATIENCE, Running, exstreamtv, folder, text, videos};
use std::io::Read;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long the manager waits for a beat: long enough for a machine that does other things too.
const WATCHDOG: Duration = Duration::from_secs(6);

fn demo(state: &std::path::Path) -> Command {
    let mut command = exstreamtv();
    command
        .args(["demo", "--state", text(state)])
        .args(ANY_PORT)
        .stderr(Stdio::null());
    command
}

#[test]
fn a_box_that_can_tune_says_so_in_time_until_it_stops() {
    let (manager, state) = (Manager::new(), folder());
    let mut command = demo(state.path());
    manager.watch(&mut command, WATCHDOG);
    let running = Running::start(&mut command);
    manager.until("READY=1", PATIENCE);
    manager.until("WATCHDOG=1", PATIENCE);
    for _ in 0..3 {
        let begun = Instant::now();
        manager.until("WATCHDOG=1", WATCHDOG);
        assert!(begun.elapsed() <= WATCHDOG / 2, "{:?}", begun.elapsed());
    }
    let said = manager.until("STATUS=It can tune: 4 channels, 0 of", PATIENCE);
    assert!(
        said.iter().all(|text| !text.contains("STOPPING")),
        "{said:?}"
    );
    running.stop();
    manager.until("STOPPING=1", PATIENCE);
}

#[test]
fn a_door_that_lets_nobody_in_stops_the_beats_until_it_does() {
    let (manager, state) = (Manager::new(), folder());
    let mut command = Command::new("sh");
    // So few files that a handful of clients takes them all.
    let few = "ulimit -n 64; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_exstreamtv");
    command
        .args(["-c", few, "sh", program, "demo", "--state"])
        .arg(text(state.path()))
        .args(ANY_PORT)
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    manager.watch(&mut command, WATCHDOG);
    let mut running = Running::start(&mut command);
    let mut log = running.child.stderr.take().unwrap();
    let log = thread::spawn(move || {
        let mut said = String::new();
        log.read_to_string(&mut said).unwrap();
        said
    });
    manager.until("STATUS=It can tune: 4 channels", PATIENCE);
    // They say nothing, and are let go after ten seconds.
    let door = running.at("web").to_owned();
    let held: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(&door).unwrap())
        .collect();
    manager.silent_for(WATCHDOG, PATIENCE);
    drop(held);
    manager.until("WATCHDOG=1", PATIENCE);
    running.stop();
    // There was no file left for telling the manager why.
    let said = log.join().unwrap();
    assert!(
        said.contains("the box cannot tune: the door for streams"),
        "{said}"
    );
    assert!(said.contains("the box can tune again"), "{said}");
}

#[test]
fn a_store_that_hangs_stops_the_beats_until_it_does_not() {
    let (manager, state) = (Manager::new(), folder());
    let mut command = demo(state.path());
    manager.watch(&mut command, WATCHDOG);
    let running = Running::start(&mut command);
    manager.until("STATUS=It can tune: 4 channels", PATIENCE);
    // Another program has the database locked: the store's thread waits for it, again and again.
    let other = rusqlite::Connection::open(state.path().join("exstreamtv.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let films = videos(&["Films/Paper Boats (2019).mp4"]);
    let add = || {
        let mut command = exstreamtv();
        command
            .args(["library", "add", "folder", text(films.path()), "--state"])
            .arg(text(state.path()));
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().unwrap()
    };
    let waiting: Vec<_> = (0..4).map(|_| add()).collect();
    let said = manager.silent_for(WATCHDOG, PATIENCE);
    let why = "STATUS=It cannot tune: the store does not answer.";
    assert!(said.iter().any(|text| text.contains(why)), "{said:?}");
    other.execute_batch("COMMIT").unwrap();
    manager.until("WATCHDOG=1", PATIENCE);
    for mut one in waiting {
        one.wait().unwrap();
    }
    running.stop();
}

#[test]
fn a_box_that_does_not_run_does_not_beat() {
    let (manager, state) = (Manager::new(), folder());
    let mut command = demo(state.path());
    manager.watch(&mut command, WATCHDOG);
    let running = Running::start(&mut command);
    manager.until("WATCHDOG=1", PATIENCE);
    running.signal("STOP");
    manager.silent_for(WATCHDOG, PATIENCE);
    running.signal("CONT");
    manager.until("WATCHDOG=1", PATIENCE);
    running.stop();
}

#[test]
fn who_waits_for_no_beats_gets_none() {
    let (manager, state) = (Manager::new(), folder());
    let mut command = demo(state.path());
    manager.watch(&mut command, WATCHDOG);
    let running = Running::start(command.env_remove("WATCHDOG_USEC"));
    manager.until("READY=1", PATIENCE);
    assert_eq!(manager.next(WATCHDOG / 2), None);
    running.stop();
    manager.until("STOPPING=1", PATIENCE);
}
