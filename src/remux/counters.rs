//! Continuity counters (ISO/IEC 13818-1 §2.4.3.3): where a stream's stand, and how packets of one
//! stream go on where another left off.
//!
//! Two streams of one channel differ in nothing but these counters, so a viewer changes from one to
//! the other unnoticed when its packets are renumbered on the way.

use super::packet::{PACKET_BYTES, PCR_FIELD_BYTES, Pid, SYNC_BYTE, pcr_bytes};
use super::{Chunk, PCR_LEAD_90K};
use bytes::{BufMut, Bytes, BytesMut};

/// The counter that the next packet with payload gets, for each PID.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters([u8; Pid::ALL.len()]);

/// What is added to the counters of one stream to make them those of another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift([u8; Pid::ALL.len()]);

impl Counters {
    /// The counter of the next packet; moves on if that packet has payload.
    pub(super) fn next(&mut self, pid: Pid) -> u8 {
        let now = self.get(pid);
        if let Some(counter) = self.0.get_mut(pid.index()) {
            *counter = (now + 1) & 0x0F;
        }
        now
    }

    /// The counter of the last packet with payload, which one without payload repeats.
    pub(super) fn last(self, pid: Pid) -> u8 {
        self.get(pid).wrapping_sub(1) & 0x0F
    }

    fn get(self, pid: Pid) -> u8 {
        self.0.get(pid.index()).copied().unwrap_or_default()
    }

    /// Where the counters stand after these packets.
    #[must_use]
    pub fn after(self, packets: &[u8]) -> Self {
        let mut after = self;
        for packet in packets.chunks_exact(PACKET_BYTES) {
            if let [_, high, low, control, ..] = *packet
                && control & 0x10 != 0
                && let Some(pid) = Pid::of([high & 0x1F, low])
                && let Some(counter) = after.0.get_mut(pid.index())
            {
                *counter = (control + 1) & 0x0F;
            }
        }
        after
    }

    /// What makes a stream whose counters stand here go on where those of `other` stand.
    #[must_use]
    pub fn shift_to(self, other: Self) -> Shift {
        let mut shift = Shift::default();
        let pairs = self.0.into_iter().zip(other.0);
        for (shift, (from, to)) in shift.0.iter_mut().zip(pairs) {
            *shift = to.wrapping_sub(from) & 0x0F;
        }
        shift
    }

    /// These counters in the other stream.
    #[must_use]
    pub fn shifted(self, by: Shift) -> Self {
        let mut shifted = self;
        for (counter, by) in shifted.0.iter_mut().zip(by.0) {
            *counter = (*counter + by) & 0x0F;
        }
        shifted
    }
}

impl Shift {
    /// The same packets with their counters moved; a copy only where they do move.
    #[must_use]
    pub fn renumber(self, packets: &Bytes) -> Bytes {
        if self == Self::default() {
            return packets.clone();
        }
        let mut renumbered = BytesMut::from(packets.as_ref());
        for packet in renumbered.chunks_exact_mut(PACKET_BYTES) {
            if let [_, high, low, control, ..] = packet
                && let Some(pid) = Pid::of([*high & 0x1F, *low])
            {
                let by = self.0.get(pid.index()).copied().unwrap_or_default();
                *control = (*control & 0xF0) | ((*control + by) & 0x0F);
            }
        }
        renumbered.freeze()
    }
}

/// The packets that lead a viewer over a real jump in time: one for each elementary stream, without
/// payload, that says so (`discontinuity_indicator`, §2.4.3.5). `last` is where the viewer's
/// counters stand; `next` is what follows, and begins with a random access point.
#[must_use]
pub fn bridge(last: Counters, next: &Chunk) -> Bytes {
    let pcr_90k = next.due_90k.saturating_sub(PCR_LEAD_90K);
    let mut packets = BytesMut::with_capacity(2 * PACKET_BYTES);
    for (pid, pcr) in [(Pid::Video, Some(pcr_bytes(pcr_90k))), (Pid::Audio, None)] {
        let [high, low] = pid.number().to_be_bytes();
        let flags = if pcr.is_some() { 0x90 } else { 0x80 };
        let field_bytes = 183;
        let control = 0x20 | last.last(pid);
        packets.put_slice(&[SYNC_BYTE, high, low, control, field_bytes, flags]);
        let pcr = pcr.unwrap_or([0xFF; PCR_FIELD_BYTES]);
        packets.put_slice(&pcr);
        packets.put_bytes(0xFF, PACKET_BYTES - 6 - PCR_FIELD_BYTES);
    }
    packets.freeze()
}

#[cfg(test)]
mod tests {
    use super::Counters;
    use bytes::Bytes;

    /// Packets of the video PID: with payload or without, as `controls` say.
    fn packets(controls: &[u8]) -> Bytes {
        let packet = |control: &u8| {
            let mut packet = [0xFF; 188];
            packet[..4].copy_from_slice(&[0x47, 0x41, 0x00, *control]);
            packet
        };
        controls.iter().flat_map(packet).collect()
    }

    #[test]
    fn counters_follow_packets_with_payload_only() {
        let before = Counters::default().after(&packets(&[0x1E]));
        let after = before.after(&packets(&[0x1F, 0x2F, 0x30]));
        assert_eq!(after, Counters::default().after(&packets(&[0x10])));
    }

    #[test]
    fn one_stream_goes_on_where_another_left_off() {
        let viewer = Counters::default().after(&packets(&[0x1D]));
        let other = Counters::default().after(&packets(&[0x12]));
        let shift = other.shift_to(viewer);
        let next = shift.renumber(&packets(&[0x13, 0x23, 0x14, 0x15]));
        let controls: Vec<u8> = next.chunks(188).map(|packet| packet[3]).collect();
        assert_eq!(controls, [0x1E, 0x2E, 0x1F, 0x10]);
        assert_eq!(other.shifted(shift), viewer);
        let own = packets(&[0x13]);
        let same = other.shift_to(other).renumber(&own);
        assert_eq!(same.as_ptr(), own.as_ptr(), "nothing is copied");
    }
}
