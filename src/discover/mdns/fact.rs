//! Sets of what the box says of itself. Each fact is all records of one name and type, which are
//! said together.

/// How long it is good what depends on the host, and everything else, in seconds (RFC 6762 §10).
const HOST_TTL_S: u32 = 120;
const OTHER_TTL_S: u32 = 4_500;

/// All records of one name and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// The host's addresses of IPv4.
    V4,
    /// Its addresses of IPv6.
    V6,
    /// Which of both there are, and nothing else.
    HostHas,
    /// Where the page is.
    Place,
    /// What is to be known of it.
    Text,
    /// That there are these two, and nothing else.
    PageHas,
    /// That the box has a page: one of many.
    Page,
    /// That there are pages on the LAN. Others say so too.
    Kind,
}

/// Some facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts(u8);

impl Fact {
    pub(super) const ALL: [Self; 8] = [
        Self::V4,
        Self::V6,
        Self::HostHas,
        Self::Place,
        Self::Text,
        Self::PageHas,
        Self::Page,
        Self::Kind,
    ];

    /// Its place among all of them.
    pub(super) fn place(self) -> usize {
        self as usize
    }

    /// How long it is good, in seconds.
    pub(super) fn ttl_s(self) -> u32 {
        match self {
            Self::V4 | Self::V6 | Self::HostHas | Self::Place | Self::PageHas => HOST_TTL_S,
            Self::Text | Self::Page | Self::Kind => OTHER_TTL_S,
        }
    }

    fn bit(self) -> u8 {
        1 << self.place()
    }
}

impl Facts {
    pub(super) const NONE: Self = Self(0);

    /// What others may say too.
    pub(super) const SHARED: Self = Self(1 << Fact::Page as u8 | 1 << Fact::Kind as u8);

    pub(super) fn of<const N: usize>(facts: [Fact; N]) -> Self {
        facts.into_iter().collect()
    }

    pub(super) fn has(self, fact: Fact) -> bool {
        self.0 & fact.bit() != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(super) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(super) fn among(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Fact> {
        Fact::ALL.into_iter().filter(move |fact| self.has(*fact))
    }
}

impl FromIterator<Fact> for Facts {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        facts
            .into_iter()
            .fold(Self::NONE, |some, one| Self(some.0 | one.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact, Facts};

    #[test]
    fn each_fact_has_a_bit_of_its_own() {
        let all: Facts = Fact::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), 8);
        let some = Facts::of([Fact::V4, Fact::Kind]);
        assert_eq!(all.without(some).iter().count(), 6);
        assert_eq!(all.among(some), some);
        assert_eq!(Facts::NONE.with(some), some);
        assert!(some.without(some).is_empty());
    }
}
