//! Linking the box to the owner's account: one code at a time, shown to whoever asks, until plex.tv
//! says that it was typed.
//!
//! [`Linking::run`] is a task; it does nothing until somebody wants a code. A code that has run out
//! is not replaced unless it is wanted again, so that a page left open does not keep plex.tv busy.

use super::{Account, Pin, PinState, Result, Servers};
use crate::limits;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// How often plex.tv is asked what became of a code.
const ASK_EVERY: Duration = Duration::from_millis(limits::PLEX_PIN_MS);
/// Not before this are failures followed by another try.
const CALM: Duration = Duration::from_secs(10);

/// How far the linking has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "linking")]
pub enum Stage {
    /// Nobody has asked for it.
    #[default]
    Idle,
    /// A code is being fetched.
    Beginning,
    /// The owner types this.
    Code {
        /// Four characters, for `https://plex.tv/link`.
        code: String,
        /// What can be opened instead of typing, where there is one.
        form: Option<String>,
    },
    /// It is done.
    Linked,
    /// It failed, or the code has run out.
    Failed {
        /// Why, in words.
        why: String,
    },
}

/// One time that it is tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempt {
    /// Counted from 1; 0 while nobody has asked for any.
    pub number: u64,
    /// How far it has come.
    pub stage: Stage,
}

/// The one linking that there is.
#[derive(Debug)]
pub struct Linking {
    servers: Arc<Servers>,
    attempt_tx: watch::Sender<Attempt>,
    wanted: Notify,
}

impl Linking {
    /// Nothing has been asked for yet.
    #[must_use]
    pub fn new(servers: Arc<Servers>) -> Self {
        Self {
            servers,
            attempt_tx: watch::Sender::new(Attempt::default()),
            wanted: Notify::new(),
        }
    }

    /// The servers that are linked to.
    #[must_use]
    pub fn servers(&self) -> &Arc<Servers> {
        &self.servers
    }

    /// Asks for a code, if there is none; tells which attempt it comes with.
    pub fn want(&self) -> u64 {
        let attempt = self.attempt_tx.borrow();
        if matches!(attempt.stage, Stage::Beginning | Stage::Code { .. }) {
            return attempt.number;
        }
        self.wanted.notify_one();
        attempt.number.saturating_add(1)
    }

    /// The last attempt as it is now.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        self.attempt_tx.borrow().clone()
    }

    fn tell(&self, stage: Stage) {
        self.attempt_tx.send_modify(|attempt| attempt.stage = stage);
    }

    /// Links whenever that is wanted, until the box stops.
    pub async fn run(&self, mut shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.stopped() => return,
                () = self.wanted.notified() => {}
            }
            let stage = tokio::select! {
                () = shutdown.stopped() => return,
                stage = self.link() => stage,
            };
            let failed = matches!(stage, Stage::Failed { .. });
            self.tell(stage);
            if failed {
                tokio::select! {
                    () = shutdown.stopped() => return,
                    () = sleep(CALM) => {}
                }
            }
        }
    }

    /// Links once.
    async fn link(&self) -> Stage {
        self.attempt_tx.send_modify(|attempt| {
            attempt.number = attempt.number.saturating_add(1);
            attempt.stage = Stage::Beginning;
        });
        let begun = async {
            let account = self.servers.account()?;
            let pin = account.begin_link(None).await?;
            Ok((account, pin))
        };
        let begun: Result<(Account, Pin)> = begun.await;
        let (account, pin) = match begun {
            Ok(begun) => begun,
            Err(trouble) => return failed(&trouble),
        };
        self.tell(Stage::Code {
            code: pin.code.clone(),
            form: pin.form.as_ref().map(|form| form.url.clone()),
        });
        match typed(&account, &pin).await {
            PinState::Linked(token) => match self.servers.link_account(&token).await {
                Ok(_) => Stage::Linked,
                Err(error) => failed(&error),
            },
            PinState::Pending | PinState::Expired => {
                failed(&"the code has run out; ask for another one")
            }
        }
    }
}

fn failed(why: &impl ToString) -> Stage {
    Stage::Failed {
        why: why.to_string(),
    }
}

/// Asks until something became of a code.
async fn typed(account: &Account, pin: &Pin) -> PinState {
    loop {
        match account.poll(pin).await {
            PinState::Pending => sleep(ASK_EVERY).await,
            state => return state,
        }
    }
}
