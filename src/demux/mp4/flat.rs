//! The samples of a track that has its tables in `moov` (ISO/IEC 14496-12 §8.6, §8.7).

use super::file::{Attempt, File};
use super::table::{Extent, Marks, Runs, Shape, Sizes, Table};
use super::{Entry, Timing};
use crate::demux::Span;
use crate::error::Error;
use crate::media::Sync;

/// Samples behind the one that is sought whose table entries are wanted soon: as many as are
/// known ahead of the one that is given.
const FORESEEN_SAMPLES: u64 = 256;

/// Where sizes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeTable {
    Constant(u32),
    /// Two samples to an entry.
    Nibbles(Extent),
    Each(Extent),
}

/// Where a track's tables are. Small and fixed in size, whatever the length of the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) samples: u64,
    pub(super) durations: Extent,
    pub(super) offsets: Option<Extent>,
    pub(super) sizes: SizeTable,
    pub(super) chunks: Extent,
    pub(super) chunk_offsets: Extent,
    /// None where decoding can begin at every sample.
    pub(super) sync_points: Option<Extent>,
    /// `QuickTime`'s open groups of pictures: decoding can begin, but for leading pictures.
    pub(super) partial_sync_points: Option<Extent>,
}

/// What is known of a track's run-length tables, so that they need not be read from their
/// beginnings again.
#[derive(Debug, Clone, Default)]
pub(super) struct Waymarks {
    durations: Marks,
    offsets: Marks,
    chunks: Marks,
    sync_points: Marks,
    partial_sync_points: Marks,
}

impl Waymarks {
    fn all(&self) -> [&Marks; 5] {
        [
            &self.durations,
            &self.offsets,
            &self.chunks,
            &self.sync_points,
            &self.partial_sync_points,
        ]
    }

    /// Table entries that have been gone through.
    pub(super) fn reach(&self) -> u64 {
        self.all().map(Marks::reach).iter().sum()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.all().map(Marks::held_bytes).iter().sum()
    }
}

/// A sample whose place in the file is known.
#[derive(Debug, Clone, Copy)]
struct Place {
    sample: u64,
    /// The sample after the last of its chunk.
    chunk_end: u64,
    offset: u64,
}

/// A look for a random access point, as far as it has come.
#[derive(Debug, Clone, Copy)]
enum Search {
    /// This one may be shown too late. If so, the next one looked at is this many samples earlier.
    Backward(u64, u64),
    /// This one is in time, or the first; later ones may be as well.
    Forward(u64),
}

/// A place in a track's samples.
#[derive(Debug, Clone)]
pub(super) struct Flat {
    samples: u64,
    durations: Runs,
    offsets: Option<Runs>,
    sizes: Sizes,
    chunks: Runs,
    chunk_offsets: Table,
    sync_points: Option<Runs>,
    partial_sync_points: Option<Runs>,
    next: u64,
    place: Option<Place>,
    search: Option<Search>,
}

impl Flat {
    /// At the first sample. Tables that have an entry for each sample are read by
    /// `window_bytes`, those of chunks and groups of pictures by half of that.
    pub(super) fn new(tables: &Tables, window_bytes: usize, marks: &Waymarks) -> Self {
        let half = window_bytes / 2;
        let sync_points = |extent, marks| Runs::new(extent, Shape::SyncPoints, half, marks);
        let chunks = tables.chunk_offsets.entries;
        Self {
            samples: tables.samples,
            durations: Runs::new(
                tables.durations,
                Shape::Durations,
                window_bytes,
                &marks.durations,
            ),
            offsets: tables
                .offsets
                .map(|extent| Runs::new(extent, Shape::Offsets, window_bytes, &marks.offsets)),
            sizes: match tables.sizes {
                SizeTable::Constant(size) => Sizes::Constant(size),
                SizeTable::Nibbles(extent) => Sizes::Nibbles(Table::new(extent, window_bytes)),
                SizeTable::Each(extent) => Sizes::Each(Table::new(extent, window_bytes)),
            },
            chunks: Runs::new(tables.chunks, Shape::Chunks { chunks }, half, &marks.chunks),
            chunk_offsets: Table::new(tables.chunk_offsets, half),
            sync_points: tables
                .sync_points
                .map(|extent| sync_points(extent, &marks.sync_points)),
            partial_sync_points: tables
                .partial_sync_points
                .map(|extent| sync_points(extent, &marks.partial_sync_points)),
            next: 0,
            place: None,
            search: None,
        }
    }

    /// The next sample; none after the last.
    pub(super) fn next(&mut self, file: &mut File) -> Attempt<Option<Entry>> {
        let sample = self.next;
        if sample >= self.samples {
            return Ok(None);
        }
        let timing = self.timing(file, sample)?;
        let sync = self.sync(file, sample)?;
        let place = self.place(file, sample)?;
        let size = self.sizes.at(file, sample)?;
        self.place = Some(Place {
            sample: sample.saturating_add(1),
            offset: place.offset.saturating_add(u64::from(size)),
            ..place
        });
        self.next = sample.saturating_add(1);
        Ok(Some(Entry {
            timing,
            size,
            offset: place.offset,
            sync,
        }))
    }

