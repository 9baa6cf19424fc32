//! Tracks that only their title tells from the main version.

/// Words in the titles of tracks on which somebody talks over the film, or describes it.
const WORDS: [&str; 8] = [
    "commentary",
    "comments",
    "commentaire",
    "kommentar",
    "audio description",
    "audiodescription",
    "descriptive",
    "described",
];

/// Whether a title says that the track is not the main version.
pub(super) fn is_named(title: &str) -> bool {
    let title = title.to_lowercase();
    WORDS.iter().any(|word| title.contains(word))
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn commentary_is_told_by_its_title() {
        for title in [
            "Director's Commentary",
            "English (Audio Description)",
            "Kommentar der Regie",
        ] {
            assert!(is_named(title), "{title}");
        }
        assert!(!is_named("Stereo") && !is_named(""));
    }
}
