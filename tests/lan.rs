//! The box seen from another host of a LAN, with real clients and with frames written by hand. The
//! tests make the LAN themselves (`network`): they fail where that is not allowed.

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

mod ts_judge;

#[path = "support/activity.rs"]
#[allow(dead_code, reason = "what a process does is asked elsewhere")]
mod activity;
#[path = "lan/control.rs"]
mod control;
#[path = "outside/demo.rs"]
#[allow(dead_code, reason = "the same")]
mod demo;
#[path = "lan/discovery.rs"]
mod discovery;
#[path = "lan/flood.rs"]
mod flood;
#[path = "lan/frame.rs"]
mod frame;
#[path = "lan/home.rs"]
mod home;
#[path = "lan/http.rs"]
mod http;
#[path = "lan/interfaces.rs"]
mod interfaces;
#[path = "lan/kodi.rs"]
mod kodi;
#[path = "lan/mdns.rs"]
mod mdns;
#[path = "lan/network.rs"]
mod network;
#[path = "lan/players.rs"]
mod players;
#[path = "lan/replay.rs"]
mod replay;
#[path = "lan/ssdp.rs"]
mod ssdp;
#[path = "lan/tool.rs"]
mod tool;
#[path = "lan/tuners.rs"]
mod tuners;
#[path = "outside/viewer.rs"]
#[allow(dead_code, reason = "the same")]
mod viewer;

use demo::text;
use std::path::{Path, PathBuf};

/// Where HDHomeRuns are looked for and controlled, over UDP and TCP.
const PORT: u16 = 65_001;

/// A file of the project.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter that knows the clients written in Python.
fn python() -> String {
    let python = here("target/python/bin/python");
    assert!(python.exists(), "run scripts/python first");
    python.to_str().unwrap().to_owned()
}
