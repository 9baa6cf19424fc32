//! What is on, and when: arithmetic on a channel's definition, the catalog and an instant.
//!
//! No cursor is stored and no position saved. Guide, stream and API ask the same [`Schedule`].

mod fit;
mod lap;
mod lineup;
mod profile;
mod shuffle;
#[cfg(test)]
mod sketch;
mod suggest;

pub use fit::{Fit, Pictures, fit, fit_item};
pub use lineup::Lineup;
pub use profile::choose_profile;
pub use suggest::suggest;

use crate::catalog::Catalog;
use crate::limits;
use crate::media::{Profile, Track};
use crate::model::{Airing, Channel, LibraryId, MediaItem, MediaItemId, Order};
use lap::Lap;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// What the owner wishes for all channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// The language to be heard wherever a title has it, as [`crate::media::language::code`] gives
    /// it.
    pub language: String,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            language: "eng".to_owned(),
        }
    }
}

/// The loop of one channel, laid out once so that looking up an instant is a binary search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    channel: Arc<Channel>,
    profile: Profile,
    language: String,
    picture_lines: u32,
    bits_per_second: u64,
    lap: Lap,
    libraries: Vec<LibraryId>,
    left_out: Vec<LeftOut>,
}

/// An item of a channel that is not shown on it, and why, in words for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The item.
    pub item: MediaItemId,
    /// Why.
    pub why: String,
}

/// A playable item with its place in the channel's list.
struct Candidate<'a> {
    place: u32,
    item: &'a MediaItem,
    duration_ms: u64,
}

