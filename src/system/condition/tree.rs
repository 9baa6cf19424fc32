//! The kernel's files, as a tree that tests can make up. Each is read bounded; what cannot be read
//! is `None`.

use crate::limits;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A tree with `proc`, `sys` and `run` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(PathBuf);

impl Tree {
    /// The running machine's.
    #[must_use]
    pub fn of_machine() -> Self {
        Self::at(Path::new("/"))
    }

    /// The one below this folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self(root.to_owned())
    }

    /// A path of the tree, where it is.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// A file's text, without what is around it: line ends, and the NUL that ends a word of the
    /// device tree. `None` for one that is empty or too long.
    pub(super) fn text(&self, below: &str) -> Option<String> {
        let mut bytes = Vec::new();
        let most = limits::CONDITION_FILE_BYTES;
        let file = File::open(self.path(below)).ok()?;
        file.take(most + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > most {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|end: char| end == '\0' || end.is_whitespace());
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A file that is a number.
    pub(super) fn number<T: FromStr>(&self, below: &str) -> Option<T> {
        self.text(below)?.parse().ok()
    }

    /// The paths of what a folder holds and begins like this, in order of their names.
    pub(super) fn list(&self, folder: &str, prefix: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten();
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort_unstable();
        names.truncate(limits::CONDITION_SENSORS);
        let paths = names.into_iter().map(|name| format!("{folder}/{name}"));
        paths.collect()
    }
}
