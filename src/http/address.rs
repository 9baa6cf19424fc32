//! Under which address a client reaches the box. Every URL in an answer is made of it, so that it
//! works from where the client stands.
//!
//! What a client says in its `Host` header is believed only if it is an address or a name of this
//! box. A name that is somebody else's is not even answered: a site whose name suddenly leads here
//! (DNS rebinding) would read everything with the browser of whoever visits it. Addresses cannot be
//! rebound, and one that is not ours has been translated on the way.

use crate::system::network::{Network, literal};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What every box is called, beside the host name of its machine.
const OWN_NAMES: [&str; 2] = ["localhost", "exstreamtv"];

/// Domains that nobody can own, so that names in them are of the LAN: of mDNS (RFC 6762), of homes
/// (RFC 8375), of private use (ICANN 2024), and what routers have always used.
const OWN_DOMAINS: [&str; 6] = [
    "local",
    "lan",
    "home",
    "home.arpa",
    "internal",
    "localdomain",
];

/// Longest name of a host (RFC 1035).
const NAME_BYTES: usize = 253;

/// Under which names and addresses the box may be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// The machine's host name; empty where unknown.
    pub(super) host_name: &'a str,
    /// What the owner has named.
    pub(super) names: &'a [String],
    /// The machine's addresses and domains.
    pub(super) network: &'a Network,
}

/// The roots of the URLs in one answer, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roots {
    /// Documents: `http://10.0.0.1:8411`.
    pub(super) web: String,
    /// Streams: `http://10.0.0.1:5004`.
    pub(super) stream: String,
}

/// Whom a `Host` header means.
enum Meant {
    /// This box, by a host and a port as they stand in a URL.
    Us(String, u16),
    /// This box too, but by what is of no use in a URL.
    UsSomehow,
    /// Somebody else.
    Another,
}

impl Roots {
    /// The roots for a client that named `host` in its request and whose connection ends at
    /// `local`. `None` for a name that is not this box's.
    pub(super) fn new(
        host: Option<&str>,
        known: Known<'_>,
        local: SocketAddr,
        stream_port: u16,
    ) -> Option<Self> {
        match host.map(|host| known.meant(host, local.ip())) {
            Some(Meant::Us(name, port)) => Some(Self::at(&name, port, stream_port)),
            Some(Meant::UsSomehow) | None => Some(Self::of(local, stream_port)),
            Some(Meant::Another) => None,
        }
    }

    /// The roots for whoever reaches the box at `local`.
    pub(super) fn of(local: SocketAddr, stream_port: u16) -> Self {
        Self::at(&literal(local.ip()), local.port(), stream_port)
    }

    fn at(name: &str, port: u16, stream_port: u16) -> Self {
        let stream = format!("http://{name}:{stream_port}");
        // Hardware leaves out port 80, and some clients compare.
        let web = if port == 80 {
            format!("http://{name}")
        } else {
            format!("http://{name}:{port}")
        };
        Self { web, stream }
    }
}

