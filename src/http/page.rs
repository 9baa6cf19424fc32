//! The pages that people read. They need no JavaScript, load nothing but pictures from the box
//! itself, and say times in its own time zone. Every text from outside is escaped by the templates.

use super::address::Roots;
use super::answer::{Answer, Kind};
use super::problem::{Problem, problems};
use super::programme::{NowNext, Programme, Shape};
use super::{House, board, memory, picture, plex, update};
use crate::catalog::Catalog;
use crate::model::LibraryId;
use crate::plex::{Attempt, Stage};
use crate::schedule::{Lineup, Schedule};
use crate::tuner::TunerStatus;
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// Problems that are shown before one has to ask for the rest.
const PROBLEMS_AT_ONCE: usize = 6;

/// Seconds after which a page may be renewed.
const SOON_S: i64 = 15;

/// Codes for which a page asks by itself. One that is left open must not keep plex.tv busy.
const CODES: u64 = 4;

/// Programmes that are shorter show their seconds.
const SHORT_MS: i64 = 120_000;

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    name: &'a str,
    counts: Counts,
    /// What the owner's own channels still need; `None` where there are some.
    beginning: Option<Beginning>,
    /// Whether the clips that come with the box are on air.
    has_clips: bool,
    takes_drives: bool,
    /// Whether libraries and channels are made by themselves.
    unattended: bool,
    linking: Stage,
    renewed_s: i64,
    /// What a channel shows that shows nothing.
    dark: &'a str,
    channels: Vec<ChannelCard<'a>>,
    viewers: Vec<ViewerLine>,
    kept: Vec<String>,
    free: String,
    /// How an update goes that is on its way.
    update: Option<String>,
    problems: Vec<Problem>,
    more_problems: Vec<Problem>,
    stream_url: Option<String>,
    stream_root: &'a str,
    web_root: &'a str,
    address: &'a str,
    device_id: String,
    version: &'a str,
    board: Vec<board::Row>,
    memory: Option<String>,
    zone: String,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage<'a> {
    path: &'a str,
}

/// The line below the name.
struct Counts {
    channels: String,
    tuners: String,
    up: String,
}

/// What a box without channels of the owner's still needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// A library.
    Nothing,
    /// A library, for which the box is linked to Plex.
    Linked,
    /// Patience: the libraries are being looked through.
    Looking,
    /// Somebody who has them looked through.
    Unseen,
    /// Channels made of what is there.
    Titles(usize),
}

struct ChannelCard<'a> {
    number: String,
    name: &'a str,
    profile: String,
    now: Option<Shown>,
    next: Option<Shown>,
    permille: i64,
    percent: i64,
    watching: usize,
}

struct Shown {
    title: String,
    subtitle: Option<String>,
    from: String,
    until: String,
    picture: Option<Art>,
}

/// A picture beside what is on.
struct Art {
    address: String,
    class: &'static str,
}

struct ViewerLine {
    tuner: usize,
    channel: String,
    channel_name: String,
    peer: String,
    since: String,
    sent: String,
    /// How often its network was too slow, in words.
    skips: Option<String>,
    trouble: Option<String>,
}

/// `/`: what is on, who watches, what is wrong, how to tune.
pub(super) fn status(house: &House, lineup: &Lineup, roots: &Roots) -> Answer {
    let date_ms = house.date_ms();
    let zone = zone();
    let tuners = house.tuners.status();
    let viewers = viewer_lines(&tuners, &zone);
    let troubles = plex::troubles(house).into_iter().map(|one| one.sentence);
    let seen = house.updates.seen();
    let update = seen.as_deref().and_then(update::notice);
    let failed = seen.as_deref().and_then(update::trouble);
    let found = twin(house).into_iter().chain(taken(house));
    let machine = Arc::clone(&house.board_rx.borrow());
    let told = house.notices_rx.borrow().clone();
    let outside = found
        .chain(failed)
        .chain(told)
        .chain(board::troubles(&machine))
        .chain(troubles);
    let outside = outside.collect();
    let (problems, more_problems) = split(problems(lineup, date_ms, outside), PROBLEMS_AT_ONCE);
    let first = lineup.schedules().first();
    let clips = house.library_of_clips(lineup.catalog());
    let needs = lineup.schedules().is_empty() || clips.is_some();
    render(
        200,
        &StatusPage {
            name: &house.device.friendly_name,
            counts: counts(lineup, &tuners, house.up_ms()),
            beginning: needs.then(|| beginning(house, lineup.catalog(), clips)),
            has_clips: clips.is_some() && !lineup.schedules().is_empty(),
            takes_drives: house.takes_drives,
            unattended: house.unattended,
            linking: house.plex.attempt().stage,
            renewed_s: renewed_s(lineup, date_ms),
            dark: match date_ms {
                Some(_) => "Nothing that can be shown",
                None => "The date is not known yet",
            },
            channels: lineup
                .schedules()
                .iter()
                .map(|schedule| card(lineup, schedule, &tuners, &zone, date_ms))
                .collect(),
            viewers,
            kept: kept(&tuners),
            free: match tuners.len() {
                1 => "The one tuner is free.".to_owned(),
                count => format!("All {count} tuners are free."),
            },
            update,
            problems,
            more_problems,
            stream_url: first
                .map(|first| format!("{}/auto/v{}", roots.stream, first.channel().number)),
            stream_root: &roots.stream,
            web_root: &roots.web,
            address: roots.web.trim_start_matches("http://"),
            device_id: house.device.id.to_string(),
            version: house.version,
            board: board::rows(&machine),
            memory: memory::resident_bytes().map(megabytes),
            zone: zone_words(&zone),
        },
    )
}

