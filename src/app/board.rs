//! What the machine below allows: how much its memory holds, what its network carries, and whether
//! it knows the date; and how it is.

use crate::clock::{BoardClock, Clock, Date, until};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::http;
use crate::limits::{self, Board, Budget, Link, Overdraft, available_bytes};
use crate::shutdown::Shutdown;
use crate::system;
use crate::system::condition::Condition;
use crate::system::standing::{Standing, Updater};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// What the box is to hold.
///
/// # Errors
/// The memory cannot hold it: which key to lower, and to what.
pub(super) fn budget(config: &Config) -> Result<Budget> {
    Budget::of(memory_bytes(config), config.tuners).map_err(|over| refusal(config, &over))
}

/// The same for a box whose channels may all be watched at once, as far as there is room.
///
/// # Errors
/// There is no room for one.
pub(super) fn budget_for(config: &Config, channels: usize) -> Result<Budget> {
    let memory_bytes = memory_bytes(config);
    let tuners = channels.max(Board::of(memory_bytes).tuners());
    Budget::up_to(memory_bytes, tuners).map_err(|over| refusal(config, &over))
}

/// The sum, for the log.
pub(super) fn sum(config: &Config, budget: Budget) -> impl fmt::Display {
    let (memory_bytes, cost) = (memory_bytes(config), budget.cost());
    fmt::from_fn(move |f| {
        write!(
            f,
            "memory: {} tuners take at most {} MB and {} MB of the kernel's, of {} MB that the box \
             may use of {} MB",
            budget.tuners,
            mb(cost.user_bytes),
            mb(cost.kernel_bytes),
            available_bytes(memory_bytes) >> 20,
            memory_bytes >> 20,
        )
    })
}

/// What the owner says, else what the kernel says; where nobody does, that of a small board.
fn memory_bytes(config: &Config) -> u64 {
    let said = config.memory_mb.map(|mb| u64::from(mb) << 20);
    let told = || system::memory::total_bytes().unwrap_or(Board::Gb1.memory_bytes());
    said.unwrap_or_else(told)
}

fn refusal(config: &Config, over: &Overdraft) -> Error {
    let needed = mb(over.needed_bytes);
    let held = format!(
        "up to {needed} MB of memory would be needed, and of {} MB the box may use {} MB",
        memory_bytes(config) >> 20,
        over.available_bytes >> 20,
    );
    match (config.tuners, config.memory_mb) {
        (Some(tuners), _) if over.tuners > 0 => {
            let why = format!("{held}; lower tuners to at most {}", over.tuners);
            Error::invalid(format!("tuners = {tuners}"), why)
        }
        (_, Some(memory_mb)) => {
            let least = mb(over.least_bytes);
            let why = format!("{held}; memory_mb must be at least {least}, with tuners = 1");
            Error::invalid(format!("memory_mb = {memory_mb}"), why)
        }
        (_, None) => {
            let least = mb(over.least_bytes);
            let why = format!("{held}; it takes a machine with at least {least} MB");
            Error::invalid("this machine has too little memory", why)
        }
    }
}

/// Megabytes, rounded up.
fn mb(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// Follows what the network carries until the box stops. What the owner says holds; else the
/// drivers are asked again and again.
pub(super) async fn follow_link(
    said: Option<u32>,
    link_tx: watch::Sender<Link>,
    shutdown: Shutdown,
) {
    let mut shutdown = shutdown;
    let mut looks = interval(Duration::from_millis(limits::LINK_LOOK_MS));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = shutdown.stopped() => return,
        }
        let look = || Ok(system::link::slowest_wired());
        let link = match said {
            Some(mbps) => Link::of_mbps(mbps),
            None => super::off_the_runtime(look).await.unwrap_or_default(),
        };
        let changed = link_tx.send_if_modified(|known| {
            let changed = *known != link;
            *known = link;
            changed
        });
        if let Some(usable) = link.usable_bits_per_second().filter(|_| changed) {
            log::info!(
                "network: streams may take {} Mb/s together",
                usable / 1_000_000
            );
        }
        if said.is_some() {
            return;
        }
    }
}

/// Joins what the kernel and the updater tell of the board, until the box stops. The updater is
/// asked rarely once the box has been up for a while: only an update or its proof changes what it
/// says.
pub(super) async fn follow_board(
    updater: Option<Updater>,
    mut condition_rx: watch::Receiver<Arc<Condition>>,
    board_tx: watch::Sender<Arc<http::Board>>,
    mut shutdown: Shutdown,
) {
    let mut pause = Duration::from_millis(limits::CONDITION_LOOK_MS);
    let mut due = updater.is_some().then(Instant::now);
    loop {
        let mut board = http::Board::clone(&board_tx.borrow());
        tokio::select! {
            () = shutdown.stopped() => return,
            changed = condition_rx.changed() => {
                if changed.is_err() {
                    return;
                }
                board.condition = Arc::clone(&condition_rx.borrow_and_update());
            }
            standing = asked(updater.as_ref(), due) => {
                board.standing = standing;
                due = Some(Instant::now() + pause);
                pause = (pause * 2).min(Duration::from_millis(limits::STANDING_LOOK_MS));
            }
        }
        board_tx.send_replace(Arc::new(board));
    }
}

/// What the updater says when the time has come.
async fn asked(updater: Option<&Updater>, due: Option<Instant>) -> Option<Standing> {
    until(due).await;
    match updater?.standing().await {
        Ok(standing) => Some(standing),
        Err(error) => {
            log::debug!("{error}");
            None
        }
    }
}

/// Looks whether the date is known, until it is or the box stops.
pub(super) async fn wait_for_date(clock: Arc<BoardClock>, shutdown: Shutdown) {
    if clock.is_known() {
        return;
    }
    log::warn!("the date is not known yet; until it is, every channel shows the slate");
    let mut shutdown = shutdown;
    let mut looks = interval(Duration::from_millis(limits::CLOCK_LOOK_MS));
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = shutdown.stopped() => return,
        }
        match clock.look() {
            Date::Unknown => {}
            Date::Known => return log::info!("the date is known now"),
            Date::Assumed => {
                return log::warn!(
                    "nobody has said for {} s whether the date is right; it is taken as it is",
                    limits::CLOCK_PATIENCE_MS / 1_000
                );
            }
        }
    }
}
