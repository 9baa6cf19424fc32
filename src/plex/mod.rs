//! Plex: linking the box to an account, finding a server, reading its library, asking it how to play.
//!
//! It asks and understands, and holds nothing of what it was told but the way to a server: what is
//! kept, when it is asked again and what a refusal means for an item is decided by the stages above.
//! It runs on the task of whoever asks, and asks once. A token is a [`Secret`]; it goes into headers
//! and into the file of [`Credentials`], and nowhere else.

mod account;
mod credentials;
mod entry;
mod event;
mod find;
mod gdm;
mod identity;
mod item;
mod linking;
mod list;
mod play;
mod row;
mod server;
mod servers;
mod trouble;
mod version;
mod wire;

pub use crate::model::Secret;
pub use account::{Account, Form, Pin, PinState, TokenState};
pub use credentials::{Credentials, KnownServer};
pub use entry::{Connection, Ownership, Reach, ServerEntry};
pub use event::{Events, Hint};
pub use find::{Plain, Wishes, find};
pub use gdm::{Announced, gdm};
pub use identity::{Identity, new_id};
pub use item::{Episode, Item, Kind, Media, Part, Stream, StreamKind};
pub use linking::{Attempt, Linking, Stage};
pub use play::{Bounds, Decided, Decision, PartDecision, Pictures, Play, Transcode, Wrap};
pub use server::{Page, Picture, Playlist, Section, Server, Since};
pub use servers::{Servers, Standing};
pub use trouble::{Class, Result, Trouble};
pub use version::Version;
