//! What a server makes in segments (RFC 8216): the playlist that leads to them, and one after the
//! other, as if they were one stream. Nothing is asked of another host than the one that was named.

use super::super::playlist::{self, Playlist};
use super::connect::Connection;
use super::stream::Stream;
use super::target::Target;
use crate::error::{Failure, Result};
use crate::limits;
use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Segments that come from a server.
pub(super) struct Segments {
    state: State,
    /// Where they were said to be.
    target: Target,
}

type Seeking = Pin<Box<dyn Future<Output = Result<Option<Found>>> + Send + Sync>>;

/// A segment of which something has come, and what follows it.
type Found = (Box<Stream>, Box<Course>);

/// How far they have come.
enum State {
    /// The next one is awaited. It is kept when the read that waits for it is given up.
    Sought(Seeking),
    Reading(Found),
    /// There are no more, or none can be had.
    Over,
}

/// What is known of the segments to come.
struct Course {
    /// Where their playlist is: their addresses are relative to it.
    place: Target,
    /// Those that it listed; `None` before it was asked for.
    segments: Option<playlist::Segments>,
    /// When it was asked for last.
    asked: Instant,
    /// The number of the next one; `None` before the first.
    next: Option<u64>,
    /// When the first one is to begin, in an item of what length.
    begins: (Duration, Duration),
    /// On which the last answer came.
    connection: Option<Connection>,
}

impl Segments {
    /// Asks for the playlist that leads to them.
    ///
    /// # Errors
    /// `Source`, as `Reader::segments` tells.
    pub(super) async fn open(target: &Target, begins: (Duration, Duration)) -> Result<Self> {
        let stream = Stream::live(target).await?;
        let found = stream.target.clone();
        let (text, connection) = whole(stream).await?;
        let (place, segments) = match read(&found, text)? {
            Playlist::Master(uri) => (lead(&found, &uri)?, None),
            Playlist::Media(segments) => (found, Some(segments)),
        };
        let course = Course {
            place,
            segments,
            asked: Instant::now(),
            next: None,
            begins,
            connection: Some(connection),
        };
        Ok(Self {
            state: State::Sought(Box::pin(Box::new(course).seek())),
            target: target.clone(),
        })
    }

    /// Where they were said to be.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The next bytes of all that comes, at least one; `None` at its end.
    ///
    /// Dropping the future is safe; the time waited goes on counting.
    ///
    /// # Errors
    /// `Source`: a segment broke off, nothing came of it within `limit`, or the next one did not
    /// come. Then nothing more does.
    pub(super) async fn next(&mut self, limit: Duration) -> Result<Option<Bytes>> {
        loop {
            match &mut self.state {
                State::Over => return Ok(None),
                State::Sought(seeking) => {
                    let found = seeking.await;
                    self.state = State::Over;
                    if let Some(found) = found? {
                        self.state = State::Reading(found);
                    }
                }
                State::Reading((stream, _)) => {
                    if !stream.piece.is_empty() {
                        return Ok(Some(std::mem::take(&mut stream.piece)));
                    }
                    if let Some(piece) = stream.next(limit).await? {
                        return Ok(Some(piece));
                    }
                    if let State::Reading((stream, mut course)) =
                        std::mem::replace(&mut self.state, State::Over)
                    {
                        course.connection = Some(stream.into_connection());
                        self.state = State::Sought(Box::pin(course.seek()));
                    }
                }
            }
        }
    }
}

impl Course {
    /// Asks for the next segment until something of it has come; `None` where there are no more.
    async fn seek(mut self: Box<Self>) -> Result<Option<Found>> {
        let begun = Instant::now();
        loop {
            if let (Some(segments), None) = (&mut self.segments, self.next) {
                let (begins, whole) = self.begins;
                segments.begin_at(begins, whole);
            }
            if let Some(segment) = self.segments.as_mut().and_then(Iterator::next) {
                let target = lead(&self.place, &segment.uri)?;
                let is_first = self.next.is_none();
                self.next = Some(segment.number.saturating_add(1));
                if let Some(stream) = self.made(&target, answers_within(is_first)).await? {
                    return Ok(Some((Box::new(stream), self)));
                }
                if self.is_at_end() && !is_first && segment.lasts < SLIVER {
                    return Ok(None);
                }
                return Err(target.failed(Failure::Connection, NOT_MADE));
            }
            if self.is_at_end() {
                return Ok(None);
            }
            if begun.elapsed() > Duration::from_millis(limits::SOURCE_IDLE_MS) {
                let why = "its playlist does not go on";
                return Err(self.place.failed(Failure::Connection, why));
            }
            self.look().await?;
        }
    }

