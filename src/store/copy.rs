//! Copies of the database: one whole file each, for its owner only, looked through before it gets its
//! name. They are made of a snapshot, so that whoever writes meanwhile does not wait.

use super::{refused, upgrade};
use crate::error::{Error, Result};
use crate::limits;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::ffi::c_int;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages between two looks whether the box stops: 256 kB.
const STEP_PAGES: c_int = 64;

/// Rows between two such looks.
const STEP_ROWS: usize = 1_024;

/// What the name of a copy ends with that is not whole yet.
pub(super) const UNFINISHED: &str = ".unfinished";

/// How a file of SQLite begins (Database File Format §1.3), where the version of its journal stands,
/// where the mark of its program stands, and how long all that is.
const BEGINNING: &[u8] = b"SQLite format 3\0";
const JOURNAL_AT: usize = 18;
const MARK_AT: usize = 68;
const HEADER_BYTES: usize = 100;

/// Makes `to` a copy of what `from` sees; what was there is replaced at the end.
///
/// # Errors
/// It cannot be read or written, is damaged, or the box stops; `to` is as it was.
pub(super) fn write(from: &Connection, to: &Path, ending: &AtomicBool) -> Result<()> {
    let beside = with_ending(to, UNFINISHED);
    remove(&beside)?;
    drop(private_file(&beside)?);
    let made = copy_pages(from, &beside, ending)
        .and_then(|()| look_through(&open(&beside)?))
        .and_then(|()| put(&beside, to));
    if made.is_err() {
        let _ = remove(&beside);
    }
    made
}

/// Copies every page, and has SQLite need no other file beside the copy.
fn copy_pages(from: &Connection, to: &Path, ending: &AtomicBool) -> Result<()> {
    let doing = "copy the database";
    let mut target = open(to)?;
    // The file is synced as a whole before it gets its name.
    target
        .pragma_update(None, "synchronous", "OFF")
        .map_err(refused(doing))?;
    let backup = Backup::new(from, &mut target).map_err(refused(doing))?;
    loop {
        match backup.step(STEP_PAGES).map_err(refused(doing))? {
            StepResult::Done => break,
            StepResult::More if ending.load(Ordering::Relaxed) => return Err(Error::ShuttingDown),
            StepResult::More => {}
            _ => return Err(locked(doing)),
        }
    }
    drop(backup);
    seal(&target, doing)?;
    target.close().map_err(|(_, error)| refused(doing)(error))
}

/// Has a file of its own hold everything.
pub(super) fn seal(connection: &Connection, doing: &'static str) -> Result<()> {
    let journal: String = connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))
        .map_err(refused(doing))?;
    if journal == "delete" {
        return Ok(());
    }
    Err(locked(doing))
}

pub(super) fn locked(doing: &'static str) -> Error {
    Error::Store {
        doing,
        why: "another program has the database locked".to_owned(),
    }
}

/// Opens a copy as something that may come from anywhere.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let doing = "open the backup";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused(doing))?;
    let cache_kib = i64::try_from(limits::STORE_CACHE_BYTES / 1024).unwrap_or(i64::MAX);
    let set_up = || {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(()))
    };
    set_up().map_err(refused(doing))?;
    Ok(connection)
}

/// Looks through a copy: this program's, of a schema that it knows, every page and every reference in
/// order. A value that its CHECK does not allow costs its row when it is read, here as in the store.
///
/// # Errors
/// What is wrong with it.
pub(super) fn look_through(connection: &Connection) -> Result<()> {
    let doing = "check the backup";
    upgrade::check_known(connection)?;
    let check = || {
        connection.pragma_update(None, "ignore_check_constraints", true)?;
        let verdict: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        connection.pragma_update(None, "ignore_check_constraints", false)?;
        let broken = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
        Ok((verdict, broken))
    };
    let why = match check().map_err(refused(doing))? {
        (verdict, false) if verdict == "ok" => return Ok(()),
        (_, true) => "rows in it refer to rows that are not there".to_owned(),
        (verdict, _) => format!("it is damaged ({verdict})"),
    };
    Err(Error::Store { doing, why })
}

/// A number that is another one when anything in the tables is.
pub(super) fn fingerprint(connection: &Connection, ending: &AtomicBool) -> Result<u64> {
    let failed = refused("read the database");
    let mut hasher = DefaultHasher::new();
    let mut names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .map_err(&failed)?;
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(&failed)?;
    for name in names {
        name.hash(&mut hasher);
        let quoted = name.replace('"', "\"\"");
        let mut all = connection
            .prepare(&format!("SELECT * FROM \"{quoted}\""))
            .map_err(&failed)?;
        let columns = all.column_count();
        let mut rows = all.query([]).map_err(&failed)?;
        let mut seen = 0_usize;
        while let Some(row) = rows.next().map_err(&failed)? {
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(STEP_ROWS) && ending.load(Ordering::Relaxed) {
                return Err(Error::ShuttingDown);
            }
            for column in 0..columns {
                mix(row.get_ref(column).map_err(&failed)?, &mut hasher);
            }
        }
    }
    Ok(hasher.finish())
}

fn mix(value: ValueRef<'_>, hasher: &mut DefaultHasher) {
    match value {
        ValueRef::Null => 0_u8.hash(hasher),
        ValueRef::Integer(number) => (1_u8, number).hash(hasher),
        ValueRef::Real(number) => (2_u8, number.to_bits()).hash(hasher),
        ValueRef::Text(bytes) => (3_u8, bytes).hash(hasher),
        ValueRef::Blob(bytes) => (4_u8, bytes).hash(hasher),
    }
}

/// Whether a file is a backup of this program's, by its first bytes. The database of a box is none:
/// it has a log beside it.
#[must_use]
pub fn is_backup(path: &Path) -> bool {
    let mut header = [0; HEADER_BYTES];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let mark = header.get(MARK_AT..MARK_AT + 4);
    read.is_ok()
        && header.starts_with(BEGINNING)
        && header.get(JOURNAL_AT) == Some(&1)
        && mark == Some(&upgrade::MARK)
}

/// Makes a new file for its owner only, who is the one of the folder.
pub(super) fn private_file(path: &Path) -> Result<File> {
    let failed = |error: io::Error| Error::io("make", path.display().to_string(), &error);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    give(path).map_err(failed)?;
    Ok(file)
}

/// Root gives what it makes to whom the folder belongs: a box that is no root has to reach it.
pub(super) fn give(path: &Path) -> io::Result<()> {
    let (whose, mine) = (folder_of(path).metadata()?, path.metadata()?);
    if mine.uid() == 0 && (whose.uid(), whose.gid()) != (mine.uid(), mine.gid()) {
        chown(path, Some(whose.uid()), Some(whose.gid()))?;
    }
    Ok(())
}

/// Gives a whole file its name, once it is on the disk.
pub(super) fn put(from: &Path, to: &Path) -> Result<()> {
    let failed = |error: io::Error| Error::io("write", to.display().to_string(), &error);
    let file = File::open(from).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(from, to).map_err(failed)?;
    sync_folder(to)
}

/// Has the names in a file's folder on the disk.
pub(super) fn sync_folder(of: &Path) -> Result<()> {
    let failed = |error: io::Error| Error::io("write", of.display().to_string(), &error);
    let folder = File::open(folder_of(of)).map_err(failed)?;
    folder.sync_all().map_err(failed)
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Removes a database with what SQLite has beside it; what is not there is no error.
pub(super) fn remove(path: &Path) -> Result<()> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let path = with_ending(path, ending);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io("remove", path.display().to_string(), &error));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
