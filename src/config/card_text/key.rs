//! The keys, and which one was meant by a name that is none.

/// What can be wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Name,
    WifiName,
    WifiPassword,
    WifiCountry,
    PlexAddress,
    PlexToken,
    Timezone,
    Language,
    PairingCode,
    FactoryReset,
    Tuners,
}

const KEYS: [Key; 11] = [
    Key::Name,
    Key::WifiName,
    Key::WifiPassword,
    Key::WifiCountry,
    Key::PlexAddress,
    Key::PlexToken,
    Key::Timezone,
    Key::Language,
    Key::PairingCode,
    Key::FactoryReset,
    Key::Tuners,
];

/// What people write who know it by another name. It is told and not taken: a guess about a
/// password would be a poor one.
const OTHER_NAMES: [(&str, Key); 12] = [
    ("ssid", Key::WifiName),
    ("wifi", Key::WifiName),
    ("wlan", Key::WifiName),
    ("network", Key::WifiName),
    ("psk", Key::WifiPassword),
    ("password", Key::WifiPassword),
    ("passphrase", Key::WifiPassword),
    ("country", Key::WifiCountry),
    ("plex", Key::PlexAddress),
    ("token", Key::PlexToken),
    ("tz", Key::Timezone),
    ("reset", Key::FactoryReset),
];

/// Longest name that is compared.
const NAME_BYTES: usize = 40;

/// Letters in which a name may differ from the key that was meant.
const SLIPS: usize = 3;

impl Key {
    /// The key of this name, however its letters, spaces, dashes and low lines are written.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = bare(name)?;
        KEYS.into_iter()
            .find(|key| bare(key.name()).as_deref() == Some(&name))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::WifiName => "wifi_name",
            Self::WifiPassword => "wifi_password",
            Self::WifiCountry => "wifi_country",
            Self::PlexAddress => "plex_address",
            Self::PlexToken => "plex_token",
            Self::Timezone => "timezone",
            Self::Language => "language",
            Self::PairingCode => "pairing_code",
            Self::FactoryReset => "factory_reset",
            Self::Tuners => "tuners",
        }
    }

    /// Whether its value is the rest of the line, whatever stands in it: passwords have `#` in them.
    pub(super) fn is_free(self) -> bool {
        matches!(
            self,
            Self::Name | Self::WifiName | Self::WifiPassword | Self::PlexToken | Self::PairingCode
        )
    }

    /// What its value is, behind "is".
    pub(super) fn would_do(self) -> &'static str {
        match self {
            Self::Name => "a short name, like Living room",
            Self::WifiName => "the network's name, at most 32 letters",
            Self::WifiPassword => {
                "the network's password, 8 to 63 letters; accented letters count double"
            }
            Self::WifiCountry => {
                "the two letters of the country, like DE, US or GB (which is the United Kingdom)"
            }
            Self::PlexAddress => {
                "the address of the Plex server in your home, like http://192.168.1.5:32400"
            }
            Self::PlexToken => "the server's token, letters and digits without a space",
            Self::Timezone => "a city as the time zone database has it, like Europe/Berlin",
            Self::Language => "the code of a language, like eng, de or fra",
            Self::PairingCode => "a code of your own, 8 to 128 letters",
            Self::FactoryReset => "yes or no",
            Self::Tuners => "a number from 1 to 480, like 4",
        }
    }
}

/// What to say to a name that is no key. The name itself may be half a password.
pub(super) fn unknown(name: &str) -> String {
    let meant = bare(name).and_then(|name| nearest(&name));
    if let Some(key) = meant {
        return format!("there is no such key; {} may be meant.", key.name());
    }
    let names = KEYS.map(Key::name).join(", ");
    format!("there is no such key; the keys are {names}.")
}

/// The key whose name is nearest.
fn nearest(name: &str) -> Option<Key> {
    if let Some((_, key)) = OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        return Some(*key);
    }
    let near = KEYS.into_iter().filter_map(|key| {
        let other = bare(key.name())?;
        let slips = slips(name, &other);
        (slips <= SLIPS.min(other.len().div_ceil(3))).then_some((slips, key))
    });
    near.min().map(|(_, key)| key)
}

/// A name in small letters and digits alone; `None` where it is too long to be one.
fn bare(name: &str) -> Option<String> {
    if name.len() > NAME_BYTES {
        return None;
    }
    let letters = name.chars().filter(|one| one.is_alphanumeric());
    Some(letters.flat_map(char::to_lowercase).collect())
}

/// Letters to put in, leave out or change between two names (Levenshtein's distance).
fn slips(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, one) in a.chars().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        let mut next = vec![left];
        for (other, &above) in b.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(one != *other))
                .min(above + 1)
                .min(left + 1);
            next.push(left);
            corner = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Key, nearest, slips};

    #[test]
    fn slips_are_counted_as_everybody_counts_them() {
        for (a, b, count) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("wifiname", "wifinam", 1),
            ("tuner", "tuners", 1),
        ] {
            assert_eq!(slips(a, b), count, "{a} {b}");
        }
    }

    #[test]
    fn what_was_meant_is_found() {
        assert_eq!(nearest("wifipasword"), Some(Key::WifiPassword));
        assert_eq!(nearest("plexadress"), Some(Key::PlexAddress));
        assert_eq!(nearest("ssid"), Some(Key::WifiName));
        assert_eq!(nearest("tuner"), Some(Key::Tuners));
        assert_eq!(nearest("somethingelse"), None);
    }
}
