//! Parts: files by ranges, with what can go wrong on the way.

use super::answer::{self, Answer, Body, refusal, whole};
use super::fault::Faults;
use super::request::Asked;
use super::server::Peer;
use super::state::State;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, HeaderValue,
};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Bytes sent at once: a fault in the middle of a body shows after no more than these.
const PIECE_BYTES: u64 = 64 << 10;

/// Pieces that wait for the socket.
const PIECES: usize = 2;

/// What a part is read from.
pub(crate) struct Found {
    pub(crate) id: u64,
    pub(crate) file: PathBuf,
    pub(crate) container: Option<String>,
}

/// Answers a request for a part that exists and may be read.
pub(crate) async fn give(
    state: &Arc<State>,
    peer: &Arc<Peer>,
    asked: &Asked,
    found: &Found,
) -> Answer {
    let delay = state.faults().of_part(found.id).first_byte_delay_ms;
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let Ok(file) = File::open(&found.file) else {
        return refusal(404);
    };
    let total = file.metadata().map_or(0, |meta| meta.len());
    let span = asked.range().and_then(|range| span(range, total));
    let (from, to) = match span {
        None => (0, total),
        Some(Some(span)) => span,
        Some(None) => {
            let mut answer = refusal(416);
            let range = format!("bytes */{total}");
            let headers = answer.headers_mut();
            headers.insert(CONTENT_RANGE, range.parse().unwrap());
            return answer;
        }
    };
    let status = if span.is_some() { 206 } else { 200 };
    let kind = content_type(found.container.as_deref().unwrap_or_default());
    let mut answer = answer::bytes(status, kind, "");
    let headers = answer.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, (to - from).into());
    if span.is_some() {
        let range = format!("bytes {from}-{}/{total}", to.saturating_sub(1));
        headers.insert(CONTENT_RANGE, range.parse().unwrap());
    }
    if asked.is_on("download") {
        headers.insert(CONTENT_DISPOSITION, disposition(&found.file));
    }
    *answer.body_mut() = if asked.method == "HEAD" || from == to {
        whole("")
    } else {
        body(state, peer, (found.id, file), from..to)
    };
    answer
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`. `None` if it is not one range, and then the whole
/// file is given; `Some(None)` if the file has no byte of it.
fn span(range: &str, total: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        (total.saturating_sub(count), total)
    } else {
        let last: Option<u64> = match last {
            "" => None,
            last => Some(last.parse().ok()?),
        };
        let to = last.map_or(total, |last| last.saturating_add(1).min(total));
        (first.parse().ok()?, to)
    };
    Some((from < to).then_some((from, to)))
}

fn content_type(container: &str) -> &'static str {
    match container {
        "mkv" => "video/x-matroska",
        "mp4" => "video/mp4",
        "mpegts" => "video/mp2t",
        "avi" => "video/x-msvideo",
        "mpeg" => "video/mpeg",
        _ => "application/octet-stream",
    }
}

fn disposition(file: &Path) -> HeaderValue {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(char::is_ascii).collect();
    format!("attachment; filename=\"{name}\"").parse().unwrap()
}

pub(crate) type Piece = Result<Frame<Bytes>, io::Error>;

/// What a channel is fed with, as a body.
pub(crate) struct Fed(mpsc::Receiver<Piece>);

impl Fed {
    pub(crate) fn body(piece_rx: mpsc::Receiver<Piece>) -> Body {
        Self(piece_rx).boxed()
    }
}

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.0.poll_recv(cx)
    }
}

fn body(state: &Arc<State>, peer: &Arc<Peer>, part: (u64, File), span: Range<u64>) -> Body {
    let (id, file) = part;
    let (piece_tx, piece_rx) = mpsc::channel(PIECES);
    let sending = Sending {
        state: Arc::clone(state),
        faults_rx: state.faults_rx(),
        peer: Arc::clone(peer),
        id,
        from: span.start,
        at: span.start,
        to: span.end,
    };
    tokio::spawn(sending.run(file, piece_tx));
    Fed::body(piece_rx)
}

/// A body on its way.
struct Sending {
    state: Arc<State>,
    faults_rx: watch::Receiver<Faults>,
    peer: Arc<Peer>,
    id: u64,
    from: u64,
    at: u64,
    to: u64,
}

impl Sending {
    async fn run(mut self, mut file: File, piece_tx: mpsc::Sender<Piece>) {
        if file.seek(SeekFrom::Start(self.from)).is_err() {
            return;
        }
        while self.at < self.to {
            let faults = self.faults_rx.borrow_and_update().of_part(self.id);
            // Passed only by a request that begins before it.
            let ahead = |at: Option<u64>| at.filter(|at| self.from < *at);
            let stall = ahead(faults.stall_at_byte);
            let reset = ahead(faults.reset_at_byte);
            if faults.paused || stall.is_some_and(|at| self.at >= at) {
                tokio::select! {
                    changed = self.faults_rx.changed() => if changed.is_err() { return },
                    () = piece_tx.closed() => return,
                }
                continue;
            }
            if reset.is_some_and(|at| self.at >= at) {
                self.peer.reset();
                let _ = piece_tx
                    .send(Err(io::ErrorKind::ConnectionReset.into()))
                    .await;
                return;
            }
            let end = [stall, reset].into_iter().flatten().fold(self.to, u64::min);
            let mut length = PIECE_BYTES.min(end.saturating_sub(self.at)).max(1);
            if let Some(rate) = faults.part_bytes_per_second {
                length = length.min((rate / 10).max(1));
                let pause = Duration::from_secs_f64(length as f64 / rate.max(1) as f64);
                tokio::time::sleep(pause).await;
            }
            // From the page cache, mostly: not worth a thread.
            let mut piece = vec![0; length as usize];
            if let Err(error) = file.read_exact(&mut piece) {
                let _ = piece_tx.send(Err(error)).await;
                return;
            }
            self.at += length;
            self.state.record().counts.part_bytes += length;
            if piece_tx.send(Ok(Frame::data(piece.into()))).await.is_err() {
                return;
            }
        }
    }
}
