//! Reading: a header, and then pieces, as far as they can be understood.

use super::{
    Audience, Claim, Entry, HEADER_BYTES, INTERNET, Question, RESPONSE, Record, Section, TOP,
    Value, kind,
};
use crate::discover::mdns::name::Name;
use crate::limits;

/// Operation and outcome, which are 0 in what concerns mDNS.
const NOT_USED: u16 = 0x780F;

/// Any class.
const ANY_CLASS: u16 = 255;

/// A message that has come in.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// What its sender calls it.
    pub id: u16,
    flags: u16,
    counts: [u16; 4],
}

impl<'a> Message<'a> {
    /// Understands the header; `None` where it is not of a message that concerns mDNS.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let flags = u16_at(bytes, 2)?;
        let mut counts = [0; 4];
        for (at, count) in (4..HEADER_BYTES).step_by(2).zip(&mut counts) {
            *count = u16_at(bytes, at)?;
        }
        // RFC 6762 §18.3, §18.11: what is neither of them is ignored.
        (flags & NOT_USED == 0).then_some(Self {
            bytes,
            id: u16_at(bytes, 0)?,
            flags,
            counts,
        })
    }

    /// Whether it is a response; otherwise it asks.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.flags & RESPONSE != 0
    }

    /// Its pieces, up to the first that cannot be understood, or to the limit.
    #[must_use]
    pub fn entries(&self) -> Entries<'a> {
        Entries {
            bytes: self.bytes,
            at: HEADER_BYTES,
            left: self.counts,
            looked_at: 0,
        }
    }
}

/// The pieces of a message.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    left: [u16; 4],
    looked_at: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        const SECTIONS: [Section; 4] = [
            Section::Questions,
            Section::Answers,
            Section::Authorities,
            Section::Additionals,
        ];
        loop {
            let mut sections = SECTIONS.iter().zip(&mut self.left);
            let (section, left) = sections.find(|(_, left)| **left > 0)?;
            *left -= 1;
            self.looked_at += 1;
            if self.looked_at > limits::DNS_ENTRIES {
                return None;
            }
            let read = match section {
                Section::Questions => question(self.bytes, self.at),
                section => record(self.bytes, self.at, *section),
            };
            let Some((entry, behind)) = read else {
                // What follows cannot be found.
                self.left = [0; 4];
                return None;
            };
            self.at = behind;
            if let Some(entry) = entry {
                return Some(entry);
            }
        }
    }
}

/// Reads a piece, and where the next one begins; one of another class than the Internet's is passed
/// over.
type Read<'a> = Option<(Option<Entry<'a>>, usize)>;

fn question<'a>(bytes: &'a [u8], at: usize) -> Read<'a> {
    let (name, at) = Name::read(bytes, at)?;
    let (number, class) = (u16_at(bytes, at)?, u16_at(bytes, at.checked_add(2)?)?);
    let audience = if class & TOP == 0 {
        Audience::All
    } else {
        Audience::Asker
    };
    let question = matches!(class & !TOP, INTERNET | ANY_CLASS).then_some(Question {
        name,
        kind: number,
        audience,
    });
    Some((question.map(Entry::Question), at.checked_add(4)?))
}

fn record<'a>(bytes: &'a [u8], at: usize, section: Section) -> Read<'a> {
    let (name, at) = Name::read(bytes, at)?;
    let (number, class) = (u16_at(bytes, at)?, u16_at(bytes, at.checked_add(2)?)?);
    let ttl = bytes.get(at.checked_add(4)?..)?.first_chunk()?;
    let length = u16_at(bytes, at.checked_add(8)?)?;
    let from = at.checked_add(10)?;
    let end = from.checked_add(usize::from(length))?;
    // Pointers lead to before; nothing in a value may lie behind it.
    let value = value(bytes.get(..end)?, number, from)?;
    let record = Record {
        name,
        claim: if class & TOP == 0 {
            Claim::Shared
        } else {
            Claim::Unique
        },
        ttl_s: u32::from_be_bytes(*ttl),
        value,
    };
    let record = (class & !TOP == INTERNET).then_some(Entry::Record(section, record));
    Some((record, end))
}

/// Reads what a record says, which begins there and ends with the bytes.
fn value(bytes: &[u8], number: u16, from: usize) -> Option<Value<'_>> {
    let raw = bytes.get(from..)?;
    Some(match number {
        kind::A => Value::A(<[u8; 4]>::try_from(raw).ok()?.into()),
        kind::AAAA => Value::Aaaa(<[u8; 16]>::try_from(raw).ok()?.into()),
        kind::PTR => Value::Ptr(Name::read(bytes, from)?.0),
        kind::SRV => Value::Srv {
            rank: [u16_at(raw, 0)?, u16_at(raw, 2)?],
            port: u16_at(raw, 4)?,
            host: Name::read(bytes, from.checked_add(6)?)?.0,
        },
        kind::TXT => Value::Txt(raw),
        kind::NSEC => {
            let (next, behind) = Name::read(bytes, from)?;
            Value::Nsec(next, bytes.get(behind..)?)
        }
        other => Value::Other(other, raw),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*two))
}
