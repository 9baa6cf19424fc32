//! A viewer that stays to the end: it takes every packet as it comes, has it judged piece by piece,
//! and compares every picture that it knows with the schedule.

use super::clip::Clips;
use super::house::{Outcome, viewer::tune};
use super::ts_judge;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A stretch that is judged at once.
const STRETCH: Duration = Duration::from_secs(90);
/// What two stretches have in common at least.
const OVERLAP_90K: i64 = 5 * 90_000;

/// A channel: what it shows, and since when.
pub(crate) struct Channel {
    pub(crate) number: u32,
    pub(crate) epoch_ms: i64,
    /// Clips in the order shown.
    pub(crate) order: Vec<usize>,
}

/// What a viewer has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) channel: u32,
    /// What the judge found, and what else went wrong, in words.
    pub(crate) problems: Vec<String>,
    pub(crate) bytes: u64,
    /// The longest waits for packets, in milliseconds, with the second at which they ended.
    pub(crate) silences: Vec<(f64, f64)>,
    /// How many pictures came of clips; how many seconds of the time were something else.
    pub(crate) pictures: usize,
    /// How late each was, by the schedule, in milliseconds.
    pub(crate) late_ms: Vec<f64>,
    /// The least and the most of them, without that doubt: what is between moved in the stream.
    pub(crate) offs_ms: (f64, f64),
    /// Times of the stream in seconds between which no picture of a clip was shown.
    pub(crate) slates: Vec<(f64, f64)>,
    pub(crate) discontinuities: usize,
    last_known_s: Option<f64>,
}

/// Watches until `end`.
pub(crate) fn watch(stream: &str, channel: &Channel, clips: &Arc<Clips>, end: Instant) -> Seen {
    let mut seen = Seen {
        channel: channel.number,
        offs_ms: (f64::INFINITY, f64::NEG_INFINITY),
        ..Seen::default()
    };
    if let Err(error) = seen.take(stream, channel, clips, end) {
        seen.problems.push(format!("the stream ends: {error}"));
    }
    seen
}

impl Seen {
    fn take(
        &mut self,
        stream: &str,
        channel: &Channel,
        clips: &Clips,
        end: Instant,
    ) -> Outcome<()> {
        let now_ms = || SystemTime::now().duration_since(UNIX_EPOCH);
        let asked_ms = now_ms()?.as_secs_f64() * 1000.0;
        let mut socket = tune(stream, channel.number)?;
        let tuned_ms = now_ms()?.as_secs_f64() * 1000.0;
        // The stream's time has begun somewhere between.
        let (asked_ms, tune_ms) = (asked_ms, tuned_ms - asked_ms);
        let begun = Instant::now();
        let (mut last, mut judged) = (begun, begun);
        let mut held = Vec::new();
        let mut piece = vec![0; 64 << 10];
        while Instant::now() < end {
            let read = socket.read(&mut piece)?;
            if read == 0 {
                return Err("the box hangs up".into());
            }
            self.silence(last.elapsed(), begun.elapsed());
            last = Instant::now();
            self.bytes += read as u64;
            held.extend_from_slice(piece.get(..read).unwrap_or_default());
            if judged.elapsed() > STRETCH {
                self.judge(&mut held, channel, clips, (asked_ms, tune_ms));
                judged = Instant::now();
                last = Instant::now();
            }
        }
        self.judge(&mut held, channel, clips, (asked_ms, tune_ms));
        Ok(())
    }

    /// Keeps the longest ones.
    fn silence(&mut self, lasted: Duration, at: Duration) {
        self.silences
            .push((lasted.as_secs_f64() * 1000.0, at.as_secs_f64()));
        if self.silences.len() > 4096 {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        self.silences
            .sort_by(|one, other| other.0.total_cmp(&one.0));
        self.silences.truncate(5);
    }

    /// Judges what is held, and keeps the end of it from a random access point on.
    fn judge(&mut self, held: &mut Vec<u8>, channel: &Channel, clips: &Clips, tuned: (f64, f64)) {
        let whole = ts_judge::whole_packets(held);
        let verdict = ts_judge::judge(whole);
        self.discontinuities += verdict.facts.discontinuities;
        let at_s = self.at_s();
        let problems = verdict.problems.iter();
        let told = problems.map(|problem| format!("{at_s:.0} s: {problem}"));
        self.problems.extend(told);
        let pictures = ts_judge::pictures(whole);
        let Some(last) = pictures.last() else { return };
        let keep_from = pictures
            .iter()
            .rfind(|one| one.random_access && one.pts_90k + OVERLAP_90K < last.pts_90k);
        let Some(keep_from) = keep_from else { return };
        for picture in pictures
            .iter()
            .take_while(|one| one.packet < keep_from.packet)
        {
            let at_s = picture.pts_90k as f64 / 90_000.0;
            if let Some((clip, time_ms)) = clips.find(&picture.tail) {
                self.known(channel, clips, (clip, time_ms), (at_s, tuned));
            }
        }
        let from = start_of(whole, keep_from.packet) * ts_judge::PACKET_BYTES;
        held.drain(..from);
    }

    fn at_s(&self) -> f64 {
        self.last_known_s.unwrap_or(0.0)
    }

    /// A picture of a clip is shown at `at_s` of the stream, which begins at 10 s.
    fn known(
        &mut self,
        channel: &Channel,
        clips: &Clips,
        (clip, time_ms): (usize, f64),
        (at_s, (asked_ms, tune_ms)): (f64, (f64, f64)),
    ) {
        self.pictures += 1;
        if let Some(last_s) = self.last_known_s
            && at_s > last_s + 0.5
        {
            self.slates.push((last_s, at_s));
        }
        self.last_known_s = Some(self.at_s().max(at_s));
        let shown_ms = asked_ms + (at_s - 10.0) * 1000.0;
        let duration_ms = |clip: &usize| clips.clips.get(*clip).map_or(0, |one| one.duration_ms);
        let lap_ms: i64 = channel.order.iter().map(duration_ms).sum();
        let before = channel.order.iter().take_while(|one| **one != clip);
        let begins_ms: i64 = before.map(duration_ms).sum();
        let scheduled_ms = channel.epoch_ms as f64 + begins_ms as f64 + time_ms;
        let off_ms = (shown_ms - scheduled_ms).rem_euclid(lap_ms as f64);
        let off_ms = if off_ms > lap_ms as f64 / 2.0 {
            off_ms - lap_ms as f64
        } else {
            off_ms
        };
        // Nothing that the unknown beginning of the stream's time can explain counts.
        let late_ms = if off_ms > 0.0 {
            off_ms
        } else {
            (off_ms + tune_ms).min(0.0)
        };
        self.late_ms.push(late_ms);
        self.offs_ms = (self.offs_ms.0.min(off_ms), self.offs_ms.1.max(off_ms));
    }

    /// Whatever is still to be done at the end.
    pub(crate) fn finish(&mut self) {
        self.shorten();
        self.late_ms.sort_by(f64::total_cmp);
    }
}

/// The packet with the tables that stand before a random access point.
fn start_of(packets: &[u8], picture: usize) -> usize {
    let is_pat = |number: &usize| {
        let packet = packets
            .get(number * ts_judge::PACKET_BYTES..)
            .unwrap_or_default();
        matches!(packet, [0x47, 0x40, 0x00, ..])
    };
    (0..picture).rev().find(is_pat).unwrap_or(picture)
}
