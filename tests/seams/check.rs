//! What a viewer got, held against the schedule and the clips: every picture and every frame of
//! sound of every airing, each at its time, and nothing else.

use super::channel::{Channel, Seen, Shown};
use super::stream::{FRAME_90K, Frame, Picture, sound_print};
use super::support::demo_folder;
use super::truth::{self, Truth};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// One tick of the schedule.
const TICK_90K: i64 = 90;
/// What sound may be off against its pictures.
const OFF_90K: i64 = 20 * 90;
/// A shorter hole at an airing's end is left to its last picture.
const HOLE_90K: i64 = 200 * 90;
/// So many frames of sound may be missing at the end of an item that is cut: as long as three
/// pictures that wait to be reordered.
const CUT_FRAMES: usize = 6;
/// The slate's pictures come this far apart.
const SLATE_STEP_90K: i64 = 3750;
/// The shortest AAC frame of stereo silence: a pair of channels in one window, of which no band is
/// coded, and the end.
const SILENCE: [u8; 6] = [0x21, 0, 0, 0, 0, 0x1C];

/// What there was to see.
#[derive(Debug, Default)]
pub(crate) struct Account {
    seams: usize,
    pictures: usize,
    slates: usize,
    frames: usize,
    silent: usize,
    /// The most that sound was off against its pictures.
    off_90k: i64,
    /// The most frames of sound that are missing at the end of an item that is cut.
    pub(crate) cut_frames: usize,
    /// The most that a picture was off against the schedule.
    late_90k: i64,
    bytes: usize,
    seconds: i64,
}

/// An airing with what came of it.
pub(crate) struct Aired<'a> {
    pub(crate) shown: Shown,
    pub(crate) truth: &'a Truth,
    zero_90k: i64,
    /// In the order of decoding, the slate's among them.
    pub(crate) pictures: Vec<Picture>,
    /// Which frames of the clip were heard, and when.
    frames: Vec<(usize, Frame)>,
}

/// Holds everything against everything.
pub(crate) fn check(channel: &Channel, seen: &Seen) -> Account {
    let (aired, silent) = aired(channel, seen);
    decoding_times_rise(&seen.received.pictures);
    the_chain_is_exact(&seen.received.frames);
    let slate = Truth::of(&slate_path());
    let mut account = Account {
        seams: aired.len() - 1,
        frames: seen.received.frames.len(),
        silent,
        bytes: seen.bytes,
        seconds: seen.paces[1].clock_ms / 1000,
        ..Account::default()
    };
    for (at, one) in aired.iter().enumerate() {
        let name = channel.clips[one.shown.clip].name;
        let found = one.pictures_are_all_there(&slate, &mut account);
        let found = found.and_then(|()| one.sound_is_all_there(&mut account));
        if let Err(what) = found {
            let before = at.checked_sub(1).map(|before| aired[before].shown.clip);
            let before = before.map_or("nothing", |before| channel.clips[before].name);
            panic!("airing {at}, {name} after {before}: {what}");
        }
    }
    nothing_drifts(seen);
    account
}

/// The file that fills holes.
pub(crate) fn slate_path() -> PathBuf {
    demo_folder().join("../slate/h264.mp4")
}

/// Which of the slate's pictures these are, if they follow each other as there or begin anew; the
/// first may be any of them.
pub(crate) fn slate_places(filled: &[Picture], slate: &Truth) -> Option<Vec<usize>> {
    let count = slate.pictures.len();
    let is = |picture: &Picture, at: usize| slate.pictures[at % count].print == picture.print;
    let mut places = Vec::new();
    for picture in filled {
        let place = match places.last() {
            None => (0..count).find(|at| is(picture, *at)),
            Some(last) => [last + 1, 0].into_iter().find(|at| is(picture, *at)),
        };
        places.push(place? % count);
    }
    Some(places)
}

