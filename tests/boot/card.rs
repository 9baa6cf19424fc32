//! Cards and bundles: the image with an owner's words on it, and updates that are good or bad.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The owner's pairing code.
pub(crate) const CODE: &str = "a code for tests";

/// Where the boot partition begins, the slots and the data partition, in bytes.
const BOOT_AT: u64 = 16 << 20;
pub(crate) const SLOTS_AT: [u64; 2] = [80 << 20, 176 << 20];
pub(crate) const DATA_AT: u64 = 272 << 20;

/// How large the card is that the image is written to.
const CARD_BYTES: u64 = 1 << 30;

/// What is wrong with an update that is signed and whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its first program ends.
    Panics,
    /// systemd never starts, and nobody feeds the watchdog.
    Hangs,
    /// Its kernel cannot be unpacked.
    Corrupt,
    /// All but the box itself starts.
    Unhealthy,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn image() -> PathBuf {
    let image = root().join("target/image/exstreamtv.img");
    assert!(image.exists(), "there is no image; scripts/image makes it");
    image
}

/// Copies a card without what is empty on it.
pub(crate) fn copy_sparse(from: &Path, to: &Path) {
    run(Command::new("cp").arg("--sparse=always").arg(from).arg(to));
}

pub(crate) fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A card in a board, larger than the image. It is thrown away with the test.
pub(crate) struct Card {
    folder: TempDir,
}

impl Card {
    /// The image, freshly written, with the owner's words.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("card.img");
        copy_sparse(&image(), &raw);
        let words = folder.path().join("exstreamtv.txt");
        fs::write(&words, format!("pairing_code = {CODE}\r\n")).unwrap();
        let at = format!("{}@@{BOOT_AT}", raw.display());
        run(Command::new("mcopy")
            .args(["-o", "-D", "o", "-i", &at])
            .arg(&words)
            .arg("::exstreamtv.txt"));
        let card = Self { folder };
        card.layered(&raw);
        card
    }

    /// The same with the key of somebody who wants to come in over SSH.
    pub(crate) fn with_key() -> Self {
        let card = Self::new();
        let key = card.key();
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "owner", "-f"])
            .arg(&key));
        let at = format!("{}@@{BOOT_AT}", card.raw().display());
        run(Command::new("mcopy")
            .args(["-o", "-D", "o", "-i", &at])
            .arg(key.with_extension("pub"))
            .arg("::authorized_keys"));
        card.layered(&card.raw());
        card
    }

    /// The private half of the key.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    fn raw(&self) -> PathBuf {
        self.folder.path().join("card.img")
    }

    /// The whole card as it was before its first boot.
    pub(crate) fn fresh(&self) -> PathBuf {
        let raw = self.raw();
        let card = fs::OpenOptions::new().write(true).open(&raw).unwrap();
        card.set_len(CARD_BYTES).unwrap();
        raw
    }

    /// A folder that ends with the card.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A place beside the card.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn disk(&self) -> PathBuf {
        self.folder.path().join("card.qcow2")
    }

    fn layered(&self, raw: &Path) {
        run(Command::new("qemu-img")
            .args(["convert", "-q", "-f", "raw", "-O", "qcow2"])
            .arg(raw)
            .arg(self.disk()));
        run(Command::new("qemu-img")
            .args(["resize", "-q"])
            .arg(self.disk())
            .arg(CARD_BYTES.to_string()));
    }

    /// Takes the initrd of slot b away, while the power is off.
    pub(crate) fn spoil(&self, slot: &str) {
        assert_eq!(slot, "b");
        let raw = self.beside("spoilt.img");
        run(Command::new("qemu-img")
            .args(["convert", "-q", "-f", "qcow2", "-O", "raw"])
            .arg(self.disk())
            .arg(&raw));
        let at = format!("{}@@{}", raw.display(), SLOTS_AT[1]);
        run(Command::new("mdel").args(["-i", &at, "::root.squashfs"]));
        fs::remove_file(self.disk()).unwrap();
        self.layered(&raw);
        fs::remove_file(raw).unwrap();
    }
}

/// A bundle, made as a release is made, and kept for the other tests.
pub(crate) fn bundle(version: &str, broken: Option<Broken>) -> PathBuf {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE_AT_A_TIME.lock();
    let name = broken.map_or_else(|| "good".to_owned(), |broken| format!("{broken:?}"));
    let out = root()
        .join("target/image/tests")
        .join(format!("{name}-{version}"));
    let path = out.join(format!("exstreamtv-{version}.bundle"));
    if path.exists() && is_newer(&path, &image()) {
        return path;
    }
    fs::create_dir_all(&out).unwrap();
    let mut make = Command::new(root().join("scripts/image"));
    make.current_dir(root());
    make.args(["--only-slot", "--quick", "--version", version, "--out"])
        .arg(&out);
    if let Some(broken) = broken {
        make.arg("--hook").arg(root().join("tests/boot/break"));
        make.env("BROKEN", format!("{broken:?}"));
    }
    run(&mut make);
    path
}

fn is_newer(one: &Path, other: &Path) -> bool {
    let written = |path: &Path| path.metadata().unwrap().modified().unwrap();
    written(one) > written(other)
}

/// The same bundle with a manifest that nobody has signed.
pub(crate) fn unsigned(bundle: &Path) -> PathBuf {
    let mut bytes = fs::read(bundle).unwrap();
    // Still a bundle to whoever sends it; only the signature says otherwise.
    let version = b"\"version\":\"";
    let at = bytes
        .windows(version.len())
        .position(|part| part == version)
        .unwrap();
    bytes[at + version.len()] = b'9';
    let odd = bundle.with_extension("unsigned");
    fs::write(&odd, bytes).unwrap();
    odd
}

/// The same bundle without its last megabytes.
pub(crate) fn cut_short(bundle: &Path) -> PathBuf {
    let bytes = fs::read(bundle).unwrap();
    let odd = bundle.with_extension("short");
    fs::write(&odd, &bytes[..bytes.len() - (3 << 20)]).unwrap();
    odd
}
