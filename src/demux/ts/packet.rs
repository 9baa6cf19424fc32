//! Transport packets (ISO/IEC 13818-1 §2.4.3.2): where they stand in the file, and what their
//! headers say. A file holds them bare (188 bytes), each behind a time stamp of 4 bytes (192,
//! Blu-ray and AVCHD), or each before 16 bytes of check sum (204).

use super::window::{Halt, Step, Window, widen};
use crate::limits;

/// Bytes of a packet.
pub(super) const PACKET_BYTES: usize = 188;
/// The PID of stuffing, and here of what cannot be used.
const NULL_PID: u16 = 0x1FFF;
const SYNC_BYTE: u8 = 0x47;
/// Distances from one packet to the next.
const STRIDES: [usize; 3] = [PACKET_BYTES, 192, 204];
/// Packets in a row that a file is recognised by.
const RECOGNISED_BY: usize = 5;
/// Packets in a row that end a search behind damage.
const FOUND_BY: usize = 3;

/// Where the first packet stands, and how far it is to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) first: usize,
    pub(super) stride: usize,
}

impl Framing {
    /// Looks for packets in a row; in a short head all there is room for, at least two.
    pub(super) fn find(head: &[u8]) -> Option<Self> {
        (0..head.len()).find_map(|first| {
            let mut strides = STRIDES.into_iter();
            let stride = strides.find(|stride| {
                let mut row = head.iter().skip(first).step_by(*stride).take(RECOGNISED_BY);
                let room = (head.len() - first).div_ceil(*stride).min(RECOGNISED_BY);
                room >= 2 && row.all(|byte| *byte == SYNC_BYTE)
            })?;
            // At the end of a long head a row of two says nothing.
            let last = first + stride * (RECOGNISED_BY - 1);
            (first < stride || last < head.len()).then_some(Self { first, stride })
        })
    }
}

/// A packet with what its header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    /// Where it stands in the file.
    pub(super) at: u64,
    pub(super) pid: u16,
    /// A PES packet or a section begins in it.
    pub(super) begins: bool,
    pub(super) counter: u8,
    /// `discontinuity_indicator`: what comes does not follow what came.
    pub(super) interrupts: bool,
    pub(super) scrambled: bool,
    /// Empty where it has only an adaptation field.
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the header. What its sender marked as broken, or what breaks the format, comes out as
    /// stuffing; the counter of the next packet tells the loss.
    fn parse(at: u64, bytes: &'a [u8]) -> Self {
        Self::read(at, bytes).unwrap_or(Self {
            at,
            pid: NULL_PID,
            begins: false,
            counter: 0,
            interrupts: false,
            scrambled: false,
            payload: &[],
        })
    }

    fn read(at: u64, bytes: &'a [u8]) -> Option<Self> {
        let (&[_, high, low, flags], mut payload) = bytes.split_first_chunk()?;
        let is_broken = high & 0x80 != 0;
        let mut interrupts = false;
        if flags & 0x20 != 0 {
            let (&length, behind) = payload.split_first()?;
            let (field, rest) = behind.split_at_checked(usize::from(length))?;
            interrupts = field.first().is_some_and(|flags| flags & 0x80 != 0);
            payload = rest;
        }
        if flags & 0x10 == 0 {
            payload = &[];
        }
        (!is_broken).then_some(Self {
            at,
            pid: u16::from_be_bytes([high & 0x1F, low]),
            begins: high & 0x40 != 0,
            counter: flags & 0x0F,
            interrupts,
            scrambled: flags & 0xC0 != 0,
            payload,
        })
    }
}

/// Goes from packet to packet.
#[derive(Debug, Clone)]
pub(super) struct Packets {
    /// The next packet, or from where one is looked for.
    at: u64,
    end: u64,
    stride: usize,
    /// Bytes that are read at once.
    reach: usize,
    in_step: bool,
}

impl Packets {
    /// From `at` on, where a packet may or may not stand, up to `end`; reads whole blocks.
    pub(super) fn new(at: u64, end: u64, stride: usize) -> Self {
        Self {
            at,
            end,
            stride,
            reach: limits::BLOCK_BYTES / stride * stride,
            in_step: false,
        }
    }

