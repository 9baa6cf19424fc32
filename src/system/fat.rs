//! Reads one small file from the root folder of a FAT32 file system, so that a slot can be asked what
//! it is without being mounted.
//!
//! Microsoft's "FAT: General Overview of On-Disk Format" 1.03, §3.1 (boot sector), §5 (entries) and
//! §7 (long names). It knows names of up to 13 characters, writes nothing and follows no other
//! folder. Whatever it reads may be half written: a chain is followed no further than its file is
//! long.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The sector with which a file system begins.
const SECTOR_BYTES: usize = 512;

/// One entry of a folder.
const ENTRY_BYTES: usize = 32;

/// Clusters of the root folder that are looked through: slots have a dozen files.
const FOLDER_CLUSTERS: usize = 64;

/// Largest cluster that the format knows.
const CLUSTER_BYTES: u64 = 32 << 10;

/// Attributes of an entry that holds a part of a long name, of a folder and of a volume's name.
const LONG_NAME: u8 = 0x0f;
const NO_FILE: u8 = 0x18;

/// Where the characters of a long name stand in their entry, two bytes each.
const CHARACTERS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/// A file system within a disk.
struct Fat<'a> {
    disk: &'a File,
    /// Where it begins and ends on the disk.
    from: u64,
    until: u64,
    table: u64,
    clusters: u64,
    cluster_bytes: u64,
    root: u32,
}

/// The bytes of the file with this name in the root folder; `None` where there is no such file, it
/// is longer than `most_bytes`, or there is no file system.
///
/// # Errors
/// Where the disk cannot be read.
pub(super) fn read_file(
    disk: &File,
    (from, bytes): (u64, u64),
    name: &str,
    most_bytes: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut sector = [0; SECTOR_BYTES];
    disk.read_exact_at(&mut sector, from)?;
    let Some(fat) = Fat::begin(disk, from, bytes, &sector) else {
        return Ok(None);
    };
    let Some((first, length)) = fat.find(name)? else {
        return Ok(None);
    };
    let Some(mut left) = usize::try_from(length)
        .ok()
        .filter(|len| *len <= most_bytes)
    else {
        return Ok(None);
    };
    let mut content = Vec::with_capacity(left);
    let mut at = Some(first);
    while left > 0 {
        let Some(cluster) = at else {
            return Ok(None);
        };
        let Some(bytes) = fat.cluster(cluster)? else {
            return Ok(None);
        };
        let part = bytes.get(..left.min(bytes.len())).unwrap_or_default();
        content.extend_from_slice(part);
        left = left.saturating_sub(part.len());
        at = fat.next(cluster)?;
    }
    Ok(Some(content))
}

impl<'a> Fat<'a> {
    /// Understands a boot sector; `None` where it is none of FAT32.
    fn begin(disk: &'a File, from: u64, bytes: u64, sector: &[u8; SECTOR_BYTES]) -> Option<Self> {
        let sector_bytes = u64::from(short(sector, 11)?);
        let cluster_bytes = u64::from(*sector.get(13)?).checked_mul(sector_bytes)?;
        let reserved = u64::from(short(sector, 14)?).checked_mul(sector_bytes)?;
        let tables = u64::from(*sector.get(16)?);
        // FAT12 and FAT16 have the size of their tables elsewhere.
        let is_fat32 = short(sector, 22)? == 0 && sector.ends_with(&[0x55, 0xaa]);
        let table_bytes = u64::from(long(sector, 36)?).checked_mul(sector_bytes)?;
        let whole = is_fat32
            && sector_bytes.is_power_of_two()
            && (512..=4096).contains(&sector_bytes)
            && cluster_bytes.is_power_of_two()
            && cluster_bytes <= CLUSTER_BYTES
            && (1..=2).contains(&tables)
            && reserved > 0;
        let table = from.checked_add(reserved)?;
        let clusters = table.checked_add(table_bytes.checked_mul(tables)?)?;
        let until = from.checked_add(bytes)?;
        whole.then_some(Self {
            disk,
            from,
            until,
            table,
            clusters,
            cluster_bytes,
            root: long(sector, 44)?,
        })
    }

    /// The first cluster and the length of a file in the root folder.
    fn find(&self, name: &str) -> io::Result<Option<(u32, u32)>> {
        let mut called = None;
        let mut at = Some(self.root);
        for _ in 0..FOLDER_CLUSTERS {
            let Some(cluster) = at else {
                return Ok(None);
            };
            let Some(bytes) = self.cluster(cluster)? else {
                return Ok(None);
            };
            for entry in bytes.as_chunks::<ENTRY_BYTES>().0 {
                match *entry {
                    [0, ..] => return Ok(None),
                    [..] if entry.get(11) == Some(&LONG_NAME) => called = long_name(entry),
                    _ if called.take().is_some_and(|called| called == name) => {
                        return Ok(place(entry));
                    }
                    _ => {}
                }
            }
            at = self.next(cluster)?;
        }
        Ok(None)
    }

    /// The bytes of a cluster; `None` for one that the file system does not have.
    fn cluster(&self, number: u32) -> io::Result<Option<Vec<u8>>> {
        let offset = u64::from(number)
            .checked_sub(2)
            .and_then(|number| number.checked_mul(self.cluster_bytes))
            .and_then(|offset| offset.checked_add(self.clusters));
        let inside =
            |at: &u64| *at > self.from && at.saturating_add(self.cluster_bytes) <= self.until;
        let (Some(offset), Ok(length)) =
            (offset.filter(inside), usize::try_from(self.cluster_bytes))
        else {
            return Ok(None);
        };
        let mut bytes = vec![0; length];
        self.disk.read_exact_at(&mut bytes, offset)?;
        Ok(Some(bytes))
    }

    /// The cluster behind one; `None` behind the last.
    fn next(&self, number: u32) -> io::Result<Option<u32>> {
        let at = self
            .table
            .saturating_add(u64::from(number).saturating_mul(4));
        if at.saturating_add(4) > self.until {
            return Ok(None);
        }
        let mut entry = [0; 4];
        self.disk.read_exact_at(&mut entry, at)?;
        let next = u32::from_le_bytes(entry) & 0x0fff_ffff;
        Ok((2..0x0fff_fff7).contains(&next).then_some(next))
    }
}

/// The name in an entry that holds all of a long name.
fn long_name(entry: &[u8; ENTRY_BYTES]) -> Option<String> {
    // The last part of the name, which is its first.
    if *entry.first()? != 0x41 {
        return None;
    }
    let units = CHARACTERS.iter().map(|at| short(entry, *at).unwrap_or(0));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16(&units).ok()
}

/// Where an entry's file begins, and how long it is; `None` for what is no file.
fn place(entry: &[u8; ENTRY_BYTES]) -> Option<(u32, u32)> {
    if *entry.get(11)? & NO_FILE != 0 {
        return None;
    }
    let high = u32::from(short(entry, 20)?) << 16;
    Some((high | u32::from(short(entry, 26)?), long(entry, 28)?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}
