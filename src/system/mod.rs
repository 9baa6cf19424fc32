//! The machine below: how much memory it has, and how fast its network is.
//!
//! It reads what the kernel tells in `/proc` and `/sys`, decides nothing and writes nothing. What
//! the kernel does not tell is `None`.

pub mod link;
pub mod memory;
pub mod network;
