//! The files of a folder, found one after the other. Blocking: it runs on a thread of its own and
//! hands over what it finds through a bounded channel; a receiver that goes away stops it.
//!
//! It opens no file. Folders are entered once each, by device and inode, so that links in a loop
//! end.

use super::extra;
use crate::error::{Error, Result};
use crate::limits;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What may be video, by the end of its name. What it is in truth, its content says.
const EXTENSIONS: [&str; 30] = [
    "3g2", "3gp", "asf", "avi", "divx", "f4v", "flv", "iso", "m2t", "m2ts", "m2v", "m4v", "mkv",
    "mov", "mp4", "mpeg", "mpg", "mpv", "mts", "mxf", "ogm", "ogv", "rm", "rmvb", "tp", "trp",
    "ts", "vob", "webm", "wmv",
];

/// One finding.
#[derive(Debug)]
pub(super) enum Step {
    /// A file that may be video.
    File(Candidate),
    /// A folder that lies on another file system than the one around it.
    Drive {
        /// Its path.
        folder: String,
    },
    /// A folder, or the rest of one, that could not be listed; what is below it is unknown.
    Unlisted {
        /// Its path.
        folder: String,
        /// Why, in words.
        why: String,
    },
}

/// A file that may be video.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// The path as text; bytes that are no UTF-8 are shown as `\xE9`.
    pub(super) shown: String,
    /// The same, from below the root.
    pub(super) relative: String,
    pub(super) look: Look,
}

/// What the folder says about a file.
#[derive(Debug)]
pub(super) enum Look {
    /// It can be probed.
    File(Stamp),
    /// It will not become a video by being read.
    Never(String),
    /// It could not be looked at now.
    Unknown(String),
}

/// What tells that a file is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its length.
    pub size_bytes: u64,
    /// When it was last changed, in epoch milliseconds.
    pub changed_ms: i64,
}

/// Walks through `root`, in the order of the names.
///
/// # Errors
/// The root itself cannot be read. Everything below is a [`Step`].
pub(super) fn walk(root: &Path, step_tx: mpsc::Sender<Step>) -> Result<()> {
    let failed = |error: io::Error| Error::io("read the folder", shown(root.as_os_str()), &error);
    let found = fs::metadata(root).map_err(failed)?;
    fs::read_dir(root).map_err(failed)?;
    let mut walk = Walk {
        root,
        step_tx,
        entered: HashSet::from([(found.dev(), found.ino())]),
        files: 0,
    };
    // The only break is a receiver that has gone: nobody is left to tell.
    let _ = walk.enter(root, 0, found.dev());
    Ok(())
}

/// Whether a drive holds video, as far as names tell: the first few thousand of its files and folders
/// are looked at.
#[must_use]
pub fn holds_video(root: &Path) -> bool {
    let mut folders = vec![(root.to_owned(), 0)];
    let mut left = limits::DRIVE_LOOK_FILES;
    while let Some((folder, depth)) = folders.pop() {
        let parent = folder.file_name().unwrap_or_default().to_string_lossy();
        for entry in list(&folder).0 {
            let Some(fewer) = left.checked_sub(1) else {
                return false;
            };
            left = fewer;
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_file() && is_candidate(&name, &parent) => return true,
                Ok(kind) if kind.is_dir() && depth < limits::FOLDER_DEPTH => {
                    folders.push((entry.path(), depth + 1));
                }
                _ => {}
            }
        }
    }
    false
}

struct Walk<'a> {
    root: &'a Path,
    step_tx: mpsc::Sender<Step>,
    entered: HashSet<(u64, u64)>,
    files: usize,
}

/// The receiver has gone, or a limit is reached.
struct Stop;

