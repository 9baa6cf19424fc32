//! Any bytes as a file for the MP4 demuxer, which reads no streams.
#![no_main]

#[path = "drive.rs"]
#[allow(dead_code, reason = "streams are for the others")]
mod drive;

use exstreamtv::media::Container;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drive::survive(data, Container::Mp4);
});
