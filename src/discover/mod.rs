//! Being found: HDHomeRun's discovery and control, SSDP, mDNS.
//!
//! What is told is where the doors really are, seen from the interface on which it was asked for:
//! nothing is announced where it cannot be reached.

mod datagram;
mod presence;
pub mod ssdp;
#[cfg(test)]
mod tests;

pub use presence::Presence;
