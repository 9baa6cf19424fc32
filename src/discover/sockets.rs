//! The sockets of a protocol that is spoken in groups: one of each family, in the groups of each
//! interface on which the box is announced. What cannot be had is told once, and tried again.

use super::again::{AGAIN, Told};
use super::datagram::{Datagrams, Here, Port, Received};
use super::groups::{Groups, Joined};
use crate::system::network::{self, Interface};
use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::time::Instant;

/// What is spoken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protocol {
    /// What people call it.
    pub(super) name: &'static str,
    /// Where everybody listens.
    pub(super) port: u16,
    /// The groups of both families.
    pub(super) groups: &'static [IpAddr],
    /// What a message's time to live begins with.
    pub(super) hops: u32,
    /// Longest message that is read.
    pub(super) message_bytes: usize,
}

/// A message that has come in.
#[derive(Debug)]
pub(super) struct Heard<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) received: Received,
}

/// Room for what comes in on both: for a message, and one byte to see that it is longer.
#[derive(Debug)]
pub(super) struct Room {
    v4: Box<[u8]>,
    v6: Box<[u8]>,
}

/// Both sockets. They are open while there is an interface to listen on.
#[derive(Debug)]
pub(super) struct Sockets {
    protocol: Protocol,
    v4: Family,
    v6: Family,
    again: Option<Instant>,
}

/// One of them.
#[derive(Debug)]
struct Family {
    at: IpAddr,
    socket: Option<Datagrams>,
    groups: Groups,
    told: Told,
}

/// Whether a socket can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Had {
    Yes,
    /// Perhaps later.
    Later,
    /// The kernel has no such family.
    Never,
}

/// Whether a socket was opened just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    Yes,
    No,
}

impl Room {
    pub(super) fn new(protocol: Protocol) -> Self {
        let room = || vec![0; protocol.message_bytes + 1].into();
        Self {
            v4: room(),
            v6: room(),
        }
    }
}

impl Sockets {
    /// Both, still closed.
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            v4: Family::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            v6: Family::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            again: None,
        }
    }

    /// Listens on these interfaces, and on no others.
    pub(super) fn follow(&mut self, interfaces: &[Interface]) -> Opened {
        self.again = None;
        let mut opened = Opened::No;
        for family in [&mut self.v4, &mut self.v6] {
            if interfaces.is_empty() {
                family.close();
                continue;
            }
            if family.socket.is_none() {
                match family.open(self.protocol) {
                    Had::Yes => opened = Opened::Yes,
                    Had::Later => {}
                    Had::Never => continue,
                }
            }
            if family.join(self.protocol.groups, interfaces) == Joined::Some {
                self.again = Some(Instant::now() + AGAIN);
            }
        }
        opened
    }

    /// When to follow again, because something could not be had.
    pub(super) fn again(&self) -> Option<Instant> {
        self.again
    }

    /// Waits for a message. A socket that fails is closed, to be opened anew when it is time.
    pub(super) async fn receive<'a>(&mut self, room: &'a mut Room) -> Option<Heard<'a>> {
        let (heard, buffer, family) = tokio::select! {
            heard = self.v4.receive(&mut room.v4) => (heard, &room.v4, &mut self.v4),
            heard = self.v6.receive(&mut room.v6) => (heard, &room.v6, &mut self.v6),
        };
        match heard {
            Ok(received) => {
                let bytes = buffer.get(..received.len_bytes)?;
                let is_whole = bytes.len() <= self.protocol.message_bytes;
                is_whole.then_some(Heard { bytes, received })
            }
            Err(error) => {
                log::debug!("{} at {}: {error}", self.protocol.name, family.at);
                family.close();
                self.again = Some(Instant::now() + AGAIN);
                None
            }
        }
    }

    /// Sends a message; one that cannot be sent is lost.
    pub(super) fn send(&self, message: &[u8], peer: SocketAddr, here: Here) {
        let family = if peer.is_ipv4() { &self.v4 } else { &self.v6 };
        let Some(socket) = &family.socket else { return };
        if let Err(error) = socket.send(message, peer, here) {
            log::debug!("{} to {peer}: {error}", self.protocol.name);
        }
    }

    /// Sends a message to a group.
    pub(super) fn send_to_group(&self, message: &[u8], group: IpAddr, here: Here) {
        self.send(message, SocketAddr::new(group, self.protocol.port), here);
    }
}

impl Family {
    fn new(at: IpAddr) -> Self {
        Self {
            at,
            socket: None,
            groups: Groups::default(),
            told: Told::No,
        }
    }

    /// Opens the socket, if it can be had.
    fn open(&mut self, protocol: Protocol) -> Had {
        let (name, at) = (protocol.name, SocketAddr::new(self.at, protocol.port));
        match open(at, protocol.hops) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.told = Told::No;
                Had::Yes
            }
            Err(error) if network::has_no_family(&error) => {
                log::debug!("{name} at {at}: {error}");
                Had::Never
            }
            Err(error) => {
                log::log!(
                    self.told.level(),
                    "the box is not found by {name} at {at}, which is tried again: {error}"
                );
                Had::Later
            }
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.groups = Groups::default();
    }

    /// Is in its groups on these interfaces and no others.
    fn join(&mut self, groups: &[IpAddr], interfaces: &[Interface]) -> Joined {
        match &self.socket {
            Some(socket) => self.groups.follow(socket, groups, interfaces),
            None => Joined::Some,
        }
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        match &self.socket {
            Some(socket) => socket.receive(buffer).await,
            None => pending().await,
        }
    }
}

fn open(at: SocketAddr, hops: u32) -> io::Result<Datagrams> {
    let socket = Datagrams::open(at, Port::Shared)?;
    let options = socket.options();
    // Programs on this machine hear it too, as a socket does unless it is told otherwise.
    if at.is_ipv4() {
        options.set_multicast_ttl_v4(hops)?;
        options.set_ttl_v4(hops)?;
    } else {
        options.set_multicast_hops_v6(hops)?;
        options.set_unicast_hops_v6(hops)?;
    }
    Ok(socket)
}
