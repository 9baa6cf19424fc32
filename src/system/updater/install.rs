//! Writes a bundle to the slot that does not run, as its bytes come in.
//!
//! Nothing is written before the manifest's signature and the first chunk's hash are right. Then the
//! boot record says that the slot has no boots left, and the slot loses the sector without which it
//! cannot be loaded; the chunk that brings that sector back is held, and written last. So whatever
//! fails, nobody boots a slot that is half written, even where a record would say so.

use super::word::{Answer, Outcome, Progress};
use super::{Updater, held, refused, say};
use crate::error::{self, Error};
use crate::limits;
use crate::system::bundle::{Checked, Refusal, Unpacking};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite};
use tokio::time::{Instant, timeout};

/// Why nothing came of an update.
enum Ended {
    /// Nothing was written.
    Refused(Refusal),
    /// Something was.
    Failed { why: String, version: String },
}

/// An update that is being written.
struct Installation<'a, R, W> {
    updater: &'a Arc<Updater>,
    reader: &'a mut R,
    writer: &'a mut W,
    unpacking: Unpacking,
    told_bytes: Option<u64>,
    read_bytes: u64,
    version: String,
    of: u64,
    /// What the slot begins with, until everything else is written.
    first: Option<Vec<u8>>,
    said: Instant,
}

/// What the next bytes completed.
enum Step {
    Manifest {
        version: String,
        bytes: u64,
    },
    Chunk {
        offset: u64,
        bytes: Vec<u8>,
        is_last: bool,
    },
}

impl Updater {
    /// Writes the bundle that comes out of `reader`, and says to `writer` how far it is. What it
    /// returns is to be said last.
    pub(super) async fn install(
        self: Arc<Self>,
        told_bytes: Option<u64>,
        reader: &mut (impl AsyncBufRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Answer {
        let Ok(_permit) = self.installs.try_acquire() else {
            return refused("Another update is being written at the moment.");
        };
        let mut installation = Installation {
            updater: &self,
            reader,
            writer,
            unpacking: Unpacking::new(self.wishes.rules.clone()),
            told_bytes,
            read_bytes: 0,
            version: String::new(),
            of: 0,
            first: None,
            said: Instant::now(),
        };
        let ended = installation.run().await;
        *held(&self.installing) = None;
        let (answer, outcome, version, why) = match ended {
            Ok(installed) => {
                log::info!("version {installed} is written and is tried at the next start");
                return Answer::Installed { installed };
            }
            Err(Ended::Refused(Refusal { why, version })) => {
                (refused(&why), Outcome::Refused, version, why)
            }
            Err(Ended::Failed { why, version }) => {
                let failed = why.clone();
                (
                    Answer::Failed { failed },
                    Outcome::Failed,
                    Some(version),
                    why,
                )
            }
        };
        log::warn!("an update was not written: {why}");
        let updater = Arc::clone(&self);
        let noted = tokio::task::spawn_blocking(move || updater.remember(outcome, version, &why));
        let _ = noted.await;
        answer
    }
}

impl<R, W> Installation<'_, R, W>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    async fn run(&mut self) -> Result<String, Ended> {
        let Step::Manifest { version, bytes } = self.step().await? else {
            return Err(self.ended("The bundle has no manifest."));
        };
        (self.version, self.of) = (version, bytes);
        self.check_length()?;
        self.check_card().await?;
        loop {
            let Step::Chunk {
                offset,
                bytes,
                is_last,
            } = self.step().await?
            else {
                return Err(self.ended("The bundle has two manifests."));
            };
            if offset == 0 {
                self.begin(bytes).await?;
            } else {
                self.write(offset, bytes).await?;
            }
            if is_last {
                return self.finish().await;
            }
        }
    }

