//! Languages of tracks, as ISO 639-2 codes.

/// Codes of two letters (ISO 639-1) that films come in, with their ISO 639-2 code.
const SHORT: [(&str, &str); 44] = [
    ("ar", "ara"),
    ("bg", "bul"),
    ("bn", "ben"),
    ("ca", "cat"),
    ("cs", "ces"),
    ("cy", "cym"),
    ("da", "dan"),
    ("de", "deu"),
    ("el", "ell"),
    ("en", "eng"),
    ("es", "spa"),
    ("et", "est"),
    ("eu", "eus"),
    ("fa", "fas"),
    ("fi", "fin"),
    ("fr", "fra"),
    ("ga", "gle"),
    ("gl", "glg"),
    ("he", "heb"),
    ("hi", "hin"),
    ("hr", "hrv"),
    ("hu", "hun"),
    ("id", "ind"),
    ("is", "isl"),
    ("it", "ita"),
    ("ja", "jpn"),
    ("ko", "kor"),
    ("lt", "lit"),
    ("lv", "lav"),
    ("ms", "msa"),
    ("nl", "nld"),
    ("no", "nor"),
    ("pl", "pol"),
    ("pt", "por"),
    ("ro", "ron"),
    ("ru", "rus"),
    ("sk", "slk"),
    ("sl", "slv"),
    ("sr", "srp"),
    ("sv", "swe"),
    ("th", "tha"),
    ("tr", "tur"),
    ("uk", "ukr"),
    ("zh", "zho"),
];

/// QuickTime's numbers for languages, from 0 on, as far as they are common.
const MACINTOSH: [&str; 24] = [
    "eng", "fra", "deu", "ita", "nld", "swe", "spa", "dan", "por", "nor", "heb", "jpn", "ara",
    "fin", "ell", "isl", "mlt", "tur", "hrv", "zho", "urd", "hin", "tha", "kor",
];

/// What `mdhd` says: three letters of five bits, or a number of QuickTime's.
pub(super) fn of_media_header(code: u16) -> Option<String> {
    if code < 0x400 {
        let language = MACINTOSH.get(usize::from(code))?;
        return Some((*language).to_owned());
    }
    let letter = |shift: u16| {
        u8::try_from(code >> shift & 0x1F)
            .unwrap_or(0)
            .wrapping_add(0x60)
    };
    let letters = [letter(10), letter(5), letter(0)];
    let valid = code < 0x8000 && letters.iter().all(u8::is_ascii_lowercase);
    let text = valid.then(|| letters.iter().copied().map(char::from).collect::<String>())?;
    (text != "und").then_some(text)
}

/// What `elng` says: a tag of BCP 47, of which the first part counts.
pub(super) fn of_tag(tag: &str) -> Option<String> {
    let first = tag.split(['-', '_']).next()?.to_ascii_lowercase();
    match first.len() {
        2 => SHORT
            .iter()
            .find(|(short, _)| *short == first)
            .map(|(_, long)| (*long).to_owned()),
        3 if first != "und" && first.bytes().all(|byte| byte.is_ascii_lowercase()) => Some(first),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_letters_macintosh_numbers_and_tags_are_understood() {
        assert_eq!(of_media_header(0x15C7).as_deref(), Some("eng"));
        assert_eq!(of_media_header(0x55C4), None, "und");
        assert_eq!(of_media_header(2).as_deref(), Some("deu"));
        assert_eq!(of_media_header(0x7FFF), None);
        assert_eq!(of_media_header(999), None);
        assert_eq!(of_tag("pt-BR").as_deref(), Some("por"));
        assert_eq!(of_tag("deu").as_deref(), Some("deu"));
        assert_eq!(of_tag("x"), None);
    }
}
