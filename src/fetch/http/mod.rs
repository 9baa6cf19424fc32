//! A file on an HTTP server (RFC 9110 ranges over HTTP/1.1), read at a few places at once.
//!
//! Each place is a [`Lane`]: an answer that is read in order, with a small window of what was just
//! passed. Cursors that run close to each other share one; those far apart have one each. A read
//! anywhere else moves the lane that was unused longest. A new place is asked for in a short range,
//! so that a look into a table costs no transfer that nobody reads; whoever goes on reading in
//! order is given twice as much each time, until the rest is asked for at once and only
//! back-pressure holds the server back.

mod answer;
mod connect;
mod lane;
mod stream;
mod target;
mod window;

use crate::error::{Failure, Result};
use crate::limits;
use answer::Parts;
use bytes::Bytes;
use lane::Lane;
use stream::Place;
use target::Target;

/// A file on a server.
#[derive(Debug)]
pub(super) struct Remote {
    place: Place,
    total: u64,
    parts: Parts,
    /// At most `limits::SOURCE_LANES`.
    lanes: Vec<Lane>,
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
        let mut lane = Lane::at(0, limits::SOURCE_OPENING_BYTES);
        let given = lane.ask(&mut place).await?;
        place.total = Some(given.total);
        let mut lanes = Vec::with_capacity(limits::SOURCE_LANES);
        lanes.push(lane);
        Ok(Self {
            place,
            total: given.total,
            parts: given.parts,
            lanes,
            reads: 0,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.total
    }

    /// As `Reader::read`; all of the bytes are inside the file.
    pub(super) async fn read(&mut self, offset: u64, len: usize) -> Result<Bytes> {
        self.reads = self.reads.saturating_add(1);
        let at = self.lane_for(offset, len)?;
        let Some(lane) = self.lanes.get_mut(at) else {
            return Ok(Bytes::new());
        };
        lane.used = self.reads;
        lane.read(&mut self.place, offset, len).await
    }

    /// The lane that is near, or else the one unused longest, moved there.
    fn lane_for(&mut self, offset: u64, len: usize) -> Result<usize> {
        let near = |(at, lane): (usize, &Lane)| Some((lane.ahead(offset, len)?, at));
        if let Some((_, at)) = self.lanes.iter().enumerate().filter_map(near).min() {
            return Ok(at);
        }
        if self.parts == Parts::Whole && offset > 0 {
            let why = "its server gives it only from the beginning, and it is needed elsewhere";
            return Err(self.place.first.failed(Failure::Item, why));
        }
        if self.lanes.len() < limits::SOURCE_LANES {
            self.lanes.push(Lane::at(offset, 0));
        }
        let lanes = self.lanes.iter_mut().enumerate();
        let Some((at, lane)) = lanes.min_by_key(|(_, lane)| lane.used) else {
            return Ok(0);
        };
        lane.move_to(offset, len);
        Ok(at)
    }
}
