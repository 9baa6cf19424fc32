//! The groups that a socket is in, which follow the interfaces on which the box is announced.

use super::datagram::Datagrams;
use crate::system::network::Interface;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The groups that a socket is in, each with the index of the interface.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeSet<(IpAddr, u32)>);

/// Whether a socket is in all the groups in which it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// It is.
    All,
    /// It is not, and may be when it tries again.
    Some,
}

impl Groups {
    /// Has a socket join those of `groups` that are of its family, on these interfaces, and leave
    /// what it is in besides. An interface that has no address of the family may be left out.
    pub(super) fn follow(
        &mut self,
        socket: &Datagrams,
        groups: &[IpAddr],
        interfaces: &[Interface],
    ) -> Joined {
        let own = |address: &&IpAddr| address.is_ipv6() == socket.is_v6();
        let wanted: BTreeSet<_> = groups
            .iter()
            .filter(own)
            .flat_map(|group| interfaces.iter().map(move |one| (*group, one.index)))
            .collect();
        for (group, interface) in self.0.difference(&wanted) {
            socket.leave(*group, *interface);
        }
        self.0.retain(|joined| wanted.contains(joined));
        let mut joined = Joined::All;
        for (group, index) in wanted {
            if self.0.contains(&(group, index)) {
                continue;
            }
            match socket.join(group, index) {
                Ok(()) => drop(self.0.insert((group, index))),
                Err(error) => {
                    log::debug!("{group} cannot be joined on interface {index}: {error}");
                    let mut here = interfaces.iter().filter(|one| one.index == index);
                    if here.any(|one| one.addresses.iter().any(|address| own(&address))) {
                        joined = Joined::Some;
                    }
                }
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, Joined};
    use crate::discover::datagram::{Datagrams, Port};
    use crate::discover::tests::interface;
    use crate::system::network::Reach;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    const GROUPS: [IpAddr; 2] = [
        IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)),
        IpAddr::V6(Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 0xC)),
    ];

    #[tokio::test]
    async fn what_could_not_be_joined_is_tried_again() {
        let socket = Datagrams::open("0.0.0.0:0".parse().unwrap(), Port::Alone).unwrap();
        let mut groups = Groups::default();
        let mut follow = |all: &[_]| groups.follow(&socket, &GROUPS, all);
        let own = interface(1, Reach::Lan, &["127.0.0.1"]);
        let gone = interface(u32::from(u16::MAX), Reach::Lan, &["10.0.0.1"]);
        let v6 = interface(u32::from(u16::MAX), Reach::Lan, &["fd00::1"]);
        for _ in 0..2 {
            assert_eq!(follow(&[own.clone(), gone.clone()]), Joined::Some);
        }
        // Who has no address of the family misses nothing.
        assert_eq!(follow(&[own.clone(), v6]), Joined::All);
        // It was left, or could not be joined again.
        assert_eq!(follow(&[]), Joined::All);
        assert_eq!(follow(&[own]), Joined::All);
    }
}
