//! The SD card below its file systems: where boot records and slots lie, and the bytes in them.
//!
//! It writes two things alone: boot records, and the slot that does not run. Before it writes
//! anything it has seen that the card's table of partitions (the MBR) has the slots where they
//! belong, so that a disk of another kind is left alone. All calls wait for the disk.

use super::boot_record::{BootRecord, Record};
use super::fat;
use super::slot::{Each, Slot};
use crate::error::{Error, Result};
use crate::limits::{BOOT_RECORD_BYTES, SLOT_BYTES, SLOT_NOTE_BYTES, VERSION_BYTES};
use serde::Deserialize;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Where the boot records are.
const RECORDS: [u64; 2] = [4 << 20, 8 << 20];

/// Where the slots begin.
const SLOTS: Each<u64> = Each {
    a: 80 << 20,
    b: 176 << 20,
};

/// The table of partitions, four entries of 16 bytes, and the marks behind it.
const MBR_BYTES: usize = 512;
const MBR_ENTRIES: usize = 446;
const MBR_ENTRY_BYTES: usize = 16;
const SECTOR_BYTES: u64 = 512;

/// What is written over when a slot is made unloadable: the boot sector of its file system, and the
/// copy six sectors on.
const HEAD_BYTES: usize = 4 << 10;

/// What a slot says of itself, in its root folder.
const NOTE: &str = "slot.json";

/// A card that has been checked.
#[derive(Debug)]
pub struct Card {
    disk: File,
    name: String,
    /// Held while a record is read, changed and written.
    records: Mutex<()>,
}

/// What stands in `slot.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Note {
    /// The version that is in the slot.
    pub version: String,
}

impl Card {
    /// Opens a card: a block device, or a file with the content of one.
    ///
    /// # Errors
    /// Where it cannot be opened, and where the slots are not where they belong.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let disk = File::options()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| Error::io("open the card", name.clone(), &error))?;
        let mut mbr = [0; MBR_BYTES];
        disk.read_exact_at(&mut mbr, 0)
            .map_err(|error| Error::io("read the card", name.clone(), &error))?;
        let slots = [partition(&mbr, 2), partition(&mbr, 3)];
        if slots != [Some((SLOTS.a, SLOT_BYTES)), Some((SLOTS.b, SLOT_BYTES))] {
            let why = "its partitions are not those of the box's card";
            return Err(Error::invalid(format!("card {name}"), why));
        }
        let records = Mutex::new(());
        Ok(Self {
            disk,
            name,
            records,
        })
    }

    /// The boot record that counts.
    ///
    /// # Errors
    /// Where the card cannot be read.
    pub fn record(&self) -> Result<BootRecord> {
        Ok(BootRecord::choose(&self.sectors()?).0)
    }

    /// Changes the boot record, and gives what `change` gives and the record as it is now. It is on
    /// the card when this returns; where nothing changes nothing is written.
    ///
    /// # Errors
    /// Where the card cannot be read or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut BootRecord) -> T) -> Result<(T, BootRecord)> {
        // Whoever panicked has not left a record half changed: it is written at the end.
        let _held = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, next) = BootRecord::choose(&self.sectors()?);
        let mut record = before.clone();
        let result = change(&mut record);
        if record == before {
            return Ok((result, record));
        }
        record.seq = record.seq.saturating_add(1);
        let [first, second] = RECORDS;
        let at = match next {
            Record::First => first,
            Record::Second => second,
        };
        let sector = record.sector()?;
        self.disk
            .write_all_at(&sector, at)
            .and_then(|()| self.disk.sync_data())
            .map_err(self.failed("write the boot record of"))?;
        Ok((result, record))
    }

    fn sectors(&self) -> Result<[[u8; BOOT_RECORD_BYTES]; 2]> {
        let mut sectors = [[0; BOOT_RECORD_BYTES]; 2];
        for (sector, at) in sectors.iter_mut().zip(RECORDS) {
            self.disk
                .read_exact_at(sector, at)
                .map_err(self.failed("read the boot record of"))?;
        }
        Ok(sectors)
    }

    /// What a slot says of itself; `None` where nothing bootable is in it.
    #[must_use]
    pub fn note(&self, slot: Slot) -> Option<Note> {
        let place = (*SLOTS.of(slot), SLOT_BYTES);
        let read = fat::read_file(&self.disk, place, NOTE, SLOT_NOTE_BYTES);
        let note: Note = serde_json::from_slice(&read.ok()??).ok()?;
        (note.version.len() <= VERSION_BYTES).then_some(note)
    }

    /// Makes a slot unloadable; it is so when this returns.
    ///
    /// # Errors
    /// Where the card cannot be written.
    pub fn spoil(&self, slot: Slot) -> Result<()> {
        self.write(slot, 0, &[0; HEAD_BYTES])
    }

    /// Writes into a slot, `offset` bytes from its beginning; it is on the card when this returns.
    ///
    /// # Errors
    /// Where it would not fit into the slot, and where the card cannot be written.
    pub fn write(&self, slot: Slot, offset: u64, bytes: &[u8]) -> Result<()> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = offset.saturating_add(length);
        if end > SLOT_BYTES {
            return Err(Error::OverLimit {
                what: "end of a write into a slot in bytes",
                got: end,
                limit: SLOT_BYTES,
            });
        }
        self.disk
            .write_all_at(bytes, SLOTS.of(slot).saturating_add(offset))
            .and_then(|()| self.disk.sync_data())
            .map_err(self.failed("write"))
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |error| Error::io(doing, format!("card {}", self.name), &error)
    }
}

/// Where a partition begins and how long it is, in bytes; `None` where there is none.
fn partition(mbr: &[u8; MBR_BYTES], number: usize) -> Option<(u64, u64)> {
    if !mbr.ends_with(&[0x55, 0xaa]) {
        return None;
    }
    let at = number.checked_sub(1)?.checked_mul(MBR_ENTRY_BYTES)?;
    let entry: &[u8; MBR_ENTRY_BYTES] = mbr.get(MBR_ENTRIES..)?.get(at..)?.first_chunk()?;
    let sectors = |at: usize| {
        let bytes = entry.get(at..)?.first_chunk()?;
        u64::from(u32::from_le_bytes(*bytes)).checked_mul(SECTOR_BYTES)
    };
    Some((sectors(8)?, sectors(12)?))
}
