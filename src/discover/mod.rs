//! Being found: HDHomeRun's discovery and control, SSDP, mDNS.
//!
//! What is told is where the doors really are, seen from the interface on which it was asked for:
//! nothing is announced where it cannot be reached.

mod again;
pub mod control;
mod datagram;
mod dice;
pub mod frame;
mod groups;
pub mod mdns;
mod open;
mod presence;
pub mod question;
mod search;
mod sockets;
mod ssdp;
#[cfg(test)]
mod tests;
mod throttle;

pub use open::{Listen, Open};
pub use presence::Presence;
pub use ssdp::Search;

use crate::clock::SharedClock;
use crate::schedule::Lineup;
use crate::shutdown::Shutdown;
use crate::tuner::Tuners;
use control::Desks;
use open::Opened;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// What it takes to be found.
pub struct Discovery {
    /// Who the box is, and where.
    pub presence: Presence,
    /// Where it is looked for; `None` where it is not, and it only announces itself.
    pub open: Option<Open>,
    /// What can be controlled.
    pub tuners: Arc<Tuners>,
    /// Which channels there are.
    pub lineup_rx: watch::Receiver<Arc<Lineup>>,
    /// Tells the date.
    pub clock: SharedClock,
    /// Is told where another device with the same number is.
    pub twin_tx: watch::Sender<Option<IpAddr>>,
    /// Is told at which port it should be looked for while another program has that, over one
    /// protocol at least.
    pub taken_tx: watch::Sender<Option<u16>>,
}

/// Where the box is looked for, and what answers there.
struct Answering {
    open: Open,
    presence: Presence,
    tuners: usize,
    desks: Arc<Desks>,
    taken_tx: watch::Sender<Option<u16>>,
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
            let answering = Answering {
                open,
                presence: self.presence,
                tuners: self.tuners.count(),
                desks: Arc::new(Desks::new(self.tuners, self.lineup_rx, self.clock)),
                taken_tx: self.taken_tx,
            };
            tasks.spawn(answering.serve(shutdown));
        }
        while let Some(ended) = tasks.join_next().await {
            fall_with(ended);
        }
    }
}

impl Answering {
    /// Answers at every socket that can be had, from when it can be, until the box stops.
    async fn serve(mut self, mut shutdown: Shutdown) {
        let mut network_rx = self.presence.network_rx.clone();
        let mut tasks = JoinSet::new();
        loop {
            for socket in self.open.take() {
                self.answer_at(socket, &shutdown, &mut tasks);
            }
            self.taken_tx.send_replace(self.open.taken());
            tokio::select! {
                () = shutdown.stopped() => break,
                Some(ended) = tasks.join_next() => fall_with(ended),
                () = self.open.is_due(&mut network_rx) => self.open.again(),
            }
        }
        while let Some(ended) = tasks.join_next().await {
            fall_with(ended);
        }
    }

    fn answer_at(&self, socket: Opened, shutdown: &Shutdown, tasks: &mut JoinSet<()>) {
        let (desks, shutdown) = (Arc::clone(&self.desks), shutdown.clone());
        match socket {
            Opened::Search(datagrams) => {
                let presence = self.presence.clone();
                let asked = search::answer_all(datagrams, presence, self.tuners, shutdown);
                tasks.spawn(asked);
            }
            Opened::Control(listener) => {
                tasks.spawn(control::serve(listener, desks, shutdown));
            }
            Opened::Alive(socket) => {
                tasks.spawn(control::hear(socket, desks, shutdown));
            }
        }
    }
}

/// Falls where a task has fallen: whoever waits for this one sees it, and the box stops in order.
fn fall_with(ended: Result<(), JoinError>) {
    if let Some(panic) = ended.err().and_then(|fallen| fallen.try_into_panic().ok()) {
        std::panic::resume_unwind(panic);
    }
}
