//! What was fetched before anybody asked for it: several ranges side by side, each on a connection
//! of its own, the first of them on those that are there anyway. A whole index takes a permit, of
//! which there are few for the whole box.

use super::super::{Expected, as_u64};
use super::answer::Range;
use super::stream::{Place, Stream};
use crate::error::Result;
use crate::limits;
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Room for whole indexes.
static INDEXES: Semaphore = Semaphore::const_new(limits::SOURCE_INDEXES);

/// Ranges of a file that were fetched, and some that may be wanted and are on their way.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// In no order, each of at most `limits::BLOCK_BYTES`.
    pieces: Vec<(u64, Bytes)>,
    coming: Vec<Coming>,
    /// Connections on which something has come, or that were not needed.
    unused: Vec<Stream>,
    /// There while it may hold a whole index, or several that are on their way.
    room: Option<SemaphorePermit<'static>>,
}

/// A range that was fetched, and the connection that it came on.
type Fetched = (Vec<(u64, Bytes)>, Stream);

type Fetching = Pin<Box<dyn Future<Output = Result<Fetched>> + Send + Sync>>;

/// A range on its way.
struct Coming {
    from: u64,
    to: u64,
    fetching: Fetching,
}

impl Coming {
    fn new(place: &Place, (from, len): (u64, usize), spare: Option<Stream>) -> Self {
        let to = from.saturating_add(as_u64(len));
        let range = Range { from, to: Some(to) };
        let fetching = Box::pin(fetch(place.clone(), range, spare));
        Self { from, to, fetching }
    }

    fn covers(&self, offset: u64, len: usize) -> bool {
        self.from <= offset && offset.saturating_add(as_u64(len)) <= self.to
    }
}

impl fmt::Debug for Coming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coming")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

impl Shelf {
    /// Whether there is room for an index of `len` bytes; from then on it is kept free.
    pub(super) fn make_room(&mut self, len: usize) -> bool {
        if len > limits::SOURCE_INDEX_BYTES {
            return false;
        }
        self.clear();
        self.room = INDEXES.try_acquire().ok();
        self.room.is_some()
    }

    /// Begins to fetch what is expected, if there is room for all of it. It comes while it is polled,
    /// or waited for.
    pub(super) fn expect(&mut self, place: &Place, expected: &Expected) {
        let ranges = expected.ranges.iter();
        let fits = |(_, len): &(u64, usize)| *len <= limits::SOURCE_INDEX_BYTES;
        let count = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
        let room = INDEXES.try_acquire_many(count).ok();
        let Some(room) = room.filter(|_| ranges.clone().all(fits)) else {
            return;
        };
        self.room = Some(room);
        let place = Place {
            total: Some(expected.len),
            ..place.clone()
        };
        self.coming = ranges
            .map(|range| Coming::new(&place, *range, None))
            .collect();
    }

