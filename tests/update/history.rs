//! Any history of boots, updates, failures and power cuts.

use crate::uboot::{self, Sector};
use exstreamtv::system::boot_record::{BootRecord, Record};
use exstreamtv::system::slot::Slot;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_oneof, proptest};

/// What is left of a sector that was being written when the power went.
#[derive(Debug, Clone, Copy)]
enum Torn {
    Old,
    New,
    Garbage(u8),
}

/// How a slot behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Quality {
    /// It does not load.
    Unloadable,
    /// It never comes as far as the updater.
    Panics,
    /// It runs and does not prove itself.
    Unhealthy,
    Healthy,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// The board is switched off and on. Where a record is being written the power may go.
    Boot {
        cut: Option<Torn>,
        proof_cut: Option<Torn>,
    },
    /// An update. `stage` is where the power goes: 0 while it is announced, 1 while it is written, 2
    /// when it is whole, 3 while that is recorded, later never.
    Install {
        becomes: Quality,
        stage: u8,
        torn: Torn,
    },
    /// What runs goes bad, or recovers.
    Turns { slot: usize, quality: Quality },
}

struct World {
    sectors: [Sector; 2],
    slots: [Quality; 2],
    running: Option<Slot>,
    /// Which proved itself last, and was not given up since.
    healthy_last: Option<Slot>,
}

fn index(slot: Slot) -> usize {
    usize::from(slot == Slot::B)
}

fn tear(sector: &mut Sector, new: Sector, torn: Option<Torn>) {
    match torn {
        Some(Torn::Old) => {}
        Some(Torn::Garbage(byte)) => {
            sector[..300].copy_from_slice(&new[..300]);
            sector[300..].fill(byte | 1);
        }
        Some(Torn::New) | None => *sector = new,
    }
}

impl World {
    fn new() -> Self {
        let mut sectors = [[0; 512]; 2];
        sectors[0] = BootRecord::default().sector().unwrap();
        Self {
            sectors,
            slots: [Quality::Healthy, Quality::Unloadable],
            running: None,
            healthy_last: Some(Slot::A),
        }
    }

    /// The updater's way to write, whole or torn; `None` when the power went.
    fn change<T>(
        &mut self,
        torn: Option<Torn>,
        change: impl FnOnce(&mut BootRecord) -> T,
    ) -> Option<T> {
        let (before, place) = BootRecord::choose(&self.sectors);
        let mut record = before.clone();
        let result = change(&mut record);
        if record != before {
            record.seq += 1;
            let place = usize::from(place == Record::Second);
            tear(&mut self.sectors[place], record.sector().unwrap(), torn);
            if torn.is_some() {
                self.running = None;
                return None;
            }
        }
        Some(result)
    }

    fn boot(&mut self, cut: Option<Torn>, proof_cut: Option<Torn>) {
        let slots = self.slots;
        let loads = |slot: &str| slots[usize::from(slot == "b")] != Quality::Unloadable;
        let booted = uboot::boot(&mut self.sectors, loads, |sector, new| {
            tear(sector, new, cut)
        });
        self.running = None;
        let Some(slot) = booted.filter(|_| cut.is_none()) else {
            return;
        };
        let slot: Slot = slot.parse().unwrap();
        if self.slots[index(slot)] == Quality::Panics {
            return;
        }
        self.running = Some(slot);
        let Some(failed) = self.change(proof_cut, |record| record.found_failed(slot)) else {
            return;
        };
        if failed.is_some() && self.healthy_last == Some(slot.other()) {
            self.healthy_last = None;
        }
        if self.slots[index(slot)] == Quality::Healthy {
            self.healthy_last = Some(slot);
            self.change(proof_cut, |record| record.healthy(slot));
        }
    }

    /// An update, if the running slot takes one. Gives the slot that it wrote to.
    fn install(&mut self, becomes: Quality, stage: u8, torn: Torn) -> Option<Slot> {
        let running = self.running?;
        let idle = index(running.other());
        if !BootRecord::choose(&self.sectors).0.may_install(running) {
            return None;
        }
        self.change((stage == 0).then_some(torn), |record| {
            record.install_begins(running)
        })?;
        self.slots[idle] = Quality::Unloadable;
        if stage == 1 {
            self.running = None;
        }
        self.running?;
        self.slots[idle] = becomes;
        if stage == 2 {
            self.running = None;
        }
        self.running?;
        self.change((stage == 3).then_some(torn), |record| {
            record.install_done(running)
        });
        Some(running.other())
    }
}

