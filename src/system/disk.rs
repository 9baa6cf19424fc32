//! Writing in such a way that a power cut at any moment leaves a file as it was or as it shall be.
//!
//! New contents go into a new file beside the old one, reach the disk, and only then take its name
//! (`rename(2)`), which is brought to the disk too. What has not changed is not written: a card wears
//! out. Each change is one step of a [`Disk`], so that tests can cut the power after any of them.

use std::cell::Cell;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What a file is called until it is whole.
const UNFINISHED: &str = "new";

/// The one that writes.
#[derive(Debug, Default)]
pub struct Disk {
    /// Changes that are still made before the power is cut.
    left: Option<Cell<u32>>,
}

/// Whom a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// Whether there was anything to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The file is new, or other than it was.
    Changed,
    /// It was so before.
    AsBefore,
}

impl Owner {
    /// The owner of a file or folder.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn of(path: &Path) -> Result<Self> {
        let found = fs::symlink_metadata(path).map_err(|error| failed("look at", path, &error))?;
        Ok(Self {
            uid: found.uid(),
            gid: found.gid(),
        })
    }
}

impl Disk {
    /// One that goes on for ever.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that stops after so many changes, as if the plug were pulled.
    #[cfg(test)]
    pub(crate) fn cut_after(changes: u32) -> Self {
        Self {
            left: Some(Cell::new(changes)),
        }
    }

    /// Gives a file these contents and this mode, and to its owner if one is named. A file that has
    /// both is left alone.
    ///
    /// # Errors
    /// It cannot be written; then the file is as it was.
    pub fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        (mode, owner): (u32, Option<Owner>),
    ) -> Result<Written> {
        if is_so(path, bytes, mode) {
            return Ok(Written::AsBefore);
        }
        let write = || {
            let new = self.write_new(path, bytes, mode)?;
            if let Some(owner) = owner {
                self.step()?;
                std::os::unix::fs::chown(&new, Some(owner.uid), Some(owner.gid))?;
            }
            self.move_to(&new, path)
        };
        write().map_err(|error| failed("write", path, &error))?;
        Ok(Written::Changed)
    }

    /// Copies a file, whose copy has its mode and replaces what has its name. A file that is not
    /// there makes no copy.
    ///
    /// # Errors
    /// One cannot be read, or the other not be written.
    pub fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let copy = || {
            let mut source = match File::open(from) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                opened => opened?,
            };
            let mode = source.metadata()?.permissions().mode() & 0o777;
            let new = self.write_new(to, b"", mode)?;
            self.step()?;
            let mut target = OpenOptions::new().append(true).open(&new)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()?;
            self.move_to(&new, to)
        };
        copy().map_err(|error| failed("copy", from, &error))
    }

    /// Has a name lead to another path.
    ///
    /// # Errors
    /// It cannot be made; then it is as it was.
    pub fn link(&self, path: &Path, target: &Path) -> Result<Written> {
        if fs::read_link(path).is_ok_and(|before| before == target) {
            return Ok(Written::AsBefore);
        }
        let make = || {
            let new = unfinished(path);
            self.step()?;
            absent(fs::remove_file(&new))?;
            symlink(target, &new)?;
            self.move_to(&new, path)
        };
        make().map_err(|error| failed("link", path, &error))?;
        Ok(Written::Changed)
    }

    /// Makes a folder, and those around it, unless it is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self, path: &Path, mode: u32) -> Result<()> {
        let make = || {
            if path.is_dir() {
                return Ok(());
            }
            self.step()?;
            DirBuilder::new().recursive(true).mode(mode).create(path)?;
            sync_around(path)
        };
        make().map_err(|error| failed("make", path, &error))
    }

    /// Gives a file or folder another name in the same folder, atomically.
    ///
    /// # Errors
    /// It cannot be renamed; then both names are as they were.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.move_to(from, to)
            .map_err(|error| failed("rename", from, &error))
    }

    /// Removes a file, if it is there, and what a power cut left of a newer one.
    ///
    /// # Errors
    /// It stays.
    pub fn remove(&self, path: &Path) -> Result<Written> {
        let remove = |path: &Path| {
            if fs::symlink_metadata(path).is_err() {
                return Ok(Written::AsBefore);
            }
            self.step()?;
            absent(fs::remove_file(path))?;
            sync_around(path)?;
            Ok(Written::Changed)
        };
        remove(&unfinished(path))
            .and_then(|_| remove(path))
            .map_err(|error| failed("remove", path, &error))
    }

    /// Removes a folder with everything in it, if it is there. Links in it are removed, not followed.
    ///
    /// # Errors
    /// Some of it stays.
    pub fn remove_folder(&self, path: &Path) -> Result<()> {
        let remove = || {
            self.empty(path, &[])?;
            if path.is_dir() {
                self.step()?;
                absent(fs::remove_dir(path))?;
            }
            sync_around(path)
        };
        remove().map_err(|error| failed("remove", path, &error))
    }

    /// Removes everything in a folder but what has one of these names.
    ///
    /// # Errors
    /// Some of it stays.
    pub fn clear_folder(&self, path: &Path, but: &[&str]) -> Result<()> {
        self.empty(path, but)
            .map_err(|error| failed("empty", path, &error))
    }

    /// Gives everything in a folder to one owner.
    ///
    /// # Errors
    /// The first thing that could not be given.
    pub fn give(&self, folder: &Path, owner: Owner) -> Result<()> {
        let inside = entries(folder).map_err(|error| failed("read", folder, &error))?;
        for path in inside {
            let found = fs::symlink_metadata(&path);
            let found = found.map_err(|error| failed("look at", &path, &error))?;
            if (found.uid(), found.gid()) != (owner.uid, owner.gid) {
                self.step()
                    .and_then(|()| {
                        std::os::unix::fs::lchown(&path, Some(owner.uid), Some(owner.gid))
                    })
                    .map_err(|error| failed("give away", &path, &error))?;
            }
            if found.is_dir() {
                self.give(&path, owner)?;
            }
        }
        Ok(())
    }

    /// One more change, while there is power.
    fn step(&self) -> io::Result<()> {
        let Some(left) = &self.left else {
            return Ok(());
        };
        match left.get().checked_sub(1) {
            Some(fewer) => {
                left.set(fewer);
                Ok(())
            }
            None => Err(io::Error::other("the power is cut")),
        }
    }

    /// Writes a file beside the one that it shall be.
    fn write_new(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<PathBuf> {
        let new = unfinished(path);
        self.step()?;
        absent(fs::remove_file(&new))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&new)?;
        self.step()?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(new)
    }

    fn move_to(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        fs::rename(from, to)?;
        sync_around(to)
    }

    fn empty(&self, folder: &Path, but: &[&str]) -> io::Result<()> {
        for path in entries(folder)? {
            if path
                .file_name()
                .is_some_and(|name| but.iter().any(|one| name == *one))
            {
                continue;
            }
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                self.empty(&path, &[])?;
                self.step()?;
                absent(fs::remove_dir(&path))?;
            } else {
                self.step()?;
                absent(fs::remove_file(&path))?;
            }
        }
        match File::open(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            opened => opened?.sync_all(),
        }
    }
}

