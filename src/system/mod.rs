//! The machine below: how much memory it has, how fast its network is, and where it is connected.
//!
//! It reads what the kernel tells, decides nothing and writes nothing. What the kernel does not tell
//! is `None`.

pub mod link;
pub mod memory;
pub mod network;
