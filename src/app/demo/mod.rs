//! The demo: the same box on a library that needs nothing from outside. What it makes, it makes
//! the way an owner does: a folder is added, looked through, and channels are made of it.

mod beginning;
mod channels;
mod clips;
mod temporary;
mod welcome;

use super::arguments;
use super::board;
use super::library::found;
use super::output::{Progress, say};
use super::running::{Running, keep};
use super::state::StateFolder;
use crate::catalog::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder;
use crate::model::{ChannelNumber, Library, LibraryId, MediaItemId, NewChannel};
use crate::schedule::{Wishes, suggest};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use temporary::TemporaryFolder;

pub(super) use beginning::{begin, make_way};

/// The folder of the embedded clips, in the state folder.
const CLIPS: &str = "demo";

/// What the box is called where nothing else is said.
const NAME: &str = "EXStreamTV demo";

/// When the loops begin: 2024-01-01T00:00:00Z, long before anybody watches. It never changes, so
/// that the schedule is the same after every start.
const EPOCH_MS: i64 = 1_704_067_200_000;

/// The folder of the embedded clips.
pub(super) fn clips(state: &StateFolder) -> PathBuf {
    state.path().join(CLIPS)
}

/// The numbers of its channels, from 0.
type Numbers = fn(usize) -> ChannelNumber;

/// What the demo shows.
enum Show {
    /// The embedded clips, which go into this folder.
    Clips(PathBuf),
    /// The videos of this folder.
    Videos(PathBuf),
}

/// Runs the demo until it is told to stop.
///
/// # Errors
/// The folder of `--media` is not there or holds nothing that can be shown, and whatever keeps a
/// box from starting.
pub(super) fn run(arguments: arguments::Demo) -> Result<()> {
    // A newcomer reads one text, not a log.
    super::log_to_stderr("warn");
    let videos = arguments.media.as_deref().map(found).transpose()?;
    let (temporary, path) = match arguments.place.state {
        Some(path) => (None, path),
        None => {
            let temporary = TemporaryFolder::new()?;
            let path = temporary.path().to_owned();
            (Some(temporary), path)
        }
    };
    let folder = StateFolder::hold(&path)?;
    let show = match videos {
        Some(videos) => Show::Videos(videos.into()),
        None => Show::Clips(clips(&folder)),
    };
    let count = usize::from(arguments.channels);
    let usual = Config::default();
    let config = Config {
        web: arguments.place.web.unwrap_or(usual.web),
        stream: arguments.place.stream.unwrap_or(usual.stream),
        device: arguments.place.device,
        discovery: arguments.place.discovery,
        name: NAME.to_owned(),
        ..usual
    };
    let budget = board::budget_for(&config, count)?;
    let ended = super::on_runtime(async {
        Box::pin(keep(&config, budget, &folder, async |running: &Running| {
            furnish(running, &show, (count, channels::number)).await?;
            let lineup = Arc::clone(&running.house.lineup_rx.borrow());
            say(welcome::text(
                &lineup,
                &running.places,
                SystemClock.epoch_ms(),
            ));
            Ok(())
        }))
        .await
    });
    // Only now does nobody use it any more.
    drop(temporary);
    ended
}

/// Sees to it that there are channels, as an owner would: nothing that is there is changed.
async fn furnish(running: &Running, show: &Show, (count, number): (usize, Numbers)) -> Result<()> {
    let librarian = &running.house.librarian;
    let (path, name) = match show {
        Show::Clips(folder) => {
            let into = folder.clone();
            super::off_the_runtime(move || clips::extract(&into)).await?;
            (folder, Some("Clips"))
        }
        Show::Videos(folder) => (folder, None),
    };
    let library = librarian.add_folder(path, name).await?.id;
    look_through(running, library).await?;
    let catalog = Arc::clone(&librarian.catalog().borrow());
    let wishes = running.house.lineup_rx.borrow().wishes().clone();
    let wanted = match show {
        Show::Clips(_) => channels::channels(&catalog, library, (count, number), &wishes.language),
        Show::Videos(_) => suggested(&catalog, library, count, &wishes),
    };
    let new: Vec<NewChannel> = wanted
        .into_iter()
        .filter(|new| {
            catalog
                .channels()
                .iter()
                .all(|old| old.number != new.number)
        })
        .collect();
    if !new.is_empty() {
        librarian.add_channels(new).await?;
    }
    let catalog = Arc::clone(&librarian.catalog().borrow());
    if catalog.channels().is_empty() {
        return Err(nothing(&catalog, library, path));
    }
    running.house.settled().await;
    Ok(())
}

/// The channels that are suggested for a library, so that `count` show it.
fn suggested(
    catalog: &Catalog,
    library: LibraryId,
    count: usize,
    wishes: &Wishes,
) -> Vec<NewChannel> {
    let of_library = |id: &MediaItemId| {
        let item = catalog.item(*id);
        item.is_some_and(|item| item.library == library)
    };
    let channels = catalog.channels().iter();
    let there = channels.filter(|channel| channel.items.iter().any(of_library));
    let missing = count.saturating_sub(there.count());
    let mut new = suggest(catalog, wishes, EPOCH_MS);
    new.retain(|channel| channel.items.iter().any(of_library));
    new.truncate(missing);
    new
}

/// Why there is no channel, in words.
fn nothing(catalog: &Catalog, library: LibraryId, path: &Path) -> Error {
    let mut items = catalog
        .items()
        .iter()
        .filter(|item| item.library == library);
    let why = match items.find_map(|item| Some((item, item.part.problem.as_ref()?))) {
        Some((item, problem)) => format!(
            "no video in it can be played; {}: {problem}",
            item.part.path
        ),
        None => "there is no video in it".to_owned(),
    };
    Error::invalid(path.display().to_string(), why)
}

/// Looks through the libraries, and shows how far it is. Only the demo's own has to be there.
async fn look_through(running: &Running, demo: LibraryId) -> Result<()> {
    let mut line = Progress::new();
    let mut show = |library: &Library, now: &folder::Progress| {
        line.show(format_args!(
            "looking at {}: {} files, {} of them new",
            library.name, now.seen, now.probed
        ));
    };
    for (library, report) in running
        .house
        .librarian
        .sync(running.house.clock.epoch_ms(), &mut show)
        .await?
    {
        match report {
            Err(error) if library.id == demo => return Err(error),
            Err(error) => log::warn!("library {}: {error}", library.name),
            Ok(_) => {}
        }
    }
    Ok(())
}
