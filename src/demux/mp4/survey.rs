//! What has to be known of a video track's times before it can be played: which frame is shown
//! first, how far decoding has to be shifted, where the last frame ends.

use super::Timing;
use super::boxes::Fields;
use super::cursor::{Cursor, Layout};
use super::file::{Attempt, File, Stop};
use super::flat::Waymarks;
use super::index::Index;
use super::table::{Extent, Table};
use super::timeline::Edit;
use crate::limits;
use crate::media::Sync;

/// Samples behind the first frame shown, or before the end, that are looked at for others that are
/// shown before or after it.
const REORDER: usize = 2 * limits::REORDER_PICTURES;

/// What a survey finds, in ticks of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Findings {
    /// When the first frame is shown.
    pub(super) first_shown: i64,
    /// What to take from every decoding time, so that none is after its composition time.
    pub(super) shift: i64,
    /// When the last frame shown ends; none where only a look at every fragment would tell.
    pub(super) end: Option<i64>,
    /// Duration of a frame; 0 where it varies.
    pub(super) frame: u32,
}

/// A survey, as far as it has come.
#[derive(Debug)]
pub(super) struct Survey {
    layout: Layout,
    edit_start: i64,
    /// Where the edit cuts the media off.
    edit_end: i64,
    step: Step,
    cursor: Cursor,
    found: Findings,
    /// The least offset from decoding to composition.
    least_offset: i64,
    first_shown: Option<i64>,
    looked_at: usize,
    /// Samples before the first one shown.
    passed: usize,
    frame: Option<u32>,
    /// The ends of the tables.
    durations: Option<Table>,
    offsets: Option<Table>,
    latest_end: Option<i64>,
    /// No sample has been seen since the index was followed.
    jumped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    First,
    /// On the way to an edit that begins far inside the media.
    EditStart,
    FlatEnd,
    LastFragment,
    Fragments,
    Done,
}

/// Whether to walk over all fragments where no index leads to the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// The container says the duration elsewhere.
    FromIndexOnly,
    /// It does not.
    All,
}

impl Survey {
    pub(super) fn new(layout: Layout, edit: &Edit, timescale: u32, movie_timescale: u32) -> Self {
        // Few samples are looked at.
        let layout = Layout {
            window_bytes: layout.window_bytes / 4,
            ..layout
        };
        Self {
            layout,
            edit_start: edit.media_time,
            edit_end: edit.end_ticks(timescale, movie_timescale),
            step: Step::First,
            cursor: Cursor::new(&layout, &Waymarks::default()),
            found: Findings::default(),
            least_offset: 0,
            first_shown: None,
            looked_at: 0,
            passed: 0,
            frame: None,
            durations: None,
            offsets: None,
            latest_end: None,
            jumped: false,
        }
    }

    /// Goes on until all is found.
    pub(super) fn run(
        &mut self,
        file: &mut File,
        index: &mut Index,
        walk: Walk,
    ) -> Attempt<Findings> {
        loop {
            match self.step {
                Step::First => self.first(file)?,
                Step::EditStart => self.edit_start(file)?,
                Step::FlatEnd => self.flat_end(file)?,
                Step::LastFragment => self.last_fragment(file, index, walk)?,
                Step::Fragments => self.fragments(file, index)?,
                Step::Done => return Ok(self.found),
            }
        }
    }

    /// Looks at the samples around the first one shown.
    fn first(&mut self, file: &mut File) -> Attempt<()> {
        while self.looked_at < REORDER {
            let Some(timing) = self.next_timing(file)? else {
                break;
            };
            self.least_offset = self.least_offset.min(timing.cts.saturating_sub(timing.dts));
            if timing.cts >= self.edit_start {
                let first = self
                    .first_shown
                    .map_or(timing.cts, |first| first.min(timing.cts));
                self.first_shown = Some(first);
            }
            if self.first_shown.is_some() {
                self.looked_at += 1;
            } else {
                self.passed += 1;
            }
            let frame = *self.frame.get_or_insert(timing.duration);
            if frame != timing.duration {
                self.frame = Some(0);
            }
            if self.passed == REORDER && self.first_shown.is_none() {
                self.step = Step::EditStart;
                return Ok(());
            }
        }
        self.found.first_shown = self.first_shown.unwrap_or(self.edit_start);
        self.found.shift = self.least_offset.saturating_neg();
        self.found.frame = self.frame.unwrap_or(0);
        self.step = Step::FlatEnd;
        Ok(())
    }

    /// Goes to the random access point from which the edit can be decoded.
    fn edit_start(&mut self, file: &mut File) -> Attempt<()> {
        if let Some(flat) = self.cursor.flat() {
            flat.seek_sync(file, self.edit_start)?;
        }
        self.passed += 1;
        self.step = Step::First;
        Ok(())
    }

    /// What it has learnt of the track's tables.
    pub(super) fn marks(&self) -> Waymarks {
        self.cursor.marks()
    }

