//! The owner's own lists, as they are.

use super::name::clip;
use super::{Block, Group, Least, Pace, Title};
use crate::catalog::Catalog;
use crate::model::MediaItemId;
use std::collections::HashMap;

/// Channels of lists, the longest first.
pub(super) const MOST: usize = 8;
/// What a list has to have, unless other channels have less. It is wanted as it is, however short.
const TITLES: usize = 3;
const DURATION_MS: u64 = 2 * 3_600 * 1_000;
/// A list of more titles is no choice: it is everything.
const CHOSEN_TITLES: usize = 2_000;

/// What a list has to have beside channels that have to have this.
pub(super) fn least(others: Least) -> Least {
    Least {
        titles: TITLES,
        duration_ms: DURATION_MS.min(others.duration_ms),
    }
}

/// One group for each list.
pub(super) fn groups<'a>(titles: &[Title<'a>], catalog: &Catalog) -> Vec<Group<'a>> {
    let by_id: HashMap<MediaItemId, Title> =
        titles.iter().map(|title| (title.item.id, *title)).collect();
    let lists = catalog.playlists().iter().map(|playlist| &playlist.list);
    lists
        .filter(|list| list.items.len() <= CHOSEN_TITLES)
        .map(|list| {
            let titles = list.items.iter().filter_map(|id| by_id.get(id).copied());
            let name = clip(&list.name);
            Group::new(name, Block::Playlists, Pace::InOrder, titles.collect())
        })
        .collect()
}
