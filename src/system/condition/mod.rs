//! The condition that the board is in: which one it is, how warm, whether it gets enough power, how
//! full and how worn what it stands on is, and what it is connected by.
//!
//! All of it is what the kernel tells, below one root, so that tests can make a board up. A look
//! reads some twenty small files and may wait for a driver: it belongs on a thread that may.

mod card;
mod power;
mod tree;

pub use card::{Card, Reserve};
pub use power::{Power, Sign};
pub use tree::Tree;

use super::link::{self, Wire};
use super::memory::{self, Memory};
use crate::limits;
use crate::shutdown::Shutdown;
use nix::sys::statvfs::statvfs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Where the device tree's name of the board is; the second also where a sandbox hides the first.
const MODELS: [&str; 2] = [
    "proc/device-tree/model",
    "sys/firmware/devicetree/base/model",
];

/// The condition at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// The board's name, such as `Raspberry Pi 4 Model B Rev 1.4`; `None` on machines without a
    /// device tree.
    pub model: Option<String>,
    /// The slot that the machine was booted from, `a` or `b`.
    pub slot: Option<char>,
    /// The warmest of its sensors, in thousandths of a degree Celsius.
    pub temperature_millicelsius: Option<i32>,
    /// Its power.
    pub power: Power,
    /// The card that it starts from.
    pub card: Option<Card>,
    /// Its network interfaces that have hardware behind them, by name.
    pub wires: Vec<Wire>,
    /// Its memory.
    pub memory: Option<Memory>,
    /// How long it has been up, in seconds.
    pub up_s: Option<u64>,
    /// The room for the state folder.
    pub space: Option<Space>,
    /// Whether its clock follows a time server.
    pub time: Option<TimeSource>,
}

/// Room on the disk of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What may still be written.
    pub free_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
}

/// What the machine's clock goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSource {
    /// A time server.
    Server,
    /// Itself, so far.
    Itself,
}

impl Condition {
    /// Looks once. `state` is the state folder.
    ///
    /// Blocks for as long as the drivers take to answer.
    #[must_use]
    pub fn look(tree: &Tree, state: &Path) -> Self {
        let zones = tree.list("sys/class/thermal", "thermal_zone");
        let degrees = zones
            .iter()
            .filter_map(|zone| tree.number(&format!("{zone}/temp")));
        let meminfo = tree.text("proc/meminfo");
        Self {
            model: MODELS.iter().find_map(|file| tree.text(file)),
            slot: tree.text("proc/cmdline").and_then(|line| slot(&line)),
            temperature_millicelsius: degrees.max(),
            power: Power::read(tree),
            card: Card::read(tree),
            wires: link::wires_in(&tree.path("sys/class/net")),
            memory: meminfo.and_then(|text| memory::told(&text)),
            up_s: tree.text("proc/uptime").and_then(|text| seconds(&text)),
            space: space(state),
            time: time(tree),
        }
    }
}

/// Keeps the condition of the running machine true until the box stops, looking every
/// [`limits::CONDITION_LOOK_MS`].
pub async fn follow(
    tree: Tree,
    state: PathBuf,
    condition_tx: watch::Sender<Arc<Condition>>,
    mut shutdown: Shutdown,
) {
    let mut looks = interval(Duration::from_millis(limits::CONDITION_LOOK_MS));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = shutdown.stopped() => return,
        }
        let (tree, state) = (tree.clone(), state.clone());
        let look = tokio::task::spawn_blocking(move || Condition::look(&tree, &state));
        let Ok(mut condition) = look.await else {
            return; // The runtime ends.
        };
        let before = condition_tx.borrow().power;
        condition.power = condition.power.after(before, Instant::now());
        condition_tx.send_replace(Arc::new(condition));
    }
}

/// The slot that the boot loader has named on the kernel's command line.
fn slot(command_line: &str) -> Option<char> {
    let mut words = command_line.split_whitespace();
    match words.find_map(|word| word.strip_prefix("exstreamtv.slot="))? {
        "a" => Some('a'),
        "b" => Some('b'),
        _ => None,
    }
}

/// The first number of `/proc/uptime`, without its hundredths.
fn seconds(uptime: &str) -> Option<u64> {
    uptime.split(['.', ' ']).next()?.parse().ok()
}

fn space(folder: &Path) -> Option<Space> {
    /// The kernel's numbers are as wide as its words.
    fn wide(number: impl TryInto<u64>) -> u64 {
        number.try_into().unwrap_or(u64::MAX)
    }
    let told = statvfs(folder).ok()?;
    let block_bytes = wide(told.fragment_size());
    Some(Space {
        free_bytes: wide(told.blocks_available()).saturating_mul(block_bytes),
        total_bytes: wide(told.blocks()).saturating_mul(block_bytes),
    })
}

/// What systemd-timesyncd says; nothing where it does not run.
fn time(tree: &Tree) -> Option<TimeSource> {
    let folder = tree.path("run/systemd/timesync");
    folder.is_dir().then(|| {
        if folder.join("synchronized").exists() {
            TimeSource::Server
        } else {
            TimeSource::Itself
        }
    })
}

#[cfg(test)]
mod tests;
