//! A file on an HTTP server (RFC 9110 ranges over HTTP/1.1), read at a few places at once.
//!
//! Each place is a [`Lane`]: an answer that is read in order, with a small window of what was just
//! passed. Cursors that run close to each other share one; those far apart have one each. A read
//! anywhere else moves the lane that was unused longest. A small one is a look: a short range on a
//! kept connection, which costs no transfer that nobody reads, and is kept for a while, since a
//! demuxer comes back to its tables. Whoever goes on reading in order is given twice as much each
//! time, and soon all the rest: then only back-pressure holds the server back.

mod answer;
mod connect;
mod lane;
mod live;
mod segments;
mod shelf;
mod socket;
mod stream;
mod target;
mod window;

use super::{Expected, Pace, Use, as_u64, part};
use crate::error::{Failure, Result};
use crate::limits;
use answer::Parts;
use bytes::Bytes;
use lane::Lane;
use shelf::Shelf;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;
use stream::{Place, Stream};
use target::Target;
use tokio::time::Instant;

pub(super) use live::Live;

/// Looks begin where a multiple of this lies: a demuxer may come back for what is just before.
const LOOK_ALIGN: u64 = 4 << 10;

/// Requests that an index takes which is read piece by piece, at a guess.
const INDEX_REQUESTS: u32 = 16;

/// Answers in the time of which a connection is made: TCP and TLS each go there and back, and no
/// answer does so in less.
const CONNECTING: u32 = 2;

/// A server that takes longer than this to answer is not asked for one thing after the other.
const SLOW: Duration = Duration::from_millis(5);

/// An index of so many bytes is fetched as a whole from any server, in one request instead of ten;
/// that of a film is longer. It is waited for so long.
const SMALL_INDEX_BYTES: u64 = 192 << 10;
const SMALL_INDEX: Duration = Duration::from_millis(500);

/// A file on a server.
#[derive(Debug)]
pub(super) struct Remote {
    place: Place,
    total: u64,
    /// How many bytes come in a second, at the beginning.
    bytes_per_second: u64,
    parts: Parts,
    /// At most `limits::SOURCE_LANES`.
    lanes: Vec<Lane>,
    /// At most `limits::SOURCE_LOOKS`, with where they are.
    looks: VecDeque<(u64, Bytes)>,
    /// What was fetched before it was asked for.
    shelf: Shelf,
    /// Connections on which nothing is asked for, at most `limits::SOURCE_LANES`.
    spare: Vec<Stream>,
    /// The read at which a look was last of use.
    looked: u64,
    reads: u64,
}

impl Remote {
    /// As `Reader::http` and `Reader::http_expecting`.
    pub(super) async fn open(
        url: &str,
        headers: &[(String, String)],
        expected: Option<&Expected>,
    ) -> Result<Self> {
        let mut remote = Self::new(url, headers, None)?;
        let Some(expected) = expected.filter(|expected| is_worth_it(expected)) else {
            remote.open_beginning().await?;
            return Ok(remote);
        };
        let mut shelf = Shelf::default();
        shelf.expect(&remote.place, expected);
        {
            let mut opening = pin!(remote.open_beginning());
            poll_fn(|cx| {
                // First, for servers that take one connection at a time.
                let opened = opening.as_mut().poll(cx);
                shelf.poll(cx);
                opened
            })
            .await?;
        }
        if remote.total == expected.len {
            shelf.put(remote.looks.front());
            remote.shelf = shelf;
            remote.reuse();
        }
        Ok(remote)
    }

    /// Asks for the beginning, and learns by it how long the file is and how it comes.
    async fn open_beginning(&mut self) -> Result<()> {
        let mut lane = Lane::at(0, as_u64(limits::SOURCE_OPENING_BYTES));
        let given = lane.ask(&mut self.place).await?;
        self.place.total = Some(given.total);
        self.total = given.total;
        self.parts = given.parts;
        self.lanes.push(lane);
        let begun = Instant::now();
        self.look(0, 0, limits::SOURCE_OPENING_BYTES).await?;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let bytes = given.to.saturating_mul(1_000_000);
        self.bytes_per_second = bytes.checked_div(micros).unwrap_or(bytes);
        Ok(())
    }

    /// As `Reader::http_known`.
    pub(super) fn known(
        url: &str,
        headers: &[(String, String)],
        total: u64,
        pace: Option<Pace>,
    ) -> Result<Self> {
        let mut remote = Self::new(url, headers, Some(total))?;
        remote.place.answers_after = pace.map(|pace| pace.answers_after);
        remote.bytes_per_second = pace.map_or(0, |pace| pace.bytes_per_second);
        Ok(remote)
    }

