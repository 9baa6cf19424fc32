//! What the owner has, kept: one SQLite file in the state folder, and the one thread that touches
//! it.
//!
//! The thread `store` owns the only [`rusqlite::Connection`]. Requests come over a bounded channel
//! and are answered one by one, so that nothing ever waits for a connection or meets a half-written
//! row. Nothing on a viewer's way asks it: while the box runs, everybody reads the catalog. Only a
//! backup is read beside it, from a snapshot that the thread opened, so that nobody waits for it.
//!
//! It writes only what is complete, in one transaction each; it never scans, probes or decides.

mod backup;
mod copy;
mod figures;
mod file;
mod open;
mod read;
mod restore;
mod upgrade;
mod word;
mod write;

pub use copy::is_backup;
pub use figures::Figures;
pub use file::{FILES, schema};
pub use restore::{Arriving, Change, Count, When};

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{
    Channel, ChannelNumber, Library, LibraryId, MediaItem, MediaItemId, NewChannel, NewItem,
    NewPlaylist, Origin, Playlist, PlaylistId,
};
use figures::Counters;
use open::Database;
use rusqlite::{Connection, Transaction};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

/// A handle to the store's thread. The thread ends when the last handle is gone and everything
/// asked for has been done.
#[derive(Debug, Clone)]
pub struct Store {
    request_tx: mpsc::Sender<Request>,
    ended_rx: watch::Receiver<()>,
    counters: Arc<Counters>,
    /// The state folder.
    state: Arc<PathBuf>,
    /// One permit: who holds it makes a backup.
    copying: Arc<Semaphore>,
    /// Whether the box stops and does not wait for backups.
    ending: Arc<AtomicBool>,
    /// Files that have passed through the state folder.
    passed: Arc<AtomicU64>,
    /// What was put back when the store was opened.
    put_back: Option<Arc<str>>,
}

/// Everything that a catalog is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// All libraries, by id.
    pub libraries: Vec<Library>,
    /// All media items, by id.
    pub items: Vec<Arc<MediaItem>>,
    /// All channels.
    pub channels: Vec<Channel>,
    /// All playlists, by id.
    pub playlists: Vec<Playlist>,
}

/// What a look at a library found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Items that their server has under another key now.
    pub renamed: Vec<(MediaItemId, String)>,
    /// Items that are new, or that replace the one with the same rating key or path. One that was
    /// missing is so no longer.
    pub upserts: Vec<NewItem>,
    /// Items that their server does not list any more, with since when.
    pub missing: Vec<(MediaItemId, i64)>,
    /// Items that are there no longer. Channels lose them too.
    pub gone: Vec<MediaItemId>,
}

/// Something to be done on the store's thread, which answers by itself.
type Request = Box<dyn FnOnce(&mut Database) + Send>;

impl Store {
    /// The schema that a store has once this program has opened it.
    pub const SCHEMA: u32 = upgrade::newest();

    /// Opens the database in the folder `state`, makes both where they are missing (0700 and
    /// 0600), and brings an older one up to date. In the place of one that is damaged, empty or gone
    /// the newest good backup is put, where there is one: see [`Self::put_back`].
    ///
    /// # Errors
    /// The folder or file cannot be made or read, the file is damaged, is not this program's, or
    /// comes from a newer version; each in words.
    pub async fn open(state: &Path) -> Result<Self> {
        Self::open_with(state, IfDamaged::PutBack).await
    }

    /// As [`Self::open`], for a backup that is to be restored: where that fails, what is there is
    /// moved away, and the store is empty.
    ///
    /// # Errors
    /// It cannot be moved away, or there is no room for another one.
    pub async fn open_or_set_aside(state: &Path) -> Result<Self> {
        Self::open_with(state, IfDamaged::SetAside).await
    }

