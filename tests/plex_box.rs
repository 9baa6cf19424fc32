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
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
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
        let state = folder();
        let log = state.path().join("log.txt");
        let config = state.path().join("box.toml");
        std::fs::write(&config, format!("plex_tv = \"{plex_tv}\"\n")).unwrap();
        let mut command = exstreamtv();
        command
            .env("RUST_LOG", "trace")
            .args(["serve", "--config", text(&config), "--state"])
            .arg(state.path().join("state"))
            .args(program::ANY_PORT)
            .stderr(Stdio::from(std::fs::File::create(&log).unwrap()));
        let running = Some(Running::start(&mut command));
        Self {
            running,
            state,
            log,
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
        let mut stream = ask(self.running().at("stream"), "/auto/v1");
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
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(code.len(), 4);
    standin.faults(|faults| faults.pin = Pin::Linked);
    while json(&house.get("/api/plex"))["linked"] != true {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
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
