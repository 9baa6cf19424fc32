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

use super::{Movie, Pull, Purpose};
use crate::error::{Error, Result};
use crate::media::TrackId;
use bytes::Bytes;
use ebml::Halt;
use header::Header;
use play::Play;
use window::Window;

/// One open file.
#[derive(Debug)]
pub struct Matroska {
    window: Window,
    header: Header,
    movie: Option<Movie>,
    play: Option<Play>,
    failed: Option<Error>,
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
            header: Header::new(purpose),
            movie: None,
            play: None,
            failed: None,
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
        if self.movie.is_none() {
            self.movie = Some(self.header.read(&mut self.window)?);
        }
        let Some(play) = &mut self.play else {
            return Ok(Pull::Ready);
        };
        let sample = play.next(&mut self.window, &self.header.layout)?;
        Ok(sample.map_or(Pull::End, Pull::Sample))
    }

    pub(super) fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        self.window.push(offset, bytes)
    }

    pub(super) fn movie(&self) -> Option<&Movie> {
        self.movie.as_ref()
    }

    pub(super) fn start(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Result<()> {
        if self.movie.is_none() {
            return Err(Error::invalid("start", "the movie has not been read yet"));
        }
        let has = |id: TrackId, is_video: bool| {
            self.header.layout.tracks.iter().any(|track| {
                track.number() == id.0 && track.stream.is_some() && track.is_video() == is_video
            })
        };
        if !has(video, true) {
            return Err(Error::invalid("video track", "the movie has no such track"));
        }
        if !audio.is_none_or(|audio| has(audio, false)) {
            return Err(Error::invalid("audio track", "the movie has no such track"));
        }
        self.failed = None;
        self.play = Some(Play::new(video, audio, time_90k));
        Ok(())
    }
}
