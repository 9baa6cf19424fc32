//! An audio stream of the file: packets in, frames with media times out. Frames may lie across the
//! borders of PES packets; behind damage the next frame is looked for by its header.

use super::clock::Clock;
use super::listing::SoundCoding;
use super::packet::{Continuity, Follows, Packet};
use super::pes::PesReader;
use crate::codec::{aac, ac3, mpeg_audio};
use crate::error::{Error, Result};
use crate::media::{AudioCodec, AudioTrack, TICKS_PER_SECOND};
use bytes::Bytes;
use std::collections::VecDeque;

/// Bytes that every kind of header can be read from.
const HEADER_BYTES: usize = 9;
/// Bytes without a frame after which they are dropped. The longest frame has 8 kB.
const LOST_BYTES: usize = 64 << 10;

/// A whole frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) pts_90k: i64,
    pub(super) duration_90k: u32,
    pub(super) header: FrameHeader,
    pub(super) data: Bytes,
}

/// What the header of a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) track: AudioTrack,
    /// There where it is AAC.
    pub(super) aac: Option<aac::AudioSpecificConfig>,
    /// Length of the frame, and of what in front of it is not kept.
    bytes: usize,
    skip: usize,
    samples: u32,
    /// It is heard together with the frame before it (E-AC-3 substreams).
    belongs_to_last: bool,
}

impl FrameHeader {
    fn parse(coding: SoundCoding, data: &[u8]) -> Result<Self> {
        match coding {
            SoundCoding::Adts => aac::AdtsHeader::parse(data).map(|header| Self {
                track: AudioTrack {
                    codec: AudioCodec::Aac,
                    sample_rate: header.config.sample_rate,
                    channels: header.config.channels,
                },
                aac: Some(header.config),
                bytes: header.bytes,
                skip: header.header_bytes,
                samples: header.config.frame_samples,
                belongs_to_last: false,
            }),
            SoundCoding::Dolby => ac3::SyncFrame::parse(data).map(|header| Self {
                track: AudioTrack {
                    codec: header.codec,
                    sample_rate: header.sample_rate,
                    channels: header.channels,
                },
                aac: None,
                bytes: header.bytes,
                skip: 0,
                samples: header.samples,
                belongs_to_last: !header.independent || header.substream > 0,
            }),
            SoundCoding::Mpeg => mpeg_audio::FrameHeader::parse(data).map(|header| Self {
                track: AudioTrack {
                    codec: header.layer,
                    sample_rate: header.sample_rate,
                    channels: header.channels,
                },
                aac: None,
                bytes: header.bytes,
                skip: 0,
                samples: header.samples,
                belongs_to_last: false,
            }),
        }
    }
}

/// One audio stream.
#[derive(Debug)]
pub(super) struct SoundLine {
    coding: SoundCoding,
    continuity: Continuity,
    pes: PesReader,
    raw: Vec<u8>,
    /// Where PES packets with times begin in `raw`; no time where it could not be told.
    marks: VecDeque<(usize, Option<i64>)>,
    /// Time of the last mark, and samples since.
    chain: Option<(i64, u64)>,
    /// The next frame begins where `raw` does.
    in_step: bool,
    /// Why frames that were found are not carried.
    pub(super) refused: Option<Error>,
    /// Scrambled packets that were met.
    pub(super) scrambled: usize,
}

impl SoundLine {
    pub(super) fn new(coding: SoundCoding) -> Self {
        Self {
            coding,
            continuity: Continuity::default(),
            pes: PesReader::default(),
            raw: Vec::new(),
            marks: VecDeque::new(),
            chain: None,
            in_step: false,
            refused: None,
            scrambled: 0,
        }
    }

    /// How its frames are found.
    pub(super) fn coding(&self) -> SoundCoding {
        self.coding
    }

    /// Takes a packet of this stream, and gives the frames that are whole.
    pub(super) fn push(
        &mut self,
        packet: &Packet<'_>,
        clock: &mut Clock,
        out: &mut VecDeque<Frame>,
    ) {
        if packet.payload.is_empty() {
            return;
        }
        match self.continuity.judge(packet) {
            Follows::Again => return,
            Follows::Gap => self.lose(),
            Follows::Next => {}
        }
        if packet.scrambled {
            self.scrambled += 1;
            self.lose();
            return;
        }
        let Some(part) = self.pes.push(packet.begins, packet.payload) else {
            return;
        };
        if let Some(stamp) = part.stamp {
            let here = self.raw.len();
            self.marks.pop_back_if(|(from, _)| *from == here);
            self.marks.push_back((here, clock.sound(stamp.pts)));
        }
        self.raw.extend_from_slice(part.payload);
        while let Some(frame) = self.next(End::Open) {
            out.extend(frame);
        }
        if self.raw.len() > LOST_BYTES {
            self.lose();
        }
    }

