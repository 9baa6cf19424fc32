//! One viewer's stream: from a playout of its own, or from the ring that it shares with others, and
//! from one to the other without a seam.

use super::on_air::{OnAir, Seat, fill};
use super::{Permit, Refusal};
use crate::clock::SharedClock;
use crate::limits;
use crate::media;
use crate::playout::{Outlines, Playout};
use crate::remux::{Chunk, Counters, Shift, bridge};
use crate::ring::{Cursor, Next, Ring};
use crate::schedule::{Lineup, Schedule};
use bytes::{Bytes, BytesMut};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// A viewer and the ring come to the same random access point within this, or not at all.
const MEET: Duration = Duration::from_millis(100);

/// What a playout is made of.
pub(super) struct Viewing {
    pub(super) lineup_rx: watch::Receiver<Arc<Lineup>>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) clock: SharedClock,
    pub(super) outlines: Outlines,
}

/// A viewer's hold on a tuner, with its channel on air. Dropping it ends both.
///
/// A lone viewer has a playout of its own. When there are more, the first one whose playout comes
/// to a random access point gives it to a task that fills a ring, and each of the others changes to
/// the ring at the next such point that both have. Who falls behind is led on by a playout of its
/// own, and comes back in the same way.
pub struct Lease {
    permit: Permit,
    seat: Seat,
    viewing: Viewing,
    source: Source,
    /// What is added to the source's continuity counters.
    shift: Shift,
    /// Taken from the source but not handed over yet.
    ready: Option<Chunk>,
    /// Where the viewer's counters stand, and the time of what it got last.
    counters: Counters,
    seen_90k: i64,
    /// When the source began, and with what time: a viewer may take as long for what follows.
    begun: Option<(Instant, i64)>,
    /// What comes next does not follow on what came last.
    skipped: bool,
}

/// Where a viewer's chunks come from.
enum Source {
    /// A playout of its own.
    Own(Box<Playout>),
    /// What all viewers of the channel share.
    Ring(Cursor<Chunk>),
    /// Nothing: the viewer takes nothing.
    Resting,
}

impl Lease {
    /// Puts a channel on air for one more viewer; returns when its first packets are ready.
    pub(super) async fn begin(
        permit: Permit,
        seat: Seat,
        viewing: Viewing,
    ) -> Result<Self, Refusal> {
        let playout = viewing.playout(&seat.on_air, None);
        let mut playout = playout.ok_or(Refusal::TuneFailed)?;
        let patience = Duration::from_millis(limits::FIRST_PACKET_MS);
        let first = timeout(patience, playout.chunk())
            .await
            .map_err(|_| Refusal::NoVideoData)?;
        Ok(Self {
            permit,
            seat,
            viewing,
            source: Source::Own(playout),
            shift: Shift::default(),
            counters: first.before,
            seen_90k: i64::MIN,
            ready: Some(first),
            begun: None,
            skipped: false,
        })
    }

    /// The tuner's index.
    #[must_use]
    pub fn tuner(&self) -> usize {
        self.permit.index
    }

    /// The next transport packets, when they are due: a multiple of 188 bytes. Never ends and
    /// never fails: what cannot be shown is a slate. Safe to drop and call again.
    pub async fn next(&mut self) -> Bytes {
        loop {
            let chunk = match (&mut self.source, self.ready.take()) {
                (_, Some(chunk)) => Next::Piece(chunk),
                (Source::Own(playout), None) => {
                    let asked = Instant::now();
                    let chunk = playout.chunk().await;
                    self.excuse(asked);
                    Next::Piece(chunk)
                }
                (Source::Ring(cursor), None) => cursor.next().await,
                (Source::Resting, None) => Next::Lost,
            };
            let chunk = match chunk {
                Next::Piece(chunk) if !self.is_dry(&chunk) => chunk,
                _ => {
                    self.skip().await;
                    continue;
                }
            };
            if let Source::Ring(_) = self.source {
                return self.hand_over(chunk);
            }
            let release = self.seat.on_air.timeline.release(chunk.due_90k);
            // What is sent ahead at the beginning is more than a ring holds.
            let paced = self.begun.is_some_and(|(begun, _)| release > begun);
            // Kept, so that being dropped while it waits loses nothing.
            let chunk = self.ready.insert(chunk);
            let may_share = chunk.random_access && paced;
            if release > Instant::now() {
                sleep_until(release).await;
            }
            if may_share && Instant::now() < release + MEET && self.share().await {
                continue;
            }
            if let Some(chunk) = self.ready.take() {
                return self.hand_over(chunk);
            }
        }
    }

