//! Datagrams that know on which interface they came in, and that leave by the one they are told.
//!
//! A machine has several addresses, and only the one that faces whoever asked is of use to it. The
//! kernel tells which that is in control messages beside the data (ip(7) `IP_PKTINFO`, RFC 3542
//! §6.2 `IPV6_PKTINFO`), and takes the same to send from there.
//!
//! One socket is one family. What the datagrams say is nothing to this module.

use crate::limits;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, RecvMsg, SockaddrIn, SockaddrIn6, SockaddrLike,
    SockaddrStorage, recvmsg, sendmsg, setsockopt,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Where on this machine a datagram came in, or is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Here {
    /// The interface's index; 0 leaves the choice to the kernel.
    pub(super) interface: u32,
    /// The machine's own address that the peer sees. `None` where the kernel has not told it, as
    /// for what came to a group of IPv6; sending, it then chooses one.
    pub(super) address: Option<IpAddr>,
}

/// A datagram that has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    /// Its bytes in the buffer. One that was longer fills it; a reader leaves room for one more
    /// byte than it takes.
    pub(super) len_bytes: usize,
    /// Who sent it.
    pub(super) peer: SocketAddr,
    /// Where it came in.
    pub(super) here: Here,
}

/// Whether other programs may receive at the same port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// They may: each gets what is sent to a group.
    Shared,
    /// They may not.
    Alone,
}

/// A socket for datagrams of one family.
#[derive(Debug)]
pub(super) struct Datagrams(UdpSocket);

impl Datagrams {
    /// Listens at an address. One of IPv6 leaves IPv4 to another socket. Groups that other
    /// programs have joined are not heard.
    ///
    /// # Errors
    /// Where the kernel has no such family, or the address is taken or not allowed.
    pub(super) fn open(at: SocketAddr, port: Port) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
        if at.is_ipv4() {
            setsockopt(&socket, Ipv4PacketInfo, &true)?;
            socket.set_multicast_all_v4(false)?;
        } else {
            socket.set_only_v6(true)?;
            setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
            socket.set_multicast_all_v6(false)?;
        }
        socket.set_reuse_address(port == Port::Shared)?;
        socket.set_recv_buffer_size(limits::DISCOVERY_SOCKET_RECEIVE_BYTES)?;
        socket.set_nonblocking(true)?;
        socket.bind(&at.into())?;
        UdpSocket::from_std(socket.into()).map(Self)
    }

    /// Whether its family is IPv6.
    pub(super) fn is_v6(&self) -> bool {
        let local = self.options().local_addr();
        local.is_ok_and(|local| local.domain() == Domain::IPV6)
    }

    /// Where it listens.
    #[cfg(test)]
    pub(super) fn local(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The socket, for its other options.
    pub(super) fn options(&self) -> SockRef<'_> {
        SockRef::from(&self.0)
    }

    /// Joins a group on one interface.
    ///
    /// # Errors
    /// Where the group is of the other family, was joined before, or the interface has gone.
    pub(super) fn join(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => {
                let interface = socket2::InterfaceIndexOrAddress::Index(interface);
                self.options().join_multicast_v4_n(&group, &interface)
            }
            IpAddr::V6(group) => self.options().join_multicast_v6(&group, interface),
        }
    }

    /// Leaves a group on one interface. The kernel has left it already on one that has gone.
    pub(super) fn leave(&self, group: IpAddr, interface: u32) {
        let left = match group {
            IpAddr::V4(group) => {
                let interface = socket2::InterfaceIndexOrAddress::Index(interface);
                self.options().leave_multicast_v4_n(&group, &interface)
            }
            IpAddr::V6(group) => self.options().leave_multicast_v6(&group, interface),
        };
        if let Err(error) = left {
            log::debug!("{group} is not left on interface {interface}: {error}");
        }
    }

    /// Waits for a datagram. Safe to drop and call again.
    ///
    /// # Errors
    /// Those of the socket; among them that an earlier datagram could not be delivered.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let receive = || {
            let mut pieces = [IoSliceMut::new(buffer)];
            let mut control = cmsg_space!(in_pktinfo, in6_pktinfo);
            let message = recvmsg::<SockaddrStorage>(
                self.0.as_raw_fd(),
                &mut pieces,
                Some(&mut control),
                MsgFlags::empty(),
            )?;
            Ok(Received {
                len_bytes: message.bytes,
                peer: peer(&message).ok_or(ErrorKind::InvalidData)?,
                here: here(&message)?,
            })
        };
        self.0.async_io(Interest::READABLE, receive).await
    }

    /// Sends a datagram from here, at once. What does not fit the socket's buffer is lost, as it
    /// could be on its way.
    ///
    /// # Errors
    /// Where there is no way to the peer from here.
    pub(super) fn send(&self, bytes: &[u8], peer: SocketAddr, here: Here) -> io::Result<()> {
        // Not by way of the runtime, which has to see first that there is room.
        let sent = match peer {
            SocketAddr::V4(peer) => {
                let from = packet_v4(here);
                let from = [ControlMessage::Ipv4PacketInfo(&from)];
                self.send_with(bytes, &from, &SockaddrIn::from(peer))
            }
            SocketAddr::V6(peer) => {
                let from = packet_v6(here);
                let from = [ControlMessage::Ipv6PacketInfo(&from)];
                self.send_with(bytes, &from, &SockaddrIn6::from(peer))
            }
        };
        match sent {
            Err(Errno::EAGAIN) => Ok(()),
            sent => sent.map_err(io::Error::from),
        }
    }

    fn send_with<S: SockaddrLike>(
        &self,
        bytes: &[u8],
        from: &[ControlMessage<'_>],
        peer: &S,
    ) -> Result<(), Errno> {
        let pieces = [IoSlice::new(bytes)];
        let flags = MsgFlags::MSG_DONTWAIT;
        sendmsg(self.0.as_raw_fd(), &pieces, from, flags, Some(peer)).map(drop)
    }
}

