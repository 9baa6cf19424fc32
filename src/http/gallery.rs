//! Pictures of titles, fetched from their Plex servers for whoever looks at them here, so that neither
//! the address nor the token of a server leaves the box.
//!
//! It works on the task of whoever asks. However many ask, a server is asked once for a picture, and
//! for few of them at a time; what came is kept for a while, also that nothing did. Bounded in bytes,
//! in number and in time.

use crate::limits;
use crate::plex::{Class, Result, Servers};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a picture is good. Its path changes when it does.
const GOOD: Duration = Duration::from_secs(24 * 3_600);
/// A picture that is not there is not asked for again so soon.
const GONE: Duration = Duration::from_secs(600);
/// The same for one that the server had trouble with.
const BROKEN: Duration = Duration::from_secs(60);
/// A server that cannot be used is not asked for pictures so soon again. It may be streaming.
const AWAY: Duration = Duration::from_secs(15);

/// The pictures that are kept, and those that are being fetched.
pub struct Gallery {
    shelf: Mutex<Shelf>,
    /// Who holds one asks a server.
    turns: Semaphore,
}

/// A picture of a title, at a width.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// The machine identifier of its server.
    pub(super) machine: String,
    /// Where it is there.
    pub(super) path: String,
    /// How wide it is to be; half as high again.
    pub(super) width: u32,
}

/// A picture as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) form: Form,
    pub(super) bytes: Bytes,
}

/// The forms of pictures that are passed on: pixels, and nothing that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Jpeg,
    Png,
    Webp,
    Gif,
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// There is none.
    Gone,
    /// Its server cannot give it just now.
    Away,
}

type Outcome = std::result::Result<Picture, Lack>;

#[derive(Default)]
struct Shelf {
    /// What came, the one that was asked for last at the end.
    kept: VecDeque<Kept>,
    bytes: usize,
    under_way: HashMap<Wanted, Weak<OnceCell<Outcome>>>,
    /// Until when a server is not asked.
    resting: HashMap<String, Instant>,
}

struct Kept {
    wanted: Wanted,
    outcome: Outcome,
    until: Instant,
}

impl Gallery {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shelf: Mutex::default(),
            turns: Semaphore::new(limits::PICTURES_AT_ONCE),
        }
    }

    /// The picture that is kept, or the one that comes within `limits::PICTURE_MS` of its turn.
    pub(super) async fn picture(&self, servers: &Servers, wanted: &Wanted) -> Outcome {
        let known = self.shelf().known(wanted, Instant::now());
        if let Some(outcome) = known {
            return outcome;
        }
        // Whoever comes while it is fetched waits for the same; if the first one is given up, the
        // next one fetches it.
        let fetching = self.shelf().fetching(wanted);
        let outcome = fetching.get_or_init(|| self.fetch(servers, wanted)).await;
        outcome.clone()
    }

    async fn fetch(&self, servers: &Servers, wanted: &Wanted) -> Outcome {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        // Meanwhile it may have been fetched, or its server have failed.
        let known = self.shelf().known(wanted, Instant::now());
        if let Some(outcome) = known {
            return outcome;
        }
        let limit = Duration::from_millis(limits::PICTURE_MS);
        let asked = timeout(limit, self.ask(servers, wanted)).await;
        let now = Instant::now();
        let (outcome, until) = match asked {
            Ok(Ok(Some(picture))) => (Ok(picture), now + GOOD),
            Ok(Ok(None)) => (Err(Lack::Gone), now + GONE),
            Ok(Err(trouble)) if is_none(trouble.class) => (Err(Lack::Gone), now + GONE),
            Ok(Err(trouble)) if is_broken(trouble.class) => (Err(Lack::Away), now + BROKEN),
            // It concerns the server.
            Ok(Err(_)) | Err(_) => {
                servers.doubt(&wanted.machine);
                self.shelf().rest(&wanted.machine, now + AWAY);
                return Err(Lack::Away);
            }
        };
        let kept = Kept {
            wanted: wanted.clone(),
            outcome: outcome.clone(),
            until,
        };
        self.shelf().keep(kept);
        outcome
    }

    /// Asks the server; `None` where what it has is no picture for us.
    async fn ask(&self, servers: &Servers, wanted: &Wanted) -> Result<Option<Picture>> {
        let server = servers.server(&wanted.machine).await?;
        let height = wanted.width.saturating_mul(3) / 2;
        let found = server.picture(&wanted.path, wanted.width, height).await;
        found.map(|found| {
            Some(Picture {
                form: Form::of(&found.media_type)?,
                bytes: found.bytes.into(),
            })
        })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Nothing in it is ever half changed.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Gallery {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gallery").finish_non_exhaustive()
    }
}

/// Whether a server that says this has no such picture.
fn is_none(class: Class) -> bool {
    matches!(
        class,
        Class::Gone | Class::Forbidden | Class::Refused | Class::Unplayable
    )
}

