//! One model of what the server says, and its two encodings: JSON for who asks for it, XML for all
//! others.
//!
//! The two name things differently (`Metadata` is `Video` or `Directory` in XML), write truth
//! differently (`true`, `1`) and nest differently (an array per name, elements in order). A field
//! without a value is not written.

use quick_xml::escape::escape;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::fmt::Write;

/// A value as JSON has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Real(f64),
    Flag(bool),
    /// `null`; nothing in XML.
    Nothing,
}

/// How children of a name are written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In an array.
    List,
    /// As the one object of that name.
    Alone,
    /// As the one array of that name, which holds the node's children.
    Inline,
}

/// An element with its attributes and children.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    json: &'static str,
    xml: &'static str,
    place: Place,
    fields: Vec<(&'static str, Value)>,
    children: Vec<Node>,
}

impl Node {
    /// A node that has the same name in both encodings.
    pub(crate) fn new(name: &'static str) -> Self {
        Self::named(name, name)
    }

    /// A node whose name differs.
    pub(crate) fn named(json: &'static str, xml: &'static str) -> Self {
        Self {
            json,
            xml,
            place: Place::List,
            fields: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The frame of nearly every answer.
    pub(crate) fn container() -> Self {
        Self::new("MediaContainer")
    }

    /// A node that stands alone in JSON, not in an array.
    pub(crate) fn alone(name: &'static str) -> Self {
        Self {
            place: Place::Alone,
            ..Self::new(name)
        }
    }

    /// The same node, an array of its children in JSON.
    pub(crate) fn inline(self) -> Self {
        Self {
            place: Place::Inline,
            ..self
        }
    }

    /// The children of this name in JSON.
    pub(crate) fn named_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Node> {
        let children = self.children.iter_mut();
        children.filter(move |child| child.json == name)
    }

    /// Whether a field has this value.
    pub(crate) fn is(&self, name: &str, value: impl Into<Value>) -> bool {
        let value = value.into();
        let mut fields = self.fields.iter();
        fields.any(|(known, is)| *known == name && *is == value)
    }

    /// With this field; one that is there already gets the new value.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// With this field, if there is a value for it.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some(field) => field.1 = value,
            None => self.fields.push((name, value)),
        }
    }

    pub(crate) fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }

    /// Takes away fields, and children by their name in JSON.
    pub(crate) fn strip(&mut self, fields: &[&str], elements: &[&str]) {
        self.fields.retain(|(name, _)| !fields.contains(name));
        self.children
            .retain(|child| !elements.contains(&child.json));
    }

    /// Writes these fields as text wherever they stand, as some of the server's answers do.
    pub(crate) fn stringify(&mut self, names: &[&str]) {
        for (name, value) in &mut self.fields {
            if names.contains(name) {
                *value = Value::Text(value.to_text());
            }
        }
        for child in &mut self.children {
            child.stringify(names);
        }
    }

    /// The node in JSON, below its own name if it is a container.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        if self.json == "MediaContainer" {
            serde_json::to_vec(&std::collections::BTreeMap::from([(self.json, self)])).unwrap()
        } else {
            serde_json::to_vec(self).unwrap()
        }
    }

    /// What stands in the node, as a JSON array: plex.tv's lists have no frame.
    pub(crate) fn to_json_list(&self) -> Vec<u8> {
        serde_json::to_vec(&self.children).unwrap()
    }

    pub(crate) fn to_xml(&self) -> Vec<u8> {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write_xml(&mut text);
        text.into_bytes()
    }

    fn write_xml(&self, text: &mut String) {
        let _ = write!(text, "<{}", self.xml);
        let is_said = |field: &&(&str, Value)| field.1 != Value::Nothing;
        for (name, value) in self.fields.iter().filter(is_said) {
            let _ = write!(text, " {name}=\"{}\"", escape(value.to_text()));
        }
        if self.children.is_empty() {
            text.push_str("/>\n");
            return;
        }
        text.push_str(">\n");
        for child in &self.children {
            child.write_xml(text);
        }
        let _ = writeln!(text, "</{}>", self.xml);
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        let mut written = Vec::new();
        for child in &self.children {
            if written.contains(&child.json) {
                continue;
            }
            written.push(child.json);
            match child.place {
                Place::Alone => map.serialize_entry(child.json, child)?,
                Place::Inline => map.serialize_entry(child.json, &child.children)?,
                Place::List => {
                    let all = self.children.iter();
                    let alike = all.filter(|other| other.json == child.json);
                    map.serialize_entry(child.json, &alike.collect::<Vec<_>>())?;
                }
            }
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(whole) => serializer.serialize_i64(*whole),
            // Whole ones come without a point, so that a client must take both.
            Self::Real(real) if real.fract() == 0.0 => serializer.serialize_i64(*real as i64),
            Self::Real(real) => serializer.serialize_f64(*real),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

impl Value {
    /// As XML writes it.
    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(whole) => whole.to_string(),
            Self::Real(real) => real.to_string(),
            Self::Flag(flag) => u8::from(*flag).to_string(),
            Self::Nothing => String::new(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Value {
    fn from(whole: i64) -> Self {
        Self::Whole(whole)
    }
}

impl From<u64> for Value {
    fn from(whole: u64) -> Self {
        Self::Whole(i64::try_from(whole).unwrap())
    }
}

impl From<u32> for Value {
    fn from(whole: u32) -> Self {
        Self::Whole(whole.into())
    }
}

impl From<usize> for Value {
    fn from(whole: usize) -> Self {
        Self::Whole(i64::try_from(whole).unwrap())
    }
}

impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
