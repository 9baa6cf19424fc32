//! Accepting connections: how many, with which socket options, and how they end.

use super::House;
use super::answer::raw_words;
use super::connection::{Caller, Line, converse};
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::network::plain;
use socket2::{SockRef, TcpKeepalive};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream, tcp, unix};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections that may wait until they are taken.
const BACKLOG: u32 = 128;

/// Opens a door to the network; one at `[::]` takes IPv4 too. [`TcpListener::bind`] cannot be used
/// because it may look up names and is therefore a future; here nothing waits.
///
/// # Errors
/// Where the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Whatever the machine has in `net.ipv6.bindv6only`.
        SockRef::from(&socket).set_only_v6(false)?;
    }
    // A box that is started again must not wait for the kernel to forget the old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Where connections come from.
pub(super) enum Listener {
    /// The network, in one or two places.
    Tcp(TcpListener, Option<TcpListener>),
    /// The control socket.
    Unix(UnixListener),
}

/// A connection that has just come in.
enum Socket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// Serves what comes in, at most `most` connections at once, until the box stops; then lets
/// connections end for a moment.
pub(super) async fn keep_open(
    listener: Listener,
    most: usize,
    house: Arc<House>,
    mut shutdown: Shutdown,
) {
    let documents = Arc::new(Semaphore::new(limits::HTTP_DOCUMENTS));
    let guides = Arc::new(Semaphore::new(limits::HTTP_GUIDES));
    let pictures = Arc::new(Semaphore::new(limits::HTTP_PICTURES));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.stopped() => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(socket) if open.len() >= most => {
                socket.turn_away(house.now_ms());
            }
            Ok(socket) => {
                let line = Line {
                    house: Arc::clone(&house),
                    documents: Arc::clone(&documents),
                    guides: Arc::clone(&guides),
                    pictures: Arc::clone(&pictures),
                    shutdown: shutdown.clone(),
                };
                open.spawn(socket.serve(line));
            }
            Err(error) => {
                // Out of file descriptors: go on when a connection has ended, or soon.
                log::warn!("cannot accept a connection: {error}");
                tokio::select! {
                    Some(_) = open.join_next() => {}
                    () = sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)) => {}
                }
            }
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    let _ = timeout(Duration::from_millis(limits::HTTP_GRACE_MS), ended).await;
    open.shutdown().await;
}

impl Listener {
    async fn accept(&self) -> io::Result<Socket> {
        Ok(match self {
            Self::Tcp(listener, besides) => {
                let besides = async {
                    match besides {
                        Some(listener) => listener.accept().await,
                        None => pending().await,
                    }
                };
                let (stream, peer) = tokio::select! {
                    accepted = listener.accept() => accepted?,
                    accepted = besides => accepted?,
                };
                Socket::Tcp(stream, peer)
            }
            Self::Unix(listener) => Socket::Unix(listener.accept().await?.0),
        })
    }
}

impl Socket {
    async fn serve(self, line: Line) {
        match self {
            Self::Tcp(mut stream, peer) => {
                // A connection that is already gone fails here, and will again when it is read.
                let _ = prepare(&stream);
                let local = plain(stream.local_addr().unwrap_or(line.house.web));
                let peer = plain(peer);
                let (reader, writer) = stream.split();
                converse(reader, writer, Caller::Guest { peer, local }, line).await;
            }
            Self::Unix(mut stream) => {
                let (reader, writer) = stream.split();
                converse(reader, writer, Caller::Owner, line).await;
            }
        }
    }

    /// Says that the house is full, without waiting, and hangs up.
    fn turn_away(self, now_ms: i64) {
        let words = raw_words(503, "Too many connections are open.", now_ms);
        let _ = match &self {
            Self::Tcp(stream, _) => stream.try_write(words.as_bytes()),
            Self::Unix(stream) => stream.try_write(words.as_bytes()),
        };
    }
}

/// What goes out to a client.
pub(super) trait Outlet: AsyncWrite + Unpin + Send {
    /// Has the kernel keep as much as a stream needs; documents need less.
    fn widen(&self);
}

impl Outlet for tcp::WriteHalf<'_> {
    fn widen(&self) {
        let socket: &TcpStream = self.as_ref();
        // One that is gone fails here, and again when it is written to.
        let _ = SockRef::from(socket).set_send_buffer_size(limits::STREAM_SOCKET_SEND_BYTES);
    }
}

impl Outlet for unix::WriteHalf<'_> {
    /// No stream goes out there.
    fn widen(&self) {}
}

/// Bounds what the kernel keeps for a client, and notices when it is gone without a word: a
/// television that lost its power, or Wi-Fi that ended.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    let patience = Duration::from_millis(limits::VIEWER_STALLED_MS);
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(limits::HTTP_SOCKET_SEND_BYTES)?;
    socket.set_recv_buffer_size(limits::HTTP_SOCKET_RECEIVE_BYTES)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(patience))?;
    let keepalive = TcpKeepalive::new()
        .with_time(patience / 3)
        .with_interval(patience / 3)
        .with_retries(2);
    socket.set_tcp_keepalive(&keepalive)
}
