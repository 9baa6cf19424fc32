//! One connection, from its request's head to its end.
//!
//! Streams, the guide and a sync's progress are written straight to the socket, since their length
//! is not known and nothing here is chunked; every other answer is served by hyper, which gets the
//! bytes that were read back in front.

use super::address::{Known, Roots};
use super::answer::{Answer, Kind, Sharing, raw_head, raw_words};
use super::door::Outlet;
use super::head::{Head, Method, Reader, Unread};
use super::stream::Tuning;
use super::{
    House, api, backup, control, device, guide, head, metrics, page, picture, stream, update, upnp,
};
use crate::limits;
use crate::shutdown::Shutdown;
use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What a connection needs of its door.
pub(super) struct Line {
    /// The house behind the door.
    pub(super) house: Arc<House>,
    /// Permits to make a document.
    pub(super) documents: Arc<Semaphore>,
    /// Permits to send a guide.
    pub(super) guides: Arc<Semaphore>,
    /// Permits to give a picture.
    pub(super) pictures: Arc<Semaphore>,
    /// Tells when to end.
    pub(super) shutdown: Shutdown,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody on the network: may look and watch.
    Guest {
        /// Who.
        peer: SocketAddr,
        /// The address that was reached.
        local: SocketAddr,
    },
    /// The owner, at the control socket: may change things.
    Owner,
}

/// How a request is answered.
enum Route {
    /// With a stream.
    Stream(Tuning, SocketAddr),
    /// With the guide.
    Guide(Roots),
    /// With the progress of a sync.
    Sync,
    /// With a backup.
    Backup,
    /// With a picture, which another server has to give first.
    Picture(Roots),
    /// With what the updater says to it.
    Update(update::Order),
    /// With a document.
    Document(Roots),
    /// Not at all: it is for somebody else. This is where we are.
    Misdirected(Roots),
}

/// Answers one request and closes.
pub(super) async fn converse<R, W>(mut reader: R, mut writer: W, caller: Caller, mut line: Line)
where
    R: AsyncRead + Unpin + Send,
    W: Outlet,
{
    let mut taken = BytesMut::new();
    let read = tokio::select! {
        () = line.shutdown.stopped() => return,
        read = head::read(&mut reader, &mut taken) => read,
    };
    let asked = read.and_then(|head| Ok((route(&line.house, &head, caller)?, head)));
    match asked {
        Err(Unread::Gone) => return,
        Err(Unread::Refused(status, words)) => {
            let words = raw_words(status, words, line.house.now_ms());
            let _ = write_in_time(&mut writer, words.as_bytes()).await;
        }
        Err(Unread::Malformed) => {
            let now_ms = line.house.now_ms();
            let head = raw_head(400, Kind::Empty, Some(0), Sharing::Anyone, &[], now_ms);
            let _ = write_in_time(&mut writer, head.as_bytes()).await;
        }
        Ok((Route::Misdirected(here), head)) => {
            log::debug!("{caller:?} asks for {:?}, which is not this box", head.host);
            let words = misdirected(&head, &here, line.house.now_ms());
            let _ = write_in_time(&mut writer, words.as_bytes()).await;
        }
        Ok((Route::Stream(tuning, peer), head)) => {
            writer.widen();
            let viewer = stream::Viewing {
                house: &line.house,
                peer,
                shutdown: line.shutdown.clone(),
            };
            Box::pin(viewer.watch(&tuning, head.method, &mut reader, &mut writer)).await;
        }
        Ok((Route::Update(order), head)) => {
            let door = update::Door {
                house: &line.house,
                caller,
                shutdown: line.shutdown.clone(),
            };
            let begun = taken.get(head.head_bytes..).unwrap_or_default();
            let mut body = begun.chain(&mut reader);
            Box::pin(door.answer(order, &head, &mut body, &mut writer)).await;
        }
        Ok((route, head)) => {
            let turns = match route {
                Route::Guide(_) => &line.guides,
                Route::Picture(_) => &line.pictures,
                _ => &line.documents,
            };
            let turn = tokio::select! {
                () = line.shutdown.stopped() => return,
                turn = turns.acquire() => turn,
            };
            let Ok(_turn) = turn else {
                return;
            };
            match route {
                Route::Guide(roots) => {
                    guide::send(&line.house, &roots, head.method, &mut writer).await;
                }
                Route::Picture(roots) | Route::Document(roots) => {
                    let io = tokio::io::join(taken.as_ref().chain(&mut reader), &mut writer);
                    serve(io, &head, caller, &roots, &line.house).await;
                }
                Route::Backup => backup::send(&line.house, &mut writer).await,
                _ => control::sync(&line.house, &mut writer).await,
            }
        }
    }
    linger(&mut reader, &mut writer).await;
}

