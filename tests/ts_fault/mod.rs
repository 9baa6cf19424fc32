//! Faults on purpose: a transport stream made by ffmpeg, whose packets can be dropped, repeated
//! and rewritten. It owns as much of the format as that takes and refuses to judge anything.
//! The streams that it reads have their SDT, PAT, PMT, video and audio on ffmpeg's own PIDs.

#![allow(dead_code, reason = "each test binary asks only some of the questions")]

use std::process::Command;
use std::sync::OnceLock;

/// PIDs that ffmpeg uses.
pub(crate) const PAT: u16 = 0x0000;
pub(crate) const SDT: u16 = 0x0011;
pub(crate) const PMT: u16 = 0x1000;
pub(crate) const VIDEO: u16 = 0x0100;
pub(crate) const AUDIO: u16 = 0x0101;

/// H.264 with B-frames and a key frame in each second of 30 frames, for ffmpeg.
pub(crate) const H264: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-g",
    "30",
    "-sc_threshold",
    "0",
];
/// Stereo AAC, for ffmpeg.
pub(crate) const AAC: &[&str] = &["-c:a", "aac", "-ac", "2", "-b:a", "96k"];

/// One transport packet.
pub(crate) type Packet = [u8; 188];

/// A transport stream that can be changed.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) packets: Vec<Packet>,
}

/// What ffmpeg draws and encodes.
pub(crate) struct Recipe<'a> {
    pub(crate) seconds: u32,
    pub(crate) rate: &'a str,
    pub(crate) video: &'a [&'a str],
    pub(crate) audio: &'a [&'a str],
    pub(crate) mux: &'a [&'a str],
}

