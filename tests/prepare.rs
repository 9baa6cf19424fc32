//! What the owner writes on the card, as the real program takes it: `board prepare` on folders that
//! stand for a machine's, and the box on the configuration that it makes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests may fail loudly"
)]

#[path = "support/plex/mod.rs"]
mod plex;
#[path = "command/program.rs"]
mod program;

use plex::{Library, Standin};
use program::{PATIENCE, Running, ask, exstreamtv, folder, get, json, run, text, videos, words};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The folders of a machine.
struct Machine(TempDir);

impl Machine {
    fn new(card: &str) -> Self {
        let machine = Self(folder());
        for name in ["boot", "state", "etc", "run"] {
            fs::create_dir(machine.at(name)).unwrap();
        }
        machine.write(card);
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, card: &str) {
        fs::write(self.at("boot/exstreamtv.txt"), card).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn mode(&self, path: &str) -> u32 {
        self.at(path).metadata().unwrap().permissions().mode() & 0o777
    }

    /// Prepares the machine, and gives what it said.
    fn prepare(&self) -> String {
        let places = ["boot", "state", "etc", "run"].map(|name| self.at(name));
        let [boot, state, etc, runs] = places.each_ref().map(|path| text(path));
        let output = run(&[
            "board", "prepare", "--boot", boot, "--state", state, "--etc", etc, "--run", runs,
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        assert!(output.stdout.is_empty());
        words(&output)
    }

    /// Every file with its contents and its inode, below the folders that are written to.
    fn files(&self) -> BTreeMap<PathBuf, (u64, Vec<u8>)> {
        let mut files = BTreeMap::new();
        let mut folders: Vec<_> = ["state", "etc", "run"].map(|name| self.at(name)).into();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let found = path.symlink_metadata().unwrap();
                if found.is_dir() {
                    folders.push(path);
                } else if found.is_file() {
                    let bytes = fs::read(&path).unwrap();
                    files.insert(path, (found.ino(), bytes));
                }
            }
        }
        files
    }

    /// The box on what was prepared, with free ports.
    fn serve(&self) -> Running {
        let log = fs::File::create(self.at("log")).unwrap();
        let config = self.at("run/config.toml");
        let said = fs::read_to_string(&config).unwrap();
        // Nobody listens there: no test asks the real one for a code.
        if !said.contains("plex_tv") {
            fs::write(&config, format!("plex_tv = \"http://127.0.0.1:9\"\n{said}")).unwrap();
        }
        let mut command = exstreamtv();
        command
            .args(["serve", "--config", text(&config)])
            .args(program::ANY_PORT)
            .args(["--device", "127.0.0.1:0"])
            .stderr(Stdio::from(log));
        Running::start(&mut command)
    }

    /// A command to the box.
    fn tell(&self, command: &[&str]) -> String {
        program::tell(&self.at("state"), command)
    }
}

/// Waits for something; `what` says what it is.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn numbers(running: &Running) -> Vec<String> {
    let lineup = json(&get(running.at("web"), "/lineup.json"));
    let channels = lineup.as_array().unwrap().iter();
    let number = |channel: &Value| channel["GuideNumber"].as_str().unwrap().to_owned();
    channels.map(number).collect()
}

const CARD: &str = "name = Küche\r\nwifi_name = Café\r\nwifi_password = hunter#2 hunter\r\n\
    wifi_country = at\r\ntimezone = europe/vienna\r\nlanguage = de\r\ntuners = 2\r\n\
    pairing_code = tell nobody\r\nplex_address = 127.0.0.1:9\r\nplex_token = Tok3nTok3n\r\n";

