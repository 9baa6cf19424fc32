//! The box's link to Plex, as programs and the page see it.
//!
//! Whoever looks sees how the servers are, and the code that links a box that is not linked yet.
//! Tokens come in through the control socket and never go out.

use super::House;
use super::answer::Answer;
use super::control::{parsed, refused};
use super::head::{Head, Method};
use crate::plex::{Class, Kind, Secret, Stage, Standing};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// `/api/plex`
#[derive(Serialize)]
pub(super) struct PlexView {
    linked: bool,
    /// Which time it is that the box is being linked, or was.
    attempt: u64,
    #[serde(flatten)]
    pub(super) stage: StageView,
    servers: Vec<ServerView>,
}

/// How far a linking is.
#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "linking")]
pub(super) enum StageView {
    Idle,
    Beginning,
    Code { code: String, form: Option<String> },
    Linked,
    Failed { why: String },
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

#[derive(Serialize)]
struct SectionView {
    server: String,
    machine: String,
    key: String,
    title: String,
    holds: &'static str,
}

/// `POST /api/plex/link`: with neither, a code is asked for.
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
        stage: match attempt.stage {
            Stage::Idle => StageView::Idle,
            Stage::Beginning => StageView::Beginning,
            Stage::Code { code, form } => StageView::Code { code, form },
            Stage::Linked => StageView::Linked,
            Stage::Failed(why) => StageView::Failed { why },
        },
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

/// What is wrong with the servers, a sentence each.
pub(super) fn troubles(house: &House) -> Vec<String> {
    let standings = house.plex.servers().standings().into_iter();
    let told = |standing: Standing| {
        let trouble = standing.trouble?;
        Some(match trouble.class {
            Class::Auth => format!(
                "The Plex server {} does not know this box any more: sign in again with \
                 `exstreamtv link`. Its titles are kept.",
                standing.name
            ),
            _ => format!(
                "The Plex server {} cannot be used: {trouble}.",
                standing.name
            ),
        })
    };
    standings.filter_map(told).collect()
}

/// What only the owner may read; `None` for everything else.
pub(super) async fn read(house: &House, head: &Head) -> Option<Answer> {
    if head.path != "/api/plex/sections" {
        return None;
    }
    let mut sections = Vec::new();
    for standing in house.plex.servers().standings() {
        match sections_of(house, &standing).await {
            Ok(found) => sections.extend(found),
            Err(error) => return Some(refused(&error)),
        }
    }
    Some(Answer::json(&sections))
}

async fn sections_of(house: &House, standing: &Standing) -> crate::error::Result<Vec<SectionView>> {
    let server = house.plex.servers().server(&standing.machine).await?;
    let sections = server.sections().await?;
    let view = |section: crate::plex::Section| {
        let holds = match section.kind {
            Kind::Movie => "films",
            Kind::Show => "shows",
            Kind::Clip => "videos",
            _ => return None,
        };
        Some(SectionView {
            server: standing.name.clone(),
            machine: standing.machine.clone(),
            key: section.key,
            title: section.title,
            holds,
        })
    };
    Ok(sections.into_iter().filter_map(view).collect())
}

/// Makes a change; `None` for an address that changes nothing.
pub(super) async fn change(house: &House, head: &Head, body: Incoming) -> Option<Answer> {
    if (head.method, head.path.as_str()) != (Method::Post, "/api/plex/link") {
        return None;
    }
    let linked = link(house, body).await;
    Some(linked.unwrap_or_else(|refused| refused))
}

async fn link(house: &House, body: Incoming) -> Result<Answer, Answer> {
    let order: LinkOrder = parsed(body).await?;
    let Some(url) = order.url else {
        let attempt = house.plex.want();
        return Ok(Answer::json_with(202, &json!({ "attempt": attempt })));
    };
    let token = Secret::new(order.token.as_deref().unwrap_or_default());
    let server = house.plex.servers().link_server(&url, &token).await;
    let server = server.map_err(|error| refused(&error))?;
    let linked = json!({ "machine": server.machine, "name": server.name });
    Ok(Answer::json_with(201, &linked))
}
