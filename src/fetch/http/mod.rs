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
mod socket;
mod stream;
mod target;
mod window;

use super::{as_u64, part};
use crate::error::{Failure, Result};
use crate::limits;
use answer::Parts;
use bytes::Bytes;
use lane::Lane;
use std::collections::VecDeque;
use stream::Place;
use target::Target;

/// Looks begin where a multiple of this lies: a demuxer may come back for what is just before.
const LOOK_ALIGN: u64 = 4 << 10;

/// A file on a server.
#[derive(Debug)]
pub(super) struct Remote {
    place: Place,
    total: u64,
    parts: Parts,
    /// At most `limits::SOURCE_LANES`.
    lanes: Vec<Lane>,
    /// At most `limits::SOURCE_LOOKS`, with where they are.
    looks: VecDeque<(u64, Bytes)>,
    /// The read at which a look was last of use.
    looked: u64,
    reads: u64,
}

impl Remote {
    /// As `Reader::http`.
    pub(super) async fn open(url: &str, headers: &[(String, String)]) -> Result<Self> {
        let target = Target::new(url, headers)?;
        let mut place = Place {
            first: target.clone(),
            now: target,
            total: None,
        };
        let mut lane = Lane::at(0, as_u64(limits::SOURCE_OPENING_BYTES));
        let given = lane.ask(&mut place).await?;
        place.total = Some(given.total);
        let mut lanes = Vec::with_capacity(limits::SOURCE_LANES);
        lanes.push(lane);
        let mut remote = Self {
            place,
            total: given.total,
            parts: given.parts,
            lanes,
            looks: VecDeque::with_capacity(limits::SOURCE_LOOKS),
            looked: 0,
            reads: 0,
        };
        remote.look(0, 0, limits::SOURCE_OPENING_BYTES).await?;
        Ok(remote)
    }

    pub(super) fn len(&self) -> u64 {
        self.total
    }

    /// As `Reader::read`; all of the bytes are inside the file.
    pub(super) async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        self.reads = self.reads.saturating_add(1);
        if let Some(found) = self.seen(offset, len) {
            self.looked = self.reads;
            return Ok(found);
        }
        self.forget();
        if let Some(at) = self.fitting(offset, len) {
            return self.read_on(at, offset, len).await;
        }
        if self.parts == Parts::Whole && offset > 0 {
            let why = "its server gives it only from the beginning, and it is needed elsewhere";
            return Err(self.place.first.failed(Failure::Item, why));
        }
        let begin = offset - offset % LOOK_ALIGN;
        let before = usize::try_from(offset - begin).unwrap_or(0);
        if before + len > limits::SOURCE_LOOK_BYTES {
            // As much again as is wanted: what follows is most often wanted too.
            let at = self.move_lane(offset, as_u64(len).saturating_mul(2));
            return self.read_on(at, offset, len).await;
        }
        let at = self.move_lane(begin, as_u64(limits::SOURCE_LOOK_BYTES));
        self.look(at, begin, limits::SOURCE_LOOK_BYTES).await?;
        match self.seen(offset, len) {
            Some(found) => Ok(found),
            None => self.read_on(at, offset, len).await,
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
    fn fitting(&self, offset: u64, len: usize) -> Option<usize> {
        let lanes = self.lanes.iter().enumerate();
        let fits = lanes.filter_map(|(at, lane)| Some((lane.fit(offset, len)?, at)));
        fits.min().map(|(_, at)| at)
    }

    /// A lane at another place: a new one, or the one unused longest.
    fn move_lane(&mut self, offset: u64, ask: u64) -> usize {
        if self.lanes.len() < limits::SOURCE_LANES {
            self.lanes.push(Lane::at(offset, ask));
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
