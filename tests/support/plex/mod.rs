//! A stand-in for a Plex Media Server and for plex.tv, on loopback: for tests, and for trying the
//! box without Plex. What it is faithful to, and its switches, are in `docs/plex-standin.md`.
//!
//! It runs on threads of its own, so a test may be what it likes: without a runtime, with one, with
//! time that stands still. It shares no code with the client that it tests.

#![allow(dead_code, reason = "each test uses the part that it needs")]

mod account;
mod answer;
mod control;
mod decision;
mod event;
mod fault;
mod folder;
mod gdm;
mod greeting;
mod hls;
mod image;
mod item;
mod library;
mod listing;
mod made_media;
mod meta;
mod node;
mod part;
mod player;
mod probe;
mod profile;
mod record;
mod request;
mod route;
mod row;
mod server;
mod session;
mod state;
mod synthetic;
mod transcode;

#[allow(unused_imports, reason = "each test uses the part that it needs")]
pub(crate) use fault::{Faults, Pin};
#[allow(unused_imports, reason = "each test uses the part that it needs")]
pub(crate) use item::{Item, Kind, Media, Part, Stream, StreamKind};
#[allow(unused_imports, reason = "each test uses the part that it needs")]
pub(crate) use library::{Group, Library, Section, SectionKind};
#[allow(unused_imports, reason = "each test uses the part that it needs")]
pub(crate) use record::{Class, Counts, Logged};
#[allow(unused_imports, reason = "each test uses the part that it needs")]
pub(crate) use request::TokenPlace;

use server::{Side, keep_door, listen};
use state::{Addresses, Door, Identity, State};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What a stand-in is told when it starts.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the media server listens.
    pub(crate) address: SocketAddr,
    /// What the media server wants to see.
    pub(crate) token: String,
    /// What plex.tv wants to see.
    pub(crate) account_token: String,
    pub(crate) name: String,
    /// 40 hexadecimal digits.
    pub(crate) machine: String,
    pub(crate) version: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            token: "standin-server-token".to_owned(),
            account_token: "standin-account-token".to_owned(),
            name: "Stand-in".to_owned(),
            machine: "5ca1ab1e0ddba11c0ffee15deadbea75e1ec7ed1".to_owned(),
            version: "1.43.2.10687-563d026ea".to_owned(),
        }
    }
}

/// The servers and their switches. Dropping it stops them.
#[derive(Debug)]
pub(crate) struct Standin {
    state: Arc<State>,
    stop_tx: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Standin {
    /// Serves a library on a free port of 127.0.0.1.
    pub(crate) fn start(library: Library) -> Self {
        Self::start_with(library, Settings::default())
    }

    pub(crate) fn start_with(library: Library, settings: Settings) -> Self {
        let (state_tx, state_rx) = std::sync::mpsc::channel();
        let (stop_tx, stop_rx) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                state_tx.send(open(library, settings).await).unwrap();
                let _ = stop_rx.await;
            });
        });
        Self {
            state: state_rx.recv().unwrap(),
            stop_tx: Some(stop_tx),
            thread: Some(thread),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.state.addresses.media)
    }

    /// What stands for `https://plex.tv`.
    pub(crate) fn account_url(&self) -> String {
        format!("http://{}", self.state.addresses.account)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.state.addresses.media
    }

    /// Where `M-SEARCH` is answered.
    pub(crate) fn gdm_address(&self) -> SocketAddr {
        self.state.addresses.gdm
    }

    pub(crate) fn token(&self) -> String {
        self.state.identity.token.clone()
    }

    pub(crate) fn account_token(&self) -> String {
        self.state.identity.account_token.clone()
    }

    /// The machine identifier.
    pub(crate) fn machine(&self) -> String {
        self.state.identity.machine.clone()
    }

    /// Turns switches. Bodies that are under way obey at their next piece.
    pub(crate) fn faults(&self, change: impl FnOnce(&mut Faults)) {
        self.state.change_faults(change);
    }

    /// Turns all switches off.
    pub(crate) fn heal(&self) {
        self.faults(|faults| *faults = Faults::default());
    }

    /// Reads or changes what is served.
    pub(crate) fn library<R>(&self, change: impl FnOnce(&mut Library) -> R) -> R {
        change(&mut self.state.library_mut())
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state.record().counts.clone()
    }

    /// The requests in the order in which they came.
    pub(crate) fn log(&self) -> Vec<Logged> {
        self.state.record().requests.clone()
    }

    pub(crate) fn reset_counts(&self) {
        self.state.record().reset();
    }

    /// Conversions that run.
    pub(crate) fn live_conversions(&self) -> usize {
        self.state.sessions().live().count()
    }

    /// Conversions since the beginning.
    pub(crate) fn started_conversions(&self) -> u64 {
        self.state.sessions().started()
    }

    /// Sends an event to all who listen to `/:/eventsource/notifications`.
    pub(crate) fn push(&self, name: &str, data: &str) {
        let (name, data) = (name.to_owned(), data.to_owned());
        // An error means that nobody listens.
        let _ = self.state.event_tx.send(event::Event { name, data });
    }

    /// How many listen to events.
    pub(crate) fn listeners(&self) -> usize {
        self.state.event_tx.receiver_count()
    }

    /// Resets every connection that is open.
    pub(crate) fn cut(&self) {
        self.state.cut();
    }

    /// Goes down: connections are refused, and those that are open are reset. Returns when that is
    /// so.
    pub(crate) fn go_down(&self) {
        self.state.move_door(Door::Shut);
        self.state.cut();
    }

    /// Comes up again on the same port. Returns when that is so.
    pub(crate) fn come_up(&self) {
        self.state.move_door(Door::Open);
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.stop_tx.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Opens all sockets.
async fn open(library: Library, settings: Settings) -> Arc<State> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let media = listen(settings.address).unwrap();
    let account = listen(loopback).unwrap();
    let impostor = listen(loopback).unwrap();
    let gdm = tokio::net::UdpSocket::bind(loopback).await.unwrap();
    let addresses = Addresses {
        media: media.local_addr().unwrap(),
        account: account.local_addr().unwrap(),
        impostor: impostor.local_addr().unwrap(),
        gdm: gdm.local_addr().unwrap(),
    };
    let identity = Identity {
        machine: settings.machine,
        name: settings.name,
        version: settings.version,
        token: settings.token,
        account_token: settings.account_token,
    };
    let state = Arc::new(State::new(identity, addresses, library));
    let sides = [
        (Side::Media, media),
        (Side::Account, account),
        (Side::Impostor, impostor),
    ];
    for (side, listener) in sides {
        tokio::spawn(keep_door(Arc::clone(&state), side, listener));
    }
    tokio::spawn(gdm::serve(Arc::clone(&state), gdm));
    state
}