impl Known<'_> {
    /// Whom a `Host` header means in a connection that ends at `local`.
    fn meant(self, host: &str, local: IpAddr) -> Meant {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((name, port)) if name.parse::<Ipv6Addr>().is_ok() => (name, port),
                // No name begins with a bracket, so none can be meant.
                _ => return Meant::UsSomehow,
            },
            // An address without its brackets, or no host at all.
            None if host.parse::<Ipv6Addr>().is_ok() || host.is_empty() => return Meant::UsSomehow,
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        let name = match name.parse::<IpAddr>() {
            Ok(address) if self.is_our_address(address, local) => literal(address),
            Ok(_) => return Meant::UsSomehow,
            Err(_) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                if !self.is_our_name(&name) {
                    return Meant::Another;
                }
                name
            }
        };
        read_port(port).map_or(Meant::UsSomehow, |port| Meant::Us(name, port))
    }

    fn is_our_address(self, address: IpAddr, local: IpAddr) -> bool {
        let address = address.to_canonical();
        let listed = |name: &String| name.parse::<Ipv4Addr>().is_ok_and(|one| one == address);
        address == local.to_canonical()
            || self.network.has(address)
            || self.names.iter().any(listed)
    }

    /// Whether a name, in lower case, is the box's own: what it is called, alone or in a domain of
    /// the LAN, or what the owner has named.
    fn is_our_name(self, name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if name.len() > NAME_BYTES || !name.bytes().all(plain) {
            return false;
        }
        // A host name may have its domain in it.
        let first = self.host_name.split('.').next().unwrap_or_default();
        let mut called = OWN_NAMES.into_iter().chain([self.host_name, first]);
        let mut listed = self.names.iter();
        called.any(|own| self.is_of(name, own) || is_numbered(name, own))
            || listed.any(|own| own.trim_end_matches('.').eq_ignore_ascii_case(name))
    }

    /// Whether a name is `own`, alone or in a domain of the LAN.
    fn is_of(self, name: &str, own: &str) -> bool {
        let Some((head, rest)) = name.split_at_checked(own.len()) else {
            return false;
        };
        let domain = rest.strip_prefix('.');
        !own.is_empty()
            && head.eq_ignore_ascii_case(own)
            && (rest.is_empty() || domain.is_some_and(|domain| self.is_near(domain)))
    }

    fn is_near(self, domain: &str) -> bool {
        let mut told = self.network.domains.iter();
        OWN_DOMAINS.contains(&domain) || told.any(|one| one == domain)
    }
}

