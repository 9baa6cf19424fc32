//! Any bytes as a file and as a stream for the Matroska demuxer.
#![no_main]

#[path = "drive.rs"]
mod drive;

use exstreamtv::media::Container;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drive::survive(data, Container::Matroska);
    drive::survive_live(data, Container::Matroska);
});
