//! What a server says by itself: hints that something has changed, nothing to be relied on.

use super::Result;

/// A hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// An item is new or has changed: ask for it again.
    Changed {
        /// Its rating key.
        rating_key: String,
        /// Its section, where said.
        section: Option<String>,
    },
    /// An item is gone, most likely.
    Deleted {
        /// Its rating key.
        rating_key: String,
        /// Its section, where said.
        section: Option<String>,
    },
    /// A section was gone through.
    Section {
        /// Its key, where said.
        section: Option<String>,
    },
}

/// The hints of a server, as they come.
#[derive(Debug)]
pub struct Events {}

impl Events {
    /// The next one; `None` when the server has ended them. Can be given up and asked again.
    ///
    /// # Errors
    /// The connection broke, or what came is no stream of events.
    pub async fn next(&mut self) -> Result<Option<Hint>> {
        todo!()
    }
}
