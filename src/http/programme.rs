//! What a person is told about an airing, and what is on a channel now and next.

use crate::model::{Airing, MediaItem, MediaItemId};
use crate::schedule::{Lineup, Schedule};
use serde::Serialize;

/// An airing with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Programme {
    /// The film, or the show.
    pub(super) title: String,
    /// The year of a film; season, number and title of an episode.
    pub(super) subtitle: Option<String>,
    /// When it begins.
    pub(super) start_ms: i64,
    /// When it ends.
    pub(super) end_ms: i64,
    /// What it shows.
    pub(super) item: MediaItemId,
}

/// What is on a channel at an instant, and after that.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct NowNext {
    /// `None` where the channel has nothing that can be shown.
    pub(super) now: Option<Programme>,
    /// What follows.
    pub(super) next: Option<Programme>,
}

impl NowNext {
    /// Asks the schedule.
    pub(super) fn at(lineup: &Lineup, schedule: &Schedule, at_ms: i64) -> Self {
        let now = schedule.on_air(at_ms);
        let next = now.and_then(|now| schedule.on_air(now.end_ms));
        let told = |airing: Airing| {
            let item = lineup.item(&airing);
            let (title, subtitle) = item.map_or_else(|| (String::new(), None), |item| words(item));
            Programme {
                title,
                subtitle,
                start_ms: airing.start_ms,
                end_ms: airing.end_ms,
                item: airing.item,
            }
        };
        Self {
            now: now.map(told),
            next: next.map(told),
        }
    }
}

/// Title and subtitle of an item.
pub(super) fn words(item: &MediaItem) -> (String, Option<String>) {
    match &item.episode {
        None => (item.title.clone(), item.year.map(|year| year.to_string())),
        Some(episode) => {
            let place = format!("S{:02}E{:02}", episode.season, episode.number);
            let titled = !item.title.is_empty() && item.title != episode.show;
            let subtitle = if titled {
                format!("{place} · {}", item.title)
            } else {
                place
            };
            (episode.show.clone(), Some(subtitle))
        }
    }
}

/// Title and subtitle in one line.
pub(super) fn full_title(item: &MediaItem) -> String {
    match words(item) {
        (title, None) => title,
        (title, Some(subtitle)) if item.episode.is_none() => format!("{title} ({subtitle})"),
        (title, Some(subtitle)) => format!("{title} {subtitle}"),
    }
}

#[cfg(test)]
mod tests {
    use super::full_title;
    use crate::model::{Episode, LibraryId, MediaItem, MediaItemId, Part};

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
            part: Part {
                path: String::new(),
                size_bytes: 0,
                changed_ms: 0,
                container: None,
                duration_ms: None,
                tracks: Vec::new(),
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
            assert_eq!(full_title(&item), words);
        }
    }
}
