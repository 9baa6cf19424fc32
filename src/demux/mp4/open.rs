//! A file whose header has been read: what is known of it, and what is played of it.

use super::cursor::Cursor;
use super::file::{Attempt, File, Stop};
use super::flat::{Flat, Waymarks};
use super::play::{Carries, Lane, Playing};
use super::probe::{Carried, Contents, Learnt};
use crate::demux::{Movie, Pull, Span, held_bytes};
use crate::error::{Error, Result};
use crate::media::TrackId;
use std::sync::Arc;

/// What is known of a file.
#[derive(Debug)]
pub(in crate::demux) struct Outline {
    pub(super) file_bytes: u64,
    contents: Arc<Contents>,
    learnt: Learnt,
}

impl Outline {
    /// How much of it has been read.
    pub(in crate::demux) fn reach(&self) -> u64 {
        let marks = self.learnt.marks.iter().map(Waymarks::reach);
        marks.sum::<u64>().saturating_add(self.learnt.index.reach())
    }

    pub(in crate::demux) fn held_bytes(&self) -> usize {
        let marks = self.learnt.marks.iter();
        let marks = marks.map(|marks| marks.held_bytes() + size_of::<Waymarks>());
        size_of::<Self>()
            + held_bytes(&self.contents.movie)
            + self.contents.carried.len() * size_of::<Carried>()
            + self.learnt.index.held_bytes()
            + marks.sum::<usize>()
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct Open {
    contents: Arc<Contents>,
    learnt: Learnt,
    learning: Vec<Learning>,
    playing: Option<Box<Playing>>,
}

/// The tables of one of the carried tracks, while they are gone through.
#[derive(Debug)]
struct Learning {
    track: usize,
    flat: Box<Flat>,
}

impl Open {
    pub(super) fn new(contents: Contents, learnt: Learnt) -> Self {
        Self {
            contents: Arc::new(contents),
            learnt,
            learning: Vec::new(),
            playing: None,
        }
    }

    pub(super) fn resume(outline: &Outline) -> Self {
        Self {
            contents: Arc::clone(&outline.contents),
            learnt: outline.learnt.clone(),
            learning: Vec::new(),
            playing: None,
        }
    }

    pub(super) fn outline(&self, file_bytes: u64) -> Outline {
        Outline {
            file_bytes,
            contents: Arc::clone(&self.contents),
            learnt: self.merged(self.learnt.clone()),
        }
    }

    /// What has been learnt until now, by what is played too.
    fn merged(&self, mut learnt: Learnt) -> Learnt {
        for lane in self.playing.iter().flat_map(|playing| playing.lanes()) {
            learnt.keep(self.contents.track(lane.id), lane.cursor.marks());
        }
        learnt
    }

    pub(super) fn movie(&self) -> &Movie {
        &self.contents.movie
    }

    /// Where its tables are.
    pub(super) fn index(&self) -> Option<(u64, u64)> {
        self.contents.index
    }

    pub(super) fn pull(&mut self, file: &mut File) -> Attempt<Pull> {
        while let Some(Learning { track, flat }) = self.learning.last_mut() {
            match flat.learn(file) {
                Err(Stop::Need(span)) => return Err(Stop::Need(span)),
                // What is wrong with a table is told by who needs it.
                Ok(()) | Err(Stop::Failed(_)) => self.learnt.keep(Some(*track), flat.marks()),
            }
            self.learning.pop();
        }
        let Some(playing) = &mut self.playing else {
            return Ok(Pull::Ready);
        };
        let sample = playing.next(file, &mut self.learnt.index)?;
        Ok(sample.map_or(Pull::End, Pull::Sample))
    }

    pub(super) fn learn(&mut self, tracks: &[TrackId]) {
        let carried = self.contents.carried.iter().zip(&self.learnt.marks);
        let wanted = carried
            .enumerate()
            .filter(|(_, (carried, _))| tracks.contains(&carried.id));
        let learning = wanted.filter_map(|(track, (carried, marks))| {
            let tables = carried.layout.tables.as_ref()?;
            let flat = Flat::new(tables, carried.layout.window_bytes, marks);
            let flat = Box::new(flat);
            Some(Learning { track, flat })
        });
        self.learning = learning.collect();
    }

    pub(super) fn start(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Result<()> {
        let learnt = std::mem::take(&mut self.learnt);
        self.learnt = self.merged(learnt);
        let lane = |id, carries| self.lane(id, carries);
        let video = lane(video, Carries::Video)?;
        let audio = audio.map(|audio| lane(audio, Carries::Audio)).transpose()?;
        self.learning.clear();
        let playing = self
            .playing
            .insert(Box::new(Playing::new(video, audio, time_90k)));
        // The lanes have what was learnt of their tables, and need not share it with an older copy.
        for lane in playing.lanes() {
            self.learnt.leave(self.contents.track(lane.id));
        }
        Ok(())
    }

    /// A lane for one of the movie's tracks, at its start.
    fn lane(&self, id: TrackId, carries: Carries) -> Result<Lane> {
        let mut tracks = self.contents.movie.tracks.iter();
        let track = tracks.find(|track| track.track.id == id);
        let fits = track.is_some_and(|track| match carries {
            Carries::Video => track.track.video().is_some(),
            Carries::Audio => track.track.audio().is_some(),
        });
        let mut carried = self.contents.carried.iter().zip(&self.learnt.marks);
        let carried = carried.find(|(carried, _)| carried.id == id && fits);
        let Some((carried, marks)) = carried else {
            let why = format!("track {} is not one that can be started as such", id.0);
            return Err(Error::invalid("start", why));
        };
        let cursor = Cursor::new(&carried.layout, marks);
        Ok(Lane::new(
            id,
            carries,
            cursor,
            carried.timeline,
            carried.shift,
            carried.edit_end,
        ))
    }

    pub(super) fn foresee(&self) -> Vec<Span> {
        let playing = self.playing.as_ref();
        playing.map(|playing| playing.foresee()).unwrap_or_default()
    }

    pub(super) fn held_bytes(&self) -> usize {
        let marks = self.learnt.marks.iter().map(Waymarks::held_bytes);
        let learning = self.learning.iter().map(|one| one.flat.held_bytes());
        let playing = self.playing.as_ref();
        self.learnt.index.held_bytes()
            + marks.sum::<usize>()
            + learning.sum::<usize>()
            + playing.map_or(0, |playing| playing.held_bytes())
    }
}

impl Contents {
    /// Which of the carried tracks this one is.
    fn track(&self, id: TrackId) -> Option<usize> {
        self.carried.iter().position(|carried| carried.id == id)
    }
}

impl Learnt {
    /// Lets go of the marks of a track, which somebody else has.
    fn leave(&mut self, track: Option<usize>) {
        if let Some(kept) = track.and_then(|track| self.marks.get_mut(track)) {
            *kept = Waymarks::default();
        }
    }

    /// Keeps the marks of a track that know more of it than those that are kept.
    fn keep(&mut self, track: Option<usize>, marks: Waymarks) {
        if let Some(kept) = track.and_then(|track| self.marks.get_mut(track))
            && marks.reach() > kept.reach()
        {
            *kept = marks;
        }
    }
}
