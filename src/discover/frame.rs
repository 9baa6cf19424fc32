//! Frames of HDHomeRun's discovery and control, the same over UDP and TCP: a type, a payload of
//! tagged values, a checksum.
//!
//! `u16` type, `u16` length of the payload, the payload, and the CRC-32 (IEEE 802.3) of all before
//! it; numbers are big-endian, the checksum is little-endian. A tagged value is a tag, its length in
//! one byte, or in two where it is over 127, and the value.

use crate::limits;
use heapless::Vec;

/// Longest frame: what one datagram carries.
pub const FRAME_BYTES: usize = limits::DEVICE_FRAME_BYTES;

/// Type and length.
const HEAD_BYTES: usize = 4;

const CHECKSUM_BYTES: usize = 4;

/// Types of frames.
pub mod kind {
    /// Who is there?
    pub const DISCOVER_REQUEST: u16 = 2;
    /// A device is.
    pub const DISCOVER_REPLY: u16 = 3;
    /// What is the value of a variable, or let it be another.
    pub const VARIABLE_REQUEST: u16 = 4;
    /// What it is now, or why not.
    pub const VARIABLE_REPLY: u16 = 5;
}

/// Tags of values.
pub mod tag {
    /// `u32`: what kind of device.
    pub const DEVICE_TYPE: u8 = 0x01;
    /// `u32`: a device's number.
    pub const DEVICE_ID: u8 = 0x02;
    /// Text and NUL: a variable's name.
    pub const NAME: u8 = 0x03;
    /// Text and NUL: its value.
    pub const VALUE: u8 = 0x04;
    /// Text and NUL: why not.
    pub const ERROR: u8 = 0x05;
    /// `u8`: how many tuners.
    pub const TUNER_COUNT: u8 = 0x10;
    /// `u32`: the key of a tuner that is locked.
    pub const LOCK_KEY: u8 = 0x15;
    /// Text: where the lineup is.
    pub const LINEUP_URL: u8 = 0x27;
    /// Text: the root of the device's documents.
    pub const BASE_URL: u8 = 0x2A;
    /// Text: what clients hand to the maker's cloud.
    pub const DEVICE_AUTH: u8 = 0x2B;
    /// Several `u32`: what kinds of device.
    pub const DEVICE_TYPES: u8 = 0x2D;
}

/// A frame whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: u16,
    payload: &'a [u8],
}

/// What bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun<'a> {
    /// A frame, and how many bytes it takes.
    Frame(Frame<'a>, usize),
    /// A frame that is not there to its end yet.
    Unfinished,
    /// Something else, or a frame that was damaged.
    Nothing,
}

/// A tagged value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged<'a> {
    /// What it means.
    pub tag: u8,
    /// The value.
    pub value: &'a [u8],
}

/// A payload ends within a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated;

impl<'a> Frame<'a> {
    /// The frame at the beginning of `bytes`. What comes behind it is left alone.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Begun<'a> {
        let Some(([k0, k1, l0, l1], rest)) = bytes.split_first_chunk() else {
            return Begun::Unfinished;
        };
        let payload_bytes = usize::from(u16::from_be_bytes([*l0, *l1]));
        let checked_bytes = HEAD_BYTES + payload_bytes;
        if checked_bytes + CHECKSUM_BYTES > FRAME_BYTES {
            return Begun::Nothing;
        }
        let Some((payload, rest)) = rest.split_at_checked(payload_bytes) else {
            return Begun::Unfinished;
        };
        let Some((checksum, _)) = rest.split_first_chunk() else {
            return Begun::Unfinished;
        };
        let checked = bytes.get(..checked_bytes).unwrap_or_default();
        if crc32fast::hash(checked) != u32::from_le_bytes(*checksum) {
            return Begun::Nothing;
        }
        let kind = u16::from_be_bytes([*k0, *k1]);
        Begun::Frame(Self { kind, payload }, checked_bytes + CHECKSUM_BYTES)
    }

    /// Its values, in order.
    pub fn values(&self) -> impl Iterator<Item = Result<Tagged<'a>, Truncated>> + use<'a> {
        let mut rest = self.payload;
        std::iter::from_fn(move || {
            let (tag, behind) = rest.split_first()?;
            let Some((value, behind)) = value(behind) else {
                rest = &[];
                return Some(Err(Truncated));
            };
            rest = behind;
            Some(Ok(Tagged { tag: *tag, value }))
        })
    }
}

