//! `channels`: the channels of the running box.

use super::arguments::{Channels, Speak};
use super::control::Control;
use super::field;
use super::output::{answer, say};
use super::table::Table;
use crate::error::Result;
use serde_json::Value;

pub(super) async fn run(command: Channels) -> Result<()> {
    match command {
        Channels::List(speak) => list(speak).await,
        Channels::Suggest {
            apply: false,
            speak,
        } => suggest(speak).await,
        Channels::Suggest { apply: true, speak } => apply(speak).await,
    }
}

async fn list(speak: Speak) -> Result<()> {
    let channels = Control::of(speak.state)?.get("/api/channels").await?;
    if speak.json {
        return answer(channels);
    }
    let mut table = Table::new(&["NUMBER", "NAME", "ITEMS", "NOW"]);
    for channel in rows(&channels) {
        let now = channel.get("now").map(|now| field(now, "title"));
        table.row(about(channel).into_iter().chain(now));
    }
    show(
        &channels,
        &table,
        "no channel yet; `exstreamtv channels suggest` makes some of what the libraries hold",
    )
}

async fn suggest(speak: Speak) -> Result<()> {
    let channels = Control::of(speak.state)?
        .get("/api/channels/suggestion")
        .await?;
    if speak.json {
        return answer(channels);
    }
    show(&channels, &new(&channels), "nothing to suggest")?;
    if !rows(&channels).is_empty() {
        say("nothing is changed yet; --apply adds them");
    }
    Ok(())
}

async fn apply(speak: Speak) -> Result<()> {
    let control = Control::of(speak.state)?;
    let channels = control
        .post("/api/channels/suggestion", &Value::Null)
        .await?;
    if speak.json {
        return answer(channels);
    }
    show(&channels, &new(&channels), "nothing to add")
}

fn rows(channels: &Value) -> &[Value] {
    channels.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The columns that all channels have.
fn about(channel: &Value) -> [String; 3] {
    ["number", "name", "items"].map(|name| field(channel, name))
}

/// Channels that are not on air yet.
fn new(channels: &Value) -> Table {
    let mut table = Table::new(&["NUMBER", "NAME", "ITEMS"]);
    for channel in rows(channels) {
        table.row(about(channel));
    }
    table
}

fn show(channels: &Value, table: &Table, none: &str) -> Result<()> {
    if rows(channels).is_empty() {
        answer(none)
    } else {
        answer(table)
    }
}
