//! Asking a server to play: decisions, parts, conversions.

use super::Server;
use crate::plex::item::is_own_path;
use crate::plex::row::is_key;
use crate::plex::wire::{Ask, Patience, Query};
use crate::plex::{Class, Decided, Decision, Reach, Result, Transcode, Trouble};

const UNIVERSAL: &str = "/video/:/transcode/universal";

impl Server {
    /// Asks how an item can be played. The session may then read the part, or start the conversion.
    ///
    /// # Errors
    /// What kept it from deciding. A refusal is no error, but a code.
    pub async fn decision(&self, decision: &Decision) -> Result<Decided> {
        let play = decision.play();
        let query = decision.query(Query::default());
        let path = query.after(&format!("{UNIVERSAL}/decision"));
        if !is_key(&play.rating_key) || !is_key(&play.session) {
            let why = "what is to be played has no key of Plex";
            return Err(Trouble::new(Class::Gone, self.wire.subject(&path), why));
        }
        let headers = [("X-Plex-Session-Identifier", play.session.clone())];
        let ask = Ask {
            headers: &headers,
            ..Ask::small(&path, Patience::ANSWER)
        };
        let value = super::value(&self.wire, &ask).await?;
        Decided::read(&value).ok_or_else(|| {
            let why = "it has decided nothing";
            Trouble::new(Class::Malformed, self.wire.subject(&path), why)
        })
    }

    /// Ends a conversion. What is not there any more is ended.
    ///
    /// # Errors
    /// Where the server cannot be told.
    pub async fn stop(&self, session: &str) -> Result<()> {
        match self.tell("stop", session).await {
            Err(trouble) if trouble.class == Class::Gone => Ok(()),
            other => other,
        }
    }

    /// Keeps a conversion that is not read for a while.
    ///
    /// # Errors
    /// `Gone` where it was ended; where the server cannot be told.
    pub async fn ping(&self, session: &str) -> Result<()> {
        self.tell("ping", session).await
    }

    async fn tell(&self, what: &str, session: &str) -> Result<()> {
        let query = Query::default().add("session", session);
        let path = query.after(&format!("{UNIVERSAL}/{what}"));
        let ask = Ask::small(&path, Patience::LOOK);
        self.wire.ask(&ask).await.map(|_| ())
    }

    /// The address of a part; it holds no token.
    ///
    /// # Errors
    /// `Gone` where the key leads to another host, which is never sent a token; `Bandwidth` where
    /// the server is only reached through a relay.
    pub fn part_url(&self, key: &str) -> Result<String> {
        self.streams(key)?;
        if is_own_path(key) {
            return Ok(format!("{}{key}", self.base()));
        }
        let why = "the file is not on this server";
        Err(Trouble::new(Class::Gone, self.wire.subject(""), why))
    }

    /// What a reader of a part or a conversion sends. The token is in it.
    #[must_use]
    pub fn stream_headers(&self, session: &str) -> Vec<(String, String)> {
        let identity = self.wire.identity().headers();
        let identity = identity.into_iter().filter(|(_, value)| {
            // Others than these a reader cannot send.
            value
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        });
        let mut headers: Vec<_> = identity
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        headers.push(("X-Plex-Session-Identifier".to_owned(), session.to_owned()));
        if let Some(token) = self.wire.token() {
            headers.push(("X-Plex-Token".to_owned(), token.reveal().to_owned()));
        }
        headers
    }

    /// The address of a conversion, for one reader, after its decision; it holds no token.
    ///
    /// # Errors
    /// `Bandwidth` where the server is only reached through a relay.
    pub fn transcode_url(&self, transcode: &Transcode) -> Result<String> {
        let path = format!("{UNIVERSAL}/start.{}", transcode.container.extension());
        self.streams(&path)?;
        let query = transcode.query(Query::default());
        Ok(format!("{}{}", self.base(), query.after(&path)))
    }

    /// Whether a stream may come over this way.
    fn streams(&self, path: &str) -> Result<()> {
        if self.reach != Reach::Relay {
            return Ok(());
        }
        let why = "the server is only reached through Plex's relay, which is too slow for channels; \
                   in Plex, under Settings, Remote Access, let it be reached directly";
        Err(Trouble::new(Class::Bandwidth, self.wire.subject(path), why))
    }
}
