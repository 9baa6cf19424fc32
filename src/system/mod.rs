//! The machine below: how much memory it has, how fast its network is, where it is connected, in
//! which condition it is, and the service manager that looks after the box.
//!
//! It reads what the kernel tells, decides nothing and writes nothing. What the kernel does not tell
//! is `None`.

pub mod condition;
pub mod link;
pub mod memory;
pub mod network;
pub mod notify;
pub mod standing;
