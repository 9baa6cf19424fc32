//! The one error type. It is plain data: cloneable, comparable, made to be read by a person.
//!
//! Parsers say what they were reading, at which byte and why it cannot be; everything that touches
//! the outside says what was being done to which thing. Nothing here carries a secret.

use std::borrow::Cow;

/// A result with the project's error.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be done, in words a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bytes that break their format. `offset` counts from the start of the file or buffer.
    #[error("{what} at byte {offset}: {why}")]
    Malformed {
        /// The structure being read, in its standard's name (`moov/trak/stsz`, `EBML header`).
        what: &'static str,
        /// Where, in bytes from the start of the file or buffer.
        offset: u64,
        /// What is wrong with it.
        why: Cow<'static, str>,
    },
    /// Well-formed, but not something this box carries.
    #[error("{what} cannot be played: {why}")]
    Unsupported {
        /// The thing (`video track 1`, `container`).
        what: Cow<'static, str>,
        /// Why not.
        why: Cow<'static, str>,
    },
    /// A length or count from outside that is over its limit in `limits`.
    #[error("{what} is {got}, more than the limit of {limit}")]
    OverLimit {
        /// The thing measured, with its unit.
        what: &'static str,
        /// What was asked for.
        got: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// The operating system said no.
    #[error("cannot {doing} {subject}: {why}")]
    Io {
        /// The verb (`open`, `read`).
        doing: &'static str,
        /// The file, address or device.
        subject: String,
        /// The system's kind of error, for decisions.
        kind: std::io::ErrorKind,
        /// The system's words, for people.
        why: String,
    },
    /// A server did not give what it was asked for.
    #[error("cannot read {subject}: {why}")]
    Source {
        /// Whom it concerns, for decisions.
        failure: Failure,
        /// Host and path; never a query or a header, which carry tokens.
        subject: String,
        /// What it did instead, for people.
        why: Cow<'static, str>,
    },
    /// The database said no.
    #[error("store: cannot {doing}: {why}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        why: String,
    },
    /// The configuration or a command asks for something that cannot be.
    #[error("{what}: {why}")]
    Invalid {
        /// The setting, argument or field.
        what: Cow<'static, str>,
        /// Why not, and what would do.
        why: Cow<'static, str>,
    },
    /// The box is stopping; whoever waits should stop too.
    #[error("the box is shutting down")]
    ShuttingDown,
}

/// Whom a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The whole server: it does not take our credentials. No item is bad because of it.
    Auth,
    /// The whole server: it cannot be reached, does not answer or is in trouble.
    Connection,
    /// This item only.
    Item,
}

impl Error {
    /// Whom it concerns. What is not known to lie with a server concerns the item.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Source { failure, .. } => *failure,
            _ => Failure::Item,
        }
    }

    /// Bytes that break their format.
    pub fn malformed(what: &'static str, offset: u64, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed {
            what,
            offset,
            why: why.into(),
        }
    }

    /// Well-formed, but not carried.
    pub fn unsupported(
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Unsupported {
            what: what.into(),
            why: why.into(),
        }
    }

    /// A setting or argument that cannot be.
    pub fn invalid(what: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid {
            what: what.into(),
            why: why.into(),
        }
    }

    /// The operating system said no while `doing` something to `subject`.
    pub fn io(doing: &'static str, subject: impl Into<String>, error: &std::io::Error) -> Self {
        Self::Io {
            doing,
            subject: subject.into(),
            kind: error.kind(),
            why: error.to_string(),
        }
    }
}
