//! What U-Boot does at each boot, as `docs/updates.md` has it: written from that page alone.

use std::collections::BTreeMap;

pub(crate) type Sector = [u8; 512];

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// `env import -c`.
pub(crate) fn import(sector: &Sector) -> Option<BTreeMap<String, String>> {
    if crc32(&sector[4..]).to_le_bytes() != sector[..4] {
        return None;
    }
    let text = std::str::from_utf8(&sector[4..]).ok()?;
    let entries = text.split('\0').take_while(|entry| !entry.is_empty());
    let pairs = entries.map(|entry| entry.split_once('=').unwrap());
    Some(
        pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    )
}

/// `env export -c -s 200`, which sorts by name and leaves out what is empty.
pub(crate) fn export(entries: &BTreeMap<String, String>) -> Sector {
    let mut sector = [0; 512];
    let lines = entries.iter().filter(|(_, value)| !value.is_empty());
    let text: String = lines
        .map(|(name, value)| format!("{name}={value}\0"))
        .collect();
    sector[4..4 + text.len()].copy_from_slice(text.as_bytes());
    let crc = crc32(&sector[4..]).to_le_bytes();
    sector[..4].copy_from_slice(&crc);
    sector
}

fn number(entries: &BTreeMap<String, String>, name: &str) -> u64 {
    u64::from_str_radix(entries.get(name).map_or("0", String::as_str), 16).unwrap()
}

/// The record that counts, and where the next one is written.
pub(crate) fn chosen(sectors: &[Sector; 2]) -> (BTreeMap<String, String>, usize) {
    let read = sectors.each_ref().map(import);
    let first = read.iter().flatten().count() == 2
        && number(read[1].as_ref().unwrap(), "seq") > number(read[0].as_ref().unwrap(), "seq");
    match read {
        [Some(_), Some(second)] if first => (second, 0),
        [Some(first), _] => (first, 1),
        [None, Some(second)] => (second, 0),
        [None, None] => {
            let usual = [
                ("order", "a"),
                ("a_left", "3"),
                ("b_left", "3"),
                ("boots", "0"),
            ];
            let usual = usual.map(|(name, value)| (name.to_owned(), value.to_owned()));
            (usual.into(), 0)
        }
    }
}

/// One boot: the slot that gets to run, if one loads. `write` stores the record.
pub(crate) fn boot(
    sectors: &mut [Sector; 2],
    loads: impl Fn(&str) -> bool,
    write: impl FnOnce(&mut Sector, Sector),
) -> Option<&'static str> {
    let (mut entries, place) = chosen(sectors);
    let order = if entries["order"] == "b" { "b" } else { "a" };
    let other = if order == "a" { "b" } else { "a" };
    let left = |entries: &BTreeMap<_, _>, slot| number(entries, &format!("{slot}_left"));
    let slot = if left(&entries, order) > 0 {
        order
    } else if left(&entries, other) > 0 {
        other
    } else {
        entries.insert("a_left".into(), "3".into());
        entries.insert("b_left".into(), "3".into());
        order
    };
    let fewer = left(&entries, slot) - 1;
    entries.insert(format!("{slot}_left"), format!("{fewer:x}"));
    for name in ["boots", "seq"] {
        let more = number(&entries, name) + 1;
        entries.insert(name.into(), format!("{more:x}"));
    }
    write(&mut sectors[place], export(&entries));
    let next = if slot == "a" { "b" } else { "a" };
    [slot, next].into_iter().find(|slot| loads(slot))
}
