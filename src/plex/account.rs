//! The owner's account at plex.tv: linking the box to it, and the servers that it may use.

use super::{Identity, Result, Secret, ServerEntry};

/// plex.tv, or what stands in for it.
#[derive(Debug, Clone)]
pub struct Account {}

/// What the owner's browser or telephone is shown, to link the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// By this it is asked after.
    pub id: u64,
    /// To be typed at `https://plex.tv/link`: four characters.
    pub code: String,
    /// How long it is good for.
    pub expires_in_s: u64,
    /// Another one to be opened instead of typing anything, in the same browser as this page.
    pub form: Option<Form>,
}

/// The one-click form of a [`Pin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// By this it is asked after.
    pub id: u64,
    /// Where the owner is sent.
    pub url: String,
}

/// What became of a [`Pin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinState {
    /// Nothing yet, or plex.tv cannot be asked just now: ask again in two seconds, later if `busy`.
    Pending,
    /// The account's token.
    Linked(Secret),
    /// Its time is over: make another one and show that.
    Expired,
}

/// What plex.tv says about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It is good.
    Good,
    /// It is dead: the owner has to sign in again.
    Bad,
    /// plex.tv cannot be asked just now; the token is kept.
    Unknown,
}

impl Account {
    /// plex.tv itself.
    ///
    /// # Errors
    /// Where the system gives no means to connect.
    pub fn plex_tv(identity: &Identity) -> Result<Self> {
        Self::at("https://plex.tv", identity)
    }

    /// What answers at `base` instead.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn at(base: &str, identity: &Identity) -> Result<Self> {
        let _ = (base, identity);
        todo!()
    }

    /// Begins to link the box: a code to be typed, and a form to be opened, of which `forward` is
    /// where the owner comes back to.
    ///
    /// # Errors
    /// Where plex.tv does not give one. The form may be missing without.
    pub async fn begin_link(&self, forward: Option<&str>) -> Result<Pin> {
        let _ = forward;
        todo!()
    }

    /// Asks what became of a pin, either way. Trouble with plex.tv is told as `Pending`.
    pub async fn poll(&self, pin: &Pin) -> PinState {
        let _ = pin;
        todo!()
    }

    /// Asks whether a token is good.
    pub async fn check(&self, token: &Secret) -> TokenState {
        let _ = token;
        todo!()
    }

    /// The servers of an account and those shared with it.
    ///
    /// # Errors
    /// `Auth` where the token is dead, `Busy` where plex.tv wants to be asked later.
    pub async fn servers(&self, token: &Secret) -> Result<Vec<ServerEntry>> {
        let _ = token;
        todo!()
    }
}
