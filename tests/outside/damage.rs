//! Files that nobody should have to play.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// Half of a Matroska file of 11.2 s: it is played as far as it goes.
pub(crate) const PLAYED_SO_FAR: &str = "cut in half.mkv";

/// A sequence of numbers that is the same every time: a linear congruential generator.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

fn random(length: usize) -> Vec<u8> {
    let mut seeded = Seeded(1984);
    (0..length).map(|_| seeded.next() as u8).collect()
}

/// The bytes with this many bits flipped.
pub(crate) fn flipped(mut bytes: Vec<u8>, flips: usize, seed: u64) -> Vec<u8> {
    let mut seeded = Seeded(seed);
    for _ in 0..flips {
        let at = seeded.next() as usize % bytes.len();
        bytes[at] ^= 1 << (seeded.next() % 8);
    }
    bytes
}

/// A `moov` of two gigabytes in a file of a hundred bytes.
fn claims_two_gigabytes() -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypisom\0\0\x02\0isommp42".to_vec();
    bytes.extend(b"\x7f\xff\xff\xffmoov\x7f\xff\xff\xf7trak");
    bytes.resize(100, 0);
    bytes
}

/// The same in Matroska: a Segment, and `Tracks` of two gigabytes.
fn claims_two_gigabytes_in_matroska() -> Vec<u8> {
    let mut bytes = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska".to_vec();
    bytes.extend(b"\x18\x53\x80\x67\x01\0\0\0\x7f\xff\xff\xff");
    bytes.extend(b"\x16\x54\xae\x6b\x08\x7f\xff\xff\xf0\xae\x08\x7f\xff\xff\xe0");
    bytes.resize(100, 0);
    bytes
}

/// Puts bad files of every kind into a folder. Gives the names of those that have to be listed,
/// each with what has to be said about it.
pub(crate) fn spoil(folder: &Path, clips: &Path) -> Vec<(&'static str, &'static str)> {
    let clip = |name: &str| std::fs::read(clips.join("Films").join(name)).unwrap();
    let half = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        bytes
    };
    let moov_at_end = clip("Seven Clocks (2021).mp4");
    let moov_in_front = clip("Paper Boats (2019).mp4");
    let matroska = clip("The Long Platform (1984).mkv");
    let text = "This is a letter, not a film.\n".repeat(50);
    let avi = b"RIFF\x24\0\x10\0AVI LIST\xc0\0\0\0hdrlavih\x38\0\0\0".to_vec();
    let files: [(&str, &str, Vec<u8>); 11] = [
        ("empty.mp4", "it is empty", Vec::new()),
        (
            "random.mp4",
            "no MP4, MOV, Matroska or MPEG-TS",
            random(200_000),
        ),
        ("zeros.mkv", "zeros only", vec![0; 50_000]),
        (
            "moov cut off.mp4",
            "copied whole",
            half(moov_at_end.clone()),
        ),
        (
            "cut in half.mp4",
            "last part is missing",
            half(moov_in_front),
        ),
        ("gigantic.mp4", "", claims_two_gigabytes()),
        ("gigantic.mkv", "", claims_two_gigabytes_in_matroska()),
        (
            "letter.mkv",
            "no MP4, MOV, Matroska or MPEG-TS",
            text.into_bytes(),
        ),
        ("old.avi", "AVI", avi.clone()),
        ("old.mp4", "AVI", avi),
        ("only a head.mkv", "", matroska[..600].to_vec()),
    ];
    for (name, _, bytes) in &files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let mut listed: Vec<_> = files
        .into_iter()
        .map(|(name, why, _)| (name, why))
        .collect();

    for (name, flips) in [("flipped 1.mp4", 200), ("flipped 2.mp4", 400)] {
        let broken = flipped(moov_at_end.clone(), flips, flips as u64 / 200);
        std::fs::write(folder.join(name), broken).unwrap();
        listed.push((name, "damaged"));
    }

    std::fs::write(folder.join(PLAYED_SO_FAR), half(matroska.clone())).unwrap();

    symlink("other.mkv", folder.join("one.mkv")).unwrap();
    symlink("one.mkv", folder.join("other.mkv")).unwrap();
    symlink("nowhere.mkv", folder.join("dangling.mkv")).unwrap();
    symlink(".", folder.join("round and round")).unwrap();
    listed.push(("one.mkv", "symbolic links"));
    listed.push(("other.mkv", "symbolic links"));
    listed.push(("dangling.mkv", "a link to a file that is not there"));

    let fifo = folder.join("pipe.mkv");
    assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    listed.push(("pipe.mkv", "not a plain file"));

    let foreign = OsStr::from_bytes(b"caf\xe9.mkv");
    std::fs::write(folder.join(foreign), &matroska).unwrap();
    listed.push(("caf\\xE9.mkv", "not UTF-8"));

    let secret = folder.join("secret.mkv");
    std::fs::write(&secret, &matroska).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o0)).unwrap();
    listed.push(("secret.mkv", "ermission denied"));

    let closed = folder.join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(closed.join("inside.mkv"), &matroska).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o0)).unwrap();
    listed
}
