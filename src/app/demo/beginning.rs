//! The first moments of a box that is nothing else: the embedded clips are on air until the owner has
//! channels of their own, and then go away by themselves, clips and all.

use super::{Show, channels, furnish};
use crate::app::off_the_runtime;
use crate::app::running::Running;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::model::LibraryId;
use std::path::{Path, PathBuf};

/// How many channels of clips there are.
const CHANNELS: usize = 4;

/// Looks through the libraries; of a box that has none, those of the clips.
pub(in crate::app) async fn begin(running: &Running) {
    let librarian = &running.house.librarian;
    let catalog = librarian.catalog().borrow().clone();
    let Some(clips) = running.house.clips.clone().filter(|clips| {
        let of_clips = catalog.library_at(clips).map(|library| library.id);
        let mut libraries = catalog.libraries().iter();
        libraries.all(|library| Some(library.id) == of_clips) && !has_own(&catalog, of_clips)
    }) else {
        return running.look_through_libraries().await;
    };
    let show = Show::Clips(clips);
    let numbered = (CHANNELS, channels::number_aside as super::Numbers);
    match furnish(running, &show, numbered).await {
        Ok(()) => log::info!("the clips that come with the box are on air"),
        Err(error) => log::warn!("the clips that come with the box are not on air: {error}"),
    }
}

/// Waits until the owner has channels, and takes the clips away.
pub(in crate::app) async fn make_way(running: &Running) {
    let Some(folder) = &running.house.clips else {
        return;
    };
    let mut catalog_rx = running.house.librarian.catalog();
    let is_time = |catalog: &std::sync::Arc<Catalog>| {
        let clips = catalog.library_at(folder).map(|library| library.id);
        clips.is_some() && has_own(catalog, clips)
    };
    loop {
        // An error means that the box stops.
        let Ok(catalog) = catalog_rx.wait_for(is_time).await.map(|one| one.clone()) else {
            return;
        };
        let Some(library) = catalog.library_at(folder).map(|library| library.id) else {
            continue;
        };
        if let Err(error) = take_away(running, library, folder).await {
            return log::warn!("the clips that come with the box stay: {error}");
        }
        log::info!("the clips that come with the box made way for the owner's channels");
    }
}

async fn take_away(running: &Running, library: LibraryId, folder: &Path) -> Result<()> {
    running.house.librarian.remove_library(library).await?;
    let folder: PathBuf = folder.to_owned();
    let remove = move || {
        std::fs::remove_dir_all(&folder)
            .map_err(|error| Error::io("remove", folder.display().to_string(), &error))
    };
    off_the_runtime(remove).await
}

/// Whether a channel shows anything but clips.
fn has_own(catalog: &Catalog, clips: Option<LibraryId>) -> bool {
    let mut shown = catalog.channels().iter().flat_map(|channel| &channel.items);
    shown.any(|id| {
        let item = catalog.item(*id);
        item.is_some_and(|item| Some(item.library) != clips)
    })
}