/// Whether a name is the one that mDNS gives the box where another has `own` already:
/// `exstreamtv-2.local`.
fn is_numbered(name: &str, own: &str) -> bool {
    let label = name.strip_suffix(".local");
    let number = label
        .and_then(|label| label.strip_prefix(own))
        .and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|digits| {
        !own.is_empty() && !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// The port behind a host: `:80`, or nothing.
fn read_port(text: &str) -> Option<u16> {
    match text.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0)
        }
        None if text.is_empty() => Some(80),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Roots};
    use crate::system::network::{Interface, Network, Reach};

    const LOCAL: &str = "192.168.1.5:8411";

    fn roots_on(host_name: &str, host: &str) -> Option<(String, String)> {
        let addresses = ["192.168.1.5", "10.0.0.7", "fe80::1", "fd99::7"];
        let network = Network {
            interfaces: vec![Interface {
                name: "eth0".to_owned(),
                index: 2,
                reach: Reach::Lan,
                addresses: addresses.map(|one| one.parse().unwrap()).into(),
                subnets: Vec::new(),
            }],
            domains: vec!["fritz.box".to_owned()],
        };
        let known = Known {
            host_name,
            names: &["TV.example.org".to_owned(), "203.0.113.9".to_owned()],
            network: &network,
        };
        let roots = Roots::new(Some(host), known, LOCAL.parse().unwrap(), 5004);
        roots.map(|roots| (roots.web, roots.stream))
    }

    fn roots(host: &str) -> Option<(String, String)> {
        roots_on("Telly", host)
    }

    #[test]
    fn urls_use_the_address_that_the_client_reached() {
        for (host, name, port) in [
            ("10.0.0.7", "10.0.0.7", ""),
            ("10.0.0.7:80", "10.0.0.7", ""),
            ("10.0.0.7:9000", "10.0.0.7", ":9000"),
            ("192.168.1.5:8411", "192.168.1.5", ":8411"),
            ("203.0.113.9:8411", "203.0.113.9", ":8411"),
            ("[fe80::1]:81", "[fe80::1]", ":81"),
            ("[fd99:0::7]", "[fd99::7]", ""),
            ("[::ffff:10.0.0.7]:81", "10.0.0.7", ":81"),
            ("localhost:81", "localhost", ":81"),
            ("localhost.localdomain", "localhost.localdomain", ""),
            ("Telly", "telly", ""),
            ("telly.lan:81", "telly.lan", ":81"),
            ("TELLY.Local.", "telly.local", ""),
            ("telly.home.arpa", "telly.home.arpa", ""),
            ("telly.fritz.box:8411", "telly.fritz.box", ":8411"),
            ("exstreamtv", "exstreamtv", ""),
            ("exstreamtv.local:8411", "exstreamtv.local", ":8411"),
            ("exstreamtv-2.local", "exstreamtv-2.local", ""),
            ("tv.example.org", "tv.example.org", ""),
        ] {
            let expected = (
                format!("http://{name}{port}"),
                format!("http://{name}:5004"),
            );
            assert_eq!(roots(host), Some(expected), "{host}");
        }
    }

    #[test]
    fn what_is_no_name_and_no_address_of_ours_is_answered_but_not_repeated() {
        for host in [
            "",
            "10.0.0.8",
            "10.0.0.8:8411",
            "127.0.0.1",
            "[fe80::2]:81",
            "[fe80::1%25eth0]:81",
            "::1",
            "fe80::1",
            "10.0.0.7:",
            "10.0.0.7:0",
            "10.0.0.7:+80",
            "10.0.0.7:99999",
            "10.0.0.7:8411/x",
            "[::1",
            "[10.0.0.1]",
            "[::1]x",
            "telly:1:2",
            "telly:",
        ] {
            let ours = (format!("http://{LOCAL}"), "http://192.168.1.5:5004".into());
            assert_eq!(roots(host), Some(ours), "{host}");
        }
    }

    #[test]
    fn a_name_that_is_not_ours_has_no_roots() {
        for host in [
            "evil.example",
            "evil.example:8411",
            "evil.example:x",
            "telly.evil.example",
            "exstreamtv.evil.example",
            "exstreamtv-2.evil.example",
            "exstreamtv-x.local",
            "exstreamtv-.local",
            "localhost.evil.example",
            "telly.local.evil.example",
            "telly.fritz.box.evil.example",
            "x.telly",
            "x.telly.local",
            "telly.x.local",
            "tellyx",
            "telly-local",
            "exstreamtv-.local",
            "exstreamtv-2x.local",
            "exstreamtv-2.evil.example",
            "exstreamtv-2.local.evil.example",
            "-2.local",
            "tellylocal",
            "tv.example.org.evil.example",
            "x.tv.example.org",
            "telly..",
            ".",
            ":80",
            "a\"b",
            "user@telly",
            "telly<script>",
            "t\u{e9}lly",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "10.0.0.7.evil.example",
        ] {
            assert_eq!(roots(host), None, "{host}");
        }
        assert_eq!(roots(&"x".repeat(1 << 14)), None);
    }

    #[test]
    fn a_host_name_may_have_its_domain_in_it() {
        for host in [
            "telly.example.net",
            "telly",
            "telly.lan",
            "telly.example.net.fritz.box",
        ] {
            assert!(roots_on("telly.example.net", host).is_some(), "{host}");
        }
        for host in ["telly.example.org", "example.net"] {
            assert_eq!(roots_on("telly.example.net", host), None, "{host}");
        }
        for host in ["local", ".local", "lan", "fritz.box"] {
            assert_eq!(roots_on("", host), None, "{host}");
        }
        assert!(roots_on("", "exstreamtv.local").is_some());
    }

    #[test]
    fn mapped_addresses_are_written_plainly() {
        let local = "[::ffff:192.168.1.5]:8411".parse().unwrap();
        let network = Network::default();
        let known = Known {
            host_name: "telly",
            names: &[],
            network: &network,
        };
        for host in [None, Some("192.168.1.5:8411"), Some("192.168.1.6:8411")] {
            let roots = Roots::new(host, known, local, 5004).unwrap();
            assert_eq!(roots.web, "http://192.168.1.5:8411", "{host:?}");
        }
    }
}
