//! A folder that becomes a library: what is found, what is told, what is never lost. The files are
//! made by ffmpeg or are no videos at all.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is not as claimed, and prints what it measured"
)]

use exstreamtv::catalog::{Librarian, sync};
use exstreamtv::error::Result;
use exstreamtv::folder::Progress;
use exstreamtv::limits;
use exstreamtv::model::{Library, MediaItem, NewChannel, Order};
use exstreamtv::store::Store;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A head that is recognised, so that the words are known: an AVI file's.
const AVI: &[u8] = b"RIFF\x10\0\0\0AVI LIST\0\0\0\0";
const AVI_WORDS: &str = "AVI files need converting first";

/// A box's library with a folder for it.
struct House {
    temp: tempfile::TempDir,
    librarian: Librarian,
}

impl House {
    async fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("media")).unwrap();
        let store = Store::open(&temp.path().join("state")).await.unwrap();
        let librarian = Librarian::open(store).await.unwrap();
        librarian
            .add_folder(&temp.path().join("media"), Some("Films"))
            .await
            .unwrap();
        Self { temp, librarian }
    }

    fn root(&self) -> PathBuf {
        self.temp.path().join("media").canonicalize().unwrap()
    }

    /// Writes a file into the folder, with the folders around it.
    fn put(&self, name: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    async fn sync(&self) -> Result<sync::Report> {
        self.sync_with(|_| ()).await
    }

    async fn sync_with(&self, mut progress: impl FnMut(&Progress) + Send) -> Result<sync::Report> {
        let tell = |_: &Library, found: &Progress| progress(found);
        let mut reports = self.librarian.sync(0, tell).await.unwrap();
        assert_eq!(reports.len(), 1);
        reports.remove(0).1
    }

    /// What the catalog lists, by path below the root.
    fn items(&self) -> BTreeMap<String, Arc<MediaItem>> {
        let catalog = self.librarian.catalog().borrow().clone();
        let root = format!("{}/", self.root().display());
        let below = |item: &MediaItem| item.part.path.strip_prefix(&root).unwrap().to_owned();
        catalog
            .items()
            .iter()
            .map(|i| (below(i), i.clone()))
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.items().into_keys().collect()
    }

    fn problem(&self, name: &str) -> String {
        self.items()[name].part.problem.clone().unwrap_or_default()
    }
}

#[tokio::test]
async fn a_folder_becomes_a_library_with_names_and_reasons() {
    let house = House::new().await;
    house.put("Amélie (2001)/Amélie (2001) - 1080p.avi", AVI);
    house.put(
        "Show (2005)/Season 01/Show - S01E02 - Two.MKV",
        b"no video at all",
    );
    house.put("with spaces  and 🎬.mp4", b"");
    house.put("zeros.mov", &[0; 4096]);
    house.put("notes.txt", b"not listed");
    house.put(".hidden.mkv", AVI);
    house.put(".hidden/film.mkv", AVI);
    house.put("Extras/extra.mkv", AVI);
    house.put("Amélie (2001)/Amélie (2001)-trailer.mkv", AVI);
    let report = house.sync().await.unwrap();
    assert_eq!((report.added, report.unplayable), (4, 4));
    assert_eq!(
        house.names(),
        [
            "Amélie (2001)/Amélie (2001) - 1080p.avi",
            "Show (2005)/Season 01/Show - S01E02 - Two.MKV",
            "with spaces  and 🎬.mp4",
            "zeros.mov",
        ]
    );
    let items = house.items();
    let film = &items["Amélie (2001)/Amélie (2001) - 1080p.avi"];
    assert_eq!((film.title.as_str(), film.year), ("Amélie", Some(2001)));
    assert_eq!(film.part.size_bytes, AVI.len() as u64);
    assert_eq!(film.part.problem.as_deref(), Some(AVI_WORDS));
    let episode = &items["Show (2005)/Season 01/Show - S01E02 - Two.MKV"];
    let of = episode.episode.as_ref().unwrap();
    assert_eq!((of.show.as_str(), of.season, of.number), ("Show", 1, 2));
    assert_eq!(
        house.problem("Show (2005)/Season 01/Show - S01E02 - Two.MKV"),
        "it is no MP4, MOV, Matroska or MPEG-TS file, whatever its name says"
    );
    assert_eq!(house.problem("with spaces  and 🎬.mp4"), "it is empty");
    assert!(house.problem("zeros.mov").contains("zeros only"));
}

