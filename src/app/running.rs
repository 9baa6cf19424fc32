//! The running box: everything that is wired together, started and stopped in order.
//!
//! The doors are open before anything that may take time: whoever comes early waits a moment
//! instead of being turned away. A library that cannot be read is a sentence in the log and on the
//! status page, never a reason not to start.

use super::board;
use super::demo;
use super::device;
use super::listen::{Doors, Places, SocketFiles};
use super::output::answer;
use super::pulse::{Asked, Pulse};
use super::signal::Signals;
use super::state::StateFolder;
use crate::catalog::{Catalog, Librarian};
use crate::clock::{BoardClock, Doubt, SharedClock, SystemClock};
use crate::config::Config;
use crate::discover::{Discovery, Presence};
use crate::error::{Error, Result};
use crate::http::{self, Board, House};
use crate::limits::{self, Budget, Link};
use crate::model::Device;
use crate::plex::{Linking, Servers};
use crate::resolver::Resolver;
use crate::schedule::{Lineup, Wishes};
use crate::shutdown::{self, Shutdown, Stopper};
use crate::store::Store;
use crate::system::condition::{self, Tree};
use crate::system::disk::read_bounded;
use crate::system::network;
use crate::system::notify::ServiceManager;
use crate::system::pairing::{self, Pairing};
use crate::system::standing::Updater;
use crate::tuner::Tuners;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};

/// How long the doors may take to close when the box stops. Viewers are let go at once; a client
/// in the middle of an answer gets it.
const CLOSE: Duration = Duration::from_millis(2_000);

/// How long the store may take to write what was asked of it.
const WRITE: Duration = Duration::from_millis(5_000);

/// A box on air.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) places: Places,
    pub(super) house: Arc<House>,
    /// What the owner should know.
    pub(super) notices_tx: watch::Sender<Vec<String>>,
    store: Store,
    stopper: Stopper,
    socket_files: SocketFiles,
}

/// What a box needs all the time: its doors, and who lays out the schedules behind them.
type Tasks = JoinSet<()>;

/// Runs a box until it is told to stop. `on_air` is what is done once its doors are open.
///
/// # Errors
/// Where the box cannot start, and where it fails or `on_air` does: then it stops in order too.
pub(super) async fn keep(
    config: &Config,
    budget: Budget,
    folder: &StateFolder,
    on_air: impl AsyncFnOnce(&Running) -> Result<()>,
) -> Result<()> {
    let manager = ServiceManager::of_environment();
    let mut signals = Signals::take()?;
    let (running, mut tasks) = tokio::select! {
        running = Running::start(config, budget, folder, manager) => running?,
        name = signals.next() => {
            log::info!("{name}: stopped while starting");
            return Ok(());
        }
    };
    let places = &running.places;
    let device = places.device.map(|at| format!(", device {at}"));
    let discovery = places.discovery.map(|at| format!(", discovery {at}"));
    log::info!(
        "the doors are open: web {}, streams {}{}{}",
        places.web,
        places.stream,
        device.unwrap_or_default(),
        discovery.unwrap_or_default()
    );
    let kept = tokio::select! {
        failed = async {
            answer(places.line()?)?;
            if let Some(manager) = manager {
                manager.ready("The doors are open.".to_owned()).await;
            }
            on_air(&running).await?;
            pending().await
        } => failed,
        fallen = fallen(&mut tasks) => Err(Error::invalid(
            "the box stops, because something that it needs has failed",
            fallen.to_string(),
        )),
        name = signals.next() => {
            log::info!("{name}: stopping; again to stop at once");
            Ok(())
        }
    };
    signals.arm();
    if let Some(manager) = manager {
        manager.stopping().await;
    }
    running.stop(tasks).await;
    kept
}

