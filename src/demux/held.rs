//! Sound that comes before the picture that it may belong to.

use crate::limits;
use crate::media::Sample;
use bytes::Bytes;
use std::collections::VecDeque;

/// Frames that wait for the first picture, oldest first: at most `limits::HELD_AUDIO_BYTES`.
#[derive(Debug, Default)]
pub(crate) struct HeldSound {
    frames: VecDeque<Sample>,
    bytes: usize,
}

impl HeldSound {
    /// Keeps a frame until the first picture's time is known; the oldest go when it is too much.
    pub(crate) fn hold(&mut self, frame: Sample) {
        self.bytes += taken_bytes(&frame);
        // A copy, or every frame would keep the whole block that it came in.
        let data = Bytes::copy_from_slice(&frame.data);
        self.frames.push_back(Sample { data, ..frame });
        while self.bytes > limits::HELD_AUDIO_BYTES {
            let Some(oldest) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= taken_bytes(&oldest);
        }
    }

    /// Lets all of them go, and gives those that are still heard after `time_90k`.
    pub(crate) fn heard_after(&mut self, time_90k: i64) -> impl Iterator<Item = Sample> + use<> {
        let frames = std::mem::take(self).frames.into_iter();
        frames.filter(move |frame| is_heard_after(frame, time_90k))
    }

    /// Lets all of them go.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Whether a frame is still heard after `time_90k`.
pub(super) fn is_heard_after(frame: &Sample, time_90k: i64) -> bool {
    let length_90k = i64::from(frame.duration_90k).max(1);
    frame.pts_90k.saturating_add(length_90k) > time_90k
}

/// What a frame takes.
fn taken_bytes(frame: &Sample) -> usize {
    frame.data.len() + size_of::<Sample>()
}

#[cfg(test)]
mod tests {
    use super::{HeldSound, taken_bytes};
    use crate::limits;
    use crate::media::{Sample, Sync, TrackId};
    use bytes::Bytes;

    /// The frames of a thirtieth of a second, of which every one is part of the same block.
    fn frames(count: i64) -> impl Iterator<Item = Sample> {
        let block = Bytes::from(vec![7; 64 << 10]);
        (0..count).map(move |at| Sample {
            track: TrackId(2),
            dts_90k: at * 3_000,
            pts_90k: at * 3_000,
            duration_90k: 3_000,
            sync: Sync::RandomAccess,
            data: block.slice(100..1_100),
        })
    }

    #[test]
    fn what_ends_before_the_picture_is_not_given() {
        let mut held = HeldSound::default();
        for (time_90k, first_90k) in [(-1, 0), (2_999, 0), (3_000, 3_000), (8_999, 6_000)] {
            frames(5).for_each(|frame| held.hold(frame));
            let heard: Vec<_> = held.heard_after(time_90k).collect();
            assert_eq!(heard[0].pts_90k, first_90k, "{time_90k}");
            assert_eq!(heard.last().unwrap().pts_90k, 12_000);
        }
        assert_eq!(held.heard_after(i64::MIN).count(), 0, "they were let go");
        frames(5).for_each(|frame| held.hold(frame));
        held.clear();
        assert_eq!(held.heard_after(i64::MIN).count(), 0);
    }

    #[test]
    fn the_latest_are_held_and_not_what_they_came_in() {
        let mut held = HeldSound::default();
        let count = 9_999;
        frames(count).for_each(|frame| held.hold(frame));
        let bytes: usize = held.frames.iter().map(taken_bytes).sum();
        assert_eq!(bytes, held.bytes);
        assert!(bytes <= limits::HELD_AUDIO_BYTES && bytes + 2_000 > limits::HELD_AUDIO_BYTES);
        assert!(held.frames.iter().all(|frame| frame.data.is_unique()));
        let last = held.heard_after(i64::MIN).last().unwrap();
        assert_eq!(last.pts_90k, (count - 1) * 3_000);
    }
}
