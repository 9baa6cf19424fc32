//! mDNS: people and browsers find the box at `exstreamtv.local`, and its page among the web servers
//! of the LAN (RFC 6762, RFC 6763). No program finds tuners so.
//!
//! One task has both sockets, and never waits for anything else than what comes next. What is said
//! and when is the [`responder`]'s; here it is sent. The box asks nobody anything but whether a name
//! is free, and keeps nothing of what others say, so that nobody can fill its memory; of what comes
//! in faster than it can be worth it looks at a part (`gate`).

mod fact;
mod gate;
pub mod message;
pub mod name;
mod records;
mod responder;
#[cfg(test)]
mod tests;
mod voice;
mod wording;

use super::Presence;
use super::dice::Dice;
use super::sockets::{Heard, Opened, Protocol, Room, Sockets};
use super::throttle::Throttle;
use crate::clock::until;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::network::Network;
use gate::Gate;
use message::Message;
use records::Title;
use responder::{Packet, Responder, To};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Where everybody listens.
const PORT: u16 = 5353;

/// By which who hears a message could tell that it has passed no router (RFC 6762 §11).
const HOPS: u32 = 255;

const GROUPS: [IpAddr; 2] = [voice::GROUP_V4, voice::GROUP_V6];

/// Between the two times that the box says goodbye.
const GOODBYE_PAUSE: Duration = Duration::from_millis(50);

/// Answers for the box's names until it stops, and says goodbye then. Where it does follows the
/// network.
pub(super) async fn serve(presence: Presence, shutdown: Shutdown) {
    serve_at(PORT, presence, shutdown).await;
}

async fn serve_at(port: u16, presence: Presence, mut shutdown: Shutdown) {
    let mut network_rx = presence.network_rx.clone();
    let protocol = Protocol {
        name: "mDNS",
        port,
        groups: &GROUPS,
        hops: HOPS,
        message_bytes: limits::MDNS_MESSAGE_BYTES,
    };
    let mut room = Room::new(protocol);
    let mut gate = Gate::new(Instant::now());
    let mut task = Task {
        responder: Responder::new(port, Title::new(&presence), Dice::new()),
        network: Arc::clone(&network_rx.borrow()),
        presence,
        sockets: Sockets::new(protocol),
        throttle: Throttle::new(),
    };
    network_rx.mark_unchanged();
    task.follow();
    loop {
        let (again, due) = (task.sockets.again(), task.responder.due());
        let opens = gate.opens(Instant::now());
        tokio::select! {
            // What comes in is understood by the network as it is now, and nobody who sends all the
            // time keeps the box from anything else.
            biased;
            () = shutdown.stopped() => break,
            Ok(()) = network_rx.changed() => task.follow(),
            () = until(again) => task.follow(),
            () = until(due) => task.speak(),
            () = until(opens), if opens.is_some() => {}
            heard = task.sockets.receive(&mut room), if opens.is_none() => {
                let len_bytes = heard.as_ref().map_or(0, |heard| heard.bytes.len());
                gate.pass(len_bytes, Instant::now());
                if let Some(heard) = heard {
                    task.consider(&heard);
                }
            }
        }
    }
    let goodbyes = task.responder.say_goodbye();
    task.send(&goodbyes);
    if !goodbyes.is_empty() {
        sleep(GOODBYE_PAUSE).await;
        task.send(&goodbyes);
    }
}

struct Task {
    responder: Responder,
    presence: Presence,
    /// The network that is followed.
    network: Arc<Network>,
    sockets: Sockets,
    /// How often one asker is answered alone.
    throttle: Throttle,
}

impl Task {
    /// Goes where the box is announced now.
    fn follow(&mut self) {
        self.network = Arc::clone(&self.presence.network_rx.borrow());
        let interfaces = self.presence.announced();
        let now = Instant::now();
        // A goodbye leaves by what is still open.
        let packets = self.responder.follow(&interfaces, now);
        self.send(&packets);
        if self.sockets.follow(&interfaces) == Opened::Yes {
            self.responder.begin_again(now);
        }
    }

    /// Says what is due.
    fn speak(&mut self) {
        let packets = self.responder.speak(Instant::now());
        self.send(&packets);
    }

    /// Says what is to be said to a message, if it is one that concerns the box.
    fn consider(&mut self, heard: &Heard<'_>) {
        let Some(message) = Message::read(heard.bytes) else {
            return;
        };
        let received = heard.received;
        if !self.presence.is_near(received.here, received.peer.ip()) {
            return;
        }
        let now = Instant::now();
        let packets = self.responder.hear(&message, received, &self.network, now);
        self.send(&packets);
    }

    fn send(&mut self, packets: &[Packet]) {
        for Packet { bytes, to, here } in packets {
            match to {
                To::Group(group) => self.sockets.send_to_group(bytes, *group, *here),
                To::Asker(peer) if self.throttle.admits(peer.ip()) => {
                    self.sockets.send(bytes, *peer, *here);
                }
                To::Asker(_) => {}
            }
        }
    }
}
