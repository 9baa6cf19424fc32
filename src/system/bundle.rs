//! A bundle: the signed file that an update comes in. `docs/updates.md` has its format.
//!
//! Sans-IO: [`Unpacking`] says how many bytes it wants, is pushed those, and gives the manifest once
//! its signature has been checked and then chunks once their hashes have. What it gives may be
//! written; nothing else ever leaves it. Nothing is allocated for a length before that has been
//! compared with its limit.

use crate::error::{self, Error};
use crate::limits::{
    BUNDLE_CHUNK_BYTES, BUNDLE_KEY_BYTES, BUNDLE_KEYS, BUNDLE_MANIFEST_BYTES,
    BUNDLE_SIGNATURE_BYTES, SLOT_BYTES, VERSION_BYTES,
};
use minisign_verify::{PublicKey, Signature};
use ring::digest;
use serde::Deserialize;
use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a bundle begins with.
const MAGIC: [u8; 8] = *b"EXSTVB1\n";

/// The magic and two lengths.
const FRONT_BYTES: usize = 16;

/// The format of the manifest.
const FORMAT: u32 = 1;

/// What this box takes.
const COMPATIBLE: &str = "exstreamtv-arm64";

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The version that it carries.
    pub version: String,
    compatible: String,
    store_schema: u32,
    /// Length of what it carries.
    pub bytes: u64,
    chunk_bytes: u64,
    sha256: Vec<Hash>,
}

/// A SHA-256 in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Hash([u8; digest::SHA256_OUTPUT_LEN]);

/// Whose bundles are taken, and which.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The keys of which one has signed.
    pub keys: Keys,
    /// The schema of the store on this card: what a bundle brings must know it.
    pub store_schema: u32,
}

/// The public keys that this box believes.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<PublicKey>);

/// Why a bundle is not taken, and what it calls itself, if anything of it can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A sentence.
    pub why: String,
    /// The version that a signed manifest names.
    pub version: Option<String>,
}

/// What has been checked.
#[derive(Debug)]
pub enum Checked<'a> {
    /// The manifest: its signature is right, and this box takes it.
    Manifest(&'a Manifest),
    /// Bytes of the payload.
    Chunk {
        /// Where they belong, in bytes.
        offset: u64,
        /// At most `BUNDLE_CHUNK_BYTES`.
        bytes: Vec<u8>,
        /// Whether these are the last ones.
        is_last: bool,
    },
}

/// Takes a bundle apart.
#[derive(Debug)]
pub struct Unpacking {
    rules: Rules,
    stage: Stage,
    held: Vec<u8>,
    wanted: usize,
}

#[derive(Debug)]
enum Stage {
    Front,
    Manifest { manifest_bytes: usize },
    Payload { manifest: Manifest, number: usize },
    Done,
}

impl Unpacking {
    /// Nothing has been read yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            stage: Stage::Front,
            held: Vec::new(),
            wanted: FRONT_BYTES,
        }
    }

    /// The most bytes that the next push may have; 0 once the bundle is whole.
    #[must_use]
    pub const fn wants(&self) -> usize {
        self.wanted.saturating_sub(self.held.len())
    }

    /// Takes the next bytes, [`Unpacking::wants`] at most, and gives what they complete.
    ///
    /// # Errors
    /// The bundle is not taken; nothing more of it may be pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<Checked<'_>>, Refusal> {
        if bytes.len() > self.wants() {
            return Err(refused("Something follows the bundle."));
        }
        if self.held.is_empty() {
            self.held.reserve_exact(self.wanted);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() < self.wanted || self.wanted == 0 {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Front => {
                let (manifest_bytes, signature_bytes) = front(&whole)?;
                self.stage = Stage::Manifest { manifest_bytes };
                self.wanted = manifest_bytes.saturating_add(signature_bytes);
                Ok(None)
            }
            Stage::Manifest { manifest_bytes } => {
                let (manifest, signature) = whole.split_at(manifest_bytes.min(whole.len()));
                let manifest = self.rules.manifest(manifest, signature)?;
                self.wanted = manifest.chunk(0).map_or(0, |(bytes, _)| bytes);
                self.stage = Stage::Payload {
                    manifest,
                    number: 0,
                };
                let Stage::Payload { manifest, .. } = &self.stage else {
                    return Ok(None);
                };
                Ok(Some(Checked::Manifest(manifest)))
            }
            Stage::Payload { manifest, number } => self.chunk(manifest, number, whole).map(Some),
            Stage::Done => Ok(None),
        }
    }

    fn chunk(
        &mut self,
        manifest: Manifest,
        number: usize,
        bytes: Vec<u8>,
    ) -> Result<Checked<'_>, Refusal> {
        let found = digest::digest(&digest::SHA256, &bytes);
        let offset = manifest.chunk(number).map_or(0, |(_, offset)| offset);
        let expected = manifest.sha256.get(number).map(|hash| hash.0.as_slice());
        if expected != Some(found.as_ref()) {
            return Err(Refusal {
                why: format!(
                    "The bundle is damaged at byte {offset} of what it carries; fetch it again."
                ),
                version: Some(manifest.version),
            });
        }
        let number = number.saturating_add(1);
        let next = manifest.chunk(number);
        self.wanted = next.map_or(0, |(bytes, _)| bytes);
        if next.is_some() {
            self.stage = Stage::Payload { manifest, number };
        }
        Ok(Checked::Chunk {
            offset,
            bytes,
            is_last: next.is_none(),
        })
    }
}

