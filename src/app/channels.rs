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
    show(
        speak.json,
        &channels,
        "no channel yet; `exstreamtv channels suggest` makes some of what the libraries hold",
    )
}

async fn suggest(speak: Speak) -> Result<()> {
    let channels = Control::of(speak.state)?
        .get("/api/channels/suggestion")
        .await?;
    show(speak.json, &channels, "nothing to suggest")?;
    if !speak.json && !rows(&channels).is_empty() {
        say("nothing is changed yet; --apply adds them");
    }
    Ok(())
}

async fn apply(speak: Speak) -> Result<()> {
    let control = Control::of(speak.state)?;
    let channels = control
        .post("/api/channels/suggestion", &Value::Null)
        .await?;
    show(speak.json, &channels, "nothing to add")
}

fn rows(channels: &Value) -> &[Value] {
    channels.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn show(json: bool, channels: &Value, none: &str) -> Result<()> {
    if json {
        return answer(channels);
    }
    let channels = rows(channels);
    if channels.is_empty() {
        return answer(none);
    }
    let mut table = Table::new(&["NUMBER", "NAME", "ITEMS", "NOW"]);
    for channel in channels {
        let now = channel.get("now").map(|now| field(now, "title"));
        let cells = ["number", "name", "items"].map(|name| field(channel, name));
        table.row(cells.into_iter().chain(now));
    }
    answer(table)
}
