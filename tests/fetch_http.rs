//! Reading a file over HTTP: the same bytes as on the disk, whatever the server does, and how many
//! requests and bytes that takes. Real sockets on loopback, so real time.

#[path = "fetch_http/ahead.rs"]
mod ahead;
#[path = "fetch_http/expected.rs"]
mod expected;
#[path = "fetch_http/faults.rs"]
mod faults;
#[path = "support/film.rs"]
mod film;
#[path = "fetch_http/joins.rs"]
mod joins;
#[path = "fetch_http/live.rs"]
mod live;
#[path = "fetch_http/reads.rs"]
mod reads;
#[path = "fetch_http/segments.rs"]
mod segments;
#[path = "support/source.rs"]
mod source;

use exstreamtv::error::{Error, Failure, Result};
use exstreamtv::fetch::Reader;
use source::{Answer, SourceServer};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// A server with one file of a few megabytes, `a film.mkv`.
struct Library {
    server: SourceServer,
    bytes: Vec<u8>,
    folder: TempDir,
}

const NAME: &str = "a film.mkv";

/// Held by who holds whole indexes: there is room for few of them in the whole process.
static ROOM: Mutex<()> = Mutex::const_new(());

impl Library {
    fn new(len: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
        std::fs::write(folder.path().join(NAME), &bytes).unwrap();
        let server = SourceServer::start(folder.path());
        Self {
            server,
            bytes,
            folder,
        }
    }

    async fn open(&self) -> Result<Reader> {
        Reader::http(&self.server.url(NAME), &[]).await
    }

    /// Bytes of bodies that the server has counted. It counts what it has sent, so that the reader
    /// may have it before: so many are waited for.
    async fn given(&self, expected: u64) -> u64 {
        let begun = Instant::now();
        loop {
            let given = self.server.counts().body_bytes;
            if given >= expected || begun.elapsed() > Duration::from_secs(5) {
                return given;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Reads, and sees that it is what the file holds.
    async fn read(&self, reader: &mut Reader, offset: usize, len: usize) -> Result<()> {
        let got = reader.read(offset as u64, len).await?;
        let end = (offset + len).min(self.bytes.len());
        assert!(got == self.bytes[offset..end], "{offset} +{len} is wrong");
        Ok(())
    }
}

/// Whom an error concerns, with its words.
fn told(error: &Error) -> (Failure, String) {
    (error.failure(), error.to_string())
}

/// What a server may answer in place of a file or a stream: whom that concerns, and in which words.
fn refusals() -> Vec<(Answer, Failure, &'static str)> {
    let (item, auth, connection) = (Failure::Item, Failure::Auth, Failure::Connection);
    let not_http = "the server's answer is not HTTP";
    let too_long = "the head of the server's answer is too long";
    let headed = |lines: &str| Answer::Raw(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").into_bytes());
    vec![
        (
            Answer::Status(404),
            item,
            "it is no longer there (404 Not Found)",
        ),
        (
            Answer::Status(410),
            item,
            "it is no longer there (410 Gone)",
        ),
        (
            Answer::Status(400),
            item,
            "the server answers 400 Bad Request",
        ),
        (
            Answer::Status(401),
            auth,
            "the server does not let us read it (401 Unauthorized)",
        ),
        (
            Answer::Status(503),
            connection,
            "the server is in trouble (503 Service Unavailable)",
        ),
        (
            Answer::Page,
            connection,
            "the server sends a web page instead",
        ),
        (
            Answer::Nothing,
            connection,
            "the server closed the connection without an answer",
        ),
        (
            Answer::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
            connection,
            not_http,
        ),
        (Answer::Raw(vec![0x16; 100_000]), connection, not_http),
        (
            headed(&format!("X: {}\r\n", "y".repeat(17_000))),
            connection,
            too_long,
        ),
        (headed(&"X: y\r\n".repeat(65)), connection, too_long),
        (
            Answer::Redirect("ftp://127.0.0.1/x".to_owned()),
            item,
            "it leads to where this box cannot follow",
        ),
        (
            Answer::Redirect("/a%20film.mkv".to_owned()),
            item,
            "it redirects too often",
        ),
    ]
}

/// Sees that what is opened as `open` does is refused in these words, which name it and tell no
/// secret.
async fn assert_refused(
    (answer, failure, why): (Answer, Failure, &str),
    open: impl AsyncFn(&str, &[(String, String)]) -> Result<Reader>,
) {
    let library = Library::new(1 << 20);
    library.server.answer(answer.clone());
    let url = library.server.url(NAME) + "?token=secret";
    let headers = [("X-Plex-Token".to_owned(), "secret".to_owned())];
    let error = open(&url, &headers).await.unwrap_err();
    let address = library.server.address();
    let words = format!("cannot read {address}/a%20film.mkv: {why}");
    assert_eq!(told(&error), (failure, words), "{answer:?}");
}
