//! A card in a file, images of slots, and bundles, made by the programs that make the real ones.

use crate::uboot::{self, Sector};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
pub(crate) const RECORDS: [u64; 2] = [4 * MIB, 8 * MIB];
pub(crate) const SLOTS: [u64; 2] = [80 * MIB, 176 * MIB];
pub(crate) const SLOT_BYTES: u64 = 96 * MIB;
const CARD_BYTES: u64 = 272 * MIB;

/// A folder with a card, a pair of keys, and what is needed besides.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

pub(crate) fn run(command: &mut Command) {
    let out = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(out.status.success(), "{command:?}: {out:?}");
}

pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name)
}

/// Bytes that nothing repeats.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

impl Desk {
    /// A card with version 0.1.0 in slot a and nothing in slot b.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder };
        std::fs::create_dir(desk.at("keys")).unwrap();
        std::fs::create_dir(desk.at("memory")).unwrap();
        desk.key("box", &desk.at("keys/box.pub"));
        desk.make_card();
        desk
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A key that needs no password.
    pub(crate) fn key(&self, name: &str, public: &Path) {
        let mut make = Command::new("minisign");
        make.args(["-G", "-W", "-f", "-p"]).arg(public);
        run(make.arg("-s").arg(self.at(name)));
    }

    fn make_card(&self) {
        let mut card = File::create(self.at("card")).unwrap();
        card.set_len(CARD_BYTES).unwrap();
        let mut mbr = [0; 512];
        let parts = [(16, 64), (80, 96), (176, 96), (272, 1)];
        for (entry, (from, length)) in mbr[446..510].chunks_exact_mut(16).zip(parts) {
            entry[4] = 0x0c;
            entry[8..12].copy_from_slice(&(from * 2048_u32).to_le_bytes());
            entry[12..].copy_from_slice(&(length * 2048_u32).to_le_bytes());
        }
        mbr[510..].copy_from_slice(&[0x55, 0xaa]);
        card.write_all(&mbr).unwrap();
        let image = std::fs::read(self.image("0.1.0")).unwrap();
        card.seek(SeekFrom::Start(SLOTS[0])).unwrap();
        card.write_all(&image).unwrap();
        let record = [
            ("order", "a"),
            ("a_left", "3"),
            ("b_left", "0"),
            ("seq", "7"),
            ("hue", "red"),
        ];
        let record = record.map(|(name, value)| (name.to_owned(), value.to_owned()));
        card.write_all_at(&uboot::export(&record.into()), RECORDS[1])
            .unwrap();
    }

    /// The image of a slot with this version, as scripts/image makes them.
    pub(crate) fn image(&self, version: &str) -> PathBuf {
        let image = self.at(&format!("{version}.img"));
        let mut format = Command::new("mkfs.vfat");
        format.args(["-F", "32", "-s", "1", "-n", "SLOT", "-C"]);
        run(format.arg(&image).arg((36 << 10).to_string()));
        let note = self.at("slot.json");
        let text = format!("{{\"version\": \"{version}\", \"store_schema\": 3}}\n");
        std::fs::write(&note, text).unwrap();
        let kernel = self.at("Image.gz");
        let seed = version.bytes().map(u64::from).sum();
        std::fs::write(&kernel, noise(2 << 20, seed)).unwrap();
        // The note is behind other files, so that it has to be looked for.
        for file in [&kernel, &note] {
            run(Command::new("mcopy")
                .arg("-i")
                .arg(&image)
                .arg(file)
                .arg("::"));
        }
        image
    }

    /// A bundle of an image.
    pub(crate) fn bundle(&self, image: &Path, key: &str, version: &str, schema: u32) -> PathBuf {
        let out = self.at(&format!("{version}-{key}-{schema}.bundle"));
        let mut make = Command::new(script("bundle"));
        make.arg(image).arg(self.at(key)).arg(version);
        run(make.arg(schema.to_string()).arg(&out));
        out
    }

    /// A bundle as it should be.
    pub(crate) fn good(&self, version: &str) -> PathBuf {
        self.bundle(&self.image(version), "box", version, 99)
    }

    /// A bundle of noise, which is quicker to write.
    pub(crate) fn small(&self, version: &str) -> PathBuf {
        let image = self.at("noise");
        let seed = version.bytes().map(u64::from).sum();
        std::fs::write(&image, noise((5 << 20) + 12_345, seed)).unwrap();
        self.bundle(&image, "box", version, 99)
    }

    pub(crate) fn card(&self) -> Vec<u8> {
        std::fs::read(self.at("card")).unwrap()
    }

    pub(crate) fn slot(&self, number: usize) -> Vec<u8> {
        let card = File::open(self.at("card")).unwrap();
        let mut bytes = vec![0; SLOT_BYTES as usize];
        card.read_exact_at(&mut bytes, SLOTS[number]).unwrap();
        bytes
    }

    pub(crate) fn fill(&self, number: usize, bytes: &[u8]) {
        let card = File::options().write(true).open(self.at("card")).unwrap();
        card.write_all_at(bytes, SLOTS[number]).unwrap();
    }

    pub(crate) fn sectors(&self) -> [Sector; 2] {
        let card = File::open(self.at("card")).unwrap();
        RECORDS.map(|at| {
            let mut sector = [0; 512];
            card.read_exact_at(&mut sector, at).unwrap();
            sector
        })
    }

    pub(crate) fn set_sectors(&self, sectors: [Sector; 2]) {
        let card = File::options().write(true).open(self.at("card")).unwrap();
        for (at, sector) in RECORDS.into_iter().zip(sectors) {
            card.write_all_at(&sector, at).unwrap();
        }
    }

    /// Whether U-Boot could load this slot: its file system can be read, by somebody else's program.
    pub(crate) fn loads(&self, slot: &str) -> bool {
        let offset = SLOTS[usize::from(slot == "b")];
        let image = format!("{}@@{offset}", self.at("card").display());
        let listed = Command::new("mdir")
            .args(["-b", "-i", &image, "::Image.gz"])
            .output();
        listed.unwrap().status.success()
    }

    /// Switches the board off and on.
    pub(crate) fn boot(&self) -> &'static str {
        let mut sectors = self.sectors();
        let booted = uboot::boot(
            &mut sectors,
            |slot| self.loads(slot),
            |sector, new| *sector = new,
        );
        self.set_sectors(sectors);
        booted.expect("no slot loads")
    }
}
