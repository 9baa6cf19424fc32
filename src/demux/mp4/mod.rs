//! MP4 and MOV files taken apart (ISO/IEC 14496-12, -14, -15; `QuickTime` File Format).
//!
//! Owns the way from boxes to samples: fragmented or not, edit lists applied. It never loads
//! `moov`: tables stay in the file and are read through windows, so that what is held depends on
//! the number of started tracks, not on the length of the film.
//!
//! Refuses to do: I/O, encrypted tracks, several sample descriptions in one track (the first one
//! counts), several edits (the first real one counts, to the end of the media), media in other files.

mod boxes;
mod cursor;
mod draft;
mod entry;
mod file;
mod flat;
mod fragment;
mod index;
mod index_boxes;
mod language;
mod moov;
mod open;
mod play;
mod probe;
mod survey;
mod table;
mod timeline;

use self::file::{File, Stop};
use self::open::Open;
use self::probe::Probe;
use super::{Movie, Pull, Span};
use crate::error::{Error, Result};
use crate::media::{Sync, TrackId};
use bytes::Bytes;

pub(super) use self::open::Outline;

/// When a sample is decoded and shown, in ticks of its track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Timing {
    dts: i64,
    cts: i64,
    duration: u32,
}

/// A sample as the container lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    timing: Timing,
    size: u32,
    offset: u64,
    sync: Sync,
}

/// One open file.
#[derive(Debug)]
pub struct Mp4 {
    file: File,
    state: State,
    failed: Option<Error>,
}

#[derive(Debug)]
enum State {
    Probing(Box<Probe>),
    Open(Box<Open>),
}

/// Whether this is the head of one: a box that such files begin with.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let kind = head.get(4..8);
    let first = [
        &b"ftyp"[..],
        b"moov",
        b"mdat",
        b"wide",
        b"free",
        b"skip",
        b"pnot",
        b"styp",
    ];
    kind.is_some_and(|kind| first.contains(&kind))
}

impl Mp4 {
    pub(super) fn new(file_bytes: u64) -> Self {
        Self {
            file: File::new(file_bytes),
            state: State::Probing(Box::new(Probe::new())),
            failed: None,
        }
    }

    /// A stream that is made while it is read. Its tables may come last, so that it is refused.
    pub(super) fn live() -> Self {
        let why = "an MP4 cannot be played while it is made";
        Self {
            failed: Some(Error::unsupported("this stream", why)),
            ..Self::new(u64::MAX)
        }
    }

    /// One of which as much is known as when the outline was taken.
    pub(super) fn resume(outline: &Outline) -> Self {
        Self {
            file: File::new(outline.file_bytes),
            state: State::Open(Box::new(Open::resume(outline))),
            failed: None,
        }
    }

    pub(super) fn outline(&self) -> Option<Outline> {
        match &self.state {
            State::Open(open) => Some(open.outline(self.file.bytes())),
            State::Probing(_) => None,
        }
    }

    pub(super) fn index(&self) -> Option<(u64, u64)> {
        match &self.state {
            State::Open(open) => open.index(),
            State::Probing(probe) => probe.place(),
        }
    }

    pub(super) fn learn(&mut self, tracks: &[TrackId]) {
        if let State::Open(open) = &mut self.state {
            open.learn(tracks);
        }
    }

    pub(super) fn foresee(&self) -> Vec<Span> {
        match &self.state {
            State::Open(open) => open.foresee(),
            State::Probing(_) => Vec::new(),
        }
    }

    pub(super) fn pull(&mut self) -> Result<Pull> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.attempt() {
            Ok(pull) => Ok(pull),
            Err(Stop::Need(span)) => {
                self.file.want(span);
                Ok(Pull::Need(span))
            }
            Err(Stop::Failed(error)) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    fn attempt(&mut self) -> file::Attempt<Pull> {
        if let State::Probing(probe) = &mut self.state {
            let (contents, learnt) = probe.run(&mut self.file)?;
            self.state = State::Open(Box::new(Open::new(contents, learnt)));
        }
        match &mut self.state {
            State::Open(open) => open.pull(&mut self.file),
            State::Probing(_) => Ok(Pull::Ready),
        }
    }

    pub(super) fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        self.file.push(offset, bytes)
    }

    pub(super) fn movie(&self) -> Option<&Movie> {
        match &self.state {
            State::Open(open) => Some(open.movie()),
            State::Probing(_) => None,
        }
    }

    pub(super) fn start(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Result<()> {
        let State::Open(open) = &mut self.state else {
            return Err(Error::invalid("start", "the header has not been read yet"));
        };
        open.start(video, audio, time_90k)?;
        self.file.clear();
        self.failed = None;
        Ok(())
    }

    /// Bytes of the file that are held: windows of tables, and blocks of media. Samples that have
    /// been given are not counted; they keep their block alive.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.state {
            State::Open(open) => open.held_bytes(),
            State::Probing(probe) => probe.held_bytes(),
        }
    }
}
