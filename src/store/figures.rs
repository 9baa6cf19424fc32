//! What the store's thread has done since it was started, in figures.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The figures of one moment. Those of what was done only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests that wait for the thread.
    pub waiting: usize,
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, the ones that were refused: with a full disk, a locked or damaged file, or because
    /// what was asked for cannot be.
    pub refusals: u64,
    /// Transactions that were written.
    pub commits: u64,
    /// How long they took together, from the first statement to the end of the commit, in
    /// microseconds.
    pub commits_us: u64,
    /// The longest of them, in microseconds.
    pub longest_commit_us: u64,
    /// Batches that syncs wrote.
    pub batches: u64,
    /// What was in them.
    pub batch_items: u64,
}

/// Where the figures grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    refusals: AtomicU64,
    commits: AtomicU64,
    commits_us: AtomicU64,
    longest_commit_us: AtomicU64,
    batches: AtomicU64,
    batch_items: AtomicU64,
}

impl Counters {
    pub(super) fn answered<T, E>(&self, answer: &Result<T, E>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if answer.is_err() {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn committed(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commits_us.fetch_add(took_us, Ordering::Relaxed);
        self.longest_commit_us.fetch_max(took_us, Ordering::Relaxed);
    }

    pub(super) fn batch(&self, items: usize) {
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.batch_items.fetch_add(items, Ordering::Relaxed);
    }

    pub(super) fn figures(&self, waiting: usize) -> Figures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            waiting,
            requests: of(&self.requests),
            refusals: of(&self.refusals),
            commits: of(&self.commits),
            commits_us: of(&self.commits_us),
            longest_commit_us: of(&self.longest_commit_us),
            batches: of(&self.batches),
            batch_items: of(&self.batch_items),
        }
    }
}
