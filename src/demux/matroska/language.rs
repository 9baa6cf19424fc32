//! Which language a track is in.

use crate::media::language;

/// The code of a track whose `Language` and `LanguageBCP47` are these. The second one counts where
/// both are there; where neither is, the standard says English (RFC 9559 §5.1.4.1.20).
pub(super) fn of_track(language: Option<&str>, bcp47: Option<&str>) -> String {
    let tag = bcp47.or(language).unwrap_or("eng");
    language::code(tag).unwrap_or_else(|| "und".to_owned())
}

#[cfg(test)]
mod tests {
    use super::of_track;

    #[test]
    fn the_tag_counts_before_the_code_and_english_where_there_is_neither() {
        for (language, bcp47, code) in [
            (None, None, "eng"),
            (Some("ger"), None, "deu"),
            (Some("eng"), Some("de-CH"), "deu"),
            (Some("xx"), None, "und"),
            (Some(""), None, "und"),
        ] {
            assert_eq!(of_track(language, bcp47), code, "{language:?} {bcp47:?}");
        }
    }
}
