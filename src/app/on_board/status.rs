//! `board status`: what is on the card.

use super::UPDATER_SOCKET;
use crate::app::output::answer;
use crate::error::{Error, Result};
use crate::system::slot::Slot;
use crate::system::updater::{self, Answer, Ask, Outcome, Status};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(in crate::app) struct Arguments {
    /// Socket of the updater
    #[arg(long, value_name = "PATH", default_value = UPDATER_SOCKET)]
    socket: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let status = of(&arguments.socket).await?;
    if arguments.json {
        return answer(json!(status));
    }
    for slot in Slot::ALL {
        answer(sentence(&status, slot))?;
    }
    match &status.last {
        Some(last) => answer(format_args!(
            "The last update, to {}, was {}: {}",
            last.version.as_deref().unwrap_or("an unknown version"),
            match last.outcome {
                Outcome::Kept => "kept",
                Outcome::Failed => "given up",
                Outcome::Refused => "refused",
                Outcome::Left => "left",
            },
            last.why
        )),
        None => Ok(()),
    }
}

/// Asks the updater how things are.
pub(super) async fn of(socket: &Path) -> Result<Status> {
    match updater::ask(socket, Ask::Status).await? {
        Answer::Status(status) => Ok(*status),
        _ => Err(Error::invalid("the updater", "it answers something else")),
    }
}

fn sentence(status: &Status, slot: Slot) -> String {
    let version = status.slots.of(slot).as_deref().unwrap_or("nothing");
    let left = status.left.of(slot);
    let runs = if status.running == slot { ", runs" } else { "" };
    let first = if status.order == slot {
        ", tried first"
    } else {
        ""
    };
    let trial = if status.trial == Some(slot) {
        ", on trial"
    } else {
        ""
    };
    format!("slot {slot}: {version}, {left} boots left{runs}{first}{trial}")
}
