//! `board`: what a machine that is nothing but the box does besides running it.

mod prepare;
mod prove;
mod reset;
mod version;

use crate::error::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Board {
    /// Make the configuration of what the owner wrote on the card, before the box starts
    Prepare(prepare::Prepare),
    /// Prove the running box from outside, and have its slot kept; where it does not hold, go back
    Prove(prove::Prove),
}

pub(super) fn run(board: Board) -> Result<()> {
    match board {
        Board::Prepare(prepare) => prepare::run(&prepare),
        Board::Prove(prove) => super::asking()?.block_on(prove::run(prove)),
    }
}
