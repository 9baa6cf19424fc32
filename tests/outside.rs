//! The promises of the main job, watched from outside: the real program as a process of its own,
//! with viewers on real sockets. Nothing in here looks inside the box; what it says is taken from
//! its doors, what it takes from `/proc`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test says what failed by failing, and what it saw by printing"
)]

mod support;
mod ts_judge;

#[path = "support/activity.rs"]
mod activity;
#[path = "outside/clip.rs"]
mod clip;
#[path = "outside/crowd.rs"]
mod crowd;
#[path = "outside/damage.rs"]
mod damage;
#[path = "outside/database.rs"]
mod database;
#[path = "outside/demo.rs"]
mod demo;
#[path = "outside/folder.rs"]
mod folder;
#[path = "outside/guide.rs"]
mod guide;
#[path = "outside/truth.rs"]
mod truth;
#[path = "outside/vanishing.rs"]
mod vanishing;
#[path = "outside/viewer.rs"]
mod viewer;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Tests that count memory or refusals have the machine for themselves; the others share it.
static MACHINE: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

fn among_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}
