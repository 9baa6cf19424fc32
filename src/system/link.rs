//! The rate of the network, as its drivers tell it in `/sys/class/net` (the kernel's
//! `sysfs-class-net`).

use crate::limits::Link;
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
    let interfaces = fs::read_dir(folder).into_iter().flatten().flatten();
    let rates = interfaces.filter_map(|interface| mbps(&interface.path()));
    rates.min().map_or(Link::UNKNOWN, Link::of_mbps)
}

/// The rate of an interface that is up and has hardware behind it. What has none (loopback, bridges,
/// tunnels) tells a rate that means nothing.
fn mbps(interface: &Path) -> Option<u32> {
    let told = |name| fs::read_to_string(interface.join(name)).ok();
    let is_wired = interface.join("device").exists() && !interface.join("wireless").exists();
    if !is_wired || told("operstate")?.trim() != "up" {
        return None;
    }
    // -1 where the driver does not know.
    let rate = told("speed")?.trim().parse().ok()?;
    (rate > 0).then_some(rate)
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
