//! Transport packets and PES headers (ISO/IEC 13818-1 §2.4.3): counters, clock references,
//! stuffing. Payload goes straight from the sample into its packets.

use super::counters::Counters;
use super::psi::Tables;
use super::video::AccessUnit;
use crate::limits;
use bytes::{BufMut, Bytes, BytesMut};

pub(super) const PACKET_BYTES: usize = 188;
pub(super) const SYNC_BYTE: u8 = 0x47;
/// A program clock reference as it is written.
pub(super) const PCR_FIELD_BYTES: usize = 6;
/// Largest PES header written here: both time stamps.
const PES_HEADER_BYTES: usize = 19;
/// Times are 33 bits wide on the wire.
const TIME_MASK: i64 = (1 << 33) - 1;

/// The PIDs of every channel; they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pid {
    Association,
    Service,
    Video,
    Audio,
    Map,
}

impl Pid {
    pub(super) const ALL: [Self; 5] = [
        Self::Association,
        Self::Service,
        Self::Video,
        Self::Audio,
        Self::Map,
    ];

    /// Its place in [`Self::ALL`].
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Association => 0,
            Self::Service => 1,
            Self::Video => 2,
            Self::Audio => 3,
            Self::Map => 4,
        }
    }

    /// The one with this number.
    pub(super) fn of(number: [u8; 2]) -> Option<Self> {
        let number = u16::from_be_bytes(number);
        Self::ALL.into_iter().find(|pid| pid.number() == number)
    }

    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Association => 0x0000,
            Self::Service => 0x0011,
            Self::Video => 0x0100,
            Self::Audio => 0x0101,
            Self::Map => 0x1000,
        }
    }
}

/// The PES that is being written.
#[derive(Debug)]
struct Open {
    pid: Pid,
    /// Where its last packet begins in the buffer.
    start: usize,
    /// Length of that packet's adaptation field with its length byte; 0 without one.
    adaptation_bytes: usize,
}

/// A buffer of whole packets, apart from the last one while a PES is open.
#[derive(Debug)]
pub(super) struct Packets {
    out: BytesMut,
    counters: Counters,
    tables: Tables,
    open: Option<Open>,
}

