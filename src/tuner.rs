//! Leases: who watches what, on which tuner.

use crate::model::ChannelNumber;
use crate::schedule::Lineup;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// All tuners of the device.
#[derive(Debug)]
pub struct Tuners {
    count: usize,
    _lineup_rx: watch::Receiver<Arc<Lineup>>,
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
}

/// A viewer's hold on a tuner. Dropping it frees the tuner.
#[derive(Debug)]
pub struct Lease {}

impl Lease {
    /// The tuner's index.
    #[must_use]
    pub fn tuner(&self) -> usize {
        0
    }

    /// The next transport packets, when they are due. Never ends and never fails: what cannot be
    /// shown is a slate.
    pub async fn next(&mut self) -> Bytes {
        std::future::pending().await
    }
}

impl Tuners {
    /// `count` tuners for the channels of the lineup.
    #[must_use]
    pub fn new(count: usize, lineup_rx: watch::Receiver<Arc<Lineup>>) -> Self {
        Self {
            count,
            _lineup_rx: lineup_rx,
        }
    }

    /// Takes a tuner and puts the channel on air; returns when its first packets are ready.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn lease(
        &self,
        _channel: ChannelNumber,
        _want: Want,
        _peer: SocketAddr,
    ) -> Result<Lease, Refusal> {
        Err(Refusal::TuneFailed)
    }

    /// How many tuners there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// What each tuner does.
    #[must_use]
    pub fn status(&self) -> Vec<TunerStatus> {
        (0..self.count)
            .map(|index| TunerStatus {
                index,
                viewer: None,
            })
            .collect()
    }
}
