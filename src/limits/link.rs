//! How much the network carries.

use super::LINK_PERCENT;

/// The link that all streams leave by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// `None` where nobody knows, as with Wi-Fi.
    bits_per_second: Option<u64>,
}

impl Link {
    /// A link whose rate nobody knows; it admits everyone.
    pub const UNKNOWN: Self = Self {
        bits_per_second: None,
    };

    /// A link of so many million bits per second.
    #[must_use]
    pub const fn of_mbps(mbps: u32) -> Self {
        // Widening, which `From` cannot do in a constant.
        let mbps = mbps as u64;
        Self {
            bits_per_second: Some(mbps.saturating_mul(1_000_000)),
        }
    }

    /// Whether a stream of `more` bits per second may join streams that need `sum` together.
    ///
    /// The first one always may: where it is too much, it harms nobody else, and its peaks may be
    /// rare.
    #[must_use]
    pub const fn admits(self, sum: u64, more: u64) -> bool {
        match self.usable_bits_per_second() {
            Some(usable) => sum == 0 || sum.saturating_add(more) <= usable,
            None => true,
        }
    }

    /// What streams may take of it together; `None` where nobody knows.
    #[must_use]
    pub const fn usable_bits_per_second(self) -> Option<u64> {
        match self.bits_per_second {
            Some(rate) => Some(rate.saturating_mul(LINK_PERCENT) / 100),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Link;

    #[test]
    fn streams_take_at_most_85_percent_of_a_link() {
        let link = Link::of_mbps(100);
        assert!(link.admits(77_000_000, 8_000_000));
        assert!(!link.admits(77_000_000, 8_000_001));
        assert!(!link.admits(u64::MAX, 1));
        assert!(!Link::of_mbps(u32::MAX).admits(u64::MAX, u64::MAX));
    }

    #[test]
    fn a_lone_stream_is_admitted_whatever_it_needs() {
        assert!(Link::of_mbps(10).admits(0, 40_000_000));
        assert!(!Link::of_mbps(10).admits(1, 40_000_000));
    }

    #[test]
    fn an_unknown_link_admits_everyone() {
        assert!(Link::UNKNOWN.admits(u64::MAX, u64::MAX));
        assert_eq!(Link::default(), Link::UNKNOWN);
    }
}