    async fn open_with(state: &Path, if_damaged: IfDamaged) -> Result<Self> {
        let (request_tx, request_rx) = mpsc::channel(limits::STORE_QUEUE);
        let (opened_tx, opened_rx) = oneshot::channel();
        let (ended_tx, ended_rx) = watch::channel(());
        let counters = Arc::<Counters>::default();
        let (folder, counting) = (state.to_owned(), Arc::clone(&counters));
        let thread = move || {
            // Dropped last, when the database is closed.
            let _ended_tx = ended_tx;
            match open_database(&folder, if_damaged, counting) {
                Ok((database, put_back)) => {
                    let _ = opened_tx.send(Ok(put_back));
                    serve(database, request_rx);
                }
                Err(error) => {
                    let _ = opened_tx.send(Err(error));
                }
            }
        };
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(thread)
            .map_err(|error| Error::io("start", "the store's thread", &error))?;
        let put_back = opened_rx.await.map_err(|_| gone("open"))??;
        Ok(Self {
            request_tx,
            ended_rx,
            counters,
            state: Arc::new(state.to_owned()),
            copying: Arc::new(Semaphore::new(1)),
            ending: Arc::default(),
            passed: Arc::default(),
            put_back: put_back.map(Arc::from),
        })
    }

    /// What was put back when the store was opened, and why, in words for the owner.
    #[must_use]
    pub fn put_back(&self) -> Option<&str> {
        self.put_back.as_deref()
    }

