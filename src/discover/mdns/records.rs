//! What the box says of itself by mDNS: its name with its addresses, and its page among the web
//! servers (RFC 6763). What it is called may change when others have the name.

use super::fact::{Fact, Facts};
use super::message::{Claim, Question, Record, Value, kind};
use super::name::Name;
use crate::discover::Presence;
use crate::limits;
use crate::system::network::{Interface, Network};
use std::net::IpAddr;

/// The box's name, if no other box has it.
const HOST: &str = "exstreamtv";

/// Where names are told by mDNS.
const LOCAL: &[u8] = b"local";

/// What is to be known of the page: where it begins.
const TEXT: &[u8] = b"\x06path=/";

/// Types that a name has (RFC 4034 §4.1.2): A, AAAA, both, and those of a page.
const ONLY_V4: &[u8] = &[0, 1, 0x40];
const ONLY_V6: &[u8] = &[0, 4, 0, 0, 0, 0x08];
const BOTH: &[u8] = &[0, 4, 0x40, 0, 0, 0x08];
const PAGE: &[u8] = &[0, 5, 0, 0, 0x80, 0, 0x40];

/// What the box is called, as far as it does not depend on others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Title {
    /// The name that the owner has given it.
    pub(super) friendly: String,
    /// Its number, of which there is one.
    pub(super) id: String,
    /// The port of its page.
    pub(super) port: u16,
}

/// A name that nobody else may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owned {
    Host,
    Page,
}

/// The names of the box.
#[derive(Debug, Clone)]
pub(super) struct Names {
    title: Title,
    /// The host and the page.
    host: Name,
    page: Name,
    /// All pages, and all kinds of services.
    pages: Name,
    kinds: Name,
    /// Which ones these are of those that the box may have.
    host_number: u32,
    page_number: u32,
}

/// What an asker says that it knows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    facts: Facts,
    /// By their places among those that are told.
    addresses: u64,
}

impl Title {
    /// What the box is called, and its page, at the door that is usual where it is open.
    pub(super) fn new(presence: &Presence) -> Self {
        Self {
            friendly: presence.device.friendly_name.clone(),
            id: presence.device.id.to_string(),
            port: presence.usual.unwrap_or(presence.web).port(),
        }
    }

    /// The label of the page: the box's name, cut where there is no room, and its number.
    fn label(&self, number: u32) -> String {
        let id = &self.id;
        let end = match number {
            1 => id.clone(),
            more => format!("{id} ({more})"),
        };
        let room = limits::DNS_LABEL_BYTES.saturating_sub(end.len() + 1);
        let name = &self.friendly;
        let name = name.get(..name.floor_char_boundary(room)).unwrap_or(name);
        format!("{} {end}", name.trim())
    }
}

impl Names {
    /// The names that the box has if nobody else has them.
    pub(super) fn new(title: Title) -> Self {
        Self::numbered(title, 1, 1)
    }

    fn numbered(title: Title, host_number: u32, page_number: u32) -> Self {
        let host = match host_number {
            1 => HOST.to_owned(),
            more => format!("{HOST}-{more}"),
        };
        let label = title.label(page_number);
        Self {
            title,
            host: Name::of(&[host.as_bytes(), LOCAL]),
            page: Name::of(&[label.as_bytes(), b"_http", b"_tcp", LOCAL]),
            pages: Name::of(&[b"_http", b"_tcp", LOCAL]),
            kinds: Name::of(&[b"_services", b"_dns-sd", b"_udp", LOCAL]),
            host_number,
            page_number,
        }
    }

    /// The same with the next name of this kind.
    pub(super) fn after(&self, taken: Owned) -> Self {
        let (mut host, mut page) = (self.host_number, self.page_number);
        let number = match taken {
            Owned::Host => &mut host,
            Owned::Page => &mut page,
        };
        *number = number.checked_add(1).unwrap_or(1);
        Self::numbered(self.title.clone(), host, page)
    }

    /// One of those that nobody else may have.
    pub(super) fn owned(&self, owned: Owned) -> &Name {
        match owned {
            Owned::Host => &self.host,
            Owned::Page => &self.page,
        }
    }

