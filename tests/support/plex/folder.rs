//! A folder of videos as a library: films named `Title (Year).ext`, episodes named `Show S01E02.ext`
//! in whatever folders.

use super::item::{Item, Kind, Lineage};
use super::library::{Group, Library, Section, SectionKind};
use super::probe;
use std::fs;
use std::path::{Path, PathBuf};

const EXTENSIONS: [&str; 11] = [
    "mkv", "mp4", "m4v", "mov", "ts", "m2ts", "avi", "mpg", "mpeg", "webm", "wmv",
];

const FILMS: u64 = 1;
const SHOWS: u64 = 2;

/// What a file's name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Film {
        title: String,
        year: Option<u32>,
    },
    Episode {
        show: String,
        season: u32,
        episode: u32,
        title: Option<String>,
    },
}

/// Films in section 1, shows in section 2. Keys follow the order of the paths, from 101.
pub(super) fn library(folder: &Path) -> Library {
    let mut films = Section::new(FILMS, SectionKind::Films, "Films");
    let mut shows = Section::new(SHOWS, SectionKind::Shows, "Shows");
    let mut next_key = 101;
    for file in files(folder) {
        let rating_key = take(&mut next_key);
        let inside = file.strip_prefix(folder).unwrap_or(&file);
        let shown = format!("/data/{}", inside.to_string_lossy());
        let (media, chapters) = probe::media(&file, shown, rating_key * 10);
        let mut item = match named(inside) {
            Named::Film { title, year } => {
                let mut item = Item::bare(rating_key, Kind::Film, &title);
                item.year = year;
                item.originally_available_at = year.map(|year| format!("{year}-06-01"));
                item.genres = vec!["Drama".to_owned()];
                item
            }
            Named::Episode {
                show,
                season,
                episode,
                title,
            } => {
                let title = title.unwrap_or_else(|| format!("Episode {episode}"));
                let mut item = Item::bare(rating_key, Kind::Episode, &title);
                item.index = Some(episode);
                item.lineage = Some(lineage(&mut shows, &show, season, &mut next_key));
                item
            }
        };
        item.guids = vec![format!("imdb://tt{rating_key:07}")];
        item.summary = format!("What is in {}.", inside.to_string_lossy());
        item.duration_ms = media.duration_ms;
        item.added_at = media.parts[0].change_stamp;
        item.updated_at = Some(item.added_at);
        item.media = vec![media];
        item.chapters = chapters;
        if item.kind == Kind::Film {
            films.items.push(item);
        } else {
            shows.items.push(item);
        }
    }
    count(&mut shows);
    with_groups(films, shows, next_key)
}

/// A collection of the films, a playlist of all titles, and one with things that are no video.
fn with_groups(films: Section, shows: Section, mut next_key: u64) -> Library {
    let keys = |section: &Section, kind| {
        let all = section.facts(kind).map(|facts| facts.rating_key);
        all.collect::<Vec<_>>()
    };
    let film_keys = keys(&films, Kind::Film);
    let all: Vec<u64> = [film_keys.clone(), keys(&shows, Kind::Episode)].concat();
    let track = Item::bare(take(&mut next_key), Kind::Track, "Overture");
    let photo = Item::bare(take(&mut next_key), Kind::Photo, "Holiday");
    let mut mixed = all.clone();
    mixed.insert(mixed.len().min(1), track.rating_key);
    mixed.push(photo.rating_key);
    let mut group = |title: &str, section, items| Group {
        rating_key: take(&mut next_key),
        section,
        title: title.to_owned(),
        updated_at: Some(1_600_000_001),
        is_smart: false,
        items,
    };
    let collection = group("All the films", Some(films.key), film_keys);
    let plain = group("Everything", None, all);
    let odd = group("This and that", None, mixed);
    Library {
        sections: vec![films, shows],
        collections: vec![collection],
        playlists: vec![plain, odd],
        loose: vec![track, photo],
    }
}

