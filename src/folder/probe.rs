//! One file looked into with the box's own demuxers: what it holds and how long it is, or why it
//! cannot be played. Bounded in requests, bytes and time.

use crate::demux::{DISC_MARK, Demuxer, Movie, Pull, RECOGNISE_BYTES, recognise, refuse_disc};
use crate::error::{Error, Result};
use crate::fetch::Reader;
use crate::limits;
use crate::media::{Container, Track};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinError;
use tokio::time::timeout;

/// What a probe found.
#[derive(Debug)]
pub(super) struct Probed {
    /// Its format, where it was recognised.
    pub(super) container: Option<Container>,
    /// What it holds.
    pub(super) content: std::result::Result<Content, Problem>,
}

/// What can be played.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) duration_ms: u64,
    pub(super) tracks: Vec<Track>,
}

/// Why nothing can be played.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// In words for the owner.
    pub(super) words: String,
    pub(super) cause: Cause,
}

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The file itself: it stays while the file stays as it is.
    File,
    /// The file could not be read; another time it may.
    Access,
    /// No answer came in time.
    Stalled,
}

/// Looks into a file.
pub(super) async fn probe(path: &Path) -> Probed {
    let mut container = None;
    let limit = Duration::from_millis(limits::PROBE_MS);
    let content = match timeout(limit, look(path, &mut container)).await {
        Ok(looked) => looked.map_err(|error| problem(&error)),
        Err(_) => Err(Problem {
            words: format!("it could not be read within {} s", limit.as_secs()),
            cause: Cause::Stalled,
        }),
    };
    Probed { container, content }
}

async fn look(path: &Path, container: &mut Option<Container>) -> Result<Content> {
    let mut file = File {
        reader: Reader::open(path).await?,
        requests: 0,
        bytes: 0,
    };
    let format = file.recognise().await?;
    *container = Some(format);
    let mut demuxer = Demuxer::new(format, file.reader.len());
    while file.step(&mut demuxer).await? != Pull::Ready {}
    let movie = demuxer
        .movie()
        .ok_or_else(|| unplayable("it has no header"))?;
    let duration_90k = movie.duration_90k;
    let content = content(movie)?;
    // A header is soon copied; only a first picture shows that something follows it.
    let pictures = content.tracks.iter().find(|track| track.video().is_some());
    let pictures = pictures.ok_or_else(|| unplayable("it has no video that can be carried"))?;
    demuxer.start(pictures.id, None, 0)?;
    if !matches!(file.step(&mut demuxer).await?, Pull::Sample(_)) {
        return Err(unplayable("it has no pictures"));
    }
    demuxer.start(pictures.id, None, duration_90k / 10 * 9)?;
    match file.reaches(&mut demuxer, duration_90k / 4 * 3).await {
        // What is there can be played; nobody knows yet how much that is.
        Ok(Reach::There) | Err(Error::OverLimit { .. }) => Ok(content),
        Ok(Reach::Short) | Err(Error::Malformed { .. }) => Err(unplayable(
            "its last part is missing; it may not have been copied whole",
        )),
        Err(error) => Err(error),
    }
}

fn content(movie: &Movie) -> Result<Content> {
    let duration_90k = u64::try_from(movie.duration_90k).unwrap_or(0);
    if duration_90k == 0 {
        return Err(unplayable("it does not say how long it is"));
    }
    Ok(Content {
        duration_ms: duration_90k.div_ceil(90),
        tracks: movie.tracks.iter().map(|one| one.track.clone()).collect(),
    })
}

/// Whether a file goes on to where its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    There,
    Short,
}

/// A file with what may still be asked of it.
struct File {
    reader: Reader,
    requests: usize,
    bytes: usize,
}

impl File {
    /// Answers the demuxer's questions until it gives something else.
    async fn step(&mut self, demuxer: &mut Demuxer) -> Result<Pull> {
        loop {
            match demuxer.pull()? {
                Pull::Need(span) => {
                    let bytes = self.read(span.offset, span.len).await?;
                    demuxer.push(span.offset, bytes)?;
                }
                other => return Ok(other),
            }
        }
    }

    /// Whether a demuxer that was started near the end finds pictures from `time_90k` on. Nearly
    /// always its first one, a random access point, is one; a file that was cut off ends before.
    async fn reaches(&mut self, demuxer: &mut Demuxer, time_90k: i64) -> Result<Reach> {
        loop {
            match self.step(demuxer).await? {
                Pull::Sample(sample) if sample.pts_90k >= time_90k => return Ok(Reach::There),
                Pull::Sample(_) => {}
                _ => return Ok(Reach::Short),
            }
        }
    }

    /// Tells its format.
    async fn recognise(&mut self) -> Result<Container> {
        let head = self.read(0, RECOGNISE_BYTES).await?;
        let refused = match recognise(&head) {
            Ok(format) => return Ok(format),
            Err(refused) => refused,
        };
        let mark = self.read(DISC_MARK.offset, DISC_MARK.len).await?;
        refuse_disc(&mark)?;
        Err(refused)
    }

