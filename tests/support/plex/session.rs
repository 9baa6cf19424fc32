//! What the server remembers of its clients' playbacks: what was decided, and what is being
//! converted.

use super::transcode::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

/// What a playback was told.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    DirectPlay,
    Convert(Plan),
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) client: String,
    pub(crate) rating_key: u64,
    pub(crate) part: u64,
    pub(crate) decision: Decision,
}

/// A conversion that runs.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) number: u64,
    pub(crate) rating_key: u64,
    pub(crate) plan: Plan,
    /// Dropping all of its senders ends the conversion; this is the one that stop drops.
    stop_tx: Arc<watch::Sender<()>>,
    /// Where segments are, if there are segments.
    pub(crate) folder: Option<Arc<TempDir>>,
}

/// Tells a conversion to end.
pub(crate) type StopRx = watch::Receiver<()>;

/// By session identifier.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    decided: BTreeMap<String, Session>,
    live: BTreeMap<String, Live>,
    started: u64,
}

/// What a session may do with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It was told to play it directly.
    Granted,
    /// It was told that it gets a conversion.
    Denied,
    /// It was told nothing about it.
    Unknown,
}

impl Sessions {
    pub(crate) fn decide(&mut self, id: &str, session: Session) {
        self.decided.insert(id.to_owned(), session);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Session> {
        self.decided.get(id)
    }

    pub(crate) fn access(&self, id: &str, client: &str, part: u64) -> Access {
        match self.decided.get(id) {
            Some(session) => match session.decision {
                Decision::Convert(_) => Access::Denied,
                Decision::DirectPlay if session.client == client && session.part == part => {
                    Access::Granted
                }
                Decision::DirectPlay => Access::Unknown,
            },
            None => Access::Unknown,
        }
    }

    /// Begins a conversion. One that runs in this session ends. `None` when there are too many.
    pub(crate) fn start(
        &mut self,
        id: &str,
        rating_key: u64,
        plan: Plan,
        folder: Option<TempDir>,
        most: usize,
    ) -> Option<(u64, StopRx)> {
        self.live.remove(id);
        if self.live.len() >= most {
            return None;
        }
        self.started += 1;
        let (stop_tx, stop_rx) = watch::channel(());
        let live = Live {
            number: self.started,
            rating_key,
            plan,
            stop_tx: Arc::new(stop_tx),
            folder: folder.map(Arc::new),
        };
        self.live.insert(id.to_owned(), live);
        Some((self.started, stop_rx))
    }

    /// A conversion has come to its end by itself, or its client has left.
    pub(crate) fn ended(&mut self, id: &str, number: u64) {
        if self.live.get(id).is_some_and(|live| live.number == number) {
            self.live.remove(id);
        }
    }

    /// Ends a session, and forgets what was decided. Whether there was one.
    pub(crate) fn stop(&mut self, id: &str) -> bool {
        let was_live = self.live.remove(id).is_some();
        self.decided.remove(id).is_some() || was_live
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = (&String, &Live)> {
        self.live.iter()
    }

    pub(crate) fn live_in(&self, id: &str) -> Option<&Live> {
        self.live.get(id)
    }

    /// Conversions since the beginning.
    pub(crate) fn started(&self) -> u64 {
        self.started
    }
}
