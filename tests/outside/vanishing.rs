//! Files that vanish or shrink while they are watched.

use super::among_others;
use super::clip::{self, prints};
use super::demo::{Demo, now_ms, sleep_until_ms, text};
use super::viewer::Viewer;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How long each episode is. A viewer is 5.5 s ahead, and still has some of it to come then.
const SECONDS: u32 = 12;

/// What an episode's file is cut down to: its header, and a few pictures.
const CUT_BYTES: u64 = 400_000;

/// A show of three episodes, which come in order, of a few megabytes each: what has been read of one
/// is far from all of it.
fn draw_episodes(folder: &Path) {
    for (title, hue) in [("E01 - One", 0), ("E02 - Two", 120), ("E03 - Three", 240)] {
        let picture = format!("testsrc2=s=320x180:r=25,hue=h={hue},noise=alls=30:allf=t");
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", "sine=f=440:r=48000"])
            .args(["-t", &SECONDS.to_string()])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"])
            .args(["-b:v", "2M", "-pix_fmt", "yuv420p"])
            .args(["-c:a", "aac", "-ac", "2", "-movflags", "+faststart"])
            .arg(folder.join(format!("Show - S01{title}.mp4")))
            .status();
        let made = made.expect("ffmpeg is needed: scripts/test installs it");
        assert!(made.success());
    }
}

fn slate() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/slate/h264.mp4");
    let pictures = clip::pictures(&path).into_iter();
    pictures.map(|picture| picture.print).collect()
}

/// One episode on the channel.
struct Airing {
    file: PathBuf,
    pictures: Vec<String>,
    start_ms: i64,
    end_ms: i64,
}

impl Airing {
    fn of(folder: &Path, programme: &Value) -> Self {
        let subtitle = programme["subtitle"].as_str().unwrap();
        let name = subtitle.replace(" · ", " - ");
        let file = folder.join(format!("Show - {name}.mp4"));
        let pictures = clip::pictures(&file).into_iter();
        Self {
            pictures: pictures.map(|picture| picture.print).collect(),
            file,
            start_ms: programme["start_ms"].as_i64().unwrap(),
            end_ms: programme["end_ms"].as_i64().unwrap(),
        }
    }

    /// Waits until a viewer, who is ahead, has begun to get it.
    fn is_being_sent(&self) {
        sleep_until_ms(self.start_ms - 4_000);
    }

    /// How many of its first pictures come next in what was seen.
    fn seen(&self, seen: &[String]) -> usize {
        let pairs = seen.iter().zip(&self.pictures);
        pairs.take_while(|(seen, own)| seen == own).count()
    }
}

/// A viewer who comes while an episode cannot be opened any more: there is a slate at once.
fn sees_the_slate(demo: &Demo) {
    let mut viewer = Viewer::tune(demo.stream(), "1");
    viewer.watch(Duration::from_secs(1));
    let (seen, slate) = (prints(&viewer.bytes), slate());
    println!("a new viewer: answered after {:?}", viewer.waited);
    assert!(viewer.waited < Duration::from_secs(2));
    assert!(seen.iter().take(20).all(|print| slate.contains(print)));
}

#[test]
fn a_file_may_vanish_or_shrink_while_it_is_watched() {
    let _shared = among_others();
    let show = tempfile::tempdir().unwrap();
    draw_episodes(show.path());
    let demo = Demo::start(&["--media", text(show.path())]);
    assert_eq!(demo.json("/api/channels").as_array().unwrap().len(), 1);

    // A viewer who is ahead must not get the next episode before it shrinks.
    let now = &demo.channel("1")["now"];
    let end_ms = now["end_ms"].as_i64().unwrap();
    if end_ms < now_ms() + 7_000 {
        sleep_until_ms(end_ms);
    }
    let channel = demo.channel("1");
    let first = Airing::of(show.path(), &channel["now"]);
    let shrinking = Airing::of(show.path(), &channel["next"]);
    let until_ms = shrinking.end_ms + i64::from(SECONDS) * 1_000 + 1_000;
    let (viewer, vanishing) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut viewer = Viewer::tune_impatiently(&demo, "1");
            let left_ms = u64::try_from(until_ms - now_ms()).unwrap();
            viewer.watch(Duration::from_millis(left_ms));
            viewer
        });
        shrinking.is_being_sent();
        let file = std::fs::File::options().write(true).open(&shrinking.file);
        file.unwrap().set_len(CUT_BYTES).unwrap();

        sleep_until_ms(shrinking.start_ms + 500);
        let vanishing = Airing::of(show.path(), &demo.channel("1")["next"]);
        sleep_until_ms(shrinking.start_ms + 3_000);
        let page = demo.text("/");
        assert!(
            page.contains("Sees the slate:"),
            "the page does not say why"
        );
        vanishing.is_being_sent();
        std::fs::remove_file(&vanishing.file).unwrap();
        sleep_until_ms(vanishing.start_ms + 1_000);
        sees_the_slate(&demo);
        (watching.join().unwrap(), vanishing)
    });

    viewer.verdict().assert_clean();
    viewer.assert_never_kept_waiting();

    // The rest of the first episode, some of the one that was cut short, the slate until its end, all
    // of the one that was deleted, and then the first again.
    let (mut seen, slate) = (&prints(&viewer.bytes)[..], slate());
    let joined = first.pictures.iter().position(|own| *own == seen[0]);
    let rest = first.pictures.len() - joined.expect("the first episode is on");
    assert_eq!(seen[..rest], first.pictures[first.pictures.len() - rest..]);
    seen = &seen[rest..];
    let shown = shrinking.seen(seen);
    seen = &seen[shown..];
    let holes = seen
        .iter()
        .take_while(|print| slate.contains(*print))
        .count();
    seen = &seen[holes..];
    println!("{shown} pictures of the episode that shrank, then {holes} of the slate");
    assert!(shown >= 25 && holes >= 3 * 24, "{shown} and {holes}");
    let whole = vanishing.seen(seen);
    assert_eq!(whole, vanishing.pictures.len(), "it was open already");
    assert!(first.seen(&seen[whole..]) >= 50, "the next episode plays");
    demo.stop();
}
