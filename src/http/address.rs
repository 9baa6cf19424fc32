//! Under which address a client reaches the box. Every URL in an answer is made of it, so that it
//! works from where the client stands.

use std::net::{IpAddr, SocketAddr};

/// The roots of the URLs in one answer, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roots {
    /// Documents: `http://10.0.0.1:8411`.
    pub(super) web: String,
    /// Streams: `http://10.0.0.1:5004`.
    pub(super) stream: String,
}

impl Roots {
    /// The roots for a client that named `host` in its request and whose connection ends at
    /// `local`. A host that is neither an address nor a name of this box (`host_name`) is not
    /// believed: another site could have sent the browser here.
    pub(super) fn new(
        host: Option<&str>,
        host_name: &str,
        local: SocketAddr,
        stream_port: u16,
    ) -> Self {
        let (name, port) = host
            .and_then(|host| believed(host, host_name))
            .unwrap_or_else(|| (literal(local.ip()), local.port()));
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

/// Host and port of a `Host` header that names this box.
fn believed(host: &str, host_name: &str) -> Option<(String, u16)> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (literal(IpAddr::V6(name.parse().ok()?)), port)
        }
        None => {
            let at = host.find(':').unwrap_or(host.len());
            let (name, port) = host.split_at(at);
            let known = name.parse::<std::net::Ipv4Addr>().is_ok() || is_ours(name, host_name);
            (known.then(|| name.to_ascii_lowercase())?, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0)?
        }
        None if port.is_empty() => 80,
        _ => return None,
    };
    Some((name, port))
}

/// Whether a name is the box's own: `localhost`, its host name, or that with a domain behind it.
fn is_ours(name: &str, host_name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if name.len() > 253 || !name.bytes().all(plain) {
        return false;
    }
    let first = name.split('.').next().unwrap_or_default();
    name.eq_ignore_ascii_case("localhost")
        || (!host_name.is_empty() && first.eq_ignore_ascii_case(host_name))
}

/// An address as it stands in a URL.
fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::Roots;

    fn roots(host: &str) -> (String, String) {
        let local = "192.168.1.5:8411".parse().unwrap();
        let roots = Roots::new(Some(host), "telly", local, 5004);
        (roots.web, roots.stream)
    }

    #[test]
    fn urls_use_the_address_that_the_client_reached() {
        for (host, web, stream) in [
            ("10.0.0.7", "http://10.0.0.7", "http://10.0.0.7:5004"),
            ("10.0.0.7:80", "http://10.0.0.7", "http://10.0.0.7:5004"),
            (
                "10.0.0.7:9000",
                "http://10.0.0.7:9000",
                "http://10.0.0.7:5004",
            ),
            (
                "localhost:81",
                "http://localhost:81",
                "http://localhost:5004",
            ),
            ("Telly", "http://telly", "http://telly:5004"),
            (
                "telly.lan:81",
                "http://telly.lan:81",
                "http://telly.lan:5004",
            ),
            (
                "[fe80::1]:81",
                "http://[fe80::1]:81",
                "http://[fe80::1]:5004",
            ),
            ("[::1]", "http://[::1]", "http://[::1]:5004"),
        ] {
            assert_eq!(roots(host), (web.to_owned(), stream.to_owned()), "{host}");
        }
    }

    #[test]
    fn a_host_that_is_not_ours_is_not_believed() {
        for host in [
            "",
            "evil.example",
            "10.0.0.7:",
            "10.0.0.7:0",
            "10.0.0.7:+80",
            "10.0.0.7:99999",
            "10.0.0.7:8411/x",
            "a\"b",
            "[::1",
            "[10.0.0.1]",
            "[::1]x",
            "telly:1:2",
            "user@telly",
            "localhost.evil.example",
            "telly<script>",
        ] {
            let ours = "http://192.168.1.5:8411";
            assert_eq!(roots(host).0, ours, "{host}");
        }
    }

    #[test]
    fn mapped_addresses_are_written_plainly() {
        let local = "[::ffff:192.168.1.5]:8411".parse().unwrap();
        let roots = Roots::new(None, "telly", local, 5004);
        assert_eq!(roots.web, "http://192.168.1.5:8411");
    }
}
