//! What has been asked of the server: counts by class, and each request.

use super::request::{Asked, TokenPlace};
use serde::Serialize;
use std::collections::BTreeMap;

/// Requests that are remembered; counting goes on beyond.
const REMEMBERED: usize = 100_000;

/// What a request was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    Identity,
    Root,
    Sections,
    Listing,
    Metadata,
    Collection,
    Playlist,
    Part,
    Decision,
    Transcode,
    Ping,
    Stop,
    Session,
    Timeline,
    Image,
    Event,
    Account,
    Other,
}

impl Class {
    /// The class of a path on the media server.
    pub(crate) fn of(segments: &[&str]) -> Self {
        match segments {
            [] => Self::Root,
            ["identity"] => Self::Identity,
            ["library"] | ["library", "sections"] | ["library", "sections", _] => Self::Sections,
            ["library", "sections", _, "collections"] | ["library", "collections", ..] => {
                Self::Collection
            }
            ["library", "sections", ..] | ["library", "all"] => Self::Listing,
            ["library", "metadata", _, "thumb" | "art", ..] | ["photo", ..] => Self::Image,
            ["library", "metadata", ..] => Self::Metadata,
            ["library", "parts", ..] => Self::Part,
            ["playlists", ..] => Self::Playlist,
            ["video", ":", "transcode", "universal", what, ..] => match *what {
                "decision" => Self::Decision,
                "ping" => Self::Ping,
                "stop" => Self::Stop,
                _ => Self::Transcode,
            },
            ["transcode" | "status", "sessions", ..] | ["activities"] => Self::Session,
            [":", "timeline" | "progress"] => Self::Timeline,
            [":", "eventsource", ..] => Self::Event,
            _ => Self::Other,
        }
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) class: Class,
    pub(crate) method: String,
    /// Path with query, the token removed.
    pub(crate) target: String,
    pub(crate) token: TokenPlace,
    /// The value of `Range`.
    pub(crate) range: Option<String>,
    /// Names and values of all headers but the token.
    pub(crate) headers: Vec<(String, String)>,
    /// The answer's status; 0 as long as there is none.
    pub(crate) status: u16,
}

impl Logged {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter();
        let found = found.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

/// What has been counted since the beginning or since the counts were reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) connections: u64,
    /// Bytes of parts that were handed over for sending.
    pub(crate) part_bytes: u64,
    by_class: BTreeMap<Class, u64>,
}

impl Counts {
    /// Requests of a class.
    pub(crate) fn of(&self, class: Class) -> u64 {
        self.by_class.get(&class).copied().unwrap_or(0)
    }

    /// Requests of the media server; plex.tv's are not among them.
    pub(crate) fn requests(&self) -> u64 {
        self.by_class.values().sum::<u64>() - self.of(Class::Account)
    }
}

/// The counts and the requests.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) counts: Counts,
    pub(crate) requests: Vec<Logged>,
    /// Raised by a reset, so that an answer is not noted at another request.
    age: u64,
}

/// Where an answer is to be noted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    age: u64,
    index: usize,
}

impl Record {
    pub(crate) fn note(&mut self, class: Class, asked: &Asked) -> Line {
        *self.counts.by_class.entry(class).or_default() += 1;
        let line = Line {
            age: self.age,
            index: self.requests.len(),
        };
        if self.requests.len() < REMEMBERED {
            self.requests.push(Logged {
                class,
                method: asked.method.clone(),
                target: asked.target.clone(),
                token: asked.token().1,
                range: asked.range().map(str::to_owned),
                headers: shown(asked),
                status: 0,
            });
        }
        line
    }

    pub(crate) fn answered(&mut self, line: Line, status: u16) {
        if line.age == self.age
            && let Some(logged) = self.requests.get_mut(line.index)
        {
            logged.status = status;
        }
    }

    pub(crate) fn reset(&mut self) {
        self.counts = Counts::default();
        self.requests.clear();
        self.age += 1;
    }
}

fn shown(asked: &Asked) -> Vec<(String, String)> {
    let headers = asked.headers.iter();
    headers
        .filter(|(name, _)| *name != "x-plex-token")
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}
