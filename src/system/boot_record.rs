//! A boot record: which slot is booted next, and how often each of them may still be tried.
//!
//! The card has two, each in one sector; of those that are whole the one with the higher `seq`
//! counts, and the other one is written. So a power cut while one is written costs that one alone.
//! The form is the one of U-Boot's `env export -c`: a CRC-32 (IEEE 802.3, little endian) of what
//! follows it, then `name=value`, each ended by NUL, one more NUL, and zeros. Numbers are lower-case
//! hexadecimal without a prefix, since U-Boot reads and writes them so.
//!
//! Pure: what a record says next is a function of what it says now. U-Boot's own part, counting a
//! slot down before it is booted, is `board/boot.cmd`; a model of it is in the tests.

use super::slot::{Each, Slot};
use crate::error::{Error, Result};
use crate::limits::BOOT_RECORD_BYTES;
use std::fmt::Write;

/// Boots that a slot has which has proved itself.
pub const PROVED_BOOTS: u8 = 3;

/// Boots in which a slot that was just written has to prove itself.
pub const TRIAL_BOOTS: u8 = 2;

/// The CRC in front.
const CRC_BYTES: usize = 4;

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRecord {
    /// Grows with every write; of two records the one with more counts.
    pub seq: u32,
    /// The slot that is to be tried first.
    pub order: Slot,
    /// Boots that each slot still has.
    pub left: Each<u8>,
    /// The slot that was written and has not proved itself yet.
    pub trial: Option<Slot>,
    /// Boots of this card, ever.
    pub boots: u32,
    /// What else is written there, kept as it is.
    others: Vec<(String, String)>,
}

/// What became of the other slot, when it is found that it was to be booted and was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It was new, and did not prove itself.
    Trial,
    /// It had proved itself once, and does not boot any more.
    Kept,
}

impl Default for BootRecord {
    /// What a card says on which neither record is whole.
    fn default() -> Self {
        Self {
            seq: 0,
            order: Slot::A,
            left: Each {
                a: PROVED_BOOTS,
                b: PROVED_BOOTS,
            },
            trial: None,
            boots: 0,
            others: Vec::new(),
        }
    }
}

impl BootRecord {
    /// Reads a record's sector.
    ///
    /// # Errors
    /// Where it is torn, or says what no record says.
    pub fn parse(sector: &[u8; BOOT_RECORD_BYTES]) -> Result<Self> {
        let (crc, text) = sector.split_at(CRC_BYTES);
        if crc32fast::hash(text).to_le_bytes() != *crc {
            return Err(malformed(0, "its checksum is wrong"));
        }
        let mut record = Self::default();
        let mut offset = CRC_BYTES;
        for entry in text.split(|byte| *byte == 0) {
            if entry.is_empty() && offset < sector.len() {
                return Ok(record);
            }
            let entry_text = std::str::from_utf8(entry).ok();
            let (name, value) = entry_text
                .and_then(|entry| entry.split_once('='))
                .ok_or_else(|| malformed(offset, "an entry is no name and value"))?;
            record
                .hear(name, value)
                .ok_or_else(|| malformed(offset, "a value is not what it must be"))?;
            offset = offset.saturating_add(entry.len()).saturating_add(1);
        }
        Err(malformed(offset, "its entries do not end"))
    }

