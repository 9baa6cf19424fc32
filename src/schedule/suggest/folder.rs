//! Films and clips of which nothing is known but where they are and perhaps their year: by folder, then
//! by decade where there are many.

use super::{Block, Group, MANY_TITLES, Pace, THEME_TITLES, Title, decade};
use crate::model::MediaItem;
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// Titles from which on a folder has a channel of its own.
const FOLDER_TITLES: usize = 8;

/// Groups the titles of a library, in the order of their names.
pub(super) fn groups<'a>(name: &str, titles: Vec<Title<'a>>) -> Vec<Group<'a>> {
    let folders = folders(name, titles).into_iter();
    folders
        .flat_map(|(name, titles)| decades(name, titles))
        .collect()
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
    let (decades, mut rest) = match titles.len() {
        MANY_TITLES.. => decade::groups(&name, Block::First, &titles),
        _ => (Vec::new(), titles),
    };
    let (mut groups, small): (Vec<_>, Vec<_>) = decades
        .into_iter()
        .partition(|decade| decade.titles.len() >= THEME_TITLES);
    rest.extend(small.into_iter().flat_map(|decade| decade.titles));
    rest.sort_by_key(|title| title.item.id);
    groups.insert(0, Group::new(name, Block::First, Pace::Shuffled, rest));
    groups
}
