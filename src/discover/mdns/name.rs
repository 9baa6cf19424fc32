//! Names of DNS (RFC 1035 §3.1 and §4.1.4): labels, read wherever a message has hidden their ends.

use crate::limits;
use heapless::Vec;
use std::fmt;

/// The two bits that make a length the beginning of a pointer.
const POINTER: u8 = 0xC0;

/// A whole name. Two of them are the same in either case of their letters (RFC 6762 §16).
#[derive(Clone)]
pub struct Name(Vec<u8, { limits::DNS_NAME_BYTES }>);

impl Name {
    /// The name that is made of these labels. What a name cannot hold is left out: what passes a
    /// label's length, empty ones, and those for which there is no room.
    #[must_use]
    pub fn of(labels: &[&[u8]]) -> Self {
        let mut name = Self(Vec::new());
        for label in labels.iter().filter(|label| !label.is_empty()) {
            let label = label.get(..limits::DNS_LABEL_BYTES).unwrap_or(label);
            // Its length, and the empty label that ends the name.
            if name.0.len() + label.len() + 2 <= limits::DNS_NAME_BYTES {
                let _ = name.push(label);
            }
        }
        let _ = name.push(&[]);
        name
    }

    /// Reads the name that begins there, and where what follows it begins. A pointer leads back, and
    /// each one further than the one before, so that their way ends; it is short besides.
    #[must_use]
    pub fn read(message: &[u8], at: usize) -> Option<(Self, usize)> {
        let mut name = Self(Vec::new());
        let (mut place, mut bound, mut behind) = (at, at, None);
        let mut hops = 0;
        loop {
            let length = *message.get(place)?;
            let next = place.checked_add(1)?;
            match length & POINTER {
                0 => {
                    let end = next.checked_add(usize::from(length))?;
                    name.push(message.get(next..end)?)?;
                    if length == 0 {
                        return Some((name, behind.unwrap_or(end)));
                    }
                    place = end;
                }
                POINTER => {
                    let low = *message.get(next)?;
                    behind = behind.or(next.checked_add(1));
                    place = usize::from(u16::from_be_bytes([length & !POINTER, low]));
                    hops += 1;
                    if place >= bound || hops > limits::DNS_HOPS {
                        return None;
                    }
                    bound = place;
                }
                // RFC 6891 §5: what these once meant is not used.
                _ => return None,
            }
        }
    }

    /// As it stands in a message that compresses nothing: labels, each behind its length, and the
    /// empty one.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// Where its labels begin in [`wire`](Self::wire), without the empty one.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> {
        let next = |at: &usize| {
            let length = usize::from(*self.0.get(*at)?);
            Some(at + 1 + length)
        };
        let last = self.0.len().saturating_sub(1);
        std::iter::successors(Some(0), next).take_while(move |at| *at < last)
    }

    fn push(&mut self, label: &[u8]) -> Option<()> {
        if label.len() > limits::DNS_LABEL_BYTES {
            return None;
        }
        self.0.push(u8::try_from(label.len()).ok()?).ok()?;
        self.0.extend_from_slice(label).ok()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        // A length is less than any letter.
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.wire();
        let mut dot = "";
        while let Some((length, more)) = rest.split_first() {
            let Some((label, more)) = more.split_at_checked(usize::from(*length)) else {
                break;
            };
            if !label.is_empty() {
                write!(f, "{dot}{}", label.escape_ascii())?;
            }
            (dot, rest) = (".", more);
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    fn name(text: &str) -> Name {
        let labels: Vec<_> = text.split('.').map(str::as_bytes).collect();
        Name::of(&labels)
    }

    #[test]
    fn a_name_is_read_through_its_pointers() {
        let message = b"\x05local\0\x03abc\xC0\0\x02TV\xC0\x07!";
        let (read, behind) = Name::read(message, 13).unwrap();
        assert_eq!((read.to_string().as_str(), behind), ("TV.abc.local", 18));
        assert_eq!(read, name("tv.ABC.local"));
        assert_ne!(read, name("tv.abc.locam"));
        assert_eq!(Name::read(message, 0).unwrap().1, 7);
    }

    #[test]
    fn a_name_that_leads_nowhere_is_none() {
        let circle = b"\x01a\xC0\0";
        let forward = b"\xC0\x02\x01a\0";
        let itself = b"\xC0\0";
        let reserved = b"\x41a\0";
        let long_label = [&[64][..], &[b'a'; 64], &[0]].concat();
        let unfinished = b"\x03ab";
        let endless = b"\x01a";
        for bytes in [
            &circle[..],
            forward,
            itself,
            reserved,
            &long_label,
            unfinished,
            endless,
            b"",
        ] {
            assert!(Name::read(bytes, 0).is_none(), "{bytes:?}");
        }
        assert!(Name::read(b"\0", usize::MAX).is_none());
    }

    #[test]
    fn a_name_has_255_bytes_and_no_more() {
        let longest = [63, 63, 63, 61].map(|length| vec![b'x'; length]);
        let longest: Vec<_> = longest.iter().map(Vec::as_slice).collect();
        let whole = Name::of(&longest);
        assert_eq!(whole.wire().len(), 255);
        assert_eq!(Name::read(whole.wire(), 0).unwrap().0, whole);
        let more = [&longest[..], &[&b"y"[..]]].concat();
        assert_eq!(Name::of(&more), whole);
        let cut = Name::of(&[&[b'x'; 64][..], b"", b"a"]);
        assert_eq!(cut, Name::of(&[&[b'x'; 63][..], b"a"]));
        let wire: Vec<u8> = [b"\x01y", whole.wire()].concat();
        assert!(Name::read(&wire, 0).is_none());
    }

    #[test]
    fn many_hops_are_not_followed() {
        // Each name is a pointer to the one before it.
        let mut chain = vec![1, b'a', 0, 0];
        for hop in 1..40_u16 {
            let back = if hop == 1 { 0 } else { 2 * hop };
            chain.extend_from_slice(&(0xC000 | back).to_be_bytes());
        }
        assert!(Name::read(&chain, 4).is_some());
        assert!(Name::read(&chain, chain.len() - 2).is_none());
    }

    #[test]
    fn labels_begin_where_they_begin() {
        let starts: Vec<_> = name("ab.c.local").starts().collect();
        assert_eq!(starts, [0, 3, 5]);
        assert_eq!(Name::of(&[]).starts().count(), 0);
    }
}