    /// The next sample's times, and a step over it; none after the last.
    pub(super) fn next_timing(&mut self, file: &mut File) -> Attempt<Option<Timing>> {
        if self.next >= self.samples {
            return Ok(None);
        }
        let timing = self.timing(file, self.next)?;
        self.next = self.next.saturating_add(1);
        Ok(Some(timing))
    }

    /// When decoding of the media ends.
    pub(super) fn end_ticks(&mut self, file: &mut File) -> Attempt<i64> {
        let Some(last) = self.samples.checked_sub(1) else {
            return Ok(0);
        };
        let (dts, duration) = self.decoded(file, last)?;
        Ok(dts.saturating_add(i64::from(duration)))
    }

    /// When `sample` is decoded, and its duration.
    fn decoded(&mut self, file: &mut File, sample: u64) -> Attempt<(i64, u32)> {
        let run = self.durations.at(file, sample)?;
        // Behind the last run its duration goes on: some tables are one sample short.
        Ok(run.map_or((0, 0), |run| {
            (run.base_after(sample.saturating_sub(run.first)), run.value)
        }))
    }

    fn timing(&mut self, file: &mut File, sample: u64) -> Attempt<Timing> {
        let (dts, duration) = self.decoded(file, sample)?;
        let mut timing = Timing {
            dts,
            cts: dts,
            duration,
        };
        if let Some(offsets) = &mut self.offsets
            && let Some(run) = offsets.at(file, sample)?
            && sample < run.end()
        {
            // Version 0 calls them unsigned, but muxers wrote negative ones before version 1.
            let offset = i32::from_be_bytes(run.value.to_be_bytes());
            timing.cts = timing.dts.saturating_add(i64::from(offset));
        }
        Ok(timing)
    }

    fn sync(&mut self, file: &mut File, sample: u64) -> Attempt<Sync> {
        let (point, _) = self.sync_around(file, sample)?;
        Ok(if point == sample {
            Sync::RandomAccess
        } else {
            Sync::Dependent
        })
    }

    /// Where `sample` lies. Walks over the samples before it in its chunk.
    fn place(&mut self, file: &mut File, sample: u64) -> Attempt<Place> {
        loop {
            let known = self
                .place
                .filter(|place| place.sample <= sample && sample < place.chunk_end);
            let place = match known {
                Some(place) => place,
                None => self.chunk_of(file, sample)?,
            };
            self.place = Some(place);
            if place.sample == sample {
                return Ok(place);
            }
            let (samples, bytes) = match self.sizes {
                Sizes::Constant(size) => {
                    let samples = sample.saturating_sub(place.sample);
                    (samples, samples.saturating_mul(u64::from(size)))
                }
                _ => (1, u64::from(self.sizes.at(file, place.sample)?)),
            };
            self.place = Some(Place {
                sample: place.sample.saturating_add(samples),
                offset: place.offset.saturating_add(bytes),
                ..place
            });
        }
    }

    /// The place of the first sample of the chunk that `sample` lies in.
    fn chunk_of(&mut self, file: &mut File, sample: u64) -> Attempt<Place> {
        let Extent { what, at, .. } = self.chunks.extent();
        let why = format!("its chunks end before sample {sample} of {}", self.samples);
        let too_few = Error::malformed(what, at, why);
        let run = self.chunks.at(file, sample)?;
        let run = run.filter(|run| run.first <= sample && sample < run.end());
        let Some(run) = run else {
            return Err(too_few.into());
        };
        let per_chunk = u64::from(run.value.max(1));
        let chunks = (sample.saturating_sub(run.first)) / per_chunk;
        let chunk = u64::try_from(run.base)
            .unwrap_or(u64::MAX)
            .saturating_add(chunks);
        if chunk >= self.chunk_offsets.extent.entries {
            return Err(too_few.into());
        }
        let first = run.first.saturating_add(chunks.saturating_mul(per_chunk));
        let bytes = self.chunk_offsets.entries(file, chunk, 1)?;
        Ok(Place {
            sample: first,
            chunk_end: first.saturating_add(per_chunk),
            offset: bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        })
    }

    /// Makes the sample that is heard at `ticks` the next one, or the first one after them.
    pub(super) fn seek_sample(&mut self, file: &mut File, ticks: i64) -> Attempt<()> {
        let run = self.durations.at_ticks(file, ticks)?;
        // Behind the last run its duration goes on, as for `timing`.
        let sample = run.map_or(0, |run| run.sample_at(ticks));
        self.go_to(sample.min(self.samples));
        Ok(())
    }

