//! The stand-in for Plex is judged: by python-plexapi, which real servers are driven with, and here
//! for what that does not look at.

#[path = "support/plex/mod.rs"]
mod plex;

#[path = "plex_standin/listings.rs"]
mod listings;