/// What is wrong where another device has the box's number.
fn twin(house: &House) -> Option<String> {
    let at = (*house.twin_rx.borrow())?;
    let id = house.device.id;
    Some(format!(
        "Another device, at {at}, says that it is the HDHomeRun {id}, as this one does. Players mix \
         the two up: turn one of them off. Two boxes that were started from copies of one card are \
         told apart by starting one of them from a new card."
    ))
}

/// What is wrong where another program has the port at which the box is looked for.
fn taken(house: &House) -> Option<String> {
    let port = (*house.taken_rx.borrow())?;
    Some(format!(
        "Some players cannot find the box by themselves, because another program on this machine \
         has port {port}. Stop it; the box then takes the port within half a minute."
    ))
}

/// 404 for a browser.
pub(super) fn missing(path: &str) -> Answer {
    render(404, &MissingPage { path })
}

fn render(status: u16, page: &impl Template) -> Answer {
    match page.render() {
        Ok(html) => Answer::new(status, Kind::Page, html),
        Err(error) => Answer::words(500, &format!("The page cannot be written: {error}.")),
    }
}

fn counts(lineup: &Lineup, tuners: &[TunerStatus], up_ms: i64) -> Counts {
    let used = tuners.iter().filter(|one| one.viewer.is_some()).count();
    Counts {
        channels: match lineup.schedules().len() {
            0 => "No channels yet".to_owned(),
            1 => "1 channel".to_owned(),
            count => format!("{count} channels"),
        },
        tuners: format!("{used} of {} tuners in use", tuners.len()),
        up: format!("up {}", long(up_ms)),
    }
}

fn beginning(house: &House, catalog: &Catalog, clips: Option<LibraryId>) -> Beginning {
    let has_library = catalog.libraries().iter().any(|one| Some(one.id) != clips);
    let items = catalog.items().iter();
    let titles = items.filter(|item| Some(item.library) != clips).count();
    if house.librarian.is_syncing() {
        Beginning::Looking
    } else if !has_library && house.plex.servers().is_linked() {
        Beginning::Linked
    } else if !has_library {
        // Whoever looks now may want to type a code in.
        if is_code_wanted(&house.plex.attempt()) {
            house.plex.want();
        }
        Beginning::Nothing
    } else if titles == 0 {
        Beginning::Unseen
    } else {
        Beginning::Titles(titles)
    }
}

/// Whether the page asks for another code after this attempt.
fn is_code_wanted(last: &Attempt) -> bool {
    last.number < CODES && matches!(last.stage, Stage::Idle | Stage::Failed { .. })
}

/// Seconds after which the page is worth another look: when the first programme ends, but soon
/// enough for the bars to move, and not while somebody reads.
fn renewed_s(lineup: &Lineup, date_ms: Option<i64>) -> i64 {
    let Some(now_ms) = date_ms else {
        return SOON_S;
    };
    let on_air = lineup.schedules().iter();
    let ends = on_air.filter_map(|schedule| schedule.on_air(now_ms));
    let first_ms = ends.map(|airing| airing.end_ms).min().unwrap_or(now_ms);
    (first_ms.saturating_sub(now_ms) / 1_000).clamp(SOON_S, 60)
}

fn card<'a>(
    lineup: &Lineup,
    schedule: &'a Schedule,
    tuners: &[TunerStatus],
    zone: &TimeZone,
    date_ms: Option<i64>,
) -> ChannelCard<'a> {
    let on = NowNext::at(lineup, schedule, date_ms);
    let permille = on.now.as_ref().zip(date_ms).map_or(0, |(now, now_ms)| {
        let whole = now.end_ms.saturating_sub(now.start_ms).max(1);
        let passed = now_ms.saturating_sub(now.start_ms).clamp(0, whole);
        passed.saturating_mul(1_000) / whole
    });
    let (channel, profile) = (schedule.channel(), schedule.profile());
    let viewers = tuners.iter().filter_map(|tuner| tuner.viewer.as_ref());
    ChannelCard {
        number: channel.number.to_string(),
        name: &channel.name,
        profile: format!("{} · {}", profile.video, profile.audio),
        now: on.now.map(|programme| shown(programme, zone)),
        next: on.next.map(|programme| shown(programme, zone)),
        permille,
        percent: permille / 10,
        watching: viewers.filter(|one| one.channel == channel.number).count(),
    }
}

