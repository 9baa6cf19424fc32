//! Being found: HDHomeRun's discovery and control, SSDP, mDNS.
//!
//! What is told is where the doors really are, seen from the interface on which it was asked for:
//! nothing is announced where it cannot be reached.

pub mod control;
mod datagram;
pub mod frame;
mod groups;
mod mdns;
mod open;
mod presence;
pub mod question;
mod search;
mod ssdp;
#[cfg(test)]
mod tests;
mod throttle;

pub use open::Open;
pub use presence::Presence;
pub use ssdp::Search;

use crate::clock::SharedClock;
use crate::schedule::Lineup;
use crate::shutdown::Shutdown;
use crate::tuner::Tuners;
use control::Desks;
use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Waits until then; for ever where there is no such time.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// What it takes to be found.
pub struct Discovery {
    /// Who the box is, and where.
    pub presence: Presence,
    /// Where it is looked for; `None` where that cannot be had, and it only announces itself.
    pub open: Option<Open>,
    /// What can be controlled.
    pub tuners: Arc<Tuners>,
    /// Which channels there are.
    pub lineup_rx: watch::Receiver<Arc<Lineup>>,
    /// Tells the date.
    pub clock: SharedClock,
    /// Is told where another device with the same number is.
    pub twin_tx: watch::Sender<Option<IpAddr>>,
}

impl Discovery {
    /// Has the box found and controlled until it stops, and says goodbye then.
    pub async fn serve(self, shutdown: Shutdown) {
        let mut tasks = JoinSet::new();
        let presence = &self.presence;
        tasks.spawn(ssdp::serve(
            presence.clone(),
            Arc::clone(&self.clock),
            shutdown.clone(),
        ));
        tasks.spawn(mdns::serve(presence.clone(), shutdown.clone()));
        tasks.spawn(search::look_for_twins(
            presence.clone(),
            self.twin_tx,
            shutdown.clone(),
        ));
        if let Some(open) = self.open {
            let count = self.tuners.count();
            for datagrams in open.searches {
                let asked =
                    search::answer_all(datagrams, presence.clone(), count, shutdown.clone());
                tasks.spawn(asked);
            }
            let desks = Arc::new(Desks::new(self.tuners, self.lineup_rx, self.clock));
            if let Some(alive) = open.alive {
                tasks.spawn(control::hear(alive, Arc::clone(&desks), shutdown.clone()));
            }
            tasks.spawn(control::serve(open.control, desks, shutdown));
        }
        while let Some(ended) = tasks.join_next().await {
            // Whoever waits for this task sees that it has fallen, and the box stops in order.
            if let Some(panic) = ended.err().and_then(|fallen| fallen.try_into_panic().ok()) {
                std::panic::resume_unwind(panic);
            }
        }
    }
}