impl Packets {
    pub(super) fn new(tables: Tables) -> Self {
        Self {
            out: BytesMut::new(),
            counters: Counters::default(),
            tables,
            open: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The packets so far; the buffer is empty afterwards. It has room for as many again, up to a
    /// usual chunk: grown from nothing each time, it would be copied some ten times over.
    pub(super) fn take(&mut self) -> Bytes {
        let room = BytesMut::with_capacity(self.out.len().min(limits::CHUNK_BYTES));
        std::mem::replace(&mut self.out, room).freeze()
    }

    /// PAT and PMT.
    pub(super) fn program_tables(&mut self) {
        let association = self.tables.association.clone();
        self.section(Pid::Association, &association);
        let map = self.tables.map.clone();
        self.section(Pid::Map, &map);
    }

    /// SDT.
    pub(super) fn service_table(&mut self) {
        let service = self.tables.service.clone();
        self.section(Pid::Service, &service);
    }

    fn section(&mut self, pid: Pid, section: &[u8]) {
        self.header(pid, true, 0x10);
        self.out.put_u8(0); // pointer_field
        self.out.put_slice(section);
        let stuffing = (PACKET_BYTES - 5).saturating_sub(section.len());
        self.out.put_bytes(0xFF, stuffing);
    }

    /// A packet that carries nothing but a program clock reference.
    pub(super) fn clock_reference(&mut self, pcr_90k: i64) {
        // No payload: the counter does not move (§2.4.3.3).
        let counter = self.counters.last(Pid::Video);
        let [high, low] = Pid::Video.number().to_be_bytes();
        self.out
            .put_slice(&[SYNC_BYTE, high, low, 0x20 | counter, 183, 0x10]);
        self.out.put_slice(&pcr_bytes(pcr_90k));
        self.out.put_bytes(0xFF, PACKET_BYTES - 12);
    }

    /// Begins the PES of a picture; `write` takes its bytes, `finish` closes it.
    pub(super) fn begin_video(&mut self, unit: &AccessUnit, pcr_90k: i64) {
        self.header(Pid::Video, true, 0x30);
        let random_access = if unit.random_access { 0x40 } else { 0 };
        self.out.put_slice(&[7, 0x10 | random_access]);
        self.out.put_slice(&pcr_bytes(pcr_90k));
        let start = self.out.len() - 12;
        self.open = Some(Open {
            pid: Pid::Video,
            start,
            adaptation_bytes: 8,
        });
        // Length 0: a picture may be longer than the field can say (§2.4.3.7, video only).
        self.pes_header(0xE0, 0, unit.pts_90k, Some(unit.dts_90k));
    }

    /// One PES of whole audio frames.
    pub(super) fn audio(&mut self, pts_90k: i64, payload: &[u8]) {
        let start = self.out.len();
        self.header(Pid::Audio, true, 0x10);
        self.open = Some(Open {
            pid: Pid::Audio,
            start,
            adaptation_bytes: 0,
        });
        let stream_id = if self.tables.audio_is_private {
            0xBD
        } else {
            0xC0
        };
        let length = u16::try_from(payload.len() + 8).unwrap_or(0);
        self.pes_header(stream_id, length, pts_90k, None);
        self.write(payload);
        self.finish();
    }

    fn pes_header(&mut self, stream_id: u8, length: u16, pts_90k: i64, dts_90k: Option<i64>) {
        let mut header = heapless::Vec::<u8, PES_HEADER_BYTES>::new();
        let (flags, bytes) = if dts_90k.is_some() {
            (0xC0, 10)
        } else {
            (0x80, 5)
        };
        let [high, low] = length.to_be_bytes();
        // 0x84: marker bits and data_alignment_indicator.
        let fixed = [0, 0, 1, stream_id, high, low, 0x84, flags, bytes];
        let mut fitted = header.extend_from_slice(&fixed);
        match dts_90k {
            Some(dts_90k) => {
                fitted = fitted.and(header.extend_from_slice(&time_bytes(0x3, pts_90k)));
                fitted = fitted.and(header.extend_from_slice(&time_bytes(0x1, dts_90k)));
            }
            None => fitted = fitted.and(header.extend_from_slice(&time_bytes(0x2, pts_90k))),
        }
        debug_assert!(fitted.is_ok(), "19 bytes hold every PES header");
        self.write(&header);
    }

    /// Appends payload to the open PES, in as many packets as it takes.
    pub(super) fn write(&mut self, mut payload: &[u8]) {
        while !payload.is_empty() {
            let Some(open) = &self.open else { return };
            let room = (open.start + PACKET_BYTES).saturating_sub(self.out.len());
            if room == 0 {
                let pid = open.pid;
                let start = self.out.len();
                self.header(pid, false, 0x10);
                self.open = Some(Open {
                    pid,
                    start,
                    adaptation_bytes: 0,
                });
                continue;
            }
            let (now, later) = payload.split_at(room.min(payload.len()));
            self.out.put_slice(now);
            payload = later;
        }
    }

    /// Closes the open PES: what is missing to a whole packet becomes adaptation field stuffing.
    pub(super) fn finish(&mut self) {
        let Some(open) = self.open.take() else { return };
        let missing = (open.start + PACKET_BYTES).saturating_sub(self.out.len());
        if missing == 0 {
            return;
        }
        let payload = open.start + 4 + open.adaptation_bytes;
        let filled = self.out.len();
        self.out.put_bytes(0xFF, missing);
        self.out.copy_within(payload..filled, payload + missing);
        if let Some(stuffing) = self.out.get_mut(payload..payload + missing) {
            stuffing.fill(0xFF);
        }
        let field = u8::try_from(open.adaptation_bytes + missing - 1).unwrap_or(0);
        if let Some([_, _, _, control, length, flags, ..]) = self.out.get_mut(open.start..) {
            *control |= 0x20;
            *length = field;
            if open.adaptation_bytes == 0 && missing > 1 {
                *flags = 0;
            }
        }
    }

    /// A packet's first four bytes. `control` is the adaptation field control, in place.
    fn header(&mut self, pid: Pid, unit_start: bool, control: u8) {
        self.out.reserve(PACKET_BYTES);
        let now = self.counters.next(pid);
        let [high, low] = pid.number().to_be_bytes();
        let high = high | if unit_start { 0x40 } else { 0 };
        self.out.put_slice(&[SYNC_BYTE, high, low, control | now]);
    }
}

/// `program_clock_reference` with an extension of 0 (§2.4.3.5).
pub(super) fn pcr_bytes(pcr_90k: i64) -> [u8; PCR_FIELD_BYTES] {
    let base = pcr_90k & TIME_MASK;
    let [.., a, b, c, d, e, f] = ((base << 15) | 0x7E00).to_be_bytes();
    [a, b, c, d, e, f]
}

/// A time stamp in PES form: 33 bits in three pieces with marker bits (§2.4.3.7).
fn time_bytes(prefix: u8, time_90k: i64) -> [u8; 5] {
    let time = time_90k & TIME_MASK;
    let high = ((time >> 29) & 0x0E) | i64::from(prefix) << 4 | 1;
    let middle = ((time >> 14) & 0xFFFE) | 1;
    let low = ((time << 1) & 0xFFFE) | 1;
    let [.., a, b, c, d, e] = (high << 32 | middle << 16 | low).to_be_bytes();
    [a, b, c, d, e]
}
