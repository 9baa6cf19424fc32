//! Answers: containers in the encoding that was asked for, errors as web pages, bytes.

use super::node::Node;
use super::request::Asked;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::{Response, StatusCode};
use std::io::{self, Write};

pub(crate) type Body = BoxBody<Bytes, io::Error>;
pub(crate) type Answer = Response<Body>;

/// A body that is there at once.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// Bytes with their type.
pub(crate) fn bytes(status: u16, kind: &str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(whole(bytes));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    let kind = kind.parse().unwrap();
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// The server's way to say no, whatever encoding was asked for.
pub(crate) fn refusal(status: u16) -> Answer {
    let reason = match status {
        509 => "Bandwidth Limit Exceeded",
        _ => StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Error"),
    };
    let html = format!(
        "<html><head><title>{reason}</title></head><body><h1>{status} {reason}</h1></body></html>"
    );
    bytes(status, "text/html", html)
}

/// A web page where media facts were expected, as a proxy in between would give it.
pub(crate) fn page() -> Answer {
    let html = "<html><head><title>Welcome</title></head><body>Please sign in.</body></html>";
    bytes(200, "text/html;charset=utf-8", html)
}

/// What the server says while its database is being converted.
pub(crate) fn maintenance() -> Answer {
    let said = Node::new("Response")
        .with("code", "503")
        .with("title", "Maintenance")
        .with(
            "status",
            "Plex Media Server is currently running database migrations.",
        );
    bytes(503, "text/xml;charset=utf-8", said.to_xml())
}

/// A node in the encoding that was asked for.
pub(crate) fn node(asked: &Asked, node: &Node) -> Answer {
    if asked.wants_json() {
        encoded(asked, "application/json", node.to_json())
    } else {
        encoded(asked, "text/xml;charset=utf-8", node.to_xml())
    }
}

/// What stands in a node, in the encoding that was asked for: a bare array in JSON.
pub(crate) fn list(asked: &Asked, node: &Node) -> Answer {
    if asked.wants_json() {
        encoded(asked, "application/json", node.to_json_list())
    } else {
        encoded(asked, "text/xml;charset=utf-8", node.to_xml())
    }
}

/// Compressed if that was asked for.
fn encoded(asked: &Asked, kind: &str, plain: Vec<u8>) -> Answer {
    if !asked.takes_gzip() {
        return bytes(200, kind, plain);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let mut answer = bytes(200, kind, gzip.finish().unwrap());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    answer
}