fn torn() -> impl Strategy<Value = Torn> {
    prop_oneof![
        Just(Torn::Old),
        Just(Torn::New),
        any::<u8>().prop_map(Torn::Garbage)
    ]
}

fn quality() -> impl Strategy<Value = Quality> {
    prop_oneof![
        Just(Quality::Unloadable),
        Just(Quality::Panics),
        Just(Quality::Unhealthy),
        Just(Quality::Healthy)
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let boot = (
        prop::option::weighted(0.2, torn()),
        prop::option::weighted(0.2, torn()),
    )
        .prop_map(|(cut, proof_cut)| Event::Boot { cut, proof_cut });
    let install = (quality(), 0..8_u8, torn()).prop_map(|(becomes, stage, torn)| Event::Install {
        becomes,
        stage,
        torn,
    });
    let turns = (0..2_usize, quality()).prop_map(|(slot, quality)| Event::Turns { slot, quality });
    prop_oneof![5 => boot, 2 => install, 1 => turns]
}

/// Boots until a slot is bound to be back.
const BOUND: usize = 8;

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(1_000))]

    #[test]
    fn whatever_happens_a_slot_that_works_is_booted_again(
        events in prop::collection::vec(event(), 0..60),
        works in 0..2_usize,
        other in quality(),
    ) {
        let mut world = World::new();
        for event in events {
            match event {
                Event::Boot { cut, proof_cut } => world.boot(cut, proof_cut),
                Event::Install { becomes, stage, torn } => {
                    let safe = world.healthy_last;
                    let running = world.running;
                    if world.install(becomes, stage, torn).is_some() || world.running != running {
                        // What the box would go back to is never written over.
                        prop_assert!(safe.is_none() || safe == running, "{safe:?} {running:?}");
                    }
                }
                Event::Turns { slot, quality } => {
                    world.slots[slot] = quality;
                    if world.healthy_last.is_some_and(|slot_last| index(slot_last) == slot) {
                        world.healthy_last = None;
                    }
                }
            }
            let whole = world.sectors.iter().filter(|sector| BootRecord::parse(sector).is_ok());
            prop_assert!(whole.count() > 0, "both records are lost");
            let (ours, _) = BootRecord::choose(&world.sectors);
            let (theirs, _) = uboot::chosen(&world.sectors);
            prop_assert!(theirs["order"] == ours.order.to_string());
        }
        // The one that proved itself last, or any that is whole.
        let works = world.healthy_last.map_or(works, index);
        world.slots[works] = Quality::Healthy;
        world.slots[1 - works] = match other {
            Quality::Healthy => Quality::Unhealthy,
            other => other,
        };
        let back = (0..BOUND).any(|_| {
            world.boot(None, None);
            world.running.map(index) == Some(works)
        });
        prop_assert!(back, "{:?}", BootRecord::choose(&world.sectors).0);
        // It stays.
        for _ in 0..BOUND {
            world.boot(None, None);
            prop_assert!(world.running.map(index) == Some(works));
        }
    }

    #[test]
    fn u_boot_and_the_updater_read_each_others_records(
        seq in any::<u32>(), boots in any::<u32>(), a in 0..4_u8, b in 0..4_u8, trial in any::<bool>(),
    ) {
        let mut record = BootRecord::default();
        (record.seq, record.boots) = (seq >> 1, boots >> 1);
        (record.left.a, record.left.b) = (a, b);
        record.trial = trial.then_some(Slot::B);
        let sector = record.sector().unwrap();
        let entries = uboot::import(&sector).unwrap();
        let digits = format!("{:x}", seq >> 1);
        prop_assert!(entries["seq"] == digits);
        prop_assert!(BootRecord::parse(&uboot::export(&entries)) == Ok(record));
    }
}
