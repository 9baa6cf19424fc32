//! Any bytes as a file and as a stream for the MP4 demuxer.
#![no_main]

#[path = "drive.rs"]
mod drive;

use exstreamtv::media::Container;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drive::survive(data, Container::Mp4);
    drive::survive_live(data, Container::Mp4);
});
