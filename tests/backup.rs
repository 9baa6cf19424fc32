//! Backups: what they hold, that they come back, and that the box comes back from them. A second
//! SQLite connection judges what is in the files.
//!
//! `EXSTREAMTV_TEST_KILLS` says how often a box that writes is killed; 500 take some minutes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is not as claimed, and prints what it measured"
)]

#[path = "backup/command.rs"]
mod command;
#[path = "backup/killed.rs"]
mod killed;
#[path = "command/program.rs"]
mod program;

use exstreamtv::catalog::Catalog;
use exstreamtv::http::xmltv;
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{LibraryId, MediaItemId, NewChannel, NewItem, Order, Part};
use exstreamtv::schedule::{Lineup, Wishes};
use exstreamtv::store::{Change, Contents, Scan, Store, When, is_backup};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;
use tempfile::TempDir;

/// 2023-11-14T22:13:20Z
const EPOCH_MS: i64 = 1_700_000_000_000;

fn item(path: &str, title: &str) -> NewItem {
    let track = |id, kind| Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    };
    NewItem {
        rating_key: None,
        about: None,
        title: title.to_owned(),
        year: Some(1999),
        episode: None,
        part: Part {
            path: path.to_owned(),
            size_bytes: 1 << 30,
            changed_ms: EPOCH_MS,
            container: Some(Container::Matroska),
            duration_ms: Some(1_234_567),
            tracks: vec![
                track(
                    1,
                    TrackKind::Video(VideoTrack {
                        codec: VideoCodec::H264,
                        width: 1920,
                        height: 1080,
                        frame_duration_90k: 3600,
                        bit_depth: 8,
                        chroma_420: true,
                    }),
                ),
                track(
                    2,
                    TrackKind::Audio(AudioTrack {
                        codec: AudioCodec::Ac3,
                        sample_rate: 48_000,
                        channels: 6,
                    }),
                ),
            ]
            .into(),
            problem: None,
        },
    }
}

fn scan(folder: &str, count: usize, title: &str) -> Scan {
    let upserts =
        (0..count).map(|at| item(&format!("{folder}/{at:05}.mkv"), &format!("{title} {at}")));
    Scan {
        upserts: upserts.collect(),
        ..Scan::default()
    }
}

/// A box with a library of so many titles, and 34 channels of them.
async fn filled(state: &Path, count: usize) -> Store {
    let store = Store::open(state).await.unwrap();
    let library = store.add_folder("Films", "/films").await.unwrap();
    store
        .apply_scan(library.id, scan("/films", count, "Film"))
        .await
        .unwrap();
    let channels = (0..34_u64).map(|at| NewChannel {
        number: format!("{}.1", 1984 + at).parse().unwrap(),
        name: format!("Channel {at}"),
        epoch_ms: EPOCH_MS,
        order: Order::Shuffled {
            seed: u64::MAX - at,
        },
        items: (1..=i64::try_from(count).unwrap())
            .map(MediaItemId)
            .collect(),
    });
    store.add_channels(channels.collect()).await.unwrap();
    store
}

/// The whole guide as clients get it.
fn guide(contents: Contents) -> Vec<u8> {
    let Contents {
        libraries,
        items,
        channels,
        playlists,
    } = contents;
    let catalog = Catalog::new(libraries, items, channels).with_playlists(playlists);
    let wishes = Wishes {
        language: "eng".to_owned(),
    };
    let lineup = Arc::new(Lineup::build(Arc::new(catalog), &wishes));
    let now_ms = EPOCH_MS + 86_400_000 * 365;
    xmltv::guide(lineup, now_ms, "http://10.0.0.9:8411")
        .flatten()
        .collect()
}

