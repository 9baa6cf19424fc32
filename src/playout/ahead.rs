//! Opening an item before it is needed, on a task of its own.

use super::Supply;
use super::feed::{Feed, Join, Opening};
use crate::error::{Error, Result};
use crate::media::Profile;
use crate::model::Airing;
use crate::resolver::{Plan, Want};
use crate::schedule::{Fit, Lineup, fit};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// An airing whose item is being opened, or sought through. Dropping it gives up.
pub(super) struct Ahead {
    pub(super) airing: Airing,
    task: JoinHandle<Opened>,
}

/// The item, standing where it is to be joined; `None` where nothing of it is left to be shown.
pub(super) type Opened = Result<Option<Box<Feed>>>;

impl Ahead {
    /// Starts opening `airing`, to be joined at what it shows at `at_ms`.
    pub(super) fn open(
        supply: &Supply,
        lineup: &Arc<Lineup>,
        (airing, plan): (Airing, Plan),
        profile: Profile,
        (at_ms, join): (i64, Join),
    ) -> Self {
        let lineup = Arc::clone(lineup);
        let supply = supply.clone();
        let time_90k = time_90k(&airing, at_ms);
        let task = tokio::spawn(async move {
            let Some(item) = lineup.item(&airing) else {
                return Err(Error::unsupported(
                    "the item",
                    "it is not in the library any more",
                ));
            };
            let catalog = lineup.catalog();
            let language = lineup.wishes().language.as_str();
            let want = Want {
                profile: &profile,
                plan,
                fits: &|tracks| matches!(fit(tracks, &profile, language), Fit::Direct { .. }),
                at_ms: time_90k / 90,
            };
            let source = supply.resolver.resolve(catalog, item, want).await?;
            let opening = Opening {
                part: &item.part,
                source: &source,
                profile: &profile,
                language,
                outlines: &supply.outlines,
            };
            let feed = Feed::open(opening, (time_90k, join)).await;
            let feed = feed.inspect_err(|error| supply.resolver.failed(catalog, item, error))?;
            Ok(feed.map(Box::new))
        });
        Self { airing, task }
    }

    /// Starts going to another place of an open item.
    pub(super) fn seek(mut feed: Box<Feed>, airing: Airing, (at_ms, join): (i64, Join)) -> Self {
        let time_90k = time_90k(&airing, at_ms);
        let task = tokio::spawn(async move {
            let found = feed.go_to(time_90k, join).await?;
            Ok(found.then_some(feed))
        });
        Self { airing, task }
    }

    /// Whether `opened` returns at once.
    pub(super) fn is_done(&self) -> bool {
        self.task.is_finished()
    }

    /// The outcome. Safe to drop and call again until it has returned.
    pub(super) async fn opened(&mut self) -> Opened {
        let broken = |_| Err(Error::unsupported("the item", "opening it was broken off"));
        (&mut self.task).await.unwrap_or_else(broken)
    }
}

fn time_90k(airing: &Airing, at_ms: i64) -> i64 {
    at_ms.saturating_sub(airing.start_ms).saturating_mul(90)
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
