//! The box as its neighbours see it: who it is, and where, from where they stand.

use super::datagram::Here;
use crate::model::Device;
use crate::system::network::{Interface, Network, Reach, literal};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::sync::watch;

/// Who the box is, and where.
#[derive(Debug, Clone)]
pub struct Presence {
    /// What clients see.
    pub device: Device,
    /// Where documents are served.
    pub web: SocketAddr,
    /// Where they are served besides, at the port that devices usually have.
    pub usual: Option<SocketAddr>,
    /// What the machine is connected to.
    pub network_rx: watch::Receiver<Arc<Network>>,
}

impl Presence {
    /// The root of the device's URLs for whoever reaches the box at `local`, with its port and
    /// without a slash at the end: `http://10.0.0.1:80`. `None` where no door is open there.
    #[must_use]
    pub fn root(&self, local: IpAddr) -> Option<String> {
        let doors = self.usual.into_iter().chain([self.web]);
        let mut open = doors.filter(|door| is_open(*door, local));
        let port = open.next()?.port();
        Some(format!("http://{}:{port}", literal(local)))
    }

    /// The root of the device's URLs for whoever asked from there; `None` where no door is open to
    /// it, or the interface is not known yet.
    pub(super) fn root_on(&self, here: Here, asker: IpAddr) -> Option<String> {
        let network = Arc::clone(&self.network_rx.borrow());
        let interface = network.interface(here.interface)?;
        let open = interface.addresses.iter().copied();
        let open = open.filter(|address| self.root(*address).is_some());
        // The first of those that are equally good: it is the interface's main one.
        let best = open.min_by_key(|address| distance(*address, here, asker))?;
        self.root(best)
    }

    /// Whether this is the root of the device's URLs at one of the machine's addresses.
    pub(super) fn has_root(&self, root: &[u8]) -> bool {
        let network = Arc::clone(&self.network_rx.borrow());
        let mut own = network.interfaces.iter().flat_map(|one| &one.addresses);
        own.any(|address| {
            self.root(*address)
                .is_some_and(|own| own.as_bytes() == root)
        })
    }

    /// Whether who asked there by a datagram may be answered: a neighbour, or one whose address means
    /// nothing outside of the site. The sender of a datagram is easily made up, and an answer is
    /// longer than a question: others are not to be hit by it.
    pub(super) fn is_near(&self, here: Here, asker: IpAddr) -> bool {
        let network = Arc::clone(&self.network_rx.borrow());
        let asker = asker.to_canonical();
        let is_local = match asker {
            IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback(),
            IpAddr::V6(v6) => {
                v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback()
            }
        };
        let interface = network.interface(here.interface);
        is_local || interface.is_some_and(|one| one.is_link_of(asker))
    }

    /// The interfaces on which the box is announced, each with the addresses at which it can be
    /// reached there.
    #[must_use]
    pub fn announced(&self) -> Vec<Interface> {
        let network = Arc::clone(&self.network_rx.borrow());
        let lan = network
            .interfaces
            .iter()
            .filter(|one| one.reach == Reach::Lan);
        let reached = lan.cloned().map(|mut one| {
            one.addresses
                .retain(|address| self.root(*address).is_some());
            one
        });
        reached.filter(|one| !one.addresses.is_empty()).collect()
    }
}

/// How far from an asker one of an interface's addresses is. An address of the link of IPv6 is the
/// last choice, since most programs cannot open a URL with one: they would have to name their own
/// interface in it.
fn distance(ours: IpAddr, here: Here, asker: IpAddr) -> u8 {
    match (ours.to_canonical(), asker.to_canonical()) {
        (IpAddr::V6(ours), _) if ours.is_unicast_link_local() => 5,
        _ if here.address == Some(ours) => 0,
        (IpAddr::V4(_), IpAddr::V4(_)) => 1,
        (IpAddr::V6(ours), IpAddr::V6(asker)) => {
            if ours.is_unique_local() == asker.is_unique_local() {
                1
            } else {
                2
            }
        }
        // It may have no address of the other family, but a neighbour usually has.
        (IpAddr::V4(_), IpAddr::V6(_)) => 3,
        (IpAddr::V6(_), IpAddr::V4(_)) => 4,
    }
}

/// Whether whoever reaches the machine at `local` comes to this door. A door at `[::]` is open to
/// both families.
fn is_open(door: SocketAddr, local: IpAddr) -> bool {
    let (at, local) = (door.ip().to_canonical(), local.to_canonical());
    at == local || (at.is_unspecified() && (at.is_ipv6() || local.is_ipv4()))
}

#[cfg(test)]
mod tests {
    use super::{Presence, is_open};
    use crate::discover::datagram::Here;
    use crate::discover::tests::{interface, presence};
    use crate::system::network::{Reach, Subnet};
    use std::net::IpAddr;

