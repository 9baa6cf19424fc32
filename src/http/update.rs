//! Updates over the network: whoever knows the owner's pairing code may send a bundle. It goes on to
//! the updater as it comes and is kept nowhere here; what the updater says goes back.
//!
//! `GET /api/update`, `POST /api/update` and `POST /api/update/restart`; `docs/updates.md` has the
//! proof and the lines.

use super::House;
use super::answer::{Answer, Kind, Sharing, raw_head};
use super::connection::{Caller, write_in_time};
use super::head::{Head, Method};
use crate::error::{self, Error};
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::pairing::{Nonces, Pairing, Stale};
use crate::system::updater::{self, Answers, Ask, Broken, Conversation, Outcome, Status};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// How long a client that still sends is listened to once it has been answered.
const LISTEN: Duration = Duration::from_secs(5);

/// The way to the updater, and who may go it.
#[derive(Debug)]
pub struct Updates {
    socket: Option<PathBuf>,
    pairing: Option<Pairing>,
    nonces: Nonces,
    /// Who waits to be looked at, and who is.
    waiting: Semaphore,
    trying: Semaphore,
    passing: Semaphore,
    looking: Semaphore,
    seen: Mutex<Seen>,
}

/// What the updater said last, and when that was.
#[derive(Debug, Default)]
struct Seen {
    at: Option<Instant>,
    status: Option<Arc<Status>>,
}

/// What a request wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// A bundle written.
    Install,
    /// The machine restarted.
    Restart,
}

/// One request at a door.
pub(super) struct Door<'a> {
    pub(super) house: &'a House,
    pub(super) caller: Caller,
    pub(super) shutdown: Shutdown,
}

/// The document at `/api/update`.
#[derive(Serialize)]
struct View<'a> {
    available: bool,
    authorised: bool,
    nonce: Option<String>,
    salt: Option<String>,
    rounds: Option<u32>,
    #[serde(flatten)]
    status: Option<&'a Status>,
}

