//! Sockets: doors, connections, and how both are broken.

use super::answer::{Answer, refusal};
use super::request::Asked;
use super::state::{Door, State};
use super::{control, route};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, header::HeaderValue};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, Socket};
use std::convert::Infallible;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Bytes of a request's body that are read.
const MOST_BODY_BYTES: usize = 64 << 10;

/// Which server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Media,
    /// plex.tv.
    Account,
    /// A media server that is not the one looked for.
    Impostor,
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: Socket,
}

impl Peer {
    /// Ends the connection with a reset.
    pub(crate) fn reset(&self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// A listener that can be made again on the same port at once.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(256)
}

/// Takes connections for ever, as long as the door is to be open.
pub(crate) async fn keep_door(state: Arc<State>, side: Side, listener: TcpListener) {
    let address = listener.local_addr().unwrap();
    let mut door_rx = state.door_tx.subscribe();
    let mut listener = Some(listener);
    loop {
        let wanted = match side {
            Side::Media => *door_rx.borrow_and_update(),
            Side::Account | Side::Impostor => Door::Open,
        };
        if wanted == Door::Shut {
            listener = None;
            state.door_is(Door::Shut);
            let _ = door_rx.changed().await;
            continue;
        }
        if listener.is_none() {
            listener = Some(listen(address).unwrap());
        }
        if side == Side::Media {
            state.door_is(Door::Open);
        }
        let Some(open) = &listener else { continue };
        tokio::select! {
            taken = open.accept() => if let Ok((stream, _)) = taken {
                tokio::spawn(serve(Arc::clone(&state), side, stream));
            },
            _ = door_rx.changed() => {}
        }
    }
}

/// Answers the requests of one connection, until it ends or is cut.
async fn serve(state: Arc<State>, side: Side, stream: TcpStream) {
    let mut cut_rx = state.cut_tx.subscribe();
    let _ = stream.set_nodelay(true);
    let Ok(socket) = SockRef::from(&stream).try_clone() else {
        return;
    };
    let peer = Arc::new(Peer { socket });
    if side == Side::Media {
        state.record().counts.connections += 1;
    }
    let service = service_fn(|request| {
        let (state, peer) = (Arc::clone(&state), Arc::clone(&peer));
        async move { Ok::<_, Infallible>(answer(&state, &peer, side, request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        // What is asked after the cut is not answered.
        _ = cut_rx.changed(), if side == Side::Media => peer.reset(),
        _ = connection => {}
    }
}

/// Answers one request and notes it.
async fn answer(
    state: &Arc<State>,
    peer: &Arc<Peer>,
    side: Side,
    request: Request<Incoming>,
) -> Answer {
    let (head, body) = request.into_parts();
    let asked = Asked::new(&head);
    let body = Limited::new(body, MOST_BODY_BYTES).collect().await;
    let Ok(body) = body.map(|body| body.to_bytes()) else {
        return refusal(413);
    };
    let segments = asked.segments();
    if let ["standin", what] = segments[..] {
        return control::answer(state, &asked, what, &body);
    }
    let class = route::class(side, &segments);
    let line = state.record().note(class, &asked);
    let mut answer = route::answer(state, peer, side, &asked).await;
    state.record().answered(line, answer.status().as_u16());
    let headers = answer.headers_mut();
    headers.insert("x-plex-protocol", HeaderValue::from_static("1.0"));
    answer
}
