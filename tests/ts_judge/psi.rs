//! PAT and PMT: sections, CRC-32, what they say and when they come (ISO/IEC 13818-1 §2.4.4).

use super::clock::Clock;
use super::packet::{NULL_PID, Packet};
use super::{Findings, PSI_INTERVAL_MS, Rule};

const PAT_PID: u16 = 0x0000;
const SDT_PID: u16 = 0x0011;

/// One elementary stream of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) pid: u16,
    pub(super) stream_type: u8,
}

/// What the tables say, and the packets in which they begin.
#[derive(Debug)]
pub(super) struct Tables {
    pmt_pid: u16,
    pub(super) video: Stream,
    pub(super) audio: Option<Stream>,
    pats: Vec<usize>,
    pmts: Vec<usize>,
}

impl Tables {
    /// Reads the first PAT and PMT and holds all later ones against them. Nothing if there is no
    /// program with video, which is a finding.
    pub(super) fn read(packets: &[Packet<'_>], findings: &mut Findings) -> Option<Self> {
        let (pat, pats) = constant_section(packets, PAT_PID, "PAT", findings)?;
        let pmt_pid = match read_pat(&pat) {
            Ok(pid) => pid,
            Err(what) => {
                findings.add(Rule::PsiBroken, 0, what);
                return None;
            }
        };
        let (pmt, pmts) = constant_section(packets, pmt_pid, "PMT", findings)?;
        match read_pmt(&pmt, findings) {
            Ok((video, audio)) => Some(Self {
                pmt_pid,
                video,
                audio,
                pats,
                pmts,
            }),
            Err(what) => {
                findings.add(Rule::StreamType, 0, what);
                None
            }
        }
    }

    /// How the capture opens, what precedes random access points, and PIDs that nobody named.
    pub(super) fn check_places(&self, packets: &[Packet<'_>], findings: &mut Findings) {
        let opening: Vec<u16> = packets.iter().take(2).map(|packet| packet.pid).collect();
        if opening != [PAT_PID, self.pmt_pid] {
            let what = format!("the first PIDs are {opening:04x?} and not those of PAT and PMT");
            findings.add(Rule::Start, 0, what);
        }
        let media = packets
            .iter()
            .enumerate()
            .find(|(_, packet)| self.carries(packet.pid));
        if let Some((number, first)) = media
            && !(first.pid == self.video.pid && first.starts_unit && first.random_access)
        {
            let what = "the first packet of media does not begin a video random access point";
            findings.add(Rule::Start, number, what);
        }
        let (mut pat, mut pmt) = (false, false);
        for (number, packet) in packets.iter().enumerate() {
            match packet.pid {
                PAT_PID => pat = true,
                pid if pid == self.pmt_pid => pmt = true,
                pid if self.carries(pid) => {
                    let key = pid == self.video.pid && packet.starts_unit && packet.random_access;
                    if key && !(pat && pmt) {
                        let what = "no PAT and PMT directly before a random access point";
                        findings.add(Rule::PsiBeforeKey, number, what);
                    }
                    // A packet without payload (a clock, a bridge) does not come between.
                    (pat, pmt) = (pat && !packet.has_payload, pmt && !packet.has_payload);
                }
                SDT_PID | NULL_PID => {}
                other => findings.add(Rule::UnknownPid, number, format!("PID {other:#06x}")),
            }
        }
    }

    fn carries(&self, pid: u16) -> bool {
        pid == self.video.pid || self.audio.is_some_and(|audio| audio.pid == pid)
    }

    /// The longest intervals of PAT and PMT in milliseconds.
    pub(super) fn check_intervals(
        &self,
        clock: &Clock,
        packets: usize,
        findings: &mut Findings,
    ) -> (f64, f64) {
        let mut longest = |name: &str, places: &[usize]| {
            let mut longest_ms: f64 = 0.0;
            let ends = places
                .iter()
                .skip(1)
                .copied()
                .chain([packets.saturating_sub(1)]);
            for (&from, to) in places.iter().zip(ends) {
                let interval_ms = clock.elapsed_ms(from, to);
                longest_ms = longest_ms.max(interval_ms);
                if interval_ms > PSI_INTERVAL_MS {
                    let what = format!("{interval_ms:.1} ms without a {name}");
                    findings.add(Rule::PsiInterval, to, what);
                }
            }
            longest_ms
        };
        (longest("PAT", &self.pats), longest("PMT", &self.pmts))
    }
}

/// The content of the first good section of a PID and the packets in which good ones begin.
/// Later sections that differ are findings, and so is having none.
fn constant_section(
    packets: &[Packet<'_>],
    pid: u16,
    name: &str,
    findings: &mut Findings,
) -> Option<(Vec<u8>, Vec<usize>)> {
    let mut first: Option<Vec<u8>> = None;
    let mut places = Vec::new();
    for (place, section) in sections(packets, pid) {
        if let Err(what) = check_section(&section) {
            findings.add(Rule::PsiBroken, place, format!("{name}: {what}"));
            continue;
        }
        places.push(place);
        match &first {
            None => first = Some(section),
            Some(known) if *known != section => {
                let version = section.get(5).map_or(0, |byte| byte >> 1 & 0x1F);
                let what = format!("the {name} is another one, version {version}");
                findings.add(Rule::PsiChange, place, what);
                first = Some(section);
            }
            Some(_) => {}
        }
    }
    if first.is_none() {
        findings.add(Rule::Start, 0, format!("there is no {name} in the capture"));
    }
    first.map(|section| (section, places))
}

/// The sections of a PID, each with the packet in which it begins. A section that is cut short by
/// the next one comes out as it is; one at the end of the capture does not come out.
fn sections(packets: &[Packet<'_>], pid: u16) -> Vec<(usize, Vec<u8>)> {
    let mut sections: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    let numbered = packets.iter().enumerate();
    for (number, packet) in numbered.filter(|(_, p)| p.pid == pid && p.has_payload && !p.duplicate)
    {
        let mut fresh = packet.payload;
        if packet.starts_unit {
            let (pointer, rest) = packet.payload.split_first().unwrap_or((&0, &[]));
            let (tail, head) = rest
                .split_at_checked(usize::from(*pointer))
                .unwrap_or((rest, &[]));
            if let Some((_, bytes)) = &mut open {
                bytes.extend_from_slice(tail);
            }
            sections.extend(open.take());
            open = Some((number, Vec::new()));
            fresh = head;
        }
        if let Some((_, bytes)) = &mut open {
            bytes.extend_from_slice(fresh);
        }
        if let Some((place, bytes)) = open
            .take_if(|(_, bytes)| section_bytes(bytes).is_some_and(|length| bytes.len() >= length))
        {
            let length = section_bytes(&bytes).unwrap_or_default();
            sections.push((place, bytes.get(..length).unwrap_or_default().to_vec()));
        }
    }
    sections
}

fn section_bytes(bytes: &[u8]) -> Option<usize> {
    let &[_, high, low, ..] = bytes else {
        return None;
    };
    Some(3 + (usize::from(high & 0x0F) << 8 | usize::from(low)))
}

fn check_section(section: &[u8]) -> Result<(), String> {
    if section_bytes(section) != Some(section.len()) {
        return Err("the section is cut short".into());
    }
    if crc32(section) != 0 {
        return Err("the CRC-32 does not match".into());
    }
    Ok(())
}

/// CRC-32 of ISO/IEC 13818-1 annex A; 0 over a section with its own CRC at the end.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            if crc >> 31 == 1 {
                crc << 1 ^ 0x04C1_1DB7
            } else {
                crc << 1
            }
        })
    })
}

