//! A folder or USB drive as a library: its files found, named and probed.
//!
//! A scan is one future. The walking is done by a blocking thread, the probing by two tasks at
//! most; what is found leaves through a bounded channel in the order of the names. It reads, and
//! never writes; what becomes of the findings is the catalog's business.

mod episode;
mod extra;
pub mod name;
mod probe;
mod walk;

pub use walk::{Stamp, holds_video};

use crate::error::{Error, Result};
use crate::limits;
use crate::model::{NewItem, Part};
use probe::{Cause, Probed};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use walk::{Candidate, Look, Step};

/// Findings of the walk that may wait for the probes.
const STEPS: usize = 64;

/// One finding of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file that is new or has changed. One that cannot be played says why; one that could not
    /// be read has `changed_ms` 0, so that the next scan looks again.
    Item(NewItem),
    /// A file that is as it was when it was last probed, or that could not be looked at now.
    Unchanged {
        /// Its path.
        path: String,
    },
    /// A folder below the root with a file system of its own: a drive that is there now. Comes
    /// before what is on it.
    Drive {
        /// Its path.
        folder: String,
    },
    /// A folder that could not be listed. What is known below it may still be there.
    Unlisted {
        /// Its path.
        folder: String,
        /// Why, in words.
        why: String,
    },
}

/// How far a scan is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files that may be video.
    pub seen: usize,
    /// Files that were opened and looked into.
    pub probed: usize,
    /// Among those, files that cannot be played.
    pub unplayable: usize,
    /// The file looked at last.
    pub current: String,
}

/// Looks through the folder `root`. `known` tells the stamp with which a path was last probed: a
/// file that still has it is not opened. Every finding goes to `found_tx`.
///
/// Dropping the future stops the scan.
///
/// # Errors
/// The root cannot be read, or the drive stopped answering; what was found until then has been
/// handed over. `ShuttingDown` when nobody listens to the findings any more.
pub async fn scan(
    root: &Path,
    known: impl Fn(&str) -> Option<Stamp>,
    found_tx: &mpsc::Sender<Found>,
    progress: impl FnMut(&Progress),
) -> Result<()> {
    let (step_tx, mut step_rx) = mpsc::channel(STEPS);
    let walked = {
        let root = root.to_owned();
        tokio::task::spawn_blocking(move || walk::walk(&root, step_tx))
    };
    let mut scan = Scan {
        root_name: root_name(root),
        found_tx,
        report: progress,
        progress: Progress::default(),
        probes: VecDeque::with_capacity(limits::FOLDER_PROBES),
        stalled: 0,
    };
    while let Some(step) = answered(root, step_rx.recv()).await? {
        match step {
            Step::File(candidate) => scan.meet(candidate, &known).await?,
            Step::Drive { folder } => scan.send(Found::Drive { folder }).await?,
            Step::Unlisted { folder, why } => {
                log::warn!("folder: cannot list {folder}: {why}");
                scan.send(Found::Unlisted { folder, why }).await?;
            }
        }
    }
    while scan.finish_one().await? {}
    answered(root, walked)
        .await?
        .map_err(|_| Error::ShuttingDown)?
}

/// The name that the folder gives to what has no other.
fn root_name(root: &Path) -> String {
    root.file_name().map(walk::shown).unwrap_or_default()
}

/// Waits for the walk, but not for ever: a network mount may hang.
async fn answered<T>(root: &Path, waited: impl Future<Output = T>) -> Result<T> {
    let limit = Duration::from_millis(limits::FOLDER_STALLED_MS);
    timeout(limit, waited).await.map_err(|_| stalled(root))
}

fn stalled(root: &Path) -> Error {
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "the drive does not answer");
    Error::io("read the folder", walk::shown(root.as_os_str()), &error)
}

/// A scan under way.
struct Scan<'a, P> {
    root_name: String,
    found_tx: &'a mpsc::Sender<Found>,
    report: P,
    progress: Progress,
    /// The oldest in front: findings keep the order of the names.
    probes: VecDeque<Probe>,
    /// Probes in a row that ran out of time.
    stalled: usize,
}

