//! Sample tables (ISO/IEC 14496-12 §8.6, §8.7) read through windows.
//!
//! A table stays in the file; what is held is one window of it and a few marks, so that looking
//! something up again does not read from its start again.

use super::boxes::Fields;
use super::file::{Attempt, File, Window, length};
use crate::demux::Span;
use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;
use std::sync::Arc;

/// Where the entries of one table lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The path of its box, for errors.
    pub(super) what: &'static str,
    /// Its first entry.
    pub(super) at: u64,
    pub(super) entries: u64,
    pub(super) entry_bytes: u64,
}

impl Extent {
    /// `entries` of `entry_bytes` from `at` on, which have to end by `end`.
    pub(super) fn new(
        what: &'static str,
        at: u64,
        entries: u32,
        entry_bytes: u64,
        end: u64,
    ) -> Result<Self> {
        let entries = u64::from(entries);
        let extent = Self {
            what,
            at,
            entries,
            entry_bytes,
        };
        if extent.end() > end {
            let why = format!("it counts {entries} entries, more than it has room for");
            return Err(Error::malformed(what, at, why));
        }
        Ok(extent)
    }

    fn end(&self) -> u64 {
        self.at
            .saturating_add(self.entries.saturating_mul(self.entry_bytes))
    }
}

/// A table with the window through which it is read.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) extent: Extent,
    window: Window,
}

impl Table {
    pub(super) fn new(extent: Extent, window_bytes: usize) -> Self {
        Self {
            extent,
            window: Window::new(window_bytes),
        }
    }

    /// `count` whole entries from `index` on. The caller checks that there are as many.
    pub(super) fn entries(&mut self, file: &mut File, index: u64, count: u64) -> Attempt<Bytes> {
        let Extent {
            what, entry_bytes, ..
        } = self.extent;
        let at = self.at(index);
        let len = usize::try_from(count.saturating_mul(entry_bytes)).unwrap_or(usize::MAX);
        self.window.read(file, what, at, len, self.extent.end())
    }

    /// All that is held from the entry `index` on, at least `count` whole entries.
    fn entries_on(&mut self, file: &mut File, index: u64, count: u64) -> Attempt<Bytes> {
        self.entries(file, index, count)?;
        Ok(self.window.held_from(self.at(index)))
    }

    /// The bytes that reading from the entry `first` to behind `last` will ask for, a window at a
    /// time.
    pub(super) fn foresee(&self, first: u64, last: u64) -> Option<Span> {
        let offset = self.at(first);
        let to = self
            .at(last)
            .saturating_add(length(self.window.most()))
            .min(self.extent.end());
        let len = usize::try_from(to.checked_sub(offset)?).ok()?;
        let len = len.min(limits::SAMPLE_BYTES);
        (len > 0 && !self.window.holds(offset, len)).then_some(Span { offset, len })
    }

    /// Where an entry lies in the file.
    fn at(&self, index: u64) -> u64 {
        let Extent {
            at, entry_bytes, ..
        } = self.extent;
        at.saturating_add(index.saturating_mul(entry_bytes))
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.window.held_bytes()
    }
}

/// What the entries of a run-length table mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `stts`: durations; `base` is the decoding time.
    Durations,
    /// `ctts`: from decoding to composition.
    Offsets,
    /// `stsc`: samples per chunk; `base` is the chunk, counted from 0.
    Chunks {
        /// How many there are.
        chunks: u64,
    },
    /// `stss`: each run begins with a random access point.
    SyncPoints,
}

/// Samples that one entry of a table speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    entry: u64,
    /// Its first sample, counted from 0.
    pub(super) first: u64,
    pub(super) count: u64,
    /// What has added up before it: decoding time or chunks.
    pub(super) base: i64,
    pub(super) value: u32,
}

