//! A library brought up to date: what is there now compared with what the catalog knows, and what
//! has changed written to the store.
//!
//! Nothing is removed unless everything was seen. What could not be looked at stays.

mod folder;
pub(super) mod playlist;
mod plex;
mod title;

pub use title::{best_version, version_tracks};

use super::Catalog;
use crate::error::{Error, Result};
use crate::folder::Progress;
use crate::model::{Library, MediaItem, NewItem, Origin};
use crate::plex::Servers;
use crate::store::Store;
use std::fmt;

/// Words about what could not be looked at which a report keeps.
const REMARKS: usize = 20;

/// What a sync did to one library.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Items that are new.
    pub added: usize,
    /// Items whose file or description has changed.
    pub updated: usize,
    /// Items that are there no longer.
    pub removed: usize,
    /// Items that their server does not list any more since this time; they are kept for a day.
    pub missing: usize,
    /// Items that are as they were.
    pub unchanged: usize,
    /// Among all items of the library, those that cannot be played; each says why.
    pub unplayable: usize,
    /// What could not be looked at, in words. Items there stay as they were.
    pub remarks: Vec<String>,
}

impl fmt::Display for Report {
    /// What became of the titles, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} new, {} changed, {} gone, {} missing, {} as before; {} of all cannot be played",
            self.added, self.updated, self.removed, self.missing, self.unchanged, self.unplayable
        )
    }
}

impl Report {
    /// Adds what could not be looked at, in words.
    pub(super) fn remark(&mut self, why: String) {
        if self.remarks.len() < REMARKS {
            self.remarks.push(why);
        }
    }

    /// Whether anything of the library is other than it was.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.added + self.updated + self.removed + self.missing > 0
    }
}

/// Looks through the library and writes what has changed since `catalog` was loaded.
///
/// # Errors
/// Its folder or server cannot be read, has suddenly nothing in it, or stopped answering; the store
/// cannot be written. Nothing is removed then; what was found until then is kept.
pub async fn run_once(
    store: &Store,
    catalog: &Catalog,
    library: &Library,
    (servers, now_ms): (Option<&Servers>, i64),
    progress: impl FnMut(&Progress),
) -> Result<Report> {
    match &library.origin {
        Origin::Folder { path } => {
            folder::run_once(store, catalog, (library, path), progress).await
        }
        Origin::Plex { server, section } => {
            let servers = servers.ok_or_else(|| {
                Error::invalid(library.name.clone(), "this box has no way to Plex servers")
            })?;
            let place = plex::Place {
                servers,
                server,
                section,
            };
            plex::run_once(store, catalog, (library, place), now_ms, progress).await
        }
    }
}

/// Whether writing the item would change nothing.
fn is_same(known: &MediaItem, item: &NewItem) -> bool {
    known.part == item.part
        && known.title == item.title
        && known.year == item.year
        && known.episode == item.episode
        && known.rating_key == item.rating_key
        && known.about == item.about
        && known.missing_ms.is_none()
}
