//! From a time to a sample in fragments: by the index to a fragment before it, then by walking on.

use super::{Fragments, Spot};
use crate::demux::mp4::Entry;
use crate::demux::mp4::file::{Attempt, File, Stop};
use crate::demux::mp4::index::Index;
use crate::media::Sync;

/// Which samples a search may end at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demux::mp4) enum Landing {
    /// Random access points.
    Sync,
    /// All.
    Any,
}

/// A search, as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// Points of the index that lie before where it began.
    from: usize,
    step: usize,
    began: bool,
    /// The last landing at or before the time, and when it ends.
    best: Option<(Spot, i64)>,
    /// The first landing after where it began.
    first: Option<Spot>,
}

impl Fragments {
    /// Makes the last `landing` at or before `ticks` the next sample; where there is none before,
    /// the first one, and says so with false. For `Any` it is the sample that is heard at `ticks`,
    /// or the first one after them. The search begins at the point of the index for
    /// `index_ticks`, which are the video track's.
    pub(in crate::demux::mp4) fn seek(
        &mut self,
        file: &mut File,
        index: &mut Index,
        landing: Landing,
        ticks: i64,
        index_ticks: i64,
    ) -> Attempt<bool> {
        loop {
            let search = self.search_from(index, landing, index_ticks);
            let before = self.spot;
            let entry = match self.next(file) {
                Ok(entry) => entry,
                // What is broken ends the search like the end of the file does.
                Err(Stop::Failed(_)) => None,
                Err(need) => return Err(need),
            };
            if let Some(found) = self.consider(index, landing, ticks, search, before, entry) {
                return Ok(found);
            }
        }
    }

    fn search_from(&mut self, index: &Index, landing: Landing, index_ticks: i64) -> Search {
        if let Some(search) = self.search {
            return search;
        }
        let point = index.before(index_ticks);
        // Sound that belongs to a picture often lies in the fragment before it.
        let from = if landing == Landing::Any {
            point.saturating_sub(1)
        } else {
            point
        };
        self.search_at(index, from, 1)
    }

    fn search_at(&mut self, index: &Index, from: usize, step: usize) -> Search {
        self.spot = match index.offset(from) {
            Some(at) => Spot::at(at, 0),
            None => Spot::at(self.first_box, self.first_dts),
        };
        let search = Search {
            from,
            step,
            began: false,
            best: None,
            first: None,
        };
        self.search = Some(search);
        search
    }

    /// Takes a sample into account; gives whether one at or before the time was found once the
    /// search is over.
    fn consider(
        &mut self,
        index: &mut Index,
        landing: Landing,
        ticks: i64,
        mut search: Search,
        before: Spot,
        entry: Option<Entry>,
    ) -> Option<bool> {
        let untimed = entry.is_some() && self.timed_fragment().is_none();
        if !search.began && search.from > 0 && untimed {
            // Times add up from the start of the file, so nothing can be skipped.
            self.search_at(index, 0, 1);
            return None;
        }
        search.began = true;
        let lands = |entry: &Entry| landing == Landing::Any || entry.sync == Sync::RandomAccess;
        if let Some(entry) = entry
            && (!lands(&entry) || entry.timing.cts <= ticks)
        {
            if lands(&entry) {
                let end = entry
                    .timing
                    .cts
                    .saturating_add(i64::from(entry.timing.duration));
                search.best = Some((before, end));
                search.first = search.first.or(Some(before));
            }
            if landing == Landing::Sync
                && lands(&entry)
                && let Some(moof) = self.timed_fragment()
            {
                index.note(entry.timing.cts, moof);
            }
            self.search = Some(search);
            return None;
        }
        let after = entry.map(|_| before);
        let landed = match search.best {
            Some((_, end)) if landing == Landing::Any && end <= ticks => after.or(Some(self.spot)),
            Some((spot, _)) => Some(spot),
            None => None,
        };
        let found = landed.is_some();
        if !found && search.from > 0 {
            let from = search.from.saturating_sub(search.step);
            self.search_at(index, from, search.step.saturating_mul(2));
            return None;
        }
        self.spot = landed.or(search.first).or(after).unwrap_or(self.spot);
        self.search = None;
        Some(found)
    }
}
