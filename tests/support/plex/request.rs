//! A request as the server understands it: path, parameters, token, page.

use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, RANGE};
use percent_encoding::percent_decode_str;

/// Where a request's token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    Nowhere,
    Header,
    Query,
}

/// The window of a list that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) start: usize,
    pub(crate) size: usize,
}

/// The request without its body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The path, decoded.
    pub(crate) path: String,
    /// Names and values of the query, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// The path and query as they came, without the token.
    pub(crate) target: String,
}

const TOKEN: &str = "X-Plex-Token";

impl Asked {
    pub(crate) fn new(head: &hyper::http::request::Parts) -> Self {
        let path = head.uri.path();
        let raw = head.uri.query().unwrap_or_default();
        let pairs = || raw.split('&').filter(|pair| !pair.is_empty());
        let query = pairs()
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            })
            .collect();
        let shown: Vec<&str> = pairs().filter(|pair| !is_token(pair)).collect();
        let target = if shown.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", shown.join("&"))
        };
        Self {
            method: head.method.to_string(),
            path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
            query,
            headers: head.headers.clone(),
            target,
        }
    }

    /// The parts of the path.
    pub(crate) fn segments(&self) -> Vec<&str> {
        let parts = self.path.split('/');
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query, or else the header of the same name.
    pub(crate) fn either(&self, name: &str) -> Option<&str> {
        let text = self.query(name).or_else(|| self.header(name));
        text.filter(|text| !text.is_empty())
    }

    /// Whether a switch like `includeGuids=1` is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value != "0")
    }

    /// The list in a parameter, divided by commas.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let text = self.query(name).unwrap_or_default();
        text.split(',').filter(|part| !part.is_empty()).collect()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.query(name)?.parse().ok()
    }

    /// The token, and where it stood.
    pub(crate) fn token(&self) -> (&str, TokenPlace) {
        match (self.header(TOKEN), self.query(TOKEN)) {
            (Some(token), _) => (token, TokenPlace::Header),
            (None, Some(token)) => (token, TokenPlace::Query),
            (None, None) => ("", TokenPlace::Nowhere),
        }
    }

    pub(crate) fn range(&self) -> Option<&str> {
        self.headers.get(RANGE)?.to_str().ok()
    }

    pub(crate) fn wants_json(&self) -> bool {
        let accept = self
            .headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok());
        accept.is_some_and(|accept| accept.contains("application/json"))
    }

    pub(crate) fn takes_gzip(&self) -> bool {
        let accepted = self.headers.get(ACCEPT_ENCODING);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        accepted.is_some_and(|accepted| accepted.contains("gzip"))
    }

    /// The page that was asked for. A size in the query counts only beside a start; a size in the
    /// headers counts alone.
    pub(crate) fn page(&self) -> Option<Page> {
        const START: &str = "X-Plex-Container-Start";
        const SIZE: &str = "X-Plex-Container-Size";
        let start = self.either(START).and_then(|start| start.parse().ok());
        let size = match (self.header(SIZE), self.query(SIZE), start) {
            (Some(size), _, _) | (None, Some(size), Some(_)) => size.parse().ok()?,
            _ => return None,
        };
        let start = start.unwrap_or(0);
        Some(Page { start, size })
    }
}

fn is_token(pair: &str) -> bool {
    pair.split('=').next() == Some(TOKEN)
}

/// A name or value of a query. A `+` that is not encoded is a space, as the server has it: that is
/// why profile statements must be joined by `%2B`.
fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}
