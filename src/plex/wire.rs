//! The one place that speaks HTTP to Plex: bounded in bytes and in time, JSON only, never to another
//! host than it was told, and never with a token in an address.

use super::row::shortened;
use super::trouble::{Class, Result, Trouble};
use super::{Identity, Secret};
use crate::limits;
use crate::tls;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use std::error::Error as _;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Who is asked, which decides over the words of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// A media server.
    Server,
    /// plex.tv.
    PlexTv,
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    begin_ms: u64,
    whole_ms: u64,
}

impl Patience {
    /// Is anybody there?
    pub(super) const LOOK: Self = Self {
        begin_ms: limits::PLEX_IDENTITY_MS,
        whole_ms: limits::PLEX_IDENTITY_MS,
    };
    /// A list, or whatever may wait for a disk.
    pub(super) const ANSWER: Self = Self {
        begin_ms: limits::PLEX_ANSWER_MS,
        whole_ms: limits::PLEX_WHOLE_ANSWER_MS,
    };
    /// plex.tv.
    pub(super) const PLEX_TV: Self = Self {
        begin_ms: limits::PLEX_TV_MS,
        whole_ms: limits::PLEX_TV_MS,
    };
}

/// An answer that was given.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) media_type: String,
    /// Whom it is from, for words.
    pub(super) subject: String,
}

/// A request that is not sent yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) verb: Verb,
    /// Path with its query, escaped; nothing in it is secret.
    pub(super) path: &'a str,
    /// Headers beside those of every request.
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) patience: Patience,
    pub(super) most_bytes: usize,
}

/// The methods that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
}

impl<'a> Ask<'a> {
    /// For a list.
    pub(super) fn list(path: &'a str) -> Self {
        Self {
            verb: Verb::Get,
            path,
            headers: &[],
            patience: Patience::ANSWER,
            most_bytes: limits::PLEX_ANSWER_BYTES,
        }
    }

    /// For something small.
    pub(super) fn small(path: &'a str, patience: Patience) -> Self {
        Self {
            patience,
            most_bytes: limits::PLEX_SMALL_ANSWER_BYTES,
            ..Self::list(path)
        }
    }
}

/// A way to one host.
#[derive(Clone)]
pub(super) struct Wire {
    client: Client,
    /// Scheme, host, port and perhaps the beginning of a path; no slash at the end.
    base: Arc<str>,
    identity: Arc<Identity>,
    token: Option<Secret>,
    peer: Peer,
}

impl Wire {
    /// A way to `base`. A name that holds its address leads there without DNS, or to `dial`.
    pub(super) fn new(
        base: &str,
        peer: Peer,
        identity: &Identity,
        dial: Option<SocketAddr>,
    ) -> Result<Self> {
        let url = address(base)?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let held = tls::address_in(host).map(|address| SocketAddr::new(address, port));
        let base = url.as_str().trim_end_matches('/').to_owned();
        let failed = |why: String| Trouble::new(Class::Unreachable, base.clone(), why);
        let config = tls::client().map_err(|error| failed(error.to_string()))?;
        let mut client = Client::builder()
            .tls_backend_preconfigured(config.as_ref().clone())
            .no_proxy()
            .redirect(Policy::custom(within_host))
            .referer(false)
            .connect_timeout(Duration::from_millis(limits::PLEX_CONNECT_MS))
            .tcp_keepalive(Duration::from_secs(30))
            .pool_max_idle_per_host(2)
            .default_headers(headers(identity));
        if let Some(dial) = dial.or(held) {
            client = client.resolve(host, dial);
        }
        let client = client.build().map_err(|error| failed(root(&error)))?;
        Ok(Self {
            client,
            base: base.into(),
            identity: Arc::new(identity.clone()),
            token: None,
            peer,
        })
    }

    /// The same way, with a token.
    pub(super) fn with(mut self, token: &Secret) -> Self {
        self.token = (!token.is_empty()).then(|| token.clone());
        self
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Asks and takes the whole answer.
    ///
    /// # Errors
    /// A refusal, by its class; what does not come in time, or is too much.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<Answer> {
        let started = Instant::now();
        let whole = Duration::from_millis(ask.patience.whole_ms);
        let answer = timeout(whole, self.take(ask)).await;
        let answer = answer.unwrap_or_else(|_| Err(self.late(ask, ask.patience.whole_ms)));
        let subject = self.subject(ask.path);
        let took_ms = started.elapsed().as_millis();
        match &answer {
            Ok(Answer { body, .. }) => {
                log::debug!("{subject}: {} bytes in {took_ms} ms", body.len());
            }
            Err(trouble) => log::debug!("{trouble} ({took_ms} ms)"),
        }
        answer
    }

    async fn take(&self, ask: &Ask<'_>) -> Result<Answer> {
        let response = self.begin(ask).await?;
        let media_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().to_owned();
        let body = self.read(response, ask, ask.most_bytes).await?;
        Ok(Answer {
            body,
            media_type,
            subject: self.subject(ask.path),
        })
    }

    /// Asks, and leaves the body to be read.
    ///
    /// # Errors
    /// A refusal, by its class; what does not begin in time.
    pub(super) async fn begin(&self, ask: &Ask<'_>) -> Result<Response> {
        let limit = Duration::from_millis(ask.patience.begin_ms);
        let sent = timeout(limit, Box::pin(self.send(ask))).await;
        let response = sent.map_err(|_| self.late(ask, ask.patience.begin_ms))??;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let told = self.read(response, ask, limits::PLEX_REFUSAL_BYTES).await;
        let told = String::from_utf8_lossy(&told.unwrap_or_default()).into_owned();
        let subject = self.subject(ask.path);
        Err(Trouble::refused(self.peer, status, &told, subject))
    }

