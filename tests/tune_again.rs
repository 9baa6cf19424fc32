//! The second look at a film over HTTP: what is known of it is kept, so that nothing is asked for
//! but tables and media. Real sockets on loopback, so real time.

#[path = "support/film.rs"]
mod film;
#[path = "support/source.rs"]
mod source;
mod support;

use exstreamtv::clock::TokioClock;
use exstreamtv::tuner::Tuners;
use film::Minute;
use source::SourceServer;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{EPOCH_MS, item, lineup, viewer};
use tokio::sync::watch;

/// How long the server lets wait: long, so that only the number of answers counts.
const ANSWER: Duration = Duration::from_millis(150);

/// The length of a film, and where its channel is in it.
const MINUTES: u32 = 15;
const MIDDLE_MS: i64 = 400_000;

/// What its films are made of.
fn minute(folder: &Path) -> Minute {
    Minute::new(folder, "192x108", "-crf 30 -ac 2 -b:a 64k")
}

/// Tuners for a channel that shows a film of the server, and is `at_ms` in it.
fn tuners(server: &SourceServer, path: &Path, at_ms: i64) -> Tuners {
    let mut shown = item(1, path);
    shown.part.path = server.url(path.file_name().unwrap().to_str().unwrap());
    let (_, lineup_rx) = watch::channel(lineup(vec![shown]));
    let clock = Arc::new(TokioClock::starting_at(EPOCH_MS + at_ms));
    Tuners::new(4, lineup_rx, clock)
}

/// One tune: how long it took, and what was asked for.
async fn tune(tuners: &Tuners, server: &SourceServer) -> (Duration, Vec<String>) {
    server.reset_counts();
    let begun = Instant::now();
    let mut lease = viewer(tuners).await;
    let took = begun.elapsed();
    assert!(!lease.next().await.is_empty());
    let status = tuners.status();
    let viewers = status.iter().filter_map(|tuner| tuner.viewer.as_ref());
    let troubles: Vec<_> = viewers
        .filter_map(|viewer| viewer.trouble.clone())
        .collect();
    assert!(troubles.is_empty(), "{troubles:?}");
    let asked = server.asked().into_iter().map(|asked| asked.range);
    (took, asked.collect())
}

fn is_at_the_beginning(asked: &[String]) -> bool {
    asked.iter().any(|range| range.starts_with("bytes=0-"))
}

#[tokio::test]
async fn the_second_tune_waits_for_tables_and_media_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = SourceServer::start(folder.path());
    let minute = minute(folder.path());
    for (name, how, cold_answers, again_answers) in [
        ("behind.mp4", "", 3, 2),
        ("front.mp4", "-movflags +faststart", 3, 2),
        ("film.mkv", "", 3, 1),
    ] {
        let path = minute.film(MINUTES, name, how);
        let tuners = tuners(&server, &path, MIDDLE_MS);
        server.latency(ANSWER);
        let (cold, asked) = tune(&tuners, &server).await;
        assert!(is_at_the_beginning(&asked), "{name}: {asked:?}");
        let (again, asked_again) = tune(&tuners, &server).await;
        println!("{name}: {cold:?} for {asked:?}, {again:?} for {asked_again:?}");
        assert!(
            !is_at_the_beginning(&asked_again),
            "{name}: {asked_again:?}"
        );
        assert!(cold < ANSWER * (cold_answers + 1), "{name}: {cold:?}");
        assert!(again < ANSWER * (again_answers + 1), "{name}: {again:?}");
        server.latency(Duration::ZERO);
    }
}

#[tokio::test]
async fn a_film_that_was_replaced_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let server = SourceServer::start(folder.path());
    let minute = minute(folder.path());
    let path = minute.film(MINUTES, "film.mp4", "");
    let tuners = tuners(&server, &path, MIDDLE_MS);
    tune(&tuners, &server).await;
    let (_, asked) = tune(&tuners, &server).await;
    assert!(!is_at_the_beginning(&asked), "{asked:?}");
    // Of another length, and with its tables elsewhere.
    let how = "-movflags +faststart+use_metadata_tags -metadata a=b";
    minute.film(MINUTES, "film.mp4", how);
    let (_, asked) = tune(&tuners, &server).await;
    assert!(is_at_the_beginning(&asked), "{asked:?}");
    let (_, asked) = tune(&tuners, &server).await;
    assert!(!is_at_the_beginning(&asked), "{asked:?}");
}
