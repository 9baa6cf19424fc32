//! Pictures made of access units: in the form that samples have, both fields of a frame in one,
//! and with what tells their times where the file does not.

use super::unit::{Mark, Unit};
use crate::codec::h264::{Parity, SliceHeader};
use crate::codec::nal::{self, LengthSize};
use crate::codec::{h264, hevc, mpeg2};
use crate::error::{Error, Result};
use crate::media::{Sync, VideoCodec, VideoTrack};
use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of the lengths in the samples.
const LENGTH: LengthSize = LengthSize::Four;

/// A picture as it was coded: a frame, or one field of it.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) mark: Mark,
    pub(super) sync: Sync,
    pub(super) data: Bytes,
    /// There where it is a single field.
    field: Option<Field>,
    /// MPEG-2: its place among the pictures of its group, in the order of showing.
    pub(super) place: Option<Place>,
    /// How long it is shown, in halves of a frame.
    pub(super) halves: u32,
}

/// A field, with what it has in common with the other one of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    parity: Parity,
    number: u32,
    is_idr: bool,
}

/// The place of a picture in the order of showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// A group of pictures begins with it, so that counting begins anew.
    pub(super) begins_group: bool,
    /// `temporal_reference`.
    pub(super) number: i64,
}

/// Makes pictures of one stream's access units.
#[derive(Debug)]
pub(super) struct Pictures {
    codec: VideoCodec,
    /// The newest SPS of H.264, which slice headers are read by.
    sps: Option<h264::Sps>,
    /// A first field that waits for the second one.
    waiting: Option<Coded>,
}

impl Pictures {
    pub(super) fn new(codec: VideoCodec) -> Self {
        Self {
            codec,
            sps: None,
            waiting: None,
        }
    }

    /// Forgets a first field: the second one is lost.
    pub(super) fn clear(&mut self) {
        self.waiting = None;
    }

    /// Takes an access unit; gives the pictures that are whole.
    pub(super) fn push(&mut self, unit: &Unit<'_>) -> [Option<Coded>; 2] {
        let next = match self.codec {
            VideoCodec::Mpeg2 => mpeg2_picture(unit),
            VideoCodec::H264 | VideoCodec::Hevc => self.nal_picture(unit),
        };
        let Some(next) = next else {
            return [None, None];
        };
        match (self.waiting.take(), next.field) {
            (Some(first), Some(field)) if first.field.is_some_and(|it| it.goes_with(field)) => {
                [Some(first.with(&next)), None]
            }
            (first, Some(_)) => {
                self.waiting = Some(next);
                [first, None]
            }
            (first, None) => [first, Some(next)],
        }
    }

    /// A first field that is left at the end.
    pub(super) fn rest(&mut self) -> Option<Coded> {
        self.waiting.take()
    }

    fn nal_picture(&mut self, unit: &Unit<'_>) -> Option<Coded> {
        let mut data = BytesMut::with_capacity(unit.bytes.len() + 64);
        let mut field = None;
        for nal in nal::annex_b(unit.bytes) {
            if self.codec == VideoCodec::H264 {
                match h264::nal_type(nal) {
                    h264::AUD | h264::FILLER => continue,
                    h264::SPS => self.sps = h264::Sps::parse(nal).ok().or(self.sps),
                    1..=h264::IDR if field.is_none() => field = Some(self.field(nal)),
                    _ => {}
                }
            } else if matches!(hevc::nal_type(nal), hevc::AUD | hevc::FILLER) {
                continue;
            }
            data.put_u32(u32::try_from(nal.len()).ok()?);
            data.put_slice(nal);
        }
        let data = Some(data.freeze()).filter(|data| !data.is_empty())?;
        Some(Coded {
            mark: unit.mark,
            sync: sync(self.codec, &data),
            data,
            field: field.flatten(),
            place: None,
            halves: 2,
        })
    }

    fn field(&self, slice: &[u8]) -> Option<Field> {
        let header = SliceHeader::parse(slice, self.sps.as_ref()?).ok()?;
        Some(Field {
            parity: header.field?,
            number: header.frame_num,
            is_idr: header.is_idr,
        })
    }
}

impl Field {
    /// Whether that is the second field of the frame.
    fn goes_with(self, second: Self) -> bool {
        self.parity != second.parity && self.number == second.number && !second.is_idr
    }
}

impl Coded {
    /// Both fields as one picture.
    fn with(self, second: &Self) -> Self {
        let data = [&self.data[..], &second.data[..]].concat();
        Self {
            data: data.into(),
            field: None,
            ..self
        }
    }
}

