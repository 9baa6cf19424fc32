//! Who the box is to its clients: made up once, kept in the store for ever. Plex, Jellyfin and
//! others lose everything they know of a tuner whose `DeviceID` changes.

use crate::error::{Error, Result};
use crate::model::{Device, DeviceId};
use crate::store::Store;
use std::fs::File;
use std::io::Read;

const ID: &str = "device.id";
const AUTH: &str = "device.auth";
const UDN: &str = "device.udn";

/// Letters and digits that a `DeviceAuth` is made of; two stand twice, so that a byte picks one by
/// its low bits.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AZ";

/// Length of a `DeviceAuth`.
const AUTH_LETTERS: usize = 24;

/// The device of this box. The first time, it is made of the system's randomness.
///
/// # Errors
/// Where the store or the randomness cannot be read, and where the kept id was damaged: a new one
/// would be another device.
pub(super) async fn device(store: &Store, friendly_name: &str) -> Result<Device> {
    let new_id = || Ok(DeviceId::from_random(u32::from_le_bytes(random()?)).to_string());
    let id = kept(store, ID, new_id).await?.parse()?;
    let auth = kept(store, AUTH, || Ok(letters(random()?))).await?;
    let udn = kept(store, UDN, || Ok(uuid(random()?))).await?;
    Ok(Device {
        id,
        udn,
        auth,
        friendly_name: friendly_name.to_owned(),
    })
}

/// What is kept under a name; made and kept where nothing is.
async fn kept(store: &Store, name: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Some(kept) = store.setting(name).await? {
        return Ok(kept);
    }
    let made = make()?;
    store.set_setting(name, &made).await?;
    Ok(made)
}

/// A random UUID (RFC 9562, version 4).
fn uuid(random: [u8; 16]) -> String {
    let version = u128::from_be_bytes(random) & !(0xF << 76) | (0x4 << 76);
    let variant = version & !(0x3 << 62) | (0x2 << 62);
    let digits = format!("{variant:032X}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups
        .map(|group| digits.get(group).unwrap_or_default())
        .join("-")
}

fn letters(random: [u8; AUTH_LETTERS]) -> String {
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 64)).copied();
    random.iter().filter_map(letter).map(char::from).collect()
}

/// Bytes of the system's randomness. A few that are read at most once in a box's life: it need not
/// leave the runtime.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Error::io("read", "/dev/urandom", &error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{AUTH_LETTERS, letters, random, uuid};

    #[test]
    fn a_unique_name_is_a_random_uuid() {
        assert_eq!(uuid([0xFF; 16]), "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn an_auth_is_24_letters_and_digits() {
        let auth = letters(random().unwrap());
        assert_eq!(auth.len(), AUTH_LETTERS);
        assert!(auth.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(auth, letters(random().unwrap()));
    }
}