fn take(next_key: &mut u64) -> u64 {
    *next_key += 1;
    *next_key - 1
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                open.push(path);
            } else if EXTENSIONS.contains(&extension.to_lowercase().as_str()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Reads a path inside the folder.
pub(super) fn named(inside: &Path) -> Named {
    let stem = inside.file_stem().unwrap_or_default().to_string_lossy();
    if let Some((before, season, episode, after)) = episode_mark(&stem) {
        let mut show = trimmed(before);
        if show.is_empty() {
            // `Show/Season 01/S01E02.mkv`.
            let first = inside.components().next();
            let first = first.map(|first| first.as_os_str().to_string_lossy());
            show = first.unwrap_or_default().into_owned();
        }
        let title = Some(trimmed(after)).filter(|title| !title.is_empty());
        return Named::Episode {
            show,
            season,
            episode,
            title,
        };
    }
    if let Some((title, rest)) = stem.rsplit_once(" (")
        && let Some(Ok(year)) = rest.strip_suffix(')').map(str::parse)
    {
        let title = title.to_owned();
        let year = Some(year);
        return Named::Film { title, year };
    }
    Named::Film {
        title: stem.into_owned(),
        year: None,
    }
}

/// Splits a name at its `S01E02`.
fn episode_mark(stem: &str) -> Option<(&str, u32, u32, &str)> {
    for (at, _) in stem.match_indices(['S', 's']) {
        let (season, rest) = digits(&stem[at + 1..]);
        let Some(rest) = rest.strip_prefix(['E', 'e']) else {
            continue;
        };
        let (episode, after) = digits(rest);
        if let (Ok(season), Ok(episode)) = (season.parse(), episode.parse()) {
            return Some((&stem[..at], season, episode, after));
        }
    }
    None
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn trimmed(text: &str) -> String {
    text.trim_matches([' ', '-', '.', '_']).to_owned()
}

/// What stands above an episode; made when it is the first one.
fn lineage(shows: &mut Section, show: &str, season: u32, next_key: &mut u64) -> Lineage {
    let found = shows.items.iter();
    let mut found = found.filter(|item| item.kind == Kind::Show && item.title == show);
    let show = match found.next() {
        Some(item) => item.above(),
        None => {
            let mut item = Item::bare(take(next_key), Kind::Show, show);
            item.index = Some(1);
            item.year = Some(2000);
            item.genres = vec!["Comedy".to_owned()];
            item.guids = vec![format!("tvdb://{}", item.rating_key)];
            let above = item.above();
            shows.items.push(item);
            above
        }
    };
    let found = shows.items.iter().find(|item| {
        item.kind == Kind::Season
            && item.parent() == Some(show.rating_key)
            && item.index == Some(season)
    });
    let season = match found {
        Some(item) => item.above(),
        None => {
            let title = format!("Season {season}");
            let mut item = Item::bare(take(next_key), Kind::Season, &title);
            item.index = Some(season);
            item.lineage = Some(Lineage {
                season: None,
                show: show.clone(),
            });
            let above = item.above();
            shows.items.push(item);
            above
        }
    };
    let season = Some(season);
    Lineage { season, show }
}

/// Counts what stands below shows and seasons.
fn count(shows: &mut Section) {
    let below = |key: u64, items: &[Item]| {
        let seasons = items.iter().filter(|item| item.parent() == Some(key));
        let episodes = items.iter().filter(|item| {
            let of_show = item.lineage.as_ref().map(|above| above.show.rating_key);
            item.kind == Kind::Episode && (item.parent() == Some(key) || of_show == Some(key))
        });
        (seasons.count() as u64, episodes.count() as u64)
    };
    let counts: Vec<_> = shows
        .items
        .iter()
        .map(|item| below(item.rating_key, &shows.items))
        .collect();
    for (item, (children, leaves)) in shows.items.iter_mut().zip(counts) {
        if matches!(item.kind, Kind::Show | Kind::Season) {
            item.child_count = children;
            item.leaf_count = leaves;
        }
    }
}
