//! Changes to the owner's things, for the control socket alone.

use super::House;
use super::answer::{Answer, Kind, Sharing, raw_head};
use super::connection::write_in_time;
use super::head::{Head, Method};
use super::{backup, plex};
use crate::catalog::sync::Report;
use crate::error::Error;
use crate::limits;
use crate::model::{ChannelNumber, Library, LibraryId, NewChannel};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncWrite;
use tokio::sync::watch;

/// `POST /api/libraries`: a folder by its path, or a section of a Plex server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLibrary {
    #[serde(default)]
    kind: LibraryKind,
    path: Option<PathBuf>,
    server: Option<String>,
    section: Option<String>,
    name: Option<String>,
}

/// What a library may be.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LibraryKind {
    #[default]
    Folder,
    Plex,
}

/// Makes a change; `None` for an address that changes nothing.
pub(super) async fn change(house: &House, head: &Head, body: Incoming) -> Option<Answer> {
    let done = match (head.method, head.path.as_str()) {
        (Method::Post, "/api/libraries") => add_library(house, body).await,
        (Method::Post, "/api/plex/link") => plex::link(house, body).await,
        (Method::Post, "/api/store/restore") => backup::restore(house, head, body).await,
        (Method::Post, "/api/channels") => add_channel(house, body).await,
        (Method::Post, "/api/channels/suggestion") => add_suggestion(house).await,
        (Method::Delete, path) => {
            let number = path.strip_prefix("/api/channels/")?;
            remove_channel(house, number).await
        }
        _ => return None,
    };
    if done.is_ok() {
        house.settled().await;
    }
    Some(done.unwrap_or_else(|refused| refused))
}

/// What only the owner may read; `None` for everything else.
pub(super) async fn read(house: &House, head: &Head) -> Option<Answer> {
    let read = match head.path.as_str() {
        "/api/channels/suggestion" => suggestion(house).await.map(|new| Answer::json(&new)),
        "/api/plex/sections" => plex::sections(house).await,
        "/api/store/check" => Ok(check_store(house).await),
        _ => return None,
    };
    Some(read.unwrap_or_else(|refused| refused))
}

/// Whether what is kept is whole; where it is not, 503 and why.
async fn check_store(house: &House) -> Answer {
    match house.librarian.check().await {
        Ok(()) => Answer::json(&json!({ "whole": true })),
        Err(error) => Answer::json_with(503, &json!({ "whole": false, "why": error.to_string() })),
    }
}

async fn add_library(house: &House, body: Incoming) -> Result<Answer, Answer> {
    let asked: NewLibrary = parsed(body).await?;
    let (librarian, name) = (&house.librarian, asked.name.as_deref());
    let added = match (asked.kind, asked.path, asked.server.zip(asked.section)) {
        (LibraryKind::Folder, Some(path), None) => librarian.add_folder(&path, name).await,
        (LibraryKind::Plex, None, Some((server, section))) => {
            librarian.add_section((&server, &section), name).await
        }
        _ => {
            let words = "A folder has a path; a section of Plex has a server and a section.";
            return Err(Answer::words(400, words));
        }
    };
    let library = added.map_err(|error| refused(&error))?;
    Ok(Answer::json_with(201, &library))
}

async fn add_channel(house: &House, body: Incoming) -> Result<Answer, Answer> {
    let channel: NewChannel = parsed(body).await?;
    add_channels(house, vec![channel]).await
}

async fn suggestion(house: &House) -> Result<Vec<NewChannel>, Answer> {
    house.suggestion().await.map_err(|error| refused(&error))
}

async fn add_suggestion(house: &House) -> Result<Answer, Answer> {
    let channels = suggestion(house).await?;
    add_channels(house, channels).await
}

async fn add_channels(house: &House, channels: Vec<NewChannel>) -> Result<Answer, Answer> {
    let answer = Answer::json_with(201, &channels);
    house
        .librarian
        .add_channels(channels)
        .await
        .map_err(|error| refused(&error))?;
    Ok(answer)
}

