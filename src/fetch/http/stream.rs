//! One answer being read: from the request over redirections to the last byte of its body.

use super::super::as_u64;
use super::answer::{Given, Range, Verdict, judge};
use super::connect::Connection;
use super::target::Target;
use crate::error::{Error, Failure, Result};
use crate::limits;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderValue, RANGE, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use std::borrow::Cow;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// A file on a server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Where it was said to be.
    pub(super) first: Target,
    /// Where a redirection has found it.
    pub(super) now: Target,
    /// How long it is, once that is known.
    pub(super) total: Option<u64>,
    /// How long its last answer took to begin, once it was asked for on a connection that was open.
    pub(super) answers_after: Option<Duration>,
}

/// An answer that is being read.
#[derive(Debug)]
pub(super) struct Stream {
    connection: Connection,
    body: Incoming,
    /// What it gives.
    pub(super) given: Given,
    /// Who gives it.
    pub(super) target: Target,
    /// How long it took to begin, once it was asked for on a connection that was open.
    pub(super) began_after: Duration,
    /// Bytes that are still to come, without those in `piece`.
    left: u64,
    /// What was received and not taken.
    pub(super) piece: Bytes,
    /// When waiting for what comes next began.
    waiting: Option<Instant>,
}

impl Stream {
    /// Asks for a range of a file, on the connection of the answer before, if it leads there; what
    /// is left of that answer is read and dropped.
    ///
    /// # Errors
    /// `Source`, as `Reader::http` tells.
    pub(super) async fn open(
        place: Place,
        range: Range,
        before: Option<Box<Self>>,
    ) -> Result<Self> {
        let range = Some(range);
        let limit = Duration::from_millis(limits::SOURCE_ANSWER_MS);
        let mut connection = match before {
            Some(stream) => stream.drain().await,
            None => None,
        };
        let opened = timeout(limit, follow(&place, &place.now, range, &mut connection)).await;
        match opened {
            // What was found by way of a redirection may have moved once more.
            Ok(Err(_)) if !place.now.is_same(&place.first) => {
                timeout(limit, follow(&place, &place.first, range, &mut connection)).await
            }
            opened => opened,
        }
        .unwrap_or_else(|_| Err(place.now.failed(Failure::Connection, silent(limit))))
    }

    /// Asks for all of a stream, which may begin only when its maker has made something.
    ///
    /// # Errors
    /// As `open`.
    pub(super) async fn live(target: &Target) -> Result<Self> {
        let limit = Duration::from_millis(limits::LIVE_ANSWER_MS);
        let place = Place {
            first: target.clone(),
            now: target.clone(),
            total: None,
            answers_after: None,
        };
        let opened = timeout(limit, follow(&place, target, None, &mut None)).await;
        opened.unwrap_or_else(|_| Err(target.failed(Failure::Connection, silent(limit))))
    }

    /// Asks for all of a file that its maker may not have made yet, on a connection that was kept,
    /// if it leads there, and receives its beginning into `piece`. `None` where nothing is there.
    ///
    /// # Errors
    /// `Source`: the answer did not begin within `limit`, or is another refusal.
    pub(super) async fn made(
        target: &Target,
        kept: Option<Connection>,
        limit: Duration,
    ) -> Result<Option<Self>> {
        let beginning = async {
            let (connection, (answer, began_after)) = ask(target, None, kept).await?;
            if let StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE = answer.status() {
                return Ok(None);
            }
            let given = match judge(answer.status(), answer.headers(), None, None) {
                Verdict::Given(given) => given,
                Verdict::Refused(failure, why) => return Err(target.failed(failure, why)),
                Verdict::Elsewhere(_) => return Err(target.failed(Failure::Item, "it redirects")),
            };
            let mut stream = Self {
                connection,
                body: answer.into_body(),
                given,
                target: target.clone(),
                began_after,
                left: given.to,
                piece: Bytes::new(),
                waiting: None,
            };
            Ok(stream
                .next(limit)
                .await?
                .map(|piece| Self { piece, ..stream }))
        };
        let opened = timeout(limit, beginning).await;
        opened.unwrap_or_else(|_| Err(target.failed(Failure::Connection, silent(limit))))
    }

    /// What it came on, for the next request, once it has come to its end.
    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Whether every byte was received.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Bytes that were not received yet.
    pub(super) fn left(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }

    /// Bytes that nobody has taken yet.
    pub(super) fn rest(&self) -> u64 {
        self.left.saturating_add(as_u64(self.piece.len()))
    }

