//! A server that has been found: what is asked of it.

use super::{Decided, Decision, Events, Identity, Item, Kind, Result, Secret, Transcode, Version};

/// A server. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// Its version.
    pub version: Version,
}

/// A section of a server's library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its key in requests.
    pub key: String,
    /// Its name.
    pub title: String,
    /// What it holds: `Movie`, `Show`, `Clip` for other videos, or `Other`.
    pub kind: Kind,
    /// Who finds out about its titles.
    pub agent: String,
    /// The one thing of it that stays when it is renamed.
    pub uuid: Option<String>,
    /// When its folders were last gone through, epoch seconds.
    pub scanned_at: Option<i64>,
    /// When it was last changed, epoch seconds.
    pub updated_at: Option<i64>,
    /// A number that changes with its content.
    pub content_changed_at: Option<i64>,
}

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// What could be understood.
    pub items: Vec<Item>,
    /// Why each of the others could not, with its key where it has one.
    pub dropped: Vec<String>,
    /// How many rows came: by so much the next page begins later.
    pub returned: usize,
    /// How many there are in all, where the server says.
    pub total: Option<usize>,
}

/// A list of the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// Its key.
    pub rating_key: String,
    /// Its name.
    pub title: String,
    /// Made anew each time that it is read.
    pub smart: bool,
    /// How many items it has.
    pub count: Option<u64>,
    /// When it was last changed, epoch seconds.
    pub updated_at_s: Option<i64>,
}

/// What changed lately. Rows that were never changed are only found by when they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Changed after that, epoch seconds.
    Updated(i64),
    /// Added after that, epoch seconds.
    Added(i64),
}

impl Server {
    /// A server at an address that somebody has named.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn at(url: &str, token: &Secret, identity: &Identity) -> Result<Self> {
        let _ = (url, token, identity);
        todo!()
    }

    /// Where it is: scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        todo!()
    }

    /// Asks whether it is still there, and still the same.
    ///
    /// # Errors
    /// `WrongServer` where another one answers.
    pub async fn verify(&self) -> Result<()> {
        todo!()
    }

    /// The sections of its library.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn sections(&self) -> Result<Vec<Section>> {
        todo!()
    }

    /// A page of a section: `size` rows of a kind from the row `start` on, in the order of their
    /// coming into the library.
    ///
    /// # Errors
    /// `Busy` where less should be asked for, and what else kept it from being read.
    pub async fn page(
        &self,
        section: &str,
        kind: Kind,
        start: usize,
        size: usize,
        since: Option<Since>,
    ) -> Result<Page> {
        let _ = (section, kind, start, size, since);
        todo!()
    }

    /// Items by their keys, at most `limits::PLEX_KEYS`, with their streams. Those that are gone
    /// are missing.
    ///
    /// # Errors
    /// `Gone` where none is there.
    pub async fn items(&self, rating_keys: &[&str]) -> Result<Page> {
        let _ = rating_keys;
        todo!()
    }

    /// One item, whose files the server has looked for on its disk. It may take as long as a disk
    /// that sleeps: for finding out about a part that is missing.
    ///
    /// # Errors
    /// `Gone` where it is not there.
    pub async fn checked(&self, rating_key: &str) -> Result<Item> {
        let _ = rating_key;
        todo!()
    }

    /// Items by what they are anywhere (`plex://...`), in the whole library.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn by_guid(&self, guid: &str) -> Result<Page> {
        let _ = guid;
        todo!()
    }

    /// The collections of a section.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn collections(&self, section: &str, start: usize, size: usize) -> Result<Page> {
        let _ = (section, start, size);
        todo!()
    }

    /// The items of a collection, in its order.
    ///
    /// # Errors
    /// `Gone` where it is not there.
    pub async fn collection_items(&self, key: &str, start: usize, size: usize) -> Result<Page> {
        let _ = (key, start, size);
        todo!()
    }

    /// The owner's lists of videos.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn playlists(&self) -> Result<Vec<Playlist>> {
        todo!()
    }

    /// The items of a list, in its order.
    ///
    /// # Errors
    /// `Gone` where it is not there.
    pub async fn playlist_items(&self, key: &str, start: usize, size: usize) -> Result<Page> {
        let _ = (key, start, size);
        todo!()
    }

    /// What the server says by itself, from now on.
    ///
    /// # Errors
    /// Where it says nothing.
    pub async fn events(&self) -> Result<Events> {
        todo!()
    }

    /// Asks how an item can be played. The session may then read the part, or start the conversion.
    ///
    /// # Errors
    /// What kept it from deciding. A refusal is no error, but a code.
    pub async fn decision(&self, decision: &Decision) -> Result<Decided> {
        let _ = decision;
        todo!()
    }

    /// Ends a conversion. What is not there any more is ended.
    ///
    /// # Errors
    /// Where the server cannot be told.
    pub async fn stop(&self, session: &str) -> Result<()> {
        let _ = session;
        todo!()
    }

    /// Keeps a conversion that is not read for a while.
    ///
    /// # Errors
    /// Where the server cannot be told.
    pub async fn ping(&self, session: &str) -> Result<()> {
        let _ = session;
        todo!()
    }

    /// The address of a part; it holds no token.
    ///
    /// # Errors
    /// Where the key is an address of somewhere else, which is never sent a token.
    pub fn part_url(&self, key: &str) -> Result<String> {
        let _ = key;
        todo!()
    }

    /// What a reader of a part or a conversion sends. The token is in it.
    #[must_use]
    pub fn stream_headers(&self, session: &str) -> Vec<(String, String)> {
        let _ = session;
        todo!()
    }

    /// The address of a conversion, for one reader, after its decision; it holds no token.
    #[must_use]
    pub fn transcode_url(&self, transcode: &Transcode) -> String {
        let _ = transcode;
        todo!()
    }

    /// A picture (`thumb` or `art` of an item), made no larger than that.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn picture(&self, path: &str, width: u32, height: u32) -> Result<Picture> {
        let _ = (path, width, height);
        todo!()
    }
}

/// A picture, at most `limits::PLEX_PICTURE_BYTES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it is (`image/jpeg`).
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