async fn handed_out(store: &Store) -> Vec<u8> {
    let mut file = store.hand_out().await.unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn when(stamp: &str) -> When {
    When {
        stamp: stamp.to_owned(),
        day: stamp.get(..10).map(str::to_owned),
    }
}

async fn weighed(store: &Store, backup: &[u8]) -> Result<Change, String> {
    let (arriving, _) = store.arriving().unwrap();
    fs::write(arriving.path(), backup).unwrap();
    store
        .weigh(&arriving)
        .await
        .map_err(|error| error.to_string())
}

async fn restored(store: &Store, backup: &[u8]) -> Result<Change, String> {
    let (arriving, _) = store.arriving().unwrap();
    fs::write(arriving.path(), backup).unwrap();
    let when = when("2026-11-24T081500Z");
    store
        .restore(&arriving, &when)
        .await
        .map_err(|error| error.to_string())
}

/// What another program finds wrong with a database.
fn judge(path: &Path) {
    let db = Connection::open(path).unwrap();
    let verdict: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok", "{}", path.display());
    assert!(
        !db.prepare("PRAGMA foreign_key_check")
            .unwrap()
            .exists([])
            .unwrap()
    );
}

/// The files of a folder and of those in it, with when they were written and what is in them.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything(&path));
        } else {
            let written = path.metadata().unwrap().modified().unwrap();
            let bytes = fs::read(&path).unwrap();
            all.insert(path, (written, bytes));
        }
    }
    all
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_during_a_sync_that_writes_brings_the_same_guide_to_another_box() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(one.path(), 300).await;
    let before = guide(store.load().await.unwrap());
    let busy = store.add_folder("Busy", "/busy").await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let sync = tokio::spawn({
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        async move {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let found = scan("/busy", 256, &format!("Round {rounds}"));
                store.apply_scan(busy.id, found).await.unwrap();
                rounds += 1;
            }
            rounds
        }
    });
    // It has to be in the middle of it.
    while store.figures().batches < 4 {
        tokio::task::yield_now().await;
    }
    for _ in 0..5 {
        let begun = store.figures().batches;
        let backup = handed_out(&store).await;
        let written = store.figures().batches - begun;
        println!(
            "{} bytes, {written} batches were written meanwhile",
            backup.len()
        );
        let target = Store::open(other.path()).await.unwrap();
        restored(&target, &backup).await.unwrap();
        let contents = target.load().await.unwrap();
        // Batches are there completely or not at all.
        let of_busy = contents
            .items
            .iter()
            .filter(|item| item.library == LibraryId(2));
        let mut rounds: Vec<_> = of_busy
            .map(|item| item.title.rsplit_once(' ').unwrap().0.to_owned())
            .collect();
        assert_eq!(rounds.len(), 256);
        rounds.dedup();
        assert_eq!(rounds.len(), 1, "{rounds:?}");
        assert_eq!(contents.channels, store.load().await.unwrap().channels);
        let after = guide(contents);
        assert!(after.len() > 100_000);
        assert!(after == before, "the guide is another one");
        target.close().await;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(sync.await.unwrap() > 5);
    judge(&other.path().join("exstreamtv.db"));
}

#[tokio::test]
async fn a_backup_is_one_file_for_its_owner_without_secrets() {
    let state = tempfile::tempdir().unwrap();
    let store = filled(state.path(), 10).await;
    let secret = "s3cr3t-t0k3n-0f-plex";
    fs::write(state.path().join("plex.json"), secret).unwrap();
    let bytes = handed_out(&store).await;
    assert!(
        !bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
    let made = store.back_up("2026-11-24").await.unwrap().unwrap();
    assert_eq!(made, state.path().join("backups/2026-11-24.db"));
    assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        made.parent()
            .unwrap()
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    assert_eq!(names(made.parent().unwrap()), ["2026-11-24.db"]);
    assert!(is_backup(&made) && !is_backup(&state.path().join("exstreamtv.db")));
    judge(&made);
    let left = names(state.path());
    assert!(
        left.iter().all(|name| !name.starts_with("passing")),
        "{left:?}"
    );
}

#[tokio::test]
async fn seven_days_are_kept_and_nothing_is_written_where_nothing_has_changed() {
    let state = tempfile::tempdir().unwrap();
    let store = filled(state.path(), 10).await;
    for day in 1..=9 {
        let day = format!("2026-11-0{day}");
        store.set_setting("day", &day).await.unwrap();
        assert!(store.back_up(&day).await.unwrap().is_some());
        assert_eq!(store.back_up(&day).await.unwrap(), None);
    }
    let days: Vec<_> = (3..=9).map(|day| format!("2026-11-0{day}.db")).collect();
    let backups = state.path().join("backups");
    assert_eq!(names(&backups), days);
    // Opened and closed again, and looked at for days on end.
    store.close().await;
    let store = Store::open(state.path()).await.unwrap();
    let files = || {
        let mut all = everything(state.path());
        all.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
        all
    };
    let before = files();
    for day in 10..=30 {
        assert_eq!(
            store.back_up(&format!("2026-11-{day}")).await.unwrap(),
            None
        );
    }
    assert!(files() == before, "something was written");
    // What a wrong date has made goes with the next right one.
    fs::copy(backups.join("2026-11-03.db"), backups.join("2099-01-01.db")).unwrap();
    store.set_setting("day", "another").await.unwrap();
    store.back_up("2026-12-01").await.unwrap().unwrap();
    let kept = names(&backups);
    assert_eq!(kept.len(), 7);
    assert_eq!(kept.last().unwrap(), "2026-12-01.db");
}

/// A way in which a card loses what is on it.
type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 5] = [
    ("bytes flipped in the middle", |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        for byte in &mut bytes[middle..middle + 8192] {
            *byte ^= 0xA5;
        }
        fs::write(path, bytes).unwrap();
    }),
    ("cut in half", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("other bytes from the first one on", |path| {
        fs::write(path, [0x55; 65536]).unwrap();
    }),
    ("empty", |path| fs::write(path, []).unwrap()),
    ("gone", |path| fs::remove_file(path).unwrap()),
];

