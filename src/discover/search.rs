//! The search for HDHomeRuns over UDP 65001: the box answers whoever looks for it, with the address
//! of the interface on which it was asked, and looks itself whether another device has its number.

use super::Presence;
use super::again::AGAIN;
use super::datagram::{Datagrams, Here, Port, Received};
use super::frame::{Begun, FRAME_BYTES, Frame};
use super::groups::{Groups, Joined};
use super::question::{answer, answered, asks_for, question};
use super::throttle::Throttle;
use crate::clock::until;
use crate::config::DISCOVERY_PORT;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::network::Interface;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

/// The groups in which HDHomeRuns are looked for over IPv6, on the link and in the site.
const GROUPS: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 0x176)),
    IpAddr::V6(Ipv6Addr::new(0xFF05, 0, 0, 0, 0, 0, 0, 0x176)),
];

/// Answers whoever looks for the box, until it stops. `tuners` is how many it has.
pub(super) async fn answer_all(
    datagrams: Datagrams,
    presence: Presence,
    tuners: usize,
    mut shutdown: Shutdown,
) {
    let mut network_rx = presence.network_rx.clone();
    let mut groups = Groups::default();
    let mut throttle = Throttle::new();
    // One byte more than a frame takes: what is longer is none.
    let mut buffer = [0; FRAME_BYTES + 1];
    let mut follow = || {
        let joined = groups.follow(&datagrams, &GROUPS, &presence.announced());
        (joined == Joined::Some).then(|| Instant::now() + AGAIN)
    };
    let mut again = follow();
    loop {
        let received = tokio::select! {
            () = shutdown.stopped() => return,
            Ok(()) = network_rx.changed() => {
                again = follow();
                continue;
            }
            () = until(again) => {
                again = follow();
                continue;
            }
            received = datagrams.receive(&mut buffer) => received,
        };
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                // That an answer could not be delivered; or something that will be again at once.
                log::debug!("discovery: {error}");
                sleep(Duration::from_millis(limits::DISCOVERY_PAUSE_MS)).await;
                continue;
            }
        };
        let bytes = buffer.get(..received.len_bytes).unwrap_or_default();
        let asked = match Frame::read(bytes) {
            Begun::Frame(frame, _) => asks_for(&frame, &presence.device),
            Begun::Unfinished | Begun::Nothing => false,
        };
        let peer = received.peer.ip();
        if asked && presence.is_near(received.here, peer) && throttle.admits(peer) {
            reply(&datagrams, &presence, tuners, received);
        }
    }
}

/// Says where the box is, seen from whoever asked.
fn reply(datagrams: &Datagrams, presence: &Presence, tuners: usize, received: Received) {
    let Received { peer, here, .. } = received;
    let Some(root) = presence.root_on(here, peer.ip()) else {
        return log::debug!("{peer} looks for the box where no door is open");
    };
    let reply = answer(&presence.device, tuners, &root);
    match datagrams.send(&reply, peer, here) {
        Ok(()) => log::debug!("{peer} has found the box at {root}"),
        Err(error) => log::debug!("{peer} cannot be answered: {error}"),
    }
}

/// Looks now and then, and whenever the network changes, whether another device has the box's
/// number, and says where it is.
pub(super) async fn look_for_twins(
    presence: Presence,
    twin_tx: watch::Sender<Option<IpAddr>>,
    mut shutdown: Shutdown,
) {
    let mut network_rx = presence.network_rx.clone();
    loop {
        network_rx.mark_unchanged();
        let looked = tokio::select! {
            () = shutdown.stopped() => return,
            looked = twin(&presence) => looked,
        };
        match looked {
            Ok(twin) => tell(twin, &presence, &twin_tx),
            Err(error) => log::debug!("other devices cannot be looked for: {error}"),
        }
        tokio::select! {
            () = shutdown.stopped() => return,
            Ok(()) = network_rx.changed() => {}
            () = sleep(Duration::from_millis(limits::TWIN_LOOK_MS)) => {}
        }
    }
}

fn tell(twin: Option<IpAddr>, presence: &Presence, twin_tx: &watch::Sender<Option<IpAddr>>) {
    let is_news = twin_tx.send_if_modified(|known| std::mem::replace(known, twin) != twin);
    if let Some(twin) = twin.filter(|_| is_news) {
        let id = presence.device.id;
        log::warn!("another device, at {twin}, has this one's number, {id}: players mix them up");
    }
}

/// Another device with the box's number, if one answers soon.
async fn twin(presence: &Presence) -> io::Result<Option<IpAddr>> {
    let announced = presence.announced();
    if announced.is_empty() {
        return Ok(None);
    }
    let datagrams = Datagrams::open((Ipv4Addr::UNSPECIFIED, 0).into(), Port::Alone)?;
    datagrams.options().set_broadcast(true)?;
    let question = question();
    for (interface, from) in announced.iter().filter_map(asking) {
        let everybody = SocketAddr::from((Ipv4Addr::BROADCAST, DISCOVERY_PORT));
        if let Err(error) = datagrams.send(&question, everybody, from) {
            log::debug!("{interface}: other devices cannot be looked for: {error}");
        }
    }
    let end = Instant::now() + Duration::from_millis(limits::TWIN_PATIENCE_MS);
    let mut buffer = [0; FRAME_BYTES + 1];
    loop {
        let Ok(received) = timeout_at(end, datagrams.receive(&mut buffer)).await else {
            return Ok(None);
        };
        let received = received?;
        let bytes = buffer.get(..received.len_bytes).unwrap_or_default();
        let Begun::Frame(frame, _) = Frame::read(bytes) else {
            continue;
        };
        let Some((id, root)) = answered(&frame) else {
            continue;
        };
        let peer = received.peer.ip();
        // A relay answers with what the box has told it.
        let is_ours = presence.network_rx.borrow().has(peer)
            || root.is_some_and(|root| presence.has_root(root));
        if id == presence.device.id.get() && !is_ours {
            return Ok(Some(peer));
        }
    }
}

/// From where an interface's neighbours are asked.
fn asking(interface: &Interface) -> Option<(&str, Here)> {
    let address = interface
        .addresses
        .iter()
        .find(|address| address.is_ipv4())?;
    let here = Here {
        interface: interface.index,
        address: Some(*address),
    };
    Some((&interface.name, here))
}
