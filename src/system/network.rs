//! What the machine is connected to: its network interfaces, their addresses, and the names of the
//! networks that they are in.
//!
//! All of it may change at any time: a cable is plugged in late, Wi-Fi comes back with another
//! address. [`follow`] keeps a snapshot true; nobody else asks the kernel.

mod change;
mod follow;
mod look;

pub use follow::{follow, refresh};
pub use look::look;

use nix::libc::EAFNOSUPPORT;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// All of it at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The interfaces that are up and have an address, in order of their index.
    pub interfaces: Vec<Interface>,
    /// The domains that the machine is in, in lower case, without a dot at either end, as DHCP has
    /// told them.
    pub domains: Vec<String>,
}

/// An interface that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The kernel's number of it.
    pub index: u32,
    /// What is behind it.
    pub reach: Reach,
    /// Its addresses, of either family; never empty.
    pub addresses: Vec<IpAddr>,
    /// Whoever is on its link has an address in one of these.
    pub subnets: Vec<Subnet>,
}

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// One of them.
    pub address: IpAddr,
    /// How many bits they have in common.
    pub prefix_bits: u32,
}

/// What is behind an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This machine alone.
    Loopback,
    /// Others, who can be asked all at once.
    Lan,
    /// Others, who cannot: a tunnel.
    Tunnel,
}

/// An address as a URL has it (RFC 3986 §3.2.2): one of IPv6 in brackets.
#[must_use]
pub fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// An address as the rest of the box has it: a socket of both families sees IPv4 mapped into IPv6.
/// The interface of an address of the link stays.
#[must_use]
pub fn plain(at: SocketAddr) -> SocketAddr {
    match at.ip().to_canonical() {
        IpAddr::V4(v4) => SocketAddr::from((v4, at.port())),
        IpAddr::V6(_) => at,
    }
}

/// Whether the machine has no such family of addresses.
#[must_use]
pub fn has_no_family(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EAFNOSUPPORT)
}

impl Subnet {
    /// Whether an address is one of these. One of IPv4 that is written as one of IPv6 is none.
    #[must_use]
    pub fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                let differ = one.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= self.prefix_bits
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => {
                let differ = one.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= self.prefix_bits
            }
            _ => false,
        }
    }
}

impl Interface {
    /// Whether an address belongs to its link.
    #[must_use]
    pub fn is_link_of(&self, address: IpAddr) -> bool {
        self.subnets.iter().any(|one| one.contains(address))
    }
}

impl Network {
    /// Whether an address is one of this machine's, however it is written.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut interfaces = self.interfaces.iter();
        interfaces.any(|one| one.addresses.contains(&address))
    }

    /// The interface with this index.
    #[must_use]
    pub fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces.iter().find(|one| one.index == index)
    }
}

#[cfg(test)]
mod tests {
    use super::{Interface, Network, Reach};

    #[test]
    fn an_address_is_ours_in_either_spelling() {
        let eth0 = Interface {
            name: "eth0".to_owned(),
            index: 2,
            reach: Reach::Lan,
            addresses: vec!["10.0.0.5".parse().unwrap(), "fd99::1".parse().unwrap()],
            subnets: Vec::new(),
        };
        let network = Network {
            interfaces: vec![eth0],
            domains: Vec::new(),
        };
        for (address, ours) in [
            ("10.0.0.5", true),
            ("::ffff:10.0.0.5", true),
            ("fd99:0::1", true),
            ("10.0.0.6", false),
            ("::1", false),
        ] {
            assert_eq!(network.has(address.parse().unwrap()), ours, "{address}");
        }
    }
}