impl Running {
    /// Opens the doors, reads the store and puts the box behind the doors.
    async fn start(
        config: &Config,
        budget: Budget,
        folder: &StateFolder,
        manager: Option<ServiceManager>,
    ) -> Result<(Self, Tasks)> {
        let up_since = Instant::now();
        let doubt = Doubt {
            seen_ms: folder.seen_ms(),
            marker: config.time_marker.clone(),
        };
        let board_clock = Arc::new(BoardClock::new(SystemClock, doubt));
        let clock: SharedClock = Arc::clone(&board_clock) as SharedClock;
        let (doors, places) = Doors::open(config, folder)?;
        let (stopper, shutdown) = shutdown::channel();
        let store = Store::open(folder.path()).await?;
        let device = device::device(&store, &config.name).await?;
        let servers = servers(config, folder, &device)?;
        let librarian = Librarian::open(store.clone()).await?;
        let librarian = Arc::new(librarian.reaching(Arc::clone(&servers)));
        log::info!("device {} starts on {}", device.id, folder.path().display());
        let wishes = Wishes {
            language: config.language.clone(),
        };
        log::info!("{}", board::sum(config, budget));
        let mut tasks = JoinSet::new();
        tasks.spawn(board::wait_for_date(board_clock, shutdown.clone()));
        let (link_tx, link_rx) = watch::channel(Link::UNKNOWN);
        tasks.spawn(board::follow_link(
            config.link_mbps,
            link_tx,
            shutdown.clone(),
        ));
        let (network_tx, network_rx) = watch::channel(Arc::default());
        network::refresh(&network_tx).await;
        tasks.spawn(network::follow(network_tx, shutdown.clone()));
        let board_rx = follow_board(config, folder, &shutdown, &mut tasks);
        let (lineup_rx, asked_tx) =
            lay_out(librarian.catalog(), wishes, &shutdown, &mut tasks).await?;
        let tuners = Tuners::new(budget.tuners, lineup_rx.clone(), Arc::clone(&clock))
            .resolving(Resolver::reaching(Arc::clone(&servers)))
            .behind(link_rx);
        let plex = Arc::new(Linking::new(servers));
        let linking = (Arc::clone(&plex), shutdown.clone());
        tasks.spawn(async move { linking.0.run(linking.1).await });
        let (keeper, keeping) = (Arc::clone(&librarian), shutdown.clone());
        let keeper_clock = Arc::clone(&clock);
        tasks.spawn(async move { keeper.keep_up(keeper_clock.as_ref(), keeping).await });
        let tuners = Arc::new(tuners);
        let (twin_tx, twin_rx) = watch::channel(None);
        let (taken_tx, taken_rx) = watch::channel(None);
        if config.announce {
            let discovery = Discovery {
                presence: Presence {
                    device: device.clone(),
                    web: places.web,
                    usual: places.device,
                    network_rx: network_rx.clone(),
                },
                open: doors.discovery,
                tuners: Arc::clone(&tuners),
                lineup_rx: lineup_rx.clone(),
                clock: Arc::clone(&clock),
                twin_tx,
                taken_tx,
            };
            tasks.spawn(discovery.serve(shutdown.clone()));
        }
        let put_back = store.put_back().map(str::to_owned);
        let notices = notices(config).into_iter().chain(put_back);
        let notices_tx = watch::Sender::new(notices.collect());
        let house = Arc::new(House {
            clock: Arc::clone(&clock),
            device,
            lineup_rx,
            tuners,
            twin_rx,
            taken_rx,
            notices_rx: notices_tx.subscribe(),
            clips: config.demo.then(|| demo::clips(folder)),
            unattended: config.unattended,
            takes_drives: config.drives.is_some(),
            librarian,
            plex,
            pictures: http::Gallery::new(),
            updates: http::Updates::new(config.updater.clone(), pairing(folder))?,
            up_since,
            web: places.web,
            stream: places.stream,
            network_rx,
            board_rx,
            host_name: host_name(),
            names: config.names.clone(),
            version: env!("CARGO_PKG_VERSION"),
        });
        let watched = manager.and_then(|manager| Some((manager, manager.watchdog()?)));
        if let Some((manager, patience)) = watched {
            let pulse = Pulse {
                manager,
                patience,
                stream: places.stream,
                house: Arc::clone(&house),
                store: store.clone(),
                asked_tx,
            };
            tasks.spawn(pulse.beat(shutdown.clone()));
        }
        tasks.spawn(http::serve_web(
            doors.web,
            doors.device,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_stream(
            doors.stream,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_control(
            doors.control,
            Arc::clone(&house),
            shutdown,
        ));
        let running = Self {
            places,
            house,
            notices_tx,
            store,
            stopper,
            socket_files: doors.socket_files,
        };
        Ok((running, tasks))
    }

    /// What it keeps.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Has the page tell the owner something, and nothing of what it was `before`.
    pub(super) fn tell(&self, before: Option<&str>, notice: Option<&str>) {
        self.notices_tx.send_modify(|notices| {
            notices.retain(|one| Some(one.as_str()) != before);
            notices.extend(notice.map(str::to_owned));
        });
    }

    /// Looks through the libraries. What cannot be read is a sentence in the log.
    pub(super) async fn look_through_libraries(&self) {
        let reports = match self
            .house
            .librarian
            .sync(self.house.clock.epoch_ms(), |_, _| ())
            .await
        {
            Ok(reports) => reports,
            Err(error) => return log::warn!("the libraries were not looked through: {error}"),
        };
        for (library, report) in reports {
            let name = &library.name;
            match report {
                Ok(report) => log::info!("library {name}: {report}"),
                Err(error) => log::warn!("library {name} was not looked through: {error}"),
            }
        }
    }

    /// Stops in order: the doors close and the viewers end, then the store, once everything that
    /// was asked of it is written.
    async fn stop(self, mut tasks: Tasks) {
        let Self {
            house,
            store,
            stopper,
            socket_files,
            ..
        } = self;
        stopper.stop();
        let closed = async { while tasks.join_next().await.is_some() {} };
        if timeout(CLOSE, closed).await.is_err() {
            log::warn!("some connections did not end in time and are cut");
            tasks.shutdown().await;
        }
        drop(socket_files);
        // The store's thread ends with the last handle, and the house has one.
        drop(house);
        if timeout(WRITE, store.close()).await.is_err() {
            log::warn!("the store did not finish in time; it is repaired at the next start");
        }
    }
}

/// What was found out for the owner before the box started.
fn notices(config: &Config) -> Vec<String> {
    let Some(file) = &config.notices else {
        return Vec::new();
    };
    let text = read_bounded(file, limits::NOTICES_BYTES).unwrap_or_else(|error| {
        log::warn!("{} cannot be read: {error}", file.display());
        Vec::new()
    });
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// The Plex servers that the box is linked to.
fn servers(config: &Config, folder: &StateFolder, device: &Device) -> Result<Arc<Servers>> {
    let servers = Servers::open(folder.path(), &device.friendly_name)?;
    Ok(Arc::new(match &config.plex_tv {
        Some(plex_tv) => servers.asking(plex_tv),
        None => servers,
    }))
}

/// What lets clients that know the owner's code update the box. A file that is no good is as none:
/// the box goes on air without.
fn pairing(folder: &StateFolder) -> Option<Pairing> {
    Pairing::read(&folder.path().join(pairing::FILE)).unwrap_or_else(|error| {
        log::warn!("nobody can update the box over the network: {error}");
        None
    })
}

/// Waits until a task falls. Those that end by themselves have done their work.
async fn fallen(tasks: &mut Tasks) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Ok(())) => {}
            Some(Err(fallen)) => return fallen,
            None => pending().await,
        }
    }
}