    /// Takes one entry; `None` for a value that cannot be.
    fn hear(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "seq" => self.seq = hexadecimal(value)?,
            "order" => self.order = value.parse().ok()?,
            "a_left" => self.left.a = left(value)?,
            "b_left" => self.left.b = left(value)?,
            "trial" if value.is_empty() => self.trial = None,
            "trial" => self.trial = Some(value.parse().ok()?),
            "boots" => self.boots = hexadecimal(value)?,
            _ => self.others.push((name.to_owned(), value.to_owned())),
        }
        Some(())
    }

    /// The record's sector.
    ///
    /// # Errors
    /// Where what else it holds leaves no room.
    pub fn sector(&self) -> Result<[u8; BOOT_RECORD_BYTES]> {
        let mut text = String::new();
        let (order, left) = (self.order, self.left);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "seq={:x}\0order={order}\0a_left={:x}\0b_left={:x}\0boots={:x}\0",
            self.seq, left.a, left.b, self.boots
        );
        if let Some(slot) = self.trial {
            let _ = write!(text, "trial={slot}\0");
        }
        for (name, value) in &self.others {
            let _ = write!(text, "{name}={value}\0");
        }
        text.push('\0');
        let mut sector = [0; BOOT_RECORD_BYTES];
        let (crc, room) = sector.split_at_mut(CRC_BYTES);
        let got = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let limit = u64::try_from(room.len()).unwrap_or(u64::MAX);
        let over = Error::OverLimit {
            what: "text of a boot record in bytes",
            got,
            limit,
        };
        room.get_mut(..text.len())
            .ok_or(over)?
            .copy_from_slice(text.as_bytes());
        crc.copy_from_slice(&crc32fast::hash(room).to_le_bytes());
        Ok(sector)
    }

    /// Of a card's two sectors, the record that counts, and which of them has to be written next.
    #[must_use]
    pub fn choose(sectors: &[[u8; BOOT_RECORD_BYTES]; 2]) -> (Self, Record) {
        let [first, second] = sectors;
        match (Self::parse(first), Self::parse(second)) {
            (Ok(first), Ok(second)) if second.seq > first.seq => (second, Record::First),
            (Ok(first), _) => (first, Record::Second),
            (Err(_), Ok(second)) => (second, Record::First),
            (Err(_), Err(_)) => (Self::default(), Record::First),
        }
    }

    /// Whether a slot waits for the restart that tries it.
    #[must_use]
    pub fn waits(&self, slot: Slot) -> bool {
        let untried = *self.left.of(slot) >= TRIAL_BOOTS;
        self.order == slot && self.trial == Some(slot) && untried
    }

    /// Whether the other slot may be written: the slot that runs has proved itself since it was
    /// started, or there is nothing in the other one that the card could go back to.
    #[must_use]
    pub fn may_install(&self, running: Slot) -> bool {
        let has_proved = *self.left.of(running) >= PROVED_BOOTS && self.trial != Some(running);
        has_proved || *self.left.of(running.other()) == 0
    }

    /// The slot that runs has proved itself. One that waits for its trial goes on waiting.
    pub fn healthy(&mut self, running: Slot) {
        *self.left.of_mut(running) = PROVED_BOOTS;
        if !self.waits(running.other()) {
            self.order = running;
            self.trial = None;
        }
    }

    /// The other slot is about to be written: until that is done it must not be booted.
    pub fn install_begins(&mut self, running: Slot) {
        *self.left.of_mut(running.other()) = 0;
        self.order = running;
        self.trial = None;
    }

    /// The other slot has been written and is to be tried.
    pub fn install_done(&mut self, running: Slot) {
        let idle = running.other();
        *self.left.of_mut(idle) = TRIAL_BOOTS;
        self.order = idle;
        self.trial = Some(idle);
    }

    /// Finds out whether the other slot was to be booted and was not; it is not tried again then.
    pub fn found_failed(&mut self, running: Slot) -> Option<Failed> {
        let other = running.other();
        let on_trial = self.trial == Some(other);
        if self.waits(other) || (self.order == running && !on_trial) {
            return None;
        }
        *self.left.of_mut(other) = 0;
        self.order = running;
        self.trial = None;
        Some(if on_trial {
            Failed::Trial
        } else {
            Failed::Kept
        })
    }
}

/// Which of a card's two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// That at 4 MiB.
    First,
    /// That at 8 MiB.
    Second,
}

fn malformed(offset: usize, why: &'static str) -> Error {
    let offset = u64::try_from(offset).unwrap_or(u64::MAX);
    Error::malformed("boot record", offset, why)
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| plain)
}

