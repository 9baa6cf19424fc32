//! What a person is told about an airing, and what is on a channel now and next.

use crate::model::{Airing, MediaItemId};
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
    /// `None` where the channel has nothing that can be shown, and while nobody knows the date.
    pub(super) now: Option<Programme>,
    /// What follows.
    pub(super) next: Option<Programme>,
}

impl NowNext {
    /// Asks the schedule.
    pub(super) fn at(lineup: &Lineup, schedule: &Schedule, date_ms: Option<i64>) -> Self {
        let now = date_ms.and_then(|date_ms| schedule.on_air(date_ms));
        let next = now.and_then(|now| schedule.on_air(now.end_ms));
        let told = |airing: Airing| {
            let item = lineup.item(&airing);
            let (title, subtitle) = item.map(|item| item.words()).unwrap_or_default();
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
