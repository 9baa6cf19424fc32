//! The demo: television without a library.

use super::program::{
    ANY_PORT, PATIENCE, Running, ask, ended, exstreamtv, folder, get, json, tell, text, videos,
    words,
};
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