    fn new(url: &str, headers: &[(String, String)], total: Option<u64>) -> Result<Self> {
        let target = Target::new(url, headers)?;
        Ok(Self {
            place: Place {
                first: target.clone(),
                now: target,
                total,
                answers_after: None,
            },
            total: total.unwrap_or(0),
            bytes_per_second: 0,
            parts: Parts::Any,
            lanes: Vec::with_capacity(limits::SOURCE_LANES),
            looks: VecDeque::with_capacity(limits::SOURCE_LOOKS),
            shelf: Shelf::default(),
            spare: Vec::new(),
            looked: 0,
            reads: 0,
        })
    }

    /// As `Reader::pace`.
    pub(super) fn pace(&self) -> Option<Pace> {
        Some(Pace {
            answers_after: self.place.answers_after?,
            bytes_per_second: self.bytes_per_second,
        })
    }

    /// As `Reader::foresee`.
    pub(super) async fn foresee(&mut self, ranges: &[(u64, usize)]) {
        let answer = self.place.answers_after.unwrap_or_default();
        if self.parts == Parts::Whole || answer < SLOW {
            return;
        }
        let is_here = |at: u64, len| self.shelf.holds(at, len) || self.seen(at, len).is_some();
        let missing = ranges.iter().filter(|(at, len)| !is_here(*at, *len));
        let missing: Vec<_> = missing.copied().collect();
        if missing.is_empty() {
            return;
        }
        let mut left = limits::SOURCE_FORESEEN_BYTES.saturating_sub(self.shelf.make_way(ranges));
        let mut wanted = Vec::with_capacity(limits::SOURCE_FORESEEN);
        for (offset, len) in missing {
            if wanted.len() < limits::SOURCE_FORESEEN && len <= left {
                left -= len;
                wanted.push((offset, len));
            }
        }
        // More than reading them one after the other would take is not waited.
        let answers = u32::try_from(wanted.len() + 1).unwrap_or(u32::MAX);
        let patience = answer * answers.saturating_add(CONNECTING);
        self.fetch(&wanted, patience).await;
    }

    /// As `Reader::hold`.
    pub(super) async fn hold(&mut self, offset: u64, len: u64) -> bool {
        let answer = self.place.answers_after.unwrap_or_default();
        if let Ok(len) = usize::try_from(len)
            && self.has_come(offset, len).await
        {
            self.shelf.keep_only(offset, len);
            return true;
        }
        let is_small = len <= SMALL_INDEX_BYTES;
        if answer < SLOW && !is_small {
            return false;
        }
        let patience = if is_small {
            (answer * INDEX_REQUESTS).max(SMALL_INDEX)
        } else {
            answer * INDEX_REQUESTS
        };
        let pays = is_small || pays(len, self.bytes_per_second, patience);
        let Some(len) = usize::try_from(len).ok().filter(|_| pays) else {
            return false;
        };
        if self.parts == Parts::Whole || !self.shelf.make_room(len) {
            return false;
        }
        let each = len
            .div_ceil(limits::SOURCE_INDEX_PARTS)
            .max(limits::BLOCK_BYTES);
        let parts = (0..len).step_by(each);
        let parts = parts.map(|from| (offset.saturating_add(as_u64(from)), each.min(len - from)));
        let parts: Vec<_> = parts.collect();
        self.fetch(&parts, patience).await;
        self.shelf.held_bytes() >= len
    }

    /// Waits for bytes that are on their way; says whether they are here.
    async fn has_come(&mut self, offset: u64, len: usize) -> bool {
        if self.shelf.expects(offset, len) {
            let patience = self.place.answers_after.unwrap_or_default() * INDEX_REQUESTS;
            self.shelf.come(offset, len, patience).await;
            self.reuse();
        }
        self.shelf.holds(offset, len)
    }

    /// Fetches side by side.
    async fn fetch(&mut self, ranges: &[(u64, usize)], patience: Duration) {
        let from = (&self.place, std::mem::take(&mut self.spare));
        self.shelf.fetch(from, ranges, patience).await;
        self.reuse();
    }

    /// Keeps connections on which something was fetched.
    fn reuse(&mut self) {
        self.spare.extend(self.shelf.unused());
        if let Some(stream) = self.spare.last() {
            self.place.now = stream.target.clone();
        }
        self.spare.truncate(limits::SOURCE_LANES);
    }

    /// As `Reader::settle`.
    pub(super) fn settle(&mut self) {
        self.shelf.settle();
    }

    pub(super) fn len(&self) -> u64 {
        self.total
    }

