//! The backups that the box makes by itself, in `backups` of the state folder: one a day, named by
//! the day, the newest `limits::BACKUPS` of them; beside them what a restore has replaced. And the
//! way back from them when the database is damaged.

use super::{copy, open, refused, upgrade};
use crate::clock::stamp;
use crate::error::{Error, Result};
use crate::limits;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The folder of backups in the state folder.
pub(super) const FOLDER: &str = "backups";

/// What the name of a backup ends with.
const ENDING: &str = ".db";

/// What the names of what a restore has replaced begin with, and that of a damaged database.
const REPLACED: &str = "before-restore-";
const DAMAGED: &str = "exstreamtv.db.damaged-";

/// What the name of a file begins with that is only passing through the state folder.
pub(super) const PASSING: &str = "passing-";

/// Makes the backup of a day, unless there is one, or the one before it holds the same. `day` is
/// written like 2026-11-24.
pub(super) fn make(
    snapshot: &Connection,
    state: &Path,
    day: &str,
    ending: &AtomicBool,
) -> Result<Option<PathBuf>> {
    let folder = folder(state)?;
    let path = folder.join(format!("{day}{ENDING}"));
    let before = dailies(&folder)?;
    if before.contains(&path) {
        return Ok(None);
    }
    if let Some(newest) = before.last() {
        let now = copy::fingerprint(snapshot, ending)?;
        // One that cannot be read any more holds nothing.
        let then = copy::open(newest).and_then(|newest| copy::fingerprint(&newest, ending));
        if then.is_ok_and(|then| then == now) {
            return Ok(None);
        }
    }
    copy::write(snapshot, &path, ending)?;
    rotate(&folder, &path)?;
    Ok(Some(path))
}

/// Makes what was restored the backup of its day.
pub(super) fn adopt(state: &Path, restored: &Path, day: &str) -> Result<()> {
    let folder = folder(state)?;
    let path = folder.join(format!("{day}{ENDING}"));
    copy::put(restored, &path)?;
    rotate(&folder, &path)
}

/// Where what a restore replaces is kept, once there is room.
pub(super) fn replaced(state: &Path, stamp: &str) -> Result<PathBuf> {
    let folder = folder(state)?;
    thin_out(named(&folder, REPLACED)?, limits::SET_ASIDE - 1)?;
    Ok(free(&folder, &format!("{REPLACED}{stamp}"), ENDING))
}

/// Removes the oldest backups, and those of days that are yet to come: a wrong date made them.
fn rotate(folder: &Path, newest: &Path) -> Result<()> {
    let (past, future): (Vec<_>, Vec<_>) = dailies(folder)?
        .into_iter()
        .partition(|one| one.as_path() <= newest);
    thin_out(future, 0)?;
    thin_out(past, limits::BACKUPS)
}

/// Removes the first ones until `most` are left.
fn thin_out(mut all: Vec<PathBuf>, most: usize) -> Result<()> {
    let more = all.len().saturating_sub(most);
    all.drain(..more).try_for_each(|one| copy::remove(&one))
}

/// The backups of days, the oldest first.
fn dailies(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_day = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let digits = |(at, byte): (usize, u8)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        name.len() == 10 && name.bytes().enumerate().all(digits)
    };
    let mut found = named(folder, "")?;
    found.retain(is_day);
    Ok(found)
}

/// The whole databases whose names begin so, sorted.
fn named(folder: &Path, beginning: &str) -> Result<Vec<PathBuf>> {
    let mut found = files(folder)?;
    found.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(beginning) && name.ends_with(ENDING)
    });
    Ok(found)
}

/// What is in a folder, sorted; nothing where there is none.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: io::Error| Error::io("read", folder.display().to_string(), &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut found: Vec<_> = paths.collect::<io::Result<_>>().map_err(failed)?;
    found.sort();
    Ok(found)
}

fn folder(state: &Path) -> Result<PathBuf> {
    let folder = state.join(FOLDER);
    let failed = |error: io::Error| Error::io("make", folder.display().to_string(), &error);
    if !folder.is_dir() {
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .and_then(|()| copy::give(&folder))
            .map_err(failed)?;
    }
    Ok(folder)
}

/// A name that nothing has yet.
fn free(folder: &Path, name: &str, ending: &str) -> PathBuf {
    let first = folder.join(format!("{name}{ending}"));
    let more = (2..u32::MAX).map(|count| folder.join(format!("{name}.{count}{ending}")));
    let mut names = std::iter::once(first.clone()).chain(more);
    names.find(|path| !path.exists()).unwrap_or(first)
}

/// Removes what was on its way when the box ended. Nobody else may be on this folder.
pub(super) fn tidy(state: &Path) {
    let begun = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(PASSING) || name.contains(copy::UNFINISHED)
    };
    let places = [state.to_owned(), state.join(FOLDER)];
    let all = places
        .iter()
        .flat_map(|place| files(place).unwrap_or_default());
    for left in all.filter(begun).filter(|path| path.is_file()) {
        if let Err(error) = fs::remove_file(&left) {
            log::warn!("{} cannot be removed: {error}", left.display());
        }
    }
}

