//! The `moov` box, read by its headers: small boxes whole, tables only as places in the file.

use super::boxes::{BoxHead, Fields, FourCc, TooLong, head};
use super::draft::Draft;
use super::file::{Attempt, File, Stop, Window, length};
use super::flat::SizeTable;
use super::fragment::Defaults;
use super::table::Extent;
use crate::error::{Error, Result};
use crate::limits;
use bytes::Bytes;

const MOOV: &str = "moov";
const MVHD: &str = "moov/mvhd";
const MEHD: &str = "moov/mvex/mehd";
const TREX: &str = "moov/mvex/trex";
const TKHD: &str = "moov/trak/tkhd";
const ELST: &str = "moov/trak/edts/elst";
const MDHD: &str = "moov/trak/mdia/mdhd";
const ELNG: &str = "moov/trak/mdia/elng";
const HDLR: &str = "moov/trak/mdia/hdlr";
const UDTA: &str = "moov/trak/udta";
const STSD: &str = "moov/trak/mdia/minf/stbl/stsd";
const STTS: &str = "moov/trak/mdia/minf/stbl/stts";
const CTTS: &str = "moov/trak/mdia/minf/stbl/ctts";
const STSZ: &str = "moov/trak/mdia/minf/stbl/stsz";
const STZ2: &str = "moov/trak/mdia/minf/stbl/stz2";
const STSC: &str = "moov/trak/mdia/minf/stbl/stsc";
const STCO: &str = "moov/trak/mdia/minf/stbl/stco";
const CO64: &str = "moov/trak/mdia/minf/stbl/co64";
const STSS: &str = "moov/trak/mdia/minf/stbl/stss";

const STPS: &str = "moov/trak/mdia/minf/stbl/stps";

/// Bytes of a box of fixed fields that are read; none is longer.
const FIXED_BYTES: usize = 128;
/// Bytes of an edit list that are read: 200 edits, of which the first real one is wanted.
const EDITS_BYTES: usize = 4096;

/// What `moov` says of the whole movie.
#[derive(Debug, Clone, Default)]
pub(super) struct Moov {
    /// Ticks per second of edit lists; 0 where it does not say.
    pub(super) timescale: u32,
    /// There may be fragments.
    pub(super) fragmented: bool,
    /// What `mehd` says, in the movie's timescale; 0 where it says nothing.
    pub(super) fragment_duration: u64,
    /// Sample defaults in fragments, by track.
    pub(super) defaults: Vec<(u32, Defaults)>,
    pub(super) tracks: Vec<Draft>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    kind: FourCc,
    end: u64,
}

type Levels = heapless::Vec<Level, { limits::NESTING }>;

/// A reading of `moov`, as far as it has come.
#[derive(Debug)]
pub(super) struct MoovReading {
    at: u64,
    /// The boxes around `at`, the outermost in front.
    levels: Levels,
    passed: usize,
    window: Window,
    moov: Moov,
}

impl MoovReading {
    pub(super) fn new(moov: &BoxHead) -> Self {
        Self {
            at: moov.body,
            levels: Levels::from_iter([Level {
                kind: moov.kind,
                end: moov.end,
            }]),
            passed: 0,
            // What stands between two tables is short.
            window: Window::new(limits::TABLE_WINDOW_BYTES / 2),
            moov: Moov::default(),
        }
    }

    /// Goes on to the end of the box.
    pub(super) fn run(&mut self, file: &mut File) -> Attempt<Moov> {
        while let Some(level) = self.levels.last().copied() {
            if self.at >= level.end {
                self.levels.pop();
                continue;
            }
            check_boxes(self.passed)?;
            match self.step(file, level) {
                Err(Stop::Failed(error)) => self.give_up_track(error)?,
                other => other?,
            }
            self.passed += 1;
        }
        Ok(std::mem::take(&mut self.moov))
    }

    /// A broken box costs its track, not the movie.
    fn give_up_track(&mut self, error: Error) -> Result<()> {
        let trak = self
            .levels
            .iter()
            .position(|level| &level.kind.0 == b"trak");
        let Some((depth, track)) = trak.zip(self.moov.tracks.last_mut()) else {
            return Err(error);
        };
        track.fault.get_or_insert(error);
        self.at = self.levels.get(depth).map_or(self.at, |level| level.end);
        self.levels.truncate(depth);
        Ok(())
    }