#[tokio::test]
async fn names_that_are_not_utf_8_are_listed_with_the_reason() {
    let house = House::new().await;
    house.put(OsStr::from_bytes(b"caf\xE9.mkv"), AVI);
    house.put(
        Path::new(OsStr::from_bytes(b"\xFFolder")).join("film.mkv"),
        AVI,
    );
    for round in 0..2 {
        let report = house.sync().await.unwrap();
        assert_eq!(report.added, [2, 0][round]);
        assert_eq!(report.unchanged, [0, 2][round]);
        assert_eq!(house.names(), ["\\xFFolder/film.mkv", "caf\\xE9.mkv"]);
        assert!(house.problem("caf\\xE9.mkv").contains("not UTF-8"));
        assert!(house.problem("\\xFFolder/film.mkv").contains("not UTF-8"));
    }
}

#[tokio::test]
async fn links_in_a_loop_are_met_once() {
    let house = House::new().await;
    house.put("a/b/film.avi", AVI);
    symlink(house.root(), house.root().join("a/b/up")).unwrap();
    symlink(house.root().join("a"), house.root().join("a/b/again")).unwrap();
    symlink("self", house.root().join("self")).unwrap();
    symlink("nowhere.mkv", house.root().join("broken.mkv")).unwrap();
    let elsewhere = house.temp.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("other.avi"), AVI).unwrap();
    symlink(&elsewhere, house.root().join("linked")).unwrap();
    house.sync().await.unwrap();
    assert_eq!(
        house.names(),
        ["a/b/film.avi", "broken.mkv", "linked/other.avi"]
    );
    assert_eq!(
        house.problem("broken.mkv"),
        "it is a link to a file that is not there"
    );
}

#[tokio::test]
async fn folders_deeper_than_the_limit_are_told_and_not_entered() {
    let house = House::new().await;
    let mut path = PathBuf::new();
    for depth in 0..=limits::FOLDER_DEPTH + 3 {
        house.put(path.join(format!("film {depth:02}.avi")), AVI);
        path.push("deeper");
    }
    let report = house.sync().await.unwrap();
    assert_eq!(report.added, limits::FOLDER_DEPTH + 1);
    assert_eq!(report.remarks.len(), 1);
    assert!(report.remarks[0].ends_with("too many folders deep"));
}

#[tokio::test]
async fn what_is_no_plain_file_never_hangs_the_scan() {
    let house = House::new().await;
    let fifo = house.root().join("fifo.mkv");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    fs::create_dir(house.root().join("folder.mkv")).unwrap();
    let began = Instant::now();
    house.sync().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(house.names(), ["fifo.mkv"]);
    assert_eq!(house.problem("fifo.mkv"), "it is not a plain file");
}

#[tokio::test]
async fn a_second_scan_opens_no_file() {
    let house = House::new().await;
    for at in 0..30 {
        house.put(format!("film {at}.avi"), AVI);
    }
    house.sync().await.unwrap();
    let mut last = Progress::default();
    let report = house.sync_with(|now| last = now.clone()).await.unwrap();
    assert_eq!((last.seen, last.probed), (30, 0));
    assert_eq!((report.unchanged, report.unplayable), (30, 30));
    assert_eq!((report.added, report.updated, report.removed), (0, 0, 0));
}

