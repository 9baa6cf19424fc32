//! A service manager that only listens.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify.sock")).unwrap();
        Self { folder, socket }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("notify.sock")
    }

    /// Starts a program as systemd does with `WatchdogSec=`.
    pub(crate) fn watch(&self, command: &mut Command, patience: Duration) {
        let patience = patience.as_micros().to_string();
        command
            .env("NOTIFY_SOCKET", self.path())
            .env("WATCHDOG_USEC", patience);
    }

    /// What is said next; `None` if nothing is for so long.
    pub(crate) fn next(&self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0; 4096];
        let len = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..len].to_vec()).unwrap())
    }

    /// Waits for something that contains this, and gives what was said until then.
    pub(crate) fn until(&self, wanted: &str, limit: Duration) -> Vec<String> {
        let begun = Instant::now();
        let mut said = Vec::new();
        while let Some(left) = limit.checked_sub(begun.elapsed()) {
            let Some(text) = self.next(left.max(Duration::from_millis(1))) else {
                break;
            };
            let found = text.lines().any(|line| line.starts_with(wanted));
            said.push(text);
            if found {
                return said;
            }
        }
        panic!("no {wanted} within {limit:?}: {said:?}");
    }

    /// Waits until there has been no beat for so long.
    pub(crate) fn silent_for(&self, silence: Duration, limit: Duration) -> Vec<String> {
        let begun = Instant::now();
        let mut last_beat = Instant::now();
        let mut said = Vec::new();
        while last_beat.elapsed() < silence {
            assert!(begun.elapsed() < limit, "the beats do not stop: {said:?}");
            if let Some(text) = self.next(Duration::from_millis(50)) {
                if text.contains("WATCHDOG=1") {
                    last_beat = Instant::now();
                }
                said.push(text);
            }
        }
        said
    }
}
