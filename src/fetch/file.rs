//! A plain file, read on the blocking pool, never on the runtime.
//!
//! Reads are served from a few blocks, so that a demuxer's cursors (video, audio, tables) do not
//! push each other out, and a cursor that goes on in order costs one trip to the blocking pool for
//! many samples. What is not a plain file is refused before it is opened: a FIFO would wait for
//! ever.

use super::{as_u64, part};
use crate::error::{Error, Result};
use crate::limits;
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Blocks that are kept.
const BLOCKS: usize = 3;

/// Bytes of a block where a cursor goes on in order.
const LONG_BYTES: usize = limits::BLOCK_BYTES;

/// Bytes of a block anywhere else.
const SHORT_BYTES: usize = LONG_BYTES / 2;

/// Bytes of all blocks: one long and two short ones.
const HELD_BYTES: usize = 2 * LONG_BYTES;

/// Reads of at least this size that do not go on from a block have a buffer of their own. A table
/// window is just as large, so that walking a table does not evict the blocks of the cursors.
const LARGE_BYTES: usize = limits::TABLE_WINDOW_BYTES;

/// A plain file and what is kept of it.
#[derive(Debug)]
pub(super) struct Plain {
    file: Arc<File>,
    name: String,
    len: u64,
    /// At most [`BLOCKS`] with [`HELD_BYTES`], the one used last in front.
    blocks: Vec<Block>,
}

/// Bytes of the file. An empty block only marks where a cursor stands.
#[derive(Debug)]
struct Block {
    offset: u64,
    bytes: Bytes,
}

impl Plain {
    /// As `Reader::open`.
    pub(super) async fn open(path: &Path) -> Result<Self> {
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
            file: Arc::new(file),
            name,
            len,
            blocks: Vec::with_capacity(BLOCKS),
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// As `Reader::read`; all of the bytes are inside the file.
    pub(super) async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        let held = |block: &Block| block.get(offset, len);
        if let Some((at, found)) = (self.blocks.iter().enumerate())
            .find_map(|(at, block)| held(block).map(|found| (at, found)))
        {
            let used = self.blocks.remove(at);
            self.blocks.insert(0, used);
            return Ok(found);
        }
        let before = self.blocks.iter().position(|block| block.leads_to(offset));
        let block_bytes = if before.is_some() {
            LONG_BYTES
        } else {
            SHORT_BYTES
        };
        if len > block_bytes || (before.is_none() && len >= LARGE_BYTES) {
            let bytes = self.fill(offset, BytesMut::zeroed(len)).await?;
            self.mark(before, offset.saturating_add(as_u64(len)));
            return Ok(bytes);
        }
        let buffer = self.make_room(before, self.clamp(offset, block_bytes));
        let bytes = self.fill(offset, buffer).await?;
        let block = Block { offset, bytes };
        let found = block.get(offset, len);
        self.blocks.insert(0, block);
        found.ok_or_else(|| self.shrunk())
    }

    /// As much of `len` as there is from `offset` on.
    fn clamp(&self, offset: u64, len: usize) -> usize {
        let left = self.len.saturating_sub(offset);
        usize::try_from(left).map_or(len, |left| len.min(left))
    }

    /// Notes that a cursor stands at `offset`, in the place of the block that it came from or of
    /// the one unused longest.
    fn mark(&mut self, before: Option<usize>, offset: u64) {
        let bytes = Bytes::new();
        let mark = Block { offset, bytes };
        if let Some(block) = before.and_then(|at| self.blocks.get_mut(at)) {
            *block = mark;
        } else {
            self.blocks.truncate(BLOCKS - 1);
            self.blocks.push(mark);
        }
    }

