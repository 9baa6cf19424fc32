//! A transport stream, watched as it comes: packets, counters, tables and clock (ISO/IEC 13818-1).
//! Pure. It stops at the first thing that is wrong.

use std::collections::BTreeMap;

/// Length of a packet.
const PACKET_BYTES: usize = 188;

/// The PID of the table that names the others, and of packets without content.
const PAT_PID: u16 = 0;
const NULL_PID: u16 = 0x1FFF;

/// Its and the program's table's identifiers.
const PAT_TABLE: u8 = 0;
const PMT_TABLE: u8 = 2;

/// The clock counts 1/90000 s in 33 bits.
const CLOCK_90K: u64 = 90_000;
const CLOCK_MASK: u64 = (1 << 33) - 1;

/// The clock comes every 100 ms; a step that is longer is a jump.
const STEP_90K: u64 = CLOCK_90K;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The beginning of a packet.
    rest: Vec<u8>,
    packets: u64,
    counters: BTreeMap<u16, u8>,
    pmt_pid: Option<u16>,
    program: Option<Program>,
    clock_90k: Option<u64>,
    media_90k: u64,
}

/// What the program's table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Program {
    clock_pid: u16,
    streams: usize,
}

/// One packet, taken apart.
struct Packet<'a> {
    pid: u16,
    begins: bool,
    counter: u8,
    jumps: bool,
    clock_90k: Option<u64>,
    payload: Option<&'a [u8]>,
}

impl Watch {
    /// Takes what has come.
    ///
    /// # Errors
    /// The first thing that is wrong, with the number of its packet.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.rest.extend_from_slice(bytes);
        let come = std::mem::take(&mut self.rest);
        let (packets, rest) = come.as_chunks::<PACKET_BYTES>();
        for packet in packets {
            self.take(packet)
                .map_err(|why| format!("packet {}: {why}", self.packets))?;
            self.packets += 1;
        }
        self.rest.extend_from_slice(rest);
        Ok(())
    }

    /// Whole packets.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// Elementary streams of the program.
    pub(super) fn streams(&self) -> usize {
        self.program.map_or(0, |program| program.streams)
    }

    /// How far the stream's own clock has come.
    ///
    /// # Errors
    /// Tables or clock are missing.
    pub(super) fn media_ms(&self) -> Result<u64, String> {
        if self.pmt_pid.is_none() {
            return Err("no PAT came".to_owned());
        }
        if self.program.is_none() {
            return Err("no PMT came".to_owned());
        }
        if self.clock_90k.is_none() {
            return Err("no PCR came".to_owned());
        }
        Ok(self.media_90k / (CLOCK_90K / 1_000))
    }

    fn take(&mut self, bytes: &[u8; PACKET_BYTES]) -> Result<(), String> {
        let packet = Packet::read(bytes)?;
        if packet.pid == NULL_PID {
            return Ok(());
        }
        self.count(&packet)?;
        if let Some(payload) = packet.payload.filter(|_| packet.begins) {
            if packet.pid == PAT_PID {
                self.pmt_pid = Some(first_program(section(payload, PAT_TABLE)?)?);
            } else if Some(packet.pid) == self.pmt_pid {
                self.program = Some(program(section(payload, PMT_TABLE)?)?);
            }
        }
        let clock_pid = self.program.map(|program| program.clock_pid);
        match packet.clock_90k.filter(|_| clock_pid == Some(packet.pid)) {
            Some(clock_90k) => self.tick(clock_90k, packet.jumps),
            None => Ok(()),
        }
    }

    /// Counters of packets with content go on by one; a packet may come twice.
    fn count(&mut self, packet: &Packet<'_>) -> Result<(), String> {
        let (pid, counter) = (packet.pid, packet.counter);
        if packet.payload.is_none() {
            return Ok(());
        }
        match self.counters.insert(pid, counter) {
            Some(last) if !packet.jumps && counter != last && counter != (last + 1) & 0xF => Err(
                format!("the counter of PID {pid} is {counter} after {last}"),
            ),
            _ => Ok(()),
        }
    }

    fn tick(&mut self, clock_90k: u64, jumps: bool) -> Result<(), String> {
        let Some(last_90k) = self.clock_90k.replace(clock_90k) else {
            return Ok(());
        };
        let step_90k = clock_90k.wrapping_sub(last_90k) & CLOCK_MASK;
        if jumps {
            return Ok(());
        }
        if step_90k == 0 || step_90k > STEP_90K {
            return Err(format!("the clock goes from {last_90k} to {clock_90k}"));
        }
        self.media_90k = self.media_90k.saturating_add(step_90k);
        Ok(())
    }
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8; PACKET_BYTES]) -> Result<Self, String> {
        let [sync, high, low, control, content @ ..] = bytes;
        if *sync != 0x47 {
            return Err("it does not begin with 0x47".to_owned());
        }
        if high & 0x80 != 0 || control & 0xC0 != 0 {
            return Err("it is marked as damaged or scrambled".to_owned());
        }
        let mut packet = Self {
            pid: u16::from_be_bytes([high & 0x1F, *low]),
            begins: high & 0x40 != 0,
            counter: control & 0xF,
            jumps: false,
            clock_90k: None,
            payload: None,
        };
        let mut content: &[u8] = content;
        if control & 0x20 != 0 {
            let too_long = || "its adaptation field is too long".to_owned();
            let (len, rest) = content.split_first().ok_or_else(too_long)?;
            let (field, rest) = rest
                .split_at_checked(usize::from(*len))
                .ok_or_else(too_long)?;
            content = rest;
            if let Some((flags, field)) = field.split_first() {
                packet.jumps = flags & 0x80 != 0;
                packet.clock_90k = field
                    .first_chunk()
                    .filter(|_| flags & 0x10 != 0)
                    .map(|clock| clock_90k(*clock));
            }
        }
        packet.payload = (control & 0x10 != 0).then_some(content);
        Ok(packet)
    }
}

