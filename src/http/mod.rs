//! The doors: documents, pages and streams over TCP, and the control socket beside them.
//!
//! Whoever comes in over TCP may look and watch. What changes the owner's things is taken from the
//! control socket alone, a file that only its owner can open. No door reaches the store; they read
//! the lineup's snapshot and ask the librarian.
//!
//! One request per connection, as the hardware does it; one task per connection, bounded in number.

mod address;
mod answer;
mod api;
mod backup;
mod board;
mod connection;
mod control;
mod device;
mod door;
mod gallery;
mod guide;
mod head;
mod health;
pub mod m3u;
mod memory;
mod metrics;
mod page;
mod picture;
mod plex;
mod problem;
mod programme;
mod stream;
mod update;
mod upnp;
pub mod xmltv;

pub use board::Board;
pub use door::listen;
pub use gallery::Gallery;
pub use update::Updates;

use crate::catalog::{Catalog, Librarian};
use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{Device, LibraryId, NewChannel};
use crate::plex::Linking;
use crate::schedule::{Lineup, suggest};
use crate::shutdown::Shutdown;
use crate::system::network::Network;
use crate::tuner::Tuners;
use door::{Listener, keep_open};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::time::Instant;

/// What all doors share.
pub struct House {
    /// Tells the date.
    pub clock: SharedClock,
    /// What clients see.
    pub device: Device,
    /// What is on.
    pub lineup_rx: watch::Receiver<Arc<Lineup>>,
    /// Who watches.
    pub tuners: Arc<Tuners>,
    /// Where another device with the same number is, if there is one.
    pub twin_rx: watch::Receiver<Option<IpAddr>>,
    /// The port at which the box should be looked for, while another program has it.
    pub taken_rx: watch::Receiver<Option<u16>>,
    /// What else the owner should know, in sentences.
    pub notices_rx: watch::Receiver<Vec<String>>,
    /// The folder of the clips that come with the box, where they are on air until the owner has
    /// something of their own.
    pub clips: Option<PathBuf>,
    /// Whether libraries and channels are made by themselves of what the owner has.
    pub unattended: bool,
    /// Whether drives become libraries by themselves.
    pub takes_drives: bool,
    /// Keeps the owner's libraries and channels.
    pub librarian: Arc<Librarian>,
    /// The link to Plex.
    pub plex: Arc<Linking>,
    /// Pictures of titles, from Plex.
    pub pictures: Gallery,
    /// The way to the updater.
    pub updates: Updates,
    /// When the box started. Not a date: that may not be known yet, and step.
    pub up_since: Instant,
    /// Where documents and pages are served.
    pub web: SocketAddr,
    /// Where streams are served.
    pub stream: SocketAddr,
    /// What the machine is connected to: clients reach it at these addresses.
    pub network_rx: watch::Receiver<Arc<Network>>,
    /// The board below.
    pub board_rx: watch::Receiver<Arc<Board>>,
    /// The machine's host name, under which clients may reach it; empty where unknown.
    pub host_name: String,
    /// More names under which clients may reach it.
    pub names: Vec<String>,
    /// The version that runs.
    pub version: &'static str,
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House")
            .field("device", &self.device)
            .field("web", &self.web)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl House {
    /// Waits until the channels are those of the newest catalog: who has changed something sees it
    /// in the next answer.
    pub async fn settled(&self) {
        let catalog_rx = self.librarian.catalog();
        let mut lineup_rx = self.lineup_rx.clone();
        // An error means that the box stops, and then nobody waits for channels.
        let _ = lineup_rx
            .wait_for(|lineup| Arc::ptr_eq(lineup.catalog(), &catalog_rx.borrow()))
            .await;
    }

    /// The channels that could be made of what hardly any channel shows yet. Of a large library that
    /// takes a while, beside the runtime.
    ///
    /// # Errors
    /// It cannot be reckoned.
    pub async fn suggestion(&self) -> Result<Vec<NewChannel>> {
        // A sync may have ended just now.
        self.settled().await;
        let (lineup, now_ms) = (self.lineup(), self.now_ms());
        let clips = self.library_of_clips(lineup.catalog());
        let work = move || match clips {
            // They make way for what is suggested here.
            Some(clips) => suggest(&lineup.catalog().without(clips), lineup.wishes(), now_ms),
            None => suggest(lineup.catalog(), lineup.wishes(), now_ms),
        };
        let suggested = tokio::task::spawn_blocking(work).await;
        suggested.map_err(|error| Error::invalid("the suggestion", error.to_string()))
    }

    /// The library of the clips that come with the box, while it is there.
    #[must_use]
    pub fn library_of_clips(&self, catalog: &Catalog) -> Option<LibraryId> {
        let library = catalog.library_at(self.clips.as_deref()?)?;
        Some(library.id)
    }

    /// The lineup of this moment.
    fn lineup(&self) -> Arc<Lineup> {
        Arc::clone(&self.lineup_rx.borrow())
    }

    /// The date of this moment, as the clock has it.
    fn now_ms(&self) -> i64 {
        self.clock.epoch_ms()
    }

    /// The date of this moment; `None` until it is known. What is on depends on it.
    fn date_ms(&self) -> Option<i64> {
        self.clock.is_known().then(|| self.now_ms())
    }

    /// How long the box has been running.
    fn up_ms(&self) -> i64 {
        i64::try_from(self.up_since.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Keeps the door for documents and pages open until the box stops, and a moment longer for the
/// connections that are open then. `usual` is a second way to it, at another port: it is one door,
/// with the bounds of one.
pub async fn serve_web(
    listener: TcpListener,
    usual: Option<TcpListener>,
    house: Arc<House>,
    shutdown: Shutdown,
) {
    let most = limits::HTTP_CONNECTIONS;
    keep_open(Listener::Tcp(listener, usual), most, house, shutdown).await;
}

/// Keeps the door for streams open, like [`serve_web`]. Each of the two answers what the other
/// does: clients take the port that they were told first.
pub async fn serve_stream(listener: TcpListener, house: Arc<House>, shutdown: Shutdown) {
    let most = limits::HTTP_CONNECTIONS;
    keep_open(Listener::Tcp(listener, None), most, house, shutdown).await;
}

/// Keeps the control socket open, like [`serve_web`].
pub async fn serve_control(listener: UnixListener, house: Arc<House>, shutdown: Shutdown) {
    let most = limits::CONTROL_CONNECTIONS;
    keep_open(Listener::Unix(listener), most, house, shutdown).await;
}
