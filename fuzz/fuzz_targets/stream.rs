//! What a transport stream has to be (ISO/IEC 13818-1), checked packet by packet while it comes. It
//! shares no code with what makes the stream.

use exstreamtv::remux::Chunk;

const PACKET_BYTES: usize = 188;
const ASSOCIATION: u16 = 0x0000;
const SERVICE: u16 = 0x0011;
const VIDEO: u16 = 0x0100;
const AUDIO: u16 = 0x0101;
const MAP: u16 = 0x1000;
const PIDS: [u16; 5] = [ASSOCIATION, SERVICE, VIDEO, AUDIO, MAP];
/// Ticks between two clock references, and between two tables, at the most.
const PCR_90K: i64 = 40 * 90;
const TABLES_90K: i64 = 100 * 90;
/// What goes to a socket at once, at the most.
const CHUNK_BYTES: usize = 64 << 10;

/// What an audio chain is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) sample_rate: i64,
    /// Samples of which every frame has a whole number.
    pub(crate) grain: i64,
    /// Frames have ADTS headers, and can be counted.
    pub(crate) adts: bool,
}

/// One PID.
#[derive(Debug, Default)]
struct Line {
    counter: Option<u8>,
    /// The PES that is being received.
    pes: Option<Vec<u8>>,
    /// A jump has been announced.
    announced: bool,
}

/// A stream, as far as it has come.
#[derive(Debug)]
pub(crate) struct Stream {
    chain: Chain,
    lines: [Line; 5],
    packets: usize,
    due_90k: i64,
    pcr_90k: Option<i64>,
    /// The first clock after each table came last; none until there is one.
    tables_90k: [Option<i64>; 2],
    /// Which tables came since the last elementary packet.
    fresh: [bool; 2],
    dts_90k: Option<i64>,
    /// Where the audio chain was counted from, and to.
    audio_90k: Option<(i64, i64)>,
}

/// The fields of a packet.
struct Packet<'a> {
    pid: u16,
    line: usize,
    starts_unit: bool,
    counter: u8,
    /// The flags of the adaptation field.
    flags: u8,
    pcr: Option<i64>,
    payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    fn read(raw: &'a [u8]) -> Self {
        assert_eq!(raw[0], 0x47, "the sync byte");
        assert_eq!(raw[1] & 0x80, 0, "no transport error");
        assert_eq!(raw[3] & 0xC0, 0, "nothing is scrambled");
        let pid = u16::from_be_bytes([raw[1] & 0x1F, raw[2]]);
        let line = PIDS
            .iter()
            .position(|known| *known == pid)
            .expect("a known PID");
        let (adapted, paid) = (raw[3] & 0x20 != 0, raw[3] & 0x10 != 0);
        assert!(adapted || paid);
        let (mut flags, mut pcr, mut rest) = (0, None, &raw[4..]);
        if adapted {
            let (field, payload) = rest[1..].split_at(rest[0].into());
            assert_eq!(
                payload.is_empty(),
                !paid,
                "the adaptation field fills what it has to"
            );
            flags = field.first().copied().unwrap_or(0);
            if flags & 0x10 != 0 {
                let base = field[1..5]
                    .iter()
                    .fold(0, |base, byte| base << 8 | i64::from(*byte));
                pcr = Some(base << 1 | i64::from(field[5] >> 7));
                assert_eq!((field[5] & 1, field[6]), (0, 0), "the clock's extension");
            }
            rest = payload;
        }
        Self {
            pid,
            line,
            starts_unit: raw[1] & 0x40 != 0,
            counter: raw[3] & 0x0F,
            flags,
            pcr,
            payload: paid.then_some(rest),
        }
    }
}

impl Stream {
    pub(crate) fn new(chain: Chain) -> Self {
        Self {
            chain,
            lines: Default::default(),
            packets: 0,
            due_90k: i64::MIN,
            pcr_90k: None,
            tables_90k: [None; 2],
            fresh: [false; 2],
            dts_90k: None,
            audio_90k: None,
        }
    }

