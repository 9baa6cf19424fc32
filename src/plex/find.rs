//! The way to a server: all of its addresses are asked at once who they are, and the best of those
//! that are right is taken.

use super::{Announced, Identity, Result, Server, ServerEntry};

/// What is known about the ways to a server beside what plex.tv says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Addresses that the owner has set, or that were good the last time: before all others.
    pub urls: Vec<String>,
    /// What the LAN has answered.
    pub announced: Vec<Announced>,
    /// Whether `http://` will do where the server lets it: the token is readable on the way.
    pub plain: Plain,
}

/// Where `http://` will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plain {
    /// Within the LAN, where nothing better answers.
    #[default]
    Lan,
    /// Nowhere.
    Never,
}

/// Finds a server and signs in to it.
///
/// # Errors
/// `Auth` where it does not take the token, `WrongServer` where only others answer, `Unreachable`
/// where nobody does.
pub async fn find(entry: &ServerEntry, identity: &Identity, wishes: &Wishes) -> Result<Server> {
    let _ = (entry, identity, wishes);
    todo!()
}
