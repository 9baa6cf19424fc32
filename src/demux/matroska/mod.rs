//! Matroska and WebM taken apart (RFC 8794, RFC 9559).
//!
//! Reads the header and the Cues once, then the Clusters in file order. Times become those that
//! the encoder meant: milliseconds go back onto the grid of the frame rate, and decoding times,
//! which Matroska does not store, are made from the order of the pictures. Attachments, Chapters,
//! Tags and subtitles are never read. Does not decompress, decrypt or decode.

mod cluster;
mod cue;
mod ebml;
mod entry;
mod first;
mod header;
mod id;
mod lace;
mod last;
mod layout;
mod place;
mod play;
mod stream;
mod table;
mod time;
mod window;

use super::{LaidOut, Movie, Pull, Purpose};
use crate::error::{Error, Result};
use crate::media::TrackId;
use bytes::Bytes;
use ebml::Halt;
use header::Header;
use play::Play;
use std::sync::Arc;
use window::Window;

pub(super) use layout::Layout;

/// One open file.
#[derive(Debug)]
pub struct Matroska {
    window: Window,
    state: State,
    play: Option<Play>,
    failed: Option<Error>,
}

#[derive(Debug)]
enum State {
    Opening(Box<Header>),
    Open(Arc<(Layout, Movie)>),
}

/// Whether this is the head of one: an EBML document. Its kind is looked at when it is read.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    head.starts_with(&id::EBML.to_be_bytes())
}

impl Matroska {
    pub(super) fn new(file_bytes: u64, purpose: Purpose) -> Self {
        Self {
            window: Window::new(file_bytes),
            state: State::Opening(Box::new(Header::new(purpose))),
            play: None,
            failed: None,
        }
    }

    /// A stream that is made while it is read.
    pub(super) fn live() -> Self {
        Self {
            window: Window::live(),
            ..Self::new(u64::MAX, Purpose::Live)
        }
    }

    /// One of which as much is known as when the outline was taken.
    pub(super) fn resume(outline: &LaidOut<Layout>) -> Self {
        Self {
            window: Window::new(outline.file_bytes),
            state: State::Open(Arc::clone(&outline.open)),
            play: None,
            failed: None,
        }
    }

    pub(super) fn outline(&self) -> Option<LaidOut<Layout>> {
        match &self.state {
            State::Open(open) if !self.window.is_live() => Some(LaidOut {
                file_bytes: self.window.file_bytes(),
                open: Arc::clone(open),
            }),
            State::Opening(_) | State::Open(_) => None,
        }
    }

    pub(super) fn origin_90k(&self) -> Option<i64> {
        match &self.state {
            State::Opening(_) => None,
            State::Open(open) => Some(open.0.timeline.origin_90k()),
        }
    }

    pub(super) fn pull(&mut self) -> Result<Pull> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.step() {
            Ok(pull) => Ok(pull),
            Err(Halt::Need(span)) => Ok(Pull::Need(span)),
            Err(halt) => {
                let error = halt.into_error();
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    fn step(&mut self) -> ebml::Step<Pull> {
        if let State::Opening(header) = &mut self.state {
            let layout = header.read(&mut self.window)?;
            let movie = layout.movie();
            self.state = State::Open(Arc::new((layout, movie)));
        }
        let (State::Open(open), Some(play)) = (&self.state, &mut self.play) else {
            return Ok(Pull::Ready);
        };
        let (layout, _) = &**open;
        let sample = play.next(&mut self.window, layout)?;
        Ok(sample.map_or(Pull::End, Pull::Sample))
    }

    pub(super) fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        self.window.push(offset, bytes)
    }

    pub(super) fn movie(&self) -> Option<&Movie> {
        match &self.state {
            State::Opening(_) => None,
            State::Open(open) => Some(&open.1),
        }
    }

    pub(super) fn start(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Result<()> {
        let State::Open(open) = &self.state else {
            return Err(Error::invalid("start", "the movie has not been read yet"));
        };
        let (layout, _) = &**open;
        let has = |id: TrackId, is_video: bool| {
            layout.tracks.iter().any(|track| {
                track.number() == id.0 && track.stream.is_some() && track.is_video() == is_video
            })
        };
        if !has(video, true) {
            return Err(Error::invalid("video track", "the movie has no such track"));
        }
        if !audio.is_none_or(|audio| has(audio, false)) {
            return Err(Error::invalid("audio track", "the movie has no such track"));
        }
        if !self.window.is_live() {
            self.failed = None;
            self.play = Some(Play::new(video, audio, time_90k));
            return Ok(());
        }
        if self.play.is_some() {
            let why = "what comes only once cannot be started again";
            return Err(Error::invalid("start", why));
        }
        self.window.let_go();
        self.play = Some(Play::live(video, audio));
        Ok(())
    }
}
