//! The backup of each day, made by the running box: once the date is known, and only of what has
//! changed. One that fails is a sentence in the log; the next look tries again.

use super::running::Running;
use crate::clock::{Clock, stamp};
use crate::error::Result;
use crate::limits;
use crate::store::Store;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Makes backups until the box stops.
pub(super) async fn run(running: &Running) {
    let first = Instant::now() + Duration::from_millis(limits::BACKUP_FIRST_MS);
    let mut look = interval_at(first, Duration::from_millis(limits::BACKUP_LOOK_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut done = None;
    loop {
        look.tick().await;
        match run_once(running.store(), running.house.clock.as_ref(), &mut done).await {
            Ok(Some(made)) => log::info!("backup {} was made", made.display()),
            Ok(None) => {}
            Err(error) => log::warn!("no backup was made: {error}"),
        }
    }
}

/// Makes the backup of this day, if the day is known and was not `done`.
async fn run_once(
    store: &Store,
    clock: &dyn Clock,
    done: &mut Option<String>,
) -> Result<Option<PathBuf>> {
    if !clock.is_known() {
        return Ok(None);
    }
    let stamp = stamp(clock.epoch_ms());
    let day = stamp.get(..10).unwrap_or_default();
    if done.as_deref() == Some(day) {
        return Ok(None);
    }
    let made = store.back_up(day).await?;
    *done = Some(day.to_owned());
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::run_once;
    use crate::clock::Clock;
    use crate::store::Store;

    /// A clock that stands.
    struct Standing(i64, bool);

    impl Clock for Standing {
        fn epoch_ms(&self) -> i64 {
            self.0
        }

        fn is_known(&self) -> bool {
            self.1
        }
    }

    const NIGHT_MS: i64 = 1_795_564_799_000;

    #[tokio::test]
    async fn a_day_has_one_backup_and_one_that_is_not_known_has_none() {
        let state = tempfile::tempdir().unwrap();
        let store = Store::open(state.path()).await.unwrap();
        let mut done = None;
        let mut at = async |clock: Standing| {
            let made = run_once(&store, &clock, &mut done).await.unwrap();
            store
                .set_setting("now", &clock.0.to_string())
                .await
                .unwrap();
            made.map(|made| made.file_name().unwrap().to_owned())
        };
        assert_eq!(at(Standing(NIGHT_MS, false)).await, None);
        assert!(!state.path().join("backups").exists());
        let first = at(Standing(NIGHT_MS, true)).await.unwrap();
        assert_eq!(first, "2026-11-24.db");
        assert_eq!(at(Standing(NIGHT_MS + 999, true)).await, None);
        let next = at(Standing(NIGHT_MS + 1_000, true)).await.unwrap();
        assert_eq!(next, "2026-11-25.db");
    }
}
