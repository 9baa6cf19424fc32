//! How a section may be searched: what a list tells when asked with `includeMeta=1`.

use super::item::Kind;
use super::library::{Section, SectionKind};
use super::node::Node;

/// Fields that lists can be filtered by, and what kind of field each is.
const FIELDS: [(&str, &str); 5] = [
    ("title", "string"),
    ("guid", "guid"),
    ("year", "integer"),
    ("addedAt", "date"),
    ("updatedAt", "date"),
];

const SORTS: [&str; 3] = ["addedAt", "updatedAt", "titleSort"];

/// Operators of a kind of field.
const OPERATORS: [(&str, &[(&str, &str)]); 3] = [
    ("string", &[("=", "contains"), ("==", "is")]),
    ("integer", &[("=", "is"), (">>=", "is greater than")]),
    ("date", &[(">>=", "is after"), ("<<=", "is before")]),
];

pub(crate) fn node(section: &Section) -> Node {
    let kinds: &[Kind] = match section.kind {
        SectionKind::Films | SectionKind::OtherVideos => &[Kind::Film],
        SectionKind::Shows => &[Kind::Show, Kind::Season, Kind::Episode],
    };
    let key = section.key;
    let types = kinds.iter().map(|kind| {
        let path = format!("/library/sections/{key}/all?type={}", kind.number());
        Node::new("Type")
            .with("key", path)
            .with("type", kind.name())
            .with("title", kind.name())
            .with("active", *kind == section.kind.rows())
            .children(SORTS.map(|sort| {
                Node::new("Sort")
                    .with("key", sort)
                    .with("descKey", format!("{sort}:desc"))
                    .with("defaultDirection", "asc")
                    .with("title", sort)
            }))
            .children(FIELDS.map(|(field, kind)| {
                Node::new("Field")
                    .with("key", field)
                    .with("title", field)
                    .with("type", kind)
            }))
    });
    let field_types = OPERATORS.into_iter().map(|(kind, operators)| {
        let operators = operators.iter().map(|(key, title)| {
            Node::new("Operator")
                .with("key", *key)
                .with("title", *title)
        });
        Node::new("FieldType")
            .with("type", kind)
            .children(operators)
    });
    Node::alone("Meta").children(types).children(field_types)
}
