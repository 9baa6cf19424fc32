//! `serve`: the box.

use super::arguments;
use super::board;
use super::daily;
use super::demo;
use super::drives;
use super::named_server;
use super::running::{Running, keep};
use super::state::{self, StateFolder};
use super::unattended;
use crate::config::Config;
use crate::error::Result;

/// Runs the box until it is told to stop.
pub(super) fn run(arguments: arguments::Serve) -> Result<()> {
    super::log_to_stderr("info");
    let config = config(arguments)?;
    let budget = board::budget(&config)?;
    let path = config.state.clone().map_or_else(state::usual_folder, Ok)?;
    let folder = StateFolder::hold(&path)?;
    super::on_runtime(async {
        Box::pin(keep(&config, budget, &folder, async |running: &Running| {
            let library = async {
                if config.demo {
                    demo::begin(running).await;
                } else {
                    running.look_through_libraries().await;
                }
                tokio::join!(
                    demo::make_way(running),
                    drives::follow(running, &config),
                    unattended::follow(running, &config)
                );
            };
            let linked = named_server::link(running, &config);
            tokio::join!(library, linked, daily::run(running));
            Ok(())
        }))
        .await
    })
}

/// What the file says, and where the command line says otherwise, that.
fn config(arguments: arguments::Serve) -> Result<Config> {
    let mut config = match arguments.config {
        Some(file) => Config::read(&file)?,
        None => Config::default(),
    };
    let place = arguments.place;
    config.state = place.state.or(config.state);
    config.web = place.web.unwrap_or(config.web);
    config.stream = place.stream.unwrap_or(config.stream);
    config.device = place.device.or(config.device);
    config.discovery = place.discovery.or(config.discovery);
    Ok(config)
}
