//! Reading a file over HTTP: the same bytes as on the disk, whatever the server does, and how many
//! requests and bytes that takes. Real sockets on loopback, so real time.

#[path = "fetch_http/ahead.rs"]
mod ahead;
#[path = "fetch_http/faults.rs"]
mod faults;
#[path = "fetch_http/joins.rs"]
mod joins;
#[path = "fetch_http/live.rs"]
mod live;
#[path = "fetch_http/reads.rs"]
mod reads;
#[path = "support/source.rs"]
mod source;

use exstreamtv::error::{Error, Failure, Result};
use exstreamtv::fetch::Reader;
use source::SourceServer;
use tempfile::TempDir;

/// A server with one file of a few megabytes, `a film.mkv`.
struct Library {
    server: SourceServer,
    bytes: Vec<u8>,
    folder: TempDir,
}

const NAME: &str = "a film.mkv";

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
