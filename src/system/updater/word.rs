//! What is said to the updater, and what it answers: one line of JSON each.

use crate::system::boot_record::TRIAL_BOOTS;
use crate::system::slot::{Each, Slot};
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ask {
    /// How things are.
    Status,
    /// To write the bundle that follows this line.
    Install {
        /// How long it is, where that is known: one that was cut off is refused before anything is
        /// written then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
    /// To keep the slot that runs: it has proved itself.
    Keep,
    /// To restart the machine.
    Restart,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// How things are.
    Status(Box<Status>),
    /// How far it is. Another line follows.
    Progress(Progress),
    /// A bundle has been written, and is tried at the next start.
    Installed {
        /// Its version.
        installed: String,
    },
    /// The slot that runs is kept.
    Kept {
        /// Which.
        kept: Slot,
    },
    /// The machine restarts.
    Restarting {
        /// True.
        restarting: bool,
    },
    /// It is not done, and nothing was changed.
    Refused {
        /// Why, in a sentence.
        refused: String,
    },
    /// It could not be done. If it was an update, there is no version any more in the slot that does
    /// not run; the one that runs is as it was.
    Failed {
        /// Why, in a sentence.
        failed: String,
    },
}

/// How far a bundle has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes on the card.
    pub written: u64,
    /// Bytes in all.
    pub of: u64,
}

/// How the slots are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The slot that runs.
    pub running: Slot,
    /// Its version.
    pub version: String,
    /// The slot that is tried first at the next start.
    pub order: Slot,
    /// The slot that was written and has not proved itself yet.
    pub trial: Option<Slot>,
    /// Boots that each still has.
    pub left: Each<u8>,
    /// Boots of this card, ever.
    pub boots: u32,
    /// The versions in the slots; `None` where there is none that can be booted.
    pub slots: Each<Option<String>>,
    /// How far a bundle has been written that is being written.
    pub installing: Option<Progress>,
    /// What became of the last update.
    pub last: Option<Last>,
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its version, where that is known.
    pub version: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub why: String,
    /// When; `None` where the date was not known.
    pub at_ms: Option<i64>,
}

/// What may become of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It has proved itself.
    Kept,
    /// It could not be written whole, or it did not prove itself.
    Failed,
    /// It was not taken.
    Refused,
    /// It was kept once, and has gone bad since.
    Left,
}

impl Status {
    /// The version that is tried at the next start.
    #[must_use]
    pub fn waiting(&self) -> Option<&str> {
        let next = self.running.other();
        let waits = self.order == next
            && self.trial == Some(next)
            && *self.left.of(next) >= TRIAL_BOOTS
            && self.installing.is_none();
        let version = self.slots.of(next).as_deref();
        waits.then(|| version.unwrap_or("that was sent"))
    }

    /// Whether the machine would go on with another version if this one were given up.
    #[must_use]
    pub fn can_go_back(&self) -> bool {
        let other = self.running.other();
        *self.left.of(other) > 0 && self.slots.of(other).is_some()
    }
}
