//! Bounded reads of a source: ranges of a file, on the blocking pool, never on the runtime.
//!
//! A [`Reader`] belongs to one demuxer. Small reads are served from a few cached blocks, so
//! that a demuxer's cursors (video, audio, tables) do not push each other out; larger ones go
//! straight into a buffer of their own. It holds no more than that, follows no cursor and reads
//! nothing ahead. What is not a plain file is refused before it is opened: a FIFO would wait for
//! ever.

use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Blocks that are kept, the one used last in front.
const BLOCKS: usize = 3;

/// Bytes of one block.
const BLOCK_BYTES: usize = limits::BLOCK_BYTES / 2;

/// Reads of at least this size have a buffer of their own. A table window is just as large, so
/// that walking a table does not evict the blocks of the cursors.
const LARGE_BYTES: usize = limits::TABLE_WINDOW_BYTES;

/// Reads ranges of one source.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    name: String,
    len: u64,
    /// At most [`BLOCKS`], the one used last in front.
    blocks: Vec<Block>,
}

/// Where the bytes are.
#[derive(Debug)]
enum Source {
    File(Arc<File>),
}

#[derive(Debug)]
struct Block {
    offset: u64,
    bytes: Vec<u8>,
}

impl Reader {
    /// Opens a plain file. Its length is taken now: what is appended later is not seen.
    ///
    /// # Errors
    /// `Io` with the file's name: it is not there, may not be read, or is not a plain file.
    pub async fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let path = path.to_owned();
        let opened = off_the_runtime(move || {
            if !std::fs::metadata(&path)?.is_file() {
                return Err(io::Error::other("it is not a plain file"));
            }
            let file = File::open(&path)?;
            let len = file.metadata()?.len();
            Ok((file, len))
        });
        let (file, len) = opened
            .await?
            .map_err(|error| Error::io("open", &name, &error))?;
        Ok(Self {
            source: Source::File(Arc::new(file)),
            name,
            len,
            blocks: Vec::with_capacity(BLOCKS),
        })
    }

    /// Bytes of the source when it was opened.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "nobody asks a source whether it is empty"
    )]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Exactly `len` bytes from `offset`; fewer only where the source ends. The bytes are a copy
    /// of just that size: holding them holds no block.
    ///
    /// Dropping the future is safe; it costs a cached block at most.
    ///
    /// # Errors
    /// `OverLimit` when `len` is over `limits::SAMPLE_BYTES`; `Io` with the file's name when it
    /// cannot be read or has become shorter since it was opened.
    pub async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        if len > limits::SAMPLE_BYTES {
            return Err(Error::OverLimit {
                what: "bytes in one read",
                got: as_u64(len),
                limit: as_u64(limits::SAMPLE_BYTES),
            });
        }
        let len = self.clamp(offset, len);
        if len == 0 {
            return Ok(Bytes::new());
        }
        if let Some(at) = self
            .blocks
            .iter()
            .position(|b| b.get(offset, len).is_some())
        {
            let used = self.blocks.remove(at);
            self.blocks.insert(0, used);
        } else if len < LARGE_BYTES {
            self.load_block(offset).await?;
        } else {
            return Ok(Bytes::from(self.fill(offset, vec![0; len]).await?));
        }
        let cached = self.blocks.first().and_then(|b| b.get(offset, len));
        cached
            .map(Bytes::copy_from_slice)
            .ok_or_else(|| self.shrunk())
    }

    /// As much of `len` as there is from `offset` on.
    fn clamp(&self, offset: u64, len: usize) -> usize {
        let left = self.len.saturating_sub(offset);
        usize::try_from(left).map_or(len, |left| len.min(left))
    }

    /// Puts the block that begins at `offset` in front, in the buffer of the one unused longest.
    async fn load_block(&mut self, offset: u64) -> Result<()> {
        let mut buffer = if self.blocks.len() == BLOCKS {
            self.blocks.pop().map(|b| b.bytes).unwrap_or_default()
        } else {
            Vec::new()
        };
        buffer.resize(self.clamp(offset, BLOCK_BYTES), 0);
        let bytes = self.fill(offset, buffer).await?;
        self.blocks.insert(0, Block { offset, bytes });
        Ok(())
    }

    /// Fills the whole buffer from the source.
    async fn fill(&self, offset: u64, mut buffer: Vec<u8>) -> Result<Vec<u8>> {
        let Source::File(file) = &self.source;
        let file = Arc::clone(file);
        let read = off_the_runtime(move || {
            file.read_exact_at(&mut buffer, offset)?;
            Ok(buffer)
        });
        read.await?.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.shrunk(),
            _ => Error::io("read", &self.name, &error),
        })
    }

    fn shrunk(&self) -> Error {
        Error::Io {
            doing: "read",
            subject: self.name.clone(),
            kind: io::ErrorKind::UnexpectedEof,
            why: "it has become shorter since it was opened".to_owned(),
        }
    }
}

impl Block {
    fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}

