//! Transport streams taken apart and put together again, to damage them and to look into them.

/// The NAL units of a sample.
pub(crate) fn nals(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        let (nal, next) = behind.split_at(length);
        rest = next;
        Some(nal)
    })
}

/// The slices of a sample: what is left without parameter sets, delimiters and the messages that
/// muxers put into one container's header and another one's samples.
pub(crate) fn slices(data: &[u8], is_hevc: bool) -> Vec<&[u8]> {
    let is_slice = |nal: &&[u8]| match is_hevc {
        true => nal[0] >> 1 < 32,
        false => matches!(nal[0] & 0x1F, 1..=5),
    };
    nals(data).filter(is_slice).collect()
}

/// The packets of a file of 188 bytes each.
pub(crate) fn split(file: &[u8]) -> Vec<[u8; 188]> {
    let (packets, rest) = file.as_chunks::<188>();
    assert!(rest.is_empty());
    packets.to_vec()
}

pub(crate) fn pid(packet: &[u8; 188]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1F, packet[2]])
}

pub(crate) fn begins(packet: &[u8; 188]) -> bool {
    packet[1] & 0x40 != 0
}

/// CRC-32 of a section, as the sender makes it: from a table, unlike the reader.
fn check_sum(section: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (at, entry) in table.iter_mut().enumerate() {
        let mut value = u32::try_from(at).unwrap() << 24;
        for _ in 0..8 {
            let carry = value & 0x8000_0000 != 0;
            value <<= 1;
            if carry {
                value ^= 0x04C1_1DB7;
            }
        }
        *entry = value;
    }
    section.iter().fold(0xFFFF_FFFF, |sum, byte| {
        let at = usize::try_from((sum >> 24) ^ u32::from(*byte)).unwrap();
        (sum << 8) ^ table[at]
    })
}

/// A section with its header and check sum.
pub(crate) fn section(table_id: u8, extension: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 9).unwrap() | 0xB000;
    let mut section = vec![table_id];
    section.extend(length.to_be_bytes());
    section.extend(extension.to_be_bytes());
    section.extend([0xC1 | (version << 1), 0, 0]);
    section.extend_from_slice(body);
    let sum = check_sum(&section);
    section.extend(sum.to_be_bytes());
    section
}

/// Sections as packets of a PID, cut wherever a packet ends.
pub(crate) fn section_packets(pid: u16, counter: &mut u8, section: &[u8]) -> Vec<[u8; 188]> {
    let payload = [&[0], section].concat();
    let parts = payload.chunks(184).enumerate();
    let packet = |(at, part): (usize, &[u8])| {
        let mut packet = [0xFF; 188];
        let start = if at == 0 { 0x4000 } else { 0 };
        packet[0] = 0x47;
        packet[1..3].copy_from_slice(&(pid | start).to_be_bytes());
        packet[3] = 0x10 | (*counter & 15);
        *counter = counter.wrapping_add(1);
        packet[4..4 + part.len()].copy_from_slice(part);
        packet
    };
    parts.map(packet).collect()
}

/// A PMT entry.
pub(crate) fn entry(stream_type: u8, pid: u16, descriptors: &[u8]) -> Vec<u8> {
    let mut entry = vec![stream_type];
    entry.extend((pid | 0xE000).to_be_bytes());
    let length = u16::try_from(descriptors.len()).unwrap() | 0xF000;
    entry.extend(length.to_be_bytes());
    entry.extend_from_slice(descriptors);
    entry
}

/// A PMT with these entries.
pub(crate) fn pmt(program: u16, version: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let body = [&[0xE1, 0x00, 0xF0, 0x00][..], &entries.concat()].concat();
    section(2, program, version, &body)
}

/// A PAT of these programs, each with the PID of its PMT.
pub(crate) fn pat(version: u8, programs: &[(u16, u16)]) -> Vec<u8> {
    let entries = programs.iter().flat_map(|(number, pid)| {
        let [a, b] = number.to_be_bytes();
        let [c, d] = (pid | 0xE000).to_be_bytes();
        [a, b, c, d]
    });
    section(0, 1, version, &entries.collect::<Vec<_>>())
}

