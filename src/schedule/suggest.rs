//! A first lineup for a library: every show a channel in order, films by what they are, and no channel
//! with items that could not be carried as they are under its one profile.
//!
//! The lists that the owner has made have a channel each. A library of which a server tells genres has
//! its films on channels by collection, decade and genre, where a title may be on a few of them. Of folders nothing is known but names, so each title is on
//! one channel. A channel is one loop without times of day: nothing here can keep a film for the
//! evening, or away from the afternoon.

mod chosen;
mod decade;
mod folder;
mod name;
mod playlist;
mod show;
mod theme;

use super::fit::{fit_item, pictures, sounds};
use super::{Fit, Wishes, choose_profile, playable_ms};
use crate::catalog::Catalog;
use crate::limits;
use crate::media::{AudioCodec, Profile, Track};
use crate::model::{LibraryId, MediaItem, MediaItemId, NewChannel};
use chosen::Chosen;
use name::{clip, name_and_number};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// Titles that a channel should have, unless the whole library is tiny.
const CHANNEL_TITLES: usize = 3;
const TINY_LIBRARY: usize = 24;
/// Titles from which on a library or a folder is divided.
const MANY_TITLES: usize = 60;
/// Titles that a decade or a genre has to have, so that each evening differs.
const THEME_TITLES: usize = 20;
/// What a channel should show until it begins again: a hundredth of all that there is, and no more
/// than so long.
const CHANNEL_MS: u64 = 8 * 3_600 * 1_000;
/// Channels from which on none is made of what could not be carried on another one.
const ENOUGH_CHANNELS: usize = 24;
/// Profiles into which one group is split; what is left by then is a mixture of oddities.
const GROUP_PROFILES: usize = 8;

/// A title that can be played.
#[derive(Clone, Copy)]
struct Title<'a> {
    item: &'a MediaItem,
    duration_ms: u64,
}

/// Titles that belong together by what they are, whatever they are made of.
struct Group<'a> {
    name: String,
    block: Block,
    pace: Pace,
    form: Form,
    titles: Vec<Title<'a>>,
}

/// Where the numbers of a kind of channel begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Shows, and whatever comes from folders: from 1.
    First,
    /// Films that are together because they are in a library: from 100.
    Films,
    /// From 200.
    Genres,
    /// From 300.
    Decades,
    /// From 400.
    Collections,
    /// From 500.
    Playlists,
}

/// In which order a group is shown; the seed of a shuffle comes from the channel's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    InOrder,
    Shuffled,
}

/// Whether a channel is what most of its group is made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// It is.
    Main,
    /// It has what could not be carried beside that.
    Aside,
}

/// What a channel needs to be one.
#[derive(Clone, Copy)]
struct Least {
    titles: usize,
    duration_ms: u64,
}

/// Suggests channels, at most `limits::SUGGESTED_CHANNELS`, each with one profile under which all
/// its items go on air as they are. The same catalog gives the same channels. Numbers count up
/// from 1, 100, 200, 300, 400 and 500, by what a channel shows, and skip those that are taken. Titles
/// that fit nowhere are not forced.
///
/// A channel of titles that mostly have one already is not suggested, nor a list of the owner's that
/// is on one: who takes a suggestion gets none the next time, until there is something new to show.
#[must_use]
pub fn suggest(catalog: &Catalog, wishes: &Wishes, epoch_ms: i64) -> Vec<NewChannel> {
    let items = catalog.items().iter();
    let titles: Vec<Title> = items
        .filter(|item| item.missing_ms.is_none())
        .filter_map(|item| {
            let duration_ms = playable_ms(item).ok()?;
            Some(Title { item, duration_ms })
        })
        .collect();
    let least = Least::of(&titles);
    let mut chosen = Chosen::new(wishes);
    let lists = playlist::groups(&titles, catalog);
    chosen.take(lists, playlist::least(least), playlist::MOST);
    let lists = chosen.groups.len();
    let (episodes, films): (Vec<_>, Vec<_>) = titles
        .into_iter()
        .partition(|title| title.item.episode.is_some());
    let by_library = by_library(films);
    theme::choose(&by_library, catalog, &mut chosen);
    let themes = chosen.groups.split_off(lists);
    let (mut groups, few) = show::groups(episodes, catalog, themes.is_empty());
    groups.extend(films_by_library(by_library, few, &themes, catalog));
    let mut rest = Vec::new();
    let mut channels: Vec<Group> = Vec::new();
    for group in groups {
        channels.extend(split(group, least, wishes, &mut rest));
    }
    let more = Group::new("More".to_owned(), Block::First, Pace::Shuffled, rest);
    channels.extend(split(more, least, wishes, &mut Vec::new()));
    channels.extend(themes);
    channels.extend(chosen.groups);
    let mut channels = best(channels, least);
    // Only now, so that taking a suggestion does not bring up the next best one.
    let shown = shown(catalog);
    channels.retain(|channel| match channel.block {
        Block::Playlists => !is_shown_alone(channel, catalog),
        _ => is_news(channel, &shown),
    });
    name_and_number(channels, catalog, epoch_ms)
}

