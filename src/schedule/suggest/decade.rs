//! Titles by the decade that they are of.

use super::name::clip;
use super::{Block, Group, Pace, Title};
use std::collections::BTreeMap;

/// A group for each decade, the oldest first, and the titles of which no year is known.
pub(super) fn groups<'a>(
    name: &str,
    block: Block,
    titles: &[Title<'a>],
) -> (Vec<Group<'a>>, Vec<Title<'a>>) {
    let mut by_decade: BTreeMap<u16, Vec<Title>> = BTreeMap::new();
    let mut rest = Vec::new();
    for title in titles {
        match title.item.year {
            Some(year) => by_decade.entry(year / 10 * 10).or_default().push(*title),
            None => rest.push(*title),
        }
    }
    let groups = by_decade.into_iter().map(|(decade, titles)| {
        let name = format!("{} {decade}s", clip(name));
        Group::new(name, block, Pace::Shuffled, titles)
    });
    (groups.collect(), rest)
}
