//! The owner's things: libraries, media items, channels, and what is on.
//!
//! Leaf types without behaviour beyond reading and writing themselves. Wall times are epoch
//! milliseconds UTC (`_ms`).

mod about;
mod device;
mod playlist;
mod secret;

pub use about::About;
pub use device::{Device, DeviceId, FIRMWARE, FIRMWARE_VERSION, MODEL};
pub use playlist::{Edition, NewPlaylist, Playlist, PlaylistId};
pub use secret::Secret;

use crate::media::{Container, Track};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Row id of a library in the store.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct LibraryId(pub i64);

/// Row id of a media item in the store.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct MediaItemId(pub i64);

/// Row id of a channel in the store.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ChannelId(pub i64);

/// A place where titles come from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Library {
    /// Its id.
    pub id: LibraryId,
    /// Its name, as shown.
    pub name: String,
    /// Where its titles are.
    pub origin: Origin,
}

/// Where the titles of a library are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Origin {
    /// A folder on this machine or on a drive plugged into it.
    Folder {
        /// Its absolute path.
        path: String,
    },
    /// A section of a Plex server.
    Plex {
        /// The server's machine identifier.
        server: String,
        /// The section's key on that server.
        section: String,
    },
}

/// A catalogued title.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MediaItem {
    /// Its id.
    pub id: MediaItemId,
    /// The library that it belongs to; there is no item without one.
    pub library: LibraryId,
    /// Title of the film or clip, or of the episode.
    pub title: String,
    /// Year of release, where known.
    pub year: Option<u16>,
    /// Set for an episode of a show.
    pub episode: Option<Episode>,
    /// What its Plex server calls it; `None` in a folder, where its path is its name.
    pub rating_key: Option<String>,
    /// What its server tells about it.
    pub about: Option<Box<About>>,
    /// Since when its server does not list it any more. It is kept for a while: servers lose things
    /// and find them again.
    pub missing_ms: Option<i64>,
    /// The file that holds it.
    pub part: Part,
}

/// A title that is not in the store yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Title of the film or clip, or of the episode.
    pub title: String,
    /// Year of release, where known.
    pub year: Option<u16>,
    /// Set for an episode of a show.
    pub episode: Option<Episode>,
    /// What its Plex server calls it, which tells items of one library apart; `None` in a folder,
    /// where the path of its file does.
    pub rating_key: Option<String>,
    /// What its server tells about it.
    pub about: Option<Box<About>>,
    /// The file that holds it.
    pub part: Part,
}

/// Where an episode belongs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Episode {
    /// The show's title.
    pub show: String,
    /// Season number; 0 is for specials.
    pub season: u16,
    /// Episode number in the season, from 1; the first one where a file holds several.
    pub number: u16,
}

/// One file of a media item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// Path of the file, or its address where it begins with `http://`; on a Plex server the key of
    /// the part, without host and token. Names that are not UTF-8 are listed as not playable.
    pub path: String,
    /// Length of the file.
    pub size_bytes: u64,
    /// When the file was last changed.
    pub changed_ms: i64,
    /// Its format, where it was recognised.
    pub container: Option<Container>,
    /// How long its video is, rounded up to the millisecond; `None` where unknown or not playable.
    pub duration_ms: Option<u64>,
    /// Its elementary streams. Most files of a library have the same.
    pub tracks: Arc<[Track]>,
    /// Why it cannot be played, in words for the owner; `None` where it can.
    pub problem: Option<String>,
}

impl Part {
    /// What its stream takes on average: its bytes in its time, and 4 % for the packets that carry
    /// it. `None` where it is not known how long it is.
    #[must_use]
    pub fn bits_per_second(&self) -> Option<u64> {
        let duration_ms = self.duration_ms.filter(|duration_ms| *duration_ms > 0)?;
        let bits = u128::from(self.size_bytes) * 8 * 104 / 100;
        let rate = bits * 1_000 / u128::from(duration_ms);
        Some(u64::try_from(rate).unwrap_or(u64::MAX))
    }
}

/// A line of the lineup.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its number on the remote.
    pub number: ChannelNumber,
    /// Its name, as shown.
    pub name: String,
    /// The instant at which its loop begins.
    pub epoch_ms: i64,
    /// In which order its items are shown.
    pub order: Order,
    /// What it shows, in order.
    pub items: Vec<MediaItemId>,
}

/// A channel that is not in the store yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewChannel {
    /// Its number on the remote.
    pub number: ChannelNumber,
    /// Its name, as shown.
    pub name: String,
    /// The instant at which its loop begins.
    pub epoch_ms: i64,
    /// In which order its items are shown.
    pub order: Order,
    /// What it shows, in order.
    pub items: Vec<MediaItemId>,
}