/// Decides how a request is answered.
fn route(house: &House, head: &Head, caller: Caller) -> Result<Route, Unread> {
    let roots = match roots(house, head, caller) {
        Ok(roots) => roots,
        Err(here) => return Ok(Route::Misdirected(here)),
    };
    if let Some(order) = update::Order::asked(head) {
        return Ok(Route::Update(order));
    }
    let sync = head.method == Method::Post && head.path == "/api/sync";
    let backup = head.method == Method::Get && head.path == "/api/store/backup";
    match caller {
        Caller::Owner if sync => return Ok(Route::Sync),
        Caller::Owner if backup => return Ok(Route::Backup),
        Caller::Owner => {}
        Caller::Guest { peer, .. } => {
            if head.method == Method::Delete {
                let words = "Only GET, HEAD and POST are answered here.";
                return Err(Unread::Refused(400, words));
            }
            if let Some(tuning) = Tuning::asked(head) {
                return Ok(Route::Stream(tuning?, peer));
            }
        }
    }
    let reads = matches!(head.method, Method::Get | Method::Head);
    Ok(if reads && head.path == "/iptv/xmltv.xml" {
        Route::Guide(roots)
    } else if reads && picture::asked(&head.path).is_some() {
        Route::Picture(roots)
    } else {
        Route::Document(roots)
    })
}

/// Lets hyper serve one document. A client that dawdles is let go.
async fn serve<S>(io: S, head: &Head, caller: Caller, roots: &Roots, house: &House)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let service = service_fn(async |request: hyper::Request<Incoming>| {
        let answer = document(house, head, caller, roots, request.into_body()).await;
        Ok::<_, Infallible>(answer.into_response(head, house.now_ms()))
    });
    let served = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(io), service);
    let limit = Duration::from_millis(match caller {
        Caller::Guest { .. } => limits::HTTP_ANSWER_MS,
        Caller::Owner => limits::CONTROL_ANSWER_MS,
    });
    match timeout(limit, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("{}: {error}", head.path),
        Err(_) => log::debug!("{}: the client takes too long", head.path),
    }
}

/// Makes the document that was asked for.
async fn document(
    house: &House,
    head: &Head,
    caller: Caller,
    roots: &Roots,
    body: Incoming,
) -> Answer {
    let asks = matches!(head.method, Method::Get | Method::Head);
    if head.path == "/lineup.post" {
        return device::lineup_post(head);
    }
    if asks {
        if let Some(id) = picture::asked(&head.path) {
            return picture::answer(house, head, id).await;
        }
        if caller == Caller::Owner
            && let Some(answer) = control::read(house, head).await
        {
            return answer;
        }
        if head.path == "/api/update" {
            return update::view(house).await;
        }
        if head.path == "/" {
            house.updates.look().await;
        }
        return read(house, head, roots).unwrap_or_else(|| missing(head));
    }
    match caller {
        Caller::Owner => control::change(house, head, body)
            .await
            .unwrap_or_else(|| missing(head)),
        Caller::Guest { .. } if head.path.starts_with("/api/") => Answer::words(
            403,
            "Nothing can be changed over the network. Use the exstreamtv command on the box \
             itself; it speaks to the control socket in the state folder.",
        ),
        Caller::Guest { .. } => Answer::words(400, "This is read with GET."),
    }
}

