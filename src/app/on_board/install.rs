//! `board install`: a bundle from a file, a drive's for one, to the updater.

use super::UPDATER_SOCKET;
use crate::app::output::{Progress, answer, say};
use crate::error::{Error, Result};
use crate::limits;
use crate::system::bundle::{claimed_version, compare_versions};
use crate::system::updater::{self, Answer, Answers, Ask, Broken, Conversation, Status, pass_on};
use clap::Args;
use std::cmp::Ordering;
use std::fs::File;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(in crate::app) struct Arguments {
    /// The bundle
    file: PathBuf,
    /// Only if it is newer than what runs, and has not been tried in vain
    #[arg(long)]
    newer: bool,
    /// Restart the machine once it is written
    #[arg(long)]
    restart: bool,
    /// Socket of the updater
    #[arg(long, value_name = "PATH", default_value = UPDATER_SOCKET)]
    socket: PathBuf,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { file, socket, .. } = &arguments;
    if arguments.newer
        && let Some(why) = needless(file, &super::status::of(socket).await?)?
    {
        say(format_args!("{}: {why}", file.display()));
        return Ok(());
    }
    let version = install(file, socket).await?;
    answer(format_args!(
        "Version {version} is written and is tried at the next start."
    ))?;
    if !arguments.restart {
        return Ok(());
    }
    match updater::ask(socket, Ask::Restart).await? {
        Answer::Restarting { .. } => Ok(()),
        other => Err(unwanted(other)),
    }
}

/// Why a bundle need not be installed; `None` if it is worth it.
fn needless(file: &Path, status: &Status) -> Result<Option<String>> {
    let opened = File::open(file);
    let opened = opened.map_err(|error| Error::io("open", file.display().to_string(), &error))?;
    // What it claims is only good for leaving it alone: the updater believes what is signed.
    let Some(version) = claimed_version(opened) else {
        return Ok(Some("it is no bundle".to_owned()));
    };
    // A slot that was given up has its version still, and no boots; one that is half written has
    // no version.
    let other = status.running.other();
    let is_there = status.slots.of(other).as_deref() == Some(version.as_str());
    let in_vain = is_there && *status.left.of(other) == 0;
    let here = &status.version;
    Ok(if compare_versions(&version, here) != Ordering::Greater {
        Some(format!("version {version} is not newer than {here}"))
    } else if in_vain {
        Some(format!("version {version} was tried in vain before"))
    } else if status.waiting() == Some(version.as_str()) {
        Some(format!("version {version} is written already"))
    } else {
        None
    })
}

async fn install(file: &Path, socket: &Path) -> Result<String> {
    let name = || file.display().to_string();
    let failed = |error: &std::io::Error| Error::io("read", name(), error);
    let mut opened = tokio::fs::File::open(file)
        .await
        .map_err(|error| failed(&error))?;
    let about = opened.metadata().await.map_err(|error| failed(&error))?;
    let bytes = about.len();
    if bytes > limits::BUNDLE_BYTES {
        return Err(Error::OverLimit {
            what: "length of the bundle in bytes",
            got: bytes,
            limit: limits::BUNDLE_BYTES,
        });
    }
    let Conversation {
        answers,
        mut bundle,
    } = Conversation::begin(socket, Ask::Install { bytes: Some(bytes) }).await?;
    let mut told = Box::pin(followed(answers));
    let mut sent = Box::pin(pass_on(&mut opened, &mut bundle, bytes));
    tokio::select! {
        told = &mut told => return told,
        sent = &mut sent => match sent {
            Ok(()) | Err(Broken::Updater) => {}
            Err(Broken::Source(error)) => return Err(failed(&error)),
        },
    }
    told.await
}

/// Shows how far the updater is, and gives the version that it has written.
async fn followed(mut answers: Answers) -> Result<String> {
    let mut shown = Progress::new();
    loop {
        match answers.next().await? {
            Answer::Progress(progress) => {
                let percent = progress.written.saturating_mul(100) / progress.of.max(1);
                shown.show(format_args!("{percent} % of {} bytes", progress.of));
            }
            Answer::Installed { installed } => return Ok(installed),
            other => return Err(unwanted(other)),
        }
    }
}

/// What the updater said instead of doing it.
fn unwanted(answer: Answer) -> Error {
    let why = match answer {
        Answer::Refused { refused } => refused,
        Answer::Failed { failed } => failed,
        _ => "it answers something else.".to_owned(),
    };
    let why = why.trim_end_matches('.').to_owned();
    Error::invalid("the updater", why)
}
