//! Linking the box to the owner's account: one code at a time, shown to whoever asks, until plex.tv
//! says that it was typed.
//!
//! [`Linking::run`] is a task; it does nothing until somebody wants a code. A code that has run out
//! is not replaced unless it is wanted again.

use super::{Account, Pin, PinState, Result, Secret, Servers};
use crate::limits;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How often plex.tv is asked what became of a code.
const ASK_EVERY: Duration = Duration::from_millis(limits::PLEX_PIN_MS);
/// How often plex.tv is asked for the servers of an account that was just signed in to.
const CHANCES: u32 = 5;
/// Not before this are failures followed by another try.
const CALM: Duration = Duration::from_secs(10);

/// How far the linking has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// It failed, or the code has run out; why, in words.
    Failed(String),
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
}

impl Linking {
    /// Nothing has been asked for yet.
    #[must_use]
    pub fn new(servers: Arc<Servers>) -> Self {
        Self {
            servers,
            attempt_tx: watch::Sender::new(Attempt::default()),
        }
    }

    /// The servers that are linked to.
    #[must_use]
    pub fn servers(&self) -> &Arc<Servers> {
        &self.servers
    }

    /// Asks for a code, if there is none; tells which attempt it comes with.
    pub fn want(&self) -> u64 {
        self.attempt_tx.send_if_modified(|attempt| {
            let is_new = !matches!(attempt.stage, Stage::Beginning | Stage::Code { .. });
            if is_new {
                attempt.number = attempt.number.saturating_add(1);
                attempt.stage = Stage::Beginning;
            }
            is_new
        });
        self.attempt_tx.borrow().number
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
        tokio::select! {
            () = shutdown.stopped() => {}
            () = self.link_for_ever() => {}
        }
    }

    async fn link_for_ever(&self) {
        let mut attempt_rx = self.attempt_tx.subscribe();
        let is_wanted = |attempt: &Attempt| attempt.stage == Stage::Beginning;
        while attempt_rx.wait_for(is_wanted).await.is_ok() {
            let stage = self.link().await;
            let failed = matches!(stage, Stage::Failed(_));
            self.tell(stage);
            if failed {
                sleep(CALM).await;
            }
        }
    }

    /// Links once.
    async fn link(&self) -> Stage {
        let begun = async {
            let account = self.servers.account()?;
            let pin = account.begin_link(None).await?;
            Ok((account, pin))
        };
        let begun: Result<(Account, Pin)> = begun.await;
        let (account, pin) = match begun {
            Ok(begun) => begun,
            Err(trouble) => return Stage::Failed(trouble.to_string()),
        };
        self.tell(Stage::Code {
            code: pin.code.clone(),
            form: pin.form.as_ref().map(|form| form.url.clone()),
        });
        match typed(&account, &pin).await {
            PinState::Linked(token) => self.adopt(&token).await,
            PinState::Pending | PinState::Expired => {
                Stage::Failed("the code has run out; ask for another one".to_owned())
            }
        }
    }
}

impl Linking {
    /// Takes the account that the owner has signed in to. The code is used up, so that plex.tv is
    /// given a few chances to list its servers.
    async fn adopt(&self, token: &Secret) -> Stage {
        let mut why = String::new();
        for _ in 0..CHANCES {
            match self.servers.link_account(token).await {
                Ok(_) => return Stage::Linked,
                Err(error) => why = error.to_string(),
            }
            sleep(ASK_EVERY).await;
        }
        Stage::Failed(why)
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
