//! The stand-in for Plex is judged: by python-plexapi, which real servers are driven with, and here
//! for what that does not look at: JSON, ranges, decisions, conversions, faults.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test says what failed by failing"
)]

#[path = "plex_standin/client.rs"]
mod client;
#[path = "plex_standin/conversions.rs"]
mod conversions;
#[path = "plex_standin/decisions.rs"]
mod decisions;
#[path = "plex_standin/discovery.rs"]
mod discovery;
#[path = "plex_standin/faults.rs"]
mod faults;
#[path = "plex_standin/listings.rs"]
mod listings;
#[path = "plex_standin/parts.rs"]
mod parts;
#[path = "support/plex/mod.rs"]
mod plex;

use plex::{Library, Standin};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// The clips that the project has anyway: eight films, three shows.
fn clips() -> Library {
    // Probing them takes a while.
    static CLIPS: LazyLock<Library> = LazyLock::new(|| {
        Library::from_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo"))
    });
    CLIPS.clone()
}

#[test]
fn python_plexapi_drives_every_call() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python");
    assert!(python.exists(), "run scripts/python first");
    let standin = Standin::start(clips().with_synthetic(2_000));
    let judged = Command::new(python)
        .arg(root.join("tests/plex_standin/judge.py"))
        .args([standin.url(), standin.token()])
        .args([standin.account_url(), standin.account_token()])
        .arg(root.join("assets/demo"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    let errors = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success(), "{said}{errors}");
    assert!(said.lines().count() > 50, "{said}");
}
