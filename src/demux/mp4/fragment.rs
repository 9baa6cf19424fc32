//! The samples of a track that lie in movie fragments (ISO/IEC 14496-12 §8.8).
//!
//! A walk reads `moof` boxes one after the other through one small window; nothing of them is
//! kept but the place that the walk has come to.

mod search;

pub(super) use search::Landing;

use self::search::Search;
use super::boxes::{BoxHead, Fields, TooLong, head};
use super::file::{Attempt, File, Window};
use super::{Entry, Timing};
use crate::error::Error;
use crate::limits;
use crate::media::Sync;

const MOOF: &str = "moof";
const TRAF: &str = "moof/traf";
const TFHD: &str = "moof/traf/tfhd";
const TFDT: &str = "moof/traf/tfdt";
const TRUN: &str = "moof/traf/trun";

/// `sample-size-present` of a run.
const SIZE_IS_THERE: u32 = 0x200;

/// What a fragment's samples are like where it does not say (`trex`, `tfhd`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Defaults {
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) flags: u32,
}

/// The track fragment that the walk is in.
#[derive(Debug, Clone, Copy)]
struct Traf {
    at: u64,
    end: u64,
    ours: bool,
    /// It says when it begins.
    timed: bool,
    defaults: Defaults,
    /// What its runs' offsets count from.
    base: u64,
    /// Where its next byte is, for runs that do not say.
    data: u64,
}

/// The run of samples that the walk is in.
#[derive(Debug, Clone, Copy)]
struct Trun {
    at: u64,
    end: u64,
    left: u32,
    flags: u32,
    entry_bytes: usize,
    /// Flags of its first sample, while that is the next one.
    first_flags: Option<u32>,
}

/// Where a walk has come to.
#[derive(Debug, Clone, Copy)]
struct Spot {
    /// The next box of the file.
    at: u64,
    /// The fragment that it is in: its first byte, the next box in it, its end.
    moof: Option<(u64, u64, u64)>,
    /// Where the data of the last track fragment ended, if it is known.
    data: Option<u64>,
    traf: Option<Traf>,
    trun: Option<Trun>,
    /// Where the samples of the last run end that lists none of them one by one.
    taken: u64,
    dts: i64,
}

/// A place in a track's fragments.
#[derive(Debug, Clone)]
pub(super) struct Fragments {
    track: u32,
    defaults: Defaults,
    first_box: u64,
    /// When the first sample is decoded, where it does not say.
    first_dts: i64,
    spot: Spot,
    window: Window,
    search: Option<Search>,
}

impl Fragments {
    /// Before the fragments that follow the byte `first_box`.
    pub(super) fn new(track: u32, defaults: Defaults, first_box: u64) -> Self {
        Self {
            track,
            defaults,
            first_box,
            first_dts: 0,
            spot: Spot::at(first_box, 0),
            window: Window::new(limits::TABLE_WINDOW_BYTES / 2),
            search: None,
        }
    }

    /// Goes to the fragment at `at`, which has to say when it begins.
    pub(super) fn go_to(&mut self, at: u64) {
        self.spot = Spot::at(at, 0);
        self.search = None;
    }

    /// Goes before the first fragment, whose samples are decoded from `dts` on unless it says
    /// otherwise.
    pub(super) fn rewind(&mut self, dts: i64) {
        self.first_dts = dts;
        self.spot = Spot::at(self.first_box, dts);
        self.search = None;
    }

    /// The fragment that the last sample came from, if its fragment says when it begins.
    pub(super) fn timed_fragment(&self) -> Option<u64> {
        let timed = self.spot.traf.is_some_and(|traf| traf.timed);
        self.spot.moof.filter(|_| timed).map(|(first, ..)| first)
    }

    /// The next sample; none after the last.
    pub(super) fn next(&mut self, file: &mut File) -> Attempt<Option<Entry>> {
        loop {
            if let Some(trun) = self.spot.trun {
                if let Some(entry) = self.sample(file, trun)? {
                    return Ok(Some(entry));
                }
            } else if let Some(traf) = self.spot.traf {
                self.step_in_traf(file, traf)?;
            } else if let Some(moof) = self.spot.moof {
                self.step_in_moof(file, moof)?;
            } else if !self.step_in_file(file)? {
                return Ok(None);
            }
        }
    }

