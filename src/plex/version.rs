//! The version of a server, to be compared by number.

use std::fmt;

/// `1.43.2.10687-563d026ea`: four numbers, and a hash that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version([u32; 4]);

impl Version {
    /// From here on a part is given only to a session about which a decision was asked for.
    pub const DECIDES: Self = Self([1, 43, 0, 0]);

    /// The numbers at the beginning of a text; what is missing or no number is 0.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let plain = text
            .trim()
            .split(['-', ' ', '+'])
            .next()
            .unwrap_or_default();
        let mut numbers = [0; 4];
        for (number, digits) in numbers.iter_mut().zip(plain.split('.')) {
            let Ok(parsed) = digits.parse() else { break };
            *number = parsed;
        }
        Self(numbers)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_compared_by_number() {
        let new = Version::parse("1.43.2.10687-563d026ea");
        assert_eq!(new.to_string(), "1.43.2.10687");
        assert!(new > Version::parse("1.9.7.4460-a4d7dbe5c"));
        assert!(new > Version::DECIDES && Version::parse("1.42.9.1-x") < Version::DECIDES);
        assert_eq!(Version::parse("1.43"), Version::DECIDES);
    }

    #[test]
    fn what_is_no_version_is_older_than_any() {
        for text in ["", "next", "-1", "99999999999.1", "v1.2"] {
            assert_eq!(Version::parse(text), Version::default(), "{text}");
        }
    }
}
