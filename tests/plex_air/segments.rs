//! A server that converts into segments only.

use super::support::{EPOCH_MS, keep};
use super::{House, NEW, clip, seconds, ts_judge, watch_conversions};
use exstreamtv::clock::Clock;
use exstreamtv::playout::ORIGIN_90K;
use std::path::Path;
use std::process::Command;

/// Brightness that a second adds to the picture, and that of the first one.
const BRIGHTER: i64 = 16;
const DARKEST: i64 = 16;

/// The pictures are new, so that only what they show says which they are: their brightness.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_segments_is_shown_at_its_time_and_ends_with_its_viewer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Films/A Surround (2002).mkv");
    let brightness = format!("geq=lum='{DARKEST}+{BRIGHTER}*T':cb=128:cr=128");
    let coded = ["-vf", &brightness, "-c:v", "libx264", "-preset", "veryfast"];
    clip(&file, 0, &coded, &["-c:a", "dca", "-strict", "-2"]);
    let house = House::new(folder.path(), NEW).await;
    house.standin.faults(|faults| {
        faults.require_decision = true;
        faults.segments_only = true;
    });
    let tuned_ms = house.clock.epoch_ms();
    let lease = house.tune().await;
    let took_ms = house.clock.epoch_ms() - tuned_ms;
    // Over the end of the film, which is shown again then, from its beginning.
    let seen = watch_conversions(&house, lease, seconds(16.0)).await;
    let judging = tokio::task::spawn_blocking(move || {
        ts_judge::judge(&seen.stream).assert_clean();
        let kept = keep(&seen.stream);
        (shown(kept.path()), silences(kept.path()))
    });
    let (shown, silences) = judging.await.unwrap();
    assert_eq!(silences, 0, "the sound is there all the time");
    // Fifteen seconds and the lead.
    assert!(shown.len() > 15 * 25, "{}", shown.len());
    let late = shown.iter().map(|(pts_90k, item_ms)| {
        let guide_ms = tuned_ms - EPOCH_MS + (pts_90k - ORIGIN_90K) / 90;
        let late_ms = (guide_ms - item_ms).rem_euclid(12_000);
        (late_ms + 6_000) % 12_000 - 6_000
    });
    let (least, most) = (late.clone().min().unwrap(), late.max().unwrap());
    println!("{} pictures, {least} to {most} ms late", shown.len());
    // What the tuning took is not known to the millisecond, nor is the brightness.
    assert!(
        least >= -150 - took_ms && most <= 150 + took_ms,
        "{least} to {most}"
    );
}

/// When each picture of a stream is shown, and its time in the item by its brightness.
fn shown(stream: &Path) -> Vec<(i64, i64)> {
    let told = judged(stream, &["-copyts", "-i"], &["-an", "-vf", "showinfo"]);
    let mut all: Vec<_> = told.lines().filter_map(picture).collect();
    // The stream breaks off in the middle of a picture.
    all.truncate(all.len().saturating_sub(4));
    all
}

/// `... pts: 12345 ... mean:[101 128 128] ...`, in the time base of a transport stream.
fn picture(line: &str) -> Option<(i64, i64)> {
    let after = |name: &str| line.split_once(name).map(|(_, rest)| rest.trim_start());
    let number = |text: &str| text.split([' ', ']']).next()?.parse::<i64>().ok();
    let pts_90k = number(after(" pts:")?)?;
    let brightness = number(after("mean:[")?)?;
    Some((pts_90k, (brightness - DARKEST) * 1_000 / BRIGHTER))
}

/// How often nothing is heard for a moment.
fn silences(stream: &Path) -> usize {
    let quiet = ["-vn", "-af", "silencedetect=noise=-50dB:duration=0.2"];
    judged(stream, &["-i"], &quiet)
        .matches("silence_start")
        .count()
}

/// What ffmpeg says about a stream.
fn judged(stream: &Path, before: &[&str], filter: &[&str]) -> String {
    let out = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner"])
        .args(before)
        .arg(stream)
        .args(filter)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stderr).into_owned()
}