#[tokio::test]
async fn a_damaged_database_comes_back_from_the_last_good_backup_and_the_owner_is_told() {
    for (damage, spoil) in DAMAGES {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("exstreamtv.db");
        let store = filled(state.path(), 500).await;
        store.back_up("2026-11-22").await.unwrap().unwrap();
        store.set_setting("a", "b").await.unwrap();
        let good = store.load().await.unwrap();
        store.back_up("2026-11-23").await.unwrap().unwrap();
        store.set_setting("a", "lost").await.unwrap();
        store.back_up("2026-11-24").await.unwrap().unwrap();
        store.close().await;
        spoil(&file);
        let spoilt = fs::read(&file).ok();
        // The newest backup was on the same card.
        DAMAGES[0].1(&state.path().join("backups/2026-11-24.db"));

        let store = Store::open(state.path()).await.unwrap();
        let told = store.put_back().expect(damage).to_owned();
        assert!(told.contains("2026-11-23"), "{damage}: {told}");
        assert_eq!(store.load().await.unwrap(), good, "{damage}");
        assert_eq!(
            store.setting("a").await.unwrap().as_deref(),
            Some("b"),
            "{damage}"
        );
        let kept: Vec<_> = names(state.path())
            .into_iter()
            .filter(|name| name.starts_with("exstreamtv.db.damaged-2"))
            .collect();
        let bytes = kept
            .first()
            .map(|name| fs::read(state.path().join(name)).unwrap());
        assert_eq!(bytes, spoilt, "{damage}");
        assert!(kept.iter().all(|name| told.contains(name)), "{told}");
        store.close().await;
        judge(&file);
        // The next start has nothing to tell.
        let store = Store::open(state.path()).await.unwrap();
        assert_eq!(store.put_back(), None);
    }
}

#[tokio::test]
async fn without_a_good_backup_a_damaged_database_is_refused_and_left_as_it_is() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("exstreamtv.db");
    let store = filled(state.path(), 500).await;
    let backup = handed_out(&store).await;
    store.back_up("2026-11-24").await.unwrap().unwrap();
    store.close().await;
    DAMAGES[1].1(&file);
    DAMAGES[1].1(&state.path().join("backups/2026-11-24.db"));
    let spoilt = fs::read(&file).unwrap();
    let error = Store::open(state.path()).await.unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), spoilt);
    // The owner has one elsewhere.
    let store = Store::open_or_set_aside(state.path()).await.unwrap();
    let change = restored(&store, &backup).await.unwrap();
    assert_eq!((change.titles.now, change.titles.then), (0, 500));
    assert_eq!(store.load().await.unwrap().channels.len(), 34);
}

#[tokio::test]
async fn a_database_that_is_whole_is_never_replaced_by_a_backup() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("exstreamtv.db");
    let store = filled(state.path(), 10).await;
    store.back_up("2026-11-24").await.unwrap().unwrap();
    store.close().await;
    for (sql, told) in [
        ("PRAGMA user_version = 1000", "newer version"),
        ("PRAGMA application_id = 7", "another program"),
    ] {
        let db = Connection::open(&file).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        let before = fs::read(&file).unwrap();
        let error = Store::open(state.path()).await.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        assert_eq!(fs::read(&file).unwrap(), before);
        assert_eq!(names(state.path()), ["backups", "exstreamtv.db"]);
    }
}

