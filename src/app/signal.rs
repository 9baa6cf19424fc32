//! Ctrl-C and SIGTERM: the first stops the box in order, a second one at once.

use crate::error::{Error, Result};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell expects of a program that was interrupted: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Signals closer together than this are one: `timeout` and some shells send theirs to a program
/// and then to its whole group.
const SAME: Duration = Duration::from_millis(200);

/// Both signals. From the moment it exists they no longer end the process by themselves.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(super) fn take() -> Result<Self> {
        let listen =
            |kind, name: &str| signal(kind).map_err(|error| Error::io("listen for", name, &error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt(), "Ctrl-C")?,
            terminate: listen(SignalKind::terminate(), "SIGTERM")?,
        })
    }

    /// Waits for the next one and names it. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// The first has just come: from now on the next one ends the process on the spot.
    pub(super) fn arm(mut self) {
        let first = Instant::now();
        tokio::spawn(async move {
            loop {
                self.next().await;
                if first.elapsed() >= SAME {
                    std::process::exit(INTERRUPTED);
                }
            }
        });
    }
}
