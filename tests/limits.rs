//! The real program on machines of different sizes, and with a date that nobody has told.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

#[path = "command/program.rs"]
mod program;

use program::{PATIENCE, Running, ask, ended, exstreamtv, get, json};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A configuration with a state folder of its own, on any ports.
struct Place {
    folder: TempDir,
    config: PathBuf,
}

/// A box whose log is listened to.
struct Telling {
    running: Running,
    log_rx: mpsc::Receiver<String>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("box.toml");
        Self { folder, config }
    }

    /// The command that runs a box with these keys.
    fn box_with(&self, keys: &str) -> Command {
        let state = self.folder.path().join("state");
        let text = format!(
            "state = '{}'\nweb = '127.0.0.1:0'\nstream = '127.0.0.1:0'\n{keys}\n",
            state.display()
        );
        std::fs::write(&self.config, text).unwrap();
        let mut command = exstreamtv();
        command.args(["serve", "--config"]).arg(&self.config);
        command.stderr(Stdio::piped());
        command
    }

    /// What a box says that refuses to start with these keys.
    fn refusal(&self, keys: &str) -> String {
        let output = ended(&mut self.box_with(keys));
        assert_eq!(output.status.code(), Some(1), "{keys}");
        assert!(output.stdout.is_empty(), "{keys}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!self.folder.path().join("state").exists(), "{keys}");
        said
    }

    fn run(&self, keys: &str) -> Telling {
        let mut running = Running::start(&mut self.box_with(keys));
        let stderr = BufReader::new(running.child.stderr.take().unwrap());
        let (log_tx, log_rx) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = log_tx.send(line);
            }
        });
        Telling { running, log_rx }
    }
}

impl Telling {
    /// Gets a document: its status and its text.
    fn get(&self, path: &str) -> (u16, String) {
        let mut answer = String::new();
        let mut socket = ask(self.running.at("web"), path);
        socket.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }

    fn tuners(&self) -> u64 {
        let device = json(&get(self.running.at("web"), "/discover.json"));
        device["TunerCount"].as_u64().unwrap()
    }

    /// Waits for a line of the log that says this.
    fn says(&self, words: &str) -> String {
        let mut log = String::new();
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.log_rx.recv_timeout(end - Instant::now()) {
            if line.contains(words) {
                return line;
            }
            log.push_str(&line);
            log.push('\n');
        }
        panic!("the log does not say '{words}':\n{log}");
    }
}

/// The number behind some words.
fn number_behind(words: &str, said: &str) -> u64 {
    let (_, rest) = said.split_once(words).unwrap_or_else(|| panic!("{said}"));
    let digits = rest.trim_start().split(|mark: char| !mark.is_ascii_digit());
    digits.into_iter().next().unwrap().parse().unwrap()
}

#[test]
fn too_many_tuners_are_refused_and_what_is_said_would_do() {
    let place = Place::new();
    let said = place.refusal("memory_mb = 906\ntuners = 480");
    assert!(said.starts_with("exstreamtv: tuners = 480: "), "{said}");
    assert!(said.contains("of 906 MB"), "{said}");
    let most = number_behind("lower tuners to at most", &said);
    assert!((34..100).contains(&most), "{said}");
    let more = place.refusal(&format!("memory_mb = 906\ntuners = {}", most + 1));
    assert_eq!(number_behind("lower tuners to at most", &more), most);
    let running = place.run(&format!("memory_mb = 906\ntuners = {most}"));
    assert_eq!(running.tuners(), most);
    let sum = running.says("memory: ");
    assert!(sum.contains(&format!("{most} tuners")), "{sum}");
    assert!(sum.contains("of 906 MB"), "{sum}");
}

#[test]
fn too_little_memory_is_refused_and_what_is_said_would_do() {
    let place = Place::new();
    for tuners in ["", "tuners = 2"] {
        let said = place.refusal(&format!("memory_mb = 100\n{tuners}"));
        assert!(said.starts_with("exstreamtv: memory_mb = 100: "), "{said}");
        let least = number_behind("must be at least", &said);
        place.refusal(&format!("memory_mb = {}\ntuners = 1", least - 1));
        let running = place.run(&format!("memory_mb = {least}\ntuners = 1"));
        assert_eq!(running.tuners(), 1);
        std::fs::remove_dir_all(place.folder.path().join("state")).unwrap();
    }
}

#[test]
fn a_box_that_is_told_nothing_has_the_tuners_of_its_board() {
    for (memory_mb, tuners) in [(427, 4), (906, 8), (1_849, 8), (7_811, 16)] {
        let running = Place::new().run(&format!("memory_mb = {memory_mb}"));
        assert_eq!(running.tuners(), tuners, "{memory_mb} MB");
    }
}

#[test]
fn the_rate_of_the_link_is_what_the_owner_says() {
    let running = Place::new().run("link_mbps = 100");
    running.says("streams may take 85 Mb/s");
}

#[test]
fn a_box_waits_for_the_marker_before_it_believes_the_date() {
    let place = Place::new();
    let marker = place.folder.path().join("synchronized");
    let running = place.run(&format!("time_marker = '{}'", marker.display()));
    running.says("the date is not known yet");
    let (status, answer) = running.get("/iptv/xmltv.xml");
    assert_eq!(status, 503);
    assert!(answer.contains("\r\nRetry-After: "), "{answer}");
    assert_eq!(running.get("/lineup.json").0, 200);
    std::fs::write(&marker, "").unwrap();
    running.says("the date is known now");
    assert_eq!(running.get("/iptv/xmltv.xml").0, 200);
    // Once known, it stays so.
    std::fs::remove_file(&marker).unwrap();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(running.get("/iptv/xmltv.xml").0, 200);
}

#[test]
fn a_date_before_the_newest_that_the_box_has_seen_is_not_believed() {
    let place = Place::new();
    drop(place.run(""));
    let database = place.folder.path().join("state/exstreamtv.db");
    let file = std::fs::File::options().write(true).open(database).unwrap();
    let tomorrow = std::time::SystemTime::now() + Duration::from_secs(86_400);
    file.set_modified(tomorrow).unwrap();
    let running = place.run("");
    running.says("the date is not known yet");
    assert_eq!(running.get("/iptv/xmltv.xml").0, 503);
}
