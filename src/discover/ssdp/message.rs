//! What SSDP says: searches are understood, answers and notices are written (UPnP Device
//! Architecture 1.1 §1). Order and spelling of the headers are those of the hardware.

use crate::clock::http_date;
use crate::limits;
use crate::system::network::literal;
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

/// Where devices are looked for.
pub(super) const PORT: u16 = 1900;

/// What this says it is.
const SERVER: &str = "HDHomeRun/1.0 UPnP/1.0";

/// Seconds for which a notice or an answer is good.
const MAX_AGE_S: u32 = 1_800;

/// Longest time that an asker is believed to wait, in seconds.
const PATIENCE_S: u64 = 3;

/// What is kept of that time for the answer's way.
const WAY_MS: u64 = 200;

/// A kind of thing that the box is, each with an answer and a notice of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// A device that is in no other.
    Root,
    /// This one and no other.
    Device,
    /// One that has media.
    MediaServer,
}

/// A search that may concern the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search<'a> {
    /// What is searched (`ST`).
    pub target: &'a str,
    /// Answers are to come spread over this time.
    pub window: Duration,
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// The box is there.
    Alive,
    /// It has gone.
    ByeBye,
}

impl Sought {
    /// All of them, in the order in which they are told.
    pub(super) const ALL: [Self; 3] = [Self::Root, Self::Device, Self::MediaServer];

    /// Its name in `ST` and `NT`.
    fn name(self, udn: &str) -> Cow<'static, str> {
        match self {
            Self::Root => "upnp:rootdevice".into(),
            Self::Device => format!("uuid:{udn}").into(),
            Self::MediaServer => "urn:schemas-upnp-org:device:MediaServer:1".into(),
        }
    }

    /// Its name together with the device's (`USN`).
    fn unique_name(self, udn: &str) -> String {
        match self {
            Self::Device => format!("uuid:{udn}"),
            _ => format!("uuid:{udn}::{}", self.name(udn)),
        }
    }
}

impl<'a> Search<'a> {
    /// Understands a datagram; `None` where it is no search that is to be answered.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; limits::SSDP_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let read = request.parse(datagram).ok()?;
        if read.is_partial() || request.method != Some("M-SEARCH") || request.path != Some("*") {
            return None;
        }
        let header = |name: &str| {
            let mut all = request.headers.iter();
            let found = all.find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok()
        };
        if header("MAN")? != "\"ssdp:discover\"" {
            return None;
        }
        Some(Self {
            window: window(header("MX")?),
            target: header("ST")?,
        })
    }

    /// Whether an answer for `target` is wanted of the device with this name.
    pub(super) fn wants(&self, target: Sought, udn: &str) -> bool {
        self.target == "ssdp:all" || self.target == target.name(udn)
    }
}

/// The time in which answers are to come, by the `MX` header. Who cannot say how long it waits
/// gets them soon.
fn window(mx: &str) -> Duration {
    let is_number = !mx.is_empty() && mx.bytes().all(|digit| digit.is_ascii_digit());
    // A number that is too long is a large one.
    let patience_s = mx.parse().unwrap_or(PATIENCE_S).min(PATIENCE_S);
    Duration::from_millis(if is_number && patience_s > 0 {
        patience_s * 1_000 - WAY_MS
    } else {
        WAY_MS
    })
}

/// The answer that the device at `root` is one of `target`, said at this time if it is known.
pub(super) fn answer(target: Sought, udn: &str, root: &str, epoch_ms: Option<i64>) -> String {
    let date = epoch_ms.and_then(http_date);
    let date = date.map_or_else(String::new, |date| format!("Date: {date}\r\n"));
    format!(
        "HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nST: {}\r\nLocation: {root}/device.xml\r\n\
         Cache-Control: max-age={MAX_AGE_S}\r\nUSN: {}\r\nExt:\r\nContent-Length: 0\r\n{date}\r\n",
        target.name(udn),
        target.unique_name(udn),
    )
}

/// The notice to a group about the device at `root`.
pub(super) fn notice(
    notice: Notice,
    target: Sought,
    udn: &str,
    root: &str,
    group: IpAddr,
) -> String {
    let host = format!("{}:{PORT}", literal(group));
    let (nt, usn) = (target.name(udn), target.unique_name(udn));
    match notice {
        Notice::Alive => format!(
            "NOTIFY * HTTP/1.1\r\nHost: {host}\r\nNT: {nt}\r\nNTS: ssdp:alive\r\n\
             Server: {SERVER}\r\nLocation: {root}/device.xml\r\n\
             Cache-Control: max-age={MAX_AGE_S}\r\nUSN: {usn}\r\n\r\n"
        ),
        Notice::ByeBye => format!(
            "NOTIFY * HTTP/1.1\r\nHost: {host}\r\nNT: {nt}\r\nNTS: ssdp:byebye\r\n\
             USN: {usn}\r\n\r\n"
        ),
    }
}

#[cfg(test)]
mod tests;
