//! Shows: those with enough episodes by themselves and in order, the others together.

use super::{Block, Group, Pace, Title, by_library, library_name, longest};
use crate::catalog::Catalog;
use std::collections::BTreeMap;

/// Episodes from which on a show has a channel of its own.
const SHOW_EPISODES: usize = 3;
/// Shows that have a channel of their own, the longest first; the others share.
const SHOWS: usize = 24;
/// The same where films have channels by what they are.
const SHOWS_BESIDE_FILMS: usize = 16;

/// Groups the shows, by name, and gives back the episodes of those that have hardly any. `alone` is
/// whether there are no films to leave room for.
pub(super) fn groups<'a>(
    episodes: Vec<Title<'a>>,
    catalog: &Catalog,
    alone: bool,
) -> (Vec<Group<'a>>, Vec<Title<'a>>) {
    let mut by_show: BTreeMap<String, Vec<Title>> = BTreeMap::new();
    for title in episodes {
        let show = title.item.episode.as_ref().map(|episode| &episode.show);
        let key = show.map_or_else(String::new, |show| show.trim().to_lowercase());
        by_show.entry(key).or_default().push(title);
    }
    let mut groups = Vec::new();
    let mut few = Vec::new();
    for (_, mut episodes) in by_show {
        if episodes.len() < SHOW_EPISODES {
            few.extend(episodes);
            continue;
        }
        // Specials come after the seasons.
        episodes.sort_by_key(|title| {
            let episode = title.item.episode.as_ref();
            let place = episode.map(|one| (one.season == 0, one.season, one.number));
            (place, title.item.id)
        });
        let first = episodes.first();
        let name = first.and_then(|title| title.item.episode.as_ref());
        let name = name.map_or_else(String::new, |episode| episode.show.clone());
        groups.push(Group::new(name, Block::First, Pace::InOrder, episodes));
    }
    let most = if alone { SHOWS } else { SHOWS_BESIDE_FILMS };
    let (mut groups, sharing) = longest(groups, most);
    groups.extend(together(sharing, catalog));
    (groups, few)
}

/// Shows without a channel of their own, each library's together.
fn together<'a>(sharing: Vec<Group<'a>>, catalog: &Catalog) -> Vec<Group<'a>> {
    let titles = sharing.into_iter().flat_map(|group| group.titles).collect();
    let by_library = by_library(titles);
    let one = by_library.len() <= 1;
    let groups = by_library.into_iter().map(|(library, titles)| {
        let name = if one {
            "More Shows".to_owned()
        } else {
            format!("More {}", library_name(library, catalog))
        };
        Group::new(name, Block::First, Pace::Shuffled, titles)
    });
    groups.collect()
}
