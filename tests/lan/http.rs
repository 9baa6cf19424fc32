//! HTTP as clients speak it: exactly the bytes that they send, and everything that comes back.

use super::demo::PATIENCE;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer with its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The body, which has to be JSON and to say so.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.head);
        let kind = self.header("content-type").unwrap();
        assert!(kind.starts_with("application/json"), "{kind}");
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The value of a header in a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An `http` URL in its parts: `host:port`, the `Host` header for it, and the path.
pub(crate) fn parts(url: &str) -> (String, String, String) {
    let rest = url
        .strip_prefix("http://")
        .unwrap_or_else(|| panic!("{url}"));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = host.rsplit(']').next().unwrap().contains(':');
    let door = if has_port {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let named = door.strip_suffix(":80").unwrap_or(&door).to_owned();
    (door, named, format!("/{path}"))
}

/// Connects to where a URL leads and sends a request for it with these lines in its head.
pub(crate) fn send(method: &str, url: &str, lines: &[&str]) -> TcpStream {
    let (door, host, path) = parts(url);
    let mut socket = TcpStream::connect(&door).unwrap_or_else(|error| panic!("{url}: {error}"));
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for line in lines {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    socket
}

/// Reads an answer's head and leaves the rest.
pub(crate) fn head(socket: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// The status in a head.
pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Sends a request and takes the whole answer, which the box ends by closing.
pub(crate) fn exchange(method: &str, url: &str, lines: &[&str]) -> Answer {
    let mut socket = send(method, url, lines);
    let head = head(&mut socket);
    let mut body = Vec::new();
    socket.read_to_end(&mut body).unwrap();
    if let Some(length) = header(&head, "content-length") {
        assert_eq!(length, body.len().to_string(), "{url}: {head}");
    }
    Answer {
        status: status(&head),
        head,
        body,
    }
}

/// The lineup as an array, with every URL in it.
pub(crate) fn lineup(url: &str, lines: &[&str]) -> Vec<(String, String)> {
    let lineup = exchange("GET", url, lines).json();
    let channels = lineup.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    channels
        .map(|channel| (text(&channel["GuideNumber"]), text(&channel["URL"])))
        .collect()
}

/// Tunes a URL with these lines in the request's head: it has to be a stream without a length, and
/// to begin with packets.
pub(crate) fn tune(url: &str, lines: &[&str]) -> TcpStream {
    let mut socket = send("GET", url, lines);
    let head = head(&mut socket);
    assert_eq!(status(&head), 200, "{url}: {head}");
    assert_eq!(header(&head, "content-type"), Some("video/mpeg"), "{head}");
    assert_eq!(header(&head, "connection"), Some("close"), "{head}");
    for never in [
        "content-length",
        "transfer-encoding",
        "accept-ranges",
        "content-range",
    ] {
        assert_eq!(header(&head, never), None, "{head}");
    }
    assert!(
        header(&head, "x-hdhomerun-resource")
            .unwrap()
            .starts_with("tuner"),
        "{head}"
    );
    let mut packets = [0; 7 * 188];
    socket.read_exact(&mut packets).unwrap();
    assert!(packets.chunks(188).all(|packet| packet[0] == 0x47));
    socket
}
