//! Samples in, one endless MPEG transport stream out (ISO/IEC 13818-1), without I/O, clock or log.
//!
//! The stream has one profile, fixed PIDs and one continuous 90 kHz timeline. Items follow each
//! other on it as [`Segment`]s: each says where its instant 0 lies on the timeline and when it has
//! to end. The remuxer rewrites times, never payloads, and keeps these rules for ever:
//!
//! - video DTS strictly increasing, with one constant reorder delay for all items, so that items
//!   with and without B pictures meet without a shift;
//! - the audio frames form one chain that is exact to the sample; holes in the source are silence;
//! - PAT and PMT every 100 ms and before each random access point, PCR at most 40 ms apart;
//! - every access unit is complete before the program clock reaches its DTS.
//!
//! It is pushed samples and pulled [`Chunk`]s. What it holds back is bounded by
//! `limits::REMUX_HELD_BYTES`.

mod audio;
mod counters;
mod packet;
mod psi;
mod video;

pub use audio::Sound;
pub use counters::{Counters, Shift, bridge};
pub use psi::Service;
pub use video::Pictures;

use crate::error::{Error, Result};
use crate::limits;
use crate::media::{Profile, Sample, TrackId};
use audio::AudioLine;
use bytes::Bytes;
use packet::Packets;
use std::collections::VecDeque;
use video::VideoLine;

/// What the decoder's clock is behind the DTS of what is being sent.
const PCR_LEAD_90K: i64 = 54_000;
/// A program clock reference is due when the last one is this old; 40 ms is the most allowed.
const PCR_EVERY_90K: i64 = 36 * 90;
/// PAT and PMT are due when the last ones are this old; with the distance of PCRs added it stays
/// under 100 ms.
const PSI_EVERY_90K: i64 = 60 * 90;
/// The service description is due when the last one is this old.
const SDT_EVERY_90K: i64 = 500 * 90;
/// A chunk is closed when it spans this much time, so that pacing stays smooth at low bit rates.
const CHUNK_90K: i64 = 100 * 90;
/// Pictures and sound wait this long for each other, since a file may hold one of them late. Then a
/// missing sound is silence, and what is there goes on alone.
const WAIT_90K: i64 = 90_000;

/// One item, or a piece of one, on the channel's timeline.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Where the item's instant 0 lies on the timeline.
    pub zero_90k: i64,
    /// The instant of the timeline at which it has to be over.
    pub end_90k: i64,
    /// Its video track.
    pub video: TrackId,
    /// How its pictures are coded.
    pub pictures: Pictures,
    /// Its audio track and how that is coded; `None` plays as silence.
    pub audio: Option<(TrackId, Sound)>,
}

/// Whether a segment takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Go on.
    More,
    /// Its end has been reached; further samples of it are dropped.
    Over,
}

/// Whole transport packets that are sent together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// A multiple of 188 bytes.
    pub bytes: Bytes,
    /// Time on the channel's timeline (as DTS) of the first thing in it: when it is due.
    pub due_90k: i64,
    /// Whether it begins with PAT, PMT and a random access point, so that a viewer can begin here.
    /// Every random access point begins a chunk.
    pub random_access: bool,
    /// Where the continuity counters stand before it.
    pub before: Counters,
    /// Where they stand after it.
    pub after: Counters,
}

/// Makes one channel's stream.
#[derive(Debug)]
pub struct Remuxer {
    packets: Packets,
    video: VideoLine,
    audio: AudioLine,
    segment: Option<Segment>,
    /// Whether pictures, and sound, of the segment have come past its end.
    video_over: bool,
    sound_over: bool,
    ready: VecDeque<Chunk>,
    /// Time of the sample that was pushed last.
    latest_90k: i64,
    /// How far samples have come, for what may still come before that. Two in a row have to say
    /// so: a single time may be a flipped bit.
    newest_90k: i64,
    /// Time of the last thing written; never goes back.
    clock_90k: i64,
    pcr_90k: i64,
    psi_90k: i64,
    sdt_90k: i64,
    chunk: Option<Open>,
    /// Where the counters stood when the last chunk was closed.
    closed: Counters,
}

/// The chunk that is being filled.
#[derive(Debug, Clone, Copy)]
struct Open {
    due_90k: i64,
    random_access: bool,
}

impl Remuxer {
    /// A stream of this profile. Its timeline begins with the first segment's first picture.
    ///
    /// # Errors
    /// There is no silence in the profile's audio format.
    pub fn new(profile: &Profile, service: &Service) -> Result<Self> {
        Ok(Self {
            packets: Packets::new(psi::Tables::new(profile, service)),
            video: VideoLine::new(profile.video),
            audio: AudioLine::new(&profile.audio)?,
            segment: None,
            video_over: false,
            sound_over: false,
            ready: VecDeque::new(),
            latest_90k: i64::MIN,
            newest_90k: i64::MIN,
            clock_90k: i64::MIN,
            pcr_90k: i64::MIN,
            psi_90k: i64::MIN,
            sdt_90k: i64::MIN,
            chunk: None,
            closed: Counters::default(),
        })
    }

