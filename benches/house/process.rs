//! What processes take, from `/proc` (proc(5)).

use super::Outcome;
use std::ops::{AddAssign, Sub};
use std::time::Duration;

/// `USER_HZ`, the same on every platform that Linux has left.
const TICK_MS: u64 = 10;

const PAGE_BYTES: u64 = 4096;

/// Memory of processes, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// What is in memory; pages that processes share count for each of them.
    pub(crate) resident: u64,
    /// The proportional set: pages that processes share count once in all.
    pub(crate) proportional: u64,
    /// What is theirs alone and not a file's: the heap.
    pub(crate) anonymous: u64,
}

impl AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.resident += other.resident;
        self.proportional += other.proportional;
        self.anonymous += other.anonymous;
    }
}

/// The memory of processes together.
pub(crate) fn memory(processes: &[u32]) -> Outcome<Memory> {
    let mut sum = Memory::default();
    for process in processes {
        let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        sum += Memory {
            resident: kib(&text, "Rss:")? << 10,
            proportional: kib(&text, "Pss:")? << 10,
            anonymous: kib(&text, "Anonymous:")? << 10,
        };
    }
    Ok(sum)
}

fn kib(text: &str, name: &str) -> Outcome<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|line| line.split_whitespace().next());
    Ok(figure.ok_or("no such line")?.parse()?)
}

/// User and system time of processes together, threads that have ended included.
pub(crate) fn cpu(processes: &[u32]) -> Outcome<Duration> {
    let mut ticks = 0;
    for process in processes {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name in parentheses may hold anything. Behind it, utime and stime are the fields 14
        // and 15 of the whole line.
        let fields = text.rsplit(')').next().unwrap_or_default();
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
    }
    Ok(Duration::from_millis(ticks * TICK_MS))
}

/// TCP of this machine, from `/proc/net/sockstat`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sockets {
    /// Memory of their buffers, in bytes.
    pub(crate) bytes: u64,
    /// Sockets that belong to no process any more.
    pub(crate) orphans: u64,
}

impl Sub for Sockets {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(before.bytes),
            orphans: self.orphans.saturating_sub(before.orphans),
        }
    }
}

pub(crate) fn sockets() -> Outcome<Sockets> {
    let text = std::fs::read_to_string("/proc/net/sockstat")?;
    let line = text.lines().find(|line| line.starts_with("TCP:"));
    let mut words = line.ok_or("no TCP")?.split_whitespace();
    let mut sockets = Sockets {
        bytes: 0,
        orphans: 0,
    };
    while let Some(word) = words.next() {
        match word {
            "mem" => sockets.bytes = words.next().ok_or("cut off")?.parse::<u64>()? * PAGE_BYTES,
            "orphan" => sockets.orphans = words.next().ok_or("cut off")?.parse()?,
            _ => {}
        }
    }
    Ok(sockets)
}

/// In units of 10^6 bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
