//! Films by what a server tells of them: collections, decades, genres, and the long ones.

use super::chosen::Chosen;
use super::name::clip;
use super::{
    Block, CHANNEL_MS, Group, Least, MANY_TITLES, Pace, THEME_TITLES, Title, decade, duration_ms,
    library_name,
};
use crate::catalog::Catalog;
use crate::model::{About, LibraryId};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Titles that a collection has to have, which is wanted as it is.
const COLLECTION_TITLES: usize = 8;
/// Genres of a title by which it is found, the most fitting ones.
const TITLE_GENRES: usize = 2;
/// How long a long film is.
const LONG_MS: u64 = 2 * 3_600 * 1_000;
/// Channels of each kind, the longest first.
const COLLECTIONS: usize = 5;
const DECADES: usize = 6;
const GENRES: usize = 10;

/// Chooses channels of the library that has the most of all that a server tells of, and collections
/// of all of them.
pub(super) fn choose<'a>(
    libraries: &BTreeMap<LibraryId, Vec<Title<'a>>>,
    catalog: &Catalog,
    chosen: &mut Chosen<'a, '_>,
) {
    let told = libraries.iter().filter(|(_, titles)| is_told(titles));
    // Of equal ones the first.
    let main = told
        .clone()
        .filter(|(_, titles)| titles.len() >= MANY_TITLES)
        .min_by_key(|(_, titles)| Reverse(duration_ms(titles)));
    let Some((library, titles)) = main else {
        return;
    };
    let name = library_name(*library, catalog);
    let all = told.flat_map(|(_, titles)| titles);
    let collections = by_words(all, Block::Collections, |about| &about.collections);
    chosen.take(collections, least(COLLECTION_TITLES), COLLECTIONS);
    let (decades, _) = decade::groups(name, Block::Decades, titles);
    chosen.take(decades, least(THEME_TITLES), DECADES);
    let genres = by_words(titles.iter(), Block::Genres, |about| {
        about.genres.get(..TITLE_GENRES).unwrap_or(&about.genres)
    });
    chosen.take(genres, least(THEME_TITLES), GENRES);
    chosen.take(vec![long(name, titles)], least(THEME_TITLES), 1);
}

/// What a theme has to have, so that each evening differs.
fn least(titles: usize) -> Least {
    Least {
        titles,
        duration_ms: CHANNEL_MS,
    }
}

/// Whether a server tells enough of these to choose by it.
pub(super) fn is_told(titles: &[Title]) -> bool {
    let about = titles.iter().filter_map(|title| title.item.about.as_ref());
    let told = about.filter(|about| !about.genres.is_empty()).count();
    told > 0 && told.saturating_mul(2) >= titles.len()
}

/// Groups by the words that a server has for titles, in the order of the alphabet.
fn by_words<'a: 'g, 'g>(
    titles: impl Iterator<Item = &'g Title<'a>>,
    block: Block,
    words: impl Fn(&About) -> &[Arc<str>],
) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for title in titles {
        let about = title.item.about.as_deref();
        for word in about.map(&words).unwrap_or_default() {
            let group = groups.entry(word.trim().to_lowercase());
            let group =
                group.or_insert_with(|| Group::new(clip(word), block, Pace::Shuffled, Vec::new()));
            // The same word in another case does not show it twice.
            let last = group.titles.last();
            if last.is_none_or(|last| last.item.id != title.item.id) {
                group.titles.push(*title);
            }
        }
    }
    groups.into_values().collect()
}

/// Those that take an evening.
fn long<'a>(library: &str, titles: &[Title<'a>]) -> Group<'a> {
    let long = titles.iter().filter(|title| title.duration_ms >= LONG_MS);
    let name = format!("{} by Night", clip(library));
    Group::new(name, Block::Films, Pace::Shuffled, long.copied().collect())
}
