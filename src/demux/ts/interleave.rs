//! Pictures and sound in the order of their decoding times. Transmitters send pictures up to some
//! seconds before the sound that belongs to them; what follows would take that sound for missing.

use crate::limits;
use crate::media::Sample;
use std::collections::VecDeque;

/// Time for which one waits for the other.
const WAIT_90K: i64 = 3 * 90_000;

/// Samples that wait for their turn.
#[derive(Debug)]
pub(super) struct Interleave {
    pictures: Line,
    sounds: Line,
    /// Nothing is waited for any more.
    ended: bool,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Sample>,
    bytes: usize,
    /// Nothing before this time comes any more.
    come_90k: i64,
}

impl Interleave {
    /// Of pictures alone, or of pictures and sound.
    pub(super) fn new(has_sound: bool) -> Self {
        Self {
            pictures: Line::new(),
            sounds: Line::new(),
            ended: !has_sound,
        }
    }

    pub(super) fn push_picture(&mut self, sample: Sample) {
        self.pictures.push(sample);
    }

    pub(super) fn push_sound(&mut self, sample: Sample) {
        self.sounds.push(sample);
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The next sample, if its turn has come.
    pub(super) fn pop(&mut self) -> Option<Sample> {
        let (first, other) = match (self.pictures.next_90k(), self.sounds.next_90k()) {
            (Some(picture), Some(sound)) if sound <= picture => {
                return self.sounds.pop();
            }
            (Some(_), Some(_)) => return self.pictures.pop(),
            (Some(_), None) => (&mut self.pictures, &self.sounds),
            (None, Some(_)) => (&mut self.sounds, &self.pictures),
            (None, None) => return None,
        };
        let is_next = first.next_90k().is_some_and(|next| next <= other.come_90k);
        let is_due = self.ended || is_next || first.is_too_much();
        is_due.then(|| first.pop()).flatten()
    }
}

impl Line {
    fn new() -> Self {
        Self {
            come_90k: i64::MIN,
            ..Self::default()
        }
    }

    fn push(&mut self, sample: Sample) {
        self.bytes += sample.data.len();
        self.come_90k = sample.dts_90k;
        self.waiting.push_back(sample);
    }

    fn pop(&mut self) -> Option<Sample> {
        let sample = self.waiting.pop_front()?;
        self.bytes -= sample.data.len();
        Some(sample)
    }

    fn next_90k(&self) -> Option<i64> {
        Some(self.waiting.front()?.dts_90k)
    }

    fn is_too_much(&self) -> bool {
        let first = self.next_90k().unwrap_or(self.come_90k);
        self.bytes > limits::INTERLEAVE_BYTES || self.come_90k.saturating_sub(first) > WAIT_90K
    }
}