    fn step_in_file(&mut self, file: &mut File) -> Attempt<bool> {
        let (at, end) = (self.spot.at, file.bytes());
        let Some(found) = head(&mut self.window, file, MOOF, at, end, TooLong::Clip)? else {
            return Ok(false);
        };
        if &found.kind.0 == b"moof" {
            self.spot.moof = Some((found.at, found.body, found.end));
            self.spot.data = Some(found.at);
        }
        self.spot.at = found.end;
        Ok(true)
    }

    fn step_in_moof(&mut self, file: &mut File, moof: (u64, u64, u64)) -> Attempt<()> {
        let (first, at, end) = moof;
        let Some(found) = head(&mut self.window, file, TRAF, at, end, TooLong::Refuse)? else {
            self.spot.moof = None;
            return Ok(());
        };
        self.spot.moof = Some((first, found.end, end));
        if &found.kind.0 == b"traf" {
            let base = self.spot.data.unwrap_or(first);
            self.spot.traf = Some(Traf {
                at: found.body,
                end: found.end,
                ours: false,
                timed: false,
                defaults: self.defaults,
                base,
                data: base,
            });
        }
        Ok(())
    }

    fn step_in_traf(&mut self, file: &mut File, mut traf: Traf) -> Attempt<()> {
        let Some(found) = head(
            &mut self.window,
            file,
            TRAF,
            traf.at,
            traf.end,
            TooLong::Refuse,
        )?
        else {
            self.spot.traf = None;
            self.spot.data = Some(traf.data);
            return Ok(());
        };
        traf.at = found.end;
        let mut dts = self.spot.dts;
        let mut trun = None;
        match &found.kind.0 {
            b"tfhd" => self.tfhd(file, &found, &mut traf)?,
            b"tfdt" if traf.ours => {
                let bytes = self.body(file, TFDT, &found, 12)?;
                let mut fields = Fields::new(&bytes);
                let time = fields
                    .version_flags()
                    .and_then(|(version, _)| fields.wide(version));
                let time = time.and_then(|time| i64::try_from(time).ok());
                dts = time.ok_or_else(|| broken(TFDT, &found))?;
                traf.timed = true;
            }
            b"trun" => {
                let run = self.trun(file, &found, &mut traf)?;
                if traf.ours || run.flags & SIZE_IS_THERE != 0 {
                    trun = Some(run);
                } else {
                    let bytes = u64::from(run.left).saturating_mul(u64::from(traf.defaults.size));
                    traf.data = traf.data.saturating_add(bytes);
                }
            }
            _ => {}
        }
        self.spot = Spot {
            traf: Some(traf),
            trun,
            dts,
            ..self.spot
        };
        Ok(())
    }

    /// Up to `most` bytes of a small box.
    fn body(
        &mut self,
        file: &mut File,
        what: &'static str,
        found: &BoxHead,
        most: usize,
    ) -> Attempt<bytes::Bytes> {
        let len = usize::try_from(found.body_bytes())
            .unwrap_or(most)
            .min(most);
        self.window.read(file, what, found.body, len, found.end)
    }

    fn tfhd(&mut self, file: &mut File, found: &BoxHead, traf: &mut Traf) -> Attempt<()> {
        let bytes = self.body(file, TFHD, found, 40)?;
        let mut fields = Fields::new(&bytes);
        let mut read = || -> Option<()> {
            let (_, flags) = fields.version_flags()?;
            traf.ours = fields.u32()? == self.track;
            if flags & 0x1 != 0 {
                traf.base = fields.u64()?;
            } else if flags & 0x2_0000 != 0 {
                traf.base = self.spot.moof?.0;
            }
            traf.data = traf.base;
            if flags & 0x2 != 0 {
                fields.u32()?;
            }
            for (bit, value) in [
                (0x8, &mut traf.defaults.duration),
                (0x10, &mut traf.defaults.size),
                (0x20, &mut traf.defaults.flags),
            ] {
                if flags & bit != 0 {
                    *value = fields.u32()?;
                }
            }
            Some(())
        };
        read().ok_or_else(|| broken(TFHD, found).into())
    }

