//! The database file: found or made, checked, brought up to date, and closed in order.

use super::figures::Counters;
use super::{copy, refused, upgrade};
use crate::error::{Error, Result};
use crate::limits;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::ffi::c_int;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The database's name in the state folder.
pub(super) const FILE: &str = "exstreamtv.db";

/// Statements that are kept prepared.
const STATEMENTS: usize = 32;

/// Steps of SQLite's machine between two looks at the time: less than a millisecond.
const CHECK_STEPS: c_int = 10_000;

/// The open database, with where it is.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    /// Device and inode of the file that was opened.
    identity: (u64, u64),
    counters: Arc<Counters>,
}

impl Database {
    pub(super) fn open(state: &Path, counters: Arc<Counters>) -> Result<Self> {
        make_folder(state)?;
        let path = state.join(FILE);
        make_file(&path)?;
        let identity = identity(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection =
            Connection::open_with_flags(&path, flags).map_err(refused("open the database"))?;
        upgrade::check_origin(&connection)?;
        configure(&connection).map_err(refused("set up the database"))?;
        check(&connection)?;
        upgrade::upgrade(&mut connection)?;
        // Only now: an upgrade may have to rebuild a table that others refer to.
        connection
            .pragma_update(None, "foreign_keys", true)
            .map_err(refused("set up the database"))?;
        Ok(Self {
            connection,
            path,
            identity,
            counters,
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// One transaction that is on the disk when this returns: what the owner asked for survives
    /// the plug being pulled in the next second.
    pub(super) fn write_for_owner<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        self.set_synchronous("FULL")?;
        let done = self.write_again_if_lost(doing, work);
        self.set_synchronous("NORMAL")?;
        done
    }

    /// One transaction that may be lost when the plug is pulled in the next seconds, though never
    /// by half: the next scan finds the same again.
    pub(super) fn write_again_if_lost<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        self.check_still_there(doing)?;
        let begun = Instant::now();
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(refused(doing))?;
        let value = work(&tx)?;
        tx.commit().map_err(refused(doing))?;
        self.counters.committed(begun.elapsed());
        Ok(value)
    }

    /// A second connection that goes on seeing the database as it is now, while this one writes;
    /// `None` where the file system has no write-ahead log and a reader would keep the writer out.
    pub(super) fn snapshot(&self) -> Result<Option<Connection>> {
        let doing = "read the database";
        self.check_still_there(doing)?;
        let open = || {
            let mode: String = self
                .connection
                .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            if mode != "wal" {
                return Ok(None);
            }
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(&self.path, flags)?;
            let cache_kib = i64::try_from(limits::STORE_CACHE_BYTES / 1024).unwrap_or(i64::MAX);
            reader.pragma_update(None, "cache_size", -cache_kib)?;
            // What it sees is fixed by the first thing that it reads.
            reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
            Ok(Some(reader))
        };
        open().map_err(refused(doing))
    }

    /// Replaces everything by what another database holds, in one transaction that is on the disk
    /// when this returns.
    pub(super) fn write_all_of(&mut self, from: &Connection) -> Result<()> {
        let doing = "restore a backup";
        self.check_still_there(doing)?;
        self.connection.flush_prepared_statement_cache();
        self.set_synchronous("FULL")?;
        let begun = Instant::now();
        let copied = Backup::new(from, &mut self.connection).and_then(|backup| backup.step(-1));
        self.set_synchronous("NORMAL")?;
        match copied.map_err(refused(doing))? {
            StepResult::Done => {
                self.counters.committed(begun.elapsed());
                Ok(())
            }
            _ => Err(copy::locked(doing)),
        }
    }

    /// Everything into the one file, so that a copy of it is whole.
    pub(super) fn close(self) {
        let emptied =
            self.connection
                .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()));
        let closed = self.connection.close().map_err(|(_, error)| error);
        if let Err(error) = emptied.and(closed) {
            // The log is read again at the next start: nothing is lost.
            log::warn!("store: the database was not closed in order: {error}");
        }
    }

    /// Looks through the whole file once more, as it was when it was opened.
    ///
    /// # Errors
    /// It is damaged, or cannot be looked through within `limits::STORE_CHECK_MS`.
    pub(super) fn check(&mut self) -> Result<()> {
        let doing = "check the database";
        self.check_still_there(doing)?;
        // What is held in memory says nothing of what is on the card.
        self.connection.release_memory().map_err(refused(doing))?;
        let begun = Instant::now();
        let limit = Duration::from_millis(limits::STORE_CHECK_MS);
        let is_late = move || begun.elapsed() > limit;
        self.connection
            .progress_handler(CHECK_STEPS, Some(is_late))
            .map_err(refused(doing))?;
        let checked = check(&self.connection);
        self.connection
            .progress_handler(0, None::<fn() -> bool>)
            .map_err(refused(doing))?;
        if checked.is_err() && begun.elapsed() > limit {
            let why = format!("it takes longer than {} s", limit.as_secs());
            return Err(Error::Store { doing, why });
        }
        checked
    }

    fn set_synchronous(&self, level: &str) -> Result<()> {
        self.connection
            .pragma_update(None, "synchronous", level)
            .map_err(refused("set up the database"))
    }

    /// SQLite would go on writing into a file that has no name any more.
    fn check_still_there(&self, doing: &'static str) -> Result<()> {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            return Ok(());
        }
        Err(Error::Store {
            doing,
            why: format!(
                "{} was deleted or replaced while the box runs; start the box again",
                self.path.display()
            ),
        })
    }
}

/// How this box uses SQLite.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(limits::STORE_LOCKED_MS))?;
    // Another program's lock never stops a reader; one append per transaction is kind to the card.
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        log::warn!("store: the state folder's file system takes no write-ahead log");
    }
    // Enough for what a scan finds again: with a write-ahead log a power cut takes the last
    // transactions, never the order or the shape of the rest. The owner's own changes are written
    // with FULL.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // A mapped file turns a pulled drive into a signal that kills the box.
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(()))?;
    let cache_kib = i64::try_from(limits::STORE_CACHE_BYTES / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let log_bytes = i64::try_from(limits::STORE_LOG_BYTES).unwrap_or(i64::MAX);
    connection.pragma_update_and_check(None, "journal_size_limit", log_bytes, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", false)?;
    // A file from elsewhere brings no functions, no attached files and no giant rows.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 1 << 20)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Looks through the whole file, which takes milliseconds: better refused now than half read. A
/// value that its CHECK does not allow is no damage to the file; it costs its row when it is read.
fn check(connection: &Connection) -> Result<()> {
    let doing = "check the database";
    let check = || {
        connection.pragma_update(None, "ignore_check_constraints", true)?;
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        connection.pragma_update(None, "ignore_check_constraints", false)?;
        Ok(verdict)
    };
    let verdict = check().map_err(refused(doing))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Error::Store {
        doing,
        why: format!("it is damaged ({verdict}); restore a backup or move the file away"),
    })
}

/// Makes the folder, for its owner only, where it is missing.
fn make_folder(state: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)
        .map_err(|error| Error::io("make", state.display().to_string(), &error))
}

/// Makes the database file for its owner only; SQLite gives the log the same mode.
fn make_file(path: &Path) -> Result<()> {
    let failed = |error: io::Error| Error::io("open", path.display().to_string(), &error);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| copy::give(path))
        .map_err(failed)
}

fn identity(path: &Path) -> Result<(u64, u64)> {
    let found = fs::metadata(path)
        .map_err(|error| Error::io("open", path.display().to_string(), &error))?;
    Ok((found.dev(), found.ino()))
}
