//! The pairing: what lets a client that knows the owner's pairing code change the box over the
//! network, without the code or anything made of it being said there twice.
//!
//! The key is PBKDF2-HMAC-SHA256 of the code (RFC 8018 §5.2); a proof is HMAC-SHA256 with that key
//! over a nonce that this box has made, which can be used once within five minutes. Only the key is
//! kept, in a file for its owner alone; the code is stored nowhere.

use super::{hex, whole_file};
use crate::error::{self, Error};
use crate::limits;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hmac, pbkdf2};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The file's name in the state folder.
pub const FILE: &str = "pairing.json";

/// What a proof is over, in front of the nonce.
const PURPOSE: &str = "exstreamtv update ";

const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 32;

/// What a nonce begins with: when it was made, and chance. A tag over these follows.
const STAMP_BYTES: usize = 8;
const OPEN_BYTES: usize = 16;

/// A pairing code, as the box remembers it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    salt: [u8; SALT_BYTES],
    rounds: NonZeroU32,
    key: [u8; KEY_BYTES],
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    salt: String,
    rounds: NonZeroU32,
    key: String,
}

/// Makes nonces and knows which of them may still be used. Those that were made are not remembered,
/// so that nobody can make the box forget another's by asking for many: they carry a tag of the box.
#[derive(Debug)]
pub struct Nonces {
    tag: hmac::Key,
    begun: Instant,
    random: SystemRandom,
    used: Mutex<Vec<(String, Instant)>>,
}

/// Why a nonce is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// It is not of this box, too old, or was used.
    Gone,
    /// As many as may be remembered were used just now.
    Busy,
}

impl Pairing {
    /// Makes a key of a code, with a salt by chance.
    ///
    /// # Errors
    /// Where the code is too short or too long, and where the system has no chance to give.
    pub fn fresh(code: &str) -> error::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        fill(&SystemRandom::new(), &mut salt)?;
        let rounds = NonZeroU32::new(limits::PAIRING_ROUNDS).unwrap_or(NonZeroU32::MIN);
        Self::derive(code, salt, rounds)
    }

    /// Makes the key of a code.
    ///
    /// # Errors
    /// Where the code is too short or too long.
    pub fn derive(code: &str, salt: [u8; SALT_BYTES], rounds: NonZeroU32) -> error::Result<Self> {
        let bounds = limits::PAIRING_CODE;
        if !bounds.contains(&code.chars().count()) {
            let (least, most) = bounds.into_inner();
            let why = format!("it must have {least} to {most} characters");
            return Err(Error::invalid("pairing code", why));
        }
        let mut key = [0; KEY_BYTES];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            rounds,
            &salt,
            code.as_bytes(),
            &mut key,
        );
        Ok(Self { salt, rounds, key })
    }

    /// Whether this is the pairing of a code.
    #[must_use]
    pub fn is_of(&self, code: &str) -> bool {
        Self::derive(code, self.salt, self.rounds).is_ok_and(|other| other == *self)
    }

    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// Where it cannot be read, and where it holds no pairing.
    pub fn read(file: &Path) -> error::Result<Option<Self>> {
        let name = || file.display().to_string();
        let failed = |error: &std::io::Error| Error::io("read", name(), error);
        let opened = match File::open(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| failed(&error))?,
        };
        let mut text = Vec::new();
        let most = u64::try_from(limits::PAIRING_BYTES).unwrap_or(u64::MAX);
        opened
            .take(most)
            .read_to_end(&mut text)
            .map_err(|error| failed(&error))?;
        // Nothing of the content may stand in an error: it is a secret.
        let kept: Option<Kept> = serde_json::from_slice(&text).ok();
        kept.and_then(Self::of)
            .map(Some)
            .ok_or_else(|| Error::invalid(name(), "it is no pairing of this program"))
    }

    fn of(kept: Kept) -> Option<Self> {
        let rounds = kept.rounds;
        (rounds.get() <= limits::PAIRING_ROUNDS_MOST).then_some(())?;
        Some(Self {
            salt: hex::bytes(&kept.salt)?,
            rounds,
            key: hex::bytes(&kept.key)?,
        })
    }

    /// Writes the file, whole or not at all, for the owner of the folder that it is in alone.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, file: &Path) -> error::Result<()> {
        let kept = Kept {
            salt: hex::digits(&self.salt),
            rounds: self.rounds,
            key: hex::digits(&self.key),
        };
        let failed = |error: std::io::Error| Error::io("write", file.display().to_string(), &error);
        let text = serde_json::to_vec(&kept).map_err(|error| failed(error.into()))?;
        whole_file::write(file, &text, 0o600).map_err(failed)
    }

    /// The salt, in hexadecimal digits.
    #[must_use]
    pub fn salt(&self) -> String {
        hex::digits(&self.salt)
    }

    /// How often the derivation goes round.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.rounds.get()
    }

    /// Whether who says this knows the code. It takes as long whatever is wrong with the proof.
    #[must_use]
    pub fn proves(&self, nonce: &str, proof: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let said: Option<[u8; KEY_BYTES]> = hex::bytes(proof);
        let words = format!("{PURPOSE}{nonce}");
        said.is_some_and(|said| hmac::verify(&key, words.as_bytes(), &said).is_ok())
    }
}