fn shown(programme: Programme, zone: &TimeZone) -> Shown {
    let length_ms = programme.end_ms.saturating_sub(programme.start_ms);
    let form = if length_ms < SHORT_MS {
        "%H:%M:%S"
    } else {
        "%H:%M"
    };
    Shown {
        from: local(programme.start_ms, zone, form),
        until: local(programme.end_ms, zone, form),
        title: programme.title,
        subtitle: programme.subtitle,
        picture: programme.picture.map(|address| Art {
            address: format!("{address}{}", picture::SMALL),
            class: match programme.shape {
                Shape::Poster => "poster",
                Shape::Scene => "scene",
            },
        }),
    }
}

fn viewer_lines(tuners: &[TunerStatus], zone: &TimeZone) -> Vec<ViewerLine> {
    tuners
        .iter()
        .filter_map(|tuner| {
            let viewer = tuner.viewer.as_ref()?;
            Some(ViewerLine {
                tuner: tuner.index,
                channel: viewer.channel.to_string(),
                channel_name: viewer.channel_name.clone(),
                peer: viewer.peer.ip().to_string(),
                since: local(viewer.since_ms, zone, "%H:%M"),
                sent: megabytes(viewer.sent_bytes),
                skips: match viewer.skips {
                    0 => None,
                    1 => Some("once".to_owned()),
                    more => Some(format!("{more} times")),
                },
                trouble: viewer.trouble.clone(),
            })
        })
        .collect()
}

/// The tuners that nobody watches on because somebody keeps them.
fn kept(tuners: &[TunerStatus]) -> Vec<String> {
    let idle = tuners.iter().filter(|tuner| tuner.viewer.is_none());
    let kept = idle.filter_map(|tuner| {
        let (index, by) = (tuner.index, tuner.locked_by?);
        Some(format!("Tuner {index} is kept by {by} for itself."))
    });
    kept.collect()
}

/// The first `count`, and the rest; one that would stand alone stays with the others.
fn split<T>(mut all: Vec<T>, count: usize) -> (Vec<T>, Vec<T>) {
    let more = if all.len() > count + 1 {
        all.split_off(count)
    } else {
        Vec::new()
    };
    (all, more)
}

/// The machine's time zone; UTC where it has none.
fn zone() -> TimeZone {
    TimeZone::try_system().unwrap_or(TimeZone::UTC)
}

/// What the page says about its times.
fn zone_words(zone: &TimeZone) -> String {
    match zone.iana_name() {
        None | Some("UTC" | "Etc/UTC") => "UTC".to_owned(),
        Some(name) => format!("those of {name}"),
    }
}

fn local(epoch_ms: i64, zone: &TimeZone, form: &str) -> String {
    Timestamp::from_millisecond(epoch_ms).map_or_else(
        |_| String::new(),
        |at| at.to_zoned(zone.clone()).strftime(form).to_string(),
    )
}

/// A long duration in its two largest units.
pub(super) fn long(duration_ms: i64) -> String {
    let minutes = duration_ms.max(0) / 60_000;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        (1, _) => format!("1 day {hours} h"),
        _ => format!("{days} days {hours} h"),
    }
}

/// Bytes as MB with one digit behind the point.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{local, long, megabytes, split};
    use jiff::tz::{Offset, TimeZone};

    #[test]
    fn durations_and_sizes_are_short() {
        assert_eq!(long(59_000), "0 min");
        assert_eq!(long(3_720_000), "1 h 2 min");
        assert_eq!(long(90_000_000), "1 day 1 h");
        assert_eq!(long(-1), "0 min");
        assert_eq!(megabytes(21_987_654), "21.9 MB");
    }

    #[test]
    fn times_are_those_of_the_box() {
        let zone = TimeZone::fixed(Offset::constant(2));
        assert_eq!(local(0, &zone, "%H:%M"), "02:00");
        assert_eq!(local(i64::MAX, &zone, "%H:%M"), "");
    }

    #[test]
    fn one_more_problem_is_shown_and_two_are_folded() {
        let problems = |count: usize| vec!["x"; count];
        assert_eq!(split(problems(7), 6).1.len(), 0);
        assert_eq!(split(problems(8), 6).1.len(), 2);
    }
}
