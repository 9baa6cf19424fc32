//! Channels of titles that may be on several of them, of which no two are nearly the same.

use super::{Group, Least, Title, Wishes, belongs, by_length, choose_profile, in_order, is_alike};

/// The channels so far.
pub(super) struct Chosen<'a, 'w> {
    wishes: &'w Wishes,
    pub(super) groups: Vec<Group<'a>>,
}

impl<'a, 'w> Chosen<'a, 'w> {
    /// None yet.
    pub(super) fn new(wishes: &'w Wishes) -> Self {
        Self {
            wishes,
            groups: Vec::new(),
        }
    }

    /// Takes the longest of these, at most `most`, in the order in which they come. Each has to have
    /// enough that goes on air beside each other, and must not be nearly the same as another one.
    pub(super) fn take(&mut self, mut groups: Vec<Group<'a>>, least: Least, most: usize) {
        for group in &mut groups {
            self.settle(group);
        }
        groups.retain(|group| least.allows(group));
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

/// Whether a group is nearly the same as another one.
fn is_like_any<'g, 'a: 'g>(group: &Group, mut others: impl Iterator<Item = &'g Group<'a>>) -> bool {
    let ids = group.ids();
    others.any(|other| is_alike(&ids, &other.ids()))
}
