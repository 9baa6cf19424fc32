//! The lists that the owner made on a Plex server, of the titles that are in the box's libraries.
//!
//! A list is read again when its server says something else of it, and once a day. One that is made
//! anew each time that it is read, or that has titles which the box does not know, may have others
//! as soon as a library has new ones. What is in no list any more is lost to nobody: channels hold
//! titles, not lists.

use super::REMARKS;
use crate::catalog::Catalog;
use crate::error::{Failure, Result};
use crate::limits;
use crate::model::{Edition, MediaItemId, NewPlaylist, Origin, Playlist};
use crate::plex::{self, Class, Server, Servers, Trouble};
use crate::store::Store;
use std::collections::HashMap;

/// Rows asked for at once.
const PAGE_ROWS: usize = 500;
/// How long a list is trusted of which its server says nothing new.
const TRUSTED_MS: i64 = 24 * 3_600 * 1_000;

/// Whether the libraries of a server have new titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Titles {
    AsBefore,
    New,
}

/// What became of the lists of a server.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Outcome {
    pub(in crate::catalog) has_changed: bool,
    /// What was left out, in words.
    pub(in crate::catalog) remarks: Vec<String>,
}

/// Reads what is new in the lists of a server. A list that cannot be read costs itself.
///
/// # Errors
/// The server fails, or the store cannot be written. What was known stays.
pub(in crate::catalog) async fn run_once(
    (store, catalog): (&Store, &Catalog),
    (servers, machine): (&Servers, &str),
    titles: Titles,
    now_ms: i64,
) -> Result<Outcome> {
    let told = |trouble: Trouble| {
        servers.tell(machine, &trouble);
        trouble
    };
    let server = servers.server(machine).await?;
    let mut listed = server.playlists().await.map_err(told)?;
    let mut outcome = Outcome::default();
    if listed.len() > limits::PLAYLISTS {
        let (most, all) = (limits::PLAYLISTS, listed.len());
        outcome.remark(format!("of {all} playlists the first {most} are kept"));
        listed.truncate(most);
    }
    let mut known = Known::of(catalog, machine);
    let mut left = limits::PLAYLISTS_TITLES;
    let mut upserts = Vec::new();
    for list in &listed {
        let before = known.lists.remove(list.rating_key.as_str());
        let kept = before.map_or(0, |before| before.list.items.len());
        if before.is_some_and(|before| is_as_read(&before.list, list, titles, now_ms)) {
            left = left.saturating_sub(kept);
            continue;
        }
        let most = left.min(limits::PLAYLIST_TITLES);
        match known.read(&server, list, most).await {
            Ok(read) => {
                if read.is_cut {
                    let name = &list.title;
                    outcome.remark(format!("of playlist '{name}' {most} titles are kept"));
                }
                left = left.saturating_sub(read.items.len());
                upserts.push(read.list(machine, list, now_ms));
            }
            Err(trouble) if is_of_the_list(&trouble) => {
                left = left.saturating_sub(kept);
                outcome.remark(format!("playlist '{}': {trouble}", list.title));
            }
            Err(trouble) => return Err(told(trouble).into()),
        }
    }
    let gone: Vec<_> = known.lists.values().map(|playlist| playlist.id).collect();
    outcome.has_changed = !upserts.is_empty() || !gone.is_empty();
    store.apply_playlists(upserts, gone).await?;
    Ok(outcome)
}

impl Outcome {
    fn remark(&mut self, why: String) {
        if self.remarks.len() < REMARKS {
            self.remarks.push(why);
        }
    }
}

/// Whether a list is still what it was when it was read.
fn is_as_read(before: &NewPlaylist, listed: &plex::Playlist, titles: Titles, now_ms: i64) -> bool {
    let Some(edition) = before.edition.filter(|_| before.name == listed.title) else {
        return false;
    };
    let known = u64::try_from(before.items.len()).unwrap_or(u64::MAX);
    let may_grow = listed.smart || known < u64::from(edition.titles);
    edition_of(listed, edition.read_ms) == Some(edition)
        && now_ms.saturating_sub(edition.read_ms) < TRUSTED_MS
        && !(may_grow && titles == Titles::New)
}

/// What a server says of a list; `None` where that is too little to know it again.
fn edition_of(listed: &plex::Playlist, read_ms: i64) -> Option<Edition> {
    Some(Edition {
        changed_s: listed.updated_at_s?,
        titles: u32::try_from(listed.count?).ok()?,
        read_ms,
    })
}

/// Whether trouble concerns a list and not its server.
fn is_of_the_list(trouble: &Trouble) -> bool {
    trouble.class.failure() == Failure::Item || trouble.class == Class::Malformed
}

/// What the box knows of a server.
struct Known<'a> {
    /// By key.
    lists: HashMap<&'a str, &'a Playlist>,
    /// The titles of its libraries, by key.
    titles: HashMap<&'a str, MediaItemId>,
}

/// What was read of a list.
struct Read {
    items: Vec<MediaItemId>,
    /// There are more than may be kept.
    is_cut: bool,
    /// It was the same list from the first page to the last.
    is_steady: bool,
}

impl<'a> Known<'a> {
    fn of(catalog: &'a Catalog, machine: &str) -> Self {
        let lists = catalog.playlists().iter();
        let lists = lists.filter(|playlist| playlist.list.server == machine);
        let is_own =
            |origin: &Origin| matches!(origin, Origin::Plex { server, .. } if server == machine);
        let libraries = catalog.libraries().iter();
        let own: Vec<_> = libraries
            .filter(|library| is_own(&library.origin))
            .map(|library| library.id)
            .collect();
        let items = catalog.items().iter();
        let items = items.filter(|item| own.contains(&item.library));
        Self {
            lists: lists
                .map(|playlist| (playlist.list.rating_key.as_str(), playlist))
                .collect(),
            titles: items
                .filter_map(|item| Some((item.rating_key.as_deref()?, item.id)))
                .collect(),
        }
    }

    /// Reads a list, at most `most` titles of it that the box knows.
    async fn read(
        &self,
        server: &Server,
        list: &plex::Playlist,
        most: usize,
    ) -> plex::Result<Read> {
        let mut read = Read {
            items: Vec::new(),
            is_cut: false,
            is_steady: true,
        };
        let (mut start, mut first_total) = (0_usize, None);
        loop {
            let key = &list.rating_key;
            let page = server.playlist_items(key, start, PAGE_ROWS).await?;
            start = start.saturating_add(page.returned);
            let total = page.total.unwrap_or(start);
            read.is_steady &= *first_total.get_or_insert(total) == total;
            for item in page.items {
                // Music and photos, and titles of other libraries, are none.
                let Some(id) = self.titles.get(item.rating_key.as_str()) else {
                    continue;
                };
                if read.items.len() >= most {
                    read.is_cut = true;
                    return Ok(read);
                }
                read.items.push(*id);
            }
            if page.returned == 0 || start >= total {
                return Ok(read);
            }
        }
    }
}

impl Read {
    fn list(self, machine: &str, listed: &plex::Playlist, now_ms: i64) -> NewPlaylist {
        NewPlaylist {
            name: listed.title.clone(),
            server: machine.to_owned(),
            rating_key: listed.rating_key.clone(),
            edition: edition_of(listed, now_ms).filter(|_| self.is_steady),
            items: self.items.into(),
        }
    }
}