    /// Takes a chunk; `bytes` are what is sent for it.
    pub(crate) fn take(&mut self, chunk: &Chunk, bytes: &[u8]) {
        assert!(
            (1..=CHUNK_BYTES).contains(&bytes.len()),
            "{} bytes",
            bytes.len()
        );
        assert!(chunk.due_90k >= self.due_90k, "due times go back");
        self.due_90k = chunk.due_90k;
        let first = self.packets;
        let mut begins = false;
        self.packets(bytes, |packets, random_access| {
            // Tables, at most three of them, and the random access point.
            let at = packets - first;
            assert!(
                !random_access || (begins_at_most(at) && !begins),
                "a point inside a chunk"
            );
            begins |= random_access;
        });
        assert_eq!(begins, chunk.random_access, "where a viewer can begin");
    }

    /// Takes the packets that lead over a jump.
    pub(crate) fn take_bridge(&mut self, bytes: &[u8]) {
        self.packets(bytes, |_, random_access| assert!(!random_access));
        for pid in [VIDEO, AUDIO] {
            let line = PIDS.iter().position(|known| *known == pid);
            assert!(self.lines[line.expect("a PID")].announced);
        }
    }

    fn packets(&mut self, bytes: &[u8], mut saw: impl FnMut(usize, bool)) {
        assert_eq!(bytes.len() % PACKET_BYTES, 0, "whole packets");
        for raw in bytes.chunks_exact(PACKET_BYTES) {
            let packet = Packet::read(raw);
            saw(self.packets, packet.flags & 0x40 != 0);
            self.packet(&packet);
            self.packets += 1;
        }
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        let line = &mut self.lines[packet.line];
        let step = u8::from(packet.payload.is_some());
        if let Some(last) = line.counter {
            assert_eq!(
                packet.counter,
                (last + step) & 0x0F,
                "PID {:#x}",
                packet.pid
            );
        }
        line.counter = Some(packet.counter);
        if packet.flags & 0x80 != 0 {
            assert!(packet.payload.is_none(), "only a bridge announces a jump");
            line.announced = true;
            line.pes = None;
        }
        if let Some(pcr) = packet.pcr {
            self.clock(packet.pid, pcr);
        }
        match packet.pid {
            ASSOCIATION => self.table(0, packet),
            MAP => self.table(1, packet),
            SERVICE => {}
            _ => self.elementary(packet),
        }
    }

    /// The clock goes on, in steps that are short enough.
    fn clock(&mut self, pid: u16, pcr: i64) {
        assert_eq!(pid, VIDEO, "the clock is the video's");
        let announced = self.lines[2].announced;
        let pcr_90k = unwrapped(pcr, self.pcr_90k.unwrap_or(pcr));
        if let Some(last) = self.pcr_90k {
            let step = pcr_90k - last;
            assert!(
                step > 0 || (step == 0 && announced),
                "the clock goes on by {step}"
            );
            assert!(step <= PCR_90K || announced, "{step} ticks without a clock");
        }
        if announced {
            self.tables_90k = [None; 2];
        }
        for table_90k in &mut self.tables_90k {
            let since_90k = pcr_90k - *table_90k.get_or_insert(pcr_90k);
            assert!(since_90k <= TABLES_90K, "{since_90k} ticks without tables");
        }
        self.pcr_90k = Some(pcr_90k);
    }

    fn table(&mut self, which: usize, packet: &Packet<'_>) {
        assert!(packet.starts_unit && packet.payload.is_some_and(|payload| payload[0] == 0));
        self.fresh[which] = true;
        self.tables_90k[which] = None;
    }

    fn elementary(&mut self, packet: &Packet<'_>) {
        if packet.flags & 0x40 != 0 {
            assert_eq!(
                (packet.pid, self.fresh),
                (VIDEO, [true; 2]),
                "tables come before a point"
            );
        }
        self.fresh = [false; 2];
        let Some(payload) = packet.payload else {
            return;
        };
        let line = &mut self.lines[packet.line];
        if !packet.starts_unit {
            let pes = line.pes.as_mut().expect("the beginning comes first");
            return pes.extend_from_slice(payload);
        }
        let was_announced = line.announced;
        line.announced = false;
        let before = line.pes.replace(payload.to_vec());
        if let Some(whole) = before {
            self.check_end(packet.pid, &whole);
        }
        if packet.pid == VIDEO {
            assert!(packet.pcr.is_some(), "a picture states the clock");
            self.picture(payload);
        } else {
            self.sound(payload, was_announced);
        }
    }