    fn root_on(presence: &Presence, address: Option<&str>, asker: &str) -> Option<String> {
        let here = Here {
            interface: 2,
            address: address.map(|address| address.parse::<IpAddr>().unwrap()),
        };
        presence.root_on(here, asker.parse().unwrap())
    }

    #[test]
    fn an_asker_is_told_the_address_that_it_reaches() {
        let all = ["10.0.0.5", "10.1.0.5", "fe80::5", "2001:db8::5", "fd00::5"];
        let without_global = ["10.0.0.5", "fe80::5"];
        for (ours, address, asker, told) in [
            (&all[..], None, "10.0.0.9", "10.0.0.5"),
            (&all, Some("10.1.0.5"), "10.1.0.9", "10.1.0.5"),
            (&all, Some("10.9.0.5"), "10.9.0.9", "10.0.0.5"),
            (&all, None, "2001:db8::9", "[2001:db8::5]"),
            (&all, None, "fd00::9", "[fd00::5]"),
            (&all, Some("fd00::5"), "2001:db8::9", "[fd00::5]"),
            (&all, Some("fe80::5"), "fe80::9", "[2001:db8::5]"),
            (&without_global, Some("fe80::5"), "fe80::9", "10.0.0.5"),
            (&without_global, None, "2001:db8::9", "10.0.0.5"),
            (&["fe80::5"], Some("fe80::5"), "fe80::9", "[fe80::5]"),
            (&["fd00::5", "fe80::5"], None, "fe80::9", "[fd00::5]"),
        ] {
            let (presence, _) = presence("[::]:8411", vec![interface(2, Reach::Lan, ours)]);
            let root = root_on(&presence, address, asker);
            let told = format!("http://{told}:8411");
            assert_eq!(root, Some(told), "{ours:?} {asker}");
        }
    }

    #[test]
    fn who_finds_no_open_door_is_told_nothing() {
        let ours = vec![interface(2, Reach::Lan, &["10.0.0.5", "fe80::5"])];
        let (presence, _) = presence("127.0.0.1:8411", ours.clone());
        assert_eq!(root_on(&presence, None, "10.0.0.9"), None);
        let (presence, network_tx) = super::super::tests::presence("0.0.0.0:8411", ours);
        assert_eq!(
            root_on(&presence, None, "fe80::9").as_deref(),
            Some("http://10.0.0.5:8411")
        );
        network_tx.send_replace(std::sync::Arc::default());
        assert_eq!(root_on(&presence, None, "10.0.0.9"), None);
    }

    #[test]
    fn neighbours_and_private_addresses_are_near() {
        let mut eth0 = interface(2, Reach::Lan, &["203.0.113.5", "2001:db8::5"]);
        let subnet = |address: &str, prefix_bits| Subnet {
            address: address.parse().unwrap(),
            prefix_bits,
        };
        eth0.subnets = vec![subnet("203.0.113.5", 28), subnet("2001:db8::5", 64)];
        let (presence, _) = presence("[::]:8411", vec![eth0]);
        let near = |interface, asker: &str| {
            let here = Here {
                interface,
                address: None,
            };
            presence.is_near(here, asker.parse().unwrap())
        };
        for (asker, is) in [
            ("203.0.113.14", true),
            ("::ffff:203.0.113.14", true),
            ("203.0.113.16", false),
            ("198.51.100.7", false),
            ("192.168.7.7", true),
            ("169.254.1.1", true),
            ("127.0.0.1", true),
            ("2001:db8::9", true),
            ("2001:db8:0:1::9", false),
            ("fd00::9", true),
            ("fe80::9", true),
            ("::1", true),
        ] {
            assert_eq!(near(2, asker), is, "{asker}");
        }
        assert!(!near(3, "203.0.113.14"));
    }

    #[test]
    fn what_a_relay_tells_of_us_is_ours() {
        let ours = vec![interface(2, Reach::Lan, &["10.0.0.5", "fd00::5"])];
        let (presence, _) = presence("[::]:8411", ours);
        for (root, is) in [
            ("http://10.0.0.5:8411", true),
            ("http://[fd00::5]:8411", true),
            ("http://10.0.0.5:80", false),
            ("http://10.0.0.6:8411", false),
            ("", false),
        ] {
            assert_eq!(presence.has_root(root.as_bytes()), is, "{root}");
        }
    }

    #[test]
    fn a_door_is_open_where_it_listens() {
        for (door, local, open) in [
            ("0.0.0.0:80", "10.0.0.1", true),
            ("0.0.0.0:80", "::1", false),
            ("[::]:80", "10.0.0.1", true),
            ("[::]:80", "fd99::1", true),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("127.0.0.1:80", "10.0.0.1", false),
            ("10.0.0.1:80", "10.0.0.1", true),
            ("[::]:80", "::ffff:10.0.0.1", true),
        ] {
            let is = is_open(door.parse().unwrap(), local.parse().unwrap());
            assert_eq!(is, open, "{door} from {local}");
        }
    }
}
