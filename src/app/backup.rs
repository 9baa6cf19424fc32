//! `backup` and `restore`: everything that the box keeps, as one file. A running box is asked; where
//! none runs, the command opens the store itself, for as long as it takes.
//!
//! The files of a person are read and written here, by the person who asks: the box may not see
//! their folders, and it is not told their names.

use super::arguments::{Backup, Restore, Speak};
use super::control::Control;
use super::output::{answer, say};
use super::state::StateFolder;
use super::{field, off_the_runtime};
use crate::clock::{BUILT_MS, Clock, SystemClock, stamp};
use crate::error::{Error, Result};
use crate::limits;
use crate::store::{Change, FILES, Store, When, is_backup};
use crate::system::disk::read_bounded;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the box gives a backup, and where it takes one in.
const BACKUP: &str = "/api/store/backup";
const RESTORE: &str = "/api/store/restore";

/// Writes a backup.
///
/// # Errors
/// The file is there and no backup, cannot be written, or the box has none to give.
pub(super) async fn write(asked: Backup) -> Result<()> {
    let Backup { file, speak } = asked;
    if file.symlink_metadata().is_ok() && !is_backup(&file) {
        return Err(Error::invalid(
            file.display().to_string(),
            "it is there already and is no backup; name another file",
        ));
    }
    let control = Control::of(speak.state.clone())?;
    let mut beside = Beside::make(&file)?;
    if control.is_running().await {
        let mut given = control.read(BACKUP).await?;
        while let Some(piece) = given.piece().await? {
            beside.write(&piece)?;
        }
    } else {
        check_kept(&control)?;
        let (_folder, store) = open(&control, Store::open).await?;
        let mut made = store.hand_out().await?;
        store.close().await;
        io::copy(&mut made, &mut beside.file).map_err(|error| beside.failed(&error))?;
    }
    let bytes = beside.put()?;
    let shown = file.display();
    if speak.json {
        return answer(json!({ "file": file, "bytes": bytes }));
    }
    answer(format_args!("{shown}: {bytes} bytes"))?;
    say("it holds libraries, titles, channels and settings; the link to Plex is not in it");
    Ok(())
}

/// Has everything be as a backup says, or says what that would change.
///
/// # Errors
/// The backup is no good, or the store cannot be written.
pub(super) async fn restore(asked: Restore) -> Result<()> {
    let Restore { file, apply, speak } = asked;
    let control = Control::of(speak.state.clone())?;
    let change = if control.is_running().await {
        let bytes = read(&file).await?;
        let query = if apply { "?apply" } else { "" };
        control.give(&format!("{RESTORE}{query}"), bytes).await?
    } else {
        let change = restore_stopped(&control, &file, apply).await?;
        serde_json::to_value(change).map_err(|error| Error::invalid("answer", error.to_string()))?
    };
    tell(&change, &speak)
}

fn tell(change: &Value, speak: &Speak) -> Result<()> {
    if speak.json {
        return answer(change);
    }
    for what in ["libraries", "titles", "channels", "playlists"] {
        let count = change.get(what).unwrap_or(&Value::Null);
        answer(format_args!(
            "{what}: {} now, {} in the backup",
            field(count, "now"),
            field(count, "then"),
        ))?;
    }
    if change.get("applied") != Some(&Value::Bool(true)) {
        say("the backup is whole and nothing was changed; `--apply` restores it");
        return Ok(());
    }
    answer(format_args!(
        "restored; what was there before: {}",
        field(change, "kept")
    ))?;
    if change.get("other_device") == Some(&Value::Bool(true)) {
        say("the backup is of another device: players see that one once the box is started again");
    }
    Ok(())
}

/// Restores where no box runs.
async fn restore_stopped(control: &Control, file: &Path, apply: bool) -> Result<Change> {
    let mut from = File::open(file).map_err(|error| failed("open", file, &error))?;
    let (_folder, store) = if apply {
        open(control, Store::open_or_set_aside).await?
    } else {
        check_kept(control)?;
        open(control, Store::open).await?
    };
    let restored = async {
        let (arriving, mut to) = store.arriving()?;
        off_the_runtime(move || {
            io::copy(&mut from, &mut to)
                .map(drop)
                .map_err(|error| Error::io("copy", "the backup", &error))
        })
        .await?;
        if !apply {
            return store.weigh(&arriving).await;
        }
        let now_ms = SystemClock.epoch_ms();
        let stamp = stamp(now_ms);
        let day = stamp.get(..10).filter(|_| now_ms >= BUILT_MS);
        let when = When {
            day: day.map(str::to_owned),
            stamp: stamp.clone(),
        };
        store.restore(&arriving, &when).await
    };
    let restored = restored.await;
    store.close().await;
    restored
}

/// Refuses a folder on which no box has ever run: asking for something must not make one.
fn check_kept(control: &Control) -> Result<()> {
    let folder = control.folder();
    if FILES.iter().any(|file| folder.join(file).exists()) || folder.join("backups").exists() {
        return Ok(());
    }
    Err(Error::invalid(
        format!("no box has run on {}", folder.display()),
        "name its folder with --state; `restore --apply` makes a new one",
    ))
}

/// Opens the store of a box that does not run, and keeps one from being started.
async fn open(
    control: &Control,
    open: impl AsyncFnOnce(&Path) -> Result<Store>,
) -> Result<(StateFolder, Store)> {
    let folder = StateFolder::hold(control.folder())?;
    let store = open(folder.path()).await?;
    if let Some(told) = store.put_back() {
        say(told);
    }
    Ok((folder, store))
}

async fn read(file: &Path) -> Result<Vec<u8>> {
    let file = file.to_owned();
    let most = usize::try_from(limits::BACKUP_BYTES).unwrap_or(usize::MAX);
    off_the_runtime(move || {
        read_bounded(&file, most).map_err(|error| failed("read", &file, &error))
    })
    .await
}

fn failed(doing: &'static str, file: &Path, error: &io::Error) -> Error {
    Error::io(doing, file.display().to_string(), error)
}

/// A file that is written beside the one that it becomes, gone if it does not.
struct Beside {
    file: File,
    path: PathBuf,
    becomes: PathBuf,
}

impl Beside {
    fn make(becomes: &Path) -> Result<Self> {
        let mut path = becomes.as_os_str().to_owned();
        path.push(".unfinished");
        let path = PathBuf::from(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("replace", &path, &error));
            }
            _ => {}
        }
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failed("make", &path, &error))?;
        let becomes = becomes.to_owned();
        Ok(Self {
            file,
            path,
            becomes,
        })
    }

    fn write(&mut self, piece: &[u8]) -> Result<()> {
        let written = self.file.write_all(piece);
        written.map_err(|error| self.failed(&error))
    }

    /// Gives it its name once it is on the disk, and says how long it is.
    fn put(self) -> Result<u64> {
        let whole = || {
            self.file.sync_all()?;
            fs::rename(&self.path, &self.becomes)?;
            let folder = self.becomes.parent();
            let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            Ok(self.file.metadata()?.len())
        };
        whole().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        failed("write", &self.becomes, error)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Once it has its name there is nothing of the old one.
        let _ = fs::remove_file(&self.path);
    }
}
