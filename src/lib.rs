//! `EXStreamTV`: a family's own video library as live television.
//!
//! The modules are the way of the data, in order; `docs/architecture.md` tells it as a story.

pub mod clock;
pub mod error;
pub mod limits;
pub mod shutdown;

pub mod media;
pub mod model;

pub mod config;

pub mod tls;

pub mod codec;
pub mod demux;
pub mod remux;

pub mod fetch;
pub mod folder;
pub mod plex;
pub mod store;

pub mod catalog;
pub mod schedule;

pub mod resolver;

pub mod playout;
pub mod ring;
pub mod tuner;

pub mod system;

pub mod discover;
pub mod http;

pub mod reliability;

pub mod app;
