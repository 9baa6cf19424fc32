//! Which path does what.

use super::answer::{Answer, maintenance, node, page, refusal};
use super::fault::Faults;
use super::greeting::{identity, library_root, root};
use super::item::{Kind, mixed};
use super::library::{Group, Library};
use super::listing::{self, List};
use super::node::Node;
use super::part;
use super::record::Class;
use super::request::Asked;
use super::row::{self, Depth};
use super::server::{Peer, Side};
use super::session::Access;
use super::state::State;
use super::{account, event, hls, image, player, transcode};
use std::sync::Arc;
use std::time::Duration;

/// What a request is counted as.
pub(crate) fn class(side: Side, segments: &[&str]) -> Class {
    match side {
        Side::Account => Class::Account,
        Side::Media | Side::Impostor => Class::of(segments),
    }
}

pub(crate) async fn answer(
    state: &Arc<State>,
    peer: &Arc<Peer>,
    side: Side,
    asked: &Asked,
) -> Answer {
    match side {
        Side::Media => media(state, peer, asked).await,
        Side::Account => account::answer(state, asked),
        Side::Impostor => match asked.segments()[..] {
            ["identity"] => node(asked, &identity(state, &another_machine(state))),
            _ => refusal(401),
        },
    }
}

/// The media server's side: what stands before every answer, then the answer.
async fn media(state: &Arc<State>, peer: &Arc<Peer>, asked: &Asked) -> Answer {
    let faults = state.faults();
    if faults.maintenance {
        return maintenance();
    }
    let segments = asked.segments();
    if segments == ["identity"] {
        return node(asked, &identity(state, &shown_machine(state, &faults)));
    }
    let has_token = asked.token().0 == state.identity.token;
    if faults.unauthorized || !has_token || !state.spend_token() {
        return refusal(401);
    }
    if faults.html {
        return page();
    }
    let class = Class::of(&segments);
    let status = match class {
        Class::Metadata => faults.metadata_status,
        Class::Listing => faults.listing_status,
        Class::Playlist => {
            let key = segments.get(1).and_then(|key| key.parse().ok());
            let concerned = faults.playlist_status.filter(|(only, _)| *only == key);
            concerned.map(|(_, status)| status)
        }
        Class::Image => faults.image_status,
        Class::Part => {
            let id = segments.get(2).and_then(|id| id.parse().ok());
            faults.of_part(id.unwrap_or(0)).part_status
        }
        _ => None,
    };
    if matches!(class, Class::Metadata | Class::Listing) && faults.metadata_delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.metadata_delay_ms)).await;
    }
    if class == Class::Image {
        let delay = Duration::from_millis(faults.image_delay_ms);
        let mut faults_rx = state.faults_rx();
        let cleared = faults_rx.wait_for(|faults| faults.image_delay_ms == 0);
        let _ = tokio::time::timeout(delay, cleared).await;
    }
    if let Some(status) = status {
        return refusal(status);
    }
    match segments[..] {
        ["library", "parts", id, stamp, name] => match found_part(state, id, stamp, name) {
            Some(_) if !may_read(state, asked, &faults, id) => refusal(503),
            Some(found) => part::give(state, peer, asked, &found).await,
            None => refusal(404),
        },
        ["library", "parts", id] if asked.method == "PUT" => player::choose(state, asked, id),
        [":", "eventsource", "notifications"] => event::answer(state, asked),
        ["video", ":", "transcode", "universal", ref rest @ ..] => match rest {
            ["decision"] => super::decision::answer(state, asked, &faults),
            ["session", id, "base", name] => hls::file(state, id, name).await,
            ["ping"] => player::ping(state, asked),
            ["stop"] => player::stop(state, asked),
            [start] if start.starts_with("start.") => transcode::start(state, asked, &faults).await,
            _ => refusal(404),
        },
        _ => documents(state, asked, &segments, &faults),
    }
}