/// Whether there is no database, or nothing in its file: a new box, or one that has lost it.
pub(super) fn is_gone(state: &Path) -> bool {
    let about = state.join(open::FILE).metadata();
    about.map_or_else(
        |error| error.kind() == ErrorKind::NotFound,
        |about| about.len() == 0,
    )
}

/// Puts the newest good backup in the place of a database that is damaged, empty or gone. What there
/// is to tell the owner comes back; `None` where the database may be opened as it is, or where there
/// is no good backup.
///
/// # Errors
/// It cannot be put there.
pub(super) fn put_back(state: &Path, now_ms: i64) -> Result<Option<String>> {
    let dailies = dailies(&state.join(FOLDER))?;
    if dailies.is_empty() {
        return Ok(None);
    }
    let Some(why) = damage(&state.join(open::FILE)) else {
        return Ok(None);
    };
    log::error!("store: {why}; the newest good backup is looked for");
    for backup in dailies.iter().rev() {
        match ready(state, backup) {
            Ok(ready) => {
                let kept = set_aside(state, now_ms)?;
                copy::put(&ready, &state.join(open::FILE))?;
                let told = told(&why, backup, kept.as_deref());
                log::error!("{told}");
                return Ok(Some(told));
            }
            Err(error) => log::warn!("{} is no good: {error}", backup.display()),
        }
    }
    Ok(None)
}

fn told(why: &str, backup: &Path, kept: Option<&Path>) -> String {
    let day = backup.file_stem().unwrap_or_default().to_string_lossy();
    let name = |kept: &Path| kept.file_name().unwrap_or_default().display().to_string();
    let kept = kept.map(|kept| {
        let name = name(kept);
        format!(" What was there is kept as {name} in the state folder.")
    });
    format!(
        "Libraries and channels are as they were on {day}, because {why}: the backup of that day was \
         put back, and what was changed since is lost.{}",
        kept.unwrap_or_default()
    )
}

/// What is wrong with the file of a database; `None` where it is whole, and where that cannot be
/// found out or is not a matter of backups.
fn damage(path: &Path) -> Option<String> {
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Some("the database was gone".to_owned());
        }
        Ok(about) if about.len() == 0 => return Some("the database was empty".to_owned()),
        _ => {}
    }
    let check = || -> rusqlite::Result<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "ignore_check_constraints", true)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    let what = match check() {
        Ok(verdict) if verdict == "ok" => return None,
        Ok(verdict) => verdict,
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => error.to_string(),
            _ => return None,
        },
    };
    Some(format!("the database was damaged ({what})"))
}

/// A copy of a backup in the state folder that was looked through.
fn ready(state: &Path, backup: &Path) -> Result<PathBuf> {
    let ready = copy::with_ending(&state.join(open::FILE), copy::UNFINISHED);
    copy::remove(&ready)?;
    let mut to = copy::private_file(&ready)?;
    let failed = |error: io::Error| Error::io("copy", backup.display().to_string(), &error);
    let mut from = fs::File::open(backup).map_err(failed)?;
    io::copy(&mut from, &mut to).map_err(failed)?;
    drop(to);
    let connection = copy::open(&ready)?;
    copy::look_through(&connection)?;
    copy::seal(&connection, "copy the backup")?;
    Ok(ready)
}

/// Moves the database away, with what is beside it, and says where to. The log goes last: without
/// its database it is of no use, and with another one it would be taken for its last words.
pub(super) fn set_aside(state: &Path, now_ms: i64) -> Result<Option<PathBuf>> {
    let database = state.join(open::FILE);
    let mut older = files(state)?;
    older.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(DAMAGED) && !name.ends_with("-wal")
    });
    thin_out(older, limits::SET_ASIDE - 1)?;
    let to = free(state, &format!("{DAMAGED}{}", stamp(now_ms)), "");
    let mut kept = None;
    for ending in ["", "-wal"] {
        let (from, to) = (
            copy::with_ending(&database, ending),
            copy::with_ending(&to, ending),
        );
        match fs::rename(&from, &to) {
            Ok(()) if ending.is_empty() => kept = Some(to),
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Error::io("move away", from.display().to_string(), &error));
            }
        }
    }
    copy::remove(&database)?;
    copy::sync_folder(&database)?;
    Ok(kept)
}

/// Makes a file that arrived what a box can take over: looked through, and of the newest schema.
///
/// # Errors
/// What is wrong with it.
pub(super) fn prepare(path: &Path) -> Result<()> {
    let doing = "take the backup in";
    let mut connection = copy::open(path)?;
    copy::look_through(&connection)?;
    copy::seal(&connection, doing)?;
    connection
        .pragma_update(None, "foreign_keys", false)
        .map_err(refused(doing))?;
    upgrade::upgrade(&mut connection)?;
    upgrade::check_tables(&connection)
}
