//! The embedded library: the clips of `assets/demo`, drawn by `scripts/make-demo-clips`.

use crate::error::{Error, Result};
use std::fs;
use std::path::Path;

/// One clip: its path in the library, and its bytes.
type Clip = (&'static str, &'static [u8]);

macro_rules! clips {
    ($($path:literal),+ $(,)?) => {
        &[$((
            $path,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/", $path)).as_slice(),
        )),+]
    };
}

/// All of them. A test holds the list against the folder.
const CLIPS: &[Clip] = clips![
    "Films/Glass Orchard (1999).mkv",
    "Films/Lantern Street (2008).mp4",
    "Films/Night Ferry (1968).mp4",
    "Films/Paper Boats (2019).mp4",
    "Films/Seven Clocks (2021).mp4",
    "Films/The Long Platform (1984).mkv",
    "Films/Weather for Bakers (2015).mkv",
    "Films/Été à la gare (1976).mkv",
    "Shows/Signal Box/Signal Box - S01E01 - Home.mkv",
    "Shows/Signal Box/Signal Box - S01E02 - Distant.mkv",
    "Shows/Signal Box/Signal Box - S01E03 - Starter.mp4",
    "Shows/Small Machines/Small Machines - S01E01 - Lever.mp4",
    "Shows/Small Machines/Small Machines - S01E02 - Pulley.mkv",
    "Shows/Tide Tables/Tide Tables - S01E01 - Low Water.mkv",
    "Shows/Tide Tables/Tide Tables - S01E02 - Slack Water.mp4",
    "Shows/Tide Tables/Tide Tables - S01E03 - High Water.mp4",
];

/// Writes the clips into a folder. What is there already is left as it is, so that it need not be
/// probed again; what is there by half is written anew.
///
/// # Errors
/// Where the folder cannot be written.
pub(super) fn extract(folder: &Path) -> Result<()> {
    CLIPS
        .iter()
        .try_for_each(|(path, bytes)| write(&folder.join(path), bytes))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let failed = |error| Error::io("write", file.display().to_string(), &error);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // The name tells a scan that comes in between that this is no video.
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, bytes).map_err(failed)?;
    fs::rename(&unfinished, file).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::{CLIPS, extract};
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let nested = paths.map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        });
        nested.flatten().collect()
    }

    #[test]
    fn every_clip_of_the_folder_is_embedded_once() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
        let present: BTreeSet<PathBuf> = files(&folder).into_iter().collect();
        let listed: BTreeSet<PathBuf> = CLIPS.iter().map(|(path, _)| folder.join(path)).collect();
        assert_eq!(present, listed);
        assert_eq!(listed.len(), CLIPS.len());
        let sum_bytes: usize = CLIPS.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(CLIPS.len() >= 10 && sum_bytes <= 4 << 20, "{sum_bytes}");
    }

    #[test]
    fn extracting_again_repairs_what_is_broken_and_leaves_the_rest_alone() {
        let place = tempfile::tempdir().unwrap();
        extract(place.path()).unwrap();
        let (first, second) = (place.path().join(CLIPS[0].0), place.path().join(CLIPS[1].0));
        let changed = |file: &Path| file.metadata().unwrap().modified().unwrap();
        let before = changed(&second);
        std::fs::write(&first, b"half").unwrap();
        extract(place.path()).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), CLIPS[0].1);
        assert_eq!(changed(&second), before);
        assert_eq!(files(place.path()).len(), CLIPS.len());
    }
}
