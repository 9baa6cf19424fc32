//! Languages by one code each, in whatever way a container or the owner writes them: ISO 639-2, the
//! terminological code where there are two.

/// Codes of two letters (ISO 639-1) that films come in.
const SHORT: [(&str, &str); 46] = [
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
    ("nb", "nob"),
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
    ("vi", "vie"),
    ("zh", "zho"),
];

/// The languages that have two codes of three letters: the bibliographic one, which Matroska
/// writes, and the terminological one.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// The code of a language that is written as ISO 639-1, ISO 639-2 or a tag of BCP 47, of which the
/// first part counts; `None` where it is undetermined or no such code.
#[must_use]
pub fn code(written: &str) -> Option<String> {
    let letters = letters(written)?;
    Some(letters.into_iter().map(char::from).collect())
}

/// Whether two ways of writing name the same language.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || letters(one).is_some_and(|one| letters(other) == Some(one))
}

fn letters(written: &str) -> Option<[u8; 3]> {
    let first = written.split(['-', '_']).next()?;
    let known = |table: &[(&str, &'static str)]| {
        let entry = table
            .iter()
            .find(|(from, _)| first.eq_ignore_ascii_case(from));
        entry.map(|(_, to)| *to)
    };
    let code = known(&SHORT).or_else(|| known(&BIBLIOGRAPHIC));
    let letters: [u8; 3] = code.unwrap_or(first).as_bytes().try_into().ok()?;
    let letters = letters.map(|letter| letter.to_ascii_lowercase());
    let is_code = letters.iter().all(u8::is_ascii_lowercase) && &letters != b"und";
    is_code.then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::{code, is_same};

    #[test]
    fn every_way_of_writing_a_language_gives_one_code() {
        for (written, wanted) in [
            ("ger", Some("deu")),
            ("deu", Some("deu")),
            ("DEU", Some("deu")),
            ("de-CH", Some("deu")),
            ("en_US", Some("eng")),
            ("es-419", Some("spa")),
            ("yue", Some("yue")),
            ("und", None),
            ("xx", None),
            ("", None),
        ] {
            assert_eq!(code(written).as_deref(), wanted, "{written:?}");
        }
    }

    #[test]
    fn both_codes_of_a_language_are_the_same() {
        assert!(is_same("ger", "deu") && is_same("zho", "chi") && is_same("eng", "en"));
        assert!(!is_same("eng", "deu") && !is_same("ger", "fra"));
        assert!(!is_same("und", "xx"));
    }
}
