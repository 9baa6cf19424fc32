//! The one place that opens connections to servers of files.
//!
//! A [`Connection`] has no task: whoever waits for an answer or for bytes drives it. So a reader
//! that is not read fetches nothing beyond the kernel's receive buffer, whose size is set here. With
//! TLS it also holds the record that is being received, of at most 16 kB.

use super::socket::Socket;
use super::target::{Lock, Target};
use crate::error::{Failure, Result};
use crate::limits;
use crate::tls;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

type Wire = http1::Connection<TokioIo<Socket>, Empty<Bytes>>;

/// A connection to a server; dropping it closes it.
pub(super) struct Connection {
    /// `None` once it has come to its end.
    wire: Option<Box<Wire>>,
    requests: SendRequest<Empty<Bytes>>,
    /// Where it leads to.
    target: Target,
}

impl Connection {
    /// Connects to where `target` is.
    ///
    /// # Errors
    /// `Source` that concerns the server: its name is not known, it cannot be reached in
    /// `limits::SOURCE_CONNECT_MS`, or it has no certificate for its name.
    pub(super) async fn open(target: &Target) -> Result<Self> {
        let limit = Duration::from_millis(limits::SOURCE_CONNECT_MS);
        let failed = |error: &io::Error| {
            target.failed(Failure::Connection, format!("cannot connect: {error}"))
        };
        let socket = timeout(limit, Box::pin(meet(target, limit)))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| failed(&error))?;
        let (requests, wire) = http1::Builder::new()
            .max_buf_size(limits::SOURCE_PIECE_BYTES)
            .max_header_size(limits::SOURCE_HEAD_BYTES)
            .max_headers(limits::SOURCE_HEADERS)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|error| failed(&io::Error::other(error)))?;
        Ok(Self {
            wire: Some(Box::new(wire)),
            requests,
            target: target.clone(),
        })
    }

    /// Whether it can carry a request to `target`.
    pub(super) fn leads_to(&self, target: &Target) -> bool {
        self.wire.is_some() && !self.requests.is_closed() && self.target.is_at(target)
    }

    /// The answer's head, its body to be read with `drive`, and how long it took to begin.
    ///
    /// # Errors
    /// The connection failed, or what came is not HTTP.
    pub(super) async fn ask(
        &mut self,
        request: Request<Empty<Bytes>>,
    ) -> hyper::Result<(Response<Incoming>, Duration)> {
        // A connection that was used before becomes ready only when it is driven.
        poll_fn(|cx| {
            let _ = self.poll(cx);
            self.requests.poll_ready(cx)
        })
        .await?;
        let asked = Instant::now();
        let answer = self.requests.send_request(request);
        tokio::pin!(answer);
        let answer = self.drive(|cx| answer.as_mut().poll(cx)).await?;
        Ok((answer, asked.elapsed()))
    }

    /// Drives the connection until `ready` gives something.
    pub(super) async fn drive<T>(
        &mut self,
        mut ready: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|cx| {
            if let Poll::Ready(value) = ready(cx) {
                return Poll::Ready(value);
            }
            let _ = self.poll(cx);
            ready(cx)
        })
        .await
    }

    /// Moves what can be moved. Whatever ends the connection is told to who waits for an answer or
    /// a body.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wire) = &mut self.wire else {
            return Poll::Ready(());
        };
        Pin::new(wire.as_mut()).poll(cx).map(|_| self.wire = None)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.target).finish()
    }
}

/// A socket to a host, over which it can be spoken to.
async fn meet(target: &Target, limit: Duration) -> io::Result<Socket> {
    let stream = reach(target, limit).await?;
    match target.lock() {
        Lock::Plain => Ok(Socket::Plain(stream)),
        Lock::Tls => {
            let config = tls::client().map_err(io::Error::other)?;
            Socket::lock(stream, target.host(), config).await
        }
    }
}

/// The first of a host's addresses that takes a connection. A name that holds its address is not
/// looked up.
async fn reach(target: &Target, limit: Duration) -> io::Result<TcpStream> {
    let port = target.port();
    let addresses: Vec<_> = match tls::address_in(target.host()) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => {
            let found = lookup_host((target.host(), port)).await?;
            found.take(limits::SOURCE_ADDRESSES).collect()
        }
    };
    let tries = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in addresses {
        match timeout(limit / tries, connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Before connecting: the window that is offered depends on it.
    let receive = u32::try_from(limits::SOURCE_SOCKET_RECEIVE_BYTES).unwrap_or(u32::MAX);
    socket.set_recv_buffer_size(receive)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

#[cfg(test)]
mod tests;