/// The 33 bits in front of the clock's six bytes.
fn clock_90k([b0, b1, b2, b3, b4, _]: [u8; 6]) -> u64 {
    u64::from(u32::from_be_bytes([b0, b1, b2, b3])) << 1 | u64::from(b4 >> 7)
}

/// What a table says, without head and checksum. One that goes on in another packet is refused: the
/// box has none so long.
fn section(payload: &[u8], table: u8) -> Result<&[u8], String> {
    let read = || {
        let (pointer, rest) = payload.split_first()?;
        let rest = rest.get(usize::from(*pointer)..)?;
        let [id, l0, l1, ..] = rest else {
            return None;
        };
        let len = usize::from(u16::from_be_bytes([l0 & 0x0F, *l1]));
        let section = rest.get(..len.checked_add(3)?)?;
        // Identifier, version and numbers stand between the length and what is said.
        let said = section.get(8..section.len().checked_sub(4)?)?;
        (*id == table && checksum(section) == 0).then_some(said)
    };
    read().ok_or_else(|| format!("table {table} is broken"))
}

/// CRC-32 of tables (annex A); 0 over one that is whole.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            let carry = sum >> 31;
            (sum << 1) ^ (carry * 0x04C1_1DB7)
        })
    })
}

/// The PID of the first program's table.
fn first_program(pat: &[u8]) -> Result<u16, String> {
    let (programs, _) = pat.as_chunks::<4>();
    let found = programs.iter().find_map(|[n0, n1, p0, p1]| {
        let is_program = (*n0, *n1) != (0, 0);
        is_program.then(|| u16::from_be_bytes([p0 & 0x1F, *p1]))
    });
    found.ok_or_else(|| "the PAT names no program".to_owned())
}

fn program(pmt: &[u8]) -> Result<Program, String> {
    let read = || {
        let (&[c0, c1, i0, i1], rest) = pmt.split_first_chunk()?;
        let skipped = usize::from(u16::from_be_bytes([i0 & 0x0F, i1]));
        let mut rest = rest.get(skipped..)?;
        let mut streams = 0;
        while let Some((&[_, _, _, d0, d1], behind)) = rest.split_first_chunk() {
            let described = usize::from(u16::from_be_bytes([d0 & 0x0F, d1]));
            rest = behind.get(described..)?;
            streams += 1;
        }
        Some(Program {
            clock_pid: u16::from_be_bytes([c0 & 0x1F, c1]),
            streams,
        })
    };
    match read() {
        Some(program) if program.streams > 0 => Ok(program),
        Some(_) => Err("the PMT names no stream".to_owned()),
        None => Err("the PMT is broken".to_owned()),
    }
}
