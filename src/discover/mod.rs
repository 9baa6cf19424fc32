//! Being found: HDHomeRun's discovery and control, SSDP, mDNS.
//!
//! What is told is where the doors really are, seen from the interface on which it was asked for:
//! nothing is announced where it cannot be reached.

pub mod control;
pub mod frame;
mod presence;
pub mod question;

pub use presence::Presence;
