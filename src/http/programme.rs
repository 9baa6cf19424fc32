//! What a person is told about an airing, and what is on a channel now and next.

use super::picture;
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
    /// Where its picture is on this box, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) picture: Option<String>,
    /// Whether that is a poster or a scene.
    #[serde(skip)]
    pub(super) shape: Shape,
}

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The poster of a film: upright.
    Poster,
    /// A scene of an episode: wide.
    Scene,
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
            let about = item.and_then(|item| item.about.as_ref());
            let has_picture = about.is_some_and(|about| about.picture.is_some());
            let is_episode = item.is_some_and(|item| item.episode.is_some());
            Programme {
                title,
                subtitle,
                start_ms: airing.start_ms,
                end_ms: airing.end_ms,
                item: airing.item,
                picture: has_picture.then(|| picture::address(airing.item)),
                shape: if is_episode {
                    Shape::Scene
                } else {
                    Shape::Poster
                },
            }
        };
        Self {
            now: now.map(told),
            next: next.map(told),
        }
    }
}