/// Runs a file operation where it may block.
async fn off_the_runtime<T: Send + 'static>(
    operation: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<io::Result<T>> {
    // The task cannot panic, so the only way to lose it is a runtime that goes away.
    tokio::task::spawn_blocking(operation)
        .await
        .map_err(|_| Error::ShuttingDown)
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, BLOCKS, LARGE_BYTES, Reader};
    use crate::error::Error;
    use crate::limits;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn pattern(len: usize) -> Vec<u8> {
        (0..len)
            .map(|at| u8::try_from(at * 31 % 251).unwrap())
            .collect()
    }

    fn file(len: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a film (1999).mkv");
        let bytes = pattern(len);
        std::fs::write(&path, &bytes).unwrap();
        (folder, path, bytes)
    }

    #[tokio::test]
    async fn every_read_gives_just_the_bytes_of_the_file() {
        let (_folder, path, bytes) = file(5 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        assert_eq!(reader.len(), 5 << 20);
        let sizes = [
            1,
            7,
            188,
            LARGE_BYTES - 1,
            LARGE_BYTES,
            BLOCK_BYTES + 1,
            1 << 20,
        ];
        let mut offset = 0;
        for round in 0..400_usize {
            let len = sizes[round % sizes.len()];
            let got = reader.read(offset as u64, len).await.unwrap();
            let end = (offset + len).min(bytes.len());
            assert_eq!(got, bytes[offset..end], "{offset} +{len}");
            offset = (offset + 65_521 * (round % 5)) % bytes.len();
        }
    }

    #[tokio::test]
    async fn only_the_end_of_the_file_cuts_a_read_short() {
        let (_folder, path, bytes) = file(100_000);
        let mut reader = Reader::open(&path).await.unwrap();
        assert_eq!(reader.read(99_990, 50).await.unwrap(), bytes[99_990..]);
        assert_eq!(reader.read(50_000, 99_000).await.unwrap(), bytes[50_000..]);
        assert!(reader.read(100_000, 1).await.unwrap().is_empty());
        assert!(reader.read(u64::MAX, 1).await.unwrap().is_empty());
        assert!(reader.read(0, 0).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn small_reads_at_three_places_are_served_from_memory() {
        let (_folder, path, bytes) = file(3 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        let places = [0, 1 << 20, 2 << 20];
        for place in places {
            reader.read(place as u64, 100).await.unwrap();
        }
        // What is gone from the file can only come from memory.
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(0)
            .unwrap();
        for step in 1..600 {
            for place in places {
                let at = place + step * 100;
                let got = reader.read(at as u64, 100).await.unwrap();
                assert_eq!(got, bytes[at..at + 100]);
            }
        }
        assert_eq!(reader.blocks.len(), BLOCKS);
    }

    #[tokio::test]
    async fn no_more_than_three_blocks_are_held() {
        let (_folder, path, _) = file(3 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        for at in 0..40_u64 {
            reader.read(at * 70_000, 100).await.unwrap();
        }
        let held: usize = reader
            .blocks
            .iter()
            .map(|block| block.bytes.capacity())
            .sum();
        assert!(held <= BLOCKS * BLOCK_BYTES, "{held}");
    }

    #[tokio::test]
    async fn a_read_over_the_limit_is_refused() {
        let (_folder, path, _) = file(10);
        let mut reader = Reader::open(&path).await.unwrap();
        let refused = reader.read(0, limits::SAMPLE_BYTES + 1).await;
        assert!(matches!(refused, Err(Error::OverLimit { .. })));
    }

    #[tokio::test]
    async fn a_file_that_shrank_is_an_error_with_its_name() {
        let (_folder, path, _) = file(1 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1000)
            .unwrap();
        for len in [100, 100_000] {
            let error = reader.read(500_000, len).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "cannot read {}: it has become shorter since it was opened",
                    path.display()
                )
            );
        }
    }

    #[tokio::test]
    async fn a_file_that_was_deleted_or_moved_is_read_to_its_end() {
        let (_folder, path, bytes) = file(1 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            reader.read(1000, 1 << 19).await.unwrap(),
            bytes[1000..1000 + (1 << 19)]
        );
    }

    #[tokio::test]
    async fn what_is_no_plain_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = Reader::open(folder.path()).await.unwrap_err();
        assert!(
            error.to_string().ends_with("it is not a plain file"),
            "{error}"
        );
        let missing = folder.path().join("missing.mp4");
        let error = Reader::open(&missing).await.unwrap_err();
        assert!(error.to_string().contains("missing.mp4"), "{error}");
        let fifo = folder.path().join("fifo.mp4");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        assert!(Reader::open(&fifo).await.is_err());
        let secret = folder.path().join("secret.mp4");
        std::fs::write(&secret, "x").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o0)).unwrap();
        // Whoever runs the tests as root may read everything.
        if std::fs::File::open(&secret).is_err() {
            assert!(Reader::open(&secret).await.is_err());
        }
    }
}
