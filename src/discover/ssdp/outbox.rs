//! Answers that wait for their time. How many is bounded, and how many of them one asker can have
//! waiting: what would be more is not said, as if it had been lost on its way.

use super::message::Sought;
use crate::discover::datagram::Here;
use crate::discover::dice::Dice;
use crate::limits;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// Who asked.
    pub(super) peer: SocketAddr,
    /// Where it was asked.
    pub(super) here: Here,
    /// What is answered for.
    pub(super) target: Sought,
    /// The root of the device's URLs, as the asker reaches it.
    pub(super) root: Arc<str>,
}

/// The answers that wait.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// By the time at which they are due; the number keeps those of the same time apart.
    waiting: BTreeMap<(Instant, u64), Letter>,
    written: u64,
}

impl Outbox {
    /// Puts an answer in twice, each at a random time in one half of the window.
    pub(super) fn post(
        &mut self,
        letter: &Letter,
        now: Instant,
        window: Duration,
        dice: &mut Dice,
    ) {
        let half = window / 2;
        for (from, to) in [(Duration::ZERO, half), (half, window)] {
            if !self.has_room(letter.peer) {
                return;
            }
            let due = now + dice.between(from, to);
            self.written = self.written.wrapping_add(1);
            self.waiting.insert((due, self.written), letter.clone());
        }
    }

    /// When the next one is due; `None` where none waits.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(due, _)| *due)
    }

    /// Takes out one that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Letter> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    fn has_room(&self, peer: SocketAddr) -> bool {
        if self.waiting.len() >= limits::SSDP_WAITING {
            return false;
        }
        let all = self.waiting.values();
        let its = all.filter(|letter| letter.peer.ip() == peer.ip()).count();
        its < limits::SSDP_WAITING_EACH
    }
}

#[cfg(test)]
mod tests {
    use super::{Letter, Outbox};
    use crate::discover::datagram::Here;
    use crate::discover::dice::Dice;
    use crate::discover::ssdp::message::Sought;
    use crate::limits;
    use std::time::Duration;
    use tokio::time::Instant;

    const WINDOW: Duration = Duration::from_millis(2_800);

    fn letter(peer: [u8; 4], port: u16) -> Letter {
        Letter {
            peer: (peer, port).into(),
            here: Here {
                interface: 2,
                address: None,
            },
            target: Sought::Root,
            root: "http://10.0.0.5".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_sent_once_in_each_half_of_the_window() {
        for seed in 0..100 {
            let (mut outbox, now) = (Outbox::default(), Instant::now());
            let one = letter([10, 0, 0, 9], 50_000);
            outbox.post(&one, now, WINDOW, &mut Dice::seeded(seed));
            assert!(outbox.take(now - Duration::from_micros(1)).is_none());
            let first = outbox.due().unwrap();
            assert!((now..now + WINDOW / 2).contains(&first));
            assert_eq!(outbox.take(first), Some(one.clone()));
            let second = outbox.due().unwrap();
            assert!((now + WINDOW / 2..now + WINDOW).contains(&second));
            assert_eq!(outbox.take(first), None);
            assert_eq!(outbox.take(second), Some(one));
            assert_eq!(outbox.due(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_asker_leaves_room_for_others() {
        let (mut outbox, mut dice) = (Outbox::default(), Dice::seeded(1));
        for port in 0..1_000 {
            let flood = letter([10, 0, 0, 9], port);
            outbox.post(&flood, Instant::now(), WINDOW, &mut dice);
        }
        assert_eq!(outbox.waiting.len(), limits::SSDP_WAITING_EACH);
        let other = letter([10, 0, 0, 10], 1);
        outbox.post(&other, Instant::now(), WINDOW, &mut dice);
        assert_eq!(outbox.waiting.len(), limits::SSDP_WAITING_EACH + 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_lost_and_not_kept() {
        let (mut outbox, mut dice) = (Outbox::default(), Dice::seeded(1));
        for last in 0..=255 {
            let flood = letter([10, 0, 0, last], 1);
            outbox.post(&flood, Instant::now(), WINDOW, &mut dice);
        }
        assert_eq!(outbox.waiting.len(), limits::SSDP_WAITING);
    }
}
