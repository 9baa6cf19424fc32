//! The one that changes the owner's things: through the store first, then as a new snapshot for
//! everybody.

use super::Catalog;
use super::sync::playlist::{self, Lists, Titles};
use super::sync::{self, Report};
use crate::error::{Error, Result};
use crate::folder::Progress;
use crate::limits;
use crate::model::{ChannelNumber, Library, LibraryId, NewChannel, Origin};
use crate::plex::{Section, Servers};
use crate::store::{Arriving, Change, Figures, Store, When};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// Owns the store's handle and the snapshot. Everybody else holds a receiver of snapshots.
#[derive(Debug)]
pub struct Librarian {
    store: Store,
    catalog_tx: watch::Sender<Arc<Catalog>>,
    /// The way to Plex; `None` for a box that has none.
    servers: Option<Arc<Servers>>,
    /// One permit: who holds it loads and publishes, so that an older snapshot never comes after
    /// a newer one.
    publishing: Semaphore,
    /// One permit: who holds it syncs.
    syncing: Semaphore,
}

impl Librarian {
    /// Loads the first snapshot.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open(store: Store) -> Result<Self> {
        let catalog = load(&store, &Catalog::default()).await?;
        Ok(Self {
            store,
            catalog_tx: watch::Sender::new(catalog),
            servers: None,
            publishing: Semaphore::new(1),
            syncing: Semaphore::new(1),
        })
    }

    /// Lets sections of Plex servers be libraries.
    #[must_use]
    pub fn reaching(mut self, servers: Arc<Servers>) -> Self {
        self.servers = Some(servers);
        self
    }

    /// The newest snapshot, and a notice of each one to come.
    #[must_use]
    pub fn catalog(&self) -> watch::Receiver<Arc<Catalog>> {
        self.catalog_tx.subscribe()
    }

    /// Has everybody see what is in the store. Only who breaks off a [`Self::sync`] has to ask for
    /// it: everything else here ends with it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn refresh(&self) -> Result<()> {
        let permit = self.publishing.acquire().await;
        let _permit = permit.map_err(|_| Error::ShuttingDown)?;
        let before = self.catalog_tx.borrow().clone();
        let catalog = load(&self.store, &before).await?;
        if before != catalog {
            self.catalog_tx.send_replace(catalog);
        }
        Ok(())
    }

    /// Looks whether all that is kept is whole, as [`Store::check`].
    ///
    /// # Errors
    /// What is damaged.
    pub async fn check(&self) -> Result<()> {
        self.store.check().await
    }

    /// What the store's thread has done, and what waits for it.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.store.figures()
    }

    /// A backup of everything that is kept, as [`Store::hand_out`].
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn backup(&self) -> Result<File> {
        self.store.hand_out().await
    }

    /// A place for a backup that comes in, as [`Store::arriving`].
    ///
    /// # Errors
    /// It cannot be made.
    pub fn arriving(&self) -> Result<(Arriving, File)> {
        self.store.arriving()
    }

    /// Says what a backup would change, as [`Store::weigh`].
    ///
    /// # Errors
    /// The backup is no good.
    pub async fn weigh(&self, arriving: &Arriving) -> Result<Change> {
        self.store.weigh(arriving).await
    }

    /// Has everything be as a backup says, as [`Store::restore`]. It waits for a sync that is under
    /// way.
    ///
    /// # Errors
    /// The backup is no good, or the store cannot be written.
    pub async fn restore(&self, arriving: &Arriving, when: &When) -> Result<Change> {
        let permit = self.syncing.acquire().await;
        let _permit = permit.map_err(|_| Error::ShuttingDown)?;
        let change = self.store.restore(arriving, when).await?;
        self.refresh().await?;
        Ok(change)
    }

    /// Adds a folder as a library, under its own name where none is given. It has no items until
    /// the next [`Self::sync`]. A folder that is a library already is given back as it is.
    ///
    /// # Errors
    /// It is not a folder that can be read, its path is not UTF-8, the name is too long, or the
    /// store cannot be written.
    pub async fn add_folder(&self, path: &Path, name: Option<&str>) -> Result<Library> {
        let shown = path.display().to_string();
        let failed = |error: std::io::Error| Error::io("read the folder", &shown, &error);
        let path = tokio::fs::canonicalize(path).await.map_err(failed)?;
        drop(tokio::fs::read_dir(&path).await.map_err(failed)?);
        let text = path
            .to_str()
            .ok_or_else(|| Error::invalid(shown.clone(), "its path is not UTF-8"))?;
        let own_name = path.file_name().and_then(|name| name.to_str());
        let origin = Origin::Folder {
            path: text.to_owned(),
        };
        self.add(name.or(own_name).unwrap_or(text), origin).await
    }

    /// Adds a section of a Plex server as a library, as [`Self::add_folder`] does a folder.
    ///
    /// # Errors
    /// The box has no way to the server, the section is not there or holds no videos, or the store
    /// cannot be written.
    pub async fn add_section(
        &self,
        (server, section): (&str, &str),
        name: Option<&str>,
    ) -> Result<Library> {
        let none = || Error::invalid("plex", "this box has no way to Plex servers");
        let servers = self.servers.as_ref().ok_or_else(none)?;
        let server = servers.server(server).await?;
        let sections = server.sections().await?;
        let wanted = |found: &&Section| found.key == section || found.title == section;
        let found = sections.iter().find(wanted).ok_or_else(|| {
            let all: Vec<_> = sections.iter().map(|found| found.title.as_str()).collect();
            let why = format!("{} has {}", server.name, all.join(", "));
            Error::invalid(format!("section '{section}'"), why)
        })?;
        if !found.kind.holds_videos() {
            return Err(Error::invalid(found.title.clone(), "it holds no videos"));
        }
        let origin = Origin::Plex {
            server: server.machine.clone(),
            section: found.key.clone(),
        };
        self.add(name.unwrap_or(&found.title), origin).await
    }

    async fn add(&self, name: &str, origin: Origin) -> Result<Library> {
        let name = name.trim();
        if name.is_empty() || name.len() > limits::TEXT_BYTES {
            return Err(Error::invalid(
                "library name",
                format!("it must have 1 to {} bytes", limits::TEXT_BYTES),
            ));
        }
        let library = self.store.add_library(name, origin).await?;
        self.refresh().await?;
        Ok(library)
    }

    /// Brings all libraries up to date, one after the other. One that fails says why and does not
    /// keep the others from it. `progress` is told of the library at hand; `now_ms` is the date.
    ///
    /// # Errors
    /// A sync is under way, or the store cannot be read.
    pub async fn sync(
        &self,
        now_ms: i64,
        progress: impl FnMut(&Library, &Progress),
    ) -> Result<Vec<(Library, Result<Report>)>> {
        self.sync_those(|_| true, now_ms, progress).await
    }

    /// As [`Self::sync`], of one library.
    ///
    /// # Errors
    /// See [`Self::sync`].
    pub async fn sync_one(
        &self,
        library: LibraryId,
        now_ms: i64,
    ) -> Result<Vec<(Library, Result<Report>)>> {
        self.sync_those(|one| one.id == library, now_ms, |_, _| ())
            .await
    }

    /// As [`Self::sync`], but folders are left alone: their disks may sleep.
    pub(super) async fn sync_plex(&self, now_ms: i64) -> Result<Vec<(Library, Result<Report>)>> {
        let is_plex = |library: &Library| matches!(library.origin, Origin::Plex { .. });
        self.sync_those(is_plex, now_ms, |_, _| ()).await
    }

    /// The way to Plex servers.
    pub(super) fn servers(&self) -> Option<&Arc<Servers>> {
        self.servers.as_ref()
    }

    async fn sync_those(
        &self,
        which: impl Fn(&Library) -> bool,
        now_ms: i64,
        mut progress: impl FnMut(&Library, &Progress),
    ) -> Result<Vec<(Library, Result<Report>)>> {
        let _permit = self
            .syncing
            .try_acquire()
            .map_err(|_| Error::invalid("sync", "one is under way; wait until it is done"))?;
        let catalog = self.catalog_tx.borrow().clone();
        let mut reports = Vec::new();
        for library in catalog.libraries().iter().filter(|library| which(library)) {
            let mut tell = |found: &Progress| progress(library, found);
            let report = sync::run_once(
                &self.store,
                &catalog,
                library,
                (self.servers.as_deref(), now_ms),
                &mut tell,
            )
            .await;
            // Even a sync that failed may have written something before.
            if report.as_ref().map_or(true, Report::has_changed) {
                self.refresh().await?;
            }
            reports.push((library.clone(), report));
        }
        self.sync_playlists(&mut reports, now_ms).await?;
        Ok(reports)
    }

    /// Reads the playlists of the servers that were just looked at. What there is to say of them
    /// comes with the last library of their server.
    async fn sync_playlists(
        &self,
        reports: &mut [(Library, Result<Report>)],
        now_ms: i64,
    ) -> Result<()> {
        let Some(servers) = &self.servers else {
            return Ok(());
        };
        let mut by_server: BTreeMap<String, Vec<&mut Report>> = BTreeMap::new();
        for (library, report) in reports {
            if let (Origin::Plex { server, .. }, Ok(report)) = (&library.origin, report) {
                by_server.entry(server.clone()).or_default().push(report);
            }
        }
        for (machine, mut reports) in by_server {
            let has_new = reports.iter().any(|report| report.added > 0);
            let titles = if has_new {
                Titles::New
            } else {
                Titles::AsBefore
            };
            let Some(report) = reports.pop() else {
                continue;
            };
            let catalog = self.catalog_tx.borrow().clone();
            let place = (servers.as_ref(), machine.as_str());
            let read = playlist::run_once((&self.store, &catalog), place, titles, now_ms, report);
            let read = read.await;
            if read != Ok(Lists::AsBefore) {
                self.refresh().await?;
            }
            if let Err(error) = read {
                report.remark(format!("its playlists were not looked at: {error}"));
            }
        }
        Ok(())
    }

    /// Whether a sync is under way.
    #[must_use]
    pub fn is_syncing(&self) -> bool {
        self.syncing.available_permits() == 0
    }

    /// Removes a library with its titles, and the channels that show nothing else. It waits for a sync
    /// that is under way.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn remove_library(&self, library: LibraryId) -> Result<()> {
        let permit = self.syncing.acquire().await;
        let _permit = permit.map_err(|_| Error::ShuttingDown)?;
        self.store.remove_library(library).await?;
        self.refresh().await
    }

    /// Adds channels, all of them or none.
    ///
    /// # Errors
    /// A number is in use, an item is not in a library, there would be more than
    /// `limits::CHANNELS`, or the store cannot be written.
    pub async fn add_channels(&self, channels: Vec<NewChannel>) -> Result<()> {
        self.store.add_channels(channels).await?;
        self.refresh().await
    }

    /// Removes a channel.
    ///
    /// # Errors
    /// There is none with this number, or the store cannot be written.
    pub async fn remove_channel(&self, number: ChannelNumber) -> Result<()> {
        self.store.remove_channel(number).await?;
        self.refresh().await
    }
}

async fn load(store: &Store, before: &Catalog) -> Result<Arc<Catalog>> {
    let contents = store.reload(before.items().to_vec()).await?;
    let catalog = Catalog::new(contents.libraries, contents.items, contents.channels);
    Ok(Arc::new(catalog.with_playlists(contents.playlists)))
}
