//! One opened file giving samples: the demuxer with the bytes it asks for.

mod live;

use super::outlines::{Key, Known, Outlines};
use crate::demux::{Demuxer, Movie, Pull, RECOGNISE_BYTES, Span, likely_index, recognise};
use crate::error::{Error, Failure, Result};
use crate::fetch::{Expected, Pace, Reader};
use crate::media::{Profile, Sample, Sync, TrackId};
use crate::model::Part;
use crate::remux::{Pictures, Sound};
use crate::resolver::{Form, Source};
use crate::schedule::{Fit, fit};
use bytes::Bytes;
use live::Live;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

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

    /// Gives a demuxer what it needs.
    async fn answer(&mut self, demuxer: &mut Demuxer, span: Span) -> Result<()> {
        let Span { offset, len } = span;
        let index = demuxer
            .index()
            .map(|(from, len)| from..from.saturating_add(len));
        let is_index = index.is_some_and(|index| index.contains(&offset));
        let bytes = match self {
            Self::Outside(reader) if is_index => reader.read_index(offset, len).await?,
            _ => self.read(offset, len).await?,
        };
        guarded(|| demuxer.push(offset, bytes))
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

    /// Has what will be read next fetched at once, where that is faster.
    async fn foresee(&mut self, demuxer: &Demuxer) {
        if let Self::Outside(reader) = self {
            let spans = demuxer.foresee().into_iter();
            let ranges: Vec<_> = spans.map(|span| (span.offset, span.len)).collect();
            reader.foresee(&ranges).await;
        }
    }

    /// Has a whole index fetched, where that is faster; says whether all of it is held.
    async fn hold(&mut self, (offset, len): (u64, u64)) -> bool {
        match self {
            Self::Outside(reader) => reader.hold(offset, len).await,
            Self::Embedded(_) => false,
        }
    }
}

/// What an item is opened from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) part: &'a Part,
    pub(super) source: &'a Source,
    pub(super) profile: &'a Profile,
    pub(super) language: &'a str,
    pub(super) outlines: &'a Outlines,
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
    /// Where what is learnt of the file is kept; none for one inside the program.
    kept: Option<Kept>,
    /// There where it is made while it is read.
    live: Option<Live>,
}

/// Where what is learnt of a file and of its server is kept, and under which names.
#[derive(Debug)]
struct Kept {
    outlines: Outlines,
    key: Key,
    server: Option<String>,
}

impl Kept {
    fn of(opening: Opening<'_>) -> Self {
        Self {
            outlines: opening.outlines.clone(),
            key: Key::new(opening.part),
            server: opening.source.server().map(str::to_owned),
        }
    }

    /// An error that is the item's own may come of what was known of it; one of its server's is no
    /// reason to ask it for more at once.
    fn doubt(&self, error: &Error) {
        match (error.failure(), &self.server) {
            (Failure::Item, _) => self.outlines.forget(&self.key),
            (Failure::Auth | Failure::Connection, Some(server)) => self.outlines.note(server, None),
            (Failure::Auth | Failure::Connection, None) => {}
        }
    }
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
    /// Opens an item and goes to a random access point of it; `None` where there is none.
    ///
    /// # Errors
    /// The file cannot be read, breaks its format, or does not fit the profile.
    pub(super) async fn open(opening: Opening<'_>, place: (i64, Join)) -> Result<Option<Self>> {
        if let Source::Live {
            begins_ms,
            times,
            guard,
            ..
        } = opening.source
        {
            let reader = reader(opening, None).await?;
            let made = ((*begins_ms, *times), Arc::clone(guard));
            return Self::open_live(opening, reader, made, place).await;
        }
        let kept = Kept::of(opening);
        if let Some(known) = opening.outlines.get(&kept.key) {
            let resumed = Self::resume(opening, &known, place).await;
            match resumed {
                Err(error) => {
                    kept.doubt(&error);
                    // What was known of it is not so any more.
                    if error.failure() != Failure::Item {
                        return Err(error);
                    }
                }
                resumed => return resumed,
            }
        }
        let mut feed = Self::anew(opening)
            .await
            .inspect_err(|error| kept.doubt(error))?;
        feed.kept = Some(kept);
        feed.settle(place).await
    }

