//! How often askers are answered: each so many times a second, and all of them together not much
//! more often. Who floods the box, with whatever addresses, costs it a look at each datagram.
//!
//! Askers are counted in places that are chosen by their address, of which there is a fixed number.
//! Those who happen to share one share its answers, which others cannot arrange: the choice is
//! another one in each second. Only who uses up the answers of all keeps others from theirs.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Answers to one asker in a second. `hdhomerun_config` looks for the box before each variable that it
/// reads, and a script reads them all, one after the other.
const EACH: u16 = 200;

/// Answers to all in a second.
const ALL: u16 = 1_000;

/// Places in which askers are counted.
const PLACES: usize = 256;

const SECOND: Duration = Duration::from_secs(1);

/// Counts answers.
#[derive(Debug)]
pub(super) struct Throttle {
    since: Instant,
    choice: RandomState,
    answers: Box<[u16; PLACES]>,
    all: u16,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            choice: RandomState::new(),
            answers: Box::new([0; PLACES]),
            all: 0,
        }
    }

    /// Whether an asker is answered once more.
    pub(super) fn admits(&mut self, asker: IpAddr) -> bool {
        if self.since.elapsed() >= SECOND {
            *self = Self::new();
        }
        let place = self.choice.hash_one(asker) % PLACES as u64;
        let place = usize::try_from(place).unwrap_or_default();
        let Some(answers) = self.answers.get_mut(place) else {
            return false;
        };
        let is_admitted = *answers < EACH && self.all < ALL;
        if is_admitted {
            *answers += 1;
            self.all += 1;
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, EACH, SECOND, Throttle};
    use std::net::{IpAddr, Ipv4Addr};
    use tokio::time::advance;

    fn asker(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_all_the_time_keeps_hardly_anybody_from_an_answer() {
        let mut throttle = Throttle::new();
        let admitted = (0..10_000).filter(|_| throttle.admits(asker(1))).count();
        assert_eq!(admitted, usize::from(EACH));
        // Those few may share a place with it.
        let others = (2..102).filter(|one| throttle.admits(asker(*one))).count();
        assert!(others > 90, "{others}");
        advance(SECOND).await;
        assert!(throttle.admits(asker(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_asks_ten_times_each_leaves_room_for_others() {
        let mut throttle = Throttle::new();
        for _ in 0..10 {
            for number in 0..80 {
                assert!(throttle.admits(asker(number)));
            }
        }
        assert!(throttle.admits(asker(1_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_get_no_more_than_all_do() {
        let mut throttle = Throttle::new();
        let answered = (0..100_000)
            .filter(|number| throttle.admits(asker(*number)))
            .count();
        assert_eq!(answered, usize::from(ALL));
        advance(SECOND).await;
        assert!(throttle.admits(asker(100_000)));
    }
}