/// Follows the board below.
fn follow_board(
    config: &Config,
    folder: &StateFolder,
    shutdown: &Shutdown,
    tasks: &mut Tasks,
) -> watch::Receiver<Arc<Board>> {
    let (condition_tx, condition_rx) = watch::channel(Arc::default());
    let state = folder.path().to_owned();
    tasks.spawn(condition::follow(
        Tree::of_machine(),
        state,
        condition_tx,
        shutdown.clone(),
    ));
    let (board_tx, board_rx) = watch::channel(Arc::default());
    let updater = config.updater.as_deref().map(Updater::at);
    tasks.spawn(board::follow_board(
        updater,
        condition_rx,
        board_tx,
        shutdown.clone(),
    ));
    board_rx
}

/// Lays out the schedules of the catalog as it is, and again whenever it changes. Whoever asks
/// whether that goes on is answered between two of them.
async fn lay_out(
    mut catalog_rx: watch::Receiver<Arc<Catalog>>,
    wishes: Wishes,
    shutdown: &Shutdown,
    tasks: &mut Tasks,
) -> Result<(watch::Receiver<Arc<Lineup>>, Asked)> {
    let catalog = Arc::clone(&catalog_rx.borrow_and_update());
    let (lineup_tx, lineup_rx) = watch::channel(lineup(catalog, wishes.clone()).await?);
    let (asked_tx, mut asked_rx) = mpsc::channel(1);
    let mut shutdown = shutdown.clone();
    tasks.spawn(async move {
        loop {
            let changed = tokio::select! {
                changed = catalog_rx.changed() => changed,
                Some(answer_tx) = asked_rx.recv() => {
                    // Whoever asked may have gone.
                    let _ = oneshot::Sender::send(answer_tx, ());
                    continue;
                }
                () = shutdown.stopped() => return,
            };
            if changed.is_err() {
                return;
            }
            let catalog = Arc::clone(&catalog_rx.borrow_and_update());
            match lineup(catalog, wishes.clone()).await {
                Ok(lineup) => drop(lineup_tx.send_replace(lineup)),
                // Whoever watches goes on with what was on air before.
                Err(error) => log::error!("the channels stay as they were: {error}"),
            }
        }
    });
    Ok((lineup_rx, asked_tx))
}

/// Lays out the schedules, beside the runtime: a large library takes a while.
async fn lineup(catalog: Arc<Catalog>, wishes: Wishes) -> Result<Arc<Lineup>> {
    let laid_out = tokio::task::spawn_blocking(move || Lineup::build(catalog, &wishes)).await;
    let failed = |error: JoinError| Error::invalid("the schedules", error.to_string());
    laid_out.map(Arc::new).map_err(failed)
}

/// The machine's name, under which it may be reached; empty where it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