/// The documents that can be read; `None` for an address that is none of them.
fn read(house: &House, head: &Head, roots: &Roots) -> Option<Answer> {
    let lineup = house.lineup();
    let now_ms = house.now_ms();
    Some(match head.path.as_str() {
        "/" => page::status(house, &lineup, roots),
        "/discover.json" => device::discover(house, roots),
        "/lineup.json" => device::lineup_json(head, &lineup, roots),
        "/lineup.xml" => device::lineup_xml(head, &lineup, roots),
        "/lineup.m3u" => device::lineup_m3u(&lineup, roots),
        "/lineup_status.json" => device::lineup_status(),
        "/device.xml" | "/dms/device.xml" => upnp::description(house, roots),
        "/status.json" => device::status(house, now_ms),
        "/metrics" => metrics::metrics(house, &lineup),
        "/iptv/channels.m3u" => guide::playlist(&lineup, roots),
        path => return api::read(house, path, head, &lineup),
    })
}

/// 404, for whoever reads it.
fn missing(head: &Head) -> Answer {
    match head.reader {
        Reader::Person => page::missing(&head.path),
        Reader::Program => Answer::words(404, "There is nothing at this address."),
    }
}

/// Under which addresses the caller reaches the box; for one that asked for somebody else, in the
/// error, where the box is.
fn roots(house: &House, head: &Head, caller: Caller) -> Result<Roots, Roots> {
    let stream_port = house.stream.port();
    match caller {
        Caller::Guest { local, .. } => {
            let known = Known {
                host_name: &house.host_name,
                names: &house.names,
                network: &house.network_rx.borrow(),
            };
            let roots = Roots::new(head.host.as_deref(), known, local, stream_port);
            roots.ok_or_else(|| Roots::of(local, stream_port))
        }
        Caller::Owner => {
            let mut web = house.web;
            if web.ip().is_unspecified() {
                web.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
            Ok(Roots::of(web, stream_port))
        }
    }
}

/// 421 (RFC 9110 §15.5.20): the request names somebody else, and is told where the box is. To
/// whoever wants a stream nothing is said, as in any other refusal of one.
fn misdirected(head: &Head, here: &Roots, now_ms: i64) -> String {
    let (kind, words) = if Tuning::asked(head).is_some() {
        (Kind::Empty, String::new())
    } else {
        let web = &here.web;
        let words = format!(
            "This box does not go by that name. Use {web}/ instead, or add the name to \"names\" in \
             the configuration of the box.\n"
        );
        (Kind::Text, words)
    };
    let length = Some(words.len());
    let mut answer = raw_head(421, kind, length, Sharing::SameSite, &[], now_ms);
    if head.method != Method::Head {
        answer.push_str(&words);
    }
    answer
}

/// Writes all of it. Fails with `TimedOut` when the client takes no byte for too long.
pub(super) async fn write_in_time(
    writer: &mut (impl AsyncWrite + Unpin),
    mut bytes: &[u8],
) -> io::Result<()> {
    let patience = Duration::from_millis(limits::VIEWER_STALLED_MS);
    while !bytes.is_empty() {
        let written = timeout(patience, writer.write(bytes)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Closes our side and drops what the client still says until it closes too: hanging up on unread
/// bytes would reset the connection and take the answer from it.
async fn linger(reader: &mut (impl AsyncRead + Unpin), writer: &mut (impl AsyncWrite + Unpin)) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let limit = Duration::from_millis(limits::HTTP_LINGER_MS);
    let _ = timeout(limit, drained(reader)).await;
}

/// Returns when the client has closed its side, or says more than anyone would.
pub(super) async fn drained(reader: &mut (impl AsyncRead + Unpin)) {
    let mut scratch = [0; 512];
    let mut dropped: usize = 0;
    while dropped <= limits::HTTP_BODY_BYTES {
        match reader.read(&mut scratch).await {
            Ok(0) | Err(_) => return,
            Ok(more) => dropped = dropped.saturating_add(more),
        }
    }
}
