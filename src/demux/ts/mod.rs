//! MPEG transport streams as files (ISO/IEC 13818-1): recordings of 188 bytes a packet, Blu-ray and
//! AVCHD of 192, and what servers convert to.
//!
//! Packets are read one after the other; there is no index, so a place is found by looking up the
//! times that stand in the file. Pictures come out as MP4 has them, with parameter sets in front,
//! and AAC without its headers. Refuses to decode, to decrypt, and to play two programs.

mod clock;
mod interleave;
mod last;
mod layout;
mod listing;
mod open;
mod packet;
mod pes;
mod picture;
mod place;
mod play;
mod probe;
mod program;
mod rate;
mod section;
mod sound;
mod survey;
mod unit;
mod video;
mod window;

use super::{LaidOut, Movie, Pull};
use crate::error::{Error, Result};
use crate::media::TrackId;
use bytes::Bytes;
use open::Opening;
use play::Play;
use std::sync::Arc;
use window::{Halt, Step, Window};

pub(super) use layout::Layout;

/// One open file.
#[derive(Debug)]
pub struct Ts {
    window: Window,
    opening: Opening,
    /// There once the file was opened.
    open: Option<Arc<(Layout, Movie)>>,
    play: Option<Box<Play>>,
    failed: Option<Error>,
}

/// Whether this is the head of one: packets in a row, from anywhere near its beginning on.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    packet::Framing::find(head).is_some()
}

impl Ts {
    pub(super) fn new(file_bytes: u64) -> Self {
        Self {
            window: Window::new(file_bytes),
            opening: Opening::new(),
            open: None,
            play: None,
            failed: None,
        }
    }

    /// A stream that is made while it is read.
    pub(super) fn live() -> Self {
        Self {
            window: Window::live(),
            ..Self::new(u64::MAX)
        }
    }

    /// One of which as much is known as when the outline was taken.
    pub(super) fn resume(outline: &LaidOut<Layout>) -> Self {
        Self {
            open: Some(Arc::clone(&outline.open)),
            ..Self::new(outline.file_bytes)
        }
    }

    pub(super) fn outline(&self) -> Option<LaidOut<Layout>> {
        let open = self.open.as_ref().filter(|_| !self.window.is_live());
        let open = open.map(Arc::clone)?;
        let file_bytes = self.window.file_bytes();
        Some(LaidOut { file_bytes, open })
    }

    pub(super) fn origin_90k(&self) -> Option<i64> {
        let (layout, _) = &**self.open.as_ref()?;
        Some(layout.origin_90k())
    }

    pub(super) fn pull(&mut self) -> Result<Pull> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let error = match self.step() {
            Ok(pull) => return Ok(pull),
            Err(Halt::Need(span)) => return Ok(Pull::Need(span)),
            Err(Halt::Ended) => {
                let at = self.window.file_bytes();
                Error::malformed("MPEG-TS", at, "the file ends too early")
            }
            Err(Halt::Fail(error)) => error,
        };
        self.failed = Some(error.clone());
        Err(error)
    }

    fn step(&mut self) -> Step<Pull> {
        let (layout, _) = match &mut self.open {
            Some(open) => &**open,
            None => {
                let layout = self.opening.read(&mut self.window)?;
                let movie = layout.movie();
                &**self.open.insert(Arc::new((layout, movie)))
            }
        };
        let Some(play) = &mut self.play else {
            return Ok(Pull::Ready);
        };
        let sample = play.next(&mut self.window, layout)?;
        Ok(sample.map_or(Pull::End, Pull::Sample))
    }

    pub(super) fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        self.window.push(offset, bytes)
    }

    pub(super) fn movie(&self) -> Option<&Movie> {
        self.open.as_ref().map(|open| &open.1)
    }

    pub(super) fn start(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Result<()> {
        let Some(open) = &self.open else {
            return Err(Error::invalid("start", "the movie has not been read yet"));
        };
        let time_90k = if self.window.is_live() { 0 } else { time_90k };
        let play = Play::new(&open.0, video, audio, time_90k);
        let play = play.ok_or_else(|| Error::invalid("track", "the movie has no such track"))?;
        if self.window.is_live() && self.play.is_some() {
            let why = "what comes only once cannot be started again";
            return Err(Error::invalid("start", why));
        }
        self.window.let_go();
        self.failed = None;
        self.play = Some(Box::new(play));
        Ok(())
    }
}