    fn step(&mut self, file: &mut File, level: Level) -> Attempt<()> {
        let Some(found) = head(
            &mut self.window,
            file,
            MOOV,
            self.at,
            level.end,
            TooLong::Refuse,
        )?
        else {
            self.at = level.end;
            return Ok(());
        };
        match (&level.kind.0, &found.kind.0) {
            (b"moov", b"trak") => {
                if self.moov.tracks.len() >= limits::TRACKS {
                    self.at = found.end;
                    return Ok(());
                }
                self.moov.tracks.push(Draft::default());
                self.enter(&found)
            }
            (b"moov", b"mvex") => {
                self.moov.fragmented = true;
                self.enter(&found)
            }
            (b"trak", b"mdia" | b"edts" | b"udta") | (b"mdia", b"minf") | (b"minf", b"stbl") => {
                self.enter(&found)
            }
            (b"moov" | b"mvex", _) => {
                self.movie_leaf(file, &found)?;
                self.at = found.end;
                Ok(())
            }
            (parent, _) => {
                self.track_leaf(file, *parent, &found)?;
                self.at = found.end;
                Ok(())
            }
        }
    }

    fn enter(&mut self, found: &BoxHead) -> Attempt<()> {
        let level = Level {
            kind: found.kind,
            end: found.end,
        };
        let too_deep = |_| Error::malformed(MOOV, found.at, "its boxes are nested too deeply");
        self.levels.push(level).map_err(too_deep)?;
        self.at = found.body;
        Ok(())
    }

    /// The body of a box, up to `most` bytes of it.
    fn body(
        &mut self,
        file: &mut File,
        what: &'static str,
        found: &BoxHead,
        most: usize,
    ) -> Attempt<Bytes> {
        let len = usize::try_from(found.body_bytes())
            .unwrap_or(most)
            .min(most);
        // Up to the parent's end at most, so that windows take in the boxes that follow.
        let end = self.levels.first().map_or(found.end, |level| level.end);
        self.window.read(file, what, found.body, len, end)
    }

