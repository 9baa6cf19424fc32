//! TLS, as the box speaks it to servers: with whose word for who they are, and by which code.
//!
//! One provider (`ring`) and one set of roots (Mozilla's, inside the binary: a board's image may
//! lack them), for everything that connects. There is no switch to believe less. Tests, and only
//! they, may trust an authority of their own, each on its own thread.

use crate::error::{Error, Result};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, OnceLock};

/// Below this domain each server has a certificate for names that hold its address.
const DIRECT: &str = ".plex.direct";

/// How to speak to a server over TLS.
///
/// # Errors
/// Where the provider cannot do what TLS needs.
pub fn client() -> Result<Arc<ClientConfig>> {
    static PUBLIC: OnceLock<Result<Arc<ClientConfig>>> = OnceLock::new();
    #[cfg(test)]
    if let Some(config) = authority::here() {
        return Ok(config);
    }
    let public = || webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    PUBLIC.get_or_init(|| believing(public())).clone()
}

fn believing(roots: RootCertStore) -> Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::unsupported("TLS", error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The address that a name of `*.plex.direct` holds in its first label (`192-168-1-5`, or an IPv6
/// address with dashes for its colons). To dial it needs no DNS, and so no leave of a router that
/// filters names which lead into the LAN; the certificate is checked against the name all the same.
#[must_use]
pub fn address_in(host: &str) -> Option<IpAddr> {
    let lower = host.to_ascii_lowercase();
    let (label, hash) = lower.strip_suffix(DIRECT)?.split_once('.')?;
    if hash.is_empty() {
        return None;
    }
    let v4 = label.replace('-', ".").parse().map(IpAddr::V4);
    let v6 = || label.replace('-', ":").parse::<Ipv6Addr>().map(IpAddr::V6);
    v4.or_else(|_| v6()).ok()
}

/// The name under `hash.plex.direct` that holds an address.
#[must_use]
pub fn name_of(address: IpAddr, below: &str) -> String {
    let label = address.to_string().replace(['.', ':'], "-");
    format!("{label}.{below}")
}

/// An authority of a test's own.
#[cfg(test)]
pub(crate) mod authority;

#[cfg(test)]
mod tests {
    use super::{address_in, client, name_of};

    #[test]
    fn names_hold_addresses() {
        for (name, address) in [
            ("192-168-1-5.0a1b.plex.direct", Some("192.168.1.5")),
            ("127-0-0-1.0a1b.PLEX.direct", Some("127.0.0.1")),
            ("2001-db8-0-0-0-0-0-7.0a1b.plex.direct", Some("2001:db8::7")),
            ("2001-db8--7.0a1b.plex.direct", Some("2001:db8::7")),
            ("192-168-1.0a1b.plex.direct", None),
            ("nas.0a1b.plex.direct", None),
            ("192-168-1-5.plex.direct", None),
            ("192-168-1-5..plex.direct", None),
            ("192-168-1-5.0a1b.plex.direct.example", None),
            ("192-168-1-5.0a1b.example", None),
        ] {
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(address_in(name), expected, "{name}");
        }
        for address in ["192.168.1.5", "2001:db8::7"] {
            let address = address.parse().unwrap();
            let name = name_of(address, "0a1b.plex.direct");
            assert_eq!(address_in(&name), Some(address));
        }
    }

    #[test]
    fn the_roots_are_inside() {
        assert!(client().is_ok());
    }
}
