//! What goes wrong with Plex, by what is to be done about it.

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
            Self::Forbidden | Self::Gone | Self::Unplayable => Failure::Item,
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
