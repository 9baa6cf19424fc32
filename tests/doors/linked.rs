//! A house that is linked to a Plex server.

use crate::house::{self, NOW_MS, Open, Stopped, channel};
use crate::plex::{Library, Settings, Standin};
use exstreamtv::catalog::{Catalog, Librarian};
use exstreamtv::model::{Channel, LibraryId, MediaItem, MediaItemId};
use exstreamtv::plex::{Secret, Servers};
use exstreamtv::store::Store;
use std::sync::Arc;

/// A house that has the library of a stand-in, and a folder.
pub(crate) struct Linked {
    pub(crate) open: Open,
    pub(crate) standin: Standin,
    /// What of the stand-in can be shown.
    pub(crate) items: Vec<Arc<MediaItem>>,
}

impl Linked {
    /// One channel, with everything of the stand-in.
    pub(crate) async fn new() -> Self {
        Self::with(|items, _| vec![listed(5, items)]).await
    }

    /// The channels that are made of the items of the stand-in and of the one in the folder.
    pub(crate) async fn with(
        channels: impl FnOnce(&[MediaItemId], MediaItemId) -> Vec<Channel>,
    ) -> Self {
        let standin = Standin::start_with(Library::synthetic(300), Settings::default());
        let (catalog, items) = synced(&standin).await;
        let mut folder = house::catalog().libraries()[0].clone();
        folder.id = LibraryId(i64::MAX);
        let mut film = house::item(i64::MAX - 1, "From a folder", None, None);
        film.library = folder.id;
        let ids: Vec<_> = items.iter().map(|item| item.id).collect();
        let channels = channels(&ids, film.id);
        let mut libraries = catalog.libraries().to_vec();
        libraries.push(folder);
        let mut all = items.clone();
        all.push(Arc::new(film));
        let catalog = Catalog::new(libraries, all, channels);
        let open = Open::with(catalog, 2, Arc::new(Stopped)).await;
        let token = Secret::new(&standin.token());
        open.servers
            .link_server(&standin.url(), &token)
            .await
            .unwrap();
        standin.reset_counts();
        Self {
            open,
            standin,
            items,
        }
    }
}

/// A channel that shows these.
pub(crate) fn listed(number: i64, items: &[MediaItemId]) -> Channel {
    let name = format!("Channel {number}");
    let mut channel = channel(number, &number.to_string(), &name);
    channel.items = items.to_vec();
    channel
}

/// The catalog of a stand-in, and what of it can be shown.
async fn synced(standin: &Standin) -> (Arc<Catalog>, Vec<Arc<MediaItem>>) {
    let state = tempfile::tempdir().unwrap();
    let servers = Arc::new(Servers::open(state.path(), "Test").unwrap());
    let token = Secret::new(&standin.token());
    let server = servers.link_server(&standin.url(), &token).await.unwrap();
    let store = Store::open(state.path()).await.unwrap();
    let librarian = Librarian::open(store).await.unwrap();
    let librarian = librarian.reaching(servers);
    for section in server.sections().await.unwrap() {
        let place = (standin.machine(), section.key);
        librarian
            .add_section((&place.0, &place.1), None)
            .await
            .unwrap();
    }
    for (_, report) in librarian.sync(NOW_MS, |_, _| ()).await.unwrap() {
        report.unwrap();
    }
    let catalog = Arc::clone(&librarian.catalog().borrow());
    let playable = catalog
        .items()
        .iter()
        .filter(|item| item.part.problem.is_none());
    let playable = playable.cloned().collect();
    (catalog, playable)
}