#[tokio::test]
async fn files_that_change_are_probed_again_and_keep_their_id() {
    let house = House::new().await;
    house.put("a.avi", AVI);
    house.put("b.avi", AVI);
    house.sync().await.unwrap();
    let id = house.items()["b.avi"].id;
    house.put("b.avi", b"something else");
    // Same length, other time.
    let touched = std::time::SystemTime::now() - Duration::from_secs(1000);
    let file = fs::File::options()
        .write(true)
        .open(house.root().join("a.avi"));
    file.unwrap().set_modified(touched).unwrap();
    let mut last = Progress::default();
    let report = house.sync_with(|now| last = now.clone()).await.unwrap();
    assert_eq!((last.probed, report.updated), (2, 2));
    assert_eq!(house.items()["b.avi"].id, id);
    assert!(house.problem("b.avi").contains("whatever its name says"));
}

#[tokio::test]
async fn files_that_went_leave_the_library_and_its_channels() {
    let house = House::new().await;
    house.put("a.avi", AVI);
    let gone = house.put("b.avi", AVI);
    house.sync().await.unwrap();
    let ids = house.items().values().map(|item| item.id).collect();
    let channel = NewChannel {
        number: "5".parse().unwrap(),
        name: "All".to_owned(),
        epoch_ms: 0,
        order: Order::Listed,
        items: ids,
    };
    house.librarian.add_channels(vec![channel]).await.unwrap();
    fs::remove_file(gone).unwrap();
    let report = house.sync().await.unwrap();
    assert_eq!((report.removed, report.unchanged), (1, 1));
    assert_eq!(house.names(), ["a.avi"]);
    let catalog = house.librarian.catalog().borrow().clone();
    assert_eq!(catalog.channels()[0].items, [house.items()["a.avi"].id]);
}

#[tokio::test]
async fn an_unplugged_drive_costs_nothing() {
    let house = House::new().await;
    for at in 0..5 {
        house.put(format!("films/{at}.avi"), AVI);
    }
    house.sync().await.unwrap();
    let before = house.librarian.catalog().borrow().clone();
    let away = house.temp.path().join("away");

    // The mount point is left behind, empty.
    let root = house.root();
    fs::rename(&root, &away).unwrap();
    fs::create_dir(&root).unwrap();
    let error = house.sync().await.unwrap_err().to_string();
    assert!(error.contains("is the drive plugged in?"), "{error}");
    assert!(error.contains("5 titles"), "{error}");
    assert_eq!(*house.librarian.catalog().borrow(), before);

    // The mount point goes too.
    fs::remove_dir(&root).unwrap();
    let error = house.sync().await.unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");
    assert_eq!(*house.librarian.catalog().borrow(), before);

    fs::rename(&away, &root).unwrap();
    let report = house.sync().await.unwrap();
    assert_eq!(report.unchanged, 5);
    assert_eq!(*house.librarian.catalog().borrow(), before);
}

#[tokio::test]
async fn an_unplugged_drive_below_the_root_costs_nothing_either() {
    use std::os::unix::fs::MetadataExt;
    let house = House::new().await;
    house.put("a.avi", AVI);
    // Another file system, as a link leads to it: mounting is for root.
    let drive = tempfile::tempdir_in("/dev/shm").unwrap();
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    assert_ne!(device(drive.path()), device(&house.root()));
    fs::write(drive.path().join("b.avi"), AVI).unwrap();
    let mount_point = house.root().join("usb");
    symlink(drive.path(), &mount_point).unwrap();
    house.sync().await.unwrap();
    assert_eq!(house.names(), ["a.avi", "usb/b.avi"]);

    // The mount point goes with the drive, or is left behind, empty; again and again.
    fs::remove_file(&mount_point).unwrap();
    for round in 0..4 {
        let report = house.sync().await.unwrap();
        assert_eq!((report.removed, report.unchanged), (0, 1), "{round}");
        let remark = report.remarks.concat();
        assert!(remark.contains("usb: the drive is not there"), "{remark}");
        assert_eq!(house.names(), ["a.avi", "usb/b.avi"]);
        if round == 1 {
            fs::create_dir(&mount_point).unwrap();
        }
    }

    // A file that is deleted on a drive that is there is gone.
    fs::remove_dir(&mount_point).unwrap();
    symlink(drive.path(), &mount_point).unwrap();
    assert_eq!(house.sync().await.unwrap().unchanged, 2);
    fs::rename(drive.path().join("b.avi"), drive.path().join("c.avi")).unwrap();
    assert_eq!(house.sync().await.unwrap().removed, 1);
    assert_eq!(house.names(), ["a.avi", "usb/c.avi"]);

    // What takes its place for good is believed.
    fs::remove_file(&mount_point).unwrap();
    house.put("usb/d.avi", AVI);
    let report = house.sync().await.unwrap();
    assert_eq!((report.added, report.removed), (1, 1));
    assert!(report.remarks.is_empty(), "{:?}", report.remarks);
    assert_eq!(house.names(), ["a.avi", "usb/d.avi"]);
    fs::remove_file(mount_point.join("d.avi")).unwrap();
    assert_eq!(house.sync().await.unwrap().removed, 1);
}

