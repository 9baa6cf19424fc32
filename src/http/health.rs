//! Whether the box can tune, and why not: sentences, for the page and for programs.
//!
//! Nothing here is constant. Healthy means that every channel has something on at this moment, and
//! that nothing is wrong with a server of which a channel shows anything.

use super::House;
use super::answer::Answer;
use super::plex::{self, ServerTrouble};
use crate::catalog::Catalog;
use crate::limits;
use crate::model::{ChannelNumber, Origin};
use crate::schedule::{Lineup, Schedule};
use serde::Serialize;

#[derive(Serialize)]
struct Health<'a> {
    status: &'a str,
    version: &'a str,
    uptime_ms: i64,
    channels: usize,
    tuners: usize,
    tuners_in_use: usize,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct ChannelHealth<'a> {
    number: ChannelNumber,
    name: &'a str,
    status: &'a str,
    reason: Option<String>,
    left_out: usize,
}

#[derive(Serialize)]
struct Detailed<'a> {
    #[serde(flatten)]
    health: Health<'a>,
    plex: Vec<plex::ServerView>,
    viewers: Vec<ViewerHealth>,
}

/// How a viewer is.
#[derive(Serialize)]
struct ViewerHealth {
    tuner: usize,
    channel: ChannelNumber,
    skips: u32,
    /// Why it sees the slate.
    trouble: Option<String>,
}

/// What a box says that has not been told the date.
pub(super) const NO_DATE: &str = "The box has not been told the date yet, so nobody knows what is \
                                  on; until then every channel shows the slate.";

/// `/api/health`: 200 when every channel can be tuned, else 503 and why not.
pub(super) fn health(house: &House, lineup: &Lineup) -> Answer {
    let (code, health) = look(house, lineup);
    Answer::json_with(code, &health)
}

/// `/api/health/detailed`: the same, with how each server and each viewer is.
pub(super) fn detailed(house: &House, lineup: &Lineup) -> Answer {
    let (code, health) = look(house, lineup);
    let tuners = house.tuners.status().into_iter();
    let viewers = tuners.filter_map(|tuner| {
        let viewer = tuner.viewer?;
        Some(ViewerHealth {
            tuner: tuner.index,
            channel: viewer.channel,
            skips: viewer.skips,
            trouble: viewer.trouble,
        })
    });
    Answer::json_with(
        code,
        &Detailed {
            health,
            plex: plex::standings(house),
            viewers: viewers.collect(),
        },
    )
}

fn look<'a>(house: &House, lineup: &Lineup) -> (u16, Health<'a>) {
    let noticed = plex::troubles(house).into_iter().filter(|trouble| {
        let mut schedules = lineup.schedules().iter();
        schedules.any(|schedule| is_noticed(trouble, schedule, lineup.catalog()))
    });
    let mut reasons: Vec<_> = noticed.map(|trouble| trouble.sentence).collect();
    reasons.extend(untunable(lineup, house.date_ms()));
    let tuners = house.tuners.status();
    let (status, code) = verdict(reasons.is_empty());
    let health = Health {
        status,
        version: house.version,
        uptime_ms: house.up_ms(),
        channels: lineup.schedules().len(),
        tuners: tuners.len(),
        tuners_in_use: tuners.iter().filter(|one| one.viewer.is_some()).count(),
        reasons,
    };
    (code, health)
}

/// `/api/health/channels`: the same for each channel by itself.
pub(super) fn channels(house: &House, lineup: &Lineup) -> Answer {
    let date_ms = house.date_ms();
    let troubles = plex::troubles(house);
    let noticed = |schedule: &Schedule| {
        let mut troubles = troubles.iter();
        let trouble = troubles.find(|one| is_noticed(one, schedule, lineup.catalog()))?;
        Some(trouble.sentence.clone())
    };
    let channels: Vec<_> = lineup
        .schedules()
        .iter()
        .map(|schedule| {
            let channel = schedule.channel();
            let reason = match date_ms {
                None => Some(NO_DATE.to_owned()),
                Some(now_ms) if schedule.on_air(now_ms).is_some() => noticed(schedule),
                Some(_) => Some(nothing_on(channel.number, &channel.name)),
            };
            ChannelHealth {
                number: channel.number,
                name: &channel.name,
                status: verdict(reason.is_none()).0,
                reason,
                left_out: schedule.left_out().len(),
            }
        })
        .collect();
    let well = !channels.is_empty() && channels.iter().all(|one| one.reason.is_none());
    Answer::json_with(verdict(well).1, &channels)
}

/// Whether a channel shows anything of the server that this is about.
fn is_noticed(trouble: &ServerTrouble, schedule: &Schedule, catalog: &Catalog) -> bool {
    let libraries = schedule.libraries().iter();
    let mut origins = libraries.filter_map(|id| Some(&catalog.library(*id)?.origin));
    origins
        .any(|origin| matches!(origin, Origin::Plex { server, .. } if *server == trouble.machine))
}

/// Why a viewer would not see what is on, one sentence each; nothing when every channel can be
/// tuned.
pub(super) fn untunable(lineup: &Lineup, date_ms: Option<i64>) -> Vec<String> {
    if lineup.schedules().is_empty() {
        return vec!["There is no channel yet.".to_owned()];
    }
    let Some(now_ms) = date_ms else {
        return vec![NO_DATE.to_owned()];
    };
    let schedules = lineup.schedules().iter();
    let mut dark = schedules.filter(|schedule| schedule.on_air(now_ms).is_none());
    let first = dark.by_ref().take(limits::SENTENCES);
    let mut sentences: Vec<_> = first
        .map(|schedule| nothing_on(schedule.channel().number, &schedule.channel().name))
        .collect();
    match dark.count() {
        0 => {}
        more => sentences.push(format!("And {more} more.")),
    }
    sentences
}

fn nothing_on(number: ChannelNumber, name: &str) -> String {
    format!("Channel {number} ({name}) has nothing that can be shown.")
}

fn verdict(well: bool) -> (&'static str, u16) {
    if well {
        ("healthy", 200)
    } else {
        ("failing", 503)
    }
}
