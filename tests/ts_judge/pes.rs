//! PES packets of one PID, put together again (ISO/IEC 13818-1 §2.4.3.6).

use super::clock::Clock;
use super::packet::Packet;
use super::{Findings, Rule};

/// One PES packet.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) first_packet: usize,
    pub(super) last_packet: usize,
    /// `random_access_indicator` on its first packet.
    pub(super) random_access: bool,
    /// A discontinuity was announced since the unit before it.
    pub(super) announced: bool,
    /// Another unit follows, or its length says that it is whole.
    pub(super) whole: bool,
    pub(super) pts_90k: i64,
    /// Same as `pts_90k` where the header has none.
    pub(super) dts_90k: i64,
    /// The elementary stream's bytes.
    pub(super) data: Vec<u8>,
}

/// Bytes from one `payload_unit_start_indicator` to the next.
struct Raw {
    first_packet: usize,
    last_packet: usize,
    random_access: bool,
    announced: bool,
    bytes: Vec<u8>,
}

/// Puts the units of a PID together. Broken ones become findings and are left out.
pub(super) fn read(
    packets: &[Packet<'_>],
    pid: u16,
    clock: &Clock,
    findings: &mut Findings,
) -> Vec<Unit> {
    let raws = collect(packets, pid, findings);
    let last = raws.len().saturating_sub(1);
    let mut units = Vec::with_capacity(raws.len());
    for (index, raw) in raws.into_iter().enumerate() {
        let first_packet = raw.first_packet;
        match parse(raw, index < last, clock) {
            Ok(unit) => units.push(unit),
            Err(_) if index == last => {}
            Err(what) => {
                findings.add(Rule::Pes, first_packet, format!("PID {pid:#06x}: {what}"));
            }
        }
    }
    units
}

fn collect(packets: &[Packet<'_>], pid: u16, findings: &mut Findings) -> Vec<Raw> {
    let mut raws: Vec<Raw> = Vec::new();
    let mut announced = false;
    let mut complained = false;
    for (number, packet) in packets
        .iter()
        .enumerate()
        .filter(|(_, packet)| packet.pid == pid)
    {
        announced |= packet.discontinuity;
        if !packet.has_payload || packet.duplicate {
            continue;
        }
        if packet.starts_unit {
            raws.push(Raw {
                first_packet: number,
                last_packet: number,
                random_access: packet.random_access,
                announced,
                bytes: packet.payload.to_vec(),
            });
            announced = false;
        } else if let Some(raw) = raws.last_mut() {
            raw.last_packet = number;
            raw.bytes.extend_from_slice(packet.payload);
        } else if !complained {
            complained = true;
            let what = format!("PID {pid:#06x} begins in the middle of a PES packet");
            findings.add(Rule::Start, number, what);
        }
    }
    raws
}

fn parse(raw: Raw, followed: bool, clock: &Clock) -> Result<Unit, String> {
    let &[
        0,
        0,
        1,
        _,
        length_high,
        length_low,
        marker,
        flags,
        header,
        ref rest @ ..,
    ] = raw.bytes.as_slice()
    else {
        return Err("no PES start code".into());
    };
    if marker & 0xC0 != 0x80 {
        return Err("the PES header's marker bits are not 10".into());
    }
    let split = rest.split_at_checked(header.into());
    let (stamps, data) = split.ok_or("the PES header is longer than the packet")?;
    let stated = usize::from(u16::from_be_bytes([length_high, length_low]));
    let held = raw.bytes.len() - 6;
    if stated != 0 && followed && stated != held {
        return Err(format!(
            "PES_packet_length is {stated}, but there are {held} bytes"
        ));
    }
    let (pts, dts) = match flags >> 6 {
        0b10 => (stamp(stamps, 0b0010)?, None),
        0b11 => {
            let second = stamps.get(5..).unwrap_or_default();
            (stamp(stamps, 0b0011)?, Some(stamp(second, 0b0001)?))
        }
        _ => return Err("no presentation time".into()),
    };
    let pts_90k = clock.unwrap_90k(pts, raw.first_packet);
    let dts_90k = dts.map_or(pts_90k, |dts| clock.unwrap_90k(dts, raw.first_packet));
    Ok(Unit {
        first_packet: raw.first_packet,
        last_packet: raw.last_packet,
        random_access: raw.random_access,
        announced: raw.announced,
        whole: followed || stated == held,
        pts_90k,
        dts_90k,
        data: data.to_vec(),
    })
}

/// A 33-bit time stamp with its four prefix bits and three marker bits.
fn stamp(bytes: &[u8], prefix: u8) -> Result<u64, String> {
    let &[a, b, c, d, e, ..] = bytes else {
        return Err("a time stamp is cut short".into());
    };
    if a >> 4 != prefix || a & c & e & 1 == 0 {
        return Err("a time stamp's marker bits are wrong".into());
    }
    let (a, b, c) = (u64::from(a), u64::from(b), u64::from(c));
    let (d, e) = (u64::from(d), u64::from(e));
    Ok((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}
