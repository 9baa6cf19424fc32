//! mDNS: people and browsers find the box at `exstreamtv.local`, and its page among the web servers
//! of the LAN (RFC 6762, RFC 6763). No program finds tuners so.
//!
//! The crate `mdns-sd` does it, on a thread of its own; here is only decided where and under which
//! names. The thread runs while the box is announced anywhere, sees the same interfaces and
//! addresses as everybody else, and is begun anew when it has ended by itself.
//!
//! It remembers what strangers say without a bound, so it is watched: when that is too much, it ends
//! in order, all is forgotten, and it is begun anew after a while.

mod memory;

use super::Presence;
use super::again::{AGAIN, Told};
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::network::Interface;
use mdns_sd::{DaemonEvent, IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceInfo};
use std::future::pending;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The box's name, if no other box has it.
const HOST: &str = "exstreamtv.local.";

/// What is found there: pages.
const KIND: &str = "_http._tcp.local.";

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_millis(200);

/// Answers for the box's names until it stops, and says goodbye then. Where it does follows the
/// network.
pub(super) async fn serve(presence: Presence, shutdown: Shutdown) {
    serve_at(mdns_sd::MDNS_PORT, presence, shutdown).await;
}

async fn serve_at(port: u16, presence: Presence, mut shutdown: Shutdown) {
    let mut network_rx = presence.network_rx.clone();
    let mut running: Option<Running> = None;
    let (mut told, mut away) = (Told::No, None);
    loop {
        network_rx.borrow_and_update();
        let is_announced = !presence.announced().is_empty();
        match &running {
            Some(one) if is_announced => one.look(),
            Some(_) => end(running.take()).await,
            None if is_announced => running = begin(port, &presence, &mut told),
            None => {}
        }
        let missing = is_announced && running.is_none();
        tokio::select! {
            () = shutdown.stopped() => break,
            Ok(()) = network_rx.changed() => {}
            () = sleep(AGAIN), if missing => {}
            end = ended(running.as_mut()) => {
                let pause = match end {
                    End::Fallen => {
                        log::warn!("the box is not found by mDNS for a moment: its thread has ended");
                        AGAIN
                    }
                    End::Flooded(ran) => {
                        let pause = memory::away(away, ran);
                        away = Some(pause);
                        log::warn!(
                            "somebody floods mDNS: the box is not found by it for {} s",
                            pause.as_secs()
                        );
                        pause
                    }
                };
                tokio::select! {
                    () = shutdown.stopped() => break,
                    () = pass(running.take(), pause) => {}
                }
            }
        }
    }
    end(running).await;
}

/// Lets a thread end that may still have much to read, and then some time pass.
async fn pass(running: Option<Running>, pause: Duration) {
    if let Some(ended) = running.and_then(|one| one.daemon.shutdown().ok()) {
        // It has ended as well when it does not say so.
        let _ = ended.recv_async().await;
    }
    sleep(pause).await;
}

/// Why the thread does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It has ended by itself.
    Fallen,
    /// It remembers too much, after it has run for this time.
    Flooded(Duration),
}

/// The thread, and what it tells.
struct Running {
    since: Instant,
    daemon: ServiceDaemon,
    told_rx: Receiver<DaemonEvent>,
    /// The name that another box's has made necessary, which is told for each record that has it.
    new_name: Option<String>,
}

impl Running {
    fn start(port: u16, presence: &Presence) -> mdns_sd::Result<Self> {
        let daemon = ServiceDaemon::new_with_port(port)?;
        let one = Self {
            since: Instant::now(),
            told_rx: daemon.monitor()?,
            daemon,
            new_name: None,
        };
        // The thread begins on all interfaces, but says nothing before it has something to say.
        one.daemon.disable_interface(IfKind::All)?;
        let asked = presence.clone();
        let is_told = IfPredicate::new(move |address| {
            let announced = asked.announced();
            let mut on = announced.iter();
            let on = on.find(|one| Some(one.index) == address.index);
            on.is_some_and(|on| told_of(on).any(|one| *one == address.ip()))
        });
        one.daemon.enable_interface(IfKind::Predicate(is_told))?;
        one.daemon.register(page(presence)?)?;
        Ok(one)
    }

