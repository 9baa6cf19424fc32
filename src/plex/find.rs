//! The way to a server: all of its addresses are asked at once who they are, and the best of those
//! that are right is taken.
//!
//! A name of `*.plex.direct` is dialled by the address that it holds, with the certificate checked
//! against the name: that reaches the same as asking DNS for it, also behind a router that filters
//! such names. Other names are dialled as they are. `http://` is a way of its own, and the last.

use super::server::{is_private, reach_of, who, wrong_server};
use super::wire::{Peer, Wire, address};
use super::{
    Announced, Class, Connection, Identity, Ownership, Reach, Result, Server, ServerEntry, Trouble,
};
use crate::limits;
use crate::tls;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Where a server listens that nobody has moved.
const PORT: u16 = 32_400;

/// What is known about the ways to a server beside what plex.tv says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Addresses that the owner has set: before all others.
    pub named: Vec<String>,
    /// Where it was found the last time: another way to try, and no better for it.
    pub last_good: Option<String>,
    /// What the LAN has answered.
    pub announced: Vec<Announced>,
    /// Whether `http://` will do where the server lets it: the token is readable on the way.
    pub plain: Plain,
}

/// Where `http://` will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plain {
    /// Within the LAN, where nothing better answers.
    #[default]
    Lan,
    /// Nowhere but where the owner has named it.
    Never,
}

/// Finds a server and signs in to it.
///
/// # Errors
/// `Auth` where it does not take the token, `WrongServer` where only others answer, `Unreachable`
/// where nobody does.
pub async fn find(entry: &ServerEntry, identity: &Identity, wishes: &Wishes) -> Result<Server> {
    let ways = ways(entry, wishes);
    let tried = ways.len();
    let found = race(ways, &entry.machine, identity).await;
    let mut last = found.trouble;
    for (way, wire) in found.right {
        log::info!(
            "{}: {} answers at {}",
            entry.name,
            entry.machine,
            wire.base()
        );
        match Server::sign_in(wire, &entry.token, &entry.machine, way.rank.reach).await {
            Ok(server) => return Ok(server),
            // What one address does not take, none does.
            Err(trouble) if trouble.class == Class::Auth => return Err(trouble),
            Err(trouble) => last = Some(trouble),
        }
    }
    Err(match last {
        Some(trouble) if trouble.class != Class::Unreachable => trouble,
        Some(trouble) => Trouble {
            subject: entry.name.clone(),
            why: format!(
                "none of its {tried} addresses answers; is the server on, and in this network? \
                 ({trouble})"
            )
            .into(),
            class: Class::Unreachable,
        },
        None => Trouble::new(
            Class::Unreachable,
            entry.name.clone(),
            "it has no address that can be used from here",
        ),
    })
}

/// How good a way is; the least is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    by: By,
    reach: Reach,
    lock: Lock,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Owner,
    Anybody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    Tls,
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    V4,
    V6,
}

/// A way that can be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    url: String,
    /// Where it is dialled, where that is not what the name says.
    dial: Option<SocketAddr>,
    rank: Rank,
}

impl Way {
    fn new(url: String, dial: Option<SocketAddr>, by: By, reach: Reach) -> Option<Self> {
        let parsed = address(&url).ok()?;
        let host = parsed.host_str().unwrap_or_default();
        let held = || tls::address_in(host).or_else(|| host.trim_matches(['[', ']']).parse().ok());
        let family = match dial.map(|dial| dial.ip()).or_else(held) {
            Some(IpAddr::V6(_)) => Family::V6,
            _ => Family::V4,
        };
        let lock = if parsed.scheme() == "https" {
            Lock::Tls
        } else {
            Lock::Plain
        };
        let rank = Rank {
            by,
            reach,
            lock,
            family,
        };
        Some(Self { url, dial, rank })
    }
}

/// All ways that may be tried, each once, the best first.
fn ways(entry: &ServerEntry, wishes: &Wishes) -> Vec<Way> {
    let plain = wishes.plain == Plain::Lan && !entry.https_required;
    let named = wishes.named.iter();
    let named = named.filter_map(|url| Way::new(url.clone(), None, By::Owner, reach_of(url)));
    let last = wishes.last_good.iter();
    let last = last.filter(|url| plain || url.starts_with("https://"));
    let last = last.filter_map(|url| Way::new(url.clone(), None, By::Anybody, reach_of(url)));
    let announced = wishes.announced.iter();
    let announced = announced.filter(|one| one.machine == entry.machine);
    let announced = announced.flat_map(|one| by_announcement(entry, one, plain));
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let here = plain.then(|| in_clear(here)).flatten();
    let listed = entry.connections.iter().filter(|one| is_sound(entry, one));
    let listed = listed.flat_map(|one| by_connection(one, plain));
    // What plex.tv says of an address is known better than what the address looks like.
    let all = named.chain(listed).chain(announced).chain(here).chain(last);
    let mut ways: Vec<Way> = Vec::new();
    for way in all {
        if !ways.iter().any(|known| known.url == way.url) {
            ways.push(way);
        }
    }
    ways.sort_by_key(|way| way.rank);
    ways.truncate(limits::PLEX_WAYS);
    ways
}

