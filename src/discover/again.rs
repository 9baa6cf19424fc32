//! What cannot be had is told once, and tried again.

use crate::limits;
use log::Level;
use std::time::Duration;

/// After this time is tried again what could not be had.
pub(super) const AGAIN: Duration = Duration::from_millis(limits::DISCOVERY_AGAIN_MS);

/// Whether it has been told that something cannot be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Told {
    #[default]
    No,
    Yes,
}

impl Told {
    /// How loud it is told now: the first time is news.
    pub(super) fn level(&mut self) -> Level {
        match std::mem::replace(self, Self::Yes) {
            Self::No => Level::Warn,
            Self::Yes => Level::Debug,
        }
    }
}