    /// Looks at once where the box is announced now; by itself it does every few seconds.
    fn look(&self) {
        // What is enabled stays as it is, and is looked at anew.
        if let Err(error) = self.daemon.enable_interface(Vec::<IfKind>::new()) {
            log::debug!("mDNS follows the network a little later: {error}");
        }
    }
}

/// The addresses at which the box is told to be on an interface. Those of the link of IPv6 are left
/// out where there are others, since the crate tells each of them on every interface.
fn told_of(interface: &Interface) -> impl Iterator<Item = &IpAddr> {
    let is_of_link =
        |one: &IpAddr| matches!(one, IpAddr::V6(address) if address.is_unicast_link_local());
    let has_others = !interface.addresses.iter().all(is_of_link);
    let all = interface.addresses.iter();
    all.filter(move |one| !has_others || !is_of_link(one))
}

/// The box's page, at the door that is usual where it is open.
fn page(presence: &Presence) -> mdns_sd::Result<ServiceInfo> {
    let door = presence.usual.unwrap_or(presence.web);
    let txt = [("path", "/")];
    let name = instance(presence);
    let page = ServiceInfo::new(KIND, &name, HOST, "", door.port(), &txt[..])?;
    Ok(page.enable_addr_auto())
}

/// The name of the page: the box's own and its number, of which there is one.
fn instance(presence: &Presence) -> String {
    let id = presence.device.id.to_string();
    let room = limits::DNS_LABEL_BYTES.saturating_sub(id.len() + 1);
    let name = &presence.device.friendly_name;
    let name = name.get(..name.floor_char_boundary(room)).unwrap_or(name);
    format!("{} {id}", name.trim())
}

/// Begins the thread, if it can be had. That it cannot is news once.
fn begin(port: u16, presence: &Presence, told: &mut Told) -> Option<Running> {
    let started = Running::start(port, presence);
    match &started {
        Ok(_) => *told = Told::No,
        Err(error) => {
            log::log!(
                told.level(),
                "the box is not found by mDNS, which is tried again: {error}"
            );
        }
    }
    started.ok()
}

/// Waits until the thread is not to go on.
async fn ended(running: Option<&mut Running>) -> End {
    let Some(running) = running else {
        return pending().await;
    };
    let Running {
        daemon,
        told_rx,
        new_name,
        since,
    } = running;
    tokio::select! {
        () = tell(told_rx, new_name) => End::Fallen,
        () = memory::filled(daemon) => End::Flooded(since.elapsed()),
    }
}

/// Tells what the thread tells, until it has ended.
async fn tell(told_rx: &Receiver<DaemonEvent>, new_name: &mut Option<String>) {
    while let Ok(told) = told_rx.recv_async().await {
        match told {
            DaemonEvent::NameChange(change) => {
                let (taken, new) = (change.original, change.new_name);
                if new_name.as_ref() != Some(&new) {
                    log::warn!("another box has the name {taken}, so this one is {new}");
                    *new_name = Some(new);
                }
            }
            DaemonEvent::Error(error) => log::warn!("mDNS: {error}"),
            other => log::debug!("mDNS: {other:?}"),
        }
    }
}

/// Ends the thread, which says goodbye first.
async fn end(running: Option<Running>) {
    let Some(running) = running else { return };
    let Ok(ended) = running.daemon.shutdown() else {
        return;
    };
    if timeout(GOODBYE, ended.recv_async()).await.is_err() {
        log::debug!("mDNS: the goodbye takes longer than the box waits");
    }
}

#[cfg(test)]
mod tests;
