//! A server as plex.tv lists it.

use super::account::token;
use super::row::Row;
use super::wire::address;
use super::{KnownServer, Secret, Version};
use crate::limits;
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

impl ServerEntry {
    /// A server of which only the box itself knows, to be sought in the LAN.
    pub(super) fn unlisted(known: &KnownServer) -> Self {
        Self {
            machine: known.machine.clone(),
            name: known.name.clone(),
            version: Version::default(),
            ownership: known.ownership,
            token: known.token.clone(),
            present: true,
            https_required: false,
            same_house: true,
            connections: Vec::new(),
        }
    }
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

impl ServerEntry {
    /// # Errors
    /// What it lacks.
    pub(super) fn read(row: Row<'_>) -> Result<Self, &'static str> {
        let provides = row.line("provides").unwrap_or_default();
        if !provides.split(',').any(|one| one.trim() == "server") {
            return Err("is no server");
        }
        let flag = |name, otherwise| row.flag(name).unwrap_or(otherwise);
        let connections = row.rows("connections", limits::PLEX_WAYS);
        Ok(Self {
            machine: row.key("clientIdentifier").ok_or("has no identifier")?,
            name: row.line("name").unwrap_or_else(|| "Plex".to_owned()),
            version: Version::parse(&row.line("productVersion").unwrap_or_default()),
            ownership: if flag("owned", false) {
                Ownership::Owned
            } else {
                Ownership::Shared
            },
            token: token(row, "accessToken").ok_or("has no token")?,
            present: flag("presence", true),
            https_required: flag("httpsRequired", false),
            same_house: flag("publicAddressMatches", false),
            connections: connections.filter_map(Connection::read).collect(),
        })
    }
}

impl Connection {
    fn read(row: Row<'_>) -> Option<Self> {
        let flag = |name| row.flag(name).unwrap_or(false);
        Some(Self {
            uri: row.name("uri").filter(|uri| address(uri).is_ok())?,
            address: row.line("address").and_then(|text| text.parse().ok()),
            port: row.number("port")?,
            reach: match (flag("relay"), flag("local")) {
                (true, _) => Reach::Relay,
                (false, true) => Reach::Local,
                (false, false) => Reach::Remote,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Ownership, Reach, Row, ServerEntry};
    use serde_json::json;

    #[test]
    fn a_server_is_read_with_its_own_token() {
        let value = json!({
            "name": "Attic", "productVersion": "1.43.2.10687-563d026ea", "device": null,
            "clientIdentifier": "0a1b2c", "provides": "client, server", "ownerId": null,
            "accessToken": "sesame", "owned": "1", "presence": false, "httpsRequired": true,
            "publicAddressMatches": 1,
            "connections": [
                {"address": "192.168.1.5", "port": "32400", "local": true, "relay": false,
                 "uri": "https://192-168-1-5.aa.plex.direct:32400"},
                {"address": "relay.example", "port": 8443, "local": false, "relay": 1,
                 "uri": "https://1-2-3-4.aa.plex.direct:8443"},
                {"address": "1.2.3.4", "port": 1, "uri": "gopher://x"},
                {"address": "1.2.3.4"}
            ]
        });
        let entry = ServerEntry::read(Row::of(&value).unwrap()).unwrap();
        assert_eq!(
            (entry.machine.as_str(), entry.ownership),
            ("0a1b2c", Ownership::Owned)
        );
        assert!(entry.https_required && entry.same_house && !entry.present);
        assert_eq!(entry.token.reveal(), "sesame");
        let ways: Vec<_> = entry
            .connections
            .iter()
            .map(|one| (one.port, one.reach))
            .collect();
        assert_eq!(ways, [(32_400, Reach::Local), (8_443, Reach::Relay)]);
        assert_eq!(entry.connections[1].address, None);
        assert!(!format!("{entry:?}").contains("sesame"));
    }

    #[test]
    fn players_and_what_has_no_token_are_no_servers() {
        for value in [
            json!({"provides": "client,player", "clientIdentifier": "a", "accessToken": "b"}),
            json!({"provides": "server", "clientIdentifier": "a", "accessToken": null}),
            json!({"provides": "server", "accessToken": "b"}),
            json!({}),
        ] {
            assert!(
                ServerEntry::read(Row::of(&value).unwrap()).is_err(),
                "{value}"
            );
        }
    }
}
