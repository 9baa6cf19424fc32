//! The boxes that tell where fragments are: `mfra` at the end of the file, or else `sidx` in front
//! of the fragments (ISO/IEC 14496-12 §8.8.9 to §8.8.11, §8.16.3).

use super::boxes::{Fields, TooLong, head};
use super::file::{Attempt, File, Stop, Window};
use super::index::Index;
use super::table::{Extent, Table};
use super::timeline::rescale;
use crate::limits;

const MFRA: &str = "mfra";
const MFRO: &str = "mfra/mfro";
const TFRA: &str = "mfra/tfra";
const SIDX: &str = "sidx";

/// A reading of these boxes, as far as it has come.
#[derive(Debug)]
pub(super) struct IndexReading {
    /// The track that the index is for.
    track: u32,
    timescale: u32,
    first_box: u64,
    step: Step,
    window: Window,
}

#[derive(Debug)]
enum Step {
    /// Looking for the size of `mfra` in the last bytes of the file.
    Mfro,
    /// Looking for the track's `tfra`: the next box, and the end of `mfra`.
    Mfra {
        at: u64,
        end: u64,
    },
    Tfra {
        table: Table,
        wide: bool,
        next: u64,
    },
    /// Looking for a `sidx` before the first fragment.
    Boxes {
        at: u64,
    },
    Sidx {
        table: Table,
        next: u64,
        offset: u64,
        time: i64,
        timescale: u32,
    },
    Done,
}

impl IndexReading {
    pub(super) fn new(track: u32, timescale: u32, first_box: u64) -> Self {
        Self {
            track,
            timescale,
            first_box,
            step: Step::Mfro,
            window: Window::new(limits::TABLE_WINDOW_BYTES / 4),
        }
    }

    /// Goes on until the index is as full as these boxes make it. Broken ones count for nothing.
    pub(super) fn run(&mut self, file: &mut File, index: &mut Index) -> Attempt<()> {
        loop {
            if matches!(self.step, Step::Done) {
                return Ok(());
            }
            match self.step(file, index) {
                Ok(next) => self.step = next,
                Err(Stop::Failed(_)) => self.step = self.behind(index),
                Err(need) => return Err(need),
            }
        }
    }

    /// What follows a step that found nothing more.
    fn behind(&self, index: &Index) -> Step {
        match self.step {
            Step::Mfro | Step::Mfra { .. } | Step::Tfra { .. } if index.is_empty() => {
                Step::Boxes { at: self.first_box }
            }
            _ => Step::Done,
        }
    }

    fn step(&mut self, file: &mut File, index: &mut Index) -> Attempt<Step> {
        match &mut self.step {
            Step::Mfro => self.mfro(file, index),
            Step::Mfra { at, end } => {
                let (at, end) = (*at, *end);
                self.mfra(file, index, at, end)
            }
            Step::Tfra { table, wide, next } => {
                if *next >= table.extent.entries {
                    return Ok(self.behind(index));
                }
                let bytes = table.entries(file, *next, 1)?;
                let mut fields = Fields::new(&bytes);
                let version = u8::from(*wide);
                let point = fields.wide(version).zip(fields.wide(version));
                if let Some((time, offset)) = point {
                    index.note(i64::try_from(time).unwrap_or(i64::MAX), offset);
                }
                *next = next.saturating_add(1);
                self.stay()
            }
            Step::Boxes { at } => {
                let at = *at;
                self.boxes(file, index, at)
            }
            Step::Sidx {
                table,
                next,
                offset,
                time,
                timescale,
            } => {
                if *next >= table.extent.entries {
                    return Ok(Step::Done);
                }
                let bytes = table.entries(file, *next, 1)?;
                let mut fields = Fields::new(&bytes);
                let (size, duration) = fields.u32().zip(fields.u32()).unwrap_or_default();
                index.note(
                    rescale(*time, i64::from(self.timescale), *timescale),
                    *offset,
                );
                *offset = offset.saturating_add(u64::from(size & 0x7FFF_FFFF));
                *time = time.saturating_add(i64::from(duration));
                *next = next.saturating_add(1);
                self.stay()
            }
            Step::Done => Ok(Step::Done),
        }
    }

