//! Films by what a server tells of them: collections, decades, genres, and the long ones.

use super::name::clip;
use super::{
    Block, CHANNEL_MS, Group, MANY_TITLES, Pace, THEME_TITLES, Title, Wishes, belongs, by_length,
    choose_profile, decade, duration_ms, in_order, library_name,
};
use crate::catalog::Catalog;
use crate::model::{About, LibraryId, MediaItemId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
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

/// The channels of the library that has the most of all that a server tells of, and collections of
/// all of them. Each has one profile, and no two are nearly the same.
pub(super) fn channels<'a>(
    libraries: &BTreeMap<LibraryId, Vec<Title<'a>>>,
    catalog: &Catalog,
    wishes: &Wishes,
) -> Vec<Group<'a>> {
    let told = libraries.iter().filter(|(_, titles)| is_told(titles));
    // Of equal ones the first.
    let main = told
        .clone()
        .filter(|(_, titles)| titles.len() >= MANY_TITLES)
        .min_by_key(|(_, titles)| Reverse(duration_ms(titles)));
    let Some((library, titles)) = main else {
        return Vec::new();
    };
    let name = library_name(*library, catalog);
    let mut chosen = Chosen {
        wishes,
        groups: Vec::new(),
    };
    let all = told.flat_map(|(_, titles)| titles);
    let collections = by_words(all, Block::Collections, |about| &about.collections);
    chosen.take(collections, COLLECTION_TITLES, COLLECTIONS);
    let (decades, _) = decade::groups(name, Block::Decades, titles);
    chosen.take(decades, THEME_TITLES, DECADES);
    let genres = by_words(titles.iter(), Block::Genres, |about| {
        about.genres.get(..TITLE_GENRES).unwrap_or(&about.genres)
    });
    chosen.take(genres, THEME_TITLES, GENRES);
    chosen.take(vec![long(name, titles)], THEME_TITLES, 1);
    chosen.groups
}

/// Whether a server tells enough of these to choose by it.
pub(super) fn is_told(titles: &[Title]) -> bool {
    let about = titles.iter().filter_map(|title| title.item.about.as_ref());
    let told = about.filter(|about| !about.genres.is_empty()).count();
    told > 0 && told.saturating_mul(2) >= titles.len()
}

/// The channels so far.
struct Chosen<'a, 'w> {
    wishes: &'w Wishes,
    groups: Vec<Group<'a>>,
}

impl<'a> Chosen<'a, '_> {
    /// Takes the longest of these, at most `most`, in the order in which they come. Each has to have
    /// so many titles that go on air beside each other.
    fn take(&mut self, mut groups: Vec<Group<'a>>, titles: usize, most: usize) {
        for group in &mut groups {
            self.settle(group);
        }
        groups.retain(|group| group.titles.len() >= titles && group.duration_ms() >= CHANNEL_MS);
        let mut taken: Vec<(usize, Group)> = Vec::new();
        for (place, group) in by_length(groups) {
            let others = self
                .groups
                .iter()
                .chain(taken.iter().map(|(_, group)| group));
            if taken.len() < most && !is_like_any(&group, others) {
                taken.push((place, group));
            }
        }
        self.groups.extend(in_order(taken));
    }

    /// Leaves a group what goes on air under the profile of most of it.
    fn settle(&self, group: &mut Group) {
        let language = &self.wishes.language;
        let profile = choose_profile(group.titles.iter().map(Title::weight), language);
        let carried = |title: &Title| belongs(title.item, &profile, language);
        group.titles.retain(carried);
    }
}

/// Whether a group is nearly the same as another one: they share more than a third of what both
/// have together.
fn is_like_any<'g, 'a: 'g>(group: &Group, mut others: impl Iterator<Item = &'g Group<'a>>) -> bool {
    let ids: HashSet<MediaItemId> = group.titles.iter().map(|title| title.item.id).collect();
    others.any(|other| {
        let titles = other.titles.iter();
        let shared = titles.filter(|title| ids.contains(&title.item.id)).count();
        let together = ids.len() + other.titles.len() - shared;
        shared.saturating_mul(3) > together
    })
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