#[tokio::test]
async fn a_restore_is_weighed_first_and_keeps_what_was_there() {
    let state = tempfile::tempdir().unwrap();
    let store = filled(state.path(), 20).await;
    store.set_setting("device.id", "AAAA0001").await.unwrap();
    let then = store.load().await.unwrap();
    let backup = handed_out(&store).await;
    store.remove_library(LibraryId(1)).await.unwrap();
    store.add_folder("New", "/new").await.unwrap();
    store.add_folder("Newer", "/newer").await.unwrap();
    let now = store.load().await.unwrap();

    let change = weighed(&store, &backup).await.unwrap();
    assert_eq!((change.libraries.now, change.libraries.then), (2, 1));
    assert_eq!((change.titles.now, change.titles.then), (0, 20));
    assert_eq!((change.channels.now, change.channels.then), (0, 34));
    assert!(!change.applied && change.kept.is_none() && !change.other_device);
    assert_eq!(store.load().await.unwrap(), now);
    assert!(!state.path().join("backups").exists());

    let change = restored(&store, &backup).await.unwrap();
    let kept = change.kept.unwrap();
    assert!(change.applied);
    assert_eq!(store.load().await.unwrap(), then);
    assert_eq!(
        names(&state.path().join("backups")),
        ["2026-11-24.db", "before-restore-2026-11-24T081500Z.db"]
    );
    // The day's backup is what is there now: nothing has changed since.
    assert_eq!(store.back_up("2026-11-25").await.unwrap(), None);
    // And back again; then it goes on as any other store.
    restored(&store, &fs::read(kept).unwrap()).await.unwrap();
    assert_eq!(store.load().await.unwrap(), now);
    store.add_folder("Last", "/last").await.unwrap();
    store.close().await;
    judge(&state.path().join("exstreamtv.db"));
    for name in names(&state.path().join("backups")) {
        judge(&state.path().join("backups").join(name));
    }
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_restored_as_the_newest() {
    let state = tempfile::tempdir().unwrap();
    let store = filled(state.path(), 1).await;
    store.set_setting("device.id", "AAAA0001").await.unwrap();
    let old = tempfile::tempdir().unwrap();
    let path = old.path().join("old.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("store/v1.sql")).unwrap();
    drop(db);
    let change = restored(&store, &fs::read(path).unwrap()).await.unwrap();
    assert_eq!(change.titles.then, 3);
    assert!(change.other_device);
    let contents = store.load().await.unwrap();
    assert_eq!(contents.items[0].part.tracks.len(), 3);
    assert_eq!(contents.channels.len(), 2);
}

#[tokio::test]
async fn what_is_no_good_backup_is_refused_and_changes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let store = filled(state.path(), 500).await;
    let good = handed_out(&store).await;
    let before = store.load().await.unwrap();
    let made = |sql: &str| {
        let place = TempDir::new().unwrap();
        let path = place.path().join("x.db");
        fs::write(&path, &good).unwrap();
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        fs::read(&path).unwrap()
    };
    let mut flipped = good.clone();
    let middle = flipped.len() / 2 / 4096 * 4096;
    flipped[middle..middle + 4096].fill(0xA5);
    for (backup, told) in [
        (Vec::new(), "no backup"),
        (vec![0x55; 10_000], "not a database"),
        (good[..good.len() / 2].to_vec(), "damaged"),
        (good[..8192].to_vec(), "damaged"),
        (flipped, "damaged"),
        (made("PRAGMA application_id = 7"), "no backup"),
        (made("PRAGMA user_version = 0"), "no backup"),
        (made("PRAGMA user_version = 1000"), "newer version"),
        (made("DELETE FROM library"), "not there"),
        (
            made("CREATE TRIGGER t AFTER INSERT ON setting BEGIN DELETE FROM library; END"),
            "tables are not",
        ),
        (made("DROP TABLE playlist_item"), "tables are not"),
    ] {
        let error = weighed(&store, &backup).await.unwrap_err();
        assert!(error.contains(told), "{told}: {error}");
        let error = restored(&store, &backup).await.unwrap_err();
        assert!(error.contains(told), "{told}: {error}");
    }
    assert_eq!(store.load().await.unwrap(), before);
    let left = names(state.path());
    assert_eq!(
        left,
        ["exstreamtv.db", "exstreamtv.db-shm", "exstreamtv.db-wal"]
    );
}

#[tokio::test]
async fn the_writer_tells_what_it_did() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).await.unwrap();
    assert_eq!(store.figures().commits, 0);
    let library = store.add_folder("Films", "/films").await.unwrap();
    store
        .apply_scan(library.id, scan("/films", 600, "Film"))
        .await
        .unwrap();
    store
        .remove_channel("7".parse().unwrap())
        .await
        .unwrap_err();
    let figures = store.figures();
    assert_eq!(
        (figures.waiting, figures.requests, figures.refusals),
        (0, 5, 1)
    );
    assert_eq!(
        (figures.batches, figures.batch_items, figures.commits),
        (3, 600, 4)
    );
    assert!(figures.longest_commit_us > 0 && figures.commits_us > figures.longest_commit_us);
}