    /// Asks for the playlist, not too soon after the last time.
    async fn look(&mut self) -> Result<()> {
        if let Some(segments) = &self.segments {
            let pause = (segments.target() / 2).max(AGAIN);
            sleep_until(self.asked + pause).await;
        }
        self.segments = None;
        self.asked = Instant::now();
        let place = self.place.clone();
        let limit = answers_within(self.next.is_none());
        let stream = self.made(&place, limit).await?;
        let stream = stream.ok_or_else(|| place.failed(Failure::Connection, NOT_MADE))?;
        let (text, connection) = whole(stream).await?;
        self.connection = Some(connection);
        let Playlist::Media(mut segments) = read(&place, text)? else {
            let why = "its playlist leads to another one again";
            return Err(place.failed(Failure::Item, why));
        };
        if let Some(next) = self.next {
            segments.pass(next);
        }
        self.segments = Some(segments);
        Ok(())
    }

    /// Asks for something until it is there; `None` where it is not in time.
    async fn made(&mut self, target: &Target, limit: Duration) -> Result<Option<Stream>> {
        let end = Instant::now() + Duration::from_millis(limits::SEGMENT_MADE_MS);
        loop {
            let kept = self.connection.take();
            if let Some(stream) = Stream::made(target, kept, limit).await? {
                return Ok(Some(stream));
            }
            if Instant::now() + AGAIN > end {
                return Ok(None);
            }
            sleep(AGAIN).await;
        }
    }

    /// Whether the last segment of all was taken.
    fn is_at_end(&self) -> bool {
        let segments = self.segments.as_ref();
        segments.is_some_and(|segments| segments.is_whole() && segments.is_done())
    }
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Segments").field(&self.target).finish()
    }
}

/// How often something is asked for that is not made yet.
const AGAIN: Duration = Duration::from_millis(limits::SEGMENT_AGAIN_MS);

/// A playlist is written before anything is made: a last segment that is as short as this may have
/// nothing in it, and is never made then.
const SLIVER: Duration = Duration::from_secs(1);

const NOT_MADE: &str = "the server does not come to making it";

/// How long an answer may take to begin.
fn answers_within(is_first: bool) -> Duration {
    Duration::from_millis(if is_first {
        limits::LIVE_ANSWER_MS
    } else {
        limits::SOURCE_ANSWER_MS
    })
}

/// Takes the playlist apart that was found at `place`.
fn read(place: &Target, text: Vec<u8>) -> Result<Playlist> {
    Playlist::read(text).map_err(|error| place.failed(Failure::Item, error.to_string()))
}

/// Where an address in the playlist at `place` leads: to no other server.
fn lead(place: &Target, uri: &str) -> Result<Target> {
    let to = place.joined(uri);
    let to = to.map_err(|why| place.failed(Failure::Item, why))?;
    if !to.is_at(place) {
        return Err(place.failed(Failure::Item, "it leads to another server"));
    }
    Ok(to)
}

/// All of a playlist.
async fn whole(mut stream: Stream) -> Result<(Vec<u8>, Connection)> {
    let limit = Duration::from_millis(limits::SOURCE_ANSWER_MS);
    let mut text = Vec::from(std::mem::take(&mut stream.piece));
    let target = stream.target.clone();
    let rest = async {
        while let Some(piece) = stream.next(limit).await? {
            if text.len().saturating_add(piece.len()) > limits::PLAYLIST_BYTES {
                return Err(stream
                    .target
                    .failed(Failure::Item, "its playlist is too long"));
            }
            text.extend_from_slice(&piece);
        }
        Ok((text, stream.into_connection()))
    };
    let late = |_| Err(target.failed(Failure::Connection, "its playlist comes too slowly"));
    timeout(limit, rest).await.unwrap_or_else(late)
}
