//! Keeps every line that is logged, at any level, by anybody.

use log::{Level, Log, Metadata, Record};
use std::sync::{Mutex, Once};

static KEPT: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

struct Keep;

impl Log for Keep {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{}: {}", record.target(), record.args());
        KEPT.lock().unwrap().push((record.level(), line));
    }

    fn flush(&self) {}
}

/// Begins to keep what is logged in this process.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Keep).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// Everything that was logged.
pub(crate) fn kept() -> Vec<String> {
    let kept = KEPT.lock().unwrap();
    kept.iter()
        .map(|(level, line)| format!("{level} {line}"))
        .collect()
}
