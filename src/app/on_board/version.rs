//! The store when another version runs: kept before the new one changes it, and put back where an
//! update did not prove itself.
//!
//! `version` in the state folder names the version that ran last; it is written when everything here
//! is done, so that whatever a power cut interrupts is done anew. Of each kind of copy there is one:
//! `before-VERSION` is the store as that version left it, `newer-VERSION` one that was set aside.

use crate::error::{Error, Result};
use crate::limits;
use crate::store;
use crate::system::disk::{Disk, read_bounded};
use std::fs;
use std::path::{Path, PathBuf};

/// The file with the version that ran last.
const VERSION: &str = "version";

/// What the names of copies begin with.
const BEFORE: &str = "before-";
const NEWER: &str = "newer-";

/// What is kept beside the store: the link to Plex may change its form too.
const BESIDE: &str = "plex.json";

/// What the name of a copy ends with that is not whole yet, and of one that is being replaced.
const UNFINISHED: &str = ".unfinished";
const REPLACED: &str = ".replaced";

/// Sees to it that `running`, which can read schemas up to `newest`, meets a store that it can read,
/// and that the store of the version before it is kept. What there is to tell the owner comes back.
///
/// # Errors
/// A copy cannot be made or put back; the store is as it was.
pub(super) fn run_once(
    disk: &Disk,
    state: &Path,
    (running, newest): (&str, i64),
) -> Result<Option<String>> {
    let before = last_version(state);
    if before.as_deref() == Some(running) {
        return Ok(None);
    }
    let before = before.unwrap_or_else(|| "unknown".to_owned());
    let told = match store::schema(state) {
        Ok(None) => None,
        Ok(Some(schema)) if schema > newest => {
            Some(put_back(disk, state, &before, (running, newest))?)
        }
        Ok(Some(_)) => {
            keep(disk, state, BEFORE, &before)?;
            None
        }
        // The box will say so itself; what is there is kept as it is.
        Err(error) => {
            log::warn!("{error}");
            keep(disk, state, BEFORE, &before)?;
            None
        }
    };
    disk.replace(&state.join(VERSION), running.as_bytes(), (0o600, None))?;
    Ok(told)
}

/// The version that ran last, if it can be one: it becomes the name of a folder.
fn last_version(state: &Path) -> Option<String> {
    let bytes = read_bounded(&state.join(VERSION), limits::VERSION_BYTES).ok()?;
    let version = String::from_utf8(bytes).ok()?;
    let version = version.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    let is_one = (1..=limits::VERSION_BYTES).contains(&version.len())
        && version.bytes().all(plain)
        && version.starts_with(|first: char| first.is_ascii_alphanumeric());
    is_one.then(|| version.to_owned())
}

/// Copies the store into the one folder whose name begins with `kind`.
fn keep(disk: &Disk, state: &Path, kind: &str, version: &str) -> Result<()> {
    let name = format!("{kind}{version}");
    let copy = state.join(&name);
    let unfinished = state.join(format!("{name}{UNFINISHED}"));
    let replaced = state.join(format!("{name}{REPLACED}"));
    disk.remove_folder(&unfinished)?;
    disk.folder(&unfinished, 0o700)?;
    for file in store::FILES.into_iter().chain([BESIDE]) {
        disk.copy(&state.join(file), &unfinished.join(file))?;
    }
    // Never is there no whole copy: the older one goes when the new one has its name.
    if copy.exists() {
        disk.remove_folder(&replaced)?;
        disk.rename(&copy, &replaced)?;
    }
    disk.rename(&unfinished, &copy)?;
    for other in copies(state, kind)? {
        if other != copy {
            disk.remove_folder(&other)?;
        }
    }
    Ok(())
}

/// Sets a store aside that a newer version has changed, and puts the copy back that was made before.
fn put_back(
    disk: &Disk,
    state: &Path,
    newer: &str,
    (running, newest): (&str, i64),
) -> Result<String> {
    let [database, log] = store::FILES.map(|file| state.join(file));
    let fits = |folder: &PathBuf| {
        let schema = store::schema(folder).ok().flatten();
        schema.is_some_and(|schema| schema <= newest)
    };
    let whole = copies(state, BEFORE)?.into_iter();
    let mut whole = whole.filter(|folder| {
        let name = folder.to_string_lossy();
        !name.ends_with(UNFINISHED) && !name.ends_with(REPLACED)
    });
    let Some(copy) = whole.find(fits) else {
        let why = format!(
            "version {newer} has changed the store so that version {running} cannot read it, and \
             there is no copy from before; nothing is lost: update the box to version {newer} again"
        );
        return Err(Error::invalid("libraries and channels", why));
    };
    // It would be taken for the last words of the copy.
    if log.exists() {
        return Err(Error::invalid(
            log.display().to_string(),
            "it is still there, so the store cannot be put back",
        ));
    }
    keep(disk, state, NEWER, newer)?;
    disk.copy(&copy.join(store::FILES[0]), &database)?;
    Ok(format!(
        "Version {newer} was left, and what it had made of the store cannot be read by version \
         {running}: libraries and channels are as they were before the update. What {newer} had is \
         kept in {NEWER}{newer} of the state folder."
    ))
}

/// The folders whose names begin so.
fn copies(state: &Path, kind: &str) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Error::io("read", state.display().to_string(), &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(state).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_one = entry.file_name().to_string_lossy().starts_with(kind);
        if is_one && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