/// A file whose packets of these PIDs are replaced where a section begins, and dropped elsewhere.
pub(crate) fn with_tables(file: &[u8], tables: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut counters = vec![0_u8; tables.len()];
    let mut out = Vec::new();
    for packet in split(file) {
        let table = tables.iter().position(|(known, _)| *known == pid(&packet));
        // Tables of ours follow each PAT of the file.
        if pid(&packet) == 0 && begins(&packet) {
            for ((known, section), counter) in tables.iter().zip(&mut counters) {
                out.extend(section_packets(*known, counter, section).concat());
            }
        } else if table.is_none() {
            out.extend(packet);
        }
    }
    out
}

/// Puts PES packets and sections into transport packets, one after the other.
#[derive(Default)]
pub(crate) struct Mux {
    pub(crate) file: Vec<u8>,
    counters: std::collections::BTreeMap<u16, u8>,
    interrupted: std::collections::BTreeSet<u16>,
}

impl Mux {
    pub(crate) fn section(&mut self, pid: u16, section: &[u8]) {
        let counter = self.counters.entry(pid).or_default();
        let packets = section_packets(pid, counter, section);
        self.file.extend(packets.concat());
    }

    /// The next packet of this PID does not follow the last one, and says so.
    pub(crate) fn interrupt(&mut self, pid: u16) {
        self.interrupted.insert(pid);
        *self.counters.entry(pid).or_default() += 5;
    }

    /// A PES packet with PTS and DTS, of no given length.
    pub(crate) fn pes(&mut self, pid: u16, id: u8, stamp: Option<(i64, i64)>, payload: &[u8]) {
        self.packets(pid, &pes(id, 0, stamp, payload));
    }

    pub(crate) fn pes_with_length(
        &mut self,
        pid: u16,
        id: u8,
        stamp: Option<(i64, i64)>,
        payload: &[u8],
    ) {
        let head = 3 + if stamp.is_some() { 10 } else { 0 };
        let length = u16::try_from(head + payload.len()).unwrap();
        self.packets(pid, &pes(id, length, stamp, payload));
    }

    fn packets(&mut self, pid: u16, pes: &[u8]) {
        let mut rest = pes;
        let mut start = 0x4000;
        while !rest.is_empty() {
            let flag = self.interrupted.remove(&pid);
            let room = if flag { 182 } else { 184 };
            let (part, next) = rest.split_at(rest.len().min(room));
            rest = next;
            let counter = self.counters.entry(pid).or_default();
            self.file.push(0x47);
            self.file.extend((pid | start).to_be_bytes());
            start = 0;
            let stuffing = 184 - part.len();
            let kind = if stuffing > 0 { 0x30 } else { 0x10 };
            self.file.push(kind | (*counter & 15));
            *counter = counter.wrapping_add(1);
            if stuffing > 0 {
                self.file.push(u8::try_from(stuffing - 1).unwrap());
            }
            if stuffing > 1 {
                self.file.push(if flag { 0x80 } else { 0 });
                self.file.resize(self.file.len() + stuffing - 2, 0xFF);
            }
            self.file.extend_from_slice(part);
        }
    }
}

fn pes(id: u8, length: u16, stamp: Option<(i64, i64)>, payload: &[u8]) -> Vec<u8> {
    let mut pes = vec![0, 0, 1, id];
    pes.extend(length.to_be_bytes());
    pes.push(0x80);
    match stamp {
        None => pes.extend([0, 0]),
        Some((pts, dts)) => {
            pes.extend([0xC0, 10]);
            pes.extend(time(3, pts));
            pes.extend(time(1, dts));
        }
    }
    pes.extend_from_slice(payload);
    pes
}

fn time(prefix: u8, time: i64) -> [u8; 5] {
    let byte = |shift: u32, mask: i64| u8::try_from((time >> shift) & mask).unwrap();
    [
        (prefix << 4) | (byte(30, 7) << 1) | 1,
        byte(22, 0xFF),
        (byte(15, 0x7F) << 1) | 1,
        byte(7, 0xFF),
        (byte(0, 0x7F) << 1) | 1,
    ]
}
