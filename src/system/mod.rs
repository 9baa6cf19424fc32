//! The machine below: how much memory it has, how fast its network is, where it is connected, in
//! which condition it is, the service manager that looks after the box, and the card that it boots
//! from.
//!
//! What is read is what the kernel tells, and what it does not tell is `None`. It decides nothing, and
//! writes only where the machine is nothing but the box, as processes of their own: the machine's
//! configuration ([`disk`]), and the slots of the card with what says which of them is booted
//! ([`updater`]).

pub mod boot_record;
pub mod bundle;
pub mod card;
pub mod condition;
pub mod disk;
mod fat;
mod hex;
pub mod host;
pub mod link;
pub mod memory;
pub mod network;
pub mod notify;
pub mod pairing;
pub mod slot;
pub mod standing;
pub mod updater;
mod whole_file;
pub mod wifi;
