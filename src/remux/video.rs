//! The video line: pictures of one item after another on one timeline, and their bytes in the form
//! that decoders in the field accept (Annex B, one access unit delimiter, parameter sets in band).

use super::Taken;
use crate::codec::nal::{self, LengthSize};
use crate::codec::{h264, hevc, mpeg2};
use crate::error::{Error, Result};
use crate::media::{Sample, Sync, VideoCodec};
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;

/// From decoding to showing, the same for every item: enough for five reordered pictures at
/// 24 fps. With one delay for all, items that reorder and items that do not meet without a shift.
const REORDER_DELAY_90K: i64 = 18_000;
const LONG_START_CODE: [u8; 4] = [0, 0, 0, 1];
const START_CODE: [u8; 3] = [0, 0, 1];
/// HEVC `end_of_seq_rbsp`: the next picture begins anew, even where it is a CRA.
const HEVC_END_OF_SEQUENCE: [u8; 5] = [0, 0, 1, 0x48, 0x01];
/// MPEG-2 `sequence_end_code`: the next sequence header may say something else.
const MPEG2_END_OF_SEQUENCE: [u8; 4] = [0, 0, 1, 0xB7];

/// How an item's pictures are coded, and what a decoder has to be told before the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    codec: VideoCodec,
    length_size: Option<LengthSize>,
    /// Parameter sets in Annex B form, or the MPEG-2 sequence header.
    headers: Bytes,
}

impl Pictures {
    /// From a track's configuration record (`avcC`, `hvcC`, MPEG-2 sequence header).
    ///
    /// # Errors
    /// The record breaks its format.
    pub fn new(codec: VideoCodec, config: &Bytes) -> Result<Self> {
        Ok(match codec {
            VideoCodec::H264 => {
                let avc = h264::AvcConfig::parse(config)?;
                let headers = annex_b(avc.sps.iter().chain(&avc.pps));
                Self {
                    codec,
                    length_size: Some(avc.length_size),
                    headers,
                }
            }
            VideoCodec::Hevc => {
                let hvc = hevc::HvcConfig::parse(config)?;
                let headers = annex_b(hvc.vps.iter().chain(&hvc.sps).chain(&hvc.pps));
                Self {
                    codec,
                    length_size: Some(hvc.length_size),
                    headers,
                }
            }
            VideoCodec::Mpeg2 => Self {
                codec,
                length_size: None,
                headers: config.clone(),
            },
        })
    }
}

impl Pictures {
    /// Makes sure that a sample can be taken apart, so that none goes out in part.
    fn check(&self, data: &[u8]) -> Result<()> {
        let Some(length_size) = self.length_size else {
            return Ok(());
        };
        let mut units = nal::length_prefixed(data, length_size).peekable();
        if units.peek().is_none() {
            return Err(Error::malformed("picture", 0, "it has no NAL units"));
        }
        units.try_for_each(|unit| unit.map(|_| ()))
    }
}

fn annex_b<'a>(sets: impl Iterator<Item = &'a Bytes>) -> Bytes {
    let mut out = BytesMut::new();
    for set in sets {
        out.put_slice(&LONG_START_CODE);
        out.put_slice(set);
    }
    out.freeze()
}

/// A picture with its times on the channel's timeline.
#[derive(Debug)]
pub(super) struct AccessUnit {
    pub(super) pts_90k: i64,
    pub(super) dts_90k: i64,
    pub(super) random_access: bool,
    last_of_item: bool,
    pictures: Pictures,
    data: Bytes,
}

impl AccessUnit {
    /// Gives the access unit's bytes, piece by piece, in stream form.
    ///
    /// # Errors
    /// The framing is broken; what came before was given.
    pub(super) fn write(&self, mut piece: impl FnMut(&[u8])) -> Result<()> {
        let Some(length_size) = self.pictures.length_size else {
            if self.random_access && !mpeg2::has_sequence_header(&self.data) {
                piece(&self.pictures.headers);
            }
            piece(&self.data);
            if self.last_of_item {
                piece(&MPEG2_END_OF_SEQUENCE);
            }
            return Ok(());
        };
        piece(&LONG_START_CODE);
        match self.pictures.codec {
            VideoCodec::Hevc => piece(&hevc::ACCESS_UNIT_DELIMITER),
            _ => piece(&h264::ACCESS_UNIT_DELIMITER),
        }
        if self.random_access {
            piece(&self.pictures.headers);
        }
        for unit in nal::length_prefixed(&self.data, length_size) {
            let unit = unit?;
            if self.is_carried(unit) {
                piece(&START_CODE);
                piece(unit);
            }
        }
        if self.last_of_item && self.pictures.codec == VideoCodec::Hevc {
            piece(&HEVC_END_OF_SEQUENCE);
        }
        Ok(())
    }

    /// Whether a NAL unit goes on: the source's own delimiters would be a second one, filler is
    /// waste, and ends of sequences are ours to set.
    fn is_carried(&self, unit: &[u8]) -> bool {
        match self.pictures.codec {
            VideoCodec::Hevc => !matches!(
                hevc::nal_type(unit),
                hevc::AUD | hevc::END_OF_SEQUENCE | hevc::END_OF_BITSTREAM | hevc::FILLER
            ),
            _ => !matches!(
                h264::nal_type(unit),
                h264::AUD | h264::END_OF_SEQUENCE | h264::END_OF_STREAM | h264::FILLER
            ),
        }
    }
}

