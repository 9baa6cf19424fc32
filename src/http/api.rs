//! The owner's things, to be read by programs.

use super::answer::Answer;
use super::head::Head;
use super::programme::NowNext;
use super::{House, board, health, plex};
use crate::catalog::Catalog;
use crate::limits;
use crate::media::Profile;
use crate::model::{Channel, ChannelNumber, LibraryId, MediaItem, MediaItemId, Origin, PlaylistId};
use crate::schedule::{LeftOut, Lineup};
use serde::Serialize;

#[derive(Serialize)]
struct ChannelView<'a> {
    number: ChannelNumber,
    name: &'a str,
    profile: Profile,
    items: usize,
    #[serde(flatten)]
    on: NowNext,
    /// The first of them.
    left_out: Vec<LeftOutView<'a>>,
    left_out_total: usize,
}

#[derive(Serialize)]
struct LeftOutView<'a> {
    item: i64,
    title: Option<&'a str>,
    why: &'a str,
}

#[derive(Serialize)]
struct LibraryView<'a> {
    id: LibraryId,
    name: &'a str,
    #[serde(flatten)]
    origin: &'a Origin,
    items: usize,
    playable: usize,
}

#[derive(Serialize)]
struct PlaylistView<'a> {
    id: PlaylistId,
    name: &'a str,
    server: &'a str,
    items: &'a [MediaItemId],
}

#[derive(Serialize)]
struct MediaPage<'a> {
    /// How many there are, shown here or not.
    total: usize,
    offset: usize,
    limit: usize,
    items: Vec<&'a MediaItem>,
}

/// The documents below `/api/`; `None` for an address that is none of them.
pub(super) fn read(house: &House, path: &str, head: &Head, lineup: &Lineup) -> Option<Answer> {
    Some(match path {
        "/api/health" => health::health(house, lineup),
        "/api/health/detailed" => health::detailed(house, lineup),
        "/api/health/channels" => health::channels(house, lineup),
        "/api/board" => board::view(house),
        "/api/plex" => Answer::json(&plex::view(house)),
        "/api/channels" => channels(lineup, house.date_ms()),
        "/api/libraries" => libraries(lineup.catalog()),
        "/api/media" => media(head, lineup.catalog()),
        "/api/playlists" => playlists(lineup.catalog()),
        _ => return None,
    })
}

fn channels(lineup: &Lineup, date_ms: Option<i64>) -> Answer {
    let channels: Vec<_> = lineup
        .schedules()
        .iter()
        .map(|schedule| {
            let channel: &Channel = schedule.channel();
            let left_out = schedule.left_out();
            ChannelView {
                number: channel.number,
                name: &channel.name,
                profile: schedule.profile(),
                items: channel.items.len(),
                on: NowNext::at(lineup, schedule, date_ms),
                left_out: left_out
                    .iter()
                    .take(limits::SENTENCES)
                    .map(|left| left_out_view(lineup, left))
                    .collect(),
                left_out_total: left_out.len(),
            }
        })
        .collect();
    Answer::json(&channels)
}

fn left_out_view<'a>(lineup: &'a Lineup, left: &'a LeftOut) -> LeftOutView<'a> {
    let item = lineup.catalog().item(left.item);
    LeftOutView {
        item: left.item.0,
        title: item.map(|item| item.title.as_str()),
        why: &left.why,
    }
}

fn playlists(catalog: &Catalog) -> Answer {
    let playlists = catalog.playlists().iter();
    let playlists = playlists.map(|playlist| PlaylistView {
        id: playlist.id,
        name: &playlist.list.name,
        server: &playlist.list.server,
        items: &playlist.list.items,
    });
    Answer::json(&playlists.collect::<Vec<_>>())
}

fn libraries(catalog: &Catalog) -> Answer {
    let libraries: Vec<_> = catalog
        .libraries()
        .iter()
        .map(|library| {
            let items = catalog.items().iter();
            let own = items.filter(|item| item.library == library.id);
            let playable = own.clone().filter(|item| item.part.problem.is_none());
            LibraryView {
                id: library.id,
                name: &library.name,
                origin: &library.origin,
                playable: playable.count(),
                items: own.count(),
            }
        })
        .collect();
    Answer::json(&libraries)
}

/// `/api/media?search=&offset=&limit=`: items by id, a page at a time.
fn media(head: &Head, catalog: &Catalog) -> Answer {
    let number = |name, default| match head.argument(name) {
        None | Some("") => Ok(default),
        Some(digits) => digits.parse::<usize>().map_err(|_| {
            let words = format!("The argument {name} must be a number from 0 on.");
            Answer::words(400, &words)
        }),
    };
    let (offset, limit) = match (number("offset", 0), number("limit", 100)) {
        (Ok(offset), Ok(limit)) => (offset, limit.min(limits::MEDIA_ANSWER)),
        (Err(answer), _) | (_, Err(answer)) => return answer,
    };
    let wanted = head.argument("search").unwrap_or_default().to_lowercase();
    let mut page = MediaPage {
        total: 0,
        offset,
        limit,
        items: Vec::new(),
    };
    for item in catalog.items() {
        if wanted.is_empty() || mentions(item, &wanted) {
            if page.total >= offset && page.items.len() < limit {
                page.items.push(item);
            }
            page.total += 1;
        }
    }
    Answer::json(&page)
}

/// Whether the title of an item or of its show contains these lower-case words.
fn mentions(item: &MediaItem, wanted: &str) -> bool {
    let show = item.episode.as_ref().map(|episode| episode.show.as_str());
    [Some(item.title.as_str()), show]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(wanted))
}
