//! Languages by one code each: the three letters of ISO 639-2, in the terminological form where
//! there are two (`deu`, not `ger`), so that equal languages are equal texts.

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

/// Bibliographic codes (ISO 639-2/B), which Matroska writes.
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

/// The code of a language that is written as ISO 639-1 (`de`), as either form of ISO 639-2 (`ger`,
/// `deu`) or as a tag of BCP 47 (`de-CH`), in whatever case; `None` for what is no language.
#[must_use]
pub fn code(tag: &str) -> Option<String> {
    let primary = tag.split(['-', '_']).next()?.to_ascii_lowercase();
    let known = SHORT.iter().chain(&BIBLIOGRAPHIC);
    let known = known.copied().find(|(from, _)| *from == primary);
    if let Some((_, code)) = known {
        return Some(code.to_owned());
    }
    let letters = primary.len() == 3 && primary.bytes().all(|byte| byte.is_ascii_lowercase());
    (letters && primary != "und").then_some(primary)
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn every_way_of_writing_a_language_gives_one_code() {
        for (tag, language) in [
            ("ger", Some("deu")),
            ("deu", Some("deu")),
            ("de", Some("deu")),
            ("de-CH", Some("deu")),
            ("DE", Some("deu")),
            ("en_US", Some("eng")),
            ("es-419", Some("spa")),
            ("pt-BR", Some("por")),
            ("yue", Some("yue")),
            ("und", None),
            ("xx", None),
            ("x", None),
            ("", None),
            ("d\u{fc}t", None),
        ] {
            assert_eq!(code(tag).as_deref(), language, "{tag}");
        }
    }
}
