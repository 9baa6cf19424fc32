//! How much memory the box holds.

use std::fs;

/// Bytes of the process that are resident in memory, as the kernel counts them; `None` where it
/// does not say. In `proc_pid_status(5)` they are in kB, whatever the size of a page is.
pub(super) fn resident_bytes() -> Option<u64> {
    resident_in(&fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let (number, _) = line.trim().split_once(' ')?;
    number.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{resident_bytes, resident_in};

    #[test]
    fn the_kernels_words_are_read() {
        let status = "Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t   12345 kB\nThreads:\t1\n";
        assert_eq!(resident_in(status), Some(12_345 << 10));
        assert_eq!(resident_in("VmRSS:\n"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
