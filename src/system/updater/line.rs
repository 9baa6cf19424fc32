//! Lines of a bounded length, from a peer that may say nothing.

use crate::limits::{UPDATER_LINE_BYTES, UPDATER_SILENT_MS};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::time::timeout;

/// The next line without its end; `None` where there is none. What follows it stays in `reader`.
///
/// # Errors
/// `TimedOut` where its next bytes do not come in time, `InvalidData` where it is too long or no
/// text, and where the connection breaks.
pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let patience = Duration::from_millis(UPDATER_SILENT_MS);
    let mut line = Vec::new();
    loop {
        let new = timeout(patience, reader.fill_buf()).await??;
        if new.is_empty() && line.is_empty() {
            return Ok(None);
        }
        let end = new.iter().position(|byte| *byte == b'\n');
        let part = new.get(..end.unwrap_or(new.len())).unwrap_or_default();
        if line.len().saturating_add(part.len()) > UPDATER_LINE_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        line.extend_from_slice(part);
        let (taken, is_last) = (part.len(), end.is_some() || new.is_empty());
        reader.consume(taken.saturating_add(usize::from(end.is_some())));
        if is_last {
            let text = String::from_utf8(line);
            return text
                .map(Some)
                .map_err(|_| io::ErrorKind::InvalidData.into());
        }
    }
}
