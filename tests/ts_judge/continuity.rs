//! Continuity counters (ISO/IEC 13818-1 §2.4.3.3).

use std::collections::HashMap;

use super::packet::{NULL_PID, Packet};
use super::{Findings, Rule};

/// The last packet with payload on one PID.
struct Last<'a> {
    counter: u8,
    payload: &'a [u8],
    repeated: bool,
}

/// Follows the counter of every PID and marks legal duplicates.
pub(super) fn check(packets: &mut [Packet<'_>], findings: &mut Findings) {
    let mut seen: HashMap<u16, Last<'_>> = HashMap::new();
    for (number, packet) in packets.iter_mut().enumerate() {
        if packet.pid == NULL_PID {
            continue;
        }
        let fresh = Last {
            counter: packet.counter,
            payload: packet.payload,
            repeated: false,
        };
        let Some(last) = seen.get_mut(&packet.pid) else {
            seen.insert(packet.pid, fresh);
            continue;
        };
        if packet.discontinuity {
            *last = fresh;
        } else if !packet.has_payload {
            if packet.counter != last.counter {
                report(findings, number, packet, last.counter, "without payload");
                last.counter = packet.counter;
            }
        } else if packet.counter == last.counter {
            let same = packet.payload == last.payload && !last.payload.is_empty();
            if !same {
                report(
                    findings,
                    number,
                    packet,
                    last.counter,
                    "again, with other content",
                );
                *last = fresh;
            } else if last.repeated {
                report(findings, number, packet, last.counter, "for the third time");
            } else {
                last.repeated = true;
            }
            packet.duplicate = same;
        } else {
            if packet.counter != (last.counter + 1) & 0x0F {
                report(findings, number, packet, last.counter, "");
            }
            *last = fresh;
        }
    }
}

fn report(findings: &mut Findings, number: usize, packet: &Packet<'_>, last: u8, how: &str) {
    let what = format!(
        "PID {:#06x}: counter {} after {last} {how}",
        packet.pid, packet.counter
    );
    findings.add(Rule::Continuity, number, what.trim_end());
}