/// Sorts what came by the airings that it belongs to, as far as they came whole, and counts the
/// silent frames.
pub(crate) fn aired<'a>(channel: &'a Channel, seen: &Seen) -> (Vec<Aired<'a>>, usize) {
    let origin_90k = seen.received.pictures[0].pts_90k;
    let aired = seen.airings.iter().map(|shown| Aired {
        shown: *shown,
        truth: &channel.truths[shown.clip],
        zero_90k: origin_90k + shown.start_ms * 90,
        pictures: Vec::new(),
        frames: Vec::new(),
    });
    let mut aired: Vec<Aired> = aired.collect();
    let mut last = 0;
    for picture in &seen.received.pictures {
        let at = aired.partition_point(|one| one.zero_90k <= picture.pts_90k) - 1;
        assert!(
            at >= last,
            "a picture of airing {at} comes after airing {last}"
        );
        last = at;
        aired[at].pictures.push(*picture);
    }
    let known = known_frames(channel);
    let silence = sound_print(&SILENCE);
    let mut silent = 0;
    for frame in &seen.received.frames {
        if frame.print == silence {
            silent += 1;
            continue;
        }
        let candidates = known.get(&frame.print).expect("a frame of some clip");
        let fits = candidates.iter().find_map(|(clip, index)| {
            let wants_90k = frame.pts_90k - channel.truths[*clip].frames[*index].pts_90k;
            // The last airing that begins before is the nearest one: none is so short.
            let next = aired.partition_point(|one| one.zero_90k <= wants_90k + OFF_90K);
            let own = next.checked_sub(1)?;
            let off_90k = wants_90k - aired[own].zero_90k;
            (aired[own].shown.clip == *clip && off_90k <= OFF_90K).then_some((own, *index))
        });
        let Some((own, index)) = fits else {
            panic!("{frame:?}, as in {candidates:?}, is in no airing of them at its time");
        };
        aired[own].frames.push((index, *frame));
    }
    // What was ahead of the viewer when it left has not come to its end.
    let came_90k = seen.received.pictures.last().unwrap().dts_90k;
    aired.retain(|one| one.zero_90k + one.slot_90k() < came_90k);
    (aired, silent)
}

/// Which clips hold a frame, and where. What encoders make of their last, empty input is found more
/// than once.
fn known_frames(channel: &Channel) -> HashMap<u64, Vec<(usize, usize)>> {
    let mut known: HashMap<u64, Vec<_>> = HashMap::new();
    for (clip, truth) in channel.truths.iter().enumerate() {
        for (index, frame) in truth.frames.iter().enumerate() {
            known.entry(frame.print).or_default().push((clip, index));
        }
    }
    known
}

fn decoding_times_rise(pictures: &[Picture]) {
    for pair in pictures.windows(2) {
        assert!(pair[0].dts_90k < pair[1].dts_90k, "{pair:?}");
    }
    assert!(
        pictures
            .iter()
            .all(|picture| picture.dts_90k <= picture.pts_90k)
    );
}

fn the_chain_is_exact(frames: &[Frame]) {
    for (frame, at) in frames.iter().zip(0..) {
        assert_eq!(
            frame.pts_90k,
            frames[0].pts_90k + at * FRAME_90K,
            "frame {at}"
        );
    }
}

/// The stream keeps its lead over the clock: as much at the end as near the beginning.
fn nothing_drifts(seen: &Seen) {
    let [early, late] = seen.paces;
    let media_ms = (late.media_90k - early.media_90k) / 90;
    let drift_ms = media_ms - (late.clock_ms - early.clock_ms);
    assert!(drift_ms.abs() <= 300, "{drift_ms} ms: {:?}", seen.paces);
}

