//! Bounded reads of a source: ranges of a file, or of what a server gives over HTTP.
//!
//! A [`Reader`] belongs to one demuxer and is read at a few places at once: the cursors of video
//! and audio, and now and then a table. It holds a fixed number of bytes, whatever it reads, and
//! has no task of its own: while nobody reads, nothing runs and nothing is fetched but what the
//! kernel's receive buffer holds. What a server makes while it is read has neither a length nor
//! ranges, and is read forward only. A reader knows no container and retries nothing by the clock;
//! when to try again is its user's decision.

mod file;
mod http;
mod playlist;

pub use playlist::{Playlist, Segment, Segments};

use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;
use std::path::Path;
use std::time::Duration;

/// The length of a source that is made while it is read: nobody knows it, and it ends when it does.
pub const ENDLESS: u64 = u64::MAX;

/// Reads ranges of one source.
#[derive(Debug)]
pub struct Reader {
    source: Source,
}

/// How a server gives what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long it lets wait before it begins to give.
    pub answers_after: Duration,
    /// How much comes in a second then; 0 where nothing was read that tells.
    pub bytes_per_second: u64,
}

/// What is expected of a file that is read for the first time.
#[derive(Debug, Clone)]
pub struct Expected {
    /// How long it is.
    pub len: u64,
    /// Ranges, as offset and length, of which one will be read as soon as the beginning is known: each
    /// of at most `limits::SOURCE_INDEX_BYTES`.
    pub ranges: Vec<(u64, usize)>,
    /// What an earlier reader told of its server.
    pub pace: Pace,
}

/// Where the bytes are.
#[derive(Debug)]
enum Source {
    File(file::Plain),
    Http(Box<http::Remote>),
    Live(Box<http::Live>),
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
        let source = Source::Http(Box::new(http::Remote::open(url, headers, None).await?));
        Ok(Self { source })
    }

    /// As `http`, of a file of which it is expected what will be read of it: where its server lets
    /// wait, that is asked for together with the beginning.
    ///
    /// # Errors
    /// As `http`.
    pub async fn http_expecting(
        url: &str,
        headers: &[(String, String)],
        expected: &Expected,
    ) -> Result<Self> {
        let remote = http::Remote::open(url, headers, Some(expected)).await?;
        let source = Source::Http(Box::new(remote));
        Ok(Self { source })
    }

    /// As `http`, of a file that is known to have `len` bytes: nothing is asked for before it is
    /// read. If it has another length by now, every read is an error of the item. `pace` is what an
    /// earlier reader told of its server.
    ///
    /// # Errors
    /// `Invalid`: the address or a header is none.
    pub fn http_known(
        url: &str,
        headers: &[(String, String)],
        (len, pace): (u64, Option<Pace>),
    ) -> Result<Self> {
        let remote = http::Remote::known(url, headers, len, pace)?;
        let source = Source::Http(Box::new(remote));
        Ok(Self { source })
    }

    /// Opens what a server makes at `url` while it is read: it is asked for once, as it comes, and
    /// [`Reader::len`] is [`ENDLESS`]. The beginning may take `limits::LIVE_ANSWER_MS`. Reads go
    /// forward; of what was passed only the last `limits::SOURCE_WINDOW_BYTES` can be read again.
    /// A read that gets fewer bytes than it asked for has come to the end.
    ///
    /// # Errors
    /// As `http`. Later, for good: of the connection, when it breaks off before the end.
    pub async fn live(url: &str, headers: &[(String, String)]) -> Result<Self> {
        let source = Source::Live(Box::new(http::Live::open(url, headers).await?));
        Ok(Self { source })
    }

    /// As `live`, of what is made in segments: `url` is that of a playlist that leads to them, and
    /// they are read one after the other as if they were one stream. They come from the same host.
    /// One that is not there yet is asked for again for `limits::SEGMENT_MADE_MS`. Some servers list
    /// those of the whole item wherever it is to begin: `begins` and the length of the item tell
    /// which ones of these are passed over.
    ///
    /// # Errors
    /// As `live`. Later, for good: of the connection, when a segment breaks off or is not made; of
    /// the item, when the playlist cannot be followed.
    pub async fn segments(
        url: &str,
        headers: &[(String, String)],
        (begins, whole): (Duration, Duration),
    ) -> Result<Self> {
        let live = http::Live::segments(url, headers, (begins, whole)).await?;
        let source = Source::Live(Box::new(live));
        Ok(Self { source })
    }

    /// How the server gives what it is asked for, as far as it was asked; `None` where it never was,
    /// for a file, and for what is asked for only once.
    #[must_use]
    pub fn pace(&self) -> Option<Pace> {
        match &self.source {
            Source::File(_) | Source::Live(_) => None,
            Source::Http(remote) => remote.pace(),
        }
    }

    /// Fetches ranges, as offset and length, that are likely to be read soon, side by side, where
    /// each would have to be waited for. At most `limits::SOURCE_FORESEEN_BYTES` of them,
    /// on `limits::SOURCE_FORESEEN` connections. What fails is left to be read.
    pub async fn foresee(&mut self, ranges: &[(u64, usize)]) {
        if let Source::Http(remote) = &mut self.source {
            remote.foresee(ranges).await;
        }
    }

    /// Fetches an index as a whole, if that is likely to take less time than reading it piece by
    /// piece, and if there is room for it: says whether all of it is held. It is held until
    /// [`Reader::settle`], or until the source is read in order.
    pub async fn hold(&mut self, offset: u64, len: u64) -> bool {
        match &mut self.source {
            Source::File(_) | Source::Live(_) => false,
            Source::Http(remote) => remote.hold(offset, len).await,
        }
    }

    /// Lets go of a whole index.
    pub fn settle(&mut self) {
        if let Source::Http(remote) = &mut self.source {
            remote.settle();
        }
    }

    /// Bytes of the source when it was opened; [`ENDLESS`] where it is made while it is read.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "nobody asks a source whether it is empty"
    )]
    pub fn len(&self) -> u64 {
        match &self.source {
            Source::File(plain) => plain.len(),
            Source::Http(remote) => remote.len(),
            Source::Live(_) => ENDLESS,
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
        self.read_as(Use::Media, offset, len).await
    }

    /// As `read`, of an index: little more is fetched than is asked for, since what follows is
    /// seldom wanted.
    ///
    /// # Errors
    /// As `read`.
    pub async fn read_index(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        self.read_as(Use::Index, offset, len).await
    }

    async fn read_as(&mut self, used: Use, offset: u64, len: usize) -> Result<Bytes> {
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
            Source::Http(remote) => remote.read(used, offset, len).await,
            Source::Live(live) => live.read(offset, len).await,
        }
    }
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Pictures and sound, which are read in order.
    Media,
    /// Tables, which are read here and there.
    Index,
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
