//! The 188-byte packet and its adaptation field (ISO/IEC 13818-1 §2.4.3.2 to §2.4.3.5).

use super::{Findings, Rule};

/// Bytes of a transport packet.
pub(crate) const PACKET_BYTES: usize = 188;
/// The PID of packets that carry nothing.
pub(super) const NULL_PID: u16 = 0x1FFF;

/// A packet, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    pub(super) starts_unit: bool,
    pub(super) counter: u8,
    pub(super) has_payload: bool,
    pub(super) discontinuity: bool,
    pub(super) random_access: bool,
    /// The clock in units of 1/27,000,000 s, as written: it wraps.
    pub(super) pcr_27m: Option<u64>,
    pub(super) payload: &'a [u8],
    /// A legal second sending of the packet before it; found by the continuity check.
    pub(super) duplicate: bool,
}

/// What stands in the place of a packet that cannot be read, so that packet numbers stay true.
const UNREADABLE: Packet<'static> = Packet {
    pid: NULL_PID,
    starts_unit: false,
    counter: 0,
    has_payload: false,
    discontinuity: false,
    random_access: false,
    pcr_27m: None,
    payload: &[],
    duplicate: false,
};

/// Takes a capture apart; what cannot be read becomes a finding and a null packet.
pub(super) fn parse_all<'a>(bytes: &'a [u8], findings: &mut Findings) -> Vec<Packet<'a>> {
    let (packets, rest) = bytes.as_chunks::<PACKET_BYTES>();
    if !rest.is_empty() {
        let what = format!("{} bytes are left after the last whole packet", rest.len());
        findings.add(Rule::Packet, packets.len(), what);
    }
    let numbered = packets.iter().enumerate();
    numbered
        .map(|(number, raw)| {
            parse(raw).unwrap_or_else(|what| {
                findings.add(Rule::Packet, number, what);
                UNREADABLE
            })
        })
        .collect()
}

/// Null packets as a part of all.
pub(super) fn null_share(packets: &[Packet<'_>]) -> f64 {
    let nulls = packets
        .iter()
        .filter(|packet| packet.pid == NULL_PID)
        .count();
    if packets.is_empty() {
        0.0
    } else {
        nulls as f64 / packets.len() as f64
    }
}

fn parse(raw: &[u8; PACKET_BYTES]) -> Result<Packet<'_>, String> {
    let [sync, high, low, control, body @ ..] = raw;
    if *sync != 0x47 {
        return Err(format!("sync byte is {sync:#04x}"));
    }
    if high & 0x80 != 0 {
        return Err("transport_error_indicator is set".into());
    }
    if control & 0xC0 != 0 {
        return Err("the packet says that it is scrambled".into());
    }
    let mut packet = Packet {
        pid: u16::from(high & 0x1F) << 8 | u16::from(*low),
        starts_unit: high & 0x40 != 0,
        counter: control & 0x0F,
        has_payload: control & 0x10 != 0,
        payload: body,
        ..UNREADABLE
    };
    if control & 0x20 != 0 {
        let (length, rest) = body
            .split_first()
            .ok_or("no room for an adaptation field")?;
        let split = rest.split_at_checked(usize::from(*length));
        let (field, payload) = split.ok_or("the adaptation field is longer than the packet")?;
        packet.payload = payload;
        packet.read_adaptation(field)?;
    } else if !packet.has_payload {
        return Err("adaptation_field_control is 00".into());
    }
    if !packet.has_payload {
        if !packet.payload.is_empty() {
            return Err("a packet without payload has bytes after its adaptation field".into());
        }
    } else if packet.payload.is_empty() {
        return Err("a packet with payload has no byte of it".into());
    }
    Ok(packet)
}

impl Packet<'_> {
    fn read_adaptation(&mut self, field: &[u8]) -> Result<(), String> {
        let Some((flags, rest)) = field.split_first() else {
            return Ok(());
        };
        self.discontinuity = flags & 0x80 != 0;
        self.random_access = flags & 0x40 != 0;
        if flags & 0x10 != 0 {
            let &[a, b, c, d, e, f, ..] = rest else {
                return Err("the adaptation field is too short for its clock".into());
            };
            let base = u64::from(u32::from_be_bytes([a, b, c, d])) << 1 | u64::from(e >> 7);
            let extension = u64::from(e & 1) << 8 | u64::from(f);
            if extension >= 300 {
                return Err(format!("the clock's extension is {extension}"));
            }
            self.pcr_27m = Some(base * 300 + extension);
        }
        Ok(())
    }
}
