//! Servers of the LAN, found by asking all of them at once (GDM: what looks like HTTP, over UDP).

use super::Version;
use super::row::is_key;
use crate::error::{Error, Result};
use crate::limits;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// What is sent.
const QUESTION: &[u8] = b"M-SEARCH * HTTP/1.0\r\n\r\n";

/// Where servers listen for it.
const PORT: u16 = 32_414;

/// The group that they are in, and everybody.
const LAN: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 0, 0, 250)), PORT),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), PORT),
];

/// Largest answer: some hundred bytes are usual.
const ANSWER_BYTES: usize = 2_048;

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
    let failed = |error| Error::io("look for", "Plex servers of the LAN", &error);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .await
        .map_err(failed)?;
    socket.set_broadcast(true).map_err(failed)?;
    socket.set_multicast_ttl_v4(1).map_err(failed)?;
    let targets = if targets.is_empty() { &LAN } else { targets };
    for target in targets {
        if let Err(error) = socket.send_to(QUESTION, target).await {
            log::debug!("{target} cannot be asked for Plex servers: {error}");
        }
    }
    let end = Instant::now() + patience;
    let mut found: Vec<Announced> = Vec::new();
    let mut buffer = [0; ANSWER_BYTES];
    while found.len() < limits::PLEX_SERVERS {
        let Ok(received) = timeout_at(end, socket.recv_from(&mut buffer)).await else {
            break;
        };
        // A target that refuses is told as an error of the socket; others may still answer.
        let Ok((len, from)) = received else { continue };
        let answer = buffer.get(..len).unwrap_or_default();
        let Some(one) = read(answer, from.ip()) else {
            continue;
        };
        if !found.iter().any(|known| known.machine == one.machine) {
            found.push(one);
        }
    }
    Ok(found)
}

/// Understands an answer; nothing where it is none of a server.
fn read(answer: &[u8], address: IpAddr) -> Option<Announced> {
    let text = std::str::from_utf8(answer).ok()?;
    let (first, headers) = text.split_once("\r\n")?;
    if !first.starts_with("HTTP/1.") || !first.contains(" 200") {
        return None;
    }
    let header = |name: &str| {
        let mut lines = headers.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    };
    if header("Content-Type")? != "plex/media-server" {
        return None;
    }
    let name = header("Name").unwrap_or("Plex");
    let host = header("Host").filter(|host| host.ends_with(".plex.direct"));
    Some(Announced {
        machine: header("Resource-Identifier")
            .filter(|one| is_key(one))?
            .to_owned(),
        name: name
            .chars()
            .filter(|one| !one.is_control())
            .take(64)
            .collect(),
        version: Version::parse(header("Version").unwrap_or_default()),
        address,
        port: header("Port")?.parse().ok()?,
        host: host.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::{QUESTION, gdm, read};
    use std::net::IpAddr;
    use std::time::Duration;
    use tokio::net::UdpSocket;

    const ANSWER: &str = "HTTP/1.0 200 OK\r\nContent-Type: plex/media-server\r\n\
        host: aa.plex.direct\r\nName: Attic\r\nPort: 32400\r\nRESOURCE-IDENTIFIER: 0a1b\r\n\
        Updated-At: 1700000000\r\nVersion: 1.43.2.10687-563d026ea\r\n\r\n";

    fn here() -> IpAddr {
        "127.0.0.1".parse().unwrap()
    }

    #[test]
    fn an_answer_is_read_whatever_the_case_of_its_headers() {
        let one = read(ANSWER.as_bytes(), here()).unwrap();
        assert_eq!(
            (one.machine.as_str(), one.name.as_str(), one.port),
            ("0a1b", "Attic", 32_400)
        );
        assert_eq!(one.host.as_deref(), Some("aa.plex.direct"));
        assert_eq!(one.version.to_string(), "1.43.2.10687");
    }

    #[test]
    fn what_is_no_server_s_answer_is_not_read() {
        for (from, to) in [
            ("plex/media-server", "plex/media-player"),
            ("RESOURCE-IDENTIFIER: 0a1b", "x: y"),
            ("0a1b", "../0a1b"),
            ("Port: 32400", "Port: 324000"),
            ("200 OK", "404 Not Found"),
        ] {
            let text = ANSWER.replace(from, to);
            assert_eq!(read(text.as_bytes(), here()), None, "{to}");
        }
        assert_eq!(read(b"\xff\xfe", here()), None);
        assert_eq!(read(b"", here()), None);
    }

    #[tokio::test]
    async fn a_server_that_is_asked_answers_once() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let answering = tokio::spawn(async move {
            let mut buffer = [0; 64];
            let (len, from) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..len], QUESTION);
            for answer in ["noise", ANSWER, ANSWER] {
                server.send_to(answer.as_bytes(), from).await.unwrap();
            }
        });
        let found = gdm(&[address], Duration::from_millis(300)).await.unwrap();
        answering.await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address, here());
    }

    #[tokio::test]
    async fn a_silent_network_has_no_servers() {
        let nobody = UdpSocket::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let found = gdm(&[nobody], Duration::from_millis(50)).await.unwrap();
        assert_eq!(found, []);
    }
}
