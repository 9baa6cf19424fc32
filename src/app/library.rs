//! `library`: the libraries of the running box.

use super::arguments::{Add, Library, Speak};
use super::control::Control;
use super::field;
use super::output::{Progress, answer, say};
use super::table::Table;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) async fn run(command: Library) -> Result<()> {
    match command {
        Library::List(speak) => list(speak).await,
        Library::Add(Add::Folder { path, name, speak }) => add_folder(&path, name, speak).await,
        Library::Add(Add::Plex {
            sections,
            all,
            server,
            speak,
        }) => {
            let wanted = if all { None } else { Some(sections) };
            add_sections(wanted, server.as_deref(), speak).await
        }
        Library::Sync(speak) => sync(speak).await,
    }
}

async fn list(speak: Speak) -> Result<()> {
    let libraries = Control::of(speak.state)?.get("/api/libraries").await?;
    if speak.json {
        return answer(libraries);
    }
    let libraries = libraries.as_array().map(Vec::as_slice).unwrap_or_default();
    if libraries.is_empty() {
        return answer("no library yet; add one with `exstreamtv library add folder PATH`");
    }
    let mut table = Table::new(&["ID", "NAME", "ITEMS", "PLAYABLE", "FROM"]);
    for library in libraries {
        let from = match library.get("kind").and_then(Value::as_str) {
            Some("plex") => format!("Plex section {}", field(library, "section")),
            _ => field(library, "path"),
        };
        let [id, name, items, playable] =
            ["id", "name", "items", "playable"].map(|name| field(library, name));
        table.row([id, name, items, playable, from]);
    }
    answer(table)
}

async fn add_folder(path: &Path, name: Option<String>, speak: Speak) -> Result<()> {
    let path = found(path)?;
    let control = Control::of(speak.state)?;
    let added = control
        .post("/api/libraries", &json!({ "path": path, "name": name }))
        .await?;
    if speak.json {
        return answer(added);
    }
    answer(format_args!(
        "library {} added: {} from {path}",
        field(&added, "id"),
        field(&added, "name"),
    ))?;
    say("`exstreamtv library sync` looks through it now");
    Ok(())
}

/// Adds sections of Plex servers; `None` for all that hold videos.
async fn add_sections(
    wanted: Option<Vec<String>>,
    server: Option<&str>,
    speak: Speak,
) -> Result<()> {
    let control = Control::of(speak.state)?;
    let sections = control.get("/api/plex/sections").await?;
    let sections = sections.as_array().map(Vec::as_slice).unwrap_or_default();
    let of_server = |section: &&Value| server.is_none_or(|name| field(section, "server") == name);
    let there: Vec<&Value> = sections.iter().filter(of_server).collect();
    let chosen = match wanted {
        None => there,
        Some(names) => {
            let chosen = names.iter().map(|name| section(&there, name));
            chosen.collect::<Result<Vec<_>>>()?
        }
    };
    let mut added = Vec::new();
    for section in chosen {
        let order = json!({
            "kind": "plex",
            "server": field(section, "machine"),
            "section": field(section, "key"),
        });
        let library = control.post("/api/libraries", &order).await?;
        if !speak.json {
            answer(format_args!(
                "library {} added: {} from {}",
                field(&library, "id"),
                field(&library, "name"),
                field(section, "server"),
            ))?;
        }
        added.push(library);
    }
    if speak.json {
        return answer(Value::from(added));
    }
    say("`exstreamtv library sync` reads what is in it now");
    Ok(())
}

/// The one section of this name or key.
fn section<'a>(there: &[&'a Value], name: &str) -> Result<&'a Value> {
    let is_it =
        |section: &&&Value| field(section, "title") == name || field(section, "key") == name;
    let mut found = there.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(section), None) => Ok(section),
        (Some(_), Some(_)) => {
            let why = "there are several; say which server with --server";
            Err(Error::invalid(format!("section '{name}'"), why))
        }
        (None, _) => {
            let all: Vec<_> = there
                .iter()
                .map(|section| field(section, "title"))
                .collect();
            let why = format!("there is none; there are {}", all.join(", "));
            Err(Error::invalid(format!("section '{name}'"), why))
        }
    }
}

/// The folder as the box will find it, which does not run where this command does.
pub(super) fn found(path: &Path) -> Result<String> {
    let shown = path.display().to_string();
    let path: PathBuf = path
        .canonicalize()
        .map_err(|error| Error::io("find", shown.clone(), &error))?;
    if !path.is_dir() {
        return Err(Error::invalid(shown, "this is not a folder"));
    }
    path.into_os_string()
        .into_string()
        .map_err(|_| Error::invalid(shown, "the name of the folder is not UTF-8; rename it"))
}

/// Shows how far the box is, then what it found.
async fn sync(speak: Speak) -> Result<()> {
    let mut answers = Control::of(speak.state)?.start("/api/sync").await?;
    let mut progress = Progress::new();
    let mut last = Value::Null;
    while let Some(line) = answers.line().await? {
        last = serde_json::from_slice(&line)
            .map_err(|error| Error::invalid("the box's answer", error.to_string()))?;
        if speak.json {
            answer(&last)?;
        } else {
            let count = ["library", "seen", "probed"].map(|name| field(&last, name));
            let [library, seen, probed] = count;
            progress.show(format_args!(
                "{library}: {seen} titles, {probed} of them looked into"
            ));
        }
    }
    progress.clear();
    outcome(&last, speak.json)
}

/// Shows the report of a sync. It fails where any library could not be looked through.
fn outcome(report: &Value, json: bool) -> Result<()> {
    const FAILED: &str = "the libraries were not looked through";
    if let Some(error) = report.get("error") {
        let why = error.as_str().unwrap_or_default().to_owned();
        return Err(Error::invalid(FAILED, why));
    }
    let Some(libraries) = report.get("libraries").and_then(Value::as_array) else {
        return Err(Error::invalid(FAILED, "the box ended before it was done"));
    };
    let columns = [
        "name",
        "added",
        "updated",
        "removed",
        "missing",
        "unchanged",
        "unplayable",
    ];
    let mut table = Table::new(&[
        "LIBRARY",
        "NEW",
        "CHANGED",
        "GONE",
        "MISSING",
        "AS BEFORE",
        "NOT PLAYABLE",
    ]);
    let mut failed = Vec::new();
    for library in libraries {
        table.row(columns.map(|name| field(library, name)));
        if library.get("error").is_some() {
            let (name, why) = (field(library, "name"), field(library, "error"));
            failed.push(format!("{name}: {why}"));
        }
        for remark in library
            .get("remarks")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            say(remark.as_str().unwrap_or_default());
        }
    }
    if !json {
        answer(table)?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid("not looked through", failed.join("; ")))
    }
}
