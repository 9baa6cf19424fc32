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
mod play;
mod probe;
mod survey;
mod table;
mod timeline;

use self::cursor::Cursor;
use self::file::{File, Stop};
use self::play::{Carries, Lane, Playing};
use self::probe::{Carried, Contents, Probe};
use super::{Movie, Pull};
use crate::error::{Error, Result};
use crate::media::{Sync, TrackId};
use bytes::Bytes;

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
    Open(Box<Contents>, Option<Box<Playing>>),
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
            let contents = probe.run(&mut self.file)?;
            self.state = State::Open(Box::new(contents), None);
        }
        match &mut self.state {
            State::Open(contents, Some(playing)) => {
                let sample = playing.next(&mut self.file, &mut contents.index)?;
                Ok(sample.map_or(Pull::End, Pull::Sample))
            }
            State::Open(..) | State::Probing(_) => Ok(Pull::Ready),
        }
    }

    pub(super) fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        self.file.push(offset, bytes)
    }

    pub(super) fn movie(&self) -> Option<&Movie> {
        match &self.state {
            State::Open(contents, _) => Some(&contents.movie),
            State::Probing(_) => None,
        }
    }

    pub(super) fn start(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Result<()> {
        let State::Open(contents, playing) = &mut self.state else {
            return Err(Error::invalid("start", "the header has not been read yet"));
        };
        let video = lane(contents, video, Carries::Video)?;
        let audio = audio
            .map(|audio| lane(contents, audio, Carries::Audio))
            .transpose()?;
        *playing = Some(Box::new(Playing::new(video, audio, time_90k)));
        self.file.clear();
        self.failed = None;
        Ok(())
    }

    /// Bytes of the file that are held: windows of tables, and blocks of media. Samples that have
    /// been given are not counted; they keep their block alive.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.state {
            State::Open(contents, playing) => {
                let playing = playing.as_ref().map_or(0, |playing| playing.held_bytes());
                contents.index.held_bytes() + playing
            }
            State::Probing(probe) => probe.held_bytes(),
        }
    }
}

/// A lane for one of the movie's tracks, at its start.
fn lane(contents: &Contents, id: TrackId, carries: Carries) -> Result<Lane> {
    let track = contents
        .movie
        .tracks
        .iter()
        .find(|track| track.track.id == id);
    let fits = track.is_some_and(|track| match carries {
        Carries::Video => track.track.video().is_some(),
        Carries::Audio => track.track.audio().is_some(),
    });
    let carried = contents
        .carried
        .iter()
        .find(|carried| carried.id == id && fits);
    let Some(carried) = carried else {
        let why = format!("track {} is not one that can be started as such", id.0);
        return Err(Error::invalid("start", why));
    };
    let Carried {
        layout,
        timeline,
        shift,
        edit_end,
        ..
    } = carried;
    Ok(Lane::new(
        id,
        carries,
        Cursor::new(layout),
        *timeline,
        *shift,
        *edit_end,
    ))
}