impl Schedule {
    /// Lays out a channel's loop. What cannot be shown is left out and listed with the reason.
    ///
    /// A listed channel shows its items as listed; one lap is the list. A shuffled channel shows
    /// each item once in a round, however often it is listed, and a lap of few items has many
    /// rounds.
    #[must_use]
    pub fn build(channel: &Arc<Channel>, catalog: &Catalog, wishes: &Wishes) -> Self {
        let mut left_out: Vec<(usize, LeftOut)> = Vec::new();
        let mut leave_out = |place: usize, item: MediaItemId, why: String| {
            left_out.push((place, LeftOut { item, why }));
        };
        let mut candidates = Vec::new();
        for (place, id) in listed_once(channel) {
            match candidate(place, id, catalog) {
                Ok(one) => candidates.push(one),
                Err(why) => leave_out(place, id, why),
            }
        }
        let profile = choose_profile(
            candidates
                .iter()
                .map(|one| (one.item.part.tracks.as_ref(), one.duration_ms)),
            &wishes.language,
        );
        candidates.retain(|one| {
            let how = fit_item(one.item, &profile, &wishes.language);
            if let Fit::Not { why } = how {
                leave_out(
                    usize::try_from(one.place).unwrap_or(usize::MAX),
                    one.item.id,
                    why,
                );
                return false;
            }
            true
        });
        left_out.sort_by_key(|(place, _)| *place);
        Self {
            channel: Arc::clone(channel),
            profile,
            language: wishes.language.clone(),
            picture_lines: candidates.iter().map(picture_lines).max().unwrap_or(0),
            bits_per_second: candidates.iter().map(bits_per_second).max().unwrap_or(0),
            lap: lay_out(channel.order, &candidates),
            libraries: libraries(&candidates),
            left_out: left_out.into_iter().map(|(_, one)| one).collect(),
        }
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// What its stream is made of.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Lines of the tallest pictures that it shows; 0 where there are none.
    #[must_use]
    pub fn picture_lines(&self) -> u32 {
        self.picture_lines
    }

    /// What its stream takes at most: the average of the item that takes most; 0 where there is
    /// none.
    #[must_use]
    pub fn bits_per_second(&self) -> u64 {
        self.bits_per_second
    }

    /// How an item goes on air here.
    #[must_use]
    pub fn fit_of(&self, item: &MediaItem) -> Fit {
        fit_item(item, &self.profile, &self.language)
    }

    /// The libraries of the items that it shows, each once.
    #[must_use]
    pub fn libraries(&self) -> &[LibraryId] {
        &self.libraries
    }

    /// The items that are not shown, and why, in the channel's order.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// How long it takes until everything comes again, in the same order; 0 for a channel that has
    /// nothing that can be shown.
    #[must_use]
    pub fn lap_ms(&self) -> u64 {
        self.lap.length_ms()
    }

    /// How many airings a lap has.
    #[must_use]
    pub fn lap_airings(&self) -> usize {
        self.lap.entries()
    }

    /// What is on at an instant; `None` only where the channel has nothing that can be shown.
    ///
    /// Every instant has exactly one airing, `start_ms <= at_ms < end_ms`, before the channel's
    /// epoch too. At the two ends of the `i64` airings are cut short, and its very last millisecond
    /// belongs to the one before it.
    #[must_use]
    pub fn on_air(&self, at_ms: i64) -> Option<Airing> {
        let at_ms = i128::from(at_ms.min(i64::MAX - 1));
        let length_ms = i128::from(self.lap.length_ms());
        let offset_ms =
            (at_ms - i128::from(self.channel.epoch_ms)).checked_rem_euclid(length_ms)?;
        let entry = self.lap.at(u64::try_from(offset_ms).ok()?)?;
        let lap_began_ms = at_ms - offset_ms;
        Some(Airing {
            item: *self.channel.items.get(usize::try_from(entry.place).ok()?)?,
            start_ms: i64::try_from(lap_began_ms + i128::from(entry.start_ms)).unwrap_or(i64::MIN),
            end_ms: i64::try_from(lap_began_ms + i128::from(entry.end_ms)).unwrap_or(i64::MAX),
        })
    }

    /// What follows an airing; `None` only at the end of time.
    #[must_use]
    pub fn next_after(&self, airing: &Airing) -> Option<Airing> {
        if airing.end_ms == i64::MAX {
            None
        } else {
            self.on_air(airing.end_ms)
        }
    }

    /// All airings that are on within `[from_ms, to_ms)`, one after the other without a gap. There
    /// may be one per millisecond, so take only as many as are needed.
    pub fn airings(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = Airing> {
        let first = self.on_air(from_ms).filter(|_| from_ms < to_ms);
        std::iter::successors(first, |airing| self.next_after(airing))
            .take_while(move |airing| airing.start_ms < to_ms)
    }
}

/// The duration of an item that can be played, or why it cannot be. One that is missing for a while
/// keeps its time, which the slate covers: nothing that fails moves the schedule.
fn playable_ms(item: &MediaItem) -> Result<u64, String> {
    if let Some(problem) = &item.part.problem {
        return Err(problem.clone());
    }
    match item.part.duration_ms {
        None => Err("its duration is not known".to_owned()),
        Some(0) => Err("it is empty: its duration is zero".to_owned()),
        Some(longer) if longer > limits::ITEM_DURATION_MS => Err(format!(
            "it claims to last {} hours, which cannot be",
            longer / 3_600_000
        )),
        Some(duration_ms) => Ok(duration_ms),
    }
}

/// The channel's items with their places; for a shuffled one each item once.
fn listed_once(channel: &Channel) -> impl Iterator<Item = (usize, MediaItemId)> {
    let mut met = HashSet::new();
    let repeats = channel.order == Order::Listed;
    let items = channel.items.iter().copied().enumerate();
    items.filter(move |(_, id)| repeats || met.insert(*id))
}

fn candidate(place: usize, id: MediaItemId, catalog: &Catalog) -> Result<Candidate<'_>, String> {
    let item = catalog.item(id).ok_or("it is no longer in the library")?;
    let duration_ms = playable_ms(item)?;
    let place = u32::try_from(place)
        .ok()
        .filter(|_| place < limits::SCHEDULE_ENTRIES)
        .ok_or_else(|| {
            format!(
                "a channel shows at most {} titles",
                limits::SCHEDULE_ENTRIES
            )
        })?;
    Ok(Candidate {
        place,
        item,
        duration_ms,
    })
}

fn libraries(candidates: &[Candidate]) -> Vec<LibraryId> {
    let met: BTreeSet<_> = candidates.iter().map(|one| one.item.library).collect();
    met.into_iter().collect()
}

fn picture_lines(candidate: &Candidate) -> u32 {
    let videos = candidate.item.part.tracks.iter().filter_map(Track::video);
    videos.map(|video| video.height).max().unwrap_or(0)
}

fn bits_per_second(candidate: &Candidate) -> u64 {
    candidate.item.part.bits_per_second().unwrap_or(0)
}

fn lay_out(order: Order, candidates: &[Candidate]) -> Lap {
    let entry = |one: &Candidate| (one.place, one.duration_ms);
    match order {
        Order::Listed => Lap::new(candidates.iter().map(entry)),
        Order::Shuffled { seed } => {
            let count = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
            let sequence = shuffle::lap(seed, count);
            Lap::new(sequence.iter().map(|number| {
                usize::try_from(*number)
                    .ok()
                    .and_then(|number| candidates.get(number))
                    .map_or((0, 0), entry)
            }))
        }
    }
}