#[tokio::test]
async fn what_may_not_be_read_is_told_and_nothing_below_it_is_lost() {
    let house = House::new().await;
    house.put("open/a.avi", AVI);
    house.put("closed/b.avi", AVI);
    house.sync().await.unwrap();
    let closed = house.root().join("closed");
    let new = house.put("open/new.avi", AVI);
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o0)).unwrap();
    fs::set_permissions(&new, PermissionsExt::from_mode(0o0)).unwrap();
    // Root may read everything: then there is nothing to be seen here.
    let is_root = fs::read_dir(&closed).is_ok();
    let report = house.sync().await.unwrap();
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(
        house.names(),
        ["closed/b.avi", "open/a.avi", "open/new.avi"]
    );
    if !is_root {
        assert_eq!(report.remarks.len(), 1);
        assert!(report.remarks[0].contains("Permission denied"));
        assert!(house.problem("open/new.avi").contains("Permission denied"));
        // It is looked at again as soon as it can be, though it has not changed.
        fs::set_permissions(&new, PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(house.sync().await.unwrap().updated, 1);
        assert_eq!(house.problem("open/new.avi"), AVI_WORDS);
    }
}

#[tokio::test]
async fn files_that_vanish_under_the_scan_do_not_stop_it() {
    let house = House::new().await;
    for at in 0..200 {
        house.put(format!("{at:03}.avi"), AVI);
    }
    let root = house.root();
    let mut next = 199;
    // For each file that is looked at from the front, one at the back goes.
    let report = house
        .sync_with(|now| {
            if now.seen > 20 && next > 100 {
                let _ = fs::remove_file(root.join(format!("{next:03}.avi")));
                next -= 1;
            }
        })
        .await
        .unwrap();
    assert!((100..=200).contains(&report.added), "{report:?}");
    for (name, item) in house.items() {
        let problem = item.part.problem.clone().unwrap();
        let vanished = problem.contains("No such file") && !root.join(&name).exists();
        assert!(problem == AVI_WORDS || vanished, "{name}: {problem}");
    }
    house.sync().await.unwrap();
    assert_eq!(house.names().len(), 101);
}

#[tokio::test]
async fn a_file_that_could_not_be_read_is_looked_at_again_though_it_has_not_changed() {
    let house = House::new().await;
    let here = house.put("a.avi", AVI);
    let away = house.temp.path().join("away.avi");
    // It goes after it was listed and before it is opened.
    house
        .sync_with(|now| {
            if now.probed == 0 {
                fs::rename(&here, &away).unwrap_or_default();
            }
        })
        .await
        .unwrap();
    let problem = house.problem("a.avi");
    assert!(problem.contains("No such file"), "{problem}");
    fs::rename(&away, &here).unwrap();
    assert_eq!(house.sync().await.unwrap().updated, 1);
    assert_eq!(house.problem("a.avi"), AVI_WORDS);
    assert_eq!(house.sync().await.unwrap().unchanged, 1);
}

