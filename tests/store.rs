//! The store from outside: what it keeps, what it refuses, and what no accident can do to it.
//! A second SQLite connection judges what is in the file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is not as claimed, and prints what it measured"
)]

use exstreamtv::limits;
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Medium, Role, Track, TrackId, TrackKind, VideoCodec,
    VideoTrack,
};
use exstreamtv::model::{
    ChannelNumber, Episode, Library, MediaItemId, NewChannel, NewItem, Order, Part,
};
use exstreamtv::store::{Scan, Store};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const V1: &str = include_str!("store/v1.sql");

fn file(state: &Path) -> PathBuf {
    state.join("exstreamtv.db")
}

fn track(id: u64, kind: TrackKind) -> Track {
    Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    }
}

fn item(path: &str) -> NewItem {
    NewItem {
        rating_key: None,
        about: None,
        title: format!("Title of {path}"),
        year: Some(1999),
        episode: None,
        part: Part {
            path: path.to_owned(),
            size_bytes: 1 << 33,
            changed_ms: 1_700_000_000_123,
            container: Some(Container::Mp4),
            duration_ms: Some(7_200_001),
            tracks: vec![
                track(
                    1,
                    TrackKind::Video(VideoTrack {
                        codec: VideoCodec::H264,
                        width: 1920,
                        height: 1080,
                        frame_duration_90k: 3754,
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

fn items(count: usize) -> Scan {
    Scan {
        upserts: (0..count)
            .map(|at| item(&format!("/m/{at:05}.mp4")))
            .collect(),
        ..Scan::default()
    }
}

fn number(text: &str) -> ChannelNumber {
    text.parse().unwrap()
}

fn channel(text: &str, items: &[i64]) -> NewChannel {
    NewChannel {
        number: number(text),
        name: format!("Channel {text}"),
        epoch_ms: 1_700_000_000_000,
        order: Order::Shuffled { seed: u64::MAX - 1 },
        items: items.iter().map(|id| MediaItemId(*id)).collect(),
    }
}

async fn filled(state: &Path, count: usize) -> (Store, Library) {
    let store = Store::open(state).await.unwrap();
    let library = store.add_folder("Films", "/m").await.unwrap();
    store.apply_scan(library.id, items(count)).await.unwrap();
    (store, library)
}

fn count(db: &Connection, table: &str) -> i64 {
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
        row.get(0)
    })
    .unwrap()
}

#[tokio::test]
async fn what_is_stored_is_what_is_read_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let (store, library) = filled(state.path(), 3).await;
    let episode = NewItem {
        episode: Some(Episode {
            show: "Serie mit Größe".to_owned(),
            season: 0,
            number: 65_535,
        }),
        year: None,
        ..item("/m/episode.mkv")
    };
    let mut broken = item("/m/broken.avi");
    broken.part.container = None;
    broken.part.duration_ms = None;
    broken.part.tracks = vec![track(
        u64::MAX,
        TrackKind::Other {
            medium: Medium::Audio,
            codec: "dts".to_owned(),
            why: "this codec is not carried".to_owned(),
        },
    )]
    .into();
    broken.part.problem = Some("AVI files need converting first".to_owned());
    let upserts = vec![episode.clone(), broken.clone()];
    let scan = Scan {
        upserts,
        gone: vec![MediaItemId(2)],
        ..Scan::default()
    };
    store.apply_scan(library.id, scan).await.unwrap();
    store
        .add_channels(vec![channel("1984.1", &[3, 1, 3]), channel("1984", &[])])
        .await
        .unwrap();
    store.set_setting("device_id", "105A0F31").await.unwrap();
    let before = store.load().await.unwrap();
    store.close().await;

    let store = Store::open(state.path()).await.unwrap();
    let contents = store.load().await.unwrap();
    assert_eq!(contents, before);
    assert_eq!(contents.libraries, [library]);
    let ids: Vec<i64> = contents.items.iter().map(|item| item.id.0).collect();
    assert_eq!(ids, [1, 3, 4, 5]);
    for (kept, given) in contents.items.iter().skip(2).zip([episode, broken]) {
        assert_eq!(kept.part, given.part);
        assert_eq!((&kept.title, kept.year), (&given.title, given.year));
        assert_eq!(kept.episode, given.episode);
    }
    let [first, second] = contents.channels.as_slice() else {
        panic!("{:?}", contents.channels);
    };
    assert_eq!(first.number, number("1984.1"));
    assert_eq!(first.order, Order::Shuffled { seed: u64::MAX - 1 });
    assert_eq!(first.items, [3, 1, 3].map(MediaItemId));
    assert!(second.items.is_empty());
    let setting = store.setting("device_id").await.unwrap();
    assert_eq!(setting.as_deref(), Some("105A0F31"));
    assert_eq!(store.setting("other").await.unwrap(), None);
}

#[tokio::test]
async fn an_item_that_changes_keeps_its_id_and_its_place_on_channels() {
    let state = tempfile::tempdir().unwrap();
    let (store, library) = filled(state.path(), 2).await;
    store
        .add_channels(vec![channel("5", &[2, 1])])
        .await
        .unwrap();
    let mut changed = item("/m/00001.mp4");
    changed.title = "New".to_owned();
    changed.part.tracks = changed.part.tracks[..1].into();
    let scan = Scan {
        upserts: vec![changed.clone()],
        ..Scan::default()
    };
    store.apply_scan(library.id, scan).await.unwrap();
    let contents = store.load().await.unwrap();
    assert_eq!(contents.items[1].id, MediaItemId(2));
    assert_eq!(contents.items[1].title, "New");
    assert_eq!(contents.items[1].part, changed.part);
    assert_eq!(contents.channels[0].items, [2, 1].map(MediaItemId));
}

#[tokio::test]
async fn ids_are_never_used_again() {
    let state = tempfile::tempdir().unwrap();
    let (store, library) = filled(state.path(), 3).await;
    let scan = Scan {
        upserts: vec![],
        gone: vec![MediaItemId(3)],
        ..Scan::default()
    };
    store.apply_scan(library.id, scan).await.unwrap();
    let scan = Scan {
        upserts: vec![item("/m/again.mp4")],
        ..Scan::default()
    };
    store.apply_scan(library.id, scan).await.unwrap();
    let ids: Vec<i64> = store
        .load()
        .await
        .unwrap()
        .items
        .iter()
        .map(|i| i.id.0)
        .collect();
    assert_eq!(ids, [1, 2, 4]);
}

#[tokio::test]
async fn the_same_folder_twice_is_one_library() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).await.unwrap();
    let first = store.add_folder("Films", "/m").await.unwrap();
    assert_eq!(store.add_folder("Other", "/m").await.unwrap(), first);
    assert_ne!(store.add_folder("Films", "/n").await.unwrap().id, first.id);
}

#[tokio::test]
async fn an_item_without_a_library_cannot_be_written() {
    let state = tempfile::tempdir().unwrap();
    let (store, library) = filled(state.path(), 1).await;
    let nowhere = exstreamtv::model::LibraryId(library.id.0 + 1);
    let error = store.apply_scan(nowhere, items(1)).await.unwrap_err();
    assert!(error.to_string().contains("FOREIGN KEY"), "{error}");

    // Nor by somebody else who has the file open.
    let db = Connection::open(file(state.path())).unwrap();
    db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    for library in ["NULL", "99"] {
        let sql = format!("INSERT INTO media_item (library_id, title) VALUES ({library}, 'x')");
        assert!(db.execute_batch(&sql).is_err(), "{library}");
    }
    db.execute_batch("DELETE FROM library").unwrap();
    for table in ["media_item", "part", "track"] {
        assert_eq!(count(&db, table), 0, "{table}");
    }
}

#[tokio::test]
async fn a_part_is_playable_or_says_why_not() {
    let state = tempfile::tempdir().unwrap();
    let (store, library) = filled(state.path(), 0).await;
    let mut silent = item("/m/a.mp4");
    silent.part.duration_ms = None;
    let scan = Scan {
        upserts: vec![silent],
        ..Scan::default()
    };
    let error = store.apply_scan(library.id, scan).await.unwrap_err();
    assert!(error.to_string().contains("CHECK"), "{error}");
}

#[tokio::test]
async fn a_batch_is_written_completely_or_not_at_all() {
    let state = tempfile::tempdir().unwrap();
    let (store, library) = filled(state.path(), 0).await;
    let mut scan = items(2 * limits::STORE_BATCH_ITEMS);
    let failing = limits::STORE_BATCH_ITEMS + 100;
    scan.upserts[failing].title.clear();
    assert!(store.apply_scan(library.id, scan).await.is_err());
    let kept = store.load().await.unwrap().items.len();
    assert_eq!(kept, limits::STORE_BATCH_ITEMS);
}

#[tokio::test]
async fn channels_are_added_all_or_none() {
    let state = tempfile::tempdir().unwrap();
    let (store, _) = filled(state.path(), 2).await;
    store.add_channels(vec![channel("5", &[1])]).await.unwrap();
    let taken = store
        .add_channels(vec![channel("6", &[1]), channel("5", &[2])])
        .await;
    assert_eq!(
        taken.unwrap_err().to_string(),
        "channel 5: this number is in use by 'Channel 5'"
    );
    let unknown = store
        .add_channels(vec![channel("7", &[1]), channel("8", &[99])])
        .await;
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "channel 8: media item 99 is not in the library"
    );
    let many = (10..10 + limits::CHANNELS).map(|n| channel(&n.to_string(), &[]));
    let error = store.add_channels(many.collect()).await.unwrap_err();
    assert!(error.to_string().contains("limit of 480"), "{error}");
    assert_eq!(store.load().await.unwrap().channels.len(), 1);
    store.remove_channel(number("5")).await.unwrap();
    let error = store.remove_channel(number("5")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "channel 5: there is none with this number"
    );
}

#[tokio::test]
async fn version_1_opens_with_everything_in_it() {
    let state = tempfile::tempdir().unwrap();
    let db = Connection::open(file(state.path())).unwrap();
    db.execute_batch(V1).unwrap();
    drop(db);
    let store = Store::open(state.path()).await.unwrap();
    let contents = store.load().await.unwrap();
    assert_eq!(contents.libraries.len(), 1);
    let titles: Vec<&str> = contents.items.iter().map(|i| i.title.as_str()).collect();
    assert_eq!(titles, ["Amélie", "Pilot", "Old"]);
    assert_eq!(contents.items[0].part.tracks.len(), 3);
    let others = contents.items.iter().flat_map(|i| i.part.tracks.iter());
    let others = others.filter_map(|track| match &track.kind {
        TrackKind::Other { medium, codec, why } => Some((*medium, codec.as_str(), why.as_str())),
        TrackKind::Video(_) | TrackKind::Audio(_) => None,
    });
    let told = [
        (Medium::Neither, "S_TEXT/UTF8", "subtitles"),
        (Medium::Audio, "A_DTS", "this codec is not carried"),
    ];
    assert_eq!(others.collect::<Vec<_>>(), told);
    assert_eq!(contents.items[0].part.tracks[2].id, TrackId(u64::MAX));
    assert_eq!(contents.items[0].part.tracks[2].role, Role::Commentary);
    assert_eq!(contents.items[1].episode.as_ref().unwrap().show, "Show");
    assert!(contents.items[2].part.problem.is_some());
    assert_eq!(contents.channels[0].items, [2, 1, 2].map(MediaItemId));
    assert_eq!(
        contents.channels[0].order,
        Order::Shuffled { seed: u64::MAX - 1 }
    );
    assert_eq!(contents.channels[1].order, Order::Listed);
    let setting = store.setting("device_id").await.unwrap();
    assert_eq!(setting.as_deref(), Some("105A0F31"));
}

#[tokio::test]
async fn what_can_be_read_since_version_2_is_looked_at_again() {
    let state = tempfile::tempdir().unwrap();
    let db = Connection::open(file(state.path())).unwrap();
    db.execute_batch(V1).unwrap();
    let changed = "UPDATE part SET problem = 'MPEG-TS files cannot be read yet', changed_ms = 7
        WHERE problem IS NOT NULL";
    assert_eq!(db.execute(changed, []).unwrap(), 1);
    drop(db);
    let store = Store::open(state.path()).await.unwrap();
    let part = store.load().await.unwrap().items[2].part.clone();
    assert!(part.problem.is_some());
    assert_eq!(part.changed_ms, 0);
}

#[tokio::test]
async fn an_upgraded_database_has_the_tables_of_a_new_one() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let db = Connection::open(file(old.path())).unwrap();
    db.execute_batch(V1).unwrap();
    drop(db);
    let mut schemas = Vec::new();
    for state in [&old, &new] {
        Store::open(state.path()).await.unwrap().close().await;
        let db = Connection::open(file(state.path())).unwrap();
        let mut rows = db
            .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
            .unwrap();
        let schema: Vec<(String, String)> = rows
            .query_map([], |row| {
                let sql: Option<String> = row.get(1)?;
                let sql = sql.unwrap_or_default();
                let plain = sql.lines().filter(|line| !line.trim().starts_with("--"));
                Ok((row.get(0)?, plain.collect::<Vec<_>>().join("\n")))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(schema.len() > 10);
        schemas.push(schema);
    }
    assert_eq!(schemas[0], schemas[1]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path(), 1).await.0.close().await;
    let db = Connection::open(file(state.path())).unwrap();
    db.execute_batch("PRAGMA user_version = 1000; PRAGMA journal_mode = DELETE")
        .unwrap();
    drop(db);
    let error = Store::open(state.path()).await.unwrap_err().to_string();
    assert!(error.contains("newer version"), "{error}");
    assert!(error.contains("1000"), "{error}");
    let db = Connection::open(file(state.path())).unwrap();
    assert_eq!(count(&db, "media_item"), 1);
}

#[tokio::test]
async fn what_is_no_database_of_the_box_is_refused_in_words() {
    let state = tempfile::tempdir().unwrap();
    let path = file(state.path());
    std::fs::write(&path, [0x55; 8192]).unwrap();
    let error = Store::open(state.path()).await.unwrap_err().to_string();
    assert!(error.contains("not a database"), "{error}");
    std::fs::remove_file(&path).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE media_items (id INTEGER)")
        .unwrap();
    drop(db);
    let bytes = std::fs::read(&path).unwrap();
    let error = Store::open(state.path()).await.unwrap_err().to_string();
    assert!(error.contains("another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_damaged_database_is_refused_in_words() {
    let state = tempfile::tempdir().unwrap();
    filled(state.path(), 500).await.0.close().await;
    let path = file(state.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8192].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(state.path()).await.unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_row_that_makes_no_sense_costs_that_row() {
    let state = tempfile::tempdir().unwrap();
    let (store, _) = filled(state.path(), 3).await;
    store
        .add_channels(vec![channel("5", &[1]), channel("6", &[2, 3])])
        .await
        .unwrap();
    store.close().await;
    let db = Connection::open(file(state.path())).unwrap();
    db.execute_batch(
        "PRAGMA ignore_check_constraints = ON;
         UPDATE channel SET number = 'five' WHERE number = '5';
         UPDATE part SET size_bytes = -1 WHERE media_item_id = 1;
         UPDATE media_item SET title = CAST(x'ff' AS TEXT) WHERE id = 2;
         UPDATE track SET codec = 'vp6' WHERE part_id = 3 AND position = 0;",
    )
    .unwrap();
    drop(db);
    let opened = Store::open(state.path()).await;
    let store = opened.unwrap();
    let contents = store.load().await.unwrap();
    let ids: Vec<i64> = contents.items.iter().map(|item| item.id.0).collect();
    assert_eq!(ids, [3]);
    assert_eq!(contents.items[0].part.tracks.len(), 1);
    assert_eq!(contents.channels.len(), 1);
    assert_eq!(contents.channels[0].number, number("6"));
}

#[tokio::test]
async fn the_state_is_its_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("made").join("here");
    let (store, _) = filled(&state, 1).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 2, "the log is there too");
    store.close().await;
    // Somebody opened it up; the next start closes it again.
    std::fs::set_permissions(file(&state), PermissionsExt::from_mode(0o644)).unwrap();
    Store::open(&state).await.unwrap().close().await;
    assert_eq!(mode(&file(&state)), 0o600);
}

#[tokio::test]
async fn closing_leaves_one_whole_file() {
    let state = tempfile::tempdir().unwrap();
    let (store, _) = filled(state.path(), 300).await;
    let other = store.clone();
    let closing = tokio::spawn(store.close());
    other.set_setting("last", "word").await.unwrap();
    assert!(!closing.is_finished(), "another handle is still there");
    drop(other);
    closing.await.unwrap();
    let names: Vec<_> = std::fs::read_dir(state.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["exstreamtv.db"]);
    let db = Connection::open(file(state.path())).unwrap();
    assert_eq!(count(&db, "media_item"), 300);
    assert_eq!(count(&db, "setting"), 1);
}

#[tokio::test]
async fn a_deleted_database_is_noticed_before_anything_is_lost_in_it() {
    let state = tempfile::tempdir().unwrap();
    let (store, _) = filled(state.path(), 1).await;
    std::fs::remove_file(file(state.path())).unwrap();
    let error = store.set_setting("a", "b").await.unwrap_err().to_string();
    assert!(error.contains("was deleted or replaced"), "{error}");
    assert_eq!(store.load().await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_lock_of_another_program_fails_writes_in_words_and_reads_go_on() {
    let state = tempfile::tempdir().unwrap();
    let (store, _) = filled(state.path(), 1).await;
    let other = Connection::open(file(state.path())).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let began = Instant::now();
    assert_eq!(store.load().await.unwrap().items.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(1));
    let error = store.set_setting("a", "b").await.unwrap_err().to_string();
    assert!(
        error.contains("another program has the database locked"),
        "{error}"
    );
    other.execute_batch("ROLLBACK").unwrap();
    store.set_setting("a", "b").await.unwrap();
}

/// Run as a child by the test below: writes for ever.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(state) = std::env::var_os("EXSTREAMTV_TEST_STATE") else {
        return;
    };
    let (store, library) = filled(Path::new(&state), 0).await;
    for round in 0.. {
        let upserts = (0..limits::STORE_BATCH_ITEMS).map(|at| item(&format!("/m/{round}/{at}")));
        let scan = Scan {
            upserts: upserts.collect(),
            ..Scan::default()
        };
        store.apply_scan(library.id, scan).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_killed_while_writing_leaves_whole_batches() {
    let state = tempfile::tempdir().unwrap();
    let mut written = 0;
    for life in 1..=4_u32 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_is_killed"])
            .env("EXSTREAMTV_TEST_STATE", state.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Killed at a moment that nobody chose, once it has written something.
        let began = Instant::now();
        let mut items = 0;
        while items <= written && began.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(17 + u64::from(life) * 7)).await;
            let db = Connection::open(file(state.path())).unwrap();
            items = db
                .query_row("SELECT count(*) FROM media_item", [], |row| row.get(0))
                .unwrap_or(0);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(state.path()).await.unwrap();
        let contents = store.load().await.unwrap();
        let batch = limits::STORE_BATCH_ITEMS;
        assert!(!contents.items.is_empty());
        assert_eq!(contents.items.len() % batch, 0);
        assert!(
            contents
                .items
                .iter()
                .all(|item| item.part.tracks.len() == 2)
        );
        written = i64::try_from(contents.items.len()).unwrap();
        store.close().await;
    }
}
