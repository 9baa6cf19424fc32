//! The client for Plex against a stand-in that was made by somebody else, to the same description of
//! what servers do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

#[path = "plex_client/log.rs"]
mod log_kept;
#[path = "support/plex/mod.rs"]
mod plex;

#[path = "plex_client/library.rs"]
mod library;
#[path = "plex_client/link.rs"]
mod link;
#[path = "plex_client/playback.rs"]
mod playback;
#[path = "plex_client/trouble.rs"]
mod trouble;

use exstreamtv::plex::{Identity, Secret, Server};
use plex::Standin;

fn identity() -> Identity {
    Identity::new("5f1c0a3e-0000-4000-8000-000000000001", "Living room")
}

async fn server(standin: &Standin) -> Server {
    let token = Secret::new(&standin.token());
    Server::at(&standin.url(), &token, &identity())
        .await
        .unwrap()
}