/// The PMT's PID of a PAT that has exactly one program.
fn read_pat(section: &[u8]) -> Result<u16, String> {
    let [0x00, _, _, _, _, _, _, _, rest @ .., _, _, _, _] = section else {
        return Err("the PAT is no PAT".into());
    };
    let programs: Vec<(u16, u16)> = rest
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&[a, b, c, d]| {
            (
                u16::from_be_bytes([a, b]),
                u16::from_be_bytes([c & 0x1F, d]),
            )
        })
        .filter(|&(number, _)| number != 0)
        .collect();
    match programs.as_slice() {
        &[(_, pid)] => Ok(pid),
        many => Err(format!("the PAT names {} programs", many.len())),
    }
}

/// The video and audio stream of a PMT.
fn read_pmt(section: &[u8], findings: &mut Findings) -> Result<(Stream, Option<Stream>), String> {
    let &[
        0x02,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        pcr_high,
        pcr_low,
        info_high,
        info_low,
        ref rest @ ..,
        _,
        _,
        _,
        _,
    ] = section
    else {
        return Err("the PMT is no PMT".into());
    };
    let pcr_pid = u16::from_be_bytes([pcr_high & 0x1F, pcr_low]);
    let info = usize::from(info_high & 0x0F) << 8 | usize::from(info_low);
    let mut rest = rest
        .get(info..)
        .ok_or("the PMT's descriptors are longer than the PMT")?;
    let (mut video, mut audio) = (None, None);
    while let &[
        stream_type,
        pid_high,
        pid_low,
        info_high,
        info_low,
        ref more @ ..,
    ] = rest
    {
        let info = usize::from(info_high & 0x0F) << 8 | usize::from(info_low);
        let split = more.split_at_checked(info);
        let (descriptors, next) = split.ok_or("a stream's descriptors are longer than the PMT")?;
        rest = next;
        let stream = Stream {
            pid: u16::from_be_bytes([pid_high & 0x1F, pid_low]),
            stream_type,
        };
        check_descriptors(stream_type, descriptors, findings);
        let slot = match stream_type {
            0x02 | 0x1B | 0x24 => &mut video,
            0x03 | 0x04 | 0x0F | 0x81 | 0x87 => &mut audio,
            other => return Err(format!("the PMT names a stream of type {other:#04x}")),
        };
        if slot.replace(stream).is_some() {
            return Err("the PMT names two streams of one kind".into());
        }
    }
    let video = video.ok_or("the PMT names no video")?;
    if pcr_pid != video.pid {
        let what =
            format!("the PMT says that the clock is on PID {pcr_pid:#06x}, not on the video");
        findings.add(Rule::PcrPlace, 0, what);
    }
    Ok((video, audio))
}

/// The registrations by which players know HEVC and ATSC audio, and the audio's language.
fn check_descriptors(stream_type: u8, descriptors: &[u8], findings: &mut Findings) {
    let (registration, language): (Option<&[u8]>, bool) = match stream_type {
        0x24 => (Some(b"HEVC"), false),
        0x81 => (Some(b"AC-3"), true),
        0x87 => (Some(b"EAC3"), true),
        _ => (None, false),
    };
    let has = |tag: u8, start: &[u8]| {
        let mut rest = descriptors;
        while let &[found, length, ref more @ ..] = rest {
            let (body, next) = more.split_at_checked(length.into()).unwrap_or((more, &[]));
            if found == tag && body.starts_with(start) {
                return true;
            }
            rest = next;
        }
        false
    };
    if let Some(name) = registration
        && !has(0x05, name)
    {
        let name = String::from_utf8_lossy(name);
        let what = format!("stream type {stream_type:#04x} lacks the registration {name}");
        findings.add(Rule::StreamType, 0, what);
    }
    if language && !has(0x0A, &[]) {
        let what = format!("stream type {stream_type:#04x} lacks its language (ISO 639)");
        findings.add(Rule::StreamType, 0, what);
    }
}
