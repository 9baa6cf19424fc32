//! The viewer's side: a stream taken apart while it comes, into pictures and frames of sound with
//! their times. It trusts the packets, which are judged elsewhere, and shares no code with what
//! made them.

use std::hash::{DefaultHasher, Hash, Hasher};

const PACKET_BYTES: usize = 188;
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;
/// 1024 samples at 48 kHz.
pub(crate) const FRAME_90K: i64 = 1920;

/// A picture as it came, in the order of decoding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture {
    pub(crate) pts_90k: i64,
    pub(crate) dts_90k: i64,
    /// `picture_print` of its NAL units.
    pub(crate) print: u64,
}

/// A frame of sound as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) pts_90k: i64,
    /// `sound_print` of its raw data block.
    pub(crate) print: u64,
}

/// A stream, as far as it has come.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) pictures: Vec<Picture>,
    pub(crate) frames: Vec<Frame>,
    video: Option<Vec<u8>>,
    audio: Option<Vec<u8>>,
}

/// What makes a coded picture itself, whatever carries it: its NAL units without delimiters (9),
/// parameter sets (7, 8), ends (10, 11) and filler (12).
pub(crate) fn picture_print<'a>(units: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut print = DefaultHasher::new();
    for unit in units {
        let kind = unit.first().map_or(0, |first| first & 0x1F);
        if !(7..=12).contains(&kind) {
            unit.hash(&mut print);
        }
    }
    print.finish()
}

/// The same for a frame of sound, without its header.
pub(crate) fn sound_print(frame: &[u8]) -> u64 {
    let mut print = DefaultHasher::new();
    frame.hash(&mut print);
    print.finish()
}

impl Received {
    /// Takes whole packets.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        for packet in bytes.as_chunks::<PACKET_BYTES>().0 {
            let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
            let skip = match packet[3] >> 4 & 3 {
                1 => 4,
                3 => 5 + usize::from(packet[4]),
                _ => continue,
            };
            let unit = match pid {
                VIDEO => &mut self.video,
                AUDIO => &mut self.audio,
                _ => continue,
            };
            if packet[1] & 0x40 == 0 {
                let unit = unit.as_mut().expect("the beginning comes first");
                unit.extend_from_slice(&packet[skip..]);
                continue;
            }
            match unit.replace(packet[skip..].to_vec()) {
                Some(whole) if pid == VIDEO => self.picture(&whole),
                Some(whole) => self.sound(&whole),
                None => {}
            }
        }
    }

    fn picture(&mut self, pes: &[u8]) {
        let (pts_90k, dts_90k, data) = times(pes);
        self.pictures.push(Picture {
            pts_90k,
            dts_90k,
            print: picture_print(start_coded(data).into_iter()),
        });
    }

    fn sound(&mut self, pes: &[u8]) {
        let (mut pts_90k, _, mut data) = times(pes);
        while !data.is_empty() {
            assert_eq!((data[0], data[1] & 0xF6), (0xFF, 0xF0), "ADTS begins");
            let header = if data[1] & 1 == 1 { 7 } else { 9 };
            let length = usize::from(data[3] & 3) << 11
                | usize::from(data[4]) << 3
                | usize::from(data[5] >> 5);
            let (frame, rest) = data.split_at(length);
            self.frames.push(Frame {
                pts_90k,
                print: sound_print(&frame[header..]),
            });
            pts_90k += FRAME_90K;
            data = rest;
        }
    }
}

/// PTS, DTS and payload of a PES packet.
fn times(pes: &[u8]) -> (i64, i64, &[u8]) {
    assert_eq!(pes[..3], [0, 0, 1]);
    let stamp = |at: usize| {
        let byte = |index: usize| i64::from(pes[at + index]);
        (byte(0) >> 1 & 7) << 30 | byte(1) << 22 | byte(2) >> 1 << 15 | byte(3) << 7 | byte(4) >> 1
    };
    let pts_90k = stamp(9);
    let dts_90k = if pes[7] & 0x40 == 0 {
        pts_90k
    } else {
        stamp(14)
    };
    (pts_90k, dts_90k, &pes[9 + usize::from(pes[8])..])
}

/// The NAL units between start codes.
fn start_coded(data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut begun = None;
    let mut at = 0;
    while at + 3 <= data.len() {
        // Most bytes are none of the three: the last one of them tells it first.
        if data[at + 2] > 1 {
            at += 3;
        } else if data[at..at + 3] == [0, 0, 1] {
            units.extend(begun.map(|from: usize| trimmed(&data[from..at])));
            begun = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    units.extend(begun.map(|from| trimmed(&data[from..])));
    units
}

/// Without the zeros that belong to the next start code.
fn trimmed(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
    &unit[..unit.len() - zeros]
}