impl Walk<'_> {
    /// Goes through a folder on the file system `device`.
    fn enter(&mut self, folder: &Path, depth: usize, device: u64) -> std::result::Result<(), Stop> {
        let (mut entries, failed) = list(folder);
        if let Some(error) = failed {
            self.unlisted(folder, error.to_string())?;
        }
        entries.sort_by_cached_key(DirEntry::file_name);
        let parent = folder.file_name().unwrap_or_default().to_string_lossy();
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let is_folder = match entry.file_type() {
                Ok(kind) if is_link || !kind.is_file() => path.is_dir(),
                _ => false,
            };
            if is_folder {
                if !extra::is_folder(&name.to_string_lossy(), &parent) {
                    self.enter_below(&path, depth + 1, device)?;
                }
            } else if is_candidate(&name, &parent) {
                self.meet(path, is_link)?;
            }
        }
        Ok(())
    }

    fn enter_below(
        &mut self,
        folder: &Path,
        depth: usize,
        around: u64,
    ) -> std::result::Result<(), Stop> {
        let found = match fs::metadata(folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return self.unlisted(folder, error.to_string()),
        };
        if !self.entered.insert((found.dev(), found.ino())) {
            return Ok(());
        }
        if depth > limits::FOLDER_DEPTH {
            return self.unlisted(folder, "it is too many folders deep".to_owned());
        }
        if self.entered.len() > limits::FOLDER_FILES {
            return self.too_many("folders");
        }
        if found.dev() != around {
            let folder = shown(folder.as_os_str());
            self.send(Step::Drive { folder })?;
        }
        self.enter(folder, depth, found.dev())
    }

    /// Hands over a file, unless it vanished since the folder was listed.
    fn meet(&mut self, path: PathBuf, is_link: bool) -> std::result::Result<(), Stop> {
        let look = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Look::Never("it is a link to a file that is not there".to_owned())
            }
            Err(error) => Look::Unknown(error.to_string()),
            Ok(found) if !found.is_file() => Look::Never("it is not a plain file".to_owned()),
            Ok(_) if path.to_str().is_none() => Look::Never(
                "its name, or that of a folder around it, is not UTF-8; give it another name"
                    .to_owned(),
            ),
            Ok(found) => Look::File(stamp(&found)),
        };
        self.files += 1;
        if self.files > limits::FOLDER_FILES {
            return self.too_many("files");
        }
        let relative = path.strip_prefix(self.root).unwrap_or(&path);
        self.send(Step::File(Candidate {
            shown: shown(path.as_os_str()),
            relative: shown(relative.as_os_str()),
            path,
            look,
        }))
    }

    /// Says that nothing more is listed, and stops.
    fn too_many(&mut self, what: &str) -> std::result::Result<(), Stop> {
        let why = format!("it has more than {} {what}", limits::FOLDER_FILES);
        self.unlisted(self.root, why)?;
        Err(Stop)
    }

    fn unlisted(&self, folder: &Path, why: String) -> std::result::Result<(), Stop> {
        let folder = shown(folder.as_os_str());
        self.send(Step::Unlisted { folder, why })
    }

    fn send(&self, step: Step) -> std::result::Result<(), Stop> {
        self.step_tx.blocking_send(step).map_err(|_| Stop)
    }
}

/// The entries that matter, as far as they could be read.
fn list(folder: &Path) -> (Vec<DirEntry>, Option<io::Error>) {
    let mut entries = Vec::new();
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) => return (entries, Some(error)),
    };
    for entry in listing {
        match entry {
            Ok(entry) if entry.file_name().as_bytes().starts_with(b".") => {}
            Ok(entry) if is_boring(&entry) => {}
            Ok(entry) if entries.len() <= limits::FOLDER_FILES => entries.push(entry),
            Ok(_) => {
                let why = format!("it has more than {} entries", limits::FOLDER_FILES);
                return (entries, Some(io::Error::other(why)));
            }
            Err(error) => return (entries, Some(error)),
        }
    }
    (entries, None)
}

/// A plain file whose name is not that of a video: subtitles, pictures, texts.
fn is_boring(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file()) && !has_extension(&entry.file_name())
}

fn is_candidate(name: &OsStr, parent: &str) -> bool {
    has_extension(name) && !extra::is_file(&name.to_string_lossy(), parent)
}

fn has_extension(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn stamp(found: &Metadata) -> Stamp {
    let seconds_ms = found.mtime().saturating_mul(1000);
    Stamp {
        size_bytes: found.len(),
        changed_ms: seconds_ms.saturating_add(found.mtime_nsec() / 1_000_000),
    }
}

/// A path as text, without loss: two different paths never look the same in a library, except
/// where somebody wrote `\xE9` into a name on purpose.
pub(super) fn shown(path: &OsStr) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}
