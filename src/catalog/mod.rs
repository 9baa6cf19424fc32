//! The library as the box sees it while it runs: one immutable snapshot, replaced as a whole.
//!
//! Nothing on a viewer's way asks the store; it asks this. The [`Librarian`] makes the snapshots.

mod drive;
mod follow;
mod librarian;
pub mod sync;

pub use librarian::Librarian;
pub use sync::{best_version, version_tracks};

use crate::model::{Channel, Library, LibraryId, MediaItem, MediaItemId, Origin, Playlist};
use std::path::Path;
use std::sync::Arc;

/// Everything the store knew at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    libraries: Vec<Library>,
    /// Sorted by id.
    items: Vec<Arc<MediaItem>>,
    /// Sorted by number.
    channels: Vec<Arc<Channel>>,
    playlists: Vec<Playlist>,
}

impl Catalog {
    /// A snapshot of these, in any order.
    #[must_use]
    pub fn new(
        libraries: Vec<Library>,
        items: Vec<impl Into<Arc<MediaItem>>>,
        channels: Vec<Channel>,
    ) -> Self {
        let mut items: Vec<Arc<MediaItem>> = items.into_iter().map(Into::into).collect();
        items.sort_by_key(|item| item.id);
        let mut channels: Vec<_> = channels.into_iter().map(Arc::new).collect();
        channels.sort_by_key(|channel| channel.number);
        Self {
            libraries,
            items,
            channels,
            playlists: Vec::new(),
        }
    }

    /// The same with these playlists.
    #[must_use]
    pub fn with_playlists(mut self, playlists: Vec<Playlist>) -> Self {
        self.playlists = playlists;
        self
    }

    /// The same without a library and its titles; channels stay.
    #[must_use]
    pub fn without(&self, library: LibraryId) -> Self {
        let mut rest = self.clone();
        rest.libraries.retain(|one| one.id != library);
        rest.items.retain(|item| item.library != library);
        rest
    }

    /// The library of this folder.
    #[must_use]
    pub fn library_at(&self, folder: &Path) -> Option<&Library> {
        let is_there = |library: &&Library| match &library.origin {
            Origin::Folder { path } => Path::new(path) == folder,
            Origin::Plex { .. } => false,
        };
        self.libraries.iter().find(is_there)
    }

    /// All playlists.
    #[must_use]
    pub fn playlists(&self) -> &[Playlist] {
        &self.playlists
    }

    /// All libraries.
    #[must_use]
    pub fn libraries(&self) -> &[Library] {
        &self.libraries
    }

    /// The library with this id.
    #[must_use]
    pub fn library(&self, id: LibraryId) -> Option<&Library> {
        self.libraries.iter().find(|library| library.id == id)
    }

    /// All media items, by id.
    #[must_use]
    pub fn items(&self) -> &[Arc<MediaItem>] {
        &self.items
    }

    /// The media item with this id.
    #[must_use]
    pub fn item(&self, id: MediaItemId) -> Option<&Arc<MediaItem>> {
        let at = self.items.binary_search_by_key(&id, |item| item.id).ok()?;
        self.items.get(at)
    }

    /// All channels, by number.
    #[must_use]
    pub fn channels(&self) -> &[Arc<Channel>] {
        &self.channels
    }
}