impl fmt::Debug for Pairing {
    /// Shows nothing that may be used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing").finish_non_exhaustive()
    }
}

impl Nonces {
    /// None has been used.
    ///
    /// # Errors
    /// Where the system has no chance to give.
    pub fn new() -> error::Result<Self> {
        let random = SystemRandom::new();
        let mut secret = [0; KEY_BYTES];
        fill(&random, &mut secret)?;
        Ok(Self {
            tag: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            begun: Instant::now(),
            random,
            used: Mutex::new(Vec::new()),
        })
    }

    /// A nonce, in hexadecimal digits.
    ///
    /// # Errors
    /// Where the system has no chance to give.
    pub fn issue(&self, now: Instant) -> error::Result<String> {
        let mut open = [0; OPEN_BYTES];
        fill(&self.random, &mut open)?;
        let (stamp, _) = open.split_at_mut(STAMP_BYTES);
        stamp.copy_from_slice(&self.age_ms(now).to_be_bytes());
        let tag = hmac::sign(&self.tag, &open);
        let tag = tag.as_ref().get(..NONCE_BYTES - OPEN_BYTES);
        Ok(hex::digits(&[&open, tag.unwrap_or_default()].concat()))
    }

    /// Whether a nonce may be used now.
    #[must_use]
    pub fn is_fresh(&self, nonce: &str, now: Instant) -> bool {
        let Some(stamp_ms) = self.stamp_ms(nonce) else {
            return false;
        };
        let age_ms = self.age_ms(now).checked_sub(stamp_ms);
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        age_ms.is_some_and(|age_ms| age_ms < limits::NONCE_MS)
            && used.iter().all(|(one, _)| one != nonce)
    }

    /// Uses a nonce up.
    ///
    /// # Errors
    /// Where it may not be used.
    pub fn spend(&self, nonce: &str, now: Instant) -> Result<(), Stale> {
        if !self.is_fresh(nonce, now) {
            return Err(Stale::Gone);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been faster.
        if used.iter().any(|(one, _)| one == nonce) {
            return Err(Stale::Gone);
        }
        let life = Duration::from_millis(limits::NONCE_MS);
        used.retain(|(_, at)| now.saturating_duration_since(*at) < life);
        if used.len() >= limits::NONCES {
            return Err(Stale::Busy);
        }
        used.push((nonce.to_owned(), now));
        Ok(())
    }

    /// When a nonce of this box was made, on its own clock. Digits in upper case are no nonce: it
    /// has one spelling, so that it can be used once.
    fn stamp_ms(&self, nonce: &str) -> Option<u64> {
        let bytes: [u8; NONCE_BYTES] = hex::bytes(nonce)?;
        let (open, said) = bytes.split_at(OPEN_BYTES);
        let tag = hmac::sign(&self.tag, open);
        let ours = tag.as_ref().get(..NONCE_BYTES - OPEN_BYTES)?;
        let one_spelling = !nonce.bytes().any(|digit| digit.is_ascii_uppercase());
        let stamp = open.first_chunk().map(|stamp| u64::from_be_bytes(*stamp));
        // Both sides under another tag: how long a comparison takes tells nothing then.
        let blind = |bytes: &[u8]| hmac::sign(&self.tag, bytes);
        let same = blind(ours).as_ref() == blind(said).as_ref();
        stamp.filter(|_| same && one_spelling)
    }

    fn age_ms(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(self.begun);
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }
}

fn fill(random: &SystemRandom, bytes: &mut [u8]) -> error::Result<()> {
    let none = |_| Error::invalid("random numbers", "the system gives none");
    random.fill(bytes).map_err(none)
}

#[cfg(test)]
mod tests {
    use super::{Nonces, Pairing, Stale, hex};
    use crate::limits;
    use std::num::NonZeroU32;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    fn pairing() -> Pairing {
        let rounds = NonZeroU32::new(1_000).unwrap();
        Pairing::derive("correct horse", *b"saltsaltsaltsalt", rounds).unwrap()
    }

