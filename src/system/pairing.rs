//! What an update over the network has to prove: that who sends it knows the owner's pairing code.
//!
//! The code itself is kept nowhere. A key is derived from it with PBKDF2 (RFC 8018) over
//! HMAC-SHA-256, and kept with its salt in `pairing.json`, for the box alone.

use super::disk::{Disk, Owner, Written, read_bounded};
use crate::error::{Error, Result};
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::Path;

/// The file's name in the state folder.
pub const FILE: &str = "pairing.json";

/// Rounds of a key that is derived now.
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).unwrap();

/// Most rounds of a key that was kept: each costs time at every start.
const MOST_ROUNDS: u32 = 1_000_000;

const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// Largest file that is read.
const FILE_BYTES: usize = 4 << 10;

/// A key, with what it was derived by.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    salt: [u8; SALT_BYTES],
    rounds: NonZeroU32,
    key: [u8; KEY_BYTES],
}

/// The file, numbers of bytes in hexadecimal.
#[derive(Serialize, Deserialize)]
struct Kept {
    salt: String,
    rounds: u32,
    key: String,
}

impl Pairing {
    /// The key of a code, with a salt of the system's randomness.
    ///
    /// # Errors
    /// The system has none.
    pub fn derive(code: &str) -> Result<Self> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| Error::invalid("pairing", "the system gives no random numbers"))?;
        Ok(Self::with(code, salt, ROUNDS))
    }

    fn with(code: &str, salt: [u8; SALT_BYTES], rounds: NonZeroU32) -> Self {
        let mut key = [0; KEY_BYTES];
        pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, &salt, code.as_bytes(), &mut key);
        Self { salt, rounds, key }
    }

    /// Whether it is the key of this code.
    #[must_use]
    pub fn is_of(&self, code: &str) -> bool {
        let code = code.as_bytes();
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.rounds, &self.salt, code, &self.key).is_ok()
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// How often the derivation goes round.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds.get()
    }

    /// The key, for a proof and nothing else.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// What is kept in a state folder; `None` where nothing is.
    ///
    /// # Errors
    /// The file cannot be read or understood.
    pub fn read(state: &Path) -> Result<Option<Self>> {
        let path = state.join(FILE);
        let shown = path.display().to_string();
        let bytes = match read_bounded(&path, FILE_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| Error::io("read", shown.clone(), &error))?,
        };
        let odd = || Error::invalid(shown.clone(), "it is no pairing key");
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| odd())?;
        Self::of(&kept).ok_or_else(odd).map(Some)
    }

    fn of(kept: &Kept) -> Option<Self> {
        Some(Self {
            salt: bytes(&kept.salt)?,
            rounds: NonZeroU32::new(kept.rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS)?,
            key: bytes(&kept.key)?,
        })
    }

    /// Keeps it in a state folder, for its owner alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, disk: &Disk, state: &Path, owner: Option<Owner>) -> Result<Written> {
        let kept = Kept {
            salt: hex(&self.salt),
            rounds: self.rounds.get(),
            key: hex(&self.key),
        };
        let text = serde_json::to_vec(&kept)
            .map_err(|error| Error::invalid("pairing", error.to_string()))?;
        disk.replace(&state.join(FILE), &text, (0o600, owner))
    }
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing")
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// So many bytes, and no other number, from hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digits = std::str::from_utf8(pair).ok();
        let digits = digits.filter(|pair| pair.bytes().all(|one| one.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{FILE, Pairing, hex};
    use crate::system::disk::Disk;
    use std::fs;
    use std::num::NonZeroU32;

    #[test]
    fn a_key_is_the_one_that_others_derive() {
        // By `python3 -c "hashlib.pbkdf2_hmac('sha256', b'living room', bytes(range(16)), 1000)"`.
        let salt = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let pairing = Pairing::with("living room", salt, NonZeroU32::new(1000).unwrap());
        assert_eq!(
            hex(pairing.key()),
            "7c71a182f8bc39df0d44f1271dab2e6f37a26cdc5b4ae6cc4e41025d46ce5e34"
        );
        assert!(pairing.is_of("living room") && !pairing.is_of("living room "));
    }

    #[test]
    fn what_is_kept_is_read_again_and_what_is_odd_is_refused() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(Pairing::read(place.path()), Ok(None));
        let pairing = Pairing::derive("living room").unwrap();
        assert_ne!(pairing, Pairing::derive("living room").unwrap());
        pairing.write(&Disk::new(), place.path(), None).unwrap();
        let file = place.path().join(FILE);
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("\"rounds\":100000") && !text.contains("living"),
            "{text}"
        );
        assert_eq!(Pairing::read(place.path()), Ok(Some(pairing.clone())));
        let shown = format!("{pairing:?}");
        assert!(
            !shown.contains("key") && !shown.contains(&hex(pairing.key())),
            "{shown}"
        );
        for (from, to) in [
            ("\"rounds\":100000", "\"rounds\":0"),
            ("\"rounds\":100000", "\"rounds\":4000000000"),
            ("\"salt\":\"", "\"salt\":\"00"),
            ("\"key\":\"", "\"key\":\"+"),
            ("{", ""),
        ] {
            fs::write(&file, text.replacen(from, to, 1)).unwrap();
            assert!(Pairing::read(place.path()).is_err(), "{to}");
        }
    }
}
