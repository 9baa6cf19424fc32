//! Ctrl-C and SIGTERM: the first stops the box in order, the second at once.

use crate::error::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell expects of a program that was interrupted: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Both signals. From the moment it exists they no longer end the process by themselves.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(crate) fn take() -> Result<Self> {
        let listen =
            |kind, name: &str| signal(kind).map_err(|error| Error::io("listen for", name, &error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt(), "Ctrl-C")?,
            terminate: listen(SignalKind::terminate(), "SIGTERM")?,
        })
    }

    /// Waits for the next one and names it. Safe to drop and call again.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// From now on the next signal ends the process on the spot.
    pub(crate) fn arm(mut self) {
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(INTERRUPTED);
        });
    }
}
