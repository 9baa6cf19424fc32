//! The power goes at any moment: while the box records what its owner does, while it is updated, and
//! between any two writes of the boot records.
//!
//! One machine runs through all of it with a log of its writes. From that the card is made that each
//! cut would have left, with any of the pages missing that were not flushed yet.

use super::card::{self, Card, DATA_AT, SLOTS_AT, run};
use super::machine::Machine;
use super::uboot::{self, Sector};
use super::write_log::{self, Again, WriteLog};
use exstreamtv::store::Store;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

/// Where the boot records are, in bytes.
const RECORDS_AT: [u64; 2] = [4 << 20, 8 << 20];

/// How many libraries the owner adds.
const ADDED: usize = 12;

/// How many cuts at random moments while libraries are added, and while the box is updated; besides
/// those at the boot records.
const CUTS: [usize; 2] = [50, 20];

/// A choice that is the same in each run of the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What was acknowledged, and where the log ended then.
struct Acknowledged {
    library: String,
    log_length: u64,
}

#[test]
fn a_cut_between_any_two_writes_leaves_data_and_slots_whole() {
    let card = Card::with_key();
    let log = card.beside("log");
    let machine = Machine::start_logged(&card, &log);
    machine.until_tunable();
    machine.until_update(|status| status["left"]["a"] == 3);
    the_system_cannot_be_written(&machine);
    let begins = write_log::length(&log);
    let acknowledged = add_libraries(&machine, &log);
    let added = write_log::length(&log);
    let good = card::bundle("0.1.1", None);
    let told = machine.ota(&good).unwrap();
    println!("{told}");
    machine.until_update(|status| status["running"] == "b" && status["left"]["b"] == 3);
    machine.cut();

    let log = WriteLog::read(&log);
    let [begins, added] = [begins, added].map(|length| log.before(length));
    let seed = std::env::var("EXSTREAMTV_SEED").map_or_else(
        |_| u64::from(std::process::id()),
        |seed| seed.parse().unwrap(),
    );
    let mut dice = Dice(seed);
    let phases = [begins..added, added..log.entries.len()];
    println!("EXSTREAMTV_SEED={seed}: writes and flushes {phases:?}");
    let moments = moments(&log, phases, &mut dice);
    println!("{} cuts", moments.len());
    let slots = [
        read_slot(&card.fresh(), 0),
        fs::read(good.with_file_name("slot.img")).unwrap(),
    ];
    let mut again = Again::begin(&log, card.fresh());
    let copy = card.beside("cut.img");
    let mut ran = BTreeSet::new();
    for cut in moments {
        again.cut(cut, || dice.roll().is_multiple_of(2), &copy);
        ran.insert(boots(&copy, &slots, cut));
        let wanted = acknowledged
            .iter()
            .filter(|one| log.before(one.log_length) <= cut)
            .map(|one| one.library.clone())
            .collect();
        data_is_whole(&copy, &wanted, cut);
    }
    assert_eq!(ran, BTreeSet::from(["a", "b"]), "the cuts miss the update");
}

/// Not by whoever is let in, who is root.
fn the_system_cannot_be_written(machine: &Machine) {
    for place in ["/usr/bin/x", "/x", "/lib/systemd/system/x"] {
        let (done, said) = machine.shell(&format!("touch {place}"));
        assert!(!done && said.contains("Read-only file system"), "{said}");
    }
    let (done, said) = machine.shell("mount -o remount,rw /");
    assert!(!done && said.contains("write-protected"), "{said}");
    let (done, said) = machine.shell("systemctl --failed --no-legend");
    assert!(done && said.is_empty(), "{said}");
}

/// Adds libraries and has them looked through, as their owner would with a shell.
fn add_libraries(machine: &Machine, log: &Path) -> Vec<Acknowledged> {
    // They go away with the owner's first library.
    let (done, said) = machine.shell("cp -r /var/lib/exstreamtv/demo/Films /tmp/films");
    assert!(done, "{said}");
    let mut acknowledged = Vec::new();
    for nth in 0..ADDED {
        let library = format!("Mine {nth}");
        let place = format!("/var/lib/exstreamtv/mine/{nth}");
        let (done, said) = machine.shell(&format!(
            "set -e; mkdir -p {place}; cp -r /tmp/films {place}/; \
             chown -R exstreamtv: /var/lib/exstreamtv/mine; \
             exstreamtv library add folder {place} --name '{library}' --state /var/lib/exstreamtv"
        ));
        assert!(done, "{said}");
        acknowledged.push(Acknowledged {
            library,
            log_length: write_log::length(log),
        });
        let (done, said) = machine.shell("exstreamtv library sync --state /var/lib/exstreamtv");
        assert!(done, "{said}");
    }
    acknowledged
}