/// The lengths of the manifest and of its signature.
fn front(bytes: &[u8]) -> Result<(usize, usize), Refusal> {
    let Some(lengths) = bytes.strip_prefix(&MAGIC) else {
        return Err(refused("This is no bundle of EXStreamTV."));
    };
    let length = |at: usize, most: usize| {
        let bytes = lengths.get(at..)?.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*bytes)).ok()?;
        (1..=most).contains(&length).then_some(length)
    };
    let manifest = length(0, BUNDLE_MANIFEST_BYTES);
    let signature = length(4, BUNDLE_SIGNATURE_BYTES);
    manifest
        .zip(signature)
        .ok_or_else(|| refused("The bundle is damaged in its first bytes; fetch it again."))
}

/// The version that the beginning of a file names, before anything of it can be believed: `None`
/// where it is no bundle.
#[must_use]
pub fn claimed_version(mut file: impl Read) -> Option<String> {
    let mut bytes = [0; FRONT_BYTES];
    file.read_exact(&mut bytes).ok()?;
    let (manifest_bytes, _) = front(&bytes).ok()?;
    let mut manifest = vec![0; manifest_bytes];
    file.read_exact(&mut manifest).ok()?;
    let manifest: Manifest = serde_json::from_slice(&manifest).ok()?;
    is_version(&manifest.version).then_some(manifest.version)
}

impl Rules {
    /// Checks and reads a manifest.
    fn manifest(&self, manifest: &[u8], signature: &[u8]) -> Result<Manifest, Refusal> {
        let signature = std::str::from_utf8(signature).ok();
        let signature = signature.and_then(|text| Signature::decode(text).ok());
        let signature = signature
            .ok_or_else(|| refused("The bundle has no signature of minisign that can be read."))?;
        if !self.keys.have_signed(manifest, &signature) {
            return Err(refused(
                "The bundle is not signed by a key that this box believes, or it was changed \
                 afterwards.",
            ));
        }
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| refused(&format!("The bundle's manifest cannot be read: {error}.")))?;
        match self.objection(&manifest) {
            None => Ok(manifest),
            Some(why) => Err(Refusal {
                why,
                version: is_version(&manifest.version).then_some(manifest.version),
            }),
        }
    }

    /// Why this box does not take a bundle with this manifest.
    fn objection(&self, manifest: &Manifest) -> Option<String> {
        let chunk_bytes = u64::try_from(BUNDLE_CHUNK_BYTES).ok();
        let (format, bytes) = (manifest.format, manifest.bytes);
        let (theirs, ours) = (manifest.store_schema, self.store_schema);
        if format != FORMAT {
            let words = "this version of EXStreamTV reads only format";
            Some(format!("The bundle has format {format}; {words} {FORMAT}."))
        } else if manifest.compatible != COMPATIBLE {
            Some(format!(
                "The bundle is for another kind of box than {COMPATIBLE}."
            ))
        } else if !is_version(&manifest.version) {
            Some("The bundle's version is no version.".to_owned())
        } else if theirs < ours {
            Some(format!(
                "Version {} is too old for what this box has stored: it knows the store up to \
                 schema {theirs}, and this one has schema {ours}.",
                manifest.version
            ))
        } else if bytes > SLOT_BYTES {
            let most = SLOT_BYTES;
            Some(format!(
                "The bundle carries {bytes} bytes; a slot holds {most}."
            ))
        } else if bytes == 0
            || Some(manifest.chunk_bytes) != chunk_bytes
            || manifest.chunk(manifest.sha256.len()).is_some()
            || manifest
                .chunk(manifest.sha256.len().wrapping_sub(1))
                .is_none()
        {
            Some("The bundle's manifest does not fit what it carries.".to_owned())
        } else {
            None
        }
    }
}

