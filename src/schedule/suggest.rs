//! A first lineup for a library: every show a channel in order, films and clips together, and no
//! channel with items that could not be carried as they are under its one profile.

use super::fit::{fit_item, pictures, sounds};
use super::shuffle::SplitMix64;
use super::{Fit, Wishes, choose_profile, playable_ms};
use crate::catalog::Catalog;
use crate::limits;
use crate::media::{AudioCodec, Profile, Track};
use crate::model::{ChannelNumber, Episode, LibraryId, MediaItem, MediaItemId, NewChannel, Order};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path};

/// Episodes from which on a show has a channel of its own.
const SHOW_EPISODES: usize = 3;
/// Shows that have a channel of their own, the longest first; the others share.
const SHOWS: usize = 24;
/// Titles from which on a folder has a channel of its own.
const FOLDER_TITLES: usize = 8;
/// Titles from which on a channel is split by decades, and which a decade has to have.
const MANY_TITLES: usize = 60;
const DECADE_TITLES: usize = 20;
/// Titles that a channel should have, unless the whole library is tiny.
const CHANNEL_TITLES: usize = 3;
const TINY_LIBRARY: usize = 24;
/// Profiles into which one group is split; what is left by then is a mixture of oddities.
const GROUP_PROFILES: usize = 8;
/// Longest name before what tells sibling channels apart, in characters.
const NAME_CHARS: usize = 32;

/// A title that can be played.
#[derive(Clone, Copy)]
struct Title<'a> {
    item: &'a MediaItem,
    duration_ms: u64,
}

/// Titles that belong together by what they are, whatever they are made of.
struct Group<'a> {
    name: String,
    pace: Pace,
    titles: Vec<Title<'a>>,
}

/// In which order a group is shown; the seed of a shuffle comes from the channel's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    InOrder,
    Shuffled,
}

/// Suggests channels, at most `limits::SUGGESTED_CHANNELS`, each with one profile under which all
/// its items go on air as they are. The same catalog gives the same channels. Numbers count up
/// from 1 and skip those that are taken. Titles that fit nowhere are not forced.
///
/// A channel of titles that mostly have one already is not suggested: who takes a suggestion gets
/// none the next time, until there is something new to show.
#[must_use]
pub fn suggest(catalog: &Catalog, wishes: &Wishes, epoch_ms: i64) -> Vec<NewChannel> {
    let titles: Vec<Title> = catalog
        .items()
        .iter()
        .filter_map(|item| {
            let duration_ms = playable_ms(item).ok()?;
            Some(Title { item, duration_ms })
        })
        .collect();
    let fewest = if titles.len() <= TINY_LIBRARY {
        1
    } else {
        CHANNEL_TITLES
    };
    let (mut groups, others) = shows(titles);
    groups.extend(collections(others, catalog));
    let mut rest = Vec::new();
    let mut channels: Vec<Group> = Vec::new();
    for group in groups {
        channels.extend(split(group, fewest, wishes, &mut rest));
    }
    let more = Group {
        name: "More".to_owned(),
        pace: Pace::Shuffled,
        titles: rest,
    };
    channels.extend(split(more, fewest, wishes, &mut Vec::new()));
    let (mut channels, _) = longest(channels, limits::SUGGESTED_CHANNELS);
    // Only now, so that taking a suggestion does not bring up the next best one.
    let shown = shown(catalog);
    channels.retain(|channel| {
        let titles = channel.titles.iter();
        let known = titles
            .filter(|title| shown.contains(&title.item.id))
            .count();
        known.saturating_mul(2) < channel.titles.len()
    });
    name_and_number(channels, catalog, epoch_ms)
}

/// The items that are on a channel.
fn shown(catalog: &Catalog) -> HashSet<MediaItemId> {
    let channels = catalog.channels().iter();
    channels
        .flat_map(|channel| channel.items.iter().copied())
        .collect()
}

