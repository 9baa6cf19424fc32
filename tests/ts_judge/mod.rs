//! A judge of MPEG transport streams: it reads a capture and says in sentences what is wrong.
//!
//! It owns its own parser and shares no code with the multiplexer in `src`, so that the two can
//! only agree about the standards: ISO/IEC 13818-1 (packets, PSI, PES, PCR), ISO/IEC 14496-10
//! annex B, ISO/IEC 23008-2, ISO/IEC 13818-2, ISO/IEC 14496-3 (ADTS), ATSC A/52 (AC-3 and E-AC-3),
//! and about what the clients of a channel were seen to need. It refuses to decode pictures or
//! sound: a decoder counts those.
//!
//! # Use
//! In any `tests/*.rs`:
//! ```ignore
//! mod ts_judge;
//! let verdict = ts_judge::judge(&bytes);           // a capture that holds whole packets
//! verdict.assert_clean();                          // or look at `problems` and `facts`
//! assert!(verdict.found(ts_judge::Rule::Continuity));
//!
//! let verdict = ts_judge::judge_live(&bytes, &arrivals);   // checks the speed as well
//! assert!(verdict.facts.pace.unwrap().burst_s > 5.0);
//!
//! assert_eq!(ts_judge::second_opinion(&bytes), Vec::<String>::new()); // TR 101 290, P1 and P2
//! ```
//! A capture from a socket may end in the middle of a packet: pass `whole_packets(&bytes)`.
//! `discontinuity_indicator` excuses a jump of counters and clocks, as the standard wants it; a
//! stream in which nobody was skipped must therefore also have `facts.discontinuities == 0`.

#![allow(dead_code, reason = "each test binary asks only some of the questions")]
#![allow(unused_imports, reason = "the same")]

mod audio;
mod audio_frame;
mod clock;
mod continuity;
mod pace;
mod packet;
mod pes;
mod picture;
mod psi;
mod second;
mod video;

use std::collections::BTreeMap;
use std::fmt;

pub(crate) use pace::{Arrival, Pace};
pub(crate) use packet::PACKET_BYTES;
pub(crate) use second::second_opinion;

/// PAT and PMT come at least this often, by the stream's own clock.
const PSI_INTERVAL_MS: f64 = 110.0;
/// The clock is written at least this often.
const PCR_INTERVAL_MS: f64 = 40.0;
/// Two pictures are not further apart than this, unless an interruption is announced.
const PICTURE_STEP_MS: f64 = 250.0;
/// So many problems of one kind are told in full; the rest is counted.
const TOLD_PER_RULE: usize = 8;

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// 188 bytes, each beginning with 0x47, well-formed header, no error or scrambling bits.
    Packet,
    /// The capture opens with PAT, PMT and a random access point.
    Start,
    /// Continuity counters (ISO/IEC 13818-1 §2.4.3.3).
    Continuity,
    /// A PAT or PMT section that is broken or whose CRC-32 does not match.
    PsiBroken,
    /// PAT or PMT came too late.
    PsiInterval,
    /// A random access point without PAT and PMT directly before it.
    PsiBeforeKey,
    /// PAT or PMT is not what it was.
    PsiChange,
    /// Stream types and descriptors: one video, at most one audio, as television has them.
    StreamType,
    /// A packet of a PID that no table names.
    UnknownPid,
    /// The clock is not where it belongs, or is missing.
    PcrPlace,
    /// Too long without a clock.
    PcrInterval,
    /// The clock runs backwards or jumps.
    PcrOrder,
    /// A PES packet that is broken or has no time.
    Pes,
    /// Decoding times of video that do not grow.
    DtsOrder,
    /// A picture that would be shown before it is decoded.
    PtsBeforeDts,
    /// A hole in the pictures.
    PictureGap,
    /// Not exactly one access unit delimiter, first in the access unit.
    Delimiter,
    /// Not exactly one access unit in a PES packet.
    AccessUnit,
    /// A random access point that is not marked or lacks its parameter sets, or a false mark.
    RandomAccess,
    /// A picture that is not complete when it has to be decoded.
    VideoLate,
    /// Audio frames that do not fill their PES packets exactly, or are broken.
    AudioFrame,
    /// Sample rate, AAC object type or AAC channels that are missing or change.
    AudioConfig,
    /// An audio time that does not follow from the samples before it.
    AudioChain,
    /// Audio that is not complete when it has to be heard.
    AudioLate,
    /// Media that does not arrive at the speed at which it plays.
    Speed,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What it is about.
    pub(crate) rule: Rule,
    /// The packet at which it was noticed, counted from 0.
    pub(crate) packet: usize,
    /// What was seen, in words.
    pub(crate) what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packet {}: {:?}: {}", self.packet, self.rule, self.what)
    }
}

