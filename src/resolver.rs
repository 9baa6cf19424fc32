//! From a media item to where its bytes are.
//!
//! No database query and no request: what the catalog knows is enough for a file.

use crate::error::{Error, Result};
use crate::model::MediaItem;
use std::path::PathBuf;

/// Where the bytes of an item are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
}

/// Finds the bytes of an item.
///
/// # Errors
/// The item is known not to be playable; the error says why, as the owner was told.
pub fn resolve(item: &MediaItem) -> Result<Source> {
    match &item.part.problem {
        Some(why) => Err(Error::unsupported(item.title.clone(), why.clone())),
        None => Ok(Source {
            path: PathBuf::from(&item.part.path),
        }),
    }
}
