//! The Plex server that the configuration names: the box links itself to it, once it answers.

use super::running::Running;
use crate::config::Config;
use crate::error::{Error, Failure, Result};
use crate::limits;
use crate::model::Secret;
use crate::system::disk::read_bounded;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// How soon a server is tried again the first time.
const AGAIN_MS: u64 = 5_000;

/// Links the box, unless it is linked so already. What keeps it from that is told on the page; a server
/// that does not answer is tried again.
pub(super) async fn link(running: &Running, config: &Config) {
    let (Some(url), Some(file)) = (&config.plex_url, &config.plex_token_file) else {
        return;
    };
    let token = match token(file) {
        Ok(token) => token,
        Err(error) => {
            let notice = format!("The Plex server at {url} cannot be linked to: {error}.");
            return running.tell(None, Some(&notice));
        }
    };
    let servers = running.house.plex.servers();
    if servers.is_linked_to(url, &token) {
        return;
    }
    let mut told: Option<String> = None;
    let mut again_ms = AGAIN_MS;
    loop {
        let error = match servers.link_server(url, &token).await {
            Ok(server) => {
                log::info!("linked to the Plex server {}", server.name);
                return running.tell(told.as_deref(), None);
            }
            Err(error) => error,
        };
        let refused = error.failure() == Failure::Auth;
        let notice = if refused {
            format!(
                "The Plex server at {url} does not take the token that it was given. Write the \
                 right one, or take both away and type the code of this page at plex.tv/link."
            )
        } else {
            format!("The box is not linked to the Plex server at {url} yet: {error}.")
        };
        running.tell(told.as_deref(), Some(&notice));
        if refused {
            return;
        }
        told = Some(notice);
        sleep(Duration::from_millis(again_ms)).await;
        again_ms = again_ms.saturating_mul(2).min(limits::PLEX_LINK_AGAIN_MS);
    }
}

fn token(file: &Path) -> Result<Secret> {
    let shown = || file.display().to_string();
    let bytes = read_bounded(file, limits::PLEX_TOKEN_BYTES)
        .map_err(|error| Error::io("read", shown(), &error))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if bytes.len() <= limits::PLEX_TOKEN_BYTES => Ok(Secret::new(text)),
        _ => Err(Error::invalid(shown(), "there is no token in it")),
    }
}
