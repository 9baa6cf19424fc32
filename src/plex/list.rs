//! Lists of rows: `{"MediaContainer": {"Metadata": [...]}}`, taken apart row by row, so that a row
//! that is broken costs only itself.

use super::row::{Row, shortened};
use crate::limits;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// What is around the rows of a list.
#[derive(Debug)]
pub(super) struct List<'a> {
    rows: Vec<&'a RawValue>,
    /// How many rows there are in all, where the list is paged.
    pub(super) total: Option<usize>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "MediaContainer")]
    container: Container<'a>,
}

#[derive(Deserialize)]
struct Container<'a> {
    #[serde(borrow, default, rename = "Metadata")]
    metadata: Option<Rows<'a>>,
    #[serde(borrow, default, rename = "Directory")]
    directory: Option<Rows<'a>>,
    #[serde(default, rename = "totalSize")]
    total: Option<Value>,
}

/// At most `limits::PLEX_ROWS` values, of which nothing is understood yet.
struct Rows<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Vec<&'de RawValue>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(row) = rows.next_element()? {
                    if all.len() >= limits::PLEX_ROWS {
                        return Err(A::Error::custom("it has too many rows"));
                    }
                    all.push(row);
                }
                Ok(all)
            }
        }
        from.deserialize_seq(Each).map(Self)
    }
}

impl<'a> List<'a> {
    /// A list of a server. What has no rows is an empty one: they are left out then.
    pub(super) fn of_container(text: &'a [u8]) -> serde_json::Result<Self> {
        let Envelope { container } = serde_json::from_slice(text)?;
        let rows = container.metadata.or(container.directory);
        let total = serde_json::json!({ "total": container.total });
        Ok(Self {
            rows: rows.map(|rows| rows.0).unwrap_or_default(),
            total: Row::of(&total).and_then(|row| row.number("total")),
        })
    }

    /// A plain list, as plex.tv gives it.
    pub(super) fn of_array(text: &'a [u8]) -> serde_json::Result<Self> {
        let rows: Rows<'a> = serde_json::from_slice(text)?;
        Ok(Self {
            rows: rows.0,
            total: None,
        })
    }

    /// How many rows came.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What `understand` makes of each row, and why it could not of the others, in words that end
    /// with what they are about.
    pub(super) fn each<T>(
        &self,
        understand: impl Fn(Row<'_>) -> Result<T, &'static str>,
    ) -> (Vec<T>, Vec<String>) {
        let mut understood = Vec::with_capacity(self.rows.len());
        let mut dropped = Vec::new();
        for (at, raw) in self.rows.iter().enumerate() {
            match one(raw.get(), &understand) {
                Ok(row) => understood.push(row),
                Err(why) => dropped.push(format!("row {at} {why}")),
            }
        }
        (understood, dropped)
    }
}

fn one<T>(
    text: &str,
    understand: impl Fn(Row<'_>) -> Result<T, &'static str>,
) -> Result<T, String> {
    if text.len() > limits::PLEX_ROW_BYTES {
        return Err(format!("has {} bytes", text.len()));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is broken: {error}"))?;
    let row = Row::of(&value).ok_or("is no object")?;
    understand(row).map_err(|why| {
        let said = |name| row.line(name).unwrap_or_else(|| "?".to_owned());
        let title = said("title");
        let title = shortened(&title, 80);
        format!("{why} (key {}, \"{title}\")", said("ratingKey"))
    })
}

#[cfg(test)]
mod tests {
    use super::List;
    use crate::limits;

    fn texts(list: &str) -> (Vec<String>, Vec<String>) {
        let list = List::of_container(list.as_bytes()).unwrap();
        list.each(|row| row.line("title").ok_or("has no title"))
    }

    #[test]
    fn a_broken_row_costs_itself() {
        let (good, dropped) = texts(
            r#"{"MediaContainer":{"size":5,"Metadata":[
                {"title":"One"}, 7, {"ratingKey":"12"}, {"title":"a","x":1e999}, {"title":"Two"}]}}"#,
        );
        assert_eq!(good, ["One", "Two"]);
        assert_eq!(dropped.len(), 3, "{dropped:?}");
        assert_eq!(dropped[0], "row 1 is no object");
        assert_eq!(dropped[1], "row 2 has no title (key 12, \"?\")");
        assert!(dropped[2].starts_with("row 3 is broken"), "{dropped:?}");
    }

    #[test]
    fn an_empty_page_has_no_rows_at_all() {
        for text in [
            r#"{"MediaContainer":{"size":0,"totalSize":"250","offset":250}}"#,
            r#"{"MediaContainer":{"totalSize":250,"Metadata":null}}"#,
            r#"{"MediaContainer":{"totalSize":250,"Metadata":[]}}"#,
        ] {
            let list = List::of_container(text.as_bytes()).unwrap();
            assert_eq!((list.len(), list.total), (0, Some(250)), "{text}");
        }
    }

    #[test]
    fn a_row_that_is_too_large_costs_itself() {
        let long = "x".repeat(limits::PLEX_ROW_BYTES);
        let text = format!(
            r#"{{"MediaContainer":{{"Metadata":[{{"title":"{long}"}},{{"title":"b"}}]}}}}"#
        );
        let (good, dropped) = texts(&text);
        assert_eq!((good.len(), dropped.len()), (1, 1));
    }

    #[test]
    fn too_many_rows_are_refused() {
        let rows = "1,".repeat(limits::PLEX_ROWS);
        let text = format!(r#"{{"MediaContainer":{{"Metadata":[{rows}1]}}}}"#);
        assert!(List::of_container(text.as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", "<html>", "{}", "[]", r#"{"MediaContainer":7}"#] {
            assert!(List::of_container(text.as_bytes()).is_err(), "{text}");
        }
    }
}
