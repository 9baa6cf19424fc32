//! What a tuner receives, in the words of the hardware. Pure.

use crate::schedule::Schedule;
use crate::tuner::dial::{self, Station};
use std::fmt;
use std::sync::Arc;

/// Bytes of media in a datagram.
const DATAGRAM_BYTES: u64 = 7 * 188;

/// What a tuner is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signal {
    /// How it was tuned: `none`, or `8vsb:57000000`.
    pub(super) channel: String,
    /// Whether there is anything.
    pub(super) found: bool,
    /// What is sent to a viewer.
    pub(super) bits_per_second: u64,
}

impl Signal {
    pub(super) fn none() -> Self {
        Self {
            channel: "none".to_owned(),
            found: false,
            bits_per_second: 0,
        }
    }

    fn lock(&self) -> &'static str {
        if self.found { "8vsb" } else { "none" }
    }

    fn percent(&self) -> u8 {
        if self.found { 100 } else { 0 }
    }

    fn datagrams_per_second(&self) -> u64 {
        self.bits_per_second / (8 * DATAGRAM_BYTES)
    }

    /// The four lines of `/tuner<n>/debug`.
    pub(super) fn debug(&self) -> String {
        let (channel, lock, percent) = (&self.channel, self.lock(), self.percent());
        let (bits, pps) = (self.bits_per_second, self.datagrams_per_second());
        format!(
            "tun: ch={channel} lock={lock} ss={percent} snq={percent} seq={percent} dbg=0\n\
             dev: bps={bits} resync=0 overflow=0\n\
             ts:  bps={bits} te=0 crc=0\n\
             net: bps={bits} pps={pps} err=0 stop=0\n"
        )
    }
}

/// The line of `/tuner<n>/status`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.percent();
        write!(
            f,
            "ch={} lock={} ss={percent} snq={percent} seq={percent} bps={} pps={}",
            self.channel,
            self.lock(),
            self.bits_per_second,
            self.datagrams_per_second()
        )
    }
}

/// How a tuner is tuned that is at a station.
pub(super) fn tuned_to(station: Station) -> String {
    format!("8vsb:{}", station.hertz)
}

/// What is at a frequency, a line for each program.
pub(super) fn stream_info<'a>(programs: impl Iterator<Item = (u16, &'a Arc<Schedule>)>) -> String {
    let mut lines = String::new();
    for (program, schedule) in programs {
        let channel = schedule.channel();
        lines.push_str(&format!("{program}: {} {}\n", channel.number, channel.name));
    }
    if lines.is_empty() {
        return "none".to_owned();
    }
    lines + "tsid=0x0001\n"
}

/// The frequency that a value of `/tuner<n>/channel` names: `auto:57000000`, `8vsb:2`, `57000000`.
pub(super) fn hertz(value: &str) -> Option<u32> {
    let number = match value.split_once(':') {
        Some((modulation, number)) if is_word(modulation) => number,
        Some(_) => return None,
        None => value,
    };
    let plain = number.bytes().all(|digit| digit.is_ascii_digit());
    let number: u32 = plain.then(|| number.parse().ok()).flatten()?;
    // Clients turn to places where nothing can be, and see nothing there.
    Some(dial::frequency(number).unwrap_or(0))
}

/// Whether a text is the name of a modulation, whichever.
fn is_word(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{Signal, hertz, stream_info};

    #[test]
    fn an_idle_tuner_says_what_the_hardware_says() {
        let idle = Signal::none();
        assert_eq!(
            idle.to_string(),
            "ch=none lock=none ss=0 snq=0 seq=0 bps=0 pps=0"
        );
        assert!(
            idle.debug()
                .starts_with("tun: ch=none lock=none ss=0 snq=0 seq=0 dbg=0\ndev: ")
        );
        assert_eq!(stream_info(std::iter::empty()), "none");
    }

    #[test]
    fn frequencies_are_named_in_several_ways() {
        for (value, frequency) in [
            ("auto:57000000", Some(57_000_000)),
            ("8vsb:2", Some(57_000_000)),
            ("57000000", Some(57_000_000)),
            ("auto:1", Some(0)),
            ("auto:", None),
            ("", None),
            ("a b:57000000", None),
            ("auto:-5", None),
            ("auto:99999999999", None),
        ] {
            assert_eq!(hertz(value), frequency, "{value}");
        }
    }
}
