//! A stream needs no database: neither one that another program holds locked, nor one that is gone.

use super::among_others;
use super::demo::{Demo, now_ms, program, text};
use super::guide::{self, programmes};
use super::ts_judge;
use super::viewer::Viewer;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const CHANNEL: &str = "1984";

/// Watches until the next programme runs, while others come and go on another channel. Nothing may
/// be wrong with what anybody gets.
fn watch_across_a_boundary(demo: &Demo, when: &str) {
    let store = demo.settled_activity("store");
    let watching = AtomicBool::new(true);
    let (viewer, programmes, zapped) = thread::scope(|scope| {
        let zapping = scope.spawn(|| {
            let mut zapped = 0;
            while watching.load(Ordering::Relaxed) {
                assert!(Viewer::tune(demo.stream(), "2").sees_packets());
                zapped += 1;
                thread::sleep(Duration::from_millis(300));
            }
            zapped
        });
        let programmes = programmes(demo, CHANNEL);
        let mut viewer = Viewer::tune_impatiently(demo, CHANNEL);
        let on = programmes
            .iter()
            .position(|programme| programme.is_on(now_ms()));
        let programmes = programmes[on.unwrap()..].to_vec();
        let left_ms = u64::try_from(programmes[0].stop_ms - now_ms()).unwrap_or(0);
        viewer.watch(Duration::from_millis(left_ms.max(10_000) + 1_000));
        watching.store(false, Ordering::Relaxed);
        (viewer, programmes, zapping.join().unwrap())
    });
    ts_judge::judge(viewer.packets()).assert_clean();
    let second_opinion = ts_judge::second_opinion(viewer.packets());
    assert_eq!(second_opinion, Vec::<String>::new());
    let seen = guide::assert_shown(&programmes, &viewer.bytes);
    println!("{when}: {seen} programmes seen, {zapped} others tuned");
    assert!(seen >= 2, "no programme ended");
    assert!(zapped >= 10, "{zapped} others tuned");
    viewer.assert_never_kept_waiting();
    // Only this thread has a connection to the database, and all the while it slept.
    assert_eq!(demo.activity("store"), store, "the store was asked");
}

/// Has the owner add a library, which has to be written.
fn add_library(state: &Path, videos: &Path) -> Output {
    let mut command = program();
    command.args(["library", "add", "folder", text(videos)]);
    command.args(["--state", text(state)]).output().unwrap()
}

/// The database and what SQLite keeps beside it.
fn database_files(state: &Path) -> Vec<PathBuf> {
    let names = ["exstreamtv.db", "exstreamtv.db-wal", "exstreamtv.db-shm"];
    let files: Vec<PathBuf> = names.iter().map(|name| state.join(name)).collect();
    assert!(files.iter().all(|file| file.exists()), "{files:?}");
    files
}

#[test]
fn a_stream_needs_no_database() {
    let _shared = among_others();
    let state = tempfile::tempdir().unwrap();
    let videos = tempfile::tempdir().unwrap();
    let demo = Demo::start(&["--state", text(state.path())]);
    let files = database_files(state.path());

    let other = Connection::open(&files[0]).unwrap();
    other
        .execute_batch("BEGIN EXCLUSIVE; CREATE TABLE other (value INTEGER);")
        .unwrap();
    watch_across_a_boundary(&demo, "locked");
    let refused = add_library(state.path(), videos.path());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "it was not locked: {words}");
    println!("locked, the owner is told: {}", words.trim());
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);

    let away = state.path().join("away");
    std::fs::create_dir(&away).unwrap();
    let moved = |file: &PathBuf| away.join(file.file_name().unwrap());
    for file in &files {
        std::fs::rename(file, moved(file)).unwrap();
    }
    watch_across_a_boundary(&demo, "moved away");
    for file in &files {
        std::fs::rename(moved(file), file).unwrap();
    }

    let added = add_library(state.path(), videos.path());
    let words = String::from_utf8_lossy(&added.stderr).into_owned();
    assert_eq!(added.status.code(), Some(0), "{words}");
    assert_eq!(demo.json("/api/health")["status"], "healthy");
    demo.stop();
}
