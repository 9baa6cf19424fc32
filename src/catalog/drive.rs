//! Drives that are mounted below a library's root: which ones there were, so that one that is away
//! is missed, and not taken for a folder that was emptied.
//!
//! They are a setting of the store, one path a line, and written only when they have changed.

use crate::error::Result;
use crate::limits;
use crate::model::LibraryId;
use crate::store::Store;

/// The drives of one library.
#[derive(Debug)]
pub(super) struct Drives {
    key: String,
    /// As it is kept.
    text: String,
    drives: Vec<Drive>,
}

#[derive(Debug)]
struct Drive {
    /// Where it is mounted.
    folder: String,
    /// Whether this scan has met it, or files where it was: then it is none any more.
    met: Met,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// Nothing yet.
    Nothing,
    /// The drive.
    Drive,
    /// Files, but no drive.
    Files,
}

impl Drives {
    /// Those that the last scan met, or missed.
    pub(super) async fn remembered(store: &Store, library: LibraryId) -> Result<Self> {
        let key = format!("drives of library {}", library.0);
        let text = store.setting(&key).await?.unwrap_or_default();
        let folders = text.lines().take(limits::FOLDER_DRIVES);
        let drives = folders.map(|folder| Drive::new(folder, Met::Nothing));
        let drives = drives.collect();
        Ok(Self { key, text, drives })
    }

    /// A drive is there. What is too many, or has a name in two lines, is not remembered.
    pub(super) fn meet(&mut self, folder: String) {
        let is_full = self.drives.len() >= limits::FOLDER_DRIVES;
        match self.drives.iter_mut().find(|drive| drive.folder == folder) {
            Some(drive) => drive.met = Met::Drive,
            None if is_full || folder.contains('\n') => {}
            None => self.drives.push(Drive::new(&folder, Met::Drive)),
        }
    }

    /// A file is there.
    pub(super) fn meet_file(&mut self, path: &str) {
        for drive in &mut self.drives {
            if drive.met == Met::Nothing && drive.holds(path) {
                drive.met = Met::Files;
            }
        }
    }

    /// Those that this scan has missed.
    pub(super) fn away(&self) -> impl Iterator<Item = &str> {
        let away = self.drives.iter().filter(|one| one.met == Met::Nothing);
        away.map(|drive| drive.folder.as_str())
    }

    /// Keeps those that were met and those that are away for the next scan.
    pub(super) async fn remember(&self, store: &Store) -> Result<()> {
        let drives = self.drives.iter().filter(|one| one.met != Met::Files);
        let folders: Vec<&str> = drives.map(|drive| drive.folder.as_str()).collect();
        let text = folders.join("\n");
        if text == self.text {
            return Ok(());
        }
        store.set_setting(&self.key, &text).await
    }
}

impl Drive {
    fn new(folder: &str, met: Met) -> Self {
        let folder = folder.to_owned();
        Self { folder, met }
    }

    fn holds(&self, path: &str) -> bool {
        let below = path.strip_prefix(&self.folder);
        below.is_some_and(|below| below.starts_with('/'))
    }
}
