//! The sockets at which the device is looked for, controlled, and told that its streams arrive.
//!
//! At an address that the owner names all of them are had, or none. At the usual port what can be
//! had is, and what another program has is told once and tried again.

use super::again::{AGAIN, Told};
use super::datagram::{Datagrams, Port};
use crate::config::DISCOVERY_PORT;
use crate::limits;
use crate::system::network::{self, Network};
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::time::sleep;

/// Where libhdhomerun says that a stream's datagrams arrive, whatever the port of streams is.
const ALIVE_PORT: u16 = 5_004;

/// How a door for TCP is opened.
pub type Listen = fn(SocketAddr) -> io::Result<TcpListener>;

/// The open sockets, and those that are still to be had.
#[derive(Debug)]
pub struct Open {
    sockets: Vec<Opened>,
    missing: Vec<(Place, Told)>,
    listen: Listen,
}

/// An open socket.
#[derive(Debug)]
pub(super) enum Opened {
    /// Where the box is looked for.
    Search(Datagrams),
    /// Where it is controlled.
    Control(TcpListener),
    /// Where it is heard that the datagrams of streams arrive.
    Alive(UdpSocket),
}

/// Where a socket is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Search(SocketAddr),
    Control(SocketAddr),
    Alive(SocketAddr),
}

impl Open {
    /// Opens what belongs to a door for control: the same port for the search, which at `[::]` is
    /// for both families. Without being told that streams arrive it can do, for a while.
    ///
    /// # Errors
    /// Another program is looked for there.
    pub fn beside(control: TcpListener, stream: SocketAddr, listen: Listen) -> io::Result<Self> {
        let at = control.local_addr()?;
        let mut sockets = vec![Opened::Search(Datagrams::open(at, Port::Alone)?)];
        if at.ip().is_unspecified() && at.is_ipv6() {
            let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port()));
            sockets.push(Opened::Search(Datagrams::open(v4, Port::Alone)?));
        }
        sockets.push(Opened::Control(control));
        Ok(Self::with(sockets, [], stream, listen))
    }

    /// Opens what can be had at the usual port, and the rest when it can be.
    #[must_use]
    pub fn usual(stream: SocketAddr, listen: Listen) -> Self {
        let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DISCOVERY_PORT));
        let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, DISCOVERY_PORT));
        let places = [Place::Search(v4), Place::Search(v6), Place::Control(v6)];
        Self::with(Vec::new(), places, stream, listen)
    }

    fn with<const N: usize>(
        sockets: Vec<Opened>,
        places: [Place; N],
        stream: SocketAddr,
        listen: Listen,
    ) -> Self {
        let mut places = places.to_vec();
        places.push(Place::Alive(stream));
        if stream.port() != ALIVE_PORT {
            places.push(Place::Alive(SocketAddr::new(stream.ip(), ALIVE_PORT)));
        }
        let mut open = Self {
            sockets,
            missing: places.into_iter().map(|place| (place, Told::No)).collect(),
            listen,
        };
        open.again();
        open
    }

    /// Where the box is controlled; `None` as long as that cannot be had.
    #[must_use]
    pub fn control(&self) -> Option<SocketAddr> {
        self.sockets.iter().find_map(|socket| match socket {
            Opened::Control(listener) => listener.local_addr().ok(),
            Opened::Search(_) | Opened::Alive(_) => None,
        })
    }

    /// The port at which another program keeps the box from being looked for or controlled.
    pub(super) fn taken(&self) -> Option<u16> {
        self.missing.iter().find_map(|(place, _)| match place {
            Place::Search(at) | Place::Control(at) => Some(at.port()),
            Place::Alive(_) => None,
        })
    }

    /// The sockets that were opened since the last time.
    pub(super) fn take(&mut self) -> Vec<Opened> {
        std::mem::take(&mut self.sockets)
    }

    /// Returns when it is time to try again what is missing. Safe to drop and call again.
    pub(super) async fn is_due(&self, network_rx: &mut watch::Receiver<Arc<Network>>) {
        if self.missing.is_empty() {
            return pending().await;
        }
        let pause = sleep(AGAIN);
        tokio::select! {
            () = pause => {}
            Ok(()) = network_rx.changed() => {}
        }
    }

    /// Tries what is missing once.
    pub(super) fn again(&mut self) {
        for (place, mut told) in std::mem::take(&mut self.missing) {
            match place.open(self.listen) {
                Ok(socket) => {
                    if told == Told::Yes {
                        log::info!("{place} is had now");
                    }
                    self.sockets.push(socket);
                }
                // This machine has no IPv6, and nobody looks for the box over it.
                Err(error) if network::has_no_family(&error) => {}
                Err(error) => {
                    log::log!(
                        told.level(),
                        "{place} cannot be had, and is tried again: {error}"
                    );
                    self.missing.push((place, told));
                }
            }
        }
    }
}

impl Place {
    fn open(self, listen: Listen) -> io::Result<Opened> {
        match self {
            Self::Search(at) => Datagrams::open(at, Port::Alone).map(Opened::Search),
            Self::Control(at) => listen(at).map(Opened::Control),
            Self::Alive(at) => alive(at).map(Opened::Alive),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Search(at) => write!(f, "UDP {at}, where players look for the box,"),
            Self::Control(at) => write!(f, "TCP {at}, where players control the box,"),
            Self::Alive(at) => {
                write!(f, "UDP {at}, where players say that their streams arrive,")
            }
        }
    }
}

/// Hears datagrams at an address; at `[::]` those of IPv4 too, whatever the machine has in
/// `net.ipv6.bindv6only`.
fn alive(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if at.is_ipv6() && at.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_recv_buffer_size(limits::DISCOVERY_SOCKET_RECEIVE_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    UdpSocket::from_std(socket.into())
}
