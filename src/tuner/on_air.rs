//! The channels that somebody watches: the time that their viewers share, and the ring, where they
//! share one.

use super::locked;
use crate::limits;
use crate::media::{self, Profile};
use crate::model::ChannelNumber;
use crate::playout::{Playout, Timeline};
use crate::remux::Chunk;
use crate::ring::{Cursor, Ring, Writer};
use crate::schedule::Schedule;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

/// How many times faster than it plays a shared stream may be sent.
const CATCH_UP: u32 = 4;

/// All channels on air. The locks are held for a few instructions, never across an await.
#[derive(Clone, Default)]
pub(super) struct Channels(Arc<Mutex<HashMap<ChannelNumber, Arc<OnAir>>>>);

/// A channel on air.
pub(super) struct OnAir {
    number: ChannelNumber,
    profile: Profile,
    pub(super) timeline: Timeline,
    shared: Mutex<Shared>,
}

/// What changes of it.
#[derive(Default)]
struct Shared {
    viewers: usize,
    ring: Option<Ring<Chunk>>,
    /// Why the slate is in the ring, if it is.
    trouble: Option<String>,
}

/// A viewer's place at a channel. Dropping it gives it up, and the channel with the last one.
pub(super) struct Seat {
    channels: Channels,
    pub(super) on_air: Arc<OnAir>,
}

impl Channels {
    /// A place at a channel, which goes on air with its first viewer. A channel whose profile was
    /// changed meanwhile is another one: whoever watches it as it was goes on by itself.
    pub(super) fn seat(&self, schedule: &Schedule, timeline: impl FnOnce() -> Timeline) -> Seat {
        let number = schedule.channel().number;
        let mut channels = locked(&self.0);
        let same = channels
            .get(&number)
            .filter(|on_air| on_air.profile == schedule.profile());
        let on_air = if let Some(on_air) = same {
            Arc::clone(on_air)
        } else {
            let on_air = Arc::new(OnAir {
                number,
                profile: schedule.profile(),
                timeline: timeline(),
                shared: Mutex::default(),
            });
            channels.insert(number, Arc::clone(&on_air));
            on_air
        };
        on_air.shared().viewers += 1;
        Seat {
            channels: self.clone(),
            on_air,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut channels = locked(&self.channels.0);
        let left = {
            let mut shared = self.on_air.shared();
            shared.viewers = shared.viewers.saturating_sub(1);
            shared.viewers
        };
        let number = self.on_air.number;
        let is_this = |on_air: &Arc<OnAir>| Arc::ptr_eq(on_air, &self.on_air);
        if left == 0 && channels.get(&number).is_some_and(is_this) {
            channels.remove(&number);
        }
    }
}

impl OnAir {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        locked(&self.shared)
    }

    /// The ring, if there is one.
    pub(super) fn ring(&self) -> Option<Ring<Chunk>> {
        let shared = self.shared();
        shared.ring.clone().filter(|ring| !ring.has_ended())
    }

    /// Makes a ring, if the channel has other viewers and no ring yet. Whoever gets the writer has
    /// to fill it.
    pub(super) fn make_ring(&self) -> Option<(Cursor<Chunk>, Writer<Chunk>)> {
        let mut shared = self.shared();
        let has_one = shared.ring.as_ref().is_some_and(|ring| !ring.has_ended());
        if has_one || shared.viewers < 2 {
            return None;
        }
        let (ring, writer) = Ring::new(limits::RING_BYTES);
        let cursor = ring.at_end();
        shared.ring = Some(ring);
        Some((cursor, writer))
    }

    /// Why the slate is in the ring, if it is, in words for the owner.
    pub(super) fn trouble(&self) -> Option<String> {
        self.shared().trouble.clone()
    }

    fn note(&self, trouble: Option<&str>) {
        let mut shared = self.shared();
        if shared.trouble.as_deref() != trouble {
            shared.trouble = trouble.map(str::to_owned);
        }
    }
}

/// Fills a ring with what a playout gives, when it is due, for as long as somebody reads it. What is
/// late, after a source has stalled, comes at no more than [`CATCH_UP`] times its speed: the ring is
/// small, and whoever can follow shall not lose it.
pub(super) async fn fill(
    mut playout: Box<Playout>,
    first: Chunk,
    writer: Writer<Chunk>,
    on_air: Arc<OnAir>,
) {
    let mut chunk = first;
    let mut earliest = Instant::now();
    while !writer.end_if_unread() {
        sleep_until(on_air.timeline.release(chunk.due_90k).max(earliest)).await;
        on_air.note(playout.trouble());
        let due_90k = chunk.due_90k;
        writer.push(chunk.bytes.len(), chunk);
        let written = Instant::now();
        chunk = playout.chunk().await;
        let lasts_90k = chunk.due_90k.saturating_sub(due_90k);
        earliest = written + media::duration(lasts_90k) / CATCH_UP;
    }
}