/// The value whose length `bytes` begin with, and what is behind it.
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (len, rest) = match first {
        0..0x80 => (usize::from(*first), rest),
        _ => {
            let (second, rest) = rest.split_first()?;
            (usize::from(first & 0x7F) | usize::from(*second) << 7, rest)
        }
    };
    rest.split_at_checked(len)
}

/// A frame in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft(Vec<u8, FRAME_BYTES>);

impl Draft {
    /// An empty frame of this type.
    #[must_use]
    pub fn new(kind: u16) -> Self {
        let mut bytes = Vec::new();
        let [k0, k1] = kind.to_be_bytes();
        // The head has room.
        let _ = bytes.extend_from_slice(&[k0, k1, 0, 0]);
        Self(bytes)
    }

    /// The same with a value more. One that does not fit is left out: whoever makes values sees to
    /// it that they do.
    #[must_use]
    pub fn with(mut self, tag: u8, value: &[u8]) -> Self {
        let (length, length_bytes) = length(value.len());
        let length = length.get(..length_bytes).unwrap_or_default();
        let room = FRAME_BYTES - CHECKSUM_BYTES;
        if self.0.len() + 1 + length.len() + value.len() <= room {
            let mut put = |bytes: &[u8]| self.0.extend_from_slice(bytes);
            let all = put(&[tag])
                .and_then(|()| put(length))
                .and_then(|()| put(value));
            debug_assert!(all.is_ok(), "there was room");
        }
        self
    }

    /// The same with a text more, which ends with a NUL. As much of it is taken as there is room
    /// for, in whole characters.
    #[must_use]
    pub fn with_text(self, tag: u8, text: &str) -> Self {
        // A tag, a length of two bytes, the NUL.
        let room = (FRAME_BYTES - CHECKSUM_BYTES).saturating_sub(self.0.len() + 4);
        let text = text
            .get(..text.floor_char_boundary(room))
            .unwrap_or_default();
        let mut value: Vec<u8, FRAME_BYTES> = Vec::new();
        let _ = value.extend_from_slice(text.as_bytes());
        let _ = value.push(0);
        self.with(tag, &value)
    }

    /// The frame, with its length and its checksum.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8, FRAME_BYTES> {
        let payload_bytes = u16::try_from(self.0.len().saturating_sub(HEAD_BYTES)).unwrap_or(0);
        if let Some(place) = self.0.get_mut(2..HEAD_BYTES) {
            place.copy_from_slice(&payload_bytes.to_be_bytes());
        }
        let checksum = crc32fast::hash(&self.0);
        // Values leave room for it.
        let _ = self.0.extend_from_slice(&checksum.to_le_bytes());
        self.0
    }
}

/// How a length is written, and in how many bytes.
fn length(len: usize) -> ([u8; 2], usize) {
    let low = u8::try_from(len & 0x7F).unwrap_or(0);
    match u8::try_from(len >> 7) {
        Ok(0) => ([low, 0], 1),
        high => ([low | 0x80, high.unwrap_or(u8::MAX)], 2),
    }
}

#[cfg(test)]
mod tests {
    use super::{Begun, Draft, FRAME_BYTES, Frame, Truncated, kind, tag};
    use proptest::prelude::{any, prop, proptest};

    fn hex(digits: &str) -> Vec<u8> {
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        pairs.map(|pair| byte(pair).unwrap()).collect()
    }

