use super::{Audience, Claim, Draft, Entry, Full, Message, Question, Record, Section, Value, kind};
use crate::discover::mdns::name::Name;
use crate::limits;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

fn name(text: &str) -> Name {
    let labels: Vec<_> = text.split('.').map(str::as_bytes).collect();
    Name::of(&labels)
}

fn record<'a>(at: &str, ttl_s: u32, value: Value<'a>) -> Record<'a> {
    Record {
        name: name(at),
        claim: Claim::Unique,
        ttl_s,
        value,
    }
}

fn entries(bytes: &[u8]) -> Vec<Entry<'_>> {
    Message::read(bytes).unwrap().entries().collect()
}

/// A question as Windows and macOS ask it, with an answer that is known.
const ASKED: &[u8] = b"\0\0\0\0\0\x02\0\x01\0\0\0\0\
    \x05_http\x04_tcp\x05local\0\0\x0c\0\x01\
    \x0aexstreamtv\xc0\x17\0\x1c\x80\x01\
    \xc0\x0c\0\x0c\0\x01\0\0\x11\x94\0\x08\x05Attic\xc0\x0c";

#[test]
fn a_question_is_read_with_what_is_known() {
    let message = Message::read(ASKED).unwrap();
    assert!(!message.is_response());
    let of_pages = name("_http._tcp.local");
    let asked = [
        Entry::Question(Question {
            name: of_pages.clone(),
            kind: kind::PTR,
            audience: Audience::All,
        }),
        Entry::Question(Question {
            name: name("exstreamtv.local"),
            kind: kind::AAAA,
            audience: Audience::Asker,
        }),
        Entry::Record(
            Section::Answers,
            Record {
                name: of_pages,
                claim: Claim::Shared,
                ttl_s: 4_500,
                value: Value::Ptr(name("Attic._http._tcp.local")),
            },
        ),
    ];
    assert_eq!(message.entries().collect::<Vec<_>>(), asked);
}

