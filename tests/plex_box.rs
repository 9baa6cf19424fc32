//! The real program with a Plex server, from its link to a stream, by its commands alone; and the
//! search for its token everywhere where it must not be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

#[path = "support/activity.rs"]
mod activity;
#[path = "support/plex/mod.rs"]
mod plex;
#[path = "command/program.rs"]
mod program;

use plex::{Class, Library, Pin, Settings, Standin};
use program::{
    PATIENCE, Running, ask, ended, exstreamtv, folder, get, json, run, tell, text, words,
};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with a film and two episodes.
fn media() -> TempDir {
    let media = folder();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let mut clips: Vec<PathBuf> = std::fs::read_dir(assets.join("Films"))
        .unwrap()
        .map(|clip| clip.unwrap().path())
        .filter(|clip| {
            clip.extension()
                .is_some_and(|end| end == "mp4" || end == "mkv")
        })
        .collect();
    clips.sort();
    for (at, clip) in clips.iter().take(4).enumerate() {
        let end = clip.extension().unwrap().to_str().unwrap();
        let path = media
            .path()
            .join(format!("Films/Film {at} (200{at}).{end}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(clip, path).unwrap();
    }
    media
}

/// A box of which the log is kept, at its most talkative.
struct Box {
    running: Option<Running>,
    state: TempDir,
    log: PathBuf,
}

impl Box {
    fn start(plex_tv: &str) -> Self {
        Self::start_with(plex_tv, "")
    }

    /// The same with more in its configuration.
    fn start_with(plex_tv: &str, more: &str) -> Self {
        let state = folder();
        let config = format!("plex_tv = \"{plex_tv}\"\n{more}");
        std::fs::write(state.path().join("box.toml"), config).unwrap();
        let mut house = Self {
            running: None,
            log: state.path().join("log.txt"),
            state,
        };
        house.power_on();
        house
    }

    fn power_on(&mut self) {
        let mut command = exstreamtv();
        command
            .env("RUST_LOG", "trace")
            .args(["serve", "--config"])
            .arg(self.state.path().join("box.toml"))
            .arg("--state")
            .arg(self.state())
            .args(program::ANY_PORT)
            .stderr(Stdio::from(std::fs::File::create(&self.log).unwrap()));
        self.running = Some(Running::start(&mut command));
    }

    fn lineup(&self) -> Vec<Value> {
        let lineup = json(&self.get("/lineup.json"));
        lineup.as_array().unwrap().clone()
    }

    /// Takes something away, as its owner may.
    fn delete(&self, path: &str) {
        let mut control = UnixStream::connect(self.state().join("control.sock")).unwrap();
        write!(control, "DELETE {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        control.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    /// How often it has looked whether there is something new to be put on air.
    fn looks(&self) -> usize {
        let log = std::fs::read_to_string(&self.log).unwrap();
        log.matches("looked for what is new").count()
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    fn state(&self) -> PathBuf {
        self.state.path().join("state")
    }

    fn tell(&self, command: &[&str]) -> String {
        tell(&self.state(), command)
    }

    fn get(&self, path: &str) -> String {
        get(self.running().at("web"), path)
    }

    fn token_file(&self, token: &str) -> PathBuf {
        let file = self.state.path().join("token");
        std::fs::write(&file, format!("{token}\n")).unwrap();
        file
    }

    /// Whatever the box shows, says or keeps, apart from the file for its tokens.
    fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let web = self.running().at("web");
        let pages = [
            "/",
            "/api/health",
            "/api/health/detailed",
            "/api/health/channels",
            "/api/channels",
            "/api/libraries",
            "/api/media?limit=500",
            "/api/plex",
            "/discover.json",
            "/lineup.json",
            "/status.json",
            "/device.xml",
            "/iptv/channels.m3u",
            "/iptv/xmltv.xml",
        ];
        let mut all = Vec::new();
        for page in pages {
            let mut answer = Vec::new();
            ask(web, page).read_to_end(&mut answer).unwrap();
            all.push((page.to_owned(), answer));
        }
        let id = self.running().child.id();
        for file in ["cmdline", "environ"] {
            let file = format!("/proc/{id}/{file}");
            all.push((file.clone(), std::fs::read(&file).unwrap()));
        }
        all.push(("the log".to_owned(), std::fs::read(&self.log).unwrap()));
        for kept in std::fs::read_dir(self.state()).unwrap() {
            let path = kept.unwrap().path();
            if path.is_file() && !path.ends_with("plex.json") {
                all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        all
    }

    /// Reads a channel's stream until there is so much of it.
    fn stream(&self, bytes: usize) -> Vec<u8> {
        self.stream_of("1", bytes)
    }

    fn stream_of(&self, number: &str, bytes: usize) -> Vec<u8> {
        let mut stream = ask(self.running().at("stream"), &format!("/auto/v{number}"));
        let mut seen = vec![0; bytes];
        stream.read_exact(&mut seen).unwrap();
        let head = seen.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        seen.split_off(head + 4)
    }
}

impl Drop for Box {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let ours: Vec<_> = log
                .lines()
                .filter(|line| line.contains("exstreamtv"))
                .collect();
            for line in ours.iter().rev().take(40).rev() {
                eprintln!("{line}");
            }
        }
    }
}

fn holds(all: &[u8], part: &str) -> bool {
    all.windows(part.len())
        .any(|window| window == part.as_bytes())
}

#[test]
fn a_server_is_linked_read_and_on_air_and_its_token_is_nowhere_to_be_seen() {
    let media = media();
    let standin = Standin::start(Library::from_folder(media.path()));
    let house = Box::start(&standin.account_url());
    let token_file = house.token_file(&standin.token());
    let link = [
        "link",
        "--url",
        &standin.url(),
        "--token-file",
        text(&token_file),
    ];
    let sections = house.tell(&link);
    assert!(sections.contains("Films"), "{sections}");
    let added = house.tell(&["library", "add", "plex", "--all"]);
    assert!(added.contains("Films from Stand-in"), "{added}");
    house.tell(&["library", "sync"]);
    let listed = house.tell(&["library", "list"]);
    assert!(listed.contains("Plex section"), "{listed}");
    let channels = house.tell(&["channels", "suggest", "--apply"]);
    eprintln!("{listed}{channels}");
    let stream = house.stream(188 * 2_000);
    assert_eq!(stream[0], 0x47);
    // Tuned again: the server is asked for nothing that it has told, and the database for nothing.
    let process = house.running().child.id();
    let store = activity::settled_activity(process, "store");
    standin.reset_counts();
    let stream = house.stream(188 * 2_000);
    assert_eq!(stream[0], 0x47);
    assert_eq!(activity::activity(process, "store"), store);
    let counts = standin.counts();
    let told = [Class::Metadata, Class::Sections, Class::Listing];
    assert_eq!(told.map(|class| counts.of(class)), [0; 3]);
    let health = json(&house.get("/api/health/detailed"));
    assert_eq!(health["plex"][0]["state"], "good", "{health}");

    let secret = house.state().join("plex.json");
    let mode = secret.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = standin.token();
    assert!(holds(&std::fs::read(&secret).unwrap(), &token));
    for (place, bytes) in house.everything() {
        assert!(!holds(&bytes, &token), "the token is in {place}");
    }
    for asked in standin.log() {
        assert!(!asked.target.contains("Token"), "{}", asked.target);
    }
}

/// The box on its own card: nobody types a command, and what the owner takes away stays away.
#[test]
fn a_box_that_nobody_attends_to_puts_on_air_what_it_is_linked_to() {
    let media = media();
    let standin = Standin::start(Library::from_folder(media.path()));
    let mut house = Box::start_with(&standin.account_url(), "demo = true\nunattended = true\n");
    house.until("the clips are on air", |house| house.lineup().len() == 4);
    let token_file = house.token_file(&standin.token());
    let url = standin.url();
    house.tell(&["link", "--url", &url, "--token-file", text(&token_file)]);
    let own = |house: &Box| {
        let libraries = json(&house.get("/api/libraries"));
        let libraries = libraries.as_array().unwrap();
        let clips = libraries.iter().any(|one| one["name"] == "Clips");
        !clips && !house.lineup().is_empty()
    };
    house.until("what is linked is on air and the clips are gone", own);
    let number = house.lineup()[0]["GuideNumber"].clone();
    let stream = house.stream_of(number.as_str().unwrap(), 188 * 2_000);
    assert_eq!(stream[0], 0x47);
    // All of it is taken away again. The box has more than enough time for another look.
    for line in house.lineup() {
        let path = format!("/api/channels/{}", line["GuideNumber"].as_str().unwrap());
        house.delete(&path);
    }
    let looks = house.looks();
    house.until("another look", |house| house.looks() > looks);
    house.running = None;
    house.power_on();
    house.until("a look after the restart", |house| house.looks() > 0);
    assert!(house.lineup().is_empty(), "{:?}", house.lineup());
}

#[test]
fn a_server_that_is_down_does_not_hide_the_sections_of_another() {
    let media = media();
    let down = Settings {
        name: "Cellar".to_owned(),
        machine: "ce11a000".repeat(5),
        ..Settings::default()
    };
    let down = Standin::start_with(Library::synthetic(10), down);
    let good = Standin::start(Library::from_folder(media.path()));
    let house = Box::start(&good.account_url());
    let link = |standin: &Standin| {
        let token_file = house.token_file(&standin.token());
        let url = standin.url();
        house.tell(&["link", "--url", &url, "--token-file", text(&token_file)])
    };
    // The first in the list is the one that goes down.
    let sections = link(&down);
    assert!(sections.contains("Cellar"), "{sections}");
    down.go_down();
    let sections = link(&good);
    assert!(sections.contains("Stand-in"), "{sections}");
    assert!(!sections.contains("Cellar"), "{sections}");
    let added = house.tell(&["library", "add", "plex", "Films"]);
    assert!(added.contains("Films from Stand-in"), "{added}");

    good.go_down();
    let state = house.state();
    let refused = run(&["library", "add", "plex", "--all", "--state", text(&state)]);
    assert_eq!(refused.status.code(), Some(1), "{}", words(&refused));
    let down = down.address().to_string();
    assert!(words(&refused).contains(&down), "{}", words(&refused));
}

#[test]
fn a_code_links_the_account_and_is_shown_on_the_page_of_a_fresh_box() {
    let media = media();
    let standin = Standin::start(Library::from_folder(media.path()));
    let house = Box::start(&standin.account_url());
    // Whoever looks at the page of a fresh box is shown a code after a moment.
    let begun = Instant::now();
    let code = loop {
        let page = house.get("/");
        assert!(page.contains("Plex"), "{page}");
        let view = json(&house.get("/api/plex"));
        if let Some(code) = view["code"].as_str() {
            assert!(house.get("/").contains(code));
            break code.to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "{view}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code.len(), 4);
    standin.faults(|faults| faults.pin = Pin::Linked);
    while json(&house.get("/api/plex"))["linked"] != true {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let added = house.tell(&["library", "add", "plex", "Films"]);
    assert!(added.contains("Films"), "{added}");
    house.tell(&["library", "sync"]);
    assert!(house.get("/api/libraries").contains("\"items\":4"));
    for (place, bytes) in house.everything() {
        assert!(!holds(&bytes, &standin.account_token()), "{place}");
        assert!(!holds(&bytes, &standin.token()), "{place}");
    }
}

#[test]
fn what_cannot_be_linked_is_told_in_words() {
    let standin = Standin::start(Library::synthetic(10));
    let house = Box::start(&standin.account_url());
    let wrong = house.token_file("wrong");
    let refused = |arguments: &[&str]| {
        let state = house.state();
        let arguments = [arguments, &["--state", text(&state)]].concat();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        words(&output)
    };
    let told = refused(&[
        "link",
        "--url",
        &standin.url(),
        "--token-file",
        text(&wrong),
    ]);
    assert!(told.contains("sign in"), "{told}");
    let told = refused(&[
        "link",
        "--url",
        "http://127.0.0.1:9",
        "--token-file",
        text(&wrong),
    ]);
    assert!(told.contains("127.0.0.1:9"), "{told}");
    let told = refused(&["link", "--url", &standin.url(), "--token-file", "/nowhere"]);
    assert!(told.contains("/nowhere"), "{told}");
    let told = refused(&["library", "add", "plex", "Films"]);
    assert!(told.contains("Films"), "{told}");
    standin.faults(|faults| faults.pin = Pin::Expired);
    let told = refused(&["link"]);
    assert!(told.contains("run out"), "{told}");
    let output = ended(exstreamtv().args(["link", "--url", "http://x"]));
    assert_eq!(output.status.code(), Some(2));
}
