//! Drives a demuxer over bytes in memory, asking what a careful reader would ask.

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Movie, Pull, RECOGNISE_BYTES, recognise};
use exstreamtv::error::{Error, Result};
use exstreamtv::limits;
use exstreamtv::media::{Sample, TrackId};

/// A demuxer with its file, and what it has read of it.
pub(crate) struct Drive {
    pub(crate) demuxer: Demuxer,
    file: Bytes,
    pub(crate) requests: usize,
    pub(crate) bytes_read: usize,
    steps_left: usize,
}

impl Drive {
    pub(crate) fn new(file: impl Into<Bytes>) -> Result<Self> {
        let file = file.into();
        let head = &file[..file.len().min(RECOGNISE_BYTES)];
        let container = recognise(head)?;
        // Every pull either gives a sample, of which there is no more than one a byte, or asks for
        // something new: a loop without end runs into this.
        let steps_left = 100_000 + 20 * file.len();
        Ok(Self {
            demuxer: Demuxer::new(container, u64::try_from(file.len()).unwrap()),
            file,
            requests: 0,
            bytes_read: 0,
            steps_left,
        })
    }

    /// The next thing that is not a need.
    pub(crate) fn pull(&mut self) -> Result<Pull> {
        loop {
            self.steps_left = self.steps_left.checked_sub(1).expect("it never ends");
            let span = match self.demuxer.pull()? {
                Pull::Need(span) => span,
                other => return Ok(other),
            };
            let from = usize::try_from(span.offset).unwrap();
            assert!(
                span.len >= 1 && span.len <= limits::SAMPLE_BYTES,
                "{span:?}"
            );
            let to = from + span.len;
            assert!(
                to <= self.file.len(),
                "{span:?} of {} bytes",
                self.file.len()
            );
            self.requests += 1;
            self.bytes_read += span.len;
            self.demuxer.push(span.offset, self.file.slice(from..to))?;
        }
    }

    pub(crate) fn movie(&mut self) -> Result<Movie> {
        assert_eq!(self.pull()?, Pull::Ready);
        Ok(self.demuxer.movie().unwrap().clone())
    }

    /// The first picture from a time on.
    pub(crate) fn first(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Sample {
        self.demuxer.start(video, audio, time_90k).unwrap();
        loop {
            match self.pull().unwrap() {
                Pull::Sample(sample) if sample.track == video => return sample,
                Pull::Sample(_) => {}
                other => panic!("{other:?} in place of a picture"),
            }
        }
    }

    /// All samples from a time on, with the error that ended them, if one did.
    pub(crate) fn play(
        &mut self,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> (Vec<Sample>, Option<Error>) {
        if let Err(error) = self.demuxer.start(video, audio, time_90k) {
            return (Vec::new(), Some(error));
        }
        let mut samples = Vec::new();
        loop {
            match self.pull() {
                Ok(Pull::Sample(sample)) => samples.push(sample),
                Ok(Pull::End) => return (samples, None),
                Ok(other) => panic!("{other:?} while playing"),
                Err(error) => return (samples, Some(error)),
            }
        }
    }
}
