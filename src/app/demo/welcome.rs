//! What a newcomer reads when the demo is on air: what is on, and where to look.

use super::channels;
use crate::app::listen::Places;
use crate::app::table::Table;
use crate::schedule::{Lineup, Schedule};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// Channels that are listed; the rest is counted.
const LISTED: usize = 12;

/// The text, without a line end after the last line.
pub(super) fn text(lineup: &Lineup, places: &Places, now_ms: i64) -> String {
    let (web, stream) = (reachable(places.web), reachable(places.stream));
    let schedules = lineup.schedules();
    let mut table = Table::new(&["CHANNEL", "NAME", "NOW"]);
    for schedule in schedules.iter().take(LISTED) {
        let channel = schedule.channel();
        table.row([
            channel.number.to_string(),
            channel.name.clone(),
            now(lineup, schedule, now_ms),
        ]);
    }
    let mut text = format!("\n{table}\n");
    // Writing to a string cannot fail.
    if let Some(more) = schedules.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(text, "... and {more} more");
    }
    if let Some(watched) = lineup.schedule(channels::number(0)).or(schedules.first()) {
        let number = watched.channel().number;
        let _ = writeln!(text, "\nWatch     vlc http://{stream}/auto/v{number}");
    }
    let _ = write!(
        text,
        "Channels  http://{web}/iptv/channels.m3u\n\
         Guide     http://{web}/iptv/xmltv.xml\n\
         Status    http://{web}/\n"
    );
    if let Some(address) = network_address().filter(|_| places.stream.ip().is_unspecified()) {
        let _ = writeln!(
            text,
            "From other machines of your network, write {address} instead of 127.0.0.1."
        );
    }
    text.push_str("Ctrl-C stops.");
    text
}

/// What a channel shows at this moment.
fn now(lineup: &Lineup, schedule: &Schedule, now_ms: i64) -> String {
    let item = schedule
        .on_air(now_ms)
        .and_then(|airing| lineup.item(&airing));
    match item {
        None => "nothing that can be shown".to_owned(),
        Some(item) => item.to_string(),
    }
}

/// The address under which this machine reaches a door of its own.
fn reachable(door: SocketAddr) -> SocketAddr {
    if door.ip().is_unspecified() {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), door.port())
    } else {
        door
    }
}

/// The address under which the network reaches this machine. Connecting a UDP socket sends
/// nothing: it only has the kernel choose a route, here to an address that is for documentation
/// (RFC 5737).
fn network_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
