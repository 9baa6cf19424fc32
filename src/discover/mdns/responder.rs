//! What the box says to what it hears, and by itself, on all links together. It is told what time it
//! is and what has come in, gives what is to be sent, and does nothing besides.
//!
//! Of what others say it remembers when it last had to leave a name to them, and answers that wait
//! for their time, a fixed number of either.

use super::fact::Facts;
use super::message::{Audience, Entry, Message, Question, Record, Section, Value};
use super::records::{Known, Names, Owned, Title};
use super::voice::{Line, Link, Voice};
use super::wording::{self, Echo, Gone};
use crate::discover::datagram::{Here, Received};
use crate::discover::dice::Dice;
use crate::limits;
use crate::system::network::{Interface, Network};
use std::cmp::Ordering;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::Instant;

/// How long after its start the box speaks at most, so that not all speak when the power comes back
/// (RFC 6762 §8.1).
const BEGINS: Duration = Duration::from_millis(250);

/// After so many names that were another's it takes longer to have the next one, until there was no
/// such one for a while (RFC 6762 §8.1).
const CONFLICTS: u32 = 15;
const CONFLICTS_FORGOTTEN: Duration = Duration::from_secs(60);
const CONFLICTS_PAUSE: Duration = Duration::from_secs(5);

/// When is answered what others may answer too (RFC 6762 §6).
const SHARED_AFTER: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(120));

/// How often everybody is told the same, at most; and where somebody is about to take a name.
const PAUSE: Duration = Duration::from_secs(1);
const DEFENCE_PAUSE: Duration = Duration::from_millis(250);

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) to: To,
    pub(super) here: Here,
}

/// To whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Group(IpAddr),
    Asker(SocketAddr),
}

/// Answers for the box on all links.
#[derive(Debug)]
pub(super) struct Responder {
    /// The port of everybody who knows mDNS.
    port: u16,
    title: Title,
    names: Names,
    voices: Vec<Voice>,
    letters: Vec<Letter>,
    conflicts: Option<Conflicts>,
    dice: Dice,
}

/// Names that were another's.
#[derive(Debug, Clone, Copy)]
struct Conflicts {
    count: u32,
    last: Instant,
}

/// An answer to one asker that waits for its time.
#[derive(Debug)]
struct Letter {
    due: Instant,
    peer: SocketAddr,
    here: Here,
    facts: Facts,
    echo: Option<Echo>,
}

/// What a message asks.
#[derive(Debug, Default)]
struct Asked {
    /// What everybody may hear.
    by_all: Facts,
    /// What only the asker is to hear.
    by_one: Facts,
    known: Known,
    first: Option<Question>,
    /// Whether its sender is about to take one of the names.
    is_probe: bool,
}

impl Responder {
    pub(super) fn new(port: u16, title: Title, dice: Dice) -> Self {
        Self {
            port,
            names: Names::new(title.clone()),
            title,
            voices: Vec::new(),
            letters: Vec::new(),
            conflicts: None,
            dice,
        }
    }

    /// Goes where the box is announced now. It begins anew on a link that is new, says goodbye on
    /// one that is no more, and what has changed on one whose addresses are others. A box that was
    /// nowhere has its own name again.
    pub(super) fn follow(&mut self, interfaces: &[Interface], now: Instant) -> Vec<Packet> {
        let mut packets = Vec::new();
        let mut before = std::mem::take(&mut self.voices);
        if before.is_empty() {
            self.names = Names::new(self.title.clone());
        }
        for link in interfaces.iter().flat_map(Link::all_of) {
            let is_same = |voice: &Voice| voice.link.has(link.here, link.group);
            let Some(place) = before.iter().position(is_same) else {
                let begins = self.beginning(now);
                self.voices.push(Voice::new(link, begins));
                continue;
            };
            let mut voice = before.swap_remove(place);
            if voice.link != link {
                packets.extend(self.moved(&voice, &link));
                voice.tell_again(link, now);
            }
            self.voices.push(voice);
        }
        packets.extend(
            before
                .iter()
                .filter_map(|voice| self.goodbye(voice, Gone::Box)),
        );
        packets
    }