    /// A PES packet that has come to its end: sound says how long it is, and is whole frames.
    fn check_end(&mut self, pid: u16, pes: &[u8]) {
        let stated = usize::from(u16::from_be_bytes([pes[4], pes[5]]));
        if pid == VIDEO {
            return assert_eq!(stated, 0);
        }
        assert_eq!(stated + 6, pes.len(), "PES_packet_length");
        if self.chain.adts {
            let mut rest = &pes[9 + usize::from(pes[8])..];
            let mut frames = 0;
            while !rest.is_empty() {
                assert_eq!((rest[0], rest[1] & 0xF6), (0xFF, 0xF0), "frame {frames}");
                let [high, middle, low] = [rest[3], rest[4], rest[5]].map(usize::from);
                let bytes = (high & 3) << 11 | middle << 3 | low >> 5;
                rest = &rest[bytes..];
                frames += 1;
            }
            if let Some((_, samples)) = &mut self.audio_90k {
                *samples += frames * self.chain.grain;
            }
        }
    }

    fn picture(&mut self, pes: &[u8]) {
        assert_eq!(pes[..4], [0, 0, 1, 0xE0]);
        assert_eq!(pes[7] & 0xC0, 0xC0, "both times");
        let clock_90k = self.pcr_90k.expect("a clock");
        let (pts_90k, dts_90k) = (stamp(&pes[9..], 3), stamp(&pes[14..], 1));
        let (pts_90k, dts_90k) = (unwrapped(pts_90k, clock_90k), unwrapped(dts_90k, clock_90k));
        assert!(pts_90k >= dts_90k, "shown before it is decoded");
        assert!(dts_90k > clock_90k, "too late to be decoded");
        assert!(
            self.dts_90k.is_none_or(|last| last < dts_90k),
            "decoding times go back"
        );
        self.dts_90k = Some(dts_90k);
    }

    /// The chain goes on where its samples end.
    fn sound(&mut self, pes: &[u8], announced: bool) {
        assert!(pes[..3] == [0, 0, 1] && matches!(pes[3], 0xC0 | 0xBD));
        assert_eq!(pes[7] & 0xC0, 0x80, "one time");
        let clock_90k = self.pcr_90k.unwrap_or_default();
        let pts_90k = unwrapped(stamp(&pes[9..], 2), clock_90k);
        assert!(
            pts_90k > clock_90k || self.pcr_90k.is_none(),
            "too late to be heard"
        );
        let Some((from_90k, samples)) = self.audio_90k.filter(|_| !announced) else {
            self.audio_90k = Some((pts_90k, 0));
            return;
        };
        let Chain {
            sample_rate,
            grain,
            adts,
        } = self.chain;
        let since = (pts_90k - from_90k) * sample_rate;
        // The nearest whole number of grains; times are rounded to ticks.
        let grains = (since + grain * 45_000).div_euclid(grain * 90_000);
        let off = since - grains * grain * 90_000;
        assert!(
            off.abs() <= 2 * sample_rate,
            "sound is off by {off} / {sample_rate} ticks"
        );
        if adts {
            assert_eq!(grains * grain, samples, "as many samples as frames say");
        } else {
            assert!(grains * grain > samples, "sound goes back");
            self.audio_90k = Some((from_90k, grains * grain));
        }
    }
}

/// Whether a random access point may be this packet of its chunk.
fn begins_at_most(at: usize) -> bool {
    (2..=3).contains(&at)
}

/// A 33-bit time, as the one nearest to another.
fn unwrapped(time: i64, near: i64) -> i64 {
    let turn = 1_i64 << 33;
    let ahead = (time - near).rem_euclid(turn);
    near + if ahead >= turn / 2 {
        ahead - turn
    } else {
        ahead
    }
}

/// A time stamp of a PES header with its prefix and marker bits.
fn stamp(bytes: &[u8], prefix: u8) -> i64 {
    assert_eq!(
        (bytes[0] >> 4, bytes[0] & bytes[2] & bytes[4] & 1),
        (prefix, 1)
    );
    let byte = |at: usize| i64::from(bytes[at]);
    (byte(0) >> 1 & 7) << 30 | byte(1) << 22 | (byte(2) >> 1) << 15 | byte(3) << 7 | byte(4) >> 1
}