/// Reads a file of up to `most` bytes; of a longer one, one byte more than that.
///
/// # Errors
/// It is not there or cannot be read.
pub fn read_bounded(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name of a file until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    path.with_added_extension(UNFINISHED)
}

/// Whether a file has these contents and this mode already.
fn is_so(path: &Path, bytes: &[u8], mode: u32) -> bool {
    let has_mode = fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o777 == mode);
    has_mode && read_bounded(path, bytes.len()).is_ok_and(|before| before == bytes)
}

/// What is in a folder, in the order of the names; nothing where it is not there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut paths = listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// That something is gone already is as good as to remove it.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Brings the names in the folder around a path to the disk.
fn sync_around(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn failed(doing: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::io(doing, path.display().to_string(), error)
}

#[cfg(test)]
mod tests {
    use super::{Disk, Written, read_bounded};
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn a_file_is_as_it_was_or_as_it_shall_be_wherever_the_power_is_cut() {
        for changes in 0.. {
            let place = tempfile::tempdir().unwrap();
            let file = place.path().join("a");
            fs::write(&file, "old").unwrap();
            let disk = Disk::cut_after(changes);
            let written = disk.replace(&file, b"newer", (0o600, None));
            let found = fs::read_to_string(&file).unwrap();
            assert_eq!(found, if written.is_ok() { "newer" } else { "old" });
            // What a cut has left behind is in nobody's way.
            Disk::new().replace(&file, b"last", (0o600, None)).unwrap();
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
            if written.is_ok() {
                assert!(changes >= 3, "{changes}");
                return;
            }
        }
    }

    #[test]
    fn what_has_not_changed_is_not_written_again() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a");
        let disk = Disk::new();
        let put = |bytes: &[u8], mode| disk.replace(&file, bytes, (mode, None)).unwrap();
        assert_eq!(put(b"x", 0o600), Written::Changed);
        let inode = file.metadata().unwrap().ino();
        assert_eq!(put(b"x", 0o600), Written::AsBefore);
        assert_eq!(file.metadata().unwrap().ino(), inode);
        assert_eq!(put(b"x", 0o640), Written::Changed);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(put(b"xy", 0o640), Written::Changed);
        assert_eq!(put(b"x", 0o640), Written::Changed);
        let link = place.path().join("b");
        assert_eq!(disk.link(&link, "/a".as_ref()).unwrap(), Written::Changed);
        assert_eq!(disk.link(&link, "/a".as_ref()).unwrap(), Written::AsBefore);
        assert_eq!(disk.remove(&link).unwrap(), Written::Changed);
        assert_eq!(disk.remove(&link).unwrap(), Written::AsBefore);
    }

    #[test]
    fn emptying_a_folder_follows_no_link_and_keeps_what_is_named() {
        let place = tempfile::tempdir().unwrap();
        let (inside, outside) = (place.path().join("in"), place.path().join("out"));
        fs::create_dir_all(inside.join("deep/deeper")).unwrap();
        fs::create_dir(&outside).unwrap();
        for file in ["in/deep/deeper/a", "in/kept", "in/b", "out/c"] {
            fs::write(place.path().join(file), "").unwrap();
        }
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        Disk::new().clear_folder(&inside, &["kept"]).unwrap();
        let left: Vec<_> = fs::read_dir(&inside).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert!(outside.join("c").exists());
        Disk::new().remove_folder(&inside).unwrap();
        assert!(!inside.exists());
        Disk::new().remove_folder(&inside).unwrap();
    }

    #[test]
    fn reading_stops_behind_the_bound() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read_bounded(&file, 5).unwrap(), b"12345");
        assert_eq!(read_bounded(&file, 3).unwrap(), b"1234");
    }
}
