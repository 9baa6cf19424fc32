//! A folder's library: the folder looked through, and what has changed written to the store.
//!
//! Items are written while the scan goes on, and removed only after one that saw everything. What
//! could not be looked at stays: a drive that was unplugged costs nothing, be it the library's own
//! or one below its root.

use super::super::drive::Drives;
use super::{Report, is_same};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::folder::{self, Found, Progress, Stamp};
use crate::limits;
use crate::model::{Library, MediaItem, MediaItemId, NewItem};
use crate::store::{Scan, Store};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use tokio::sync::mpsc;

/// Findings that may wait for the store.
const FOUND: usize = 64;

/// Looks through the library's folder and writes what has changed since `catalog` was loaded.
pub(super) async fn run_once(
    store: &Store,
    catalog: &Catalog,
    (library, path): (&Library, &str),
    progress: impl FnMut(&Progress),
) -> Result<Report> {
    let known = catalog
        .items()
        .iter()
        .filter(|item| item.library == library.id)
        .map(|item| (item.part.path.as_str(), item.as_ref()))
        .collect();
    let mut intake = Intake {
        store,
        library,
        known: &known,
        upserts: Vec::new(),
        met: HashSet::with_capacity(known.len()),
        unlisted: Vec::new(),
        drives: Drives::remembered(store, library.id).await?,
        report: Report::default(),
    };
    let (found_tx, found_rx) = mpsc::channel(FOUND);
    let stamp = |path: &str| known.get(path).map(|item| stamp(item));
    let scanning = async {
        // Moved in, so that the intake ends with the scan.
        let found_tx = found_tx;
        folder::scan(Path::new(path), stamp, &found_tx, progress).await
    };
    let (scanned, taken_in) = tokio::join!(scanning, intake.take_in(found_rx));
    // A store that failed stops the scan too; its words are the ones that matter.
    taken_in?;
    intake.drives.remember(store).await?;
    scanned?;
    intake.spare_drives();
    intake.remove_gone(path).await?;
    Ok(intake.report)
}

fn stamp(item: &MediaItem) -> Stamp {
    Stamp {
        size_bytes: item.part.size_bytes,
        changed_ms: item.part.changed_ms,
    }
}

/// Takes findings in and passes them on to the store.
struct Intake<'a> {
    store: &'a Store,
    library: &'a Library,
    known: &'a HashMap<&'a str, &'a MediaItem>,
    /// Waiting to be written, at most a batch.
    upserts: Vec<NewItem>,
    /// Known items that are still there.
    met: HashSet<MediaItemId>,
    /// Folders below which nothing is known, with a slash at the end.
    unlisted: Vec<String>,
    drives: Drives,
    report: Report,
}

impl Intake<'_> {
    async fn take_in(&mut self, mut found_rx: mpsc::Receiver<Found>) -> Result<()> {
        while let Some(found) = found_rx.recv().await {
            match found {
                Found::Unchanged { path } => self.unchanged(&path),
                Found::Item(item) => self.item(item),
                Found::Drive { folder } => self.drives.meet(folder),
                Found::Unlisted { folder, why } => self.unlisted(folder, &why),
            }
            if self.upserts.len() >= limits::STORE_BATCH_ITEMS {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    fn unchanged(&mut self, path: &str) {
        self.drives.meet_file(path);
        let Some(item) = self.known.get(path) else {
            return;
        };
        self.met.insert(item.id);
        self.report.unchanged += 1;
        self.report.unplayable += usize::from(item.part.problem.is_some());
    }

    fn item(&mut self, item: NewItem) {
        match self.known.get(item.part.path.as_str()) {
            Some(known) if is_same(known, &item) => return self.unchanged(&item.part.path),
            Some(known) => {
                self.met.insert(known.id);
                self.report.updated += 1;
            }
            None => self.report.added += 1,
        }
        self.drives.meet_file(&item.part.path);
        self.report.unplayable += usize::from(item.part.problem.is_some());
        self.upserts.push(item);
    }

    /// What is on a drive that is away stays.
    fn spare_drives(&mut self) {
        let away: Vec<String> = self.drives.away().map(str::to_owned).collect();
        for folder in away {
            let why = "the drive is not there; is it plugged in? Its titles are kept";
            log::warn!("library '{}': {folder}: {why}", self.library.name);
            self.unlisted(folder, why);
        }
    }

    fn unlisted(&mut self, folder: String, why: &str) {
        self.report.remark(format!("{folder}: {why}"));
        self.unlisted.push(folder + "/");
    }

    async fn flush(&mut self) -> Result<()> {
        let upserts = std::mem::take(&mut self.upserts);
        self.apply(Scan {
            upserts,
            ..Scan::default()
        })
        .await
    }

    async fn remove_gone(&mut self, root: &str) -> Result<()> {
        let listed = |path: &str| !self.unlisted.iter().any(|folder| path.starts_with(folder));
        let gone: Vec<MediaItemId> = self
            .known
            .values()
            .filter(|item| !self.met.contains(&item.id) && listed(&item.part.path))
            .map(|item| item.id)
            .collect();
        let found = self.report.added + self.report.updated + self.report.unchanged;
        if found == 0 && !gone.is_empty() {
            return Err(Error::invalid(
                format!("library '{}'", self.library.name),
                format!(
                    "{root} has no videos in it any more; is the drive plugged in? Its {} titles \
                     were kept",
                    self.known.len()
                ),
            ));
        }
        self.report.removed = gone.len();
        self.apply(Scan {
            gone,
            ..Scan::default()
        })
        .await
    }

    async fn apply(&self, scan: Scan) -> Result<()> {
        self.store.apply_scan(self.library.id, scan).await
    }
}
