//! An ordered list of titles that the owner made.

use super::MediaItemId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Row id of a playlist in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlaylistId(pub i64);

/// A list of titles on a Plex server, in the owner's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// Its id.
    pub id: PlaylistId,
    /// What it is and what is in it.
    pub list: NewPlaylist,
}

/// A playlist that is not in the store yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlaylist {
    /// Its name, as shown.
    pub name: String,
    /// The machine identifier of the server that has it.
    pub server: String,
    /// What that server calls it.
    pub rating_key: String,
    /// What the server said of it when it was read; `None` where it has to be read again.
    pub edition: Option<Edition>,
    /// What is in it of the libraries that the box has, in its order. A title may come twice.
    pub items: Arc<[MediaItemId]>,
}

/// What a server says of a list that changes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// When it was changed last, epoch seconds.
    pub changed_s: i64,
    /// How many titles are in it, of whatever library.
    pub titles: u32,
    /// When it was read, by the box.
    pub read_ms: i64,
}
