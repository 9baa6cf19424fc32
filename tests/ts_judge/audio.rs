//! The sound: whole frames in every PES packet, and times that follow from counting samples.

use super::audio_frame::{self, AudioFrame};
use super::clock::{Clock, ms_of_90k};
use super::pes::Unit;
use super::video::least;
use super::{AudioFacts, Findings, Rule};

/// Where the count of samples began.
struct Chain {
    begin_90k: i64,
    samples: u64,
    rate: u32,
}

impl Chain {
    fn next_90k(&self) -> i64 {
        let ticks = self.samples * 90_000 / u64::from(self.rate.max(1));
        self.begin_90k + i64::try_from(ticks).unwrap_or(i64::MAX)
    }
}

/// Checks the units of the audio PID.
pub(super) fn check(
    units: &[Unit],
    stream_type: u8,
    clock: &Clock,
    findings: &mut Findings,
) -> AudioFacts {
    let mut facts = AudioFacts {
        stream_type,
        ..AudioFacts::default()
    };
    let mut chain: Option<Chain> = None;
    let mut known: Option<AudioFrame> = None;
    let mut headrooms = Vec::new();
    facts.pts_90k.0 = units.first().map_or(0, |unit| unit.pts_90k);
    for unit in units {
        let frames = frames_of(unit, stream_type, findings);
        for frame in &frames {
            check_config(unit, frame, known.replace(*frame), stream_type, findings);
        }
        let samples: u64 = frames.iter().map(|frame| frame.samples).sum();
        let rate = frames.first().map_or(48_000, |frame| frame.sample_rate);
        chain = Some(follow(chain, unit, rate, samples, findings));
        facts.frames += frames.len();
        facts.samples += samples;
        facts.sample_rate = rate;
        facts.frames_per_pes = facts.frames_per_pes.max(frames.len());
        if clock.covers(unit.last_packet) {
            let headroom_ms = ms_of_90k(unit.pts_90k - clock.at_90k(unit.last_packet));
            headrooms.push(headroom_ms);
            if headroom_ms < 0.0 {
                let what = format!("complete {:.2} ms after it should be heard", -headroom_ms);
                findings.add(Rule::AudioLate, unit.last_packet, what);
            }
        }
    }
    facts.headroom_ms = least(&headrooms);
    facts.pts_90k.1 = chain.map_or(0, |chain| chain.next_90k());
    facts
}

/// The frames of a unit; a unit that they do not fill from its first byte to its last is a finding.
fn frames_of(unit: &Unit, stream_type: u8, findings: &mut Findings) -> Vec<AudioFrame> {
    let mut rest = unit.data.as_slice();
    let mut frames = Vec::new();
    while !rest.is_empty() {
        match audio_frame::read(stream_type, rest) {
            Ok(frame) => {
                frames.push(frame);
                rest = rest.get(frame.bytes..).unwrap_or_default();
            }
            Err(_) if !unit.whole => break,
            Err(what) => {
                let at = unit.data.len() - rest.len();
                let what = format!("{what}, {at} bytes into a PES packet");
                findings.add(Rule::AudioFrame, unit.first_packet, what);
                break;
            }
        }
    }
    frames
}

fn check_config(
    unit: &Unit,
    frame: &AudioFrame,
    last: Option<AudioFrame>,
    stream_type: u8,
    findings: &mut Findings,
) {
    let at = unit.first_packet;
    if stream_type == 0x0F && frame.fixed_layout == 0 {
        findings.add(
            Rule::AudioConfig,
            at,
            "an AAC frame does not name its channels",
        );
    }
    let Some(last) = last else { return };
    if (last.sample_rate, last.fixed_layout) != (frame.sample_rate, frame.fixed_layout) {
        let what = format!(
            "{} Hz and channel configuration {} after {} Hz and {}",
            frame.sample_rate, frame.fixed_layout, last.sample_rate, last.fixed_layout
        );
        findings.add(Rule::AudioConfig, at, what);
    }
}

/// Holds a unit's time against the chain, which begins anew after a break so that one break is
/// one finding.
fn follow(
    chain: Option<Chain>,
    unit: &Unit,
    rate: u32,
    samples: u64,
    findings: &mut Findings,
) -> Chain {
    let fresh = Chain {
        begin_90k: unit.pts_90k,
        samples,
        rate,
    };
    let Some(chain) = chain.filter(|chain| chain.rate == rate && !unit.announced) else {
        return fresh;
    };
    let off = unit.pts_90k - chain.next_90k();
    if (-1..=1).contains(&off) {
        return Chain {
            samples: chain.samples + samples,
            ..chain
        };
    }
    let what = format!("the time is {off} ticks ({:.3} ms) off", ms_of_90k(off));
    findings.add(Rule::AudioChain, unit.first_packet, what);
    fresh
}
