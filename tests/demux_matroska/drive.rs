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
    /// Up to where a stream has come that can be had only once, in order.
    come: Option<usize>,
}

impl Drive {
    /// The same bytes as a stream that is made while it is read.
    pub(crate) fn live(file: impl Into<Bytes>) -> Result<Self> {
        let file = file.into();
        let container = recognise(&file[..file.len().min(RECOGNISE_BYTES)])?;
        let steps_left = 100_000 + 20 * file.len();
        Ok(Self {
            demuxer: Demuxer::live(container),
            file,
            requests: 0,
            bytes_read: 0,
            steps_left,
            come: Some(0),
        })
    }

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
            come: None,
        })
    }

    /// The samples of the same bytes as a stream that is made while it is read, which may be cut off.
    pub(crate) fn streamed(
        bytes: impl Into<Bytes>,
        video: TrackId,
        audio: Option<TrackId>,
    ) -> Vec<Sample> {
        let mut drive = Self::live(bytes).unwrap();
        drive.movie().unwrap();
        // The time makes no difference.
        let (samples, error) = drive.play(video, audio, 1 << 40);
        assert_eq!(error, None);
        samples
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
            let mut to = from + span.len;
            if let Some(come) = &mut self.come {
                assert_eq!(from, *come, "{span:?} is not what comes next");
                to = to.min(self.file.len());
                *come = to;
            }
            assert!(
                to <= self.file.len(),
                "{span:?} of {} bytes",
                self.file.len()
            );
            self.requests += 1;
            self.bytes_read += to - from;
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
