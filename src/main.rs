//! The `exstreamtv` command.

fn main() {}
