//! A server as plex.tv lists it.

use super::{Secret, Version};
use std::net::IpAddr;

/// A server that the account may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEntry {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Whether the account owns it, or it is shared with it.
    pub ownership: Ownership,
    /// The token for this server. Another one than the account's.
    pub token: Secret,
    /// Whether plex.tv has seen it lately.
    pub present: bool,
    /// It does not take `http://`.
    pub https_required: bool,
    /// It is reached from the same public address as this box: the same house.
    pub same_house: bool,
    /// Where it may be reached.
    pub connections: Vec<Connection>,
}

/// Whose a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The account's.
    Owned,
    /// Somebody else's, who shares it.
    Shared,
}

/// A way to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// `https://192-168-1-5.<hash>.plex.direct:32400`, usually.
    pub uri: String,
    /// Its address, where it is one and not a name.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Where it leads.
    pub reach: Reach,
}

/// Where a connection leads, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Through the server's LAN.
    Local,
    /// Through the Internet.
    Remote,
    /// Through Plex's own relay, which is too slow for channels.
    Relay,
}
