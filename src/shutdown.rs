//! The stop signal: given once, heard by every task that holds a [`Shutdown`].

use tokio::sync::watch;

/// Gives the signal. Dropping it gives the signal too, so that nothing outlives its owner.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears the signal.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// A connected pair.
#[must_use]
pub fn channel() -> (Stopper, Shutdown) {
    let (stop_tx, stop_rx) = watch::channel(false);
    (Stopper(stop_tx), Shutdown(stop_rx))
}

impl Stopper {
    /// Tells everyone to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Returns when the box is to stop. Safe to drop and call again.
    pub async fn stopped(&mut self) {
        // An error means that the stopper is gone, which is the same news.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
