//! Names that fit on a remote's screen, each once, and numbers that are free.

use super::{Block, Group, Pace};
use crate::catalog::Catalog;
use crate::model::{ChannelNumber, NewChannel, Order};
use crate::schedule::shuffle::SplitMix64;
use std::collections::HashSet;

/// Longest name before what tells sibling channels apart, in characters.
const NAME_CHARS: usize = 32;

impl Block {
    /// The first number.
    fn first(self) -> u32 {
        match self {
            Self::First => 1,
            Self::Films => 100,
            Self::Genres => 200,
            Self::Decades => 300,
            Self::Collections => 400,
            Self::Playlists => 500,
        }
    }
}

/// Makes channels of groups, in the order of their numbers.
pub(super) fn name_and_number(
    groups: Vec<Group>,
    catalog: &Catalog,
    epoch_ms: i64,
) -> Vec<NewChannel> {
    let there = catalog.channels().iter();
    let mut names: HashSet<String> = there
        .clone()
        .map(|channel| channel.name.to_lowercase())
        .collect();
    let mut taken: HashSet<ChannelNumber> = there.map(|channel| channel.number).collect();
    let mut channels: Vec<NewChannel> = groups
        .into_iter()
        .filter_map(|group| {
            let number = (group.block.first()..100_000)
                .map(|major| ChannelNumber { major, minor: None })
                .find(|number| taken.insert(*number))?;
            let name = unique(&group.name, &mut names);
            let order = match group.pace {
                Pace::InOrder => Order::Listed,
                Pace::Shuffled => Order::Shuffled {
                    seed: seed_of(&name),
                },
            };
            Some(NewChannel {
                number,
                name,
                epoch_ms,
                order,
                items: group.titles.iter().map(|title| title.item.id).collect(),
            })
        })
        .collect();
    channels.sort_by_key(|channel| channel.number);
    channels
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
pub(super) fn clip(name: &str) -> String {
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
