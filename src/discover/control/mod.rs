//! Control over TCP 65001: variables are read and set, tuners are locked, and streams are sent as
//! datagrams, for clients that handle the device as its first libraries did.
//!
//! One task per connection, bounded in number; requests of one connection are answered in their
//! order, each in one write. Who controls a tuner sends streams to itself alone, and takes a tuner
//! from nobody who watches. The box cannot be restarted from here, nor its firmware replaced.

mod change;
mod desk;
mod filter;
mod signal;
mod target;
mod told;
mod variable;

pub use desk::Desks;
pub use filter::Filter;
pub use target::Target;
pub use variable::{Knob, Variable};

use super::frame::{Begun, Draft, FRAME_BYTES, Frame, kind, tag};
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::network::plain;
use bytes::{Buf, BytesMut};
use desk::{Client, Denial};
use heapless::LinearMap;
use socket2::SockRef;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep, timeout};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The variable's name.
    pub name: &'a str,
    /// What it is to be; `None` where it is asked what it is.
    pub value: Option<&'a str>,
    /// The key of the tuner's lock.
    pub key: Option<u32>,
}

impl<'a> Request<'a> {
    /// The request in a frame; `None` where it is none.
    #[must_use]
    pub fn read(frame: &Frame<'a>) -> Option<Self> {
        let (mut name, mut value, mut key) = (None, None, None);
        for one in frame.values() {
            let one = one.ok()?;
            match one.tag {
                tag::NAME => name = Some(text(one.value)?),
                tag::VALUE => value = Some(text(one.value)?),
                tag::LOCK_KEY => key = Some(u32::from_be_bytes(one.value.try_into().ok()?)),
                _ => {}
            }
        }
        Some(Self {
            name: name?,
            value,
            key,
        })
    }
}

/// A text, which ends with its first NUL.
fn text(value: &[u8]) -> Option<&str> {
    let end = value
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(value.len());
    value
        .get(..end)
        .and_then(|text| std::str::from_utf8(text).ok())
}

/// Answers control clients until the box stops: so many at once, and of one machine so many.
pub(super) async fn serve(listener: TcpListener, desks: Arc<Desks>, mut shutdown: Shutdown) {
    let mut open = JoinSet::new();
    let mut hosts: LinearMap<Id, IpAddr, { limits::DEVICE_CONNECTIONS }> = LinearMap::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.stopped() => return,
            Some(ended) = open.join_next_with_id() => {
                let id = ended.map_or_else(|fallen| fallen.id(), |(id, ())| id);
                hosts.remove(&id);
                continue;
            }
            accepted = listener.accept(), if open.len() < limits::DEVICE_CONNECTIONS => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let host = peer.ip().to_canonical();
                let held = hosts.values().filter(|one| **one == host).count();
                if held < limits::DEVICE_CONNECTIONS_EACH {
                    let id = open.spawn(converse(stream, peer, Arc::clone(&desks))).id();
                    // There is room for as many as are open.
                    let _ = hosts.insert(id, host);
                }
            }
            Err(error) => {
                // Out of file descriptors: go on soon, when a connection may have ended.
                log::warn!("cannot accept a control connection: {error}");
                sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// Answers one client until it leaves, takes too long to say anything, or says what is no request.
async fn converse(mut stream: TcpStream, peer: SocketAddr, desks: Arc<Desks>) {
    let Ok(local) = prepare(&stream) else {
        return;
    };
    let client = Client {
        peer: plain(peer),
        local: plain(local),
    };
    let patience = Duration::from_millis(limits::DEVICE_SILENT_MS);
    let word = Duration::from_millis(limits::DEVICE_WORD_MS);
    let mut deadline = Instant::now() + patience;
    let mut taken = BytesMut::with_capacity(FRAME_BYTES);
    loop {
        let reply = match Frame::read(&taken) {
            Begun::Frame(frame, len) if frame.kind == kind::VARIABLE_REQUEST => {
                let reply = reply(&frame, client, &desks).await;
                taken.advance(len);
                reply
            }
            Begun::Unfinished => {
                taken.reserve(FRAME_BYTES);
                match timeout(word, stream.read_buf(&mut taken)).await {
                    Ok(Ok(1..)) => {}
                    Ok(_) => return,
                    // Who has a stream sent, and waits in silence, is there as long as this is.
                    Err(_) if taken.is_empty() && desks.hear_host(client.host()) => {
                        deadline = Instant::now() + patience;
                    }
                    Err(_) => {}
                }
                if Instant::now() > deadline {
                    return;
                }
                continue;
            }
            Begun::Frame(..) | Begun::Nothing => return,
        };
        match timeout(patience, stream.write_all(&reply)).await {
            Ok(Ok(())) => deadline = Instant::now() + patience,
            _ => return,
        }
    }
}

/// Bounds what the kernel keeps for a client; at which address it has reached the box.
fn prepare(stream: &TcpStream) -> std::io::Result<SocketAddr> {
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(limits::DEVICE_SOCKET_BYTES)?;
    socket.set_recv_buffer_size(limits::DEVICE_SOCKET_BYTES)?;
    stream.set_nodelay(true)?;
    stream.local_addr()
}

/// The answer to one request.
async fn reply(frame: &Frame<'_>, client: Client, desks: &Desks) -> heapless::Vec<u8, FRAME_BYTES> {
    let draft = Draft::new(kind::VARIABLE_REPLY);
    let Some(request) = Request::read(frame) else {
        return draft
            .with_text(tag::ERROR, &Denial::Malformed.to_string())
            .finish();
    };
    match desks.answer(&request, client).await {
        Ok(value) => draft
            .with_text(tag::NAME, request.name)
            .with_text(tag::VALUE, &value),
        Err(denial) => draft.with_text(tag::ERROR, &denial.to_string()),
    }
    .finish()
}

/// Hears who takes a stream's datagrams, until the box stops: four bytes from its socket, now and
/// then.
pub(super) async fn hear(socket: UdpSocket, desks: Arc<Desks>, mut shutdown: Shutdown) {
    let mut word = [0; 16];
    loop {
        let heard = tokio::select! {
            () = shutdown.stopped() => return,
            heard = socket.recv_from(&mut word) => heard,
        };
        match heard {
            Ok((_, peer)) => desks.hear(peer),
            Err(error) => {
                // What an earlier datagram has met; or something that will be again at once.
                log::debug!("keep-alives: {error}");
                sleep(Duration::from_millis(limits::DISCOVERY_PAUSE_MS)).await;
            }
        }
    }
}
