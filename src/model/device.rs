//! What clients see: one HDHomeRun with an identity that it keeps for ever.
//!
//! Plex, Jellyfin and others key everything they know on the `DeviceID`. Its check digit is that
//! of libhdhomerun (`hdhomerun_discover_validate_device_id`).

use crate::error::Error;
use std::fmt;
use std::str::FromStr;

/// Replaces the first, third, fifth and seventh digit before all eight are XORed.
const CHECK: [u32; 16] = [
    0xA, 0x5, 0xF, 0x6, 0x7, 0xC, 0x1, 0xB, 0x9, 0x2, 0x8, 0xD, 0x4, 0x3, 0xE, 0x0,
];

/// First digits of our ids: a range of hardware that has the HTTP interface. Clients treat some
/// other ranges as old devices without one.
const PREFIX: u32 = 0x105;

/// A device's number: eight hexadecimal digits that check out, never blank and never the wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(u32);

/// The hardware that the box resembles. A model with `HDTC` in it would be asked to transcode.
pub const MODEL: &str = "HDHR5-4US";

/// The firmware of that hardware. Clients choose what a tuner can do by what follows the underscore.
pub const FIRMWARE: &str = "hdhomerun5_atsc";

/// The version of that firmware.
pub const FIRMWARE_VERSION: &str = "20250815";

/// The device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// Its unique name in UPnP: a UUID in capital letters (RFC 9562), without `uuid:`.
    pub udn: String,
    /// What clients hand to the maker's cloud, which knows nothing of us: 24 characters.
    pub auth: String,
    /// Its name, as shown.
    pub friendly_name: String,
}

impl DeviceId {
    /// A valid id made of random bits; 65,536 different ones.
    #[must_use]
    pub fn from_random(random: u32) -> Self {
        let open = (PREFIX << 20) | ((random & 0xFFFF) << 4);
        Self(open | remainder(open))
    }

    /// The id as a number, as it travels in discovery.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// XOR of all digits; 0 for a valid id. The last digit is taken as it is, so that putting the
/// remainder there makes any id valid.
fn remainder(id: u32) -> u32 {
    (0..8_u32).fold(0, |sum, place| {
        let digit = (id >> (28 - 4 * place)) & 0xF;
        let tabled = usize::try_from(digit)
            .ok()
            .filter(|_| place % 2 == 0)
            .and_then(|digit| CHECK.get(digit));
        sum ^ tabled.copied().unwrap_or(digit)
    })
}

impl TryFrom<u32> for DeviceId {
    type Error = Error;

    fn try_from(id: u32) -> Result<Self, Self::Error> {
        if id == 0 || id == u32::MAX || remainder(id) != 0 {
            let why = format!("{id:08X} is not a device id: its digits do not check out");
            return Err(Error::invalid("device id", why));
        }
        Ok(Self(id))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl FromStr for DeviceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits
            .then(|| u32::from_str_radix(text, 16).ok())
            .flatten()
            .ok_or_else(|| {
                let why = format!("'{}' is not eight hex digits", text.escape_debug());
                Error::invalid("device id", why)
            })?
            .try_into()
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for DeviceId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceId;
    use proptest::prelude::{any, proptest};

    #[test]
    fn ids_of_real_devices_check_out() {
        for id in [
            "1251129F", "124205A5", "10439EFD", "13142937", "104705FA", "10914695", "1251E8E2",
            "1038A145", "131318A5", "103063BC",
        ] {
            assert_eq!(id.parse::<DeviceId>().unwrap().to_string(), id);
        }
    }

    #[test]
    fn wrong_digits_and_wildcards_are_refused() {
        for id in [
            "12345678",
            "10243FEA",
            "12511290",
            "00000000",
            "FFFFFFFF",
            "",
            "1251129",
            "1251129FF",
            "+251129F",
            "1251129é",
        ] {
            assert!(id.parse::<DeviceId>().is_err(), "{id}");
        }
    }

    #[test]
    fn the_last_digit_repairs_an_id() {
        for id in ["12345674", "10243FE9"] {
            assert!(id.parse::<DeviceId>().is_ok(), "{id}");
        }
    }

    proptest! {
        #[test]
        fn every_random_id_is_valid_and_modern(random in any::<u32>()) {
            let id = DeviceId::from_random(random);
            assert_eq!(DeviceId::try_from(id.get()), Ok(id));
            assert!(id.to_string().starts_with("105"), "{id}");
        }
    }
}