/// Groups the shows, by name, and gives back what belongs to none.
fn shows(titles: Vec<Title<'_>>) -> (Vec<Group<'_>>, Vec<Title<'_>>) {
    let mut by_show: BTreeMap<String, Vec<(&Episode, Title)>> = BTreeMap::new();
    let mut others = Vec::new();
    for title in titles {
        match &title.item.episode {
            Some(episode) => by_show
                .entry(episode.show.trim().to_lowercase())
                .or_default()
                .push((episode, title)),
            None => others.push(title),
        }
    }
    let mut groups = Vec::new();
    for (_, mut episodes) in by_show {
        // Specials come after the seasons.
        episodes.sort_by_key(|(episode, title)| {
            let special = episode.season == 0;
            (special, episode.season, episode.number, title.item.id)
        });
        let name = episodes
            .first()
            .map_or_else(String::new, |(episode, _)| episode.show.clone());
        let episodes = episodes.into_iter().map(|(_, title)| title);
        if episodes.len() >= SHOW_EPISODES {
            groups.push(Group {
                name,
                pace: Pace::InOrder,
                titles: episodes.collect(),
            });
        } else {
            others.extend(episodes);
        }
    }
    let (mut groups, sharing) = longest(groups, SHOWS);
    groups.push(Group {
        name: "More Shows".to_owned(),
        pace: Pace::Shuffled,
        titles: sharing.into_iter().flat_map(|group| group.titles).collect(),
    });
    (groups, others)
}

/// The `most` longest groups, and the others; both in the order in which they came.
fn longest(groups: Vec<Group<'_>>, most: usize) -> (Vec<Group<'_>>, Vec<Group<'_>>) {
    let mut by_length: Vec<(usize, Group)> = groups.into_iter().enumerate().collect();
    by_length.sort_by_key(|(_, group)| Reverse(group.duration_ms()));
    let others = by_length.split_off(most.min(by_length.len()));
    let in_order = |mut groups: Vec<(usize, _)>| {
        groups.sort_by_key(|(place, _)| *place);
        groups.into_iter().map(|(_, group)| group).collect()
    };
    (in_order(by_length), in_order(others))
}

/// Groups films and clips by library, then by folder, then by decade where there are many.
fn collections<'a>(titles: Vec<Title<'a>>, catalog: &Catalog) -> Vec<Group<'a>> {
    let mut by_library: BTreeMap<LibraryId, Vec<Title>> = BTreeMap::new();
    for title in titles {
        by_library
            .entry(title.item.library)
            .or_default()
            .push(title);
    }
    let mut groups = Vec::new();
    for (library, titles) in by_library {
        let name = catalog
            .library(library)
            .map_or("Films", |library| library.name.as_str());
        for (name, titles) in folders(name, titles) {
            groups.extend(decades(name, titles));
        }
    }
    groups
}

/// Gives the large folders below the one that all titles share a group each, after the rest, and
/// looks into those that are very large.
fn folders<'a>(name: &str, titles: Vec<Title<'a>>) -> Vec<(String, Vec<Title<'a>>)> {
    let depth = shared_depth(&titles);
    let mut by_folder: BTreeMap<&str, Vec<Title>> = BTreeMap::new();
    let mut rest = Vec::new();
    for title in titles {
        match folder_names(title.item).nth(depth) {
            Some(folder) => by_folder.entry(folder).or_default().push(title),
            None => rest.push(title),
        }
    }
    let mut groups = Vec::new();
    for (folder, titles) in by_folder {
        match titles.len() {
            MANY_TITLES.. => groups.extend(folders(folder, titles)),
            FOLDER_TITLES.. => groups.push((folder.to_owned(), titles)),
            _ => rest.extend(titles),
        }
    }
    groups.insert(0, (name.to_owned(), rest));
    groups
}

/// The folders above an item's file, from the top.
fn folder_names(item: &MediaItem) -> impl Iterator<Item = &str> {
    let folder = Path::new(&item.part.path).parent();
    let names = folder.into_iter().flat_map(Path::components);
    names.filter_map(|name| match name {
        Component::Normal(name) => name.to_str(),
        _ => None,
    })
}