    /// Makes the last random access point that is shown at or before `ticks` the next sample, or
    /// the first one where there is none.
    pub(super) fn seek_sync(&mut self, file: &mut File, ticks: i64) -> Attempt<()> {
        loop {
            match self.search {
                None => {
                    self.seek_sample(file, ticks)?;
                    let last = self.samples.saturating_sub(1);
                    let (point, _) = self.sync_around(file, self.next.min(last))?;
                    self.search = Some(Search::Backward(point, 1));
                }
                Some(Search::Backward(point, step)) => {
                    let mut next = Search::Forward(point);
                    if self.timing(file, point)?.cts > ticks {
                        let (before, _) = self.sync_around(file, point.saturating_sub(step))?;
                        if before < point {
                            // Steps that grow: each may read the tables again from a mark.
                            next = Search::Backward(before, step.saturating_mul(2));
                        }
                    }
                    self.search = Some(next);
                }
                Some(Search::Forward(point)) => {
                    let (_, next) = self.sync_around(file, point)?;
                    let next = next.filter(|next| *next < self.samples);
                    match next {
                        Some(next) if self.timing(file, next)?.cts <= ticks => {
                            self.search = Some(Search::Forward(next));
                        }
                        _ => {
                            self.go_to(point);
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// The random access point at or before `sample`, or else the first, and the one after it.
    fn sync_around(&mut self, file: &mut File, sample: u64) -> Attempt<(u64, Option<u64>)> {
        let Some(points) = &mut self.sync_points else {
            return Ok((sample, sample.checked_add(1)));
        };
        let mut before: Option<u64> = None;
        let mut after: Option<u64> = None;
        for points in std::iter::once(points).chain(&mut self.partial_sync_points) {
            let Some(run) = points.at(file, sample)? else {
                continue;
            };
            let next = if run.first <= sample {
                before = before.max(Some(run.first));
                run.end()
            } else {
                run.first
            };
            after = Some(after.map_or(next, |after| after.min(next)));
        }
        // Decoding has to begin somewhere: where the tables are empty it is the first sample.
        let Some(point) = before.or(after) else {
            return Ok((0, None));
        };
        Ok((point, after.filter(|after| *after > point)))
    }

    /// The bytes of tables that going to a sample decoded at `from` to `to` and reading on from
    /// there will ask for, as far as can be told. What is known of chunks between two marks is a
    /// guess.
    pub(super) fn foresee(&self, from: i64, to: i64, spans: &mut Vec<Span>) {
        let last = self.samples.saturating_sub(1);
        let first = self.durations.guess_at_ticks(from).min(last);
        let last = self
            .durations
            .guess_at_ticks(to)
            .saturating_add(FORESEEN_SAMPLES)
            .min(last);
        let runs = [
            Some(&self.durations),
            self.sync_points.as_ref(),
            self.partial_sync_points.as_ref(),
            self.offsets.as_ref(),
            Some(&self.chunks),
        ];
        let runs = runs.into_iter().flatten();
        spans.extend(runs.filter_map(|runs| runs.foresee(first, last)));
        // Sizes add up from the beginning of a chunk.
        let begin = self.chunks.guess_chunk_begin(first);
        spans.extend(self.sizes.foresee(begin, last));
        let chunks = self.chunks.guess_chunks(first);
        let chunks = chunks.zip(self.chunks.guess_chunks(last));
        let chunks = chunks.and_then(|((first, _), (_, last))| {
            let most = self.chunk_offsets.extent.entries.saturating_sub(1);
            self.chunk_offsets.foresee(first.min(most), last.min(most))
        });
        spans.extend(chunks);
    }

    /// Goes through all tables of which marks are kept.
    pub(super) fn learn(&mut self, file: &mut File) -> Attempt<()> {
        self.durations.learn(file)?;
        self.chunks.learn(file)?;
        let others = [
            &mut self.offsets,
            &mut self.sync_points,
            &mut self.partial_sync_points,
        ];
        for runs in others.into_iter().flatten() {
            runs.learn(file)?;
        }
        Ok(())
    }

    /// What it knows of its tables.
    pub(super) fn marks(&self) -> Waymarks {
        let of = |runs: Option<&Runs>| runs.map(Runs::marks).cloned().unwrap_or_default();
        Waymarks {
            durations: self.durations.marks().clone(),
            offsets: of(self.offsets.as_ref()),
            chunks: self.chunks.marks().clone(),
            sync_points: of(self.sync_points.as_ref()),
            partial_sync_points: of(self.partial_sync_points.as_ref()),
        }
    }

    fn go_to(&mut self, sample: u64) {
        self.next = sample;
        self.search = None;
    }

    /// Bytes that it holds of tables.
    pub(super) fn held_bytes(&self) -> usize {
        let runs = [
            Some(&self.durations),
            Some(&self.chunks),
            self.offsets.as_ref(),
        ];
        let points = [self.sync_points.as_ref(), self.partial_sync_points.as_ref()];
        let runs = runs.into_iter().chain(points).flatten();
        runs.map(Runs::held_bytes).sum::<usize>()
            + self.sizes.held_bytes()
            + self.chunk_offsets.held_bytes()
    }
}