#[tokio::test]
async fn two_thousand_files_are_scanned_in_the_order_of_their_names() {
    let house = House::new().await;
    for at in 0..2_000 {
        house.put(format!("{:02}/film {at:04}.avi", at / 100), AVI);
    }
    let began = Instant::now();
    let report = house.sync().await.unwrap();
    let first = began.elapsed();
    assert_eq!(report.added, 2_000);
    let began = Instant::now();
    assert_eq!(house.sync().await.unwrap().unchanged, 2_000);
    println!("2,000 files: {first:?}, again {:?}", began.elapsed());
    let items = house.items();
    let ids: Vec<i64> = items.values().map(|item| item.id.0).collect();
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn two_syncs_at_once_are_one_and_a_refusal() {
    let house = House::new().await;
    for at in 0..50 {
        house.put(format!("{at}.avi"), AVI);
    }
    let librarian = &house.librarian;
    let (first, second) = tokio::join!(librarian.sync(0, |_, _| ()), librarian.sync(0, |_, _| ()));
    assert_eq!(first.unwrap().len(), 1);
    assert_eq!(
        second.unwrap_err().to_string(),
        "sync: one is under way; wait until it is done"
    );
    librarian.sync(0, |_, _| ()).await.unwrap();
}

#[tokio::test]
async fn a_dropped_sync_leaves_the_box_ready_for_the_next() {
    let house = House::new().await;
    for at in 0..600 {
        house.put(format!("{at:03}.avi"), AVI);
    }
    // Further than a batch and everything that may be on its way.
    let far = Notify::new();
    let sync = house.librarian.sync(0, |_, progress| {
        if progress.seen > 400 {
            far.notify_one();
        }
    });
    tokio::select! {
        biased;
        () = far.notified() => {}
        _ = sync => panic!("it was quicker than expected"),
    }
    assert_eq!(house.names().len(), 0);
    house.librarian.refresh().await.unwrap();
    let kept = house.names().len();
    assert!((256..600).contains(&kept), "{kept}");
    house.sync().await.unwrap();
    assert_eq!(house.names().len(), 600);
}

#[tokio::test]
async fn a_broken_library_does_not_keep_the_others_from_being_synced() {
    let house = House::new().await;
    let other = house.temp.path().join("Other Films");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("film.avi"), AVI).unwrap();
    let library = house.librarian.add_folder(&other, None).await.unwrap();
    assert_eq!(library.name, "Other Films");
    fs::remove_dir(house.root()).unwrap();
    let reports = house.librarian.sync(0, |_, _| ()).await.unwrap();
    assert!(reports[0].1.is_err());
    assert_eq!(reports[1].1.as_ref().unwrap().added, 1);
}

#[tokio::test]
async fn every_change_is_a_new_snapshot_and_nothing_else_is() {
    let house = House::new().await;
    let mut catalog_rx = house.librarian.catalog();
    catalog_rx.mark_unchanged();
    house.put("a.avi", AVI);
    house.sync().await.unwrap();
    assert!(catalog_rx.has_changed().unwrap());
    catalog_rx.mark_unchanged();
    house.sync().await.unwrap();
    house
        .librarian
        .add_folder(&house.root(), None)
        .await
        .unwrap();
    assert!(!catalog_rx.has_changed().unwrap());
    let missing = house.root().join("missing");
    let error = house
        .librarian
        .add_folder(&missing, None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn the_catalog_goes_on_while_the_database_is_locked_or_gone() {
    let house = House::new().await;
    house.put("a.avi", AVI);
    house.sync().await.unwrap();
    let file = house.temp.path().join("state/exstreamtv.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    house.put("b.avi", AVI);
    let error = house.sync().await.unwrap_err().to_string();
    assert!(
        error.contains("another program has the database locked"),
        "{error}"
    );
    assert_eq!(house.names(), ["a.avi"]);
    drop(other);
    house.sync().await.unwrap();
    assert_eq!(house.names(), ["a.avi", "b.avi"]);
    fs::remove_file(&file).unwrap();
    house.put("c.avi", AVI);
    let error = house.sync().await.unwrap_err().to_string();
    assert!(error.contains("was deleted or replaced"), "{error}");
    assert_eq!(house.names(), ["a.avi", "b.avi"]);
}