    /// What is told unasked where these are the box's addresses.
    pub(super) fn announced(&self, addresses: &[IpAddr]) -> Facts {
        let page = Facts::of([Fact::Page, Fact::Place, Fact::Text]);
        page.with(families(addresses))
    }

    /// What is asked, where these are its addresses.
    pub(super) fn asked(&self, question: &Question, addresses: &[IpAddr]) -> Facts {
        let name = &question.name;
        let is_ptr = matches!(question.kind, kind::PTR | kind::ANY);
        if *name == self.host {
            let has = families(addresses);
            let wanted = match question.kind {
                kind::A => Facts::of([Fact::V4]),
                kind::AAAA => Facts::of([Fact::V6]),
                kind::ANY => has,
                _ => Facts::NONE,
            };
            or_else(wanted.among(has), Fact::HostHas)
        } else if *name == self.page {
            let wanted = match question.kind {
                kind::SRV => Facts::of([Fact::Place]),
                kind::TXT => Facts::of([Fact::Text]),
                kind::ANY => Facts::of([Fact::Place, Fact::Text]),
                _ => Facts::NONE,
            };
            or_else(wanted, Fact::PageHas)
        } else if *name == self.pages && is_ptr {
            Facts::of([Fact::Page])
        } else if *name == self.kinds && is_ptr {
            Facts::of([Fact::Kind])
        } else {
            Facts::NONE
        }
    }

    /// What whoever is told these facts asks next (RFC 6762 §6.2, RFC 6763 §12).
    pub(super) fn besides(&self, facts: Facts, addresses: &[IpAddr]) -> Facts {
        let host = families(addresses);
        let host = if host == Facts::of([Fact::V4, Fact::V6]) {
            host
        } else {
            host.with(Facts::of([Fact::HostHas]))
        };
        let page = Facts::of([Fact::Place, Fact::Text]);
        let all = facts.iter().fold(Facts::NONE, |all, fact| {
            all.with(match fact {
                Fact::Page => page.with(host),
                Fact::Place | Fact::V4 | Fact::V6 => host,
                _ => Facts::NONE,
            })
        });
        all.without(facts)
    }

    /// The records of a fact, where these are the box's addresses.
    pub(super) fn records(&self, fact: Fact, addresses: &[IpAddr]) -> Vec<Record<'static>> {
        let of_family = || addresses.iter().filter(|one| family(one) == fact);
        match fact {
            Fact::V4 | Fact::V6 => of_family().map(|one| self.address(*one)).collect(),
            Fact::HostHas => {
                let has = families(addresses);
                let types = match (has.has(Fact::V4), has.has(Fact::V6)) {
                    (true, true) => BOTH,
                    (true, false) => ONLY_V4,
                    _ => ONLY_V6,
                };
                vec![own(&self.host, fact, Value::Nsec(self.host.clone(), types))]
            }
            Fact::Place => vec![own(&self.page, fact, self.place())],
            Fact::Text => vec![own(&self.page, fact, Value::Txt(TEXT))],
            Fact::PageHas => vec![own(&self.page, fact, Value::Nsec(self.page.clone(), PAGE))],
            Fact::Page => vec![one_of(&self.pages, fact, &self.page)],
            Fact::Kind => vec![one_of(&self.kinds, fact, &self.pages)],
        }
    }

    /// That the host has this address.
    pub(super) fn address(&self, address: IpAddr) -> Record<'static> {
        let value = match address {
            IpAddr::V4(v4) => Value::A(v4),
            IpAddr::V6(v6) => Value::Aaaa(v6),
        };
        own(&self.host, family(&address), value)
    }

    /// What the box claims for a name, the weakest first.
    pub(super) fn claims(&self, owned: Owned, addresses: &[IpAddr]) -> Vec<Value<'static>> {
        let facts = match owned {
            Owned::Host => families(addresses),
            Owned::Page => Facts::of([Fact::Place, Fact::Text]),
        };
        let records = facts.iter().flat_map(|fact| self.records(fact, addresses));
        let mut claims: Vec<_> = records.map(|record| record.value).collect();
        claims.sort_by(Value::compare);
        claims
    }

    /// Which of the box's names another one says is its own. An address of this machine is no
    /// contradiction, on whatever interface it is told: a LAN may be reached by two of them.
    pub(super) fn contradicted(&self, record: &Record<'_>, network: &Network) -> Option<Owned> {
        if record.ttl_s == 0 {
            return None;
        }
        if record.name == self.host {
            let is_other = match &record.value {
                Value::A(at) => !network.has((*at).into()),
                Value::Aaaa(at) => !network.has((*at).into()),
                _ => false,
            };
            return is_other.then_some(Owned::Host);
        }
        let is_other = match &record.value {
            Value::Srv { .. } => record.value != self.place(),
            Value::Txt(text) => *text != TEXT,
            _ => false,
        };
        (is_other && record.name == self.page).then_some(Owned::Page)
    }

    fn place(&self) -> Value<'static> {
        Value::Srv {
            rank: [0, 0],
            port: self.title.port,
            host: self.host.clone(),
        }
    }
}

