//! What lies beside the films without being one: trailers, samples, scenes. Named as Plex and
//! Jellyfin tell people to name them. Pure.

use super::name;

/// Folders of extras, wherever they are.
const FOLDERS: [&str; 10] = [
    "extras",
    "extra",
    "trailers",
    "samples",
    "sample",
    "featurettes",
    "behind the scenes",
    "deleted scenes",
    "theme-music",
    "backdrops",
];

/// Folders of extras inside the folder of one film; elsewhere they may be the owner's collections.
const FOLDERS_OF_FILM: [&str; 5] = ["shorts", "clips", "scenes", "interviews", "other"];

/// Ends of the names of extras, wherever they are.
const ENDS: [&str; 7] = [
    "-trailer",
    ".trailer",
    "_trailer",
    "-sample",
    "-featurette",
    "-behindthescenes",
    "-deleted",
];

/// Ends of the names of extras inside the folder of one film.
const ENDS_OF_FILM: [&str; 7] = [
    "-scene",
    "-clip",
    "-interview",
    "-short",
    "-other",
    "-extra",
    ".sample",
];

/// Folders that systems and servers make for themselves. Hidden ones are left out anyway.
const SYSTEM_FOLDERS: [&str; 6] = [
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "@eadir",
    "#recycle",
    "found.000",
];

/// Whether a folder called `folder` inside one called `parent` is left out.
pub(super) fn is_folder(folder: &str, parent: &str) -> bool {
    let folder = folder.to_lowercase();
    let folder = folder.as_str();
    SYSTEM_FOLDERS.contains(&folder)
        || FOLDERS.contains(&folder)
        || (FOLDERS_OF_FILM.contains(&folder) && name::is_film_folder(parent))
}

/// Whether a file called `file` inside a folder called `parent` is left out.
pub(super) fn is_file(file: &str, parent: &str) -> bool {
    let lower = file.to_lowercase();
    let stem = lower
        .rsplit_once('.')
        .map_or(lower.as_str(), |(stem, _)| stem);
    let ends = |ends: &[&str]| ends.iter().any(|end| stem.ends_with(end));
    stem == "sample"
        || stem == "trailer"
        || ends(&ENDS)
        || (ends(&ENDS_OF_FILM) && name::is_film_folder(parent))
}

#[cfg(test)]
mod tests {
    use super::{is_file, is_folder};

    #[test]
    fn extras_are_left_out() {
        for folder in [
            "Extras",
            "trailers",
            "Sample",
            "Behind The Scenes",
            "@eaDir",
        ] {
            assert!(is_folder(folder, "Films"), "{folder}");
        }
        for file in ["sample.mkv", "Film (1999)-trailer.mp4", "film-sample.mkv"] {
            assert!(is_file(file, "Films"), "{file}");
        }
        assert!(is_folder("Clips", "Film (1999)"));
        assert!(is_file("Opening-scene.mkv", "Film (1999)"));
    }

    #[test]
    fn collections_with_such_names_stay() {
        assert!(!is_folder("Clips", "My Videos"));
        assert!(!is_folder("Season 1", "Show (1999)"));
        for file in [
            "bunny-clip.mp4",
            "The Trailer Park (2003).mkv",
            "big-short.mkv",
        ] {
            assert!(!is_file(file, "My Videos"), "{file}");
        }
    }
}
