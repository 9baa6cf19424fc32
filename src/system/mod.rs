//! The machine below: how much memory it has, how fast its network is, where it is connected, in
//! which condition it is, and the service manager that looks after the box.
//!
//! What is read is what the kernel tells, and what it does not tell is `None`. What is written, for a
//! machine that is nothing but the box, others have decided.

pub mod condition;
pub mod disk;
pub mod host;
pub mod link;
pub mod memory;
pub mod network;
pub mod notify;
pub mod pairing;
pub mod standing;
pub mod wifi;