    /// Begins anew everywhere.
    pub(super) fn begin_again(&mut self, now: Instant) {
        let mut voices = std::mem::take(&mut self.voices);
        for voice in &mut voices {
            voice.begin_again(self.beginning(now));
        }
        self.voices = voices;
    }

    /// When something is due to be said.
    pub(super) fn due(&self) -> Option<Instant> {
        let voices = self.voices.iter().filter_map(Voice::due);
        voices.chain(self.letters.iter().map(|one| one.due)).min()
    }

    /// Says what is due.
    pub(super) fn speak(&mut self, now: Instant) -> Vec<Packet> {
        let mut packets = Vec::new();
        for voice in &mut self.voices {
            match voice.next(now) {
                Some(Line::Probe) => {
                    let bytes = wording::probe(&self.names, &voice.link.addresses);
                    packets.push(to_group(voice, bytes));
                }
                Some(Line::Announcement) => {
                    let facts = self.names.announced(&voice.link.addresses);
                    packets.extend(tell(&self.names, voice, facts, Facts::NONE, now));
                }
                None => {}
            }
            let waited = voice.take_waiting(now);
            let facts = voice.untold(waited, PAUSE, now);
            packets.extend(answer_all(&self.names, voice, facts, now));
        }
        while let Some(place) = self.letters.iter().position(|one| one.due <= now) {
            let letter = self.letters.swap_remove(place);
            packets.extend(self.answer_one(&letter));
        }
        packets
    }

    /// What is to be said to what has come in.
    pub(super) fn hear(
        &mut self,
        message: &Message<'_>,
        received: Received,
        network: &Network,
        now: Instant,
    ) -> Vec<Packet> {
        let Received { peer, here, .. } = received;
        let mut voices = self.voices.iter();
        let Some(place) = voices.position(|voice| voice.link.has(here, peer.ip())) else {
            return Vec::new();
        };
        // The box hears itself, also from one interface on another. Programs beside it may ask.
        let is_own = network.has(peer.ip());
        if message.is_response() {
            let is_word = peer.port() == self.port && !is_own;
            let contradicted = is_word.then(|| self.contradicted(message, network));
            return match contradicted.flatten() {
                Some(owned) => self.yield_to(owned, place, now),
                None => Vec::new(),
            };
        }
        let Some(voice) = self.voices.get_mut(place) else {
            return Vec::new();
        };
        if voice.is_told() {
            return self.answer(message, received, place, now);
        }
        if voice.is_asking() && !is_own && loses(&self.names, voice, message) {
            voice.defer(now);
        }
        Vec::new()
    }

    /// Says that the box goes, wherever it was said that it is there.
    pub(super) fn say_goodbye(&self) -> Vec<Packet> {
        let voices = self.voices.iter();
        voices
            .filter_map(|voice| self.goodbye(voice, Gone::Box))
            .collect()
    }

    /// When one begins that may begin now.
    fn beginning(&mut self, now: Instant) -> Instant {
        let is_crowded = self.conflicts.is_some_and(|all| all.count >= CONFLICTS);
        let pause = if is_crowded {
            CONFLICTS_PAUSE
        } else {
            Duration::ZERO
        };
        now + pause + self.dice.between(Duration::ZERO, BEGINS)
    }

    /// Which of the names is another's, by its word.
    fn contradicted(&self, message: &Message<'_>, network: &Network) -> Option<Owned> {
        message.entries().find_map(|entry| match entry {
            Entry::Record(_, record) => self.names.contradicted(&record, network),
            Entry::Question(_) => None,
        })
    }

    /// Asks again for a name that another has too; leaves it to that one who still says so then, and
    /// asks for the next one everywhere (RFC 6762 §9).
    fn yield_to(&mut self, owned: Owned, place: usize, now: Instant) -> Vec<Packet> {
        let recent = self
            .conflicts
            .filter(|all| now < all.last + CONFLICTS_FORGOTTEN);
        self.conflicts = Some(Conflicts {
            count: recent.map_or(1, |all| all.count.saturating_add(1)),
            last: now,
        });
        let begins = self.beginning(now);
        match self.voices.get_mut(place) {
            Some(voice) if voice.is_told() => {
                voice.begin_again(begins);
                Vec::new()
            }
            _ => self.rename(owned, now),
        }
    }

