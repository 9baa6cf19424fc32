//! Every write that a card was given, in order, as QEMU's `blklogwrites` keeps them (the format of
//! Linux's dm-log-writes), and what would be on it had the power gone between any two of them.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SECTOR: u64 = 512;

/// What a card writes as a whole, in bytes: flash has no smaller pages.
const PAGE: u64 = 4096;

/// Flags of an entry.
const FLUSH: u64 = 1;
const FORCED: u64 = 2;
const DISCARD: u64 = 4;

/// One thing that the card was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Where it wrote on the card, in bytes.
    pub(crate) at: u64,
    pub(crate) bytes: u64,
    flags: u64,
    /// Where its data stands in the log.
    data_at: u64,
}

impl Entry {
    /// Whether all that was written before is on the card once this has been answered.
    pub(crate) fn flushes(&self) -> bool {
        self.flags & FLUSH != 0
    }

    /// Whether it writes any byte of this part of the card.
    pub(crate) fn touches(&self, at: u64, bytes: u64) -> bool {
        self.bytes > 0 && self.at < at + bytes && at < self.at + self.bytes
    }
}

/// The log of one card.
pub(crate) struct WriteLog {
    file: File,
    pub(crate) entries: Vec<Entry>,
}

/// Where a log ends at this moment: what it holds up to here has been done.
pub(crate) fn length(log: &Path) -> u64 {
    log.metadata().unwrap().len()
}

impl WriteLog {
    /// Reads what a machine has left behind, up to the last entry that is whole.
    pub(crate) fn read(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let end = file.metadata().unwrap().len();
        let word = |at| {
            let mut bytes = [0; 8];
            file.read_exact_at(&mut bytes, at).unwrap();
            u64::from_le_bytes(bytes)
        };
        assert_eq!(word(0), 0x006a_7366_7773_6872, "this is no log of writes");
        let mut entries = Vec::new();
        let mut at = SECTOR;
        while at + SECTOR <= end {
            let [sector, sectors, flags] = [0, 8, 16].map(|field| word(at + field));
            let is_data = flags & DISCARD == 0;
            let data_at = at + SECTOR;
            let next = data_at + if is_data { sectors * SECTOR } else { 0 };
            if next > end || (sectors == 0 && flags == 0) {
                break;
            }
            entries.push(Entry {
                at: sector * SECTOR,
                bytes: sectors * SECTOR,
                flags,
                data_at,
            });
            at = next;
        }
        Self { file, entries }
    }

    /// How many entries stand in the log before this place in its file.
    pub(crate) fn before(&self, length: u64) -> usize {
        self.entries
            .partition_point(|entry| entry.data_at + entry.bytes <= length)
    }

    /// Up to where a card keeps everything, had the power gone after `cut` entries.
    fn safe(&self, cut: usize) -> usize {
        let before = &self.entries[..cut];
        before
            .iter()
            .rposition(Entry::flushes)
            .map_or(0, |at| at + 1)
    }

    /// Writes the pages of an entry that `kept` picks.
    fn apply(&self, entry: &Entry, onto: &File, mut kept: impl FnMut() -> bool) {
        let mut data = vec![0; usize::try_from(entry.bytes).unwrap()];
        // What a card has been given back may read as anything: here as nothing.
        if entry.flags & DISCARD == 0 {
            self.file.read_exact_at(&mut data, entry.data_at).unwrap();
        }
        let mut at = entry.at;
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let in_page = usize::try_from(PAGE - at % PAGE).unwrap();
            let (page, after) = rest.split_at(in_page.min(rest.len()));
            if kept() {
                onto.write_all_at(page, at).unwrap();
            }
            at += page.len() as u64;
            rest = after;
        }
    }
}

/// A card that is filled again with what a log says, cut after cut.
pub(crate) struct Again<'a> {
    log: &'a WriteLog,
    card: PathBuf,
    done: usize,
}

impl<'a> Again<'a> {
    /// Begins with the card as it was before the log; it is written over.
    pub(crate) fn begin(log: &'a WriteLog, card: PathBuf) -> Self {
        Self { log, card, done: 0 }
    }

    /// The card that a cut after so many entries leaves: all that was flushed, and of what was
    /// written since then the pages that `kept` picks, as a card with a cache keeps them. It is a copy, and the
    /// cuts have to come in order.
    pub(crate) fn cut(&mut self, cut: usize, mut kept: impl FnMut() -> bool, copy: &Path) {
        let safe = self.log.safe(cut);
        assert!(safe >= self.done, "cuts come in order");
        let card = OpenOptions::new().write(true).open(&self.card).unwrap();
        for entry in &self.log.entries[self.done..safe] {
            self.log.apply(entry, &card, || true);
        }
        self.done = safe;
        super::card::copy_sparse(&self.card, copy);
        let card = OpenOptions::new().write(true).open(copy).unwrap();
        for entry in &self.log.entries[safe..cut] {
            let forced = entry.flags & FORCED != 0;
            self.log.apply(entry, &card, || forced || kept());
        }
    }
}
