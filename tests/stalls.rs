//! What a viewer sees while a server of files stalls, fails and comes back: in real time, over
//! sockets, at 4 Mb/s. Pictures tell where the stream is in the file, and when.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test says what failed by failing"
)]

#[path = "support/source.rs"]
mod source;
mod support;
mod ts_judge;

use exstreamtv::clock::TokioClock;
use exstreamtv::model::MediaItem;
use exstreamtv::playout::ORIGIN_90K;
use exstreamtv::schedule::Lineup;
use exstreamtv::tuner::{Lease, Tuners};
use source::{Answer, SourceServer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use support::{EPOCH_MS, lateness, lineup, long_clip, viewer};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

const SECONDS: u64 = 36;
/// Bytes per second of networks: a good one, and one that has some room for 8 Mb/s.
const LAN: f64 = 100e6;
const WIFI: f64 = 5e6;
/// No silence on the socket may last longer.
const SILENCE_MS: u128 = 500;

/// A file on a server, as the only item of a channel.
struct Scene {
    server: SourceServer,
    file: PathBuf,
    lineup: Arc<Lineup>,
}

/// What a viewer got, and the longest wait between two pieces of it.
struct Seen {
    stream: Vec<u8>,
    silence_ms: u128,
    skips: u32,
}

impl Scene {
    fn of(clip: &MediaItem) -> Self {
        let file = Path::new(&clip.part.path).to_owned();
        let server = SourceServer::start(file.parent().unwrap());
        let mut remote = clip.clone();
        remote.part.path = server.url(file.file_name().unwrap().to_str().unwrap());
        let lineup = lineup(vec![remote]);
        Self {
            server,
            file,
            lineup,
        }
    }

    /// Has viewers watch from the beginning, while `events` happen to the server. They take no more
    /// than `pace` bytes per second.
    async fn watch(
        &self,
        (viewers, pace): (usize, f64),
        events: impl AsyncFn(&SourceServer),
    ) -> Vec<Seen> {
        let (_lineup_tx, lineup_rx) = watch::channel(Arc::clone(&self.lineup));
        let clock = Arc::new(TokioClock::starting_at(EPOCH_MS));
        let tuners = Arc::new(Tuners::new(viewers, lineup_rx, clock));
        let end = Instant::now() + Duration::from_secs(SECONDS);
        let watching: Vec<_> = (0..viewers)
            .map(|_| {
                let tuners = Arc::clone(&tuners);
                tokio::spawn(async move { take(viewer(&tuners).await, pace, end).await })
            })
            .collect();
        events(&self.server).await;
        sleep(end - Instant::now() - Duration::from_millis(300)).await;
        let skips: Vec<u32> = tuners
            .status()
            .into_iter()
            .filter_map(|tuner| Some(tuner.viewer?.skips))
            .collect();
        let mut seen = Vec::new();
        for (viewer, skips) in watching.into_iter().zip(skips) {
            let (stream, silence_ms) = viewer.await.unwrap();
            seen.push(Seen {
                stream,
                silence_ms,
                skips,
            });
        }
        seen
    }

    /// Whether a stream is clean, was never silent, and shows every picture when it has to. Gives
    /// how much of the time the file was not shown, and what was shown last.
    fn judge(&self, name: &str, seen: &Seen) -> f64 {
        let verdict = ts_judge::judge(&seen.stream);
        assert!(verdict.problems.is_empty(), "{name}: {verdict}");
        assert_eq!(verdict.facts.discontinuities, 0, "{name}");
        assert_eq!(seen.skips, 0, "{name}");
        let silence_ms = seen.silence_ms;
        assert!(
            silence_ms < SILENCE_MS,
            "{name}: {silence_ms} ms of silence"
        );
        let late = lateness(&seen.stream, &self.file, ORIGIN_90K);
        let worst = late.iter().map(|(_, late_ms)| late_ms.abs()).max().unwrap();
        assert!(worst <= 100, "{name}: {worst} ms off the schedule");
        let whole_s = SECONDS as f64 + 5.5;
        assert!(
            verdict.facts.seconds > whole_s - 1.5,
            "{name}: {} s",
            verdict.facts.seconds
        );
        let (last_90k, _) = late.last().unwrap();
        let left_s = whole_s - (last_90k - ORIGIN_90K) as f64 / 90_000.0;
        assert!(left_s < 2.0, "{name}: the file is not on at the end");
        verdict.facts.seconds - late.len() as f64 / 25.0
    }
}

/// Takes what comes until `end`, no faster than its network.
async fn take(mut lease: Lease, pace: f64, end: Instant) -> (Vec<u8>, u128) {
    let (mut stream, mut silence_ms) = (Vec::new(), 0);
    let mut last = Instant::now();
    while let Ok(packets) = timeout_at(end, lease.next()).await {
        silence_ms = silence_ms.max(last.elapsed().as_millis());
        last = Instant::now();
        stream.extend_from_slice(&packets);
        sleep_until(last + seconds(packets.len() as f64 / pace)).await;
    }
    (stream, silence_ms)
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

async fn one(clip: &MediaItem, name: &str, events: impl AsyncFn(&SourceServer)) -> f64 {
    over(clip, LAN, name, events).await
}

/// The same over a network that takes twice what the clip plays.
async fn narrow(clip: &MediaItem, name: &str, events: impl AsyncFn(&SourceServer)) -> f64 {
    over(clip, 1e6, name, events).await
}

async fn over(clip: &MediaItem, pace: f64, name: &str, events: impl AsyncFn(&SourceServer)) -> f64 {
    let scene = Scene::of(clip);
    let seen = scene.watch((1, pace), events).await;
    let slate_s = scene.judge(name, &seen[0]);
    eprintln!(
        "{name}: {slate_s:.1} s of slate, at most {} ms of silence",
        seen[0].silence_ms
    );
    slate_s
}

/// Answers badly for eight seconds, with connections that are open reset.
async fn badly(server: &SourceServer, answer: Answer) {
    sleep(seconds(8.0)).await;
    server.answer(answer);
    server.reset();
    sleep(seconds(8.0)).await;
    server.answer(Answer::Whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_fails_is_a_slate_at_most_and_comes_back_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let clip = long_clip(folder.path(), 80, 4_000);
    let pause = async |server: &SourceServer, length: f64| {
        sleep(seconds(8.0)).await;
        server.pause(seconds(length));
    };
    let (p1, p3, p10, reset, refused, gone, error, garbage, slow, asleep, at_once) = tokio::join!(
        one(&clip, "paused for 1 s", async |server| pause(server, 1.0)
            .await),
        one(&clip, "paused for 3 s", async |server| pause(server, 3.0)
            .await),
        one(&clip, "paused for 10 s", async |server| pause(server, 10.0)
            .await),
        one(&clip, "reset", async |server| {
            for _ in 0..5 {
                sleep(seconds(4.0)).await;
                server.reset();
            }
        }),
        one(&clip, "refused", async |server| {
            sleep(seconds(8.0)).await;
            server.refuse();
            sleep(seconds(8.0)).await;
            server.admit();
        }),
        one(&clip, "404", async |server| badly(
            server,
            Answer::Status(404)
        )
        .await),
        one(&clip, "500", async |server| badly(
            server,
            Answer::Status(500)
        )
        .await),
        one(&clip, "garbage", async |server| {
            badly(server, Answer::Raw(vec![0x47; 5000])).await;
        }),
        one(&clip, "slow", async |server| {
            sleep(seconds(4.0)).await;
            server.rate(Some(125_000));
            sleep(seconds(12.0)).await;
            server.rate(None);
        }),
        one(&clip, "asleep at first", async |server| server
            .pause(seconds(7.0))),
        // It stalls before the viewer has its lead, and that is not the viewer's fault.
        narrow(&clip, "stalled at once", async |server| {
            sleep(seconds(0.3)).await;
            server.pause(seconds(8.0));
        }),
    );
    // A GOP has two seconds, and a failed item is tried again after 1, 2, 4 and 4.
    assert!(p1 < 0.5 && p3 < 0.5 && reset < 0.5, "the lead hides these");
    assert!((4.0..12.0).contains(&p10), "{p10}");
    for (name, slate_s) in [
        ("refused", refused),
        ("404", gone),
        ("500", error),
        ("garbage", garbage),
    ] {
        assert!(
            (5.0..15.5).contains(&slate_s),
            "{name}: {slate_s} s of slate"
        );
    }
    assert!((3.0..25.0).contains(&slow), "{slow}");
    assert!((5.0..16.0).contains(&asleep), "{asleep}");
    assert!((5.0..20.0).contains(&at_once), "{at_once}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_who_share_come_through_a_stall_together() {
    let folder = tempfile::tempdir().unwrap();
    let clip = long_clip(folder.path(), 80, 8_000);
    let scene = Scene::of(&clip);
    let seen = scene
        .watch((5, WIFI), async |server| {
            for length in [1.0, 3.0, 8.0] {
                sleep(seconds(6.0)).await;
                server.pause(seconds(length));
                sleep(seconds(length)).await;
            }
        })
        .await;
    for (number, seen) in seen.iter().enumerate() {
        scene.judge(&format!("viewer {number}"), seen);
    }
}
