//! The rate of the network, as its drivers tell it in `/sys/class/net` (the kernel's
//! `sysfs-class-net`).

use crate::limits::{self, Link};
use std::fs;
use std::path::Path;

/// The slowest wired interface that is up: which one a viewer is behind is not known.
/// [`Link::UNKNOWN`] where none tells its rate, as Wi-Fi and most virtual machines.
///
/// Blocks for as long as the drivers take to answer.
#[must_use]
pub fn slowest_wired() -> Link {
    slowest_in(Path::new("/sys/class/net"))
}

fn slowest_in(folder: &Path) -> Link {
    let wires = wires_in(folder).into_iter();
    let wired = wires.filter(|wire| wire.medium == Medium::Cable);
    let rates = wired.filter_map(|wire| wire.mbps);
    rates.min().map_or(Link::UNKNOWN, Link::of_mbps)
}

/// An interface that has hardware behind it. What has none (loopback, bridges, tunnels) tells a rate
/// that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Its name, such as `eth0`.
    pub name: String,
    /// What carries it.
    pub medium: Medium,
    /// Whether it leads anywhere at this moment.
    pub state: State,
    /// Its rate in million bits per second; `None` where the driver does not know it, and while
    /// nothing is plugged in.
    pub mbps: Option<u32>,
}

/// What carries an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A cable.
    Cable,
    /// The air.
    Air,
}

/// Whether an interface leads anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Up,
    /// It does not: no cable, no network found.
    Down,
}

/// The interfaces below a folder such as `/sys/class/net`, by name.
///
/// Blocks for as long as the drivers take to answer.
pub(super) fn wires_in(folder: &Path) -> Vec<Wire> {
    let interfaces = fs::read_dir(folder).into_iter().flatten().flatten();
    let real = interfaces.filter_map(|interface| wire(&interface.path()));
    let mut wires: Vec<_> = real.take(limits::NETWORK_INTERFACES).collect();
    wires.sort_by(|one, other| one.name.cmp(&other.name));
    wires
}

fn wire(interface: &Path) -> Option<Wire> {
    let told = |name| fs::read_to_string(interface.join(name)).ok();
    if !interface.join("device").exists() {
        return None;
    }
    let state = match told("operstate")?.trim() {
        "up" => State::Up,
        _ => State::Down,
    };
    // -1 where the driver does not know.
    let rate = || told("speed")?.trim().parse().ok().filter(|rate| *rate > 0);
    Some(Wire {
        name: interface.file_name()?.to_str()?.to_owned(),
        medium: if interface.join("wireless").exists() {
            Medium::Air
        } else {
            Medium::Cable
        },
        mbps: (state == State::Up).then(rate).flatten(),
        state,
    })
}

#[cfg(test)]
mod tests {
    use super::slowest_in;
    use crate::limits::Link;
    use std::fs;
    use std::path::Path;

    fn interface(folder: &Path, name: &str, files: &[(&str, &str)]) {
        for (file, text) in files {
            let file = folder.join(name).join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }

    #[test]
    fn the_slowest_wired_interface_that_is_up_counts() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let up = ("operstate", "up\n");
        let real = ("device/vendor", "0x1\n");
        interface(
            folder,
            "lo",
            &[("operstate", "unknown\n"), ("speed", "1\n")],
        );
        interface(folder, "docker0", &[up, ("speed", "10\n")]);
        interface(
            folder,
            "wlan0",
            &[up, real, ("wireless/link", ""), ("speed", "54\n")],
        );
        interface(
            folder,
            "eth1",
            &[("operstate", "down\n"), real, ("speed", "10\n")],
        );
        interface(folder, "eth2", &[up, real, ("speed", "-1\n")]);
        interface(folder, "eth3", &[up, real]);
        assert_eq!(slowest_in(folder), Link::UNKNOWN);
        interface(folder, "eth4", &[up, real, ("speed", "1000\n")]);
        assert_eq!(slowest_in(folder), Link::of_mbps(1_000));
        interface(folder, "eth5", &[up, real, ("speed", "100\n")]);
        assert_eq!(slowest_in(folder), Link::of_mbps(100));
        assert_eq!(slowest_in(Path::new("/nowhere")), Link::UNKNOWN);
    }
}
