//! One opened file giving samples: the demuxer with the bytes it asks for.

use crate::demux::{Demuxer, Movie, Pull, RECOGNISE_BYTES, recognise};
use crate::error::{Error, Result};
use crate::fetch::Reader;
use crate::media::{Profile, Sample, Sync, TrackId};
use crate::remux::{Pictures, Sound};
use crate::resolver::Source;
use crate::schedule::{Fit, fit};
use bytes::Bytes;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where bytes come from.
#[derive(Debug)]
enum Bulk {
    /// Outside: a file, or a server's.
    Outside(Reader),
    /// A file inside the program.
    Embedded(&'static [u8]),
}

impl Bulk {
    fn len(&self) -> u64 {
        match self {
            Self::Outside(reader) => reader.len(),
            Self::Embedded(bytes) => bytes.len() as u64,
        }
    }

    async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        match self {
            Self::Embedded(bytes) => {
                let from = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let to = from.saturating_add(len).min(bytes.len());
                Ok(Bytes::from_static(bytes.get(from..to).unwrap_or_default()))
            }
            Self::Outside(reader) => reader.read(offset, len).await,
        }
    }
}

/// An opened file; once it has gone somewhere, standing at a random access point.
#[derive(Debug)]
pub(super) struct Feed {
    bulk: Bulk,
    demuxer: Demuxer,
    choice: Choice,
    /// Samples up to the first picture, which were needed to know where it stands.
    first: VecDeque<Sample>,
    begins_90k: i64,
}

/// At which random access point an item is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// The last one at or before the time asked for; the first one where there is none before.
    Before,
    /// The first one at or after it.
    After,
}

/// Audio samples that may stand before the first picture.
const FIRST_SAMPLES: usize = 512;

impl Feed {
    /// Opens an item.
    pub(super) async fn open(source: &Source, profile: &Profile, language: &str) -> Result<Self> {
        let reader = match source {
            Source::File(path) => Reader::open(path).await?,
            Source::Http { url, headers } => Reader::http(url, headers).await?,
        };
        Self::start(Bulk::Outside(reader), profile, language).await
    }

    /// Opens a file that is part of the program.
    pub(super) async fn embedded(bytes: &'static [u8], profile: &Profile) -> Result<Self> {
        let mut feed = Self::start(Bulk::Embedded(bytes), profile, "").await?;
        feed.go_to(0, Join::Before).await?;
        Ok(feed)
    }

    async fn start(mut bulk: Bulk, profile: &Profile, language: &str) -> Result<Self> {
        let head = bulk.read(0, RECOGNISE_BYTES).await?;
        let mut demuxer = Demuxer::for_air(recognise(&head)?, bulk.len());
        while let Pull::Need(span) = demuxer.pull()? {
            let bytes = bulk.read(span.offset, span.len).await?;
            demuxer.push(span.offset, bytes)?;
        }
        let movie = demuxer
            .movie()
            .ok_or_else(|| Error::unsupported("the file", "it is empty"))?;
        let choice = choose(movie, profile, language)?;
        Ok(Self {
            bulk,
            demuxer,
            choice,
            first: VecDeque::new(),
            begins_90k: 0,
        })
    }

    /// Goes to a random access point; says whether there is one.
    ///
    /// # Errors
    /// The file breaks its format or cannot be read.
    pub(super) async fn go_to(&mut self, time_90k: i64, join: Join) -> Result<bool> {
        self.stand_at(time_90k).await?;
        if join == Join::Before || self.begins_90k >= time_90k {
            return Ok(true);
        }
        // No index tells what the next one is, so that it is read up to there.
        while let Some(sample) = self.sample().await? {
            let is_picture = sample.track == self.choice.video;
            let random_access = is_picture && sample.sync == Sync::RandomAccess;
            if random_access && sample.pts_90k >= time_90k {
                self.stand_at(sample.pts_90k).await?;
                return Ok(self.begins_90k >= time_90k);
            }
        }
        Ok(false)
    }

