//! A place in all samples of one track: those of `moov` first, then those of the fragments.

use super::Entry;
use super::file::{Attempt, File};
use super::flat::{Flat, Tables, Waymarks};
use super::fragment::{Defaults, Fragments, Landing};
use super::index::Index;
use crate::demux::Span;

/// Where a track's samples are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) track: u32,
    /// None where `moov` lists no samples.
    pub(super) tables: Option<Tables>,
    /// Bytes of one of them that are held at a time.
    pub(super) window_bytes: usize,
    /// None where the movie has no fragments.
    pub(super) fragments: Option<FragmentLayout>,
}

/// Where a track's fragments begin, and what they leave out.
#[derive(Debug, Clone, Copy)]
pub(super) struct FragmentLayout {
    pub(super) first_box: u64,
    pub(super) defaults: Defaults,
}

/// A place in a track.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    flat: Option<Flat>,
    fragments: Option<Fragments>,
    part: Part,
    first: Option<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Flat,
    /// As `Flat`, once a search knows that it will not end in the fragments.
    FlatOnly,
    Fragments,
}

impl Cursor {
    /// At the track's first sample. The marks are those of an earlier reading of its tables.
    pub(super) fn new(layout: &Layout, marks: &Waymarks) -> Self {
        let fragments = layout
            .fragments
            .map(|fragments| Fragments::new(layout.track, fragments.defaults, fragments.first_box));
        Self {
            flat: layout
                .tables
                .as_ref()
                .map(|tables| Flat::new(tables, layout.window_bytes, marks)),
            fragments,
            part: Part::Flat,
            first: None,
        }
    }

    /// The next sample; none after the last.
    pub(super) fn next(&mut self, file: &mut File) -> Attempt<Option<Entry>> {
        if self.part != Part::Fragments {
            if let Some(flat) = &mut self.flat
                && let Some(entry) = flat.next(file)?
            {
                return Ok(Some(entry));
            }
            self.enter_fragments(file)?;
        }
        match &mut self.fragments {
            Some(fragments) => fragments.next(file),
            None => Ok(None),
        }
    }

    /// The first sample, for a cursor that is not used for anything else.
    pub(super) fn peek(&mut self, file: &mut File) -> Attempt<Option<Entry>> {
        if self.first.is_none() {
            self.first = self.next(file)?;
        }
        Ok(self.first)
    }

    /// Leaves what `moov` lists, and goes before the first fragment.
    pub(super) fn enter_fragments(&mut self, file: &mut File) -> Attempt<()> {
        if let Some(fragments) = &mut self.fragments {
            let dts = match &mut self.flat {
                Some(flat) => flat.end_ticks(file)?,
                None => 0,
            };
            fragments.rewind(dts);
        }
        self.part = Part::Fragments;
        Ok(())
    }

    /// What it knows of the tables in `moov`.
    pub(super) fn marks(&self) -> Waymarks {
        self.flat.as_ref().map(Flat::marks).unwrap_or_default()
    }

    /// The bytes of tables that going to a sample decoded at `from` to `to` ticks will ask for.
    pub(super) fn foresee(&self, from: i64, to: i64, spans: &mut Vec<Span>) {
        if let (Some(flat), None) = (&self.flat, &self.fragments) {
            flat.foresee(from, to, spans);
        }
    }

    /// The place among the samples that `moov` lists.
    pub(super) fn flat(&mut self) -> Option<&mut Flat> {
        self.flat.as_mut()
    }

    /// The place among the fragments.
    pub(super) fn fragments(&mut self) -> Option<&mut Fragments> {
        self.fragments.as_mut()
    }

    /// Makes the last `landing` at or before `ticks` the next sample (for `Any`, the one that is
    /// heard then), or the first one where there is none before. `index_ticks` is the same instant
    /// in ticks of the video track.
    pub(super) fn seek(
        &mut self,
        file: &mut File,
        index: &mut Index,
        landing: Landing,
        ticks: i64,
        index_ticks: i64,
    ) -> Attempt<()> {
        if self.part == Part::Flat {
            // Decided once: the end of the tables is far from the place that is sought in them.
            let in_flat = match &mut self.flat {
                Some(flat) => self.fragments.is_none() || flat.end_ticks(file)? > ticks,
                None => false,
            };
            if in_flat {
                self.part = Part::FlatOnly;
            } else {
                self.enter_fragments(file)?;
            }
        }
        if self.part == Part::Fragments
            && let Some(fragments) = &mut self.fragments
        {
            let found = fragments.seek(file, index, landing, ticks, index_ticks)?;
            if found || self.flat.is_none() || landing == Landing::Any {
                return Ok(());
            }
            self.part = Part::FlatOnly;
        }
        let Some(flat) = &mut self.flat else {
            return Ok(());
        };
        match landing {
            Landing::Sync => flat.seek_sync(file, ticks),
            Landing::Any => flat.seek_sample(file, ticks),
        }
    }

    /// Bytes that it holds of the container's tables.
    pub(super) fn held_bytes(&self) -> usize {
        self.flat.as_ref().map_or(0, Flat::held_bytes)
            + self.fragments.as_ref().map_or(0, Fragments::held_bytes)
    }
}
