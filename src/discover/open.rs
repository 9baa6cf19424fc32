//! The sockets at which the device is looked for, controlled, and told that its streams arrive.

use super::datagram::{Datagrams, Port};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, UdpSocket};

/// The open sockets.
#[derive(Debug)]
pub struct Open {
    pub(super) searches: Vec<Datagrams>,
    pub(super) control: TcpListener,
    /// Where it is heard that the datagrams of streams arrive. `None` where another program has the
    /// port: then such streams end soon.
    pub(super) alive: Option<UdpSocket>,
}

impl Open {
    /// Opens what belongs to the door for control: the same port for the search, which at `[::]` is
    /// for both families, and that of the door for streams.
    ///
    /// # Errors
    /// Another program is looked for there.
    pub fn beside(control: TcpListener, stream: SocketAddr) -> io::Result<Self> {
        let at = control.local_addr()?;
        let mut searches = vec![Datagrams::open(at, Port::Alone)?];
        if at.ip().is_unspecified() && at.is_ipv6() {
            let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port()));
            searches.push(Datagrams::open(v4, Port::Alone)?);
        }
        let alive = std::net::UdpSocket::bind(stream).and_then(|socket| {
            socket.set_nonblocking(true)?;
            UdpSocket::from_std(socket)
        });
        let told = |error: &io::Error| log::warn!("cannot listen on UDP {stream}: {error}");
        Ok(Self {
            searches,
            control,
            alive: alive.inspect_err(told).ok(),
        })
    }
}