/// Why a request is not let in: the status and a sentence.
type Refused = (u16, &'static str);

impl Updates {
    /// The updater at `socket`, where there is one, for those who know the code of `pairing`, where
    /// one is set.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn new(socket: Option<PathBuf>, pairing: Option<Pairing>) -> error::Result<Self> {
        Ok(Self {
            socket,
            pairing,
            nonces: Nonces::new()?,
            waiting: Semaphore::new(limits::UPDATE_TRIES),
            trying: Semaphore::new(1),
            passing: Semaphore::new(limits::UPDATES_AT_ONCE),
            looking: Semaphore::new(1),
            seen: Mutex::default(),
        })
    }

    /// Asks the updater how it is, unless that was done just now or somebody else is at it.
    pub(super) async fn look(&self) {
        let Some(socket) = &self.socket else {
            return;
        };
        let fresh = Duration::from_millis(limits::UPDATER_STATUS_MS);
        let Ok(_turn) = self.looking.try_acquire() else {
            return;
        };
        if self.held().at.is_some_and(|at| at.elapsed() < fresh) {
            return;
        }
        let status = match updater::ask(socket, Ask::Status).await {
            Ok(updater::Answer::Status(status)) => Some(Arc::from(status)),
            Ok(other) => {
                log::debug!("the updater does not say how it is, but {other:?}");
                None
            }
            Err(error) => {
                log::debug!("{error}");
                None
            }
        };
        *self.held() = Seen {
            at: Some(Instant::now()),
            status,
        };
    }

    /// What the updater said when it was asked last.
    pub(super) fn seen(&self) -> Option<Arc<Status>> {
        self.held().status.clone()
    }

    /// From now on what was seen counts no more.
    fn forget(&self) {
        self.held().at = None;
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets in who shows that it knows the code, once for each nonce. After somebody who does not,
    /// the next one waits.
    async fn admit(&self, head: &Head) -> Result<(), Refused> {
        let Some(pairing) = &self.pairing else {
            return Err((
                401,
                "No pairing code is set. Write a line such as pairing_code = \"eight or more \
                 characters\" into exstreamtv.txt on the boot partition of the card, and start the \
                 box again.",
            ));
        };
        let authorization = head.authorization.as_deref().and_then(credentials);
        let Some((nonce, proof)) = authorization else {
            return Err((
                401,
                "This needs the pairing code of the box; scripts/ota asks for it.",
            ));
        };
        let stale = (
            401,
            "The nonce is not to be used any more; ask for another one.",
        );
        if !self.nonces.is_fresh(nonce, Instant::now()) {
            return Err(stale);
        }
        let busy = (
            429,
            "Too many try at the same time; try again in a few seconds.",
        );
        let _waiting = self.waiting.try_acquire().map_err(|_| busy)?;
        let _turn = self.trying.acquire().await.map_err(|_| busy)?;
        if !pairing.proves(nonce, proof) {
            sleep(Duration::from_millis(limits::UPDATE_TRY_MS)).await;
            return Err((401, "The pairing code is wrong."));
        }
        self.nonces
            .spend(nonce, Instant::now())
            .map_err(|why| match why {
                Stale::Gone => stale,
                Stale::Busy => busy,
            })
    }
}

impl Order {
    /// What a request wants done; `None` for one that is about something else.
    pub(super) fn asked(head: &Head) -> Option<Self> {
        match (head.method, head.path.as_str()) {
            (Method::Post, "/api/update") => Some(Self::Install),
            (Method::Post, "/api/update/restart") => Some(Self::Restart),
            _ => None,
        }
    }
}

/// The nonce and the proof in `Pairing nonce=HEX, proof=HEX`, in either order (RFC 9110 §11.4).
fn credentials(authorization: &str) -> Option<(&str, &str)> {
    let (scheme, parameters) = authorization.split_once(' ')?;
    let value = |name: &str| {
        let mut pairs = parameters
            .split(',')
            .filter_map(|pair| pair.split_once('='));
        let value = pairs.find(|(key, _)| key.trim() == name)?.1.trim();
        Some(value.trim_matches('"'))
    };
    let named = scheme.eq_ignore_ascii_case("Pairing");
    Some((value("nonce")?, value("proof")?)).filter(|_| named)
}

/// `GET /api/update`.
pub(super) async fn view(house: &House) -> Answer {
    let updates = &house.updates;
    updates.look().await;
    let status = updates.seen();
    let pairing = updates.pairing.as_ref();
    let nonce = pairing
        .map(|_| updates.nonces.issue(Instant::now()))
        .transpose();
    match nonce {
        Ok(nonce) => Answer::json(&View {
            available: status.is_some(),
            authorised: pairing.is_some(),
            nonce,
            salt: pairing.map(Pairing::salt),
            rounds: pairing.map(Pairing::rounds),
            status: status.as_deref(),
        }),
        Err(error) => Answer::words(500, &format!("{error}.")),
    }
}

/// What the page says of an update that is on its way.
pub(super) fn notice(status: &Status) -> Option<String> {
    if let Some(progress) = status.installing {
        let percent = progress.written.saturating_mul(100) / progress.of.max(1);
        return Some(format!(
            "An update is being written to the card: {percent} %."
        ));
    }
    let version = status.waiting()?;
    Some(format!(
        "Version {version} has been written to the card and is tried when the box starts again."
    ))
}

/// What the page says of an update that did not work out.
pub(super) fn trouble(status: &Status) -> Option<String> {
    let last = status.last.as_ref()?;
    let version = match &last.version {
        Some(version) => format!("version {version}"),
        None => "another version".to_owned(),
    };
    let why = &last.why;
    match last.outcome {
        Outcome::Failed => Some(format!("The update to {version} did not work out. {why}")),
        Outcome::Left => Some(format!("The box has left {version}. {why}")),
        Outcome::Kept | Outcome::Refused => None,
    }
}

impl Door<'_> {
    /// Answers one request: lets it in or not, and has the updater do what it asks.
    pub(super) async fn answer<R, W>(
        mut self,
        order: Order,
        head: &Head,
        body: &mut R,
        writer: &mut W,
    ) where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let mut shutdown = self.shutdown.clone();
        let done = tokio::select! {
            () = shutdown.stopped() => return,
            done = self.obey(order, head, body, writer) => done,
        };
        self.house.updates.forget();
        if let Err((status, words)) = done {
            let answer = self.words(status, &words);
            let _ = write_in_time(writer, answer.as_bytes()).await;
        }
        // A client that is answered in the middle of its bundle must be able to read the answer.
        if writer.shutdown().await.is_ok() {
            let _ = timeout(LISTEN, dropped(body, head.body_bytes.unwrap_or(0))).await;
        }
    }

    async fn obey<R, W>(
        &mut self,
        order: Order,
        head: &Head,
        body: &mut R,
        writer: &mut W,
    ) -> Result<(), (u16, String)>
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let updates = &self.house.updates;
        let plain = |(status, words): Refused| (status, words.to_owned());
        let Some(socket) = &updates.socket else {
            return Err(plain((
                503,
                "There is no updater here: update the program the way it was installed.",
            )));
        };
        let bytes = match (order, head.body_bytes) {
            (Order::Restart, _) => 0,
            (Order::Install, None) => {
                return Err(plain((
                    411,
                    "The request does not say how long the bundle is.",
                )));
            }
            (Order::Install, Some(bytes)) if bytes > limits::BUNDLE_BYTES => {
                return Err(plain((
                    413,
                    "The bundle is larger than any that fits into a slot.",
                )));
            }
            (Order::Install, Some(bytes)) => bytes,
        };
        if self.caller != Caller::Owner {
            updates.admit(head).await.map_err(plain)?;
        }
        let away = |error: Error| (503, format!("{error}."));
        match order {
            Order::Restart => {
                let answer = updater::ask(socket, Ask::Restart).await.map_err(away)?;
                self.say(&answer, writer).await;
                Ok(())
            }
            Order::Install => {
                let busy = (503, "Updates are being sent already.");
                let _turn = updates.passing.try_acquire().map_err(|_| plain(busy))?;
                let bundle = begin(socket, bytes).await.map_err(away)?;
                self.pass_on(bundle, bytes, head, body, writer).await;
                Ok(())
            }
        }
    }

    /// Passes a bundle on and the updater's lines back, until one of the two has come to its end.
    async fn pass_on<R, W>(
        &self,
        conversation: Conversation,
        bytes: u64,
        head: &Head,
        body: &mut R,
        writer: &mut W,
    ) where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        if head.waits
            && write_in_time(writer, b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .is_err()
        {
            return;
        }
        let now_ms = self.house.now_ms();
        let answer = raw_head(200, Kind::JsonLines, None, Sharing::SameSite, &[], now_ms);
        if write_in_time(writer, answer.as_bytes()).await.is_err() {
            return;
        }
        let Conversation {
            answers,
            mut bundle,
        } = conversation;
        let mut told = Box::pin(relay(answers, writer));
        let mut sent = Box::pin(updater::pass_on(body, &mut bundle, bytes));
        tokio::select! {
            () = &mut told => return,
            sent = &mut sent => match sent {
                Ok(()) | Err(Broken::Updater) => {}
                Err(Broken::Source(error)) => {
                    log::info!("a client broke off its update: {error}");
                    return;
                }
            },
        }
        told.await;
    }

    async fn say(&self, answer: &updater::Answer, writer: &mut (impl AsyncWrite + Unpin)) {
        let body = line(answer);
        let (length, now_ms) = (Some(body.len()), self.house.now_ms());
        let mut words = raw_head(200, Kind::Json, length, Sharing::SameSite, &[], now_ms);
        words.push_str(&body);
        let _ = write_in_time(writer, words.as_bytes()).await;
    }

    /// A sentence with its head.
    fn words(&self, status: u16, words: &str) -> String {
        let scheme = [("WWW-Authenticate", "Pairing")];
        let extra = if status == 401 { &scheme[..] } else { &[] };
        let (length, now_ms) = (Some(words.len() + 1), self.house.now_ms());
        let mut answer = raw_head(status, Kind::Text, length, Sharing::SameSite, extra, now_ms);
        answer.push_str(words);
        answer.push('\n');
        answer
    }
}