    #[test]
    fn the_key_is_the_one_that_python_derives() {
        // hashlib.pbkdf2_hmac("sha256", b"correct horse", b"saltsaltsaltsalt", 1000).hex()
        let key = "041b3ed7e3dab252ed04f50b52bf3f95089cbd5b878843cccf48bc3232c26f33";
        assert_eq!(hex::digits(&pairing().key), key);
        // hmac.new(bytes.fromhex(key), b"exstreamtv update 00ff", "sha256").hexdigest()
        let proof = "44d5b6378ce5352b602c3a95f8130c08b73fb5b60ff47dad38ed324e9c2ca5af";
        assert!(pairing().proves("00ff", proof));
        assert!(!pairing().proves("00fe", proof));
        assert!(!pairing().proves("00ff", &proof.replace('a', "b")));
        assert!(!pairing().proves("00ff", ""));
    }

    #[test]
    fn a_pairing_is_read_as_it_was_written_and_open_to_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(super::FILE);
        assert_eq!(Pairing::read(&file), Ok(None));
        pairing().write(&file).unwrap();
        pairing().write(&file).unwrap();
        assert_eq!(Pairing::read(&file), Ok(Some(pairing())));
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(pairing().is_of("correct horse") && !pairing().is_of("correct hors"));
        std::fs::write(&file, "{\"key\":\"00\"}").unwrap();
        assert!(Pairing::read(&file).is_err());
        assert!(!format!("{:?}", pairing()).contains(&hex::digits(&pairing().key)));
    }

    #[test]
    fn short_codes_are_refused() {
        assert!(Pairing::fresh("1234567").is_err());
        assert!(Pairing::fresh("12345678").is_ok());
    }

    #[test]
    fn a_nonce_can_be_used_once_within_its_time() {
        let nonces = Nonces::new().unwrap();
        let now = Instant::now();
        let one = nonces.issue(now).unwrap();
        assert_eq!(one.len(), 64);
        let late = now + Duration::from_millis(limits::NONCE_MS + 1);
        assert!(!nonces.is_fresh(&one, late));
        assert_eq!(nonces.spend(&one.to_uppercase(), now), Err(Stale::Gone));
        assert_eq!(nonces.spend(&one, now), Ok(()));
        assert_eq!(nonces.spend(&one, now), Err(Stale::Gone));
        let another = Nonces::new().unwrap().issue(now).unwrap();
        assert_eq!(nonces.spend(&another, now), Err(Stale::Gone));
        assert_eq!(nonces.spend(&"0".repeat(64), now), Err(Stale::Gone));
    }

    #[test]
    fn no_more_nonces_are_used_than_are_remembered() {
        let nonces = Nonces::new().unwrap();
        let now = Instant::now();
        for _ in 0..limits::NONCES {
            assert_eq!(nonces.spend(&nonces.issue(now).unwrap(), now), Ok(()));
        }
        let more = nonces.issue(now).unwrap();
        assert_eq!(nonces.spend(&more, now), Err(Stale::Busy));
        let later = now + Duration::from_millis(limits::NONCE_MS);
        let more = nonces.issue(later).unwrap();
        assert_eq!(nonces.spend(&more, later), Ok(()));
    }
}
