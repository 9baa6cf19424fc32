//! A or B: the two places of a card to boot from.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One of the two slots; written `a` and `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

/// Something that each slot has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Each<T> {
    /// That of the first.
    pub a: T,
    /// That of the second.
    pub b: T,
}

impl Slot {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// The one that is not this one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The slot that a kernel was booted from, as its command line says: `exstreamtv.slot=a`.
    #[must_use]
    pub fn of_command_line(words: &str) -> Option<Self> {
        let mut words = words.split_whitespace();
        let name = words.find_map(|word| word.strip_prefix("exstreamtv.slot="))?;
        name.parse().ok()
    }
}

impl FromStr for Slot {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "a" => Ok(Self::A),
            "b" => Ok(Self::B),
            _ => Err("a slot is a or b"),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

impl<T> Each<T> {
    /// That of one slot.
    pub const fn of(&self, slot: Slot) -> &T {
        match slot {
            Slot::A => &self.a,
            Slot::B => &self.b,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, slot: Slot) -> &mut T {
        match slot {
            Slot::A => &mut self.a,
            Slot::B => &mut self.b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slot;

    #[test]
    fn the_kernels_command_line_names_the_slot() {
        let told = |words: &str| Slot::of_command_line(words);
        assert_eq!(
            told("console=ttyS1 exstreamtv.slot=b panic=5\n"),
            Some(Slot::B)
        );
        assert_eq!(told("exstreamtv.slot=c"), None);
        assert_eq!(told("root=/dev/sda1"), None);
    }
}
