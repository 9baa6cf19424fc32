//! The head of a request, read off the socket by us, so that a stream can be answered without a
//! web server in between and nobody can hold a connection with half a request.
//!
//! HTTP/1.0 and 1.1 (RFC 9112). Knows nothing of routes.

use crate::limits;
use bytes::BytesMut;
use percent_encoding::percent_decode_str;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// What a request's head says, as far as the box listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// What is asked.
    pub(super) method: Method,
    /// The path, decoded.
    pub(super) path: String,
    /// The query's arguments, decoded, in order.
    pub(super) query: Vec<(String, String)>,
    /// Where the client says it is: in a target that is a whole URL, else in its `Host` header.
    pub(super) host: Option<String>,
    /// Whether the sender is a browser that wants pages.
    pub(super) reader: Reader,
    /// Whether the client named the languages it reads.
    pub(super) language: Language,
    /// What the client shows to be let in.
    pub(super) authorization: Option<String>,
    /// How many bytes follow the head; `None` where that is not said, or not like this.
    pub(super) body_bytes: Option<u64>,
    /// Whether the client waits to be told that it may send them.
    pub(super) waits: bool,
    /// How many bytes the head itself has.
    pub(super) head_bytes: usize,
}

/// A method that the doors know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Read it.
    Get,
    /// Read its headers.
    Head,
    /// Do something.
    Post,
    /// Take it away.
    Delete,
}

/// Who will read the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A person with a browser.
    Person,
    /// A program.
    Program,
}

/// Whether the request had an `Accept-Language`; devices then name theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// It had one.
    Asked,
    /// It had none.
    NotAsked,
}

/// Why there is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The client left, or never said anything: there is nobody to answer.
    Gone,
    /// What it said is no request: the status and the words to answer with.
    Refused(u16, &'static str),
    /// It asks for a stream in words that no stream has: 400 without a body, since Jellyfin takes
    /// any byte of one for the stream.
    Malformed,
}

impl Head {
    /// The value of the first argument with this name.
    pub(super) fn argument(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads one head. `taken` holds everything that was read: the head and whatever came behind it.
/// Bounded in bytes, headers and time.
pub(super) async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    taken: &mut BytesMut,
) -> Result<Head, Unread> {
    let limit = Duration::from_millis(limits::HTTP_HEAD_MS);
    match timeout(limit, read_unhurried(reader, taken)).await {
        Ok(read) => read,
        Err(_) if taken.is_empty() => Err(Unread::Gone),
        Err(_) => Err(Unread::Refused(408, "The request took too long to arrive.")),
    }
}

async fn read_unhurried(
    reader: &mut (impl AsyncRead + Unpin),
    taken: &mut BytesMut,
) -> Result<Head, Unread> {
    loop {
        let before = taken.len();
        let room = limits::HTTP_HEAD_BYTES.saturating_sub(before);
        taken.reserve(room.min(2048));
        let mut bounded = (&mut *reader).take(u64::try_from(room).unwrap_or(0));
        match bounded.read_buf(taken).await {
            Ok(0) if room == 0 => {
                let words = "The request's headers are too long.";
                return Err(Unread::Refused(431, words));
            }
            Ok(0) if before > 0 => {
                return Err(Unread::Refused(400, "The request ends in its head."));
            }
            Ok(0) | Err(_) => return Err(Unread::Gone),
            Ok(_) => {}
        }
        // Only a line's end can complete a head; a sender of single bytes costs no parsing.
        let new = taken.get(before..).unwrap_or_default();
        if (before == 0 || new.contains(&b'\n'))
            && let Some(head) = parse(taken)?
        {
            return Ok(head);
        }
    }
}

/// The head in `bytes`, or `None` while it is not complete.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, Unread> {
    let mut headers = [httparse::EMPTY_HEADER; limits::HTTP_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => understand(&request, head_bytes).map(Some),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            Err(Unread::Refused(431, "The request has too many headers."))
        }
        Err(_) => Err(Unread::Refused(400, "This is not an HTTP request.")),
    }
}