#[test]
fn everything_on_the_card_comes_to_its_place() {
    let machine = Machine::new(CARD);
    fs::write(
        machine.at("boot/authorized_keys.txt"),
        "ssh-ed25519 AAAA me\r\n",
    )
    .unwrap();
    let said = machine.prepare();
    let config: toml::Table = machine.read("run/config.toml").parse().unwrap();
    let at = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let path = |name: &str| text(&machine.at(name)).to_owned();
    assert_eq!(at("name"), "Küche");
    assert_eq!(at("language"), "deu");
    assert_eq!(at("state"), path("state"));
    assert_eq!(at("notices"), path("run/notices"));
    assert_eq!(at("updater"), path("run/updater.sock"));
    assert_eq!(at("plex_url"), "http://127.0.0.1:9");
    assert_eq!(at("plex_token_file"), path("run/plex-token"));
    assert_eq!(at("device"), "[::]:80");
    assert_eq!(
        (at("web"), at("stream")),
        ("[::]:8411".into(), "[::]:5004".into())
    );
    assert_eq!(at("time_marker"), "/run/systemd/timesync/synchronized");
    assert_eq!(config["tuners"].as_integer(), Some(2));
    assert_eq!(config["demo"].as_bool(), Some(true));
    assert_eq!(config["unattended"].as_bool(), Some(true));
    assert_eq!(machine.read("run/notices"), "");
    assert_eq!(machine.read("etc/hostname"), "kueche\n");
    assert_eq!(machine.read("etc/timezone"), "Europe/Vienna\n");
    assert_eq!(
        fs::read_link(machine.at("etc/localtime")).unwrap(),
        Path::new("/usr/share/zoneinfo/Europe/Vienna")
    );
    let wifi = machine.read("etc/wpa_supplicant/wpa_supplicant-wlan0.conf");
    assert!(
        wifi.contains("country=AT\n") && wifi.contains("ssid=436166c3a9\n"),
        "{wifi}"
    );
    assert_eq!(
        machine.mode("etc/wpa_supplicant/wpa_supplicant-wlan0.conf"),
        0o600
    );
    assert_eq!(
        machine.read("run/ssh/authorized_keys"),
        "ssh-ed25519 AAAA me\n"
    );
    assert_eq!(machine.mode("run/ssh/authorized_keys"), 0o600);
    assert!(machine.at("run/ssh/wanted").exists());
    assert_eq!(machine.mode("state/pairing.json"), 0o600);
    assert_eq!(machine.mode("run/plex-token"), 0o600);
    // Secrets stand where they are needed and nowhere else.
    let mut everything = machine.files();
    let (_, token) = everything.remove(&machine.at("run/plex-token")).unwrap();
    assert_eq!(token, b"Tok3nTok3n");
    everything.insert("said".into(), (0, said.into()));
    for (file, (_, bytes)) in everything {
        let contents = String::from_utf8_lossy(&bytes).into_owned();
        for secret in ["hunter", "tell nobody", "Tok3n"] {
            assert!(!contents.contains(secret), "{secret} in {}", file.display());
        }
    }
}

#[test]
fn the_key_of_a_network_is_the_one_that_pythons_own_library_makes() {
    let machine = Machine::new(CARD);
    machine.prepare();
    let python = "import hashlib, sys\n\
        print(hashlib.pbkdf2_hmac('sha1', 'hunter#2 hunter'.encode(), 'Café'.encode(), 4096, 32).hex())\n\
        import json; p = json.load(open(sys.argv[1]))\n\
        k = hashlib.pbkdf2_hmac('sha256', b'tell nobody', bytes.fromhex(p['salt']), p['rounds'])\n\
        print(p['rounds'], len(p['salt']), k.hex() == p['key'])\n";
    let output = std::process::Command::new("python3")
        .args(["-c", python, text(&machine.at("state/pairing.json"))])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (psk, pairing) = said.split_once('\n').unwrap();
    let wifi = machine.read("etc/wpa_supplicant/wpa_supplicant-wlan0.conf");
    assert!(wifi.contains(&format!("\tpsk={psk}\n")), "{wifi}");
    assert_eq!(pairing.trim(), "100000 32 True");
}

#[test]
fn the_second_start_writes_nothing() {
    let machine = Machine::new(CARD);
    machine.prepare();
    let first = machine.files();
    machine.prepare();
    assert_eq!(machine.files(), first);
    machine.write(&CARD.replace("tell nobody", "other words"));
    machine.prepare();
    let changed = machine.files();
    let other: Vec<_> = first
        .iter()
        .filter(|(file, found)| changed.get(*file) != Some(found))
        .map(|(file, _)| file.clone())
        .collect();
    assert_eq!(other, [machine.at("state/pairing.json")]);
}