    /// Gives up what the viewer's stream is made of, because nothing of it has been taken for
    /// [`limits::VIEWER_RESTS_MS`]. Should the viewer go on after all, it is led to what is on then,
    /// as it would be anyway.
    pub fn rest(&mut self) {
        self.source = Source::Resting;
        self.ready = None;
    }

    /// Whether the viewer has taken so long for its stream that it has had nothing to play for a
    /// while.
    fn is_dry(&mut self, chunk: &Chunk) -> bool {
        let now = Instant::now();
        let (begun, first_90k) = *self.begun.get_or_insert((now, chunk.due_90k));
        let played = media::duration(chunk.due_90k.saturating_sub(first_90k));
        now > begun + played + Duration::from_millis(limits::VIEWER_DRY_MS)
    }

    /// The source was waited for since `asked`. As far as the viewer had nothing to play meanwhile,
    /// that was not its fault.
    fn excuse(&mut self, asked: Instant) {
        if let Some((begun, first_90k)) = &mut self.begun {
            let played = media::duration(self.seen_90k.saturating_sub(*first_90k));
            let dry_since = asked.max(*begun + played);
            *begun += Instant::now().saturating_duration_since(dry_since);
        }
    }

    /// Leads the viewer to what is on now, over a real jump in time, with a playout of its own.
    async fn skip(&mut self) {
        let playout = self.viewing.playout(&self.seat.on_air, Some(self.seen_90k));
        let Some(playout) = playout else {
            // There was one when the lease began. Who gets nothing any more is let go.
            return pending().await;
        };
        self.source = Source::Own(playout);
        self.ready = None;
        self.begun = None;
        self.shift = Counters::default().shift_to(self.counters);
        self.skipped = true;
        self.permit
            .note(|viewer| viewer.skips = viewer.skips.saturating_add(1));
    }

    /// Changes to the ring, if others watch too and it is at the same random access point; if they
    /// have none yet, makes one of the own playout. Says whether it did.
    async fn share(&mut self) -> bool {
        let on_air = &self.seat.on_air;
        let Some(due_90k) = self.ready.as_ref().map(|chunk| chunk.due_90k) else {
            return false;
        };
        if let Some(ring) = on_air.ring() {
            return match meet(&ring, due_90k).await {
                Some((cursor, before)) => {
                    self.shift = before.shift_to(self.counters);
                    self.source = Source::Ring(cursor);
                    self.ready = None;
                    true
                }
                None => false,
            };
        }
        let Some((cursor, writer)) = on_air.make_ring() else {
            return false;
        };
        let on_air = Arc::clone(on_air);
        let own = std::mem::replace(&mut self.source, Source::Ring(cursor));
        if let (Source::Own(playout), Some(chunk)) = (own, self.ready.take()) {
            tokio::spawn(fill(playout, chunk, writer, on_air));
        }
        true
    }

    /// The chunk's packets as this viewer has to see them.
    fn hand_over(&mut self, chunk: Chunk) -> Bytes {
        let mut packets = self.shift.renumber(&chunk.bytes);
        if std::mem::take(&mut self.skipped) {
            let mut bridged = BytesMut::from(bridge(self.counters, &chunk).as_ref());
            bridged.extend_from_slice(&packets);
            packets = bridged.freeze();
        }
        self.counters = chunk.after.shifted(self.shift);
        self.seen_90k = self.seen_90k.max(chunk.due_90k);
        let trouble = match &self.source {
            Source::Own(playout) => playout.trouble().map(str::to_owned),
            Source::Ring(_) => self.seat.on_air.trouble(),
            Source::Resting => None,
        };
        let sent = u64::try_from(packets.len()).unwrap_or(u64::MAX);
        self.permit.note(|viewer| {
            viewer.sent_bytes = viewer.sent_bytes.saturating_add(sent);
            viewer.trouble = trouble;
        });
        packets
    }
}

impl Viewing {
    /// A playout of the channel, behind what was seen already.
    fn playout(&self, on_air: &OnAir, seen_90k: Option<i64>) -> Option<Box<Playout>> {
        let playout = Playout::new(
            self.lineup_rx.clone(),
            Arc::clone(&self.schedule),
            Arc::clone(&self.clock),
            self.outlines.clone(),
            (on_air.timeline.clone(), seen_90k),
        );
        playout.ok().map(Box::new)
    }
}

/// A cursor in front of the random access point at `due_90k`, and where the ring's counters stand
/// there; `None` if the ring does not come to it soon.
async fn meet(ring: &Ring<Chunk>, due_90k: i64) -> Option<(Cursor<Chunk>, Counters)> {
    let is_it = |chunk: &Chunk| chunk.random_access && chunk.due_90k == due_90k;
    let (cursor, chunk) = timeout(MEET, ring.find(is_it)).await.ok()?;
    Some((cursor, chunk.before))
}