    /// Opens an item of which nothing is known.
    async fn anew(opening: Opening<'_>) -> Result<Self> {
        let bulk = Bulk::Outside(reader(opening, None).await?);
        Self::start(bulk, opening.profile, opening.language).await
    }

    /// Opens an item of which the index is known.
    async fn resume(
        opening: Opening<'_>,
        known: &Known,
        place: (i64, Join),
    ) -> Result<Option<Self>> {
        let reader = reader(opening, Some(known)).await?;
        if reader.len() != known.len {
            return Err(Error::unsupported("the file", "it has been replaced"));
        }
        let bulk = Bulk::Outside(reader);
        let demuxer = Demuxer::resume(&known.outline);
        let mut feed = Self::of(bulk, demuxer, opening.profile, opening.language)?;
        feed.kept = Some(Kept::of(opening));
        feed.settle(place).await
    }

    /// Goes to a place, and notes what has been learnt on the way.
    async fn settle(mut self, (time_90k, join): (i64, Join)) -> Result<Option<Self>> {
        let found = self.go_to(time_90k, join).await?;
        self.keep();
        if let Bulk::Outside(reader) = &mut self.bulk {
            reader.settle();
        }
        Ok(found.then_some(self))
    }

    /// Opens a file that is part of the program.
    pub(super) async fn embedded(bytes: &'static [u8], profile: &Profile) -> Result<Self> {
        let mut feed = Self::start(Bulk::Embedded(bytes), profile, "").await?;
        feed.go_to(0, Join::Before).await?;
        Ok(feed)
    }

    async fn start(mut bulk: Bulk, profile: &Profile, language: &str) -> Result<Self> {
        let head = bulk.read(0, RECOGNISE_BYTES).await?;
        let container = guarded(|| recognise(&head))?;
        let mut demuxer = Demuxer::for_air(container, bulk.len());
        let (mut index, mut is_held) = (None, false);
        while let Pull::Need(span) = guarded(|| demuxer.pull())? {
            // It may become known better where it is.
            if let Some(place) = demuxer.index()
                && !is_held
                && index.replace(place) != Some(place)
            {
                is_held = bulk.hold(place).await;
            }
            bulk.answer(&mut demuxer, span).await?;
        }
        let mut feed = Self::of(bulk, demuxer, profile, language)?;
        if is_held {
            feed.learn().await?;
        }
        Ok(feed)
    }

    /// A file that has been opened.
    fn of(bulk: Bulk, demuxer: Demuxer, profile: &Profile, language: &str) -> Result<Self> {
        let movie = demuxer
            .movie()
            .ok_or_else(|| Error::unsupported("the file", "it is empty"))?;
        let choice = guarded(|| choose(movie, profile, language))?;
        Ok(Self {
            bulk,
            demuxer,
            choice,
            first: VecDeque::new(),
            begins_90k: 0,
            kept: None,
            live: None,
        })
    }

    /// Goes through the whole index, which is at hand.
    async fn learn(&mut self) -> Result<()> {
        let audio = self.choice.audio.as_ref().map(|(track, _)| *track);
        let tracks: Vec<_> = std::iter::once(self.choice.video).chain(audio).collect();
        self.demuxer.learn(&tracks);
        while let Pull::Need(span) = guarded(|| self.demuxer.pull())? {
            self.bulk.answer(&mut self.demuxer, span).await?;
        }
        Ok(())
    }

    /// Keeps what is known of the file for those who open it again.
    fn keep(&self) {
        let (Some(kept), Bulk::Outside(reader)) = (&self.kept, &self.bulk) else {
            return;
        };
        if let Some((server, pace)) = kept.server.as_deref().zip(reader.pace()) {
            kept.outlines.note(server, Some(pace));
        }
        if let Some(outline) = self.demuxer.outline() {
            let len = reader.len();
            kept.outlines.keep(&kept.key, Known { outline, len });
        }
    }

