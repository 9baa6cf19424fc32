//! What is known of files that were shown, so that a second look at one needs no reading of its
//! index, and of the servers that gave them. Shared by all channels, and bounded.

use crate::demux::Outline;
use crate::fetch::Pace;
use crate::limits;
use crate::model::Part;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Outlines of files. Clones share them.
///
/// The lock is held for a few instructions, never across an await.
#[derive(Debug, Clone, Default)]
pub struct Outlines(Arc<Mutex<Shared>>);

/// Those used last in front.
#[derive(Debug, Default)]
struct Shared {
    files: VecDeque<Entry>,
    /// By host and port, at most `limits::PACES`.
    servers: VecDeque<(String, Pace)>,
}

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
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a file.
    pub(super) fn get(&self, key: &Key) -> Option<Known> {
        let files = &mut self.shared().files;
        let at = files.iter().position(|one| one.key == *key)?;
        let found = files.remove(at)?;
        let known = found.known.clone();
        files.push_front(found);
        Some(known)
    }

    /// Keeps what is known of a file, unless more of it is known already, or it is too much alone;
    /// lets the ones go that were not used for longest where it becomes too much.
    pub(super) fn keep(&self, key: &Key, known: Known) {
        let entry = Entry::new(key.clone(), known);
        if entry.held_bytes > limits::OUTLINES_BYTES {
            return;
        }
        let files = &mut self.shared().files;
        let before = files.iter().position(|one| one.key == *key);
        let before = before.and_then(|at| files.remove(at));
        files.push_front(match before {
            Some(before) if before.known.outline.reach() > entry.known.outline.reach() => before,
            _ => entry,
        });
        let mut held_bytes = 0;
        let fits = |entry: &Entry| {
            held_bytes += entry.held_bytes;
            held_bytes <= limits::OUTLINES_BYTES
        };
        let fitting = files.iter().map(fits).take_while(|fits| *fits).count();
        files.truncate(fitting);
    }

    /// Forgets a file: what is known of it may be wrong.
    pub(super) fn forget(&self, key: &Key) {
        self.shared().files.retain(|one| one.key != *key);
    }

    /// How a server gave what it was asked for last; `None` for one that is not known, or has
    /// failed.
    pub(super) fn pace(&self, server: &str) -> Option<Pace> {
        let shared = self.shared();
        let found = shared.servers.iter().find(|(name, _)| name == server);
        found.map(|(_, pace)| *pace)
    }

    /// Notes how a server gives what it is asked for. One that has failed is asked one thing at a
    /// time until it answers again.
    pub(super) fn note(&self, server: &str, pace: Option<Pace>) {
        let servers = &mut self.shared().servers;
        servers.retain(|(name, _)| name != server);
        if let Some(pace) = pace {
            servers.push_front((server.to_owned(), pace));
            servers.truncate(limits::PACES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Known, Outlines, Pace};
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
        let files = &outlines.shared().files;
        assert!(files.len() * each <= limits::OUTLINES_BYTES);
        assert!(files.len() > most / 2, "{} of {most}", files.len());
        let last = (2 * most - 1).to_string();
        assert!(files.iter().any(|one| one.key.path == last));
        assert!(!files.iter().any(|one| one.key.path == "1"));
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
    fn how_a_server_gives_is_known_as_it_was_last() {
        let outlines = Outlines::default();
        let pace = |ms| Pace {
            answers_after: Duration::from_millis(ms),
            bytes_per_second: 1_000_000,
        };
        for at in 0..2 * limits::PACES {
            outlines.note(&at.to_string(), Some(pace(70)));
            outlines.note("a", Some(pace(3)));
        }
        assert_eq!(outlines.pace("a"), Some(pace(3)));
        assert_eq!(outlines.pace("0"), None);
        assert_eq!(outlines.shared().servers.len(), limits::PACES);
        outlines.note("a", None);
        assert_eq!(outlines.pace("a"), None);
    }
}