    /// Reads everything. A row that makes no sense is left out with a warning.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn load(&self) -> Result<Contents> {
        self.reload(Vec::new()).await
    }

    /// Reads everything again. What is as it was `before`, which is sorted by id, is shared with
    /// it: two snapshots of a large library cost little more than one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn reload(&self, before: Vec<Arc<MediaItem>>) -> Result<Contents> {
        self.call("read the library", move |db| {
            read::load(db.connection(), &before)
        })
        .await
    }

    /// Adds a library. An origin that is there already gives the library that it is.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_library(&self, name: &str, origin: Origin) -> Result<Library> {
        let name = name.to_owned();
        self.call("add a library", move |db| {
            db.write_for_owner("add a library", |tx| write::add_library(tx, &name, &origin))
        })
        .await
    }

    /// Adds a folder as a library, as `add_library`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_folder(&self, name: &str, path: &str) -> Result<Library> {
        let path = path.to_owned();
        self.add_library(name, Origin::Folder { path }).await
    }

    /// Removes a library with its items, and the channels that show nothing else. One that is gone
    /// already is no error.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn remove_library(&self, library: LibraryId) -> Result<()> {
        self.call("remove a library", move |db| {
            db.write_for_owner("remove a library", |tx| write::remove_library(tx, library))
        })
        .await
    }

    /// Writes what a look at a library found, in batches of `limits::STORE_BATCH_ITEMS`, each of
    /// which is there completely or not at all.
    ///
    /// # Errors
    /// The database cannot be written, or there is no such library. Batches before the failing
    /// one are kept.
    pub async fn apply_scan(&self, library: LibraryId, scan: Scan) -> Result<()> {
        let Scan {
            renamed,
            upserts,
            missing,
            gone,
        } = scan;
        self.write_each(
            "rename a library's items",
            renamed,
            move |tx, (item, key)| write::rename_item(tx, library, (*item, key)),
        )
        .await?;
        self.write_each("write a library's items", upserts, move |tx, item| {
            write::upsert(tx, library, item)
        })
        .await?;
        self.write_each("miss a library's items", missing, move |tx, item| {
            write::miss_item(tx, library, *item)
        })
        .await?;
        self.write_each("remove a library's items", gone, move |tx, item| {
            write::remove_item(tx, library, *item)
        })
        .await
    }

    /// Writes things in batches, each of which is there completely or not at all.
    async fn write_each<T: Send + 'static>(
        &self,
        doing: &'static str,
        all: Vec<T>,
        write: impl Fn(&Transaction<'_>, &T) -> Result<()> + Clone + Send + 'static,
    ) -> Result<()> {
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            let batch: Vec<T> = all.by_ref().take(limits::STORE_BATCH_ITEMS).collect();
            let write = write.clone();
            self.counters.batch(batch.len());
            self.call(doing, move |db| {
                db.write_again_if_lost(doing, |tx| batch.iter().try_for_each(|one| write(tx, one)))
            })
            .await?;
        }
        Ok(())
    }

    /// Writes playlists, each of which replaces the one that has the same key on its server, and
    /// removes those that are `gone`. Each is there completely or not at all, without the titles that
    /// are not in the store.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn apply_playlists(
        &self,
        upserts: Vec<NewPlaylist>,
        gone: Vec<PlaylistId>,
    ) -> Result<()> {
        self.write_each("write playlists", upserts, write::upsert_playlist)
            .await?;
        self.write_each("remove playlists", gone, |tx, playlist| {
            write::remove_playlist(tx, *playlist)
        })
        .await
    }

    /// Adds channels, all of them or none.
    ///
    /// # Errors
    /// A number is in use, an item is not in the store, there would be more than
    /// `limits::CHANNELS`, or the database cannot be written.
    pub async fn add_channels(&self, channels: Vec<NewChannel>) -> Result<()> {
        self.call("add channels", move |db| {
            db.write_for_owner("add channels", |tx| write::add_channels(tx, &channels))
        })
        .await
    }

    /// Removes a channel.
    ///
    /// # Errors
    /// There is none with this number, or the database cannot be written.
    pub async fn remove_channel(&self, number: ChannelNumber) -> Result<()> {
        self.call("remove a channel", move |db| {
            db.write_for_owner("remove a channel", |tx| write::remove_channel(tx, number))
        })
        .await
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn setting(&self, key: &str) -> Result<Option<String>> {
        let key = key.to_owned();
        self.call("read a setting", move |db| {
            read::setting(db.connection(), &key)
        })
        .await
    }

    /// Gives a setting its value.
    ///
    /// # Errors
    /// The value is over `limits::SETTING_BYTES`, or the database cannot be written.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        if value.len() > limits::SETTING_BYTES {
            return Err(Error::invalid(key.to_owned(), "its value is too long"));
        }
        let (key, value) = (key.to_owned(), value.to_owned());
        self.call("write a setting", move |db| {
            db.write_for_owner("write a setting", |tx| write::set_setting(tx, &key, &value))
        })
        .await
    }

    /// Looks whether the database is whole, all of it. Nothing else is read or written meanwhile.
    ///
    /// # Errors
    /// What is damaged; or it cannot be looked through within `limits::STORE_CHECK_MS`.
    pub async fn check(&self) -> Result<()> {
        self.call("check the database", Database::check).await
    }

    /// Returns when the thread has come to this request: it lives, and does not hang.
    ///
    /// # Errors
    /// It has ended.
    pub async fn answer(&self) -> Result<()> {
        self.call("answer", |_| Ok(())).await
    }

    /// What the thread has done, and what waits for it.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let free = self.request_tx.capacity();
        let waiting = self.request_tx.max_capacity().saturating_sub(free);
        self.counters.figures(waiting)
    }

    /// Makes the backup of a day, written like 2026-11-24, and says where; `None` where there is one,
    /// and where nothing has changed since the one before it: then nothing is written.
    ///
    /// # Errors
    /// The database is damaged, or the backup cannot be written.
    pub async fn back_up(&self, day: &str) -> Result<Option<PathBuf>> {
        let _turn = self.turn().await?;
        let (state, day) = (Arc::clone(&self.state), day.to_owned());
        let make = move |from: &Connection, ending: &_| backup::make(from, &state, &day, ending);
        self.beside("make a backup", make).await
    }

    /// Makes a backup that is nowhere but in the hands of who asks for it.
    ///
    /// # Errors
    /// As [`Self::back_up`].
    pub async fn hand_out(&self) -> Result<File> {
        let _turn = self.turn().await?;
        let path = self.passing();
        let make = move |from: &Connection, ending: &_| {
            copy::write(from, &path, ending)?;
            let opened = File::open(&path);
            copy::remove(&path)?;
            opened.map_err(|error| Error::io("read", path.display().to_string(), &error))
        };
        self.beside("make a backup", make).await
    }

    /// Waits until nobody else makes a backup.
    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.copying).acquire_owned().await;
        turn.map_err(|_| Error::ShuttingDown)
    }

    /// Has something read beside the store's thread, which goes on; where that cannot be, on it.
    async fn beside<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection, &AtomicBool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let ending = Arc::clone(&self.ending);
        match self.call(doing, |db| db.snapshot()).await? {
            Some(snapshot) => tokio::task::spawn_blocking(move || work(&snapshot, &ending))
                .await
                .unwrap_or_else(|_| Err(gone(doing))),
            None => {
                self.call(doing, move |db| work(db.connection(), &ending))
                    .await
            }
        }
    }

    /// Gives this handle up and returns when the database is closed, which is when all other
    /// handles are gone too. A backup that is being made is broken off.
    pub async fn close(self) {
        let Self {
            request_tx,
            mut ended_rx,
            ending,
            ..
        } = self;
        ending.store(true, Ordering::Relaxed);
        drop(request_tx);
        // Never sent to: the error is the end of the thread.
        while ended_rx.changed().await.is_ok() {}
    }

    /// Has something done on the store's thread.
    async fn call<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer_tx, answer_rx) = oneshot::channel();
        let counters = Arc::clone(&self.counters);
        let request: Request = Box::new(move |db| {
            let answer = work(db);
            counters.answered(&answer);
            // Whoever asked may have gone; what was asked for is done all the same.
            let _ = answer_tx.send(answer);
        });
        let sent = self.request_tx.send(request).await;
        sent.map_err(|_| gone(doing))?;
        answer_rx.await.map_err(|_| gone(doing))?
    }
}

