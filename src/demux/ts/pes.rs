//! PES packets (ISO/IEC 13818-1 §2.4.3.6): their headers, and what of a transport packet is
//! payload of the elementary stream.

/// Bytes of a header up to `PES_header_data_length`.
const FIXED_BYTES: usize = 9;
/// Bytes up to `PES_packet_length`.
const START_BYTES: usize = 6;

/// Times as they stand in the file: 33 bits of 90 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) pts: i64,
    /// The same as `pts` where it is not written.
    pub(super) dts: i64,
}

/// What a transport packet brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// A PES packet's payload begins here, with its times where it has some.
    pub(super) begins: bool,
    pub(super) stamp: Option<Stamp>,
    pub(super) payload: &'a [u8],
}

/// Reads the PES packets of one PID.
#[derive(Debug, Clone, Default)]
pub(super) struct PesReader {
    state: State,
    /// A header that goes on in the next packet; at most 264 bytes.
    head: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
enum State {
    /// For the next packet to begin.
    #[default]
    Waiting,
    Head,
    /// Inside the payload; how much is left of it, where that is told.
    Body(Option<usize>),
}

/// A whole header.
struct Head {
    bytes: usize,
    stamp: Option<Stamp>,
    payload_bytes: Option<usize>,
}

/// Why a header cannot be read.
enum NoHead {
    Short(usize),
    Bad,
}

impl PesReader {
    /// Waits for the next PES packet: something is missing.
    pub(super) fn lose(&mut self) {
        self.state = State::Waiting;
    }

    /// Whether it waits for the next PES packet: this one cannot be read, or its beginning is
    /// missing.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    /// Takes a transport packet's payload.
    pub(super) fn push<'a>(&mut self, begins: bool, payload: &'a [u8]) -> Option<Part<'a>> {
        if begins {
            self.state = State::Head;
            self.head.clear();
        }
        match &mut self.state {
            State::Waiting => None,
            State::Head => self.read_head(payload),
            State::Body(left) => {
                let len = left.unwrap_or(payload.len()).min(payload.len());
                *left = left.map(|left| left - len);
                Some(Part {
                    begins: false,
                    stamp: None,
                    payload: payload.get(..len)?,
                })
            }
        }
    }

    fn read_head<'a>(&mut self, payload: &'a [u8]) -> Option<Part<'a>> {
        let before = self.head.len();
        self.head.extend_from_slice(payload);
        match parse(&self.head) {
            Ok(head) => {
                let rest = payload.get(head.bytes.saturating_sub(before)..)?;
                self.head.clear();
                self.state = State::Body(head.payload_bytes);
                let part = self.push(false, rest)?;
                Some(Part {
                    begins: true,
                    stamp: head.stamp,
                    ..part
                })
            }
            Err(NoHead::Short(wanted)) if self.head.len() < wanted => None,
            Err(_) => {
                self.state = State::Waiting;
                None
            }
        }
    }
}

/// The times of a PES packet that begins in this payload, if they stand in it.
pub(super) fn stamp(payload: &[u8]) -> Option<Stamp> {
    parse(payload).ok()?.stamp
}

fn parse(bytes: &[u8]) -> Result<Head, NoHead> {
    if bytes.len() < FIXED_BYTES {
        return Err(NoHead::Short(FIXED_BYTES));
    }
    let &[0, 0, 1, _, high, low, flags, present, length] =
        bytes.first_chunk::<FIXED_BYTES>().ok_or(NoHead::Bad)?
    else {
        return Err(NoHead::Bad);
    };
    // 0b10 in front says that this kind of stream has such a header; the scrambled bits are none.
    if flags & 0xF0 != 0x80 {
        return Err(NoHead::Bad);
    }
    let head_bytes = FIXED_BYTES + usize::from(length);
    let fields = bytes
        .get(FIXED_BYTES..head_bytes)
        .ok_or(NoHead::Short(head_bytes))?;
    let pts = (present & 0x80 != 0).then(|| fields.first_chunk().and_then(time));
    let dts = (present & 0xC0 == 0xC0)
        .then(|| fields.get(5..)?.first_chunk().and_then(time))
        .flatten();
    let length = usize::from(u16::from_be_bytes([high, low]));
    Ok(Head {
        bytes: head_bytes,
        stamp: pts.flatten().map(|pts| Stamp {
            pts,
            dts: dts.unwrap_or(pts),
        }),
        payload_bytes: match length {
            0 => None,
            _ => Some(
                (START_BYTES + length)
                    .checked_sub(head_bytes)
                    .ok_or(NoHead::Bad)?,
            ),
        },
    })
}

/// 33 bits in five bytes, with three marker bits between them.
fn time(field: &[u8; 5]) -> Option<i64> {
    let [a, b, c, d, e] = field.map(i64::from);
    let is_marked = a & c & e & 1 == 1;
    is_marked.then_some(((a >> 1) & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

#[cfg(test)]
mod tests {
    use super::{PesReader, Stamp, stamp};

    const HEAD: [u8; 19] = [
        0, 0, 1, 0xE0, 0, 16, 0x84, 0xC0, 10, // flags
        0x3F, 0xFF, 0xFF, 0xFF, 0xFF, // PTS 2^33 - 1
        0x11, 0x00, 0x05, 0xBF, 0x21, // DTS 90000
    ];

    #[test]
    fn times_of_33_bits_are_read() {
        let times = Stamp {
            pts: (1 << 33) - 1,
            dts: 90_000,
        };
        assert_eq!(stamp(&HEAD), Some(times));
    }

    #[test]
    fn a_header_may_be_cut_anywhere_and_a_length_ends_the_payload() {
        let packet = [&HEAD[..], &[1, 2, 3, 0xFF, 0xFF]].concat();
        for cut in 0..packet.len() {
            let mut reader = PesReader::default();
            let parts = [
                reader.push(true, &packet[..cut]),
                reader.push(false, &packet[cut..]),
            ];
            let payload: Vec<u8> = parts
                .iter()
                .flatten()
                .flat_map(|part| part.payload.iter().copied())
                .collect();
            assert_eq!(payload, [1, 2, 3], "cut at {cut}");
            let stamps = parts.iter().flatten().filter(|part| part.stamp.is_some());
            assert_eq!(stamps.count(), 1);
        }
    }
}
