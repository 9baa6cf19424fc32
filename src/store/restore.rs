//! A backup that comes back: what it would change, and the change itself, in one transaction.

use super::{Store, backup, copy, refused};
use crate::error::{Error, Result};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A count as it is and as it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// As it is before the restore.
    pub now: i64,
    /// As the backup has it.
    pub then: i64,
}

/// What a restore changes, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Libraries.
    pub libraries: Count,
    /// Media items.
    pub titles: Count,
    /// Channels.
    pub channels: Count,
    /// Playlists.
    pub playlists: Count,
    /// Whether the backup is of another device: clients see that one from the next start on.
    pub other_device: bool,
    /// Whether it was done.
    pub applied: bool,
    /// Where what was there before is kept, once it was done.
    pub kept: Option<PathBuf>,
}

/// A backup on its way in: a file in the state folder, gone with this value.
#[derive(Debug)]
pub struct Arriving {
    path: PathBuf,
}

/// When a backup comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The moment, as part of a file's name.
    pub stamp: String,
    /// The day, like 2026-11-24; `None` while the date is not known.
    pub day: Option<String>,
}

impl Arriving {
    /// Where it is to be written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let Err(error) = copy::remove(&self.path) {
            log::warn!("{error}");
        }
    }
}

impl Store {
    /// A place for a backup that comes in, and the file to write it to.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn arriving(&self) -> Result<(Arriving, File)> {
        let path = self.passing();
        let file = copy::private_file(&path)?;
        Ok((Arriving { path }, file))
    }

    /// Says what a backup would change. It is looked through for that, and brought to the newest
    /// schema where it lies.
    ///
    /// # Errors
    /// It is damaged, not this program's, or of a newer version; or the store cannot be read.
    pub async fn weigh(&self, arriving: &Arriving) -> Result<Change> {
        let path = arriving.path.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            backup::prepare(&path)?;
            Side::of(&copy::open(&path)?)
        });
        let then = prepared.await.unwrap_or(Err(Error::ShuttingDown))?;
        let now = self
            .call("read the library", |db| Side::of(db.connection()))
            .await?;
        Ok(now.change_to(&then))
    }

    /// Makes the store what a backup holds, completely or not at all. What was there is kept as a
    /// backup beside the others; what is there now becomes the backup of the day.
    ///
    /// # Errors
    /// As [`Self::weigh`]; or what is there cannot be kept, or the store cannot be written.
    pub async fn restore(&self, arriving: &Arriving, when: &When) -> Result<Change> {
        let mut change = self.weigh(arriving).await?;
        let _turn = self.turn().await?;
        let (state, stamp) = (Arc::clone(&self.state), when.stamp.clone());
        let kept = move |from: &Connection, ending: &_| {
            let kept = backup::replaced(&state, &stamp)?;
            copy::write(from, &kept, ending).map(|()| kept)
        };
        change.kept = Some(self.beside("keep what was there", kept).await?);
        let from = arriving.path.clone();
        self.call("restore a backup", move |db| {
            db.write_all_of(&copy::open(&from)?)
        })
        .await?;
        change.applied = true;
        if let Some(day) = &when.day {
            let (state, from) = (Arc::clone(&self.state), arriving.path.clone());
            let day = day.clone();
            let adopted =
                tokio::task::spawn_blocking(move || backup::adopt(&state, &from, &day)).await;
            // It is restored; tomorrow's backup comes by itself.
            if let Ok(Err(error)) = adopted {
                log::warn!("what was restored is not the backup of the day: {error}");
            }
        }
        Ok(change)
    }

    /// A name in the state folder for a file that does not stay.
    pub(super) fn passing(&self) -> PathBuf {
        let number = self.passed.fetch_add(1, Ordering::Relaxed);
        self.state.join(format!("{}{number}", backup::PASSING))
    }
}

/// What is compared.
struct Side {
    libraries: i64,
    titles: i64,
    channels: i64,
    playlists: i64,
    device: Option<String>,
}

impl Side {
    fn of(connection: &Connection) -> Result<Self> {
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            connection.query_row(&sql, [], |row| row.get(0))
        };
        let read = || -> rusqlite::Result<Self> {
            Ok(Self {
                libraries: count("library")?,
                titles: count("media_item")?,
                channels: count("channel")?,
                playlists: count("playlist")?,
                device: connection
                    .query_row(
                        "SELECT value FROM setting WHERE key = 'device.id'",
                        [],
                        |row| row.get(0),
                    )
                    .optional()?,
            })
        };
        read().map_err(refused("count what there is"))
    }

    fn change_to(&self, then: &Self) -> Change {
        let count = |now, then| Count { now, then };
        Change {
            libraries: count(self.libraries, then.libraries),
            titles: count(self.titles, then.titles),
            channels: count(self.channels, then.channels),
            playlists: count(self.playlists, then.playlists),
            other_device: self.device != then.device,
            applied: false,
            kept: None,
        }
    }
}