    /// As `Reader::read`; all of the bytes are inside the file.
    pub(super) async fn read(&mut self, used: Use, offset: u64, len: usize) -> Result<Bytes> {
        self.reads = self.reads.saturating_add(1);
        if let Some(found) = self.seen(offset, len) {
            self.looked = self.reads;
            return Ok(found);
        }
        if let Some(found) = self.shelf.get(offset, len) {
            return Ok(found);
        }
        if self.has_come(offset, len).await
            && let Some(found) = self.shelf.get(offset, len)
        {
            return Ok(found);
        }
        self.forget();
        if let Some(at) = self.fitting(used, offset, len) {
            return self.read_on(at, offset, len).await;
        }
        if self.parts == Parts::Whole && offset > 0 {
            let why = "its server gives it only from the beginning, and it is needed elsewhere";
            return Err(self.place.first.failed(Failure::Item, why));
        }
        let begin = match used {
            Use::Media => offset - offset % LOOK_ALIGN,
            Use::Index => offset,
        };
        let before = usize::try_from(offset - begin).unwrap_or(0);
        if before + len > limits::SOURCE_LOOK_BYTES {
            let at = self.move_lane(offset, self.first_ask(used, len));
            return self.read_on(at, offset, len).await;
        }
        let all = match used {
            Use::Media => limits::SOURCE_LOOK_BYTES,
            Use::Index => before + len,
        };
        let at = self.move_lane(begin, as_u64(all));
        self.look(at, begin, all).await?;
        match self.seen(offset, len) {
            Some(found) => Ok(found),
            None => self.read_on(at, offset, len).await,
        }
    }

    /// How much is asked for at a new place where `len` bytes are wanted.
    fn first_ask(&self, used: Use, len: usize) -> u64 {
        // As much again as is wanted: what follows is most often wanted too.
        let twice = as_u64(len).saturating_mul(2);
        let is_slow = self.place.answers_after.unwrap_or_default() >= SLOW;
        match used {
            Use::Index => as_u64(len),
            Use::Media if is_slow => twice.max(limits::SOURCE_JOIN_BYTES),
            Use::Media => twice,
        }
    }

    /// Lets go of what was of no use for long. Where a lane stands it still knows.
    fn forget(&mut self) {
        let long_ago = |used: u64| self.reads.saturating_sub(used) > limits::SOURCE_IDLE_READS;
        if long_ago(self.looked) {
            self.looks.clear();
        }
        for lane in &mut self.lanes {
            if long_ago(lane.used) {
                lane.forget();
            }
        }
        if self.lanes.iter().any(Lane::reads_on) {
            self.shelf.clear();
            self.spare.clear();
        }
    }

    /// What a look has shown.
    fn seen(&self, offset: u64, len: usize) -> Option<Bytes> {
        self.looks.iter().find_map(|(begin, bytes)| {
            let from = usize::try_from(offset.checked_sub(*begin)?).ok()?;
            part(bytes, from, len)
        })
    }

    /// Looks somewhere and keeps what is there.
    async fn look(&mut self, at: usize, begin: u64, len: usize) -> Result<()> {
        let left = usize::try_from(self.total.saturating_sub(begin)).unwrap_or(usize::MAX);
        let bytes = self.read_on(at, begin, len.min(left)).await?;
        self.looked = self.reads;
        let most = if self.lanes.iter().any(Lane::reads_on) {
            limits::SOURCE_LATE_LOOKS
        } else {
            limits::SOURCE_LOOKS
        };
        self.looks.truncate(most - 1);
        self.looks.push_front((begin, bytes));
        Ok(())
    }

    async fn read_on(&mut self, at: usize, offset: u64, len: usize) -> Result<Bytes> {
        let Some(lane) = self.lanes.get_mut(at) else {
            return Ok(Bytes::new());
        };
        lane.used = self.reads;
        lane.read(&mut self.place, offset, len).await
    }

    /// The lane that a read fits best.
    fn fitting(&self, used: Use, offset: u64, len: usize) -> Option<usize> {
        let lanes = self.lanes.iter().enumerate();
        let fits = lanes.filter_map(|(at, lane)| Some((lane.fit(used, offset, len)?, at)));
        fits.min().map(|(_, at)| at)
    }

    /// A lane at another place: a new one, or the one unused longest.
    fn move_lane(&mut self, offset: u64, ask: u64) -> usize {
        if self.lanes.len() < limits::SOURCE_LANES {
            let spare = self.spare.pop().map(Box::new);
            self.lanes.push(Lane::at(offset, ask).on(spare));
            return self.lanes.len() - 1;
        }
        let lanes = self.lanes.iter_mut().enumerate();
        let Some((at, lane)) = lanes.min_by_key(|(_, lane)| lane.used) else {
            return 0;
        };
        lane.move_to(offset, ask);
        at
    }
}

/// Whether so many bytes come in that time.
fn pays(len: u64, bytes_per_second: u64, patience: Duration) -> bool {
    u128::from(len) * 1_000_000 < patience.as_micros() * u128::from(bytes_per_second)
}

/// Whether to ask for what is expected together with the beginning: its server lets wait, and what
/// is asked for in vain costs less than that.
fn is_worth_it(expected: &Expected) -> bool {
    let Pace {
        answers_after,
        bytes_per_second,
    } = expected.pace;
    let bytes = expected.ranges.iter().map(|(_, len)| as_u64(*len)).sum();
    !expected.ranges.is_empty()
        && answers_after >= SLOW
        && pays(bytes, bytes_per_second, answers_after * INDEX_REQUESTS)
}