/// A local address of a server in another house is somebody else's here.
fn is_sound(entry: &ServerEntry, connection: &Connection) -> bool {
    connection.reach != Reach::Local || entry.ownership == Ownership::Owned || entry.same_house
}

fn by_connection(connection: &Connection, plain: bool) -> impl Iterator<Item = Way> {
    let Connection {
        uri,
        address,
        port,
        reach,
    } = connection;
    let at = address.map(|address| SocketAddr::new(address, *port));
    let clear = plain && *reach == Reach::Local;
    // A name that holds an address is dialled there; for any other name the DNS is asked.
    let whole = Way::new(uri.clone(), None, By::Anybody, *reach);
    let whole = whole.filter(|way| clear || way.rank.lock == Lock::Tls);
    let clear = at.filter(|at| clear && is_private(at.ip()));
    whole.into_iter().chain(clear.and_then(in_clear))
}

/// Anybody can announce anything: a name counts only where plex.tv lists the server below it too.
fn by_announcement(entry: &ServerEntry, one: &Announced, plain: bool) -> impl Iterator<Item = Way> {
    let at = SocketAddr::new(one.address, one.port);
    let is_listed = |below: &&String| {
        let mut listed = entry.connections.iter();
        listed.any(|one| one.uri.contains(&format!(".{below}:")))
    };
    let named = one.host.as_ref().filter(is_listed).and_then(|below| {
        let url = format!("https://{}:{}", tls::name_of(one.address, below), one.port);
        Way::new(url, Some(at), By::Anybody, Reach::Local)
    });
    let clear = (plain && is_private(one.address)).then(|| in_clear(at));
    named.into_iter().chain(clear.flatten())
}

fn in_clear(at: SocketAddr) -> Option<Way> {
    Way::new(format!("http://{at}"), None, By::Anybody, Reach::Local)
}

/// What a race has shown.
struct Found {
    /// Those that lead to the right server, the best first.
    right: Vec<(Way, Wire)>,
    /// The trouble that says most, where there was any.
    trouble: Option<Trouble>,
}

/// Asks all ways at once, until none is left that would be better than one that is right.
async fn race(ways: Vec<Way>, machine: &str, identity: &Identity) -> Found {
    let mut waiting: Vec<Rank> = ways.iter().map(|way| way.rank).collect();
    let mut asked = JoinSet::new();
    for way in ways {
        let identity = identity.clone();
        asked.spawn(async move {
            let started = Instant::now();
            let said = look(&way, &identity).await;
            (way, said, started.elapsed())
        });
    }
    let mut right: Vec<(Duration, Way, Wire)> = Vec::new();
    let mut trouble: Option<Trouble> = None;
    while let Some(joined) = asked.join_next().await {
        let Ok((way, said, took)) = joined else {
            continue;
        };
        if let Some(at) = waiting.iter().position(|rank| *rank == way.rank) {
            waiting.swap_remove(at);
        }
        let said = said.and_then(|(said, wire)| {
            if said == machine {
                Ok(wire)
            } else {
                Err(wrong_server(&wire))
            }
        });
        match said {
            Ok(wire) => right.push((took, way, wire)),
            Err(new) => {
                log::debug!("no way: {new}");
                trouble = Some(match trouble {
                    Some(old) if says_more(&old) && !says_more(&new) => old,
                    _ => new,
                });
            }
        }
        let best = right.iter().map(|(_, way, _)| way.rank).min();
        if best.is_some_and(|best| waiting.iter().all(|rank| *rank >= best)) {
            break;
        }
    }
    right.sort_by_key(|(took, way, _)| (way.rank, *took));
    Found {
        right: right
            .into_iter()
            .map(|(_, way, wire)| (way, wire))
            .collect(),
        trouble,
    }
}

async fn look(way: &Way, identity: &Identity) -> Result<(String, Wire)> {
    let wire = Wire::new(&way.url, Peer::Server, identity, way.dial)?;
    let machine = who(&wire).await?;
    Ok((machine, wire))
}

/// Whether somebody was there at all.
fn says_more(trouble: &Trouble) -> bool {
    !matches!(trouble.class, Class::Unreachable | Class::Busy)
}

#[cfg(test)]
mod tests;
