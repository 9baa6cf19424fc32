//! The fuzz data is the file: whatever it holds, the demuxer ends in samples or in words.

#![no_main]

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Pull};
use exstreamtv::limits;
use exstreamtv::media::{Container, TrackId};
use libfuzzer_sys::fuzz_target;

/// Pulls until something other than a need comes.
fn pull(demuxer: &mut Demuxer, file: &Bytes, steps: &mut usize) -> Option<Pull> {
    loop {
        *steps = steps.checked_sub(1).expect("it ends");
        let span = match demuxer.pull().ok()? {
            Pull::Need(span) => span,
            other => return Some(other),
        };
        let from = usize::try_from(span.offset).unwrap();
        assert!(span.len >= 1 && span.len <= limits::SAMPLE_BYTES);
        assert!(from + span.len <= file.len());
        demuxer.push(span.offset, file.slice(from..from + span.len)).unwrap();
    }
}

/// Plays from a time to the end.
fn play(demuxer: &mut Demuxer, file: &Bytes, tracks: (TrackId, Option<TrackId>), time_90k: i64) {
    let mut steps = 10_000 + 20 * file.len();
    demuxer.start(tracks.0, tracks.1, time_90k).unwrap();
    let mut last_90k = None;
    while let Some(Pull::Sample(sample)) = pull(demuxer, file, &mut steps) {
        assert!(sample.pts_90k >= sample.dts_90k);
        if sample.track == tracks.0 {
            assert!(last_90k.is_none_or(|last| sample.dts_90k > last));
            last_90k = Some(sample.dts_90k);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let file = Bytes::copy_from_slice(data);
    let mut demuxer = Demuxer::new(Container::Matroska, data.len() as u64);
    let mut steps = 10_000 + 20 * data.len();
    if pull(&mut demuxer, &file, &mut steps) != Some(Pull::Ready) {
        return;
    }
    let movie = demuxer.movie().expect("it is there when it is ready");
    let tracks = movie.tracks.iter().map(|listed| &listed.track);
    let video = tracks.clone().find(|track| track.video().is_some());
    let audio = tracks.clone().find(|track| track.audio().is_some());
    let chosen = (video.expect("there is one").id, audio.map(|track| track.id));
    for time_90k in [0, movie.duration_90k / 2, i64::MAX, i64::MIN] {
        play(&mut demuxer, &file, chosen, time_90k);
    }
});
