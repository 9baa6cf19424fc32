//! Ctrl-C, SIGTERM and a terminal that is closed: the first stops the box in order, a second one at
//! once.

use crate::error::{Error, Result};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell expects of a program that was interrupted: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Signals closer together than this are one: `timeout` and some shells send theirs to a program
/// and then to its whole group.
const SAME: Duration = Duration::from_millis(200);

/// The signals. From the moment it exists they no longer end the process by themselves.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` for a box that is to outlive its terminal.
    hang_up: Option<Signal>,
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
            hang_up: if is_ignored(SignalKind::hangup()) {
                None
            } else {
                Some(listen(SignalKind::hangup(), "SIGHUP")?)
            },
        })
    }

    /// Waits for the next one and names it. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
            true = hung_up(&mut self.hang_up) => "the terminal was closed",
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

/// Returns when the terminal is closed; false where nobody listens for that.
async fn hung_up(hang_up: &mut Option<Signal>) -> bool {
    match hang_up {
        Some(signal) => signal.recv().await.is_some(),
        None => false,
    }
}

/// Whether this signal was ignored when the program began, as `nohup` has it (`SigIgn` in
/// proc_pid_status(5)).
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
