//! A folder full of bad files.

use super::damage::{PLAYED_SO_FAR, spoil};
use super::demo::{Demo, program, text};
use super::support::demo_folder;
use super::viewer::Viewer;
use super::{among_others, clip, ts_judge};
use std::collections::BTreeSet;
use std::process::Command;
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

/// What the box may hold with one channel on air, whatever it was asked to look at: 24 MiB (DESIGN
/// §1), of which half is for a program of 12 MB.
const MOST_KIB: u64 = (24 - 12) << 10;

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

#[test]
fn a_bad_folder_does_no_harm() {
    let _shared = among_others();
    let videos = tempfile::tempdir().unwrap();
    let listed = spoil(videos.path(), &demo_folder());
    for (clip, name) in GOOD {
        std::fs::copy(demo_folder().join(clip), videos.path().join(name)).unwrap();
    }
    let demo = Demo::run(ordinary(), &["--media", text(videos.path())]);

    let media = demo.json("/api/media?limit=500");
    let items = media["items"].as_array().unwrap();
    let part = |name: &str| {
        let path = format!("{}/{name}", videos.path().display());
        let mut parts = items.iter().map(|item| &item["part"]);
        let part = parts.find(|part| part["path"] == path.as_str());
        part.unwrap_or_else(|| panic!("{name:?} is not listed"))
    };
    for &(name, why) in &listed {
        let said = part(name)["problem"].as_str();
        let said = said.unwrap_or_else(|| panic!("{name} is said to be good"));
        println!("{name}: {said}");
        assert!(said.contains(why), "{name}: {said}");
    }
    for (_, name) in GOOD {
        assert!(part(name)["problem"].is_null(), "{name:?}");
    }
    let (cut, lasts_ms) = (part(PLAYED_SO_FAR), 4_000..7_000);
    assert!(cut["problem"].is_null() && lasts_ms.contains(&cut["duration_ms"].as_i64().unwrap()));
    println!(
        "{} files, looked through with {} KiB at most",
        items.len(),
        demo.peak_without_code_kib()
    );
    assert_eq!(items.len(), listed.len() + 1 + GOOD.len());

    // What a name says stays in its place.
    let playlist = demo.text("/iptv/channels.m3u");
    let lines = playlist.lines().filter(|line| !line.is_empty());
    assert!(
        lines
            .clone()
            .skip(1)
            .all(|line| line.starts_with("#EXTINF:") || line.starts_with("http://"))
    );
    let page = demo.text("/");
    assert!(page.contains("cannot be played: it is empty"));
    assert!(!page.contains("<&\""), "a name is no markup");

    let lineup = demo.json("/lineup.json");
    let channels = lineup.as_array().unwrap();
    assert!(!channels.is_empty());
    let good: BTreeSet<String> = GOOD
        .iter()
        .flat_map(|(clip, _)| clip::pictures(&demo_folder().join(clip)))
        .map(|picture| picture.print)
        .collect();
    for channel in channels {
        let number = channel["GuideNumber"].as_str().unwrap();
        let mut viewer = Viewer::tune_impatiently(&demo, number);
        viewer.watch(Duration::from_secs(12));
        ts_judge::judge(viewer.packets()).assert_clean();
        viewer.assert_never_kept_waiting();
        let seen = clip::prints(&viewer.bytes);
        assert!(seen.len() > 12 * 20, "{} pictures", seen.len());
        assert!(seen.iter().all(|print| good.contains(print)));
    }
    let most_kib = demo.peak_without_code_kib();
    assert!(most_kib < MOST_KIB, "{most_kib} KiB");
    demo.stop();
}