    /// A connection that was kept may have been closed in the meantime: what only asks is asked once
    /// more, on a new one.
    async fn send(&self, ask: &Ask<'_>) -> Result<Response> {
        match self.request(ask)?.send().await {
            Err(error) if ask.verb == Verb::Get && !error.is_connect() && error.is_request() => {
                let again = self.request(ask)?.send().await;
                again.map_err(|error| self.broken(ask, &error))
            }
            sent => sent.map_err(|error| self.broken(ask, &error)),
        }
    }

    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder> {
        let method = match ask.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
        };
        let url = format!("{}{}", self.base, ask.path);
        let mut request = self.client.request(method, url);
        for (name, value) in ask.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &self.token {
            let header = HeaderValue::from_str(token.reveal());
            let mut header = header.map_err(|_| self.refused_token(ask))?;
            header.set_sensitive(true);
            request = request.header("X-Plex-Token", header);
        }
        Ok(request)
    }

    /// The body, where it has at most `most` bytes. Of a refusal its beginning will do.
    async fn read(&self, mut response: Response, ask: &Ask<'_>, most: usize) -> Result<Vec<u8>> {
        let refused = !response.status().is_success();
        let idle = Duration::from_millis(limits::PLEX_IDLE_MS);
        let mut body = Vec::new();
        loop {
            let piece = timeout(idle, response.chunk()).await;
            let piece = piece.map_err(|_| self.late(ask, limits::PLEX_IDLE_MS))?;
            let Some(piece) = piece.map_err(|error| self.broken(ask, &error))? else {
                return Ok(body);
            };
            let room = most.saturating_sub(body.len());
            if piece.len() <= room {
                body.extend_from_slice(&piece);
                continue;
            }
            if refused {
                body.extend_from_slice(piece.get(..room).unwrap_or_default());
                return Ok(body);
            }
            let why = format!("its answer has more than {most} bytes; ask for less at once");
            return Err(Trouble::new(Class::Malformed, self.subject(ask.path), why));
        }
    }

    /// Host and path, without what may be secret.
    pub(super) fn subject(&self, path: &str) -> String {
        let base = self
            .base
            .split_once("://")
            .map_or(&*self.base, |(_, rest)| rest);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        format!("{base}{}", shortened(path, 200))
    }

    fn late(&self, ask: &Ask<'_>, ms: u64) -> Trouble {
        let why = format!(
            "no answer in {} s; its disk may sleep, or it has too much to do",
            ms / 1_000
        );
        Trouble::new(Class::Busy, self.subject(ask.path), why)
    }

    fn refused_token(&self, ask: &Ask<'_>) -> Trouble {
        let why = "the token has letters that no token has; sign in again";
        Trouble::new(Class::Auth, self.subject(ask.path), why)
    }

    /// A connection that did not come about, or broke.
    pub(super) fn broken(&self, ask: &Ask<'_>, error: &reqwest::Error) -> Trouble {
        let root = root(error);
        let class = if error.is_decode() {
            Class::Malformed
        } else {
            Class::Unreachable
        };
        let why = if error.is_connect() && error.is_timeout() {
            format!(
                "nothing answers there in {} s",
                limits::PLEX_CONNECT_MS / 1_000
            )
        } else if error.is_connect() && root.contains("certificate") {
            format!("its certificate is not for this name: {root}")
        } else if error.is_connect() {
            format!("cannot connect: {root}; is the server on, and in this network?")
        } else {
            format!("the connection broke: {root}")
        };
        Trouble::new(class, self.subject(ask.path), why)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.base).finish()
    }
}

/// An address as a person may write it: `192.168.1.5:32400` will do.
pub(super) fn address(text: &str) -> Result<Url> {
    let text = text.trim();
    let refused = |why: &'static str| Trouble::new(Class::Unreachable, "the server's address", why);
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let hint = "it should look like http://192.168.1.5:32400";
    let mut url: Url = whole.parse().map_err(|_| refused(hint))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused(hint));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refused(
            "it holds a name, a password or a token, which belong elsewhere",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The headers of every request.
fn headers(identity: &Identity) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in identity.headers() {
        // A name that cannot be sent is not worth failing for.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    headers
}

/// Follows a server only to itself: a token goes along.
fn within_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = |url: &Url| {
        let host = url.host_str().map(str::to_owned);
        (url.scheme().to_owned(), host, url.port_or_known_default())
    };
    let from = attempt.previous().last().map(origin);
    if from == Some(origin(attempt.url())) && attempt.previous().len() <= limits::PLEX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The words at the bottom of an error. Those above may hold the whole address.
fn root(error: &reqwest::Error) -> String {
    let mut deepest = error.source();
    while let Some(next) = deepest.and_then(std::error::Error::source) {
        deepest = Some(next);
    }
    deepest.map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

/// Names and values for the part of an address behind `?`.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Query {
    /// Adds one. Everything that is no letter or digit is escaped: a server takes `+` for what it is
    /// in one place and for a space in another.
    pub(super) fn add(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        escape(&mut self.0, name);
        self.0.push('=');
        escape(&mut self.0, &value.to_string());
        self
    }

    /// Adds one that there may be.
    pub(super) fn maybe(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.add(name, value),
            None => self,
        }
    }

    /// Behind a path.
    pub(super) fn after(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// RFC 3986 §2.1: all but the unreserved characters.
pub(super) fn escape(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests;