impl Known {
    /// Takes down what an asker knows. What is good for less than half of its time is to be told
    /// again (RFC 6762 §7.1).
    pub(super) fn note(&mut self, known: &Record<'_>, names: &Names, addresses: &[IpAddr]) {
        let (name, mut bit) = (&known.name, 0);
        let fact = match &known.value {
            Value::A(at) if *name == names.host => {
                bit = bit_of(addresses, (*at).into());
                Fact::V4
            }
            Value::Aaaa(at) if *name == names.host => {
                bit = bit_of(addresses, (*at).into());
                Fact::V6
            }
            Value::Ptr(to) if *name == names.pages && *to == names.page => Fact::Page,
            Value::Ptr(to) if *name == names.kinds && *to == names.pages => Fact::Kind,
            Value::Txt(TEXT) if *name == names.page => Fact::Text,
            place @ Value::Srv { .. } if *name == names.page && *place == names.place() => {
                Fact::Place
            }
            _ => return,
        };
        if known.ttl_s < fact.ttl_s() / 2 {
            return;
        }
        match fact {
            Fact::V4 | Fact::V6 => self.addresses |= bit,
            other => self.facts = self.facts.with(Facts::of([other])),
        }
    }

    /// The facts that need not be told. Addresses of a family are told all or none.
    pub(super) fn facts(self, addresses: &[IpAddr]) -> Facts {
        let unknown = addresses.iter();
        let unknown = unknown.filter(|one| self.addresses & bit_of(addresses, **one) == 0);
        let unknown = unknown.map(family).collect();
        self.facts.with(families(addresses).without(unknown))
    }
}

/// The bit of an address among those that are told; 0 where it is not.
fn bit_of(addresses: &[IpAddr], address: IpAddr) -> u64 {
    let place = addresses.iter().position(|one| *one == address);
    let place = place.and_then(|place| u32::try_from(place).ok());
    let bit = place.and_then(|place| 1_u64.checked_shl(place));
    bit.unwrap_or_default()
}

/// The addresses at which the box is told to be on an interface. Those of the link of IPv6 are left
/// out where there are others: whoever looks a name up is not told the interface that such an
/// address needs.
pub(super) fn told_of(interface: &Interface) -> impl Iterator<Item = IpAddr> {
    let is_of_link =
        |one: &IpAddr| matches!(one, IpAddr::V6(address) if address.is_unicast_link_local());
    let has_others = !interface.addresses.iter().all(is_of_link);
    let all = interface.addresses.iter().copied();
    all.filter(move |one| !has_others || !is_of_link(one))
}

fn own(name: &Name, fact: Fact, value: Value<'static>) -> Record<'static> {
    Record {
        name: name.clone(),
        claim: Claim::Unique,
        ttl_s: fact.ttl_s(),
        value,
    }
}

fn one_of(name: &Name, fact: Fact, value: &Name) -> Record<'static> {
    Record {
        name: name.clone(),
        claim: Claim::Shared,
        ttl_s: fact.ttl_s(),
        value: Value::Ptr(value.clone()),
    }
}

fn family(address: &IpAddr) -> Fact {
    match address {
        IpAddr::V4(_) => Fact::V4,
        IpAddr::V6(_) => Fact::V6,
    }
}

fn families(addresses: &[IpAddr]) -> Facts {
    addresses.iter().map(family).collect()
}

fn or_else(wanted: Facts, instead: Fact) -> Facts {
    if wanted.is_empty() {
        Facts::of([instead])
    } else {
        wanted
    }
}