    /// Reads on until something is complete and checked.
    async fn step(&mut self) -> Result<Step, Ended> {
        let patience = Duration::from_millis(limits::UPDATER_SILENT_MS);
        loop {
            let came = match timeout(patience, self.reader.fill_buf()).await {
                Ok(Ok(bytes)) if !bytes.is_empty() => bytes,
                Ok(_) => return Err(self.ended("The bundle broke off.")),
                Err(_) => return Err(self.ended("The bundle stopped coming.")),
            };
            let taken = came.len().min(self.unpacking.wants());
            let pushed = self.unpacking.push(came.get(..taken).unwrap_or_default());
            let step = match pushed {
                Ok(None) => None,
                Ok(Some(Checked::Manifest(manifest))) => Some(Step::Manifest {
                    version: manifest.version.clone(),
                    bytes: manifest.bytes,
                }),
                Ok(Some(Checked::Chunk {
                    offset,
                    bytes,
                    is_last,
                })) => Some(Step::Chunk {
                    offset,
                    bytes,
                    is_last,
                }),
                Err(refusal) if self.first.is_none() => return Err(Ended::Refused(refusal)),
                Err(refusal) => return Err(self.ended(&refusal.why)),
            };
            self.reader.consume(taken);
            let taken = u64::try_from(taken).unwrap_or(u64::MAX);
            self.read_bytes = self.read_bytes.saturating_add(taken);
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// Holds what was told of the bundle's length against its manifest.
    fn check_length(&self) -> Result<(), Ended> {
        let whole = self.read_bytes.saturating_add(self.of);
        match self.told_bytes {
            Some(told) if told < whole => {
                let words = "The bundle is cut off: it has";
                Err(self.ended(&format!("{words} {told} of {whole} bytes.")))
            }
            Some(told) if told > whole => Err(self.ended("Something follows the bundle.")),
            _ => Ok(()),
        }
    }

    /// Sees whether the other slot may be written over now.
    async fn check_card(&mut self) -> Result<(), Ended> {
        let running = self.updater.wishes.running;
        let record = self.on_card(|updater| updater.card.record()).await?;
        if record.may_install(running) {
            return Ok(());
        }
        Err(self.ended(
            "The version that runs has not proved itself yet since it was started, and the other \
             one is what the box would go back to; try again in a few minutes.",
        ))
    }

    /// From here on the other slot cannot be booted.
    async fn begin(&mut self, first: Vec<u8>) -> Result<(), Ended> {
        let running = self.updater.wishes.running;
        log::info!(
            "version {} is written to slot {}",
            self.version,
            running.other()
        );
        self.first = Some(first);
        self.on_card(move |updater| {
            updater
                .card
                .change(|record| record.install_begins(running))?;
            updater.card.spoil(running.other())
        })
        .await?;
        self.tell(0).await
    }

    async fn write(&mut self, offset: u64, bytes: Vec<u8>) -> Result<(), Ended> {
        let idle = self.updater.wishes.running.other();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.on_card(move |updater| updater.card.write(idle, offset, &bytes))
            .await?;
        // The first chunk waits, so that what is written is one chunk less than what has come.
        let first = self.first.as_ref().map_or(0, Vec::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        self.tell(offset.saturating_add(length).saturating_sub(first))
            .await
    }

    async fn finish(&mut self) -> Result<String, Ended> {
        let running = self.updater.wishes.running;
        let first = self.first.clone().unwrap_or_default();
        self.on_card(move |updater| {
            updater.card.write(running.other(), 0, &first)?;
            updater.card.change(|record| record.install_done(running))
        })
        .await?;
        Ok(self.version.clone())
    }

    /// Says how far it is, unless that was said just now. Somebody who does not listen has left.
    async fn tell(&mut self, written: u64) -> Result<(), Ended> {
        let progress = Progress {
            written,
            of: self.of,
        };
        *held(&self.updater.installing) = Some(progress);
        if self.said.elapsed() < Duration::from_millis(limits::UPDATER_PROGRESS_MS) {
            return Ok(());
        }
        self.said = Instant::now();
        if say(self.writer, &Answer::Progress(progress)).await {
            Ok(())
        } else {
            Err(self.ended("Whoever sent the bundle has left."))
        }
    }

    /// Does what waits for the card on a thread that may.
    async fn on_card<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Updater) -> error::Result<T> + Send + 'static,
    ) -> Result<T, Ended> {
        let updater = Arc::clone(self.updater);
        let worked = tokio::task::spawn_blocking(move || work(&updater)).await;
        worked
            .unwrap_or(Err(Error::ShuttingDown))
            .map_err(|error| self.ended(&format!("{error}.")))
    }

    /// The end of it, by whether something was written.
    fn ended(&self, why: &str) -> Ended {
        let (why, version) = (why.to_owned(), self.version.clone());
        if self.first.is_some() {
            Ended::Failed { why, version }
        } else {
            Ended::Refused(Refusal {
                why,
                version: Some(version).filter(|version| !version.is_empty()),
            })
        }
    }
}
