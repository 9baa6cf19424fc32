//! The language of a track in `mdhd` (ISO/IEC 14496-12 §8.4.2, `QuickTime` File Format).

use crate::media::language;

/// QuickTime's numbers for languages, from 0 on, as far as they are common.
const MACINTOSH: [&str; 24] = [
    "eng", "fra", "deu", "ita", "nld", "swe", "spa", "dan", "por", "nor", "heb", "jpn", "ara",
    "fin", "ell", "isl", "mlt", "tur", "hrv", "zho", "urd", "hin", "tha", "kor",
];

/// What `mdhd` says: three letters of five bits, or a number of QuickTime's.
pub(super) fn in_media_header(code: u16) -> Option<String> {
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
    let text = valid.then(|| letters.map(char::from).iter().collect::<String>())?;
    language::code(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_letters_and_macintosh_numbers_are_understood() {
        assert_eq!(in_media_header(0x15C7).as_deref(), Some("eng"));
        assert_eq!(in_media_header(0x55C4), None, "und");
        assert_eq!(in_media_header(2).as_deref(), Some("deu"));
        assert_eq!(in_media_header(0x7FFF), None);
        assert_eq!(in_media_header(999), None);
    }
}
