//! A state folder for a demo that should leave nothing behind.

use crate::error::{Error, Result};
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Folders of earlier demos that may be in the way.
const MOST: u32 = 100;

/// A new folder that goes away, with everything in it, when this does.
#[derive(Debug)]
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one, readable by its owner only, where the system keeps such things.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn new() -> Result<Self> {
        let id = std::process::id();
        let mut number = 0;
        loop {
            let path = std::env::temp_dir().join(format!("exstreamtv-demo-{id}-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                // In a container the same process id comes again, and its folder may have stayed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < MOST => {
                    number += 1;
                }
                Err(error) => return Err(Error::io("make", path.display().to_string(), &error)),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            log::warn!("{} stays behind: {error}", self.0.display());
        }
    }
}
