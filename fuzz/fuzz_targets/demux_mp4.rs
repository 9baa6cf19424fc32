//! Any bytes as an MP4 file: read the header, start at a place that the bytes choose, play.
#![no_main]

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Pull};
use exstreamtv::media::Container;
use libfuzzer_sys::fuzz_target;

/// Pulls of one run; a file of a few kilobytes has far fewer samples and windows.
const PULLS: usize = 100_000;

fuzz_target!(|data: &[u8]| {
    let file = Bytes::copy_from_slice(data);
    let length = u64::try_from(file.len()).expect("a length");
    let mut demuxer = Demuxer::new(Container::Mp4, length);
    let place = i64::from(data.last().copied().unwrap_or(0)) * 9_000;
    let mut starts = [0, place].into_iter();
    for _ in 0..PULLS {
        match demuxer.pull() {
            Ok(Pull::Need(span)) => {
                let from = usize::try_from(span.offset).expect("an offset inside the file");
                let bytes = file.slice(from..from + span.len);
                demuxer.push(span.offset, bytes).expect("what was asked for");
            }
            Ok(Pull::Ready | Pull::End) => {
                let Some(time_90k) = starts.next() else {
                    return;
                };
                let tracks = || demuxer.movie().expect("a movie").tracks.iter();
                let video = tracks().find(|track| track.track.video().is_some());
                let audio = tracks().find(|track| track.track.audio().is_some());
                let video = video.expect("a video track").track.id;
                let audio = audio.map(|track| track.track.id);
                demuxer.start(video, audio, time_90k).expect("a start");
            }
            Ok(Pull::Sample(sample)) => assert!(!sample.data.is_empty()),
            Err(_) => return,
        }
    }
    panic!("no end after {PULLS} pulls");
});
