//! What the machine is called on its network: one label of letters, digits and dashes (RFC 1123).

/// The name of a box that has none of its own.
pub const NAME: &str = "exstreamtv";

/// Longest label.
const LABEL_BYTES: usize = 63;

/// A host name that looks like what the owner calls the box.
#[must_use]
pub fn host_name(name: &str) -> String {
    let mut label = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        match plain(letter) {
            "" if letter.is_ascii_alphanumeric() => label.push(letter),
            // Marks within a word leave no gap: "Dad's box".
            "" if matches!(letter, '\'' | '\u{2019}' | '.') => {}
            "" if label.ends_with('-') => {}
            "" => label.push('-'),
            plain => label.push_str(plain),
        }
    }
    label.truncate(LABEL_BYTES);
    let label = label.trim_matches('-');
    if label.is_empty() || label == "localhost" || label.bytes().all(|one| one.is_ascii_digit()) {
        NAME.to_owned()
    } else {
        label.to_owned()
    }
}

/// How a letter is written where there are only those of ASCII; empty where it is not known.
fn plain(letter: char) -> &'static str {
    match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ł' => "l",
        'ñ' | 'ń' => "n",
        'ò' | 'ó' | 'ô' | 'õ' => "o",
        'ś' | 'š' => "s",
        'ù' | 'ú' | 'û' => "u",
        'ý' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::host_name;

    #[test]
    fn a_name_becomes_a_label() {
        for (name, label) in [
            ("Living room", "living-room"),
            ("  K\u{fc}che & Bad!  ", "kueche-bad"),
            ("Caf\u{e9}", "cafe"),
            ("Dad's box", "dads-box"),
            ("\u{5c45}\u{9593}", "exstreamtv"),
            ("", "exstreamtv"),
            ("---", "exstreamtv"),
            ("LocalHost", "exstreamtv"),
            ("1984", "exstreamtv"),
        ] {
            assert_eq!(host_name(name), label);
        }
        assert_eq!(host_name(&"x".repeat(200)).len(), 63);
    }
}