    /// Goes to the random access point at or before a time, and reads up to its picture.
    async fn stand_at(&mut self, time_90k: i64) -> Result<()> {
        let audio = self.choice.audio.as_ref().map(|(track, _)| *track);
        self.demuxer.start(self.choice.video, audio, time_90k)?;
        self.first.clear();
        while let Some(sample) = self.read_sample().await? {
            let picture = (sample.track == self.choice.video).then_some(sample.pts_90k);
            self.first.push_back(sample);
            if let Some(pts_90k) = picture {
                self.begins_90k = pts_90k;
                return Ok(());
            }
            if self.first.len() > FIRST_SAMPLES {
                break;
            }
        }
        Err(Error::unsupported(
            "the file",
            "no picture can be found where it is joined",
        ))
    }

    /// When the first picture is shown, in the item's time.
    pub(super) fn begins_90k(&self) -> i64 {
        self.begins_90k
    }

    /// The track of its pictures.
    pub(super) fn video(&self) -> TrackId {
        self.choice.video
    }

    /// What goes on air of it.
    pub(super) fn choice(&self) -> Choice {
        self.choice.clone()
    }

    /// The next sample; `None` at the end.
    pub(super) async fn sample(&mut self) -> Result<Option<Sample>> {
        match self.first.pop_front() {
            Some(sample) => Ok(Some(sample)),
            None => self.read_sample().await,
        }
    }

    async fn read_sample(&mut self) -> Result<Option<Sample>> {
        loop {
            match guarded(|| self.demuxer.pull())? {
                Pull::Sample(sample) => return Ok(Some(sample)),
                Pull::End => return Ok(None),
                Pull::Need(span) => {
                    let bytes = self.bulk.read(span.offset, span.len).await?;
                    guarded(|| self.demuxer.push(span.offset, bytes))?;
                }
                Pull::Ready => return Err(Error::unsupported("the file", "it was never started")),
            }
        }
    }
}

/// Lets a fault of ours cost the item that brings it out, and not everyone who watches.
fn guarded<T>(take: impl FnOnce() -> Result<T>) -> Result<T> {
    let fault = |_| {
        let why = "the program has a fault that this file brings out; please report it";
        Err(Error::unsupported("the file", why))
    };
    // What the fault leaves behind is dropped with the item, and never looked at.
    catch_unwind(AssertUnwindSafe(take)).unwrap_or_else(fault)
}

/// The tracks of a file that go on air, and how they are coded.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) video: TrackId,
    pub(super) pictures: Pictures,
    pub(super) audio: Option<(TrackId, Sound)>,
}

/// Chooses tracks under the profile.
fn choose(movie: &Movie, profile: &Profile, language: &str) -> Result<Choice> {
    let facts: Vec<_> = movie
        .tracks
        .iter()
        .map(|track| track.track.clone())
        .collect();
    let (video, audio) = match fit(&facts, profile, language) {
        Fit::Direct { video, audio } => (video, Some(audio)),
        Fit::Silent { video, .. } => (video, None),
        Fit::Not { why } => return Err(Error::unsupported("the file", why)),
    };
    let config = |id: TrackId| {
        let track = movie.tracks.iter().find(|track| track.track.id == id);
        track.map(|track| track.config.clone()).unwrap_or_default()
    };
    let pictures = Pictures::new(profile.video, &config(video))?;
    let audio = match audio {
        Some(id) => Some((id, Sound::new(profile.audio.codec, &config(id))?)),
        None => None,
    };
    Ok(Choice {
        video,
        pictures,
        audio,
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::error::{Error, Result};

    #[test]
    fn a_fault_of_ours_is_an_error_of_the_item() {
        let good = guarded(|| Ok(7));
        assert_eq!(good, Ok(7));
        let bad: Result<i32> = guarded(|| Err(Error::unsupported("it", "no")));
        assert_eq!(bad, Err(Error::unsupported("it", "no")));
        let nothing: [i32; 0] = [];
        let fault = guarded(|| Ok(nothing[std::hint::black_box(3)]));
        assert!(fault.unwrap_err().to_string().contains("please report it"));
    }
}
