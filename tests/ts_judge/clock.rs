//! The stream's own clock: PCR values, unwrapped, and the time of any packet between two of them
//! (ISO/IEC 13818-1 §2.4.2.2 and §2.4.3.5).

use super::packet::Packet;
use super::{Findings, PCR_INTERVAL_MS, Rule};

/// One turn of the clock in units of 1/27,000,000 s.
const TURN_27M: i64 = (1 << 33) * 300;
/// A step above this is a jump and not a missing clock.
const JUMP_MS: f64 = 5_000.0;

/// The clock of a capture.
#[derive(Debug, Default)]
pub(super) struct Clock {
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    packet: usize,
    time_27m: i64,
    /// The step to this mark is an announced jump.
    announced: bool,
    /// All announced jumps up to here.
    skipped_27m: i64,
}

impl Clock {
    /// Reads the clock from the PID that must carry it.
    pub(super) fn read(packets: &[Packet<'_>], pid: u16, findings: &mut Findings) -> Self {
        let mut clock = Self::default();
        let mut announced = false;
        for (number, packet) in packets.iter().enumerate() {
            let Some(pcr) = packet.pcr_27m else {
                announced |= packet.pid == pid && packet.discontinuity;
                continue;
            };
            if packet.pid != pid {
                let what = format!("a clock on PID {:#06x}", packet.pid);
                findings.add(Rule::PcrPlace, number, what);
                continue;
            }
            if packet.duplicate {
                continue;
            }
            announced |= packet.discontinuity;
            clock.push(
                number,
                i64::try_from(pcr).unwrap_or_default(),
                announced,
                findings,
            );
            announced = false;
        }
        if clock.marks.is_empty() {
            findings.add(Rule::PcrPlace, 0, "there is no clock on the video PID");
        }
        clock
    }

    fn push(&mut self, packet: usize, pcr: i64, announced: bool, findings: &mut Findings) {
        let Some(last) = self.marks.last() else {
            self.marks.push(Mark {
                packet,
                time_27m: pcr,
                announced,
                skipped_27m: 0,
            });
            return;
        };
        let step = signed_step(pcr, last.time_27m, TURN_27M);
        let step_ms = ms_of_27m(step);
        // A bridge to a later point may state the clock of the packet behind it.
        let stated_twice = step == 0 && last.announced;
        if step <= 0 && !stated_twice {
            let what = format!("the clock goes back by {:.1} ms", -step_ms);
            findings.add(Rule::PcrOrder, packet, what);
        } else if !announced && step_ms > JUMP_MS {
            findings.add(
                Rule::PcrOrder,
                packet,
                format!("the clock jumps by {step_ms:.1} ms"),
            );
        } else if !announced && step_ms > PCR_INTERVAL_MS {
            findings.add(
                Rule::PcrInterval,
                packet,
                format!("{step_ms:.2} ms without a clock"),
            );
        }
        let skipped_27m = last.skipped_27m + if announced { step } else { 0 };
        self.marks.push(Mark {
            packet,
            time_27m: last.time_27m + step,
            announced,
            skipped_27m,
        });
    }

    /// The time at a packet in ticks of 90 kHz; before the first clock and after the last one
    /// theirs. 0 without any clock.
    pub(super) fn at_90k(&self, packet: usize) -> i64 {
        self.at_27m(packet).div_euclid(300)
    }

    /// The time at a packet in milliseconds since the first clock.
    pub(super) fn at_ms(&self, packet: usize) -> f64 {
        ms_of_27m(self.at_27m(packet) - self.marks.first().map_or(0, |mark| mark.time_27m))
    }

    /// The media time that passes between two packets, announced jumps aside.
    pub(super) fn elapsed_ms(&self, from: usize, to: usize) -> f64 {
        let running = |packet| {
            let after = self.marks.partition_point(|mark| mark.packet <= packet);
            let before = after.checked_sub(1).and_then(|index| self.marks.get(index));
            self.at_27m(packet) - before.map_or(0, |mark| mark.skipped_27m)
        };
        ms_of_27m(running(to) - running(from))
    }

    fn at_27m(&self, packet: usize) -> i64 {
        let after = self.marks.partition_point(|mark| mark.packet <= packet);
        let before = after.checked_sub(1).and_then(|index| self.marks.get(index));
        match (before, self.marks.get(after)) {
            // Nobody knows the time inside an announced jump: it stands until the new clock.
            (Some(a), Some(b)) if !b.announced => {
                let part = int(packet - a.packet) * (b.time_27m - a.time_27m);
                a.time_27m + part / int(b.packet - a.packet)
            }
            (Some(mark), _) | (None, Some(mark)) => mark.time_27m,
            (None, None) => 0,
        }
    }

    /// A 33-bit time stamp, written in a packet, as a time on this clock.
    pub(super) fn unwrap_90k(&self, stamp: u64, packet: usize) -> i64 {
        let now = self.at_90k(packet);
        now + signed_step(i64::try_from(stamp).unwrap_or_default(), now, 1 << 33)
    }

    /// Whether the clock is known at this packet and not only guessed from before it.
    pub(super) fn covers(&self, packet: usize) -> bool {
        self.marks.last().is_some_and(|mark| packet <= mark.packet)
    }

    /// Media time from the first clock to the last.
    pub(super) fn span_ms(&self) -> f64 {
        self.marks
            .last()
            .map_or(0.0, |mark| self.at_ms(mark.packet))
    }

    /// The longest time between two clocks, announced jumps aside.
    pub(super) fn longest_interval_ms(&self) -> f64 {
        let pairs = self.marks.iter().zip(self.marks.iter().skip(1));
        let steps = pairs
            .filter(|(_, b)| !b.announced)
            .map(|(a, b)| b.time_27m - a.time_27m);
        ms_of_27m(steps.max().unwrap_or_default())
    }
}

/// The shortest way from `old` to `new` on a clock that wraps at `turn`.
fn signed_step(new: i64, old: i64, turn: i64) -> i64 {
    let forward = (new - old).rem_euclid(turn);
    if forward >= turn / 2 {
        forward - turn
    } else {
        forward
    }
}

fn ms_of_27m(ticks: i64) -> f64 {
    ticks as f64 / 27_000.0
}

/// Ticks of 90 kHz in milliseconds.
pub(super) fn ms_of_90k(ticks: i64) -> f64 {
    ticks as f64 / 90.0
}

/// A count as a signed number.
pub(super) fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
