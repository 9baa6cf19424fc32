//! The box on a board: what it tells its service manager, and how it proves itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

#[path = "board/between.rs"]
mod between;
#[path = "board/manager.rs"]
mod manager;
#[path = "board/notify.rs"]
mod notify;
#[path = "command/program.rs"]
mod program;
#[path = "board/proof.rs"]
mod proof;
#[path = "board/prove.rs"]
mod prove;
#[path = "board/updater.rs"]
mod updater;
