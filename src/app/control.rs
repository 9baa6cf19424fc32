//! The client of the control socket: how a command speaks to the running box.
//!
//! It knows nothing of the box but the words of its API; what it shows is what the box said.

use super::state;
use crate::error::{Error, Result};
use crate::limits;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

/// Name of the control socket in the state folder.
pub(super) const SOCKET: &str = "control.sock";

/// Largest answer, or line of one, that is taken.
const ANSWER_BYTES: usize = 64 << 20;

/// How long the box may take to begin an answer. Looking through the libraries begins at once too
/// and then tells how far it is.
const BEGIN: Duration = Duration::from_secs(60);

/// How long it may take to look a backup through and put it in place.
const RESTORED: Duration = Duration::from_millis(limits::CONTROL_ANSWER_MS);

/// How long a box that is starting may take to open its control socket, which it does first.
const STARTING: Duration = Duration::from_millis(500);

/// The way to the box on a state folder.
#[derive(Debug)]
pub(super) struct Control {
    folder: PathBuf,
}

/// What the box answers, as it comes.
#[derive(Debug)]
pub(super) struct Answer {
    body: Incoming,
    read: BytesMut,
}

impl Control {
    /// The box on this folder, or on the usual one; running or not.
    ///
    /// # Errors
    /// Where there is no usual folder.
    pub(super) fn of(folder: Option<PathBuf>) -> Result<Self> {
        let folder = folder.map_or_else(state::usual_folder, Ok)?;
        Ok(Self { folder })
    }

    /// Its state folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a box runs there. One that this user may not speak to does, and says so itself.
    pub(super) async fn is_running(&self) -> bool {
        let connected = connect(&self.folder.join(SOCKET)).await;
        connected.map_or_else(|error| !may_be_starting(&error), |_| true)
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// No box is running there, or it refuses, in its own words.
    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, Bytes::new())
            .await?
            .whole()
            .await
    }

    /// Has something changed; the answer is a document.
    ///
    /// # Errors
    /// See [`Control::get`].
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let body = Bytes::from(body.to_string());
        self.send(Method::POST, path, body).await?.whole().await
    }

    /// Has something done that tells how far it is.
    ///
    /// # Errors
    /// See [`Control::get`].
    pub(super) async fn start(&self, path: &str) -> Result<Answer> {
        self.send(Method::POST, path, Bytes::new()).await
    }

    /// Asks for something that is not a document.
    ///
    /// # Errors
    /// See [`Control::get`].
    pub(super) async fn read(&self, path: &str) -> Result<Answer> {
        let request = (Method::GET, path, Bytes::new());
        self.send_for(RESTORED, request).await
    }

    /// Gives the box something that is not a document; the answer is one.
    ///
    /// # Errors
    /// See [`Control::get`].
    pub(super) async fn give(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = (Method::POST, path, Bytes::from(body));
        self.send_for(RESTORED, request).await?.whole().await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Answer> {
        self.send_for(BEGIN, (method, path, body)).await
    }

    /// Sends, and waits so long for the answer to begin.
    async fn send_for(
        &self,
        patience: Duration,
        (method, path, body): (Method, &str, Bytes),
    ) -> Result<Answer> {
        let socket = self.folder.join(SOCKET);
        let stream = connect(&socket)
            .await
            .map_err(|error| self.unreachable(&socket, &error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| Error::invalid("request", error.to_string()))?;
        let response = timeout(patience, sender.send_request(request))
            .await
            .map_err(|_| Error::invalid("the box", "it does not answer; is the machine busy?"))?
            .map_err(|error| broken(&error))?;
        let status = response.status();
        let answer = Answer {
            body: response.into_body(),
            read: BytesMut::new(),
        };
        if status.is_success() {
            Ok(answer)
        } else {
            Err(answer.refusal(status).await)
        }
    }

    /// Why there is no connection, and what can be done about it.
    fn unreachable(&self, socket: &Path, error: &std::io::Error) -> Error {
        let folder = self.folder.display();
        match error.kind() {
            _ if may_be_starting(error) => Error::invalid(
                format!("no box is running on {folder}"),
                format!("start it with `exstreamtv serve --state {folder}`"),
            ),
            ErrorKind::PermissionDenied => Error::invalid(
                format!("the box on {folder} belongs to another user"),
                "run this command as that user, or as root",
            ),
            _ => Error::io("reach the box at", socket.display().to_string(), error),
        }
    }
}

impl Answer {
    /// The next line, without its end; `None` after the last.
    ///
    /// # Errors
    /// Where the box ends in the middle, or sends a line without end.
    pub(super) async fn line(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(end) = self.read.iter().position(|&byte| byte == b'\n') {
                let line = self.read.split_to(end.saturating_add(1)).freeze();
                return Ok(Some(line.slice(..end)));
            }
            if !self.more().await? {
                let rest = self.read.split().freeze();
                return Ok((!rest.is_empty()).then_some(rest));
            }
        }
    }

    /// What has come next; `None` at the end.
    ///
    /// # Errors
    /// Where the box ends in the middle.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.read.is_empty() && !self.more().await? {
            return Ok(None);
        }
        Ok(Some(self.read.split().freeze()))
    }

    /// All of it, as a document.
    async fn whole(mut self) -> Result<Value> {
        while self.more().await? {}
        serde_json::from_slice(&self.read)
            .map_err(|error| Error::invalid("the box's answer", error.to_string()))
    }

    /// What the box says when it does not do what it was asked.
    async fn refusal(mut self, status: hyper::StatusCode) -> Error {
        while matches!(self.more().await, Ok(true)) {}
        let said = String::from_utf8_lossy(&self.read);
        let words = serde_json::from_str(&said)
            .ok()
            .and_then(|value: Value| Some(value.get("error")?.as_str()?.to_owned()))
            .unwrap_or_else(|| said.trim().to_owned());
        if words.is_empty() {
            Error::invalid("the box refuses", status.to_string())
        } else {
            Error::invalid("the box refuses", words)
        }
    }

    /// Takes in what comes next; false at the end.
    async fn more(&mut self) -> Result<bool> {
        let Some(frame) = self.body.frame().await else {
            return Ok(false);
        };
        let frame = frame.map_err(|error| broken(&error))?;
        if let Some(bytes) = frame.data_ref() {
            let got = self.read.len().saturating_add(bytes.len());
            if got > ANSWER_BYTES {
                return Err(Error::OverLimit {
                    what: "length of the box's answer in bytes",
                    got: u64::try_from(got).unwrap_or(u64::MAX),
                    limit: ANSWER_BYTES as u64,
                });
            }
            self.read.extend_from_slice(bytes);
        }
        Ok(true)
    }
}

