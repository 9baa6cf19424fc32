//! Languages by their three letters (ISO 639-2).

/// The languages that have two codes: Matroska writes the first, MP4 the second.
const TWICE: [(&str, &str); 20] = [
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

/// Whether two codes name the same language.
pub(super) fn same_language(one: &str, other: &str) -> bool {
    one == other
        || TWICE
            .iter()
            .any(|(b, t)| (one, other) == (*b, *t) || (one, other) == (*t, *b))
}

#[cfg(test)]
mod tests {
    use super::same_language;

    #[test]
    fn both_codes_of_a_language_are_the_same() {
        assert!(same_language("ger", "deu"));
        assert!(same_language("zho", "chi"));
        assert!(same_language("eng", "eng"));
        assert!(!same_language("eng", "deu"));
        assert!(!same_language("ger", "fra"));
    }
}
