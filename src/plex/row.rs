//! Reading what a server says, leniently: a number may come as text and text as a number, `true` as
//! `1` or `"1"`, one thing as a list of one, and anything may be missing or of another kind. What
//! cannot be taken is left out; nothing here fails.

use crate::limits;
use serde_json::{Map, Value};
use std::str::FromStr;

/// An object of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a>(&'a Map<String, Value>);

impl<'a> Row<'a> {
    /// The object that a value is, if it is one.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// The object below a name.
    pub(super) fn row(self, name: &str) -> Option<Self> {
        self.0.get(name).and_then(Self::of)
    }

    /// The objects below a name: a list of them, or one by itself; at most `most`.
    pub(super) fn rows(self, name: &str, most: usize) -> impl Iterator<Item = Row<'a>> {
        let values = match self.0.get(name) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        values.iter().filter_map(Self::of).take(most)
    }

    /// A whole number that fits. A fraction is cut off.
    pub(super) fn number<N: FromStr>(self, name: &str) -> Option<N> {
        match self.0.get(name)? {
            Value::Number(number) => whole(&number.to_string()),
            Value::String(text) => whole(text.trim()),
            _ => None,
        }
    }

    /// A number that may have a fraction.
    pub(super) fn decimal(self, name: &str) -> Option<f32> {
        let number: f32 = match self.0.get(name)? {
            Value::Number(number) => number.to_string().parse().ok()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// Yes or no, where said.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) => match text.trim() {
                "1" | "true" => Some(true),
                "0" | "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Words, of which the end is cut off where they are too many; none that are empty.
    pub(super) fn words(self, name: &str, most: usize) -> Option<String> {
        let text = self.raw(name)?;
        let text = shortened(text.trim(), most);
        let clean = text.chars().filter(|one| !one.is_control() || *one == '\n');
        Some(clean.collect::<String>()).filter(|text| !text.is_empty())
    }

    /// A short line of words.
    pub(super) fn line(self, name: &str) -> Option<String> {
        let line = self.words(name, limits::TEXT_BYTES)?;
        Some(line.replace('\n', " "))
    }

    /// A name that means something else when it is cut off: it is left out where it is too long.
    pub(super) fn name(self, name: &str) -> Option<String> {
        let text = self.raw(name)?;
        let fits = !text.is_empty() && text.len() <= limits::PLEX_KEY_BYTES;
        (fits && !text.chars().any(char::is_control)).then_some(text)
    }

    /// The key of an item or a section: letters, digits, dashes, so that it can stand in a path.
    pub(super) fn key(self, name: &str) -> Option<String> {
        self.name(name).filter(|key| is_key(key))
    }

    /// The words of tags (`"Genre": [{"tag": "Western"}]`).
    pub(super) fn tags(self, name: &str, word: &str) -> Vec<String> {
        let tags = self.rows(name, limits::PLEX_TAGS);
        tags.filter_map(|tag| tag.line(word)).collect()
    }

    fn raw(self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Whether a key can stand in a path, and in a list with commas, and be kept.
pub(super) fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !key.is_empty() && key.len() <= limits::TEXT_BYTES && key.bytes().all(plain)
}

fn whole<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        // Beyond that a fraction cannot be told from none, and nothing of Plex is that much.
        let sane = number.is_finite() && number.abs() < 1e15;
        sane.then(|| format!("{:.0}", number.trunc()))?.parse().ok()
    })
}

/// The beginning of a text, of at most so many bytes.
pub(super) fn shortened(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{Row, limits};
    use serde_json::{Value, json};

    fn with(value: Value) -> Value {
        json!({ "it": value })
    }

    #[test]
    fn numbers_come_as_text_and_as_fractions() {
        for (value, expected) in [
            (json!(133_000_000_000_u64), Some(133_000_000_000)),
            (json!("101816"), Some(101_816)),
            (json!(" 7 "), Some(7)),
            (json!("2.20"), Some(2)),
            (json!(6.8), Some(6)),
            (json!(u64::MAX), Some(u64::MAX)),
            (json!(-1), None),
            (json!("1e300"), None),
            (json!("NaN"), None),
            (json!(""), None),
            (json!(true), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            let value = with(value);
            assert_eq!(Row::of(&value).unwrap().number("it"), expected, "{value}");
        }
        let value = with(json!(300));
        assert_eq!(Row::of(&value).unwrap().number::<u8>("it"), None);
        assert_eq!(Row::of(&value).unwrap().number::<i64>("none"), None);
    }

    #[test]
    fn ratings_come_with_and_without_a_fraction() {
        for (value, expected) in [
            (json!(6), Some(6.0)),
            (json!(6.8), Some(6.8)),
            (json!("7.1"), Some(7.1)),
            (json!("inf"), None),
            (json!({}), None),
        ] {
            let value = with(value);
            assert_eq!(Row::of(&value).unwrap().decimal("it"), expected, "{value}");
        }
    }

    #[test]
    fn flags_come_in_five_forms() {
        for (value, expected) in [
            (json!(true), Some(true)),
            (json!(1), Some(true)),
            (json!("1"), Some(true)),
            (json!("true"), Some(true)),
            (json!(0), Some(false)),
            (json!("0"), Some(false)),
            (json!("maybe"), None),
            (json!(null), None),
        ] {
            let value = with(value);
            assert_eq!(Row::of(&value).unwrap().flag("it"), expected, "{value}");
        }
    }

    #[test]
    fn words_are_cut_at_a_letter_and_names_not_at_all() {
        let value = with(json!("Käse\u{0}\u{7}"));
        let row = Row::of(&value).unwrap();
        assert_eq!(row.words("it", 2).unwrap(), "K");
        assert_eq!(row.line("it").unwrap(), "Käse");
        assert_eq!(row.name("it"), None);
        let value = with(json!("x".repeat(2_000)));
        let row = Row::of(&value).unwrap();
        assert_eq!((row.line("it").unwrap().len(), row.name("it")), (512, None));
        let value = with(json!("  "));
        assert_eq!(Row::of(&value).unwrap().line("it"), None);
        let value = with(json!(1984));
        assert_eq!(Row::of(&value).unwrap().line("it").unwrap(), "1984");
    }

    #[test]
    fn a_key_cannot_lead_elsewhere() {
        for (value, expected) in [
            (json!("28550"), Some("28550")),
            (json!(28550), Some("28550")),
            (json!("../1"), None),
            (json!("1,2"), None),
            (json!("1?x=1"), None),
            (json!(""), None),
            // The store would not take it, and with it nothing of its page.
            (json!("1".repeat(limits::TEXT_BYTES + 1)), None),
        ] {
            let value = with(value);
            let key = Row::of(&value).unwrap().key("it");
            assert_eq!(key.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn one_thing_is_a_list_of_one() {
        for (value, expected) in [
            (json!([{}, 7, {}, {}]), 2),
            (json!({}), 1),
            (json!([]), 0),
            (json!("x"), 0),
        ] {
            let value = with(value);
            assert_eq!(
                Row::of(&value).unwrap().rows("it", 2).count(),
                expected,
                "{value}"
            );
        }
    }
}
