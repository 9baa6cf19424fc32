//! How fast the media arrived: a burst first, then exactly real time.

use super::clock::Clock;
use super::packet::PACKET_BYTES;
use super::{Findings, Rule};

/// So far may the speed be from 1.
const TOLERANCE: f64 = 0.005;
/// The burst is over when the lead is within this of what it stays at.
const SETTLED_MS: f64 = 250.0;
/// Speed is not measured over less than this.
const SHORTEST_MS: f64 = 5_000.0;

/// All bytes before `end` had arrived at this moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Arrival {
    /// Bytes of the capture received so far.
    pub(crate) end: usize,
    /// Milliseconds since any fixed moment, such as the request.
    pub(crate) at_ms: f64,
}

/// How a capture arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Media time of the burst at the start.
    pub(crate) burst_s: f64,
    /// Wall time that the burst took.
    pub(crate) burst_took_s: f64,
    /// Media time received minus wall time passed, in the middle of what follows the burst.
    pub(crate) lead_s: f64,
    /// Least and most of that lead after the burst.
    pub(crate) lead_range_s: (f64, f64),
    /// Media time per wall time after the burst.
    pub(crate) speed: f64,
    /// Wall time over which the speed was measured.
    pub(crate) measured_s: f64,
}

/// Measures the pace; nothing if no arrivals are known.
pub(super) fn check(arrivals: &[Arrival], clock: &Clock, findings: &mut Findings) -> Option<Pace> {
    let begin_ms = arrivals.first()?.at_ms;
    let points: Vec<Point> = arrivals
        .iter()
        .filter(|arrival| arrival.end >= PACKET_BYTES)
        .map(|arrival| (arrival.at_ms - begin_ms, arrival.end / PACKET_BYTES - 1))
        .filter(|&(_, packet)| clock.covers(packet))
        .map(|(wall_ms, packet)| Point {
            wall_ms,
            media_ms: clock.at_ms(packet),
        })
        .collect();
    let second_half = points.get(points.len() / 2..)?;
    let lead_ms = median(second_half.iter().map(Point::lead_ms).collect())?;
    let settled = points
        .iter()
        .position(|point| point.lead_ms() >= lead_ms - SETTLED_MS)?;
    let burst = points.get(settled)?;
    let steady = points.get(settled..)?;
    let (mean_wall, mean_media) = (mean(steady, |p| p.wall_ms), mean(steady, |p| p.media_ms));
    let covariance = mean(steady, |p| {
        (p.wall_ms - mean_wall) * (p.media_ms - mean_media)
    });
    let variance = mean(steady, |p| (p.wall_ms - mean_wall).powi(2));
    let measured_ms = steady.last()?.wall_ms - burst.wall_ms;
    let speed = covariance / variance;
    if measured_ms < SHORTEST_MS {
        let what = format!("only {measured_ms:.0} ms after the burst: too short to tell the speed");
        findings.add(Rule::Speed, 0, what);
    } else if !(1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&speed) {
        findings.add(
            Rule::Speed,
            0,
            format!("media arrives at {speed:.4} of its own speed"),
        );
    }
    let leads = || steady.iter().map(Point::lead_ms);
    Some(Pace {
        burst_s: burst.media_ms / 1000.0,
        burst_took_s: burst.wall_ms / 1000.0,
        lead_s: lead_ms / 1000.0,
        lead_range_s: (
            leads().fold(f64::INFINITY, f64::min) / 1000.0,
            leads().fold(f64::NEG_INFINITY, f64::max) / 1000.0,
        ),
        speed,
        measured_s: measured_ms / 1000.0,
    })
}

#[derive(Debug, Clone, Copy)]
struct Point {
    wall_ms: f64,
    media_ms: f64,
}

impl Point {
    fn lead_ms(&self) -> f64 {
        self.media_ms - self.wall_ms
    }
}

fn mean(points: &[Point], of: impl Fn(&Point) -> f64) -> f64 {
    points.iter().map(of).sum::<f64>() / points.len() as f64
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}