    fn next_timing(&mut self, file: &mut File) -> Attempt<Option<Timing>> {
        // The tables of `moov` tell times without places, which saves reading two of them.
        if let Some(flat) = self.cursor.flat()
            && let Some(timing) = flat.next_timing(file)?
        {
            return Ok(Some(timing));
        }
        Ok(self.cursor.next(file)?.map(|entry| entry.timing))
    }

    /// Reads the ends of the tables, from the back.
    fn flat_end(&mut self, file: &mut File) -> Attempt<()> {
        let Some((flat, tables)) = self.cursor.flat().zip(self.layout.tables) else {
            self.step = Step::LastFragment;
            return Ok(());
        };
        let mut dts = flat.end_ticks(file)?;
        let tail = |extent: Extent| Table::new(extent, TAIL_BYTES);
        let durations = self.durations.get_or_insert_with(|| tail(tables.durations));
        let durations = last_values(file, durations)?;
        if let (None, Some(extent)) = (&self.offsets, tables.offsets) {
            self.offsets = Some(tail(extent));
        }
        let offsets = match &mut self.offsets {
            Some(offsets) => last_values(file, offsets)?,
            None => Vec::new(),
        };
        if tables.durations.entries > 3 {
            self.found.frame = 0;
        }
        for (n, duration) in durations.iter().enumerate() {
            let end = dts;
            dts = dts.saturating_sub(i64::from(*duration));
            let offset = offsets.get(n).copied().unwrap_or(0);
            let offset = i64::from(i32::from_be_bytes(offset.to_be_bytes()));
            self.shown_until(dts.saturating_add(offset), end.saturating_add(offset));
        }
        if self.latest_end.is_none() {
            self.latest_end = Some(self.edit_end);
        }
        self.step = Step::LastFragment;
        Ok(())
    }

    /// Goes to the last fragment that the index knows, or else to the first.
    fn last_fragment(&mut self, file: &mut File, index: &Index, walk: Walk) -> Attempt<()> {
        self.found.end = self.latest_end;
        self.step = Step::Done;
        if self.layout.fragments.is_none() {
            return Ok(());
        }
        match index.last_offset() {
            None if walk == Walk::FromIndexOnly => self.found.end = None,
            last => {
                self.cursor.enter_fragments(file)?;
                if let Some((at, fragments)) = last.zip(self.cursor.fragments()) {
                    fragments.go_to(at);
                    self.jumped = true;
                }
                self.step = Step::Fragments;
            }
        }
        Ok(())
    }

    /// Walks over the fragments that follow.
    fn fragments(&mut self, file: &mut File, index: &mut Index) -> Attempt<()> {
        loop {
            let entry = match self.cursor.next(file) {
                Ok(Some(entry)) => entry,
                Ok(None) | Err(Stop::Failed(_)) if self.jumped => {
                    // Nothing lies where the index led: it is wrong.
                    self.jumped = false;
                    index.clear();
                    self.step = Step::LastFragment;
                    return Ok(());
                }
                // Here a broken fragment ends the film; playing will say what is wrong with it.
                Ok(None) | Err(Stop::Failed(_)) => break,
                Err(need) => return Err(need),
            };
            self.jumped = false;
            if entry.sync == Sync::RandomAccess
                && let Some(moof) = self.cursor.fragments().and_then(|all| all.timed_fragment())
            {
                index.note(entry.timing.cts, moof);
            }
            let Timing { cts, duration, .. } = entry.timing;
            self.shown_until(cts, cts.saturating_add(i64::from(duration)));
        }
        self.found.end = self.latest_end;
        self.step = Step::Done;
        Ok(())
    }

    fn shown_until(&mut self, from: i64, until: i64) {
        if from < self.edit_end {
            let latest = self.latest_end.map_or(until, |latest| latest.max(until));
            self.latest_end = Some(latest);
        }
    }
}

/// Bytes of as many entries as samples are looked at.
const TAIL_BYTES: usize = REORDER * 8;

/// The values of the last samples of a run-length table, from the back.
fn last_values(file: &mut File, table: &mut Table) -> Attempt<Vec<u32>> {
    let reorder = u64::try_from(REORDER).unwrap_or(u64::MAX);
    let count = table.extent.entries.min(reorder);
    let from = table.extent.entries.saturating_sub(count);
    let bytes = table.entries(file, from, count)?;
    let mut fields = Fields::new(&bytes);
    let mut runs = Vec::with_capacity(REORDER);
    while let Some((count, value)) = fields.u32().zip(fields.u32()) {
        runs.push((count, value));
    }
    let many = |count: u32| usize::try_from(count).unwrap_or(REORDER).min(REORDER);
    let values = runs.iter().rev();
    let values = values.flat_map(|(count, value)| std::iter::repeat_n(*value, many(*count)));
    Ok(values.take(REORDER).collect())
}