#[test]
fn an_answer_is_written_byte_for_byte() {
    let mut draft = Draft::response(7);
    let page = name("TV._http._tcp.local");
    for (section, record) in [
        (
            Section::Answers,
            Record {
                claim: Claim::Shared,
                ..record("_http._tcp.local", 4_500, Value::Ptr(page.clone()))
            },
        ),
        (
            Section::Additionals,
            record(
                "TV._http._tcp.local",
                120,
                Value::Srv {
                    rank: [0, 0],
                    port: 80,
                    host: name("x.local"),
                },
            ),
        ),
        (
            Section::Additionals,
            record("x.local", 120, Value::A([10, 0, 0, 5].into())),
        ),
    ] {
        assert_eq!(draft.say(section, &record), Ok(()));
    }
    assert_eq!(draft.said(), 3);
    let written = draft.finish();
    let expected = b"\0\x07\x84\0\0\0\0\x01\0\0\0\x02\
        \x05_http\x04_tcp\x05local\0\0\x0c\0\x01\0\0\x11\x94\0\x05\x02TV\xc0\x0c\
        \xc0\x28\0\x21\x80\x01\0\0\0\x78\0\x0f\0\0\0\0\0\x50\x01x\x05local\0\
        \x01x\xc0\x17\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x05";
    assert_eq!(
        written.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn what_is_no_message_of_mdns_is_not_read() {
    for (at, with, is) in [
        (2, 0x00, true),
        (2, 0x84, true),
        // An update, and a failure.
        (2, 0x28, false),
        (3, 0x03, false),
        // Flags of plain DNS, which some set.
        (2, 0x01, true),
        (3, 0x80, true),
    ] {
        let mut bytes = ASKED.to_vec();
        bytes[at] = with;
        assert_eq!(Message::read(&bytes).is_some(), is, "{at} {with}");
    }
    assert!(Message::read(&ASKED[..11]).is_none());
}

#[test]
fn what_follows_what_is_broken_is_not_read() {
    for cut in 12..ASKED.len() {
        assert!(entries(&ASKED[..cut]).len() < 3);
    }
    // An address of five bytes.
    let mut bytes = b"\0\0\x84\0\0\0\0\x02\0\0\0\0".to_vec();
    bytes.extend_from_slice(b"\x01a\0\0\x01\0\x01\0\0\0\x78\0\x05\x0a\0\0\x05\x05");
    bytes.extend_from_slice(b"\x01a\0\0\x01\0\x01\0\0\0\x78\0\x04\x0a\0\0\x05");
    assert_eq!(entries(&bytes), []);
}

#[test]
fn another_class_is_passed_over() {
    let mut bytes = b"\0\0\0\0\0\x03\0\0\0\0\0\0".to_vec();
    for class in [1, 3, 255] {
        bytes.extend_from_slice(&[1, b'a', 0, 0, 1, 0, class]);
    }
    assert_eq!(entries(&bytes).len(), 2);
}

#[test]
fn no_more_is_looked_at_than_the_limit() {
    let mut bytes = b"\0\0\0\0\xff\xff\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&b"\0\0\x01\0\x01".repeat(2_000));
    assert_eq!(entries(&bytes).len(), limits::DNS_ENTRIES);
}

#[test]
fn a_message_that_is_full_stays_as_it_is() {
    let mut draft = Draft::question();
    let text = [b'x'; 1_000];
    let long = record("a.local", 120, Value::Txt(&text));
    assert_eq!(draft.say(Section::Answers, &long), Ok(()));
    assert_eq!(draft.say(Section::Answers, &long), Err(Full));
    let short = record("b.local", 120, Value::Txt(b"\0"));
    assert_eq!(draft.say(Section::Additionals, &short), Ok(()));
    // Its section is over.
    assert_eq!(draft.say(Section::Answers, &short), Err(Full));
    let written = draft.finish();
    let said = [
        Entry::Record(Section::Answers, long),
        Entry::Record(Section::Additionals, short),
    ];
    assert_eq!(entries(&written), said);
}

#[test]
fn the_stronger_claim_is_the_later_in_the_alphabet() {
    // RFC 6762 §8.2.1.
    let (weak, strong) = (
        Value::A([169, 254, 99, 200].into()),
        Value::A([169, 254, 200, 50].into()),
    );
    assert!(strong.compare(&weak).is_gt());
    assert!(weak.compare(&weak).is_eq());
    assert!(Value::Aaaa([0; 16].into()).compare(&strong).is_gt());
}

fn a_name() -> impl Strategy<Value = Name> {
    // Few different labels, so that ends are met again.
    let label = prop_oneof![
        Just(b"local".to_vec()),
        Just(b"_tcp".to_vec()),
        prop::collection::vec(any::<u8>(), 1..64),
    ];
    prop::collection::vec(label, 0..5).prop_map(|labels| {
        let labels: Vec<_> = labels.iter().map(Vec::as_slice).collect();
        Name::of(&labels)
    })
}

/// What a record says, with the bytes that it may say.
type Said = (u8, Name, Vec<u8>);

fn a_value((which, name, bytes): &Said) -> Value<'_> {
    match which % 7 {
        0 => Value::A([10, 0, 0, *which].into()),
        1 => Value::Aaaa([*which; 16].into()),
        2 => Value::Ptr(name.clone()),
        3 => Value::Srv {
            rank: [7, 9],
            port: 8_411,
            host: name.clone(),
        },
        4 => Value::Txt(bytes),
        5 => Value::Nsec(name.clone(), bytes),
        _ => Value::Other(13, bytes),
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..1_024)) {
        if let Some(message) = Message::read(&bytes) {
            assert!(message.entries().count() <= limits::DNS_ENTRIES);
        }
    }

    #[test]
    fn no_damaged_question_breaks_the_reading(
        cut in 0..ASKED.len(),
        at in 0..ASKED.len(),
        with in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let mut bytes = ASKED.to_vec();
        bytes.splice(at..at, with);
        for bytes in [&bytes[..], &bytes[..cut]] {
            if let Some(message) = Message::read(bytes) {
                assert!(message.entries().count() <= 3 + usize::from(u16::MAX));
            }
        }
    }

    #[test]
    fn what_is_written_is_read(
        asked in prop::collection::vec((a_name(), any::<u16>(), any::<bool>()), 0..4),
        said in prop::collection::vec(
            (a_name(), any::<bool>(), any::<u32>(), (any::<u8>(), a_name(),
                prop::collection::vec(any::<u8>(), 0..300))),
            0..12,
        ),
    ) {
        let mut draft = Draft::question();
        let mut written = Vec::new();
        for (name, kind, alone) in asked {
            let audience = if alone { Audience::Asker } else { Audience::All };
            let question = Question { name, kind, audience };
            if draft.ask(&question) == Ok(()) {
                written.push(Entry::Question(question));
            }
        }
        for (place, (name, unique, ttl_s, value)) in said.iter().enumerate() {
            let section = match place {
                0..4 => Section::Answers,
                4..8 => Section::Authorities,
                _ => Section::Additionals,
            };
            let claim = if *unique { Claim::Unique } else { Claim::Shared };
            let value = a_value(value);
            let record = Record { name: name.clone(), claim, ttl_s: *ttl_s, value };
            if draft.say(section, &record) == Ok(()) {
                written.push(Entry::Record(section, record));
            }
        }
        let bytes = draft.finish();
        assert!(bytes.len() <= limits::MDNS_DRAFT_BYTES);
        prop_assert_eq!(entries(&bytes), written);
    }
}