/// What the capture is, whether or not anything is wrong with it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Facts {
    /// Packets in the capture.
    pub(crate) packets: usize,
    /// Null packets as a part of all packets, 0 to 1.
    pub(crate) null_share: f64,
    /// Packets sent twice as the standard allows.
    pub(crate) duplicates: usize,
    /// Packets with `discontinuity_indicator`.
    pub(crate) discontinuities: usize,
    /// Media time from the first clock to the last.
    pub(crate) seconds: f64,
    /// Longest time from one PAT to the next.
    pub(crate) pat_interval_ms: f64,
    /// Longest time from one PMT to the next.
    pub(crate) pmt_interval_ms: f64,
    /// Longest time from one clock to the next.
    pub(crate) pcr_interval_ms: f64,
    /// The pictures.
    pub(crate) video: VideoFacts,
    /// The sound, if the PMT names any.
    pub(crate) audio: Option<AudioFacts>,
    /// How it arrived, where that was measured.
    pub(crate) pace: Option<Pace>,
}

/// What the pictures are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct VideoFacts {
    /// `stream_type` of the PMT.
    pub(crate) stream_type: u8,
    /// Access units.
    pub(crate) access_units: usize,
    /// Random access points among them.
    pub(crate) random_access_points: usize,
    /// Longest time from one decoding time to the next.
    pub(crate) step_ms: f64,
    /// Least time between an access unit's last byte and its decoding.
    pub(crate) headroom_ms: f64,
    /// Least and most time from the clock at the first byte to the decoding time.
    pub(crate) dts_minus_pcr_ms: (f64, f64),
    /// First and last presentation time, in ticks of 90 kHz, unwrapped.
    pub(crate) pts_90k: (i64, i64),
}

/// What the sound is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct AudioFacts {
    /// `stream_type` of the PMT.
    pub(crate) stream_type: u8,
    /// Audio frames.
    pub(crate) frames: usize,
    /// Samples per channel in them.
    pub(crate) samples: u64,
    /// Samples per second.
    pub(crate) sample_rate: u32,
    /// The most frames that one PES packet holds.
    pub(crate) frames_per_pes: usize,
    /// Least time between a PES packet's last byte and its presentation.
    pub(crate) headroom_ms: f64,
    /// First presentation time and the end of the last frame, in ticks of 90 kHz, unwrapped.
    pub(crate) pts_90k: (i64, i64),
}

/// The judge's answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// What is wrong, in the order of the stream; empty for a good stream.
    pub(crate) problems: Vec<Problem>,
    /// What the capture is.
    pub(crate) facts: Facts,
}

impl Verdict {
    /// Whether there is a problem of this kind.
    pub(crate) fn found(&self, rule: Rule) -> bool {
        self.problems.iter().any(|problem| problem.rule == rule)
    }

    /// The kinds of problems, each once.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self.problems.iter().map(|problem| problem.rule).collect();
        rules.sort();
        rules.dedup();
        rules
    }

    /// Panics with every problem in words unless there is none.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert!(self.problems.is_empty(), "the judge found:\n{self}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
        }
        write!(f, "  {:?}", self.facts)
    }
}