/// In which order a channel shows its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As listed.
    Listed,
    /// Shuffled, the same way for the same seed on every box and in every version.
    Shuffled {
        /// What the shuffle starts from.
        seed: u64,
    },
}

/// A programme at a time on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Airing {
    /// What is shown.
    pub item: MediaItemId,
    /// When it begins.
    pub start_ms: i64,
    /// When it ends, and the next begins; always after `start_ms`.
    pub end_ms: i64,
}

/// A channel's number, `major[.minor]`. It is text to every client: 1984 and 1984.1 are different
/// channels, and 5.1 is not 5.10.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelNumber {
    /// Before the dot, 1 to 99999.
    pub major: u32,
    /// After the dot, 1 to 999.
    pub minor: Option<u16>,
}

impl MediaItem {
    /// Title and subtitle for people: a film with its year; a show with season, number and title of
    /// the episode.
    #[must_use]
    pub fn words(&self) -> (String, Option<String>) {
        let Some(episode) = &self.episode else {
            return (self.title.clone(), self.year.map(|year| year.to_string()));
        };
        let place = format!("S{:02}E{:02}", episode.season, episode.number);
        let titled = !self.title.is_empty() && self.title != episode.show;
        let subtitle = if titled {
            format!("{place} · {}", self.title)
        } else {
            place
        };
        (episode.show.clone(), Some(subtitle))
    }
}

impl fmt::Display for MediaItem {
    /// Its words in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words() {
            (title, None) => f.write_str(&title),
            (title, Some(year)) if self.episode.is_none() => write!(f, "{title} ({year})"),
            (title, Some(subtitle)) => write!(f, "{title} {subtitle}"),
        }
    }
}

impl fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            Some(minor) => write!(f, "{}.{minor}", self.major),
            None => write!(f, "{}", self.major),
        }
    }
}

impl From<ChannelNumber> for String {
    fn from(number: ChannelNumber) -> Self {
        number.to_string()
    }
}

impl TryFrom<String> for ChannelNumber {
    type Error = crate::error::Error;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for ChannelNumber {
    type Err = crate::error::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            crate::error::Error::invalid(
                "channel number",
                format!("'{}' is not a number like 5 or 5.1", text.escape_debug()),
            )
        };
        let plain = |digits: &str, longest: usize| {
            let ok = (1..=longest).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit())
                && !digits.starts_with('0');
            ok.then(|| digits.parse::<u32>().ok())
                .flatten()
                .ok_or_else(wrong)
        };
        match text.split_once('.') {
            None => Ok(Self {
                major: plain(text, 5)?,
                minor: None,
            }),
            Some((major, minor)) => {
                let minor = u16::try_from(plain(minor, 3)?).map_err(|_| wrong())?;
                Ok(Self {
                    major: plain(major, 5)?,
                    minor: Some(minor),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChannelNumber, Episode, LibraryId, MediaItem, MediaItemId, Part};

    fn item(title: &str, year: Option<u16>, show: Option<&str>) -> MediaItem {
        MediaItem {
            id: MediaItemId(1),
            library: LibraryId(1),
            title: title.to_owned(),
            year,
            episode: show.map(|show| Episode {
                show: show.to_owned(),
                season: 1,
                number: 2,
            }),
            rating_key: None,
            about: None,
            missing_ms: None,
            part: Part {
                path: String::new(),
                size_bytes: 0,
                changed_ms: 0,
                container: None,
                duration_ms: None,
                tracks: [].into(),
                problem: None,
            },
        }
    }

    #[test]
    fn films_have_a_year_and_episodes_a_place() {
        for (item, words) in [
            (item("Metropolis", Some(1927), None), "Metropolis (1927)"),
            (item("Metropolis", None, None), "Metropolis"),
            (item("Pilot", None, Some("Show")), "Show S01E02 · Pilot"),
            (item("", None, Some("Show")), "Show S01E02"),
        ] {
            assert_eq!(item.to_string(), words);
        }
    }

    #[test]
    fn channel_numbers_are_text() {
        for text in ["1", "1984", "1984.1", "5.10", "99999.999"] {
            assert_eq!(text.parse::<ChannelNumber>().unwrap().to_string(), text);
        }
        assert_ne!(
            "5.1".parse::<ChannelNumber>().unwrap(),
            "5.10".parse().unwrap()
        );
        assert_ne!(
            "1984".parse::<ChannelNumber>().unwrap(),
            "1984.1".parse().unwrap()
        );
    }

    #[test]
    fn what_is_no_channel_number_is_refused() {
        for text in [
            "", "0", "01", "5.", ".5", "5.0", "5.01", "1_2", "+5", "100000", "5.1.1", "é",
        ] {
            assert!(text.parse::<ChannelNumber>().is_err(), "{text}");
        }
    }
}