    /// Goes on with what is on its way.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        let (pieces, unused) = (&mut self.pieces, &mut self.unused);
        self.coming
            .retain_mut(|coming| match coming.fetching.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(Ok((fetched, stream))) => {
                    pieces.extend(fetched);
                    unused.push(stream);
                    false
                }
                // Who reads it will be told.
                Poll::Ready(Err(_)) => false,
            });
    }

    /// Keeps a piece that was read beside what is on its way.
    pub(super) fn put(&mut self, piece: Option<&(u64, Bytes)>) {
        if self.room.is_some() {
            self.pieces.extend(piece.cloned());
        }
    }

    /// Whether the last of these bytes are on their way, and all others are here.
    pub(super) fn expects(&self, offset: u64, len: usize) -> bool {
        let missing = self.missing(offset, len);
        missing.is_some_and(|(at, len)| self.coming.iter().any(|coming| coming.covers(at, len)))
    }

    /// Waits until these bytes are here, for as long as `patience` lasts; nothing else that is on its
    /// way is wanted any more.
    pub(super) async fn come(&mut self, offset: u64, len: usize, patience: Duration) {
        let missing = self.missing(offset, len);
        let is_wanted = |coming: &Coming| missing.is_some_and(|(at, len)| coming.covers(at, len));
        self.coming.retain(is_wanted);
        self.wait(patience).await;
    }

    /// Waits for what is on its way, for as long as `patience` lasts.
    async fn wait(&mut self, patience: Duration) {
        let all_here = poll_fn(|cx| {
            self.poll(cx);
            if self.coming.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let _ = timeout(patience, all_here).await;
        self.coming.clear();
    }

    /// The connections that are there and not needed.
    pub(super) fn unused(&mut self) -> Vec<Stream> {
        std::mem::take(&mut self.unused)
    }

    /// Lets go of all but a whole index, and of the room that others had.
    pub(super) fn keep_only(&mut self, offset: u64, len: usize) {
        self.retain(&[(offset, len)]);
        if let Some(room) = &mut self.room {
            let others = room.num_permits().saturating_sub(1);
            drop(room.split(others));
        }
    }

    /// Fetches ranges for as long as `patience` lasts, on the connections that are spare and then
    /// on new ones; nothing else that is on its way is wanted any more.
    pub(super) async fn fetch(
        &mut self,
        (place, spare): (&Place, Vec<Stream>),
        ranges: &[(u64, usize)],
        patience: Duration,
    ) {
        let mut spare = spare.into_iter();
        let coming = ranges.iter();
        let coming = coming.map(|range| Coming::new(place, *range, spare.next()));
        self.coming = coming.collect();
        self.unused.extend(spare);
        self.wait(patience).await;
    }

    /// A copy of `len` bytes from `offset` on; `None` where not all of them are here.
    pub(super) fn get(&self, offset: u64, len: usize) -> Option<Bytes> {
        let mut found = BytesMut::new();
        self.parts(offset, len, |part| {
            if found.is_empty() {
                found.reserve(len);
            }
            found.extend_from_slice(part);
        })
        .ok()?;
        Some(found.freeze())
    }

    /// Whether all of `len` bytes from `offset` on are here.
    pub(super) fn holds(&self, offset: u64, len: usize) -> bool {
        self.missing(offset, len).is_none()
    }

    /// From where on these bytes are not here, and how many; `None` where all of them are.
    fn missing(&self, offset: u64, len: usize) -> Option<(u64, usize)> {
        self.parts(offset, len, |_| {}).err()
    }

    /// Gives these bytes piece by piece, up to some that are not here: from where on, and how many.
    fn parts(
        &self,
        offset: u64,
        len: usize,
        mut give: impl FnMut(&[u8]),
    ) -> std::result::Result<(), (u64, usize)> {
        let (mut at, mut missing) = (offset, len);
        while missing > 0 {
            let rest = self.rest(at).ok_or((at, missing))?;
            let part = rest.get(..missing).unwrap_or(rest);
            give(part);
            missing -= part.len();
            at = at.saturating_add(as_u64(part.len()));
        }
        Ok(())
    }

    /// What is here from `at` on in one piece, and of several the longest: pieces of ranges that
    /// were fetched at different times may lie over each other.
    fn rest(&self, at: u64) -> Option<&[u8]> {
        let rests = self.pieces.iter().filter_map(|(begin, bytes)| {
            let from = usize::try_from(at.checked_sub(*begin)?).ok()?;
            bytes.get(from..).filter(|rest| !rest.is_empty())
        });
        rests.max_by_key(|rest| rest.len())
    }

    /// Bytes that are here.
    pub(super) fn held_bytes(&self) -> usize {
        self.pieces.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Lets go of what lies outside of these ranges, and gives how many bytes are left. A whole
    /// index stays, and has room of its own.
    pub(super) fn make_way(&mut self, ranges: &[(u64, usize)]) -> usize {
        if self.room.is_some() {
            return 0;
        }
        self.retain(ranges);
        self.held_bytes()
    }

    /// Lets go of what lies outside of these ranges.
    fn retain(&mut self, ranges: &[(u64, usize)]) {
        self.pieces.retain(|(begin, bytes)| {
            let end = begin.saturating_add(as_u64(bytes.len()));
            let meets = |(from, len): &(u64, usize)| {
                *begin < from.saturating_add(as_u64(*len)) && *from < end
            };
            ranges.iter().any(meets)
        });
    }

    /// Lets go of a whole index.
    pub(super) fn settle(&mut self) {
        if self.room.is_some() {
            self.clear();
        }
    }

    /// Lets all of it go.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Fetches one range, or as much of its beginning as the server likes to give, on a spare connection
/// if there is one.
async fn fetch(place: Place, range: Range, spare: Option<Stream>) -> Result<Fetched> {
    let mut stream = Stream::open(place, range, spare.map(Box::new)).await?;
    let mut pieces = Vec::new();
    let mut at = range.from;
    let mut piece = BytesMut::new();
    while !stream.is_done() {
        stream.receive().await?;
        let mut received = std::mem::take(&mut stream.piece);
        while !received.is_empty() {
            if piece.is_empty() {
                let left = received.len().saturating_add(stream.left());
                piece.reserve(left.min(limits::BLOCK_BYTES));
            }
            let room = limits::BLOCK_BYTES.saturating_sub(piece.len());
            piece.extend_from_slice(&received.split_to(room.min(received.len())));
            if piece.len() >= limits::BLOCK_BYTES {
                at = shelve(&mut pieces, at, &mut piece);
            }
        }
    }
    shelve(&mut pieces, at, &mut piece);
    Ok((pieces, stream))
}

/// Adds a piece that begins at `at`; gives where it ends.
fn shelve(pieces: &mut Vec<(u64, Bytes)>, at: u64, piece: &mut BytesMut) -> u64 {
    let bytes = std::mem::take(piece).freeze();
    let end = at.saturating_add(as_u64(bytes.len()));
    if !bytes.is_empty() {
        pieces.push((at, bytes));
    }
    end
}
