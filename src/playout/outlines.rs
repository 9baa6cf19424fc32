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
pub struct Outlines(Arc<Mutex<VecDeque<Entry>>>);

/// A file, and what is known of it.
#[derive(Debug)]
struct Entry {
    key: Key,
    known: Known,
    /// What it takes.
    held_bytes: usize,
}

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

impl Entry {
    fn new(key: Key, known: Known) -> Self {
        Self {
            held_bytes: known.outline.held_bytes() + key.path.len() + size_of::<Self>(),
            key,
            known,
        }
    }
}

impl Outlines {
    fn all(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a file.
    pub(super) fn get(&self, key: &Key) -> Option<Known> {
        let mut all = self.all();
        let at = all.iter().position(|one| one.key == *key)?;
        let found = all.remove(at)?;
        let known = found.known.clone();
        all.push_front(found);
        Some(known)
    }

    /// Keeps what is known of a file, unless more of it is known already, or it is too much alone;
    /// lets the ones go that were not used for longest where it becomes too much.
    pub(super) fn keep(&self, key: &Key, known: Known) {
        let entry = Entry::new(key.clone(), known);
        if entry.held_bytes > limits::OUTLINES_BYTES {
            return;
        }
        let mut all = self.all();
        let before = all.iter().position(|one| one.key == *key);
        let before = before.and_then(|at| all.remove(at));
        all.push_front(match before {
            Some(mut before) if before.known.outline.reach() > entry.known.outline.reach() => {
                before.known.answers_after = entry.known.answers_after;
                before
            }
            _ => entry,
        });
        let mut held_bytes = 0;
        let fits = |entry: &Entry| {
            held_bytes += entry.held_bytes;
            held_bytes <= limits::OUTLINES_BYTES
        };
        let fitting = all.iter().map(fits).take_while(|fits| *fits).count();
        all.truncate(fitting);
    }

    /// A file's server has failed: it is asked one thing at a time until it answers again.
    pub(super) fn go_easy(&self, key: &Key) {
        if let Some(entry) = self.all().iter_mut().find(|one| one.key == *key) {
            entry.known.answers_after = None;
        }
    }

    /// Forgets a file: what is known of it may be wrong.
    pub(super) fn forget(&self, key: &Key) {
        self.all().retain(|one| one.key != *key);
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Known, Outlines};
    use crate::demux::{Demuxer, Pull, RECOGNISE_BYTES, recognise};
    use crate::limits;
    use bytes::Bytes;
    use std::path::Path;
    use std::time::Duration;

    fn key(name: &str) -> Key {
        Key {
            path: name.to_owned(),
            size_bytes: 7,
            changed_ms: 9,
        }
    }

    /// What is known of a clip that comes with the program.
    fn known() -> Known {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
        let mut folders = vec![folder];
        let file = loop {
            let next = folders.pop().unwrap();
            if next.is_file() {
                break next;
            }
            let entries = std::fs::read_dir(next).unwrap();
            folders.extend(entries.map(|entry| entry.unwrap().path()));
        };
        let file = Bytes::from(std::fs::read(file).unwrap());
        let len = u64::try_from(file.len()).unwrap();
        let container = recognise(&file[..RECOGNISE_BYTES]).unwrap();
        let mut demuxer = Demuxer::for_air(container, len);
        while let Pull::Need(span) = demuxer.pull().unwrap() {
            let from = usize::try_from(span.offset).unwrap();
            let bytes = file.slice(from..from + span.len);
            demuxer.push(span.offset, bytes).unwrap();
        }
        Known {
            outline: demuxer.outline().unwrap(),
            len,
            answers_after: None,
        }
    }

    #[test]
    fn a_file_that_was_changed_is_another_one() {
        let outlines = Outlines::default();
        outlines.keep(&key("a"), known());
        assert!(outlines.get(&key("a")).is_some());
        let changed = Key {
            changed_ms: 10,
            ..key("a")
        };
        assert!(outlines.get(&changed).is_none());
        outlines.forget(&key("a"));
        assert!(outlines.get(&key("a")).is_none());
    }

    #[test]
    fn those_that_were_not_used_for_longest_make_room() {
        let outlines = Outlines::default();
        let known = known();
        let each = known.outline.held_bytes();
        let most = limits::OUTLINES_BYTES / each;
        for at in 0..2 * most {
            outlines.keep(&key(&at.to_string()), known.clone());
            assert!(outlines.get(&key("0")).is_some(), "{at}");
        }
        let all = outlines.all();
        assert!(all.len() * each <= limits::OUTLINES_BYTES);
        assert!(all.len() > most / 2, "{} of {most}", all.len());
        let last = (2 * most - 1).to_string();
        assert!(all.iter().any(|one| one.key.path == last));
        assert!(!all.iter().any(|one| one.key.path == "1"));
    }

    #[test]
    fn one_that_is_too_much_alone_costs_no_other_its_place() {
        let outlines = Outlines::default();
        outlines.keep(&key("a"), known());
        let long = key(&"b".repeat(limits::OUTLINES_BYTES));
        outlines.keep(&long, known());
        assert!(outlines.get(&long).is_none());
        assert!(outlines.get(&key("a")).is_some());
    }

    #[test]
    fn how_long_a_server_lets_wait_is_kept_as_it_was_last() {
        let outlines = Outlines::default();
        for ms in [70, 3] {
            let answers_after = Some(Duration::from_millis(ms));
            let known = Known {
                answers_after,
                ..known()
            };
            outlines.keep(&key("a"), known);
            let kept = outlines.get(&key("a")).unwrap();
            assert_eq!(kept.answers_after, answers_after);
        }
    }
}