impl Run {
    /// The sample after its last.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// The sample that is decoded at `ticks`, which have begun with it, by its duration.
    pub(super) fn sample_at(&self, ticks: i64) -> u64 {
        let into = u64::try_from(ticks.saturating_sub(self.base)).unwrap_or(0);
        let into = into.checked_div(u64::from(self.value)).unwrap_or(0);
        self.first.saturating_add(into)
    }

    /// What has added up behind `samples` of it, for durations.
    pub(super) fn base_after(&self, samples: u64) -> i64 {
        let added = i64::try_from(samples.saturating_mul(u64::from(self.value)));
        self.base.saturating_add(added.unwrap_or(i64::MAX))
    }
}

/// Runs of one table kept at a stride that doubles whenever they become too many: all of a short
/// table. Clones share them until one learns more.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    runs: Arc<Vec<Run>>,
    stride: u64,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            runs: Arc::default(),
            stride: 1,
        }
    }
}

impl Marks {
    fn note(&mut self, run: &Run) {
        let newer = self.runs.last().is_none_or(|last| run.entry > last.entry);
        if !newer || !run.entry.is_multiple_of(self.stride) {
            return;
        }
        let runs = Arc::make_mut(&mut self.runs);
        if runs.len() >= limits::TABLE_MARKS {
            self.stride = self.stride.saturating_mul(2);
            let stride = self.stride;
            runs.retain(|run| run.entry.is_multiple_of(stride));
        }
        if run.entry.is_multiple_of(self.stride) {
            runs.push(*run);
        }
    }

    /// The last one for which `before` holds; it has to hold for a prefix of them.
    fn last(&self, before: impl Fn(&Run) -> bool) -> Option<Run> {
        let after = self.runs.partition_point(before);
        self.runs.get(after.checked_sub(1)?).copied()
    }

    /// The first one that begins behind `sample`.
    fn behind(&self, sample: u64) -> Option<Run> {
        let after = self.runs.partition_point(|run| run.first <= sample);
        self.runs.get(after).copied()
    }

    /// The run of this very entry, while all are kept.
    fn entry(&self, entry: u64) -> Option<Run> {
        let at = usize::try_from(entry).ok().filter(|_| self.stride == 1)?;
        self.runs.get(at).copied()
    }

    /// How many entries of the table have been gone through, at least.
    pub(super) fn reach(&self) -> u64 {
        self.runs
            .last()
            .map_or(0, |run| run.entry.saturating_add(1))
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.runs.len() * size_of::<Run>()
    }
}

/// A run-length table and the place in it that was looked at last.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    table: Table,
    shape: Shape,
    here: Option<Run>,
    marks: Marks,
}

impl Runs {
    /// Before its first entry. The marks are those of another reading of the same table.
    pub(super) fn new(extent: Extent, shape: Shape, window_bytes: usize, marks: &Marks) -> Self {
        Self {
            table: Table::new(extent, window_bytes),
            shape,
            here: None,
            marks: marks.clone(),
        }
    }

    /// What it knows of the table.
    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(super) fn extent(&self) -> Extent {
        self.table.extent
    }

    /// The run that `sample` lies in. Before the first run it is the first, after the last one the
    /// last; none where the table is empty.
    pub(super) fn at(&mut self, file: &mut File, sample: u64) -> Attempt<Option<Run>> {
        self.find(file, |run| run.first <= sample, |run| run.end() <= sample)
    }

    /// The run that `ticks` lie in, by the sum of the durations; its neighbours as for `at`.
    pub(super) fn at_ticks(&mut self, file: &mut File, ticks: i64) -> Attempt<Option<Run>> {
        self.find(
            file,
            |run| run.base <= ticks,
            |run| run.base_after(run.count) <= ticks,
        )
    }

