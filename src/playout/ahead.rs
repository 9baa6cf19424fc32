//! Opening an item before it is needed, on a task of its own.

use super::feed::Feed;
use crate::error::{Error, Result};
use crate::limits;
use crate::media::Profile;
use crate::model::Airing;
use crate::resolver::resolve;
use crate::schedule::Lineup;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// An airing whose item is being opened. Dropping it gives up.
pub(super) struct Ahead {
    pub(super) airing: Airing,
    task: JoinHandle<Result<Feed>>,
}

impl Ahead {
    /// Starts opening `airing`, at what it shows at `at_ms`.
    pub(super) fn open(lineup: &Arc<Lineup>, airing: Airing, profile: Profile, at_ms: i64) -> Self {
        let lineup = Arc::clone(lineup);
        let time_90k = at_ms.saturating_sub(airing.start_ms).saturating_mul(90);
        let task = tokio::spawn(async move {
            let Some(item) = lineup.item(&airing) else {
                return Err(Error::unsupported(
                    "the item",
                    "it is not in the library any more",
                ));
            };
            let source = resolve(item)?;
            Feed::open(&source, &profile, &lineup.wishes().language, time_90k).await
        });
        Self { airing, task }
    }

    /// The opened item; `None` if it takes longer than a viewer's lead can cover. Ask again then.
    pub(super) async fn ready(&mut self) -> Option<Result<Feed>> {
        let patience = Duration::from_millis(limits::OPEN_PATIENCE_MS);
        match timeout(patience, &mut self.task).await {
            Ok(Ok(opened)) => Some(opened),
            Ok(Err(_)) => Some(Err(Error::unsupported(
                "the item",
                "opening it was broken off",
            ))),
            Err(_) => None,
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