/// Connects, also to a box that was started a moment ago: `exstreamtv serve &` with the next
/// command right behind it.
async fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    let patience = Instant::now() + STARTING;
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if may_be_starting(&error) && Instant::now() < patience => {
                sleep(STARTING / 20).await;
            }
            connected => return connected,
        }
    }
}

fn may_be_starting(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}

fn broken(error: &hyper::Error) -> Error {
    Error::invalid("the connection to the box broke", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Control, SOCKET};
    use serde_json::json;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    /// A box that answers one request like this, whatever it is.
    fn fake(answer: &'static str) -> (TempDir, Control) {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join(SOCKET)).unwrap();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let _ = client.read(&mut [0; 4096]).await.unwrap();
            for piece in answer.as_bytes().chunks(7) {
                client.write_all(piece).await.unwrap();
            }
        });
        let control = Control::of(Some(place.path().to_owned())).unwrap();
        (place, control)
    }

    #[tokio::test]
    async fn an_answer_is_a_document() {
        let (_place, control) = fake("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[1,\"x\"]");
        assert_eq!(control.get("/api/channels").await.unwrap(), json!([1, "x"]));
    }

    #[tokio::test]
    async fn lines_come_one_by_one_however_they_are_cut() {
        let (_place, control) = fake(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"done\":1}\n{\"done\":2}\n\n{\"end\":3}",
        );
        let mut answer = control.start("/api/sync").await.unwrap();
        for line in ["{\"done\":1}", "{\"done\":2}", "", "{\"end\":3}"] {
            assert_eq!(answer.line().await.unwrap().unwrap(), line);
        }
        assert_eq!(answer.line().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_words_of_the_box() {
        let (_place, control) =
            fake("HTTP/1.1 400 Bad Request\r\nContent-Length: 22\r\n\r\nThere is no folder /x.\n");
        let words = control.get("/").await.unwrap_err().to_string();
        assert_eq!(words, "the box refuses: There is no folder /x.");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_no_success() {
        let (_place, control) = fake("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,\"x\"]");
        let words = control.get("/").await.unwrap_err().to_string();
        assert!(words.contains("the connection to the box broke"), "{words}");
    }

    #[tokio::test]
    async fn where_no_box_runs_it_says_how_to_start_one() {
        let place = tempfile::tempdir().unwrap();
        let control = Control::of(Some(place.path().to_owned())).unwrap();
        let absent = control.get("/").await.unwrap_err().to_string();
        drop(UnixListener::bind(place.path().join(SOCKET)).unwrap());
        let left_behind = control.get("/").await.unwrap_err().to_string();
        assert_eq!(absent, left_behind);
        let start = format!("exstreamtv serve --state {}", place.path().display());
        assert!(
            absent.contains("no box is running") && absent.contains(&start),
            "{absent}"
        );
    }
}
