//! The running box: everything that is wired together, started and stopped in order.
//!
//! The doors are open before anything that may take time: whoever comes early waits a moment
//! instead of being turned away. A library that cannot be read is a sentence in the log and on the
//! status page, never a reason not to start.

use super::device;
use super::listen::{Doors, Places, forget};
use super::signal::Signals;
use super::state::StateFolder;
use crate::catalog::{Catalog, Librarian};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::error::Result;
use crate::http::{self, House};
use crate::schedule::{Lineup, Wishes};
use crate::shutdown::{self, Shutdown, Stopper};
use crate::store::Store;
use crate::tuner::Tuners;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the doors may take to close when the box stops. Viewers are let go at once; a client
/// in the middle of an answer gets it.
const CLOSE: Duration = Duration::from_millis(2_000);

/// How long the store may take to write what was asked of it.
const WRITE: Duration = Duration::from_millis(5_000);

/// A box on air.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) places: Places,
    pub(super) librarian: Arc<Librarian>,
    pub(super) lineup_rx: watch::Receiver<Arc<Lineup>>,
    pub(super) wishes: Wishes,
    store: Store,
    stopper: Stopper,
    /// The doors, and who lays out the schedules behind them.
    tasks: JoinSet<()>,
}

/// Runs a box until it is told to stop. `on_air` is what is done once it runs.
///
/// # Errors
/// Where the box cannot start, and where `on_air` fails: then the box stops in order too.
pub(super) async fn keep(
    config: &Config,
    folder: &StateFolder,
    on_air: impl AsyncFnOnce(&Running) -> Result<()>,
) -> Result<()> {
    let mut signals = Signals::take()?;
    let running = tokio::select! {
        running = Running::start(config, folder) => running?,
        name = signals.next() => {
            log::info!("{name}: stopped while starting");
            return Ok(());
        }
    };
    log::info!(
        "the doors are open: web {}, streams {}",
        running.places.web,
        running.places.stream
    );
    let kept = tokio::select! {
        failed = async {
            on_air(&running).await?;
            std::future::pending().await
        } => failed,
        name = signals.next() => {
            log::info!("{name}: stopping; again to stop at once");
            Ok(())
        }
    };
    signals.arm();
    let places = running.places.clone();
    running.stop().await;
    forget(&places, folder);
    kept
}

impl Running {
    /// Opens the doors, reads the store and puts the box behind the doors.
    async fn start(config: &Config, folder: &StateFolder) -> Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock);
        let started_ms = clock.epoch_ms();
        let (doors, places) = Doors::open(config, folder)?;
        let (stopper, shutdown) = shutdown::channel();
        let store = Store::open(folder.path()).await?;
        let librarian = Arc::new(Librarian::open(store.clone()).await?);
        let device = device::device(&librarian, &config.name).await?;
        log::info!("device {} starts on {}", device.id, folder.path().display());
        let wishes = Wishes {
            language: config.language.clone(),
        };
        let mut tasks = JoinSet::new();
        let lineup_rx = {
            let catalog_rx = librarian.catalog();
            lay_out(catalog_rx, &wishes, &shutdown, &mut tasks).await
        };
        let house = Arc::new(House {
            clock: Arc::clone(&clock),
            device,
            lineup_rx: lineup_rx.clone(),
            tuners: Arc::new(Tuners::new(config.tuners, lineup_rx.clone(), clock)),
            librarian: Arc::clone(&librarian),
            started_ms,
            web: places.web,
            stream: places.stream,
            host_name: host_name(),
            version: env!("CARGO_PKG_VERSION"),
        });
        tasks.spawn(http::serve_web(
            doors.web,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_stream(
            doors.stream,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_control(doors.control, house, shutdown));
        Ok(Self {
            places,
            librarian,
            lineup_rx,
            wishes,
            store,
            stopper,
            tasks,
        })
    }

    /// Waits until the schedules are those of the catalog.
    pub(super) async fn laid_out(&self) {
        let catalog_rx = self.librarian.catalog();
        let mut lineup_rx = self.lineup_rx.clone();
        // An error means that the box stops, and then nobody waits for schedules.
        let _ = lineup_rx
            .wait_for(|lineup| Arc::ptr_eq(lineup.catalog(), &catalog_rx.borrow()))
            .await;
    }

    /// Looks through the libraries. What cannot be read is a sentence in the log.
    pub(super) async fn look_through_libraries(&self) {
        let reports = match self.librarian.sync(|_, _| ()).await {
            Ok(reports) => reports,
            Err(error) => return log::warn!("the libraries were not looked through: {error}"),
        };
        for (library, report) in reports {
            let name = &library.name;
            match report {
                Ok(report) => log::info!(
                    "library {name}: {} new, {} changed, {} gone, {} as before; {} of all cannot be \
                     played",
                    report.added,
                    report.updated,
                    report.removed,
                    report.unchanged,
                    report.unplayable
                ),
                Err(error) => log::warn!("library {name} was not looked through: {error}"),
            }
        }
    }

    /// Stops in order: the doors close and the viewers end, then the store, once everything that
    /// was asked of it is written.
    async fn stop(self) {
        let Self {
            librarian,
            lineup_rx,
            store,
            stopper,
            mut tasks,
            ..
        } = self;
        stopper.stop();
        let closed = async { while tasks.join_next().await.is_some() {} };
        if timeout(CLOSE, closed).await.is_err() {
            log::warn!("some connections did not end in time and are cut");
            tasks.shutdown().await;
        }
        // The store's thread ends with the last handle.
        drop((librarian, lineup_rx));
        if timeout(WRITE, store.close()).await.is_err() {
            log::warn!("the store did not finish in time; it is repaired at the next start");
        }
    }
}

/// Lays out the schedules of the catalog as it is, and again whenever it changes.
async fn lay_out(
    mut catalog_rx: watch::Receiver<Arc<Catalog>>,
    wishes: &Wishes,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<()>,
) -> watch::Receiver<Arc<Lineup>> {
    let catalog = Arc::clone(&catalog_rx.borrow_and_update());
    let (lineup_tx, lineup_rx) = watch::channel(lineup(catalog, wishes.clone()).await);
    let (wishes, mut shutdown) = (wishes.clone(), shutdown.clone());
    tasks.spawn(async move {
        loop {
            let changed = tokio::select! {
                changed = catalog_rx.changed() => changed,
                () = shutdown.stopped() => return,
            };
            if changed.is_err() {
                return;
            }
            let catalog = Arc::clone(&catalog_rx.borrow_and_update());
            lineup_tx.send_replace(lineup(catalog, wishes.clone()).await);
        }
    });
    lineup_rx
}

/// Lays out the schedules, beside the runtime: a large library takes a while.
async fn lineup(catalog: Arc<Catalog>, wishes: Wishes) -> Arc<Lineup> {
    let laid_out = tokio::task::spawn_blocking(move || Lineup::build(catalog, &wishes)).await;
    // It fails only where the runtime is about to end.
    Arc::new(laid_out.unwrap_or_default())
}

/// The machine's name, under which it may be reached; empty where it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
