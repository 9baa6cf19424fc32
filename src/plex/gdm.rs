//! Servers of the LAN, found by asking all of them at once (GDM: HTTP's looks over UDP).

use super::Version;
use crate::error::Result;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A server that has answered. Anybody can answer: it is a hint, until `/identity` says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where the answer came from.
    pub address: IpAddr,
    /// Where it listens.
    pub port: u16,
    /// The name below which its certificate is valid (`<hash>.plex.direct`).
    pub host: Option<String>,
}

/// Asks at `targets`, or at the whole LAN where there are none, and listens for `patience`.
///
/// # Errors
/// Where no socket can be had. A network that takes nothing is one without servers.
pub async fn gdm(targets: &[SocketAddr], patience: Duration) -> Result<Vec<Announced>> {
    let _ = (targets, patience);
    todo!()
}