    /// Goes on with another item. What was pushed of the one before is still sent.
    pub fn begin(&mut self, segment: Segment) {
        self.video
            .begin(segment.zero_90k, segment.end_90k, &segment.pictures);
        let sound = segment.audio.as_ref().map(|(_, sound)| sound);
        self.audio.begin(segment.zero_90k, segment.end_90k, sound);
        self.video_over = false;
        self.sound_over = sound.is_none();
        self.segment = Some(segment);
    }

    /// Takes the next sample of the current segment; samples of other tracks are dropped.
    ///
    /// # Errors
    /// The sample breaks its codec's framing. It is left out and the stream goes on.
    pub fn push(&mut self, sample: Sample) -> Result<Taken> {
        let Some(segment) = &self.segment else {
            return Ok(Taken::Over);
        };
        let at_90k = segment.zero_90k.saturating_add(sample.dts_90k);
        let (end_90k, is_picture) = (segment.end_90k, sample.track == segment.video);
        self.note_time(at_90k.min(end_90k));
        if is_picture {
            self.check_gap(at_90k)?;
            let first = self.video.is_empty_line();
            if self.video.push(sample, self.clock_90k)? == Taken::Over {
                self.video_over = true;
            }
            if let (true, Some(shown_90k)) = (first, self.video.first_shown_90k()) {
                self.audio.start_at(shown_90k);
            }
        } else if self.is_sound(sample.track) && self.audio.push(&sample)? == Taken::Over {
            self.sound_over = true;
        }
        self.write()?;
        // Pictures are decoded ahead of the sound that goes with them, so that the last of it may
        // be still to come.
        let late = at_90k > end_90k.saturating_add(WAIT_90K);
        let over = self.video_over && (self.sound_over || late);
        Ok(if over { Taken::Over } else { Taken::More })
    }

    /// Follows how far samples have come. What lies past the segment's end is left out, and may be
    /// followed by what comes before.
    fn note_time(&mut self, at_90k: i64) {
        self.newest_90k = self.newest_90k.max(at_90k.min(self.latest_90k));
        self.latest_90k = at_90k;
    }

    fn is_sound(&self, track: TrackId) -> bool {
        let segment = self.segment.as_ref();
        let audio = segment.and_then(|segment| segment.audio.as_ref());
        audio.is_some_and(|(audio, _)| *audio == track)
    }

    /// Refuses a picture so far from what is there that no file would have it so: what fills the
    /// time between is made at once.
    fn check_gap(&self, at_90k: i64) -> Result<()> {
        let gap_90k = at_90k.saturating_sub(self.clock_90k);
        if self.has_begun() && gap_90k > limits::PICTURE_GAP_MS * 90 {
            return Err(Error::OverLimit {
                what: "milliseconds between two pictures",
                got: u64::try_from(gap_90k / 90).unwrap_or(0),
                limit: limits::PICTURE_GAP_MS.unsigned_abs(),
            });
        }
        Ok(())
    }

    /// Ends the current segment at `end_90k`, if it is to end later: what is pushed of it from now
    /// on, and sound that waits, is left out from there.
    pub fn end_at(&mut self, end_90k: i64) {
        if let Some(segment) = &mut self.segment {
            segment.end_90k = segment.end_90k.min(end_90k);
            self.video.end_at(segment.end_90k);
            self.audio.end_at(segment.end_90k);
        }
    }

    /// Packets to be sent where a stream has nothing to send: what has come together so far, and
    /// the tables once more. `None` before the stream has begun.
    pub fn keep_alive(&mut self) -> Option<Chunk> {
        if !self.has_begun() {
            return None;
        }
        self.open_chunk();
        self.write_psi();
        self.close_chunk();
        self.pull()
    }

    /// The next packets, if enough have come together.
    pub fn pull(&mut self) -> Option<Chunk> {
        self.ready.pop_front()
    }