fn sync(codec: VideoCodec, data: &[u8]) -> Sync {
    let begins = match codec {
        VideoCodec::H264 => h264::is_random_access(data, LENGTH).unwrap_or(false),
        VideoCodec::Hevc => hevc::is_random_access(data, LENGTH).unwrap_or(false),
        VideoCodec::Mpeg2 => mpeg2::is_random_access(data),
    };
    if begins {
        Sync::RandomAccess
    } else {
        Sync::Dependent
    }
}

fn mpeg2_picture(unit: &Unit<'_>) -> Option<Coded> {
    let mut begins_group = false;
    let mut number = None;
    let mut extension = None;
    for (code, body) in mpeg2::start_codes(unit.bytes) {
        match code {
            mpeg2::GROUP => begins_group = true,
            mpeg2::PICTURE => {
                let header = body.first_chunk()?;
                number = Some(i64::from(u16::from_be_bytes(*header) >> 6));
            }
            mpeg2::EXTENSION if number.is_some() && extension.is_none() => {
                extension = mpeg2::PictureExtension::parse(body);
            }
            1..=mpeg2::LAST_SLICE => break,
            _ => {}
        }
    }
    let number = number?;
    let parity = extension.and_then(|extension| extension.field);
    let repeats = extension.is_some_and(|extension| extension.repeats_first_field);
    let data = Bytes::copy_from_slice(unit.bytes);
    Some(Coded {
        mark: unit.mark,
        sync: sync(VideoCodec::Mpeg2, &data),
        data,
        field: parity.map(|parity| Field {
            parity,
            number: u32::try_from(number).unwrap_or(0),
            is_idr: false,
        }),
        place: Some(Place {
            begins_group,
            number,
        }),
        halves: if repeats { 3 } else { 2 },
    })
}

/// What a random access point says about its stream.
#[derive(Debug, Clone)]
pub(super) struct Description {
    /// `avcC`, `hvcC` or the sequence header.
    pub(super) config: Bytes,
    pub(super) track: VideoTrack,
    /// Pictures that may be shown before one that was decoded earlier.
    pub(super) reorder: u8,
}

/// Reads the parameter sets of a picture.
///
/// # Errors
/// They are not there, or say what cannot be.
pub(super) fn describe(codec: VideoCodec, data: &Bytes) -> Result<Description> {
    let sets = |kind_of: fn(&[u8]) -> u8, kind: u8| -> Vec<Bytes> {
        nal::length_prefixed(data, LENGTH)
            .filter_map(Result::ok)
            .filter(|unit| kind_of(unit) == kind)
            .map(Bytes::copy_from_slice)
            .collect()
    };
    let none = || Error::unsupported("pictures", "they have no parameter sets");
    match codec {
        VideoCodec::H264 => {
            let config = h264::AvcConfig {
                length_size: LENGTH,
                sps: sets(h264::nal_type, h264::SPS),
                pps: sets(h264::nal_type, h264::PPS),
            };
            let sps = h264::Sps::parse(config.sps.first().ok_or_else(none)?)?;
            config.pps.first().ok_or_else(none)?;
            Ok(Description {
                config: config.record()?,
                track: sps.track(),
                reorder: sps.reorder_pictures,
            })
        }
        VideoCodec::Hevc => {
            let config = hevc::HvcConfig {
                length_size: LENGTH,
                vps: sets(hevc::nal_type, hevc::VPS),
                sps: sets(hevc::nal_type, hevc::SPS),
                pps: sets(hevc::nal_type, hevc::PPS),
            };
            let sps = hevc::Sps::parse(config.sps.first().ok_or_else(none)?)?;
            config.pps.first().ok_or_else(none)?;
            Ok(Description {
                config: config.record()?,
                track: sps.track(),
                reorder: sps.reorder_pictures,
            })
        }
        VideoCodec::Mpeg2 => Ok(Description {
            config: sequence_header(data)?,
            track: mpeg2::SequenceHeader::parse(data)?.track(),
            reorder: 1,
        }),
    }
}

/// The sequence header and its extensions: everything before the group or the picture.
fn sequence_header(data: &Bytes) -> Result<Bytes> {
    mpeg2::SequenceHeader::parse(data)?;
    let mut end = data.len();
    for (code, behind) in mpeg2::start_codes(data) {
        if matches!(code, mpeg2::GROUP | mpeg2::PICTURE) {
            end = data.len() - behind.len() - nal::START_CODE_BYTES - 1;
            break;
        }
    }
    Ok(data.slice(..end))
}