    /// Walks on from the last known run that has `begun` for as long as the run is `over`.
    fn find(
        &mut self,
        file: &mut File,
        begun: impl Fn(&Run) -> bool,
        over: impl Fn(&Run) -> bool,
    ) -> Attempt<Option<Run>> {
        if self.table.extent.entries == 0 {
            return Ok(None);
        }
        if self.here.is_none_or(|run| !begun(&run)) {
            self.here = self.marks.last(begun);
        }
        loop {
            if let Some(run) = self.here
                && (!over(&run) || self.is_last(run.entry))
            {
                self.table.window.settle(self.table.at(run.entry));
                return Ok(Some(run));
            }
            match self.marks.entry(self.next_entry()) {
                Some(run) => self.here = Some(run),
                None => self.walk(file, &over)?,
            }
        }
    }

    /// The entry behind the run that was looked at last.
    fn next_entry(&self) -> u64 {
        self.here.map_or(0, |run| run.entry.saturating_add(1))
    }

    /// Which sample is decoded at `ticks`, as far as is known without reading; what is not known
    /// goes on as what is.
    pub(super) fn guess_at_ticks(&self, ticks: i64) -> u64 {
        let run = self.marks.last(|run| run.base <= ticks);
        run.map_or(0, |run| run.sample_at(ticks))
    }

    /// Which chunk `sample` lies in: the first and the last that it can be.
    pub(super) fn guess_chunks(&self, sample: u64) -> Option<(u64, u64)> {
        let run = self.marks.last(|run| run.first <= sample)?;
        let chunk = |base: i64| u64::try_from(base).unwrap_or(0);
        let into = sample.saturating_sub(run.first);
        let least = chunk(run.base);
        let by_run = least.saturating_add(into.checked_div(u64::from(run.value)).unwrap_or(0));
        if sample < run.end() {
            return Some((by_run, by_run));
        }
        // The chunks between two marks may hold more or fewer samples than the first of them.
        let most = self.marks.behind(sample).map(|next| chunk(next.base));
        Some((least, most.unwrap_or_else(|| least.saturating_add(into))))
    }

    /// The first sample of the chunk that `sample` lies in, as far as is known without reading.
    pub(super) fn guess_chunk_begin(&self, sample: u64) -> u64 {
        let run = self.marks.last(|run| run.first <= sample);
        let run = run.filter(|run| sample < run.end());
        let into = run.and_then(|run| {
            let into = sample.saturating_sub(run.first);
            into.checked_rem(u64::from(run.value))
        });
        sample.saturating_sub(into.unwrap_or(0))
    }

    /// The bytes that reading on from `first` to behind `last` will ask for; none where what is
    /// known is enough.
    pub(super) fn foresee(&self, first: u64, last: u64) -> Option<Span> {
        let known = self.marks.last(|run| run.first <= first);
        if known.is_some_and(|run| last < run.end() || self.is_last(run.entry)) {
            return None;
        }
        let from = known.map_or(0, |run| run.entry.saturating_add(1));
        let behind = self.marks.behind(last);
        let whole = self.marks.reach() >= self.table.extent.entries;
        if self.marks.stride == 1 && (behind.is_some() || whole) {
            return None;
        }
        // Each entry speaks of one sample at least.
        let most = last.saturating_sub(known.map_or(0, |run| run.end()));
        let to = behind.map_or_else(|| from.saturating_add(most), |run| run.entry);
        self.table.foresee(from, to)
    }

    /// Goes through all of it.
    pub(super) fn learn(&mut self, file: &mut File) -> Attempt<()> {
        self.find(file, |_| true, |_| true).map(drop)
    }

    /// Goes on, through the entries that are held, to the first run that is not `over`. The next
    /// ones are fetched in larger pieces if there is none.
    fn walk(&mut self, file: &mut File, over: impl Fn(&Run) -> bool) -> Attempt<()> {
        let mut next = self.next_entry();
        let wanted = self.entries_of_a_run(next);
        let bytes = self.table.entries_on(file, next, wanted)?;
        let entry_bytes = usize::try_from(self.table.extent.entry_bytes).unwrap_or(usize::MAX);
        let mut rest = &bytes[..];
        loop {
            let needed = if self.entries_of_a_run(next) > 1 {
                entry_bytes.saturating_mul(2)
            } else {
                entry_bytes
            };
            if rest.len() < needed {
                self.table.window.stretch();
                return Ok(());
            }
            let run = self.run(next, Fields::new(rest));
            self.here = Some(run);
            self.marks.note(&run);
            if !over(&run) || self.is_last(next) {
                return Ok(());
            }
            rest = rest.get(entry_bytes..).unwrap_or_default();
            next = next.saturating_add(1);
        }
    }

