//! mDNS: people and browsers find the box at `exstreamtv.local`, and its page among the web servers
//! of the LAN (RFC 6762, RFC 6763). No program finds tuners so.
//!
//! The crate `mdns-sd` does it, on a thread of its own; here is only decided where and under which
//! names. The thread runs while the box is announced anywhere, sees the same interfaces and
//! addresses as everybody else, and is begun anew when it has ended by itself.

use super::Presence;
use crate::limits;
use crate::shutdown::Shutdown;
use mdns_sd::{DaemonEvent, IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceInfo};
use std::future::pending;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The box's name, if no other box has it.
const HOST: &str = "exstreamtv.local.";

/// What is found there: pages.
const KIND: &str = "_http._tcp.local.";

/// After this time is tried again what could not be had, or has ended.
const AGAIN: Duration = Duration::from_secs(30);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_millis(200);

/// Answers for the box's names until it stops, and says goodbye then. Where it does follows the
/// network.
pub(super) async fn serve(presence: Presence, mut shutdown: Shutdown) {
    let mut network_rx = presence.network_rx.clone();
    let mut running: Option<Running> = None;
    loop {
        network_rx.borrow_and_update();
        let is_announced = !presence.announced().is_empty();
        match &running {
            Some(one) if is_announced => one.look(),
            Some(_) => end(running.take()).await,
            None if is_announced => running = begin(&presence),
            None => {}
        }
        let missing = is_announced && running.is_none();
        tokio::select! {
            () = shutdown.stopped() => break,
            Ok(()) = network_rx.changed() => {}
            () = sleep(AGAIN), if missing => {}
            () = ended(running.as_ref()) => {
                log::warn!("the box is not found by mDNS for a moment: its thread has ended");
                running = None;
                tokio::select! {
                    () = shutdown.stopped() => break,
                    () = sleep(AGAIN) => {}
                }
            }
        }
    }
    end(running).await;
}

/// The thread, and what it tells.
struct Running {
    daemon: ServiceDaemon,
    told_rx: Receiver<DaemonEvent>,
}

impl Running {
    fn start(presence: &Presence) -> mdns_sd::Result<Self> {
        let daemon = ServiceDaemon::new()?;
        let one = Self {
            told_rx: daemon.monitor()?,
            daemon,
        };
        // The thread begins on all interfaces, but says nothing before it has something to say.
        one.daemon.disable_interface(IfKind::All)?;
        let asked = presence.clone();
        let is_announced = IfPredicate::new(move |address| {
            let index = address.index;
            let announced = asked.announced();
            let mut announced = announced.iter().filter(|one| Some(one.index) == index);
            announced.any(|one| one.addresses.contains(&address.ip()))
        });
        one.daemon
            .enable_interface(IfKind::Predicate(is_announced))?;
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

fn begin(presence: &Presence) -> Option<Running> {
    let started = Running::start(presence);
    let told = |error: &mdns_sd::Error| log::warn!("the box is not found by mDNS: {error}");
    started.inspect_err(told).ok()
}

/// Waits until the thread has ended, and tells meanwhile what it tells.
async fn ended(running: Option<&Running>) {
    let Some(running) = running else {
        return pending().await;
    };
    while let Ok(told) = running.told_rx.recv_async().await {
        match told {
            DaemonEvent::NameChange(change) => log::warn!(
                "another box has the name {}; this one is {}",
                change.original.trim_end_matches('.'),
                change.new_name.trim_end_matches('.'),
            ),
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
mod tests {
    use super::{instance, page};
    use crate::discover::tests::presence;
    use crate::limits;

    #[test]
    fn the_page_is_told_at_the_usual_door_where_that_is_open() {
        let (mut presence, _) = presence("0.0.0.0:8411", Vec::new());
        let told = page(&presence).unwrap();
        assert_eq!(
            (told.get_port(), told.get_hostname()),
            (8411, "exstreamtv.local.")
        );
        assert_eq!(told.get_property_val_str("path"), Some("/"));
        presence.usual = Some("0.0.0.0:80".parse().unwrap());
        assert_eq!(page(&presence).unwrap().get_port(), 80);
    }

    #[test]
    fn a_name_fits_a_label_and_ends_with_the_number() {
        let (mut presence, _) = presence("0.0.0.0:8411", Vec::new());
        let id = presence.device.id.to_string();
        assert_eq!(instance(&presence), format!("Attic & Co {id}"));
        for name in ["ü".repeat(40), "x".repeat(63), "a.b\\c._tcp ".repeat(20)] {
            presence.device.friendly_name = name;
            let label = instance(&presence);
            assert!(label.len() <= limits::DNS_LABEL_BYTES);
            assert!(label.ends_with(&id));
            assert!(page(&presence).is_ok());
        }
    }
}
