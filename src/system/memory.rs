//! The memory that the process may have: the machine's, or less where its control groups say so
//! (`proc_meminfo(5)`, `cgroups(7)`).

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that the box can reckon with.
#[must_use]
pub fn total_bytes() -> Option<u64> {
    let machine = told(&fs::read_to_string("/proc/meminfo").ok()?)?.total_bytes;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let granted = granted_bytes(Path::new("/sys/fs/cgroup"), &groups);
    Some(granted.map_or(machine, |granted| granted.min(machine)))
}

/// The machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What the kernel manages.
    pub total_bytes: u64,
    /// What programs may still take without anything being swapped.
    pub available_bytes: Option<u64>,
}

/// What `/proc/meminfo` says; it counts in kB of 1024 bytes.
pub(super) fn told(meminfo: &str) -> Option<Memory> {
    let bytes = |name| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let (number, _) = line.trim().split_once(' ')?;
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Memory {
        total_bytes: bytes("MemTotal:")?,
        available_bytes: bytes("MemAvailable:"),
    })
}

/// The smallest limit of the process's control groups and of those around them; `None` where
/// nothing is limited. Version 1 writes a number that no machine has for no limit, version 2 a word.
fn granted_bytes(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| limit_files(root, line));
    let read = limits.filter_map(|file| fs::read_to_string(file).ok());
    read.filter_map(|text| text.trim().parse().ok()).min()
}

/// The files that may limit the group of one line, its own in front. A container sees the names of
/// groups that are outside of it, and its own group at the root.
fn limit_files(root: &Path, line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
        return Vec::new();
    };
    let (folder, name) = if controllers.is_empty() {
        (root.to_owned(), "memory.max")
    } else if controllers.split(',').any(|one| one == "memory") {
        (root.join("memory"), "memory.limit_in_bytes")
    } else {
        return Vec::new();
    };
    let group = Path::new(group.trim_start_matches('/'));
    let around = group.ancestors();
    around.map(|one| folder.join(one).join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::{granted_bytes, told, total_bytes};
    use std::fs;
    use std::path::Path;

    fn limit(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn the_kernels_words_are_read() {
        let meminfo = "MemTotal:         437248 kB\nMemFree:           1 kB\n";
        assert_eq!(
            told(meminfo).map(|memory| memory.total_bytes),
            Some(427 << 20)
        );
        assert_eq!(told("MemFree: 1 kB\n"), None);
        assert!(total_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn the_smallest_limit_around_the_process_counts() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let groups = "0::/system.slice/tv.service\n";
        assert_eq!(granted_bytes(root, groups), None);
        limit(root, "system.slice/tv.service/memory.max", "max\n");
        assert_eq!(granted_bytes(root, groups), None);
        limit(root, "system.slice/memory.max", "300000000\n");
        assert_eq!(granted_bytes(root, groups), Some(300_000_000));
        limit(root, "system.slice/tv.service/memory.max", "200000000\n");
        assert_eq!(granted_bytes(root, groups), Some(200_000_000));
    }

    #[test]
    fn version_1_is_read_too() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let groups = "5:cpu,cpuacct:/tv\n4:memory:/docker/abc\n0::/\nnonsense\n";
        limit(
            root,
            "memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        assert_eq!(granted_bytes(root, groups), Some(9_223_372_036_854_771_712));
        limit(root, "memory/docker/abc/memory.limit_in_bytes", "1000\n");
        limit(root, "cpu/tv/memory.max", "1\n");
        assert_eq!(granted_bytes(root, groups), Some(1_000));
    }
}