/// Whether it has trouble with this picture.
fn is_broken(class: Class) -> bool {
    matches!(class, Class::Busy | Class::Malformed)
}

impl Shelf {
    /// What is known without asking anybody.
    fn known(&mut self, wanted: &Wanted, now: Instant) -> Option<Outcome> {
        let place = self.kept.iter().position(|kept| kept.wanted == *wanted);
        if let Some(kept) = place.and_then(|place| self.kept.remove(place)) {
            if now < kept.until {
                let outcome = kept.outcome.clone();
                self.kept.push_back(kept);
                return Some(outcome);
            }
            self.bytes = self.bytes.saturating_sub(kept.bytes());
        }
        let resting = self.resting.get(&wanted.machine);
        resting
            .is_some_and(|until| now < *until)
            .then_some(Err(Lack::Away))
    }

    /// Where those meet who want the same.
    fn fetching(&mut self, wanted: &Wanted) -> Arc<OnceCell<Outcome>> {
        if let Some(fetching) = self.under_way.get(wanted).and_then(Weak::upgrade) {
            return fetching;
        }
        self.under_way.retain(|_, left| left.strong_count() > 0);
        let fetching = Arc::new(OnceCell::new());
        self.under_way
            .insert(wanted.clone(), Arc::downgrade(&fetching));
        fetching
    }

    fn rest(&mut self, machine: &str, until: Instant) {
        self.resting.insert(machine.to_owned(), until);
    }

    /// Keeps what came, and lets go of what was not asked for the longest.
    fn keep(&mut self, kept: Kept) {
        self.bytes = self.bytes.saturating_add(kept.bytes());
        self.kept.push_back(kept);
        while self.kept.len() > limits::PICTURES || self.bytes > limits::PICTURES_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        let picture = self.outcome.as_ref().map_or(0, |one| one.bytes.len());
        picture.saturating_add(self.wanted.path.len())
    }
}

impl Form {
    /// Of a media type (RFC 9110 §8.3.1); `None` for one that is not passed on.
    fn of(media_type: &str) -> Option<Self> {
        let name = media_type.split(';').next().unwrap_or_default();
        match name.trim().to_ascii_lowercase().as_str() {
            "image/jpeg" | "image/jpg" => Some(Self::Jpeg),
            "image/png" => Some(Self::Png),
            "image/webp" => Some(Self::Webp),
            "image/gif" => Some(Self::Gif),
            _ => None,
        }
    }

    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AWAY, Form, Kept, Lack, Picture, Shelf, Wanted};
    use crate::limits;
    use std::time::Duration;
    use tokio::time::Instant;

    fn wanted(path: usize) -> Wanted {
        Wanted {
            machine: "aa".to_owned(),
            path: format!("/{path}"),
            width: 120,
        }
    }

    fn kept(path: usize, length: usize, until: Instant) -> Kept {
        Kept {
            wanted: wanted(path),
            outcome: Ok(Picture {
                form: Form::Jpeg,
                bytes: vec![0; length].into(),
            }),
            until,
        }
    }

    #[test]
    fn only_pixels_are_passed_on() {
        assert_eq!(Form::of("image/JPEG; q=1"), Some(Form::Jpeg));
        for media_type in ["image/svg+xml", "text/html", "image/", "", "image"] {
            assert_eq!(Form::of(media_type), None, "{media_type}");
        }
    }

    #[test]
    fn what_was_asked_for_last_is_kept_within_its_bytes() {
        let now = Instant::now();
        let until = now + Duration::from_secs(60);
        let mut shelf = Shelf::default();
        let length = limits::PICTURES_BYTES / 4;
        for path in 0..3 {
            shelf.keep(kept(path, length, until));
        }
        assert!(shelf.known(&wanted(0), now).is_some());
        shelf.keep(kept(3, length, until));
        assert!(shelf.bytes <= limits::PICTURES_BYTES);
        assert_eq!(shelf.known(&wanted(1), now), None, "the one not looked at");
        assert!(shelf.known(&wanted(0), now).is_some());
        assert_eq!(shelf.known(&wanted(0), until), None, "it is old");
        for path in 4..2 * limits::PICTURES {
            shelf.keep(kept(path, 0, until));
        }
        assert_eq!(shelf.kept.len(), limits::PICTURES);
        let counted: usize = shelf.kept.iter().map(Kept::bytes).sum();
        assert_eq!(shelf.bytes, counted);
    }

    #[test]
    fn a_server_that_rests_is_away_but_what_it_gave_is_there() {
        let now = Instant::now();
        let mut shelf = Shelf::default();
        shelf.keep(kept(1, 10, now + Duration::from_secs(60)));
        shelf.rest("aa", now + AWAY);
        assert!(matches!(shelf.known(&wanted(1), now), Some(Ok(_))));
        assert_eq!(shelf.known(&wanted(2), now), Some(Err(Lack::Away)));
        assert_eq!(shelf.known(&wanted(2), now + AWAY), None);
    }
}