    /// Whether anything has been written.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.clock_90k != i64::MIN
    }

    /// Where on the timeline the pictures that were pushed so far end.
    #[must_use]
    pub fn shown_until_90k(&self) -> Option<i64> {
        self.video.end_90k()
    }

    /// Writes everything whose place in the stream is certain.
    fn write(&mut self) -> Result<()> {
        // Nothing comes before this any more.
        let certain_90k = self.newest_90k.saturating_sub(WAIT_90K);
        loop {
            let video_90k = self.video.head_dts_90k(certain_90k);
            let audio_90k = self.audio.next_pes_90k();
            match (video_90k, audio_90k) {
                (None, None) => return Ok(()),
                (Some(video), Some(audio)) if audio <= video => {
                    if !self.write_audio(video) {
                        return Ok(());
                    }
                }
                (Some(video), _) => self.write_video(video)?,
                (None, Some(audio)) => {
                    // Sound goes ahead alone where pictures are far apart, as in a film of stills.
                    if !(audio < certain_90k && self.write_audio(audio)) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Writes the next audio PES; says whether there was one.
    fn write_audio(&mut self, video_90k: i64) -> bool {
        let held_too_long =
            self.video.held_90k() > WAIT_90K || self.video.held_bytes() > limits::REMUX_HELD_BYTES;
        let silent_until = held_too_long.then_some(video_90k.saturating_add(WAIT_90K));
        if !self.audio.fill_pes(silent_until) {
            return false;
        }
        let Some(pts_90k) = self.audio.next_pes_90k() else {
            return false;
        };
        self.advance(pts_90k);
        self.packets.audio(pts_90k, self.audio.take_pes());
        self.close_chunk_when_full();
        true
    }

    /// Writes the picture at the head of the line.
    fn write_video(&mut self, dts_90k: i64) -> Result<()> {
        let Some(unit) = self.video.pop() else {
            return Ok(());
        };
        self.advance(dts_90k);
        if unit.random_access {
            self.close_chunk();
            self.chunk = Some(Open {
                due_90k: self.clock_90k,
                random_access: true,
            });
            // With the service description, so that streams that have passed a random access point
            // in common are the same from there on.
            self.sdt_90k = i64::MIN;
            self.write_psi();
        } else if self.psi_is_due() {
            self.write_psi();
        }
        self.pcr_90k = self.clock_90k;
        let pcr_90k = self.clock_90k.saturating_sub(PCR_LEAD_90K);
        self.packets.begin_video(&unit, pcr_90k);
        let written = unit.write(|piece| self.packets.write(piece));
        self.packets.finish();
        self.close_chunk_when_full();
        written
    }

    /// Moves the clock to `to_90k`, with the references and tables that are due on the way.
    fn advance(&mut self, to_90k: i64) {
        if self.clock_90k == i64::MIN {
            self.clock_90k = to_90k;
            self.open_chunk();
            return;
        }
        let to_90k = to_90k.max(self.clock_90k);
        let gap = to_90k.saturating_sub(self.pcr_90k);
        if self.pcr_90k != i64::MIN && gap > PCR_EVERY_90K {
            let steps = gap.saturating_sub(1) / PCR_EVERY_90K;
            let from = self.pcr_90k;
            for step in 1..=steps {
                self.clock_90k = (from + gap * step / (steps + 1)).max(self.clock_90k);
                self.open_chunk();
                if self.psi_is_due() {
                    self.write_psi();
                }
                self.pcr_90k = self.clock_90k;
                self.packets
                    .clock_reference(self.clock_90k.saturating_sub(PCR_LEAD_90K));
                self.close_chunk_when_full();
            }
        }
        self.clock_90k = to_90k;
        self.open_chunk();
    }

    fn psi_is_due(&self) -> bool {
        self.clock_90k.saturating_sub(self.psi_90k) >= PSI_EVERY_90K
    }

    /// Writes PAT and PMT, and SDT where that is due.
    fn write_psi(&mut self) {
        self.psi_90k = self.clock_90k;
        self.packets.program_tables();
        if self.clock_90k.saturating_sub(self.sdt_90k) >= SDT_EVERY_90K {
            self.sdt_90k = self.clock_90k;
            self.packets.service_table();
        }
    }

    fn open_chunk(&mut self) {
        self.chunk.get_or_insert(Open {
            due_90k: self.clock_90k,
            random_access: false,
        });
    }

    fn close_chunk_when_full(&mut self) {
        let old = self
            .chunk
            .is_some_and(|open| self.clock_90k.saturating_sub(open.due_90k) >= CHUNK_90K);
        if old || self.packets.len() >= limits::CHUNK_BYTES {
            self.close_chunk();
        }
    }

    fn close_chunk(&mut self) {
        let Some(open) = self.chunk.take() else {
            return;
        };
        let mut packets = self.packets.take();
        let mut random_access = open.random_access;
        // A large picture may be many chunks; the writer to the socket sees bounded pieces.
        while !packets.is_empty() {
            let bytes = packets.split_to(packets.len().min(limits::CHUNK_BYTES));
            let before = self.closed;
            self.closed = before.after(&bytes);
            self.ready.push_back(Chunk {
                bytes,
                due_90k: open.due_90k,
                random_access,
                before,
                after: self.closed,
            });
            random_access = false;
        }
    }
}

#[cfg(test)]
mod tests;
