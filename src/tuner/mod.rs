//! Leases: who watches what, on which tuner.
//!
//! A tuner is a permit to have a channel on air. A viewer takes one and gives it back by dropping
//! its [`Lease`]; the last viewer of a channel ends all that the channel had. So a channel that
//! nobody watches costs nothing.

pub mod dial;
mod lease;
mod lock;
mod on_air;

pub use lease::Lease;
pub use lock::Locked;

use crate::clock::SharedClock;
use crate::limits::{self, Link};
use crate::model::ChannelNumber;
use crate::playout::{self, Outlines, Supply, Timeline};
use crate::resolver::Resolver;
use crate::schedule::{Lineup, Schedule};
use lock::Lock;
use on_air::Channels;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

/// All tuners of the device.
pub struct Tuners {
    supply: Supply,
    pool: Arc<Pool>,
    channels: Channels,
    origin_90k: i64,
    /// From when on all channels count their beats.
    beat: Instant,
    link_rx: Option<watch::Receiver<Link>>,
}

/// Who holds which tuner. The mutex is held for a few instructions, never across an await.
struct Pool {
    tuners: Mutex<Vec<Tuner>>,
    freed: Notify,
}

/// One tuner.
#[derive(Clone, Default)]
struct Tuner {
    viewer: Option<Viewer>,
    lock: Option<Lock>,
}

/// Which tuner a viewer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// `/auto/v5`: any that is free.
    Any,
    /// `/tuner1/v5`: this one.
    Tuner(usize),
    /// This one, for a control client, who may have locked it.
    Controlled(usize),
}

/// Why a viewer is refused, in the words that HDHomeRun clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 801: no such channel.
    UnknownChannel,
    /// 804: the tuner asked for is in use, or is not there.
    TunerInUse,
    /// 805: every tuner is in use.
    AllTunersInUse,
    /// 806: the channel has nothing that can be shown.
    TuneFailed,
    /// 807: no packet came in time.
    NoVideoData,
}

impl Refusal {
    /// The value of `X-HDHomeRun-Error`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownChannel => "801 Unknown Channel",
            Self::TunerInUse => "804 Tuner In Use",
            Self::AllTunersInUse => "805 All Tuners In Use",
            Self::TuneFailed => "806 Tune Failed",
            Self::NoVideoData => "807 No Video Data",
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(self) -> u16 {
        if self == Self::UnknownChannel {
            404
        } else {
            503
        }
    }
}

/// What one tuner does, for status pages and `status.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunerStatus {
    /// Its index; its resource name is `tuner<index>`.
    pub index: usize,
    /// Who watches; `None` when nobody does.
    pub viewer: Option<Viewer>,
    /// Who keeps it locked without watching, or while watching.
    pub locked_by: Option<IpAddr>,
}

/// A viewer on a tuner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The channel watched.
    pub channel: ChannelNumber,
    /// Its name.
    pub channel_name: String,
    /// Who.
    pub peer: SocketAddr,
    /// Which tuner was asked for.
    pub want: Want,
    /// Since when.
    pub since_ms: i64,
    /// What the channel takes of the link; 0 for a viewer on the same machine.
    pub bits_per_second: u64,
    /// Bytes that were handed over so far.
    pub sent_bytes: u64,
    /// How often it was so slow that it was led to what is on now.
    pub skips: u32,
    /// Why the viewer sees the slate, in words for the owner; `None` when it does not.
    pub trouble: Option<String>,
}

impl Viewer {
    /// Whether it fetches its stream; else it has it sent, and controls its tuner.
    #[must_use]
    pub fn fetches(&self) -> bool {
        !matches!(self.want, Want::Controlled(_))
    }

    /// Bits per second that it has got, on average since the tune.
    #[must_use]
    pub fn bits_per_second_until(&self, now_ms: i64) -> u64 {
        let since_ms = now_ms.saturating_sub(self.since_ms).max(1);
        self.sent_bytes.saturating_mul(8_000) / since_ms.unsigned_abs()
    }
}

