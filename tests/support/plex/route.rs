//! Which path does what.

use super::answer::{Answer, maintenance, node, page, refusal};
use super::fault::Faults;
use super::item::{Kind, mixed};
use super::library::Library;
use super::listing::{self, List};
use super::node::Node;
use super::part;
use super::record::Class;
use super::request::Asked;
use super::row::{self, Depth};
use super::server::{Peer, Side};
use super::state::State;
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
        Side::Account => refusal(404),
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
        Class::Part => faults.part_status,
        _ => None,
    };
    if matches!(class, Class::Metadata | Class::Listing) && faults.metadata_delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.metadata_delay_ms)).await;
    }
    if let Some(status) = status {
        return refusal(status);
    }
    match segments[..] {
        ["library", "parts", id, stamp, name] => {
            let found = found_part(state, id, stamp, name);
            match found {
                Some(found) => part::give(state, peer, asked, &found).await,
                None => refusal(404),
            }
        }
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

/// A part under exactly this path. It may be gone.
fn found_part(state: &State, id: &str, stamp: &str, name: &str) -> Option<part::Found> {
    let library = state.library();
    let number: u64 = id.parse().ok()?;
    let held = library.sections.iter().flat_map(|section| &section.items);
    let mut parts = held.flat_map(|item| item.parts());
    let wanted = format!("/library/parts/{id}/{stamp}/{name}");
    let part = parts.find(|part| part.id == number && part.key() == wanted)?;
    Some(part::Found {
        file: part.behind.clone()?,
        container: part.container.clone(),
    })
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

fn identity(state: &State, machine: &str) -> Node {
    Node::container()
        .with("size", 0_u32)
        .with("apiVersion", "1.1.1")
        .with("claimed", true)
        .with("machineIdentifier", machine)
        .with("version", &state.identity.version)
}

fn root(state: &State, machine: &str) -> Node {
    let directories = ["identity", "library", "playlists", "transcode"];
    Node::container()
        .with("size", directories.len())
        .with("allowCameraUpload", false)
        .with("allowMediaDeletion", true)
        .with("allowSharing", true)
        .with("allowSync", true)
        .with("allowTuners", true)
        .with("apiVersion", "1.1.1")
        .with("claimed", true)
        .with("countryCode", "deu")
        .with("eventStream", true)
        .with("friendlyName", &state.identity.name)
        .with("livetv", 7_u32)
        .with("machineIdentifier", machine)
        .with("mediaProviders", true)
        .with("multiuser", true)
        .with("myPlex", true)
        .with("myPlexMappingState", "mapped")
        .with("myPlexSigninState", "ok")
        .with("myPlexSubscription", true)
        .with("ownerFeatures", "hardware_transcoding,livetv")
        .with("platform", "Linux")
        .with("platformVersion", "6.1")
        .with("streamingBrainABRVersion", 3_u32)
        .with("streamingBrainVersion", 2_u32)
        .with("sync", true)
        .with("transcoderActiveVideoSessions", 0_u32)
        .with("transcoderAudio", true)
        .with("transcoderVideo", true)
        .with("transcoderVideoBitrates", "64,96,208,320,720,1500,2000")
        .with("transcoderVideoQualities", "0,1,2,3,4,5,6")
        .with("transcoderVideoResolutions", "128,128,160,240,320,480,768")
        .with("updatedAt", 1_700_000_000_u32)
        .with("updater", true)
        .with("version", &state.identity.version)
        .children(directories.into_iter().map(|name| {
            Node::new("Directory")
                .with("count", 1_u32)
                .with("key", name)
                .with("title", name)
        }))
}

fn library_root() -> Node {
    let entries = [("sections", "Library Sections"), ("all", "All")];
    Node::container()
        .with("size", entries.len())
        .with("allowSync", false)
        .with("art", "/:/resources/library-art.png")
        .with("content", "")
        .with("identifier", "com.plexapp.plugins.library")
        .with("mediaTagPrefix", "/system/bundle/media/flags/")
        .with("mediaTagVersion", 1_700_000_000_u32)
        .with("title1", "Plex Library")
        .with("title2", "")
        .children(
            entries
                .into_iter()
                .map(|(key, title)| Node::new("Directory").with("key", key).with("title", title)),
        )
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