/// What is done about a database that cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IfDamaged {
    /// A good backup takes the place of a damaged one.
    PutBack,
    /// So it is, and where there is none, what is there is moved away.
    SetAside,
}

/// Opens the database, and says what had to be put back for that.
fn open_database(
    state: &Path,
    if_damaged: IfDamaged,
    counters: Arc<Counters>,
) -> Result<(Database, Option<String>)> {
    backup::tidy(state);
    let now_ms = SystemClock.epoch_ms();
    let refused = if backup::is_gone(state) {
        None
    } else {
        match Database::open(state, Arc::clone(&counters)) {
            Ok(database) => return Ok((database, None)),
            Err(error) => Some(error),
        }
    };
    let put_back = backup::put_back(state, now_ms)?;
    match (refused, if_damaged) {
        (Some(error), IfDamaged::PutBack) if put_back.is_none() => return Err(error),
        (Some(error), IfDamaged::SetAside) if put_back.is_none() => {
            log::warn!("{error}");
            backup::set_aside(state, now_ms)?;
        }
        _ => {}
    }
    Ok((Database::open(state, counters)?, put_back))
}

/// The thread's life.
fn serve(mut database: Database, mut request_rx: mpsc::Receiver<Request>) {
    while let Some(request) = request_rx.blocking_recv() {
        request(&mut database);
    }
    database.close();
}

fn gone(doing: &'static str) -> Error {
    Error::Store {
        doing,
        why: "its thread has ended; start the box again".to_owned(),
    }
}

/// SQLite's refusals, in words an owner can act on.
fn refused(doing: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    move |error| {
        let why = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program has the database locked".to_owned()
            }
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::ReadOnly) => "the database may not be written".to_owned(),
            Some(ErrorCode::NotADatabase) => "the file is not a database".to_owned(),
            Some(ErrorCode::DatabaseCorrupt) => format!("the database is damaged ({error})"),
            _ => error.to_string(),
        };
        Error::Store { doing, why }
    }
}
