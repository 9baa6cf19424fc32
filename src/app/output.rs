//! Standard output and standard error: the only place that writes to them. Answers go to the one,
//! words for a person to the other, so that a script can read the first alone.

use crate::error::{Error, Result};
use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Writes an answer and its line end to standard output.
///
/// # Errors
/// Where nobody takes it: an answer that was not given is not a success.
pub(super) fn answer(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("write to", "standard output", &error))
}

/// Says a line to the person at the terminal. There is nobody to tell where that fails.
pub(super) fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One line that is written over while something goes on; silent where nobody watches.
#[derive(Debug)]
pub(super) struct Progress {
    shown: bool,
    watched: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            shown: false,
            watched: std::io::stderr().is_terminal(),
        }
    }

    /// Replaces the line.
    pub(super) fn show(&mut self, text: impl Display) {
        if self.watched {
            self.shown = true;
            let mut err = std::io::stderr().lock();
            // Carriage return, then "erase to the end of the line" (ECMA-48 EL).
            let _ = write!(err, "\r{text}\x1b[K").and_then(|()| err.flush());
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "\r\x1b[K").and_then(|()| err.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
