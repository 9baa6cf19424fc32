//! What joins a wireless network: the file of wpa_supplicant (`wpa_supplicant.conf(5)`).
//!
//! Nothing that the owner wrote stands in it as it was written. A network's name is hexadecimal
//! digits, and of a password there is only the key that the standard makes of it (IEEE 802.11,
//! J.4.1), so no sign in either can break a line, and the password itself is kept nowhere.

use super::hex;
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA1};
use std::num::NonZeroU32;

/// The file, below the folder of configurations.
pub const FILE: &str = "wpa_supplicant/wpa_supplicant-wlan0.conf";

/// Rounds of a key.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4_096).unwrap();

/// Hexadecimal digits of a key.
const KEY_DIGITS: usize = 64;

/// The file for one network. A password of 64 hexadecimal digits is the key itself; without one the
/// network is open. Without a country the kernel keeps to what is allowed everywhere.
#[must_use]
pub fn configuration(name: &str, password: Option<&str>, country: Option<&str>) -> String {
    let mut text = String::from("# Written at every start from exstreamtv.txt on the card.\n");
    if let Some(country) = country {
        text.push_str(&format!("country={country}\n"));
    }
    let lock = match password {
        None => "key_mgmt=NONE".to_owned(),
        Some(password) => format!("psk={}", key(name, password)),
    };
    let name = hex::digits(name.as_bytes());
    // Networks that do not tell their names are asked for by name.
    text.push_str(&format!(
        "network={{\n\tssid={name}\n\tscan_ssid=1\n\t{lock}\n}}\n"
    ));
    text
}

/// The key of a network.
fn key(name: &str, password: &str) -> String {
    let is_key =
        password.len() == KEY_DIGITS && password.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_key {
        return password.to_ascii_lowercase();
    }
    let mut key = [0; KEY_DIGITS / 2];
    let (name, password) = (name.as_bytes(), password.as_bytes());
    pbkdf2::derive(PBKDF2_HMAC_SHA1, ROUNDS, name, password, &mut key);
    hex::digits(&key)
}

#[cfg(test)]
mod tests {
    use super::{configuration, key};

    #[test]
    fn keys_are_those_of_the_standard() {
        // IEEE 802.11, J.4.2, the first two of its test vectors.
        assert_eq!(
            key("IEEE", "password"),
            "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
        );
        assert_eq!(
            key("ThisIsASSID", "ThisIsAPassword"),
            "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"
        );
        let digits = "0DC0D6EB90555ED6419756B9A15EC3E3209B63DF707DD508D14581F8982721AF";
        assert_eq!(key("any", digits), digits.to_lowercase());
    }

    #[test]
    fn no_sign_of_the_owners_can_break_a_line() {
        let text = configuration("a\"\n}", Some("\"}\nnetwork={ #"), Some("DE"));
        assert_eq!(text.lines().count(), 7);
        assert!(text.contains("\tssid=61220a7d\n") && text.contains("country=DE\n"));
        assert!(!text.contains("key_mgmt"));
        let open = configuration("Guests", None, None);
        assert!(
            open.contains("key_mgmt=NONE") && !open.contains("country"),
            "{open}"
        );
    }
}