    /// Receives something into `piece`, which is empty before.
    ///
    /// Dropping the future is safe; the time waited goes on counting.
    ///
    /// # Errors
    /// `Source`: the answer broke off, or nothing came in time.
    pub(super) async fn receive(&mut self) -> Result<()> {
        let limit = Duration::from_millis(limits::SOURCE_IDLE_MS);
        let piece = self.next(limit).await?;
        let failed = |why: &'static str| self.target.failed(Failure::Connection, why);
        let piece = piece.ok_or_else(|| failed(BROKEN_OFF))?;
        let left = self.left.checked_sub(as_u64(piece.len()));
        self.left = left.ok_or_else(|| failed("the server sends more than it said"))?;
        self.piece = piece;
        Ok(())
    }

    /// The next bytes of the body, at least one; `None` at its end.
    ///
    /// Dropping the future is safe; the time waited goes on counting.
    ///
    /// # Errors
    /// `Source`: the answer broke off, or nothing came within `limit`.
    pub(super) async fn next(&mut self, limit: Duration) -> Result<Option<Bytes>> {
        loop {
            let since = *self.waiting.get_or_insert_with(Instant::now);
            let mut body = Pin::new(&mut self.body);
            let frame = self.connection.drive(|cx| body.as_mut().poll_frame(cx));
            let frame = timeout_at(since + limit, frame).await;
            self.waiting = None;
            let failed = |why: Cow<'static, str>| self.target.failed(Failure::Connection, why);
            let frame = frame.map_err(|_| failed(silent(limit).into()))?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|_| failed(BROKEN_OFF.into()))?;
            let piece = frame.into_data().unwrap_or_default();
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// Reads to the end, for the sake of the connection; `None` where that fails.
    /// A new connection takes no longer than this may.
    async fn drain(mut self) -> Option<Connection> {
        let limit = Duration::from_millis(limits::SOURCE_CONNECT_MS);
        let rest = async {
            while self.left > 0 {
                self.receive().await?;
            }
            Ok::<_, Error>(())
        };
        timeout(limit, rest).await.ok()?.ok()?;
        Some(self.connection)
    }
}

const BROKEN_OFF: &str = "the connection broke off";

fn silent(limit: Duration) -> String {
    format!("the server sent nothing for {} s", limit.as_secs())
}

/// Asks, and goes where redirections lead.
async fn follow(
    place: &Place,
    from: &Target,
    range: Option<Range>,
    connection: &mut Option<Connection>,
) -> Result<Stream> {
    let mut target = from.clone();
    for _ in 0..=limits::SOURCE_REDIRECTS {
        let (asked, (answer, began_after)) = ask(&target, range, connection.take()).await?;
        match judge(answer.status(), answer.headers(), range, place.total) {
            Verdict::Refused(failure, why) => return Err(target.failed(failure, why)),
            Verdict::Elsewhere(location) => {
                let to = target.joined(&location);
                target = to.map_err(|why| target.failed(Failure::Item, why))?;
            }
            Verdict::Given(given) => {
                return Ok(Stream {
                    connection: asked,
                    body: answer.into_body(),
                    given,
                    target,
                    began_after,
                    left: given.to.saturating_sub(range.map_or(0, |range| range.from)),
                    piece: Bytes::new(),
                    waiting: None,
                });
            }
        }
    }
    Err(from.failed(Failure::Item, "it redirects too often"))
}

/// One request. A connection that was kept may have been closed in the meantime: then the request
/// is made once more on a new one.
async fn ask(
    target: &Target,
    range: Option<Range>,
    kept: Option<Connection>,
) -> Result<(Connection, (Response<Incoming>, Duration))> {
    let request = request(target, range)?;
    if let Some(mut kept) = kept.filter(|kept| kept.leads_to(target))
        && let Ok(answer) = kept.ask(request.clone()).await
    {
        return Ok((kept, answer));
    }
    let mut connection = Connection::open(target).await?;
    match connection.ask(request).await {
        Ok(answer) => Ok((connection, answer)),
        Err(error) => Err(target.failed(Failure::Connection, broken(&error))),
    }
}

/// Why no answer came, in words.
fn broken(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        "the head of the server's answer is too long"
    } else if error.is_parse() {
        "the server's answer is not HTTP"
    } else {
        "the server closed the connection without an answer"
    }
}

/// The request for a range, or for all there is.
fn request(target: &Target, range: Option<Range>) -> Result<Request<Empty<Bytes>>> {
    let unsendable = |_| Error::invalid("the address of a source", "it cannot be asked");
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = target
        .path()
        .parse()
        .map_err(|_| Error::invalid("the address of a source", "it cannot be asked"))?;
    let headers = request.headers_mut();
    headers.clone_from(target.headers());
    let value = |text: &str| HeaderValue::from_str(text).map_err(unsendable);
    headers.insert(HOST, value(target.authority())?);
    if let Some(range) = range {
        headers.insert(RANGE, value(&range.header())?);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!(
            "EXStreamTV/",
            env!("CARGO_PKG_VERSION")
        )));
    Ok(request)
}