/// What the current item's samples are measured against.
#[derive(Debug)]
struct Item {
    zero_90k: i64,
    end_90k: i64,
    pictures: Pictures,
    /// What is taken from its decode times; known from the first sample on.
    earlier_90k: Option<i64>,
    over: bool,
    /// A picture was left out: nothing can be decoded until the next random access point.
    broken: bool,
}

/// Pictures in decode order, waiting for their place in the stream.
#[derive(Debug)]
pub(super) struct VideoLine {
    codec: VideoCodec,
    item: Option<Item>,
    waiting: VecDeque<AccessUnit>,
    held_bytes: usize,
    last_dts_90k: Option<i64>,
    first_shown_90k: Option<i64>,
    end_90k: Option<i64>,
}

impl VideoLine {
    pub(super) fn new(codec: VideoCodec) -> Self {
        Self {
            codec,
            item: None,
            waiting: VecDeque::new(),
            held_bytes: 0,
            last_dts_90k: None,
            first_shown_90k: None,
            end_90k: None,
        }
    }

    pub(super) fn begin(&mut self, zero_90k: i64, end_90k: i64, pictures: &Pictures) {
        debug_assert_eq!(pictures.codec, self.codec, "one profile per channel");
        if let Some(last) = self.waiting.back_mut() {
            last.last_of_item = true;
        }
        let pictures = pictures.clone();
        self.item = Some(Item {
            zero_90k,
            end_90k,
            pictures,
            earlier_90k: None,
            over: false,
            broken: true,
        });
    }

    /// Has the current item end earlier.
    pub(super) fn end_at(&mut self, end_90k: i64) {
        if let Some(item) = &mut self.item {
            item.end_90k = end_90k;
        }
    }

    /// Takes a picture, which has to be decoded after `clock_90k`: until then all is written.
    pub(super) fn push(&mut self, sample: Sample, clock_90k: i64) -> Result<Taken> {
        let Some(item) = &mut self.item else {
            return Ok(Taken::Over);
        };
        if item.over {
            return Ok(Taken::Over);
        }
        let pts_90k = item.zero_90k.saturating_add(sample.pts_90k);
        if pts_90k >= item.end_90k {
            // What follows in decode order may refer to this picture, even if it is shown earlier.
            item.over = true;
            return Ok(Taken::Over);
        }
        item.pictures.check(&sample.data)?;
        let random_access = sample.sync == Sync::RandomAccess;
        if item.broken && !random_access {
            return Ok(Taken::More);
        }
        let earlier = *item
            .earlier_90k
            .get_or_insert(REORDER_DELAY_90K - sample.pts_90k.saturating_sub(sample.dts_90k));
        let last_90k = self.last_dts_90k.unwrap_or(i64::MIN);
        let after_last = last_90k.max(clock_90k).saturating_add(1);
        let wished = item
            .zero_90k
            .saturating_add(sample.dts_90k)
            .saturating_sub(earlier);
        let dts_90k = wished.min(pts_90k).max(after_last);
        item.broken = dts_90k > pts_90k;
        if item.broken {
            return Ok(Taken::More);
        }
        self.last_dts_90k = Some(dts_90k);
        self.first_shown_90k.get_or_insert(pts_90k);
        let shown_until = pts_90k.saturating_add(i64::from(sample.duration_90k));
        self.end_90k = self.end_90k.max(Some(shown_until));
        self.held_bytes = self.held_bytes.saturating_add(sample.data.len());
        self.waiting.push_back(AccessUnit {
            pts_90k,
            dts_90k,
            random_access,
            last_of_item: false,
            pictures: item.pictures.clone(),
            data: sample.data,
        });
        Ok(Taken::More)
    }

    /// Whether nothing has ever been pushed.
    pub(super) fn is_empty_line(&self) -> bool {
        self.first_shown_90k.is_none()
    }

    pub(super) fn first_shown_90k(&self) -> Option<i64> {
        self.first_shown_90k
    }

    pub(super) fn end_90k(&self) -> Option<i64> {
        self.end_90k
    }

    /// When the next picture is due. The last one that was pushed may turn out to be the last of
    /// its item, so that it is given only when it is due before `certain_90k`.
    pub(super) fn head_dts_90k(&self, certain_90k: i64) -> Option<i64> {
        let dts_90k = self.waiting.front()?.dts_90k;
        (self.waiting.len() > 1 || dts_90k < certain_90k).then_some(dts_90k)
    }

    pub(super) fn pop(&mut self) -> Option<AccessUnit> {
        let unit = self.waiting.pop_front()?;
        self.held_bytes = self.held_bytes.saturating_sub(unit.data.len());
        Some(unit)
    }

    /// Time between the oldest and the newest picture that wait.
    pub(super) fn held_90k(&self) -> i64 {
        match (self.waiting.front(), self.waiting.back()) {
            (Some(oldest), Some(newest)) => newest.dts_90k.saturating_sub(oldest.dts_90k),
            _ => 0,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}