/// Cuts in order: at random, and before and after each write of a boot record.
fn moments(log: &WriteLog, phases: [Range<usize>; 2], dice: &mut Dice) -> BTreeSet<usize> {
    let mut moments = BTreeSet::new();
    let mut records = 0;
    for (phase, cuts) in phases.into_iter().zip(CUTS) {
        let mut left = cuts.min(phase.len());
        while left > 0 {
            let at = phase.start + usize::try_from(dice.roll()).unwrap() % phase.len();
            left -= usize::from(moments.insert(at));
        }
        for at in phase {
            if RECORDS_AT
                .iter()
                .any(|record| log.entries[at].touches(*record, 512))
            {
                moments.extend([at, at + 1]);
                records += 1;
            }
        }
    }
    // That the slot may be tried, that U-Boot does, and that it held.
    assert!(records >= 3, "{records} writes of boot records");
    moments
}

fn read_slot(card: &Path, slot: usize) -> Vec<u8> {
    let mut bytes = vec![0; 96 << 20];
    let card = File::open(card).unwrap();
    card.read_exact_at(&mut bytes, SLOTS_AT[slot]).unwrap();
    bytes
}

/// The slot that U-Boot takes; it has to be whole.
fn boots(card: &Path, slots: &[Vec<u8>; 2], cut: usize) -> &'static str {
    let file = File::open(card).unwrap();
    let mut records: [Sector; 2] = [[0; 512]; 2];
    for (record, at) in records.iter_mut().zip(RECORDS_AT) {
        file.read_exact_at(record, at).unwrap();
    }
    let is_whole = |slot: &str| {
        let nth = usize::from(slot == "b");
        read_slot(card, nth).starts_with(&slots[nth])
    };
    let taken = uboot::boot(&mut records, |_| true, |place, record| *place = record);
    let taken = taken.unwrap();
    assert!(is_whole(taken), "cut {cut}: slot {taken} is not whole");
    taken
}

/// What the box does at each boot repairs the file system, and the store has all that was acknowledged.
fn data_is_whole(card: &Path, wanted: &BTreeSet<String>, cut: usize) {
    let folder = tempfile::tempdir().unwrap();
    let partition = folder.path().join("data.img");
    run(Command::new("dd")
        .arg(format!("if={}", card.display()))
        .arg(format!("of={}", partition.display()))
        .args(["bs=1M", "conv=sparse", "status=none"])
        .arg(format!("skip={}", DATA_AT >> 20)));
    // As systemd does it, by board/root and by `fsck.repair=yes`.
    let unit = "board/root/etc/systemd/system/systemd-fsck@.service.d/whatever-it-takes.conf";
    let unit = fs::read_to_string(card::root().join(unit)).unwrap();
    let (_, before) = unit.split_once("sh -c '").unwrap();
    let before = before.trim().trim_end_matches('\'').replace("$$", "$");
    let before = before.replace("%f", partition.to_str().unwrap());
    Command::new("sh").args(["-c", &before]).output().unwrap();
    let repaired = Command::new("e2fsck").arg("-y").arg(&partition).output();
    let repaired = repaired.unwrap();
    assert!(
        matches!(repaired.status.code(), Some(0 | 1)),
        "cut {cut}: {repaired:?}"
    );
    run(Command::new("e2fsck").arg("-fn").arg(&partition));
    run(Command::new("debugfs")
        .args([
            "-R",
            &format!("rdump /exstreamtv {}", folder.path().display()),
        ])
        .arg(&partition));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let contents = runtime.block_on(async {
        let store = Store::open(&folder.path().join("exstreamtv")).await;
        let store = store.unwrap_or_else(|error| panic!("cut {cut}: {error}"));
        store.check().await.unwrap();
        let contents = store.load().await.unwrap();
        store.close().await;
        contents
    });
    let there = contents.libraries.into_iter().map(|library| library.name);
    let there: BTreeSet<String> = there.collect();
    assert!(there.is_superset(wanted), "cut {cut}: {there:?}");
}
