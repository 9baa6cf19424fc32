//! What the machine is connected to: its network interfaces, their addresses, and the names of the
//! networks that they are in.

use std::net::IpAddr;

/// All of it at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The interfaces that are up and have an address, in order of their index.
    pub interfaces: Vec<Interface>,
    /// The domains that the machine is in, without a dot at either end, as DHCP has told them.
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

impl Network {
    /// Whether an address is one of this machine's.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let mut interfaces = self.interfaces.iter();
        interfaces.any(|one| one.addresses.contains(&address))
    }

    /// The interface with this index.
    #[must_use]
    pub fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces.iter().find(|one| one.index == index)
    }
}