    async fn read(&mut self, offset: u64, len: usize) -> Result<bytes::Bytes> {
        self.requests += 1;
        self.bytes = self.bytes.saturating_add(len);
        within(REQUESTS, self.requests, limits::PROBE_REQUESTS)?;
        within(BYTES, self.bytes, limits::PROBE_BYTES)?;
        self.reader.read(offset, len).await
    }
}

fn within(what: &'static str, got: usize, limit: usize) -> Result<()> {
    if got <= limit {
        return Ok(());
    }
    let [got, limit] = [got, limit].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    Err(Error::OverLimit { what, got, limit })
}

fn unplayable(why: &'static str) -> Error {
    Error::unsupported(THIS_FILE, why)
}

/// What a probe may use up.
const REQUESTS: &str = "reads of one probe";
const BYTES: &str = "bytes of one probe";

/// The subject of an error that is about the file as a whole.
const THIS_FILE: &str = "this file";

/// What to think of a file whose probe did not come to its end. Where a parser failed, that is told
/// of this file, and the others are looked at all the same.
///
/// # Errors
/// `ShuttingDown` where the runtime ended.
pub(super) fn lost(error: &JoinError) -> Result<Probed> {
    if !error.is_panic() {
        return Err(Error::ShuttingDown);
    }
    Ok(Probed {
        container: None,
        content: Err(Problem {
            words: "the box failed at reading it, which is a fault of the box".to_owned(),
            // Another version of the box may get on with it.
            cause: Cause::Access,
        }),
    })
}

/// An error as it is shown beside the file's name.
fn problem(error: &Error) -> Problem {
    let (words, cause) = match error {
        Error::Unsupported { what, why } if what == THIS_FILE => (why.to_string(), Cause::File),
        Error::Unsupported { what, why } => (format!("its {what}: {why}"), Cause::File),
        Error::Malformed { .. } => (format!("it is damaged: {error}"), Cause::File),
        Error::OverLimit { what, .. } if [REQUESTS, BYTES].contains(what) => (
            "too much of it has to be read to know how long it is".to_owned(),
            Cause::File,
        ),
        Error::Io { why, .. } => (format!("it cannot be read: {why}"), Cause::Access),
        Error::ShuttingDown => (error.to_string(), Cause::Access),
        other => (other.to_string(), Cause::File),
    };
    Problem { words, cause }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Problem, lost, probe, problem};
    use crate::error::Error;

    #[tokio::test]
    async fn what_is_no_video_is_named_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut disc = vec![0; 40_000];
        disc[32_769..32_774].copy_from_slice(b"CD001");
        let words_of_disc = "it is the image of a disc; copy the files out of it first";
        let cases: [(&[u8], &str); 10] = [
            (b"", "it is empty"),
            (b"RIFF\0\0\0\0AVI LIST", "AVI files need converting first"),
            (
                &[0; 100],
                "it holds zeros only; it may not have been copied to the end",
            ),
            (&[0x47; 376], "it has no table of its programs (PAT)"),
            (
                b"hello",
                "it is no MP4, MOV, Matroska or MPEG-TS file, whatever its name says",
            ),
            (&disc, words_of_disc),
            (b".RMF\0\0\0\x12", "RealMedia files need converting first"),
            (
                b"\x30\x26\xB2\x75\x8E\x66\xCF\x11",
                "Windows Media files need converting first",
            ),
            (
                b"#EXTM3U\nfilm.mp4",
                "it is a playlist; add the folder that its files are in",
            ),
            (b"PK\x03\x04", "it is an archive; unpack it first"),
        ];
        for (bytes, words) in cases {
            let path = folder.path().join("film.mkv");
            std::fs::write(&path, bytes).unwrap();
            let found = probe(&path).await.content.unwrap_err();
            let wanted = Problem {
                words: words.to_owned(),
                cause: Cause::File,
            };
            assert_eq!(found, wanted);
        }
    }

    #[tokio::test]
    async fn a_file_that_vanished_may_be_there_another_time() {
        let folder = tempfile::tempdir().unwrap();
        let found = probe(&folder.path().join("gone.mkv")).await;
        let problem = found.content.unwrap_err();
        assert_eq!(problem.cause, Cause::Access);
        assert!(problem.words.contains("No such file"), "{}", problem.words);
    }

    #[tokio::test]
    async fn a_parser_that_fails_costs_its_file_and_not_the_scan() {
        let failed = tokio::spawn(async { panic!("a parser trips") }).await;
        let problem = lost(&failed.unwrap_err()).unwrap().content.unwrap_err();
        assert!(problem.words.contains("a fault of the box"), "{problem:?}");
        let ended = tokio::spawn(std::future::pending::<()>());
        ended.abort();
        assert_eq!(
            lost(&ended.await.unwrap_err()).err(),
            Some(Error::ShuttingDown)
        );
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let error = Error::malformed("moov/trak", 48, "it ends after 3 of 12 bytes");
        assert_eq!(
            problem(&error).words,
            "it is damaged: moov/trak at byte 48: it ends after 3 of 12 bytes"
        );
    }
}