    fn whole(bytes: &[u8]) -> Frame<'_> {
        match Frame::read(bytes) {
            Begun::Frame(frame, len) if len == bytes.len() => frame,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn frames_of_real_devices_are_read_and_written() {
        for (name, value, bytes) in [
            (
                "/sys/model",
                "hdhomerun5_dvbt",
                "0005001f030b2f7379732f6d6f64656c0004106864686f6d6572756e355f647662740034555f5b",
            ),
            (
                "/tuner1/debug",
                "tun: ch=none lock=none ss=0 snq=0 seq=0 dbg=0\ndev: bps=0 resync=0 overflow=0\nts:  \
                 bps=0 te=0 crc=0\nnet: bps=0 pps=0 err=0 stop=0\n",
                "00050095030e2f74756e6572312f64656275670004820174756e3a2063683d6e6f6e65206c6f636b3d6e6f\
                 6e652073733d3020736e713d30207365713d30206462673d300a6465763a206270733d3020726573796e63\
                 3d30206f766572666c6f773d300a74733a20206270733d302074653d30206372633d300a6e65743a206270\
                 733d30207070733d30206572723d302073746f703d300a0089e38c80",
            ),
        ] {
            let bytes = hex(bytes);
            let values: Result<Vec<_>, _> = whole(&bytes).values().collect();
            let [named, valued] = values.unwrap()[..] else {
                panic!("two values");
            };
            assert_eq!(named.value, [name.as_bytes(), &[0]].concat());
            assert_eq!(valued.value, [value.as_bytes(), &[0]].concat());
            let written = Draft::new(kind::VARIABLE_REPLY)
                .with_text(tag::NAME, name)
                .with_text(tag::VALUE, value)
                .finish();
            assert_eq!(written.as_slice(), bytes);
        }
    }

    #[test]
    fn a_frame_that_comes_in_pieces_is_waited_for() {
        let bytes = hex("0004000d030b2f7379732f6d6f64656c008f5b54b5");
        for len in 0..bytes.len() {
            assert_eq!(Frame::read(&bytes[..len]), Begun::Unfinished, "{len}");
        }
        let two = [bytes.clone(), bytes.clone()].concat();
        assert!(matches!(Frame::read(&two), Begun::Frame(_, len) if len == bytes.len()));
    }

    #[test]
    fn damage_is_noticed() {
        let bytes = hex("0002000c0104ffffffff0204ffffffff73cc7d8f");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(!matches!(Frame::read(&damaged), Begun::Frame(..)), "{at}");
        }
        let mut swapped = bytes.clone();
        swapped[16..].reverse();
        assert_eq!(Frame::read(&swapped), Begun::Nothing);
        assert_eq!(Frame::read(&[0, 2, 0xFF, 0xFF]), Begun::Nothing);
    }

    #[test]
    fn a_value_that_is_cut_off_ends_the_values() {
        for payload in [&[1_u8, 4, 0][..], &[1], &[1, 0x80], &[1, 0xFF, 0xFF, 0]] {
            let bytes = {
                let mut bytes = vec![0, 2, 0, u8::try_from(payload.len()).unwrap()];
                bytes.extend_from_slice(payload);
                let checksum = crc32fast::hash(&bytes);
                bytes.extend_from_slice(&checksum.to_le_bytes());
                bytes
            };
            let values: Vec<_> = whole(&bytes).values().collect();
            assert_eq!(values, [Err(Truncated)]);
        }
    }

    #[test]
    fn a_long_text_is_cut_to_what_fits() {
        let text = "ü".repeat(2_000);
        let bytes = Draft::new(kind::VARIABLE_REPLY)
            .with_text(tag::VALUE, &text)
            .finish();
        assert!(bytes.len() <= FRAME_BYTES && bytes.len() > FRAME_BYTES - 3);
        let value = whole(&bytes).values().next().unwrap().unwrap().value;
        assert!(std::str::from_utf8(value).unwrap().ends_with("ü\0"));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Begun::Frame(frame, _) = Frame::read(&bytes) {
                let _ = frame.values().count();
            }
        }

        #[test]
        fn what_is_written_is_read_again(
            values in prop::collection::vec(
                (any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..5)
        ) {
            let draft = values.iter().fold(Draft::new(4), |draft, (tag, value)| {
                draft.with(*tag, value)
            });
            let bytes = draft.finish();
            let frame = whole(&bytes);
            let read: Vec<_> = frame.values().map(|one| one.unwrap()).collect();
            let put = values.iter().map(|(tag, value)| (*tag, value.as_slice()));
            assert!(read.iter().map(|one| (one.tag, one.value)).eq(put));
        }
    }
}