    /// Lets go of what stands in the way of one more block of `len` bytes, and gives a buffer for
    /// it: an old one where nobody else holds it.
    fn make_room(&mut self, before: Option<usize>, len: usize) -> BytesMut {
        let mut old = before.map(|at| self.blocks.remove(at));
        let held = |blocks: &[Block]| blocks.iter().map(|block| block.bytes.len()).sum::<usize>();
        while self.blocks.len() >= BLOCKS || held(&self.blocks) + len > HELD_BYTES {
            old = self.blocks.pop();
        }
        let reused = old.and_then(|block| block.bytes.try_into_mut().ok());
        let mut buffer = reused
            .filter(|buffer| buffer.capacity() >= len)
            .unwrap_or_default();
        buffer.resize(len, 0);
        buffer
    }

    /// Fills the whole buffer from the file.
    async fn fill(&self, offset: u64, mut buffer: BytesMut) -> Result<Bytes> {
        let file = Arc::clone(&self.file);
        let read = off_the_runtime(move || {
            file.read_exact_at(&mut buffer, offset)?;
            Ok(buffer.freeze())
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
    fn get(&self, offset: u64, len: usize) -> Option<Bytes> {
        let from = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        part(&self.bytes, from, len)
    }

    /// Whether a read at `offset` goes on from here.
    fn leads_to(&self, offset: u64) -> bool {
        let end = self.offset.saturating_add(as_u64(self.bytes.len()));
        (self.offset..=end).contains(&offset)
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

#[cfg(test)]
mod tests {
    use super::{BLOCKS, HELD_BYTES, LARGE_BYTES, LONG_BYTES, Plain, SHORT_BYTES};
    use crate::error::Error;
    use crate::fetch::{Reader, Source};
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

    fn plain(reader: &Reader) -> &Plain {
        match &reader.source {
            Source::File(plain) => plain,
            Source::Http(_) | Source::Live(_) => panic!("a file is expected"),
        }
    }

    fn held(reader: &Reader) -> usize {
        let blocks = plain(reader).blocks.iter();
        blocks.map(|block| block.bytes.len()).sum()
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
            SHORT_BYTES + 1,
            LONG_BYTES,
            LONG_BYTES + 1,
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
        assert_eq!(plain(&reader).blocks.len(), BLOCKS);
    }

    #[tokio::test]
    async fn no_more_than_three_blocks_are_held() {
        let (_folder, path, _) = file(3 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        for at in 0..40_u64 {
            reader.read(at * 70_000, 100).await.unwrap();
        }
        assert_eq!(plain(&reader).blocks.len(), BLOCKS);
        assert!(held(&reader) <= HELD_BYTES, "{}", held(&reader));
        for at in 0..40_u64 {
            reader.read(at * 30_000, 30_000).await.unwrap();
            assert!(held(&reader) <= HELD_BYTES, "{}", held(&reader));
        }
    }

    #[tokio::test]
    async fn two_cursors_that_go_on_in_order_are_served_from_memory() {
        let (_folder, path, bytes) = file(3 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        let (mut video, mut audio, mut trips) = (0, 2 << 20, 0);
        for _ in 0..20 {
            for (at, len) in [(&mut video, 40_000), (&mut audio, 400)] {
                let before = plain(&reader).blocks.first().map(|block| block.offset);
                let got = reader.read(*at as u64, len).await.unwrap();
                assert_eq!(got, bytes[*at..*at + len]);
                let after = plain(&reader).blocks.first().map(|block| block.offset);
                trips += usize::from(after == Some(*at as u64) && after != before);
                *at += len;
            }
        }
        // 800 kB of video with three pictures in a block, and 8 kB of audio.
        assert!(trips <= 9, "{trips}");
    }

    #[tokio::test]
    async fn a_walk_through_tables_leaves_the_cursors_their_blocks() {
        let (_folder, path, _) = file(3 << 20);
        let mut reader = Reader::open(&path).await.unwrap();
        reader.read(0, 400).await.unwrap();
        reader.read(1 << 20, 400).await.unwrap();
        for at in 0..10 {
            reader.read((2 << 20) + at * 70_000, 16_384).await.unwrap();
        }
        let begin = |at: u64| plain(&reader).blocks.iter().any(|block| block.offset == at);
        assert!(begin(0) && begin(1 << 20));
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
