//! Who the box is to Plex: the headers of every request (reference: `X-Plex-*`).

use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

/// Who asks. Plex lists it under the owner's authorized devices by these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// One for the life of an installation: a token belongs to it.
    pub client_id: String,
    /// What the program is called.
    pub product: String,
    /// Its version.
    pub version: String,
    /// What the device is.
    pub device: String,
    /// What its owner calls it.
    pub device_name: String,
}

impl Identity {
    /// This program on a device that its owner calls `device_name`.
    #[must_use]
    pub fn new(client_id: &str, device_name: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            product: "EXStreamTV".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: "Tuner".to_owned(),
            device_name: device_name.to_owned(),
        }
    }

    /// The headers that say so; none of them is secret.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, &str); 7] {
        [
            ("X-Plex-Client-Identifier", &self.client_id),
            ("X-Plex-Product", &self.product),
            ("X-Plex-Version", &self.version),
            // A platform that a server does not know has no profile there, and cannot transcode.
            ("X-Plex-Platform", "Generic"),
            ("X-Plex-Device", &self.device),
            ("X-Plex-Device-Name", &self.device_name),
            ("X-Plex-Model", &self.product),
        ]
    }
}

/// A new random identifier (RFC 9562 version 4): of an installation, or of one playback.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn new_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    let name = "/dev/urandom";
    File::open(name)
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(|error| Error::io("read", name, &error))?;
    let mut id = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        let byte = match at {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => byte,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::new_id;

    #[test]
    fn ids_are_random_uuids() {
        let id = new_id().unwrap();
        assert_eq!(id.len(), 36);
        let (version, variant) = (&id[14..15], &id[19..20]);
        assert!(version == "4" && "89ab".contains(variant), "{id}");
        assert_ne!(id, new_id().unwrap());
    }
}
