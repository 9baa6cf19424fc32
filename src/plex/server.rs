//! A server that has been found: what is asked of it.

mod library;
mod playback;

use super::row::Row;
use super::wire::{Ask, Patience, Peer, Wire};
use super::{Class, Identity, Item, Kind, Reach, Result, Secret, Trouble, Version};
use crate::tls;
use serde_json::Value;
use std::net::IpAddr;

/// A server. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where the connection leads. Nothing is streamed through a relay.
    pub reach: Reach,
    wire: Wire,
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

/// A picture, at most `limits::PLEX_PICTURE_BYTES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it is (`image/jpeg`).
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Server {
    /// A server at an address that somebody has named.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn at(url: &str, token: &Secret, identity: &Identity) -> Result<Self> {
        let wire = Wire::new(url, Peer::Server, identity, None)?;
        let machine = who(&wire).await?;
        let reach = reach_of(wire.base());
        Self::sign_in(wire, token, &machine, reach).await
    }

    /// The server `machine` at an address where it was before. Another one that has taken the address
    /// gets no token.
    ///
    /// # Errors
    /// `WrongServer` where another one answers, and what keeps it from being used.
    pub async fn again(
        url: &str,
        machine: &str,
        token: &Secret,
        identity: &Identity,
    ) -> Result<Self> {
        let wire = Wire::new(url, Peer::Server, identity, None)?;
        if who(&wire).await? != machine {
            return Err(wrong_server(&wire));
        }
        let reach = reach_of(wire.base());
        Self::sign_in(wire, token, machine, reach).await
    }

    /// Signs in over a way that leads to `machine`, as it has said itself.
    pub(super) async fn sign_in(
        wire: Wire,
        token: &Secret,
        machine: &str,
        reach: Reach,
    ) -> Result<Self> {
        let wire = wire.with(token);
        let value = value(&wire, &Ask::small("/", Patience::ANSWER)).await?;
        let row = Row::of(&value).and_then(|row| row.row("MediaContainer"));
        let row = row.ok_or_else(|| no_server(&wire))?;
        if row
            .key("machineIdentifier")
            .is_some_and(|said| said != machine)
        {
            return Err(wrong_server(&wire));
        }
        Ok(Self {
            machine: machine.to_owned(),
            name: row
                .line("friendlyName")
                .unwrap_or_else(|| "Plex".to_owned()),
            version: Version::parse(&row.line("version").unwrap_or_default()),
            reach,
            wire,
        })
    }

    /// Where it is: scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        self.wire.base()
    }

    /// Asks whether it is still there, and still the same.
    ///
    /// # Errors
    /// `WrongServer` where another one answers.
    pub async fn verify(&self) -> Result<()> {
        if who(&self.wire).await? == self.machine {
            Ok(())
        } else {
            Err(wrong_server(&self.wire))
        }
    }
}

/// Asks a server who it is: its machine identifier. No token is needed for that, and none is sent.
pub(super) async fn who(wire: &Wire) -> Result<String> {
    let wire = wire.clone().with(&Secret::new(""));
    let value = value(&wire, &Ask::small("/identity", Patience::LOOK)).await?;
    let row = Row::of(&value).and_then(|row| row.row("MediaContainer"));
    let machine = row.and_then(|row| row.key("machineIdentifier"));
    machine.ok_or_else(|| no_server(&wire))
}

pub(super) fn wrong_server(wire: &Wire) -> Trouble {
    let why = "another Plex server answers at this address; it gets no token";
    Trouble::new(Class::WrongServer, wire.subject(""), why)
}

fn no_server(wire: &Wire) -> Trouble {
    let why = "what answers there is no Plex server";
    Trouble::new(Class::Malformed, wire.subject(""), why)
}

/// A small answer, taken apart.
pub(super) async fn value(wire: &Wire, ask: &Ask<'_>) -> Result<Value> {
    let answer = wire.ask(ask).await?;
    serde_json::from_slice(&answer.body)
        .map_err(|error| Trouble::malformed(&answer.subject, &answer.body, &error))
}

/// Where an address leads, as far as it says so itself.
pub(super) fn reach_of(url: &str) -> Reach {
    let Ok(url) = super::wire::address(url) else {
        return Reach::Remote;
    };
    let host = url.host_str().unwrap_or_default();
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    match plain.parse().ok().or_else(|| tls::address_in(host)) {
        Some(address) if is_private(address) => Reach::Local,
        Some(_) => Reach::Remote,
        // A name without a dot is one of the LAN.
        None if !host.contains('.') || host.ends_with(".local") || host.ends_with(".lan") => {
            Reach::Local
        }
        None => Reach::Remote,
    }
}

/// Whether an address is one of a LAN or of this machine (RFC 1918, RFC 4193, link-local, loopback).
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach_of};

    #[test]
    fn an_address_says_whether_it_is_in_the_lan() {
        for (url, reach) in [
            ("http://192.168.1.5:32400", Reach::Local),
            ("http://127.0.0.1:32400", Reach::Local),
            ("https://10-0-0-7.aa.plex.direct:32400", Reach::Local),
            ("https://1-2-3-4.aa.plex.direct:32400", Reach::Remote),
            ("http://[fd00::1]:32400", Reach::Local),
            ("http://[2001:db8::1]:32400", Reach::Remote),
            ("http://nas:32400", Reach::Local),
            ("https://plex.example.com", Reach::Remote),
        ] {
            assert_eq!(reach_of(url), reach, "{url}");
        }
    }
}