#[test]
fn what_is_not_wished_any_more_goes_away() {
    let machine = Machine::new(CARD);
    fs::write(machine.at("boot/authorized_keys"), "ssh-rsa AAAA\n").unwrap();
    machine.prepare();
    fs::remove_file(machine.at("boot/authorized_keys")).unwrap();
    fs::remove_file(machine.at("boot/exstreamtv.txt")).unwrap();
    machine.prepare();
    for gone in [
        "etc/wpa_supplicant/wpa_supplicant-wlan0.conf",
        "state/pairing.json",
        "run/plex-token",
        "run/ssh",
    ] {
        assert!(!machine.at(gone).exists(), "{gone}");
    }
    assert_eq!(machine.read("etc/hostname"), "exstreamtv\n");
    assert_eq!(machine.read("etc/timezone"), "Etc/UTC\n");
    assert!(!machine.read("run/config.toml").contains("plex"));
    assert_eq!(machine.read("run/notices"), "");
}

#[test]
fn nonsense_costs_its_lines_and_the_page_says_which() {
    let machine =
        Machine::new("nmae = Box\ntuners = 480\ntimezone = Mars/Olympus\nlanguage=fr\n\0\n");
    fs::write(machine.at("boot/authorized_keys"), "my key\n").unwrap();
    machine.prepare();
    let notices = machine.read("run/notices");
    for part in [
        "line 1: ",
        "name may be meant",
        "line 3: timezone",
        "line 5: ",
        "authorized_keys",
    ] {
        assert!(notices.contains(part), "{part}: {notices}");
    }
    assert!(!machine.at("run/ssh").exists());
    let config: toml::Table = machine.read("run/config.toml").parse().unwrap();
    assert_eq!(config["language"].as_str(), Some("fra"));
    let running = machine.serve();
    let page = get(running.at("web"), "/");
    assert!(
        page.contains("exstreamtv.txt, line 3: timezone is a city"),
        "{page}"
    );
    running.stop();
}

#[test]
fn a_factory_reset_is_done_once() {
    let machine = Machine::new("name = Box\r\nfactory_reset = yes\r\n");
    fs::create_dir(machine.at("state/demo")).unwrap();
    for file in ["state/exstreamtv.db", "state/plex.json", "state/demo/a.mp4"] {
        fs::write(machine.at(file), "mine").unwrap();
    }
    machine.prepare();
    assert_eq!(
        machine.read("boot/exstreamtv.txt"),
        "name = Box\r\nfactory_reset = done\r\n"
    );
    let left = fs::read_dir(machine.at("state")).unwrap();
    let left: Vec<_> = left.map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, ["version"]);
    fs::write(machine.at("state/plex.json"), "new").unwrap();
    machine.prepare();
    assert_eq!(machine.read("state/plex.json"), "new");
}

#[test]
fn another_version_finds_the_store_of_the_one_before_it_kept() {
    let machine = Machine::new("");
    machine.prepare();
    let version = machine.read("state/version");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let running = machine.serve();
    until("the clips are on air", || !numbers(&running).is_empty());
    running.stop();
    let store = fs::read(machine.at("state/exstreamtv.db")).unwrap();
    fs::write(machine.at("state/version"), "0.0.9").unwrap();
    machine.prepare();
    assert_eq!(
        fs::read(machine.at("state/before-0.0.9/exstreamtv.db")).unwrap(),
        store
    );
    assert_eq!(machine.mode("state/before-0.0.9"), 0o700);
    // A newer version changed the store, and was left.
    let newer = rusqlite::Connection::open(machine.at("state/exstreamtv.db")).unwrap();
    newer
        .execute_batch("PRAGMA user_version = 900; DELETE FROM channel;")
        .unwrap();
    drop(newer);
    fs::write(machine.at("state/version"), "9.0.0").unwrap();
    machine.prepare();
    assert_eq!(fs::read(machine.at("state/exstreamtv.db")).unwrap(), store);
    let notices = machine.read("run/notices");
    assert!(notices.contains("Version 9.0.0 was left"), "{notices}");
    let running = machine.serve();
    assert!(!numbers(&running).is_empty());
    running.stop();
    assert!(machine.at("state/newer-9.0.0/exstreamtv.db").exists());
}