    fn is_last(&self, entry: u64) -> bool {
        entry.saturating_add(1) >= self.table.extent.entries
    }

    /// Entries that have to be seen to know the run of one: the next one says where some end.
    fn entries_of_a_run(&self, entry: u64) -> u64 {
        match self.shape {
            Shape::Chunks { .. } | Shape::SyncPoints if !self.is_last(entry) => 2,
            _ => 1,
        }
    }

    /// The run of the next entry, which `fields` begin with.
    fn run(&self, entry: u64, mut fields: Fields<'_>) -> Run {
        let is_last = self.is_last(entry);
        let mut word = || fields.u32().unwrap_or(0);
        let mut run = Run {
            entry,
            first: self.here.map_or(0, |run| run.end()),
            count: 0,
            base: 0,
            value: 0,
        };
        match self.shape {
            Shape::Durations => {
                run.base = self.here.map_or(0, |run| run.base_after(run.count));
                run.count = u64::from(word());
                // Some muxers write a negative duration where time stood still.
                run.value = Some(word()).filter(|ticks| *ticks < 1 << 31).unwrap_or(0);
            }
            Shape::Offsets => {
                run.count = u64::from(word());
                run.value = word();
            }
            Shape::Chunks { chunks } => {
                let chunk = u64::from(word()).saturating_sub(1);
                run.value = word();
                let _description = word();
                let next = if is_last {
                    chunks
                } else {
                    u64::from(word()).saturating_sub(1)
                };
                let many = next.min(chunks).saturating_sub(chunk);
                run.count = many.saturating_mul(u64::from(run.value));
                run.base = i64::try_from(chunk).unwrap_or(i64::MAX);
            }
            Shape::SyncPoints => {
                run.first = u64::from(word()).saturating_sub(1);
                let next = if is_last {
                    u64::MAX
                } else {
                    u64::from(word()).saturating_sub(1)
                };
                run.count = next.saturating_sub(run.first);
            }
        }
        run
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.table.held_bytes() + self.marks.held_bytes()
    }
}

/// How long the samples are: `stsz` and `stz2`.
#[derive(Debug, Clone)]
pub(super) enum Sizes {
    /// All the same.
    Constant(u32),
    /// Four bits each, two to a byte.
    Nibbles(Table),
    /// One entry each, of one, two or four bytes.
    Each(Table),
}

impl Sizes {
    /// Bytes of `sample`, which has to be one of the table's.
    pub(super) fn at(&mut self, file: &mut File, sample: u64) -> Attempt<u32> {
        match self {
            Self::Constant(size) => Ok(*size),
            Self::Nibbles(table) => {
                let bytes = table.entries(file, sample / 2, 1)?;
                let pair = u32::from(Fields::new(&bytes).u8().unwrap_or(0));
                Ok(if sample.is_multiple_of(2) {
                    pair >> 4
                } else {
                    pair & 0xF
                })
            }
            Self::Each(table) => {
                let bytes = table.entries(file, sample, 1)?;
                Ok(bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            }
        }
    }

    /// The bytes that reading the sizes of `first` to behind `last` will ask for.
    pub(super) fn foresee(&self, first: u64, last: u64) -> Option<Span> {
        match self {
            Self::Constant(_) => None,
            Self::Nibbles(table) => table.foresee(first / 2, last / 2),
            Self::Each(table) => table.foresee(first, last),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::Nibbles(table) | Self::Each(table) => table.held_bytes(),
        }
    }
}
