//! The real program, as its owner runs it: what it prints, when it refuses, how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

const ANY_PORT: [&str; 4] = ["--web", "127.0.0.1:0", "--stream", "127.0.0.1:0"];

fn exstreamtv() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exstreamtv"));
    command.stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// Runs a command that ends by itself.
fn run(arguments: &[&str]) -> Output {
    ended(exstreamtv().args(arguments))
}

/// Waits for the end of a command; one that goes on is killed.
fn ended(command: &mut Command) -> Output {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let begun = Instant::now();
    // What these commands say fits into a pipe, so that they end without being read.
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{command:?} does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A box that runs until the test ends.
struct Running {
    child: Child,
    listening: Value,
}

impl Running {
    /// Starts a box and waits for the line that says where it is.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (line_tx, line_rx) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let _ = line_tx.send(line);
        });
        let Ok(line) = line_rx.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the box does not say where it is");
        };
        let listening = serde_json::from_str(&line).unwrap_or_else(|_| panic!("'{line}'"));
        Self { child, listening }
    }

    fn serve(state: &Path) -> Self {
        Self::start(
            exstreamtv()
                .arg("serve")
                .arg("--state")
                .arg(state)
                .args(ANY_PORT),
        )
    }

    fn at(&self, door: &str) -> &str {
        self.listening[door].as_str().unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end, and says how long it took.
    fn end(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, asked.elapsed());
            }
            assert!(asked.elapsed() < PATIENCE, "the box does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as a service manager does, and holds what every end has to keep.
    fn stop(mut self) {
        self.signal("TERM");
        let (status, took) = self.end();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a GET and leaves the answer to the caller.
fn ask(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    stream
}

/// The body of a document.
fn get(address: &str, path: &str) -> String {
    let mut answer = String::new();
    ask(address, path).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    body.to_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: '{text}'"))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with some of the demo's clips.
fn videos(names: &[&str]) -> TempDir {
    let folder = folder();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    for name in names {
        let from = assets.join(name);
        std::fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn the_listening_line_names_doors_that_are_open() {
    let state = folder();
    let place = state.path().join("new/state");
    let running = Running::serve(&place);
    assert_eq!(running.listening["event"], "listening");
    for door in ["web", "stream"] {
        let device = json(&get(running.at(door), "/discover.json"));
        assert!(device["TunerCount"].as_u64() >= Some(4), "{device}");
    }
    let control = PathBuf::from(running.at("control"));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&control), 0o600);
    assert_eq!(mode(&place), 0o700);
    running.stop();
    // What was written is in the one file: nothing is left to be repaired.
    let left = std::fs::read_dir(&place).unwrap();
    let mut left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["exstreamtv.db", "lock"]);
}

#[test]
fn a_port_in_use_is_one_sentence_that_says_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    for option in ["--web", "--stream"] {
        let state = folder();
        let mut arguments = vec!["serve", "--state", text(state.path())];
        arguments.extend(ANY_PORT);
        let at = arguments.iter().position(|&one| one == option).unwrap();
        arguments[at + 1] = &taken;
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let said = words(&output);
        assert_eq!(said.lines().count(), 1, "{said}");
        for word in [taken.as_str(), "another program", option] {
            assert!(said.contains(word), "{said}");
        }
    }
}

#[test]
fn a_key_that_is_not_known_is_refused_with_file_and_line() {
    let place = folder();
    let file = place.path().join("box.toml");
    std::fs::write(&file, "# the box\ntuner = 4\n").unwrap();
    let state = folder();
    let arguments = [
        "serve",
        "--config",
        text(&file),
        "--state",
        text(state.path()),
    ];
    let output = run(&[&arguments[..], &ANY_PORT].concat());
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    let start = format!("exstreamtv: {}, line 2: ", file.display());
    assert!(said.starts_with(&start), "{said}");
    assert!(
        said.contains("`tuner`") && said.contains("`tuners`"),
        "{said}"
    );
}

#[test]
fn the_file_says_and_the_command_line_has_the_last_word() {
    let place = folder();
    let file = place.path().join("box.toml");
    let config = format!(
        "state = '{}'\nweb = '192.0.2.1:1'\nstream = '[::1]:0'\ntuners = 3\nname = 'Den'\n",
        place.path().join("state").display()
    );
    std::fs::write(&file, config).unwrap();
    let mut command = exstreamtv();
    command.args(["serve", "--config", text(&file), "--web", "127.0.0.1:0"]);
    let running = Running::start(&mut command);
    assert!(running.at("stream").starts_with("[::1]:"));
    assert!(running.at("control").contains("/state/"));
    let device = json(&get(running.at("web"), "/discover.json"));
    assert_eq!(device["TunerCount"], 3, "{device}");
    assert_eq!(device["FriendlyName"], "Den", "{device}");
    running.stop();
}

#[test]
fn a_second_box_on_a_state_folder_is_refused() {
    let state = folder();
    let running = Running::serve(state.path());
    let mut arguments = vec!["serve", "--state", text(state.path())];
    arguments.extend(ANY_PORT);
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(said.contains("another box"), "{said}");
    assert!(said.contains(&running.child.id().to_string()), "{said}");
    // The first is not disturbed.
    let listed = run(&["library", "list", "--json", "--state", text(state.path())]);
    assert_eq!(listed.status.code(), Some(0), "{}", words(&listed));
    running.stop();
}

#[test]
fn a_restart_keeps_the_device_even_after_a_power_cut() {
    let state = folder();
    let device = |running: &Running| json(&get(running.at("web"), "/discover.json"));
    let identity = |device: &Value| (device["DeviceID"].clone(), device["DeviceAuth"].clone());
    let mut running = Running::serve(state.path());
    let first = identity(&device(&running));
    running.child.kill().unwrap();
    running.end();
    let running = Running::serve(state.path());
    assert_eq!(identity(&device(&running)), first);
    running.stop();
    let other = folder();
    let stranger = Running::serve(other.path());
    assert_ne!(identity(&device(&stranger)), first);
}

#[test]
fn wrong_usage_is_2_and_commands_that_do_not_work_yet_do_not_exist() {
    for arguments in [
        &[][..],
        &["serve", "--tuner", "3"],
        &["serve", "--web", "8411"],
        &["demo", "--channels", "0"],
        &["demo", "--channels", "481"],
        &["library"],
        &["library", "add", "plex", "1"],
        &["link"],
        &["check", "platform"],
        &["soak"],
        &["repair"],
        &["import"],
        &["backup", "x"],
        &["restore", "x"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn where_no_box_runs_the_command_says_how_to_start_one() {
    let state = folder();
    let start = format!("exstreamtv serve --state {}", state.path().display());
    for command in [
        &["library", "list"][..],
        &["library", "sync"],
        &["library", "add", "folder", "/"],
        &["channels", "list"],
        &["channels", "suggest", "--apply"],
    ] {
        let arguments = [command, &["--state", text(state.path())]].concat();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = words(&output);
        assert!(
            said.contains("no box is running on") && said.contains(&start),
            "{said}"
        );
    }
}

/// Runs a command against a box; it has to succeed.
fn tell(state: &Path, command: &[&str]) -> String {
    let arguments = [command, &["--state", text(state)]].concat();
    let output = run(&arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        words(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_owner_makes_channels_of_a_folder_with_four_commands() {
    let videos = videos(&[
        "Films/Paper Boats (2019).mp4",
        "Films/The Long Platform (1984).mkv",
        "Shows/Tide Tables/Tide Tables - S01E02 - Slack Water.mp4",
    ]);
    std::fs::write(videos.path().join("broken.mp4"), b"not a video").unwrap();
    let state = folder();
    let running = Running::serve(state.path());
    let path = text(videos.path());

    assert!(tell(state.path(), &["library", "list"]).contains("library add folder"));
    let added = tell(
        state.path(),
        &["library", "add", "folder", path, "--name", "Shelf"],
    );
    assert!(added.contains("Shelf") && added.contains(path), "{added}");
    tell(state.path(), &["library", "sync"]);

    let listed = json(&tell(state.path(), &["library", "list", "--json"]));
    assert_eq!(listed[0]["name"], "Shelf", "{listed}");
    assert_eq!(listed[0]["items"], 4, "{listed}");
    assert_eq!(listed[0]["playable"], 3, "{listed}");
    let table = tell(state.path(), &["library", "list"]);
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains("Shelf") && table.contains(path), "{table}");

    // A suggestion changes nothing until it is applied.
    let suggested = json(&tell(state.path(), &["channels", "suggest", "--json"]));
    assert!(!suggested.as_array().unwrap().is_empty());
    assert_eq!(
        json(&tell(state.path(), &["channels", "list", "--json"])),
        Value::Array(vec![])
    );
    tell(state.path(), &["channels", "suggest", "--apply"]);
    let channels = json(&tell(state.path(), &["channels", "list", "--json"]));
    let names = |list: &Value| -> Vec<(Value, Value)> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| (one["number"].clone(), one["name"].clone()))
            .collect()
    };
    assert_eq!(names(&channels), names(&suggested));
    let table = tell(state.path(), &["channels", "list"]);
    assert_eq!(table.lines().count(), 1 + names(&channels).len(), "{table}");
    let lineup = json(&get(running.at("web"), "/lineup.json"));
    assert_eq!(lineup.as_array().unwrap().len(), names(&channels).len());
    // Nothing has changed, so there is nothing more to suggest.
    let again = tell(state.path(), &["channels", "suggest", "--apply", "--json"]);
    assert_eq!(json(&again), Value::Array(vec![]));
    let table_again = tell(state.path(), &["channels", "list"]);
    assert_eq!(table_again.lines().count(), table.lines().count());
    running.stop();
}

#[test]
fn a_sync_ends_with_its_report_and_fails_where_a_library_is_gone() {
    let videos = videos(&["Films/Paper Boats (2019).mp4"]);
    let state = folder();
    let running = Running::serve(state.path());
    tell(
        state.path(),
        &["library", "add", "folder", text(videos.path())],
    );
    let lines = tell(state.path(), &["library", "sync", "--json"]);
    let last = json(lines.lines().last().unwrap());
    assert_eq!(
        (&last["added"], &last["removed"]),
        (&1.into(), &0.into()),
        "{lines}"
    );
    let table = tell(state.path(), &["library", "sync"]);
    assert!(
        table.contains("NOT PLAYABLE") && table.lines().count() == 2,
        "{table}"
    );

    videos.close().unwrap();
    for json in [&[][..], &["--json"]] {
        let arguments = ["library", "sync", "--state", text(state.path())];
        let output = run(&[&arguments[..], json].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(
            words(&output).contains("not looked through"),
            "{}",
            words(&output)
        );
    }
    running.stop();
}

#[test]
fn a_folder_that_is_not_there_is_refused_by_the_command_and_by_the_box() {
    let state = folder();
    let running = Running::serve(state.path());
    let arguments = ["library", "add", "folder", "/nowhere/at/all", "--state"];
    let output = run(&[&arguments[..], &[text(state.path())]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words(&output).contains("/nowhere/at/all"),
        "{}",
        words(&output)
    );
    running.stop();
}

#[test]
fn the_demo_tells_a_newcomer_what_is_on_and_where_to_point_a_player() {
    let place = folder();
    let said = place.path().join("said");
    let mut command = exstreamtv();
    command
        .arg("demo")
        .args(ANY_PORT)
        .env("TMPDIR", place.path());
    command.stderr(std::fs::File::create(&said).unwrap());
    let running = Running::start(&mut command);
    let player = format!("vlc http://{}/auto/v1984\n", running.at("stream"));
    let begun = Instant::now();
    let mut words = String::new();
    // The text comes right behind the line that was waited for.
    while !words.contains("Ctrl-C") {
        assert!(begun.elapsed() < PATIENCE, "{words}");
        words = std::fs::read_to_string(&said).unwrap();
    }
    let page = format!("http://{}/\n", running.at("web"));
    for word in [
        &player,
        &page,
        "1984.1",
        "/iptv/channels.m3u",
        "/iptv/xmltv.xml",
    ] {
        assert!(words.contains(word), "{words}");
    }
    running.stop();
}

/// The demo on free ports, with its temporary folder in a place of its own, and all its channels.
fn demo(place: &Path, arguments: &[&str]) -> Running {
    let running = demo_opened(place, arguments);
    let begun = Instant::now();
    // They are added all together.
    while lineup(&running).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the demo has no channels");
        thread::sleep(Duration::from_millis(20));
    }
    running
}

/// The demo with its doors open, whatever is behind them.
fn demo_opened(place: &Path, arguments: &[&str]) -> Running {
    let mut command = exstreamtv();
    command
        .arg("demo")
        .args(ANY_PORT)
        .args(arguments)
        .env("TMPDIR", place);
    Running::start(command.stderr(Stdio::null()))
}

fn lineup(running: &Running) -> Vec<String> {
    let lineup = json(&get(running.at("web"), "/lineup.json"));
    let channels = lineup.as_array().unwrap().iter();
    channels
        .map(|channel| channel["GuideNumber"].as_str().unwrap().to_owned())
        .collect()
}

/// Reads the head and some packets of a stream.
fn tune(running: &Running, number: &str) -> TcpStream {
    let mut stream = ask(running.at("stream"), &format!("/auto/v{number}"));
    let mut answer = vec![0; 64 << 10];
    stream.read_exact(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&answer[..200])
    );
    stream
}

#[test]
fn the_demo_leaves_nothing_behind_when_it_is_told_to_end_while_somebody_watches() {
    for signal in ["TERM", "INT", "HUP"] {
        let place = folder();
        let mut running = demo(place.path(), &[]);
        assert_eq!(lineup(&running), ["2", "3", "1984", "1984.1"]);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
        let mut viewers = [tune(&running, "1984"), tune(&running, "1984.1")];
        running.signal(signal);
        let (status, took) = running.end();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(3), "{took:?}");
        for viewer in &mut viewers {
            // The stream ends; whether in order or cut, it is over.
            let _ = viewer.read_to_end(&mut Vec::new());
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_box_that_is_to_outlive_its_terminal_does() {
    let state = folder();
    let mut command = Command::new("nohup");
    command
        .arg(env!("CARGO_BIN_EXE_exstreamtv"))
        .args(["serve", "--state", text(state.path())])
        .args(ANY_PORT)
        .stderr(Stdio::null());
    let running = Running::start(&mut command);
    running.signal("HUP");
    get(running.at("web"), "/discover.json");
    running.stop();
}

#[test]
fn the_demo_opens_its_doors_before_it_has_looked_at_anything() {
    let place = folder();
    let videos = folder();
    let clip =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/Films/Paper Boats (2019).mp4");
    for number in 0..600 {
        std::fs::hard_link(&clip, videos.path().join(format!("{number}.mp4")))
            .or_else(|_| {
                std::fs::copy(&clip, videos.path().join(format!("{number}.mp4"))).map(drop)
            })
            .unwrap();
    }
    let running = demo_opened(place.path(), &["--media", text(videos.path())]);
    assert!(lineup(&running).is_empty(), "they were looked at before");
    assert!(get(running.at("web"), "/").contains("Nothing is on air yet"));
    running.stop();
}

#[test]
fn a_demo_that_is_started_again_on_its_folder_is_the_same_one() {
    let (place, state) = (folder(), folder());
    let on_state = ["--state", text(state.path()), "--channels", "6"];
    let running = demo(place.path(), &on_state);
    let guide = |running: &Running| {
        // What is on at this second may change between two questions; the channels may not.
        let guide = get(running.at("web"), "/iptv/xmltv.xml");
        let lines = guide.lines().filter(|line| line.contains("<programme "));
        lines
            .skip(20)
            .take(200)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (first, channels) = (guide(&running), lineup(&running));
    assert_eq!(channels.len(), 6);
    running.stop();
    let running = demo(place.path(), &on_state);
    assert_eq!(lineup(&running), channels);
    let again = guide(&running);
    let common = first.iter().filter(|line| again.contains(line)).count();
    assert!(common > 150, "{common} of {}", first.len());
    let libraries = json(&tell(state.path(), &["library", "list", "--json"]));
    assert_eq!(libraries.as_array().unwrap().len(), 1, "{libraries}");
    running.stop();
    // The folder was named, so it stays.
    assert!(state.path().join("demo").is_dir());
    let running = demo(
        place.path(),
        &["--state", text(state.path()), "--channels", "9"],
    );
    let begun = Instant::now();
    // The first six are there from the start.
    while lineup(&running).len() < 9 {
        assert!(begun.elapsed() < PATIENCE, "the demo adds no channels");
        thread::sleep(Duration::from_millis(20));
    }
    running.stop();
}

#[test]
fn the_demo_has_a_tuner_for_every_channel() {
    let place = folder();
    let running = demo(place.path(), &["--channels", "34"]);
    let device = json(&get(running.at("web"), "/discover.json"));
    assert_eq!(device["TunerCount"], 34);
    assert_eq!(lineup(&running).len(), 34);
    running.stop();
}

#[test]
fn the_demo_shows_the_videos_of_a_folder() {
    let place = folder();
    let videos = videos(&[
        "Films/Paper Boats (2019).mp4",
        "Films/Night Ferry (1968).mp4",
        "Films/Weather for Bakers (2015).mkv",
    ]);
    let running = demo(
        place.path(),
        &["--media", text(videos.path()), "--channels", "2"],
    );
    let channels = lineup(&running);
    assert!((1..=2).contains(&channels.len()), "{channels:?}");
    drop(tune(&running, &channels[0]));
    running.stop();
}

#[test]
fn a_demo_without_anything_to_show_says_why_and_leaves_nothing_behind() {
    let place = folder();
    let (empty, broken) = (folder(), folder());
    std::fs::write(broken.path().join("broken.mp4"), b"not a video").unwrap();
    for (media, why) in [
        (empty.path(), "no video in it"),
        (broken.path(), "broken.mp4"),
        (Path::new("/nowhere/at/all"), "/nowhere/at/all"),
    ] {
        let mut command = exstreamtv();
        command.arg("demo").args(ANY_PORT).arg("--media").arg(media);
        let output = ended(command.env("TMPDIR", place.path()));
        assert_eq!(output.status.code(), Some(1));
        assert!(words(&output).contains(why), "{}", words(&output));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
