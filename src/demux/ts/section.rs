//! Sections put together from packets (ISO/IEC 13818-1 §2.4.4), their check sum compared
//! (annex A).

use super::packet::{Continuity, Follows, Packet};

/// Longest section, its three bytes in front included.
const SECTION_BYTES: usize = 4096;
/// Bytes in front of what `section_length` counts.
const FRONT_BYTES: usize = 3;
/// Bytes of the header up to `last_section_number`, and of the check sum.
const HEADER_BYTES: usize = 8;
const CHECK_BYTES: usize = 4;

/// A whole section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) table_id: u8,
    /// `transport_stream_id` or `program_number`.
    pub(super) extension: u16,
    pub(super) version: u8,
    /// What stands between the header and the check sum.
    pub(super) body: &'a [u8],
    /// The check sum; where it is the same, so is the section.
    pub(super) check: u32,
}

impl<'a> Section<'a> {
    /// Reads a section that is in force; `None` for another, or a broken one.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (whole, check) = bytes.split_last_chunk::<CHECK_BYTES>()?;
        let (&[table_id, _, _, high, low, version, _, _], body) =
            whole.split_first_chunk::<HEADER_BYTES>()?;
        let is_in_force = version & 1 == 1;
        (is_in_force && crc32(bytes) == 0).then_some(Self {
            table_id,
            extension: u16::from_be_bytes([high, low]),
            version: (version >> 1) & 0x1F,
            body,
            check: u32::from_be_bytes(*check),
        })
    }
}

/// The sections of one PID.
#[derive(Debug, Clone, Default)]
pub(super) struct Sections {
    continuity: Continuity,
    held: Vec<u8>,
    /// A section has begun, so that what comes belongs to it.
    open: bool,
}

impl Sections {
    /// Bytes that they hold.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Takes a packet, and gives the sections that end in it.
    pub(super) fn push(&mut self, packet: &Packet<'_>, mut give: impl FnMut(&Section<'_>)) {
        if packet.payload.is_empty() || packet.scrambled {
            return;
        }
        match self.continuity.judge(packet) {
            Follows::Again => return,
            Follows::Gap => self.open = false,
            Follows::Next => {}
        }
        if !packet.begins {
            self.extend(packet.payload, &mut give);
            return;
        }
        let Some((&pointer, behind)) = packet.payload.split_first() else {
            return;
        };
        let Some((end, begin)) = behind.split_at_checked(usize::from(pointer)) else {
            self.open = false;
            return;
        };
        self.extend(end, &mut give);
        self.held.clear();
        self.open = true;
        self.extend(begin, &mut give);
    }

    fn extend(&mut self, bytes: &[u8], give: &mut impl FnMut(&Section<'_>)) {
        if !self.open {
            self.held.clear();
            return;
        }
        self.held.extend_from_slice(bytes);
        while let Some(&[table_id, high, low]) = self.held.first_chunk::<FRONT_BYTES>() {
            let length = FRONT_BYTES + usize::from(u16::from_be_bytes([high & 0x0F, low]));
            if table_id == 0xFF || length > SECTION_BYTES {
                // Stuffing up to the end of the packet.
                self.open = false;
                self.held.clear();
                return;
            }
            let Some(bytes) = self.held.get(..length) else {
                return;
            };
            if let Some(section) = Section::parse(bytes) {
                give(&section);
            }
            self.held.drain(..length);
        }
    }
}

/// The check sum of annex A; 0 over a section with its check sum.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| {
            let carry = if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            (crc << 1) ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0x0376_E6E7);
    }
}
