//! What a server makes while it is read: one answer from its beginning to its end, in order, or one
//! segment after the other. It has no length and no ranges, and asking again would begin it anew, so
//! that it is asked for once.

use super::super::as_u64;
use super::segments::Segments;
use super::stream::Stream;
use super::target::Target;
use super::window::Window;
use crate::error::{Error, Failure, Result};
use crate::limits;
use bytes::Bytes;
use std::time::Duration;

/// A stream that comes from a server.
#[derive(Debug)]
pub(in super::super) struct Live {
    flow: Flow,
    /// What has come and was not taken.
    received: Bytes,
    /// What was passed last.
    window: Window,
    state: State,
}

/// How it comes.
#[derive(Debug)]
enum Flow {
    Whole(Box<Stream>),
    Segments(Segments),
}

/// How far it has come.
#[derive(Debug)]
enum State {
    /// It was asked for, and nothing has come yet.
    Awaited,
    Coming,
    /// All of it has come.
    Ended,
    /// Nothing more will.
    Failed(Error),
}

impl Live {
    /// As `Reader::live`.
    pub(in super::super) async fn open(url: &str, headers: &[(String, String)]) -> Result<Self> {
        let target = Target::new(url, headers)?;
        Ok(Self::of(Flow::Whole(Box::new(
            Stream::live(&target).await?,
        ))))
    }

    /// As `Reader::segments`.
    pub(in super::super) async fn segments(
        url: &str,
        headers: &[(String, String)],
        begins: (Duration, Duration),
    ) -> Result<Self> {
        let target = Target::new(url, headers)?;
        Ok(Self::of(Flow::Segments(
            Segments::open(&target, begins).await?,
        )))
    }

    fn of(flow: Flow) -> Self {
        Self {
            flow,
            received: Bytes::new(),
            window: Window::at(0),
            state: State::Awaited,
        }
    }

    /// As `Reader::read`.
    pub(in super::super) async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        self.window.settle();
        if offset < self.window.begin() {
            let why = "it is made while it is read, and what was passed is gone";
            return Err(self.flow.target().failed(Failure::Item, why));
        }
        while self.window.end() < offset {
            let most = offset - self.window.end();
            let Some(piece) = self.piece(most).await? else {
                return Ok(Bytes::new());
            };
            self.window.push(Bytes::copy_from_slice(&piece));
        }
        if let Some(found) = self.window.get(offset, len) {
            return Ok(found);
        }
        self.window.begin_gathering(offset, len);
        while self.window.gathered() < len {
            let missing = as_u64(len - self.window.gathered());
            match self.piece(missing).await? {
                Some(piece) => self.window.gather(&piece),
                None => break,
            }
        }
        Ok(self.window.finish_gathering())
    }

    /// The next bytes, at most `most`; `None` at the end.
    ///
    /// This is the only place where a read waits.
    async fn piece(&mut self, most: u64) -> Result<Option<Bytes>> {
        if self.received.is_empty() {
            let limit_ms = match &self.state {
                State::Awaited => limits::LIVE_ANSWER_MS,
                State::Coming => limits::SOURCE_IDLE_MS,
                State::Ended => return Ok(None),
                State::Failed(error) => return Err(error.clone()),
            };
            match self.flow.next(Duration::from_millis(limit_ms)).await {
                Ok(Some(piece)) => {
                    self.state = State::Coming;
                    self.received = piece;
                }
                Ok(None) => {
                    self.state = State::Ended;
                    return Ok(None);
                }
                Err(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            }
        }
        let received = &mut self.received;
        let most = usize::try_from(most).map_or(received.len(), |most| most.min(received.len()));
        Ok(Some(received.split_to(most)))
    }
}

impl Flow {
    fn target(&self) -> &Target {
        match self {
            Self::Whole(stream) => &stream.target,
            Self::Segments(segments) => segments.target(),
        }
    }

    /// The next bytes, at least one; `None` at the end.
    async fn next(&mut self, limit: Duration) -> Result<Option<Bytes>> {
        match self {
            Self::Whole(stream) => stream.next(limit).await,
            Self::Segments(segments) => segments.next(limit).await,
        }
    }
}
