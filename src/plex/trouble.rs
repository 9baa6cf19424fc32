//! What goes wrong with Plex, by what is to be done about it.

use super::wire::Peer;
use crate::error::{Error, Failure};
use std::borrow::Cow;
use std::fmt;

/// A result with a [`Trouble`].
pub type Result<T> = std::result::Result<T, Trouble>;

/// Why a server, or plex.tv, did not give what it was asked for. Its words are for the owner: what
/// happened and what would help. They never hold a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is to be done about it.
    pub class: Class,
    /// Whom it was asked: host and path, never a query or a header.
    pub subject: String,
    /// What happened, and what would help.
    pub why: Cow<'static, str>,
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The token is not taken, and no other address would take it. No item is bad because of it.
    Auth,
    /// The token is fine, but not for this.
    Forbidden,
    /// It is not there any more, or not visible: look it up again, once.
    Gone,
    /// The server is starting or works on its database: it comes by itself.
    Starting,
    /// The server has too much to do, or this was too large: wait, ask for less.
    Busy,
    /// The server takes this box for a client from outside and limits it.
    Bandwidth,
    /// The server can neither give this as it is nor convert it.
    Unplayable,
    /// It does not understand what it was asked, or not now: an old server, a session that is used.
    Refused,
    /// Nobody answers at any of its addresses.
    Unreachable,
    /// Another server answers at this address.
    WrongServer,
    /// What came is not what Plex answers: HTML of a proxy, an answer cut off or over its limit.
    Malformed,
}

impl Class {
    /// Whom it concerns.
    #[must_use]
    pub fn failure(self) -> Failure {
        match self {
            Self::Auth => Failure::Auth,
            Self::Forbidden | Self::Gone | Self::Unplayable | Self::Refused => Failure::Item,
            _ => Failure::Connection,
        }
    }
}

impl Trouble {
    /// Trouble with `subject`, of which nothing may be secret.
    pub(super) fn new(
        class: Class,
        subject: impl Into<String>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            class,
            subject: subject.into(),
            why: why.into(),
        }
    }

    /// What a status means that is no success; `told` is the beginning of what came with it, which
    /// is HTML or XML and is never repeated.
    pub(super) fn refused(peer: Peer, status: u16, told: &str, subject: String) -> Self {
        let (class, why) = match (peer, status) {
            (Peer::PlexTv, 401 | 498) => (Class::Auth, SIGN_IN_TV),
            (Peer::PlexTv, 429) => (Class::Busy, "it wants to be asked less often; later"),
            (Peer::PlexTv, 500..) => (Class::Busy, "it is in trouble itself; later"),
            (Peer::Server, 401 | 498) => (Class::Auth, SIGN_IN),
            (Peer::Server, 500..) => server(status, told, &subject),
            (_, 403) => (Class::Forbidden, "the account is not allowed to use this"),
            (_, 404 | 410) => (
                Class::Gone,
                "it is not there, or not visible to this account",
            ),
            (_, 429) => (Class::Busy, "it has too much to do; later"),
            (_, 300..=399) => (
                Class::Malformed,
                "it sends us to another host, which gets no token",
            ),
            _ => (
                Class::Refused,
                "it does not understand what it was asked, or not now",
            ),
        };
        Self::new(class, subject, format!("{why} (status {status})"))
    }

    /// What came with success is not what Plex answers.
    pub(super) fn malformed(subject: &str, body: &[u8], error: &serde_json::Error) -> Self {
        let start = body.trim_ascii_start();
        let told = String::from_utf8_lossy(start.get(..1_024).unwrap_or(start));
        if told.starts_with('<') && is_maintenance(&told) {
            return Self::new(Class::Starting, subject, STARTING);
        }
        let why = if start.is_empty() {
            "its answer is empty".to_owned()
        } else if start.starts_with(b"<") {
            "it sent a page instead of an answer; is there a proxy or a login page in between?"
                .to_owned()
        } else {
            // Category and place only: the words of the error may repeat what came.
            let (line, column) = (error.line(), error.column());
            format!("its answer is broken in line {line}, column {column}")
        };
        Self::new(Class::Malformed, subject, why)
    }
}

const SIGN_IN_TV: &str = "it does not take this box's token any more; sign in to Plex again";
const SIGN_IN: &str = "the server does not take this box's token; sign in to Plex again";
const STARTING: &str = "the server is starting or works on its database; it comes by itself";
const BANDWIDTH: &str = "the server takes this box for a client from outside and limits it; in Plex, \
     under Settings, Network, add this network to \"LAN Networks\", or turn on \"Treat WAN IP As LAN \
     Bandwidth\"";

