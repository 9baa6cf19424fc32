//! The updater: the one process that writes to the card below the file systems. It runs as root,
//! does as it is told over a Unix socket, and ends when nobody has told it anything for a while.
//!
//! Whoever may open its socket may have a signed bundle written to the slot that does not run, may
//! have the running slot kept, and may have the machine restarted; nothing else. It never touches
//! the slot that runs.

mod client;
mod install;
mod line;
mod word;

pub use client::{Answers, Broken, Conversation, ask, pass_on};
pub use word::{Answer, Ask, Last, Outcome, Progress, Status};

use super::boot_record::{BootRecord, Failed};
use super::bundle::Rules;
use super::card::Card;
use super::slot::{Each, Slot};
use super::whole_file;
use crate::clock::{BUILT_MS, Clock, SystemClock};
use crate::error::{Error, Result};
use crate::limits;
use crate::shutdown::Shutdown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_buf, sink};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// File in the updater's folder that says what became of the last update.
const LAST: &str = "last.json";

/// What an updater is about.
#[derive(Debug)]
pub struct Wishes {
    /// The slot that runs.
    pub running: Slot,
    /// The version of this program, for a slot that does not say which it has.
    pub version: &'static str,
    /// Which bundles are taken.
    pub rules: Rules,
    /// Its own folder, which is there.
    pub folder: PathBuf,
    /// What restarts the machine, and its arguments.
    pub restart: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Updater {
    card: Card,
    wishes: Wishes,
    last: Mutex<Option<Last>>,
    installing: Mutex<Option<Progress>>,
    installs: Semaphore,
}

/// When an updater ends that nobody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// After a while: its socket starts it again.
    Short,
    /// Never.
    Endless,
}

impl Updater {
    /// Takes a card over, and finds out whether the other slot has failed since.
    ///
    /// # Errors
    /// Where the card cannot be read or written.
    pub fn new(card: Card, wishes: Wishes) -> Result<Self> {
        let last = std::fs::read(wishes.folder.join(LAST)).ok();
        let last = last.and_then(|text| serde_json::from_slice(&text).ok());
        let updater = Self {
            card,
            wishes,
            last: Mutex::new(last),
            installing: Mutex::new(None),
            installs: Semaphore::new(1),
        };
        updater.look_at_the_other_slot()?;
        Ok(updater)
    }

    fn look_at_the_other_slot(&self) -> Result<()> {
        let running = self.wishes.running;
        let (failed, _) = self.card.change(|record| record.found_failed(running))?;
        let Some(failed) = failed else {
            return Ok(());
        };
        let version = self.version_in(running.other());
        let here = self.version();
        let (outcome, why) = match failed {
            Failed::Trial => (Outcome::Failed, "It did not prove itself when it was tried"),
            Failed::Kept => (Outcome::Left, "It does not start as it should any more"),
        };
        let why = format!("{why}, so the box went back to version {here}.");
        log::warn!("slot {} was given up: {why}", running.other());
        self.remember(outcome, version, &why);
        Ok(())
    }

