//! The doors.

pub mod m3u;
pub mod xmltv;
