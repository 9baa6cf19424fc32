//! `board`: what the box's own image does on its board, beside the box.

mod install;
mod prepare;
mod prove;
mod reset;
mod status;
mod updater;
mod version;

use crate::error::Result;
use clap::Subcommand;

/// The socket of the updater on the box.
const UPDATER_SOCKET: &str = "/run/exstreamtv/updater.sock";

#[derive(Debug, Subcommand)]
pub(super) enum OnBoard {
    /// Make the configuration of what the owner wrote on the card, before the box starts
    Prepare(prepare::Prepare),
    /// Prove the running box from outside, and have its slot kept; where it does not hold, go back
    Prove(prove::Prove),
    /// Write updates to the card for those who may have that, as root
    Updater(updater::Arguments),
    /// Have a bundle written to the slot that does not run
    Install(install::Arguments),
    /// Say which versions the card has, and what became of the last update
    Status(status::Arguments),
}

pub(super) fn run(command: OnBoard) -> Result<()> {
    match command {
        OnBoard::Prepare(arguments) => prepare::run(&arguments),
        OnBoard::Prove(arguments) => super::asking()?.block_on(prove::run(arguments)),
        OnBoard::Updater(arguments) => updater::run(arguments),
        OnBoard::Install(arguments) => super::asking()?.block_on(install::run(arguments)),
        OnBoard::Status(arguments) => super::asking()?.block_on(status::run(arguments)),
    }
}
