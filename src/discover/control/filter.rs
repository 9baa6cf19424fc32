//! Which packets of a stream a client wants: ranges of PIDs, as `0x0000-0x0011 0x0100`. Pure.

use heapless::Vec;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The highest PID.
const MOST: u16 = 0x1FFF;

/// Most ranges in a filter.
const RANGES: usize = 32;

/// A filter of packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<RangeInclusive<u16>, RANGES>);

/// This is no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoFilter;

impl Filter {
    /// Whether it lets a packet pass.
    pub(super) fn lets(&self, packet: &[u8; 188]) -> bool {
        let [_, high, low, ..] = packet;
        let pid = u16::from_be_bytes([high & 0x1F, *low]);
        self.0.iter().any(|range| range.contains(&pid))
    }
}

impl Default for Filter {
    /// Everything passes.
    fn default() -> Self {
        let mut ranges = Vec::new();
        // There is room for one.
        let _ = ranges.push(0..=MOST);
        Self(ranges)
    }
}

impl FromStr for Filter {
    type Err = NoFilter;

    fn from_str(text: &str) -> Result<Self, NoFilter> {
        let mut ranges = Vec::new();
        for range in text.split_ascii_whitespace() {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let range = pid(first)?..=pid(last)?;
            if range.is_empty() {
                return Err(NoFilter);
            }
            ranges.push(range).map_err(|_| NoFilter)?;
        }
        if ranges.is_empty() {
            return Err(NoFilter);
        }
        Ok(Self(ranges))
    }
}

fn pid(text: &str) -> Result<u16, NoFilter> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits.ok_or(NoFilter)?;
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_hexdigit());
    let pid = plain
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten();
    pid.filter(|pid| *pid <= MOST).ok_or(NoFilter)
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}0x{:04x}-0x{:04x}", range.start(), range.end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, NoFilter};

    #[test]
    fn a_filter_is_ranges_of_pids() {
        let filter: Filter = "0x0000-0x0011 0x100 0x1FFF-0x1fff".parse().unwrap();
        assert_eq!(
            filter.to_string(),
            "0x0000-0x0011 0x0100-0x0100 0x1fff-0x1fff"
        );
        assert_eq!(Filter::default().to_string(), "0x0000-0x1fff");
        for text in [
            "",
            " ",
            "0x",
            "256",
            "0x2000",
            "0x0011-0x0010",
            "0x10-",
            "-0x10",
            "0x+1",
            &"0x1 ".repeat(33),
        ] {
            assert_eq!(text.parse::<Filter>(), Err(NoFilter), "{text}");
        }
    }
}
