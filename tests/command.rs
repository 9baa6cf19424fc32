//! The real program, as its owner runs it: what it prints, when it refuses, how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

#[path = "command/demo.rs"]
mod demo;
#[path = "command/program.rs"]
mod program;

use program::{ANY_PORT, Running, exstreamtv, folder, get, json, run, tell, text, videos, words};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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
    assert_eq!(left, ["exstreamtv.db", "lock", "plex.json"]);
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
fn the_door_of_the_device_is_one_more_and_only_where_it_is_asked_for() {
    let state = folder();
    let running = Running::serve(state.path());
    assert_eq!(running.listening.get("device"), None);
    running.stop();
    let mut command = exstreamtv();
    command.args(["serve", "--state", text(state.path()), "--device"]);
    let running = Running::start(command.arg("127.0.0.1:0").args(ANY_PORT));
    let at = running.at("device");
    let device = json(&get(at, "/discover.json"));
    assert_eq!(device["BaseURL"], format!("http://{at}"));
    assert_eq!(device, {
        let mut same = json(&get(running.at("web"), "/discover.json"));
        same["BaseURL"] = device["BaseURL"].clone();
        same["LineupURL"] = device["LineupURL"].clone();
        same
    });
    let mut arguments = vec!["serve", "--state", text(state.path()), "--device", at];
    arguments.extend(ANY_PORT);
    let other = folder();
    arguments[2] = text(other.path());
    let said = words(&run(&arguments));
    for word in [at, "another program", "--device"] {
        assert!(said.contains(word), "{said}");
    }
    running.stop();
}

#[test]
fn a_box_that_is_open_everywhere_takes_both_families_and_knows_its_names() {
    let place = folder();
    let file = place.path().join("box.toml");
    let config = format!(
        "state = '{}'\nweb = '[::]:0'\nstream = '127.0.0.1:0'\nnames = ['tv.example.org']\n",
        place.path().join("state").display()
    );
    std::fs::write(&file, config).unwrap();
    let running = Running::start(exstreamtv().args(["serve", "--config", text(&file)]));
    let port = running.at("web").strip_prefix("[::]:").unwrap();
    for here in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let base = |host: &str| {
            let mut answer = String::new();
            let mut stream = TcpStream::connect(&here).unwrap();
            write!(
                stream,
                "GET /discover.json HTTP/1.1\r\nHost: {host}\r\n\r\n"
            )
            .unwrap();
            stream.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let found = head.starts_with("HTTP/1.1 200 ");
            found.then(|| json(body)["BaseURL"].as_str().unwrap().to_owned())
        };
        let root = |host: &str| Some(format!("http://{host}"));
        // Both of these are the loopback interface's, whichever was reached.
        for host in [here.as_str(), "127.0.0.1:9", "[::1]:9", "tv.example.org"] {
            assert_eq!(base(host), root(host));
        }
        assert_eq!(base("192.0.2.1"), root(&here));
        assert_eq!(base("evil.example"), None);
    }
    running.stop();
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
        &["library", "add", "plex"],
        &["library", "add", "plex", "Films", "--all"],
        &["link", "--url", "http://127.0.0.1:9"],
        &["check", "platform"],
        &["soak"],
        &["repair"],
        &["import"],
        &["backup"],
        &["restore", "--apply"],
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
