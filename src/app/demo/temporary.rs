//! A state folder for a demo that should leave nothing behind.

use crate::error::{Error, Result};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A new folder that goes away, with everything in it, when this does.
#[derive(Debug)]
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one, readable by its owner only, where the system keeps such things.
    ///
    /// # Errors
    /// Where it cannot be made, or somebody else made it first.
    pub(super) fn new() -> Result<Self> {
        let name = format!("exstreamtv-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| Error::io("make", path.display().to_string(), &error))?;
        Ok(Self(path))
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
