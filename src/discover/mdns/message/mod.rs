//! Messages of DNS as mDNS uses them (RFC 1035 §4, RFC 6762 §18): read piece by piece from what
//! anybody may have sent, and written.
//!
//! Nothing is kept of what is read, and no more of it is looked at than `limits` says.

mod draft;
mod read;
#[cfg(test)]
mod tests;

pub use draft::{Draft, Full};
pub use read::{Entries, Message};

use super::name::Name;
use heapless::Vec;
use std::cmp::Ordering;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What stands before the first piece: id, flags and four counts.
const HEADER_BYTES: usize = 12;

/// The flag of a response.
const RESPONSE: u16 = 0x8000;

/// The class of the Internet.
const INTERNET: u16 = 1;

/// The bit above the class: an answer is wanted in private, or replaces what was known before.
const TOP: u16 = 0x8000;

/// The numbers of types of records.
pub mod kind {
    /// An address.
    pub const A: u16 = 1;
    /// A name.
    pub const PTR: u16 = 12;
    /// A text.
    pub const TXT: u16 = 16;
    /// An address of IPv6.
    pub const AAAA: u16 = 28;
    /// The place of a service.
    pub const SRV: u16 = 33;
    /// What there is, and that there is nothing else.
    pub const NSEC: u16 = 47;
    /// Any of them.
    pub const ANY: u16 = 255;
}

/// What a message is made of, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What is asked.
    Questions,
    /// What is answered; or known already, in a question.
    Answers,
    /// What is about to be claimed.
    Authorities,
    /// What may be asked next.
    Additionals,
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Something that is asked.
    Question(Question),
    /// Something that is said.
    Record(Section, Record<'a>),
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked about.
    pub name: Name,
    /// The type of records that are wanted, or [`kind::ANY`].
    pub kind: u16,
    /// Whom the answer is for.
    pub audience: Audience,
}

/// Whom an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    All,
    /// The asker alone, as far as it is concerned.
    Asker,
}

/// What a record does to what was known of its name and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It comes to it.
    Shared,
    /// It replaces it.
    Unique,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is about.
    pub name: Name,
    /// Whether others may say more.
    pub claim: Claim,
    /// For how long it is good, in seconds; 0 if it is good no more.
    pub ttl_s: u32,
    /// What it says.
    pub value: Value<'a>,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Where a host is.
    A(Ipv4Addr),
    /// Where it is over IPv6.
    Aaaa(Ipv6Addr),
    /// Another name.
    Ptr(Name),
    /// Where a service is: the port, and the host. There is no other one to choose from, so that
    /// priority and weight mean nothing.
    Srv {
        /// Priority and weight.
        rank: [u16; 2],
        /// The port.
        port: u16,
        /// The host.
        host: Name,
    },
    /// What is to be known of a service.
    Txt(&'a [u8]),
    /// Which types of records there are, and that there is none of another.
    Nsec(Name, &'a [u8]),
    /// Something else: its type, and its bytes as they stand.
    Other(u16, &'a [u8]),
}

impl Value<'_> {
    /// The number of its type.
    #[must_use]
    pub fn kind(&self) -> u16 {
        match self {
            Self::A(_) => kind::A,
            Self::Aaaa(_) => kind::AAAA,
            Self::Ptr(_) => kind::PTR,
            Self::Srv { .. } => kind::SRV,
            Self::Txt(_) => kind::TXT,
            Self::Nsec(..) => kind::NSEC,
            Self::Other(kind, _) => *kind,
        }
    }

    /// Its bytes, without pointers.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let mut head = Vec::<u8, 16>::new();
        let (name, tail): (&[u8], &[u8]) = match self {
            Self::A(at) => {
                head.extend(at.octets());
                (&[], &[])
            }
            Self::Aaaa(at) => {
                head.extend(at.octets());
                (&[], &[])
            }
            Self::Ptr(name) => (name.wire(), &[]),
            Self::Srv { rank, port, host } => {
                let [priority, weight] = rank;
                let numbers = [*priority, *weight, *port];
                head.extend(numbers.iter().flat_map(|one| one.to_be_bytes()));
                (host.wire(), &[])
            }
            Self::Nsec(next, types) => (next.wire(), types),
            Self::Txt(raw) | Self::Other(_, raw) => (&[], raw),
        };
        head.into_iter().chain(name.iter().chain(tail).copied())
    }

    /// Which of two claims on a name is the stronger one (RFC 6762 §8.2): types are compared, then
    /// bytes.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let kinds = self.kind().cmp(&other.kind());
        kinds.then_with(|| self.bytes().cmp(other.bytes()))
    }
}