    fn trun(&mut self, file: &mut File, found: &BoxHead, traf: &mut Traf) -> Attempt<Trun> {
        let bytes = self.body(file, TRUN, found, 16)?;
        let mut fields = Fields::new(&bytes);
        let mut read = || -> Option<Trun> {
            let (_, flags) = fields.version_flags()?;
            let left = fields.u32()?;
            let mut header = 8;
            if flags & 0x1 != 0 {
                let offset = i64::from(fields.i32()?);
                traf.data = traf.base.checked_add_signed(offset)?;
                header += 4;
            }
            let mut first_flags = None;
            if flags & 0x4 != 0 {
                first_flags = Some(fields.u32()?);
                header += 4;
            }
            let columns = (flags >> 8 & 0xF).count_ones();
            Some(Trun {
                at: found.body.checked_add(header)?,
                end: found.end,
                left,
                flags,
                entry_bytes: usize::try_from(columns).ok()?.checked_mul(4)?,
                first_flags,
            })
        };
        let trun = read().ok_or_else(|| broken(TRUN, found))?;
        let room = trun.end.saturating_sub(trun.at);
        let entry_bytes = u64::try_from(trun.entry_bytes).unwrap_or(u64::MAX);
        // Without columns it is the samples themselves that have to have room in the file.
        let size = u64::from(traf.defaults.size);
        let most = room
            .checked_div(entry_bytes)
            .or_else(|| file.bytes().checked_div(size))
            .unwrap_or(0);
        if u64::from(trun.left) > most {
            let why = format!("it counts {} samples, more than it has room for", trun.left);
            return Err(Error::malformed(TRUN, found.at, why).into());
        }
        if traf.ours && trun.entry_bytes == 0 {
            // A few bytes say so many samples that they must not be said again and again.
            if traf.data < self.spot.taken {
                let why = "its samples lie where others do";
                return Err(Error::malformed(TRUN, found.at, why).into());
            }
            let bytes = u64::from(trun.left).saturating_mul(size);
            self.spot.taken = traf.data.saturating_add(bytes);
        }
        Ok(trun)
    }

    /// The run's next sample; none where the run is over or belongs to another track.
    fn sample(&mut self, file: &mut File, mut trun: Trun) -> Attempt<Option<Entry>> {
        let Some(mut traf) = self.spot.traf.filter(|_| trun.left > 0) else {
            self.spot.trun = None;
            return Ok(None);
        };
        let bytes = self
            .window
            .read(file, TRUN, trun.at, trun.entry_bytes, trun.end)?;
        let mut fields = Fields::new(&bytes);
        let mut column = |bit: u32, default: u32| {
            let there = trun.flags & bit != 0;
            if there {
                fields.u32().unwrap_or(default)
            } else {
                default
            }
        };
        let duration = column(0x100, traf.defaults.duration);
        let size = column(SIZE_IS_THERE, traf.defaults.size);
        let flags = column(0x400, trun.first_flags.unwrap_or(traf.defaults.flags));
        let offset = i32::from_be_bytes(column(0x800, 0).to_be_bytes());
        let offset_in_file = traf.data;
        trun.at = trun
            .at
            .saturating_add(u64::try_from(trun.entry_bytes).unwrap_or(u64::MAX));
        trun.left = trun.left.saturating_sub(1);
        trun.first_flags = None;
        traf.data = traf.data.saturating_add(u64::from(size));
        let dts = self.spot.dts;
        let after = if traf.ours {
            dts.saturating_add(i64::from(duration))
        } else {
            dts
        };
        self.spot = Spot {
            traf: Some(traf),
            trun: Some(trun),
            dts: after,
            ..self.spot
        };
        Ok(traf.ours.then(|| Entry {
            timing: Timing {
                dts,
                cts: dts.saturating_add(i64::from(offset)),
                duration,
            },
            size,
            offset: offset_in_file,
            sync: sync(flags),
        }))
    }

    /// Bytes that it holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.window.held_bytes()
    }
}

impl Spot {
    fn at(at: u64, dts: i64) -> Self {
        Self {
            at,
            moof: None,
            data: None,
            traf: None,
            trun: None,
            taken: 0,
            dts,
        }
    }
}

/// `sample_is_non_sync_sample` and `sample_depends_on` (§8.8.3.1).
fn sync(flags: u32) -> Sync {
    if flags & 0x0101_0000 == 0 {
        Sync::RandomAccess
    } else {
        Sync::Dependent
    }
}

fn broken(what: &'static str, found: &BoxHead) -> Error {
    Error::malformed(what, found.at, "it is too short")
}
