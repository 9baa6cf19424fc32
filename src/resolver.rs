//! From a media item to where its bytes are.
//!
//! No database query and no request: what the catalog knows is enough for a file.

use crate::error::{Error, Result};
use crate::model::MediaItem;
use std::fmt;
use std::path::PathBuf;

/// Where the bytes of an item are.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of this machine.
    File(PathBuf),
    /// A file that a server gives.
    Http {
        /// Its address, of the scheme `http`.
        url: String,
        /// Headers of each request, names with values. They may carry tokens.
        headers: Vec<(String, String)>,
    },
}

impl fmt::Debug for Source {
    /// Without the query and the values of headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Http { url, headers } => {
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

/// Finds the bytes of an item.
///
/// # Errors
/// The item is known not to be playable; the error says why, as the owner was told.
pub fn resolve(item: &MediaItem) -> Result<Source> {
    let path = &item.part.path;
    match &item.part.problem {
        Some(why) => Err(Error::unsupported(item.title.clone(), why.clone())),
        None if path.starts_with("http://") => Ok(Source::Http {
            url: path.clone(),
            headers: Vec::new(),
        }),
        None => Ok(Source::File(PathBuf::from(path))),
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