/// Tells the updater that a bundle comes.
async fn begin(socket: &Path, bytes: u64) -> error::Result<Conversation> {
    let patience = Duration::from_millis(limits::UPDATER_ANSWER_MS);
    let asked = Conversation::begin(socket, Ask::Install { bytes: Some(bytes) });
    let late = |_| Error::invalid("the updater", "it does not answer in time");
    timeout(patience, asked).await.map_err(late)?
}

/// Says what the updater says, to the last line.
async fn relay(mut answers: Answers, writer: &mut (impl AsyncWrite + Unpin)) {
    loop {
        let answer = answers
            .next()
            .await
            .unwrap_or_else(|error| updater::Answer::Failed {
                failed: format!("{error}."),
            });
        let heard = write_in_time(writer, line(&answer).as_bytes()).await;
        if heard.is_err() || !matches!(answer, updater::Answer::Progress(_)) {
            return;
        }
    }
}

fn line(answer: &updater::Answer) -> String {
    let text = serde_json::to_string(answer);
    text.unwrap_or_default() + "\n"
}

/// Reads what a client still says, as much as it has announced, and drops it.
async fn dropped(body: &mut (impl AsyncRead + Unpin), bytes: u64) {
    let mut scratch = vec![0; limits::UPDATE_PIECE_BYTES];
    let mut body = body.take(bytes.min(limits::BUNDLE_BYTES));
    while matches!(body.read(&mut scratch).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::credentials;

    #[test]
    fn credentials_are_read_in_either_order() {
        let both = Some(("00ff", "11ee"));
        for (text, read) in [
            ("Pairing nonce=00ff, proof=11ee", both),
            ("pairing proof=\"11ee\",nonce=\"00ff\"", both),
            ("Bearer nonce=00ff, proof=11ee", None),
            ("Pairing nonce=00ff", None),
            ("Pairing", None),
            ("", None),
        ] {
            assert_eq!(credentials(text), read, "{text}");
        }
    }
}