/// A probe on its own task; dropping it stops it.
struct Probe {
    path: PathBuf,
    item: NewItem,
    task: JoinHandle<Probed>,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<P: FnMut(&Progress)> Scan<'_, P> {
    async fn meet(
        &mut self,
        candidate: Candidate,
        known: impl Fn(&str) -> Option<Stamp>,
    ) -> Result<()> {
        self.progress.seen += 1;
        self.progress.current.clone_from(&candidate.shown);
        (self.report)(&self.progress);
        let before = known(&candidate.shown);
        match candidate.look {
            Look::File(now) if before == Some(now) => self.unchanged(candidate.shown).await,
            Look::Unknown(_) if before.is_some() => self.unchanged(candidate.shown).await,
            Look::File(now) => {
                if self.probes.len() >= limits::FOLDER_PROBES {
                    self.finish_one().await?;
                }
                self.probes.push_back(self.start(candidate, now));
                Ok(())
            }
            Look::Never(ref why) | Look::Unknown(ref why) => {
                self.progress.unplayable += 1;
                let never = Stamp {
                    size_bytes: 0,
                    changed_ms: 0,
                };
                let mut item = self.named(&candidate, never);
                item.part.problem = Some(why.clone());
                self.send(Found::Item(item)).await
            }
        }
    }

    fn start(&self, candidate: Candidate, stamp: Stamp) -> Probe {
        let item = self.named(&candidate, stamp);
        let path = candidate.path.clone();
        Probe {
            task: tokio::spawn(async move { probe::probe(&path).await }),
            path: candidate.path,
            item,
        }
    }

    /// Waits for the oldest probe and hands over what it found.
    async fn finish_one(&mut self) -> Result<bool> {
        let Some(mut probe) = self.probes.pop_front() else {
            return Ok(false);
        };
        let probed = (&mut probe.task).await.or_else(|lost| probe::lost(&lost))?;
        let mut item = probe.item.clone();
        self.progress.probed += 1;
        item.part.container = probed.container;
        match probed.content {
            Ok(content) => {
                self.stalled = 0;
                item.part.duration_ms = Some(content.duration_ms);
                item.part.tracks = content.tracks.into();
            }
            Err(problem) => {
                self.progress.unplayable += 1;
                self.count_stalled(problem.cause, &probe.path)?;
                if problem.cause != Cause::File {
                    item.part.changed_ms = 0;
                }
                item.part.problem = Some(problem.words);
            }
        }
        (self.report)(&self.progress);
        self.send(Found::Item(item)).await?;
        Ok(true)
    }

    fn count_stalled(&mut self, cause: Cause, path: &Path) -> Result<()> {
        if cause != Cause::Stalled {
            self.stalled = 0;
            return Ok(());
        }
        self.stalled += 1;
        if self.stalled < limits::PROBES_STALLED {
            return Ok(());
        }
        Err(stalled(path.parent().unwrap_or(path)))
    }

    async fn unchanged(&mut self, path: String) -> Result<()> {
        self.send(Found::Unchanged { path }).await
    }

    async fn send(&mut self, found: Found) -> Result<()> {
        let sent = self.found_tx.send(found).await;
        sent.map_err(|_| Error::ShuttingDown)
    }

    /// The item that a file makes, before it is known what it holds.
    fn named(&self, candidate: &Candidate, stamp: Stamp) -> NewItem {
        let name = name::parse(&self.root_name, &candidate.relative);
        NewItem {
            title: name.title,
            year: name.year,
            episode: name.episode,
            rating_key: None,
            about: None,
            part: Part {
                path: candidate.shown.clone(),
                size_bytes: stamp.size_bytes,
                changed_ms: stamp.changed_ms,
                container: None,
                duration_ms: None,
                tracks: [].into(),
                problem: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::answered;
    use std::path::Path;

    #[tokio::test(start_paused = true)]
    async fn a_drive_that_does_not_answer_is_given_up() {
        let never = std::future::pending::<()>();
        let error = answered(Path::new("/media/nas"), never).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the folder /media/nas: the drive does not answer"
        );
    }
}
