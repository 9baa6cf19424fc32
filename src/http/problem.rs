//! What keeps titles from being shown, for the page: a sentence for each reason, and the titles that
//! it is about.

use super::health;
use crate::limits;
use crate::model::MediaItem;
use crate::schedule::Lineup;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// One reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// In words for the owner.
    pub(super) sentence: String,
    /// The first titles that it is about; none where the sentence names its only one.
    pub(super) titles: Vec<String>,
    /// How many more there are.
    pub(super) more: usize,
}

/// The titles that one reason is about.
struct Group<'a> {
    first: Vec<&'a MediaItem>,
    count: usize,
}

/// Everything that keeps something from being shown: what is wrong `outside`, and then what
/// concerns most titles first. That there is no channel yet is no problem but a
/// beginning, and the page says what to do.
pub(super) fn problems(
    lineup: &Lineup,
    date_ms: Option<i64>,
    outside: Vec<String>,
) -> Vec<Problem> {
    let mut problems: Vec<_> = outside.into_iter().map(plain).collect();
    if !lineup.schedules().is_empty() {
        problems.extend(health::untunable(lineup, date_ms).into_iter().map(plain));
    }
    problems.extend(unplayable(lineup));
    problems.extend(missing(lineup));
    problems.extend(left_out(lineup));
    problems
}

/// The files that cannot be played.
fn unplayable(lineup: &Lineup) -> Vec<Problem> {
    let items = lineup.catalog().items().iter();
    let broken = items.filter_map(|item| Some((item.part.problem.as_ref()?, item.as_ref())));
    told(by_reason(broken), |why| format!("cannot be played: {why}."))
}

/// What channels keep the time of, since it may come back.
fn missing(lineup: &Lineup) -> Vec<Problem> {
    let catalog = lineup.catalog();
    let everywhere = lineup.schedules().iter().flat_map(|schedule| {
        let channel = schedule.channel();
        let items = channel.items.iter().filter_map(|id| catalog.item(*id));
        items.map(|item| (channel.number, item.as_ref()))
    });
    let missing = everywhere.filter(|(_, item)| item.missing_ms.is_some());
    told(by_reason(missing), |number| {
        format!(
            "cannot be shown on channel {number}, which has the slate instead: its server does \
             not list it any more."
        )
    })
}

/// What channels leave out. Files that cannot be played are told of elsewhere.
fn left_out(lineup: &Lineup) -> Vec<Problem> {
    let everywhere = lineup.schedules().iter().flat_map(|schedule| {
        let number = schedule.channel().number;
        let left_out = schedule.left_out().iter();
        left_out.map(move |left| ((number, left.why.as_str()), left.item))
    });
    let playable = everywhere
        .filter_map(|(why, item)| Some((why, lineup.catalog().item(item)?.as_ref())))
        .filter(|(_, item)| item.part.problem.is_none());
    told(by_reason(playable), |(number, why)| {
        format!("cannot be shown on channel {number}: {why}.")
    })
}

/// The items of each reason, the most frequent in front.
fn by_reason<'a, K: Copy + Eq + Hash>(
    all: impl Iterator<Item = (K, &'a MediaItem)>,
) -> Vec<(K, Group<'a>)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<(K, Group)> = Vec::new();
    for (why, item) in all {
        let place = *places.entry(why).or_insert(groups.len());
        if place == groups.len() {
            let (first, count) = (Vec::new(), 0);
            groups.push((why, Group { first, count }));
        }
        if let Some((_, group)) = groups.get_mut(place) {
            group.count += 1;
            if group.first.len() < limits::SENTENCES {
                group.first.push(item);
            }
        }
    }
    groups.sort_by_key(|(_, group)| Reverse(group.count));
    groups
}

/// A sentence for each of the first reasons, made of its titles and what is said of them.
fn told<K>(groups: Vec<(K, Group)>, said: impl Fn(K) -> String) -> Vec<Problem> {
    let others = groups.len().saturating_sub(limits::SENTENCES);
    let groups = groups.into_iter().take(limits::SENTENCES);
    let mut problems: Vec<_> = groups.map(|(why, group)| group.told(&said(why))).collect();
    if others > 0 {
        problems.push(plain(format!("And {others} more like these.")));
    }
    problems
}

impl Group<'_> {
    fn told(&self, said: &str) -> Problem {
        match self.first.as_slice() {
            [only] => plain(format!("{} {said}", only)),
            first => Problem {
                sentence: format!("{} titles {said}", self.count),
                titles: first.iter().map(|item| item.to_string()).collect(),
                more: self.count - first.len(),
            },
        }
    }
}

fn plain(sentence: String) -> Problem {
    Problem {
        sentence,
        titles: Vec::new(),
        more: 0,
    }
}