    /// The same step again.
    fn stay(&mut self) -> Attempt<Step> {
        Ok(std::mem::replace(&mut self.step, Step::Done))
    }

    fn mfro(&mut self, file: &mut File, index: &Index) -> Attempt<Step> {
        let end = file.bytes();
        let at = end.saturating_sub(16).max(self.first_box);
        let bytes = self.window.read(file, MFRO, at, 16, end)?;
        let mut fields = Fields::new(&bytes);
        let kind = fields.take(4).and_then(|_| fields.array());
        let size = fields.after_version_flags().u32().map(u64::from);
        let mfra = size
            .and_then(|size| end.checked_sub(size))
            .filter(|at| *at >= self.first_box);
        Ok(match mfra {
            Some(at) if kind == Some(*b"mfro") => Step::Mfra { at, end },
            _ => self.behind(index),
        })
    }

    fn mfra(&mut self, file: &mut File, index: &Index, at: u64, end: u64) -> Attempt<Step> {
        let Some(found) = head(&mut self.window, file, MFRA, at, end, TooLong::Refuse)? else {
            return Ok(self.behind(index));
        };
        if &found.kind.0 == b"mfra" {
            return Ok(Step::Mfra {
                at: found.body,
                end: found.end,
            });
        }
        if &found.kind.0 == b"tfra" {
            let bytes = self.window.read(file, TFRA, found.body, 16, found.end)?;
            let mut fields = Fields::new(&bytes);
            let (version, _) = fields.version_flags().unwrap_or_default();
            let track = fields.u32().unwrap_or(0);
            let widths = fields.u32().unwrap_or(0);
            let entries = fields.u32().unwrap_or(0);
            let place = if version == 0 { 8 } else { 16 };
            let numbers = (widths & 3) + (widths >> 2 & 3) + (widths >> 4 & 3) + 3;
            let entry_bytes = u64::from(numbers).saturating_add(place);
            if track == self.track {
                let from = found.body.saturating_add(16);
                let extent = Extent::new(TFRA, from, entries, entry_bytes, found.end)?;
                let table = Table::new(extent, limits::TABLE_WINDOW_BYTES);
                return Ok(Step::Tfra {
                    table,
                    wide: version > 0,
                    next: 0,
                });
            }
        }
        Ok(Step::Mfra { at: found.end, end })
    }

    fn boxes(&mut self, file: &mut File, index: &Index, at: u64) -> Attempt<Step> {
        let end = file.bytes();
        let found = head(&mut self.window, file, SIDX, at, end, TooLong::Clip)?;
        let Some(found) = found.filter(|found| &found.kind.0 != b"moof") else {
            return Ok(self.behind(index));
        };
        if &found.kind.0 != b"sidx" {
            return Ok(Step::Boxes { at: found.end });
        }
        let len = found.body_bytes().min(32);
        let len = usize::try_from(len).unwrap_or(32);
        let bytes = self.window.read(file, SIDX, found.body, len, end)?;
        let mut fields = Fields::new(&bytes);
        let mut read = || {
            let (version, _) = fields.version_flags()?;
            let track = fields.u32()?;
            let timescale = fields.u32().filter(|timescale| *timescale > 0)?;
            let time = i64::try_from(fields.wide(version)?).ok()?;
            let gap = fields.wide(version)?;
            fields.u16()?;
            let entries = u32::from(fields.u16()?);
            let from = found.body.checked_add(if version == 0 { 24 } else { 32 })?;
            let extent = Extent::new(SIDX, from, entries, 12, found.end).ok()?;
            let table = Table::new(extent, limits::TABLE_WINDOW_BYTES);
            let offset = found.end.checked_add(gap)?;
            let sidx = Step::Sidx {
                table,
                next: 0,
                offset,
                time,
                timescale,
            };
            (track == self.track).then_some(sidx)
        };
        Ok(read().unwrap_or(Step::Boxes { at: found.end }))
    }
}
