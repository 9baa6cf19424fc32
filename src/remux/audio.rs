//! The audio line: one chain of frames that is exact to the sample, whatever the items bring.
//!
//! The chain lies on a grid that begins at time 0 of the timeline, so that two streams of a channel
//! cut the same sound into the same packets, wherever they were joined.
//!
//! A frame goes on air if it lies within half a frame of the chain's end, where an item begins, and
//! within one frame later on. Later ones wait for silence to fill the hole; earlier ones are
//! dropped.

use super::Taken;
use crate::codec::silence::Silence;
use crate::codec::{aac, ac3, mpeg_audio};
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{AudioCodec, AudioProfile, Sample, TICKS_PER_SECOND};
use bytes::Bytes;
use heapless::Deque;

/// Frames go out together, as many as last this long: four AAC frames, three of AC-3.
const PES_90K: i64 = 80 * 90;
/// A PES is closed before its 16-bit length could overflow: one more sample fits.
const PES_BYTES: usize = limits::SOUND_SAMPLE_BYTES - 1024;
/// Frames that may wait: 5 s of AAC.
const WAITING_FRAMES: usize = 256;

/// How an item's sound is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// AAC frames, which get an ADTS header.
    Aac(aac::AudioSpecificConfig),
    /// AC-3 or E-AC-3 frames, which say it all themselves.
    Ac3,
    /// MPEG layer II or III frames, likewise.
    Mpeg,
}

impl Sound {
    /// From a track's configuration record (`AudioSpecificConfig`; empty for the others).
    ///
    /// # Errors
    /// The record breaks its format.
    pub fn new(codec: AudioCodec, config: &[u8]) -> Result<Self> {
        Ok(match codec {
            AudioCodec::Aac => Self::Aac(aac::AudioSpecificConfig::parse(config)?),
            AudioCodec::Ac3 | AudioCodec::Eac3 => Self::Ac3,
            AudioCodec::Mp2 | AudioCodec::Mp3 => Self::Mpeg,
        })
    }

    /// The PCM samples that a container sample stands for.
    fn samples_in(&self, data: &[u8]) -> Result<u32> {
        match self {
            Self::Aac(config) => Ok(config.frame_samples),
            Self::Ac3 => ac3::samples_in(data),
            Self::Mpeg => {
                let mut samples = 0_u32;
                for frame in mpeg_audio::frames(data) {
                    samples = samples.saturating_add(frame?.0.samples);
                }
                Ok(samples)
            }
        }
    }
}

/// A frame that waits for its place.
#[derive(Debug)]
struct Frame {
    pts_90k: i64,
    samples: u32,
    item: u64,
    header: Option<[u8; 7]>,
    data: Bytes,
}

/// What the current item's samples are measured against.
#[derive(Debug)]
struct Item {
    zero_90k: i64,
    end_90k: i64,
    sound: Option<Sound>,
}

#[derive(Debug)]
pub(super) struct AudioLine {
    sample_rate: i64,
    silence: Silence,
    silence_header: Option<[u8; 7]>,
    item: Option<Item>,
    items: u64,
    /// The item whose frames have found their place in the chain.
    settled: u64,
    waiting: Deque<Frame, WAITING_FRAMES>,
    waiting_bytes: usize,
    /// Whether the chain has begun; its end, in PCM samples from time 0.
    begun: bool,
    samples: i64,
    /// The PES being put together, and where it begins.
    pes: Vec<u8>,
    pes_samples: i64,
    pes_is_whole: bool,
    /// A PES ends at each multiple of this many PCM samples.
    pes_grid: i64,
}

impl AudioLine {
    pub(super) fn new(profile: &AudioProfile) -> Result<Self> {
        let silence = Silence::of(profile)?;
        let silence_header = match profile.codec {
            AudioCodec::Aac => {
                let config = aac::AudioSpecificConfig::low_complexity(
                    profile.sample_rate,
                    profile.channels,
                )?;
                Some(aac::adts_header(&config, silence.frame.len())?)
            }
            _ => None,
        };
        let sample_rate = i64::from(profile.sample_rate.max(1));
        let frame = i64::from(silence.samples.max(1));
        let pes_frames = div_ceil(PES_90K * sample_rate, frame * TICKS_PER_SECOND);
        Ok(Self {
            sample_rate,
            pes_grid: pes_frames * frame,
            silence,
            silence_header,
            item: None,
            items: 0,
            settled: 0,
            waiting: Deque::new(),
            waiting_bytes: 0,
            begun: false,
            samples: 0,
            pes: Vec::new(),
            pes_samples: 0,
            pes_is_whole: false,
        })
    }

    pub(super) fn begin(&mut self, zero_90k: i64, end_90k: i64, sound: Option<&Sound>) {
        self.items += 1;
        self.item = Some(Item {
            zero_90k,
            end_90k,
            sound: sound.cloned(),
        });
    }

    /// Has the current item end earlier; what waits of it beyond that is dropped.
    pub(super) fn end_at(&mut self, end_90k: i64) {
        let Some(item) = &mut self.item else { return };
        item.end_90k = end_90k;
        while let Some(frame) = self.waiting.back()
            && frame.item == self.items
            && self.centre_90k(frame.pts_90k, frame.samples) >= end_90k
        {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(frame.data.len());
            self.waiting.pop_back();
        }
    }

