//! A demuxer fed from memory, drop by drop, with an eye on what it asks for.

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Movie, Pull};
use exstreamtv::error::Error;
use exstreamtv::limits;
use exstreamtv::media::{Container, Sample, TrackId};

/// Pulls that may pass without a sample: more is no progress.
const PATIENCE: usize = 100_000;

pub(crate) struct Drive {
    file: Bytes,
    pub(crate) demuxer: Demuxer,
    /// Spans asked for so far, and their bytes.
    pub(crate) needs: usize,
    pub(crate) bytes: usize,
    /// Most that was held by the demuxer after any pull.
    pub(crate) most_held: usize,
}

impl Drive {
    /// Reads the header.
    pub(crate) fn open(file: impl Into<Bytes>) -> Result<Self, Error> {
        let file = file.into();
        let claimed = file.len() as u64;
        Self::open_claiming(file, claimed)
    }

    /// Reads the header of a file that is said to have another length than it has.
    pub(crate) fn open_claiming(file: Bytes, claimed: u64) -> Result<Self, Error> {
        let demuxer = Demuxer::new(Container::Mp4, claimed);
        let mut drive = Self {
            file,
            demuxer,
            needs: 0,
            bytes: 0,
            most_held: 0,
        };
        match drive.pull()? {
            Pull::Ready => Ok(drive),
            other => panic!("{other:?} before it is ready"),
        }
    }

    /// The next thing that is not a need.
    pub(crate) fn pull(&mut self) -> Result<Pull, Error> {
        for _ in 0..PATIENCE {
            let pull = self.demuxer.pull()?;
            if let Demuxer::Mp4(mp4) = &self.demuxer {
                self.most_held = self.most_held.max(mp4.held_bytes());
            }
            let Pull::Need(span) = pull else {
                return Ok(pull);
            };
            assert!((1..=limits::SAMPLE_BYTES).contains(&span.len), "{span:?}");
            assert_eq!(
                self.demuxer.pull(),
                Ok(Pull::Need(span)),
                "asked twice, the same"
            );
            let from = usize::try_from(span.offset).unwrap().min(self.file.len());
            let to = (from + span.len).min(self.file.len());
            self.needs += 1;
            self.bytes += to - from;
            self.demuxer.push(span.offset, self.file.slice(from..to))?;
        }
        panic!("no progress in {PATIENCE} pulls");
    }

    pub(crate) fn movie(&self) -> &Movie {
        self.demuxer.movie().unwrap()
    }

    /// The first video track, and the first audio track.
    pub(crate) fn chosen(&self) -> (TrackId, Option<TrackId>) {
        let tracks = || self.movie().tracks.iter().map(|track| &track.track);
        let video = tracks().find(|track| track.video().is_some()).unwrap().id;
        let audio = tracks().find(|track| track.audio().is_some());
        (video, audio.map(|track| track.id))
    }

    /// Starts the chosen tracks.
    pub(crate) fn start(&mut self, time_90k: i64) {
        let (video, audio) = self.chosen();
        self.demuxer.start(video, audio, time_90k).unwrap();
    }

    /// All samples that are left, and the error at which they ended.
    pub(crate) fn rest(&mut self) -> (Vec<Sample>, Option<Error>) {
        let mut samples = Vec::new();
        loop {
            match self.pull() {
                Ok(Pull::Sample(sample)) => samples.push(sample),
                Ok(Pull::End) => return (samples, None),
                Ok(other) => panic!("{other:?} while playing"),
                Err(error) => {
                    assert_eq!(
                        self.demuxer.pull(),
                        Err(error.clone()),
                        "the same error again"
                    );
                    return (samples, Some(error));
                }
            }
        }
    }

    /// Starts, and gives all samples.
    pub(crate) fn play(&mut self, time_90k: i64) -> Vec<Sample> {
        self.start(time_90k);
        let (samples, error) = self.rest();
        assert_eq!(error, None);
        samples
    }
}
