//! What is said on one link, and when: that the box is about to have its names, that it has them,
//! and what it is asked. A link is one family of addresses on one interface (RFC 6762 §14, §20).

use super::fact::{Fact, Facts};
use super::records::told_of;
use crate::discover::datagram::Here;
use crate::system::network::Interface;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tokio::time::Instant;

/// Who is told, over either family.
pub(super) const GROUP_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251));
pub(super) const GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb));

/// How often others are asked whether they have the names, and how long they have to object
/// (RFC 6762 §8.1).
const PROBES: u8 = 3;
const PROBE_PAUSE: Duration = Duration::from_millis(250);

/// How long one waits who has lost to another that asks at the same time (RFC 6762 §8.2).
const DEFERRED: Duration = Duration::from_secs(1);

/// How often it is said unasked what the box has, and the pause between (RFC 6762 §8.3).
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCEMENT_PAUSE: Duration = Duration::from_secs(1);

/// A link on which the box is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Where is sent from and to.
    pub(super) here: Here,
    pub(super) group: IpAddr,
    /// The addresses that are told there, of either family.
    pub(super) addresses: Vec<IpAddr>,
}

/// One thing that is said unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The box is about to have its names.
    Probe,
    /// It has them.
    Announcement,
}

/// How far the box is on a link, and how often it has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Probing(u8),
    Announcing(u8),
    Standing,
}

/// What is said on one link.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pub(super) link: Link,
    stage: Stage,
    /// When the next line is due.
    due: Option<Instant>,
    /// When each fact was said last.
    said: [Option<Instant>; Fact::ALL.len()],
    /// What is to be said, and when.
    waiting: Option<(Instant, Facts)>,
}

impl Link {
    /// Those of an interface.
    pub(super) fn all_of(interface: &Interface) -> impl Iterator<Item = Self> {
        [GROUP_V4, GROUP_V6].into_iter().filter_map(|group| {
            let is_same = |one: &&IpAddr| one.is_ipv4() == group.is_ipv4();
            let main = interface.addresses.iter().find(is_same)?;
            let here = Here {
                interface: interface.index,
                // Of those of IPv6, the kernel knows which one goes with which group.
                address: main.is_ipv4().then_some(*main),
            };
            Some(Self {
                here,
                group,
                addresses: told_of(interface).collect(),
            })
        })
    }

    /// Whether what came in there from an address of this family did so on this link.
    pub(super) fn has(&self, here: Here, peer: IpAddr) -> bool {
        self.here.interface == here.interface && self.group.is_ipv4() == peer.is_ipv4()
    }
}

impl Voice {
    /// A voice that begins then.
    pub(super) fn new(link: Link, begins: Instant) -> Self {
        Self {
            link,
            stage: Stage::Probing(0),
            due: Some(begins),
            said: [None; _],
            waiting: None,
        }
    }

    /// Begins anew, with other names, or because somebody has objected.
    pub(super) fn begin_again(&mut self, begins: Instant) {
        *self = Self::new(self.link.clone(), begins);
    }

    /// Says again what the box has, which has changed. Before it has its names there is time.
    pub(super) fn tell_again(&mut self, link: Link, now: Instant) {
        self.link = link;
        if self.is_told() {
            self.stage = Stage::Announcing(0);
            self.due = Some(now);
        }
    }

    /// Whether others have been asked at least once, and may still object.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Probing(sent) if sent > 0)
    }

    /// Whether the box has its names here.
    pub(super) fn is_told(&self) -> bool {
        !matches!(self.stage, Stage::Probing(_))
    }

    /// Leaves the names to another that asks for them at the same time, unless it does not take
    /// them.
    pub(super) fn defer(&mut self, now: Instant) {
        self.stage = Stage::Probing(0);
        self.due = Some(now + DEFERRED);
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = self.waiting.map(|(due, _)| due);
        [self.due, waiting].into_iter().flatten().min()
    }

    /// The line that is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<Line> {
        if self.due? > now {
            return None;
        }
        let (line, stage, pause) = match self.stage {
            Stage::Probing(sent) if sent < PROBES => {
                let stage = Stage::Probing(sent + 1);
                (Line::Probe, stage, Some(PROBE_PAUSE))
            }
            Stage::Probing(_) => announced(1),
            Stage::Announcing(sent) => announced(sent + 1),
            Stage::Standing => {
                self.due = None;
                return None;
            }
        };
        self.stage = stage;
        self.due = pause.map(|pause| now + pause);
        Some(line)
    }

    /// Has facts said a little later, together with what is to be said by then.
    pub(super) fn wait(&mut self, facts: Facts, due: Instant) {
        let (first, all) = self.waiting.unwrap_or((due, Facts::NONE));
        self.waiting = Some((first.min(due), all.with(facts)));
    }

    /// What was to be said by now.
    pub(super) fn take_waiting(&mut self, now: Instant) -> Facts {
        match self.waiting {
            Some((due, facts)) if due <= now => {
                self.waiting = None;
                facts
            }
            _ => Facts::NONE,
        }
    }

    /// Those of the facts that nobody was told for this long.
    pub(super) fn untold(&self, facts: Facts, pause: Duration, now: Instant) -> Facts {
        let is_old = |fact: &Fact| self.age(*fact, now).is_none_or(|age| age >= pause);
        facts.iter().filter(is_old).collect()
    }

    /// Those of them that some who listen may soon have forgotten (RFC 6762 §5.4).
    pub(super) fn stale(&self, facts: Facts, now: Instant) -> Facts {
        let is_old = |fact: &Fact| {
            let quarter = Duration::from_secs(u64::from(fact.ttl_s() / 4));
            self.age(*fact, now).is_none_or(|age| age >= quarter)
        };
        facts.iter().filter(is_old).collect()
    }

    /// Takes down that everybody was told.
    pub(super) fn tell(&mut self, facts: Facts, now: Instant) {
        for (fact, said) in Fact::ALL.into_iter().zip(&mut self.said) {
            if facts.has(fact) {
                *said = Some(now);
            }
        }
    }

    fn age(&self, fact: Fact, now: Instant) -> Option<Duration> {
        let said = self.said.get(fact.place()).copied().flatten();
        said.map(|said| now.saturating_duration_since(said))
    }
}

/// The announcement with this number, what comes after it, and when.
fn announced(number: u8) -> (Line, Stage, Option<Duration>) {
    if number < ANNOUNCEMENTS {
        let stage = Stage::Announcing(number);
        (Line::Announcement, stage, Some(ANNOUNCEMENT_PAUSE))
    } else {
        (Line::Announcement, Stage::Standing, None)
    }
}