/// Everything that is said in a container.
fn documents(state: &State, asked: &Asked, segments: &[&str], faults: &Faults) -> Answer {
    let library = state.library();
    let library = &*library;
    let list = |list: Option<List<'_>>| paged(asked, faults, list);
    match segments {
        [] => node(asked, &root(state, &shown_machine(state, faults))),
        ["library"] => node(asked, &library_root()),
        ["library", "sections"] => node(asked, &sections(library)),
        ["library", "all"] => list(Some(listing::everything(library, asked))),
        ["library", "sections", key, what] => {
            let section = key.parse().ok().and_then(|key| library.section(key));
            let Some(section) = section else {
                return refusal(404);
            };
            match *what {
                "all" => {
                    let rows = section.kind.rows();
                    list(Some(listing::section(library, section, asked, rows)))
                }
                "allLeaves" => {
                    let leaves = listing::section(library, section, asked, Kind::Episode);
                    list(Some(leaves))
                }
                "collections" => list(Some(listing::section_collections(library, section, asked))),
                _ => refusal(404),
            }
        }
        ["library", "metadata", key, "thumb" | "art", ..] => match key.parse() {
            Ok(key) if library.item(key).is_some() => image::answer(key, 200, 300),
            _ => refusal(404),
        },
        ["library" | "playlists", .., "composite", _] => image::answer(0, 200, 200),
        ["photo", ":", "transcode"] => photo(asked),
        ["library", "collections", key] | ["playlists", key] => {
            let node_of = |group| node(asked, &group_alone(library, group));
            group(library, key).map_or_else(|| refusal(404), node_of)
        }
        [
            "library",
            "collections" | "metadata",
            key,
            "children" | "items",
        ]
        | ["playlists", key, "items"]
            if group(library, key).is_some() =>
        {
            list(group(library, key).map(|group| members(library, group, asked)))
        }
        ["playlists"] => list(Some(playlists(library, asked))),
        ["library", "metadata", keys] => match metadata(library, asked, keys) {
            Some(answer) => node(asked, &answer),
            None => refusal(404),
        },
        ["library", "metadata", key, what] => {
            let Ok(key) = key.parse() else {
                return refusal(400);
            };
            let Some((_, Some(section))) = library.item(key) else {
                return refusal(404);
            };
            match *what {
                "children" => list(listing::children(section, key, asked)),
                "allLeaves" => list(listing::leaves(section, key, asked)),
                _ => refusal(404),
            }
        }
        ["status", "sessions"] => node(asked, &player::now_playing(state, library)),
        ["transcode", "sessions"] => node(asked, &player::conversions(state)),
        ["transcode", "sessions", id] => player::conversion(state, asked, id),
        ["activities"] => node(asked, &Node::container().with("size", 0_u32)),
        [":", "timeline" | "progress"] => node(asked, &player::timeline(asked)),
        ["security", "token"] => {
            let token = format!("transient-{:016x}", mixed(1));
            let container = Node::container().with("size", 0_u32);
            node(asked, &container.with("token", token))
        }
        _ => refusal(404),
    }
}

/// A page of a list, with the headers that say which.
pub(crate) fn paged(asked: &Asked, faults: &Faults, list: Option<List<'_>>) -> Answer {
    let Some(mut list) = list else {
        return refusal(404);
    };
    if faults.growing_total
        && let Some(page) = asked.page()
    {
        list = list.grown_by(page.start / page.size.max(1));
    }
    let Some((container, paging)) = list.answer(asked, faults) else {
        return refusal(500);
    };
    let mut answer = node(asked, &container);
    if let Some((start, total)) = paging {
        let headers = answer.headers_mut();
        headers.insert("x-plex-container-start", start.into());
        headers.insert("x-plex-container-total-size", total.into());
    }
    answer
}

/// A collection or a playlist.
fn group<'a>(library: &'a Library, key: &str) -> Option<&'a Group> {
    let key: u64 = key.parse().ok()?;
    let mut all = library.collections.iter().chain(&library.playlists);
    all.find(|group| group.rating_key == key)
}

fn group_row(library: &Library, group: &Group) -> Node {
    if group.section.is_some() {
        return row::collection(group);
    }
    let found = group.items.iter().filter_map(|key| library.item(*key));
    let length_ms = found.filter_map(|(item, _)| item.duration_ms).sum();
    row::playlist(group, length_ms)
}

fn group_alone(library: &Library, group: &Group) -> Node {
    Node::container()
        .with("size", 1_u32)
        .maybe("librarySectionID", group.section)
        .child(group_row(library, group).maybe("librarySectionID", group.section))
}

