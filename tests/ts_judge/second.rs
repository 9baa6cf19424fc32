//! A second opinion by other authors: the TR 101 290 monitor of the crate `dvb-conformance`.

use std::time::Duration;

use dvb_conformance::{ConformanceMonitor, Priority};

use super::Findings;
use super::clock::Clock;
use super::packet::{self, PACKET_BYTES};

/// The findings of priority 1 and 2 in words, none for a good stream. Arrival times are those of
/// the stream's own clock, so the timers of the monitor mean media time.
pub(crate) fn second_opinion(bytes: &[u8]) -> Vec<String> {
    let mut ignored = Findings::default();
    let packets = packet::parse_all(bytes, &mut ignored);
    let clock_pid = packets.iter().find(|packet| packet.pcr_27m.is_some());
    let clock = Clock::read(
        &packets,
        clock_pid.map_or(0, |packet| packet.pid),
        &mut ignored,
    );
    let mut monitor = ConformanceMonitor::new();
    let mut findings = Vec::new();
    let mut now = Duration::ZERO;
    for (number, raw) in bytes.as_chunks::<PACKET_BYTES>().0.iter().enumerate() {
        // The monitor's clock may not run backwards, even where the stream's does.
        let stream_time = Duration::from_secs_f64(clock.at_ms(number).max(0.0) / 1000.0);
        now = now.max(stream_time);
        for event in monitor.feed(raw, now) {
            if matches!(event.priority, Priority::First | Priority::Second) {
                let pid = event
                    .pid
                    .map_or_else(String::new, |pid| format!(" PID {pid:?}"));
                findings.push(format!(
                    "packet {number}: {}{pid}: {}",
                    event.indicator.name(),
                    event.detail
                ));
            }
        }
    }
    findings
}
