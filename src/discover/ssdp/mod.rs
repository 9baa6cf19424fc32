//! SSDP: control points that search find the box, and those that listen hear that it is there
//! (UPnP Device Architecture 1.1 §1).
//!
//! One task has both sockets, and never waits for anything else than what comes next: a search, an
//! answer's time, a notice's time, another network. Whoever searches is told the address of the
//! interface on which it did. It asks nobody anything, and describes nothing: that is
//! `/device.xml`.

mod message;
mod outbox;
#[cfg(test)]
mod tests;
mod voice;

use super::Presence;
use super::datagram::Here;
use super::dice::Dice;
use super::sockets::{Heard, Opened, Protocol, Room, Sockets};
use crate::clock::{SharedClock, until};
use crate::limits;
use crate::shutdown::Shutdown;
use crate::system::network::Interface;
pub use message::Search;
use message::{Notice, Sought};
use outbox::{Letter, Outbox};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use voice::{Line, Voice};

/// Routers that a message passes at most.
const HOPS: u32 = 4;

/// Between the two times that the box says goodbye.
const GOODBYE_PAUSE: Duration = Duration::from_millis(50);

/// Answers and announces until the box stops, and says goodbye then. Where it is announced follows
/// the network. The clock gives answers their date.
pub(super) async fn serve(presence: Presence, clock: SharedClock, shutdown: Shutdown) {
    serve_at(message::PORT, presence, clock, shutdown).await;
}

async fn serve_at(port: u16, presence: Presence, clock: SharedClock, mut shutdown: Shutdown) {
    let mut network_rx = presence.network_rx.clone();
    let protocol = Protocol {
        name: "SSDP",
        port,
        groups: &voice::GROUPS,
        hops: HOPS,
        message_bytes: limits::SSDP_MESSAGE_BYTES,
    };
    let mut room = Room::new(protocol);
    let mut responder = Responder {
        presence,
        clock,
        sockets: Sockets::new(protocol),
        voices: Vec::new(),
        outbox: Outbox::default(),
        dice: Dice::new(),
    };
    network_rx.mark_unchanged();
    responder.follow();
    loop {
        let (again, due) = (responder.sockets.again(), responder.due());
        tokio::select! {
            () = shutdown.stopped() => break,
            Ok(()) = network_rx.changed() => responder.follow(),
            () = until(again) => responder.follow(),
            () = until(due) => responder.speak(Instant::now()),
            heard = responder.sockets.receive(&mut room) => {
                if let Some(heard) = heard {
                    responder.consider(&heard, Instant::now());
                }
            }
        }
    }
    responder.say_goodbye();
    sleep(GOODBYE_PAUSE).await;
    responder.say_goodbye();
}

struct Responder {
    presence: Presence,
    clock: SharedClock,
    sockets: Sockets,
    /// One for each interface on which the box is announced.
    voices: Vec<Voice>,
    outbox: Outbox,
    dice: Dice,
}

impl Responder {
    /// Goes where the box is announced now. It begins anew on an interface that is new, and is
    /// told again on one whose addresses are others.
    fn follow(&mut self) {
        let interfaces = self.presence.announced();
        let opened = self.sockets.follow(&interfaces);
        let now = Instant::now();
        let before = std::mem::take(&mut self.voices);
        let known = |interface: &Interface| {
            let mut before = before.iter().filter(|_| opened == Opened::No);
            before.find(|voice| voice.interface.index == interface.index)
        };
        let voices = interfaces.into_iter().map(|interface| {
            let Some(voice) = known(&interface) else {
                return Voice::new(interface, now);
            };
            let mut voice = voice.clone();
            if voice.interface != interface {
                voice.tell_again(interface, now);
            }
            voice
        });
        self.voices = voices.collect();
    }

    /// When something is due to be said.
    fn due(&self) -> Option<Instant> {
        let voices = self.voices.iter().map(Voice::due);
        voices.chain(self.outbox.due()).min()
    }

    /// Says what is due.
    fn speak(&mut self, now: Instant) {
        while let Some(letter) = self.outbox.take(now) {
            let epoch_ms = self.clock.is_known().then(|| self.clock.epoch_ms());
            let udn = &self.presence.device.udn;
            let answer = message::answer(letter.target, udn, &letter.root, epoch_ms);
            self.sockets
                .send(answer.as_bytes(), letter.peer, letter.here);
        }
        let mut lines = Vec::new();
        for voice in &mut self.voices {
            let line = voice.next(now, &mut self.dice);
            lines.extend(line.map(|line| (voice.interface.clone(), line)));
        }
        for (interface, line) in lines {
            self.say(&interface, line);
        }
    }

    /// Writes down the answers to a search, if it is one that concerns the box.
    fn consider(&mut self, heard: &Heard<'_>, now: Instant) {
        let Some(search) = Search::parse(heard.bytes) else {
            return;
        };
        let (here, peer) = (heard.received.here, heard.received.peer);
        let mut voices = self.voices.iter();
        if !voices.any(|voice| voice.interface.index == here.interface) {
            return;
        }
        let udn = &self.presence.device.udn;
        let wanted = Sought::ALL.map(|target| search.wants(target, udn).then_some(target));
        if wanted == [None; Sought::ALL.len()] {
            return;
        }
        if !self.presence.is_near(here, peer.ip()) {
            return;
        }
        let Some(root) = self.presence.root_on(here, peer.ip()) else {
            return;
        };
        let root: Arc<str> = root.into();
        for target in wanted.into_iter().flatten() {
            let letter = Letter {
                peer,
                here,
                target,
                root: Arc::clone(&root),
            };
            self.outbox
                .post(&letter, now, search.window, &mut self.dice);
        }
    }

    fn say_goodbye(&self) {
        for voice in &self.voices {
            for line in voice::round(Notice::ByeBye) {
                self.say(&voice.interface, line);
            }
        }
    }

    /// Tells one group on one interface one thing, if the box has an address of its family there.
    fn say(&self, interface: &Interface, line: Line) {
        let is_same = |address: &&IpAddr| address.is_ipv4() == line.group.is_ipv4();
        let Some(main) = interface.addresses.iter().find(is_same) else {
            return;
        };
        let here = Here {
            interface: interface.index,
            // Of those of IPv6, the kernel knows which one goes with which group.
            address: main.is_ipv4().then_some(*main),
        };
        let Some(root) = self.presence.root_on(here, line.group) else {
            return;
        };
        let udn = &self.presence.device.udn;
        let text = message::notice(line.notice, line.target, udn, &root, line.group);
        self.sockets
            .send_to_group(text.as_bytes(), line.group, here);
    }
}
