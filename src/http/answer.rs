//! What goes back: status, headers in the order of the hardware's web server, body.
//!
//! Documents become a hyper response; streams and errors before the routes are written as they
//! stand here. No answer is ever chunked or compressed, and every answer closes its connection.

use super::gallery::Form;
use super::head::{Head, Language};
use crate::clock::http_date;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, SERVER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use std::fmt::Write;

/// What the hardware's web server calls itself.
const SERVER_NAME: &str = "HDHomeRun/1.0";

/// Pages load nothing but pictures from the box itself, run nothing and are framed by nobody.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Seconds after which may be asked again for what was not there just now.
pub(super) const AGAIN_S: &str = "30";

/// An answer whose length is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    status: u16,
    kind: Kind,
    sharing: Sharing,
    caching: &'static str,
    again_s: Option<&'static str>,
    body: Bytes,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Empty,
    /// JSON.
    Json,
    /// A line of JSON at a time.
    JsonLines,
    /// XML.
    Xml,
    /// A page.
    Page,
    /// Words, and the hardware's playlist.
    Text,
    /// Figures for Prometheus.
    Metrics,
    /// A playlist that browsers hand to a player.
    Playlist,
    /// A transport stream.
    Stream,
    /// A picture.
    Picture(Form),
    /// A backup.
    Database,
}

/// Whether scripts of other sites may read an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// They may: documents of the device and the guide.
    Anyone,
    /// They may not: the owner's things.
    SameSite,
}

impl Kind {
    fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Json => Some("application/json; charset=\"utf-8\""),
            Self::JsonLines => Some("application/x-ndjson"),
            Self::Database => Some("application/vnd.sqlite3"),
            Self::Xml => Some("text/xml; charset=\"utf-8\""),
            Self::Page => Some("text/html; charset=\"utf-8\""),
            Self::Text => Some("text/plain; charset=\"utf-8\""),
            Self::Metrics => Some("text/plain; version=0.0.4; charset=utf-8"),
            Self::Playlist => Some("audio/x-mpegurl; charset=\"utf-8\""),
            Self::Stream => Some("video/mpeg"),
            Self::Picture(form) => Some(form.media_type()),
        }
    }
}

impl Answer {
    /// An answer of this kind.
    pub(super) fn new(status: u16, kind: Kind, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            kind,
            sharing: Sharing::SameSite,
            caching: "no-cache",
            again_s: None,
            body: body.into(),
        }
    }

    /// 200 with JSON.
    pub(super) fn json(value: &impl serde::Serialize) -> Self {
        Self::json_with(200, value)
    }

    /// JSON with another status.
    pub(super) fn json_with(status: u16, value: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, Kind::Json, body),
            Err(error) => Self::words(500, &format!("The answer cannot be written: {error}.")),
        }
    }

    /// A sentence for a person.
    pub(super) fn words(status: u16, words: &str) -> Self {
        Self::new(status, Kind::Text, format!("{words}\n"))
    }

    /// 200 and nothing else.
    pub(super) fn done() -> Self {
        Self::new(200, Kind::Empty, Bytes::new())
    }

    /// The same, readable for scripts of other sites.
    pub(super) fn shared(mut self) -> Self {
        self.sharing = Sharing::Anyone;
        self
    }

    /// The same, to be kept by whoever got it.
    pub(super) fn good_for_a_day(mut self) -> Self {
        self.caching = "public, max-age=86400";
        self
    }

    /// The same, to be asked for again after `AGAIN_S`.
    pub(super) fn again_later(mut self) -> Self {
        self.again_s = Some(AGAIN_S);
        self
    }

    /// For hyper.
    pub(super) fn into_response(self, head: &Head, epoch_ms: i64) -> Response<Full<Bytes>> {
        let mut fields = HeaderMap::with_capacity(12);
        let mut field = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                fields.insert(name, value);
            }
        };
        field(SERVER, SERVER_NAME);
        field(CONNECTION, "close");
        if let Some(content_type) = self.kind.content_type() {
            field(CONTENT_TYPE, content_type);
        }
        if head.language == Language::Asked {
            field(CONTENT_LANGUAGE, "en");
        }
        field(CONTENT_LENGTH, &self.body.len().to_string());
        field(CACHE_CONTROL, self.caching);
        if let Some(again_s) = self.again_s {
            field(RETRY_AFTER, again_s);
        }
        if self.sharing == Sharing::Anyone {
            field(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        }
        if self.kind == Kind::Page {
            field(CONTENT_SECURITY_POLICY, PAGE_POLICY);
            field(REFERRER_POLICY, "no-referrer");
        }
        if matches!(self.kind, Kind::Page | Kind::Picture(_)) {
            field(X_CONTENT_TYPE_OPTIONS, "nosniff");
        }
        if let Some(date) = http_date(epoch_ms) {
            field(DATE, &date);
        }
        let mut response = Response::new(Full::new(self.body));
        *response.headers_mut() = fields;
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
    }
}

/// The head of an answer that is written by hand, in the hardware's order: `extra` stands just
/// before the date. Without a length the body ends where the connection does.
pub(super) fn raw_head(
    status: u16,
    kind: Kind,
    length: Option<usize>,
    sharing: Sharing,
    extra: &[(&str, &str)],
    epoch_ms: i64,
) -> String {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error");
    let mut head =
        format!("HTTP/1.1 {status} {reason}\r\nServer: {SERVER_NAME}\r\nConnection: close\r\n");
    let mut field = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    };
    if let Some(content_type) = kind.content_type() {
        field("Content-Type", content_type);
    }
    if let Some(length) = length {
        field("Content-Length", &length.to_string());
    }
    field("Cache-Control", "no-cache");
    if sharing == Sharing::Anyone {
        field("Access-Control-Allow-Origin", "*");
    }
    for (name, value) in extra {
        field(name, value);
    }
    if let Some(date) = http_date(epoch_ms) {
        field("Date", &date);
    }
    head.push_str("\r\n");
    head
}

/// A sentence with its head, for what is refused before there is a request.
pub(super) fn raw_words(status: u16, words: &str, epoch_ms: i64) -> String {
    let length = Some(words.len() + 1);
    let mut answer = raw_head(status, Kind::Text, length, Sharing::SameSite, &[], epoch_ms);
    answer.push_str(words);
    answer.push('\n');
    answer
}

#[cfg(test)]
mod tests {
    use super::{Kind, Sharing, raw_head};

    #[test]
    fn a_stream_is_announced_as_hardware_does_it() {
        let extra = [
            ("X-HDHomeRun-Resource", "tuner1"),
            ("transferMode.dlna.org", "Streaming"),
        ];
        assert_eq!(
            raw_head(
                200,
                Kind::Stream,
                None,
                Sharing::Anyone,
                &extra,
                784_111_777_000
            ),
            "HTTP/1.1 200 OK\r\nServer: HDHomeRun/1.0\r\nConnection: close\r\n\
             Content-Type: video/mpeg\r\nCache-Control: no-cache\r\n\
             Access-Control-Allow-Origin: *\r\nX-HDHomeRun-Resource: tuner1\r\n\
             transferMode.dlna.org: Streaming\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        );
    }
}
