//! The service manager's notification protocol (`sd_notify(3)`): that the box is ready, how it is,
//! that it stops, and the beats of the watchdog.
//!
//! Without `NOTIFY_SOCKET` in the environment there is nobody to tell, and nothing of this runs.
//! When a beat is due is not decided here, nor whether the box deserves it.

use sd_notify::NotifyState;
use std::time::Duration;

/// The way to the service manager that has started the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceManager {
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names, if it does.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let watchdog = sd_notify::watchdog_enabled();
        Some(Self {
            watchdog: watchdog.filter(|time| !time.is_zero()),
        })
    }

    /// How long it waits for a beat before it takes the box for hung (`WATCHDOG_USEC`); `None`
    /// where it waits for none.
    #[must_use]
    pub fn watchdog(self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it that the box serves now.
    pub async fn ready(self, status: String) {
        tell(vec![Word::Ready, Word::Status(status)]).await;
    }

    /// Tells it how the box is, in a sentence.
    pub async fn status(self, status: String) {
        tell(vec![Word::Status(status)]).await;
    }

    /// The same, with a beat for the watchdog.
    pub async fn beat(self, status: String) {
        tell(vec![Word::Beat, Word::Status(status)]).await;
    }

    /// Tells it that the box stops.
    pub async fn stopping(self) {
        tell(vec![Word::Stopping]).await;
    }
}

/// What can be told.
enum Word {
    Ready,
    Beat,
    Status(String),
    Stopping,
}

/// Says it on a thread that may wait: the manager's socket may be full.
async fn tell(words: Vec<Word>) {
    let say = move || {
        let states: Vec<_> = words.iter().map(Word::state).collect();
        sd_notify::notify(&states)
    };
    // An error of the thread means that the box ends.
    if let Ok(Err(error)) = tokio::task::spawn_blocking(say).await {
        log::warn!("the service manager is not told: {error}");
    }
}

impl Word {
    fn state(&self) -> NotifyState<'_> {
        match self {
            Self::Ready => NotifyState::Ready,
            Self::Beat => NotifyState::Watchdog,
            Self::Status(sentence) => NotifyState::Status(sentence),
            Self::Stopping => NotifyState::Stopping,
        }
    }
}