    fn rename(&mut self, owned: Owned, now: Instant) -> Vec<Packet> {
        let next = self.names.after(owned);
        let (taken, new) = (self.names.owned(owned), next.owned(owned));
        log::warn!("another box has the name {taken}, so this one is {new}");
        let voices = self.voices.iter();
        let goodbyes = voices.filter_map(|voice| self.goodbye(voice, Gone::Name));
        let packets = goodbyes.collect();
        self.names = next;
        self.begin_again(now);
        packets
    }

    fn answer(
        &mut self,
        message: &Message<'_>,
        received: Received,
        place: usize,
        now: Instant,
    ) -> Vec<Packet> {
        let Some(voice) = self.voices.get_mut(place) else {
            return Vec::new();
        };
        let addresses = &voice.link.addresses;
        let asked = Asked::read(message, &self.names, addresses);
        let known = asked.known.facts(addresses);
        if received.peer.port() != self.port {
            return self.answer_plainly(message.id, asked, known, received, now);
        }
        let stale = voice.stale(asked.by_one, now);
        let pause = if asked.is_probe { DEFENCE_PAUSE } else { PAUSE };
        let to_all = asked.by_all.with(stale).without(known);
        let shared = to_all.among(Facts::SHARED);
        if !shared.is_empty() {
            voice.wait(
                shared,
                now + self.dice.between(SHARED_AFTER.0, SHARED_AFTER.1),
            );
        }
        let at_once = voice.untold(to_all.without(shared), pause, now);
        let mut packets = Vec::from_iter(answer_all(&self.names, voice, at_once, now));
        let to_one = asked.by_one.without(to_all).without(known);
        packets.extend(self.reply(to_one, None, received, now));
        packets
    }

    /// Answers one who knows only DNS and waits for nothing but an answer to a question of its own
    /// (RFC 6762 §6.7).
    fn answer_plainly(
        &mut self,
        id: u16,
        asked: Asked,
        known: Facts,
        received: Received,
        now: Instant,
    ) -> Vec<Packet> {
        let Some(question) = asked.first else {
            return Vec::new();
        };
        let facts = asked.by_all.with(asked.by_one).without(known);
        let echo = Echo { id, question };
        Vec::from_iter(self.reply(facts, Some(echo), received, now))
    }

    /// Answers one asker: at once what only the box can answer, else a little later.
    fn reply(
        &mut self,
        facts: Facts,
        echo: Option<Echo>,
        received: Received,
        now: Instant,
    ) -> Option<Packet> {
        let Received { peer, here, .. } = received;
        let is_shared = !facts.among(Facts::SHARED).is_empty();
        let (from, to) = SHARED_AFTER;
        let letter = Letter {
            due: now + self.dice.between(from, to),
            peer,
            here,
            facts,
            echo,
        };
        if !is_shared {
            return self.answer_one(&letter);
        }
        let of_asker = |one: &&Letter| one.peer.ip() == peer.ip();
        let has_room = self.letters.len() < limits::MDNS_WAITING
            && self.letters.iter().filter(of_asker).count() < limits::MDNS_WAITING_EACH;
        if has_room {
            self.letters.push(letter);
        }
        None
    }

    /// An answer to one asker, if it is to be had and there is something to say.
    fn answer_one(&self, letter: &Letter) -> Option<Packet> {
        let Letter {
            peer, here, facts, ..
        } = *letter;
        let mut voices = self.voices.iter();
        let voice = voices.find(|voice| voice.link.has(here, peer.ip()))?;
        if facts.is_empty() || !voice.is_told() {
            return None;
        }
        let addresses = &voice.link.addresses;
        let besides = self.names.besides(facts, addresses);
        let echo = letter.echo.as_ref();
        Some(Packet {
            bytes: wording::answer(&self.names, facts, besides, addresses, echo),
            to: To::Asker(peer),
            here,
        })
    }

