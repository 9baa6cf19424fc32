//! Locks: a tuner that a control client keeps for itself, with a key of its own making.
//!
//! A lock keeps others from changing the tuner and from watching on it. It ends when its holder says
//! so, when somebody breaks it, and by itself when nothing was done with it for a while. Whoever
//! watches over HTTP holds a tuner without a key, and nobody can take it from them.

use super::{Tuner, Tuners, Viewer};
use crate::limits;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// A lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lock {
    pub(super) holder: IpAddr,
    key: u32,
    until: Instant,
}

/// Somebody else holds the tuner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Who.
    pub by: IpAddr,
}

impl Lock {
    fn new(holder: IpAddr, key: u32) -> Self {
        let lasts = Duration::from_millis(limits::TUNER_LOCK_MS);
        Self {
            holder,
            key,
            until: Instant::now() + lasts,
        }
    }
}

impl Tuner {
    /// The lock, unless it has ended by itself. One whose holder watches does not.
    pub(super) fn lock_in_force(&self) -> Option<&Lock> {
        let lock = self.lock.as_ref()?;
        (lock.until > Instant::now() || self.is_watched_by(lock.holder)).then_some(lock)
    }

    fn is_watched_by(&self, holder: IpAddr) -> bool {
        let by = |viewer: &Viewer| viewer.peer.ip() == holder;
        self.viewer.as_ref().is_some_and(by)
    }

    /// Whether whoever has this key may change the tuner; then its lock lasts longer.
    fn admit(&mut self, key: Option<u32>) -> Result<(), Locked> {
        if let Some(viewer) = self.viewer.as_ref().filter(|viewer| viewer.fetches()) {
            return Err(Locked {
                by: viewer.peer.ip(),
            });
        }
        match self.lock_in_force().copied() {
            None => Ok(()),
            Some(lock) if Some(lock.key) == key => {
                self.lock = Some(Lock::new(lock.holder, lock.key));
                Ok(())
            }
            Some(lock) => Err(Locked { by: lock.holder }),
        }
    }
}

impl Tuners {
    /// Whether whoever has this key may change a tuner; then the tuner's lock lasts longer. A tuner
    /// that is not there is nobody's.
    ///
    /// # Errors
    /// Another one has locked it.
    pub fn admit(&self, index: usize, key: Option<u32>) -> Result<(), Locked> {
        let mut tuners = self.pool.tuners();
        tuners
            .get_mut(index)
            .map_or(Ok(()), |tuner| tuner.admit(key))
    }

    /// Locks a tuner for a holder, who had it locked with the key `before`, or not at all.
    ///
    /// # Errors
    /// Another one has locked it.
    pub fn lock(
        &self,
        index: usize,
        (holder, key): (IpAddr, u32),
        before: Option<u32>,
    ) -> Result<(), Locked> {
        let mut tuners = self.pool.tuners();
        let Some(tuner) = tuners.get_mut(index) else {
            return Ok(());
        };
        // Who has lost an answer asks for the same again.
        let same = tuner
            .lock_in_force()
            .is_some_and(|lock| lock.key == key && lock.holder == holder);
        if !same {
            tuner.admit(before)?;
        }
        tuner.lock = Some(Lock::new(holder, key));
        Ok(())
    }

    /// Ends the lock of a tuner, whoever holds it.
    pub fn unlock(&self, index: usize) {
        if let Some(tuner) = self.pool.tuners().get_mut(index) {
            tuner.lock = None;
        }
        self.pool.freed.notify_waiters();
    }
}
