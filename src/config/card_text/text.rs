//! The file as text, in whichever way the editor wrote it: UTF-8 with or without a mark, UTF-16, or
//! the single bytes of an old Windows, which are taken as Latin-1.

/// The file's text, with how its bytes say it.
pub(super) struct Text {
    encoding: Encoding,
    /// Whether a byte order mark stands in front.
    is_marked: bool,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
    Latin1,
}

/// The byte order mark.
const MARK: char = '\u{feff}';

impl Text {
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let encoding = encoding_of(bytes);
        let text = match encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Latin1 => bytes.iter().copied().map(char::from).collect(),
            Encoding::Utf16Little => from_utf16(bytes, u16::from_le_bytes),
            Encoding::Utf16Big => from_utf16(bytes, u16::from_be_bytes),
        };
        match text.strip_prefix(MARK) {
            Some(rest) => Self {
                encoding,
                is_marked: true,
                text: rest.to_owned(),
            },
            None => Self {
                encoding,
                is_marked: false,
                text,
            },
        }
    }

    /// Another text, said in the way of this one.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        let mark = self.is_marked.then_some(MARK);
        let letters = mark.into_iter().chain(text.chars());
        match self.encoding {
            Encoding::Utf8 => letters.collect::<String>().into_bytes(),
            Encoding::Latin1 => letters
                .map(|one| u8::try_from(one).unwrap_or(b'?'))
                .collect(),
            Encoding::Utf16Little => to_utf16(letters, u16::to_le_bytes),
            Encoding::Utf16Big => to_utf16(letters, u16::to_be_bytes),
        }
    }

    /// Its lines, without their ends.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines()
    }

    /// Its lines, with their ends.
    pub(super) fn whole_lines(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive('\n')
    }
}

/// A line's key and value, as they stand there; `None` where it has neither `=` nor `:`.
pub(super) fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(['=', ':'])?;
    Some((name.trim(), value.trim()))
}

fn encoding_of(bytes: &[u8]) -> Encoding {
    match bytes {
        [0xff, 0xfe, ..] => Encoding::Utf16Little,
        [0xfe, 0xff, ..] => Encoding::Utf16Big,
        // No key begins with anything but a letter of ASCII.
        [1..=255, 0, ..] => Encoding::Utf16Little,
        [0, 1..=255, ..] => Encoding::Utf16Big,
        _ if std::str::from_utf8(bytes).is_ok() => Encoding::Utf8,
        _ => Encoding::Latin1,
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (units, _) = bytes.as_chunks();
    let letters = char::decode_utf16(units.iter().copied().map(unit));
    letters
        .map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn to_utf16(letters: impl Iterator<Item = char>, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text: String = letters.collect();
    text.encode_utf16().flat_map(bytes).collect()
}