    /// That the box is no more where it was said to be.
    fn goodbye(&self, voice: &Voice, gone: Gone) -> Option<Packet> {
        if !voice.is_told() {
            return None;
        }
        let addresses = &voice.link.addresses;
        let facts = self.names.announced(addresses);
        let bytes = wording::goodbye(&self.names, facts, addresses, gone);
        Some(to_group(voice, bytes))
    }

    /// That the box has some addresses no more.
    fn moved(&self, voice: &Voice, to: &Link) -> Option<Packet> {
        let before = voice.link.addresses.iter().copied();
        let gone: Vec<_> = before.filter(|one| !to.addresses.contains(one)).collect();
        if gone.is_empty() || !voice.is_told() {
            return None;
        }
        let mut packet = to_group(voice, wording::moved(&self.names, &gone));
        packet.here = to.here;
        Some(packet)
    }
}

impl Asked {
    fn read(message: &Message<'_>, names: &Names, addresses: &[IpAddr]) -> Self {
        let mut asked = Self::default();
        for entry in message.entries() {
            match entry {
                Entry::Question(question) => asked.ask(question, names, addresses),
                Entry::Record(Section::Answers, known) => {
                    asked.known.note(&known, names, addresses)
                }
                Entry::Record(Section::Authorities, claimed) => {
                    let mut owned = [Owned::Host, Owned::Page].into_iter();
                    asked.is_probe |= owned.any(|one| *names.owned(one) == claimed.name);
                }
                Entry::Record(..) => {}
            }
        }
        asked
    }

    fn ask(&mut self, question: Question, names: &Names, addresses: &[IpAddr]) {
        let facts = names.asked(&question, addresses);
        if facts.is_empty() {
            return;
        }
        match question.audience {
            Audience::All => self.by_all = self.by_all.with(facts),
            Audience::Asker => self.by_one = self.by_one.with(facts),
        }
        self.first.get_or_insert(question);
    }
}

/// Whether another that asks for the same names at the same time has the stronger claim to one.
fn loses(names: &Names, voice: &Voice, message: &Message<'_>) -> bool {
    [Owned::Host, Owned::Page].into_iter().any(|owned| {
        let name = names.owned(owned);
        let claimed = message.entries().filter_map(|entry| match entry {
            Entry::Record(
                Section::Authorities,
                Record {
                    name: claimed,
                    value,
                    ..
                },
            ) => (claimed == *name).then_some(value),
            _ => None,
        });
        let mut theirs: Vec<_> = claimed.take(limits::MDNS_CLAIMS).collect();
        theirs.sort_by(Value::compare);
        let ours = names.claims(owned, &voice.link.addresses);
        !theirs.is_empty() && compare(&theirs, &ours) == Ordering::Greater
    })
}

/// The first difference decides, and then the number.
fn compare(theirs: &[Value<'_>], ours: &[Value<'_>]) -> Ordering {
    let pairs = theirs.iter().zip(ours);
    let mut differences = pairs.map(|(theirs, ours)| theirs.compare(ours));
    let first = differences.find(|one| one.is_ne());
    first.unwrap_or(theirs.len().cmp(&ours.len()))
}

/// Tells everybody these facts, and what they ask next as far as they were not told it just now.
fn answer_all(names: &Names, voice: &mut Voice, facts: Facts, now: Instant) -> Option<Packet> {
    let besides = names.besides(facts, &voice.link.addresses);
    let besides = voice.untold(besides, PAUSE, now);
    tell(names, voice, facts, besides, now)
}

/// Tells everybody on a link, if there is anything to say.
fn tell(
    names: &Names,
    voice: &mut Voice,
    facts: Facts,
    besides: Facts,
    now: Instant,
) -> Option<Packet> {
    if facts.is_empty() {
        return None;
    }
    voice.tell(facts.with(besides), now);
    let addresses = &voice.link.addresses;
    let bytes = wording::answer(names, facts, besides, addresses, None);
    Some(to_group(voice, bytes))
}

fn to_group(voice: &Voice, bytes: Vec<u8>) -> Packet {
    Packet {
        bytes,
        to: To::Group(voice.link.group),
        here: voice.link.here,
    }
}

#[cfg(test)]
mod tests;