/// Whether most of it is on no channel.
fn is_news(group: &Group, shown: &HashSet<MediaItemId>) -> bool {
    let titles = group.titles.iter();
    let known = titles.filter(|title| shown.contains(&title.item.id));
    known.count().saturating_mul(2) < group.titles.len()
}

/// Whether one channel is nearly the same.
fn is_shown_alone(group: &Group, catalog: &Catalog) -> bool {
    let ids = group.ids();
    let mut channels = catalog.channels().iter();
    channels.any(|channel| {
        let others: HashSet<MediaItemId> = channel.items.iter().copied().collect();
        is_alike(&ids, &others)
    })
}

/// Whether they share more than a third of what both have together.
fn is_alike(one: &HashSet<MediaItemId>, other: &HashSet<MediaItemId>) -> bool {
    let shared = one.intersection(other).count();
    let together = one.len() + other.len() - shared;
    shared.saturating_mul(3) > together
}

/// The channels that are suggested if none is there yet.
fn best(channels: Vec<Group<'_>>, least: Least) -> Vec<Group<'_>> {
    let main = channels.iter().filter(|group| group.form == Form::Main);
    let most = match least {
        // Of a tiny library everything is shown.
        Least { titles: 1, .. } => limits::SUGGESTED_CHANNELS,
        _ => main.count().max(ENOUGH_CHANNELS),
    };
    longest(channels, most.min(limits::SUGGESTED_CHANNELS)).0
}

/// The items that are on a channel.
fn shown(catalog: &Catalog) -> HashSet<MediaItemId> {
    let channels = catalog.channels().iter();
    channels
        .flat_map(|channel| channel.items.iter().copied())
        .collect()
}

fn by_library(titles: Vec<Title<'_>>) -> BTreeMap<LibraryId, Vec<Title<'_>>> {
    let mut by_library: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for title in titles {
        let library = by_library.entry(title.item.library).or_default();
        library.push(title);
    }
    by_library
}

/// The films that are on no channel by what they are, and `few` episodes that have no channel: one
/// group for a library that a server tells of, otherwise by folder and decade.
fn films_by_library<'a>(
    films: BTreeMap<LibraryId, Vec<Title<'a>>>,
    few: Vec<Title<'a>>,
    themes: &[Group],
    catalog: &Catalog,
) -> Vec<Group<'a>> {
    let on_themes: HashSet<MediaItemId> = themes
        .iter()
        .flat_map(|theme| theme.titles.iter().map(|title| title.item.id))
        .collect();
    let mut all = films;
    for title in few {
        all.entry(title.item.library).or_default().push(title);
    }
    let mut groups = Vec::new();
    for (library, mut titles) in all {
        let name = library_name(library, catalog);
        if !themes.is_empty() && theme::is_told(&titles) {
            titles.retain(|title| !on_themes.contains(&title.item.id));
            let (name, block) = (name.to_owned(), Block::Films);
            groups.push(Group::new(name, block, Pace::Shuffled, titles));
        } else {
            groups.extend(folder::groups(name, titles));
        }
    }
    groups
}

fn library_name(library: LibraryId, catalog: &Catalog) -> &str {
    let library = catalog.library(library);
    library.map_or("Films", |library| library.name.as_str())
}

/// The `most` longest groups, those that are aside last, and the others; both in the order in which
/// they came.
fn longest(groups: Vec<Group<'_>>, most: usize) -> (Vec<Group<'_>>, Vec<Group<'_>>) {
    let mut longest = by_length(groups);
    let others = longest.split_off(most.min(longest.len()));
    (in_order(longest), in_order(others))
}