fn left(digits: &str) -> Option<u8> {
    let left = u8::try_from(hexadecimal(digits)?).ok()?;
    (left <= PROVED_BOOTS).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::{BOOT_RECORD_BYTES, BootRecord, Each, Failed, Record, Slot};
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    fn running_a() -> BootRecord {
        BootRecord {
            seq: 0x1f,
            boots: 12,
            left: Each { a: 3, b: 0 },
            ..BootRecord::default()
        }
    }

    #[test]
    fn a_record_is_what_u_boot_exports() {
        let sector = running_a().sector().unwrap();
        let text = b"seq=1f\0order=a\0a_left=3\0b_left=0\0boots=c\0\0";
        assert_eq!(&sector[4..4 + text.len()], text);
        assert!(sector[4 + text.len()..].iter().all(|byte| *byte == 0));
        assert_eq!(BootRecord::parse(&sector), Ok(running_a()));
    }

    /// Writes a record by hand.
    fn written(text: &str) -> [u8; BOOT_RECORD_BYTES] {
        let mut sector = [0; BOOT_RECORD_BYTES];
        sector[4..4 + text.len()].copy_from_slice(text.as_bytes());
        let crc = crc32fast::hash(&sector[4..]);
        sector[..4].copy_from_slice(&crc.to_le_bytes());
        sector
    }

    #[test]
    fn unknown_names_are_kept_and_an_empty_trial_is_none() {
        let sector = written("seq=2\0trial=\0color=red=hot\0order=b\0");
        let record = BootRecord::parse(&sector).unwrap();
        assert_eq!((record.order, record.trial), (Slot::B, None));
        let again = record.sector().unwrap();
        let text = String::from_utf8_lossy(&again[4..]).into_owned();
        assert!(text.contains("\0color=red=hot\0"), "{text}");
    }

    #[test]
    fn what_no_record_says_is_refused() {
        for text in [
            "seq=0x1\0",
            "seq=+1\0",
            "seq=100000000\0",
            "seq=\0",
            "order=c\0",
            "a_left=4\0",
            "b_left=-1\0",
            "trial=d\0",
            "seq\0",
        ] {
            assert!(BootRecord::parse(&written(text)).is_err(), "{text:?}");
        }
        assert!(BootRecord::parse(&[0; BOOT_RECORD_BYTES]).is_err());
        assert!(BootRecord::parse(&[0xff; BOOT_RECORD_BYTES]).is_err());
        let endless = written(&"x=y\0".repeat(127));
        assert!(BootRecord::parse(&endless).is_err());
    }

    #[test]
    fn what_leaves_no_room_is_not_written() {
        let long = written(&format!("seq=1\0long={}\0", "x".repeat(480)));
        assert!(BootRecord::parse(&long).unwrap().sector().is_err());
    }

    #[test]
    fn the_newer_whole_record_counts_and_the_other_is_written() {
        let at = |seq| BootRecord { seq, ..running_a() }.sector().unwrap();
        let torn = [7; BOOT_RECORD_BYTES];
        for (sectors, seq, next) in [
            ([at(4), at(5)], 5, Record::First),
            ([at(6), at(5)], 6, Record::Second),
            ([at(5), at(5)], 5, Record::Second),
            ([torn, at(5)], 5, Record::First),
            ([at(4), torn], 4, Record::Second),
            ([torn, torn], 0, Record::First),
        ] {
            let (record, write) = BootRecord::choose(&sectors);
            assert_eq!((record.seq, write), (seq, next));
        }
    }

    #[test]
    fn a_trial_that_did_not_prove_itself_is_told_once_and_not_tried_again() {
        let mut record = running_a();
        record.install_begins(Slot::A);
        record.install_done(Slot::A);
        assert_eq!(record.found_failed(Slot::A), None, "it was not tried yet");
        record.left.b = 0;
        assert_eq!(record.found_failed(Slot::A), Some(Failed::Trial));
        assert_eq!(record.found_failed(Slot::A), None);
        assert_eq!((record.order, record.left.b), (Slot::A, 0));
    }

    #[test]
    fn a_trial_that_did_not_load_is_told_though_it_has_a_boot_left() {
        let mut record = running_a();
        record.install_done(Slot::A);
        record.left.b = 1;
        assert_eq!(record.found_failed(Slot::A), Some(Failed::Trial));
        assert_eq!(record.left.b, 0);
    }

    #[test]
    fn a_kept_slot_that_went_bad_is_left() {
        let mut record = running_a();
        record.left.a = 0;
        record.left.b = 2;
        assert_eq!(record.found_failed(Slot::B), Some(Failed::Kept));
        assert_eq!((record.order, record.left.a), (Slot::B, 0));
    }

    #[test]
    fn a_slot_on_trial_may_not_write_over_the_one_that_it_would_go_back_to() {
        let mut record = running_a();
        record.left.b = 3;
        assert!(record.may_install(Slot::A));
        record.left.a = 2;
        assert!(
            !record.may_install(Slot::A),
            "not proved since it was started"
        );
        record.left.b = 0;
        assert!(record.may_install(Slot::A), "nothing to go back to");
        record.install_done(Slot::A);
        record.left = Each { a: 3, b: 1 };
        assert!(!record.may_install(Slot::B));
        record.healthy(Slot::B);
        assert!(record.may_install(Slot::B));
    }

    #[test]
    fn a_proof_that_comes_late_does_not_take_a_waiting_trial_back() {
        let mut record = running_a();
        record.install_done(Slot::A);
        record.healthy(Slot::A);
        assert!(record.waits(Slot::B));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reading_of_records(bytes in prop::collection::vec(any::<u8>(), 508)) {
            let mut sector = [0; BOOT_RECORD_BYTES];
            sector[4..].copy_from_slice(&bytes);
            let crc = crc32fast::hash(&sector[4..]);
            sector[..4].copy_from_slice(&crc.to_le_bytes());
            if let Ok(record) = BootRecord::parse(&sector)
                && let Ok(again) = record.sector()
            {
                prop_assert_eq!(BootRecord::parse(&again), Ok(record));
            }
        }
    }
}
