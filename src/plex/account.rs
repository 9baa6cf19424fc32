//! The owner's account at plex.tv: linking the box to it, and the servers that it may use.

use super::list::List;
use super::row::Row;
use super::wire::{Answer, Ask, Patience, Peer, Query, Verb, Wire, escape};
use super::{Class, Identity, Result, Secret, ServerEntry, Trouble};
use crate::limits;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How long a code is good for where plex.tv does not say.
const PIN_S: u64 = 900;

/// plex.tv, or what stands in for it.
#[derive(Debug, Clone)]
pub struct Account {
    wire: Wire,
}

/// What the owner's browser or telephone is shown, to link the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// By this it is asked after.
    pub id: u64,
    /// To be typed at `https://plex.tv/link`: four characters.
    pub code: String,
    /// When it is no good any more.
    pub expires: Instant,
    /// Another one, to be opened in a browser instead of typing anything.
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
    /// Nothing yet, or plex.tv cannot be asked just now: ask again in `limits::PLEX_PIN_MS`.
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
        let wire = Wire::new(base, Peer::PlexTv, identity, None)?;
        Ok(Self { wire })
    }

    /// Begins to link the box: a code to be typed and a form to be opened, which sends the owner
    /// back to `forward`.
    ///
    /// # Errors
    /// Where plex.tv gives no code. The form may be missing without.
    pub async fn begin_link(&self, forward: Option<&str>) -> Result<Pin> {
        let (id, code, expires) = self.pin("/api/v2/pins").await?;
        let strong = self.pin("/api/v2/pins?strong=true").await;
        if let Err(trouble) = &strong {
            log::warn!("linking goes by code only: {trouble}");
        }
        let form = strong.ok().map(|(id, code, _)| Form {
            id,
            url: self.form_url(&code, forward),
        });
        Ok(Pin {
            id,
            code,
            expires,
            form,
        })
    }

    async fn pin(&self, path: &str) -> Result<(u64, String, Instant)> {
        let ask = Ask {
            verb: Verb::Post,
            ..Ask::small(path, Patience::PLEX_TV)
        };
        let (value, answer) = self.value(&ask).await?;
        let row = Row::of(&value);
        let whole = row.and_then(|row| Some((row.number("id")?, row.key("code")?)));
        let (id, code) = whole
            .ok_or_else(|| Trouble::new(Class::Malformed, answer.subject, "it gave no code"))?;
        let life_s = row.and_then(|row| row.number("expiresIn")).unwrap_or(PIN_S);
        let life = Duration::from_secs(life_s.min(PIN_S));
        Ok((id, code, Instant::now() + life))
    }

    /// All of its parameters stand behind `#?`, so that no server on the way is told the code.
    fn form_url(&self, code: &str, forward: Option<&str>) -> String {
        let identity = self.wire.identity();
        let mut url = "https://app.plex.tv/auth#?clientID=".to_owned();
        escape(&mut url, &identity.client_id);
        url.push_str("&code=");
        escape(&mut url, code);
        url.push_str("&context%5Bdevice%5D%5Bproduct%5D=");
        escape(&mut url, &identity.product);
        if let Some(forward) = forward {
            url.push_str("&forwardUrl=");
            escape(&mut url, forward);
        }
        url
    }

    /// Asks what became of a pin, either way. Trouble with plex.tv is told as `Pending`.
    pub async fn poll(&self, pin: &Pin) -> PinState {
        let mut state = self.poll_one(pin.id).await;
        if let (Some(form), false) = (&pin.form, matches!(state, PinState::Linked(_))) {
            // The code's state counts, unless the form has brought a token.
            if let PinState::Linked(token) = self.poll_one(form.id).await {
                state = PinState::Linked(token);
            }
        }
        match state {
            PinState::Pending if Instant::now() >= pin.expires => PinState::Expired,
            state => state,
        }
    }

    async fn poll_one(&self, id: u64) -> PinState {
        let path = format!("/api/v2/pins/{id}");
        match self.value(&Ask::small(&path, Patience::PLEX_TV)).await {
            Ok((value, _)) => match Row::of(&value).and_then(|row| token(row, "authToken")) {
                Some(token) => PinState::Linked(token),
                None => PinState::Pending,
            },
            Err(trouble) if trouble.class == Class::Gone => PinState::Expired,
            Err(trouble) => {
                log::warn!("whether the box was linked is not known: {trouble}");
                PinState::Pending
            }
        }
    }

    /// Asks whether a token is good.
    pub async fn check(&self, token: &Secret) -> TokenState {
        let wire = self.wire.clone().with(token);
        match wire
            .ask(&Ask::small("/api/v2/user", Patience::PLEX_TV))
            .await
        {
            Ok(_) => TokenState::Good,
            Err(trouble) if trouble.class == Class::Auth => TokenState::Bad,
            Err(_) => TokenState::Unknown,
        }
    }

    /// The servers of an account and those shared with it.
    ///
    /// # Errors
    /// `Auth` where the token is dead, `Busy` where plex.tv wants to be asked later.
    pub async fn servers(&self, token: &Secret) -> Result<Vec<ServerEntry>> {
        let query = Query::default()
            .add("includeHttps", 1)
            .add("includeRelay", 1);
        let path = query.add("includeIPv6", 1).after("/api/v2/resources");
        let ask = Ask::small(&path, Patience::PLEX_TV);
        let answer = self.wire.clone().with(token).ask(&ask).await?;
        let list = List::of_array(&answer.body)
            .map_err(|error| Trouble::malformed(&answer.subject, &answer.body, &error))?;
        let (mut servers, dropped) = list.each(ServerEntry::read);
        if !dropped.is_empty() {
            log::debug!("{}: no servers: {}", answer.subject, dropped.join(", "));
        }
        servers.truncate(limits::PLEX_SERVERS);
        // Those that plex.tv has not seen lately may be there all the same.
        servers.sort_by_key(|server| !server.present);
        Ok(servers)
    }

    async fn value(&self, ask: &Ask<'_>) -> Result<(Value, Answer)> {
        let answer = self.wire.ask(ask).await?;
        let value = serde_json::from_slice(&answer.body)
            .map_err(|error| Trouble::malformed(&answer.subject, &answer.body, &error))?;
        Ok((value, answer))
    }
}

/// A token below a name, if there is one that can be sent.
pub(super) fn token(row: Row<'_>, name: &str) -> Option<Secret> {
    let text = row.words(name, limits::PLEX_TOKEN_BYTES)?;
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(&text))
}
