//! The machine below: how much memory it has, how fast its network is, where it is connected, and
//! the card that it boots from.
//!
//! It reads what the kernel tells and decides nothing; what the kernel does not tell is `None`. It
//! writes one thing alone, and that as a process of its own: the slots of the card, with what says
//! which of them is booted ([`updater`]).

pub mod boot_record;
pub mod bundle;
pub mod card;
mod fat;
mod hex;
pub mod link;
pub mod memory;
pub mod network;
pub mod pairing;
pub mod slot;
pub mod updater;
mod whole_file;
