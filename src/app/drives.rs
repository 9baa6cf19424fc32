//! Drives that become libraries by themselves: each folder of the place where the system mounts them,
//! under its own name, once there is video in it.
//!
//! A library is never removed here. A drive that is pulled out leaves its own, whose titles say why
//! they cannot be shown, and when it is back it is looked through again.

use super::off_the_runtime;
use super::running::Running;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder::holds_video;
use crate::limits;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Takes drives in until the box stops.
pub(super) async fn follow(running: &Running, config: &Config) {
    let Some(place) = &config.drives else {
        return;
    };
    let mut look = interval(Duration::from_millis(limits::DRIVES_LOOK_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The libraries that there are were looked through when the box started.
    let mut there = Vec::new();
    let mut is_first = true;
    loop {
        look.tick().await;
        let now = match drives(place).await {
            Ok(now) => now,
            Err(error) => {
                log::warn!("drives are not seen: {error}");
                continue;
            }
        };
        there.retain(|drive| now.contains(drive));
        for drive in now {
            if there.contains(&drive) {
                continue;
            }
            let catalog = running.house.librarian.catalog().borrow().clone();
            if is_first && catalog.library_at(&drive).is_some() {
                there.push(drive);
                continue;
            }
            match take_in(running, &drive).await {
                Ok(()) => there.push(drive),
                // It is tried again at the next look.
                Err(error) => log::warn!("{} is not looked through: {error}", drive.display()),
            }
        }
        is_first = false;
    }
}

/// The folders with video in them.
async fn drives(place: &Path) -> Result<BTreeSet<PathBuf>> {
    let place = place.to_owned();
    off_the_runtime(move || {
        let failed = |error: std::io::Error| Error::io("read", place.display().to_string(), &error);
        let listing = match std::fs::read_dir(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            listing => listing.map_err(failed)?,
        };
        let folders = listing.filter_map(|entry| entry.ok()?.path().canonicalize().ok());
        let drives = folders.filter(|folder| folder.is_dir() && holds_video(folder));
        Ok(drives.take(limits::FOLDER_DRIVES).collect())
    })
    .await
}

/// Makes a drive a library, if it is none, and looks through it.
async fn take_in(running: &Running, drive: &Path) -> Result<()> {
    let house = &running.house;
    let library = house.librarian.add_folder(drive, None).await?;
    let now_ms = house.clock.epoch_ms();
    for (library, report) in house.librarian.sync_one(library.id, now_ms).await? {
        let report = report?;
        log::info!("drive {}: {report}", library.name);
    }
    Ok(())
}