/// The bytes without a packet that was cut off at the end.
pub(crate) fn whole_packets(bytes: &[u8]) -> &[u8] {
    let whole = bytes.len() - bytes.len() % PACKET_BYTES;
    bytes.get(..whole).unwrap_or_default()
}

/// Judges a capture.
pub(crate) fn judge(bytes: &[u8]) -> Verdict {
    judge_live(bytes, &[])
}

/// Judges a capture whose bytes are known to have arrived at certain moments.
pub(crate) fn judge_live(bytes: &[u8], arrivals: &[Arrival]) -> Verdict {
    let mut findings = Findings::default();
    let mut facts = Facts::default();
    let mut packets = packet::parse_all(bytes, &mut findings);
    continuity::check(&mut packets, &mut findings);
    facts.packets = packets.len();
    facts.null_share = packet::null_share(&packets);
    facts.duplicates = packets.iter().filter(|packet| packet.duplicate).count();
    facts.discontinuities = packets.iter().filter(|packet| packet.discontinuity).count();

    if let Some(tables) = psi::Tables::read(&packets, &mut findings) {
        let clock = clock::Clock::read(&packets, tables.video.pid, &mut findings);
        facts.seconds = clock.span_ms() / 1000.0;
        facts.pcr_interval_ms = clock.longest_interval_ms();
        tables.check_places(&packets, &mut findings);
        (facts.pat_interval_ms, facts.pmt_interval_ms) =
            tables.check_intervals(&clock, packets.len(), &mut findings);
        let units = pes::read(&packets, tables.video.pid, &clock, &mut findings);
        facts.video = video::check(&units, tables.video.stream_type, &clock, &mut findings);
        facts.audio = tables.audio.map(|stream| {
            let units = pes::read(&packets, stream.pid, &clock, &mut findings);
            audio::check(&units, stream.stream_type, &clock, &mut findings)
        });
        facts.pace = pace::check(arrivals, &clock, &mut findings);
    }
    Verdict {
        problems: findings.into_problems(),
        facts,
    }
}

/// A picture of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// The packet in which it begins.
    pub(crate) packet: usize,
    /// Whether it is marked as a random access point.
    pub(crate) random_access: bool,
    /// When it is shown.
    pub(crate) pts_90k: i64,
    /// Its last bytes, at most 64: what it is known by, whatever stands in front of it.
    pub(crate) tail: Vec<u8>,
}

/// The pictures of a capture in the order of the stream, without the last one, which may be cut.
pub(crate) fn pictures(bytes: &[u8]) -> Vec<Picture> {
    let mut findings = Findings::default();
    let mut packets = packet::parse_all(bytes, &mut findings);
    continuity::check(&mut packets, &mut findings);
    let Some(tables) = psi::Tables::read(&packets, &mut findings) else {
        return Vec::new();
    };
    let clock = clock::Clock::read(&packets, tables.video.pid, &mut findings);
    let mut units = pes::read(&packets, tables.video.pid, &clock, &mut findings);
    units.pop();
    let picture = |unit: pes::Unit| Picture {
        packet: unit.first_packet,
        random_access: unit.random_access,
        pts_90k: unit.pts_90k,
        tail: unit.data[unit.data.len().saturating_sub(64)..].to_vec(),
    };
    units.into_iter().map(picture).collect()
}

/// Where the checks write down what they find.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<Problem>,
    counts: BTreeMap<Rule, usize>,
}

impl Findings {
    fn add(&mut self, rule: Rule, packet: usize, what: impl Into<String>) {
        let count = self.counts.entry(rule).or_default();
        *count += 1;
        if *count <= TOLD_PER_RULE {
            self.problems.push(Problem {
                rule,
                packet,
                what: what.into(),
            });
        }
    }

    fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.packet);
        let last = self.problems.last().map_or(0, |problem| problem.packet);
        for (&rule, &count) in &self.counts {
            if let Some(more @ 1..) = count.checked_sub(TOLD_PER_RULE) {
                self.problems.push(Problem {
                    rule,
                    packet: last,
                    what: format!("and {more} more"),
                });
            }
        }
        self.problems
    }
}