impl Aired<'_> {
    fn slot_90k(&self) -> i64 {
        (self.shown.end_ms - self.shown.start_ms) * 90
    }

    /// The clip's pictures that belong into the slot, in the order of decoding: nothing is shown
    /// past its end, nor what may need such a picture.
    pub(crate) fn wanted(&self) -> &[truth::Picture] {
        let slot_90k = self.slot_90k();
        let mut pictures = self.truth.pictures.iter();
        let end = pictures.position(|picture| picture.pts_90k >= slot_90k);
        &self.truth.pictures[..end.unwrap_or(self.truth.pictures.len())]
    }

    /// When the last of the clip's pictures ends.
    fn end_90k(&self) -> i64 {
        let shown = self.truth.pictures.iter().take(self.parts()[1].len());
        shown.map(|picture| picture.end_90k).max().unwrap_or(0)
    }

    /// What was shown before the clip, of the clip, and after it.
    pub(crate) fn parts(&self) -> [&[Picture]; 3] {
        let begins_90k = self.zero_90k + self.truth.begins_90k - TICK_90K;
        let is_before = |picture: &&Picture| picture.pts_90k < begins_90k;
        let before = self.pictures.iter().take_while(is_before).count();
        let (before, rest) = self.pictures.split_at(before);
        let pairs = rest.iter().zip(self.wanted());
        let own = pairs.take_while(|(picture, wanted)| picture.print == wanted.print);
        let (own, after) = rest.split_at(own.count());
        [before, own, after]
    }

    /// The clip's pictures in its own order, up to the slot's end; and the slate before and after
    /// it, if the hole is worth it.
    fn pictures_are_all_there(&self, slate: &Truth, account: &mut Account) -> Result<(), String> {
        let [before, own, after] = self.parts();
        let wanted = self.wanted();
        let sure = self.truth.breaks_off.map_or(wanted.len(), |(sure, _)| sure);
        if own.len() < sure.min(wanted.len()) {
            return Err(format!("{} pictures of {}", own.len(), wanted.len()));
        }
        for (at, (picture, wanted)) in own.iter().zip(wanted).enumerate() {
            let off_90k = picture.pts_90k - self.zero_90k - wanted.pts_90k;
            if off_90k.abs() > TICK_90K {
                return Err(format!("picture {at} is {off_90k} ticks off"));
            }
            account.late_90k = account.late_90k.max(off_90k.abs());
        }
        account.pictures += own.len();
        account.slates += before.len() + after.len();
        self.the_slate_fills(0..self.truth.begins_90k, before, slate)?;
        self.the_slate_fills(self.end_90k()..self.slot_90k(), after, slate)
    }

    /// The slate from its beginning, again and again, for as long as the hole is.
    fn the_slate_fills(
        &self,
        hole_90k: Range<i64>,
        filled: &[Picture],
        slate: &Truth,
    ) -> Result<(), String> {
        let is_small = hole_90k.end - hole_90k.start <= HOLE_90K;
        if is_small && filled.is_empty() {
            return Ok(());
        }
        // A file that breaks off has failed, however near its end.
        if is_small && self.truth.breaks_off.is_none() {
            let count = filled.len();
            return Err(format!("{count} pictures in a hole of {hole_90k:?}"));
        }
        if slate_places(filled, slate).is_none() {
            return Err("what fills a hole is not the slate".to_owned());
        }
        let mut next_90k = self.zero_90k + hole_90k.start;
        for (at, picture) in filled.iter().enumerate() {
            // It may begin anew at any time, and go on from the airing before.
            let late_90k = picture.pts_90k - next_90k;
            let slack_90k = if at == 0 { SLATE_STEP_90K } else { TICK_90K };
            if late_90k < -SLATE_STEP_90K || late_90k > slack_90k {
                return Err(format!("the slate is {late_90k} ticks late"));
            }
            next_90k = picture.pts_90k + SLATE_STEP_90K;
        }
        let left_90k = self.zero_90k + hole_90k.end - next_90k;
        if left_90k > 0 {
            return Err(format!("after the slate {left_90k} ticks are left"));
        }
        Ok(())
    }

    /// Every frame of the clip that belongs into the slot, once and in order; at either end one
    /// may give way to its neighbour's.
    fn sound_is_all_there(&self, account: &mut Account) -> Result<(), String> {
        let heard_90k = 0..self.slot_90k();
        let frames = self.truth.frames.iter().enumerate();
        let wanted =
            frames.filter(|(_, frame)| heard_90k.contains(&(frame.pts_90k + FRAME_90K / 2)));
        let wanted: Vec<usize> = wanted.map(|(at, _)| at).collect();
        let (Some(first), Some(last)) = (self.frames.first(), self.frames.last()) else {
            return match wanted.len() {
                0 | 1 => Ok(()),
                missing => Err(format!("none of {missing} frames is heard")),
            };
        };
        for pair in self.frames.windows(2) {
            if pair[1].0 != pair[0].0 + 1 {
                return Err(format!("frame {} after frame {}", pair[1].0, pair[0].0));
            }
        }
        let bounds = (wanted.first(), wanted.last());
        let (Some(&begins), Some(&ends)) = bounds else {
            return Err(format!("{} frames that nobody wants", self.frames.len()));
        };
        let last_90k = self
            .truth
            .pictures
            .iter()
            .map(|picture| picture.pts_90k)
            .max();
        let is_cut = last_90k.is_some_and(|last_90k| last_90k >= self.slot_90k());
        let sure = self
            .truth
            .breaks_off
            .map_or(ends, |(_, sure)| ends.min(sure));
        let mut sure = sure.saturating_sub(1);
        if is_cut {
            account.cut_frames = account.cut_frames.max(ends.saturating_sub(last.0));
            sure = ends.saturating_sub(CUT_FRAMES);
        }
        if first.0.abs_diff(begins) > 1 || !(sure..=ends + 1).contains(&last.0) {
            return Err(format!(
                "frames {} to {} are heard, not {begins} to {ends}",
                first.0, last.0
            ));
        }
        let shown_90k = self.parts()[1][0].pts_90k - self.truth.pictures[0].pts_90k;
        for (index, frame) in &self.frames {
            let off_90k = frame.pts_90k - self.truth.frames[*index].pts_90k - shown_90k;
            account.off_90k = account.off_90k.max(off_90k.abs());
            if off_90k.abs() > OFF_90K {
                return Err(format!("frame {index} is {off_90k} ticks off its pictures"));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seams in {} s of {} MB: {} pictures, {} of the slate, {} frames of sound, {} silent; \
             at most {:.2} ms between sound and pictures, {:.2} ms off the schedule",
            self.seams,
            self.seconds,
            self.bytes >> 20,
            self.pictures,
            self.slates,
            self.frames,
            self.silent,
            self.off_90k as f64 / 90.0,
            self.late_90k as f64 / 90.0
        )
    }
}
