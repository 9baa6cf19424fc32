//! What players do besides playing: stop, ping, report, choose streams; and who plays.

use super::answer::{Answer, bytes, node, refusal};
use super::item::StreamKind;
use super::library::Library;
use super::node::Node;
use super::request::Asked;
use super::row::{self, Depth};
use super::state::State;

/// The session that a request names.
fn session(asked: &Asked) -> Option<&str> {
    let named = asked.query("session");
    let named = named.or_else(|| asked.query("transcodeSessionId"));
    named.or_else(|| asked.either("X-Plex-Session-Identifier"))
}

/// An answer without content.
fn empty_or_missing(is_there: bool) -> Answer {
    if is_there {
        bytes(200, "text/html", "")
    } else {
        refusal(404)
    }
}

pub(crate) fn ping(state: &State, asked: &Asked) -> Answer {
    match session(asked) {
        Some(id) => empty_or_missing(state.sessions().get(id).is_some()),
        None => refusal(400),
    }
}

pub(crate) fn stop(state: &State, asked: &Asked) -> Answer {
    match session(asked) {
        Some(id) => empty_or_missing(state.sessions().stop(id)),
        None => refusal(400),
    }
}

/// What a report of progress is told. Nothing is kept of it.
pub(crate) fn timeline(asked: &Asked) -> Node {
    Node::container()
        .with("size", 0_u32)
        .with("playbackState", "progress")
        .maybe("viewOffset", asked.number("time"))
}

/// `PUT /library/parts/{id}?audioStreamID=`: the user's choice of a stream, for good.
pub(crate) fn choose(state: &State, asked: &Asked, id: &str) -> Answer {
    let mut library = state.library_mut();
    let sections = library.sections.iter_mut();
    let items = sections.flat_map(|section| &mut section.items);
    let mut parts = items.flat_map(|item| item.parts_mut());
    let Some(part) = parts.find(|part| part.id.to_string() == id) else {
        return refusal(404);
    };
    let kinds = [
        (StreamKind::Audio, asked.number("audioStreamID")),
        (StreamKind::Subtitle, asked.number("subtitleStreamID")),
    ];
    for stream in &mut part.streams {
        for (kind, chosen) in kinds {
            if stream.kind == kind && chosen.is_some() {
                stream.is_selected = chosen == Some(stream.id);
            }
        }
    }
    bytes(200, "text/html", "")
}

/// `/transcode/sessions`.
pub(crate) fn conversions(state: &State) -> Node {
    let sessions = state.sessions();
    let rows = sessions.live().map(|(id, live)| live.plan.row(id));
    let rows: Vec<_> = rows.collect();
    Node::container().with("size", rows.len()).children(rows)
}

/// `/transcode/sessions/{id}`: one of them, or its end.
pub(crate) fn conversion(state: &State, asked: &Asked, id: &str) -> Answer {
    if asked.method == "DELETE" {
        return empty_or_missing(state.sessions().stop(id));
    }
    let row = state.sessions().live_in(id).map(|live| live.plan.row(id));
    match row {
        Some(row) => node(asked, &Node::container().with("size", 1_u32).child(row)),
        None => refusal(404),
    }
}

/// `/status/sessions`: conversions only. Who reads a part and reports nothing is not seen.
pub(crate) fn now_playing(state: &State, library: &Library) -> Node {
    let sessions = state.sessions();
    let rows = sessions.live().filter_map(|(id, live)| {
        let (item, section) = library.item(live.rating_key)?;
        let depth = Depth::Whole {
            section,
            files: row::Files::Unchecked,
            chapters: false,
            markers: false,
        };
        let player = Node::alone("Player")
            .with("title", "A box")
            .with("state", "playing")
            .with("machineIdentifier", "a-box")
            .with("local", true);
        let user = Node::alone("User").with("id", "1").with("title", "owner");
        let session = Node::alone("Session")
            .with("id", id)
            .with("bandwidth", 10_000_u32)
            .with("location", "lan");
        let row = row::row(&item, depth)
            .with("sessionKey", live.number.to_string())
            .children([user, player, session, live.plan.row(id)]);
        Some(row)
    });
    let rows: Vec<_> = rows.collect();
    Node::container().with("size", rows.len()).children(rows)
}
