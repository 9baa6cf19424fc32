//! The lists that the owner made on a Plex server, of the titles that are in the box's libraries.
//!
//! A list is read again when its server says something else of it, and once a day. One that is made
//! anew each time that it is read, or that has titles which the box does not know, may have others
//! as soon as a library has new ones. What is in no list any more is lost to nobody: channels hold
//! titles, not lists.

use super::Report;
use super::plex::{PAGE_ROWS, TRUSTED_MS};
use crate::catalog::Catalog;
use crate::error::{Failure, Result};
use crate::limits;
use crate::model::{Edition, MediaItemId, NewPlaylist, Origin, Playlist};
use crate::plex::{self, Class, Server, Servers, Trouble};
use crate::store::Store;
use std::collections::HashMap;

/// Whether the libraries of a server have new titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Titles {
    AsBefore,
    New,
}

/// Whether the lists of a server are other than they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Lists {
    AsBefore,
    Changed,
}

/// Reads what is new in the lists of a server. A list that cannot be read costs itself, and what was
/// left out is told in `report`.
///
/// # Errors
/// The server fails, or the store cannot be written. What was read until then is kept.
pub(in crate::catalog) async fn run_once(
    (store, catalog): (&Store, &Catalog),
    (servers, machine): (&Servers, &str),
    titles: Titles,
    now_ms: i64,
    report: &mut Report,
) -> Result<Lists> {
    let told = |trouble| servers.told(machine, trouble);
    let server = servers.server(machine).await?;
    let mut listed = server.playlists().await.map_err(told)?;
    if listed.len() > limits::PLAYLISTS {
        let (most, all) = (limits::PLAYLISTS, listed.len());
        report.remark(format!("of {all} playlists the first {most} are kept"));
        listed.truncate(most);
    }
    let known = catalog.playlists().iter();
    let known = known.filter(|playlist| playlist.list.server == machine);
    let mut known: HashMap<&str, &Playlist> = known
        .map(|playlist| (playlist.list.rating_key.as_str(), playlist))
        .collect();
    let mut left = limits::PLAYLISTS_TITLES;
    let mut unread = Vec::new();
    for list in &listed {
        let before = known.remove(list.rating_key.as_str());
        let before = before.map(|playlist| &playlist.list);
        match before.filter(|before| is_as_read(before, list, titles, now_ms)) {
            Some(before) => left = left.saturating_sub(before.items.len()),
            None => unread.push((list, before)),
        }
    }
    let gone: Vec<_> = known.into_values().map(|playlist| playlist.id).collect();
    if unread.is_empty() && gone.is_empty() {
        return Ok(Lists::AsBefore);
    }
    let own = own_titles(catalog, machine);
    let (mut upserts, mut failed) = (Vec::new(), None);
    for (list, before) in unread {
        let most = left.min(limits::PLAYLIST_TITLES);
        let read = match read(&server, list, &own, most).await {
            Ok(read) => read,
            Err(trouble) if is_of_the_list(&trouble) => {
                report.remark(format!("playlist '{}': {trouble}", list.title));
                continue;
            }
            Err(trouble) => {
                failed = Some(told(trouble));
                break;
            }
        };
        if read.is_cut {
            report.remark(format!(
                "of playlist '{}' {most} titles are kept",
                list.title
            ));
        }
        left = left.saturating_sub(read.items.len());
        let new = read.list(machine, list, now_ms);
        if before != Some(&new) {
            upserts.push(new);
        }
    }
    let lists = if upserts.is_empty() && gone.is_empty() {
        Lists::AsBefore
    } else {
        Lists::Changed
    };
    store.apply_playlists(upserts, gone).await?;
    failed.map_or(Ok(lists), Err)
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

/// The titles of the libraries that are sections of a server, by key.
fn own_titles<'a>(catalog: &'a Catalog, machine: &str) -> HashMap<&'a str, MediaItemId> {
    let is_own =
        |origin: &Origin| matches!(origin, Origin::Plex { server, .. } if server == machine);
    let libraries = catalog.libraries().iter();
    let own = libraries.filter(|library| is_own(&library.origin));
    let own: Vec<_> = own.map(|library| library.id).collect();
    let items = catalog.items().iter();
    items
        .filter(|item| own.contains(&item.library))
        .filter_map(|item| Some((item.rating_key.as_deref()?, item.id)))
        .collect()
}

/// What was read of a list.
struct Read {
    items: Vec<MediaItemId>,
    /// There are more than may be kept.
    is_cut: bool,
    /// It was the same list from the first page to the last.
    is_steady: bool,
}

/// Reads a list, at most `most` of those of its titles that the box has.
async fn read(
    server: &Server,
    list: &plex::Playlist,
    own: &HashMap<&str, MediaItemId>,
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
            let Some(id) = own.get(item.rating_key.as_str()) else {
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
