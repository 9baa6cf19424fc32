//! Languages of tracks: ISO 639-2 as the rest of the box writes it.

/// Two-letter codes (ISO 639-1) of languages that films come in, with their ISO 639-2/T codes.
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

/// Bibliographic codes (ISO 639-2/B), which Matroska writes, with the terminological ones.
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

/// The ISO 639-2/T code of a track whose `Language` and `LanguageBCP47` are these. The second one
/// counts where both are there; where neither is, the standard says English (RFC 9559
/// §5.1.4.1.20).
pub(super) fn iso_639_2(language: Option<&str>, bcp47: Option<&str>) -> String {
    let tag = bcp47.or(language).unwrap_or("eng");
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    let code = primary.to_ascii_lowercase();
    let known = |table: &[(&str, &'static str)]| {
        let entry = table.iter().find(|(from, _)| *from == code);
        entry.map(|(_, to)| (*to).to_owned())
    };
    if let Some(code) = known(&SHORT).or_else(|| known(&BIBLIOGRAPHIC)) {
        return code;
    }
    let three_letters = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if three_letters {
        code
    } else {
        "und".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::iso_639_2;

    #[test]
    fn every_way_of_writing_a_language_gives_one_code() {
        for (language, bcp47, code) in [
            (None, None, "eng"),
            (Some("ger"), None, "deu"),
            (Some("deu"), None, "deu"),
            (Some("eng"), Some("de-CH"), "deu"),
            (Some("en_US"), None, "eng"),
            (Some("spa"), Some("es-419"), "spa"),
            (Some("xx"), None, "und"),
            (Some(""), None, "und"),
            (Some("yue"), None, "yue"),
        ] {
            assert_eq!(iso_639_2(language, bcp47), code, "{language:?} {bcp47:?}");
        }
    }
}
