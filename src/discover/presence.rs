//! The box as its neighbours see it: who it is, and where, from where they stand.

use crate::model::Device;
use crate::system::network::{Interface, Network, Reach};
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
        Some(match local.to_canonical() {
            IpAddr::V4(v4) => format!("http://{v4}:{port}"),
            IpAddr::V6(v6) => format!("http://[{v6}]:{port}"),
        })
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

/// Whether whoever reaches the machine at `local` comes to this door. A door at `[::]` is open to
/// both families.
fn is_open(door: SocketAddr, local: IpAddr) -> bool {
    let (at, local) = (door.ip().to_canonical(), local.to_canonical());
    at == local || (at.is_unspecified() && (at.is_ipv6() || local.is_ipv4()))
}

#[cfg(test)]
mod tests {
    use super::is_open;

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