fn peer(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<SocketAddr> {
    let peer = message.address?;
    let v4 = peer.as_sockaddr_in().map(|peer| SocketAddr::from(*peer));
    v4.or_else(|| peer.as_sockaddr_in6().map(|peer| SocketAddr::from(*peer)))
}

/// Where a message came in, as the kernel says beside it.
fn here(message: &RecvMsg<'_, '_, SockaddrStorage>) -> io::Result<Here> {
    let mut here = Here {
        interface: 0,
        address: None,
    };
    for told in message.cmsgs()? {
        let (interface, address) = match told {
            ControlMessageOwned::Ipv4PacketInfo(told) => {
                let index = u32::try_from(told.ipi_ifindex).unwrap_or_default();
                // The address to answer from; where the datagram was sent to may be a group.
                let address = Ipv4Addr::from(told.ipi_spec_dst.s_addr.to_ne_bytes());
                (index, IpAddr::V4(address))
            }
            ControlMessageOwned::Ipv6PacketInfo(told) => {
                let address = Ipv6Addr::from(told.ipi6_addr.s6_addr);
                (told.ipi6_ifindex, IpAddr::V6(address))
            }
            _ => continue,
        };
        let is_one = !address.is_multicast() && !address.is_unspecified();
        here = Here {
            interface,
            address: is_one.then_some(address),
        };
    }
    Ok(here)
}

fn packet_v4(here: Here) -> in_pktinfo {
    let from = match here.address {
        Some(IpAddr::V4(address)) => address,
        _ => Ipv4Addr::UNSPECIFIED,
    };
    in_pktinfo {
        ipi_ifindex: i32::try_from(here.interface).unwrap_or_default(),
        ipi_spec_dst: in_addr {
            s_addr: u32::from_ne_bytes(from.octets()),
        },
        ipi_addr: in_addr { s_addr: 0 },
    }
}

fn packet_v6(here: Here) -> in6_pktinfo {
    let from = match here.address {
        Some(IpAddr::V6(address)) => address,
        _ => Ipv6Addr::UNSPECIFIED,
    };
    in6_pktinfo {
        ipi6_addr: in6_addr {
            s6_addr: from.octets(),
        },
        ipi6_ifindex: here.interface,
    }
}

#[cfg(test)]
mod tests {
    use super::{Datagrams, Here, Port};
    use std::net::{IpAddr, SocketAddr, UdpSocket};

    /// Asks from one address of the loopback at another, and answers.
    async fn converse(asker: &str, at: &str, asked: &str) {
        let box_side = Datagrams::open(at.parse().unwrap(), Port::Alone).unwrap();
        let asker = UdpSocket::bind(SocketAddr::new(asker.parse().unwrap(), 0)).unwrap();
        let asked: IpAddr = asked.parse().unwrap();
        let door = SocketAddr::new(asked, box_side.local().port());
        asker.send_to(b"where?", door).unwrap();

        let mut buffer = [0; 64];
        let got = box_side.receive(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..got.len_bytes], b"where?");
        assert_eq!(got.peer, asker.local_addr().unwrap());
        assert_eq!(got.here.address, Some(asked));
        assert_ne!(got.here.interface, 0);

        box_side.send(b"here", got.peer, got.here).unwrap();
        let (len, from) = asker.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..len], from), (&b"here"[..], door));
    }

    #[tokio::test]
    async fn an_answer_comes_from_the_address_that_was_asked() {
        converse("127.0.0.7", "0.0.0.0:0", "127.0.0.1").await;
        converse("127.0.0.7", "0.0.0.0:0", "127.0.0.9").await;
    }

    #[tokio::test]
    async fn so_it_does_over_ipv6() {
        if UdpSocket::bind("[::1]:0").is_err() {
            return; // A machine without IPv6 has nothing to be tested.
        }
        converse("::1", "[::]:0", "::1").await;
    }

    #[tokio::test]
    async fn a_datagram_that_is_too_long_fills_the_buffer() {
        let box_side = Datagrams::open("127.0.0.1:0".parse().unwrap(), Port::Alone).unwrap();
        let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
        asker.send_to(&[7; 100], box_side.local()).unwrap();
        let got = box_side.receive(&mut [0; 10]).await.unwrap();
        assert_eq!(got.len_bytes, 10);
    }

    #[tokio::test]
    async fn a_port_can_be_shared_or_not() {
        let first = Datagrams::open("127.0.0.1:0".parse().unwrap(), Port::Shared).unwrap();
        assert!(Datagrams::open(first.local(), Port::Shared).is_ok());
        assert!(Datagrams::open(first.local(), Port::Alone).is_err());
    }

    #[tokio::test]
    async fn an_address_that_is_not_ours_is_not_sent_from() {
        let socket = Datagrams::open("0.0.0.0:0".parse().unwrap(), Port::Alone).unwrap();
        let here = Here {
            interface: 0,
            address: Some("192.0.2.1".parse().unwrap()),
        };
        let peer = "127.0.0.1:9".parse().unwrap();
        assert!(socket.send(b"x", peer, here).is_err());
    }
}
