//! The state folder: everything that a box keeps, and the lock that says whose it is.

use crate::error::{Error, Result};
use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The state folder of a box that runs as a service.
const SYSTEM: &str = "/var/lib/exstreamtv";

/// The file in it that is locked.
const LOCK: &str = "lock";

/// A state folder that is held by this process for as long as this value lives.
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
    seen_ms: i64,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder, for its owner only, where it is missing, closes one that is there to
    /// others, and takes its lock.
    ///
    /// # Errors
    /// Where it cannot be made, and where another box holds it.
    pub(super) fn hold(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| Error::io("make the state folder", shown.clone(), &error))?;
        let path = path
            .canonicalize()
            .map_err(|error| Error::io("find the state folder", shown, &error))?;
        protect(&path)?;
        // Before anything is written into it.
        let seen_ms = newest_ms(&path);
        let lock = lock(&path)?;
        Ok(Self {
            path,
            seen_ms,
            _lock: lock,
        })
    }

    /// The newest date at which the box is known to have written here before it was started now;
    /// 0 for a new folder.
    pub(super) fn seen_ms(&self) -> i64 {
        self.seen_ms
    }

    /// Its absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Closes a folder to other users, unless it holds other things than a box's.
fn protect(folder: &Path) -> Result<()> {
    let shown = || folder.display().to_string();
    let failed = |error: io::Error| Error::io("read the state folder", shown(), &error);
    let mode = folder.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let is_empty = folder.read_dir().map_err(failed)?.next().is_none();
    if is_empty || folder.join(LOCK).exists() {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))
            .map_err(|error| Error::io("protect the state folder", shown(), &error))?;
    } else {
        log::warn!("the state folder {} is open to other users", shown());
    }
    Ok(())
}

/// When the newest of a folder's files was written.
fn newest_ms(folder: &Path) -> i64 {
    let files = folder.read_dir().into_iter().flatten().flatten();
    let about = files.filter_map(|file| file.metadata().ok().filter(|about| about.is_file()));
    let written_ms = |about: std::fs::Metadata| about.mtime().saturating_mul(1_000);
    about.map(written_ms).max().unwrap_or(0)
}

/// Takes the lock file. The kernel gives the lock back however the process ends; the file stays,
/// because removing it would let two boxes lock two files of the same name.
fn lock(folder: &Path) -> Result<File> {
    let name = folder.join(LOCK);
    let failed = |error: &io::Error| Error::io("lock", name.display().to_string(), error);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(taken(folder, &mut file)),
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(|error| failed(&error))?;
    Ok(file)
}

/// Says who holds the folder, and what can be done about it.
fn taken(folder: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    let holder = match file.take(16).read_to_string(&mut holder) {
        Ok(_) if !holder.trim().is_empty() => format!(" (process {})", holder.trim()),
        _ => String::new(),
    };
    Error::invalid(
        format!("state folder {}", folder.display()),
        format!(
            "another box{holder} is running on it; stop that one, or choose another folder with \
             --state"
        ),
    )
}

/// The state folder of whoever does not name one: the system's for root and for the user that owns
/// it, else the user's own.
///
/// # Errors
/// Where the user has no home.
pub(super) fn usual_folder() -> Result<PathBuf> {
    let mine = |path: &str| std::fs::metadata(path).ok().map(|about| about.uid());
    // The owner of /proc/self is the effective user.
    let me = mine("/proc/self");
    if me == Some(0) || (me.is_some() && me == mine(SYSTEM)) {
        return Ok(PathBuf::from(SYSTEM));
    }
    // A relative XDG_STATE_HOME is to be ignored (XDG Base Directory Specification).
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("exstreamtv"))
        .ok_or_else(|| {
            Error::invalid(
                "state folder",
                "there is no home folder; name one with --state",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::StateFolder;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn mode(folder: &Path) -> u32 {
        folder.metadata().unwrap().permissions().mode() & 0o777
    }

    fn open_to_all(folder: &Path) {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_state_folder_is_for_its_owner_only_whoever_made_it() {
        let place = tempfile::tempdir().unwrap();
        let new = place.path().join("a/b");
        drop(StateFolder::hold(&new).unwrap());
        assert_eq!(mode(&new), 0o700);
        open_to_all(&new);
        drop(StateFolder::hold(&new).unwrap());
        assert_eq!(mode(&new), 0o700);
        let made = tempfile::tempdir().unwrap();
        open_to_all(made.path());
        drop(StateFolder::hold(made.path()).unwrap());
        assert_eq!(mode(made.path()), 0o700);
    }

    #[test]
    fn a_folder_of_other_things_keeps_its_mode() {
        let place = tempfile::tempdir().unwrap();
        open_to_all(place.path());
        std::fs::write(place.path().join("letter.txt"), "mine").unwrap();
        StateFolder::hold(place.path()).unwrap();
        assert_eq!(mode(place.path()), 0o755);
    }

    #[test]
    fn a_held_folder_is_refused_until_it_is_let_go() {
        let place = tempfile::tempdir().unwrap();
        let held = StateFolder::hold(place.path()).unwrap();
        let words = StateFolder::hold(place.path()).unwrap_err().to_string();
        let me = format!("(process {})", std::process::id());
        assert!(words.contains(&me) && words.contains("--state"), "{words}");
        drop(held);
        StateFolder::hold(place.path()).unwrap();
    }

    #[test]
    fn a_folder_tells_when_it_was_written_before_it_was_held() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(StateFolder::hold(place.path()).unwrap().seen_ms(), 0);
        let write = |name: &str, second| {
            let file = std::fs::File::create(place.path().join(name)).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            file.set_modified(at).unwrap();
        };
        write("exstreamtv.db", 4_000_000_000);
        write("lock", 1_000_000_000);
        let held = StateFolder::hold(place.path()).unwrap();
        assert_eq!(held.seen_ms(), 4_000_000_000_000);
    }

    #[test]
    fn a_state_folder_that_is_a_file_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let words = StateFolder::hold(file.path()).unwrap_err().to_string();
        assert!(words.contains(file.path().to_str().unwrap()), "{words}");
    }
}
