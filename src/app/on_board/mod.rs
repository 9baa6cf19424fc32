//! What a board does with itself.

mod prove;

use crate::error::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Board {
    /// Prove the running box from outside, and have its slot kept; where it does not hold, go back
    Prove(prove::Prove),
}

pub(super) fn run(command: Board) -> Result<()> {
    match command {
        Board::Prove(prove) => super::asking()?.block_on(prove::run(prove)),
    }
}
