//! From a media item to where its bytes are.
//!
//! There is no database query on this way. What the catalog knows is enough for a file, and mostly
//! for an item of a Plex server too.

mod conversion;
mod on_plex;

use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::media::{Profile, Track};
use crate::model::{MediaItem, Origin};
use crate::plex::Servers;
use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the bytes of an item are.
#[derive(Clone)]
pub enum Source {
    /// A file of this machine.
    File(PathBuf),
    /// A file that a server gives.
    Http {
        /// Its address.
        url: String,
        /// Headers of each request, names with values. They may carry tokens.
        headers: Vec<(String, String)>,
    },
    /// What a server makes while it is read, once, from one place on.
    Live {
        /// Its address.
        url: String,
        /// Headers of the request, names with values. They may carry tokens.
        headers: Vec<(String, String)>,
        /// The item's time that was asked for.
        begins_ms: i64,
        /// What was asked for of its times.
        times: Times,
        /// What is at its address.
        form: Form,
        /// Kept for as long as it is read; who drops it ends it.
        guard: Arc<dyn Any + Send + Sync>,
    },
}

/// How a server gives what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In one answer.
    Whole,
    /// In segments, which a playlist leads to.
    Segments,
}

/// What a server is asked to do with the times of what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// To keep the item's.
    Kept,
    /// To count from where it begins.
    Counted,
}

impl fmt::Debug for Source {
    /// Without the query and the values of headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Http { url, headers } | Self::Live { url, headers, .. } => {
                let plain = url.split(['?', '#']).next().unwrap_or_default();
                let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
                f.debug_struct("Http")
                    .field("url", &plain)
                    .field("headers", &names)
                    .finish()
            }
        }
    }
}

impl Source {
    /// Host and port of the server that gives it; `None` for a file of this machine.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        let (Self::Http { url, .. } | Self::Live { url, .. }) = self else {
            return None;
        };
        let (_, rest) = url.split_once("://")?;
        rest.split(['/', '?', '#']).next()
    }
}

/// For what an item is wanted.
#[derive(Clone, Copy)]
pub struct Want<'a> {
    /// What it has to be like.
    pub profile: &'a Profile,
    /// Whether it is as it is, going by what the library knows.
    pub plan: Plan,
    /// Whether such tracks can go on air as they are.
    pub fits: &'a (dyn Fn(&[Track]) -> bool + Sync),
    /// From when on it is shown, in the item's time. What is read as it is can be joined anywhere.
    pub at_ms: i64,
}

/// What is to become of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// It goes on air as it is.
    AsItIs,
    /// Its server converts its sound, and leaves its pictures as they are.
    Sound,
    /// Its server converts pictures and sound.
    Whole,
}

/// Finds the bytes of items.
#[derive(Debug, Default)]
pub struct Resolver {
    plex: Option<on_plex::OnPlex>,
}

impl Resolver {
    /// One that finds items of Plex servers too, not only files.
    #[must_use]
    pub fn reaching(servers: Arc<Servers>) -> Self {
        Self {
            plex: Some(on_plex::OnPlex::new(servers)),
        }
    }

    /// Finds the bytes of an item of the catalog. For a file that is known at once; a server may be
    /// asked, and what it says is remembered.
    ///
    /// # Errors
    /// The item is known not to be playable, and the error says why, as the owner was told; its
    /// server cannot be used, has it no longer or does not give it.
    pub async fn resolve(
        &self,
        catalog: &Catalog,
        item: &MediaItem,
        want: Want<'_>,
    ) -> Result<Source> {
        if let Some(why) = &item.part.problem {
            return Err(Error::unsupported(item.title.clone(), why.clone()));
        }
        let path = &item.part.path;
        match (self.plex_of(catalog, item), &item.rating_key) {
            (Some((plex, server)), Some(rating_key)) => {
                plex.find((server, rating_key), item, want).await
            }
            (None, Some(_)) => {
                let why = "its library is not there any more";
                Err(Error::unsupported(item.title.clone(), why))
            }
            (_, None) if path.starts_with("http://") => Ok(Source::Http {
                url: path.clone(),
                headers: Vec::new(),
            }),
            (_, None) => Ok(Source::File(PathBuf::from(path))),
        }
    }

    /// What was found for an item did not do, when it was opened or read. The next time it is looked
    /// for elsewhere, or left alone for a while.
    pub fn failed(&self, catalog: &Catalog, item: &MediaItem, error: &Error) {
        let plex = self.plex_of(catalog, item).zip(item.rating_key.as_deref());
        if let Some(((plex, server), rating_key)) = plex {
            plex.failed(server, rating_key, error);
        }
    }

    /// The server that an item is on.
    fn plex_of<'a>(
        &'a self,
        catalog: &'a Catalog,
        item: &MediaItem,
    ) -> Option<(&'a on_plex::OnPlex, &'a str)> {
        match &catalog.library(item.library)?.origin {
            Origin::Plex { server, .. } => Some((self.plex.as_ref()?, server)),
            Origin::Folder { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn printing_a_source_shows_no_token() {
        let source = Source::Http {
            url: "http://plex.lan:32400/library/parts/1/file.mkv?X-Plex-Token=secret".to_owned(),
            headers: vec![("X-Plex-Token".to_owned(), "secret".to_owned())],
        };
        let shown = format!("{source:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("plex.lan:32400/library/parts/1/file.mkv"));
    }
}