impl Stream {
    /// Runs ffmpeg. The service description with which it opens is taken off, because a channel
    /// opens with its PAT.
    pub(crate) fn make(recipe: &Recipe<'_>) -> Self {
        let Recipe { seconds, rate, .. } = recipe;
        let folder = tempfile::tempdir().expect("a folder for the stream");
        let path = folder.path().join("made.ts");
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"])
            .arg(format!("testsrc2=s=320x180:r={rate}:d={seconds}"))
            .args(["-f", "lavfi", "-i"])
            .arg(format!("sine=440:r=48000:d={seconds}"))
            .args(["-map", "0", "-map", "1", "-metadata:s:a:0", "language=eng"])
            .args(recipe.video)
            .args(recipe.audio)
            .args(["-f", "mpegts", "-pcr_period", "20", "-pat_period", "0.05"])
            .args(recipe.mux)
            .arg(&path)
            .status()
            .expect("ffmpeg is installed (scripts/test installs it)");
        assert!(status.success(), "ffmpeg made no stream");
        let bytes = std::fs::read(&path).expect("the stream that ffmpeg made");
        let (packets, rest) = bytes.as_chunks();
        assert!(rest.is_empty());
        let opening = packets.iter().skip_while(|packet| pid(packet) == SDT);
        Self {
            packets: opening.copied().collect(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.packets.concat()
    }

    /// Numbers of the packets of a PID.
    pub(crate) fn of(&self, wanted: u16) -> Vec<usize> {
        self.numbers(|packet| pid(packet) == wanted)
    }

    /// Numbers of the packets that begin a PES packet or section of a PID.
    pub(crate) fn starts(&self, wanted: u16) -> Vec<usize> {
        self.numbers(|packet| pid(packet) == wanted && packet[1] & 0x40 != 0)
    }

    /// Numbers of the packets that begin a video random access point.
    pub(crate) fn keys(&self) -> Vec<usize> {
        self.numbers(|packet| pid(packet) == VIDEO && random_access(packet))
    }

    /// Numbers of the packets with a clock.
    pub(crate) fn clocks(&self) -> Vec<usize> {
        self.numbers(|packet| pcr_at(packet).is_some())
    }

    fn numbers(&self, wanted: impl Fn(&Packet) -> bool) -> Vec<usize> {
        let numbered = self.packets.iter().enumerate();
        numbered
            .filter(|(_, packet)| wanted(packet))
            .map(|(number, _)| number)
            .collect()
    }

    /// Counts every PID anew from 0, so that no counter tells of what was taken or added.
    pub(crate) fn mend_counters(&mut self) {
        let mut next = std::collections::HashMap::<u16, u8>::new();
        for packet in &mut self.packets {
            let counter = next.entry(pid(packet)).or_default();
            let has_payload = packet[3] & 0x10 != 0;
            let shown = if has_payload {
                *counter
            } else {
                counter.wrapping_sub(1) & 0x0F
            };
            packet[3] = packet[3] & 0xF0 | shown;
            *counter = if has_payload {
                (*counter + 1) & 0x0F
            } else {
                *counter
            };
        }
    }

    /// The packets of the unit that begins at `start`.
    pub(crate) fn unit(&self, start: usize) -> Vec<usize> {
        let wanted = pid(&self.packets[start]);
        let after = self.starts(wanted).into_iter().find(|&next| next > start);
        let end = after.unwrap_or(self.packets.len());
        self.of(wanted)
            .into_iter()
            .filter(|number| (start..end).contains(number))
            .collect()
    }

    /// Rewrites the elementary stream of the unit that begins at `start`; its times, flags and
    /// place stay, and the counters are mended.
    pub(crate) fn rewrite(&mut self, start: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let numbers = self.unit(start);
        let whole: Vec<u8> = numbers
            .iter()
            .flat_map(|&number| payload(&self.packets[number]).to_vec())
            .collect();
        let (head, body) = whole.split_at(9 + usize::from(whole[8]));
        let mut data = body.to_vec();
        change(&mut data);
        let mut pes = [head, &data].concat();
        if pes[4..6] != [0, 0] {
            let length = u16::try_from(pes.len() - 6).expect("a short unit");
            pes[4..6].copy_from_slice(&length.to_be_bytes());
        }
        let first = self.packets[start];
        let field = if first[3] & 0x20 == 0 {
            &[][..]
        } else {
            &first[5..5 + usize::from(first[4])]
        };
        let packets = packetize(pid(&first), field, &pes);
        for number in numbers.into_iter().rev() {
            self.packets.remove(number);
        }
        self.packets.splice(start..start, packets);
        self.mend_counters();
    }

    /// Adds to every presentation and decoding time of a PID from packet `from` on.
    pub(crate) fn shift_times(&mut self, wanted: u16, from: usize, ticks_90k: i64) {
        for number in self
            .starts(wanted)
            .into_iter()
            .filter(|&number| number >= from)
        {
            let packet = &mut self.packets[number];
            let at = 188 - payload(packet).len();
            let stamps = packet[at + 7] >> 6;
            shift_stamp(&mut packet[at + 9..at + 14], ticks_90k);
            if stamps == 0b11 {
                shift_stamp(&mut packet[at + 14..at + 19], ticks_90k);
            }
        }
    }

    /// Adds to the presentation time of one unit.
    pub(crate) fn shift_presentation(&mut self, start: usize, ticks_90k: i64) {
        let packet = &mut self.packets[start];
        let at = 188 - payload(packet).len();
        shift_stamp(&mut packet[at + 9..at + 14], ticks_90k);
    }

    /// Takes the second group of pictures out and all that was sent with it; says where it was.
    pub(crate) fn skip_group(&mut self) -> usize {
        let keys = self.keys();
        let (from, to) = (keys[1] - 2, keys[2] - 2);
        self.packets.drain(from..to);
        from
    }

    /// Adds to every clock.
    pub(crate) fn shift_clocks(&mut self, ticks_90k: i64) {
        for number in self.clocks() {
            let packet = &mut self.packets[number];
            let base = (pcr_at(packet).expect("a clock") + ticks_90k).rem_euclid(1 << 33);
            let bytes = base.to_be_bytes();
            let all = u64::from_be_bytes(bytes) << 31;
            packet[6..10].copy_from_slice(&all.to_be_bytes()[..4]);
            packet[10] = packet[10] & 0x7F | all.to_be_bytes()[4];
        }
    }

    /// Takes the clock out of a packet and leaves stuffing in its place.
    pub(crate) fn remove_clock(&mut self, number: usize) {
        let packet = &mut self.packets[number];
        packet[5] &= !0x10;
        packet[6..12].fill(0xFF);
    }

    /// Changes the content of a section, not its length, and makes its CRC right again.
    pub(crate) fn rewrite_section(&mut self, number: usize, change: impl FnOnce(&mut [u8])) {
        let packet = &mut self.packets[number];
        let length = 3 + (usize::from(packet[6] & 0x0F) << 8 | usize::from(packet[7]));
        let section = &mut packet[5..5 + length];
        change(section);
        let (content, crc) = section.split_at_mut(length - 4);
        crc.copy_from_slice(&crc32(content).to_be_bytes());
    }
}

/// Six seconds of H.264 with B-frames and AAC, a key frame in each second.
pub(crate) fn good() -> Stream {
    static GOOD: OnceLock<Stream> = OnceLock::new();
    let recipe = Recipe {
        seconds: 6,
        rate: "30",
        video: H264,
        audio: AAC,
        mux: &[],
    };
    GOOD.get_or_init(|| Stream::make(&recipe)).clone()
}

/// The PID of a packet.
pub(crate) fn pid(packet: &Packet) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1F, packet[2]])
}

