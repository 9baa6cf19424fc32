//! The two boot records of a card, torn or invented: one is chosen, and what it says can be written.

#![no_main]

use exstreamtv::system::boot_record::{BootRecord, PROVED_BOOTS};
use exstreamtv::system::slot::Slot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut sectors = [[0; 512]; 2];
    for (sector, bytes) in sectors.iter_mut().zip(input.chunks(508)) {
        sector[4..4 + bytes.len()].copy_from_slice(bytes);
        // The fuzzer cannot guess a checksum.
        let crc = crc32fast::hash(&sector[4..]);
        sector[..4].copy_from_slice(&crc.to_le_bytes());
    }
    let (mut record, _) = BootRecord::choose(&sectors);
    for slot in Slot::ALL {
        assert!(*record.left.of(slot) <= PROVED_BOOTS);
        let _ = record.found_failed(slot);
        assert_eq!(record.found_failed(slot), None);
        record.install_begins(slot);
        record.install_done(slot);
        assert!(record.waits(slot.other()));
        record.healthy(slot.other());
        assert!(record.may_install(slot.other()));
        if let Ok(sector) = record.sector() {
            assert_eq!(BootRecord::parse(&sector).as_ref(), Ok(&record));
        }
    }
});