#[test]
fn a_fresh_box_shows_its_clips_until_the_owner_has_channels() {
    let machine = Machine::new("");
    machine.prepare();
    let running = machine.serve();
    until("the clips are on air", || !numbers(&running).is_empty());
    assert_eq!(numbers(&running), ["1984", "1984.1", "1984.2", "1984.3"]);
    let page = get(running.at("web"), "/");
    for part in [
        "the clips that come with the box",
        "plug a drive",
        "makes channels of what it finds by itself",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<code>exstreamtv"), "{page}");
    // Somebody watches.
    let mut viewer = ask(running.at("stream"), "/auto/v1984");
    let mut packets = vec![0; 64 << 10];
    viewer.read_exact(&mut packets).unwrap();
    let films = videos(&[
        "Films/Night Ferry (1968).mp4",
        "Films/Seven Clocks (2021).mp4",
    ]);
    machine.tell(&[
        "library",
        "add",
        "folder",
        text(films.path()),
        "--name",
        "Mine",
    ]);
    machine.tell(&["library", "sync"]);
    until("the clips make way by themselves", || {
        let numbers = numbers(&running);
        let is_clip = |number: &String| number.starts_with("1984");
        !numbers.is_empty() && !numbers.iter().any(is_clip)
    });
    until("they are removed", || !machine.at("state/demo").exists());
    let libraries = json(&get(running.at("web"), "/api/libraries"));
    assert_eq!(libraries.as_array().map(Vec::len), Some(1), "{libraries}");
    let page = get(running.at("web"), "/");
    assert!(!page.contains("come with the box"), "{page}");
    drop(viewer);
    running.stop();
    // They do not come back.
    let running = machine.serve();
    std::thread::sleep(Duration::from_secs(1));
    assert!(
        numbers(&running)
            .iter()
            .all(|number| !number.starts_with("1984"))
    );
    assert!(!machine.at("state/demo").exists());
    running.stop();
}

#[test]
fn a_drive_with_video_becomes_a_library_by_itself_and_stays_one() {
    let machine = Machine::new("");
    machine.prepare();
    let drives = machine.at("media");
    let config = machine.read("run/config.toml");
    let config = config.replace("\"/media\"", &format!("{:?}", text(&drives)));
    fs::write(machine.at("run/config.toml"), config).unwrap();
    fs::create_dir_all(drives.join("HOLIDAYS/2019")).unwrap();
    fs::create_dir_all(drives.join("LETTERS")).unwrap();
    fs::write(drives.join("LETTERS/a.txt"), "Dear").unwrap();
    let clip =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/Films/Night Ferry (1968).mp4");
    fs::copy(clip, drives.join("HOLIDAYS/2019/Night Ferry (1968).mp4")).unwrap();
    let running = machine.serve();
    let mine = |running: &Running| {
        let libraries = json(&get(running.at("web"), "/api/libraries"));
        let mut all = libraries.as_array().unwrap().clone();
        all.retain(|one| one["name"] != "Clips");
        all
    };
    until("the drive is a library", || {
        mine(&running).iter().any(|one| one["items"] == 1)
    });
    assert_eq!(mine(&running).len(), 1);
    assert_eq!(mine(&running)[0]["name"], "HOLIDAYS");
    running.stop();
    fs::remove_dir_all(&drives).unwrap();
    let running = machine.serve();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(mine(&running)[0]["items"], 1);
    running.stop();
}

#[test]
fn a_plex_server_on_the_card_is_linked_once_and_its_token_shown_nowhere() {
    let standin = Standin::start(Library::synthetic(10));
    let card = |token: &str| format!("plex_address = {}\nplex_token = {token}\n", standin.url());
    let machine = Machine::new(&card(&standin.token()));
    let linked = |running: &Running| {
        let plex = json(&get(running.at("web"), "/api/plex"));
        plex["servers"].as_array().map_or(0, Vec::len)
    };
    machine.prepare();
    let running = machine.serve();
    until("the server is linked", || linked(&running) == 1);
    assert!(!get(running.at("web"), "/").contains(&standin.token()));
    running.stop();
    let kept = machine.read("state/plex.json");
    assert!(kept.contains(&standin.token()));
    for (file, (_, bytes)) in machine.files() {
        let is_place = file.ends_with("plex.json") || file.ends_with("plex-token");
        let contents = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            is_place || !contents.contains(&standin.token()),
            "{}",
            file.display()
        );
    }
    assert!(!machine.read("log").contains(&standin.token()));
    // Once.
    let running = machine.serve();
    std::thread::sleep(Duration::from_millis(500));
    running.stop();
    assert_eq!(machine.read("state/plex.json"), kept);
    // A token that is wrong is told, without a word of it.
    let other = Machine::new(&card("WrongWrong"));
    other.prepare();
    let running = other.serve();
    until("it is told", || {
        get(running.at("web"), "/").contains("does not take the token")
    });
    assert!(!get(running.at("web"), "/").contains("WrongWrong"));
    assert_eq!(linked(&running), 0);
    running.stop();
}
