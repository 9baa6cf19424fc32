//! What a server says by itself (server-sent events): hints that something has changed, nothing to
//! be relied on.

use super::row::Row;
use super::wire::{Ask, Wire};
use super::{Class, Result, Trouble};
use crate::limits;
use reqwest::Response;
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt;

const PATH: &str = "/:/eventsource/notifications?filters=timeline%2Cactivity";

/// Whose entries concern the library; others are guides and music.
const LIBRARY: &str = "com.plexapp.plugins.library";

/// A hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// An item is new or has changed: ask for it again.
    Changed {
        /// Its rating key.
        rating_key: String,
        /// Its section, where said.
        section: Option<String>,
    },
    /// An item is gone, most likely.
    Deleted {
        /// Its rating key.
        rating_key: String,
        /// Its section, where said.
        section: Option<String>,
    },
    /// A section was gone through.
    Section {
        /// Its key, where said.
        section: Option<String>,
    },
}

/// The hints of a server, as they come.
pub struct Events {
    wire: Wire,
    response: Response,
    lines: Lines,
    hints: VecDeque<Hint>,
}

impl Events {
    pub(super) async fn open(wire: &Wire) -> Result<Self> {
        let headers = [("Accept", "text/event-stream".to_owned())];
        let ask = Ask {
            headers: &headers,
            ..Ask::list(PATH)
        };
        Ok(Self {
            response: wire.begin(&ask).await?,
            wire: wire.clone(),
            lines: Lines::default(),
            hints: VecDeque::new(),
        })
    }