/// The index in `tuner<index>`: at most three digits, and nothing else.
#[must_use]
pub fn index(digits: &str) -> Option<usize> {
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

impl Tuners {
    /// `count` tuners for the channels of the lineup.
    #[must_use]
    pub fn new(count: usize, lineup_rx: watch::Receiver<Arc<Lineup>>, clock: SharedClock) -> Self {
        let tuners = Mutex::new(vec![Tuner::default(); count]);
        Self {
            supply: Supply {
                lineup_rx,
                clock,
                resolver: Arc::default(),
                outlines: Outlines::default(),
            },
            pool: Arc::new(Pool {
                tuners,
                freed: Notify::new(),
            }),
            channels: Channels::default(),
            origin_90k: playout::ORIGIN_90K,
            beat: Instant::now(),
            link_rx: None,
        }
    }

    /// Finds items of Plex servers too, not only files.
    #[must_use]
    pub fn resolving(mut self, resolver: Resolver) -> Self {
        self.supply.resolver = Arc::new(resolver);
        self
    }

    /// Admits no more viewers than a link carries. Who is on the same machine needs none of it.
    #[must_use]
    pub fn behind(mut self, link_rx: watch::Receiver<Link>) -> Self {
        self.link_rx = Some(link_rx);
        self
    }

    /// Has streams begin at another time than usual: for those who want to see it wrap around.
    #[must_use]
    pub fn with_origin(mut self, origin_90k: i64) -> Self {
        self.origin_90k = origin_90k;
        self
    }

    /// Takes a tuner and puts the channel on air; returns when its first packets are ready. When
    /// no tuner is free it waits up to `limits::TUNER_WAIT_MS` for one.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn lease(
        &self,
        channel: ChannelNumber,
        want: Want,
        peer: SocketAddr,
    ) -> Result<Lease, Refusal> {
        let schedule = self.supply.lineup_rx.borrow().schedule(channel).cloned();
        let schedule = schedule.ok_or(Refusal::UnknownChannel)?;
        if schedule.on_air(self.supply.clock.epoch_ms()).is_none() {
            return Err(Refusal::TuneFailed);
        }
        let permit = self.permit(&schedule, want, peer).await?;
        let timeline = || Timeline::new(self.supply.clock.as_ref(), self.beat, self.origin_90k);
        let seat = self.channels.seat(&schedule, timeline);
        let viewing = lease::Viewing {
            supply: self.supply.clone(),
            schedule,
        };
        Lease::begin(permit, seat, viewing).await
    }

    /// How many tuners there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pool.tuners().len()
    }

    /// What each tuner does.
    #[must_use]
    pub fn status(&self) -> Vec<TunerStatus> {
        let tuners = self.pool.tuners().clone();
        let status = |(index, tuner): (usize, Tuner)| TunerStatus {
            index,
            locked_by: tuner.lock_in_force().map(|lock| lock.holder),
            viewer: tuner.viewer,
        };
        tuners.into_iter().enumerate().map(status).collect()
    }

    /// A free tuner, now or as soon as one is given back.
    async fn permit(
        &self,
        schedule: &Schedule,
        want: Want,
        peer: SocketAddr,
    ) -> Result<Permit, Refusal> {
        let viewer = Viewer {
            channel: schedule.channel().number,
            channel_name: schedule.channel().name.clone(),
            peer,
            want,
            since_ms: self.supply.clock.epoch_ms(),
            bits_per_second: if peer.ip().is_loopback() {
                0
            } else {
                schedule.bits_per_second()
            },
            sent_bytes: 0,
            skips: 0,
            trouble: None,
        };
        let deadline = Instant::now() + Duration::from_millis(limits::TUNER_WAIT_MS);
        loop {
            let freed = self.pool.freed.notified();
            tokio::pin!(freed);
            // Registered before looking, so that a tuner freed in between is not missed.
            freed.as_mut().enable();
            let refusal = match self.pool.take(want, &viewer, self.link()) {
                Ok(index) => {
                    return Ok(Permit {
                        index,
                        pool: Arc::clone(&self.pool),
                    });
                }
                Err(refusal) => refusal,
            };
            tokio::select! {
                () = freed => {}
                () = sleep_until(deadline) => return Err(refusal),
            }
        }
    }

    /// The link as it is now.
    fn link(&self) -> Link {
        let link_rx = self.link_rx.as_ref();
        link_rx.map_or(Link::UNKNOWN, |link_rx| *link_rx.borrow())
    }
}

impl Pool {
    fn tuners(&self) -> MutexGuard<'_, Vec<Tuner>> {
        locked(&self.tuners)
    }

    /// Puts a viewer on a tuner, if there is one for it and the link carries one stream more.
    fn take(&self, want: Want, viewer: &Viewer, link: Link) -> Result<usize, Refusal> {
        let mut tuners = self.tuners();
        let is_free = |tuner: &Tuner| tuner.viewer.is_none() && tuner.lock_in_force().is_none();
        let refusal = match want {
            Want::Any => Refusal::AllTunersInUse,
            Want::Tuner(_) | Want::Controlled(_) => Refusal::TunerInUse,
        };
        let index = match want {
            Want::Any => tuners.iter().position(is_free),
            Want::Tuner(index) => tuners.get(index).is_some_and(is_free).then_some(index),
            Want::Controlled(index) => {
                let tuner = tuners.get(index);
                tuner
                    .is_some_and(|one| one.viewer.is_none())
                    .then_some(index)
            }
        };
        let index = index.ok_or(refusal)?;
        let viewers = tuners.iter().filter_map(|tuner| tuner.viewer.as_ref());
        let taken = viewers.map(|one| one.bits_per_second).sum();
        if !link.admits(taken, viewer.bits_per_second) {
            return Err(Refusal::AllTunersInUse);
        }
        if let Some(tuner) = tuners.get_mut(index) {
            tuner.viewer = Some(viewer.clone());
        }
        Ok(index)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves what is counted as good as it was.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A tuner that is held. Dropping it frees the tuner.
struct Permit {
    index: usize,
    pool: Arc<Pool>,
}

impl Permit {
    /// Writes down something about the viewer.
    fn note(&self, change: impl FnOnce(&mut Viewer)) {
        let mut tuners = self.pool.tuners();
        let tuner = tuners.get_mut(self.index);
        if let Some(viewer) = tuner.and_then(|tuner| tuner.viewer.as_mut()) {
            change(viewer);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(tuner) = self.pool.tuners().get_mut(self.index) {
            tuner.viewer = None;
        }
        self.pool.freed.notify_waiters();
    }
}