/// How many folders from the top all titles have in common.
fn shared_depth(titles: &[Title]) -> usize {
    let Some((first, others)) = titles.split_first() else {
        return 0;
    };
    let first: Vec<&str> = folder_names(first.item).collect();
    others.iter().fold(first.len(), |depth, title| {
        let shared = folder_names(title.item).zip(first.iter().take(depth));
        shared.take_while(|(one, other)| one == *other).count()
    })
}

/// Gives the decades with many titles a group each, after the rest.
fn decades(name: String, titles: Vec<Title<'_>>) -> Vec<Group<'_>> {
    let many = titles.len() >= MANY_TITLES;
    let mut by_decade: BTreeMap<u16, Vec<Title>> = BTreeMap::new();
    let mut rest = Vec::new();
    for title in titles {
        match title.item.year.filter(|_| many) {
            Some(year) => by_decade.entry(year / 10 * 10).or_default().push(title),
            None => rest.push(title),
        }
    }
    let mut groups = Vec::new();
    for (decade, titles) in by_decade {
        if titles.len() >= DECADE_TITLES {
            groups.push(Group {
                name: format!("{} {decade}s", clip(&name)),
                pace: Pace::Shuffled,
                titles,
            });
        } else {
            rest.extend(titles);
        }
    }
    rest.sort_by_key(|title| title.item.id);
    groups.insert(
        0,
        Group {
            name,
            pace: Pace::Shuffled,
            titles: rest,
        },
    );
    groups
}

/// Splits a group into channels with one profile each, the longest first. Channels that would have
/// less than `fewest` titles go to `rest`.
fn split<'a>(
    group: Group<'a>,
    fewest: usize,
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
        if titles.len() < fewest {
            rest.extend(titles);
            continue;
        }
        let name = match first {
            None => clip(&group.name),
            Some(first) => format!("{} ({})", clip(&group.name), difference(&profile, &first)),
        };
        first = first.or(Some(profile));
        channels.push(Group {
            name,
            pace: group.pace,
            titles,
        });
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

fn name_and_number(channels: Vec<Group>, catalog: &Catalog, epoch_ms: i64) -> Vec<NewChannel> {
    let there = catalog.channels().iter();
    let mut names: HashSet<String> = there
        .clone()
        .map(|channel| channel.name.to_lowercase())
        .collect();
    let taken: HashSet<ChannelNumber> = there.map(|channel| channel.number).collect();
    let free = (1_u32..100_000)
        .map(|major| ChannelNumber { major, minor: None })
        .filter(|number| !taken.contains(number));
    let numbered = free.zip(channels);
    let named = numbered.map(|(number, channel)| {
        let name = unique(&channel.name, &mut names);
        let order = match channel.pace {
            Pace::InOrder => Order::Listed,
            Pace::Shuffled => Order::Shuffled {
                seed: seed_of(&name),
            },
        };
        NewChannel {
            number,
            name,
            epoch_ms,
            order,
            items: channel.titles.iter().map(|title| title.item.id).collect(),
        }
    });
    named.collect()
}

/// The name, with a number behind it where it is in use.
fn unique(name: &str, names: &mut HashSet<String>) -> String {
    let mut wanted = name.to_owned();
    let mut count = 1_u32;
    while !names.insert(wanted.to_lowercase()) {
        count += 1;
        wanted = format!("{name} {count}");
    }
    wanted
}

fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0, |seed, byte| {
        SplitMix64::new(seed ^ u64::from(byte)).next()
    })
}

/// A name that fits on a remote's screen.
fn clip(name: &str) -> String {
    let name = name.trim();
    if name.is_empty() {
        return "Channel".to_owned();
    }
    if name.chars().count() <= NAME_CHARS {
        return name.to_owned();
    }
    let short: String = name.chars().take(NAME_CHARS - 1).collect();
    format!("{}…", short.trim_end())
}

impl<'a> Title<'a> {
    fn weight(&self) -> (&'a [Track], u64) {
        (self.item.part.tracks.as_slice(), self.duration_ms)
    }
}

impl Group<'_> {
    fn duration_ms(&self) -> u64 {
        self.titles
            .iter()
            .fold(0, |sum, title| sum.saturating_add(title.duration_ms))
    }
}