    /// The next one; `None` when the server has ended them. It can be given up and asked again.
    ///
    /// # Errors
    /// The connection broke, or what came is no stream of events.
    pub async fn next(&mut self) -> Result<Option<Hint>> {
        loop {
            if let Some(hint) = self.hints.pop_front() {
                return Ok(Some(hint));
            }
            let piece = self.response.chunk().await;
            let piece = piece.map_err(|error| self.wire.broken(&Ask::list(PATH), &error))?;
            let Some(piece) = piece else { return Ok(None) };
            let events = self
                .lines
                .push(&piece)
                .map_err(|why| Trouble::new(Class::Malformed, self.wire.subject(PATH), why))?;
            for event in events {
                self.hints.extend(hints(&event));
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Events").field(&self.wire).finish()
    }
}

/// Takes a stream of events apart; only their data is of use, since it says what it is.
#[derive(Debug, Default)]
struct Lines {
    /// A line that has not ended.
    line: Vec<u8>,
    /// The data of an event that has not ended.
    data: Vec<u8>,
}

impl Lines {
    /// The data of each event that ends in this piece.
    fn push(&mut self, piece: &[u8]) -> std::result::Result<Vec<Vec<u8>>, &'static str> {
        let mut whole = Vec::new();
        let mut rest = piece;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (end, after) = rest.split_at(at);
            self.more(end)?;
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if let Some(data) = line.strip_prefix(b"data:") {
                if self.data.len() + data.len() > limits::PLEX_EVENT_BYTES {
                    return Err("an event of it is too large");
                }
                self.data.extend_from_slice(data);
            } else if line.is_empty() && !self.data.is_empty() {
                whole.push(std::mem::take(&mut self.data));
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.more(rest)?;
        Ok(whole)
    }

    fn more(&mut self, bytes: &[u8]) -> std::result::Result<(), &'static str> {
        if self.line.len() + bytes.len() > limits::PLEX_EVENT_BYTES {
            return Err("a line of it is too long");
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

/// What an event's data says; nothing where it is of no concern.
fn hints(data: &[u8]) -> Vec<Hint> {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return Vec::new();
    };
    let Some(row) = Row::of(&value) else {
        return Vec::new();
    };
    // Some servers wrap them as they do for web sockets.
    let row = row.row("NotificationContainer").unwrap_or(row);
    let most = limits::PLEX_ROWS;
    let timeline = row.rows("TimelineEntry", most).filter_map(item);
    let activity = row.rows("ActivityNotification", most).filter_map(section);
    timeline.chain(activity).collect()
}

fn item(entry: Row<'_>) -> Option<Hint> {
    if entry.line("identifier").is_some_and(|one| one != LIBRARY) {
        return None;
    }
    let rating_key = entry.key("itemID")?;
    let section = section_key(entry, "sectionID");
    match entry.number("state")? {
        5 => Some(Hint::Changed {
            rating_key,
            section,
        }),
        9 => Some(Hint::Deleted {
            rating_key,
            section,
        }),
        // It is still being worked on.
        _ => None,
    }
}

fn section(activity: Row<'_>) -> Option<Hint> {
    let what = activity.row("Activity")?;
    let ended = activity.line("event")? == "ended";
    if !ended || what.line("type")? != "library.update.section" {
        return None;
    }
    let context = what.row("Context");
    Some(Hint::Section {
        section: context.and_then(|context| section_key(context, "librarySectionID")),
    })
}

/// A section's key; -1 is none.
fn section_key(row: Row<'_>, name: &str) -> Option<String> {
    row.key(name).filter(|key| !key.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::{Hint, Lines, hints};
    use crate::limits;

    const STREAM: &str = "event: timeline\r\ndata: {\"TimelineEntry\":{\"identifier\":\
        \"com.plexapp.plugins.library\",\"sectionID\":2,\"itemID\":\"583\",\"state\":5}}\r\n\r\n: ping\n\n\
        data: {\"TimelineEntry\":[{\"sectionID\":\"-1\",\"itemID\":584,\"state\":\"9\"},{\"state\":5}]}\n\n\
        data: {\"ActivityNotification\":{\"event\":\"ended\",\"Activity\":\n\
        data: {\"type\":\"library.update.section\",\"Context\":{\"librarySectionID\":\"3\"}}}}\n\n\
        data: {\"TimelineEntry\":{\"identifier\":\"tv.plex.providers.epg.x\",\"itemID\":1,\"state\":5}}\n\n\
        data: {\"TimelineEntry\":{\"itemID\":1,\"state\":3}}\n\ndata: nonsense\n\n";

    fn read(lines: &mut Lines, piece: &[u8]) -> Vec<Hint> {
        let events = lines.push(piece).unwrap();
        events.iter().flat_map(|event| hints(event)).collect()
    }

    #[test]
    fn hints_come_out_however_the_stream_is_cut() {
        let section = |text: &str| Some(text.to_owned());
        let expected = [
            Hint::Changed {
                rating_key: "583".to_owned(),
                section: section("2"),
            },
            Hint::Deleted {
                rating_key: "584".to_owned(),
                section: None,
            },
            Hint::Section {
                section: section("3"),
            },
        ];
        for size in [1, 2, 7, STREAM.len()] {
            let mut lines = Lines::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let found: Vec<_> = pieces.flat_map(|piece| read(&mut lines, piece)).collect();
            assert_eq!(found, expected, "pieces of {size}");
        }
    }

    #[test]
    fn a_hint_in_the_web_socket_s_wrapping_is_read_too() {
        let data = br#"{"NotificationContainer":{"TimelineEntry":[{"itemID":7,"state":5}]}}"#;
        assert_eq!(hints(data).len(), 1);
    }

    #[test]
    fn an_endless_line_and_an_endless_event_are_refused() {
        let long = vec![b'x'; limits::PLEX_EVENT_BYTES];
        let mut lines = Lines::default();
        assert!(lines.push(&long).is_ok());
        assert!(lines.push(b"y").is_err());
        let mut lines = Lines::default();
        let line = format!("data:{}\n", "x".repeat(1_000));
        assert!((0..100).any(|_| lines.push(line.as_bytes()).is_err()));
    }
}
