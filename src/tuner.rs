//! Leases: who watches what, on which tuner.
//!
//! A tuner is a permit to have a channel on air. A viewer takes one and gives it back by dropping
//! its [`Lease`], which ends the playout with it; so a channel that nobody watches costs nothing.

use crate::clock::SharedClock;
use crate::limits;
use crate::model::ChannelNumber;
use crate::playout::Playout;
use crate::remux::Chunk;
use crate::schedule::{Lineup, Schedule};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// All tuners of the device.
pub struct Tuners {
    clock: SharedClock,
    lineup_rx: watch::Receiver<Arc<Lineup>>,
    pool: Arc<Pool>,
}

/// Who holds which tuner. The lock is held for a few instructions, never across an await.
struct Pool {
    viewers: Mutex<Vec<Option<Viewer>>>,
    freed: Notify,
}

/// Which tuner a viewer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// `/auto/v5`: any that is free.
    Any,
    /// `/tuner1/v5`: this one.
    Tuner(usize),
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
    /// Who watches; `None` when it is free.
    pub viewer: Option<Viewer>,
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
    /// Since when.
    pub since_ms: i64,
    /// Bytes that were handed over so far.
    pub sent_bytes: u64,
    /// Why the viewer sees the slate, in words for the owner; `None` when it does not.
    pub trouble: Option<String>,
}

impl Tuners {
    /// `count` tuners for the channels of the lineup.
    #[must_use]
    pub fn new(count: usize, lineup_rx: watch::Receiver<Arc<Lineup>>, clock: SharedClock) -> Self {
        let viewers = Mutex::new(vec![None; count]);
        Self {
            clock,
            lineup_rx,
            pool: Arc::new(Pool {
                viewers,
                freed: Notify::new(),
            }),
        }
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
        let schedule = self.lineup_rx.borrow().schedule(channel).cloned();
        let schedule = schedule.ok_or(Refusal::UnknownChannel)?;
        if schedule.on_air(self.clock.epoch_ms()).is_none() {
            return Err(Refusal::TuneFailed);
        }
        let permit = self.permit(&schedule, want, peer).await?;
        let playout = Playout::new(self.lineup_rx.clone(), schedule, &self.clock);
        let mut playout = Box::new(playout.map_err(|_| Refusal::TuneFailed)?);
        let patience = Duration::from_millis(limits::FIRST_PACKET_MS);
        let first = timeout(patience, playout.chunk())
            .await
            .map_err(|_| Refusal::NoVideoData)?;
        Ok(Lease {
            permit,
            playout,
            first: Some(first),
        })
    }

    /// How many tuners there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pool.viewers().len()
    }

    /// What each tuner does.
    #[must_use]
    pub fn status(&self) -> Vec<TunerStatus> {
        let viewers = self.pool.viewers().clone();
        let status = |(index, viewer)| TunerStatus { index, viewer };
        viewers.into_iter().enumerate().map(status).collect()
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
            since_ms: self.clock.epoch_ms(),
            sent_bytes: 0,
            trouble: None,
        };
        let deadline = Instant::now() + Duration::from_millis(limits::TUNER_WAIT_MS);
        loop {
            let freed = self.pool.freed.notified();
            tokio::pin!(freed);
            // Registered before looking, so that a tuner freed in between is not missed.
            freed.as_mut().enable();
            if let Some(index) = self.pool.take(want, &viewer) {
                return Ok(Permit {
                    index,
                    pool: Arc::clone(&self.pool),
                });
            }
            tokio::select! {
                () = freed => {}
                () = sleep_until(deadline) => return Err(match want {
                    Want::Any => Refusal::AllTunersInUse,
                    Want::Tuner(_) => Refusal::TunerInUse,
                }),
            }
        }
    }
}

impl Pool {
    fn viewers(&self) -> MutexGuard<'_, Vec<Option<Viewer>>> {
        // A panic elsewhere leaves the list as good as it was.
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, want: Want, viewer: &Viewer) -> Option<usize> {
        let mut viewers = self.viewers();
        let index = match want {
            Want::Any => viewers.iter().position(Option::is_none)?,
            Want::Tuner(index) => index,
        };
        let tuner = viewers.get_mut(index).filter(|tuner| tuner.is_none())?;
        *tuner = Some(viewer.clone());
        Some(index)
    }
}

/// A tuner that is held. Dropping it frees the tuner.
struct Permit {
    index: usize,
    pool: Arc<Pool>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(tuner) = self.pool.viewers().get_mut(self.index) {
            *tuner = None;
        }
        self.pool.freed.notify_waiters();
    }
}

/// A viewer's hold on a tuner, with its channel on air. Dropping it ends both.
pub struct Lease {
    permit: Permit,
    playout: Box<Playout>,
    /// Made but not handed over yet.
    first: Option<Chunk>,
}

impl Lease {
    /// The tuner's index.
    #[must_use]
    pub fn tuner(&self) -> usize {
        self.permit.index
    }

    /// The next transport packets, when they are due: a multiple of 188 bytes. Never ends and
    /// never fails: what cannot be shown is a slate. Safe to drop and call again.
    pub async fn next(&mut self) -> Bytes {
        let chunk = match self.first.take() {
            Some(chunk) => chunk,
            None => self.playout.chunk().await,
        };
        let release = self.playout.release(&chunk);
        let chunk = self.first.insert(chunk);
        if release > Instant::now() {
            sleep_until(release).await;
        }
        let bytes = chunk.bytes.clone();
        self.first = None;
        self.note(bytes.len());
        bytes
    }

    fn note(&self, sent: usize) {
        if let Some(Some(viewer)) = self.permit.pool.viewers().get_mut(self.permit.index) {
            viewer.sent_bytes = viewer.sent_bytes.saturating_add(sent as u64);
            let trouble = self.playout.trouble();
            if viewer.trouble.as_deref() != trouble {
                viewer.trouble = trouble.map(str::to_owned);
            }
        }
    }
}