/// The longest first, those that are aside last, each with the place at which it came.
fn by_length(groups: Vec<Group<'_>>) -> Vec<(usize, Group<'_>)> {
    let mut groups: Vec<_> = groups.into_iter().enumerate().collect();
    groups.sort_by_key(|(_, group)| (group.form, Reverse(group.duration_ms())));
    groups
}

/// In the order in which they came.
fn in_order(mut groups: Vec<(usize, Group<'_>)>) -> Vec<Group<'_>> {
    groups.sort_by_key(|(place, _)| *place);
    groups.into_iter().map(|(_, group)| group).collect()
}

fn duration_ms(titles: &[Title]) -> u64 {
    let durations = titles.iter().map(|title| title.duration_ms);
    durations.fold(0, u64::saturating_add)
}

/// Splits a group into channels with one profile each, the longest first. Channels that would have
/// too little go to `rest`.
fn split<'a>(
    group: Group<'a>,
    least: Least,
    wishes: &Wishes,
    rest: &mut Vec<Title<'a>>,
) -> Vec<Group<'a>> {
    let mut channels = Vec::new();
    let mut first = None;
    let mut left = group.titles;
    for _ in 0..GROUP_PROFILES {
        let profile = choose_profile(left.iter().map(Title::weight), &wishes.language);
        let (titles, others): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|title| belongs(title.item, &profile, &wishes.language));
        left = others;
        if titles.is_empty() {
            break;
        }
        let (name, form) = match first {
            None => (clip(&group.name), Form::Main),
            Some(first) => {
                let difference = difference(&profile, &first);
                (format!("{} ({difference})", clip(&group.name)), Form::Aside)
            }
        };
        let channel = Group {
            form,
            ..Group::new(name, group.block, group.pace, titles)
        };
        if least.allows(&channel) {
            first = first.or(Some(profile));
            channels.push(channel);
        } else {
            rest.extend(channel.titles);
        }
    }
    rest.extend(left);
    channels
}

/// Whether an item goes on air as it is: with its own sound, or with silence because it has none. One
/// that could go on air nowhere without being converted is at home everywhere.
fn belongs(item: &MediaItem, profile: &Profile, language: &str) -> bool {
    let tracks = &item.part.tracks;
    let nowhere = || sounds(tracks).next().is_none() || pictures(tracks).next().is_none();
    match fit_item(item, profile, language) {
        Fit::Direct { .. } => true,
        Fit::Convert { .. } => nowhere() || item.part.container.is_none(),
        Fit::Silent { .. } => sounds(tracks).next().is_none(),
        Fit::Not { .. } => false,
    }
}

/// What tells a profile from another, in a word or two.
fn difference(profile: &Profile, from: &Profile) -> String {
    let audio = profile.audio;
    let mut words = Vec::new();
    if profile.video != from.video {
        words.push(profile.video.to_string());
    }
    if audio.codec != from.audio.codec {
        words.push(audio.codec.to_string());
    } else if audio.codec == AudioCodec::Aac && audio.channels != from.audio.channels {
        words.push(audio.layout().into_owned());
    } else if audio.sample_rate != from.audio.sample_rate {
        words.push(format!("{} Hz", audio.sample_rate));
    }
    words.join(", ")
}

impl<'a> Title<'a> {
    fn weight(&self) -> (&'a [Track], u64) {
        (self.item.part.tracks.as_ref(), self.duration_ms)
    }
}

impl Least {
    /// For channels made of these.
    fn of(titles: &[Title]) -> Self {
        Self {
            titles: if titles.len() <= TINY_LIBRARY {
                1
            } else {
                CHANNEL_TITLES
            },
            duration_ms: CHANNEL_MS.min(duration_ms(titles) / 100),
        }
    }

    fn allows(self, group: &Group) -> bool {
        group.titles.len() >= self.titles && group.duration_ms() >= self.duration_ms
    }
}

impl<'a> Group<'a> {
    fn new(name: String, block: Block, pace: Pace, titles: Vec<Title<'a>>) -> Self {
        Self {
            name,
            block,
            pace,
            form: Form::Main,
            titles,
        }
    }

    fn duration_ms(&self) -> u64 {
        duration_ms(&self.titles)
    }

    fn ids(&self) -> HashSet<MediaItemId> {
        self.titles.iter().map(|title| title.item.id).collect()
    }
}