    /// The same, with smaller reads.
    pub(super) fn reaching(self, reach: usize) -> Self {
        Self { reach, ..self }
    }

    /// Where it stands.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next packet; `None` at the end. Garbage between packets is passed over.
    pub(super) fn next<'w>(&mut self, window: &'w mut Window) -> Step<Option<Packet<'w>>> {
        match self.find(window) {
            Ok(true) => {}
            Ok(false) | Err(Halt::Ended) => return Ok(None),
            Err(halt) => return Err(halt),
        }
        let at = self.at;
        self.at = at.saturating_add(widen(self.stride));
        let bytes = window.held(at).get(..PACKET_BYTES).unwrap_or_default();
        Ok(Some(Packet::parse(at, bytes)))
    }

    /// Goes to where a packet stands that is held whole; false where there is none before the end.
    fn find(&mut self, window: &mut Window) -> Step<bool> {
        while self.at < self.end {
            window.hold(self.at, PACKET_BYTES, self.reach)?;
            if window.held(self.at).first() != Some(&SYNC_BYTE) {
                self.in_step = false;
                let rest = window.held(self.at);
                let next = rest.iter().position(|byte| *byte == SYNC_BYTE);
                self.at = self.at.saturating_add(widen(next.unwrap_or(rest.len())));
            } else if self.in_step {
                match self.inner_row(window) {
                    None => return Ok(true),
                    Some(inside) => self.at = self.at.saturating_add(widen(inside)),
                }
            } else if self.is_row(window)? {
                self.in_step = true;
                return Ok(true);
            } else {
                self.at += 1;
            }
        }
        Ok(false)
    }

    /// Where packets in a row begin inside of what looks like a packet here: then it is none, or
    /// one that was cut off. Looked for where no packet follows, as far as can be seen.
    fn inner_row(&self, window: &Window) -> Option<usize> {
        let held = window.held(self.at);
        if held.get(self.stride).is_none_or(|next| *next == SYNC_BYTE) {
            return None;
        }
        (1..PACKET_BYTES).find(|from| {
            let mut row = (0..FOUND_BY).map(|step| held.get(from + step * self.stride));
            row.all(|byte| byte == Some(&SYNC_BYTE))
        })
    }

    /// Whether packets follow here in a row, as far as the file goes.
    fn is_row(&self, window: &mut Window) -> Step<bool> {
        let left = window.file_bytes().saturating_sub(self.at);
        let row = (FOUND_BY - 1) * self.stride + 1;
        let len = usize::try_from(left).map_or(row, |left| left.min(row));
        window.hold(self.at, len.max(PACKET_BYTES), self.reach)?;
        let held = window.held(self.at).get(..len).unwrap_or_default();
        let mut row = held.iter().step_by(self.stride);
        Ok(row.all(|byte| *byte == SYNC_BYTE))
    }
}

/// What a packet is to the one before it of the same PID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// It is the next one.
    Next,
    /// It is the same once more, which the standard allows.
    Again,
    /// Something is missing in between.
    Gap,
}

/// The continuity counter of one PID (§2.4.3.3).
#[derive(Debug, Clone)]
pub(super) struct Continuity {
    last: Option<u8>,
    payload: [u8; PACKET_BYTES],
}

impl Default for Continuity {
    fn default() -> Self {
        Self {
            last: None,
            payload: [0; PACKET_BYTES],
        }
    }
}

impl Continuity {
    /// Judges a packet that has a payload. The first one of all follows nothing.
    pub(super) fn judge(&mut self, packet: &Packet<'_>) -> Follows {
        let last = self.last.replace(packet.counter);
        let is_same = self.payload.starts_with(packet.payload);
        let kept = self.payload.get_mut(..packet.payload.len());
        if let Some(kept) = kept {
            kept.copy_from_slice(packet.payload);
        }
        match last {
            None => Follows::Next,
            Some(last) if last == packet.counter && is_same => Follows::Again,
            Some(last) if (last + 1) & 0x0F == packet.counter => Follows::Next,
            Some(_) => Follows::Gap,
        }
    }
}
