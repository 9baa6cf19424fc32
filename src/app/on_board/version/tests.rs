use super::run_once;
use crate::store::{Store, schema};
use crate::system::disk::Disk;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A box's state folder with a store in it, as a version left it that was cut off while it ran.
struct Place(TempDir);

impl Place {
    fn new(version: Option<&str>, number: i64) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path().join("plex.json"), "{}").unwrap();
        if let Some(version) = version {
            fs::write(place.path().join("version"), version).unwrap();
        }
        place.set(number, "first");
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Gives the store a schema and something to remember, of which the last is still in the log.
    fn set(&self, number: i64, word: &str) {
        let database = self.path().join("exstreamtv.db");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA application_id = {}; PRAGMA user_version = {number};
                 CREATE TABLE IF NOT EXISTS word (word TEXT);
                 DELETE FROM word; INSERT INTO word VALUES ('{word}');",
                0x4558_7476
            ))
            .unwrap();
        // As a power cut leaves it: the log beside the database.
        let log = self.path().join("exstreamtv.db-wal");
        let (saved, kept) = (fs::read(&log).unwrap(), fs::read(&database).unwrap());
        drop(connection);
        fs::write(&database, kept).unwrap();
        fs::write(&log, saved).unwrap();
    }

    fn start(&self, version: &str, newest: i64) -> Option<String> {
        run_once(&Disk::new(), self.path(), (version, newest)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn folders(&self) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| self.path().join(name).is_dir());
        names
    }

    fn version(&self) -> String {
        fs::read_to_string(self.path().join("version")).unwrap()
    }
}

/// What a store remembers.
fn word(folder: PathBuf) -> String {
    let connection = Connection::open(folder.join("exstreamtv.db")).unwrap();
    connection
        .query_row("SELECT word FROM word", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn the_store_is_kept_before_another_version_changes_it() {
    let place = Place::new(Some("0.1.0"), 3);
    assert_eq!(place.start("0.1.0", 3), None);
    assert_eq!(place.folders(), Vec::<String>::new());
    assert_eq!(place.start("0.2.0", 4), None);
    assert_eq!(place.folders(), ["before-0.1.0"]);
    assert_eq!(word(place.path().join("before-0.1.0")), "first");
    assert!(place.path().join("before-0.1.0/plex.json").exists());
    assert_eq!(place.version(), "0.2.0");
    place.set(4, "second");
    assert_eq!(place.start("0.3.0", 4), None);
    assert_eq!(place.folders(), ["before-0.2.0"]);
    assert_eq!(word(place.path().join("before-0.2.0")), "second");
}

#[test]
fn a_version_that_was_left_gives_the_store_back_and_loses_nothing() {
    let place = Place::new(Some("0.1.0"), 3);
    place.start("0.2.0", 4);
    place.set(4, "second");
    let told = place.start("0.1.0", 3).unwrap();
    assert!(
        told.contains("0.2.0") && told.contains("newer-0.2.0"),
        "{told}"
    );
    assert_eq!(word(place.path().to_owned()), "first");
    assert_eq!(schema(place.path()), Ok(Some(3)));
    assert_eq!(word(place.path().join("newer-0.2.0")), "second");
    assert_eq!(place.start("0.1.0", 3), None);
    // The next try of the same update begins from what is there now.
    place.start("0.2.0", 4);
    assert_eq!(place.folders(), ["before-0.1.0", "newer-0.2.0"]);
}

#[test]
fn where_no_copy_fits_the_store_is_left_and_it_is_told_at_every_start() {
    let place = Place::new(Some("0.2.0"), 4);
    for _ in 0..2 {
        let error = run_once(&Disk::new(), place.path(), ("0.1.0", 3)).unwrap_err();
        assert!(error.to_string().contains("nothing is lost"), "{error}");
        assert_eq!(word(place.path().to_owned()), "first");
        assert_eq!(place.version(), "0.2.0");
        assert_eq!(place.folders(), Vec::<String>::new());
    }
}

#[test]
fn a_new_box_has_nothing_to_keep_and_a_damaged_store_is_kept_as_it_is() {
    let new = tempfile::tempdir().unwrap();
    assert_eq!(run_once(&Disk::new(), new.path(), ("0.1.0", 3)), Ok(None));
    assert_eq!(fs::read_dir(new.path()).unwrap().count(), 1);
    let damaged = Place::new(None, 3);
    let database = damaged.path().join("exstreamtv.db");
    fs::remove_file(damaged.path().join("exstreamtv.db-wal")).unwrap();
    fs::write(&database, "no database at all").unwrap();
    assert_eq!(damaged.start("0.1.0", i64::from(Store::SCHEMA)), None);
    let copy = damaged.path().join("before-unknown/exstreamtv.db");
    assert_eq!(fs::read(copy).unwrap(), b"no database at all");
    // A name that leads elsewhere is none.
    fs::write(damaged.path().join("version"), "../../etc").unwrap();
    damaged.start("0.1.1", i64::from(Store::SCHEMA));
    assert_eq!(damaged.folders(), ["before-unknown"]);
}

#[test]
fn wherever_the_power_is_cut_no_store_is_lost() {
    for changes in 0.. {
        // An update, cut off while the store is kept; the version before it left a copy too.
        let place = Place::new(Some("0.1.0"), 3);
        fs::create_dir(place.path().join("before-0.1.0")).unwrap();
        fs::write(place.path().join("before-0.1.0/exstreamtv.db"), "old").unwrap();
        let disk = Disk::cut_after(changes);
        let kept = run_once(&disk, place.path(), ("0.2.0", 4)).is_ok();
        assert_eq!(word(place.path().to_owned()), "first", "{changes}");
        place.start("0.2.0", 4);
        assert_eq!(place.folders(), ["before-0.1.0"], "{changes}");
        assert_eq!(
            word(place.path().join("before-0.1.0")),
            "first",
            "{changes}"
        );
        // And back again, cut off as well.
        place.set(4, "second");
        let disk = Disk::cut_after(changes);
        let back = run_once(&disk, place.path(), ("0.1.0", 3)).is_ok();
        let found = word(place.path().to_owned());
        assert!(["first", "second"].contains(&found.as_str()), "{changes}");
        place.start("0.1.0", 3);
        assert_eq!(word(place.path().to_owned()), "first", "{changes}");
        assert_eq!(
            word(place.path().join("newer-0.2.0")),
            "second",
            "{changes}"
        );
        assert!(
            place
                .names()
                .iter()
                .all(|name| !name.contains("unfinished")),
            "{changes}"
        );
        if kept && back {
            assert!(changes > 10, "{changes}");
            return;
        }
    }
}
