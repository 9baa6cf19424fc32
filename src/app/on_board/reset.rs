//! The factory reset: asked for on the card, done once, whole or not at all.
//!
//! A power cut may come at any moment, and the card and the state folder are on two file systems. So
//! a marker in the state folder tells how far it is: `asked` before the card is written to, `begun`
//! once the card says that it was heard, and away when everything else is. From `begun` on it is
//! finished whatever the card says; before, only if it still says so. A card that cannot be written
//! to is told, and nothing is removed: the box would be reset at every start.

use crate::config::card_text::{CardText, Reset};
use crate::error::Result;
use crate::system::disk::{Disk, read_bounded};
use std::path::Path;

/// The marker's name in the state folder.
const MARKER: &str = "reset";

/// What it says before the card has been written to, and after.
const ASKED: &[u8] = b"asked\n";
const BEGUN: &[u8] = b"begun\n";

/// What stays: the marker, until the end, and what belongs to the file system.
const KEPT: [&str; 2] = [MARKER, "lost+found"];

/// Resets the state folder, where `text`, the contents of `file` on the card, asks for it or a reset
/// has not come to its end. `true` when it did so.
///
/// # Errors
/// The card cannot be written to, and then nothing is removed; or not everything could be removed,
/// which is tried again at the next start.
pub(super) fn run_once(disk: &Disk, (file, text): (&Path, &[u8]), state: &Path) -> Result<bool> {
    let marker = state.join(MARKER);
    let has_begun = || read_bounded(&marker, BEGUN.len()).is_ok_and(|said| said == BEGUN);
    let was_asked = || read_bounded(&marker, ASKED.len()).is_ok_and(|said| said == ASKED);
    match CardText::parse(text).reset {
        _ if has_begun() => {}
        Reset::Wanted => {
            disk.replace(&marker, ASKED, (0o600, None))?;
            disk.replace(file, &CardText::with_reset_done(text), (0o644, None))?;
            disk.replace(&marker, BEGUN, (0o600, None))?;
        }
        Reset::Done if was_asked() => {
            disk.replace(&marker, BEGUN, (0o600, None))?;
        }
        // The owner thought better of it in the moment that there was.
        Reset::Never | Reset::Done => {
            disk.remove(&marker)?;
            return Ok(false);
        }
    }
    disk.clear_folder(state, &KEPT)?;
    disk.remove(&marker)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::run_once;
    use crate::system::disk::Disk;
    use std::fs;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    const ASKS: &str = "name = Box\r\nfactory_reset = yes\r\n";
    const DONE: &str = "name = Box\r\nfactory_reset = done\r\n";

    struct Place {
        folder: TempDir,
        text: PathBuf,
        state: PathBuf,
    }

    impl Place {
        fn new(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let place = Self {
                text: folder.path().join("exstreamtv.txt"),
                state: folder.path().join("state"),
                folder,
            };
            fs::create_dir_all(place.state.join("demo/Films")).unwrap();
            for file in ["exstreamtv.db", "plex.json", "demo/Films/a.mkv", "version"] {
                fs::write(place.state.join(file), file).unwrap();
            }
            fs::write(&place.text, text).unwrap();
            place
        }

        /// A start of the box, up to a power cut.
        fn start(&self, disk: &Disk) -> Option<bool> {
            let text = fs::read(&self.text).unwrap();
            run_once(disk, (&self.text, &text), &self.state).ok()
        }

        fn count(&self) -> usize {
            count(&self.state)
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.text).unwrap()
        }
    }

    fn count(folder: &Path) -> usize {
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .map(|path| if path.is_dir() { count(&path) } else { 1 })
            .sum()
    }

    #[test]
    fn a_reset_removes_everything_once() {
        let place = Place::new(ASKS);
        assert_eq!(place.start(&Disk::new()), Some(true));
        assert_eq!((place.count(), place.text().as_str()), (0, DONE));
        assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 2);
        fs::write(place.state.join("exstreamtv.db"), "mine").unwrap();
        assert_eq!(place.start(&Disk::new()), Some(false));
        assert_eq!(place.count(), 1);
    }

    #[test]
    fn nothing_is_removed_that_nobody_asked_for() {
        for text in ["", "factory_reset = no", DONE, "factory_reset = perhaps"] {
            let place = Place::new(text);
            assert_eq!(place.start(&Disk::new()), Some(false));
            assert_eq!((place.count(), place.text().as_str()), (4, text));
        }
    }

    #[test]
    fn wherever_the_power_is_cut_the_next_start_ends_it_and_no_later_one_begins_it_again() {
        for changes in 0.. {
            let place = Place::new(ASKS);
            let disk = Disk::cut_after(changes);
            let first = place.start(&disk);
            // Half a reset is never what the box runs on: either nothing is removed yet, or the next
            // start goes on.
            let is_whole = place.count() >= 4;
            let next = place.start(&Disk::new());
            assert!(first == Some(true) || next == Some(true), "{changes}");
            assert_eq!(
                (place.count(), place.text().as_str()),
                (0, DONE),
                "{changes}"
            );
            fs::write(place.state.join("exstreamtv.db"), "mine").unwrap();
            assert_eq!(place.start(&Disk::new()), Some(false), "{changes}");
            assert_eq!(place.count(), 1);
            if first == Some(true) {
                assert!(changes > 10 && !is_whole, "{changes}");
                return;
            }
        }
    }

    #[test]
    fn who_takes_the_wish_back_after_a_power_cut_keeps_everything_or_nothing() {
        for changes in 0..40 {
            let place = Place::new(ASKS);
            let first = place.start(&Disk::cut_after(changes));
            let begun = place.text() == DONE
                && fs::read(place.state.join("reset")).is_ok_and(|said| said == b"begun\n");
            fs::write(&place.text, "name = Box\r\n").unwrap();
            let next = place.start(&Disk::new());
            let left = if begun || first == Some(true) { 0 } else { 4 };
            assert_eq!(place.count(), left, "{changes}");
            assert_eq!(next, Some(begun), "{changes}");
        }
    }

    #[test]
    fn a_card_that_cannot_be_written_to_resets_nothing() {
        let place = Place::new(ASKS);
        // Root may write everywhere, but nobody renames a file over a folder that is not empty.
        let text = fs::read(&place.text).unwrap();
        let folder = place.folder.path().join("locked");
        fs::create_dir_all(folder.join("exstreamtv.txt/x")).unwrap();
        let card = folder.join("exstreamtv.txt");
        assert!(run_once(&Disk::new(), (&card, &text), &place.state).is_err());
        assert!(place.count() >= 4);
        assert!(run_once(&Disk::new(), (&card, &text), &place.state).is_err());
        assert!(place.state.join("exstreamtv.db").exists());
    }
}
