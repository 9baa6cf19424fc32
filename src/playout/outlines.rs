//! What is known of files that were shown, so that a second look at one needs no reading of its
//! index. Shared by all channels, and bounded in bytes.

use crate::demux::Outline;
use crate::limits;
use crate::model::Part;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Outlines of files, those used last in front. Clones share them.
///
/// The lock is held for a few instructions, never across an await.
#[derive(Debug, Clone, Default)]
pub struct Outlines(Arc<Mutex<VecDeque<(Key, Known)>>>);

/// A file as the catalog knows it: one that was changed is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    path: String,
    size_bytes: u64,
    changed_ms: i64,
}

/// What is kept of a file.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) outline: Outline,
    /// Its length when it was opened.
    pub(super) len: u64,
    /// How long its server lets wait.
    pub(super) answers_after: Option<Duration>,
}

impl Key {
    pub(super) fn new(part: &Part) -> Self {
        Self {
            path: part.path.clone(),
            size_bytes: part.size_bytes,
            changed_ms: part.changed_ms,
        }
    }
}

impl Outlines {
    fn all(&self) -> MutexGuard<'_, VecDeque<(Key, Known)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a file.
    pub(super) fn get(&self, key: &Key) -> Option<Known> {
        let mut all = self.all();
        let at = all.iter().position(|(one, _)| one == key)?;
        let found = all.remove(at)?;
        let known = found.1.clone();
        all.push_front(found);
        Some(known)
    }

    /// Keeps what is known of a file, unless more of it is known already; lets the ones go that were
    /// not used for longest where it becomes too much.
    pub(super) fn keep(&self, key: &Key, known: Known) {
        let mut all = self.all();
        let before = all.iter().position(|(one, _)| one == key);
        let before = before.and_then(|at| all.remove(at));
        let kept = match before {
            Some((_, before)) if before.outline.reach() > known.outline.reach() => Known {
                answers_after: known.answers_after,
                ..before
            },
            _ => known,
        };
        all.push_front((key.clone(), kept));
        let mut bytes = 0;
        let fits = |(key, known): &(Key, Known)| {
            bytes += known.outline.held_bytes() + key.path.len() + size_of::<(Key, Known)>();
            bytes <= limits::OUTLINES_BYTES
        };
        let fitting = all.iter().map(fits).take_while(|fits| *fits).count();
        all.truncate(fitting);
    }

    /// Forgets a file: what is known of it may be wrong.
    pub(super) fn forget(&self, key: &Key) {
        self.all().retain(|(one, _)| one != key);
    }
}