    fn movie_leaf(&mut self, file: &mut File, found: &BoxHead) -> Attempt<()> {
        let what = match &found.kind.0 {
            b"mvhd" => MVHD,
            b"mehd" => MEHD,
            b"trex" => TREX,
            _ => return Ok(()),
        };
        let bytes = self.body(file, what, found, FIXED_BYTES)?;
        let mut fields = Fields::new(&bytes);
        let moov = &mut self.moov;
        let mut read = || -> Option<()> {
            let (version, _) = fields.version_flags()?;
            match what {
                MVHD => {
                    fields.wide(version)?;
                    fields.wide(version)?;
                    moov.timescale = fields.u32()?;
                }
                MEHD => moov.fragment_duration = fields.wide(version)?,
                _ => {
                    let track = fields.u32()?;
                    fields.u32()?;
                    let (duration, size, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
                    if moov.defaults.len() < limits::TRACKS {
                        moov.defaults.push((
                            track,
                            Defaults {
                                duration,
                                size,
                                flags,
                            },
                        ));
                    }
                }
            }
            Some(())
        };
        read().ok_or_else(|| too_short(what, found).into())
    }

    fn track_leaf(&mut self, file: &mut File, parent: [u8; 4], found: &BoxHead) -> Attempt<()> {
        let (what, most) = match (&parent, &found.kind.0) {
            (b"trak", b"tkhd") => (TKHD, FIXED_BYTES),
            (b"edts", b"elst") => (ELST, EDITS_BYTES),
            (b"mdia", b"mdhd") => (MDHD, FIXED_BYTES),
            (b"mdia", b"elng") => (ELNG, FIXED_BYTES),
            (b"mdia", b"hdlr") => (HDLR, limits::TEXT_BYTES),
            (b"udta", b"name" | b"\xa9nam" | b"kind") => (UDTA, limits::TEXT_BYTES),
            (b"stbl", b"stsd") => (STSD, limits::CODEC_CONFIG_BYTES),
            (b"stbl", _) => return self.table(file, found),
            _ => return Ok(()),
        };
        let bytes = self.body(file, what, found, most)?;
        let Some(track) = self.moov.tracks.last_mut() else {
            return Ok(());
        };
        let fields = Fields::new(&bytes);
        let read = match what {
            TKHD => track.read_header(fields),
            ELST => track.read_edits(fields),
            MDHD => track.read_media_header(fields),
            ELNG => track.read_language(fields),
            HDLR => track.read_handler(fields),
            UDTA => track.read_user_text(found.kind, fields),
            _ => {
                // A copy, so that it does not keep the whole window alive.
                track.stsd = Some(Bytes::copy_from_slice(&bytes));
                Some(())
            }
        };
        if track.timescale == 0 && what == MDHD {
            return Err(Error::malformed(MDHD, found.at, "its timescale is 0").into());
        }
        read.ok_or_else(|| too_short(what, found).into())
    }

    fn table(&mut self, file: &mut File, found: &BoxHead) -> Attempt<()> {
        let (what, entry_bytes) = match &found.kind.0 {
            b"stts" => (STTS, 8),
            b"ctts" => (CTTS, 8),
            b"stsc" => (STSC, 12),
            b"stco" => (STCO, 4),
            b"co64" => (CO64, 8),
            b"stss" => (STSS, 4),
            b"stps" => (STPS, 4),
            b"stsz" => (STSZ, 4),
            b"stz2" => (STZ2, 1),
            _ => return Ok(()),
        };
        let bytes = self.body(file, what, found, 12)?;
        let Some(track) = self.moov.tracks.last_mut() else {
            return Ok(());
        };
        let mut fields = Fields::new(&bytes).after_version_flags();
        if matches!(what, STSZ | STZ2) {
            let sizes = fields.u32().zip(fields.u32());
            let (size, samples) = sizes.ok_or_else(|| too_short(what, found))?;
            let most = file.bytes();
            track.sizes = Some(size_table(what, found, size, samples, most)?);
            return Ok(());
        }
        let entries = fields.u32().ok_or_else(|| too_short(what, found))?;
        let extent = Extent::new(
            what,
            found.body.saturating_add(8),
            entries,
            entry_bytes,
            found.end,
        )?;
        match what {
            STTS => track.durations = Some(extent),
            CTTS => track.offsets = Some(extent),
            STSC => track.chunks = Some(extent),
            STSS => track.sync_points = Some(extent),
            STPS => track.partial_sync_points = Some(extent),
            _ => track.chunk_offsets = Some(extent),
        }
        Ok(())
    }
}

/// `stsz` with its common size, or `stz2` with its width of an entry in bits.
fn size_table(
    what: &'static str,
    found: &BoxHead,
    size: u32,
    samples: u32,
    file_bytes: u64,
) -> Result<(SizeTable, u64)> {
    let at = found.body.saturating_add(12);
    let each = |bytes| Extent::new(what, at, samples, bytes, found.end);
    let samples_known = u64::from(samples);
    Ok(match (what, size) {
        (STSZ, 0) => (SizeTable::Each(each(4)?), samples_known),
        (STSZ, size) => {
            // No more than there is room for in the file, and one that ends playing in words.
            let most = file_bytes
                .checked_div(u64::from(size))
                .unwrap_or(0)
                .saturating_add(1);
            (SizeTable::Constant(size), samples_known.min(most))
        }
        (_, 4) => {
            let pairs = Extent::new(what, at, samples.div_ceil(2), 1, found.end)?;
            (SizeTable::Nibbles(pairs), samples_known)
        }
        (_, 8) => (SizeTable::Each(each(1)?), samples_known),
        (_, 16) => (SizeTable::Each(each(2)?), samples_known),
        (_, width) => {
            let why = format!("sizes of {width} bits do not exist");
            return Err(Error::malformed(what, found.at, why));
        }
    })
}

/// Whether one more box may be passed.
pub(super) fn check_boxes(passed: usize) -> Result<()> {
    if passed < limits::BOXES {
        return Ok(());
    }
    Err(Error::OverLimit {
        what: "boxes before the first sample",
        got: length(passed).saturating_add(1),
        limit: length(limits::BOXES),
    })
}

fn too_short(what: &'static str, found: &BoxHead) -> Error {
    let why = format!(
        "its {} bytes are too few",
        length(8).saturating_add(found.body_bytes())
    );
    Error::malformed(what, found.at, why)
}
