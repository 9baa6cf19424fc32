//! What all connections of the server share.

use super::account::Asking;
use super::event::Event;
use super::fault::Faults;
use super::item::mixed;
use super::library::Library;
use super::record::Record;
use super::session::Sessions;
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{broadcast, watch};

/// Events that a slow listener may be behind.
const EVENTS: usize = 64;

/// Who the server is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) machine: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// What the server wants to see.
    pub(crate) token: String,
    /// What plex.tv wants to see.
    pub(crate) account_token: String,
}

impl Identity {
    /// What the names of its certificate end in. It is not the machine identifier.
    pub(crate) fn certificate_hash(&self) -> String {
        let length = self.machine.len() as u64;
        format!("{:016x}{:016x}", mixed(length), mixed(length + 1))
    }
}

/// Where the parts of the stand-in listen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) media: SocketAddr,
    pub(crate) account: SocketAddr,
    /// Another server, with another machine's name.
    pub(crate) impostor: SocketAddr,
    pub(crate) gdm: SocketAddr,
}

/// Whether the media server takes connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    Shut,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) identity: Identity,
    pub(crate) addresses: Addresses,
    library: RwLock<Library>,
    record: Mutex<Record>,
    sessions: Mutex<Sessions>,
    pins: Mutex<Vec<Asking>>,
    pub(crate) event_tx: broadcast::Sender<Event>,
    faults_tx: watch::Sender<Faults>,
    /// Raised to reset the connections that are open.
    pub(crate) cut_tx: watch::Sender<u64>,
    /// How the door is to be.
    pub(crate) door_tx: watch::Sender<Door>,
    /// How the door is.
    door: Mutex<Door>,
    door_moved: Condvar,
}

impl State {
    pub(crate) fn new(identity: Identity, addresses: Addresses, library: Library) -> Self {
        Self {
            identity,
            addresses,
            library: RwLock::new(library),
            record: Mutex::default(),
            sessions: Mutex::default(),
            pins: Mutex::default(),
            event_tx: broadcast::Sender::new(EVENTS),
            faults_tx: watch::Sender::default(),
            cut_tx: watch::Sender::default(),
            door_tx: watch::Sender::new(Door::Open),
            door: Mutex::new(Door::Open),
            door_moved: Condvar::new(),
        }
    }

    pub(crate) fn library(&self) -> RwLockReadGuard<'_, Library> {
        self.library.read().unwrap()
    }

    pub(crate) fn library_mut(&self) -> RwLockWriteGuard<'_, Library> {
        self.library.write().unwrap()
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap()
    }

    pub(crate) fn pins(&self) -> MutexGuard<'_, Vec<Asking>> {
        self.pins.lock().unwrap()
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults_tx.borrow().clone()
    }

    pub(crate) fn faults_rx(&self) -> watch::Receiver<Faults> {
        self.faults_tx.subscribe()
    }

    pub(crate) fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.faults_tx.send_modify(change);
    }

    /// Whether one more request gets through before the token dies.
    pub(crate) fn spend_token(&self) -> bool {
        let mut is_alive = true;
        self.faults_tx
            .send_if_modified(|faults| match &mut faults.unauthorized_after {
                Some(0) => {
                    is_alive = false;
                    false
                }
                Some(left) => {
                    *left -= 1;
                    true
                }
                None => false,
            });
        is_alive
    }

    /// Moves the door, and returns when that is done.
    pub(crate) fn move_door(&self, to: Door) {
        self.door_tx.send_replace(to);
        let door = self.door.lock().unwrap();
        let moved = self.door_moved.wait_while(door, |door| *door != to);
        drop(moved.unwrap());
    }

    pub(crate) fn door_is(&self, door: Door) {
        *self.door.lock().unwrap() = door;
        self.door_moved.notify_all();
    }

    /// Resets every connection that is open.
    pub(crate) fn cut(&self) {
        self.cut_tx.send_modify(|generation| *generation += 1);
    }
}
