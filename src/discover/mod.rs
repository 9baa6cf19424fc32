//! Being found: HDHomeRun's discovery and control, SSDP, mDNS.
//!
//! What is told is where the doors really are, seen from the interface on which it was asked for:
//! nothing is announced where it cannot be reached.

pub mod control;
mod datagram;
pub mod frame;
pub mod mdns;
mod open;
mod presence;
pub mod question;
mod search;
pub mod ssdp;
#[cfg(test)]
mod tests;
mod throttle;

pub use open::Open;
pub use presence::Presence;

use crate::shutdown::Shutdown;
use control::Desks;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Has the device found and controlled until the box stops. `twin_tx` is told where another device
/// with its number is.
pub async fn serve(
    open: Open,
    presence: Presence,
    (desks, tuners): (Arc<Desks>, usize),
    twin_tx: watch::Sender<Option<IpAddr>>,
    shutdown: Shutdown,
) {
    let mut tasks = JoinSet::new();
    for datagrams in open.searches {
        let (presence, shutdown) = (presence.clone(), shutdown.clone());
        tasks.spawn(search::answer_all(datagrams, presence, tuners, shutdown));
    }
    if let Some(alive) = open.alive {
        tasks.spawn(control::hear(alive, Arc::clone(&desks), shutdown.clone()));
    }
    tasks.spawn(search::look_for_twins(presence, twin_tx, shutdown.clone()));
    tasks.spawn(control::serve(open.control, desks, shutdown));
    while let Some(ended) = tasks.join_next().await {
        // Whoever waits for this task sees that it has fallen, and the box stops in order.
        if let Some(panic) = ended.err().and_then(|fallen| fallen.try_into_panic().ok()) {
            std::panic::resume_unwind(panic);
        }
    }
}
