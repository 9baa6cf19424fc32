//! Times: from 33 bits that wrap and may begin anew to the media time of the file, which does
//! neither.
//!
//! Pictures lead. Where their decoding times jump, two recordings were joined, and time goes on
//! with the next frame; sound follows on whichever side of the join it fits.

use super::pes::Stamp;

/// One more than the largest time (ISO/IEC 13818-1 §2.4.3.7).
const WRAP: i64 = 1 << 33;
/// A time further ahead than this is a join; less is a hole.
const HOLE_90K: i64 = 10 * 90_000;
/// A time further back than this is a join; less is carelessness of a muxer.
const BACK_90K: i64 = 90_000;

/// How far `a` is after `b`, on the shorter way round.
pub(super) fn since(a: i64, b: i64) -> i64 {
    let ahead = (a - b).rem_euclid(WRAP);
    if ahead >= WRAP / 2 {
        ahead - WRAP
    } else {
        ahead
    }
}

/// Whether decoding times that are so far apart are those of two recordings.
pub(super) fn is_jump(step_90k: i64) -> bool {
    !(-BACK_90K..=HOLE_90K).contains(&step_90k)
}

/// When a picture is decoded and shown, in media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// The decoding time as it stands in the file.
    pub(super) raw: i64,
    pub(super) dts_90k: i64,
    pub(super) pts_90k: i64,
}

/// A time of the file with its media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Anchor {
    pub(super) raw: i64,
    pub(super) at_90k: i64,
}

impl Anchor {
    /// The media time of a time of the file that is near.
    pub(super) fn time_90k(self, raw: i64) -> i64 {
        self.at_90k.saturating_add(since(raw, self.raw))
    }

    /// The media time of a time of the file that is later, by up to 23 hours.
    pub(super) fn later_90k(self, raw: i64) -> i64 {
        let ahead = (raw - self.raw).rem_euclid(WRAP);
        let ahead = if ahead >= WRAP / 8 * 7 {
            ahead - WRAP
        } else {
            ahead
        };
        self.at_90k.saturating_add(ahead)
    }
}

/// Tells media time while going through a file.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The decoding time of the newest picture.
    newest: Anchor,
    /// The newest picture before the last join.
    before: Option<Anchor>,
    /// The newest time of sound.
    sound: Option<i64>,
    frame_90k: i64,
    fresh: bool,
}

impl Clock {
    /// A clock that is right at `anchor`; frames last `frame_90k` where they say nothing.
    pub(super) fn new(anchor: Anchor, frame_90k: u32) -> Self {
        Self {
            newest: anchor,
            before: None,
            sound: None,
            frame_90k: i64::from(frame_90k.max(1)),
            fresh: true,
        }
    }

    /// Puts the clock right.
    pub(super) fn set(&mut self, anchor: Anchor) {
        self.newest = anchor;
        self.fresh = true;
    }

    /// Goes on behind a join that is known, if that is where the clock is.
    pub(super) fn join(&mut self, anchor: Anchor) {
        let next_90k = self.newest.at_90k.saturating_add(self.frame_90k);
        if next_90k.abs_diff(anchor.at_90k) <= BACK_90K.unsigned_abs() {
            self.before = Some(self.newest);
            self.set(anchor);
        }
    }

    /// The times of the next picture.
    pub(super) fn picture(&mut self, stamp: Stamp) -> Times {
        let step = since(stamp.dts, self.newest.raw);
        let is_join = !self.fresh && is_jump(step) && (step < 0 || !self.is_heard(stamp.dts));
        let next_90k = if is_join {
            self.before = Some(self.newest);
            self.newest.at_90k.saturating_add(self.frame_90k)
        } else {
            self.newest.at_90k.saturating_add(step)
        };
        self.newest = Anchor {
            raw: stamp.dts,
            at_90k: next_90k,
        };
        self.fresh = false;
        let delay_90k = since(stamp.pts, stamp.dts).clamp(0, HOLE_90K);
        Times {
            raw: stamp.dts,
            dts_90k: next_90k,
            pts_90k: next_90k.saturating_add(delay_90k),
        }
    }

    /// Whether there was sound near this time: then the pictures are far apart, as in a film of
    /// stills, and nothing was joined.
    fn is_heard(&self, raw: i64) -> bool {
        self.sound
            .is_some_and(|sound| since(raw, sound).abs() <= HOLE_90K)
    }

    /// The time of sound; `None` where it fits on neither side of a join.
    pub(super) fn sound(&mut self, raw: i64) -> Option<i64> {
        let sides = [Some(self.newest), self.before];
        let near = |side: &Anchor| since(raw, side.raw).abs() <= HOLE_90K;
        let follows = self
            .sound
            .is_some_and(|sound| (-BACK_90K..=HOLE_90K).contains(&since(raw, sound)));
        let side = sides.into_iter().flatten().find(near);
        self.sound = Some(raw);
        match side {
            Some(side) => Some(side.time_90k(raw)),
            // It goes on where there are no pictures for a while.
            None if follows || self.fresh => Some(self.newest.time_90k(raw)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Clock};
    use crate::demux::ts::pes::Stamp;

    fn at(dts: i64) -> Stamp {
        Stamp {
            pts: dts + 7200,
            dts,
        }
    }

    fn clock() -> Clock {
        Clock::new(Anchor { raw: 0, at_90k: 0 }, 3600)
    }

    #[test]
    fn the_end_of_33_bits_passes_unnoticed() {
        let mut clock = Clock::new(
            Anchor {
                raw: (1 << 33) - 7200,
                at_90k: -7200,
            },
            3600,
        );
        let times: Vec<i64> = [-7200_i64, -3600, 0, 3600]
            .map(|raw| clock.picture(at(raw.rem_euclid(1 << 33))).dts_90k)
            .into();
        assert_eq!(times, [-7200, -3600, 0, 3600]);
        assert_eq!(clock.sound((1 << 33) - 90), Some(-90));
        assert_eq!(clock.picture(at((1 << 33) - 100)).pts_90k, -100 + 7200);
    }

    #[test]
    fn joined_recordings_go_on_with_the_next_frame() {
        for second in [0, 5_000_000, 1 << 32] {
            let mut clock = clock();
            clock.picture(at(900_000));
            let first = clock.picture(at(903_600));
            let joined = clock.picture(at(second));
            assert_eq!(joined.dts_90k, first.dts_90k + 3600);
            assert_eq!(joined.pts_90k - joined.dts_90k, 7200);
            // Sound of either side.
            assert_eq!(clock.sound(901_000), Some(901_000));
            assert_eq!(clock.sound(second + 90), Some(joined.dts_90k + 90));
            assert_eq!(clock.sound(second + (1 << 31)), None);
        }
    }

    #[test]
    fn one_wrong_time_heals() {
        let mut clock = clock();
        clock.picture(at(0));
        clock.picture(at(1 << 30));
        assert_eq!(clock.picture(at(7200)).dts_90k, 7200);
    }

    #[test]
    fn stills_that_are_far_apart_are_no_join_while_there_is_sound() {
        let mut clock = clock();
        clock.picture(at(0));
        for raw in (0..3_000_000).step_by(90_000) {
            assert_eq!(clock.sound(raw), Some(raw));
        }
        assert_eq!(clock.picture(at(2_700_000)).dts_90k, 2_700_000);
        assert_eq!(clock.picture(at(90_000_000)).dts_90k, 2_703_600);
    }
}