/// What a server in trouble means.
fn server(status: u16, told: &str, subject: &str) -> (Class, &'static str) {
    let lower = told.to_ascii_lowercase();
    // What a server answers as long as it lives: if even that is refused, it is not up yet.
    let vital = ["/identity", "/library/sections"];
    let path = subject.split_once('/').map_or("", |(_, path)| path);
    let is_vital = path.is_empty() || vital.iter().any(|one| subject.ends_with(one));
    match status {
        509 => (Class::Bandwidth, BANDWIDTH),
        _ if lower.contains("bandwidth") => (Class::Bandwidth, BANDWIDTH),
        503 if is_maintenance(told) || is_vital => (Class::Starting, STARTING),
        503 => (Class::Busy, "the server does not give this just now"),
        502 | 504 => (
            Class::Unreachable,
            "a proxy answers in its place; is the server on?",
        ),
        _ => (
            Class::Busy,
            "the server could not do it; it may be too much at once",
        ),
    }
}

/// What a server says while it starts: `<Response code="503" title="Maintenance" .../>`.
fn is_maintenance(told: &str) -> bool {
    let lower = told.to_ascii_lowercase();
    lower.contains("<response") && lower.contains("code=\"503\"")
        || lower.contains("maintenance")
        || lower.contains("migration")
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.why)
    }
}

impl std::error::Error for Trouble {}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Source {
            failure: trouble.class.failure(),
            subject: trouble.subject,
            why: trouble.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Peer;
    use super::{Class, Trouble};
    use crate::error::{Error, Failure};

    const HTML: &str = "<html><head><title>Unauthorized</title></head></html>";
    const MAINTENANCE: &str = "<Response code=\"503\" title=\"Maintenance\" status=\"Plex Media \
         Server is currently running database migrations.\"/>";

    fn class(status: u16, told: &str, subject: &str) -> Class {
        Trouble::refused(Peer::Server, status, told, subject.to_owned()).class
    }

    #[test]
    fn a_status_says_what_is_to_be_done() {
        for (status, told, subject, expected) in [
            (401, HTML, "nas:1/library/sections", Class::Auth),
            (498, "", "nas:1/", Class::Auth),
            (403, HTML, "nas:1/library/metadata/1", Class::Forbidden),
            (404, HTML, "nas:1/library/metadata/1", Class::Gone),
            (400, HTML, "nas:1/video/:/transcode", Class::Refused),
            (429, "", "nas:1/", Class::Busy),
            (500, HTML, "nas:1/library/sections/1/all", Class::Busy),
            (
                500,
                "Bandwidth exceeded",
                "nas:1/library/parts/1/2/f",
                Class::Bandwidth,
            ),
            (
                503,
                MAINTENANCE,
                "nas:1/library/metadata/1",
                Class::Starting,
            ),
            (503, HTML, "nas:1/library/metadata/1", Class::Busy),
            (503, HTML, "nas:1/library/sections", Class::Starting),
            (503, HTML, "nas:1/identity", Class::Starting),
            (503, HTML, "nas:1/", Class::Starting),
            (502, HTML, "nas:1/", Class::Unreachable),
            (509, "", "nas:1/library/parts/1/2/f", Class::Bandwidth),
            (302, "", "nas:1/", Class::Malformed),
        ] {
            assert_eq!(class(status, told, subject), expected, "{status} {subject}");
        }
    }

    #[test]
    fn words_tell_what_to_do_next() {
        let words =
            |peer, status| Trouble::refused(peer, status, "", "nas:32400/x".to_owned()).to_string();
        assert!(words(Peer::Server, 401).contains("sign in to Plex again"));
        assert!(words(Peer::PlexTv, 401).contains("sign in to Plex again"));
        assert!(words(Peer::Server, 509).contains("LAN Networks"));
        assert!(words(Peer::Server, 404).starts_with("nas:32400/x: "));
    }

    #[test]
    fn plex_tv_in_trouble_says_nothing_about_the_token() {
        for status in [429, 500, 502, 503] {
            let trouble = Trouble::refused(Peer::PlexTv, status, "", String::new());
            assert_eq!(trouble.class, Class::Busy, "{status}");
        }
    }

    #[test]
    fn a_dead_token_never_makes_an_item_bad() {
        let failure = |class: Class| Error::from(Trouble::new(class, "x", "y")).failure();
        assert_eq!(failure(Class::Auth), Failure::Auth);
        assert_eq!(failure(Class::Gone), Failure::Item);
        for class in [
            Class::Starting,
            Class::Busy,
            Class::Unreachable,
            Class::WrongServer,
        ] {
            assert_eq!(failure(class), Failure::Connection);
        }
    }

    #[test]
    fn a_page_where_an_answer_should_be_is_told_apart() {
        let told = |body: &str| {
            let error = serde_json::from_str::<u8>(body).unwrap_err();
            Trouble::malformed("nas", body.as_bytes(), &error)
        };
        assert!(
            told(" <html>sesame")
                .why
                .contains("a proxy or a login page")
        );
        assert!(told("{\"a\": sesame").why.contains("line 1"));
        assert!(!told("\"sesame\"").to_string().contains("sesame"));
        assert_eq!(told(MAINTENANCE).class, Class::Starting);
        assert_eq!(told("").class, Class::Malformed);
    }
}
