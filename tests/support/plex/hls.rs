//! Conversion into segments: a master playlist, the playlist of the whole item, and files that are
//! waited for.

use super::answer::{Answer, bytes, refusal};
use super::fault::Faults;
use super::state::State;
use super::transcode::{Plan, spawn};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// How long a segment is waited for, and how often it is looked for: another program writes it, and
/// tells nobody.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Begins the conversion and gives the master playlist.
pub(crate) fn start(
    state: &Arc<State>,
    id: &str,
    rating_key: u64,
    plan: Plan,
    faults: &Faults,
) -> Answer {
    let folder = TempDir::new().unwrap();
    let mut arguments = plan.arguments();
    let length = plan.segment_seconds.to_string();
    let options = [
        "-f",
        "segment",
        "-segment_format",
        "mpegts",
        "-segment_time",
    ];
    arguments.extend(options.map(Into::into));
    arguments.push(length.into());
    arguments.push(folder.path().join("%05d.ts").into());
    let done = folder.path().join("done");
    let most = faults.transcode_limit;
    let started = state
        .sessions()
        .start(id, rating_key, plan, Some(folder), most);
    let Some((number, mut stop_rx)) = started else {
        return refusal(503);
    };
    let Ok(mut child) = spawn(arguments) else {
        state.sessions().ended(id, number);
        return refusal(500);
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = child.wait() => {
                let _ = std::fs::write(done, "");
                // Its segments stay until the session is stopped.
            }
            _ = stop_rx.changed() => {
                let _ = child.kill().await;
            }
        }
    });
    let master = format!(
        "#EXTM3U\n#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=4000000\nsession/{id}/base/index.m3u8\n"
    );
    bytes(200, PLAYLIST, master)
}

/// Answers for a file of a session: its playlist, or a segment.
pub(crate) async fn file(state: &Arc<State>, id: &str, name: &str) -> Answer {
    let live = state.sessions().live_in(id).cloned();
    let Some((plan, Some(folder))) = live.map(|live| (live.plan, live.folder)) else {
        return refusal(404);
    };
    if name == "index.m3u8" {
        return bytes(200, PLAYLIST, playlist(&plan));
    }
    let number = name.strip_suffix(".ts").and_then(|n| n.parse::<u32>().ok());
    let Some(number) = number else {
        return refusal(404);
    };
    let found = tokio::time::timeout(PATIENCE, segment(folder.path(), number)).await;
    match found {
        Ok(Some(segment)) => bytes(200, "video/mp2t", segment),
        Ok(None) | Err(_) => refusal(404),
    }
}

/// A segment is whole when the next one has been begun, or all is done.
async fn segment(folder: &Path, number: u32) -> Option<Vec<u8>> {
    let path = |number: u32| folder.join(format!("{number:05}.ts"));
    loop {
        let is_done = folder.join("done").exists();
        if is_done || path(number + 1).exists() {
            return std::fs::read(path(number)).ok();
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The whole item from the beginning, though most of it is not made yet.
fn playlist(plan: &Plan) -> String {
    let each_ms = plan.segment_seconds * 1000;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:{}\n",
        plan.segment_seconds
    );
    let skipped_ms = (plan.offset_seconds * 1000.0) as u64;
    let mut left_ms = plan.duration_ms.saturating_sub(skipped_ms);
    let mut number = 0;
    while left_ms > 0 {
        let length_ms = left_ms.min(each_ms);
        let seconds = length_ms as f64 / 1000.0;
        let _ = writeln!(text, "#EXTINF:{seconds:.3},\n{number:05}.ts");
        left_ms -= length_ms;
        number += 1;
    }
    text + "#EXT-X-ENDLIST\n"
}
