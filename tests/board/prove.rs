//! `exstreamtv board prove`, the real program against the real box.

use crate::program::{ANY_PORT, Running, exstreamtv, folder, json, run, text, words};
use crate::updater::Updater;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A box with a configuration that says where it really is.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: folder() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("box.toml")
    }

    /// The demo, which can be discovered on the loopback.
    pub(crate) fn demo(&self) -> Running {
        self.started("demo")
    }

    /// A box of a command that has not been used yet.
    fn started(&self, command: &str) -> Running {
        let state = self.state();
        let mut program = exstreamtv();
        program
            .args([command, "--state", text(&state)])
            .args(["--discovery", "127.0.0.1:0", "--device", "127.0.0.1:0"])
            .args(ANY_PORT)
            .stderr(Stdio::null());
        let running = Running::start(&mut program);
        self.say(&running.listening);
        running
    }

    /// Writes where the doors are.
    fn say(&self, listening: &Value) {
        let door = |name: &str| format!("{name} = {}\n", listening[name]);
        let doors: String = ["web", "stream", "device", "discovery"].map(door).concat();
        let state = format!("state = '{}'\n", self.state().display());
        fs::write(self.config(), state + &doors).unwrap();
    }

    fn prove(&self, more: &[&str]) -> Output {
        let config = self.config();
        let arguments = ["board", "prove", "--config", text(&config), "--tune", "3s"];
        run(&[&arguments[..], more].concat())
    }
}

/// Waits until the demo has its channels.
pub(crate) fn furnished(running: &Running) {
    while json(&crate::program::get(running.at("web"), "/lineup.json")) == json("[]") {
        thread::sleep(Duration::from_millis(20));
    }
}

fn with(updater: &Updater) -> [String; 2] {
    let socket = updater.socket();
    ["--updater".to_owned(), text(&socket).to_owned()]
}

#[test]
fn a_box_that_holds_is_kept() {
    let place = Place::new();
    let running = place.demo();
    furnished(&running);
    let updater = Updater::with(Some("0.1.0"), 3, Some("b"));
    let [option, socket] = with(&updater);
    let output = place.prove(&[&option, &socket]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}{}", words(&output));
    let checks = [
        "web door",
        "stream door",
        "device door",
        "discovery",
        "control",
        "channel",
        "store",
    ];
    assert_eq!(said.lines().count(), checks.len(), "{said}");
    for (line, check) in said.lines().zip(checks) {
        assert!(line.starts_with(&format!("holds  {check}: ")), "{said}");
    }
    assert!(words(&output).contains("slot b is kept"));
    assert_eq!(updater.asked(), ["keep"]);

    let output = place.prove(&["--json"]);
    let told = json(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(told["holds"], true, "{told}");
    assert_eq!(told["checks"][5]["check"], "channel", "{told}");
    assert_eq!(told["checks"][5]["outcome"], "holds", "{told}");
    assert_eq!(told["then"], Value::Null, "{told}");
    assert_eq!(updater.asked(), ["keep"]);
    running.stop();
}

#[test]
fn a_box_that_comes_late_is_waited_for() {
    let place = Place::new();
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let (web, stream) = (free(), free());
    let state = place.state();
    let said = format!(
        "state = '{}'\nweb = '{web}'\nstream = '{stream}'\n",
        state.display()
    );
    fs::write(place.config(), said).unwrap();
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_secs(3));
        let mut demo = exstreamtv();
        demo.args(["demo", "--state", text(&state)])
            .args(["--web", &web, "--stream", &stream])
            .stderr(Stdio::null());
        Running::start(&mut demo)
    });
    let output = place.prove(&["--json", "--within", "60s"]);
    let told = json(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told["rounds"].as_u64() > Some(1), "{told}");
    late.join().unwrap().stop();
}

#[test]
fn a_box_without_channels_holds_and_says_so() {
    let place = Place::new();
    let running = place.started("serve");
    let output = place.prove(&[]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}{}", words(&output));
    assert!(
        said.contains("holds  channel: there is no channel to tune"),
        "{said}"
    );
    running.stop();
}

#[test]
fn a_slot_without_a_box_is_left_for_one_that_can_be_booted() {
    let place = Place::new();
    let nobody = "web = '127.0.0.1:9'\nstream = '127.0.0.1:9'\nstate = '/nowhere'\n";
    fs::write(place.config(), nobody).unwrap();
    for (version, left, trial, asked, words_then) in [
        (Some("0.1.0"), 3, None, &["status", "restart"][..], "slot a"),
        (
            Some("0.1.0"),
            0,
            Some("b"),
            &["status", "restart"],
            "slot a",
        ),
        (Some("0.1.0"), 0, None, &["status"], "no other slot"),
        (None, 3, Some("b"), &["status"], "no other slot"),
    ] {
        let updater = Updater::with(version, left, trial);
        let [option, socket] = with(&updater);
        let output = place.prove(&["--within", "0s", &option, &socket]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(updater.asked(), asked);
        let said = words(&output);
        assert!(said.contains(words_then), "{said}");
        assert!(said.contains("does not hold: web door"), "{said}");
        let seen = String::from_utf8(output.stdout).unwrap();
        assert!(seen.contains("FAILS  web door: 127.0.0.1:9"), "{seen}");
        assert!(
            seen.contains("FAILS  store: /nowhere/control.sock"),
            "{seen}"
        );
    }
}

#[test]
fn an_updater_that_is_not_there_is_no_proof() {
    let place = Place::new();
    let running = place.started("serve");
    let output = place.prove(&["--within", "0s", "--updater", "/nowhere/updater.sock"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("/nowhere/updater.sock"));
    running.stop();
}

/// Overwrites what the store keeps, while the box runs.
pub(crate) fn damage(state: &Path) {
    for (file, from) in [("exstreamtv.db", 4_096), ("exstreamtv.db-wal", 0)] {
        let file = state.join(file);
        let len = fs::metadata(&file).unwrap().len();
        let tail = usize::try_from(len.saturating_sub(from)).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let kept = bytes.len() - tail;
        // Pages stay where they are and say something else.
        for byte in &mut bytes[kept..] {
            *byte = !*byte;
        }
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new().write(true).open(&file).unwrap();
        file.write_all_at(&bytes[kept..], from).unwrap();
    }
}

#[test]
fn a_damaged_store_is_told_and_the_slot_is_left() {
    let place = Place::new();
    let running = place.demo();
    furnished(&running);
    assert_eq!(place.prove(&[]).status.code(), Some(0));
    damage(&place.state());
    let updater = Updater::with(Some("0.1.0"), 3, Some("b"));
    let [option, socket] = with(&updater);
    let output = place.prove(&["--within", "1s", &option, &socket]);
    let seen = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{seen}");
    assert!(seen.contains("holds  channel"), "{seen}");
    assert!(
        seen.contains("FAILS  store: store: cannot check the database"),
        "{seen}"
    );
    assert_eq!(updater.asked(), ["status", "restart"]);
    let mut killed = running;
    killed.child.kill().unwrap();
}

#[test]
fn wrong_times_are_refused() {
    for arguments in [&["--within", "soon"][..], &["--tune", "10"]] {
        let output = run(&[&["board", "prove"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
    }
    let mut help = Command::new(env!("CARGO_BIN_EXE_exstreamtv"));
    assert!(
        help.args(["board", "prove", "--help"])
            .output()
            .unwrap()
            .status
            .success()
    );
}