    /// Goes to a random access point; says whether there is one. What is made while it is read goes
    /// to the first one that comes, or the first one at or after the time.
    ///
    /// # Errors
    /// The file breaks its format or cannot be read; what is made while it is read has passed the
    /// time.
    pub(super) async fn go_to(&mut self, time_90k: i64, join: Join) -> Result<bool> {
        if self.live.is_some() {
            return self.read_on(time_90k, join).await;
        }
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
        let video = self.choice.video;
        guarded(|| self.demuxer.start(video, audio, time_90k))?;
        self.bulk.foresee(&self.demuxer).await;
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
        match self.live {
            Some(_) => self.live_sample().await,
            None => self.next().await,
        }
    }

    /// The next sample that was not given.
    async fn next(&mut self) -> Result<Option<Sample>> {
        match self.first.pop_front() {
            Some(sample) => Ok(Some(sample)),
            None => self.read_sample().await,
        }
    }

    async fn read_sample(&mut self) -> Result<Option<Sample>> {
        let read = self.pull_sample().await;
        if let Err(error) = &read {
            self.doubt(error);
        }
        read
    }

    /// What was learnt may be the reason of an error.
    pub(super) fn doubt(&mut self, error: &Error) {
        if let Some(kept) = self.kept.take() {
            kept.doubt(error);
        }
    }

    async fn pull_sample(&mut self) -> Result<Option<Sample>> {
        loop {
            match guarded(|| self.demuxer.pull())? {
                Pull::Sample(sample) => {
                    let live = self.live.as_ref();
                    return Ok(Some(match live {
                        Some(live) => live.place(sample),
                        None => sample,
                    }));
                }
                Pull::End => return Ok(None),
                Pull::Need(span) => {
                    self.bulk.answer(&mut self.demuxer, span).await?;
                }
                Pull::Ready => return Err(Error::unsupported("the file", "it was never started")),
            }
        }
    }
}

impl Drop for Feed {
    /// What was learnt until the item was left is kept too.
    fn drop(&mut self) {
        self.keep();
    }
}

/// Opens what an item's bytes are read from; nothing is asked for yet where it is known.
async fn reader(opening: Opening<'_>, known: Option<&Known>) -> Result<Reader> {
    let pace = || opening.outlines.pace(opening.source.server()?);
    match (opening.source, known) {
        (Source::File(path), _) => Reader::open(path).await,
        (Source::Http { url, headers }, None) => match pace() {
            Some(pace) => {
                let expected = expected(opening.part, pace);
                Reader::http_expecting(url, headers, &expected).await
            }
            None => Reader::http(url, headers).await,
        },
        (Source::Http { url, headers }, Some(known)) => {
            Reader::http_known(url, headers, (known.len, pace()))
        }
        (
            Source::Live {
                url,
                headers,
                begins_ms,
                form,
                ..
            },
            _,
        ) => match form {
            Form::Whole => Reader::live(url, headers).await,
            Form::Segments => {
                let begins = Duration::from_millis(u64::try_from(*begins_ms).unwrap_or(0));
                let whole = Duration::from_millis(opening.part.duration_ms.unwrap_or(0));
                Reader::segments(url, headers, (begins, whole)).await
            }
        },
    }
}

/// What will probably be read of a file first, by what the library knows of it.
fn expected(part: &Part, pace: Pace) -> Expected {
    let facts = part.container.zip(part.duration_ms);
    let spans = facts.map(|(container, duration_ms)| {
        likely_index(container, part.size_bytes, duration_ms, &part.tracks)
    });
    let spans = spans.unwrap_or_default().into_iter();
    Expected {
        len: part.size_bytes,
        ranges: spans.map(|span| (span.offset, span.len)).collect(),
        pace,
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
        Fit::Convert { why, .. } | Fit::Not { why } => {
            return Err(Error::unsupported("the file", why));
        }
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
