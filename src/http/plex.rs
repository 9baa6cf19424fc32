//! The box's link to Plex, as programs and the page see it.
//!
//! Whoever looks sees how the servers are, and the code that links a box that is not linked yet.
//! Tokens come in through the control socket and never go out.

use super::House;
use super::answer::Answer;
use super::control::{parsed, refused};
use crate::plex::{self, Class, Kind, Secret, Section, Servers, Stage, Standing};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

/// `/api/plex`
#[derive(Serialize)]
pub(super) struct PlexView {
    linked: bool,
    /// Which time it is that the box is being linked, or was.
    attempt: u64,
    #[serde(flatten)]
    stage: Stage,
    servers: Vec<ServerView>,
}

/// How a server is.
#[derive(Serialize)]
pub(super) struct ServerView {
    machine: String,
    name: String,
    /// `good`, `sign in again`, `away`, `starting`.
    state: &'static str,
    why: Option<String>,
}

/// A section of a server that holds videos.
#[derive(Clone, Serialize)]
struct SectionView {
    server: String,
    machine: String,
    key: String,
    title: String,
    holds: &'static str,
}

/// What is wrong with a server.
pub(super) struct ServerTrouble {
    pub(super) machine: String,
    /// In words for the owner.
    pub(super) sentence: String,
}

/// `POST /api/plex/link`: both name a server, with neither a code is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkOrder {
    url: Option<String>,
    token: Option<String>,
}

/// `/api/plex`: whether the box is linked, to what, and how that is.
pub(super) fn view(house: &House) -> PlexView {
    let servers = house.plex.servers();
    let attempt = house.plex.attempt();
    PlexView {
        linked: servers.is_linked(),
        attempt: attempt.number,
        stage: attempt.stage,
        servers: standings(house),
    }
}

/// How the servers are that the box is linked to.
pub(super) fn standings(house: &House) -> Vec<ServerView> {
    let standings = house.plex.servers().standings().into_iter();
    let server = |standing: Standing| ServerView {
        machine: standing.machine,
        name: standing.name,
        state: match standing.trouble.as_ref().map(|trouble| trouble.class) {
            None => "good",
            Some(Class::Auth) => "sign in again",
            Some(Class::Starting) => "starting",
            Some(_) => "away",
        },
        why: standing.trouble.map(|trouble| trouble.to_string()),
    };
    standings.map(server).collect()
}

/// What is wrong with the servers, whether a channel shows anything of them or not.
pub(super) fn troubles(house: &House) -> Vec<ServerTrouble> {
    let standings = house.plex.servers().standings().into_iter();
    let told = |standing: Standing| {
        let trouble = standing.trouble?;
        let sentence = match trouble.class {
            Class::Auth => format!(
                "The Plex server {} does not know this box any more: sign in again with \
                 `exstreamtv link`. Its titles are kept.",
                standing.name
            ),
            _ => format!(
                "The Plex server {} cannot be used: {trouble}.",
                standing.name
            ),
        };
        Some(ServerTrouble {
            machine: standing.machine,
            sentence,
        })
    };
    standings.filter_map(told).collect()
}

/// `/api/plex/sections`: what may become a library. The servers are asked side by side, and one that
/// is away hides nothing of the others.
pub(super) async fn sections(house: &House) -> Result<Answer, Answer> {
    let mut asked = JoinSet::new();
    for (at, standing) in house.plex.servers().standings().into_iter().enumerate() {
        let servers = Arc::clone(house.plex.servers());
        asked.spawn(async move { (at, sections_of(&servers, &standing).await) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(at, _)| *at);
    let mut sections = Vec::new();
    let mut troubles = Vec::new();
    for (_, answer) in answers {
        match answer {
            Ok(found) => sections.push(found),
            Err(trouble) => {
                log::warn!("{trouble}");
                troubles.push(trouble);
            }
        }
    }
    match troubles.into_iter().next() {
        Some(trouble) if sections.is_empty() => Err(refused(&trouble.into())),
        _ => Ok(Answer::json(&sections.concat())),
    }
}

async fn sections_of(servers: &Servers, standing: &Standing) -> plex::Result<Vec<SectionView>> {
    let server = servers.server(&standing.machine).await?;
    let sections = server.sections().await?.into_iter();
    let view = |section: Section| SectionView {
        server: standing.name.clone(),
        machine: standing.machine.clone(),
        key: section.key,
        title: section.title,
        holds: match section.kind {
            Kind::Movie => "films",
            Kind::Show => "shows",
            _ => "videos",
        },
    };
    let videos = sections.filter(|section| section.kind.holds_videos());
    Ok(videos.map(view).collect())
}

/// `POST /api/plex/link`.
pub(super) async fn link(house: &House, body: Incoming) -> Result<Answer, Answer> {
    let order: LinkOrder = parsed(body).await?;
    let (url, token) = match (order.url, order.token) {
        (Some(url), Some(token)) => (url, Secret::new(&token)),
        (None, None) => {
            let attempt = house.plex.want();
            return Ok(Answer::json_with(202, &json!({ "attempt": attempt })));
        }
        _ => {
            let words = "A server has a url and a token; without both a code is asked for.";
            return Err(Answer::words(400, words));
        }
    };
    let server = house.plex.servers().link_server(&url, &token).await;
    let server = server.map_err(|error| refused(&error))?;
    let linked = json!({ "machine": server.machine, "name": server.name });
    Ok(Answer::json_with(201, &linked))
}