    /// Gives what is left at the end of the stream.
    pub(super) fn finish(&mut self, out: &mut VecDeque<Frame>) {
        while let Some(frame) = self.next(End::Reached) {
            out.extend(frame);
        }
    }

    /// Forgets what is in work: it is not whole.
    pub(super) fn lose(&mut self) {
        self.pes.lose();
        self.raw.clear();
        self.marks.clear();
        self.chain = None;
        self.in_step = false;
    }

    /// The next frame that is whole. `Some(None)` stands for one that is not for air: its time is
    /// unknown, or it is a second programme's.
    fn next(&mut self, end: End) -> Option<Option<Frame>> {
        let header = loop {
            if !self.in_step && !self.find(end) {
                return None;
            }
            if self.raw.len() < HEADER_BYTES {
                return None;
            }
            match FrameHeader::parse(self.coding, &self.raw) {
                Ok(header) => break header,
                Err(_) => {
                    self.in_step = false;
                    self.skip(1);
                    self.chain = None;
                }
            }
        };
        let bytes = self.with_substreams(&header, end)?;
        let data = Bytes::copy_from_slice(self.raw.get(header.skip..bytes)?);
        let samples = u64::from(header.samples);
        let pts_90k = self.time(samples, header.track.sample_rate);
        self.skip(bytes);
        Some(
            pts_90k
                .filter(|_| !header.belongs_to_last)
                .map(|pts_90k| Frame {
                    pts_90k,
                    duration_90k: u32::try_from(ticks(samples, header.track.sample_rate))
                        .unwrap_or(0),
                    header,
                    data,
                }),
        )
    }

    /// Bytes of the frame in front with the substreams of E-AC-3 that follow it; `None` where they
    /// may be yet to come.
    fn with_substreams(&self, header: &FrameHeader, end: End) -> Option<usize> {
        let mut bytes = header.bytes;
        while header.track.codec == AudioCodec::Eac3 && bytes <= LOST_BYTES {
            let behind = self.raw.get(bytes..).unwrap_or_default();
            match FrameHeader::parse(self.coding, behind) {
                Ok(next) if next.belongs_to_last => bytes += next.bytes,
                Err(_) if behind.len() < HEADER_BYTES && end == End::Open => return None,
                _ => break,
            }
        }
        (self.raw.len() >= bytes).then_some(bytes)
    }

    /// When the frame in front is heard, which has so many samples.
    fn time(&mut self, samples: u64, sample_rate: u32) -> Option<i64> {
        while let Some((_, time)) = self.marks.pop_front_if(|(from, _)| *from == 0) {
            self.chain = time.map(|time| (time, 0));
        }
        let (told_90k, since) = self.chain.as_mut()?;
        let later_90k = ticks(*since, sample_rate);
        *since += samples;
        Some(told_90k.saturating_add(later_90k))
    }

    /// Drops bytes in front. A time that stood among them is that of the next frame.
    fn skip(&mut self, bytes: usize) {
        self.raw.drain(..bytes.min(self.raw.len()));
        for (from, _) in &mut self.marks {
            *from = from.saturating_sub(bytes);
        }
    }

    /// Looks for a frame that another one follows; false where there is none yet.
    fn find(&mut self, end: End) -> bool {
        let mut at = 0;
        while let Some(rest) = self.raw.get(at..).filter(|rest| rest.len() >= HEADER_BYTES) {
            match FrameHeader::parse(self.coding, rest) {
                Ok(header) => {
                    let behind = rest.get(header.bytes..);
                    let next = behind.filter(|behind| behind.len() >= HEADER_BYTES);
                    self.in_step = match next {
                        Some(next) => FrameHeader::parse(self.coding, next).is_ok(),
                        None if end == End::Open => break,
                        None => behind.is_some(),
                    };
                    if self.in_step {
                        break;
                    }
                }
                Err(error @ Error::Unsupported { .. }) => {
                    self.refused.get_or_insert(error);
                }
                Err(_) => {}
            }
            at += 1;
        }
        if at > 0 {
            self.skip(at);
            self.chain = None;
        }
        self.in_step
    }
}

/// Whether bytes may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Reached,
}

/// PCM samples as time, rounded down.
fn ticks(samples: u64, sample_rate: u32) -> i64 {
    let samples = i64::try_from(samples).unwrap_or(0);
    samples
        .saturating_mul(TICKS_PER_SECOND)
        .checked_div(i64::from(sample_rate))
        .unwrap_or(0)
}
