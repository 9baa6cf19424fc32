//! The doors, from outside: raw clients on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "doors/board.rs"]
mod board;
#[path = "doors/client.rs"]
mod client;
#[path = "doors/clock.rs"]
mod clock;
#[path = "doors/control.rs"]
mod control;
#[path = "doors/documents.rs"]
mod documents;
#[path = "doors/hosts.rs"]
mod hosts;
#[path = "doors/house.rs"]
mod house;
#[path = "doors/linked.rs"]
mod linked;
#[path = "doors/pages.rs"]
mod pages;
#[path = "doors/pictures.rs"]
mod pictures;
#[path = "support/plex/mod.rs"]
mod plex;
#[path = "doors/requests.rs"]
mod requests;
#[path = "doors/servers.rs"]
mod servers;
#[path = "doors/streams.rs"]
mod streams;
