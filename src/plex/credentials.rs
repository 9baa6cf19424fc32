//! What the box needs to come back to its servers: `plex.json` in the state folder, readable by its
//! owner only.

use super::Secret;
use crate::error::Result;
use std::path::Path;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Made once, and kept whatever else is forgotten.
    pub client_id: String,
    /// The token of the account, once it is linked.
    pub account: Option<Secret>,
    /// The servers.
    pub servers: Vec<KnownServer>,
}

/// A server that the box uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownServer {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// The token for this server.
    pub token: Secret,
    /// The address that the owner has named; `None` for one that plex.tv lists.
    pub url: Option<String>,
    /// Where it was found the last time.
    pub last_good: Option<String>,
}

impl Credentials {
    /// Those in the state folder; new ones, with an identifier of their own, where there are none.
    /// A file that others can read is made the owner's.
    ///
    /// # Errors
    /// Where the file cannot be read or understood. It is left as it is.
    pub fn load(state: &Path) -> Result<Self> {
        let _ = state;
        todo!()
    }

    /// Keeps them: the file is there as it was, or as it is to be, whenever the power goes.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, state: &Path) -> Result<()> {
        let _ = state;
        todo!()
    }
}
