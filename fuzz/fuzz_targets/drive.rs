//! The fuzz data is the file: whatever it holds, the demuxer ends in samples or in words, asks for
//! nothing outside it, and keeps what it promises about times.

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Pull};
use exstreamtv::limits;
use exstreamtv::media::{Container, Sample, TrackId};
use std::collections::HashMap;

/// A demuxer over the data. Every pull gives a sample, of which there are at most a few a byte, or
/// asks for something new: a loop without end runs out of steps.
struct Drive {
    demuxer: Demuxer,
    file: Bytes,
    steps: usize,
    /// Up to where a stream has come that can be had only once, in order.
    come: Option<usize>,
}

impl Drive {
    /// Pulls until something other than a need comes; `None` for an error.
    fn pull(&mut self) -> Option<Pull> {
        loop {
            self.steps = self.steps.checked_sub(1).expect("it ends");
            let span = match self.demuxer.pull().ok()? {
                Pull::Need(span) => span,
                other => return Some(other),
            };
            let from = usize::try_from(span.offset).expect("an offset inside the file");
            assert!((1..=limits::SAMPLE_BYTES).contains(&span.len));
            let mut to = from + span.len;
            if let Some(come) = &mut self.come {
                assert_eq!(from, *come, "what comes next");
                to = to.min(self.file.len());
                *come = to;
            }
            assert!(to <= self.file.len());
            let bytes = self.file.slice(from..to);
            self.demuxer
                .push(span.offset, bytes)
                .expect("what was asked for");
        }
    }

    /// Plays from a time to the end.
    fn play(&mut self, video: TrackId, audio: Option<TrackId>, time_90k: i64) -> Vec<Sample> {
        self.steps = 10_000 + 20 * self.file.len();
        self.demuxer
            .start(video, audio, time_90k)
            .expect("tracks of the movie");
        let mut samples = Vec::new();
        while let Some(pull) = self.pull() {
            match pull {
                Pull::Sample(sample) => samples.push(sample),
                Pull::End => {
                    assert_eq!(self.demuxer.pull(), Ok(Pull::End));
                    break;
                }
                other => panic!("{other:?} while playing"),
            }
        }
        samples
    }
}

impl Drive {
    /// Plays from a time to the end, after a look at what is foreseen.
    fn resumed(&mut self, video: TrackId, audio: Option<TrackId>, time_90k: i64) -> Vec<Sample> {
        self.demuxer
            .start(video, audio, time_90k)
            .expect("tracks of the movie");
        for span in self.demuxer.foresee() {
            assert!((1..=limits::SAMPLE_BYTES).contains(&span.len));
        }
        self.play(video, audio, time_90k)
    }
}

/// Decoding times rise in each track, and come before showing. MP4 gives both in one order.
fn check(samples: &[Sample], container: Container) {
    let mut last_of = HashMap::new();
    let mut last_90k = i64::MIN;
    for sample in samples {
        assert!(!sample.data.is_empty());
        assert!(sample.pts_90k >= sample.dts_90k);
        let before = last_of.insert(sample.track, sample.dts_90k);
        assert!(before.is_none_or(|before| sample.dts_90k > before));
        assert!(container != Container::Mp4 || sample.dts_90k >= last_90k);
        last_90k = sample.dts_90k;
    }
}

/// Opens the data and plays it from several places, one of which its last byte chooses.
pub(crate) fn survive(data: &[u8], container: Container) {
    let mut drive = Drive {
        demuxer: Demuxer::new(container, u64::try_from(data.len()).expect("a length")),
        file: Bytes::copy_from_slice(data),
        steps: 10_000 + 20 * data.len(),
        come: None,
    };
    if drive.pull() != Some(Pull::Ready) {
        return;
    }
    let movie = drive.demuxer.movie();
    let movie = movie.expect("it is there when it is ready").clone();
    assert!(movie.duration_90k >= 0);
    let tracks = || movie.tracks.iter().map(|listed| &listed.track);
    let video = tracks().find(|track| track.video().is_some());
    let video = video.expect("there is one").id;
    let audio = tracks().find(|track| track.audio().is_some());
    let audio = audio.map(|track| track.id);
    let place_90k = i64::from(data.last().copied().unwrap_or(0)) * 9_000;
    let middle_90k = movie.duration_90k / 2;
    let fresh = drive.demuxer.outline().expect("it is ready");
    let places = [0, place_90k, middle_90k, i64::MAX, i64::MIN];
    for time_90k in places {
        check(&drive.play(video, audio, time_90k), container);
    }
    let played = drive.demuxer.outline().expect("it was ready");
    drive.demuxer.learn(&[video]);
    drive.steps = 10_000 + 20 * data.len();
    drive.pull();
    let learnt = drive.demuxer.outline().expect("it was ready");
    for outline in [fresh, played, learnt] {
        assert!(outline.held_bytes() <= 4 * limits::OUTLINES_BYTES);
        drive.demuxer = Demuxer::resume(&outline);
        assert_eq!(drive.demuxer.movie(), Some(&movie));
        for time_90k in places {
            check(&drive.resumed(video, audio, time_90k), container);
        }
    }
}

/// Takes the data as a stream that is made while it is read.
pub(crate) fn survive_live(data: &[u8], container: Container) {
    let mut drive = Drive {
        demuxer: Demuxer::live(container),
        file: Bytes::copy_from_slice(data),
        steps: 10_000 + 20 * data.len(),
        come: Some(0),
    };
    if drive.pull() != Some(Pull::Ready) {
        return;
    }
    assert!(drive.demuxer.origin_90k().is_some());
    let movie = drive.demuxer.movie().expect("it is ready");
    let tracks = || movie.tracks.iter().map(|listed| &listed.track);
    let video = tracks().find(|track| track.video().is_some());
    let video = video.expect("there is one").id;
    let audio = tracks().find(|track| track.audio().is_some());
    let audio = audio.map(|track| track.id);
    check(&drive.play(video, audio, 0), container);
}
