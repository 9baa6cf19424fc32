//! All channels together, as one snapshot.

use super::{Schedule, Wishes};
use crate::catalog::Catalog;
use crate::model::{Airing, ChannelNumber, MediaItem};
use std::sync::Arc;

/// The catalog with the schedule of every channel: what the doors, the tuners and the guide share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineup {
    catalog: Arc<Catalog>,
    schedules: Vec<Arc<Schedule>>,
    wishes: Wishes,
}

impl Lineup {
    /// Lays out every channel of the catalog.
    #[must_use]
    pub fn build(catalog: Arc<Catalog>, wishes: &Wishes) -> Self {
        let schedules = catalog
            .channels()
            .iter()
            .map(|channel| Arc::new(Schedule::build(channel, &catalog, wishes)))
            .collect();
        Self {
            catalog,
            schedules,
            wishes: wishes.clone(),
        }
    }

    /// What the owner wishes.
    #[must_use]
    pub fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// The catalog it was made from.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// All channels, by number.
    #[must_use]
    pub fn schedules(&self) -> &[Arc<Schedule>] {
        &self.schedules
    }

    /// The channel with this number.
    #[must_use]
    pub fn schedule(&self, number: ChannelNumber) -> Option<&Arc<Schedule>> {
        let at = self
            .schedules
            .binary_search_by_key(&number, |one| one.channel().number)
            .ok()?;
        self.schedules.get(at)
    }

    /// What an airing shows.
    #[must_use]
    pub fn item(&self, airing: &Airing) -> Option<&Arc<MediaItem>> {
        self.catalog.item(airing.item)
    }
}
