//! What the box says, as messages: that it is about to have its names, what it is asked, and that
//! something is so no more.

use super::fact::{Fact, Facts};
use super::message::{Audience, Claim, Draft, Question, Record, Section, kind};
use super::records::{Names, Owned};
use std::net::IpAddr;

/// Longest time for which an answer is good to whoever knows only DNS, in seconds (RFC 6762 §6.7).
const LEGACY_TTL_S: u32 = 10;

/// What an answer to whoever knows only DNS repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) id: u16,
    pub(super) question: Question,
}

/// That the box is about to have its names, unless somebody objects (RFC 6762 §8.1).
pub(super) fn probe(names: &Names, addresses: &[IpAddr]) -> Vec<u8> {
    let mut draft = Draft::question();
    for owned in [Owned::Host, Owned::Page] {
        let asked = draft.ask(&Question {
            name: names.owned(owned).clone(),
            kind: kind::ANY,
            audience: Audience::Asker,
        });
        debug_assert_eq!(asked, Ok(()));
    }
    let claimed = [Fact::V4, Fact::V6, Fact::Place, Fact::Text];
    for fact in claimed {
        for record in names.records(fact, addresses) {
            let claim = Claim::Shared;
            say(
                &mut draft,
                Section::Authorities,
                &Record { claim, ..record },
            );
        }
    }
    draft.finish()
}

/// That these facts are so, and besides these.
pub(super) fn answer(
    names: &Names,
    facts: Facts,
    besides: Facts,
    addresses: &[IpAddr],
    echo: Option<&Echo>,
) -> Vec<u8> {
    let mut draft = Draft::response(echo.map_or(0, |echo| echo.id));
    if let Some(echo) = echo {
        let asked = draft.ask(&echo.question);
        debug_assert_eq!(asked, Ok(()));
    }
    for (section, facts) in [(Section::Answers, facts), (Section::Additionals, besides)] {
        for record in facts.iter().flat_map(|fact| names.records(fact, addresses)) {
            let record = match echo {
                None => record,
                Some(_) => Record {
                    claim: Claim::Shared,
                    ttl_s: record.ttl_s.min(LEGACY_TTL_S),
                    ..record
                },
            };
            say(&mut draft, section, &record);
        }
    }
    draft.finish()
}

/// What is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// The box, with its names.
    Box,
    /// A name, which is another's: what that one says of it stays.
    Name,
}

/// That these facts are so no more (RFC 6762 §10.1).
pub(super) fn goodbye(names: &Names, facts: Facts, addresses: &[IpAddr], gone: Gone) -> Vec<u8> {
    let all = facts.iter().flat_map(|fact| names.records(fact, addresses));
    end(all.map(|record| match gone {
        Gone::Box => record,
        Gone::Name => Record {
            claim: Claim::Shared,
            ..record
        },
    }))
}

/// That the host has these addresses no more. It has others.
pub(super) fn moved(names: &Names, gone: &[IpAddr]) -> Vec<u8> {
    end(gone.iter().map(|one| Record {
        claim: Claim::Shared,
        ..names.address(*one)
    }))
}

fn end(records: impl Iterator<Item = Record<'static>>) -> Vec<u8> {
    let mut draft = Draft::response(0);
    for record in records {
        say(&mut draft, Section::Answers, &Record { ttl_s: 0, ..record });
    }
    draft.finish()
}

/// As much as an interface can have to say fits a message.
fn say(draft: &mut Draft, section: Section, record: &Record<'_>) {
    let said = draft.say(section, record);
    debug_assert_eq!(said, Ok(()));
}