fn understand(request: &httparse::Request<'_, '_>, head_bytes: usize) -> Result<Head, Unread> {
    let refused = |words| Unread::Refused(400, words);
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        Some("POST") => Method::Post,
        Some("DELETE") => Method::Delete,
        _ => return Err(refused("Only GET, HEAD and POST are answered here.")),
    };
    let header = |name: &str| {
        let mut values = request
            .headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.value).trim().to_owned());
        (values.next(), values.next())
    };
    let host = match header("host") {
        (_, Some(_)) => return Err(refused("The request has more than one Host header.")),
        (None, None) if request.version != Some(0) => {
            return Err(refused("The request has no Host header."));
        }
        (host, None) => host,
    };
    let (authority, target) = origin_form(request.path.unwrap_or_default())
        .ok_or_else(|| refused("The request's address must begin with a slash."))?;
    let host = authority.map(str::to_owned).or(host);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| refused("The request's address is not UTF-8."))?;
    let accepts_pages = header("accept")
        .0
        .is_some_and(|accept| accept.contains("text/html"));
    let names_language = header("accept-language").0.is_some();
    let body_bytes = match (header("content-length"), header("transfer-encoding").0) {
        ((Some(digits), None), None) => digits.parse().ok(),
        _ => None,
    };
    let expects = header("expect").0;
    Ok(Head {
        method,
        path: path.into_owned(),
        query: arguments(query),
        host,
        reader: if accepts_pages {
            Reader::Person
        } else {
            Reader::Program
        },
        language: if names_language {
            Language::Asked
        } else {
            Language::NotAsked
        },
        authorization: header("authorization").0,
        body_bytes,
        waits: expects.is_some_and(|what| what.eq_ignore_ascii_case("100-continue")),
        head_bytes,
    })
}

/// Path and query of a request target, behind the host where the target has one: clients of proxies
/// send the whole URL, and then it counts and the `Host` header does not (RFC 9112 §3.2.2).
fn origin_form(target: &str) -> Option<(Option<&str>, &str)> {
    if target.starts_with('/') {
        return Some((None, target));
    }
    let rest = target.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    Some((Some(host), path))
}

/// A query's arguments. A plus stays a plus: `favorite=+4.1` means it.
fn arguments(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Head, Language, Method, Reader, Unread, parse};
    use proptest::prelude::{any, prop, proptest};

    fn complete(text: &str) -> Head {
        parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_understood() {
        let head = complete(
            "GET /lineup.json?show=found&tuning&x=%C3%BC HTTP/1.1\r\nhost: 10.0.0.1:80\r\n\
             Accept: text/html, */*\r\nAccept-Language: de\r\n\r\n",
        );
        assert_eq!(head.method, Method::Get);
        assert_eq!(head.path, "/lineup.json");
        assert_eq!(head.argument("show"), Some("found"));
        assert_eq!(head.argument("tuning"), Some(""));
        assert_eq!(head.argument("x"), Some("ü"));
        assert_eq!(head.host.as_deref(), Some("10.0.0.1:80"));
        assert_eq!(head.reader, Reader::Person);
        assert_eq!(head.language, Language::Asked);
    }

    #[test]
    fn a_whole_url_as_target_is_its_path() {
        let head = complete("GET http://box:5004/auto/v5 HTTP/1.1\r\nHost: box\r\n\r\n");
        assert_eq!(head.path, "/auto/v5");
        assert_eq!(complete("GET http://box HTTP/1.0\r\n\r\n").path, "/");
    }

    #[test]
    fn the_host_of_a_whole_url_comes_before_the_header() {
        for (target, host) in [
            ("http://other:81/x", "other:81"),
            ("http://other", "other"),
            ("http://other?x", "other"),
            ("/http://other/", "box"),
        ] {
            let text = format!("GET {target} HTTP/1.1\r\nHost: box\r\n\r\n");
            assert_eq!(complete(&text).host.as_deref(), Some(host), "{target}");
        }
    }

    #[test]
    fn a_plus_in_a_query_stays() {
        let head = complete("POST /lineup.post?favorite=+4.1 HTTP/1.0\r\n\r\n");
        assert_eq!(head.argument("favorite"), Some("+4.1"));
    }

    #[test]
    fn what_is_no_request_is_refused_in_words() {
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET pot HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /%FF HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}",
        ] {
            let refused = parse(text.as_bytes());
            assert!(matches!(refused, Err(Unread::Refused(400, _))), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reading_of_heads(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"GET /".as_slice(), &bytes, b" HTTP/1.0\r\n\r\n"].concat());
        }
    }
}
