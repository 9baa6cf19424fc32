//! The store's files, for those who copy them while no box runs on them.

use super::{open, refused, upgrade};
use crate::error::Result;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// The names of the store's files in its folder: the database, and what was written to it last. The
/// second is there only while a box runs on it, or after one that did not end in order. The third
/// that SQLite makes is of no use without a box.
pub const FILES: [&str; 2] = [open::FILE, "exstreamtv.db-wal"];

/// The number of the schema of the store in a folder; `None` where there is none. What was written to
/// it last is brought into the one file. No box may run on it.
///
/// # Errors
/// It is damaged, is not this program's, or cannot be written.
pub fn schema(folder: &Path) -> Result<Option<i64>> {
    let doing = "look at the store's schema";
    let path = folder.join(open::FILE);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(refused(doing))?;
    upgrade::check_origin(&connection)?;
    let schema = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(refused(doing))?;
    connection
        .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        .map_err(refused(doing))?;
    connection
        .close()
        .map_err(|(_, error)| refused(doing)(error))?;
    Ok(Some(schema))
}