    /// Answers whoever comes, until the box stops or nobody has come for a while.
    pub async fn serve(
        self: Arc<Self>,
        listener: UnixListener,
        patience: Patience,
        mut shutdown: Shutdown,
    ) {
        let mut open = JoinSet::new();
        loop {
            let is_alone = open.is_empty();
            let idle = async {
                match patience {
                    Patience::Short if is_alone => {
                        sleep(Duration::from_millis(limits::UPDATER_IDLE_MS)).await;
                    }
                    _ => std::future::pending().await,
                }
            };
            let accepted = tokio::select! {
                () = shutdown.stopped() => return,
                () = idle => return,
                Some(_) = open.join_next(), if !is_alone => continue,
                accepted = listener.accept(), if open.len() < limits::UPDATER_CONNECTIONS => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let updater = Arc::clone(&self);
                    open.spawn(async move { updater.converse(stream).await });
                }
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
                }
            }
        }
    }

    /// Does what one connection asks.
    async fn converse(self: Arc<Self>, mut stream: UnixStream) {
        let (reader, mut writer) = stream.split();
        let mut reader = BufReader::with_capacity(limits::UPDATE_PIECE_BYTES, reader);
        let asked = match line::read(&mut reader).await {
            Ok(Some(line)) => serde_json::from_str::<Ask>(&line),
            // Who says nothing needs no answer.
            Ok(None) | Err(_) => return,
        };
        let answer = match asked {
            Ok(Ask::Status) => self.clone().on_a_thread(Self::status).await,
            Ok(Ask::Install { bytes }) => {
                Arc::clone(&self)
                    .install(bytes, &mut reader, &mut writer)
                    .await
            }
            Ok(Ask::Keep) => self.clone().on_a_thread(Self::keep).await,
            Ok(Ask::Restart) if self.installs.available_permits() == 0 => {
                refused("An update is being written; the box restarts after that.")
            }
            Ok(Ask::Restart) => Answer::Restarting { restarting: true },
            Err(error) => refused(&format!("This is not understood: {error}.")),
        };
        say(&mut writer, &answer).await;
        let _ = writer.shutdown().await;
        if matches!(answer, Answer::Refused { .. } | Answer::Failed { .. }) {
            // Hanging up on a bundle that still comes would take the answer from its sender.
            let patience = Duration::from_millis(limits::UPDATER_LINGER_MS);
            let mut rest = reader.take(limits::BUNDLE_BYTES);
            let _ = timeout(patience, copy_buf(&mut rest, &mut sink())).await;
        }
        if matches!(answer, Answer::Restarting { .. }) {
            self.restart().await;
        }
    }

    /// How things are.
    fn status(&self) -> Result<Answer> {
        let record = self.card.record()?;
        let BootRecord {
            order,
            trial,
            left,
            boots,
            ..
        } = record;
        Ok(Answer::Status(Box::new(Status {
            running: self.wishes.running,
            version: self.version(),
            order,
            trial,
            left,
            boots,
            slots: Each {
                a: self.version_in(Slot::A),
                b: self.version_in(Slot::B),
            },
            installing: *held(&self.installing),
            last: held(&self.last).clone(),
        })))
    }

    /// Keeps the slot that runs.
    fn keep(&self) -> Result<Answer> {
        let running = self.wishes.running;
        let (was_on_trial, _) = self.card.change(|record| {
            let was_on_trial = record.trial == Some(running);
            record.healthy(running);
            was_on_trial
        })?;
        if was_on_trial {
            let version = Some(self.version());
            self.remember(Outcome::Kept, version, "It has proved itself.");
        }
        Ok(Answer::Kept { kept: running })
    }

    async fn restart(&self) {
        log::info!("the machine restarts");
        let words = self.wishes.restart.clone();
        let work = tokio::task::spawn_blocking(move || {
            let (program, arguments) = words.split_first()?;
            Some(Command::new(program).args(arguments).status())
        });
        match work.await {
            Ok(Some(Ok(status))) if status.success() => {}
            Ok(Some(Ok(status))) => log::error!("the machine does not restart: {status}"),
            Ok(Some(Err(error))) => log::error!("the machine does not restart: {error}"),
            Ok(None) | Err(_) => log::error!("nothing is known that restarts the machine"),
        }
    }

    /// What waits for the disk, on a thread that may.
    async fn on_a_thread(
        self: Arc<Self>,
        work: impl FnOnce(&Self) -> Result<Answer> + Send + 'static,
    ) -> Answer {
        let worked = tokio::task::spawn_blocking(move || work(&self)).await;
        worked
            .unwrap_or(Err(Error::ShuttingDown))
            .unwrap_or_else(|error| Answer::Failed {
                failed: format!("{error}."),
            })
    }

    /// The version that runs.
    fn version(&self) -> String {
        let noted = self.version_in(self.wishes.running);
        noted.unwrap_or_else(|| self.wishes.version.to_owned())
    }

    fn version_in(&self, slot: Slot) -> Option<String> {
        self.card.note(slot).map(|note| note.version)
    }

    /// Keeps what became of an update. It is for people to read: where it cannot be written the box
    /// goes on without.
    fn remember(&self, outcome: Outcome, version: Option<String>, why: &str) {
        let last = Last {
            version,
            outcome,
            why: why.to_owned(),
            at_ms: Some(SystemClock.epoch_ms()).filter(|at_ms| *at_ms >= BUILT_MS),
        };
        let text = serde_json::to_vec(&last).unwrap_or_default();
        let file = self.wishes.folder.join(LAST);
        if let Err(error) = whole_file::write(&file, &text, 0o644) {
            log::warn!("{}: {error}", file.display());
        }
        *held(&self.last) = Some(last);
    }
}

/// Makes the updater's own folder where it is missing.
///
/// # Errors
/// Where it cannot be made.
pub fn make_folder(folder: &Path) -> Result<()> {
    let made = std::fs::create_dir_all(folder);
    made.map_err(|error| Error::io("make the folder", folder.display().to_string(), &error))
}

/// Says one line. There is nobody to tell where that fails.
async fn say(writer: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> bool {
    let Ok(mut words) = serde_json::to_vec(answer) else {
        return false;
    };
    words.push(b'\n');
    let patience = Duration::from_millis(limits::UPDATER_SILENT_MS);
    matches!(
        timeout(patience, writer.write_all(&words)).await,
        Ok(Ok(()))
    )
}

fn refused(why: &str) -> Answer {
    Answer::Refused {
        refused: why.to_owned(),
    }
}

/// What is held for a moment. Whoever panicked meanwhile has left a whole value.
fn held<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