async fn remove_channel(house: &House, number: &str) -> Result<Answer, Answer> {
    let number: ChannelNumber = number.parse().map_err(|error| refused(&error))?;
    let catalog = Arc::clone(&house.librarian.catalog().borrow());
    if catalog.channels().iter().all(|one| one.number != number) {
        return Err(Answer::words(
            404,
            &format!("There is no channel {number}."),
        ));
    }
    house
        .librarian
        .remove_channel(number)
        .await
        .map_err(|error| refused(&error))?;
    Ok(Answer::done())
}

/// A body of JSON, bounded.
pub(super) async fn parsed<T: DeserializeOwned>(body: Incoming) -> Result<T, Answer> {
    let body: Bytes = Limited::new(body, limits::HTTP_BODY_BYTES)
        .collect()
        .await
        .map_err(|error| Answer::words(400, &format!("The request's body is not read: {error}.")))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|error| Answer::words(400, &format!("{error}.")))
}

/// What went wrong, with the status that says whose fault it is.
pub(super) fn refused(error: &Error) -> Answer {
    let status = match error {
        Error::Invalid { .. } | Error::OverLimit { .. } | Error::Io { .. } => 400,
        // Another server is in the way.
        Error::Source { .. } => 502,
        Error::ShuttingDown => 503,
        _ => 500,
    };
    Answer::words(status, &format!("{error}."))
}

/// `POST /api/sync`: how far it is, a line of JSON at a time; what it did in the last, or why it
/// failed. A client that leaves stops the sync; what was found until then is kept.
pub(super) async fn sync<W>(house: &House, writer: &mut W)
where
    W: AsyncWrite + Unpin,
{
    let now_ms = house.now_ms();
    let head = raw_head(200, Kind::JsonLines, None, Sharing::SameSite, &[], now_ms);
    if write_in_time(writer, head.as_bytes()).await.is_err() {
        return;
    }
    let last = match told_on_the_way(house, writer).await {
        Ok(Ok(reports)) => told(&reports),
        Ok(Err(error)) => json!({ "error": error.to_string() }),
        Err(_) => {
            log::info!("a sync was broken off");
            if let Err(error) = house.librarian.refresh().await {
                log::warn!("what it found is not shown yet: {error}");
            }
            return;
        }
    };
    house.settled().await;
    let _ = write_in_time(writer, line(&last).as_bytes()).await;
}

/// What became of each library.
type Reports = Vec<(Library, Result<Report, Error>)>;

/// Syncs, and tells how far it is as fast as the client reads. The outer error is a client that
/// has left.
async fn told_on_the_way<W>(house: &House, writer: &mut W) -> io::Result<Result<Reports, Error>>
where
    W: AsyncWrite + Unpin,
{
    // Only the newest progress is kept.
    let (line_tx, mut line_rx) = watch::channel(String::new());
    let mut work = Box::pin(house.librarian.sync(house.now_ms(), |library, progress| {
        line_tx.send_replace(line(&json!({
            "library": library.name,
            "seen": progress.seen,
            "probed": progress.probed,
            "unplayable": progress.unplayable,
            "current": progress.current,
        })));
    }));
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            Ok(()) = line_rx.changed() => {
                let line = line_rx.borrow_and_update().clone();
                write_in_time(writer, line.as_bytes()).await?;
            }
        }
    }
}

/// What a sync did to one library, or why it could not.
#[derive(Serialize)]
struct LibraryReport<'a> {
    id: LibraryId,
    name: &'a str,
    #[serde(flatten)]
    report: Option<&'a Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The reports of a sync: sums, and each library by itself.
fn told(reports: &Reports) -> Value {
    let libraries: Vec<_> = reports
        .iter()
        .map(|(library, outcome)| LibraryReport {
            id: library.id,
            name: &library.name,
            report: outcome.as_ref().ok(),
            error: outcome.as_ref().err().map(Error::to_string),
        })
        .collect();
    let sum = |count: fn(&Report) -> usize| -> usize {
        let looked_through = reports
            .iter()
            .filter_map(|(_, outcome)| outcome.as_ref().ok());
        looked_through.map(count).sum()
    };
    json!({
        "added": sum(|report| report.added),
        "updated": sum(|report| report.updated),
        "removed": sum(|report| report.removed),
        "missing": sum(|report| report.missing),
        "unchanged": sum(|report| report.unchanged),
        "unplayable": sum(|report| report.unplayable),
        "libraries": libraries,
    })
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}
