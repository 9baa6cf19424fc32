//! A folder full of bad files.

use super::damage::spoil;
use super::demo::{Demo, program, text};
use super::support::demo_folder;
use super::viewer::Viewer;
use super::{among_others, clip};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Good clips, under names that are hard to say.
const GOOD: [(&str, &str); 4] = [
    ("Films/Paper Boats (2019).mp4", "Paper Boats (2019).mp4"),
    ("Films/The Long Platform (1984).mkv", "  two  spaces .mkv"),
    ("Films/Seven Clocks (2021).mp4", "🕰️ clocks <&\"'> 🕰️.mp4"),
    (
        "Shows/Tide Tables/Tide Tables - S01E01 - Low Water.mkv",
        "a new\nline\r\n#EXTINF (2001).mkv",
    ),
];

/// The program without the right to read what it may not read: root may read everything.
fn ordinary() -> Command {
    let own = std::fs::metadata("/proc/self").unwrap();
    if std::os::unix::fs::MetadataExt::uid(&own) != 0 {
        return program();
    }
    let mut command = Command::new("setpriv");
    command.arg("--bounding-set=-dac_override,-dac_read_search");
    command.arg(program().get_program());
    command
}

fn watch(demo: &Demo, number: &str) -> Viewer {
    let mut viewer = Viewer::tune(demo.stream(), number);
    viewer.watch(Duration::from_secs(15));
    viewer
}

#[test]
fn a_bad_folder_does_no_harm() {
    let _shared = among_others();
    let videos = tempfile::tempdir().unwrap();
    let listed = spoil(videos.path(), &demo_folder());
    for (clip, name) in GOOD {
        std::fs::copy(demo_folder().join(clip), videos.path().join(name)).unwrap();
    }
    let mut demo = Demo::run(ordinary(), &["--media", text(videos.path())]);

    let media = demo.json("/api/media?limit=500");
    let items = media["items"].as_array().unwrap();
    let problem_of = |name: &str| {
        let path = format!("{}/{name}", videos.path().display());
        let item = items
            .iter()
            .find(|item| Path::new(item["part"]["path"].as_str().unwrap()) == Path::new(&path));
        let item = item.unwrap_or_else(|| panic!("{name} is not listed"));
        item["part"]["problem"].as_str().map(str::to_owned)
    };
    for (name, why) in listed {
        let said = problem_of(name).unwrap_or_else(|| panic!("{name} is said to be good"));
        println!("{name}: {said}");
        assert!(said.contains(why), "{name}: {said}");
    }
    for (_, name) in GOOD {
        assert_eq!(problem_of(name), None, "{name:?}");
    }
    for item in items {
        let path = item["part"]["path"].as_str().unwrap();
        if path.contains("flipped") {
            println!("{path}: {:?}", item["part"]["problem"]);
        }
    }

    // What a name says stays in its place.
    let playlist = demo.text("/iptv/channels.m3u");
    let channels = demo.json("/lineup.json").as_array().unwrap().clone();
    assert_eq!(playlist.matches("#EXTINF").count(), channels.len());
    assert!(demo.text("/").contains("cannot be played"));
    println!("{}", demo.text("/api/channels"));

    let viewers: Vec<Viewer> = thread::scope(|scope| {
        let numbers = channels
            .iter()
            .map(|line| line["GuideNumber"].as_str().unwrap());
        let threads: Vec<_> = numbers
            .map(|number| scope.spawn(|| watch(&demo, number)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
        threads.into_iter().map(join).collect()
    });
    for viewer in &viewers {
        println!(
            "{} pictures, longest pause {:?}",
            clip::prints(&viewer.bytes).len(),
            viewer.longest_pause()
        );
        println!("{}", viewer.verdict());
    }
    println!("peak {} KiB", demo.peak_kib());
    println!("{}", demo.words());
    assert!(demo.is_alive());
    demo.stop();
}