    /// The chain begins at the first place of the grid from `shown_90k` on, when the first picture
    /// is shown.
    pub(super) fn start_at(&mut self, shown_90k: i64) {
        if self.begun {
            return;
        }
        let frame = i64::from(self.silence.samples.max(1));
        let shown = shown_90k.saturating_mul(self.sample_rate);
        self.samples = div_ceil(shown, frame * TICKS_PER_SECOND).saturating_mul(frame);
        self.pes_samples = self.samples;
        self.begun = true;
    }

    /// Takes a sample; says whether it lies past the item's end.
    pub(super) fn push(&mut self, sample: &Sample) -> Result<Taken> {
        let Some(Item {
            zero_90k,
            end_90k,
            sound: Some(sound),
        }) = &self.item
        else {
            return Ok(Taken::Over);
        };
        if sample.data.len() > limits::SOUND_SAMPLE_BYTES {
            return Err(Error::OverLimit {
                what: "bytes in a sample of sound",
                got: u64::try_from(sample.data.len()).unwrap_or(u64::MAX),
                limit: u64::try_from(limits::SOUND_SAMPLE_BYTES).unwrap_or(u64::MAX),
            });
        }
        let samples = sound.samples_in(&sample.data)?;
        let header = match sound {
            Sound::Aac(config) => Some(aac::adts_header(config, sample.data.len())?),
            _ => None,
        };
        let pts_90k = zero_90k.saturating_add(sample.pts_90k);
        if self.centre_90k(pts_90k, samples) >= *end_90k {
            return Ok(Taken::Over);
        }
        let frame = Frame {
            pts_90k,
            samples,
            item: self.items,
            header,
            data: sample.data.clone(),
        };
        let bytes = frame.data.len();
        // Sound that is so far ahead of the pictures is left out.
        if self.waiting_bytes + bytes <= limits::REMUX_HELD_SOUND_BYTES
            && self.waiting.push_back(frame).is_ok()
        {
            self.waiting_bytes += bytes;
        }
        Ok(Taken::More)
    }

    fn centre_90k(&self, pts_90k: i64, samples: u32) -> i64 {
        pts_90k.saturating_add(self.ticks(i64::from(samples)) / 2)
    }

    /// Where in time the next PES begins; `None` before the first picture.
    pub(super) fn next_pes_90k(&self) -> Option<i64> {
        self.begun.then(|| self.ticks(self.pes_samples))
    }

    /// Puts the next PES together; says whether it is whole. Where frames are missing it waits for
    /// them, up to `silent_until_90k`, before which a missing frame is silence.
    pub(super) fn fill_pes(&mut self, silent_until_90k: Option<i64>) -> bool {
        if !self.begun {
            return false;
        }
        while !self.pes_is_whole {
            let next_90k = self.ticks(self.samples);
            let Some(frame) = self.waiting.front() else {
                let mute_90k = match &self.item {
                    Some(Item {
                        end_90k,
                        sound: None,
                        ..
                    }) => Some(*end_90k),
                    _ => None,
                };
                if mute_90k
                    .max(silent_until_90k)
                    .is_none_or(|until| next_90k > until)
                {
                    return false;
                }
                self.append_silence();
                continue;
            };
            let length_90k = self.ticks(i64::from(frame.samples));
            let settled = frame.item == self.settled;
            let slack_90k = if settled { length_90k } else { length_90k / 2 };
            let gap_90k = frame.pts_90k.saturating_sub(next_90k);
            if gap_90k.abs() > slack_90k {
                // What follows has to find its place anew.
                self.settled = 0;
            }
            if gap_90k > slack_90k {
                self.append_silence();
            } else if let Some(frame) = self.waiting.pop_front() {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(frame.data.len());
                if gap_90k >= -slack_90k {
                    self.settled = frame.item;
                    self.append(frame.header, &frame.data, frame.samples);
                }
            }
        }
        true
    }

    /// The payload of the PES that `fill_pes` made whole; the next one begins after it.
    pub(super) fn take_pes(&mut self) -> &[u8] {
        self.pes_samples = self.samples;
        self.pes_is_whole = false;
        &self.pes
    }

    fn append_silence(&mut self) {
        let frame = self.silence.frame.clone();
        self.append(self.silence_header, &frame, self.silence.samples);
    }

    fn append(&mut self, header: Option<[u8; 7]>, data: &[u8], samples: u32) {
        if self.samples == self.pes_samples {
            self.pes.clear();
        }
        if let Some(header) = header {
            self.pes.extend_from_slice(&header);
        }
        self.pes.extend_from_slice(data);
        self.samples = self.samples.saturating_add(i64::from(samples));
        let ends = (self.pes_samples.div_euclid(self.pes_grid) + 1).saturating_mul(self.pes_grid);
        self.pes_is_whole = self.samples >= ends || self.pes.len() >= PES_BYTES;
    }

    /// PCM samples as time, rounded down.
    fn ticks(&self, samples: i64) -> i64 {
        samples
            .saturating_mul(TICKS_PER_SECOND)
            .div_euclid(self.sample_rate)
    }
}

/// Divides by a positive number, rounding up.
fn div_ceil(number: i64, by: i64) -> i64 {
    number.div_euclid(by) + i64::from(number.rem_euclid(by) != 0)
}
