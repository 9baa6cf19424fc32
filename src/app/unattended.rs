//! What the owner has goes on air by itself, where nobody is to attend to the box: the sections of the
//! Plex servers that are theirs become libraries, and each library has channels made of it, once.
//!
//! What the owner does is never undone: a server or a library has its turn once, and whether it had it
//! is kept. So a library or a channel that was removed does not come back.

use super::running::Running;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{LibraryId, Origin};
use crate::plex::Ownership;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The settings that keep which servers, by machine identifier, and which libraries had their turn.
const SERVERS: &str = "unattended.servers";
const LIBRARIES: &str = "unattended.libraries";

/// Looks until the box stops.
pub(super) async fn follow(running: &Running, config: &Config) {
    if !config.unattended {
        return;
    }
    let mut look = interval(Duration::from_millis(limits::UNATTENDED_LOOK_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<String> = None;
    let mut not_before = Instant::now();
    loop {
        look.tick().await;
        let house = &running.house;
        if Instant::now() < not_before || house.librarian.is_syncing() {
            continue;
        }
        let done = async {
            // Certificates and what a sync notes have dates; a channel's loop may begin at any.
            if house.clock.is_known() {
                take_servers(running).await?;
            }
            make_channels(running).await
        };
        let done = done.await;
        log::debug!("looked for what is new");
        let notice = done.err().map(|error| {
            not_before = Instant::now() + Duration::from_millis(limits::UNATTENDED_AGAIN_MS);
            format!("Not all that you have is on air yet, and the box goes on trying: {error}.")
        });
        if notice != told {
            if let Some(notice) = &notice {
                log::warn!("{notice}");
            }
            running.tell(told.as_deref(), notice.as_deref());
            told = notice;
        }
    }
}

/// Makes the sections of servers that are new libraries, and looks through them.
async fn take_servers(running: &Running) -> Result<()> {
    let house = &running.house;
    let servers = house.plex.servers();
    let mut failed = None;
    for standing in servers.standings() {
        let mut had_turn: BTreeSet<String> = kept(running, SERVERS).await?;
        if standing.ownership != Ownership::Owned || had_turn.contains(&standing.machine) {
            continue;
        }
        if let Err(error) = take_server(running, &standing.machine).await {
            // The others need not wait for it.
            failed.get_or_insert(error);
            continue;
        }
        had_turn.insert(standing.machine);
        keep(running, SERVERS, &had_turn).await?;
    }
    failed.map_or(Ok(()), Err)
}

async fn take_server(running: &Running, machine: &str) -> Result<()> {
    let librarian = &running.house.librarian;
    let server = running.house.plex.servers().server(machine).await?;
    for section in server.sections().await? {
        if section.kind.holds_videos() {
            let library = librarian.add_section((machine, &section.key), None).await?;
            log::info!("library {} of {} is taken in", library.name, server.name);
        }
    }
    // Whatever was taken in before the power went is among them.
    let catalog = librarian.catalog().borrow().clone();
    for library in catalog.libraries() {
        let is_here = matches!(&library.origin, Origin::Plex { server, .. } if server == machine);
        if is_here {
            let now_ms = running.house.clock.epoch_ms();
            for (library, report) in librarian.sync_one(library.id, now_ms).await? {
                log::info!("library {}: {}", library.name, report?);
            }
        }
    }
    Ok(())
}

/// Makes channels of the libraries that are new, once there is something in them that can be shown.
async fn make_channels(running: &Running) -> Result<()> {
    let house = &running.house;
    let mut had_turn: BTreeSet<i64> = kept(running, LIBRARIES).await?;
    let catalog = house.librarian.catalog().borrow().clone();
    let clips = house.library_of_clips(&catalog);
    let new: Vec<_> = filled(&catalog)
        .into_iter()
        .filter(|id| Some(*id) != clips && !had_turn.contains(&id.0))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    if new.iter().any(|library| !is_shown(&catalog, *library)) {
        let channels = house.suggestion().await?;
        log::info!("{} channels are made of what is new", channels.len());
        if !channels.is_empty() {
            house.librarian.add_channels(channels).await?;
        }
    }
    had_turn.extend(new.iter().map(|library| library.0));
    keep(running, LIBRARIES, &had_turn).await
}

/// The libraries with a title that can be shown.
fn filled(catalog: &Catalog) -> BTreeSet<LibraryId> {
    let items = catalog.items().iter();
    let playable = items.filter(|item| item.part.problem.is_none());
    playable.map(|item| item.library).collect()
}

/// Whether a channel shows anything of a library: then its owner has chosen.
fn is_shown(catalog: &Catalog, library: LibraryId) -> bool {
    let mut shown = catalog.channels().iter().flat_map(|channel| &channel.items);
    shown.any(|id| {
        catalog
            .item(*id)
            .is_some_and(|item| item.library == library)
    })
}

/// What a setting lists, a line each.
async fn kept<T: std::str::FromStr + Ord>(running: &Running, key: &str) -> Result<BTreeSet<T>> {
    let text = running.store().setting(key).await?.unwrap_or_default();
    let line = |line: &str| {
        let broken = || Error::invalid(key.to_owned(), "the setting is damaged");
        line.parse().map_err(|_| broken())
    };
    text.lines().map(line).collect()
}

async fn keep<T: Display>(running: &Running, key: &str, all: &BTreeSet<T>) -> Result<()> {
    let lines: Vec<_> = all.iter().map(ToString::to_string).collect();
    running.store().set_setting(key, &lines.join("\n")).await
}
