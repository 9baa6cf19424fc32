//! Bounded reads of a source: ranges of a file, or of what a server gives over HTTP.
//!
//! A [`Reader`] belongs to one demuxer and is read at a few places at once: the cursors of video
//! and audio, and now and then a table. It holds a fixed number of bytes, whatever it reads, and
//! has no task of its own: while nobody reads, nothing runs and nothing is fetched but what the
//! kernel's receive buffer holds. It knows no container and retries nothing by the clock; when
//! to try again is its user's decision.

mod file;
mod http;

use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;
use std::path::Path;

/// Reads ranges of one source.
#[derive(Debug)]
pub struct Reader {
    source: Source,
}

/// Where the bytes are.
#[derive(Debug)]
enum Source {
    File(file::Plain),
    Http(Box<http::Remote>),
}

impl Reader {
    /// Opens a plain file. Its length is taken now: what is appended later is not seen.
    ///
    /// # Errors
    /// `Io` with the file's name: it is not there, may not be read, or is not a plain file.
    pub async fn open(path: &Path) -> Result<Self> {
        let source = Source::File(file::Plain::open(path).await?);
        Ok(Self { source })
    }

    /// Opens what a server gives at `url`, of the scheme `http` or `https`, and asks for its
    /// beginning; the
    /// headers go with each request, but never to another host. Its length is taken now: a file
    /// that is replaced later by one of another length is an error.
    ///
    /// # Errors
    /// `Invalid`: the address or a header is none. `Source` with host and path, and with whom the
    /// failure concerns: the server cannot be reached, does not answer in time or in HTTP, or does
    /// not give the file.
    pub async fn http(url: &str, headers: &[(String, String)]) -> Result<Self> {
        let source = Source::Http(Box::new(http::Remote::open(url, headers).await?));
        Ok(Self { source })
    }

    /// Bytes of the source when it was opened.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "nobody asks a source whether it is empty"
    )]
    pub fn len(&self) -> u64 {
        match &self.source {
            Source::File(plain) => plain.len(),
            Source::Http(remote) => remote.len(),
        }
    }

    /// Exactly `len` bytes from `offset`; fewer only where the source ends. Small ones are a copy
    /// of just that size; those of `SHARED_BYTES` and more may share a buffer of at most
    /// `limits::BLOCK_BYTES` with their neighbours.
    ///
    /// Dropping the future at any point is safe. What was received stays with the reader, and what
    /// was asked for is waited for by the next read.
    ///
    /// # Errors
    /// `OverLimit` when `len` is over `limits::SAMPLE_BYTES`; `Io` with the file's name when it
    /// cannot be read or has become shorter since it was opened; `Source` when a server fails. The
    /// reader stays usable: the next read tries anew.
    pub async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        if len > limits::SAMPLE_BYTES {
            return Err(Error::OverLimit {
                what: "bytes in one read",
                got: as_u64(len),
                limit: as_u64(limits::SAMPLE_BYTES),
            });
        }
        let left = self.len().saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        match &mut self.source {
            Source::File(plain) => plain.read(offset, len).await,
            Source::Http(remote) => remote.read(offset, len).await,
        }
    }
}

/// Reads of at least this size may be a part of the buffer that they were received in. What is
/// smaller would hold much more memory than it is, and costs little to copy.
const SHARED_BYTES: usize = 16 << 10;

/// A part of a buffer to give away; `None` where the buffer does not hold all of it.
fn part(buffer: &Bytes, from: usize, len: usize) -> Option<Bytes> {
    let to = from.checked_add(len)?;
    let found = buffer.get(from..to)?;
    Some(if len < SHARED_BYTES {
        Bytes::copy_from_slice(found)
    } else {
        buffer.slice(from..to)
    })
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
