//! A token, password or code, kept from every eye.

use std::fmt;

/// What nobody may see who looks over the owner's shoulder: the token of an account or a server, a
/// password, a code. What prints it prints `Secret`; only what sends or keeps it asks for its text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// A token, without the space around it that copying leaves.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(token.trim().to_owned())
    }

    /// A password or code, space and all.
    #[must_use]
    pub fn exactly(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text: for a header or the file of credentials, and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none: a server may let its own network in without.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
