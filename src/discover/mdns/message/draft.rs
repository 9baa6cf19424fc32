//! Writing: pieces in order of their sections, as many as there is room for.

use super::{
    Audience, Claim, HEADER_BYTES, INTERNET, Question, RESPONSE, Record, Section, TOP, Value,
};
use crate::discover::mdns::name::Name;
use crate::limits;
use heapless::Vec as Few;

/// The flags of a response, which is the word of whoever owns the name.
const ANSWERS: u16 = RESPONSE | 0x0400;

/// What makes a place a pointer to it, and the furthest place to which one leads.
const POINTER: u16 = 0xC000;
const REACH: usize = 0x3FFF;

/// A message that is being written, with its pieces in order of their sections.
#[derive(Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    section: Section,
    counts: [u16; 4],
    /// Where labels begin to which a pointer can lead.
    marks: Few<u16, { limits::DNS_MARKS }>,
}

/// What could not be written: there is no room for it, or a later section has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Draft {
    /// A message that asks.
    #[must_use]
    pub fn question() -> Self {
        Self::new(0, 0)
    }

    /// One that answers what its asker calls by this id.
    #[must_use]
    pub fn response(id: u16) -> Self {
        Self::new(id, ANSWERS)
    }

    fn new(id: u16, flags: u16) -> Self {
        let mut bytes = Vec::with_capacity(limits::MDNS_DRAFT_BYTES);
        bytes.extend_from_slice(&id.to_be_bytes());
        bytes.extend_from_slice(&flags.to_be_bytes());
        bytes.resize(HEADER_BYTES, 0);
        Self {
            bytes,
            section: Section::Questions,
            counts: [0; 4],
            marks: Few::new(),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// [`Full`]; the message is as before.
    pub fn ask(&mut self, question: &Question) -> Result<(), Full> {
        let class = match question.audience {
            Audience::All => INTERNET,
            Audience::Asker => INTERNET | TOP,
        };
        self.add(Section::Questions, |draft| {
            draft.name(&question.name);
            draft.number(question.kind);
            draft.number(class);
        })
    }

    /// Says.
    ///
    /// # Errors
    /// [`Full`]; the message is as before.
    pub fn say(&mut self, section: Section, record: &Record<'_>) -> Result<(), Full> {
        let class = match record.claim {
            Claim::Shared => INTERNET,
            Claim::Unique => INTERNET | TOP,
        };
        self.add(section, |draft| {
            draft.name(&record.name);
            draft.number(record.value.kind());
            draft.number(class);
            draft.bytes.extend_from_slice(&record.ttl_s.to_be_bytes());
            let length_at = draft.bytes.len();
            draft.number(0);
            match &record.value {
                Value::Ptr(name) => draft.name(name),
                // Who only knows DNS follows no pointer in the others (RFC 6762 §18.14).
                value => draft.bytes.extend(value.bytes()),
            }
            let length = draft.bytes.len().saturating_sub(length_at + 2);
            let length = u16::try_from(length).unwrap_or(u16::MAX);
            draft.overwrite(length_at, length);
        })
    }

    /// How many records it says.
    #[must_use]
    pub fn said(&self) -> usize {
        let [_, said @ ..] = self.counts;
        said.iter().copied().map(usize::from).sum()
    }

    /// The message as it is sent.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        for (count, at) in self.counts.into_iter().zip((4..).step_by(2)) {
            self.overwrite(at, count);
        }
        self.bytes
    }

    fn add(&mut self, section: Section, write: impl FnOnce(&mut Self)) -> Result<(), Full> {
        if section < self.section {
            return Err(Full);
        }
        let (bytes, marks) = (self.bytes.len(), self.marks.len());
        write(self);
        if self.bytes.len() > limits::MDNS_DRAFT_BYTES {
            self.bytes.truncate(bytes);
            self.marks.truncate(marks);
            return Err(Full);
        }
        self.section = section;
        let [questions, answers, authorities, additionals] = &mut self.counts;
        *match section {
            Section::Questions => questions,
            Section::Answers => answers,
            Section::Authorities => authorities,
            Section::Additionals => additionals,
        } += 1;
        Ok(())
    }

    /// Writes a name, with a pointer for the longest end that stands in the message already.
    fn name(&mut self, name: &Name) {
        let begin = self.bytes.len();
        let known = name.starts().find_map(|start| {
            let end = name.wire().get(start..)?;
            let is_there = |mark: &&u16| {
                let there = Name::read(&self.bytes, usize::from(**mark));
                there.is_some_and(|(there, _)| there.wire() == end)
            };
            self.marks.iter().find(is_there).map(|mark| (start, *mark))
        });
        let (new, pointer) = match known {
            Some((start, mark)) => (name.wire().get(..start), Some(mark)),
            None => (Some(name.wire()), None),
        };
        let new = new.unwrap_or_default();
        for start in name.starts().take_while(|start| *start < new.len()) {
            let at = u16::try_from(begin + start).ok();
            let within = at.filter(|at| usize::from(*at) <= REACH);
            // Without a mark it stands there once more.
            let _ = within.map(|at| self.marks.push(at));
        }
        self.bytes.extend_from_slice(new);
        if let Some(mark) = pointer {
            self.number(mark | POINTER);
        }
    }

    fn number(&mut self, number: u16) {
        self.bytes.extend_from_slice(&number.to_be_bytes());
    }

    fn overwrite(&mut self, at: usize, number: u16) {
        if let Some(place) = self.bytes.get_mut(at..at.saturating_add(2)) {
            place.copy_from_slice(&number.to_be_bytes());
        }
    }
}
