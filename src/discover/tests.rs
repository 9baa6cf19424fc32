//! A box to be found in tests.

use super::Presence;
use crate::model::{Device, DeviceId};
use crate::system::network::{Interface, Network, Reach};
use std::sync::Arc;
use tokio::sync::watch;

/// An interface with these addresses.
pub(super) fn interface(index: u32, reach: Reach, addresses: &[&str]) -> Interface {
    let addresses = addresses.iter().map(|address| address.parse().unwrap());
    Interface {
        name: format!("test{index}"),
        index,
        reach,
        addresses: addresses.collect(),
        subnets: Vec::new(),
    }
}

/// A network of these interfaces.
pub(super) fn network(interfaces: Vec<Interface>) -> Arc<Network> {
    Arc::new(Network {
        interfaces,
        domains: Vec::new(),
    })
}

/// A box that serves documents at `web`, on a machine with these interfaces.
pub(super) fn presence(
    web: &str,
    interfaces: Vec<Interface>,
) -> (Presence, watch::Sender<Arc<Network>>) {
    let (network_tx, network_rx) = watch::channel(network(interfaces));
    let device = Device {
        id: DeviceId::from_random(0x1234),
        udn: "0A1B2C3D-0000-4000-8000-00000000CAFE".to_owned(),
        auth: "0123456789abcdefghijklmn".to_owned(),
        friendly_name: "Attic & Co".to_owned(),
    };
    let presence = Presence {
        device,
        web: web.parse().unwrap(),
        usual: None,
        network_rx,
    };
    (presence, network_tx)
}