impl Manifest {
    /// Length and place of a chunk; `None` behind the last.
    fn chunk(&self, number: usize) -> Option<(usize, u64)> {
        let offset = u64::try_from(number).ok()?.checked_mul(self.chunk_bytes)?;
        let left = self.bytes.checked_sub(offset).filter(|left| *left > 0)?;
        Some((usize::try_from(left.min(self.chunk_bytes)).ok()?, offset))
    }
}

impl Keys {
    /// Reads the files `*.pub` of a folder.
    ///
    /// # Errors
    /// Where the folder or a file of it cannot be read, and where a file is no key.
    pub fn read(folder: &Path) -> error::Result<Self> {
        let shown = || folder.display().to_string();
        let failed = |error: &std::io::Error| Error::io("read the keys in", shown(), error);
        let mut keys = Vec::new();
        for entry in folder.read_dir().map_err(|error| failed(&error))? {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.extension().is_none_or(|ending| ending != "pub") {
                continue;
            }
            if keys.len() == BUNDLE_KEYS {
                let why = format!("there are more than {BUNDLE_KEYS}");
                return Err(Error::invalid(format!("keys in {}", shown()), why));
            }
            let mut text = String::new();
            let most = u64::try_from(BUNDLE_KEY_BYTES).unwrap_or(u64::MAX);
            File::open(&path)
                .and_then(|file| file.take(most).read_to_string(&mut text))
                .map_err(|error| Error::io("read", path.display().to_string(), &error))?;
            let no_key = |_| Error::invalid(path.display().to_string(), "it is no key of minisign");
            keys.push(PublicKey::decode(&text).map_err(no_key)?);
        }
        Ok(Self(keys))
    }

    /// A single key, in the two lines of minisign's file.
    ///
    /// # Errors
    /// Where it is none.
    pub fn one(text: &str) -> error::Result<Self> {
        let key = PublicKey::decode(text);
        let key = key.map_err(|error| Error::invalid("key", error.to_string()))?;
        Ok(Self(vec![key]))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them has signed this. Minisign's older way, without hashing first, is as good
    /// for something as short as a manifest.
    fn have_signed(&self, manifest: &[u8], signature: &Signature) -> bool {
        let mut keys = self.0.iter();
        keys.any(|key| key.verify(manifest, signature, true).is_ok())
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        super::hex::bytes(&digits)
            .map(Self)
            .ok_or("a hash has 64 hexadecimal digits")
    }
}

fn refused(why: &str) -> Refusal {
    Refusal {
        why: why.to_owned(),
        version: None,
    }
}

/// Whether a text can be a version: it begins with a digit, and is short and plain.
fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte);
    text.len() <= VERSION_BYTES
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(plain)
}

/// Which of two versions is newer, as Semantic Versioning 2.0.0 §11 has it for those that keep to
/// it: numbers one by one; what is before a release (`1.2.0-rc1`) is older than that; what stands
/// behind a plus does not count.
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    let parts = |version: &str| {
        let version = version.split('+').next().unwrap_or_default();
        let (release, before) = match version.split_once('-') {
            Some((release, before)) => (release, Some(before.to_owned())),
            None => (version, None),
        };
        let numbers: Vec<u64> = release
            .split('.')
            .map(|digits| digits.parse().unwrap_or(0))
            .collect();
        (numbers, before)
    };
    let ((numbers, before), (other_numbers, other_before)) = (parts(one), parts(other));
    numbers
        .cmp(&other_numbers)
        .then_with(|| match (before, other_before) {
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (before, other) => before.cmp(&other),
        })
}

#[cfg(test)]
mod tests {
    use super::compare_versions;
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (one, order, other) in [
            ("0.1.0", Less, "0.2.0"),
            ("0.10.0", Greater, "0.9.9"),
            ("1.0.0", Greater, "1.0.0-rc1"),
            ("1.0.0-rc1", Less, "1.0.0-rc2"),
            ("1.0.0+a", Equal, "1.0.0+b"),
            ("1.0", Less, "1.0.1"),
        ] {
            assert_eq!(compare_versions(one, other), order, "{one} {other}");
        }
    }
}