fn members<'a>(library: &'a Library, group: &'a Group, asked: &'a Asked) -> List<'a> {
    let container = Node::container().with("title", &group.title);
    let container = match group.section {
        Some(section) => container.with("librarySectionID", section),
        None => container
            .with("playlistType", "video")
            .with("ratingKey", group.rating_key.to_string()),
    };
    listing::members(library, container, &group.items, asked)
}

fn playlists<'a>(library: &'a Library, asked: &Asked) -> List<'a> {
    let has_videos = matches!(asked.query("playlistType"), None | Some("video"));
    let total = library.playlists.len() * usize::from(has_videos);
    List::new(Node::container(), asked, total, |at| {
        group_row(library, &library.playlists[at])
    })
}

/// A picture scaled: of this server only.
fn photo(asked: &Asked) -> Answer {
    let size = |name| asked.number(name).and_then(|size| u32::try_from(size).ok());
    let url = asked.query("url").filter(|url| url.starts_with('/'));
    let (Some(url), Some(width), Some(height)) = (url, size("width"), size("height")) else {
        return refusal(400);
    };
    let seed = url.split('/').find_map(|part| part.parse().ok());
    image::answer(seed.unwrap_or(0), width, height)
}

/// A part under exactly this path. It may be gone.
fn found_part(state: &State, id: &str, stamp: &str, name: &str) -> Option<part::Found> {
    let library = state.library();
    let number: u64 = id.parse().ok()?;
    let held = library.sections.iter().flat_map(|section| &section.items);
    let mut parts = held.flat_map(|item| item.parts());
    let wanted = format!("/library/parts/{id}/{stamp}/{name}");
    let part = parts.find(|part| part.id == number && part.key() == wanted)?;
    Some(part::Found {
        id: number,
        file: part.behind.clone()?,
        container: part.container.clone(),
    })
}

/// Whether the request's session may read this part. A server of before 1.43 asks only that it was
/// not told to take a conversion.
fn may_read(state: &State, asked: &Asked, faults: &Faults, part: &str) -> bool {
    let or_empty = |name| asked.either(name).unwrap_or_default();
    let session = or_empty("X-Plex-Session-Identifier");
    let client = or_empty("X-Plex-Client-Identifier");
    let part = part.parse().unwrap_or(0);
    match state.sessions().access(session, client, part) {
        Access::Granted => true,
        Access::Denied => false,
        Access::Unknown => !faults.require_decision,
    }
}

/// The machine that the server says it is.
fn shown_machine(state: &State, faults: &Faults) -> String {
    if faults.wrong_machine {
        another_machine(state)
    } else {
        state.identity.machine.clone()
    }
}

fn another_machine(state: &State) -> String {
    let length = state.identity.machine.len() as u64;
    let digits = |n| format!("{:016x}", mixed(length + n));
    let all = [digits(1), digits(2), digits(3)].concat();
    all[..40].to_owned()
}

fn sections(library: &Library) -> Node {
    Node::container()
        .with("size", library.sections.len())
        .with("allowSync", false)
        .with("title1", "Plex Library")
        .children(library.sections.iter().map(row::section))
}

/// `/library/metadata/{key[,key...]}`: those that exist, in the order asked for; `None` if none
/// does.
fn metadata(library: &Library, asked: &Asked, keys: &str) -> Option<Node> {
    let keys = keys.split(',').filter_map(|key| key.parse().ok());
    let mut rows = Vec::new();
    let mut last = None;
    for key in keys {
        if let Some((item, section)) = library.item(key) {
            rows.push(row::row(&item, Depth::whole(asked, section)));
            last = section;
        } else {
            let mut groups = library.collections.iter();
            let group = groups.find(|group| group.rating_key == key);
            rows.extend(group.map(row::collection));
        }
    }
    if rows.is_empty() {
        return None;
    }
    Some(
        Node::container()
            .with("size", rows.len())
            .with("allowSync", true)
            .with("identifier", "com.plexapp.plugins.library")
            .maybe("librarySectionID", last.map(|section| section.key))
            .maybe("librarySectionTitle", last.map(|section| &section.title))
            .maybe("librarySectionUUID", last.map(|section| &section.uuid))
            .with("mediaTagPrefix", "/system/bundle/media/flags/")
            .with("mediaTagVersion", 1_700_000_000_u32)
            .children(rows),
    )
}
