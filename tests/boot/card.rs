//! Cards and bundles: the image with an owner's words on it, and updates that are good or bad.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The owner's pairing code.
pub(crate) const CODE: &str = "a code for tests";

/// Where the boot partition and the slots begin, in bytes.
const BOOT_AT: u64 = 16 << 20;
const SLOT_B_AT: u64 = 176 << 20;

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

fn run(command: &mut Command) {
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
        fs::copy(image(), &raw).unwrap();
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
            .arg("1G"));
    }

    /// Takes the initrd of slot b away, while the power is off.
    pub(crate) fn spoil(&self, slot: &str) {
        assert_eq!(slot, "b");
        let raw = self.folder.path().join("spoilt.img");
        run(Command::new("qemu-img")
            .args(["convert", "-q", "-f", "qcow2", "-O", "raw"])
            .arg(self.disk())
            .arg(&raw));
        let at = format!("{}@@{SLOT_B_AT}", raw.display());
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