/// The base of a packet's clock.
pub(crate) fn pcr_at(packet: &Packet) -> Option<i64> {
    let has = packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x10 != 0;
    let base = i64::from(u32::from_be_bytes([
        packet[6], packet[7], packet[8], packet[9],
    ]));
    has.then(|| base << 1 | i64::from(packet[10] >> 7))
}

/// A packet without payload that announces a discontinuity before `next`, with the clock of
/// `next` if that has one.
pub(crate) fn bridge(next: &Packet) -> Packet {
    let mut packet = [0xFF; 188];
    let counter = next[3].wrapping_sub(1) & 0x0F;
    packet[..6].copy_from_slice(&[0x47, next[1] & 0x1F, next[2], 0x20 | counter, 183, 0x80]);
    if pcr_at(next).is_some() {
        packet[5] |= 0x10;
        packet[6..12].copy_from_slice(&next[6..12]);
    }
    packet
}

fn random_access(packet: &Packet) -> bool {
    packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x40 != 0
}

fn payload(packet: &Packet) -> &[u8] {
    match packet[3] & 0x30 {
        0x10 => &packet[4..],
        0x30 => &packet[5 + usize::from(packet[4])..],
        _ => &[],
    }
}

/// Cuts a PES packet into transport packets; the first one gets the adaptation field.
fn packetize(pid: u16, field: &[u8], pes: &[u8]) -> Vec<Packet> {
    let [high, low] = pid.to_be_bytes();
    // Stuffing from the unit's old end is not wanted: only the flags and the clock.
    let clock = field.first().is_some_and(|flags| flags & 0x10 != 0);
    let mut field = field
        .get(..if clock { 7 } else { field.len().min(1) })
        .unwrap_or_default()
        .to_vec();
    let mut packets = Vec::new();
    let mut rest = pes;
    while !rest.is_empty() {
        let start = if packets.is_empty() { 0x40 } else { 0 };
        let room = if field.is_empty() {
            184
        } else {
            183 - field.len()
        };
        let (now, later) = rest.split_at(room.min(rest.len()));
        let stuffing = 184 - now.len();
        let mut packet = vec![0x47, high | start, low, 0x10];
        if stuffing > 0 {
            packet[3] = 0x30;
            packet.push(u8::try_from(stuffing - 1).expect("less than a packet"));
            if stuffing > 1 && field.is_empty() {
                field.push(0);
            }
            packet.extend_from_slice(&field);
            packet.resize(4 + stuffing, 0xFF);
        }
        packet.extend_from_slice(now);
        packets.push(packet.try_into().expect("188 bytes"));
        rest = later;
        field.clear();
    }
    packets
}

fn shift_stamp(bytes: &mut [u8], ticks_90k: i64) {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|at| i64::from(bytes[at]));
    let old = (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1;
    let new = (old + ticks_90k).rem_euclid(1 << 33);
    let low = |value: i64| u8::try_from(value & 0xFF).expect("one byte");
    bytes[0] = low(a & 0xF0 | (new >> 30 & 7) << 1 | 1);
    bytes[1] = low(new >> 22);
    bytes[2] = low(new >> 14 | 1);
    bytes[3] = low(new >> 7);
    bytes[4] = low(new << 1 | 1);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = if crc & 1 << 31 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04C1_1DB7
            };
        }
    }
    crc
}
